//! Which crate may name what: the arrows of the house point down, pure crates stay pure, one place calls fsync.

use super::Finding;
use super::tree::{File, Tree};

/// Each crate and the crates of this workspace it may name. An arrow that is not here is a decision: change the
/// picture in ARCHITECTURE.md with it.
const ARROWS: &[(&str, &[&str])] = &[
    ("tokens", &[]),
    ("foresight", &[]),
    ("edge", &[]),
    ("dialects", &["tokens"]),
    ("prices", &["tokens"]),
    ("simulator", &["tokens"]),
    ("ledger", &["prices", "tokens"]),
    ("config", &["dialects", "edge", "prices"]),
    ("routes", &["prices", "tokens"]),
    ("accounts", &["ledger", "prices", "tokens"]),
    ("reports", &["ledger", "prices", "tokens"]),
    ("gateway", &["accounts", "dialects", "edge", "foresight", "ledger", "prices", "routes", "tokens"]),
    ("console", &["accounts", "edge", "ledger", "prices", "reports", "routes", "tokens"]),
    (
        "tollhouse",
        &[
            "accounts",
            "config",
            "console",
            "dialects",
            "edge",
            "foresight",
            "gateway",
            "ledger",
            "prices",
            "reports",
            "routes",
            "simulator",
            "tokens",
        ],
    ),
];

/// Crates that are given time and bytes, and do no I/O.
const PURE: &[&str] = &["tokens", "prices", "dialects", "foresight", "routes", "accounts"];

/// What pure code never names.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "tokio",
    "hyper",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Makes durable: only the ledger's disk may.
const SYNCS: &[&str] = &["sync_all", "sync_data", "fsync", "fdatasync", "sync_file_range", "syncfs"];

/// Ids of providers that are no dialect: a rule for one of them belongs into a table of `dialects` or `config`.
const VENDORS: &[&str] = &[
    "dashscope",
    "qianfan",
    "deepseek",
    "moonshot",
    "zhipu",
    "minimax",
    "hunyuan",
    "siliconflow",
    "volcengine",
    "bedrock",
    "openrouter",
    "mistral",
    "bailian",
];
const MAY_NAME_VENDORS: &[&str] = &["dialects", "config", "simulator"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        findings.extend(arrows(file));
        let Some(name) = file.source_of() else { continue };
        if PURE.contains(&name) {
            findings.extend(mentions(file, "a pure crate names it", |what| {
                IMPURE.iter().any(|impure| names(what, impure))
            }));
        }
        if !file.path.starts_with("crates/ledger/src/disk") {
            findings.extend(mentions(file, "only `ledger::disk` makes things durable", |what| {
                SYNCS.iter().any(|sync| what.rsplit(['.', ':']).next() == Some(sync))
            }));
        }
        if !MAY_NAME_VENDORS.contains(&name) {
            findings.extend(vendors(file));
        }
    }
    findings
}

/// Whether a path as written is, or leads into, what must not be named: `fs::read` after `use std::fs` is caught
/// at the import.
fn names(what: &str, impure: &str) -> bool {
    let what = what.trim_start_matches("::");
    what == impure || what.starts_with(&format!("{impure}::")) || what.ends_with(&format!("::{impure}"))
}

fn mentions(file: &File, why: &str, is_bad: impl Fn(&str) -> bool) -> Vec<Finding> {
    let Some(rust) = &file.rust else { return Vec::new() };
    let bad = rust.mentions.iter().filter(|(line, what)| !rust.is_test(*line) && is_bad(what));
    bad.map(|(line, what)| Finding::new(&file.path, *line, format!("`{what}`: {why}"))).collect()
}

fn vendors(file: &File) -> Vec<Finding> {
    let test = |line| file.rust.as_ref().is_some_and(|rust| rust.is_test(line));
    let code = file.lines().filter(|(number, line)| !line.trim_start().starts_with("//") && !test(*number));
    code.filter_map(|(number, line)| {
        let line = line.to_ascii_lowercase();
        let vendor = VENDORS.iter().find(|vendor| line.contains(*vendor))?;
        Some(Finding::new(
            &file.path,
            number,
            format!("`{vendor}`: vendors are rows of `dialects` and `config`"),
        ))
    })
    .collect()
}

/// The dependencies that a manifest of `crates/` names against the table. Development dependencies may add the
/// simulator, which is what tests call.
fn arrows(file: &File) -> Vec<Finding> {
    let Some((name, "Cargo.toml")) = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/'))
    else {
        return Vec::new();
    };
    let Some((_, may)) = ARROWS.iter().find(|(known, _)| *known == name) else {
        let what = "this crate has no place in the house: add it to ARROWS in xtask/src/tidy/boundaries.rs";
        return vec![Finding::new(&file.path, 0, what)];
    };
    let Ok(manifest) = file.text.parse::<toml::Table>() else {
        return vec![Finding::new(&file.path, 0, "is no TOML")];
    };
    let mut findings = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let named =
            manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
        for other in named.filter(|other| ARROWS.iter().any(|(known, _)| known == other)) {
            let in_tests = section == "dev-dependencies" && other == "simulator";
            if !may.contains(&other.as_str()) && !in_tests {
                let what = format!("{section}: `{name}` may not name `{other}`: arrows point down");
                findings.push(Finding::new(&file.path, 0, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    fn rust(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned(), rust: tree::parse(path, text).ok() }
    }

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree { files: vec![rust(path, text)], paths: std::iter::empty().collect() }).len()
    }

    #[test]
    fn arrows_point_down() {
        for (index, (name, may)) in ARROWS.iter().enumerate() {
            for other in *may {
                let place = ARROWS.iter().position(|(known, _)| known == other);
                assert!(place.is_some_and(|place| place < index), "{name} -> {other}");
            }
        }
        let manifest = |text: &str| {
            let file =
                File { path: "crates/prices/Cargo.toml".to_owned(), text: text.to_owned(), rust: None };
            arrows(&file).len()
        };
        assert_eq!(manifest("[dependencies]\ntokens.workspace = true\nserde = \"1\"\n"), 0);
        assert_eq!(manifest("[dependencies]\nledger.workspace = true\n"), 1);
        assert_eq!(manifest("[dev-dependencies]\nsimulator.workspace = true\n"), 0);
    }

    #[test]
    fn pure_crates_stay_pure() {
        assert_eq!(findings("crates/prices/src/a.rs", "use std::{fs, fmt};"), 1);
        assert_eq!(findings("crates/prices/src/a.rs", "fn f() { std::time::Instant::now(); }"), 1);
        assert_eq!(findings("crates/prices/src/a.rs", "#[cfg(test)]\nmod tests { use std::fs; }"), 0);
        assert_eq!(findings("crates/ledger/src/a.rs", "use std::fs;"), 0);
    }

    #[test]
    fn one_place_syncs() {
        assert_eq!(findings("crates/ledger/src/segment/a.rs", "fn f(x: &File) { x.sync_data(); }"), 1);
        assert_eq!(findings("crates/ledger/src/disk.rs", "fn f(x: &File) { x.sync_data(); }"), 0);
        assert_eq!(findings("crates/gateway/src/a.rs", "fn f() { libc::fsync(3); }"), 1);
    }

    #[test]
    fn vendors_stay_in_tables() {
        assert_eq!(findings("crates/gateway/src/a.rs", "const A: &str = \"dashscope\";"), 1);
        assert_eq!(findings("crates/gateway/src/a.rs", "// as dashscope does\nfn f() {}"), 0);
        assert_eq!(findings("crates/dialects/src/a.rs", "const A: &str = \"dashscope\";"), 0);
    }
}
