//! Clients that leave: seen at once, also between two tokens, and billed by the model that is set.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Billing, SimConfig, TruthRecord};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::*;

fn body(stream: bool, more: Value) -> String {
    let mut simulate = json!({ "input_tokens": 100, "output_tokens": 50 });
    simulate.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "model": "m", "stream": stream, "max_tokens": 100, "messages": [{ "role": "user", "content": "Hi" }], "simulate": simulate }).to_string()
}

#[tokio::test]
async fn a_hang_up_between_two_tokens_is_seen_at_once() {
    for (billing, path) in [(Billing::Stop, "/v1/chat/completions"), (Billing::Full, "/v1/messages")] {
        let sim = start(SimConfig { billing, ..SimConfig::default() }).await;
        let mut stream = TcpStream::connect(sim.addr).await.unwrap();
        // The second token would come in an hour.
        let raw = request(path, &body(true, json!({ "token_ms": 3_600_000 })));
        stream.write_all(raw.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("text_delta")
            && String::from_utf8_lossy(&seen).matches("\"content\":\"").count() < 2
        {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..read]);
        }
        drop(stream);
        let left = Instant::now();
        let truth = ended(&sim).await;
        assert!(left.elapsed() < Duration::from_secs(1));
        assert_eq!(
            (truth.end.as_str(), truth.tokens.prompt(), truth.tokens.output()),
            ("client_closed", 100, 1)
        );
        assert_eq!(truth.billed.output(), if billing == Billing::Stop { 1 } else { 50 });
    }
}

#[tokio::test]
async fn a_hang_up_before_the_first_byte_costs_the_input() {
    let sim = plain().await;
    for (stream, fault) in [(false, "stall_before"), (true, "stall_before")] {
        let raw = request("/v1/chat/completions", &body(stream, json!({ "fault": fault })));
        let mut socket = TcpStream::connect(sim.addr).await.unwrap();
        socket.write_all(raw.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(
            matches!(sim.truth().last(), Some(TruthRecord::Received(_))),
            "received is told before any answer"
        );
        drop(socket);
        let truth = ended(&sim).await;
        assert_eq!(
            (truth.end.as_str(), truth.billed.prompt(), truth.billed.output(), truth.status),
            ("client_closed", 100, 0, 0)
        );
    }
}

#[tokio::test]
async fn a_whole_answer_left_alone_is_billed_by_the_time_it_took() {
    let sim = plain().await;
    let raw = request("/v1/messages", &body(false, json!({ "first_token_ms": 20, "token_ms": 20 })));
    let mut socket = TcpStream::connect(sim.addr).await.unwrap();
    socket.write_all(raw.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(socket);
    let truth = ended(&sim).await;
    // 1 + (200 − 20) / 20 = 10 tokens; a busy machine sees it later.
    assert_eq!(truth.end, "client_closed");
    assert!((9..50).contains(&truth.billed.output()), "{}", truth.billed.output());
}

#[tokio::test]
async fn tokens_come_in_their_time() {
    let sim = plain().await;
    for stream in [false, true] {
        let since = Instant::now();
        let simulate = json!({ "output_tokens": 11, "first_token_ms": 100, "token_ms": 10 });
        let reply = chat(&sim, &body(stream, simulate)).await;
        let took = since.elapsed();
        assert!(
            reply.ended && took >= Duration::from_millis(200) && took < Duration::from_secs(2),
            "{took:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let sim = plain().await;
    let mut socket = TcpStream::connect(sim.addr).await.unwrap();
    for stream in [false, true, false, true] {
        let raw = request("/v1/chat/completions", &body(stream, json!({})));
        socket.write_all(raw.as_bytes()).await.unwrap();
        assert!(read(&mut socket).await.ended);
    }
    assert_eq!((sim.received(), sim.truth().len()), (4, 8));
}

#[tokio::test]
async fn stopping_ends_every_answer_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.ndjson");
    let sim = start(SimConfig { truth: Some(path.clone()), ..SimConfig::default() }).await;
    chat(
        &sim,
        &body(true, json!({ "fault": "usage_absurd" }))
            .replace("\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
    )
    .await;
    let mut socket = TcpStream::connect(sim.addr).await.unwrap();
    socket
        .write_all(request("/v1/messages", &body(true, json!({ "fault": "stall_mid" }))).as_bytes())
        .await
        .unwrap();
    socket.read_exact(&mut [0; 64]).await.unwrap();
    let addr = sim.addr;
    sim.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = lines
        .iter()
        .map(|line| (line["event"].as_str().unwrap(), line["ordinal"].as_u64().unwrap()))
        .collect();
    assert_eq!(events, [("received", 0), ("ended", 0), ("received", 1), ("ended", 1)]);
    assert!(lines[1]["claimed"].as_str().unwrap().contains("1e400"), "no JSON number: told as text");
    assert_eq!((&lines[3]["end"], &lines[3]["attempt_id"]), (&json!("stopped"), &json!("attempt-1")));
    assert_eq!(lines[3]["billed"]["input"], 100);
}
