//! Every fault is visible on the wire, and the truth says what it cost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Fault, SimConfig, fault_table};

use crate::client::*;

const DIALECTS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

fn body(fault: &str, stream: bool) -> String {
    json!({ "model": "m", "stream": stream, "stream_options": { "include_usage": true }, "max_tokens": 1000,
        "messages": [{ "role": "user", "content": "Hi" }],
        "simulate": { "input_tokens": 100, "output_tokens": 20, "fault": fault } })
    .to_string()
}

async fn run(path: &str, fault: &str, stream: bool) -> (Reply, simulator::Ended) {
    let sim = plain().await;
    let reply = send(&sim, &request(path, &body(fault, stream))).await;
    let truth = ended(&sim).await;
    assert_eq!(truth.fault.as_deref(), Some(fault));
    (reply, truth)
}

#[tokio::test]
async fn refusals_are_worded_as_the_vendors_do_and_bill_nothing() {
    for (fault, openai, anthropic) in [
        ("429", (429, "requests", "rate_limit_exceeded"), (429, "rate_limit_error")),
        ("429_quota", (429, "insufficient_quota", "insufficient_quota"), (402, "billing_error")),
        ("400_credit", (400, "invalid_request_error", ""), (400, "invalid_request_error")),
        ("401", (401, "invalid_request_error", "invalid_api_key"), (401, "authentication_error")),
        ("404", (404, "invalid_request_error", "model_not_found"), (404, "not_found_error")),
        (
            "400_context",
            (400, "invalid_request_error", "context_length_exceeded"),
            (400, "invalid_request_error"),
        ),
        ("500", (500, "server_error", ""), (500, "api_error")),
        ("503", (503, "server_error", ""), (503, "overloaded_error")),
        ("529", (529, "server_error", ""), (529, "overloaded_error")),
    ] {
        for stream in [false, true] {
            let (reply, truth) = run(DIALECTS[0], fault, stream).await;
            let error = &reply.json()["error"];
            assert_eq!(
                (reply.status, error["type"].as_str().unwrap(), error["code"].as_str().unwrap_or("")),
                openai
            );
            assert!(truth.tokens.is_zero() && truth.billed.is_zero());
            assert_eq!((truth.end.as_str(), truth.status), (format!("fault:{fault}").as_str(), openai.0));
            let (reply, _) = run(DIALECTS[1], fault, stream).await;
            assert_eq!((reply.status, reply.json()["error"]["type"].as_str().unwrap()), anthropic);
        }
    }
}

#[tokio::test]
async fn the_time_to_wait_comes_in_three_ways() {
    let (reply, _) = run(DIALECTS[0], "429:30", false).await;
    assert_eq!(reply.header("retry-after"), Some("30"));
    let (reply, _) = run(DIALECTS[0], "429_ms:120", false).await;
    assert_eq!((reply.header("retry-after-ms"), reply.header("retry-after")), (Some("120"), None));
    let (reply, _) = run(DIALECTS[1], "429_date:60", false).await;
    assert!(reply.header("retry-after").unwrap().ends_with(" GMT"));
}

#[tokio::test]
async fn a_connection_may_die_before_the_first_byte() {
    for path in DIALECTS {
        let (reply, truth) = run(path, "reset_before", true).await;
        assert!(reply.reset && reply.status == 0);
        assert!(truth.billed.is_zero());
        let (reply, _) = run(path, "close", false).await;
        assert!(!reply.reset && !reply.ended && reply.status == 0);
    }
}

#[tokio::test]
async fn a_stream_may_die_in_its_middle() {
    for path in DIALECTS {
        let (reply, truth) = run(path, "reset_mid:5", true).await;
        assert!(reply.reset);
        assert_eq!((reply.chunks.len(), truth.events_sent, truth.end.as_str()), (5, 5, "fault:reset_mid"));
        // Role and four tokens; message_start, block start, ping and two tokens.
        let served = if path == DIALECTS[0] { 4 } else { 2 };
        assert_eq!((truth.billed.prompt(), truth.billed.output()), (100, served));
        let (reply, _) = run(path, "cut_mid:5", true).await;
        assert!(!reply.reset && !reply.ended && reply.chunks.len() == 5);
        let (reply, truth) = run(path, "end_early:5", true).await;
        assert!(reply.ended && reply.chunks.len() == 5);
        assert_eq!(truth.end, "fault:end_early");
        // A whole answer: half of its bytes, though more were promised.
        for (fault, reset) in [("reset_mid", true), ("cut_mid", false)] {
            let (reply, truth) = run(path, fault, false).await;
            assert_eq!((reply.reset, reply.ended), (reset, false));
            assert!(reply.body.len() < reply.header("content-length").unwrap().parse().unwrap());
            assert_eq!((truth.billed.output(), truth.claimed), (20, None));
        }
    }
}

#[tokio::test]
async fn a_stream_may_be_cut_around_its_usage() {
    for path in DIALECTS {
        let (reply, truth) = run(path, "cut_before_usage", true).await;
        let text = reply.text();
        let finished = if path == DIALECTS[0] { "\"finish_reason\":\"stop\"" } else { "content_block_stop" };
        assert!(!reply.ended && text.contains(finished));
        assert!(!text.contains("\"completion_tokens\"") && !text.contains("message_delta"));
        assert_eq!(truth.billed.output(), 20);
        let (reply, truth) = run(path, "cut_before_end", true).await;
        let text = reply.text();
        assert!(
            !reply.ended
                && (text.contains("\"completion_tokens\":20") || text.contains("\"output_tokens\":20"))
        );
        assert!(!text.contains("[DONE]") && !text.contains("message_stop"));
        assert!(truth.claimed.is_some());
    }
}

#[tokio::test]
async fn a_stream_may_be_cut_inside_a_character() {
    for path in DIALECTS {
        let (reply, truth) = run(path, "cut_half", true).await;
        assert!(!reply.ended);
        let error = String::from_utf8(reply.body.clone()).unwrap_err().utf8_error();
        // Not wrong, only unfinished.
        assert_eq!((error.error_len(), error.valid_up_to()), (None, reply.body.len() - 1));
        assert_eq!(truth.billed.output(), 10);
    }
}

#[tokio::test]
async fn a_stream_may_stall() {
    for (path, alive) in
        DIALECTS.iter().zip([": keep-alive\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n"])
    {
        let sim = start(SimConfig { keep_alive: Duration::from_millis(10), ..SimConfig::default() }).await;
        let body = body("stall_mid:6", true).replace("\"fault\"", "\"stall_ms\":200,\"fault\"");
        let since = Instant::now();
        let reply = send(&sim, &request(path, &body)).await;
        assert!(since.elapsed() >= Duration::from_millis(200));
        assert!(reply.ended && reply.text().matches(alive).count() >= 5, "{}", reply.text());
        assert_eq!(ended(&sim).await.end, "complete");
    }
}

#[tokio::test]
async fn headers_may_stall() {
    let since = Instant::now();
    let (reply, truth) = run(DIALECTS[0], "stall_before:150", true).await;
    assert!(since.elapsed() >= Duration::from_millis(150) && reply.ended);
    assert_eq!(truth.end, "complete");
}

#[tokio::test]
async fn errors_may_hide_in_a_200() {
    let (reply, truth) = run(DIALECTS[0], "error_in_stream:3", true).await;
    assert!(reply.ended && reply.status == 200);
    assert_eq!(reply.events()[3]["error"]["type"], "server_error");
    assert_eq!((truth.billed.output(), truth.end.as_str()), (2, "fault:error_in_stream"));
    let (reply, _) = run(DIALECTS[1], "error_in_stream:0", true).await;
    assert!(reply.text().starts_with(
        "event: error\ndata: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}"
    ));
    for stream in [false, true] {
        let (reply, truth) = run(DIALECTS[0], "error_in_body", stream).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        assert!(reply.json()["error"]["message"].is_string() && truth.billed.is_zero());
        let (reply, truth) = run(DIALECTS[1], "html", stream).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
        assert!(reply.text().starts_with("<html>"));
        assert_eq!((truth.end.as_str(), truth.billed.output()), ("fault:html", 20));
    }
}

#[tokio::test]
async fn bytes_may_be_spoilt() {
    for path in DIALECTS {
        for stream in [false, true] {
            let (reply, truth) = run(path, "bad_utf8", stream).await;
            assert!(reply.ended && String::from_utf8(reply.body.clone()).is_err());
            assert!(reply.body.windows(2).any(|two| two == [0xFF, 0xFE]));
            assert_eq!(truth.end, "complete");
        }
        let (reply, truth) = run(path, "truncated_json", false).await;
        assert!(reply.ended && serde_json::from_slice::<Value>(&reply.body).is_err());
        assert_eq!(truth.end, "fault:truncated_json");
        let (reply, _) = run(path, "truncated_json", true).await;
        let text = reply.text();
        let data: Vec<_> =
            text.lines().filter_map(|l| l.strip_prefix("data: ")).filter(|l| *l != "[DONE]").collect();
        assert_eq!(data.iter().filter(|data| serde_json::from_str::<Value>(data).is_err()).count(), 1);
        let (reply, _) = run(path, "crlf", true).await;
        assert!(reply.text().matches('\n').count() == reply.text().matches("\r\n").count());
        assert!(reply.text().contains("\r\n\r\n"));
    }
}

#[tokio::test]
async fn lines_may_be_huge_and_events_unknown() {
    for path in DIALECTS {
        let (reply, _) = run(path, "huge_line:3000000", true).await;
        assert!(reply.chunks.iter().any(|chunk| chunk.len() > 3_000_000));
        assert!(reply.events().len() > 20);
        let (reply, _) = run(path, "huge_line:3000000", false).await;
        assert!(reply.json()["padding"].as_str().unwrap().len() == 3_000_000);
        let (reply, _) = run(path, "unknown_event", true).await;
        assert!(reply.events().iter().any(|event| event["note"] == "new"));
    }
}

#[tokio::test]
async fn types_and_names_may_be_wrong() {
    let (reply, _) = run(DIALECTS[0], "wrong_type", true).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.text().starts_with("data: "));
    let (reply, _) = run(DIALECTS[0], "wrong_type", false).await;
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    for path in DIALECTS {
        let (reply, truth) = run(path, "whole_for_stream", true).await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert!(reply.json()["usage"].is_object() && truth.end == "complete");
        for stream in [false, true] {
            let (reply, truth) = run(path, "served_model:cheap-1", stream).await;
            assert!(reply.text().contains("cheap-1") && !reply.text().contains("\"model\":\"m\""));
            assert_eq!((truth.served_model.as_deref(), truth.model.as_deref()), (Some("cheap-1"), Some("m")));
            let (reply, truth) = run(path, "tier:scale", stream).await;
            assert!(reply.text().contains("\"scale\"") && truth.service_tier.as_deref() == Some("scale"));
        }
    }
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    for stream in [false, true] {
        let (reply, truth) = run(DIALECTS[0], "one_byte", stream).await;
        assert!(reply.ended && truth.end == "complete");
        assert!(reply.reads > reply.body.len() / 16, "{} reads", reply.reads);
        let (whole, _) = run(DIALECTS[0], "drip:0", stream).await;
        assert!(whole.ended && whole.body == reply.body);
    }
    let sim = plain().await;
    let body = body("drip:2", false).replace("\"output_tokens\":20", "\"output_tokens\":1");
    let since = Instant::now();
    let reply = send(&sim, &request(DIALECTS[1], &body)).await;
    assert!(reply.ended && since.elapsed() >= Duration::from_millis(2 * reply.body.len() as u64));
}

#[tokio::test]
async fn a_server_deals_its_faults_by_their_share() {
    let sim = faulty("429:0.5:9,seed=3").await;
    let mut refused = 0;
    for _ in 0..40 {
        refused += u32::from(chat(&sim, r#"{"model":"sim-bench","messages":[{}]}"#).await.status == 429);
    }
    // Mean 20, standard deviation 3.2: four of them either way; and the seed makes it one number for ever.
    assert!((8..=32).contains(&refused), "{refused}");
}

/// Nothing in the table is left without a test of its own here or in `usage`.
#[test]
fn every_fault_of_the_table_is_tried() {
    let tried = [include_str!("faults.rs"), include_str!("usage.rs")].concat();
    for info in fault_table() {
        assert!(tried.contains(&format!("\"{}", info.name)), "no test names {}", info.name);
        assert!(info.name.parse::<Fault>().is_ok());
    }
}
