//! Reports over the ledger: how many tokens, what they cost, what is happening now.
//!
//! Lives here: the record of an attempt as programs read it ([`CallRecord`]), the figures of a period
//! ([`volume`], [`cost`]), the live view of the last minutes ([`Live`]), filters, and their renderings.
//! Time is given: nothing here reads a clock. Not here: argument parsing (`tollhouse`), HTTP (`console`), where
//! entries are stored (`ledger`).

// `serialize_with` is handed references, whatever their size.
#![allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option)]

mod csv;
mod dimension;
mod error;
mod filter;
mod fold;
mod live;
mod record;
mod render;
mod story;
mod sums;
mod time;

pub use csv::cell as csv_cell;
pub use dimension::By;
pub use error::QueryError;
pub use filter::Filter;
pub use fold::{Measure, Query, Report, Row, Scan, cost, volume};
pub use live::{Cursor, Live, LiveLimits, LiveView};
pub use record::{AmountRecord, CallRecord, ForesightRecord, RecordKind};
pub use render::{Format, RECORD_COLUMNS, record_cells};
pub use story::CallStory;
pub use sums::{Money, Sums, TokenSums};
pub use time::{instant, rfc3339};

/// Labels are shared text, as in the ledger.
type Name = std::sync::Arc<str>;
