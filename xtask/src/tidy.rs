//! `cargo xtask tidy`: the rules that are this project's own, held as a test.
//!
//! Each rule is a module: it takes the [`Tree`] and returns findings. A rule's exceptions stand in a table beside
//! it, with the reason. Not here: what rustfmt, clippy or rustdoc already say.

mod boundaries;
mod documents;
mod sizes;
mod tree;
mod words;

use std::fmt;

use crate::run::{Done, Failure};
use tree::Tree;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    file: String,
    /// 0: the file as a whole.
    line: usize,
    what: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Holds every rule against the repository.
pub fn command() -> Done {
    let tree = Tree::read()?;
    let mut findings: Vec<Finding> = [sizes::check, boundaries::check, words::check, documents::check]
        .iter()
        .flat_map(|rule: &fn(&Tree) -> Vec<Finding>| rule(&tree))
        .collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", tree.files.len(), findings.len());
    if findings.is_empty() { Ok(()) } else { Err(Failure::new("tidy: the lines above break a rule")) }
}
