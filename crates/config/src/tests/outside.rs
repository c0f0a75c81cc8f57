//! What lies outside the text: variables, files, books.

use std::path::Path;

use super::{BOOK, GOOD, house, load, told, with};
use crate::{Config, Fixed};

fn with_secret_file(mode: u32, contents: &[u8]) -> (String, Fixed) {
    let text = with("secret_env = \"CLAIMS_KEY\"", "secret_file = \"secrets/claims\"");
    (text, house().with_file("/etc/th/secrets/claims", contents, mode))
}

#[test]
fn an_unset_or_empty_variable_is_named() {
    let mut env = house();
    env.vars.remove("CLAIMS_KEY");
    assert_eq!(
        told(GOOD, &env),
        ["tollhouse.toml:18: keys[0].secret_env: the environment variable CLAIMS_KEY is not set\n  \
          fix: set CLAIMS_KEY before starting: export CLAIMS_KEY=…"]
    );
    assert_eq!(
        told(GOOD, &house().with_var("CLAIMS_KEY", "")),
        ["tollhouse.toml:18: keys[0].secret_env: the environment variable CLAIMS_KEY is empty\n  \
          fix: set CLAIMS_KEY to the secret itself"]
    );
}

#[test]
fn no_message_repeats_a_secret() {
    let told = told(GOOD, &house().with_var("CLAIMS_KEY", "th-claims secret\n"));
    assert_eq!(told.len(), 1);
    assert!(!told[0].contains("th-claims"), "{told:?}");
    let loaded = load(GOOD, &house()).unwrap();
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("th-claims-secret") && !shown.contains("sk-dashscope"));
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let (text, env) = with_secret_file(0o600, b"th-from-file\n");
    let loaded = load(&text, &env).unwrap();
    assert_eq!(loaded.config.keys[0].secret.expose_for_header(), "th-from-file");
    assert!(loaded.sources.iter().any(|path| path == Path::new("/etc/th/secrets/claims")));
}

#[test]
fn a_secret_file_that_is_open_or_missing_is_refused() {
    let (text, env) = with_secret_file(0o644, b"th-from-file\n");
    assert_eq!(
        told(&text, &env),
        [
            "tollhouse.toml:18: keys[0].secret_file: the file secrets/claims is open to every user of this machine (mode 0644)\n  \
          fix: chmod 600 secrets/claims"
        ]
    );
    let told_of_none = told(&text, &house());
    assert_eq!(told_of_none.len(), 1);
    assert!(
        told_of_none[0].starts_with(
            "tollhouse.toml:18: keys[0].secret_file: the file secrets/claims cannot be read: entity not found"
        ),
        "{told_of_none:?}"
    );
    let both = text.replace("secret_file", "secret_env = \"CLAIMS_KEY\"\nsecret_file");
    assert_eq!(
        told(&both, &env),
        [
            "tollhouse.toml:19: keys[0].secret_file: `secret_env` names the secret already\n  fix: keep one of the two"
        ]
    );
}

#[test]
fn two_keys_have_two_secrets() {
    let text = with(
        "[[budgets]]",
        "[[keys]]\nid = \"twin\"\nproject = \"claims\"\nsecret_env = \"TWIN\"\n[[budgets]]",
    );
    assert_eq!(
        told(&text, &house().with_var("TWIN", "th-claims-secret")),
        ["tollhouse.toml:25: keys[1].secret_env: the secret is that of key `claims-dev` too\n  \
          fix: give each key a secret of its own"]
    );
    assert_eq!(told(&text, &house().with_var("TWIN", "th-other")), [""; 0]);
}

#[test]
fn a_missing_admin_token_is_made_and_an_empty_one_refused() {
    let text = with("[server]", "[server]\nadmin_token_env = \"TOKEN\"");
    let loaded = load(&text, &house()).unwrap();
    assert_eq!(loaded.config.server.admin_token, None);
    assert_eq!(loaded.warnings.len(), 1);
    assert!(load(&text, &house().with_var("TOKEN", "")).is_err());
    let loaded = load(&text, &house().with_var("TOKEN", "t")).unwrap();
    assert_eq!(loaded.config.server.admin_token.unwrap().expose_for_header(), "t");
}

#[test]
fn a_file_that_is_not_there_is_said() {
    let problems = Config::load(Path::new("nowhere.toml"), &house()).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "nowhere.toml: cannot be read: entity not found\n  fix: name a file that this user may read: --config FILE"
    );
    let latin = house().with_file("/etc/th/tollhouse.toml", b"# caf\xe9", 0o644);
    let problems = Config::load(Path::new("/etc/th/tollhouse.toml"), &latin).unwrap_err();
    assert_eq!(problems[0].message, "is no UTF-8");
}

#[test]
fn an_empty_file_names_what_must_be_written() {
    let keys: Vec<String> = load("", &house()).unwrap_err().into_iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["orgs", "projects", "providers", "offers", "policies"]);
}

#[test]
fn books_are_found_by_pattern_and_refused_by_name() {
    let loaded = load(GOOD, &house()).unwrap();
    let names: Vec<&str> = loaded.config.prices.books.iter().map(|book| book.name.as_str()).collect();
    assert_eq!(names, ["/etc/th/books/a.json"]);

    let missing = with("books/*.json", "boks/*.json");
    assert_eq!(
        told(&missing, &house()),
        [
            "tollhouse.toml:44: offers[0].price_plan: unknown price plan `dashscope/qwen-plus/cn`\n  \
             fix: no price book could be read: see `prices.books`",
            "tollhouse.toml:61: prices.books[0]: no price book matches `boks/*.json`\n  \
             fix: name a book, relative to this file's folder",
        ]
    );

    let broken = house().with_file("/etc/th/books/b.json", b"{\"format\": \"tollhouse-prices/2\"}", 0o644);
    let problems = load(GOOD, &broken).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].key.as_str(), problems[0].line), ("prices.books", 61));
    assert!(problems[0].message.contains("books/b.json"), "{problems:?}");

    // One plan in two books: which price would hold?
    let twice = house().with_file("/etc/th/books/b.json", BOOK, 0o644);
    let problems = load(GOOD, &twice).unwrap_err();
    assert!(problems.iter().any(|problem| problem.key == "prices.books"), "{problems:?}");
}

#[test]
fn a_plan_for_other_sites_is_refused() {
    let book = String::from_utf8(BOOK.to_vec()).unwrap().replacen(
        "\"models\": [\"qwen-plus\"]",
        "\"models\": [\"qwen-plus\"], \"sites\": [\"cn-guian\"]",
        1,
    );
    let env = house().with_file("/etc/th/books/a.json", book.as_bytes(), 0o644);
    assert_eq!(
        told(GOOD, &env),
        ["tollhouse.toml:44: offers[0].price_plan: the plan is not for site `cn-zhongwei`\n  \
          fix: choose another plan, or one of its sites: `cn-guian`"]
    );
}
