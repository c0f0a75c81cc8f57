//! Requests: what is refused and with which words, what passes untouched, what the provider is sent.
#![allow(clippy::unwrap_used)] // a helper of tests may fail as a test does

use bytes::Bytes;
use dialects::{Dialect, ErrorBody, Needs, Request, decode, render_error};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokens::counter_for;

fn chat(body: &str) -> Request {
    decode(Dialect::OpenAiChat, Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn messages(body: &str) -> Request {
    decode(Dialect::AnthropicMessages, Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

const HI: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

#[test]
fn what_the_gateway_must_understand_is_checked_and_the_field_is_named() {
    let check = |dialect: Dialect, body: &str, param: Option<&str>, code: &str| {
        let bad = decode(dialect, Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
        assert_eq!((bad.param.as_deref(), bad.code), (param, code), "{body}: {bad}");
        assert!(bad.message.contains("Send "), "says the fix: {bad}");
        let rendered: Value =
            serde_json::from_slice(&render_error(dialect, &ErrorBody::from(bad), "call")).unwrap();
        let kind = rendered.pointer("/error/type").unwrap();
        assert_eq!(kind, "invalid_request_error");
    };
    for dialect in Dialect::ALL.iter().copied() {
        check(dialect, "", None, "invalid_json");
        check(dialect, "[]", None, "invalid_json");
        check(dialect, "{\"model\":", None, "invalid_json");
        check(dialect, "{\"model\":\"m\"} x", None, "invalid_json");
        check(dialect, "{\"model\":\"m\",\"x\":tru}", None, "invalid_json");
        let with = |fields: &str| format!(r#"{{"max_tokens":9,{HI},{fields}}}"#);
        check(dialect, &with(r#""x":1"#), Some("model"), "missing_required_parameter");
        check(dialect, &with(r#""model":null"#), Some("model"), "missing_required_parameter");
        check(dialect, &with(r#""model":7"#), Some("model"), "invalid_type");
        check(dialect, &with(r#""model":"""#), Some("model"), "invalid_value");
        check(dialect, &with(r#""model":"m","stream":"yes""#), Some("stream"), "invalid_type");
        check(dialect, &with(r#""model":"m","model":"n""#), Some("model"), "duplicate_parameter");
        check(dialect, &with(r#""model":"m","mod\u0065l":"n""#), Some("model"), "duplicate_parameter");
        let bound = |value: &str| format!(r#"{{"model":"m",{HI},"max_tokens":{value}}}"#);
        for value in ["0", "-1", "1.5", "1e3", "99999999999999999999"] {
            check(dialect, &bound(value), Some("max_tokens"), "invalid_value");
        }
        check(dialect, &bound("\"9\""), Some("max_tokens"), "invalid_type");
        let said = |messages: &str| format!(r#"{{"model":"m","max_tokens":9,"messages":{messages}}}"#);
        check(dialect, r#"{"model":"m","max_tokens":9}"#, Some("messages"), "missing_required_parameter");
        check(dialect, &said("[ ]"), Some("messages"), "invalid_value");
        check(dialect, &said("\"hi\""), Some("messages"), "invalid_type");
    }
    let chat = |fields: &str| format!(r#"{{"model":"m",{HI},{fields}}}"#);
    check(Dialect::OpenAiChat, &chat(r#""n":0"#), Some("n"), "invalid_value");
    check(Dialect::OpenAiChat, &chat(r#""n":129"#), Some("n"), "invalid_value");
    check(
        Dialect::OpenAiChat,
        &chat(r#""stream":true,"stream_options":true"#),
        Some("stream_options"),
        "invalid_type",
    );
    let inner = Some("stream_options.include_usage");
    check(
        Dialect::OpenAiChat,
        &chat(r#""stream":true,"stream_options":{"include_usage":1}"#),
        inner,
        "invalid_type",
    );
    let twice = r#""stream":true,"stream_options":{"include_usage":true,"include_usage":false}"#;
    check(Dialect::OpenAiChat, &chat(twice), inner, "duplicate_parameter");
    let hidden = r#""stream":true,"stream_options":{"include_us\u0061ge":false}"#;
    check(Dialect::OpenAiChat, &chat(hidden), Some("stream_options"), "invalid_value");
    let no_bound = format!(r#"{{"model":"m",{HI}}}"#);
    check(Dialect::AnthropicMessages, &no_bound, Some("max_tokens"), "missing_required_parameter");
    let bad = decode(Dialect::OpenAiChat, Bytes::from_static(b"{\"model\":\"\xff\"}")).unwrap_err();
    assert!(bad.message.contains("byte 10 is no UTF-8"), "{bad}");
}

#[test]
fn facts_of_a_request_are_read() {
    let plain = chat(&format!(r#"{{"model":"m",{HI},"stream":null,"n":null,"unknown":{{"deep":[1]}}}}"#));
    assert_eq!((plain.model(), plain.stream(), plain.max_output(), plain.choices()), ("m", false, None, 1));
    assert!(plain.wants_usage());
    assert_eq!(plain.needs(), Needs::default());

    let rich = chat(
        r#"{"model":"g\u0070t","messages":[{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}],"stream":true,"n":3,"max_tokens":10,"max_completion_tokens":20,"tools":[{"type":"function"}],"response_format":{"type":"json_schema","json_schema":{}},"reasoning_effort":"low","service_tier":"flex"}"#,
    );
    let all =
        Needs { stream: true, tools: true, json_schema: true, vision: true, reasoning: true, audio: true };
    assert_eq!((rich.model(), rich.needs()), ("gpt", all));
    assert_eq!((rich.max_output(), rich.choices(), rich.service_tier_asked()), (Some(20), 3, Some("flex")));
    assert!(!rich.wants_usage());

    let rich = messages(
        r#"{"model":"c","max_tokens":100,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}],"thinking":{"type":"enabled","budget_tokens":50},"tools":[{"name":"f"}],"output_config":{"format":{"type":"json_schema"}},"n":"ignored here"}"#,
    );
    assert_eq!(rich.needs(), Needs { stream: false, audio: false, ..all });
    assert_eq!(rich.max_output(), Some(100));
    let off = messages(&format!(r#"{{"model":"c","max_tokens":9,{HI},"thinking":{{"type":"disabled"}}}}"#));
    assert!(!off.needs().reasoning);
}

#[test]
fn only_the_model_and_the_usage_wish_change_on_the_way() {
    let check = |body: &str, wanted: &str| {
        let sent = chat(body).upstream_body("gpt-4o");
        assert_eq!(std::str::from_utf8(&sent).unwrap(), wanted);
    };
    let m = r#""messages":[1]"#;
    check(&format!(r#"{{"model":"m",{m}}}"#), &format!(r#"{{"model":"gpt-4o",{m}}}"#));
    let asked = r#""stream":true,"stream_options":{"include_usage":true}"#;
    check(&format!(r#"{{"model":"gpt-4o",{asked},{m}}}"#), &format!(r#"{{"model":"gpt-4o",{asked},{m}}}"#));
    check(
        &format!("{{ \"stream\" :true,\n{m},\"model\" : \"a\\\"b\" }}"),
        &format!(
            "{{ \"stream\" :true,\n{m},\"model\" : \"gpt-4o\",\"stream_options\":{{\"include_usage\":true}} }}"
        ),
    );
    let options = |written: &str| format!(r#"{{"stream":true,"stream_options":{written},"model":"m",{m}}}"#);
    let becomes =
        |written: &str| format!(r#"{{"stream":true,"stream_options":{written},"model":"gpt-4o",{m}}}"#);
    check(&options("null"), &becomes(r#"{"include_usage":true}"#));
    check(&options("{ }"), &becomes(r#"{"include_usage":true }"#));
    check(&options(r#"{"include_usage" : false}"#), &becomes(r#"{"include_usage" : true}"#));
    check(&options(r#"{"include_usage":null}"#), &becomes(r#"{"include_usage":true}"#));
    check(
        &options(r#"{ "include_obfuscation":false}"#),
        &becomes(r#"{"include_usage":true, "include_obfuscation":false}"#),
    );
    // Not streamed: options, if any, are the provider's to judge.
    let whole = format!(r#"{{"stream_options":{{}},"model":"m",{m}}}"#);
    check(&whole, &whole.replace("\"m\"", "\"gpt-4o\""));
    // Nothing to change: the same bytes, not a copy.
    let request = messages(&format!(r#"{{"model":"c","max_tokens":9,"stream":true,{HI}}}"#));
    assert_eq!(request.upstream_body("c").as_ptr(), request.body().as_ptr());
}

#[test]
fn input_is_estimated_by_the_cookbooks_rule_and_media_by_theirs() {
    let o200k = counter_for("gpt-4o");
    let count = |text: &str| o200k.tokenizer.count(text);
    // OpenAI cookbook: 3 for the reply, 3 a message, the role (1), the content; 1 for a name.
    let request = chat(
        r#"{"model":"m","messages":[{"role":"system","content":"You are \"brief\".\n"},{"role":"user","name":"ada","content":[{"type":"text","text":"hello"}]}]}"#,
    );
    let wanted = 3 + (3 + 1 + count("You are \"brief\".\n")) + (3 + 1 + 1 + count("ada") + count("hello"));
    assert_eq!(request.estimate_input(o200k), wanted);
    // An image by rule, whatever the size of its base64.
    let pixels = "A".repeat(100_000);
    let image = |detail: &str| {
        chat(&format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{pixels}"{detail}}}}}]}}]}}"#
        ))
        .estimate_input(o200k)
    };
    assert_eq!(image(r#","detail":"low""#), 3 + 4 + 85);
    assert_eq!(image(""), 3 + 4 + 765);
    // wav: 96,000 base64 characters are 72,000 bytes, at 3,200 a token 22.5.
    let audio = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"input_audio","input_audio":{{"format":"wav","data":"{}"}}}}]}}]}}"#,
        "A".repeat(96_000)
    );
    assert_eq!(chat(&audio).estimate_input(o200k), 3 + 4 + 23);
    // Tools as written, a call's name and arguments as texts.
    let tools = r#"[{"type":"function","function":{"name":"f"}}]"#;
    let request = chat(&format!(
        r#"{{"model":"m","tools":{tools},"messages":[{{"role":"assistant","content":null,"tool_calls":[{{"id":"c","function":{{"name":"f","arguments":"{{\"a\":1}}"}}}}]}}]}}"#
    ));
    assert_eq!(request.estimate_input(o200k), 3 + 4 + count(tools) + count("f") + count("{\"a\":1}"));
    // Anthropic: system, blocks, tool results within, a document by size.
    let request = messages(
        r#"{"model":"c","max_tokens":9,"system":[{"type":"text","text":"be kind"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"sunny"},{"type":"image","source":{"type":"url","url":"https://x"}}]},{"type":"document","source":{"type":"base64","data":"AAAA"}},{"type":"document","source":{"type":"text","data":"plain words"}}]}]}"#,
    );
    let wanted = 3 + 4 + count("be kind") + count("sunny") + 1600 + 1600 + count("plain words");
    assert_eq!(request.estimate_input(o200k), wanted);
}

#[test]
fn a_huge_prompt_is_estimated_from_its_beginning() {
    let o200k = counter_for("gpt-4o");
    let text = "tolling bells ".repeat(200_000); // 2.8 MB
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let estimate = chat(&body).estimate_input(o200k);
    let per_repeat = o200k.tokenizer.count(&"tolling bells ".repeat(100)) / 100;
    let exact = per_repeat * 200_000;
    assert!(estimate.abs_diff(exact) < exact / 100, "{estimate} against {exact}");
}

#[test]
fn depth_reaches_no_stack() {
    let deep = format!(r#"{{"model":"m",{HI},"x":{}{}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert_eq!(chat(&deep).model(), "m");
    let open = format!(r#"{{"model":"m","messages":{}"#, "[".repeat(32 << 20));
    assert!(decode(Dialect::OpenAiChat, Bytes::from(open)).is_err());
    let inside =
        format!(r#"{{"model":"m","messages":[{}{}]}}"#, "{\"content\":[".repeat(9999), "]}".repeat(9999));
    assert!(chat(&inside).estimate_input(counter_for("gpt-4o")) > 0);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\"\\\\]{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn options() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        Just(Some(json!({}))),
        Just(Some(json!({"include_usage":true}))),
        Just(Some(json!({"a":[1],"include_usage":false,"z":"}"}))),
        Just(Some(json!({"include_obfuscation":true}))),
    ]
}

proptest! {
    /// What is sent to the provider means what the client said, but for the model and the wish for usage.
    #[test]
    fn the_splice_is_a_change_of_two_values(
        extra in proptest::collection::btree_map("x[a-z]{0,5}", any_json(), 0..5),
        content in any_json(),
        model in "[ -~é付]{1,12}",
        sent_as in any::<String>(),
        options in options(),
        stream in any::<bool>(),
        pretty in any::<bool>(),
    ) {
        prop_assume!(!model.trim().is_empty());
        let mut body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]});
        let members = body.as_object_mut().unwrap();
        members.extend(extra);
        if let Some(options) = options {
            members.insert("stream_options".to_owned(), options);
        }
        let written = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let request = chat(&written);
        prop_assert_eq!(request.model(), &model);
        let sent: Value = serde_json::from_slice(&request.upstream_body(&sent_as)).unwrap();
        body["model"] = Value::from(sent_as);
        if stream {
            if !body["stream_options"].is_object() {
                body["stream_options"] = json!({});
            }
            body["stream_options"]["include_usage"] = Value::from(true);
        }
        prop_assert_eq!(sent, body);
    }

    /// Bytes outside the two places are the client's own.
    #[test]
    fn the_bytes_around_the_splice_stay(before in any_json(), after in any_json()) {
        let (before, after) = (before.to_string(), after.to_string());
        let head = format!("{{\"b\" :{before} ,\"messages\":[0],\"model\":");
        let tail = format!(" ,\n\"a\":{after}}}");
        let request = chat(&format!("{head}\"m\"{tail}"));
        let sent = request.upstream_body("other");
        let wanted = format!("{head}\"other\"{tail}");
        prop_assert_eq!(&sent[..], wanted.as_bytes());
    }

    /// No body makes the decoder panic.
    #[test]
    fn any_body_is_survived(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        for dialect in Dialect::ALL {
            if let Ok(request) = decode(*dialect, Bytes::copy_from_slice(&body)) {
                request.upstream_body("m");
            }
        }
    }

    /// Nor does one that is JSON, but of the wrong shape everywhere.
    #[test]
    fn any_shape_is_survived(messages in any_json(), tools in any_json(), system in any_json(), thinking in any_json()) {
        let body = json!({"model":"m","max_tokens":1,"messages":[messages],"tools":tools,"system":system,"thinking":thinking});
        for dialect in Dialect::ALL {
            let request = decode(*dialect, Bytes::from(body.to_string())).unwrap();
            request.estimate_input(counter_for("gpt-4o"));
        }
    }
}
