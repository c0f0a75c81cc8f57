//! A ring of seconds.

use ledger::{Settled, UnixMicros};
use serde::{Serialize, Serializer};
use tokens::{Kind, Tokens};

use super::{Charges, add_charge};
use crate::render::cached;

/// The second of an instant, since 1970.
pub(super) fn second_of(at: UnixMicros) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// The last seconds; a second's place is its number modulo the ring's size, and its stamp tells whether it is
/// still the one meant.
pub(super) struct Seconds {
    ring: Vec<Second>,
    /// Takes what has no place: a ring of no seconds.
    nowhere: Second,
}

/// What happened in a second.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Second {
    /// Its number since 1970.
    s: i64,
    /// The last change.
    #[serde(skip)]
    changed: u64,
    pub(super) opened: u64,
    pub(super) settled: u64,
    pub(super) errors: u64,
    pub(super) refused: u64,
    tokens: Groups,
    #[serde(serialize_with = "charges")]
    charge_nano: Charges,
}

/// Tokens of a second, by group; disjoint.
#[derive(Clone, Debug, Default, Serialize)]
struct Groups {
    /// Prompt of every medium, neither read from nor written to a cache.
    input: u128,
    /// Read from a cache.
    cached: u128,
    /// Written to a cache.
    cache_write: u128,
    /// Output of every medium without reasoning.
    output: u128,
    reasoning: u128,
}

impl Seconds {
    pub(super) fn new(size: usize) -> Self {
        Self { ring: vec![Second::default(); size], nowhere: Second::default() }
    }

    pub(super) fn at(&mut self, at: UnixMicros, cursor: u64) -> &mut Second {
        let s = second_of(at);
        let place = i64::try_from(self.ring.len()).ok().and_then(|size| s.checked_rem_euclid(size));
        let place = place.and_then(|place| usize::try_from(place).ok());
        let second = place.and_then(|place| self.ring.get_mut(place)).unwrap_or(&mut self.nowhere);
        if second.s != s {
            *second = Second { s, ..Second::default() };
        }
        second.changed = cursor;
        second
    }

    /// The seconds of the ring that ends at `now` which changed after `since`, in order.
    pub(super) fn changed(&self, now: UnixMicros, since: u64) -> Vec<Second> {
        let now = second_of(now);
        let size = i64::try_from(self.ring.len()).unwrap_or(i64::MAX);
        // One second ahead is let through: entries and question may read the clock on two threads.
        let wanted =
            |second: &&Second| second.changed > since && second.s > now - size && second.s <= now + 1;
        let mut seconds: Vec<Second> = self.ring.iter().filter(wanted).cloned().collect();
        seconds.sort_by_key(|second| second.s);
        seconds
    }
}

impl Second {
    pub(super) fn add(&mut self, settled: &Settled) {
        self.tokens.add(&settled.tokens);
        if let Some(charge) = settled.charge {
            add_charge(&mut self.charge_nano, settled.currency, i128::from(charge.0));
        }
    }
}

impl Groups {
    fn add(&mut self, tokens: &Tokens) {
        let written = [
            Kind::CacheWrite,
            Kind::CacheWrite5m,
            Kind::CacheWrite30m,
            Kind::CacheWrite1h,
            Kind::CacheWrite12h,
        ];
        let written = written.iter().fold(0, |sum: u64, kind| sum.saturating_add(tokens.get(*kind)));
        let (cached, reasoning) = (cached(tokens), tokens.get(Kind::Reasoning));
        self.input += u128::from(tokens.prompt().saturating_sub(cached).saturating_sub(written));
        self.cached += u128::from(cached);
        self.cache_write += u128::from(written);
        self.output += u128::from(tokens.output().saturating_sub(reasoning));
        self.reasoning += u128::from(reasoning);
    }
}

pub(super) fn charges<S: Serializer>(charges: &Charges, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(charges.iter().map(|(currency, amount)| (currency.code(), amount.to_string())))
}
