//! The laws of rating, on random books: against an independent rater, and against themselves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // in helpers, too, a test fails by panicking

mod laws;
mod naive;
mod no_panic;
mod random_book;
mod throughput;
