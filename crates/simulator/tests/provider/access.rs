//! Who is let in, and how mistakes are worded.

use serde_json::{Value, json};
use simulator::SimConfig;

use crate::client::*;

const OPENAI: &str = "/v1/chat/completions";
const GOOD: &str = r#"{"model":"sim-small","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;

#[tokio::test]
async fn keys_are_needed_and_may_be_revoked() {
    let sim = start(SimConfig { revoked: vec!["gone".to_owned()], ..SimConfig::default() }).await;
    for (key, status) in [("good", 200), ("gone", 401), ("", 401)] {
        for path in [OPENAI, "/v1/messages"] {
            let raw = request(path, GOOD)
                .replace("Bearer k", &format!("Bearer {key}"))
                .replace("x-api-key: k", &format!("x-api-key: {key}"));
            let reply = send(&sim, &raw).await;
            assert_eq!(reply.status, status, "{path} {key}");
            if status == 401 {
                let error = &reply.json()["error"];
                let wanted = if path == OPENAI { "invalid_request_error" } else { "authentication_error" };
                assert_eq!(error["type"], wanted);
                assert_eq!(ended(&sim).await.end, "refused");
                assert!(ended(&sim).await.billed.is_zero());
            }
        }
    }
}

#[tokio::test]
async fn anthropics_version_header_is_needed() {
    let sim = plain().await;
    let raw = request("/v1/messages", GOOD).replace("anthropic-version: 2023-06-01\r\n", "");
    let reply = send(&sim, &raw).await;
    assert_eq!(
        (reply.status, reply.json()["error"]["message"].as_str().unwrap()),
        (400, "anthropic-version: header is required")
    );
}

#[tokio::test]
async fn wrong_bodies_are_refused_in_the_dialect() {
    let sim = plain().await;
    for body in [
        "{",
        "[]",
        "{}",
        r#"{"model":"m"}"#,
        r#"{"model":"m","messages":[]}"#,
        r#"{"model":3,"messages":[{}]}"#,
        r#"{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"Hi"}]}"#,
        r#"{"model":"m","max_tokens":9,"messages":[{}],"simulate":{"input_tokens":1,"cached_tokens":2}}"#,
        r#"{"model":"m","max_tokens":9,"messages":[{}],"simulate":{"fault":"nonsense"}}"#,
        r#"{"model":"m","max_tokens":9,"messages":[{}],"simulate":{"outputs":9}}"#,
    ] {
        let reply = chat(&sim, body).await;
        assert_eq!(reply.status, 400, "{body}");
        let error = reply.json()["error"].clone();
        assert_eq!(error["type"], "invalid_request_error");
        let keys: Vec<_> = error.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["code", "message", "param", "type"]);
        let reply = messages(&sim, body).await;
        assert_eq!((reply.status, &reply.json()["type"]), (400, &json!("error")), "{body}");
        assert!(reply.json()["request_id"].as_str().unwrap().starts_with("req_"));
    }
    let body = messages(&sim, r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#).await.json();
    assert_eq!(body["error"]["message"], "max_tokens: Field required");
}

#[tokio::test]
async fn models_are_listed_in_either_shape() {
    let sim = start(SimConfig {
        models: vec!["a".into(), "b".into()],
        only_listed_models: true,
        ..SimConfig::default()
    })
    .await;
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer k\r\n{more}\r\n")
    };
    let openai = send(&sim, &get("/v1/models", "")).await.json();
    assert_eq!(
        (&openai["object"], &openai["data"][1]["id"], &openai["data"][0]["object"]),
        (&json!("list"), &json!("b"), &json!("model"))
    );
    let anthropic = send(&sim, &get("/v1/models", "anthropic-version: 2023-06-01\r\n")).await.json();
    assert_eq!(
        (&anthropic["data"][0]["type"], &anthropic["has_more"], &anthropic["last_id"]),
        (&json!("model"), &Value::Bool(false), &json!("b"))
    );
    assert_eq!(send(&sim, "GET /healthz HTTP/1.1\r\nhost: sim\r\n\r\n").await.status, 200);
    assert_eq!(send(&sim, &get("/v1/nothing", "")).await.status, 404);
    let reply = chat(&sim, GOOD).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (404, &json!("model_not_found")));
}
