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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    /// Instants in UTC worked out by hand from the zones' rules; each window is looked up at its first and last
    /// microsecond.
    #[test]
    fn windows_begin_and_end_in_the_zone() {
        for (window, zone, start, end) in [
            // Shanghai is UTC+8 all year.
            (Window::Month, "Asia/Shanghai", "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z"),
            (Window::Month, "Asia/Shanghai", "2028-01-31T16:00:00Z", "2028-02-29T16:00:00Z"),
            (Window::Day, "Asia/Shanghai", "2026-11-24T16:00:00Z", "2026-11-25T16:00:00Z"),
            // Monday the 23rd of November 2026.
            (Window::Week, "Asia/Shanghai", "2026-11-22T16:00:00Z", "2026-11-29T16:00:00Z"),
            (Window::Week, "UTC", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
            (Window::Hour, "Asia/Shanghai", "2026-11-25T09:00:00Z", "2026-11-25T10:00:00Z"),
            // New York: UTC-5, and UTC-4 from 2026-03-08 to 2026-11-01, 2 o'clock each.
            (Window::Day, "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"), // 23 hours
            (Window::Day, "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"), // 25 hours
            (Window::Month, "America/New_York", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
            (Window::Month, "America/New_York", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
            (Window::Week, "America/New_York", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"),
            // The hour from 1 to 2 comes twice, as two windows.
            (Window::Hour, "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"),
            (Window::Hour, "America/New_York", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"),
            // Half past, in UTC.
            (Window::Hour, "Asia/Kolkata", "2026-11-25T10:30:00Z", "2026-11-25T11:30:00Z"),
            // Lord Howe goes back by half an hour at 15:00Z, from UTC+11 to UTC+10:30, and forward at 15:30Z.
            (Window::Hour, "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z"),
            (Window::Hour, "Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"),
            (Window::Hour, "Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z"),
            (Window::Hour, "Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"),
            // Santiago skips the midnight of 2026-09-06 (UTC-4 to UTC-3), and repeats the hour before that of 04-05.
            (Window::Day, "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"),
            (Window::Day, "America/Santiago", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let expected = Bounds { start: micros(start), end: micros(end) };
            for at in [expected.start, expected.end - 1] {
                assert_eq!(
                    Bounds::of(window, &zone, UnixMicros(at)),
                    expected,
                    "{window:?} {zone:?} {start}"
                );
            }
        }
        assert_eq!(Bounds::of(Window::Total, &TimeZone::UTC, UnixMicros(0)), Bounds::EVER);
        assert_eq!(Bounds::of(Window::Day, &TimeZone::UTC, UnixMicros(i64::MAX)), Bounds::EVER);
    }

    proptest! {
        /// Windows leave no gap and do not overlap, whatever the clocks of a zone do.
        #[test]
        fn windows_meet(at in micros("1985-01-01T00:00:00Z")..micros("2060-01-01T00:00:00Z"), kind in 0..4_usize, zone in 0..8_usize) {
            let window = [Window::Hour, Window::Day, Window::Week, Window::Month][kind];
            let zone = TimeZone::get(
                ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "America/St_Johns",
                 "Asia/Kathmandu", "Europe/London", "Pacific/Apia"][zone],
            ).unwrap();
            let bounds = Bounds::of(window, &zone, UnixMicros(at));
            prop_assert!(bounds.has(UnixMicros(at)));
            for inside in [bounds.start, bounds.end - 1, i64::midpoint(bounds.start, bounds.end)] {
                prop_assert_eq!(Bounds::of(window, &zone, UnixMicros(inside)), bounds);
            }
            prop_assert_eq!(Bounds::of(window, &zone, UnixMicros(bounds.end)).start, bounds.end);
            prop_assert_eq!(Bounds::of(window, &zone, UnixMicros(bounds.start - 1)).end, bounds.start);
        }
    }
}
