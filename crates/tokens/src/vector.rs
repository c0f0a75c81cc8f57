//! The token vector: counts by kind.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;

use crate::Kind;

/// Counts by [`Kind`]. Disjoint, so the parts add up. A kind that is absent reads as 0; whether a split was
/// *said* by the provider is a matter of [`crate::Provenance`] and of the raw usage object kept beside it.
///
/// As JSON: an object of the kinds above zero, `{"input":7,"output":4}`.
///
/// ```
/// use tokens::{Kind, Tokens};
/// let mut used = Tokens::default();
/// used.set(Kind::Input, 7);
/// used.add(Kind::Output, 4);
/// assert_eq!(used.prompt(), 7);
/// assert_eq!(used.total(), 11);
/// assert_eq!(serde_json::to_string(&used).unwrap(), r#"{"input":7,"output":4}"#);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tokens {
    counts: [u64; Kind::COUNT],
}

impl Default for Tokens {
    fn default() -> Self {
        Self { counts: [0; Kind::COUNT] }
    }
}

impl Tokens {
    /// The count of a kind.
    #[allow(clippy::indexing_slicing)] // `index()` is below `COUNT` by construction
    pub const fn get(&self, kind: Kind) -> u64 {
        self.counts[kind.index()]
    }

    /// Sets the count of a kind.
    #[allow(clippy::indexing_slicing)] // as above
    pub const fn set(&mut self, kind: Kind, count: u64) {
        self.counts[kind.index()] = count;
    }

    /// Adds to a kind; stops at `u64::MAX` (10⁵ years of the national volume).
    pub const fn add(&mut self, kind: Kind, count: u64) {
        self.set(kind, self.get(kind).saturating_add(count));
    }

    /// Adds another vector, kind by kind.
    pub fn merge(&mut self, other: &Self) {
        for (kind, count) in other.iter() {
            self.add(kind, count);
        }
    }

    /// The kinds above zero with their counts, in the order of [`Kind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.iter().map(|kind| (*kind, self.get(*kind))).filter(|(_, count)| *count > 0)
    }

    /// Input tokens of every medium, cached and written included.
    pub fn prompt(&self) -> u64 {
        self.sum(Kind::is_prompt)
    }

    /// Output tokens of every medium, reasoning included.
    pub fn output(&self) -> u64 {
        self.sum(Kind::is_output)
    }

    /// All tokens; units are left out.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output())
    }

    /// Nothing was used.
    pub fn is_zero(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    fn sum(&self, wanted: fn(Kind) -> bool) -> u64 {
        self.iter().filter(|(kind, _)| wanted(*kind)).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }
}

impl FromIterator<(Kind, u64)> for Tokens {
    fn from_iter<I: IntoIterator<Item = (Kind, u64)>>(counts: I) -> Self {
        let mut vector = Self::default();
        for (kind, count) in counts {
            vector.add(kind, count);
        }
        vector
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(kind, count)| (kind.name(), count))).finish()
    }
}

impl serde::Serialize for Tokens {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.name(), &count)?;
        }
        map.end()
    }
}

impl<'de> serde::Deserialize<'de> for Tokens {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counts;
        impl<'de> Visitor<'de> for Counts {
            type Value = Tokens;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of token kinds with whole counts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tokens, A::Error> {
                let mut vector = Tokens::default();
                let mut seen = [false; Kind::COUNT];
                while let Some((kind, count)) = map.next_entry::<Kind, u64>()? {
                    let twice = seen.get_mut(kind.index()).is_some_and(|seen| std::mem::replace(seen, true));
                    if twice {
                        return Err(serde::de::Error::custom(format_args!("`{kind}` is written twice")));
                    }
                    vector.set(kind, count);
                }
                Ok(vector)
            }
        }
        deserializer.deserialize_map(Counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_count_in_no_token_total() {
        let used: Tokens =
            [(Kind::Input, 3), (Kind::Reasoning, 2), (Kind::AudioMs, 90_000)].into_iter().collect();
        assert_eq!((used.prompt(), used.output(), used.total()), (3, 2, 5));
    }

    #[test]
    fn json_refuses_unknown_kinds_fractions_negatives_and_repeats() {
        for bad in [r#"{"thoughts":1}"#, r#"{"input":1.5}"#, r#"{"input":-1}"#, r#"{"input":1,"input":2}"#] {
            assert!(serde_json::from_str::<Tokens>(bad).is_err(), "{bad}");
        }
        let used: Tokens = serde_json::from_str(r#"{"output":4,"input":7}"#).unwrap();
        assert_eq!(serde_json::to_string(&used).unwrap(), r#"{"input":7,"output":4}"#);
    }
}
