//! Errors and the list of models as Anthropic writes them.

use serde_json::{Map, Value, json};

use crate::render::{ErrorBody, ModelInfo, with_extra};

/// `{"type":"error","error":{"type","message"},"request_id"}`; our stable code, and the field at fault, beside them.
pub(crate) fn error(error: &ErrorBody, request_id: &str) -> Value {
    let mut members = Map::new();
    members.insert("type".to_owned(), Value::from(kind(error.status)));
    members.insert("message".to_owned(), Value::from(error.message.as_str()));
    members.insert("code".to_owned(), Value::from(error.code.as_str()));
    if let Some(param) = &error.param {
        members.insert("param".to_owned(), Value::from(param.as_str()));
    }
    json!({ "type": "error", "error": with_extra(members, error), "request_id": request_id })
}

/// Source: Anthropic, "Errors", and `_exceptions.py` of its SDK.
const fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

pub(crate) fn models(models: &[ModelInfo]) -> Value {
    let data: Vec<_> = models
        .iter()
        .map(|model| {
            let created = jiff::Timestamp::from_second(model.created).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            json!({"type": "model", "id": model.id, "display_name": model.id, "created_at": created.to_string()})
        })
        .collect();
    let id = |model: Option<&ModelInfo>| model.map_or(Value::Null, |model| Value::from(model.id.as_str()));
    json!({ "data": data, "has_more": false, "first_id": id(models.first()), "last_id": id(models.last()) })
}
