//! The binary: commands, and the composition of a running gateway. What a command *does* lives in the crates below;
//! here is only how it is asked for, put together and shown.
//!
//! Exit codes: 0 done · 1 the answer is no · 2 wrong use · 3 could not.

mod bench;
mod cli;
mod commands;
mod failure;
mod house;
mod logging;
mod output;
mod replay;
mod simulated;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;

/// A call allocates some hundred small pieces on one thread and frees many on another; the system's allocator took a
/// sixth of its CPU time (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come as errors that go to standard output.
            let wrong = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if wrong { 2 } else { 0 });
        }
    };
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS, // `tollhouse calls | head` is no failure
        Err(failure) => {
            output::complain(&failure);
            failure.exit.into()
        }
    }
}
