//! How single values are written: durations, sizes, names, places. Pure; each refusal says how to write it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use prices::{Charge, Currency};

use crate::country;
use crate::problem::Wrong;

/// An ISO 3166-1 alpha-2 code that is assigned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// China.
    pub const CN: Self = Self(*b"CN");
    /// The United States.
    pub const US: Self = Self(*b"US");

    /// The code: `CN`.
    pub fn code(&self) -> &str {
        // Only ASCII capitals are ever stored.
        str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A country, or a part of one as ISO 3166-2 names it: `SG`, `CN-SH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As written.
    pub code: String,
    /// The country it lies in.
    pub country: Country,
}

/// `5ms`, `30s`, `15m`, `24h`, `400d`.
pub(crate) fn duration(text: &str) -> Result<Duration, Wrong> {
    let bad = || {
        Wrong::new(
            format!("`{text}` is no duration"),
            "write a whole number and one of ms, s, m, h, d, such as \"30s\"",
        )
    };
    let (number, unit) = split_number(text).ok_or_else(bad)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(bad()),
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(bad)
}

/// `32 MiB`: bytes.
pub(crate) fn size(text: &str) -> Result<u64, Wrong> {
    let bad = || {
        Wrong::new(
            format!("`{text}` is no size"),
            "write a whole number and one of B, KiB, MiB, GiB, such as \"32 MiB\"",
        )
    };
    let (number, unit) = split_number(text).ok_or_else(bad)?;
    let bytes = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(bad()),
    };
    number.checked_mul(bytes).ok_or_else(bad)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.strip_prefix(' ').unwrap_or(unit)))
}

/// `100 CNY`, above zero.
pub(crate) fn money(text: &str) -> Result<Charge, Wrong> {
    const FIX: &str = "write a decimal above zero and a currency, such as \"100 CNY\"";
    let charge: Charge =
        text.parse().map_err(|_| Wrong::new(format!("`{text}` is no amount of money"), FIX))?;
    if charge.amount.0 == 0 {
        return Err(Wrong::new(format!("`{text}` is nothing: every call would be refused"), FIX));
    }
    Ok(charge)
}

/// A decimal above zero with at most nine places, in 10⁻⁹.
pub(crate) fn decimal_nano(text: &str) -> Result<u64, Wrong> {
    // The same decimal as an amount of money has; the currency is only there to be read by the same rule.
    let amount: Option<Charge> = format!("{text} XXX").parse().ok();
    match amount.and_then(|it| u64::try_from(it.amount.0).ok()) {
        Some(nano) if nano > 0 => Ok(nano),
        _ => Err(Wrong::new(
            format!("`{text}` is no rate"),
            "write a decimal above zero with at most nine places, in quotes, such as \"7.10\"",
        )),
    }
}

/// RFC 3339 with its offset.
pub(crate) fn time(text: &str) -> Result<Timestamp, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("`{text}` is no instant"),
            "write RFC 3339 with an offset, such as \"2027-12-31T00:00:00+08:00\"",
        )
    })
}

/// An IP address and a port to listen at.
pub(crate) fn socket(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("`{text}` is no address to listen at"),
            "write an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
        )
    })
}

/// An ISO 4217 code.
pub(crate) fn currency(text: &str) -> Result<Currency, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("`{text}` is no currency"),
            "write three capital letters of ISO 4217, such as \"CNY\"",
        )
    })
}

/// An IANA time zone.
pub(crate) fn zone(text: &str) -> Result<TimeZone, Wrong> {
    TimeZone::get(text).map_err(|_| {
        Wrong::new(
            format!("`{text}` is no time zone"),
            "write a name of the IANA database, such as \"Asia/Shanghai\" or \"UTC\"",
        )
    })
}

/// An ISO 3166-1 alpha-2 code.
pub(crate) fn country(text: &str) -> Result<Country, Wrong> {
    match text.as_bytes() {
        &[first, second] if country::is_assigned(text) => Ok(Country([first, second])),
        _ => Err(Wrong::new(
            format!("`{text}` is no country code"),
            if text == "EU" {
                "write the member states one by one, by their ISO 3166-1 codes, such as \"DE\", \"FR\""
            } else {
                "write two capital letters of ISO 3166-1, such as \"CN\" or \"US\""
            },
        )),
    }
}

/// A country or a part of one.
pub(crate) fn place(text: &str) -> Result<Place, Wrong> {
    let (head, part) = text.split_once('-').map_or((text, None), |(head, part)| (head, Some(part)));
    let part_is_fine = part.is_none_or(|part| {
        (1..=3).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
    });
    match country(head) {
        Ok(country) if part_is_fine => Ok(Place { code: text.to_owned(), country }),
        _ => Err(Wrong::new(
            format!("`{text}` is no place"),
            "write a country code, or a part of one by ISO 3166-2, such as \"SG\" or \"CN-SH\"",
        )),
    }
}

/// The longest id.
const ID_MAX: usize = 128;

/// An id or a model's name: what can stand in a header, a file name's neighbour and a log line.
pub(crate) fn id(text: &str) -> Result<String, Wrong> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@/:+".contains(&byte);
    if !text.is_empty() && text.len() <= ID_MAX && text.bytes().all(fine) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("`{}` is no id", text.escape_debug()),
        format!("write 1 to {ID_MAX} letters, digits and - _ . @ / : +"),
    ))
}

/// Levels of the log, as they are written alone or behind `target=`.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// `info`, or `info,gateway=debug`.
pub(crate) fn log_filter(text: &str) -> Result<String, Wrong> {
    let level_of = |part: &str| match part.split_once('=') {
        Some((target, level)) if !target.trim().is_empty() => LEVELS.contains(&level.trim()),
        Some(_) => false,
        None => LEVELS.contains(&part.trim()),
    };
    if text.split(',').all(level_of) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("`{text}` is no log level"),
        "write one of off, error, warn, info, debug, trace, or also by target: \"info,gateway=debug\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        // By hand: 400 × 86,400 s.
        for (text, ms) in
            [("5ms", 5), ("30s", 30_000), ("15 m", 900_000), ("24h", 86_400_000), ("400d", 34_560_000_000)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "5", "ms", "5 seconds", "-5s", "1.5s", "5S", "1h30m", "18446744073709551615d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("1 B", 1), ("4KiB", 4_096), ("32 MiB", 33_554_432), ("1 GiB", 1_073_741_824)] {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for bad in ["", "32", "MiB", "32 MB", "-1 MiB", "1.5 MiB", "32  MiB", "99999999999999 GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_and_rates() {
        assert_eq!(money("5000 CNY").unwrap().amount.0, 5_000_000_000_000);
        assert_eq!(decimal_nano("7.10").unwrap(), 7_100_000_000);
        for bad in ["0 CNY", "-1 CNY", "100", "100 yuan", "CNY 100"] {
            assert!(money(bad).is_err(), "{bad}");
        }
        for bad in ["0", "-7", "7,1", "", "0.0000000001"] {
            assert!(decimal_nano(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_need_an_offset() {
        assert_eq!(time("1970-01-01T08:00:01+08:00").unwrap().as_second(), 1);
        for bad in ["2027-12-31", "2027-12-31T00:00:00", "soon"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn places() {
        assert_eq!(place("CN-SH").unwrap().country, Country::CN);
        assert_eq!(place("US").unwrap().country, Country::US);
        for bad in ["China", "cn", "XX", "CN-", "CN-Shanghai", "EU", ""] {
            assert!(place(bad).is_err(), "{bad}");
        }
        assert!(country("EU").unwrap_err().fix.contains("member states"));
        assert!(zone("Asia/Shanghai").is_ok() && zone("UTC").is_ok());
        assert!(zone("Beijing").is_err() && zone("").is_err());
    }

    #[test]
    fn ids_and_levels() {
        for good in ["qwen-plus@zhongwei", "dashscope/qwen-plus/cn", "gpt-5.1", "a"] {
            assert!(id(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "名", "a\n", &"x".repeat(129)] {
            assert!(id(bad).is_err(), "{bad}");
        }
        assert!(log_filter("info,gateway=debug").is_ok());
        assert!(log_filter("loud").is_err() && log_filter("=info").is_err() && log_filter("").is_err());
    }
}
