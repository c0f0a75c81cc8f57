//! Reading a document: sections whose values come out typed, while every mistake is noted with its place.
//!
//! Knows the schema and how values are written; does not know what a configuration means (`load`).

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::{At, Document};
use crate::problem::Wrong;
use crate::schema::{self, Default, Key, Shape, Standing};
use crate::words::Word;

/// A table of the document under its schema.
#[derive(Clone)]
pub(crate) struct Section<'d> {
    pub document: &'d Document<'d>,
    /// Its name in the schema.
    schema: String,
    /// The name it was given (`NAME` in the schema), empty where there is none.
    pub name: String,
    at: At,
    /// `None`: it is not written, and only defaults speak.
    table: Option<&'d DeTable<'d>>,
}

impl<'d> Section<'d> {
    /// The top of the file.
    pub fn root(document: &'d Document<'d>, table: &'d DeTable<'d>) -> Self {
        let at = At { path: String::new(), span: 0..0 };
        Self::opened(document, String::new(), String::new(), at, Some(table))
    }

    fn opened(
        document: &'d Document<'d>,
        schema: String,
        name: String,
        at: At,
        table: Option<&'d DeTable<'d>>,
    ) -> Self {
        let section = Self { document, schema, name, at, table };
        for key in table.into_iter().flat_map(DeTable::keys) {
            section.check_is_known(key);
        }
        section
    }

    fn check_is_known(&self, key: &Spanned<std::borrow::Cow<'_, str>>) {
        let written = key.get_ref().as_ref();
        if schema::names(&self.schema).any(|known| known == written) {
            return;
        }
        let place = match self.at.path.as_str() {
            "" => "at the top of the file".to_owned(),
            path => format!("in [{path}]"),
        };
        let fix = match nearest(written, schema::names(&self.schema)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "remove it; known here: {}",
                schema::names(&self.schema).collect::<Vec<_>>().join(", ")
            ),
        };
        let at = At { path: self.path_of(written), span: key.span() };
        self.document.error(&at, Wrong::new(format!("unknown key `{written}` {place}"), fix));
    }

    fn path_of(&self, key: &str) -> String {
        let bare = !key.is_empty() && key.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.at.path.is_empty() { key } else { format!("{}.{key}", self.at.path) }
    }

    /// The section itself, for problems that are no single key's.
    pub fn here(&self) -> &At {
        &self.at
    }

    /// A list is written at the key, with nothing in it.
    pub fn is_empty_list(&self, key: &str) -> bool {
        self.written(key).and_then(|it| it.get_ref().as_array()).is_some_and(|items| items.is_empty())
    }

    /// Where a key's value stands, or where the section does when it is not written.
    pub fn at(&self, key: &str) -> At {
        let span = self.written(key).map_or_else(|| self.at.span.clone(), Spanned::span);
        At { path: self.path_of(key), span }
    }

    /// The item of a list.
    pub fn at_item(&self, key: &str, nth: usize) -> At {
        let items = self.written(key).and_then(|it| it.get_ref().as_array());
        let span = items.and_then(|items| items.get(nth)).map_or_else(|| self.at(key).span, Spanned::span);
        At { path: format!("{}[{nth}]", self.path_of(key)), span }
    }

    /// Notes an error at a key.
    pub fn error(&self, key: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.document.error(&self.at(key), Wrong::new(message, fix));
    }

    /// Notes a warning at a key.
    pub fn warning(&self, key: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.document.warning(&self.at(key), Wrong::new(message, fix));
    }

    /// The key is written.
    pub fn has(&self, key: &str) -> bool {
        self.written(key).is_some()
    }

    /// The text at a key, as it is, with nothing noted.
    pub fn peek(&self, key: &str) -> Option<&'d str> {
        self.written(key).and_then(|value| value.get_ref().as_str())
    }

    /// The texts of a list, as they are, with nothing noted.
    pub fn peek_items(&self, key: &str) -> Option<Vec<&'d str>> {
        let items = self.written(key)?.get_ref().as_array()?;
        Some(items.iter().filter_map(|item| item.get_ref().as_str()).collect())
    }

    fn written(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.and_then(|table| table.get(key))
    }

    fn row(&self, key: &str) -> Option<&'static Key> {
        let row = schema::key(&self.schema, key);
        debug_assert!(row.is_some(), "[{}] {key} is not in the schema", self.schema);
        if let Some(row) = row {
            self.document.asked.borrow_mut().insert((row.section, row.name));
        }
        row
    }

    /// The section under a key; empty when it is not written.
    pub fn table(&self, key: &str) -> Section<'d> {
        let written = self.value(key).map(|(_, value)| value);
        let table = written.and_then(DeValue::as_table);
        self.refuse_other_than(Shape::Table, key, written, table.is_some());
        self.child(key, String::new(), self.at(key), table)
    }

    /// The tables of a list.
    pub fn list(&self, key: &str) -> Vec<Section<'d>> {
        let written = self.value(key).map(|(_, value)| value);
        let items = written.and_then(DeValue::as_array);
        self.refuse_other_than(Shape::List, key, written, items.is_some());
        if items.is_some_and(|items| items.is_empty()) && self.row(key).is_some_and(is_required) {
            self.error(key, "is empty", format!("write at least one [[{}]]", self.path_of(key)));
        }
        let mut sections = vec![];
        for (nth, item) in items.into_iter().flat_map(|items| items.iter()).enumerate() {
            let at = self.at_item(key, nth);
            let table = item.get_ref().as_table();
            if table.is_none() {
                self.document.error(&at, mistyped(Shape::Table, item.get_ref()));
            }
            sections.push(self.child(key, String::new(), at, table));
        }
        sections
    }

    /// The tables by name under a key.
    pub fn named(&self, key: &str) -> Vec<Section<'d>> {
        let written = self.value(key).map(|(_, value)| value);
        let tables = written.and_then(DeValue::as_table);
        self.refuse_other_than(Shape::Named, key, written, tables.is_some());
        let mut sections = vec![];
        for (name, value) in tables.into_iter().flat_map(DeTable::iter) {
            let parent = Section { at: self.at(key), ..self.clone() };
            let at = At { path: parent.path_of(name.get_ref()), span: value.span() };
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.document.error(&at, mistyped(Shape::Table, value.get_ref()));
            }
            sections.push(self.child(key, name.get_ref().to_string(), at, table));
        }
        sections
    }

    fn refuse_other_than(&self, shape: Shape, key: &str, written: Option<&DeValue<'_>>, fits: bool) {
        if let (Some(value), false) = (written, fits) {
            let mut wrong = mistyped(shape, value);
            if shape == Shape::List {
                wrong.fix = format!("write [[{}]]", self.path_of(key));
            }
            self.document.error(&self.at(key), wrong);
        }
    }

    fn child(&self, key: &str, name: String, at: At, table: Option<&'d DeTable<'d>>) -> Section<'d> {
        let schema = schema::key(&self.schema, key).and_then(Key::opens).unwrap_or_default();
        Self::opened(self.document, schema, name, at, table)
    }

    /// What is written at a key. A required key that is missing and a key that does nothing yet are noted.
    fn value(&self, key: &str) -> Option<(&'static Key, &'d DeValue<'d>)> {
        let row = self.row(key)?;
        let Some(value) = self.written(key) else {
            if is_required(row) && self.table.is_some() && !self.document.is_garbled() {
                self.error(key, "is missing", format!("add it: {}", example_line(row)));
            }
            return None;
        };
        match row.standing {
            Standing::Works | Standing::Only(_) => {}
            Standing::Idle(instead) => {
                self.warning(
                    key,
                    format!("has no effect yet: {instead}"),
                    "remove it, or leave it for later",
                );
            }
            Standing::Refused => self.error(key, "is not available in this version", "remove it"),
        }
        Some((row, value.get_ref()))
    }

    /// The value of a key, or its default, through `parse`. `None`: absent, or wrong and noted.
    pub fn scalar<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let row = self.row(key)?;
        let text = match (self.value(key), row.default) {
            (Some((row, value)), _) => self.text_of(row, value)?,
            (None, Default::Text(text)) => text.to_owned(),
            (None, Default::Count(count)) => count.to_string(),
            (None, Default::Flag(flag)) => flag.to_string(),
            (None, Default::Required | Default::Nothing) => return None,
        };
        match parse(&text) {
            Ok(parsed) if self.works(row, &text) => Some(parsed),
            Ok(_) => None,
            Err(wrong) => {
                self.document.error(&self.at(key), wrong);
                None
            }
        }
    }

    /// Whether the value does something in this version; noted when not.
    fn works(&self, row: &Key, text: &str) -> bool {
        let (works, fix) = match row.standing {
            Standing::Works | Standing::Idle(_) | Standing::Refused => return true,
            Standing::Only(values) => {
                (values.contains(&text), format!("remove it, or write {}", quoted(row, values)))
            }
        };
        if !works {
            self.error(row.name, format!("`{text}` is not available in this version"), fix);
        }
        works
    }

    /// The text that a scalar of the row's shape is parsed from.
    fn text_of(&self, row: &Key, value: &DeValue<'_>) -> Option<String> {
        let text = match (value, row.shape) {
            (DeValue::Boolean(flag), Shape::Flag) => flag.to_string(),
            (DeValue::Integer(count), Shape::Count(..) | Shape::Degrees(..)) => {
                return self.integer(row, count);
            }
            (DeValue::Float(number), Shape::Degrees(..)) => number.as_str().to_owned(),
            (DeValue::Datetime(instant), Shape::Time) => instant.to_string(),
            (_, Shape::Flag | Shape::Count(..) | Shape::Degrees(..)) => {
                self.document.error(&self.at(row.name), mistyped(row.shape, value));
                return None;
            }
            (DeValue::String(text), _) => text.to_string(),
            _ => {
                self.document.error(&self.at(row.name), mistyped(row.shape, value));
                return None;
            }
        };
        Some(text)
    }

    fn integer(&self, row: &Key, count: &toml::de::DeInteger<'_>) -> Option<String> {
        let parsed = i64::from_str_radix(count.as_str(), count.radix()).ok();
        if parsed.is_none() {
            self.error(row.name, format!("`{count}` is too large"), "write a smaller number");
        }
        parsed.map(|it| it.to_string())
    }

    /// The items of a list of texts, each through `parse`, with their places. `None`: absent.
    pub fn items<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<Vec<(At, T)>> {
        let row = self.row(key)?;
        let (_, value) = self.value(key)?;
        let Some(items) = value.as_array() else {
            self.document.error(&self.at(key), mistyped(row.shape, value));
            return None;
        };
        let mut found = vec![];
        for (nth, item) in items.iter().enumerate() {
            let at = self.at_item(key, nth);
            match item.get_ref() {
                DeValue::String(text) => match parse(text) {
                    Ok(parsed) => found.push((at, parsed)),
                    Err(wrong) => self.document.error(&at, wrong),
                },
                other => self.document.error(&at, mistyped(Shape::Text, other)),
            }
        }
        Some(found)
    }

    /// One of an enum's words.
    pub fn word<T: Word>(&self, key: &str) -> Option<T> {
        self.scalar(key, word)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.scalar(key, |text| Ok(text == "true"))
    }

    /// A whole number within the row's range.
    pub fn count(&self, key: &str) -> Option<u64> {
        let (min, max) = match self.row(key)?.shape {
            Shape::Count(min, max) => (min, max),
            _ => (0, u64::MAX),
        };
        self.scalar(key, |text| match text.parse() {
            Ok(count) if (min..=max).contains(&count) => Ok(count),
            _ => Err(Wrong::new(
                format!("{text} is out of range"),
                format!("write a whole number from {min} to {max}"),
            )),
        })
    }

    /// A number of degrees within the row's range.
    pub fn degrees(&self, key: &str) -> Option<f64> {
        let (min, max) = match self.row(key)?.shape {
            Shape::Degrees(min, max) => (f64::from(min), f64::from(max)),
            _ => (f64::MIN, f64::MAX),
        };
        self.scalar(key, |text| match text.parse() {
            Ok(degrees) if (min..=max).contains(&degrees) => Ok(degrees),
            _ => Err(Wrong::new(
                format!("{text} is out of range"),
                format!("write a number from {min} to {max}"),
            )),
        })
    }
}

/// One of an enum's words, or which there are.
pub(crate) fn word<T: Word>(text: &str) -> Result<T, Wrong> {
    let found = T::NAMES.iter().zip(T::ALL).find(|(name, _)| **name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let fix = match nearest(text, T::NAMES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", T::NAMES.join(", ")),
        };
        Wrong::new(format!("unknown value `{text}`"), fix)
    })
}

/// The candidate that was probably meant.
pub(crate) fn nearest<'c>(written: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (written.chars().count() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

fn is_required(row: &Key) -> bool {
    row.default == Default::Required
}

fn mistyped(shape: Shape, value: &DeValue<'_>) -> Wrong {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    Wrong::new(
        format!("must be {}, not {article} {kind}", shape.describe()),
        format!("write it like {}", shape.example()),
    )
}

fn example_line(row: &Key) -> String {
    match (row.shape, row.section) {
        (Shape::List, "") => format!("[[{}]]", row.name),
        (Shape::Named, "") => format!("[{}.NAME]", row.name),
        (Shape::List, section) => format!("[[{section}.{}]]", row.name),
        _ => format!("{} = {}", row.name, row.shape.example()),
    }
}

fn quoted(row: &Key, values: &[&str]) -> String {
    let quote =
        |value: &&str| if row.shape == Shape::Flag { (*value).to_owned() } else { format!("{value:?}") };
    values.iter().map(quote).collect::<Vec<_>>().join(" or ")
}
