//! Money: integers of 10⁻⁹ of a currency unit, which never meets another currency by accident.

use std::fmt;
use std::str::FromStr;

/// An amount in 10⁻⁹ of a currency unit. Fits 9.2 × 10⁹ units: one attempt's or one budget's; sums over many
/// attempts are `i128`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nano(pub i64);

impl Nano {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// 10⁹: one unit of the currency.
    pub const UNIT: i64 = 1_000_000_000;

    /// Sum, at most `i64::MAX`: on the safe side for a hold, and out of reach for real money.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Decimal units: `Nano(1_500_000_000)` is `1.5`.
impl fmt::Display for Nano {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let unit = Self::UNIT.unsigned_abs();
        let text = format!("{}.{:09}", magnitude / unit, magnitude % unit);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{}{text}", if self.0 < 0 { "-" } else { "" })
    }
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Chinese yuan.
    pub const CNY: Self = Self(*b"CNY");
    /// US dollar.
    pub const USD: Self = Self(*b"USD");

    /// The three-letter code.
    pub fn code(&self) -> &str {
        // Only ASCII capitals are ever stored.
        str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::Currency(code.to_owned())),
        }
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// An exact amount in its own currency. There is no `Add`: a sum of two currencies needs a dated rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Charge {
    /// How much, in 10⁻⁹ of the currency.
    pub amount: Nano,
    /// In what.
    pub currency: Currency,
}

/// `100 CNY`, `0.25 USD`: a decimal with at most nine places, a space, a code.
impl FromStr for Charge {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.to_owned());
        let (number, code) = text.trim().split_once(' ').ok_or_else(bad)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return Err(bad());
        }
        let amount: i64 = format!("{whole}{fraction:0<9}").parse().map_err(|_| bad())?;
        Ok(Self { amount: Nano(amount), currency: code.trim().parse()? })
    }
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Text that is no money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("`{0}` is no currency code; write three capital letters of ISO 4217, such as CNY or USD")]
    Currency(String),
    /// Not a decimal and a code.
    #[error(
        "`{0}` is no amount; write a decimal with at most nine places and a currency, such as \"100 CNY\""
    )]
    Amount(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, nano, written) in [
            ("100 CNY", 100_000_000_000, "100 CNY"),
            ("0.25 USD", 250_000_000, "0.25 USD"),
            ("0.000000001 USD", 1, "0.000000001 USD"),
            ("9223372036.854775807 USD", i64::MAX, "9223372036.854775807 USD"),
        ] {
            let charge: Charge = text.parse().unwrap();
            assert_eq!((charge.amount.0, charge.to_string().as_str()), (nano, written));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [
            "",
            "100",
            "CNY",
            "1e3 CNY",
            "-1 CNY",
            "1.0000000001 USD",
            "9223372036.9 USD",
            "1 cny",
            ".5 USD",
            "1 CNYX",
        ] {
            assert!(bad.parse::<Charge>().is_err(), "{bad}");
        }
    }
}
