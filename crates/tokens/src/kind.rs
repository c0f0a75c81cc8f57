//! The kinds of the usage record: disjoint token kinds, and units that are billed but are no tokens.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($variant:ident = $name:literal, $group:ident, $doc:literal;)*) => {
        /// A kind of the usage record. Kinds are disjoint: the parts of an attempt add up to its total.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $(#[doc = $doc] $variant,)* }

        impl Kind {
            /// Every kind, in the order of the record; a kind's place is its `index`.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in configuration, price books, API and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)* }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Prompt,
    Output,
    Unit,
}

kinds! {
    Input = "input", Prompt, "Text input that was neither read from nor written to a cache.";
    InputCached = "input_cached", Prompt, "Text input read from a prompt cache.";
    CacheWrite5m = "cache_write_5m", Prompt, "Input written to a cache that lives 5 minutes.";
    CacheWrite30m = "cache_write_30m", Prompt, "Input written to a cache that lives 30 minutes.";
    CacheWrite1h = "cache_write_1h", Prompt, "Input written to a cache that lives 1 hour.";
    CacheWrite12h = "cache_write_12h", Prompt, "Input written to a cache that lives 12 hours.";
    CacheWrite = "cache_write", Prompt, "Input written to a cache whose life the provider did not say.";
    Output = "output", Output, "Text output without reasoning.";
    Reasoning = "reasoning", Output, "Reasoning output, where the provider says it apart.";
    ImageInput = "image_input", Prompt, "Image input.";
    AudioInput = "audio_input", Prompt, "Audio input.";
    VideoInput = "video_input", Prompt, "Video input.";
    ImageInputCached = "image_input_cached", Prompt, "Image input read from a cache.";
    AudioInputCached = "audio_input_cached", Prompt, "Audio input read from a cache.";
    ImageOutput = "image_output", Output, "Image output.";
    AudioOutput = "audio_output", Output, "Audio output.";
    Requests = "requests", Unit, "Requests billed one by one.";
    WebSearches = "web_searches", Unit, "Web searches run by the provider.";
    SearchUnits = "search_units", Unit, "Rerank search units.";
    AudioMs = "audio_ms", Unit, "Audio, in milliseconds.";
    Images = "images", Unit, "Images billed by the piece.";
    CacheTokenHours = "cache_token_hours", Unit, "Cache storage, in tokens times hours.";
}

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The kind's place in [`Kind::ALL`].
    pub const fn index(self) -> usize {
        // A fieldless `repr(u8)` enum: the cast is its discriminant.
        self as usize
    }

    /// Input of any medium, cached, written or fresh: what length bands of a price look at.
    pub const fn is_prompt(self) -> bool {
        matches!(self.group(), Group::Prompt)
    }

    /// Output of any medium, reasoning included.
    pub const fn is_output(self) -> bool {
        matches!(self.group(), Group::Output)
    }

    /// A unit that is billed but is no token; it counts in no token total.
    pub const fn is_unit(self) -> bool {
        matches!(self.group(), Group::Unit)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no kind of the usage record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of the usage record")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl serde::Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_kind() {
        for (place, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert_eq!(kind.index(), place);
        }
    }

    #[test]
    fn a_unit_is_neither_prompt_nor_output() {
        let units: Vec<_> = Kind::ALL.iter().filter(|k| k.is_unit()).map(|k| k.name()).collect();
        assert_eq!(
            units,
            ["requests", "web_searches", "search_units", "audio_ms", "images", "cache_token_hours"]
        );
        assert!(
            Kind::ALL.iter().all(|k| [k.is_prompt(), k.is_output(), k.is_unit()]
                .iter()
                .filter(|x| **x)
                .count()
                == 1)
        );
    }
}
