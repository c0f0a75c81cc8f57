//! Instants as text, and text as instants.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use ledger::UnixMicros;

use crate::QueryError;

/// RFC 3339 in UTC with microseconds: `2026-11-24T08:00:00.000000Z`. An instant outside of the years
/// −9999…9999 (a garbled clock) is written as its microseconds.
pub fn rfc3339(at: UnixMicros) -> String {
    static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    match Timestamp::from_microsecond(at.0) {
        Ok(instant) => PRINTER.timestamp_to_string(&instant),
        Err(_) => at.0.to_string(),
    }
}

/// Reads an instant: RFC 3339, or a date (its first instant in `zone`).
pub fn instant(text: &str, zone: &TimeZone) -> Result<UnixMicros, QueryError> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(UnixMicros(instant.as_microsecond()));
    }
    let bad = || QueryError::Time(text.to_owned());
    // A date alone: `2026-11-24T08:00` without an offset says no instant, and is refused.
    if text.len() != "2026-11-24".len() {
        return Err(bad());
    }
    let date: Date = text.parse().map_err(|_| bad())?;
    let start = date.to_zoned(zone.clone()).map_err(|_| bad())?;
    Ok(UnixMicros(start.timestamp().as_microsecond()))
}

pub(crate) fn serialize<S: serde::Serializer>(at: &UnixMicros, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*at))
}

pub(crate) fn serialize_opt<S: serde::Serializer>(at: &Option<UnixMicros>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `date -u -d @1795507200` says 2026-11-24T08:00:00Z.
    const AT: UnixMicros = UnixMicros(1_795_507_200_000_000);

    #[test]
    fn instants_are_read_and_written() {
        assert_eq!(rfc3339(AT), "2026-11-24T08:00:00.000000Z");
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        for text in ["2026-11-24T08:00:00Z", "2026-11-24T16:00:00+08:00"] {
            assert_eq!(instant(text, &TimeZone::UTC).unwrap(), AT, "{text}");
        }
        // Midnight in Shanghai is 16:00 UTC of the day before: eight hours before midnight UTC.
        let day = instant("2026-11-24", &shanghai).unwrap();
        assert_eq!(rfc3339(day), "2026-11-23T16:00:00.000000Z");
    }

    #[test]
    fn what_says_no_instant_is_refused() {
        for bad in ["", "yesterday", "2026-11-24T08:00", "2026-13-01", "1795507200"] {
            assert!(instant(bad, &TimeZone::UTC).is_err(), "{bad}");
        }
        assert_eq!(rfc3339(UnixMicros(i64::MAX)), i64::MAX.to_string());
    }
}
