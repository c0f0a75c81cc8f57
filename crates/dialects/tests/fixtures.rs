//! One stream per provider: the vector it must come to, worked out by hand, at every chunking that matters.
#![allow(clippy::unwrap_used)] // a helper of tests may fail as a test does

mod machine;

use dialects::QUIRKS;
use machine::{facts, relay, relay_whole};
use serde_json::{Value, json};

/// Provider, expected vector, expected visible text, finish reason.
fn expected() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        // 2000 − 1024 read − 512 written = 464; 120 − 100 = 20. Chat knows the 30-minute cache alone.
        (
            "openai",
            json!({"input":464,"input_cached":1024,"cache_write_30m":512,"output":20,"reasoning":100}),
            "The toll is paid — 付讫 😀.",
            "stop",
        ),
        // Beside each other; the delta's input replaces the start's 25; 189 − 120 thinking = 69.
        (
            "anthropic",
            json!({"input":40,"input_cached":9000,"cache_write_5m":800,"cache_write_1h":600,"output":69,"reasoning":120,"web_searches":2}),
            "Hello 😀get_weather{\"city\": \"Bern\"}",
            "tool_use",
        ),
        // 64 hit + 36 miss = 100; 30 − 25 = 5.
        ("deepseek", json!({"input":36,"input_cached":64,"output":5,"reasoning":25}), "42", "stop"),
        // 1500 − 1200 written = 300.
        ("dashscope", json!({"input":300,"cache_write_5m":1200,"output":8}), "你好", "stop"),
        ("qianfan", json!({"input":11,"output":2}), "收费", "stop"),
        // Running totals: the last, not 1 + 2 + 3.
        ("ark", json!({"input":20,"output":2,"reasoning":1}), "好", "stop"),
        // `cached_tokens` beside: 300 − 256 = 44.
        ("moonshot", json!({"input":44,"input_cached":256,"output":1}), "月", "stop"),
        ("zhipu", json!({"input":5,"input_cached":4,"output":2,"reasoning":3}), "是", "stop"),
        ("minimax", json!({"input":12,"input_cached":30,"output":2}), "Hi!", "stop"),
        ("hunyuan", json!({"input":6,"output":3}), "一二", "stop"),
        ("siliconflow", json!({"input":12,"output":2}), "ab", "length"),
        ("simulated-openai", json!({"input":7,"output":1}), "ok", "stop"),
        ("simulated-anthropic", json!({"input":7,"output":3}), "ok", "end_turn"),
        (
            "openai-compatible",
            json!({"input":50,"output":11}),
            "get_weather{\"city\":\"Bern\"}",
            "tool_calls",
        ),
        ("anthropic-compatible", json!({"input":31,"input_cached":128,"output":3}), "ok", "end_turn"),
    ]
}

fn fixture(provider: &str) -> String {
    let path = format!("{}/fixtures/{provider}.sse", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}")).unwrap()
}

#[test]
fn every_row_of_the_quirk_table_has_a_fixture_and_an_expectation() {
    let expected = expected();
    for row in QUIRKS {
        assert!(!fixture(row.provider).is_empty());
        assert!(expected.iter().any(|(provider, ..)| *provider == row.provider), "{}", row.provider);
    }
    assert_eq!(expected.len(), QUIRKS.len());
}

#[test]
fn each_provider_comes_to_its_vector() {
    for (provider, vector, text, finish) in expected() {
        let stream = fixture(provider);
        let relayed = relay_whole(facts(provider, true), &stream);
        let outcome = relayed.outcome;
        let tokens = outcome.usage.tokens.unwrap();
        assert_eq!(serde_json::to_value(tokens).unwrap(), vector, "{provider}");
        assert!(outcome.usage.complete && outcome.complete, "{provider}");
        assert!(
            outcome.usage.flags.is_empty(),
            "{provider}: {:?}",
            outcome.usage.flags.iter().collect::<Vec<_>>()
        );
        assert_eq!(outcome.texts.visible().collect::<String>(), text, "{provider}");
        assert_eq!(outcome.finish_reason.as_deref(), Some(finish), "{provider}");
        assert!(outcome.response_id.is_some() && outcome.served_model.is_some(), "{provider}");
        // A client that asked sees every byte, and the end mark last.
        assert_eq!([relayed.shown, relayed.end].concat(), stream.as_bytes(), "{provider}");
    }
}

#[test]
fn every_cut_in_two_and_every_byte_alone_give_the_same() {
    for (provider, ..) in expected() {
        let stream = fixture(provider);
        let bytes = stream.as_bytes();
        for asked in [true, false] {
            let whole = relay(facts(provider, asked), &[bytes]);
            let check = |reads: &[&[u8]]| {
                let cut = relay(facts(provider, asked), reads);
                assert_eq!(cut.shown, whole.shown, "{provider}");
                assert_eq!(cut.end, whole.end, "{provider}");
                assert_eq!(cut.outcome.usage, whole.outcome.usage, "{provider}");
                assert!(cut.outcome.texts.visible().eq(whole.outcome.texts.visible()), "{provider}");
            };
            let single: Vec<_> = bytes.chunks(1).collect();
            check(&single);
            for cut in (0..=bytes.len()).step_by(3) {
                let (head, tail) = bytes.split_at(cut);
                check(&[head, tail]);
            }
        }
    }
}
