//! The field `simulate` of a request body: what exactly is to be served. Vendors would refuse it; the simulator reads it.

use serde::{Deserialize, Serialize};

/// What a request says is to be served. All fields may be left out.
///
/// Token counts are inclusive, as traces and vendors' totals write them: `input_tokens` contains cached and written
/// tokens, `output_tokens` contains reasoning and all choices. A request's own output limit still holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Directive {
    /// Prompt tokens, cached and written ones included; absent: counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Output tokens, reasoning included, over all choices; absent: derived from the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Reasoning tokens, part of the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// The reasoning is billed but its text is not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hide_reasoning: bool,
    /// Prompt tokens read from a cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// Prompt tokens written to a cache: 5 minutes (Anthropic).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Prompt tokens written to a cache: 1 hour (Anthropic).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
    /// Prompt tokens written to a cache without a stated life (OpenAI).
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// `name[:argument]` of the fault table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Milliseconds to the first token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Milliseconds per further token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ms: Option<u64>,
    /// Milliseconds that a `stall_mid` lasts; absent: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// Events that the output tokens of a choice are spread over; absent: one event a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Answer with this many calls of the request's tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<u64>,
}

impl Directive {
    /// Prompt tokens that are not plain input.
    pub(crate) fn cached_and_written(&self) -> u64 {
        [self.cached_tokens, self.cache_write_5m, self.cache_write_1h, self.cache_write]
            .iter()
            .fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// What is wrong with it, if anything.
    pub(crate) fn mistake(&self) -> Option<String> {
        /// More would be gigabytes of answer.
        const OUTPUT_MAX: u64 = 4_000_000;
        if self.output_tokens.is_some_and(|output| output > OUTPUT_MAX) {
            return Some(format!("simulate.output_tokens is above {OUTPUT_MAX}"));
        }
        match (self.input_tokens, self.output_tokens, self.reasoning_tokens) {
            (Some(input), _, _) if input < self.cached_and_written() => Some(
                "simulate.input_tokens contains cached and written tokens: it is below their sum".to_owned(),
            ),
            (_, Some(output), Some(reasoning)) if output < reasoning => {
                Some("simulate.output_tokens contains reasoning_tokens: it is below them".to_owned())
            }
            _ => None,
        }
    }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
