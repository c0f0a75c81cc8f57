//! `openai-chat`: shapes as in the vendor's reference, counts as the tokenizer counts them.

use serde_json::{Value, json};
use tokens::{Kind, Tokenizer};

use crate::client::*;

fn ask(more: Value) -> String {
    let mut body = json!({ "model": "gpt-x", "messages": [{ "role": "user", "content": "Hello" }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_whole_answer_has_the_vendors_shape() {
    let sim = plain().await;
    let reply = chat(&sim, &ask(json!({}))).await;
    assert_eq!((reply.status, reply.ended), (200, true));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    for name in ["x-request-id", "openai-processing-ms", "x-ratelimit-remaining-tokens", "openai-version"] {
        assert!(reply.header(name).is_some(), "{name}");
    }
    let body = reply.json();
    let wanted =
        ["choices", "created", "id", "model", "object", "service_tier", "system_fingerprint", "usage"];
    assert_eq!(keys(&body), wanted);
    assert_eq!(body["object"], "chat.completion");
    assert_eq!((body["created"].as_u64(), body["model"].as_str()), (Some(1_700_000_000), Some("gpt-x")));
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(body["service_tier"], "default");
    let choice = &body["choices"][0];
    assert_eq!(keys(choice), ["finish_reason", "index", "logprobs", "message"]);
    assert_eq!(choice["finish_reason"], "stop");
    let text = choice["message"]["content"].as_str().unwrap();
    let usage = &body["usage"];
    assert_eq!(usage["completion_tokens"], Tokenizer::O200k.count(text));
    // OpenAI's cookbook: 3 a message, "user" 1, "Hello" 1, and 3 for the answer's start.
    assert_eq!(usage["prompt_tokens"], 8);
    assert_eq!(usage["total_tokens"], 8 + Tokenizer::O200k.count(text));
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 0);
}

#[tokio::test]
async fn a_stream_has_the_vendors_shape() {
    let sim = plain().await;
    let more = json!({ "stream": true, "stream_options": { "include_usage": true }, "simulate": { "output_tokens": 20 } });
    let reply = chat(&sim, &ask(more)).await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(reply.ended && reply.text().ends_with("data: [DONE]\n\n"));
    let events = reply.events();
    // Role, 20 pieces, finish, usage; each event is a chunk of its own.
    assert_eq!((events.len(), reply.chunks.len()), (23, 24));
    for event in &events {
        assert_eq!(event["object"], "chat.completion.chunk");
        assert_eq!(event["id"], events[0]["id"]);
        assert!(event.get("usage").is_some() && event.get("obfuscation").is_some());
    }
    assert_eq!(
        events[0]["choices"][0]["delta"],
        json!({ "role": "assistant", "content": "", "refusal": null })
    );
    assert!(events[..22].iter().all(|event| event["usage"].is_null() && event["choices"][0]["index"] == 0));
    assert_eq!(events[21]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[21]["choices"][0]["delta"], json!({}));
    assert_eq!(events[22]["choices"], json!([]));
    assert_eq!(events[22]["usage"]["completion_tokens"], 20);
    assert_eq!(Tokenizer::O200k.count(&reply.streamed_text()), 20);
}

#[tokio::test]
async fn usage_and_padding_come_only_as_asked() {
    let sim = plain().await;
    let more = json!({ "stream": true, "stream_options": { "include_obfuscation": false } });
    let text = chat(&sim, &ask(more)).await.text();
    assert!(!text.contains("usage") && !text.contains("obfuscation"));
    let truth = ended(&sim).await;
    assert_eq!((truth.end.as_str(), truth.claimed), ("complete", None));
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_whole_or_streamed() {
    let sim = plain().await;
    let first = chat(&sim, &ask(json!({}))).await;
    let second = chat(&sim, &ask(json!({}))).await;
    assert_eq!(first.body, second.body);
    let streamed = chat(&sim, &ask(json!({ "stream": true }))).await;
    assert_eq!(first.json()["choices"][0]["message"]["content"], streamed.streamed_text());
    let other = chat(&sim, &ask(json!({ "messages": [{ "role": "user", "content": "Hullo" }] }))).await;
    assert_ne!(first.json()["choices"], other.json()["choices"]);
}

#[tokio::test]
async fn a_directive_is_served_to_the_token() {
    let sim = plain().await;
    let simulate = json!({ "input_tokens": 4808, "output_tokens": 500, "reasoning_tokens": 120, "cached_tokens": 4000,
        "cache_write": 300, "events": 50 });
    let more = json!({ "stream": true, "stream_options": { "include_usage": true }, "simulate": simulate });
    let reply = chat(&sim, &ask(more)).await;
    let events = reply.events();
    // Role, 50 with content, finish, usage.
    assert_eq!(events.len(), 53);
    let usage = &events[52]["usage"];
    assert_eq!(
        (usage["prompt_tokens"].as_u64(), usage["completion_tokens"].as_u64()),
        (Some(4808), Some(500))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 4000);
    assert_eq!(usage["prompt_tokens_details"]["cache_write_tokens"], 300);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 120);
    assert_eq!(Tokenizer::O200k.count(&reply.streamed_text()), 380);
    let reasoning: String = events
        .iter()
        .filter_map(|event| event.pointer("/choices/0/delta/reasoning_content")?.as_str())
        .collect();
    assert_eq!(Tokenizer::O200k.count(&reasoning), 120);
    let truth = ended(&sim).await;
    let wanted = [
        (Kind::Input, 508),
        (Kind::InputCached, 4000),
        (Kind::CacheWrite, 300),
        (Kind::Output, 380),
        (Kind::Reasoning, 120),
    ];
    assert_eq!(truth.tokens, wanted.into_iter().collect());
    assert_eq!(truth.billed, truth.tokens);
    assert_eq!(serde_json::from_str::<Value>(&truth.claimed.unwrap()).unwrap(), *usage);
}

#[tokio::test]
async fn the_output_limit_ends_an_answer() {
    let sim = plain().await;
    for (more, wanted) in [
        (json!({ "max_tokens": 5 }), 5),
        (json!({ "max_completion_tokens": 7, "simulate": { "output_tokens": 100 } }), 7),
    ] {
        let body = chat(&sim, &ask(more)).await.json();
        assert_eq!(body["choices"][0]["finish_reason"], "length");
        assert_eq!(body["usage"]["completion_tokens"], wanted);
    }
    let more = json!({ "max_completion_tokens": 20, "reasoning_effort": "high" });
    let usage = chat(&sim, &ask(more)).await.json()["usage"].clone();
    assert_eq!(usage["completion_tokens"], 20);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 10);
}

#[tokio::test]
async fn hidden_reasoning_is_billed_and_not_shown() {
    let sim = plain().await;
    let simulate = json!({ "output_tokens": 30, "reasoning_tokens": 20, "hide_reasoning": true });
    for stream in [false, true] {
        let reply = chat(&sim, &ask(json!({ "stream": stream, "simulate": simulate }))).await;
        assert!(!reply.text().contains("reasoning_content"));
        let truth = ended(&sim).await;
        assert_eq!((truth.tokens.get(Kind::Output), truth.tokens.get(Kind::Reasoning)), (10, 20));
    }
}

#[tokio::test]
async fn choices_take_turns_in_a_stream_and_share_one_usage() {
    let sim = plain().await;
    let more = json!({ "n": 3, "stream": true, "stream_options": { "include_usage": true }, "simulate": { "output_tokens": 10 } });
    let events = chat(&sim, &ask(more)).await.events();
    let texts: Vec<String> = (0..3)
        .map(|index| {
            let of_choice = events.iter().flat_map(|event| event["choices"].as_array().unwrap());
            let of_choice = of_choice.filter(|choice| choice["index"] == index);
            of_choice.filter_map(|choice| choice["delta"]["content"].as_str()).collect()
        })
        .collect();
    let counts: Vec<u64> = texts.iter().map(|text| Tokenizer::O200k.count(text)).collect();
    assert_eq!(counts, [4, 3, 3]);
    let order: Vec<u64> =
        events.iter().filter_map(|event| event.pointer("/choices/0/index")?.as_u64()).collect();
    assert_eq!(order[..9], [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    assert_eq!(events.last().unwrap()["usage"]["completion_tokens"], 10);
    let whole = chat(&sim, &ask(json!({ "n": 3 }))).await.json();
    assert_eq!(whole["choices"].as_array().unwrap().len(), 3);
}

fn tools() -> Value {
    json!([
        { "type": "function", "function": { "name": "get_weather", "parameters": { "type": "object", "properties": {
            "city": { "type": "string" }, "unit": { "enum": ["C", "F"] }, "days": { "type": "integer" } } } } },
        { "type": "function", "function": { "name": "get_time", "parameters": { "type": "object", "properties": {
            "zone": { "type": "string" } } } } },
    ])
}

#[tokio::test]
async fn tool_calls_come_whole_and_in_pieces() {
    let sim = plain().await;
    let forced = json!({ "tools": tools(), "tool_choice": "required", "simulate": { "tool_calls": 2 } });
    let whole = chat(&sim, &ask(forced.clone())).await.json();
    let choice = &whole["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null)
    );
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    let mut tokens = 0;
    for (call, name) in calls.iter().zip(["get_weather", "get_time"]) {
        assert!(call["id"].as_str().unwrap().starts_with("call_"));
        assert_eq!(
            (call["type"].as_str(), call["function"]["name"].as_str()),
            (Some("function"), Some(name))
        );
        let arguments = call["function"]["arguments"].as_str().unwrap();
        assert!(serde_json::from_str::<Value>(arguments).unwrap().is_object());
        tokens += Tokenizer::O200k.count(name) + Tokenizer::O200k.count(arguments);
    }
    assert_eq!(whole["usage"]["completion_tokens"], tokens);

    let mut streamed = forced;
    streamed["stream"] = json!(true);
    let events = chat(&sim, &ask(streamed)).await.events();
    let deltas: Vec<&Value> =
        events.iter().filter_map(|event| event.pointer("/choices/0/delta/tool_calls/0")).collect();
    for (nth, call) in calls.iter().enumerate() {
        let mine: Vec<_> = deltas.iter().filter(|delta| delta["index"] == nth).collect();
        assert_eq!(mine[0]["id"], call["id"]);
        assert_eq!(mine[0]["function"]["arguments"], "");
        assert!(mine[1..].iter().all(|delta| delta.get("id").is_none()));
        assert!(mine.len() > 2, "the arguments come in pieces");
        let joined: String =
            mine.iter().map(|delta| delta["function"]["arguments"].as_str().unwrap()).collect();
        assert_eq!(call["function"]["arguments"], joined.as_str());
    }
    let truth = ended(&sim).await;
    assert_eq!(truth.tokens.get(Kind::Output), tokens);
}

#[tokio::test]
async fn a_named_tool_is_the_one_called_and_none_means_none() {
    let sim = plain().await;
    let named = json!({ "tools": tools(), "tool_choice": { "type": "function", "function": { "name": "get_time" } } });
    let body = chat(&sim, &ask(named)).await.json();
    assert_eq!(body["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "get_time");
    for choice in ["auto", "none"] {
        let body = chat(&sim, &ask(json!({ "tools": tools(), "tool_choice": choice }))).await.json();
        assert_eq!(body["choices"][0]["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn json_answers_are_json() {
    let sim = plain().await;
    let body = chat(
        &sim,
        &ask(json!({ "response_format": { "type": "json_object" }, "simulate": { "output_tokens": 40 } })),
    )
    .await;
    let text = body.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["answer"].is_string());
    assert_eq!(Tokenizer::O200k.count(&text), 40);
    let schema = json!({ "type": "object", "properties": { "ok": { "type": "boolean" }, "tags": { "type": "array", "items": { "type": "string" } } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": schema } });
    let body = chat(&sim, &ask(json!({ "response_format": format }))).await.json();
    let text = body["choices"][0]["message"]["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert!(value["ok"].is_boolean() && value["tags"][0].is_string());
    assert_eq!(body["usage"]["completion_tokens"], Tokenizer::O200k.count(text));
}

#[tokio::test]
async fn a_stop_sequence_ends_the_text_before_it() {
    let sim = plain().await;
    let whole = chat(&sim, &ask(json!({}))).await.json();
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let word = text.split(' ').nth(5).unwrap().to_owned();
    let body = chat(&sim, &ask(json!({ "stop": [word] }))).await.json();
    let cut = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.starts_with(cut) && !cut.contains(&word));
    assert_eq!(body["usage"]["completion_tokens"], Tokenizer::O200k.count(cut));
}

#[tokio::test]
async fn pictures_count_by_the_vendors_tiles() {
    let sim = plain().await;
    let content = json!([
        { "type": "text", "text": "Hello" },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png", "detail": "low" } },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
    ]);
    let usage = chat(&sim, &ask(json!({ "messages": [{ "role": "user", "content": content }] })))
        .await
        .json()["usage"]
        .clone();
    // 85 for low detail, 765 for a picture of unknown size (1024 × 1024), 8 as for the text alone.
    assert_eq!(usage["prompt_tokens"], 8 + 85 + 765);
    assert_eq!(usage["prompt_tokens_details"]["image_tokens"], 850);
    let truth = ended(&sim).await;
    assert_eq!((truth.tokens.get(Kind::Input), truth.tokens.get(Kind::ImageInput)), (8, 850));
}

#[tokio::test]
async fn the_tier_served_is_the_tier_asked_for() {
    let sim = plain().await;
    for (asked, served) in
        [("auto", "default"), ("flex", "flex"), ("fast", "priority"), ("priority", "priority")]
    {
        let body = chat(&sim, &ask(json!({ "service_tier": asked }))).await.json();
        assert_eq!(body["service_tier"], served);
    }
}
