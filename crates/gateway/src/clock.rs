//! The wall clock, read in one place. Durations are measured by the monotonic clock instead.

use ledger::UnixMicros;

/// Now. A clock set before 1970 reads as 1970.
pub fn now() -> UnixMicros {
    UnixMicros(jiff::Timestamp::now().as_microsecond().max(0))
}

/// The instants of an attempt as a price book reads them; `None`: outside of years −9999 to 9999.
pub(crate) fn moment(opened: UnixMicros, ended: UnixMicros) -> Option<prices::Moment> {
    let instant = |at: UnixMicros| jiff::Timestamp::from_microsecond(at.0).ok();
    Some(prices::Moment { opened: instant(opened)?, ended: instant(ended)? })
}
