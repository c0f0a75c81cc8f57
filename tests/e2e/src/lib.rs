//! The harness of the end-to-end tests: the real binary, a real simulated provider beside it, a client that may
//! hang up at any byte, and the books read back by other code than that which wrote them.
//!
//! Lives here: what several tests need. A test is a file of `tests/`, named after what it shows.
//! Not here: any crate of the gateway but `ledger`, whose reader gives the entries one by one. The rest is asked of
//! the binary, as a user would.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking
#![allow(clippy::print_stderr, clippy::missing_panics_doc, clippy::format_push_string)] // nothing here is hot

pub mod books;
pub mod calls;
pub mod gateway;
pub mod house;
pub mod http;
pub mod process;
pub mod random;
pub mod simulator;

pub use books::Books;
pub use calls::{Call, Dialect};
pub use gateway::Gateway;
pub use house::House;
pub use random::Random;
pub use simulator::{Served, Simulator};

/// A number from the environment, else a default: how often a test repeats itself, and with which seed.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
