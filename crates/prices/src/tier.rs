//! Service tiers.

use std::fmt;
use std::str::FromStr;

/// A service tier that a price may depend on. A vendor's own words (`default`, `fast`, …) are translated by
/// `dialects`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// What is served when nothing is asked for.
    #[default]
    Standard,
    /// Files of requests, answered within hours.
    Batch,
    /// Cheaper and slower.
    Flex,
    /// Dearer and faster.
    Priority,
}

impl Tier {
    /// Every tier.
    pub const ALL: &'static [Self] = &[Self::Standard, Self::Batch, Self::Flex, Self::Priority];

    /// The name used in price books, on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }

    /// The tier's bit in a set of tiers.
    pub(crate) const fn bit(self) -> u8 {
        // A fieldless `repr(u8)` enum of four: the cast is its discriminant.
        1 << (self as u8)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no tier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no tier; write standard, batch, flex or priority")]
pub struct UnknownTier(pub String);

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Self, UnknownTier> {
        Self::ALL.iter().copied().find(|tier| tier.name() == name).ok_or_else(|| UnknownTier(name.to_owned()))
    }
}
