//! Decimal prices as exact fractions.

use crate::Nano;
use crate::exact::gcd;

/// Nano for one of a kind, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub numerator: u128,
    pub denominator: u128,
}

/// Digits before and after the point: at most 10²⁷ in all, so that neither numerator (× 10⁹) nor denominator
/// (10¹⁵ × 2⁶⁴) comes near 2¹²⁸.
const DIGITS_BEFORE: usize = 12;
const DIGITS_AFTER: usize = 15;

/// `price ÷ per` in nano; `None`: no decimal of this length.
pub(crate) fn nano_for_one(price: &str, per: u64) -> Option<Ratio> {
    let (before, after) = match price.split_once('.') {
        Some((before, after)) if !after.is_empty() => (before, after),
        Some(_) => return None,
        None => (price, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let sized = (1..=DIGITS_BEFORE).contains(&before.len()) && after.len() <= DIGITS_AFTER;
    if !sized || !digits(before) || !digits(after) {
        return None;
    }
    let units: u128 = format!("{before}{after}").parse().ok()?;
    let scale = 10_u128.checked_pow(u32::try_from(after.len()).ok()?)?;
    let numerator = units.checked_mul(Nano::UNIT.unsigned_abs().into())?;
    let denominator = scale.checked_mul(per.into())?;
    let common = gcd(numerator, denominator).max(1);
    Some(Ratio { numerator: numerator / common, denominator: denominator / common })
}

/// The least common denominator; `None` at or above 2⁶³.
pub(crate) fn common_denominator(ratios: impl Iterator<Item = Ratio>) -> Option<u64> {
    let mut common = 1_u128;
    for ratio in ratios {
        common = (common / gcd(common, ratio.denominator)).checked_mul(ratio.denominator)?;
        if common >= 1 << 63 {
            return None;
        }
    }
    u64::try_from(common).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_become_exact_fractions_of_nano() {
        // 0.20 a million = 200 nano each; 0.003625 a million = 3.625 nano = 29/8 (DeepSeek V4-Pro cached, 2026-05).
        for (price, per, numerator, denominator) in [
            ("0.20", 1_000_000, 200, 1),
            ("0.003625", 1_000_000, 29, 8),
            ("0", 1_000_000, 0, 1),
            ("0.039", 1, 39_000_000, 1),
            ("0.006", 60_000, 100, 1),
            ("1", 7, 1_000_000_000, 7),
        ] {
            assert_eq!(nano_for_one(price, per), Some(Ratio { numerator, denominator }), "{price} per {per}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "1e3",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1,5",
            "0x1",
            "1.2.3",
            "1_000",
            "١",
            "NaN",
            "1234567890123",
        ] {
            assert_eq!(nano_for_one(bad, 1), None, "{bad}");
        }
        assert_eq!(nano_for_one("0.0000000000000001", 1), None);
        assert!(nano_for_one("999999999999.999999999999999", u64::MAX).is_some());
    }

    #[test]
    fn denominators_meet_or_do_not_fit() {
        let ratio = |denominator| Ratio { numerator: 1, denominator };
        assert_eq!(common_denominator([ratio(8), ratio(12), ratio(1)].into_iter()), Some(24));
        assert_eq!(common_denominator([ratio((1 << 62) - 1), ratio(1 << 60)].into_iter()), None);
    }
}
