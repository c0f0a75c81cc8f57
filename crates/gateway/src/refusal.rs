//! Refusals: why a call is not served, as a stable code, and as an answer in the caller's dialect.

use dialects::{Dialect, ErrorBody, ErrorClass, ProviderError};
use edge::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use ledger::CallId;
use serde_json::Value;

/// Header that names the call in every answer.
pub(crate) const CALL_ID: HeaderName = HeaderName::from_static("x-tollhouse-call-id");

/// Why a call is not served.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) extra: Vec<(&'static str, Value)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), param: None, retry_after_ms: None, extra: vec![] }
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message).param(param)
    }

    /// The books cannot take another call: the ledger is full, behind, or has failed.
    pub(crate) fn overloaded(message: impl Into<String>) -> Self {
        let mut refusal = Self::new(503, "overloaded", message);
        refusal.retry_after_ms = Some(1_000);
        refusal
    }

    /// What a client is told of a provider's failure. The provider's words are passed on only where they blame the
    /// request; where they speak of our credential or account they stay in the ledger.
    pub(crate) fn of_provider(error: &ProviderError, offer: &str) -> Self {
        let words = |text: &str| format!("{text} (offer {offer}): {}", error.message);
        let mut refusal = match error.class {
            ErrorClass::BadRequest => Self::new(400, "invalid_request_error", error.message.clone()),
            ErrorClass::ContextTooLong => Self::new(400, "context_length_exceeded", error.message.clone()),
            ErrorClass::ContentFiltered => Self::new(400, "content_filter", error.message.clone()),
            ErrorClass::Rate => Self::new(429, "rate_limit_exceeded", words("the provider limits the rate")),
            ErrorClass::Overload => Self::new(503, "overloaded", words("the provider is overloaded")),
            ErrorClass::Timeout => Self::new(504, "timeout", words("the provider did not answer in time")),
            ErrorClass::UpstreamBug => Self::new(502, "upstream_error", words("the provider failed")),
            ErrorClass::Auth => Self::new(
                502,
                "provider_auth",
                format!("the provider refused the credential of offer {offer}"),
            ),
            ErrorClass::Quota => Self::new(
                502,
                "provider_quota",
                format!("the provider's account behind offer {offer} is out of money"),
            ),
            ErrorClass::NotFound => Self::new(
                502,
                "provider_model_not_found",
                format!("the provider does not know the model of offer {offer}"),
            ),
            ErrorClass::Region => Self::new(
                502,
                "provider_region",
                format!("the provider does not serve this region through offer {offer}"),
            ),
        };
        // A year in a provider's header is no reason to send a client away for a year.
        let hour = std::time::Duration::from_hours(1);
        let wait = error.retry_after.map(|wait| wait.min(hour).as_millis());
        refusal.retry_after_ms = wait.map(|wait| u64::try_from(wait).unwrap_or(u64::MAX));
        refusal
    }

    fn body(&self) -> ErrorBody {
        ErrorBody {
            status: self.status,
            code: self.code.into(),
            message: self.message.clone(),
            param: self.param.clone(),
            extra: self.extra.clone(),
        }
    }

    /// As an HTTP answer.
    pub(crate) fn answer(&self, dialect: Dialect, call_id: CallId) -> http::Response<Body> {
        let body = dialects::render_error(dialect, &self.body(), &call_id.to_string());
        let mut answer = http::Response::new(Body::from(body));
        *answer.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(&call_id.to_string()) {
            headers.insert(CALL_ID, id);
        }
        if let Some(wait) = self.retry_after_ms {
            // Whole seconds, rounded up: a client that obeys must not come too early.
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.div_ceil(1_000)));
        }
        answer
    }

    /// As the last event of a stream that already began.
    pub(crate) fn event(&self, dialect: Dialect, call_id: CallId) -> Vec<u8> {
        dialects::render_stream_error(dialect, &self.body(), &call_id.to_string())
    }
}
