//! The one source of chance: a hash of what was asked, and a generator seeded by it. Same seed and request, same
//! answer, on every machine. Not for secrets.

/// Hash of byte strings under a seed; the borders between the parts count.
pub(crate) fn hash(seed: u64, parts: &[&[u8]]) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = seed ^ 0x51_7C_C1_B7_27_22_0A_95;
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(MULTIPLIER);
        state ^= state >> 29;
    };
    for part in parts {
        // Eight bytes a step: prompts of trace replay are tens of kilobytes.
        let mut words = part.chunks_exact(8);
        for word in &mut words {
            mix(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let mut last = [0u8; 8];
        for (into, from) in last.iter_mut().zip(words.remainder()) {
            *into = *from;
        }
        mix(u64::from_le_bytes(last));
        mix(u64::try_from(part.len()).unwrap_or(u64::MAX));
    }
    Rng(state).next()
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 when the limit is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(limit);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// One of a list; `default` when the list is empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T], default: T) -> T {
        let place = self.below(u64::try_from(list.len()).unwrap_or(0));
        usize::try_from(place).ok().and_then(|place| list.get(place)).copied().unwrap_or(default)
    }

    /// A number in [0, 1).
    pub(crate) fn share(&mut self) -> f64 {
        let top = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(top) / 4_294_967_296.0
    }

    /// Letters and digits, as vendors' ids are written.
    pub(crate) fn id(&mut self, prefix: &str, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        for _ in 0..length {
            id.push(char::from(self.pick(ALPHABET, b'A')));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First outputs for seed 1234567, published with the generator's reference code (rosettacode.org, SplitMix64).
    #[test]
    fn the_generator_is_the_published_one() {
        let mut rng = Rng(1_234_567);
        assert_eq!(
            [rng.next(), rng.next(), rng.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn borders_of_parts_count() {
        assert_ne!(hash(1, &[b"ab", b"c"]), hash(1, &[b"a", b"bc"]));
        assert_ne!(hash(1, &[b"a\0"]), hash(1, &[b"a"]));
        assert_ne!(hash(1, &[b"a"]), hash(2, &[b"a"]));
    }
}
