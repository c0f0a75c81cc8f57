//! Step 2, admit: the key, what it may ask for, its labels and its limits.

use std::sync::Arc;

use accounts::{Admission, Caller, user_label};
use dialects::Request;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ledger::Labels;
use serde_json::json;

use crate::house::House;
use crate::refusal::Refusal;
use crate::{clock, estimate};

/// Longest label a header may carry, bytes.
const LABEL_MAX: usize = 64;

/// Finds the caller by key: `Authorization: Bearer`, `x-api-key` or `x-goog-api-key`.
pub(crate) fn authenticate(house: &House, headers: &HeaderMap) -> Result<Arc<Caller>, Refusal> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let named = |header: &str| headers.get(header).and_then(|value| value.to_str().ok());
    let Some(secret) = bearer.or_else(|| named("x-api-key")).or_else(|| named("x-goog-api-key")) else {
        return Err(Refusal::new(
            401,
            "invalid_api_key",
            "no API key: send it as `Authorization: Bearer KEY` or `x-api-key: KEY`",
        ));
    };
    house
        .accounts
        .caller(secret, clock::now())
        .map_err(|refused| Refusal::new(401, "invalid_api_key", refused.to_string()))
}

/// The call's labels: the key's own, and where the key leaves one open, what the request's headers say.
pub(crate) fn labels(caller: &Caller, headers: &HeaderMap) -> Result<Arc<Labels>, Refusal> {
    let said = |header: &'static str| -> Result<Option<&str>, Refusal> {
        let Some(value) = headers.get(header) else { return Ok(None) };
        let text = value.to_str().ok().filter(|text| {
            !text.is_empty()
                && text.len() <= LABEL_MAX
                && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        });
        text.map(Some).ok_or_else(|| {
            Refusal::invalid(header, format!("{header} must be 1 to {LABEL_MAX} printable ASCII characters"))
        })
    };
    let (app, domain, user) =
        (said("x-tollhouse-app")?, said("x-tollhouse-domain")?, said("x-tollhouse-user")?);
    if app.is_none() && domain.is_none() && user.is_none() {
        return Ok(Arc::clone(caller.own_labels()));
    }
    let user = user_label(&caller.org.id, user.unwrap_or_default());
    Ok(caller.labels(app.unwrap_or_default(), domain.unwrap_or_default(), &user))
}

/// What the key may ask for, and its rates.
pub(crate) fn admit(
    house: &House,
    caller: &Arc<Caller>,
    request: &Request,
    input_tokens: u64,
) -> Result<Admission, Refusal> {
    if !house.accounts.may_use_model(caller, request.model()) {
        return Err(Refusal::new(
            403,
            "model_not_allowed",
            format!(
                "this key may not use model `{}`; its models are {}",
                request.model(),
                caller.key.models.join(", ")
            ),
        )
        .param("model"));
    }
    house.accounts.admit(caller, clock::now(), input_tokens).map_err(|limited| {
        let mut refusal = Refusal::new(429, "rate_limit_exceeded", limited.to_string());
        refusal.retry_after_ms = limited.retry_after_ms;
        refusal.extra = vec![("limit", json!(limited.limit)), ("which", json!(limited.which.name()))];
        refusal
    })
}

/// The data class of the call: the project's, or the header's where that is stricter.
pub(crate) fn data_class(caller: &Caller, headers: &HeaderMap) -> Result<routes::DataClass, Refusal> {
    // What the configuration wrote was checked; what it did not write is guarded as the strictest.
    let project = caller.project.data_class.parse().unwrap_or(routes::DataClass::Important);
    let Some(value) = headers.get(estimate::DATA_CLASS) else { return Ok(project) };
    let asked: routes::DataClass =
        value.to_str().unwrap_or_default().parse().map_err(|unknown: routes::UnknownDataClass| {
            Refusal::invalid(estimate::DATA_CLASS, unknown.to_string())
        })?;
    Ok(asked.max(project))
}
