//! The data plane: the ten steps of a call.
//!
//! `call.rs` reads as the list of steps; each has a file of its own beside it. A call's money is in the hands of a task
//! that outlives its client (`drive.rs`): whatever future is dropped, the attempt is settled.
//!
//! What dropping does: the handler's future dropped (the client left before an answer) closes the channel to the
//! driving task, which cancels or drains by the provider's rule and settles. The answer's body dropped (the client
//! left in mid-stream) does the same. Nothing else owns a hold.
//!
//! Not here: dialects' field names (`dialects`), what a budget is (`accounts`), the admin API (`console`).

mod accept;
mod admit;
mod attempt;
mod call;
mod clock;
mod dispatch;
mod drive;
mod estimate;
mod house;
mod metrics;
mod provider;
mod recover;
mod refusal;
mod relay;
mod service;
mod settle;
mod tier;

pub use clock::now;
pub use house::{House, HouseParts, Lookup, Settings};
pub use metrics::Metrics;
pub use provider::{Provider, ProviderSpec, ProviderSpecError};
pub use recover::{RecoverError, settle_left_open};
pub use service::handle;
