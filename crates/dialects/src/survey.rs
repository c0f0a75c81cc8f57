//! What a request's input is made of: where its texts are, and what its media are worth by rule. Taken once, when
//! the request is decoded; counted when a tokenizer is known.
//!
//! These are estimates for holds and routes. What is charged is the provider's usage, or a count of the output.

use tokens::Counter;

use crate::json::{Text, unescape};

/// Overhead per message: 3 tokens of framing and 1 for its role, which the cookbook counts as a text.
/// Source: OpenAI cookbook, "How to count tokens with tiktoken".
const PER_MESSAGE: u64 = 3 + 1;
/// A `name` costs one more. Same source.
const PER_NAME: u64 = 1;
/// Every reply is primed with `<|start|>assistant<|message|>`. Same source.
const PER_REPLY: u64 = 3;
/// Texts are counted exactly up to this many bytes; the rest at the same tokens per byte. A tokenizer takes tens of
/// milliseconds a megabyte, which a hot path has not.
const COUNTED_BYTES: usize = 512 << 10;

/// What was found on one walk over the messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    texts: Vec<Piece>,
    fixed: u64,
    pub(crate) vision: bool,
    pub(crate) audio: bool,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    escaped: bool,
}

impl Survey {
    pub(crate) fn new() -> Self {
        Self { fixed: PER_REPLY, ..Self::default() }
    }

    pub(crate) fn message(&mut self) {
        self.fixed = self.fixed.saturating_add(PER_MESSAGE);
    }

    pub(crate) fn name(&mut self, text: Text<'_>) {
        self.fixed = self.fixed.saturating_add(PER_NAME);
        self.text(text);
    }

    /// A text of the prompt.
    pub(crate) fn text(&mut self, text: Text<'_>) {
        if !text.is_empty() {
            let end = text.start + text.raw.len();
            self.texts.push(Piece { start: text.start, end, escaped: text.escaped });
        }
    }

    /// JSON that a provider shows to the model about as it is written (tools, schemas, tool inputs).
    pub(crate) fn json(&mut self, start: usize, end: usize) {
        if start < end {
            self.texts.push(Piece { start, end, escaped: false });
        }
    }

    /// An image worth this many tokens.
    pub(crate) fn image(&mut self, tokens: u64) {
        self.vision = true;
        self.fixed = self.fixed.saturating_add(tokens);
    }

    /// Audio worth this many tokens.
    pub(crate) fn sound(&mut self, tokens: u64) {
        self.audio = true;
        self.fixed = self.fixed.saturating_add(tokens);
    }

    /// A file worth this many tokens.
    pub(crate) fn file(&mut self, tokens: u64) {
        self.fixed = self.fixed.saturating_add(tokens);
    }

    /// Tokens of it all.
    pub(crate) fn count(&self, body: &[u8], counter: Counter) -> u64 {
        let (mut counted_bytes, mut counted, mut rest_bytes) = (0_usize, 0_u64, 0_usize);
        let mut buffer = String::new();
        for piece in &self.texts {
            let raw = body.get(piece.start..piece.end).unwrap_or_default();
            let room = COUNTED_BYTES.saturating_sub(counted_bytes);
            let (head, tail) = split_at_char(raw, room);
            rest_bytes = rest_bytes.saturating_add(tail.len());
            counted_bytes += head.len();
            counted = counted.saturating_add(count(head, piece.escaped, counter, &mut buffer));
        }
        let rest = u64::try_from(rest_bytes).unwrap_or(u64::MAX);
        let seen = u64::try_from(counted_bytes).unwrap_or(u64::MAX).max(1);
        let extrapolated = rest.saturating_mul(counted).div_ceil(seen);
        self.fixed.saturating_add(counted).saturating_add(extrapolated)
    }
}

fn count(raw: &[u8], escaped: bool, counter: Counter, buffer: &mut String) -> u64 {
    if raw.is_empty() {
        return 0;
    }
    if !escaped && let Ok(text) = std::str::from_utf8(raw) {
        return counter.tokenizer.count(text);
    }
    buffer.clear();
    let mut high = None;
    unescape(raw, buffer, &mut high);
    counter.tokenizer.count(buffer)
}

/// Splits near `at` and not within a character.
fn split_at_char(raw: &[u8], at: usize) -> (&[u8], &[u8]) {
    let mut at = at.min(raw.len());
    while at > 0 && at < raw.len() && raw.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
        at -= 1;
    }
    raw.split_at_checked(at).unwrap_or((raw, &[]))
}
