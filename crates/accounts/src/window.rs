//! Which window an instant falls into. Windows of one budget never overlap and leave no gap.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ledger::UnixMicros;

use crate::Window;

/// From an instant to an instant, the end not included; in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Bounds {
    /// All time: what `total` has, and what is left where the calendar ends.
    pub(crate) const EVER: Self = Self { start: i64::MIN, end: i64::MAX };

    pub(crate) const fn has(&self, at: UnixMicros) -> bool {
        self.start <= at.0 && at.0 < self.end
    }

    /// The window of an instant.
    pub(crate) fn of(window: Window, zone: &TimeZone, at: UnixMicros) -> Self {
        let Ok(instant) = Timestamp::from_microsecond(at.0) else {
            return Self::EVER; // beyond the year 9999
        };
        match window {
            Window::Total => Self::EVER,
            Window::Hour => hour(zone, instant),
            Window::Day => days(zone, instant, |date| date, |date| date.tomorrow().ok()),
            Window::Week => days(zone, instant, monday, |date| date.checked_add(Span::new().days(7)).ok()),
            Window::Month => {
                days(zone, instant, Date::first_of_month, |date| date.checked_add(Span::new().months(1)).ok())
            }
        }
    }
}

fn monday(date: Date) -> Date {
    let since = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(Span::new().days(since)).unwrap_or(date)
}

/// The window made of whole days that `instant` is in: from the first instant of one date to that of the next.
fn days(
    zone: &TimeZone,
    instant: Timestamp,
    first: fn(Date) -> Date,
    next: fn(Date) -> Option<Date>,
) -> Bounds {
    let mut from = first(zone.to_datetime(instant).date());
    loop {
        let to = next(from);
        let end = to.map_or(i64::MAX, |to| midnight(zone, to));
        match to {
            // A date that comes back (clocks set back over midnight): what follows midnight is the next day's.
            Some(to) if end <= instant.as_microsecond() => from = to,
            _ => return Bounds { start: midnight(zone, from), end },
        }
    }
}

/// The first instant of a date: its midnight; where clocks skip it, the first instant after the gap; where it comes
/// twice, the first.
fn midnight(zone: &TimeZone, date: Date) -> i64 {
    zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().map_or(i64::MIN, Timestamp::as_microsecond)
}

/// The hour of the zone's clock. Where the clock shifts by a part of an hour, the hour is cut there.
fn hour(zone: &TimeZone, instant: Timestamp) -> Bounds {
    const HOUR: i64 = 3_600_000_000;
    let phase = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1_000_000 % HOUR;
    let ours = phase(instant);
    let at = instant.as_microsecond();
    let start = (at + ours).div_euclid(HOUR) * HOUR - ours;
    let mut bounds = Bounds { start, end: start + HOUR };
    // Changes up to and with this instant: `preceding` leaves its own argument out.
    let after_instant = Timestamp::from_microsecond(at + 1).unwrap_or(instant);
    if let Some(before) = zone.preceding(after_instant).next() {
        let change = before.timestamp().as_microsecond();
        let shifted = Timestamp::from_microsecond(change - 1).is_ok_and(|before| phase(before) != ours);
        if shifted && change > bounds.start {
            bounds.start = change;
        }
    }
    if let Some(after) = zone.following(instant).next() {
        let change = after.timestamp().as_microsecond();
        if phase(after.timestamp()) != ours && change < bounds.end {
            bounds.end = change;
        }
    }
    bounds
}
