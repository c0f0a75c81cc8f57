//! Errors and the list of models as OpenAI writes them.

use serde_json::{Map, Value, json};

use crate::render::{ErrorBody, ModelInfo, with_extra};

/// `{"error":{"message","type","param","code"}}`. The SDKs choose their exception by the status; `type` is for people.
pub(crate) fn error(error: &ErrorBody) -> Value {
    let kind = match (error.status, error.code.as_str()) {
        (_, "insufficient_quota") => "insufficient_quota",
        (429, _) => "rate_limit_error",
        (500.., _) => "server_error",
        _ => "invalid_request_error",
    };
    let mut members = Map::new();
    members.insert("message".to_owned(), Value::from(error.message.as_str()));
    members.insert("type".to_owned(), Value::from(kind));
    members.insert("param".to_owned(), error.param.as_deref().map_or(Value::Null, Value::from));
    members.insert("code".to_owned(), Value::from(error.code.as_str()));
    json!({ "error": with_extra(members, error) })
}

pub(crate) fn models(models: &[ModelInfo]) -> Value {
    let data: Vec<_> = models
        .iter()
        .map(|model| {
            json!({"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by})
        })
        .collect();
    json!({ "object": "list", "data": data })
}
