//! Usage told wrong, in both dialects, whole and streamed. Each case says what the last usage object reads.

use serde_json::{Value, json};

use crate::client::*;

async fn openai(fault: &str, stream: bool) -> (Reply, simulator::Ended) {
    let sim = plain().await;
    let body = json!({ "model": "m", "stream": stream, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "Hi" }],
        "simulate": { "input_tokens": 100, "output_tokens": 10, "fault": fault } });
    let reply = chat(&sim, &body.to_string()).await;
    let truth = ended(&sim).await;
    (reply, truth)
}

async fn anthropic(fault: &str, stream: bool) -> (Reply, simulator::Ended) {
    let sim = plain().await;
    let body = json!({ "model": "m", "stream": stream, "max_tokens": 100, "messages": [{ "role": "user", "content": "Hi" }],
        "simulate": { "input_tokens": 100, "output_tokens": 10, "fault": fault } });
    let reply = messages(&sim, &body.to_string()).await;
    let truth = ended(&sim).await;
    (reply, truth)
}

/// The truth does not move, whatever is claimed.
fn is_true(truth: &simulator::Ended) {
    assert_eq!((truth.tokens.prompt(), truth.tokens.output(), truth.end.as_str()), (100, 10, "complete"));
    assert_eq!(truth.billed, truth.tokens);
}

fn usages(reply: &Reply) -> Vec<Value> {
    let of = |event: &Value| event.get("usage").or_else(|| event.pointer("/message/usage")).cloned();
    reply.events().iter().filter_map(of).filter(|usage| !usage.is_null()).collect()
}

#[tokio::test]
async fn usage_may_be_missing_or_null() {
    for stream in [false, true] {
        let (reply, truth) = openai("no_usage", stream).await;
        assert!(!reply.text().contains("usage"));
        assert_eq!(truth.claimed, None);
        is_true(&truth);
        let (reply, truth) = anthropic("no_usage", stream).await;
        assert!(!reply.text().contains("usage"));
        is_true(&truth);
        for (reply, truth) in [openai("usage_null", stream).await, anthropic("usage_null", stream).await] {
            assert!(reply.text().contains("\"usage\":null") || reply.text().contains("\"usage\": null"));
            assert!(!reply.text().contains("\"usage\":{"));
            assert_eq!(truth.claimed, None);
            is_true(&truth);
        }
    }
}

#[tokio::test]
async fn usage_may_come_too_often() {
    let (reply, truth) = openai("usage_every", true).await;
    let told: Vec<_> =
        usages(&reply).iter().map(|usage| usage["completion_tokens"].as_u64().unwrap()).collect();
    assert_eq!(told, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
    is_true(&truth);
    let (reply, truth) = anthropic("usage_every", true).await;
    let told: Vec<_> = usages(&reply).iter().map(|usage| usage["output_tokens"].as_u64().unwrap()).collect();
    assert_eq!(told, [4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
    is_true(&truth);
    let (reply, _) = openai("usage_twice", true).await;
    assert_eq!(usages(&reply).len(), 2);
    let (reply, _) = anthropic("usage_twice", true).await;
    assert_eq!(usages(&reply).len(), 3);
    let (reply, truth) = openai("usage_zeros_after", true).await;
    let told: Vec<_> = usages(&reply).iter().map(|usage| usage["total_tokens"].as_u64().unwrap()).collect();
    assert_eq!(told, [110, 0]);
    is_true(&truth);
}

#[tokio::test]
async fn usage_may_come_in_odd_places() {
    let (reply, truth) = openai("usage_in_choice", true).await;
    let events = reply.events();
    let last = events.last().unwrap();
    assert_eq!(last["choices"][0]["usage"]["completion_tokens"], 10);
    assert!(last["usage"].is_null());
    assert!(truth.claimed.is_some());
    let (reply, _) = openai("usage_after_end", true).await;
    let text = reply.text();
    assert!(text.find("[DONE]").unwrap() < text.find("\"usage\":{").unwrap());
    let (reply, _) = anthropic("usage_after_end", true).await;
    let text = reply.text();
    assert!(text.find("event: message_stop").unwrap() < text.rfind("\"usage\":{").unwrap());
    let (reply, _) = anthropic("input_grows:30", true).await;
    let told: Vec<_> = usages(&reply).iter().map(|usage| usage["input_tokens"].as_u64().unwrap()).collect();
    assert_eq!(told, [70, 100]);
}

#[tokio::test]
async fn usage_may_lie() {
    for stream in [false, true] {
        for (fault, prompt, completion, total) in [
            ("usage_off", "103", "11", 114u64),
            ("usage_off:30", "130", "13", 143),
            ("usage_off:-30", "70", "7", 77),
            ("usage_negative", "100", "-5", 110),
            ("usage_absurd", "100", "1e400", 110),
            ("usage_absurd:big", "100", "9007199254740993", 110),
            ("usage_absurd:huge", "100", "99999999999999999999", 110),
            ("usage_absurd:string", "100", "\"12\"", 110),
            ("usage_absurd:fraction", "100", "12.5", 110),
            ("usage_total", "100", "10", 117),
        ] {
            let (reply, truth) = openai(fault, stream).await;
            let wanted = format!(
                "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{total},"
            );
            assert!(reply.text().contains(&wanted), "{fault}: {}", reply.text());
            assert!(truth.claimed.as_deref().unwrap().starts_with(&wanted));
            assert_eq!(truth.fault.as_deref(), Some(fault));
            is_true(&truth);
            let (reply, truth) = anthropic(fault, stream).await;
            let wanted = format!("\"output_tokens\":{completion}");
            assert!(reply.text().contains(&wanted), "{fault}: {}", reply.text());
            is_true(&truth);
        }
        let (reply, _) = anthropic("usage_total", stream).await;
        assert!(reply.text().contains("\"cache_creation_input_tokens\":7"));
    }
}
