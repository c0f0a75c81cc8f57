//! Tokenizers: o200k and cl100k, loaded on first use (each holds some 35 MB of tables).

use crate::pieces;

/// A vocabulary that can be counted with here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tokenizer {
    /// `o200k_base`: OpenAI's models from gpt-4o on.
    O200k,
    /// `cl100k_base`: gpt-4, gpt-3.5-turbo, text-embedding-3.
    Cl100k,
}

impl Tokenizer {
    /// The vocabulary's public name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::O200k => "o200k_base",
            Self::Cl100k => "cl100k_base",
        }
    }

    /// Tokens of a text. Special tokens such as `<|endoftext|>` in it count as plain text, as a caller's text must.
    pub fn count(self, text: &str) -> u64 {
        let tokenizer = match self {
            Self::O200k => bpe_openai::o200k_base(),
            Self::Cl100k => bpe_openai::cl100k_base(),
        };
        // Neither vocabulary normalises its text first, so the split may be taken of the text as it is.
        let count = |piece: &str| u64::try_from(tokenizer.bpe.count(piece.as_bytes())).unwrap_or(u64::MAX);
        pieces::counted(self, |seen| {
            tokenizer.split(text).fold(0, |sum: u64, piece| sum.saturating_add(seen.get_or(piece, count)))
        })
    }
}

/// What to count a model's text with, and whether that is the model's own vocabulary or a stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The vocabulary used.
    pub tokenizer: Tokenizer,
    /// The vocabulary is the model's own; `false`: a labelled stand-in (o200k), whose error is not known.
    pub exact: bool,
}

/// The counter for a model's name, as clients or providers write it.
///
/// Source of the mapping: tiktoken 0.14.0, `model.py` (prefixes and names).
///
/// ```
/// use tokens::{Tokenizer, counter_for};
/// assert_eq!(counter_for("gpt-4").tokenizer, Tokenizer::Cl100k);
/// assert!(counter_for("gpt-4o-2024-08-06").exact);
/// assert!(!counter_for("qwen-plus").exact);
/// ```
pub fn counter_for(model: &str) -> Counter {
    // Longer prefixes first: `gpt-4o` is not `gpt-4`.
    const O200K: &[&str] =
        &["gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4", "gpt-oss"];
    const CL100K: &[&str] = &["gpt-4", "gpt-3.5", "gpt-35", "text-embedding-3", "text-embedding-ada-002"];
    let bare = model.rsplit('/').next().unwrap_or(model);
    let bare = bare.strip_prefix("ft:").unwrap_or(bare);
    if O200K.iter().any(|prefix| bare.starts_with(prefix)) {
        Counter { tokenizer: Tokenizer::O200k, exact: true }
    } else if CL100K.iter().any(|prefix| bare.starts_with(prefix)) {
        Counter { tokenizer: Tokenizer::Cl100k, exact: true }
    } else {
        Counter { tokenizer: Tokenizer::O200k, exact: false }
    }
}
