//! Wire formats: requests, answers, streams and errors of each dialect, and what usage they report.
//!
//! Lives here: everything that names a vendor's field, header, event or error code. One module per dialect
//! (`openai_chat`, `anthropic_messages`; others come beside them), one row per provider ([`QUIRKS`]).
//! Pure: no I/O, no clock, no runtime; a function that needs the time is given it.
//! Not here: prices, budgets, which offer to choose, connections, timeouts.
//!
//! The way of a call: [`decode`] → [`Request::upstream_body`] → [`StreamMachine`] or [`read_whole`] → [`Outcome`];
//! when the provider refuses, [`classify()`]; what the gateway says itself, [`render_error`].

mod answer;
mod anthropic_messages;
mod bad_request;
mod classify;
mod classify_table;
mod dialect;
mod error;
mod fields;
mod json;
mod openai_chat;
mod quirks;
mod render;
mod request;
mod splice;
mod sse;
mod stream;
mod survey;
mod texts;
mod usage;
mod whole;

pub use answer::{Outcome, is_cut_by_limit};
pub use bad_request::BadRequest;
pub use classify::classify;
pub use dialect::{Dialect, UnknownDialect};
pub use error::{Billed, ErrorClass, ProviderError, Retry};
pub use quirks::{Auth, Hangup, QUIRKS, Quirk, UsageStyle, quirk};
pub use render::{ErrorBody, ModelInfo, models_list, render_error, render_stream_error};
pub use request::{Facts, Needs, Request, decode};
pub use stream::{EVENT_MAX, Progress, StreamMachine};
pub use texts::{Counted, Texts};
pub use usage::{Flag, Flags, Usage};
pub use whole::{BodyShape, read_whole, sniff};
