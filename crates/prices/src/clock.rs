//! Wall clocks: which hours and which days a rate is for, read in its own zone. Days are counted from 1970-01-01
//! and times in seconds, so that everything after the zone's offset is integer arithmetic.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Holidays and make-up workdays, as days since 1970-01-01, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub holidays: Vec<i64>,
    pub workdays: Vec<i64>,
}

/// Which days.
#[derive(Clone, Debug)]
pub(crate) enum Days {
    /// Monday to Friday without the holidays, and the make-up workdays.
    Workday(Arc<Calendar>),
    /// Every other day.
    Restday(Arc<Calendar>),
    /// Named weekdays, Monday the lowest bit; no calendar changes them.
    Weekdays(u8),
}

impl Days {
    /// The day (since 1970-01-01) is one of these.
    pub fn hold(&self, day: i64) -> bool {
        match self {
            Self::Workday(calendar) => is_workday(calendar, day),
            Self::Restday(calendar) => !is_workday(calendar, day),
            Self::Weekdays(mask) => mask & (1 << weekday(day)) != 0,
        }
    }

    /// The days on which this does not go by the weekday alone.
    pub fn special(&self) -> impl Iterator<Item = i64> + '_ {
        let calendar = match self {
            Self::Workday(calendar) | Self::Restday(calendar) => Some(calendar),
            Self::Weekdays(_) => None,
        };
        calendar.into_iter().flat_map(|c| c.holidays.iter().chain(&c.workdays).copied())
    }
}

fn is_workday(calendar: &Calendar, day: i64) -> bool {
    if calendar.workdays.binary_search(&day).is_ok() {
        return true;
    }
    weekday(day) < 5 && calendar.holidays.binary_search(&day).is_err()
}

/// 0 is Monday: 1970-01-01 was a Thursday.
const fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// The hours and days of a rate, and the zone they are read in.
#[derive(Clone, Debug)]
pub(crate) struct WallClock {
    pub zone: Zone,
    /// Half-open spans in seconds of the day, sorted, apart from each other; the whole day if nothing was said.
    pub hours: Vec<(i64, i64)>,
    /// `None`: every day.
    pub days: Option<Days>,
}

impl WallClock {
    /// The reading (of this clock's zone) is within the hours and days.
    pub fn hold(&self, reading: Reading) -> bool {
        self.hours.iter().any(|(from, to)| (*from..*to).contains(&reading.second))
            && self.days.as_ref().is_none_or(|days| days.hold(reading.day))
    }
}

/// A time zone by its IANA name. Always from the tables compiled in: the machine's own may differ.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub rules: TimeZone,
    name: Arc<str>,
}

impl Zone {
    /// `None`: no zone of that name.
    pub fn named(name: &str) -> Option<Self> {
        let rules = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())?;
        Some(Self { name: Arc::from(rules.iana_name()?), rules })
    }

    /// What a clock of this zone shows.
    pub fn read(&self, at: Timestamp) -> Reading {
        // Before 1970 jiff's seconds are cut towards zero and its fraction is negative.
        let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
        Reading::of(second, self.rules.to_offset(at).seconds())
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// What a wall clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Seconds since midnight by the clock.
    pub second: i64,
}

impl Reading {
    fn of(unix_second: i64, offset: i32) -> Self {
        let local = unix_second + i64::from(offset);
        Self { day: local.div_euclid(DAY), second: local.rem_euclid(DAY) }
    }
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: Date) -> Option<i64> {
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(midnight.as_second().div_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        day_number(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn days_are_counted_from_1970_and_weekdays_from_monday() {
        assert_eq!((day("1970-01-01"), day("1969-12-31"), day("2026-11-23")), (0, -1, 20_780));
        // 2026-11-23 is a Monday (price_cases.json, case peak-at-09), 1969-12-28 was a Sunday.
        assert_eq!((weekday(day("2026-11-23")), weekday(day("1969-12-28"))), (0, 6));
    }

    #[test]
    fn make_up_days_and_holidays_move_workdays_but_not_weekday_names() {
        let calendar =
            Arc::new(Calendar { holidays: vec![day("2026-10-06")], workdays: vec![day("2026-10-10")] });
        let (tuesday_off, saturday_on, sunday) = (day("2026-10-06"), day("2026-10-10"), day("2026-10-11"));
        let work = Days::Workday(Arc::clone(&calendar));
        assert_eq!([tuesday_off, saturday_on, sunday].map(|d| work.hold(d)), [false, true, false]);
        let rest = Days::Restday(calendar);
        assert_eq!([tuesday_off, saturday_on, sunday].map(|d| rest.hold(d)), [true, false, true]);
        let names = Days::Weekdays(0b010_0010); // Tuesday, Saturday
        assert_eq!([tuesday_off, saturday_on, sunday].map(|d| names.hold(d)), [true, true, false]);
    }

    #[test]
    fn a_clock_is_read_in_its_zone_before_1970_and_on_both_sides_of_a_change() {
        let shanghai = Zone::named("Asia/Shanghai").unwrap();
        let read = |zone: &Zone, at: &str| {
            let reading = zone.read(at.parse().unwrap());
            (reading.day, reading.second)
        };
        assert_eq!(read(&shanghai, "2026-11-23T00:59:59.999Z"), (20_780, 8 * 3600 + 59 * 60 + 59));
        assert_eq!(read(&shanghai, "1969-12-31T15:59:59.5Z"), (-1, DAY - 1));
        // New York left summer time on 2026-11-01 at 06:00Z: 01:59:59 is followed by 01:00:00.
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(read(&new_york, "2026-11-01T05:59:59Z").1, 2 * 3600 - 1);
        assert_eq!(read(&new_york, "2026-11-01T06:00:00Z").1, 3600);
        assert!(Zone::named("Asia/Bejing").is_none() && Zone::named("+08:00").is_none());
    }
}
