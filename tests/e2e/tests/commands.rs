//! Every command, run as a person or a program would: what it prints, how it ends (0 done, 1 the answer is no, 2 wrong
//! use, 3 could not), and that the figures agree with each other. The README's two commands are among them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use e2e::calls::DIALECTS;
use e2e::process::{self, Running, said, tollhouse};
use e2e::simulator::address_in;
use e2e::{Books, Call, Dialect, Gateway, House, Simulator, books, http};
use serde_json::{Value, json};

fn exit(args: &[&str]) -> (Option<i32>, String, String) {
    let output = tollhouse(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn json_of(args: &[&str]) -> Value {
    serde_json::from_str(&said(args)).expect("JSON")
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands: [&[&str]; 13] = [
        &["serve"],
        &["demo"],
        &["check"],
        &["key", "create"],
        &["key", "list"],
        &["key", "revoke"],
        &["calls"],
        &["report", "volume"],
        &["report", "cost"],
        &["price"],
        &["count"],
        &["simulate"],
        &["bench", "gateway"],
    ];
    for command in commands {
        let help = said(&[command, &["--help"]].concat());
        assert!(
            help.contains("Example: ") && help.contains("tollhouse "),
            "{command:?} has no example:\n{help}"
        );
    }
}

#[test]
fn wrong_use_and_what_cannot_be_done() {
    for wrong in [
        &["frobnicate"][..],
        &["serve", "--port", "80"],
        &["price", "--usage", "{}"],
        &["price", "--plan", "sim/large/us", "--usage", "many"],
        &["simulate", "--faults", "reset_mit:0.1"],
        &["report", "cost", "--format", "yaml"],
    ] {
        let (code, _, err) = exit(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {err}");
        assert!(!err.is_empty(), "{wrong:?} says nothing");
    }
    let nowhere = "/nonexistent/tollhouse-data";
    for cannot in [
        &["calls", "--data", nowhere][..],
        &["report", "cost", "--data", nowhere],
        &["key", "list", "--data", nowhere],
    ] {
        let (code, _, err) = exit(cannot);
        assert_eq!(code, Some(3), "{cannot:?}: {err}");
        assert!(err.contains("fix: ") && err.contains(nowhere), "{cannot:?}: {err}");
    }
}

#[test]
fn prices() {
    // 1,000 × 2.50 + 200 × 10 USD a million = 0.0045 USD (books/simulated.json).
    let args =
        ["price", "--plan", "sim/large/us", "--usage", r#"{"input":1000,"output":200}"#, "--format", "json"];
    let price = json_of(&args);
    assert_eq!((&price["charge_nano"], &price["currency"]), (&json!("4500000"), &json!("USD")), "{price}");
    assert_eq!(price["lines"].as_array().map(Vec::len), Some(2), "{price}");
    // A kind that the plan has no rate for is refused, never taken as zero.
    let (code, out, _) =
        exit(&["price", "--plan", "sim/large/us", "--usage", r#"{"audio_input":5}"#, "--format", "json"]);
    let refused: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &refused["error"]["code"]), (Some(1), &json!("price_unknown")), "{refused}");
}

#[test]
fn counting() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("text");
    std::fs::write(&file, "hello world").expect("writable");
    // tiktoken 0.12, o200k_base: "hello world" is [24912, 2375].
    let counted = json_of(&["count", "--model", "gpt-4o", "--format", "json", file.to_str().expect("UTF-8")]);
    assert_eq!(counted, json!({ "tokens": 2, "tokenizer": "o200k_base", "exact": true }));
}

/// A house in which calls of both dialects were made; the gateway still runs.
fn lived_in() -> (Simulator, House, Gateway) {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    for number in 0..12 {
        for dialect in DIALECTS {
            let call = Call::new(dialect, number % 2 == 0).app(if number < 4 { "few" } else { "many" });
            let call = call.simulate(json!({ "input_tokens": 100 + number, "output_tokens": 10 + number }));
            assert_eq!(call.whole(gateway.listen).expect("an answer").status, 200);
        }
    }
    Books::at_rest(&house.data(), Duration::from_secs(5));
    (simulator, house, gateway)
}

#[test]
fn reports_and_calls_agree() {
    let (simulator, house, _gateway) = lived_in();
    let data = house.data();
    let data = data.to_str().expect("UTF-8");
    let records = books::records(&house.data());
    assert_eq!(records.len(), 24);
    let truth = simulator.truth();
    let mut sums: BTreeMap<String, (u64, u64, u64, u128)> = BTreeMap::new();
    for record in &records {
        let id = record["attempt_id"].as_str().expect("an id");
        let generated = truth[id].tokens("tokens");
        assert_eq!(e2e::simulator::counts(&record["tokens"]), generated, "{record}");
        let charge: u128 = record["charge_nano"].as_str().expect("text").parse().expect("a number");
        // 3 CNY a million in, 12 out.
        assert_eq!(charge, u128::from(generated["input"] * 3_000 + generated["output"] * 12_000), "{record}");
        let sum = sums.entry(record["app"].as_str().expect("an app").to_owned()).or_default();
        *sum = (sum.0 + 1, sum.1 + generated["input"], sum.2 + generated["output"], sum.3 + charge);
    }
    for what in ["volume", "cost"] {
        let report = json_of(&["report", what, "--by", "app", "--data", data, "--format", "json"]);
        let rows = report["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), sums.len(), "{report}");
        for row in rows {
            let (calls, input, output, charge) = sums[row["app"].as_str().expect("an app")];
            assert_eq!((&row["calls"], &row["attempts"]), (&json!(calls), &json!(calls)), "{row}");
            assert_eq!(
                e2e::simulator::counts(&row["tokens"]),
                BTreeMap::from([("input".to_owned(), input), ("output".to_owned(), output)])
            );
            assert_eq!(row["charge_nano"], json!({ "CNY": charge.to_string() }), "{row}");
        }
        let total: u128 = sums.values().map(|sum| sum.3).sum();
        assert_eq!(report["totals"]["charge_nano"], json!({ "CNY": total.to_string() }), "{report}");
        let csv = said(&["report", what, "--by", "app", "--data", data, "--format", "csv"]);
        assert!(csv.lines().count() >= 3, "{csv}");
        assert!(said(&["report", what, "--data", data]).contains("CNY") || what == "volume");
    }
    let some = [
        "calls",
        "--data",
        data,
        "--format",
        "json",
        "--limit",
        "3",
        "--filter",
        "app=few,dialect=openai-chat",
    ];
    let some = said(&some);
    assert_eq!(some.lines().count(), 3);
    assert!(some.lines().all(|line| line.contains("\"app\":\"few\"")), "{some}");
    assert_eq!(said(&["calls", "--data", data, "--format", "csv", "--limit", "0"]).lines().count(), 25);
}

#[test]
fn keys_live_and_die() {
    let (_simulator, house, mut gateway) = lived_in();
    let data = house.data();
    let data = data.to_str().expect("UTF-8");
    let create = |id: &str| {
        json_of(&[
            "key",
            "create",
            "--project",
            "beta",
            "--id",
            id,
            "--app",
            "cli",
            "--budget",
            "0.001 CNY/day",
            "--data",
            data,
            "--format",
            "json",
        ])
    };
    let ask = |gateway: &Gateway, secret: &Value| {
        let mut call = Call::new(Dialect::Chat, false);
        secret.as_str().expect("the secret, once").clone_into(&mut call.secret);
        call.max_tokens = 10;
        call.whole(gateway.listen).expect("an answer").status
    };
    // While the gateway runs: known at once, and held to its own budget of 0.001 CNY (a call takes about 0.00017).
    let made = create("made-live");
    assert_eq!(ask(&gateway, &made["secret"]), 200);
    let refused = (0..12).find(|_| ask(&gateway, &made["secret"]) == 429);
    assert!(refused.is_some(), "the key's own budget does not hold");
    let list = said(&["key", "list", "--data", data, "--format", "json"]);
    assert!(list.contains("made-live"), "{list}");
    assert!(!list.contains(made["secret"].as_str().unwrap()), "the list shows a secret");
    said(&["key", "revoke", "made-live", "--data", data]);
    assert_eq!(ask(&gateway, &made["secret"]), 401);
    // While it does not run: known at the next start.
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
    let offline = create("made-offline");
    said(&["key", "revoke", "alpha-2", "--data", data]);
    let gateway = Gateway::start(&house);
    assert_eq!(ask(&gateway, &offline["secret"]), 200);
    assert_eq!(ask(&gateway, &made["secret"]), 401, "revoked for good");
    // The books keep a hash of a secret, never itself.
    for file in std::fs::read_dir(house.data().join("ledger")).expect("a ledger") {
        let bytes = std::fs::read(file.expect("a file").path()).unwrap_or_default();
        let secret = offline["secret"].as_str().unwrap().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret is in the ledger");
    }
}

#[test]
fn a_first_start_works_by_what_it_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(process::binary());
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).current_dir(&folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.ends_with("_API_KEY")) {
        command.env_remove(name);
    }
    let mut running = Running::start(&mut command);
    // The curl line, asked by our own client.
    let line = running.wait_for(Duration::from_secs(10), |line| {
        line.trim_start().starts_with("curl ").then(|| line.trim_start().to_owned())
    });
    let quoted: Vec<&str> = line.split('\'').skip(1).step_by(2).collect();
    let [authorization, kind, body] = quoted[..] else { panic!("{line}") };
    let header =
        |text: &'static str, whole: &str| (text, whole.split_once(": ").expect("a header").1.to_owned());
    let headers = [header("authorization", authorization), header("content-type", kind)];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let to = address_in(&line).expect("an address");
    let answer = http::ask(to, "POST", "/v1/chat/completions", &headers, body.as_bytes());
    let answer = answer.and_then(http::Exchange::whole).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["choices"][0]["message"]["content"].is_string(), "{}", answer.text());
    let call = answer.header("x-tollhouse-call-id").expect("its call").to_owned();
    // Its story. The views follow the ledger by a moment: the end of an answer waits for the disk, not for them.
    let story =
        || http::ask(to, "GET", &format!("/v1/calls/{call}"), &headers, b"").and_then(http::Exchange::whole);
    let settled = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        story().is_ok_and(|story| story.status == 200 && story.json()["state"] == "settled")
    });
    assert!(settled, "{}", story().expect("a story").text());
    // The console's page.
    let console = running.wait_for(Duration::from_secs(1), |line| address_in(line.strip_prefix("console:")?));
    let page = http::ask(console, "GET", "/", &[], b"").and_then(http::Exchange::whole).expect("a page");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<html"), "{}", page.text());
    assert!(running.log().contains("SIMULATED"), "it must say that nothing is real:\n{}", running.log());
    assert_eq!(running.stop(Duration::from_secs(10)), Some(0));
}

#[test]
fn the_demo_replays_a_trace_and_its_books_are_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(process::binary());
    command.args(["demo", "--once", "--calls", "500", "--speed", "10000"]);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).current_dir(&folder);
    let output = command.output().expect("the binary starts");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("the books are right"), "{text}");
}
