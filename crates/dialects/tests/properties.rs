//! Laws of the stream machine, held against `serde_json` and against any cut of the network.
#![allow(clippy::indexing_slicing)] // a helper of tests may fail as a test does

mod machine;

use dialects::{Dialect, classify, read_whole, sniff};
use machine::{facts, relay};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use std::time::SystemTime;

/// Events as a provider may send them, in pieces that also make broken streams when put together.
fn piece() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let event = prop_oneof![
        Just(
            r#"data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"付a\ud83d"},"finish_reason":null}],"usage":null}"#
        ),
        Just(
            r#"data: {"choices":[{"index":0,"delta":{"content":"\ude00"},"finish_reason":""}],"usage":{"prompt_tokens":4,"completion_tokens":1}}"#
        ),
        Just(r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#),
        Just(r#"data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#),
        Just(r#"data: {"choices":[],"usage":{"prompt_tokens":-9}}"#),
        Just("data: {\"usage\":null,\ndata: \"choices\":[]}"),
        Just("data: [DONE]"),
        Just(": keep-alive"),
        Just("data:"),
        Just(r#"data: {"error":{"message":"m","code":"server_error"}}"#),
        Just("data: garbage"),
        Just(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}"
        ),
        Just(
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"x\"}}"
        ),
        Just(
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}"
        ),
        Just("event: message_stop\ndata: {\"type\":\"message_stop\"}"),
        Just("junk"),
    ];
    (event, line.clone(), line, 0..12_u8).prop_map(|(event, end, blank, missing)| {
        let blank = if missing == 0 { "" } else { blank };
        format!("{}{end}{blank}", event.replace('\n', end))
    })
}

fn cut_at(stream: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| stream[pair[0]..pair[1]].to_vec()).collect()
}

/// Everything that must not depend on where the network cut.
fn summary(provider: &str, asked: bool, reads: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>, String) {
    let reads: Vec<&[u8]> = reads.iter().map(Vec::as_slice).collect();
    let relayed = relay(facts(provider, asked), &reads);
    let outcome = &relayed.outcome;
    let texts: Vec<_> = outcome.texts.visible().map(str::to_owned).collect();
    let said = format!("{:?} {texts:?} {:?} {}", outcome.usage, outcome.error, outcome.complete);
    let ended = relayed.progress.iter().any(|progress| progress.ended);
    let content = relayed.progress.iter().any(|progress| progress.content);
    (
        relayed.shown,
        relayed.end,
        format!(
            "{said} {ended} {content} {:?} {:?} {:?} {:?}",
            outcome.finish_reason, outcome.response_id, outcome.served_model, outcome.service_tier
        ),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Where the network cuts a stream must not change what is counted, shown or kept back.
    #[test]
    fn cuts_do_not_matter(pieces in vec(piece(), 0..8), cuts in vec(any::<Index>(), 0..6), asked in any::<bool>()) {
        let stream = pieces.concat();
        for provider in ["openai", "anthropic"] {
            let whole = summary(provider, asked, &[stream.as_bytes().to_vec()]);
            let cut = summary(provider, asked, &cut_at(stream.as_bytes(), &cuts));
            prop_assert_eq!(&cut, &whole);
        }
    }

    /// Nor of bytes that are no stream at all; and nothing panics.
    #[test]
    fn any_bytes_are_survived_at_any_cut(stream in vec(any::<u8>(), 0..400), cuts in vec(any::<Index>(), 0..4)) {
        for provider in ["openai", "anthropic"] {
            let whole = summary(provider, false, std::slice::from_ref(&stream));
            prop_assert_eq!(summary(provider, false, &cut_at(&stream, &cuts)), whole);
            read_whole(facts(provider, true), &stream);
        }
        sniff(&stream);
        let text = String::from_utf8_lossy(&stream).into_owned();
        classify(Dialect::OpenAiChat, "minimax", 400, |_| Some(text.as_str()), &stream, SystemTime::UNIX_EPOCH);
    }

    /// Taking `usage: null` out of the bytes is taking it out of the object.
    #[test]
    fn null_usage_is_cut_as_json_would_have_it(
        before in proptest::collection::btree_map("[a-t]{1,4}", json_leaf(), 0..4),
        after in proptest::collection::btree_map("[v-z]{1,4}", json_leaf(), 0..4),
        present in any::<bool>(),
        space in prop_oneof![Just(""), Just(" "), Just("\t")],
    ) {
        // Written by hand to have `usage` in the middle: a map would sort it.
        let member = |(key, value): (&String, &Value)| format!("{space}{}:{space}{value}{space}", json!(key));
        let mut members: Vec<_> = before.iter().map(member).collect();
        if present {
            members.push(format!("{space}\"usage\"{space}:{space}null{space}"));
        }
        members.extend(after.iter().map(member));
        let written = format!("{{{}}}", members.join(","));
        let relayed = relay(facts("openai", false), &[format!("data: {written}\n\n").as_bytes()]);
        prop_assume!(relayed.outcome.error.is_none()); // a key that happens to be `code` or `error`
        let shown = String::from_utf8(relayed.shown).unwrap();
        let shown: Value = serde_json::from_str(shown.strip_prefix("data: ").unwrap()).unwrap();
        let wanted: Map<String, Value> = before.into_iter().chain(after).collect();
        prop_assert_eq!(shown, Value::Object(wanted));
    }

    /// That chunks begin alike is used to read them faster, and must not be seen in what is read. White space behind
    /// the brace, of another length each time, makes them begin differently.
    #[test]
    fn chunks_that_begin_alike_are_read_like_others(
        chunks in vec((members(), 1..4_usize), 0..4),
        asked in any::<bool>(),
    ) {
        let chunks: Vec<_> = chunks.iter().flat_map(|(members, times)| vec![members; *times]).collect();
        let stream = |space: &dyn Fn(usize) -> String| -> Vec<Vec<u8>> {
            let event = |(at, members): (usize, &&Vec<&str>)| {
                format!("data: {{{}{}}}\n\n", space(at), members.join(",")).into_bytes()
            };
            chunks.iter().enumerate().map(event).collect()
        };
        let (shown, end, said) = summary("openai", asked, &stream(&|_| String::new()));
        let apart = summary("openai", asked, &stream(&|at| " ".repeat(at + 1)));
        let bare = |bytes: Vec<u8>| bytes.into_iter().filter(|byte| *byte != b' ').collect::<Vec<_>>();
        prop_assert_eq!((bare(shown), bare(end), said), (bare(apart.0), bare(apart.1), apart.2));
    }

    /// For a client that asked, the bytes shown and kept back are the provider's, to the end mark.
    #[test]
    fn a_client_that_asked_sees_every_byte(texts in vec("[ -~付]{0,9}", 0..6), cuts in vec(any::<Index>(), 0..6)) {
        let mut stream = String::new();
        for text in &texts {
            let chunk = json!({"choices":[{"index":0,"delta":{"content":text},"finish_reason":null}],"usage":null});
            stream.extend(["data: ", &chunk.to_string(), "\n\n"]);
        }
        stream.push_str("data: [DONE]\n\n");
        let (shown, end, _) = summary("openai", true, &cut_at(stream.as_bytes(), &cuts));
        prop_assert_eq!([shown, end].concat(), stream.as_bytes());
        let reads: Vec<&[u8]> = vec![stream.as_bytes()];
        let counted: String = relay(facts("openai", true), &reads).outcome.texts.visible().collect();
        prop_assert_eq!(counted, texts.concat());
    }
}

fn json_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<u8>(), 0..3).prop_map(Value::from),
        Just(json!({"usage": null, "x": ["}", {"y": "]"}]})),
    ]
}

/// Members of a chunk, in any order, some of them missing, some twice.
fn members() -> impl Strategy<Value = Vec<&'static str>> {
    let member = prop_oneof![
        Just(r#""id":"c1""#),
        Just(r#""id":"c2""#),
        Just(r#""model":"m""#),
        Just(r#""service_tier":"default""#),
        Just(r#""service_tier":"priority""#),
        Just(r#""object":"chat.completion.chunk""#),
        Just(r#""object":"error""#),
        Just(r#""code":400"#),
        Just(r#""base_resp":{"status_code":0}"#),
        Just(r#""base_resp":{"status_code":1008}"#),
        Just(r#""choices":[{"index":0,"delta":{"content":"a"}}]"#),
        Just(r#""choices":[{"delta":{"content":"b"},"index":1,"finish_reason":"stop"}]"#),
        Just(r#""choices":[]"#),
        Just(r#""usage":null"#),
        Just(r#""usage":{"prompt_tokens":3,"completion_tokens":1}"#),
        Just(r#""usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":9}"#),
    ];
    vec(member, 0..6)
}
