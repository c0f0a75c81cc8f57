//! A small good house, and what becomes of it when it is changed.

mod any_text;
mod built_in;
mod contradictions;
mod docs;
mod examples;
mod mistakes;
mod outside;

use std::path::Path;

use crate::{Config, Fixed, Loaded, Problem};

const BOOK: &[u8] = br#"{"format": "tollhouse-prices/1", "version": "1", "plans": [
    {"id": "dashscope/qwen-plus/cn", "provider": "dashscope", "models": ["qwen-plus"], "currency": "CNY",
     "rates": [{"id": "in", "kind": "input", "price": "0.8"}, {"id": "out", "kind": "output", "price": "2"}]},
    {"id": "sample/usd", "provider": "sample", "models": ["m"], "currency": "USD",
     "rates": [{"id": "in", "kind": "input", "price": "1"}]}]}"#;

/// Line 1 is the first behind the quotes.
const GOOD: &str = r#"[server]
listen = "127.0.0.1:8080"

[[orgs]]
id = "acme"
currency = "CNY"
time_zone = "Asia/Shanghai"

[[projects]]
id = "claims"
org = "acme"
policy = "lawful"
data_class = "personal"

[[keys]]
id = "claims-dev"
project = "claims"
secret_env = "CLAIMS_KEY"
models = ["assistant", "qwen-*"]
limits = { rpm = 600 }

[[budgets]]
id = "month"
scope = { project = "claims" }
limit = "5000 CNY"
window = "month"

[fx]
"USD/CNY" = { rate = "7.10", as_of = "2026-11-24T00:00:00Z" }

[providers.dashscope]
kind = "dashscope"
api_key_env = "DASHSCOPE_API_KEY"

[sites.cn-zhongwei]
jurisdiction = "CN"
inference_scope = "in-region"

[[offers]]
id = "qwen-plus@zhongwei"
provider = "dashscope"
model = "qwen-plus"
site = "cn-zhongwei"
price_plan = "dashscope/qwen-plus/cn"
context_window = 131072
max_output = 16384
capabilities = ["stream", "tools"]

[models.assistant]
policy = "lawful"
offers = ["qwen-plus@zhongwei"]

[policies.lawful]
objective = "cost"

[[policies.lawful.rules]]
data_class = ["personal", "important"]
allow_jurisdictions = ["CN"]

[prices]
books = ["books/*.json"]
"#;

fn house() -> Fixed {
    Fixed::at("2026-11-25T00:00:00Z".parse().unwrap())
        .with_var("CLAIMS_KEY", "th-claims-secret")
        .with_var("DASHSCOPE_API_KEY", "sk-dashscope")
        .with_file("/etc/th/books/a.json", BOOK, 0o644)
}

fn load(text: &str, env: &Fixed) -> Result<Loaded, Vec<Problem>> {
    let env = env.clone().with_file("/etc/th/tollhouse.toml", text.as_bytes(), 0o644);
    Config::load(Path::new("/etc/th/tollhouse.toml"), &env)
}

/// The good text with one passage changed.
fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} must stand once");
    GOOD.replace(from, to)
}

/// Every problem of a text, as it is shown, without the folder.
fn told(text: &str, env: &Fixed) -> Vec<String> {
    let problems = match load(text, env) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    problems.iter().map(|problem| problem.to_string().replace("/etc/th/", "")).collect()
}

/// The good text with a passage changed has exactly one problem: this one.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    assert_eq!(told(&with(from, to), &house()), [expected], "{from:?} → {to:?}");
}

#[test]
fn the_good_house_loads_without_a_word() {
    let loaded = load(GOOD, &house()).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(load(GOOD, &house()).unwrap().config, loaded.config);
    let other = load(&with("5000 CNY", "5001 CNY"), &house()).unwrap();
    assert_ne!(other.config, loaded.config);
}
