//! How a command ends when it does not end well.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The answer is no.
    No,
    /// Wrong use.
    Wrong,
    /// Could not.
    CouldNot,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Wrong => 2,
            Exit::CouldNot => 3,
        })
    }
}

/// Why a command could not end well: what, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    message: String,
    broken_pipe: bool,
}

impl Failure {
    /// Wrong use.
    pub fn wrong(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Wrong, message: message.to_string(), broken_pipe: false }
    }

    /// Could not.
    pub fn could_not(message: impl fmt::Display) -> Self {
        Self { exit: Exit::CouldNot, message: message.to_string(), broken_pipe: false }
    }

    /// The reader of our output has gone.
    pub fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Errors of writing output. Files name their path themselves.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { exit: Exit::CouldNot, message: format!("cannot write the output: {error}"), broken_pipe }
    }
}

/// What a command gives back.
pub type Outcome = Result<Exit, Failure>;
