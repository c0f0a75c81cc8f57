//! `anthropic-messages`: shapes as in the vendor's reference.

use serde_json::{Value, json};
use tokens::{Kind, Tokenizer};

use crate::client::*;

fn ask(more: Value) -> String {
    let mut body = json!({ "model": "claude-x", "max_tokens": 1000, "messages": [{ "role": "user", "content": "Hello" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

/// Event names of a stream, runs of deltas and pings counted once.
fn names(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn a_whole_answer_has_the_vendors_shape() {
    let sim = plain().await;
    let reply = messages(&sim, &ask(json!({}))).await;
    assert!(reply.header("request-id").unwrap().starts_with("req_"));
    assert!(reply.header("anthropic-ratelimit-tokens-reset").unwrap().ends_with('Z'));
    let body = reply.json();
    assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")));
    assert!(body["id"].as_str().unwrap().starts_with("msg_01"));
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("end_turn"), &Value::Null));
    assert_eq!(body["content"][0]["type"], "text");
    let text = body["content"][0]["text"].as_str().unwrap();
    let usage = &body["usage"];
    assert_eq!(usage["output_tokens"], Tokenizer::O200k.count(text));
    assert_eq!(usage["input_tokens"], 8);
    assert_eq!(usage["service_tier"], "standard");
    assert_eq!(
        usage["cache_creation"],
        json!({ "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 })
    );
}

#[tokio::test]
async fn a_stream_has_the_vendors_order_of_events() {
    let sim = plain().await;
    let simulate = json!({ "input_tokens": 1000, "output_tokens": 30, "reasoning_tokens": 10, "cached_tokens": 500, "cache_write_5m": 200, "cache_write_1h": 100 });
    let reply = messages(&sim, &ask(json!({ "stream": true, "simulate": simulate }))).await;
    let text = reply.text();
    let block = ["content_block_delta", "content_block_stop"];
    let wanted = [
        &["message_start", "content_block_start", "ping"][..],
        &block,
        &["content_block_start"],
        &block,
        &["message_delta", "message_stop"],
    ];
    assert_eq!(names(&text), wanted.concat());
    let events = reply.events();
    let start = &events[0]["message"]["usage"];
    // The output at the start is a placeholder; cache reads and writes stand beside the input.
    assert_eq!(
        *start,
        json!({ "input_tokens": 200, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 300,
        "cache_creation": { "ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100 },
        "output_tokens": 4, "service_tier": "standard", "inference_geo": "not_available" })
    );
    let delta = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(delta["delta"], json!({ "stop_reason": "end_turn", "stop_sequence": null }));
    assert_eq!(
        delta["usage"],
        json!({ "input_tokens": 200, "cache_read_input_tokens": 500, "cache_creation_input_tokens": 300,
        "output_tokens": 30, "output_tokens_details": { "thinking_tokens": 10 } })
    );
    let kinds: Vec<&str> = events.iter().filter_map(|event| event.pointer("/delta/type")?.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "thinking_delta").count(), 10);
    assert_eq!(kinds.iter().filter(|kind| **kind == "text_delta").count(), 20);
    assert_eq!(kinds[10], "signature_delta");
    assert_eq!(Tokenizer::O200k.count(&reply.streamed_text()), 20);
    let truth = ended(&sim).await;
    let wanted = [
        (Kind::Input, 200),
        (Kind::InputCached, 500),
        (Kind::CacheWrite5m, 200),
        (Kind::CacheWrite1h, 100),
        (Kind::Output, 20),
        (Kind::Reasoning, 10),
    ];
    assert_eq!(truth.tokens, wanted.into_iter().collect());
    assert_eq!(truth.events_sent, reply.chunks.len() as u64);
}

#[tokio::test]
async fn tools_are_blocks_with_json_in_pieces() {
    let sim = plain().await;
    let tools = json!([{ "name": "get_weather", "input_schema": { "type": "object", "properties": {
        "city": { "type": "string" }, "days": { "type": "integer" } } } }]);
    let forced = json!({ "tools": tools, "tool_choice": { "type": "any" }, "simulate": { "tool_calls": 2 } });
    let whole = messages(&sim, &ask(forced.clone())).await.json();
    assert_eq!(whole["stop_reason"], "tool_use");
    let blocks = whole["content"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    assert!(
        blocks.iter().all(|b| b["type"] == "tool_use" && b["id"].as_str().unwrap().starts_with("toolu_01"))
    );
    let mut streamed = forced;
    streamed["stream"] = json!(true);
    let events = messages(&sim, &ask(streamed)).await.events();
    for (index, block) in blocks.iter().enumerate() {
        let start =
            events.iter().find(|e| e["type"] == "content_block_start" && e["index"] == index).unwrap();
        assert_eq!(
            start["content_block"],
            json!({ "type": "tool_use", "id": block["id"], "name": "get_weather", "input": {} })
        );
        let pieces: Vec<&str> = events
            .iter()
            .filter(|event| event["index"] == index)
            .filter_map(|event| event.pointer("/delta/partial_json")?.as_str())
            .collect();
        assert_eq!(pieces[0], "");
        assert!(pieces.len() > 2);
        assert_eq!(serde_json::from_str::<Value>(&pieces.concat()).unwrap(), block["input"]);
    }
}

#[tokio::test]
async fn thinking_is_within_its_budget_and_signed() {
    let sim = plain().await;
    let body =
        messages(&sim, &ask(json!({ "thinking": { "type": "enabled", "budget_tokens": 12 } }))).await.json();
    assert_eq!(body["content"][0]["type"], "thinking");
    assert!(!body["content"][0]["signature"].as_str().unwrap().is_empty());
    assert_eq!(Tokenizer::O200k.count(body["content"][0]["thinking"].as_str().unwrap()), 12);
    assert_eq!(body["usage"]["output_tokens_details"]["thinking_tokens"], 12);
    assert_eq!(body["content"][1]["type"], "text");
}

#[tokio::test]
async fn stop_sequences_and_limits_are_named() {
    let sim = plain().await;
    let text =
        messages(&sim, &ask(json!({}))).await.json()["content"][0]["text"].as_str().unwrap().to_owned();
    let word = text.split(' ').nth(4).unwrap();
    let body = messages(&sim, &ask(json!({ "stop_sequences": [word] }))).await.json();
    assert_eq!((&body["stop_reason"], &body["stop_sequence"]), (&json!("stop_sequence"), &json!(word)));
    let body = messages(&sim, &ask(json!({ "max_tokens": 3 }))).await.json();
    assert_eq!((&body["stop_reason"], &body["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(3)));
}

#[tokio::test]
async fn tokens_are_counted_without_an_answer() {
    let sim = plain().await;
    let body = r#"{"model":"m","system":"Hello","messages":[{"role":"user","content":[{"type":"text","text":"Hello"}]}]}"#;
    let reply = send(&sim, &request("/v1/messages/count_tokens", body)).await;
    // 3 to begin; the system prompt 3 + 1 + 1; the message 3 + 1 + 1.
    assert_eq!(reply.json(), json!({ "input_tokens": 13 }));
    assert!(sim.truth().is_empty(), "counting is no call");
}
