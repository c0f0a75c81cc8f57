//! The data plane's paths.

use std::sync::Arc;

use accounts::BudgetState;
use bytes::Bytes;
use dialects::{Dialect, ModelInfo};
use edge::Body;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use ledger::CallId;
use serde_json::json;

use crate::house::{Answer, House};
use crate::refusal::Refusal;
use crate::{admit, call, clock};

/// Answers one request of the data plane.
pub async fn handle(house: Arc<House>, request: http::Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    match (&head.method, path) {
        (&Method::POST, "/v1/chat/completions") => call::call(&house, Dialect::OpenAiChat, head, body).await,
        (&Method::POST, "/v1/messages") => call::call(&house, Dialect::AnthropicMessages, head, body).await,
        (&Method::GET | &Method::HEAD, "/healthz") => {
            json_answer(StatusCode::OK, b"{\"status\":\"ok\"}".to_vec())
        }
        (&Method::GET | &Method::HEAD, "/readyz") => ready(&house),
        (&Method::GET, "/metrics") => metrics(&house),
        (_, "/v1/chat/completions" | "/v1/messages") => wrong_method(&head, "POST"),
        (&Method::GET, _) => {
            let dialect = dialect_of(&head);
            let answer = read(&house, &head).await;
            answer.unwrap_or_else(|refusal| refusal.answer(dialect, CallId::new()))
        }
        (_, "/v1/models" | "/v1/budget" | "/healthz" | "/readyz" | "/metrics") => wrong_method(&head, "GET"),
        _ => no_path(&head).answer(dialect_of(&head), CallId::new()),
    }
}

/// What a key may read.
async fn read(house: &Arc<House>, head: &http::request::Parts) -> Result<Answer, Refusal> {
    let path = head.uri.path();
    if !matches!(path, "/v1/models" | "/v1/budget")
        && !path.starts_with("/v1/models/")
        && !path.starts_with("/v1/calls/")
    {
        return Err(no_path(head));
    }
    let caller = admit::authenticate(house, &head.headers)?;
    if path == "/v1/budget" {
        let budgets = house.accounts.budgets_for(&caller, clock::now());
        let budgets: Vec<_> = budgets.iter().map(budget).collect();
        let body = serde_json::to_vec(&json!({ "budgets": budgets })).unwrap_or_default();
        return Ok(json_answer(StatusCode::OK, body));
    }
    if let Some(id) = path.strip_prefix("/v1/calls/") {
        let missing =
            || Refusal::new(404, "call_not_found", format!("no call `{id}` of this project is on record"));
        let call_id: CallId = id.parse().map_err(|_| missing())?;
        // It may have to read the ledger.
        let (house, project) = (Arc::clone(house), Arc::clone(&caller.own_labels().project));
        let found = tokio::task::spawn_blocking(move || (house.lookup)(call_id, &project)).await;
        let found = found.ok().flatten().ok_or_else(missing)?;
        return Ok(json_answer(StatusCode::OK, found));
    }
    let models: Vec<_> = house
        .offers()
        .table
        .models()
        .into_iter()
        .filter(|(name, _)| house.accounts.may_use_model(&caller, name))
        .map(|(id, owner)| ModelInfo { id, created: house.started, owned_by: owner })
        .collect();
    match path.strip_prefix("/v1/models/") {
        None => Ok(json_answer(StatusCode::OK, dialects::models_list(dialect_of(head), &models))),
        Some(wanted) => {
            let model = models.iter().find(|model| model.id == wanted).ok_or_else(|| {
                Refusal::new(404, "model_not_found", format!("no model is called `{wanted}` here"))
                    .param("model")
            })?;
            let list = dialects::models_list(dialect_of(head), std::slice::from_ref(model));
            let list: serde_json::Value = serde_json::from_slice(&list).unwrap_or_default();
            let one = list.pointer("/data/0").map(ToString::to_string).unwrap_or_default();
            Ok(json_answer(StatusCode::OK, one.into_bytes()))
        }
    }
}

/// What a caller is told of a budget: amounts in 10⁻⁹ of its currency, as decimal text.
fn budget(state: &BudgetState) -> serde_json::Value {
    let def = &state.def;
    let resets_at = state.resets_at.and_then(|at| jiff::Timestamp::from_microsecond(at.0).ok());
    json!({
        "budget": def.id,
        "scope": def.scope,
        "window": def.window,
        "mode": def.mode,
        "currency": def.limit.currency,
        "limit_nano": def.limit.amount.0.to_string(),
        "spent_nano": state.spent.0.to_string(),
        "held_nano": state.held.0.to_string(),
        "left_nano": state.left().0.to_string(),
        "resets_at": resets_at.map(|at| at.to_string()),
    })
}

fn ready(house: &House) -> Answer {
    match house.ledger.poisoned() {
        None => json_answer(StatusCode::OK, b"{\"status\":\"ready\"}".to_vec()),
        Some(cause) => {
            let body =
                serde_json::to_vec(&json!({ "status": "ledger_failed", "cause": cause })).unwrap_or_default();
            json_answer(StatusCode::SERVICE_UNAVAILABLE, body)
        }
    }
}

fn metrics(house: &House) -> Answer {
    let mut answer = http::Response::new(Body::from(house.metrics.render(house.under_way())));
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Anthropic's SDK always sends its version header; everybody else is answered as OpenAI would.
fn dialect_of(head: &http::request::Parts) -> Dialect {
    if head.uri.path() == "/v1/messages" || head.headers.contains_key("anthropic-version") {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenAiChat
    }
}

fn wrong_method(head: &http::request::Parts, takes: &str) -> Answer {
    let text = format!("{} takes {takes}, not {}", head.uri.path(), head.method);
    Refusal::new(405, "method_not_allowed", text).answer(dialect_of(head), CallId::new())
}

fn no_path(head: &http::request::Parts) -> Refusal {
    let path = head.uri.path();
    Refusal::new(404, "not_found", format!("nothing is at {} {path}; paths begin with /v1", head.method))
}

fn json_answer(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = http::Response::new(Body::from(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
