//! Answers that are no answers: the vendors' errors, in their own shapes (WIRE: OpenAI "Error codes", Anthropic "Errors").

use http::StatusCode;
use serde_json::json;

use crate::fault::{Fault, FaultKind};
use crate::request::Dialect;

/// An error as the vendor words it.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The error's type in the dialect's own words.
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    /// Headers beside those of every answer.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, message: message.into(), param: None, headers: Vec::new() }
    }

    fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    fn header(mut self, name: &'static str, value: &dyn ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn bad_json(dialect: Dialect, error: &serde_json::Error) -> Self {
        let message = match dialect {
            Dialect::OpenAi => format!("We could not parse the JSON body of your request: {error}"),
            Dialect::Anthropic => format!("The request body is not valid JSON: {error}"),
        };
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    pub(crate) fn missing(dialect: Dialect, name: &str) -> Self {
        match dialect {
            Dialect::OpenAi => {
                let message = format!("Missing required parameter: '{name}'.");
                let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
                Self { param: Some(name.to_owned()), ..refusal.code("missing_required_parameter") }
            }
            Dialect::Anthropic => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", format!("{name}: Field required"))
            }
        }
    }

    pub(crate) fn invalid(dialect: Dialect, param: &str, message: &str) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        match dialect {
            Dialect::OpenAi => Self { param: Some(param.to_owned()), ..refusal.code("invalid_value") },
            Dialect::Anthropic => refusal,
        }
    }

    pub(crate) fn key(dialect: Dialect, shown: Option<&str>) -> Self {
        match (dialect, shown) {
            (Dialect::OpenAi, None) => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_request_error",
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
            ),
            (Dialect::OpenAi, Some(_)) => {
                Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", "Incorrect API key provided.")
                    .code("invalid_api_key")
            }
            (Dialect::Anthropic, None) => {
                Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "x-api-key header is required")
            }
            (Dialect::Anthropic, Some(_)) => {
                Self::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid x-api-key")
            }
        }
    }

    pub(crate) fn unknown_model(dialect: Dialect, model: &str) -> Self {
        match dialect {
            Dialect::OpenAi => Self::new(
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                format!("The model `{model}` does not exist or you do not have access to it."),
            )
            .code("model_not_found"),
            Dialect::Anthropic => {
                Self::new(StatusCode::NOT_FOUND, "not_found_error", format!("model: {model}"))
            }
        }
    }

    pub(crate) fn no_such_page(dialect: Dialect, path: &str) -> Self {
        let kind = if dialect == Dialect::OpenAi { "invalid_request_error" } else { "not_found_error" };
        Self::new(StatusCode::NOT_FOUND, kind, format!("Invalid URL ({path})"))
    }

    pub(crate) fn too_large(dialect: Dialect) -> Self {
        let kind = if dialect == Dialect::OpenAi { "invalid_request_error" } else { "request_too_large" };
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, kind, "Request exceeds the maximum size")
    }

    /// The refusal that a fault is, if it is one. `now_s`: Unix seconds, for a date to retry at.
    pub(crate) fn of_fault(dialect: Dialect, fault: &Fault, model: &str, now_s: i64) -> Option<Self> {
        let open_ai = dialect == Dialect::OpenAi;
        let rate = || {
            let message = "Rate limit reached for requests. Please try again later.";
            if open_ai {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", message).code("rate_limit_exceeded")
            } else {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", message)
            }
        };
        let by_dialect = |theirs: &'static str, ours: &'static str| if open_ai { theirs } else { ours };
        Some(match fault.kind {
            FaultKind::Rate => rate().header("retry-after", &fault.number().unwrap_or(1)),
            FaultKind::RateMs => rate().header("retry-after-ms", &fault.number().unwrap_or(250)),
            FaultKind::RateDate => {
                let wait = i64::try_from(fault.number().unwrap_or(2)).unwrap_or(i64::MAX);
                rate().header("retry-after", &http_date(now_s.saturating_add(wait)))
            }
            FaultKind::Quota if open_ai => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "insufficient_quota",
                "You exceeded your current quota, please check your plan and billing details.",
            )
            .code("insufficient_quota"),
            FaultKind::Quota => Self::new(
                StatusCode::PAYMENT_REQUIRED,
                "billing_error",
                "Your organization has reached its spend limit.",
            ),
            FaultKind::Credit => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                "Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            FaultKind::Auth => Self::key(dialect, Some("")),
            FaultKind::NotFound => Self::unknown_model(dialect, model),
            FaultKind::Context if open_ai => Self {
                param: Some("messages".to_owned()),
                ..Self::new(
                    StatusCode::BAD_REQUEST,
                    "invalid_request_error",
                    "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 tokens. Please reduce the length of the messages.",
                )
                .code("context_length_exceeded")
            },
            FaultKind::Context => Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                "prompt is too long: 200001 tokens > 200000 maximum",
            ),
            FaultKind::Server => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                by_dialect("server_error", "api_error"),
                "The server had an error while processing your request. Sorry about that!",
            ),
            FaultKind::Unavailable => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                by_dialect("server_error", "overloaded_error"),
                "The engine is currently overloaded, please try again later.",
            ),
            FaultKind::Overloaded => Self::new(
                StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
                by_dialect("server_error", "overloaded_error"),
                "Overloaded",
            ),
            _ => return None,
        })
    }

    /// The error that strikes when an answer has begun, or is the body of a 200.
    pub(crate) fn midway(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAi => Self::new(
                StatusCode::OK,
                "server_error",
                "The server had an error while processing your request. Sorry about that!",
            ),
            Dialect::Anthropic => Self::new(StatusCode::OK, "overloaded_error", "Overloaded"),
        }
    }

    /// The error's body.
    pub(crate) fn body(&self, dialect: Dialect, request_id: &str) -> String {
        match dialect {
            Dialect::OpenAi => json!({ "error": {
                "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
            } })
            .to_string(),
            Dialect::Anthropic => json!({
                "type": "error",
                "error": { "type": self.kind, "message": self.message },
                "request_id": request_id,
            })
            .to_string(),
        }
    }

    /// The error as an event of a stream.
    pub(crate) fn event(&self, dialect: Dialect, request_id: &str) -> String {
        let body = self.body(dialect, request_id);
        match dialect {
            Dialect::OpenAi => format!("data: {body}\n\n"),
            Dialect::Anthropic => format!("event: error\ndata: {body}\n\n"),
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn http_date(second: i64) -> String {
    let at = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 9110, 5.6.7.
    #[test]
    fn a_date_is_written_as_in_http() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
