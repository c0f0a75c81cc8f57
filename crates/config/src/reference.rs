//! Every key as Markdown: the second half of `docs/configuration.md`.

use std::fmt::Write as _;

use crate::schema::{Default, KEYS, Key, Shape, Standing};

/// The reference of every section and key, from the same table that the reader uses.
pub fn reference() -> String {
    let mut text = String::new();
    let mut last = None;
    for row in KEYS {
        if last != Some(row.section) {
            last = Some(row.section);
            let _ = write!(text, "\n### {}\n\n{}", heading(row.section), columns(row.section));
        }
        let _ = writeln!(text, "{}", line(row));
    }
    text.trim_start().to_owned()
}

fn heading(section: &str) -> String {
    if section.is_empty() {
        return "The top of the file".to_owned();
    }
    let opener = KEYS.iter().find(|row| row.opens().as_deref() == Some(section));
    match opener.map(|row| row.shape) {
        Some(Shape::List) => format!("`[[{section}]]`"),
        _ => format!("`[{section}]`"),
    }
}

fn columns(section: &str) -> &'static str {
    if section.is_empty() {
        "| section | how often | meaning |\n| --- | --- | --- |\n"
    } else {
        "| key | type | default | meaning |\n| --- | --- | --- | --- |\n"
    }
}

fn line(row: &Key) -> String {
    let meaning = format!("{}{}", row.about, standing(row));
    if row.section.is_empty() {
        let often = match (row.shape, row.default == Default::Required) {
            (Shape::List | Shape::Named, true) => "once or more",
            (Shape::List | Shape::Named, false) => "any number",
            (_, _) => "at most once",
        };
        return format!(
            "| `{}` | {often} | {meaning} |",
            row.opens().map_or(row.name.to_owned(), |it| bracketed(row, &it))
        );
    }
    format!("| `{}` | {} | {} | {meaning} |", row.name, kind(row.shape), default(row))
}

fn bracketed(row: &Key, section: &str) -> String {
    if row.shape == Shape::List { format!("[[{section}]]") } else { format!("[{section}]") }
}

/// What the value is: its words, or what it is called and how one is written.
fn kind(shape: Shape) -> String {
    let listed = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match shape {
        Shape::Word(words) => listed(words),
        Shape::Words(words) => format!("list of {}", listed(words)),
        Shape::Kind => listed(&crate::kind::names().collect::<Vec<_>>()),
        Shape::Count(min, max) if max < 1_000 => format!("whole number, {min} to {max}"),
        Shape::Count(min, _) => format!("whole number, at least {min}"),
        Shape::Degrees(min, max) => format!("number, {min} to {max}"),
        Shape::Flag => "`true`, `false`".to_owned(),
        Shape::Table | Shape::List | Shape::Named => shape.describe().to_owned(),
        other => format!("{}, such as `{}`", other.describe(), other.example()),
    }
}

fn default(row: &Key) -> String {
    match row.default {
        Default::Required => "**required**".to_owned(),
        Default::Nothing => "–".to_owned(),
        Default::Text(text) => format!("`\"{text}\"`"),
        Default::Count(count) => format!("`{count}`"),
        Default::Flag(flag) => format!("`{flag}`"),
    }
}

fn standing(row: &Key) -> String {
    let shown = |value: &&str| {
        if row.shape == Shape::Flag { format!("`{value}`") } else { format!("`\"{value}\"`") }
    };
    match row.standing {
        Standing::Works => String::new(),
        Standing::Only(values) => {
            let values = values.iter().map(shown).collect::<Vec<_>>().join(", ");
            format!(" *In this version only {values}; anything else is refused.*")
        }
        Standing::Idle(instead) => format!(" *No effect yet, and warned of: {instead}.*"),
        Standing::Refused => " *Not in this version: refused when written.*".to_owned(),
    }
}
