//! What a stream may do on its way: end early, lie, fail inside a 200, send nothing but keep-alives.

mod machine;

use dialects::{ErrorClass, Flag};
use machine::{facts, flags, relay, relay_whole, vector};
use serde_json::{Value, json};

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let chunk = json!({"id":"c1","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":delta,"finish_reason":finish}],"usage":null});
    format!("data: {chunk}\n\n")
}

fn usage(usage: &str) -> String {
    format!("data: {{\"id\":\"c1\",\"choices\":[],\"usage\":{usage}}}\n\n")
}

const DONE: &str = "data: [DONE]\n\n";
const NINE_TWO: &str = r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}"#;

#[test]
fn a_client_that_did_not_ask_sees_no_usage_and_otherwise_the_same_bytes() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"x\"}\n\n";
    let stream = [first, ": note\n\n", &chunk(&json!({}), Some("stop")), &usage(NINE_TWO), DONE].concat();
    let relayed = relay_whole(facts("openai", false), &stream);
    let shown = String::from_utf8(relayed.shown).unwrap();
    assert_eq!(
        shown,
        [
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}],\"obfuscation\":\"x\"}\n\n",
            ": note\n\n",
            &chunk(&json!({}), Some("stop")).replace(",\"usage\":null", ""),
        ]
        .concat()
    );
    assert_eq!(relayed.end, DONE.as_bytes());
    assert_eq!(relayed.outcome.usage.tokens.unwrap().total(), 11);
}

#[test]
fn null_usage_goes_wherever_it_stands_in_the_object_and_however_its_lines_are_cut() {
    let check = |before: &str, after: &str| {
        let relayed = relay_whole(facts("openai", false), before);
        assert_eq!(String::from_utf8(relayed.shown).unwrap(), after, "{before}");
    };
    check("data: {\"usage\":null,\"id\":\"a\"}\n\n", "data: {\"id\":\"a\"}\n\n");
    check("data: {\"id\":\"a\" , \"usage\" : null }\n\n", "data: {\"id\":\"a\" }\n\n");
    check("data: {\"usage\":null}\n\n", "data: {}\n\n");
    check(
        "data: {\"id\":\"a\",\ndata: \"usage\":null,\ndata: \"x\":1}\n\n",
        "data: {\"id\":\"a\",\ndata: \"x\":1}\n\n",
    );
    check("\u{feff}data:{\"id\":\"a\",\"usage\":null}\r\n\r\n", "\u{feff}data:{\"id\":\"a\"}\r\n\r\n");
    // A `usage` that is not at the top, or in a text, is none of ours.
    let inside = "data: {\"id\":\"a\",\"x\":{\"usage\":null},\"y\":\"\\\"usage\\\":null\"}\n\n";
    check(inside, inside);
}

#[test]
fn whole_events_of_one_read_are_one_slice_of_it() {
    use bytes::Bytes;
    use dialects::StreamMachine;
    let read =
        Bytes::from([chunk(&json!({"content":"a"}), None), chunk(&json!({"content":"b"}), None)].concat());
    let mut out = Vec::new();
    StreamMachine::new(facts("openai", true)).push(&read, &mut out);
    assert_eq!(out.len(), 1);
    assert_eq!((out[0].as_ptr(), out[0].len()), (read.as_ptr(), read.len()));
    // For the client that did not ask, all is written anew into one piece.
    let mut out = Vec::new();
    StreamMachine::new(facts("openai", false)).push(&read, &mut out);
    assert_eq!(out.len(), 1);
}

#[test]
fn usage_is_never_summed_and_zeros_do_not_unsay_it() {
    let two = [chunk(&json!({"content":"a"}), Some("stop")), usage(NINE_TWO), usage(NINE_TWO), DONE.into()]
        .concat();
    let relayed = relay_whole(facts("openai", true), &two);
    assert_eq!(vector(&relayed), json!({"input":9,"output":2}));
    assert_eq!(flags(&relayed), Vec::<&str>::new());

    let zeros = r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#;
    let stream =
        [chunk(&json!({"content":"a"}), Some("stop")), usage(NINE_TWO), usage(zeros), DONE.into()].concat();
    let relayed = relay_whole(facts("openai", true), &stream);
    assert_eq!(vector(&relayed), json!({"input":9,"output":2}));
    assert_eq!(flags(&relayed), ["zero_after_value"]);
    assert_eq!(relayed.outcome.usage.raw, zeros, "the raw object is the last one, as written");
}

#[test]
fn absurd_usage_is_flagged_kept_raw_and_not_used() {
    let check = |raw: &str, wanted: Value, wanted_flags: &[&str], complete: bool| {
        let stream = [chunk(&json!({"content":"a"}), Some("stop")), usage(raw), DONE.into()].concat();
        let relayed = relay_whole(facts("openai", true), &stream);
        assert_eq!(vector(&relayed), wanted, "{raw}");
        assert_eq!(flags(&relayed), wanted_flags, "{raw}");
        assert_eq!(relayed.outcome.usage.raw, raw);
        assert_eq!(relayed.outcome.usage.complete, complete, "{raw}");
        assert!(relayed.outcome.complete, "the answer itself is whole");
    };
    check(r#"{"prompt_tokens":-5,"completion_tokens":2}"#, json!({"output":2}), &["malformed_count"], false);
    check(r#"{"prompt_tokens":"9","completion_tokens":1e400}"#, Value::Null, &["malformed_count"], false);
    check(
        r#"{"prompt_tokens":9,"completion_tokens":9007199254740993}"#,
        json!({"input":9}),
        &["malformed_count"],
        false,
    );
    check(r#"{"prompt_tokens":12.0,"completion_tokens":2}"#, json!({"input":12,"output":2}), &[], true);
    check(
        r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":12}"#,
        json!({"input":9,"output":2}),
        &["total_mismatch"],
        true,
    );
    // 9 − 10 cached would be negative: the detail is left inside, so that the parts still add up to 9.
    check(
        r#"{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":10}}"#,
        json!({"input":9,"output":2}),
        &["detail_exceeds"],
        true,
    );
    check(
        r#"{"prompt_tokens":100,"completion_tokens":60,"prompt_tokens_details":{"audio_tokens":40,"cached_tokens":50},"completion_tokens_details":{"audio_tokens":50,"reasoning_tokens":4}}"#,
        json!({"input":10,"input_cached":50,"audio_input":40,"output":6,"reasoning":4,"audio_output":50}),
        &[],
        true,
    );
    check(r#"{"prompt_tokens":null,"completion_tokens":null}"#, Value::Null, &[], false);
    check("{}", Value::Null, &[], false);
    check("\"lots\"", Value::Null, &["malformed_count"], false);
    check("NaN", Value::Null, &["malformed_count"], false);
}

#[test]
fn an_end_is_a_mark_or_a_finish_reason_with_usage() {
    let text = chunk(&json!({"content":"a"}), None);
    let finish = chunk(&json!({}), Some("stop"));
    let check = |stream: &str, complete: bool, usage_complete: bool| {
        let relayed = relay_whole(facts("openai", true), stream);
        assert_eq!(relayed.outcome.complete, complete, "{stream}");
        assert_eq!(relayed.outcome.usage.complete, usage_complete, "{stream}");
        assert_eq!(relayed.outcome.texts.visible().collect::<String>(), "a");
        relayed
    };
    check(&[text.as_str(), &finish, &usage(NINE_TWO)].concat(), true, true);
    check(&[text.as_str(), &finish, DONE].concat(), true, false);
    check(&[text.as_str(), &finish].concat(), false, false);
    check(&text, false, false);
    check(&[text.as_str(), "data: [DO"].concat(), false, false);
    // Variations of the mark.
    for mark in
        ["data:[DONE]\n\n", "data:  [DONE] \r\n\r\n", "data: [DONE]\n", "data: [DONE]", "data: [DONE]\r\r"]
    {
        let relayed = check(&[text.as_str(), &finish, &usage(NINE_TWO), mark].concat(), true, true);
        assert!(relayed.end.starts_with(mark.trim_end().as_bytes()), "{mark:?}");
        assert!(
            relayed.end.ends_with(b"\n\n") || relayed.end.ends_with(b"\r\r") || mark.ends_with("\r\n\r\n")
        );
    }
    // A last event without its blank line is taken when it is whole, and given one; half an event is not.
    let bare = usage(NINE_TWO);
    let relayed = check(&[text.as_str(), &finish, bare.trim_end()].concat(), true, true);
    assert_eq!(flags(&relayed), ["unterminated"]);
    assert!(relayed.shown.ends_with(bare.as_bytes()));
    let relayed = check(&[text.as_str(), &finish, &bare[..bare.len() - 4]].concat(), false, false);
    assert_eq!(relayed.shown, [text.as_str(), &finish].concat().as_bytes());
}

#[test]
fn usage_after_the_end_mark_is_better_than_none_and_nothing_else_counts() {
    let late = [
        &chunk(&json!({"content":"a"}), Some("stop")),
        DONE,
        &chunk(&json!({"content":"zzz"}), None),
        &usage(NINE_TWO),
    ];
    let relayed = relay_whole(facts("openai", true), &late.concat());
    assert_eq!(vector(&relayed), json!({"input":9,"output":2}));
    assert_eq!(flags(&relayed), ["usage_after_end"]);
    assert_eq!(relayed.shown, late[0].as_bytes());
    assert_eq!(relayed.outcome.texts.visible().collect::<String>(), "a");
}

#[test]
fn a_cut_stream_with_running_totals_knows_a_part() {
    let running = r#"data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#;
    let relayed = relay_whole(facts("siliconflow", true), &format!("{running}\n\n"));
    assert_eq!(vector(&relayed), json!({"input":5,"output":1}));
    assert!(!relayed.outcome.usage.complete && !relayed.outcome.complete);
}

#[test]
fn choices_interleave_and_each_must_finish() {
    let choice = |index: u8, text: &str, finish: Option<&str>| {
        let chunk = json!({"choices":[{"index":index,"delta":{"content":text},"finish_reason":finish}]});
        format!("data: {chunk}\n\n")
    };
    let stream =
        [choice(0, "a", None), choice(1, "x", None), choice(0, "b", Some("stop")), usage(NINE_TWO)].concat();
    let half = relay_whole(facts("openai", true), &stream);
    assert!(!half.outcome.complete);
    let all = relay_whole(facts("openai", true), &[stream, choice(1, "y", Some("length"))].concat());
    assert!(all.outcome.complete);
    assert_eq!(all.outcome.texts.visible().collect::<Vec<_>>(), ["ab", "xy"]);
}

#[test]
fn keep_alives_and_roles_are_neither_content_nor_movement() {
    let quiet = [
        ": keep-alive\n\n",
        "\n\n",
        "event: ping\ndata: \n\n",
        &chunk(&json!({"role":"assistant","content":""}), None),
        &chunk(&json!({"role":"assistant","content":null,"reasoning_content":""}), None),
    ];
    for read in quiet {
        let relayed = relay_whole(facts("deepseek", true), read);
        assert!(!relayed.progress[0].content && !relayed.progress[0].moved, "{read}");
        assert_eq!(relayed.shown, read.as_bytes());
    }
    let loud = [
        json!({"content":"a"}),
        json!({"reasoning_content":"a"}),
        json!({"refusal":"no"}),
        json!({"tool_calls":[{"index":0,"function":{"arguments":""}}]}),
        json!({"audio":{"data":"AA=="}}),
    ];
    for delta in loud {
        let relayed = relay_whole(facts("deepseek", true), &chunk(&delta, None));
        assert!(relayed.progress[0].content && relayed.progress[0].moved, "{delta}");
    }
    let finish = relay_whole(facts("deepseek", true), &chunk(&json!({}), Some("stop")));
    assert!(!finish.progress[0].content && finish.progress[0].moved);

    let ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"stop_reason\":null}}\n\n";
    for read in [ping, start] {
        let relayed = relay_whole(facts("anthropic", true), read);
        assert!(!relayed.progress[0].content && !relayed.progress[0].moved, "{read}");
    }
}

#[test]
fn an_error_inside_a_200_ends_the_stream_in_the_providers_words_where_the_client_understands_them() {
    let text = chunk(&json!({"content":"a"}), None);
    let check = |provider: &str, error: &str, class: ErrorClass, own: bool| {
        let relayed = relay_whole(facts(provider, false), &[&text, error, &text, DONE].concat());
        let found = relayed.outcome.error.unwrap();
        assert_eq!((found.class, found.status, found.mid_answer), (class, 200, true), "{error}");
        assert_eq!(relayed.end, if own { error.as_bytes() } else { b"" }, "{error}");
        assert!(!relayed.outcome.complete);
        assert_eq!(relayed.outcome.texts.visible().collect::<String>(), "a");
    };
    let own = |code: &str| {
        format!(
            "data: {{\"error\":{{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":\"{code}\"}}}}\n\n"
        )
    };
    check("openai", &own("rate_limit_exceeded"), ErrorClass::Rate, true);
    check("zhipu", &own("1113"), ErrorClass::Quota, true);
    check("openai", "event: error\ndata: {\"message\":\"m\"}\n\n", ErrorClass::UpstreamBug, false);
    check(
        "minimax",
        "data: {\"base_resp\":{\"status_code\":1008,\"status_msg\":\"m\"}}\n\n",
        ErrorClass::Quota,
        false,
    );
    check("qianfan", "data: {\"error_code\":18,\"error_msg\":\"m\"}\n\n", ErrorClass::Rate, false);
    check(
        "siliconflow",
        "data: {\"code\":50505,\"message\":\"m\",\"data\":null}\n\n",
        ErrorClass::Overload,
        false,
    );
    check(
        "dashscope",
        "data: {\"code\":\"DataInspectionFailed\",\"message\":\"m\"}\n\n",
        ErrorClass::ContentFiltered,
        false,
    );
    // Not errors: the SDKs look for a truthy `error`.
    let fine =
        format!("data: {{\"error\":null,\"base_resp\":{{\"status_code\":0}},\"choices\":[]}}\n\n{DONE}");
    assert!(relay_whole(facts("minimax", true), &fine).outcome.complete);

    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let relayed = relay_whole(facts("anthropic", true), error);
    assert_eq!(relayed.outcome.error.unwrap().class, ErrorClass::Overload);
    assert_eq!(relayed.end, error.as_bytes());
}

#[test]
fn what_is_no_stream_of_the_dialect_is_an_upstream_bug_and_is_not_shown() {
    let check = |provider: &str, stream: &str| {
        let relayed = relay_whole(facts(provider, true), stream);
        let error = relayed.outcome.error.unwrap_or_else(|| panic!("{stream}"));
        assert_eq!(error.class, ErrorClass::UpstreamBug, "{stream}");
        assert!(relayed.shown.is_empty() && relayed.end.is_empty(), "{stream}");
        assert!(relayed.progress[0].ended);
        assert!(relayed.outcome.usage.flags.has(Flag::Malformed));
    };
    check("openai", "<html>\n<body>502</body>\n\n</html>");
    check("openai", "{\"choices\":[]}\n\n");
    check("openai", "data: hello\n\n");
    check("openai", "data: {\"choices\":[}\n\n");
    check("openai", "data: [1,2]\n\n");
    check("anthropic", "event: message_start\ndata: {\"type\"\n\n");
    // An event that Anthropic may add tomorrow is none of our business.
    let unknown = "event: new_thing\ndata: not json\n\n";
    assert_eq!(relay_whole(facts("anthropic", true), unknown).shown, unknown.as_bytes());
}

#[test]
fn an_event_without_end_is_cut_off_at_its_bound() {
    let flood = vec![b'x'; 1 << 20];
    let reads: Vec<&[u8]> =
        std::iter::once(&b"data: {\"a\":\""[..]).chain((0..20).map(|_| flood.as_slice())).collect();
    let relayed = relay(facts("openai", true), &reads);
    assert_eq!(relayed.outcome.error.unwrap().class, ErrorClass::UpstreamBug);
    assert_eq!(
        relayed.progress.iter().position(|progress| progress.ended),
        Some(8),
        "at the read that reached 8 MiB"
    );
    // The same in one read.
    let whole = [b"data: {\"a\":\"".as_slice(), &flood.repeat(9), b"\"}\n\n"].concat();
    assert!(relay(facts("openai", true), &[&whole]).outcome.error.is_some());
    // Ten megabytes in events of one are fine.
    let event = [b"data: {\"a\":\"".as_slice(), &flood, b"\"}\n\n"].concat();
    assert_eq!(relay(facts("openai", true), &[event.as_slice(); 10]).shown.len(), event.len() * 10);
}
