//! Every `$ tollhouse …` that a document shows, run as it is written, in a folder where a gateway was started as the
//! README starts it. A line that continues with `\` is one command.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::process::{self, Running};

/// Commands that do not end by themselves or take minutes, and where they are run instead.
const ELSEWHERE: &[&str] = &[
    "serve",    // here, below
    "demo",     // tests/commands.rs
    "simulate", // src/simulator.rs
    "bench",    // tests/bench.rs
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of a document's lines, as words; quotes hold words together.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let shown = text.lines().filter_map(|line| line.trim_start().strip_prefix("$ tollhouse "));
    shown.map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for letter in line.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => (quote, any) = (Some(letter), true),
            (Some(open), _) if open == letter => quote = None,
            (None, ' ') => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (None, '#') if word.is_empty() => break, // a remark behind the command
            _ => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn documents() -> Vec<PathBuf> {
    let listed = std::fs::read_dir(root().join("docs")).expect("docs");
    let docs = listed
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"));
    let mut all: Vec<PathBuf> =
        docs.chain([root().join("README.md"), root().join("ARCHITECTURE.md")]).collect();
    all.sort();
    all.retain(|path| path.exists());
    all
}

#[test]
fn what_the_documents_show_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let copy = |from: &str, to: &str| assert!(std::fs::copy(root().join(from), at(to)).expect("copied") > 0);
    copy("README.md", "README.md");
    let mut serve = Command::new(process::binary());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).current_dir(&folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.ends_with("_API_KEY")) {
        serve.env_remove(name);
    }
    let mut gateway = Running::start(&mut serve);
    gateway.wait_for(Duration::from_secs(10), |line| line.contains("first key:").then_some(()));
    // For `check`: after the start, which finds no configuration in its folder.
    copy("examples/simulated.toml", "tollhouse.toml");
    let mut failures = Vec::new();
    let mut ran = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("a document");
        for command in commands(&text) {
            if ELSEWHERE.contains(&command[0].as_str()) {
                continue;
            }
            ran += 1;
            if let Err(failure) = run(folder.path(), &command) {
                failures.push(format!("{}: tollhouse {}: {failure}", document.display(), command.join(" ")));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(ran >= 6, "only {ran} commands were found");
}

fn run(folder: &Path, command: &[String]) -> Result<(), String> {
    let mut it = Command::new(process::binary());
    it.args(command).current_dir(folder).stdin(Stdio::null());
    // Whatever secrets a shown configuration names.
    let config = std::fs::read_to_string(folder.join("tollhouse.toml")).expect("a configuration");
    for name in config.lines().filter_map(|line| line.split_once("_env = \"")?.1.split('"').next()) {
        it.env(name, "th-0123456789abcdef");
    }
    let output = it.output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{said}", output.status)) }
}

#[test]
fn a_shell_would_read_it_so() {
    assert_eq!(words("price --usage '{\"input\":1}' # the charge"), ["price", "--usage", "{\"input\":1}"]);
    assert_eq!(
        words("key create --budget \"100 CNY/month\""),
        ["key", "create", "--budget", "100 CNY/month"]
    );
    assert_eq!(commands("text\n$ tollhouse calls \\\n    --limit 1\n"), [["calls", "--limit", "1"]]);
}
