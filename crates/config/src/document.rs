//! A configuration's text, parsed, and the problems noted at its places.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::problem::{Problem, Severity, Wrong};

/// What the parser says of a key that is written twice.
const DUPLICATE: &str = "duplicate key";

/// A file's text and what was found wrong with it.
pub(crate) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
    /// Lines that are no TOML: whatever else seems wrong in them follows from that.
    garbled: RefCell<BTreeSet<u32>>,
    /// Rows of the schema that were asked for: a test holds them against the table.
    pub asked: RefCell<BTreeSet<(&'static str, &'static str)>>,
}

/// Where something stands: its path and its bytes.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub path: String,
    pub span: Range<usize>,
}

impl<'a> Document<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            garbled: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// Notes a problem that keeps the gateway from starting.
    pub fn error(&self, at: &At, wrong: Wrong) {
        self.note(Severity::Error, at, wrong);
    }

    /// Notes a problem that does not.
    pub fn warning(&self, at: &At, wrong: Wrong) {
        self.note(Severity::Warning, at, wrong);
    }

    fn note(&self, severity: Severity, at: &At, Wrong { message, fix }: Wrong) {
        let (line, column) = self.place(at);
        let (file, key) = (self.file.to_owned(), at.path.clone());
        self.problems.borrow_mut().push(Problem { severity, file, line, column, key, message, fix });
    }

    /// Line and column, from 1.
    fn place(&self, at: &At) -> (u32, u32) {
        let before = self.text.get(..at.span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The problems, in the order of the file; those of one place in the order found.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.borrow().clone();
        let garbled = self.garbled.borrow();
        problems.retain(|it| it.key.is_empty() || !garbled.contains(&it.line));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let mut seen: Vec<Problem> = vec![];
        for problem in problems {
            if !seen.contains(&problem) {
                seen.push(problem);
            }
        }
        seen
    }

    /// Some line is no TOML: what seems to be missing may stand in it.
    pub fn is_garbled(&self) -> bool {
        !self.garbled.borrow().is_empty()
    }

    /// The rows of the schema that were asked for.
    #[cfg(test)]
    pub fn asked(&self) -> BTreeSet<(&'static str, &'static str)> {
        self.asked.borrow().clone()
    }

    /// Parses the text. What cannot be read is noted; the rest is still there to be checked.
    pub fn parse(&self) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = At { path: String::new(), span: error.span().unwrap_or(0..0) };
            let fix = if error.message() == DUPLICATE {
                "write it once"
            } else {
                self.garbled.borrow_mut().insert(self.place(&at).0);
                "write this line as TOML 1.0 has it; strings stand in double quotes"
            };
            self.error(&at, Wrong::new(format!("this is no TOML: {}", error.message()), fix));
        }
        table
    }
}
