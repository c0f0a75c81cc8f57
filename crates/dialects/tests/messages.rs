//! Anthropic's streams and usage, and whole answers of both dialects.

mod machine;

use dialects::{ErrorClass, Flag, read_whole};
use machine::{facts, relay_whole, vector};
use serde_json::{Value, json};

#[test]
fn an_anthropic_stream_that_is_cut_knows_its_input_and_not_its_output() {
    let start = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","usage":{"input_tokens":25,"cache_read_input_tokens":7,"output_tokens":4}}}

"#;
    let delta = r#"event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

"#;
    let relayed = relay_whole(facts("anthropic", true), &[start, delta].concat());
    assert_eq!(vector(&relayed), json!({"input":25,"input_cached":7}), "4 is a placeholder, not a count");
    assert!(!relayed.outcome.usage.complete && !relayed.outcome.complete);
    // After the last `message_delta` the mark itself may be missing.
    let last = r#"event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":199}}

"#;
    let relayed = relay_whole(facts("anthropic", true), &[start, delta, last].concat());
    assert_eq!(vector(&relayed), json!({"input":25,"input_cached":7,"output":199}));
    assert!(relayed.outcome.usage.complete && relayed.outcome.complete);
}

#[test]
fn anthropic_traps_of_usage() {
    let check = |usage: &str, wanted: Value, wanted_flags: &[&str]| {
        let body = format!(
            r#"{{"id":"msg_1","type":"message","model":"claude-x","content":[{{"type":"text","text":"hi"}}],"stop_reason":"end_turn","usage":{usage}}}"#
        );
        let outcome = read_whole(facts("anthropic", true), body.as_bytes());
        assert_eq!(serde_json::to_value(outcome.usage.tokens).unwrap(), wanted, "{usage}");
        let found: Vec<_> = outcome.usage.flags.iter().map(Flag::name).collect();
        assert_eq!(found, wanted_flags, "{usage}");
        assert!(outcome.complete && outcome.usage.complete);
        outcome
    };
    // Written without a split: the lifetime is unknown. With a split: the rest is.
    check(
        r#"{"input_tokens":1,"cache_creation_input_tokens":10,"output_tokens":2}"#,
        json!({"input":1,"cache_write":10,"output":2}),
        &[],
    );
    check(
        r#"{"input_tokens":1,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3},"output_tokens":2}"#,
        json!({"input":1,"cache_write_5m":4,"cache_write_1h":3,"cache_write":3,"output":2}),
        &[],
    );
    // 4 + 8 > 10: the total stays, the half that does not fit is not believed.
    check(
        r#"{"input_tokens":1,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":8},"output_tokens":2}"#,
        json!({"input":1,"cache_write_5m":4,"cache_write":6,"output":2}),
        &["detail_exceeds"],
    );
    // Compaction is beside the top level; `message` is in it; an advisor is another model.
    let outcome = check(
        r#"{"input_tokens":100,"output_tokens":20,"speed":"fast","service_tier":"standard","iterations":[{"type":"compaction","input_tokens":1000,"output_tokens":50},{"type":"message","input_tokens":100,"output_tokens":20},{"type":"advisor_message","model":"claude-y","input_tokens":7,"output_tokens":7}]}"#,
        json!({"input":1100,"output":70}),
        &["multi_model"],
    );
    assert_eq!(outcome.service_tier.as_deref(), Some("fast"));
    check(
        r#"{"input_tokens":1,"output_tokens":2,"inference_geo":"us"}"#,
        json!({"input":1,"output":2}),
        &["geo_priced"],
    );
}

#[test]
fn cache_written_during_a_stream_has_the_lifetime_that_the_request_asked_for() {
    use bytes::Bytes;
    use dialects::{Dialect, decode, quirk};
    let check = |control: &str, kind: &str| {
        let body = format!(
            r#"{{"model":"m","max_tokens":9,"stream":true,"system":[{{"type":"text","text":"s"{control}}}],"messages":[{{"role":"user","content":"\"cache_control\":{{\"ttl\":\"1h\"}}"}}]}}"#
        );
        let request = decode(Dialect::AnthropicMessages, Bytes::from(body)).unwrap();
        let stream = concat!(
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"cache_creation_input_tokens\":0,\"output_tokens\":1}}}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"cache_creation_input_tokens\":30,\"output_tokens\":2}}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n",
        );
        let relayed = relay_whole(request.facts(quirk("anthropic").unwrap()), stream);
        assert_eq!(vector(&relayed), json!({"input":1,"output":2,kind:30}), "{control}");
    };
    check("", "cache_write");
    check(r#","cache_control":{"type":"ephemeral"}"#, "cache_write_5m");
    check(r#", "cache_control" : {"type":"ephemeral","ttl":"1h"}"#, "cache_write_1h");
}

#[test]
fn whole_answers_of_both_dialects() {
    let body = r#"

{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","service_tier":"priority","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;
    let outcome = read_whole(facts("openai", true), body.as_bytes());
    assert!(outcome.complete && outcome.usage.complete && outcome.error.is_none());
    assert_eq!(outcome.served_model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(outcome.service_tier.as_deref(), Some("priority"));
    assert_eq!(outcome.texts.visible().collect::<Vec<_>>(), ["hi", "f{}"]);

    let message = r#"{"id":"msg_1","type":"message","model":"claude-x","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":5,"service_tier":"batch"}}"#;
    let outcome = read_whole(facts("anthropic", true), message.as_bytes());
    assert!(outcome.complete && outcome.usage.complete);
    assert_eq!(outcome.texts.visible().collect::<Vec<_>>(), ["hi", "f{\"a\":1}"]);
    assert_eq!(outcome.texts.reasoning().collect::<Vec<_>>(), ["hm"]);
    assert_eq!(outcome.service_tier.as_deref(), Some("batch"));

    let check = |provider: &str, body: &str, class: ErrorClass| {
        let outcome = read_whole(facts(provider, true), body.as_bytes());
        assert_eq!(outcome.error.unwrap().class, class, "{body}");
        assert!(!outcome.complete);
    };
    check("minimax", r#"{"base_resp":{"status_code":1004,"status_msg":"m"}}"#, ErrorClass::Auth);
    check("qianfan", r#"{"error_code":336100,"error_msg":"busy"}"#, ErrorClass::Overload);
    check("openai", r#"{"error":{"message":"m","code":"server_error"}}"#, ErrorClass::UpstreamBug);
    check("openai", "<html>", ErrorClass::UpstreamBug);
    check("openai", "", ErrorClass::UpstreamBug);
    check("openai", "{}", ErrorClass::UpstreamBug);
    check("openai", r#"{"choices":[{"index":0"#, ErrorClass::UpstreamBug);
    check(
        "anthropic",
        r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#,
        ErrorClass::UpstreamBug,
    );
}
