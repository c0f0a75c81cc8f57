//! Counts of short pieces of text, remembered by each thread: words repeat, and most are one token.
//!
//! A memory of a pure function: it changes what a count costs, never what it is.

use std::cell::RefCell;

use crate::Tokenizer;

/// Slots of a memory: 128 kB a thread and vocabulary. A piece that falls on another's slot takes it.
const SLOTS: usize = 4096;
/// Longest piece that is remembered, bytes: it and its length fit one number, so that no two pieces are confused.
const PIECE_MAX: usize = 15;

/// Remembered counts of one vocabulary.
pub(crate) struct Seen {
    slots: Box<[(u128, u64)]>,
}

impl Seen {
    fn new() -> Self {
        Self { slots: vec![(0, 0); SLOTS].into_boxed_slice() }
    }

    /// The count of a piece, remembered or counted.
    pub(crate) fn get_or(&mut self, piece: &str, count: impl FnOnce(&str) -> u64) -> u64 {
        let Some(key) = key(piece) else { return count(piece) };
        // The empty key is that of the empty piece, which no split yields.
        match self.slots.get_mut(slot(key)) {
            Some((known, tokens)) if *known == key => *tokens,
            Some(free) => {
                *free = (key, count(piece));
                free.1
            }
            None => count(piece),
        }
    }
}

/// A short piece and its length as one number; `None`: too long, or empty.
fn key(piece: &str) -> Option<u128> {
    let mut bytes = [0; 16];
    let length =
        u8::try_from(piece.len()).ok().filter(|length| (1..=PIECE_MAX).contains(&usize::from(*length)))?;
    bytes.get_mut(..piece.len())?.copy_from_slice(piece.as_bytes());
    *bytes.last_mut()? = length;
    Some(u128::from_le_bytes(bytes))
}

/// Fibonacci hashing (Knuth, TAOCP 3, 6.4) of both halves.
#[allow(clippy::cast_possible_truncation)] // the halves, and 12 bits of the product
fn slot(key: u128) -> usize {
    let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}

thread_local! {
    static O200K: RefCell<Seen> = RefCell::new(Seen::new());
    static CL100K: RefCell<Seen> = RefCell::new(Seen::new());
}

/// Counts with this thread's memory of a vocabulary.
pub(crate) fn counted<T>(tokenizer: Tokenizer, count: impl FnOnce(&mut Seen) -> T) -> T {
    let seen = match tokenizer {
        Tokenizer::O200k => &O200K,
        Tokenizer::Cl100k => &CL100K,
    };
    seen.with_borrow_mut(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_begin_alike_are_told_apart() {
        let keys: Vec<_> = ["a", "a\0", "ab", " a", "á", "123456789012345"].map(key).to_vec();
        for (place, key) in keys.iter().enumerate() {
            assert!(key.is_some());
            assert!(!keys[..place].contains(key));
        }
        assert_eq!((key(""), key("1234567890123456")), (None, None));
    }

    #[test]
    fn a_remembered_count_is_the_counted_one() {
        let mut seen = Seen::new();
        let mut asked = 0;
        for _ in 0..3 {
            assert_eq!(
                seen.get_or("toll", |piece| {
                    asked += 1;
                    piece.len() as u64
                }),
                4
            );
        }
        assert_eq!(asked, 1);
        for number in 0..20_000_u64 {
            assert_eq!(seen.get_or(&number.to_string(), |_| number), number, "another's slot");
        }
    }
}
