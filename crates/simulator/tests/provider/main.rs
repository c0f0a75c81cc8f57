//! The simulated providers over real sockets, seen by a raw client.

// The lints let tests unwrap, index and panic; helpers beside them are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// `ask(json!({ … }))` reads better than with a borrow.
#![allow(clippy::needless_pass_by_value)]

mod access;
mod anthropic;
mod client;
mod faults;
mod hangup;
mod openai;
mod usage;
