//! Exact fractions of money, and the one rounding that makes a charge of them.

use std::fmt;

use crate::Nano;

/// An exact amount in 10⁻⁹ of a currency unit, not yet rounded: `whole + part ÷ of`, with `part < of` and both
/// in lowest terms. Never negative: prices and counts are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exact {
    whole: u128,
    part: u128,
    of: u128,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self { whole: 0, part: 0, of: 1 };

    /// `numerator ÷ denominator`; a denominator of 0 counts as 1, which no caller here passes.
    pub(crate) fn ratio(numerator: u128, denominator: u128) -> Self {
        let denominator = denominator.max(1);
        let (whole, rest) = (numerator / denominator, numerator % denominator);
        let common = gcd(rest, denominator).max(1);
        Self { whole, part: rest / common, of: denominator / common }
    }

    /// Exact sum; `None` if it does not fit 128 bits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let common = gcd(self.of, other.of).max(1);
        let of = (self.of / common).checked_mul(other.of)?;
        let left = self.part.checked_mul(of / self.of)?;
        let right = other.part.checked_mul(of / other.of)?;
        let fraction = Self::ratio(left.checked_add(right)?, of);
        let whole = self.whole.checked_add(other.whole)?.checked_add(fraction.whole)?;
        Some(Self { whole, ..fraction })
    }

    /// Rounded to a whole nano, half to even; `None` above `i64::MAX`.
    pub fn round(self) -> Option<Nano> {
        round_half_even(self.whole, self.part, self.of)
    }
}

/// In currency units: a decimal where one ends (`0.0000000025`), else a fraction (`1/7000000000`).
impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNIT: u128 = Nano::UNIT.unsigned_abs() as u128;
        if !ends_as_decimal(self.of) {
            let numerator = self.whole.checked_mul(self.of).and_then(|n| n.checked_add(self.part));
            return match (numerator, self.of.checked_mul(UNIT)) {
                (Some(numerator), Some(denominator)) => {
                    let common = gcd(numerator, denominator).max(1);
                    write!(f, "{}/{}", numerator / common, denominator / common)
                }
                _ => write!(f, "({} + {}/{})/{UNIT}", self.whole, self.part, self.of),
            };
        }
        let mut digits = format!("{}.{:09}", self.whole / UNIT, self.whole % UNIT);
        let mut rest = self.part;
        while rest > 0 {
            // `of` is a product of twos and fives below 2¹²⁰ (checked by `ends_as_decimal`): this neither
            // overflows nor runs for ever.
            rest *= 10;
            digits.push(char::from_digit(u32::try_from(rest / self.of).unwrap_or(0), 10).unwrap_or('0'));
            rest %= self.of;
        }
        f.write_str(digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `whole + part ÷ of` as a whole number, half to even; `None` above `i64::MAX`.
pub(crate) fn round_half_even(whole: u128, part: u128, of: u128) -> Option<Nano> {
    // `part < of`, so `of - part` does not wrap, and nothing is doubled.
    let up = match part.cmp(&(of - part)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => whole % 2,
        std::cmp::Ordering::Greater => 1,
    };
    i64::try_from(whole.checked_add(up)?).ok().map(Nano)
}

/// Greatest common divisor; of 0 and n: n.
pub(crate) const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn ends_as_decimal(mut denominator: u128) -> bool {
    if denominator >= 1 << 120 {
        return false;
    }
    for factor in [2, 5] {
        while denominator.is_multiple_of(factor) {
            denominator /= factor;
        }
    }
    denominator == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_even_neighbour() {
        // 2.5 → 2, 3.5 → 4, 7.5 → 8; just below and above a tie go to the nearest.
        for (numerator, denominator, rounded) in [
            (5, 2, 2),
            (7, 2, 4),
            (15, 2, 8),
            (1, 2, 0),
            (3, 2, 2),
            (2499, 1000, 2),
            (2501, 1000, 3),
            (1, 3, 0),
            (2, 3, 1),
        ] {
            assert_eq!(
                Exact::ratio(numerator, denominator).round(),
                Some(Nano(rounded)),
                "{numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn the_largest_charge_and_one_above() {
        let most = i64::MAX.unsigned_abs().into();
        assert_eq!(Exact::ratio(most, 1).round(), Some(Nano(i64::MAX)));
        assert_eq!(Exact::ratio(most * 2 + 1, 2).round(), None, "a tie at an odd number goes up");
        assert_eq!(Exact::ratio(most + 1, 1).round(), None);
    }

    #[test]
    fn sums_are_exact_and_written_out() {
        let third = Exact::ratio(1, 3);
        let sixth = Exact::ratio(1, 6);
        assert_eq!(third.plus(sixth), Some(Exact::ratio(1, 2)));
        assert_eq!(third.plus(third).unwrap().plus(third), Some(Exact::ratio(1, 1)));
        assert_eq!(Exact::ratio(5, 2).to_string(), "0.0000000025");
        assert_eq!(Exact::ratio(3_500_000_000, 1).to_string(), "3.5");
        assert_eq!(Exact::ZERO.to_string(), "0");
        assert_eq!(Exact::ratio(1, 7).to_string(), "1/7000000000");
        assert_eq!(Exact::ratio(1 << 100, (1 << 101) + 1).plus(Exact::ratio(1, (1 << 100) + 1)), None);
    }
}
