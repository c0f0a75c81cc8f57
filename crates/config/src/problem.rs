//! What is wrong with a configuration: where, what, and what to do about it.

use std::fmt;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The gateway does not start with this (or keeps what it runs with, on a reload).
    Error,
    /// The gateway starts; the operator is told.
    Warning,
}

/// One mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the gateway starts all the same.
    pub severity: Severity,
    /// The file as it was named by the caller.
    pub file: String,
    /// Line in it, from 1; 0 when the problem is no line's (a file that is missing).
    pub line: u32,
    /// Column in characters, from 1; 0 together with `line`.
    pub column: u32,
    /// The key as a dotted path, list items counted from 0: `offers[2].site`. Empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// Two lines: `tollhouse.toml:12: offers[2].site: unknown site …` and `  fix: …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n  fix: {}", self.message, self.fix)
    }
}

/// A value that cannot be what it should be; the reader adds the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub message: String,
    pub fix: String,
}

impl Wrong {
    pub fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { message: message.into(), fix: fix.into() }
    }
}
