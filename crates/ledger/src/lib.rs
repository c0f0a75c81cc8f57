//! The append-only truth: entries, blocks, durability, recovery, scans.
//!
//! Not here: what entries mean for budgets (`accounts`) or for reports (`reports`); any clock.

pub mod block;
pub mod disk;
mod entry;
mod error;
mod handle;
mod ids;
mod recovery;
mod scan;
mod segment;
mod shared;
pub mod sim;
mod waiters;
mod writer;

pub use disk::{Disk, RealDisk};
pub use entry::{
    AdminAction, AttemptStatus, BudgetAmount, BudgetSet, Entry, EntryBody, Foreseen, Labels, Name,
    OfferLabels, Opened, Refused, Settled, name,
};
pub use error::{DiskError, LedgerError};
pub use handle::{BUDGETS_MAX, ENTRY_MAX, Ledger, Options, Status, Ticket};
pub use ids::{AttemptId, CallId, Seq, UnixMicros};
pub use recovery::Recovery;
pub use scan::{ScanReport, scan, scan_blocks, scan_from};
pub use segment::{Damage, Position};
pub use writer::Observer;
