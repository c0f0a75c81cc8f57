//! Price books: where they are found, and which plans they have.

use std::io;
use std::path::{Path, PathBuf};

use prices::{Book, Books};

use crate::env::Env;
use crate::problem::Wrong;
use crate::types::BookFile;

include!(concat!(env!("OUT_DIR"), "/built_in_books.rs"));

/// The books of this version's `books/` folder.
pub fn built_in() -> Vec<BookFile> {
    BUILT_IN.iter().map(|(name, json)| BookFile { name: (*name).to_owned(), json: json.to_vec() }).collect()
}

/// The books together, and what is wrong with those that are left out.
pub(crate) fn together(files: &[BookFile]) -> (Books, Vec<Wrong>) {
    let mut wrong = vec![];
    let mut good: Vec<&BookFile> = vec![];
    for file in files {
        match Book::parse(&file.json) {
            Ok(_) => good.push(file),
            Err(error) => wrong.push(refused(&error.in_file(&file.name))),
        }
    }
    loop {
        let parsed = good.iter().filter_map(|file| Some((file.name.clone(), Book::parse(&file.json).ok()?)));
        match Books::new(parsed.collect()) {
            Ok(books) => return (books, wrong),
            Err(error) => {
                wrong.push(refused(&error));
                let before = good.len();
                good.retain(|file| Some(file.name.as_str()) != error.file());
                if good.len() == before {
                    return (Books::default(), wrong);
                }
            }
        }
    }
}

/// A book's own error has its fix on a line of its own.
fn refused(error: &prices::BookError) -> Wrong {
    let text = error.to_string();
    match text.split_once("\n  fix: ") {
        Some((message, fix)) => Wrong::new(format!("price book {message}"), fix),
        None => Wrong::new(format!("price book {text}"), "correct the book, or leave it out"),
    }
}
/// The files that a pattern matches, `*` standing for anything in the file's name.
pub(crate) fn matching(env: &dyn Env, pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = pattern.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return Ok(vec![]);
    };
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let names = match env.list(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
        Err(error) => return Err(error),
    };
    Ok(names.iter().filter(|it| fits(&name, it)).map(|it| pattern.with_file_name(it)).collect())
}

/// `*` in the pattern stands for any text, but at its beginning not for a hidden file's.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    !(pattern.starts_with('*') && text.starts_with('.')) && stars(pattern, text)
}

fn stars(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    text.strip_prefix(head)
        .is_some_and(|rest| (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| stars(tail, rest))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a shell's `ls` has it.
    #[test]
    fn stars_match_as_in_a_shell() {
        for (pattern, text) in
            [("*.json", "a.json"), ("a*.json", "a.json"), ("a*b*c", "a-b-bc"), ("a", "a"), ("*", "x")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("*.json", ".x.json"), ("*.json", "a.jsonl"), ("a*b*c", "acb"), ("a", "ab")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
