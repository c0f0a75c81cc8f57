//! The ids of the rates used, as one shared string: attempts of a plan use few combinations, so that a combination
//! is written out once and handed out from then on.

use std::sync::{Arc, OnceLock};

/// Rates of a plan that the bit set reaches; combinations with one beyond are written out each time.
const RATES: usize = 256;
/// Combinations kept per plan; a plan of one band and four kinds has at most fifteen.
const SLOTS: usize = 64;
/// How far a combination may lie from its slot.
const PROBES: usize = 8;

/// A set of a plan's rates, by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateSet {
    bits: [u64; RATES / 64],
    beyond: Vec<u16>,
}

impl RateSet {
    /// Adds a place.
    pub fn add(&mut self, place: u16) {
        match self.bits.get_mut(usize::from(place) / 64) {
            Some(word) => *word |= 1 << (place % 64),
            None => self.beyond.push(place),
        }
    }

    fn has(&self, place: usize) -> bool {
        match self.bits.get(place / 64) {
            Some(word) => word & (1 << (place % 64)) != 0,
            None => self.beyond.iter().any(|beyond| usize::from(*beyond) == place),
        }
    }

    fn slot(&self) -> usize {
        // Fibonacci hashing: the upper bits of a product are well mixed.
        let mixed =
            self.bits.iter().fold(0_u64, |mixed, word| (mixed ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        usize::try_from(mixed >> 32).unwrap_or(0)
    }
}

/// The combinations seen so far. Filled without locks, never emptied: the book does not change.
#[derive(Debug)]
pub(crate) struct RateIds {
    slots: Vec<OnceLock<(RateSet, Arc<str>)>>,
}

impl Default for RateIds {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| OnceLock::new()).collect() }
    }
}

impl RateIds {
    /// The ids of the set, comma separated, in the book's order. `ids`: of all the plan's rates.
    pub fn of<'p>(&self, set: &RateSet, ids: impl Iterator<Item = &'p Arc<str>> + Clone) -> Arc<str> {
        if !set.beyond.is_empty() {
            return join(set, ids);
        }
        let start = set.slot();
        for probe in 0..PROBES {
            let Some(slot) = self.slots.get((start + probe) % SLOTS) else { continue };
            let (kept, text) = slot.get_or_init(|| (set.clone(), join(set, ids.clone())));
            if kept == set {
                return Arc::clone(text);
            }
        }
        join(set, ids)
    }
}

fn join<'p>(set: &RateSet, ids: impl Iterator<Item = &'p Arc<str>>) -> Arc<str> {
    let used: Vec<&str> = ids.enumerate().filter(|(place, _)| set.has(*place)).map(|(_, id)| &**id).collect();
    Arc::from(used.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_gets_its_own_ids_whether_kept_or_not() {
        let ids: Vec<Arc<str>> = (0..300).map(|n| Arc::from(format!("r{n}"))).collect();
        let cache = RateIds::default();
        for round in 0..2 {
            for bits in 0_u16..1024 {
                let mut set = RateSet::default();
                let mut wanted = Vec::new();
                for bit in (0..10).filter(|bit| bits & (1 << bit) != 0) {
                    let place = bit * 31; // up to 279: the last bit lies beyond the bit set
                    set.add(place);
                    wanted.push(format!("r{place}"));
                }
                assert_eq!(*cache.of(&set, ids.iter()), wanted.join(","), "round {round}");
            }
        }
    }

    #[test]
    fn a_combination_is_shared() {
        let ids: Vec<Arc<str>> = vec![Arc::from("in"), Arc::from("out")];
        let cache = RateIds::default();
        let mut set = RateSet::default();
        set.add(1);
        assert!(Arc::ptr_eq(&cache.of(&set, ids.iter()), &cache.of(&set, ids.iter())));
    }
}
