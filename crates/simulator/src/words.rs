//! Text of an exact token count: every piece of the vocabulary is one `o200k_base` token in its place, so that
//! N pieces are N tokens and no tokenizer runs while an answer is made.

use crate::rng::Rng;

/// Text in pieces, with the tokens of each piece known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of a [`Text`]: it ends at byte `end` and was `tokens` long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) end: usize,
    pub(crate) tokens: u64,
}

impl Text {
    /// Words of exactly `count` tokens.
    pub(crate) fn of_tokens(count: u64, rng: &mut Rng) -> Self {
        let room = usize::try_from(count.min(1 << 24)).unwrap_or(0);
        let mut made = Self { text: String::with_capacity(room * 6), pieces: Vec::with_capacity(room) };
        let mut until_stop = 0;
        let mut until_comma = 0;
        for place in 0..count {
            let piece = if place == 0 {
                (until_stop, until_comma) = (6 + rng.below(10), 3 + rng.below(9));
                rng.pick(OPENERS, " The").trim_start()
            } else if until_stop == 0 {
                until_stop = u64::MAX;
                "."
            } else if until_stop == u64::MAX {
                (until_stop, until_comma) = (6 + rng.below(10), 3 + rng.below(9));
                rng.pick(OPENERS, " The")
            } else if until_comma == 0 && until_stop > 1 {
                (until_comma, until_stop) = (u64::MAX, until_stop - 1);
                ","
            } else {
                (until_comma, until_stop) = (until_comma.saturating_sub(1), until_stop - 1);
                rng.pick(WORDS, " it")
            };
            made.text.push_str(piece);
            made.pieces.push(Piece { end: made.text.len(), tokens: 1 });
        }
        made
    }

    /// A given text of `tokens` tokens, in pieces of some five characters; the tokens are spread over them.
    pub(crate) fn in_pieces(text: String, tokens: u64) -> Self {
        let borders: Vec<usize> = text
            .char_indices()
            .enumerate()
            .filter(|(n, _)| n % 5 == 0 && *n > 0)
            .map(|(_, (at, _))| at)
            .collect();
        let ends: Vec<usize> = borders.into_iter().chain((!text.is_empty()).then_some(text.len())).collect();
        let count = u64::try_from(ends.len()).unwrap_or(1).max(1);
        let mut pieces = Vec::with_capacity(ends.len());
        let mut before = 0;
        for (end, nth) in ends.into_iter().zip(1u64..) {
            let upto = tokens * nth / count;
            pieces.push(Piece { end, tokens: upto - before });
            before = upto;
        }
        Self { text, pieces }
    }

    /// Tokens of the whole text.
    pub(crate) fn tokens(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.tokens).sum()
    }

    /// The text in `events` stretches of near-equal piece count (at most one per piece), each with its tokens.
    pub(crate) fn stretches(&self, events: Option<u64>) -> impl Iterator<Item = (&str, u64)> {
        let count = u64::try_from(self.pieces.len()).unwrap_or(u64::MAX);
        let events = events.unwrap_or(count).clamp(1, count.max(1));
        let (mut start, mut at) = (0, 0usize);
        (1..=events).filter_map(move |nth| {
            let until = usize::try_from(u128::from(count) * u128::from(nth) / u128::from(events)).ok()?;
            let taken = self.pieces.get(at..until)?;
            let end = taken.last()?.end;
            let text = self.text.get(start..end)?;
            (start, at) = (end, until);
            Some((text, taken.iter().map(|piece| piece.tokens).sum()))
        })
    }
}

/// Words that may open a text or a sentence: one token with and without the space before.
const OPENERS: &[&str] = &[
    " The", " This", " When", " Each", " Every", " Some", " Most", " After", " Before", " Here", " There",
    " While", " Once", " Today", " For", " With",
];

/// Words inside a sentence. Some are beyond ASCII, so that a careless cut shows.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    " a", " about", " account", " across", " again", " all", " also", " always", " amount", " an", " and",
    " answer", " any", " around", " as", " at", " away", " back", " balance", " base", " be", " because",
    " been", " before", " best", " better", " between", " book", " both", " bridge", " build", " but", " by",
    " call", " can", " care", " case", " change", " check", " city", " class", " clear", " close", " cold",
    " come", " common", " complete", " cost", " could", " count", " course", " cover", " current", " data",
    " day", " deep", " design", " detail", " different", " direct", " down", " drive", " early", " earth",
    " easy", " effect", " end", " energy", " enough", " even", " every", " example", " fact", " fair", " far",
    " field", " figure", " final", " find", " fire", " first", " follow", " force", " form", " found",
    " free", " from", " full", " future", " gate", " general", " give", " glass", " good", " great", " green",
    " ground", " group", " grow", " half", " hand", " hard", " heart", " heat", " help", " high", " hold",
    " home", " hour", " house", " how", " idea", " in", " inside", " into", " is", " it", " just", " keep",
    " key", " kind", " known", " land", " large", " last", " late", " later", " learn", " leave", " left",
    " less", " letter", " level", " life", " light", " like", " line", " list", " little", " long", " look",
    " low", " machine", " made", " main", " make", " many", " map", " mark", " matter", " may", " mean",
    " measure", " method", " might", " mind", " model", " month", " more", " morning", " most", " move",
    " much", " must", " name", " near", " need", " never", " new", " next", " night", " north", " note",
    " number", " of", " off", " often", " old", " on", " one", " only", " open", " order", " other", " our",
    " out", " over", " own", " page", " paper", " part", " pass", " past", " pay", " people", " place",
    " plan", " point", " power", " price", " problem", " process", " public", " quick", " quite", " range",
    " rate", " reach", " read", " real", " reason", " record", " rest", " result", " right", " river",
    " road", " room", " round", " rule", " run", " same", " scale", " science", " sea", " second", " see",
    " sense", " set", " several", " shape", " short", " show", " side", " sign", " simple", " since", " size",
    " slow", " small", " so", " some", " sound", " source", " south", " space", " stand", " start", " state",
    " step", " still", " stone", " story", " street", " strong", " study", " such", " sum", " sun", " sure",
    " system", " table", " take", " term", " test", " than", " that", " the", " their", " then", " these",
    " thing", " think", " this", " through", " time", " to", " together", " token", " too", " toward",
    " town", " tree", " true", " turn", " two", " under", " unit", " until", " up", " use", " value", " very",
    " view", " voice", " wait", " walk", " wall", " warm", " was", " watch", " water", " wave", " way",
    " weather", " week", " well", " what", " where", " which", " white", " whole", " why", " wide", " will",
    " wind", " window", " winter", " within", " without", " wood", " word", " work", " world", " would",
    " write", " year", " yet", " young", " café", " für", " más", " está", " também", " même", " över",
    " città", " мир", " дом", " 中国", " 数据",
];

#[cfg(test)]
mod tests {
    use super::*;
    use tokens::Tokenizer;

    #[test]
    fn every_piece_is_one_token() {
        let loose: Vec<_> = OPENERS.iter().map(|word| word.trim_start()).collect();
        let wrong: Vec<_> = [OPENERS, WORDS, &loose, &[",", "."]]
            .concat()
            .into_iter()
            .filter(|piece| Tokenizer::O200k.count(piece) != 1)
            .collect();
        assert!(wrong.is_empty(), "more than one token: {wrong:?}");
    }

    #[test]
    fn a_text_has_the_tokens_it_was_asked_for() {
        for count in [0, 1, 2, 3, 10, 100, 999, 5_000] {
            for seed in 0..8 {
                let text = Text::of_tokens(count, &mut Rng(seed));
                assert_eq!(Tokenizer::O200k.count(&text.text), count, "{}", text.text);
                assert_eq!(text.tokens(), count);
            }
        }
    }

    #[test]
    fn stretches_are_the_text_in_as_many_events_as_asked() {
        let text = Text::of_tokens(100, &mut Rng(3));
        for events in [1, 3, 7, 99, 100] {
            let got: Vec<_> = text.stretches(Some(events)).collect();
            assert_eq!(got.len() as u64, events);
            assert_eq!(got.iter().map(|(part, _)| *part).collect::<String>(), text.text);
            assert_eq!(got.iter().map(|(_, tokens)| tokens).sum::<u64>(), 100);
        }
        assert_eq!(text.stretches(Some(1000)).count(), 100);
        assert_eq!(Text::default().stretches(None).count(), 0);
    }

    #[test]
    fn a_given_text_keeps_its_tokens_over_its_pieces() {
        let text = Text::in_pieces("{\"città\":\"Zürich\",\"n\":3}".to_owned(), 9);
        assert_eq!(text.tokens(), 9);
        assert_eq!(text.stretches(None).map(|(part, _)| part).collect::<String>(), text.text);
    }
}
