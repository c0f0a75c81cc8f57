//! One file a command.

mod calls;
mod check;
mod count;
mod demo;
mod key;
mod price;
mod report;
pub mod serve;
mod simulate;

use crate::cli::Command;
use crate::failure::Outcome;

/// Runs a command to its end.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Key(args) => key::run(args),
        Command::Calls(args) => calls::run(&args),
        Command::Report(args) => report::run(args),
        Command::Price(args) => price::run(&args),
        Command::Count(args) => count::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Bench(args) => crate::bench::run(args),
    }
}
