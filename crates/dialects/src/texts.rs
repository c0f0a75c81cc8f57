//! The text of an answer, kept to be counted when its provider reports no usage. Joined per block before anything is
//! counted, because a character may be split over two deltas. Bounded.

use tokens::Counter;

use crate::json::Text;

/// Texts beyond this many bytes are not kept; their bytes are counted.
pub(crate) const TEXT_MAX: usize = 8 << 20;
/// Parts of an answer that are told apart (128 choices of a few parts each): each new one is looked for among them.
const BLOCKS_MAX: usize = 1024;

/// Which text of an answer a piece belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Content,
    Refusal,
    Reasoning,
    /// A tool call, by its index: name and arguments.
    Tool(u64),
    /// A block of content by its index, where a dialect numbers them.
    Block(u64),
    /// The same, of thinking.
    Thinking(u64),
}

impl Part {
    const fn is_reasoning(self) -> bool {
        matches!(self, Self::Reasoning | Self::Thinking(_))
    }
}

/// The text of an answer by block.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    blocks: Vec<Block>,
    current: usize,
    bytes: usize,
    dropped: u64,
}

#[derive(Clone, Debug)]
struct Block {
    choice: u64,
    part: Part,
    text: String,
    high: Option<u16>,
}

/// Tokens of an answer by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Of what the user sees: content, refusals, tool calls.
    pub visible: u64,
    /// Of reasoning that was shown.
    pub reasoning: u64,
}

impl Texts {
    /// Appends a piece. `false`: there was no room.
    pub(crate) fn push(&mut self, choice: u64, part: Part, piece: Text<'_>) -> bool {
        if self.bytes.saturating_add(piece.raw.len()) > TEXT_MAX {
            self.dropped = self.dropped.saturating_add(u64::try_from(piece.raw.len()).unwrap_or(u64::MAX));
            return false;
        }
        self.bytes += piece.raw.len();
        let Some(block) = self.block(choice, part) else {
            self.dropped = self.dropped.saturating_add(u64::try_from(piece.raw.len()).unwrap_or(u64::MAX));
            return false;
        };
        piece.append_to(&mut block.text, &mut block.high);
        true
    }

    /// The block of a part; nearly always the one of the last piece. `None`: there are too many.
    fn block(&mut self, choice: u64, part: Part) -> Option<&mut Block> {
        let is_it = |block: &Block| block.choice == choice && block.part == part;
        if !self.blocks.get(self.current).is_some_and(is_it) {
            self.current = match self.blocks.iter().position(is_it) {
                Some(place) => place,
                None if self.blocks.len() >= BLOCKS_MAX => return None,
                None => {
                    self.blocks.push(Block { choice, part, text: String::new(), high: None });
                    self.blocks.len() - 1
                }
            };
        }
        self.blocks.get_mut(self.current)
    }

    /// Texts that the user sees, block by block.
    pub fn visible(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter(|block| !block.part.is_reasoning()).map(|block| block.text.as_str())
    }

    /// Reasoning that was shown, block by block. It may be a summary of what was billed.
    pub fn reasoning(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter(|block| block.part.is_reasoning()).map(|block| block.text.as_str())
    }

    /// Nothing came.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0 && self.dropped == 0
    }

    /// Bytes that came and were not kept.
    pub const fn dropped_bytes(&self) -> u64 {
        self.dropped
    }

    /// Tokens of the texts. What was not kept counts as one token per 4 bytes, and is flagged in the usage.
    pub fn count(&self, counter: Counter) -> Counted {
        let sum = |tokens: u64, text: &str| tokens.saturating_add(counter.tokenizer.count(text));
        let visible = self.visible().fold(0, sum).saturating_add(self.dropped.div_ceil(4));
        Counted { visible, reasoning: self.reasoning().fold(0, sum) }
    }
}

#[cfg(test)]
mod tests {
    use tokens::counter_for;

    use super::*;

    fn piece(raw: &str) -> Text<'_> {
        Text { raw: raw.as_bytes(), start: 0, escaped: raw.contains('\\') }
    }

    #[test]
    fn interleaved_choices_are_joined_before_they_are_counted() {
        let mut texts = Texts::default();
        for (choice, raw) in [(0, "tolling "), (1, r"\ud83d"), (0, "bells"), (1, r"\ude00")] {
            assert!(texts.push(choice, Part::Content, piece(raw)));
        }
        assert!(texts.push(0, Part::Reasoning, piece("hm")));
        assert_eq!(texts.visible().collect::<Vec<_>>(), ["tolling bells", "\u{1f600}"]);
        assert_eq!(texts.reasoning().collect::<Vec<_>>(), ["hm"]);
        // o200k (tiktoken): "hm" is one token.
        assert_eq!(texts.count(counter_for("gpt-4o")).reasoning, 1);
    }

    #[test]
    fn a_flood_is_measured_and_not_kept() {
        let mut texts = Texts::default();
        let mebibyte = "a".repeat(1 << 20);
        let kept = (0..10).filter(|_| texts.push(0, Part::Content, piece(&mebibyte))).count();
        assert_eq!((kept, texts.dropped_bytes()), (8, 2 << 20));
    }

    #[test]
    fn parts_without_end_are_counted_by_their_bytes() {
        let mut texts = Texts::default();
        for choice in 0..5_000 {
            assert_eq!(texts.push(choice, Part::Content, piece("toll")), choice < 1_024);
        }
        assert_eq!((texts.blocks.len(), texts.dropped_bytes()), (1_024, (5_000 - 1_024) * 4));
    }
}
