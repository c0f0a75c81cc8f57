//! Columns from rows: each column picks its own smallest encoding, and a column of nothing but zeros and empty
//! texts is left out.
//!
//! Not here: which columns there are (`facts_write`), reading them (`column_read`).

use std::collections::HashMap;
use std::sync::Arc;

use super::varint::{self, zigzag};
use crate::Name;

/// Encodings of a column. The byte's top bit is `CRITICAL`.
pub mod encoding {
    /// Numbers: one for all rows.
    pub const CONST: u8 = 1;
    /// Numbers, one after the other.
    pub const PLAIN: u8 = 2;
    /// The first number, then zigzag differences (wrapping).
    pub const DELTA: u8 = 3;
    /// Pairs of run length and number.
    pub const RUNS: u8 = 4;
    /// Sixteen bytes a row, big-endian.
    pub const WIDE: u8 = 8;
    /// Text: one for all rows.
    pub const TEXT_CONST: u8 = 16;
    /// Text: count, texts (length, bytes) in order of first use, then an encoding byte and the numbers into them.
    pub const TEXT_DICTIONARY: u8 = 17;
    /// Text: length and bytes, row by row.
    pub const TEXT_PLAIN: u8 = 18;
    /// A reader that does not know the column must refuse the block: leaving it out would change a figure.
    pub const CRITICAL: u8 = 0x80;
}

/// Dictionaries up to this size are searched from the front; larger ones get a hash table.
const SMALL: usize = 12;

/// After so many rows it shows whether a dictionary is worth its while.
const PROBE: usize = 64;

/// Writes the columns of one group. Columns come in ascending order of id.
#[derive(Default)]
pub struct ColumnWriter {
    out: Vec<u8>,
    body: Vec<u8>,
    numbers: Vec<u64>,
}

impl ColumnWriter {
    /// The group's bytes; the writer is empty again and keeps its memory.
    pub fn finish_into(&mut self, payload: &mut Vec<u8>) -> usize {
        payload.extend_from_slice(&self.out);
        let len = self.out.len();
        self.out.clear();
        len
    }

    /// The group's bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// A column of numbers.
    pub fn numbers(&mut self, id: u64, values: impl Iterator<Item = u64>) {
        self.numbers_flagged(id, 0, values);
    }

    /// A column of numbers that no reader may leave out.
    pub fn critical_numbers(&mut self, id: u64, values: impl Iterator<Item = u64>) {
        self.numbers_flagged(id, encoding::CRITICAL, values);
    }

    /// A column of signed numbers.
    pub fn signed(&mut self, id: u64, values: impl Iterator<Item = i64>) {
        self.numbers(id, values.map(zigzag));
    }

    fn numbers_flagged(&mut self, id: u64, flag: u8, values: impl Iterator<Item = u64>) {
        self.numbers.clear();
        self.numbers.extend(values);
        if self.numbers.iter().all(|value| *value == 0) {
            return;
        }
        self.body.clear();
        let how = put_numbers(&self.numbers, &mut self.body);
        self.put_column(id, how | flag);
    }

    /// A column of 128-bit identities.
    pub fn wide(&mut self, id: u64, values: impl Iterator<Item = u128>) {
        self.body.clear();
        let mut any = false;
        for value in values {
            any |= value != 0;
            self.body.extend_from_slice(&value.to_be_bytes());
        }
        if any {
            self.put_column(id, encoding::WIDE);
        }
    }

    /// A column of texts.
    pub fn texts<'a>(&mut self, id: u64, values: impl Iterator<Item = &'a Name> + Clone) {
        let Some(first) = values.clone().next() else { return };
        self.body.clear();
        if values.clone().all(|value| same(first, value)) {
            if !first.is_empty() {
                self.body.extend_from_slice(first.as_bytes());
                self.put_column(id, encoding::TEXT_CONST);
            }
            return;
        }
        let Some(dictionary) = self.number_texts(values.clone()) else {
            for value in values {
                put_text(&mut self.body, value);
            }
            self.put_column(id, encoding::TEXT_PLAIN);
            return;
        };
        varint::put(&mut self.body, dictionary.len() as u64);
        for text in dictionary {
            put_text(&mut self.body, text);
        }
        let how_at = self.body.len();
        self.body.push(0);
        let how = put_numbers(&self.numbers, &mut self.body);
        if let Some(place) = self.body.get_mut(how_at) {
            *place = how;
        }
        self.put_column(id, encoding::TEXT_DICTIONARY);
    }

    /// Fills `numbers` with each row's place in the dictionary that is returned; `None`: nearly every text is new,
    /// so that a dictionary would only cost.
    fn number_texts<'a>(&mut self, values: impl Iterator<Item = &'a Name>) -> Option<Vec<&'a Name>> {
        self.numbers.clear();
        let mut dictionary: Vec<&'a Name> = Vec::new();
        let mut places: HashMap<&'a str, u64> = HashMap::new();
        let mut last: Option<(&'a Name, u64)> = None;
        for value in values {
            let known = match last {
                Some((name, place)) if Arc::ptr_eq(name, value) => Some(place),
                _ if dictionary.len() <= SMALL => {
                    dictionary.iter().position(|name| same(name, value)).map(|place| place as u64)
                }
                _ => {
                    if places.is_empty() {
                        places.extend(dictionary.iter().zip(0..).map(|(name, place)| (&***name, place)));
                    }
                    places.get(&**value).copied()
                }
            };
            let place = known.unwrap_or_else(|| {
                let place = dictionary.len() as u64;
                dictionary.push(value);
                if !places.is_empty() {
                    places.insert(value, place);
                }
                place
            });
            last = Some((value, place));
            self.numbers.push(place);
            if self.numbers.len() == PROBE && mostly_new(dictionary.len(), PROBE) {
                return None;
            }
        }
        (!mostly_new(dictionary.len(), self.numbers.len())).then_some(dictionary)
    }

    fn put_column(&mut self, id: u64, how: u8) {
        varint::put(&mut self.out, id);
        self.out.push(how);
        varint::put(&mut self.out, self.body.len() as u64);
        self.out.extend_from_slice(&self.body);
    }
}

fn mostly_new(texts: usize, rows: usize) -> bool {
    texts * 4 > rows * 3
}

fn same(one: &Name, other: &Name) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    varint::put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends numbers in the smallest encoding and says which.
fn put_numbers(values: &[u64], out: &mut Vec<u8>) -> u8 {
    let Some((first, rest)) = values.split_first() else { return encoding::PLAIN };
    if rest.iter().all(|value| value == first) {
        varint::put(out, *first);
        return encoding::CONST;
    }
    let (mut plain, mut delta, mut runs) = (varint::len(*first), varint::len(*first), 0);
    let (mut previous, mut run) = (*first, 1);
    for value in rest {
        plain += varint::len(*value);
        delta += varint::len(difference(*value, previous));
        if *value == previous {
            run += 1;
        } else {
            runs += varint::len(run) + varint::len(previous);
            run = 1;
        }
        previous = *value;
    }
    runs += varint::len(run) + varint::len(previous);

    if runs < plain && runs < delta {
        put_runs(*first, rest, out);
        encoding::RUNS
    } else if delta < plain {
        varint::put(out, *first);
        let mut previous = *first;
        for value in rest {
            varint::put(out, difference(*value, previous));
            previous = *value;
        }
        encoding::DELTA
    } else {
        for value in values {
            varint::put(out, *value);
        }
        encoding::PLAIN
    }
}

fn put_runs(first: u64, rest: &[u64], out: &mut Vec<u8>) {
    let (mut previous, mut run) = (first, 1);
    for value in rest {
        if *value == previous {
            run += 1;
            continue;
        }
        varint::put(out, run);
        varint::put(out, previous);
        (previous, run) = (*value, 1);
    }
    varint::put(out, run);
    varint::put(out, previous);
}

fn difference(value: u64, previous: u64) -> u64 {
    zigzag(value.wrapping_sub(previous).cast_signed())
}
