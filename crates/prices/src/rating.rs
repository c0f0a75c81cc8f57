//! Rating: what a plan charges for a token vector at an instant.

use std::sync::Arc;

use jiff::Timestamp;
use tokens::{Kind, Tokens};

use crate::exact::round_half_even;
use crate::plan::Rate;
use crate::rate_ids::RateSet;
use crate::when::Facts;
use crate::{Charge, Exact, Instant, Nano, Plan, Tier, Unpriced};

/// The instants of an attempt; the plan says which of them picks its rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it was opened.
    pub opened: Timestamp,
    /// When it ended. For a bound: the latest instant at which it may end.
    pub ended: Timestamp,
}

impl Moment {
    /// Opened and ended at one instant.
    pub const fn at(instant: Timestamp) -> Self {
        Self { opened: instant, ended: instant }
    }
}

/// A charge and what it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The exact sum, rounded once to 10⁻⁹, half to even.
    pub charge: Charge,
    /// Ids of the rates used, comma separated, in the book's order; shared between attempts.
    pub rate_ids: Arc<str>,
    /// The version of the book.
    pub book_version: Arc<str>,
}

/// A charge that explains itself line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// The exact sum, rounded once to 10⁻⁹, half to even.
    pub charge: Charge,
    /// The sum before rounding.
    pub exact: Exact,
    /// A line for each kind with a count above zero, in the order of [`Kind::ALL`].
    pub lines: Vec<RatedLine>,
    /// Ids of the rates used, comma separated, in the book's order.
    pub rate_ids: Arc<str>,
    /// The version of the book.
    pub book_version: Arc<str>,
}

/// One line of a charge: `count × price ÷ per`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RatedLine {
    /// What was counted.
    pub kind: Kind,
    /// How much of it.
    pub count: u64,
    /// The rate's id within its plan.
    pub rate_id: String,
    /// The price as the book writes it, in currency units.
    pub price: String,
    /// For how many that price is.
    pub per: u64,
    /// The line's amount in currency units, unrounded: a decimal, or a fraction where no decimal ends.
    pub exact: String,
}

impl Plan {
    /// The charge of a token vector. Allocates nothing once a combination of rates has been seen.
    ///
    /// # Errors
    /// [`Unpriced`] names the kind that has no rate at that instant, in that tier and size.
    pub fn charge(&self, at: Moment, tier: Tier, used: &Tokens) -> Result<Charged, Unpriced> {
        let mut rates = RateSet::default();
        let sum = self.sum(at, tier, used, |_, _, place, _| rates.add(place))?;
        Ok(Charged {
            charge: self.round(sum)?,
            rate_ids: self.ids(&rates),
            book_version: Arc::clone(&self.book_version),
        })
    }

    /// The charge of a token vector with its lines.
    ///
    /// # Errors
    /// As [`Plan::charge`].
    pub fn explain(&self, at: Moment, tier: Tier, used: &Tokens) -> Result<Rated, Unpriced> {
        let mut rates = RateSet::default();
        let mut lines = Vec::new();
        let sum = self.sum(at, tier, used, |kind, count, place, rate| {
            rates.add(place);
            lines.push(RatedLine {
                kind,
                count,
                rate_id: rate.id.to_string(),
                price: rate.price.clone(),
                per: rate.per,
                // Neither line nor sum overflows where the charge fits; where it does not, no line is shown.
                exact: Exact::ratio(rate.share.saturating_mul(count.into()), self.denominator.into())
                    .to_string(),
            });
        })?;
        Ok(Rated {
            charge: self.round(sum)?,
            exact: Exact::ratio(sum, self.denominator.into()),
            lines,
            rate_ids: self.ids(&rates),
            book_version: Arc::clone(&self.book_version),
        })
    }

    /// The charge before rounding, for sums over several parts of an attempt.
    ///
    /// # Errors
    /// As [`Plan::charge`].
    pub fn exact(&self, at: Moment, tier: Tier, used: &Tokens) -> Result<Exact, Unpriced> {
        let sum = self.sum(at, tier, used, |_, _, _, _| ())?;
        Ok(Exact::ratio(sum, self.denominator.into()))
    }

    /// The dearest charge, for a hold: no vector costs more whose text input (of all text input kinds together),
    /// text output and reasoning (together), and count of every other kind are each at most those of `used`.
    /// So an estimate given as `input` also covers input that will turn out cached or written to a cache, and
    /// `output` also covers reasoning; any length band up to the given sizes counts. Where the plan's rates are
    /// picked at the end, so does every rate in force from `opened` to `ended`, whatever its hours.
    ///
    /// # Errors
    /// As [`Plan::charge`], for the kinds of `used`.
    pub fn bound(&self, at: Moment, tier: Tier, used: &Tokens) -> Result<Charge, Unpriced> {
        let (mut sum, mut text) = (Some(0_u128), [(0_u64, 0_u128); 2]);
        for (kind, count) in used.iter() {
            let own =
                self.dearest(kind, at, tier, used).ok_or_else(|| self.unpriced(kind, at, tier, used))?;
            match TEXT.iter().position(|group| group.contains(&kind)).and_then(|group| text.get_mut(group)) {
                Some(group) => *group = (group.0.saturating_add(count), group.1.max(own)),
                None => sum = add_product(sum, count, own),
            }
        }
        for (kinds, (count, own)) in TEXT.iter().zip(text) {
            let others = kinds.iter().filter_map(|kind| self.dearest(*kind, at, tier, used));
            sum = add_product(sum, count, others.fold(own, u128::max));
        }
        // Rounded up: a charge rounded to even may lie above the exact sum.
        let too_large = Unpriced::TooLarge { currency: self.currency };
        let nano =
            sum.map(|sum| sum.div_ceil(self.denominator.into())).and_then(|nano| i64::try_from(nano).ok());
        Ok(Charge { amount: Nano(nano.ok_or(too_large)?), currency: self.currency })
    }

    /// Adds up `share × count` of every kind, in nano divided by the plan's denominator.
    fn sum<'p>(
        &'p self,
        at: Moment,
        tier: Tier,
        used: &Tokens,
        mut each: impl FnMut(Kind, u64, u16, &'p Rate),
    ) -> Result<u128, Unpriced> {
        let (prompt, output) = if self.has_bands { (used.prompt(), used.output()) } else { (0, 0) };
        let mut facts = Facts::new(self.picked_at(at), tier, prompt, output);
        let mut sum = Some(0_u128);
        for (kind, count) in used.iter() {
            // The book was refused if two could match: the first is the only one.
            let found = self.rates_of(kind).find(|(_, rate)| rate.when.holds(&mut facts));
            let (place, rate) = found.ok_or_else(|| self.unpriced(kind, at, tier, used))?;
            each(kind, count, place, rate);
            sum = add_product(sum, count, rate.share);
        }
        // What does not fit 128 bits is far above any charge: the denominator is below 2⁶³.
        sum.ok_or(Unpriced::TooLarge { currency: self.currency })
    }

    /// The dearest rate of a kind that a request up to this size may meet.
    fn dearest(&self, kind: Kind, at: Moment, tier: Tier, used: &Tokens) -> Option<u128> {
        let (prompt, output) = (used.prompt(), used.output());
        let span = match self.instant {
            Instant::Opened => (at.opened, at.opened),
            Instant::Ended => (at.opened, at.ended),
        };
        let mut facts = Facts::new(span.0, tier, prompt, output);
        let possible = self.rates_of(kind).filter(|(_, rate)| {
            rate.when.may_hold(tier, span, prompt, output)
                && (self.instant == Instant::Ended || rate.when.clock_holds(&mut facts))
        });
        possible.map(|(_, rate)| rate.share).max()
    }

    fn round(&self, sum: u128) -> Result<Charge, Unpriced> {
        let of = u128::from(self.denominator.max(1));
        let (whole, part) = match u64::try_from(sum) {
            // Nearly every charge: a division of 64 bits is several times faster.
            Ok(sum) => (u128::from(sum / self.denominator.max(1)), u128::from(sum % self.denominator.max(1))),
            Err(_) => (sum / of, sum % of),
        };
        let amount =
            round_half_even(whole, part, of).ok_or(Unpriced::TooLarge { currency: self.currency })?;
        Ok(Charge { amount, currency: self.currency })
    }

    fn ids(&self, rates: &RateSet) -> Arc<str> {
        self.rate_ids.of(rates, self.rates.iter().map(|rate| &rate.id))
    }

    const fn picked_at(&self, at: Moment) -> Timestamp {
        match self.instant {
            Instant::Opened => at.opened,
            Instant::Ended => at.ended,
        }
    }

    fn unpriced(&self, kind: Kind, at: Moment, tier: Tier, used: &Tokens) -> Unpriced {
        let plan = Arc::clone(&self.id);
        if self.rates_of(kind).next().is_none() {
            return Unpriced::NoRate { plan, kind };
        }
        let (at, prompt, output) = (self.picked_at(at), used.prompt(), used.output());
        Unpriced::NoneMatches { plan, kind, tier, at, prompt, output }
    }
}

/// Kinds of text that may turn out as one another: how much of a prompt is cached, or of an output is reasoning,
/// only the answer says.
const TEXT: [&[Kind]; 2] = [
    &[
        Kind::Input,
        Kind::InputCached,
        Kind::CacheWrite5m,
        Kind::CacheWrite30m,
        Kind::CacheWrite1h,
        Kind::CacheWrite12h,
        Kind::CacheWrite,
    ],
    &[Kind::Output, Kind::Reasoning],
];

fn add_product(sum: Option<u128>, count: u64, share: u128) -> Option<u128> {
    share.checked_mul(count.into()).and_then(|product| product.checked_add(sum?))
}

/// The charges of an attempt of several parts (a model that used others), one for each currency: every part is
/// priced by its own plan, summed exactly, and rounded once.
///
/// # Errors
/// As [`Plan::charge`], for the first part whose price is unknown.
pub fn charge_parts(parts: &[(&Plan, &Tokens)], at: Moment, tier: Tier) -> Result<Vec<Charge>, Unpriced> {
    let mut sums: Vec<(crate::Currency, Exact)> = Vec::new();
    for (plan, used) in parts {
        let currency = plan.currency;
        let amount = plan.exact(at, tier, used)?;
        let too_large = Unpriced::TooLarge { currency };
        match sums.iter_mut().find(|(seen, _)| *seen == currency) {
            Some((_, sum)) => *sum = sum.plus(amount).ok_or(too_large)?,
            None => sums.push((currency, amount)),
        }
    }
    let rounded = sums.into_iter().map(|(currency, sum)| {
        let amount = sum.round().ok_or(Unpriced::TooLarge { currency })?;
        Ok(Charge { amount, currency })
    });
    rounded.collect()
}
