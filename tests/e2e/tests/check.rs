//! `check` names file, line, key and fix for each kind of mistake; the gateway never starts half-configured.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use e2e::house::{self, KEYS, PROVIDER};
use e2e::{House, process};
use serde_json::Value;

/// One mistake: what is written instead of what, the line it is then found at (that of `at`), the key, and a word of
/// the message.
struct Mistake {
    from: &'static str,
    to: &'static str,
    at: &'static str,
    key: &'static str,
    says: &'static str,
}

const fn mistake(
    from: &'static str,
    to: &'static str,
    at: &'static str,
    key: &'static str,
    says: &'static str,
) -> Mistake {
    Mistake { from, to, at, key, says }
}

const MISTAKES: &[Mistake] = &[
    // Written wrong: no TOML, a key, a section, a type, a word, a number out of range.
    mistake("[server]\n", "[server\n", "[server\n", "", "TOML"),
    mistake("admin_listen = \"", "admin_lisen = \"", "admin_lisen", "server.admin_lisen", "admin_listen"),
    mistake("[sites.here]", "[sits.here]", "[sits.here]", "sits", "sites"),
    mistake(
        "context_window = 131072",
        "context_window = \"131072\"",
        "\"131072\"",
        "offers[0].context_window",
        "number",
    ),
    mistake(
        "data_class = \"public\"\n\n[[projects]]",
        "data_class = \"pubic\"\n\n[[projects]]",
        "\"pubic\"",
        "projects[0].data_class",
        "public",
    ),
    mistake("max_attempts = 1\n", "max_attempts = 99\n", "= 99", "policies.any.max_attempts", "10"),
    mistake(
        "first_byte_timeout = \"3s\"",
        "first_byte_timeout = \"3 sec\"",
        "\"3 sec\"",
        "providers.chat.first_byte_timeout",
        "3 sec",
    ),
    mistake(
        "listen = \"127.0.0.1:0\"",
        "listen = \"localhost\"",
        "\"localhost\"",
        "server.listen",
        "address",
    ),
    mistake("currency = \"CNY\"", "currency = \"yuan\"", "\"yuan\"", "orgs[0].currency", "yuan"),
    // Left out.
    mistake("jurisdiction = \"CN\"\n", "", "[sites.here]", "sites.here.jurisdiction", "missing"),
    // Named and not there: an org, a policy, a provider, a site, a price plan, a project.
    mistake("org = \"acme\"", "org = \"acmee\"", "\"acmee\"", "projects[0].org", "acme"),
    mistake("policy = \"any\"", "policy = \"none\"", "\"none\"", "projects[0].policy", "any"),
    mistake(
        "provider = \"messages\"",
        "provider = \"mesages\"",
        "\"mesages\"",
        "offers[1].provider",
        "messages",
    ),
    mistake(
        "price_plan = \"e2e/chat\"",
        "price_plan = \"e2e/chad\"",
        "\"e2e/chad\"",
        "offers[0].price_plan",
        "e2e/chat",
    ),
    mistake(
        "project = \"beta\"\nsecret",
        "project = \"gamma\"\nsecret",
        "\"gamma\"",
        "keys[2].project",
        "gamma",
    ),
    // Named twice.
    mistake(
        "id = \"beta\"",
        "id = \"alpha\"",
        "id = \"alpha\"\norg = \"acme\"\npolicy = \"any\"\ndata_class = \"public\"\n\n[[keys]]",
        "projects[1].id",
        "alpha",
    ),
    // Secrets: a variable that is not set, a secret in the place of its name.
    mistake(
        "secret_env = \"E2E_ALPHA_2\"",
        "secret_env = \"E2E_NOT_SET\"",
        "E2E_NOT_SET",
        "keys[1].secret_env",
        "E2E_NOT_SET",
    ),
    // A book that is no book, or is not there.
    mistake(
        "books = [\"book.json\"]",
        "books = [\"tollhouse.toml\"]",
        "\"tollhouse.toml\"",
        "prices.books",
        "tollhouse.toml",
    ),
    mistake(
        "books = [\"book.json\"]",
        "books = [\"nowhere.json\"]",
        "nowhere.json",
        "prices.books",
        "nowhere.json",
    ),
    // Known, and not of this version: refused, never ignored.
    mistake(
        "[prices]\n",
        "[cluster]\nnats = [\"nats://127.0.0.1:4222\"]\n\n[prices]\n",
        "[cluster]",
        "cluster",
        "version",
    ),
];

fn write(mistake: &Mistake) -> (House, PathBuf, u64) {
    let address = "127.0.0.1:9".parse().expect("an address");
    let house = House::new(address, "");
    let text = house::configuration(address, "");
    assert!(text.contains(mistake.from), "`{}` is not in the configuration", mistake.from);
    let text = text.replacen(mistake.from, mistake.to, 1);
    let before = text.find(mistake.at).unwrap_or_else(|| panic!("`{}` is not in the result", mistake.at));
    let line = text[..before].matches('\n').count() + 1;
    let path = house.config();
    std::fs::write(&path, text).expect("writable");
    (house, path, u64::try_from(line).expect("a line"))
}

fn run(args: &[&str], config: &Path) -> Output {
    let mut command = Command::new(process::binary());
    command.args(args).arg("--config").arg(config);
    command.envs(KEYS.map(|key| (key.variable, key.secret))).env(PROVIDER.0, PROVIDER.1);
    command.output().expect("the binary starts")
}

#[test]
fn each_kind_of_mistake_has_its_place_and_its_fix() {
    let mut failures = Vec::new();
    for mistake in MISTAKES {
        let (_house, path, line) = write(mistake);
        let output = run(&["check", "--format", "json"], &path);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let problems = said["problems"].as_array().cloned().unwrap_or_default();
        let fits = |problem: &&Value| {
            problem["severity"] == "error"
                && problem["file"] == path.to_str().expect("UTF-8")
                && problem["line"] == line
                && problem["key"].as_str().is_some_and(|key| key.starts_with(mistake.key))
                && [&problem["message"], &problem["fix"]]
                    .iter()
                    .any(|words| words.to_string().contains(mistake.says))
                && problem["fix"].as_str().is_some_and(|fix| fix.len() > 5)
        };
        if output.status.code() != Some(1) || said["ok"] != false || problems.iter().find(fits).is_none() {
            failures.push(format!(
                "`{}`: wanted line {line}, key {}, `{}`; got {:?} {said}",
                mistake.to,
                mistake.key,
                mistake.says,
                output.status.code()
            ));
        }
        // For people: the same on one line with its fix below.
        let text = String::from_utf8_lossy(&run(&["check"], &path).stdout).into_owned();
        if !text.contains(&format!("{}:{line}: ", path.display())) || !text.contains("\n  fix: ") {
            failures.push(format!("`{}`: no place or no fix in\n{text}", mistake.to));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_gateway_never_starts_half_configured() {
    for mistake in MISTAKES {
        let (house, path, _) = write(mistake);
        let begun = Instant::now();
        let output = run(&["serve"], &path);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "`{}`: {said}", mistake.to);
        assert!(said.contains("fix: "), "`{}`: {said}", mistake.to);
        assert!(!said.contains("gateway:"), "`{}`: it listened: {said}", mistake.to);
        assert!(!house.data().exists(), "`{}`: it began its books", mistake.to);
        assert!(begun.elapsed() < Duration::from_secs(5), "`{}`: it took {:?}", mistake.to, begun.elapsed());
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let address = "127.0.0.1:9".parse().expect("an address");
    let house = House::new(address, "");
    let text = house::configuration(address, "")
        .replacen("admin_listen", "admin_lisen", 1)
        .replacen("jurisdiction = \"CN\"", "jurisdiction = \"China\"", 1)
        .replacen("org = \"acme\"", "org = \"acmee\"", 1);
    std::fs::write(house.config(), text).expect("writable");
    let said = String::from_utf8(run(&["check"], &house.config()).stdout).expect("UTF-8");
    for key in ["server.admin_lisen", "sites.here.jurisdiction", "projects[0].org"] {
        assert!(said.contains(key), "{key} is not among\n{said}");
    }
}

#[test]
fn a_good_one_is_good() {
    let house = House::new("127.0.0.1:9".parse().expect("an address"), "");
    let output = run(&["check", "--format", "json"], &house.config());
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &said["ok"]), (Some(0), &Value::Bool(true)), "{said}");
    // A file that is not there is a mistake too, and no reason to start with something else.
    let nowhere = house.config().with_file_name("nowhere.toml");
    let output = run(&["check"], &nowhere);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("fix: "));
    assert_eq!(run(&["serve"], &nowhere).status.code(), Some(3));
}
