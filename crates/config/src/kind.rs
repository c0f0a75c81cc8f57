//! Provider kinds: the rows of `dialects::QUIRKS`, by name.

use std::fmt;

use dialects::{Dialect, Hangup, QUIRKS, Quirk};

use crate::problem::Wrong;
use crate::read::nearest;

/// A provider known by name, or how one that is not known is spoken to (`openai-compatible`).
#[derive(Clone, Copy)]
pub struct ProviderKind(&'static Quirk);

impl ProviderKind {
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        dialects::quirk(name).map(Self)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0.provider
    }

    /// All that is known of it.
    pub const fn quirk(self) -> &'static Quirk {
        self.0
    }

    /// What it speaks.
    pub const fn dialect(self) -> Dialect {
        self.0.dialect
    }

    /// What a caller's hang-up does when nothing is written.
    pub const fn on_hangup(self) -> Hangup {
        self.0.on_hangup
    }

    /// Its address has to be written, so it is nobody in particular: `…-compatible`, or simulated.
    pub const fn is_anybody(self) -> bool {
        self.0.base_url.is_none()
    }
}

/// By name: a kind is its row.
impl PartialEq for ProviderKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ProviderKind {}

impl fmt::Debug for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names of every kind that is spoken to.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    QUIRKS.iter().map(|row| row.provider)
}

/// A kind as it is written. Gemini's own dialect has its names reserved and is not spoken yet.
pub(crate) fn parse(text: &str) -> Result<ProviderKind, Wrong> {
    if let Some(kind) = ProviderKind::named(text) {
        return Ok(kind);
    }
    if ["gemini", "gemini-compatible"].contains(&text) {
        return Err(Wrong::new(
            format!("`{text}` is not available in this version"),
            "write kind = \"openai-compatible\" with Google's compatible endpoint: \
             base_url = \"https://generativelanguage.googleapis.com/v1beta/openai\"",
        ));
    }
    let fix = match nearest(text, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(Wrong::new(format!("unknown kind of provider `{text}`"), fix))
}
