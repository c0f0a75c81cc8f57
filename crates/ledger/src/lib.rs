//! The append-only truth: entries, blocks, durability, recovery, scans.
//!
//! Not here: what entries mean for budgets (`accounts`) or for reports (`reports`); any clock.

mod entry;
mod ids;

pub use entry::{
    AdminAction, AttemptStatus, BudgetAmount, BudgetSet, Entry, EntryBody, Foreseen, Labels, OfferLabels, Opened,
    Refused, Settled, name,
};
pub use ids::{AttemptId, CallId, Seq, UnixMicros};
