//! How usage is known. Unknown is never zero.

use std::fmt;
use std::str::FromStr;

/// How the tokens of an attempt are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Provenance {
    /// The provider's own final usage, or its answer that nothing was used (a refusal that bills nothing).
    ProviderFinal = 0,
    /// The provider's usage for a part (an Anthropic stream cut after `message_start`); the rest is counted.
    ProviderPartial = 1,
    /// The client left; the stream was read on to the provider's final usage.
    Drained = 2,
    /// Counted by a tokenizer from what was sent and received.
    Counted = 3,
    /// Nobody knows; the figures are an estimate on the safe side, by the stated rule.
    Unknown = 4,
}

impl Provenance {
    /// Every provenance; a value's place is its code in the ledger.
    pub const ALL: &'static [Self] =
        &[Self::ProviderFinal, Self::ProviderPartial, Self::Drained, Self::Counted, Self::Unknown];

    /// The name used in records, API and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProviderFinal => "provider_final",
            Self::ProviderPartial => "provider_partial",
            Self::Drained => "drained",
            Self::Counted => "counted",
            Self::Unknown => "unknown",
        }
    }

    /// The provider itself said the final figures.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::ProviderFinal | Self::Drained)
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no provenance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no provenance")]
pub struct UnknownProvenance(pub String);

impl FromStr for Provenance {
    type Err = UnknownProvenance;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|provenance| provenance.name() == name);
        found.ok_or_else(|| UnknownProvenance(name.to_owned()))
    }
}

impl serde::Serialize for Provenance {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
