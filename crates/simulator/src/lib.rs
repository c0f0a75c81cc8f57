//! Simulated model providers that speak the vendors' real wire formats: for demo, tests and benchmarks.
//!
//! Lives here: the `openai-chat` and `anthropic-messages` providers ([`serve`]), their faults ([`Faults`]), the truth
//! of what was served ([`TruthRecord`]), and readers of real traces ([`trace`]).
//! Not here: anything of the gateway. The wire formats are written a second time on purpose, without the `dialects`
//! crate, so that a test of the one against the other confirms more than itself.
//!
//! A request says in its body field `simulate` what is to be served ([`Directive`]):
//! `{"simulate":{"input_tokens":4808,"output_tokens":500,"fault":"reset_mid:5"}}`. Without it the input is counted, the
//! output derived from seed, model and prompt: the same request gets the same answer.

mod answer;
mod anthropic;
mod config;
mod directive;
mod fault;
mod image;
#[cfg(test)]
mod laws;
mod openai;
mod play;
mod prompt;
mod refusal;
mod request;
mod rng;
mod schema;
mod script;
mod server;
mod service;
mod story;
mod tamper;
pub mod trace;
mod truth;
mod usage;
mod wire;
mod words;

pub use config::{Billing, SimConfig};
pub use directive::Directive;
pub use fault::{Bills, Fault, FaultInfo, Faults, fault_help, fault_table};
pub use server::{SimHandle, serve};
pub use truth::{Ended, Received, TruthRecord};
