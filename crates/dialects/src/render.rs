//! What the gateway itself says to a client, in the client's dialect: refusals, errors in streams, the list of models.

use serde_json::{Map, Value};

use crate::{BadRequest, Dialect, anthropic_messages, openai_chat};

/// A refusal or failure in the gateway's own terms.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBody {
    /// The HTTP status; it decides the type that the dialect's SDKs look at.
    pub status: u16,
    /// Stable, in every dialect: `invalid_api_key`, `insufficient_quota`, `no_lawful_offer`, …
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
    /// More, by name: `scope`, `limit`, `spent`, `held`, `resets_at`.
    pub extra: Vec<(&'static str, Value)>,
}

impl ErrorBody {
    /// An error without details.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), param: None, extra: Vec::new() }
    }
}

impl From<BadRequest> for ErrorBody {
    fn from(bad: BadRequest) -> Self {
        Self { param: bad.param, ..Self::new(400, bad.code, bad.message) }
    }
}

/// The body of an error answer. `request_id` is the call's id, which Anthropic's dialect has in the body.
pub fn render_error(dialect: Dialect, error: &ErrorBody, request_id: &str) -> Vec<u8> {
    json(&error_value(dialect, error, request_id))
}

/// An error as the last event of a stream that has begun.
pub fn render_stream_error(dialect: Dialect, error: &ErrorBody, request_id: &str) -> Vec<u8> {
    let data = json(&error_value(dialect, error, request_id));
    let head: &[u8] = match dialect {
        Dialect::OpenAiChat => b"data: ",
        Dialect::AnthropicMessages => b"event: error\ndata: ",
    };
    [head, &data, b"\n\n"].concat()
}

fn error_value(dialect: Dialect, error: &ErrorBody, request_id: &str) -> Value {
    match dialect {
        Dialect::OpenAiChat => openai_chat::render::error(error),
        Dialect::AnthropicMessages => anthropic_messages::render::error(error, request_id),
    }
}

/// A model that a caller may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// Its name.
    pub id: String,
    /// When it was set up, in seconds since 1970.
    pub created: i64,
    /// Who serves it.
    pub owned_by: String,
}

/// The body of `GET /v1/models`.
pub fn models_list(dialect: Dialect, models: &[ModelInfo]) -> Vec<u8> {
    json(&match dialect {
        Dialect::OpenAiChat => openai_chat::render::models(models),
        Dialect::AnthropicMessages => anthropic_messages::render::models(models),
    })
}

fn json(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The members that both dialects have in their own order, then the extra ones.
pub(crate) fn with_extra(mut members: Map<String, Value>, error: &ErrorBody) -> Value {
    for (name, value) in &error.extra {
        members.entry(*name).or_insert_with(|| value.clone());
    }
    Value::Object(members)
}
