//! What an event costs in the stream machine, and what a request costs to decode, on this machine.
//!
//! `cargo run --release -p dialects --example stream_cost`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)] // a measurement that is read by people
#![allow(clippy::cast_precision_loss)] // figures for people

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use dialects::{Dialect, StreamMachine, decode, quirk};

const EVENTS: usize = 64;
const ROUNDS: usize = 4000;
const BATCHES: usize = 9;

fn main() {
    let asks = |asked: bool| {
        let options = if asked { r#","stream_options":{"include_usage":true}"# } else { "" };
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"stream":true{options}}}"#)
    };
    let messages =
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
    stream("openai-chat, usage asked for", "openai", &asks(true), &chat_events());
    stream("openai-chat, usage taken out", "openai", &asks(false), &chat_events());
    stream("anthropic-messages", "anthropic", messages, &anthropic_events());
    request();
}

fn chat_events() -> Vec<Bytes> {
    let chunk = |delta: &str, finish: &str| {
        Bytes::from(format!(
            "data: {{\"id\":\"chatcmpl-C1x8QyZ3\",\"object\":\"chat.completion.chunk\",\"created\":1764028800,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_b54fe76834\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}],\"usage\":null,\"obfuscation\":\"x9Kq\"}}\n\n"
        ))
    };
    let mut events = vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    events.extend((4..EVENTS).map(|_| chunk(r#"{"content":" tolling"}"#, "null")));
    events.push(chunk("{}", "\"stop\""));
    events.push(Bytes::from_static(b"data: {\"id\":\"chatcmpl-C1x8QyZ3\",\"object\":\"chat.completion.chunk\",\"created\":1764028800,\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":60,\"total_tokens\":69,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}}\n\n"));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn anthropic_events() -> Vec<Bytes> {
    let event = |name: &str, rest: &str| {
        Bytes::from(format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n"))
    };
    let mut events = vec![
        event(
            "message_start",
            r#","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":9,"output_tokens":1}}"#,
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
    ];
    events.extend((5..EVENTS).map(|_| {
        event("content_block_delta", r#","index":0,"delta":{"type":"text_delta","text":" tolling"}"#)
    }));
    events.push(event("content_block_stop", r#","index":0"#));
    events.push(event(
        "message_delta",
        r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":60}"#,
    ));
    events.push(event("message_stop", ""));
    events
}

/// Nanoseconds that this thread has spent on a CPU, so that neighbours do not count; wall time where there is no /proc.
fn spent(started: Instant) -> f64 {
    let scheduler = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = scheduler.and_then(|text| text.split_whitespace().next()?.parse().ok());
    on_cpu.unwrap_or_else(|| started.elapsed().as_nanos() as f64)
}

/// Median of several batches: nanoseconds of one call of `work`.
fn median(mut work: impl FnMut()) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let started = Instant::now();
            let before = spent(started);
            (0..ROUNDS).for_each(|_| work());
            (spent(started) - before) / ROUNDS as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches.get(BATCHES / 2).copied().unwrap_or(f64::NAN)
}

fn stream(name: &str, provider: &str, body: &str, events: &[Bytes]) {
    let row = quirk(provider).unwrap();
    let facts = decode(row.dialect, Bytes::copy_from_slice(body.as_bytes())).unwrap().facts(row);
    let bytes: usize = events.iter().map(Bytes::len).sum();
    let all = Bytes::from(events.concat());
    let mut out = Vec::with_capacity(4);
    let one_by_one = median(|| {
        let mut machine = StreamMachine::new(facts);
        for event in events {
            out.clear();
            black_box(machine.push(event, &mut out));
        }
        machine.close(&mut out);
        black_box((machine.take_end(), machine.finish()));
    });
    let in_one_read = median(|| {
        let mut machine = StreamMachine::new(facts);
        out.clear();
        black_box(machine.push(&all, &mut out));
        machine.close(&mut out);
        black_box((machine.take_end(), machine.finish()));
    });
    let per_event = |nanos: f64| nanos / events.len() as f64;
    let speed = bytes as f64 / one_by_one * 1000.0;
    println!(
        "{name}: {:.0} ns an event ({} events of {} bytes, one a read, {speed:.0} MB/s); {:.0} ns in one read",
        per_event(one_by_one),
        events.len(),
        bytes / events.len(),
        per_event(in_one_read),
    );
}

fn request() {
    let text = "What is a toll? ".repeat(60);
    let body = Bytes::from(format!(
        r#"{{"model":"gpt-4o","messages":[{{"role":"system","content":"You are brief."}},{{"role":"user","content":"{text}"}}],"stream":true,"temperature":0.2}}"#
    ));
    let counter = tokens::counter_for("gpt-4o");
    let decoded = decode(Dialect::OpenAiChat, body.clone()).unwrap();
    black_box(decoded.estimate_input(counter)); // loads the tokenizer
    let decoding = median(|| drop(black_box(decode(Dialect::OpenAiChat, body.clone()))));
    // The scheduler's figure moves a tick at a time, so short work is done a hundred times.
    let splicing =
        median(|| (0..100).for_each(|_| drop(black_box(decoded.upstream_body("gpt-4o-mini"))))) / 100.0;
    let counting = median(|| {
        black_box(decoded.estimate_input(counter));
    });
    println!(
        "request of {} bytes: decode {decoding:.0} ns, body for the provider {splicing:.0} ns, estimate {counting:.0} ns",
        body.len()
    );
}
