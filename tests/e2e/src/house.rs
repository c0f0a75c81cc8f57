//! A configuration made for a test: one org, two projects, three keys, and simulated providers of both dialects,
//! each once with a provider that drains after a hang-up and once with one that cancels.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A key: its id, the variable its secret stands in, and the secret.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its id.
    pub id: &'static str,
    /// Its project.
    pub project: &'static str,
    /// The variable.
    pub variable: &'static str,
    /// What a caller sends.
    pub secret: &'static str,
}

/// Two keys of project `alpha`, one of project `beta`; all of org `acme`.
pub const KEYS: [Key; 3] = [
    Key {
        id: "alpha-1",
        project: "alpha",
        variable: "E2E_ALPHA_1",
        secret: "th-e2e-alpha-1-0123456789abcdef",
    },
    Key {
        id: "alpha-2",
        project: "alpha",
        variable: "E2E_ALPHA_2",
        secret: "th-e2e-alpha-2-0123456789abcdef",
    },
    Key { id: "beta-1", project: "beta", variable: "E2E_BETA_1", secret: "th-e2e-beta-1-0123456789abcdef" },
];

/// The variable and the secret that the gateway shows its providers.
pub const PROVIDER: (&str, &str) = ("E2E_PROVIDER", "the-simulator-takes-any-key");

/// What a million tokens cost, in CNY: input, input read from a cache, written to it, output.
pub const PRICES: [(&str, u64); 6] = [
    ("input", 3),
    ("input_cached", 1),
    ("cache_write", 4),
    ("cache_write_5m", 4),
    ("cache_write_1h", 6),
    ("output", 12),
];

/// The offers: id (also the name callers use, with `-model`), the provider's kind, what it does at a hang-up, its model.
const OFFERS: [(&str, &str, &str, &str); 4] = [
    ("chat", "openai-compatible", "drain", "sim-large"),
    ("messages", "anthropic-compatible", "drain", "sim-sonnet"),
    ("chat-cancel", "openai-compatible", "cancel", "sim-large"),
    ("messages-cancel", "anthropic-compatible", "cancel", "sim-sonnet"),
];

/// A folder with a configuration, a price book and room for data.
pub struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// A house whose providers are that simulator; `more` is added to its configuration.
    pub fn new(simulator: SocketAddr, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let house = Self { folder };
        std::fs::write(house.folder.path().join("book.json"), book()).expect("writable");
        std::fs::write(house.config(), configuration(simulator, more)).expect("writable");
        house
    }

    /// Its `tollhouse.toml`.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("tollhouse.toml")
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("--- its folder is kept: {}", self.folder.path().display());
        }
    }
}

/// A budget of all that is ever spent in a scope such as `project = "alpha"`.
pub fn budget(id: &str, scope: &str, limit: &str) -> String {
    format!("[[budgets]]\nid = \"{id}\"\nscope = {{ {scope} }}\nlimit = \"{limit}\"\nwindow = \"total\"\n\n")
}

/// The configuration of a house.
pub fn configuration(simulator: SocketAddr, more: &str) -> String {
    let mut text = HEAD.to_owned();
    for project in ["alpha", "beta"] {
        text += &format!(
            "[[projects]]\nid = \"{project}\"\norg = \"acme\"\npolicy = \"any\"\ndata_class = \"public\"\n\n"
        );
    }
    for Key { id, project, variable, .. } in KEYS {
        text += &format!("[[keys]]\nid = \"{id}\"\nproject = \"{project}\"\nsecret_env = \"{variable}\"\n\n");
    }
    for (id, kind, on_hangup, model) in OFFERS {
        text += &provider(id, kind, on_hangup, simulator);
        text += &offer(id, id, model, &format!("e2e/{id}"));
    }
    text += &offer("unpriced", "chat", "sim-unpriced", "e2e/unpriced");
    text += &offer("unpriced-messages", "messages", "sim-unpriced", "e2e/unpriced-messages");
    text + more
}

const HEAD: &str = "\
[server]
listen = \"127.0.0.1:0\"
admin_listen = \"127.0.0.1:0\"

[prices]
books = [\"book.json\"]

[[orgs]]
id = \"acme\"
currency = \"CNY\"

[policies.any]
objective = \"ordered\"
max_attempts = 1

[[policies.any.rules]]
data_class = [\"public\"]

[sites.here]
jurisdiction = \"CN\"
inference_scope = \"in-region\"

";

fn provider(id: &str, kind: &str, on_hangup: &str, simulator: SocketAddr) -> String {
    let path = if kind == "openai-compatible" { "/v1" } else { "" };
    format!(
        "\
[providers.{id}]
kind = \"{kind}\"
base_url = \"http://{simulator}{path}\"
api_key_env = \"{variable}\"
allow_private_addresses = true
on_hangup = \"{on_hangup}\"
first_byte_timeout = \"3s\"
answer_timeout = \"3s\"
idle_timeout = \"3s\"

",
        variable = PROVIDER.0
    )
}

fn offer(id: &str, provider: &str, model: &str, plan: &str) -> String {
    format!(
        "\
[[offers]]
id = \"{id}\"
provider = \"{provider}\"
model = \"{model}\"
names = [\"{id}-model\"]
site = \"here\"
price_plan = \"{plan}\"
context_window = 131072
max_output = 16384
capabilities = [\"stream\", \"tools\", \"json_schema\", \"vision\", \"reasoning\"]

"
    )
}

/// The price book: a plan for each offer, and two whose only rates begin long after any test, so that their model is
/// offered and its price is not known.
fn book() -> String {
    let rate =
        |(kind, price): &(&str, u64)| format!(r#"{{"id":"{kind}","kind":"{kind}","price":"{price}"}}"#);
    let rates = PRICES.iter().map(rate).collect::<Vec<_>>().join(",");
    let same = r#"{"reasoning":"output","image_input":"input"}"#;
    let plan = |id: &str, provider: &str, model: &str, rest: &str| {
        format!(
            r#"{{"id":"e2e/{id}","provider":"{provider}","models":["{model}"],"currency":"CNY",{rest},"source":"made for this test","seen":"2026-11-25"}}"#
        )
    };
    let priced = format!(r#""same_as":{same},"rates":[{rates}]"#);
    let later = r#""rates":[{"id":"input","kind":"input","price":"1","from":"2099-01-01T00:00:00Z"}]"#;
    let mut plans: Vec<String> =
        OFFERS.iter().map(|(id, _, _, model)| plan(id, id, model, &priced)).collect();
    plans.push(plan("unpriced", "chat", "sim-unpriced", later));
    plans.push(plan("unpriced-messages", "messages", "sim-unpriced", later));
    let plans = plans.join(",\n");
    format!("{{\"format\":\"tollhouse-prices/1\",\"version\":\"2026-11-25.e2e\",\"plans\":[\n{plans}\n]}}\n")
}
