//! What is learnt of an answer, streamed or whole, and the outcome it ends in.

use tokens::Kind;

use crate::json::Text;
use crate::texts::{Part, Texts};
use crate::usage::{Flag, Flags};
use crate::{Dialect, Facts, ProviderError, Usage, anthropic_messages, openai_chat};

/// How an answer ended and what it used.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Usage as far as the provider said it.
    pub usage: Usage,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// The model that answered, by the provider's word.
    pub served_model: Option<String>,
    /// The provider's own word; of several choices the last one said.
    pub finish_reason: Option<String>,
    /// The tier used, by the provider's word; `fast` for Anthropic's `speed: fast`.
    pub service_tier: Option<String>,
    /// The text, to be counted when usage is not complete.
    pub texts: Texts,
    /// The answer is whole: its end mark came, or it ended after a finish reason and usage.
    pub complete: bool,
    /// The provider reported an error, or sent what is no answer.
    pub error: Option<ProviderError>,
}

/// The state that events and whole answers are read into.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) facts: Facts,
    pub(crate) claim: Claim,
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) finish: Option<String>,
    pub(crate) tier: Option<String>,
    pub(crate) texts: Texts,
    /// Choices seen and choices finished, a bit each (`n` is at most 128).
    pub(crate) begun: u128,
    pub(crate) finished: u128,
    /// How the last event began, up to where it said something new.
    pub(crate) head: Vec<u8>,
}

/// Usage claimed so far, in the terms of the dialect.
#[derive(Clone, Debug)]
pub(crate) enum Claim {
    OpenAiChat(openai_chat::usage::Claim),
    AnthropicMessages(anthropic_messages::usage::Claim),
}

impl Claim {
    pub(crate) fn flags(&mut self) -> &mut Flags {
        match self {
            Self::OpenAiChat(claim) => &mut claim.flags,
            Self::AnthropicMessages(claim) => &mut claim.flags,
        }
    }

    fn usage(&self, cache_write: Kind, last: bool) -> Usage {
        match self {
            Self::OpenAiChat(claim) => claim.usage(cache_write, last),
            Self::AnthropicMessages(claim) => claim.usage(cache_write, last),
        }
    }
}

impl Answer {
    pub(crate) fn new(facts: Facts) -> Self {
        let claim = match facts.dialect {
            Dialect::OpenAiChat => Claim::OpenAiChat(openai_chat::usage::Claim::default()),
            Dialect::AnthropicMessages => {
                Claim::AnthropicMessages(anthropic_messages::usage::Claim::default())
            }
        };
        Self {
            facts,
            claim,
            id: None,
            model: None,
            finish: None,
            tier: None,
            texts: Texts::default(),
            begun: 0,
            finished: 0,
            head: Vec::new(),
        }
    }

    pub(crate) fn flag(&mut self, flag: Flag) {
        self.claim.flags().raise(flag);
    }

    /// Keeps a text. Returns whether there was one.
    pub(crate) fn text(&mut self, choice: u64, part: Part, text: Option<Text<'_>>) -> bool {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return false };
        if !self.texts.push(choice, part, text) {
            self.flag(Flag::TextTruncated);
        }
        true
    }

    /// Every choice that began has a finish reason.
    pub(crate) const fn all_finished(&self) -> bool {
        self.begun != 0 && self.begun & !self.finished == 0
    }

    /// Usage as it stands, final if nothing follows.
    fn usage(&self, last: bool) -> Usage {
        self.claim.usage(self.facts.cache_write, last)
    }

    /// Ends it. `ended`: the end mark came, or the whole answer was read; else the connection closed here.
    pub(crate) fn outcome(self, ended: bool, error: Option<ProviderError>) -> Outcome {
        let finished = ended || self.all_finished();
        let usage = self.usage(finished);
        let complete = error.is_none() && (ended || (finished && usage.complete));
        let tier = match self.claim {
            Claim::OpenAiChat(_) => self.tier,
            Claim::AnthropicMessages(claim) => claim.tier,
        };
        Outcome {
            usage,
            response_id: self.id,
            served_model: self.model,
            finish_reason: self.finish,
            service_tier: tier,
            texts: self.texts,
            complete,
            error,
        }
    }
}

/// Whether a finish reason, in the provider's own word, says that a limit on tokens cut the answer: where it would
/// have stopped by itself is then not known.
pub fn is_cut_by_limit(finish_reason: &str) -> bool {
    matches!(finish_reason, "length" | "max_tokens" | "model_context_window_exceeded")
}

/// Keeps the first text that says something.
pub(crate) fn keep_first(slot: &mut Option<String>, text: Option<Text<'_>>) {
    if slot.is_none()
        && let Some(text) = text.filter(|text| !text.is_empty())
    {
        *slot = Some(text.value());
    }
}

/// Keeps the last text that says something, without an allocation when it says the same again.
pub(crate) fn keep_last(slot: &mut Option<String>, text: Option<Text<'_>>) {
    if let Some(text) = text.filter(|text| !text.is_empty())
        && slot.as_ref().is_none_or(|slot| slot.as_bytes() != text.raw)
    {
        *slot = Some(text.value());
    }
}
