//! The published benchmarks.

use crate::cli::Bench;
use crate::failure::Outcome;

mod gateway;
mod load;
mod peers;

/// Runs a benchmark.
pub fn run(bench: Bench) -> Outcome {
    match bench {
        Bench::Gateway(args) => gateway::run(&args),
    }
}
