//! What the documents say of the repository and of the APIs is so: paths and tests that they name exist, every path of
//! `spec/openapi.yaml` is served and every path that is served for callers is there, codes and headers are as
//! `docs/http.md` has them.
//!
//! Not here: the commands that documents show (`documents.rs`), the keys of the configuration (`crates/config`).
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use e2e::house::KEYS;
use e2e::{Call, Dialect, Gateway, House, Simulator, http};
use serde_json::{Value, json};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of the root and of `docs`, with its text.
fn documents() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in [".", "docs", "docs/decisions"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("a file").file_name().into_string().expect("UTF-8");
            if Path::new(&name).extension().is_some_and(|it| it == "md") {
                let path = format!("{folder}/{name}");
                found.push((path.clone(), text(&path)));
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// Words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn paths_and_tests_that_documents_name_exist() {
    const FOLDERS: [&str; 9] =
        ["crates/", "tests/", "docs/", "books/", "sites/", "examples/", "spec/", "web/", "xtask/"];
    let mut named = 0;
    for (document, text) in documents() {
        for word in quoted(&text).filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))) {
            let (path, function) =
                word.split_once("::").map_or((word, None), |(path, name)| (path, Some(name)));
            let path = path.split(['*', '<', '{', ' ']).next().expect("a first part");
            let full = root().join(path);
            assert!(full.exists(), "{document}: `{path}` does not exist");
            if let Some(function) = function {
                let source = std::fs::read_to_string(full).expect("a source file");
                assert!(
                    source.contains(&format!("fn {function}(")),
                    "{document}: {path} has no test {function}"
                );
                named += 1;
            }
        }
    }
    assert!(named > 60, "only {named} tests are named: is the matrix of docs/reliability.md still there?");
}

/// Method and path of every operation of the specification, read by indentation.
fn operations() -> Vec<(String, String)> {
    let mut path = String::new();
    let mut found = Vec::new();
    for line in text("spec/openapi.yaml").lines().take_while(|line| *line != "components:") {
        if let Some(rest) = line.strip_prefix("  /") {
            path = format!("/{}", rest.trim_end_matches(':'));
        }
        let method = line.strip_prefix("    ").and_then(|rest| rest.strip_suffix(':'));
        if let Some(method) = method.filter(|it| ["get", "post", "put", "patch", "delete"].contains(it)) {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn the_specification_and_the_gateway_have_the_same_paths() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    for (method, path) in operations() {
        let filled = path.replace("{report}", "cost").replace("{call_id}", "none").replace("{id}", "none");
        let asked = if path.starts_with("/admin") { &gateway.token } else { KEYS[0].secret };
        let to = if path.starts_with("/admin") { gateway.admin } else { gateway.listen };
        let bearer = format!("Bearer {asked}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let filled = if filled.ends_with("/live") { filled + "?once=1" } else { filled };
        let answer = http::ask(to, &method, &filled, &headers, b"{}").and_then(http::Exchange::whole);
        let answer = answer.expect("an answer");
        let told = answer.text();
        let nowhere = told.contains("nothing is at") || told.contains("there is nothing at this path");
        assert!(!nowhere && answer.status != 405, "{method} {path} is in the specification only: {told}");
    }
    // The other way round: the paths of the two documents.
    let operations = operations();
    let known = |method: &str, path: &str| operations.iter().any(|it| it.0 == method && it.1 == path);
    for (document, prefix) in [("docs/http.md", ""), ("docs/admin-api.md", "/admin/v1")] {
        for row in text(document).lines().filter(|line| line.starts_with("| `")) {
            let cell = row.split('|').nth(1).expect("a first cell");
            for word in quoted(cell) {
                let Some((method, path)) = word.split_once(' ').filter(|(_, path)| path.starts_with('/'))
                else {
                    continue;
                };
                let path = format!("{prefix}{path}");
                let path = path
                    .replace("/reports/volume", "/reports/{report}")
                    .replace("/reports/cost", "/reports/{report}");
                assert!(known(method, &path), "{document}: {method} {path} is not in the specification");
            }
        }
    }
}

/// Codes in the source: the word behind a status, as in `Refusal::new(404, "model_not_found", …)`.
fn codes_in(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in source.split("::new(").skip(1) {
        let Some((status, rest)) = call.trim_start().split_once(',') else { continue };
        let word = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        if let (true, Some(word)) = (status.len() == 3 && status.parse::<u16>().is_ok(), word) {
            found.insert(word.to_owned());
        }
    }
    found
}

#[test]
fn every_refusal_has_its_row() {
    let document = text("docs/http.md");
    let refusals = document.split("## Refusals").nth(1).expect("the section").split("\n## ").next().unwrap();
    let told: BTreeSet<&str> = refusals
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|row| quoted(row.split('|').nth(1).expect("a first cell")))
        .collect();
    let specification = text("spec/openapi.yaml");
    let listed = specification.split("\n    Code:").nth(1).expect("codes").split(']').next().unwrap();
    let listed: BTreeSet<&str> = listed
        .split(|c: char| !(c.is_ascii_lowercase() || c == '_'))
        .filter(|word| word.len() > 6 || *word == "timeout")
        .collect();
    for code in &told {
        assert!(listed.contains(code), "{code} is in docs/http.md and not in spec/openapi.yaml");
    }
    let mut made = 0;
    for entry in std::fs::read_dir(root().join("crates/gateway/src")).expect("the gateway") {
        let path = entry.expect("a file").path();
        for code in codes_in(&std::fs::read_to_string(&path).expect("a source file")) {
            made += 1;
            assert!(told.contains(code.as_str()), "{}: {code} has no row in docs/http.md", path.display());
        }
    }
    assert!(made > 15, "only {made} codes were found in the source");
}

#[test]
fn headers_do_what_the_document_says() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    let bearer = format!("Bearer {}", KEYS[0].secret);
    let ask = |more: &[(&str, &str)], streamed: bool| {
        let mut call = Call::new(Dialect::Chat, streamed);
        call.max_tokens = 5;
        let headers =
            [&[("authorization", bearer.as_str()), ("content-type", "application/json")], more].concat();
        let body = call.body().to_string();
        let answer = http::ask(gateway.listen, "POST", Dialect::Chat.path(), &headers, body.as_bytes());
        answer.and_then(http::Exchange::whole).expect("an answer")
    };
    // Refused, named by the header.
    for (header, value) in [
        ("x-tollhouse-policy", "any"),
        ("x-tollhouse-max-charge", "much"),
        ("x-tollhouse-data-class", "secret"),
    ] {
        let answer = ask(&[(header, value)], false);
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["param"]), (400, &json!(header)), "{}", answer.text());
    }
    // Not acted on.
    let passed_over =
        [("x-tollhouse-deadline", "x"), ("x-tollhouse-origin", "x"), ("idempotency-key", "one")];
    let (first, second) = (ask(&passed_over, false), ask(&passed_over, false));
    assert_eq!((first.status, second.status), (200, 200), "{}", first.text());
    assert_ne!(first.header("x-tollhouse-call-id"), second.header("x-tollhouse-call-id"));
    // Acted on, and told.
    let answer = ask(&[("x-tollhouse-app", "docs"), ("x-tollhouse-user", "ann")], false);
    for header in ["call-id", "provider", "site", "model", "attempts", "charge"] {
        assert!(answer.header(&format!("x-tollhouse-{header}")).is_some(), "no x-tollhouse-{header}");
    }
    let id = answer.header("x-tollhouse-call-id").expect("its call");
    let story = gateway.get(&format!("/v1/calls/{id}")).expect("a story").json();
    let attempt = &story["attempts"][0];
    // SHA-256 of "acme\0ann" begins so (Python's hashlib).
    assert_eq!(
        (&attempt["app"], &attempt["user"]),
        (&json!("docs"), &json!("58158820c40bcd7c37559db7afbd5404"))
    );
    assert_ne!(attempt["request_hash"], Value::Null);
    // The end of a stream.
    let answer = ask(&[], true);
    assert_eq!(answer.header("x-tollhouse-charge"), None, "a stream's head cannot know");
    let stream = answer.text();
    let (_, behind) = stream.split_once("data: [DONE]\n\n").expect("an end mark");
    let id = answer.header("x-tollhouse-call-id").expect("its call");
    assert!(behind.starts_with(&format!(": tollhouse call_id={id} charge=")), "{behind}");
    assert!(behind.ends_with(" CNY provenance=provider_final\n\n"), "{behind}");
}
