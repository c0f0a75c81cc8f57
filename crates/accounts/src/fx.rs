//! Dated exchange rates, for holds against a budget in another currency. Charges stay in their own.

use jiff::Timestamp;
use prices::{Charge, Currency, Nano};

/// Rates, each with its date. A rate serves both ways; none is made out of two others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FxTable {
    rates: Vec<Rate>,
}

/// One `base` is `numerator / denominator` of `quote`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate {
    base: Currency,
    quote: Currency,
    numerator: i128,
    denominator: i128,
    as_of: Timestamp,
}

impl FxTable {
    /// Adds the rate of a pair such as `USD/CNY`: a decimal above zero, with at most nine digits on either side of
    /// its point, as of a date.
    pub fn insert(&mut self, pair: &str, rate: &str, as_of: Timestamp) -> Result<(), FxError> {
        let bad_pair = || FxError::Pair(pair.to_owned());
        let (base, quote) = pair.split_once('/').ok_or_else(bad_pair)?;
        let base: Currency = base.parse().map_err(|_| bad_pair())?;
        let quote: Currency = quote.parse().map_err(|_| bad_pair())?;
        if base == quote {
            return Err(bad_pair());
        }
        if self.rates.iter().any(|known| known.is_between(base, quote)) {
            return Err(FxError::Twice(pair.to_owned()));
        }
        let (numerator, denominator) =
            fraction(rate).ok_or_else(|| FxError::Rate(pair.to_owned(), rate.to_owned()))?;
        self.rates.push(Rate { base, quote, numerator, denominator, as_of });
        Ok(())
    }

    /// A charge in another currency, rounded up to a nano: on the safe side of a limit. `None`: there is no rate.
    pub fn convert_up(&self, charge: Charge, to: Currency) -> Option<Nano> {
        if charge.currency == to {
            return Some(charge.amount);
        }
        let rate = self.rates.iter().find(|rate| rate.is_between(charge.currency, to))?;
        let (by, over) = if rate.base == charge.currency {
            (rate.numerator, rate.denominator)
        } else {
            (rate.denominator, rate.numerator)
        };
        // Below 2⁶³ × 10¹⁸ < 2¹²³: it cannot overflow.
        let product = i128::from(charge.amount.0) * by;
        let up = product.div_euclid(over) + i128::from(product.rem_euclid(over) > 0);
        Some(Nano(i64::try_from(up).unwrap_or(i64::MAX)))
    }

    /// The date of the rate between two currencies.
    pub fn as_of(&self, one: Currency, other: Currency) -> Option<Timestamp> {
        self.rates.iter().find(|rate| rate.is_between(one, other)).map(|rate| rate.as_of)
    }
}

impl Rate {
    fn is_between(&self, one: Currency, other: Currency) -> bool {
        (self.base == one && self.quote == other) || (self.base == other && self.quote == one)
    }
}

/// `7.10` as 710 over 100.
fn fraction(text: &str) -> Option<(i128, i128)> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(places) {
        return None;
    }
    let numerator: i128 = format!("{whole}{places}").parse().ok()?;
    let denominator = 10_i128.pow(u32::try_from(places.len()).ok()?);
    (numerator > 0).then_some((numerator, denominator))
}

/// A rate that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FxError {
    /// Not two currencies.
    #[error("`{0}` is no pair of currencies\n  fix: two codes of ISO 4217, such as \"USD/CNY\"")]
    Pair(String),
    /// Not a number above zero.
    #[error(
        "`{1}` is no rate of {0}\n  fix: a decimal above zero with at most nine places, such as \"7.10\""
    )]
    Rate(String, String),
    /// A pair twice, or both ways.
    #[error("there is a rate for the currencies of `{0}` already\n  fix: keep one; it serves both ways")]
    Twice(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> FxTable {
        let mut table = FxTable::default();
        table.insert("USD/CNY", "7.10", "2026-11-24T00:00:00Z".parse().unwrap()).unwrap();
        table
    }

    /// By hand: 1 USD = 7.1 CNY. 1 nano of CNY is 0.14… nano of USD, rounded up 1; 71 nano of CNY are exactly 10.
    #[test]
    fn conversion_is_exact_and_rounds_up() {
        for (from, to, nano) in [
            ("1 USD", Currency::CNY, 7_100_000_000),
            ("7.1 CNY", Currency::USD, 1_000_000_000),
            ("0.000000001 CNY", Currency::USD, 1),
            ("0.000000071 CNY", Currency::USD, 10),
            ("0.000000072 CNY", Currency::USD, 11),
            ("0.000000001 USD", Currency::CNY, 8),
            ("0 USD", Currency::CNY, 0),
            ("3 CNY", Currency::CNY, 3_000_000_000),
            ("9000000000 USD", Currency::CNY, i64::MAX),
        ] {
            assert_eq!(table().convert_up(from.parse().unwrap(), to), Some(Nano(nano)), "{from}");
        }
        assert_eq!(table().convert_up("1 EUR".parse().unwrap(), Currency::CNY), None);
    }

    #[test]
    fn bad_rates_are_refused() {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        for (pair, rate) in [
            ("USDCNY", "7"),
            ("USD/USD", "1"),
            ("USD/EUR", "0"),
            ("USD/EUR", "-1"),
            ("USD/EUR", "1e3"),
            ("CNY/USD", "0.14"),
        ] {
            assert!(table().insert(pair, rate, now).is_err(), "{pair} {rate}");
        }
    }
}
