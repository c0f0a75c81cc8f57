//! Price books: where they are found, and which plans they have.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use prices::Currency;

use crate::env::Env;
use crate::types::BookFile;

include!(concat!(env!("OUT_DIR"), "/built_in_books.rs"));

/// The books of this version's `books/` folder.
pub(crate) fn built_in() -> Vec<BookFile> {
    BUILT_IN.iter().map(|(name, json)| BookFile { name: (*name).to_owned(), json: json.to_vec() }).collect()
}

/// What a configuration must know of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanFacts {
    pub provider: String,
    pub models: Vec<String>,
    /// `None`: any site.
    pub sites: Option<Vec<String>>,
    pub currency: Currency,
}

/// The plans of all books.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub plans: BTreeMap<String, PlanFacts>,
    /// Books that are refused, and why.
    pub wrong: Vec<(String, String)>,
}

impl Shelf {
    pub fn of(files: &[BookFile]) -> Self {
        let mut shelf = Self::default();
        for file in files {
            match read(&file.json) {
                Ok(plans) => shelf.add(file, plans),
                Err(why) => shelf.wrong.push((file.name.clone(), why)),
            }
        }
        shelf
    }

    fn add(&mut self, file: &BookFile, plans: Vec<(String, PlanFacts)>) {
        for (id, facts) in plans {
            if self.plans.contains_key(&id) {
                self.wrong.push((file.name.clone(), format!("its plan `{id}` is in another book already")));
            } else {
                self.plans.insert(id, facts);
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct RawBook {
    plans: Vec<RawPlan>,
}

#[derive(serde::Deserialize)]
struct RawPlan {
    id: String,
    provider: String,
    models: Vec<String>,
    sites: Option<Vec<String>>,
    currency: Currency,
}

fn read(json: &[u8]) -> Result<Vec<(String, PlanFacts)>, String> {
    let book: RawBook = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(book
        .plans
        .into_iter()
        .map(|plan| {
            let RawPlan { id, provider, models, sites, currency } = plan;
            (id, PlanFacts { provider, models, sites, currency })
        })
        .collect())
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
