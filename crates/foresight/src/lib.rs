//! Where it will stop: quantiles of an attempt's output tokens, learnt online from the attempts before it.
//!
//! Pure: no I/O, no clock. Constant time and bounded memory whatever the traffic. Estimates may use floats: no money
//! and no count of tokens that was *used* is ever computed here.
//! Not here: what a foreseen length costs (`gateway`), whether the user stops (a later instrument of this crate).

mod histogram;
mod predictor;

pub use predictor::{Context, Foreseen, Foresight};
