//! A whole answer: one JSON object, not a stream. Also for a provider that answers a stream request with one.

use crate::answer::{Answer, Outcome};
use crate::usage::Flag;
use crate::{Dialect, Facts, ProviderError, anthropic_messages, classify, openai_chat};

/// Reads a whole answer of status 200. Blank lines before it, which DeepSeek sends while a request is queued, are
/// passed over. The body itself goes to the client as it is.
pub fn read_whole(facts: Facts, body: &[u8]) -> Outcome {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    let mut answer = Answer::new(facts);
    let (error, ended) = match read(body, &mut answer) {
        Ok(None) => (None, true),
        Ok(Some(error)) => (Some(error), false),
        Err(why) => {
            answer.flag(Flag::Malformed);
            (Some(ProviderError::upstream_bug(why)), false)
        }
    };
    answer.outcome(ended, error)
}

fn read(body: &[u8], answer: &mut Answer) -> Result<Option<ProviderError>, &'static str> {
    const NO_JSON: &str = "the answer is no JSON object";
    let facts = answer.facts;
    let (failed, is_answer) = match facts.dialect {
        Dialect::OpenAiChat => {
            let chunk = openai_chat::answer::read(body, answer).map_err(|_| NO_JSON)?;
            (chunk.error.is_some(), chunk.choices)
        }
        Dialect::AnthropicMessages => {
            let event = anthropic_messages::answer::read(body, answer).map_err(|_| NO_JSON)?;
            (event.error, event.typed)
        }
    };
    if failed {
        return Ok(Some(classify::inside_200(facts.dialect, facts.provider, body)));
    }
    if is_answer { Ok(None) } else { Err("the answer has none of the fields of its dialect") }
}

/// What the first bytes of an answer look like, for a provider or proxy whose `content-type` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyShape {
    /// Fields or comments of server-sent events.
    Events,
    /// A JSON object.
    Json,
    /// A page of some proxy, or anything else.
    Other,
    /// Too little has come to tell.
    Unclear,
}

/// Tells an event stream from a JSON answer and from a page.
pub fn sniff(first: &[u8]) -> BodyShape {
    let text = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first).trim_ascii_start();
    let Some(byte) = text.first() else { return BodyShape::Unclear };
    if *byte == b'{' {
        return BodyShape::Json;
    }
    let fields: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b":"];
    if fields.iter().any(|field| text.starts_with(field)) {
        BodyShape::Events
    } else if fields.iter().any(|field| field.starts_with(text)) {
        BodyShape::Unclear
    } else {
        BodyShape::Other
    }
}
