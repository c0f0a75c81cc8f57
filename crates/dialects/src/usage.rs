//! Usage: what a provider claims was used, made into the token vector.
//!
//! Counts are cumulative: the last non-null value of each field wins, nothing is ever summed. What cannot be a
//! count, and what does not add up, is flagged and kept as written; it is never clamped into shape.
//! Not here: the vendors' field names (`openai_chat::usage`, `anthropic_messages::usage`).

use tokens::Tokens;

/// Usage of an answer, as far as its provider said it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// The vector; `None`: nothing usable was said, which is not zero.
    pub tokens: Option<Tokens>,
    /// The figures are the final ones. `false` with tokens: a part is known (an Anthropic stream that was cut after
    /// `message_start` knows its input; running totals know what had been generated).
    pub complete: bool,
    /// The provider's own object as written; two of them, first and last, as a JSON array where a dialect splits
    /// usage over a stream. Empty: none came.
    pub raw: String,
    /// What was odd.
    pub flags: Flags,
}

macro_rules! flags {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// What was odd about an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Flag { $(#[doc = $doc] $variant,)* }

        impl Flag {
            /// Every flag.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in records and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

flags! {
    MalformedCount = "malformed_count", "A count was a string, negative, a fraction or absurd; it was not used.";
    ZeroAfterValue = "zero_after_value", "A later zero did not overwrite a value.";
    TotalMismatch = "total_mismatch", "The provider's total is not the sum of its parts.";
    DetailExceeds = "detail_exceeds", "A detail is larger than the count it is part of; the detail was not used.";
    CacheDisagrees = "cache_disagrees", "Two fields for the same cache count differ; the documented one was used.";
    MultiModel = "multi_model", "A part was served by another model, which is in the raw object only.";
    GeoPriced = "geo_priced", "Inference was bound to a region, which some models charge for.";
    UsageAfterEnd = "usage_after_end", "Usage came after the end mark.";
    Unterminated = "unterminated", "The last event lacked its blank line.";
    Malformed = "malformed", "An event or answer was not what its dialect says.";
    TextTruncated = "text_truncated", "More text came than is kept for counting; only its bytes are known.";
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// Raises a flag.
    pub fn raise(&mut self, flag: Flag) {
        self.0 |= 1 << u16::from(flag.code());
    }

    /// The flag is raised.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & (1 << u16::from(flag.code())) != 0
    }

    /// Those raised.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }

    /// None is raised.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Flag {
    const fn code(self) -> u8 {
        self as u8
    }
}

/// A count as it was last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(Option<u64>);

impl Slot {
    /// Takes a value as written.
    pub(crate) fn take(&mut self, raw: &[u8], flags: &mut Flags) {
        match reading(raw) {
            Reading::Absent => {}
            Reading::Odd => flags.raise(Flag::MalformedCount),
            Reading::Count(0) if self.0.is_some_and(|before| before > 0) => flags.raise(Flag::ZeroAfterValue),
            Reading::Count(count) => self.0 = Some(count),
        }
    }

    pub(crate) const fn get(self) -> Option<u64> {
        self.0
    }

    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

enum Reading {
    Absent,
    Count(u64),
    Odd,
}

/// From here on a JSON number may have lost digits on its way through a JavaScript server.
const EXACT: u64 = 1 << 53;

/// A count: a whole number up to 2⁵³, also as `12.0`.
fn reading(raw: &[u8]) -> Reading {
    if raw == b"null" {
        return Reading::Absent;
    }
    let whole = match memchr::memchr(b'.', raw) {
        Some(dot) => {
            let (whole, fraction) = raw.split_at(dot);
            let zeros = fraction.len() > 1 && fraction.iter().skip(1).all(|digit| *digit == b'0');
            if zeros { whole } else { return Reading::Odd }
        }
        None => raw,
    };
    let digits = !whole.is_empty() && whole.iter().all(u8::is_ascii_digit);
    let count = std::str::from_utf8(whole).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    count.filter(|count| *count <= EXACT).map_or(Reading::Odd, Reading::Count)
}

/// The usage objects as written: the first (where a dialect splits usage) and the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawUsage {
    first: Vec<u8>,
    last: Vec<u8>,
}

/// A longer object is no usage; it is not kept.
const RAW_MAX: usize = 16 << 10;

impl RawUsage {
    pub(crate) fn first(&mut self, raw: &[u8]) {
        Self::keep(&mut self.first, raw);
    }

    pub(crate) fn last(&mut self, raw: &[u8]) {
        Self::keep(&mut self.last, raw);
    }

    /// Keeps the buffer: an object in every event costs a copy and no allocation.
    fn keep(into: &mut Vec<u8>, raw: &[u8]) {
        into.clear();
        if raw.len() <= RAW_MAX {
            into.extend_from_slice(raw);
        }
    }

    pub(crate) fn text(&self) -> String {
        let (first, last) = (String::from_utf8_lossy(&self.first), String::from_utf8_lossy(&self.last));
        match (first.is_empty(), last.is_empty()) {
            (true, _) => last.into_owned(),
            (_, true) => first.into_owned(),
            _ => format!("[{first},{last}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_counts() {
        let check = |raw: &str, wanted: Option<u64>, odd: bool| {
            let (mut slot, mut flags) = (Slot::default(), Flags::default());
            slot.take(raw.as_bytes(), &mut flags);
            assert_eq!((slot.get(), flags.has(Flag::MalformedCount)), (wanted, odd), "{raw}");
        };
        check("12", Some(12), false);
        check("12.0", Some(12), false);
        check("0", Some(0), false);
        check("9007199254740992", Some(1 << 53), false);
        check("null", None, false);
        for odd in [
            "\"12\"",
            "-1",
            "1.5",
            "12.",
            "NaN",
            "1e400",
            "1e3",
            "9007199254740993",
            "{}",
            "true",
            "[]",
            ".0",
        ] {
            check(odd, None, true);
        }
    }

    #[test]
    fn the_last_value_wins_but_for_zeros_and_garbage() {
        let (mut slot, mut flags) = (Slot::default(), Flags::default());
        for raw in ["4", "9", "null", "0", "-3"] {
            slot.take(raw.as_bytes(), &mut flags);
        }
        assert_eq!(slot.get(), Some(9));
        assert_eq!(flags.iter().collect::<Vec<_>>(), [Flag::MalformedCount, Flag::ZeroAfterValue]);
    }
}
