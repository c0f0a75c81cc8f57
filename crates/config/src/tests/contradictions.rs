//! Each kind of mistake between sections, and what this version does not do: one change to a good file, and the whole
//! message it must lead to.

use super::{check, house, load, told, with};

#[test]
fn references_that_lead_nowhere() {
    check(
        r#"allow_jurisdictions = ["CN"]"#,
        r#"deny_providers = ["openai"]"#,
        "tollhouse.toml:58: policies.lawful.rules[0].deny_providers[0]: unknown provider `openai`\n  fix: declare it, or name one of `dashscope`",
    );
    check(
        r#"org = "acme""#,
        r#"org = "acmee""#,
        "tollhouse.toml:11: projects[0].org: unknown org `acmee`\n  fix: did you mean `acme`?",
    );
    check(
        "project = \"claims\"\nsecret",
        "project = \"other\"\nsecret",
        "tollhouse.toml:17: keys[0].project: unknown project `other`\n  fix: declare it, or name one of `claims`",
    );
    check(
        r#"provider = "dashscope""#,
        r#"provider = "dashscop""#,
        "tollhouse.toml:41: offers[0].provider: unknown provider `dashscop`\n  fix: did you mean `dashscope`?",
    );
    check(
        r#"site = "cn-zhongwei""#,
        r#"site = "cn-zhongwai""#,
        "tollhouse.toml:43: offers[0].site: unknown site `cn-zhongwai`\n  fix: did you mean `cn-zhongwei`?",
    );
    check(
        r#"price_plan = "dashscope/qwen-plus/cn""#,
        r#"price_plan = "dashscope/qwen-plus""#,
        "tollhouse.toml:44: offers[0].price_plan: unknown price plan `dashscope/qwen-plus`\n  fix: did you mean `dashscope/qwen-plus/cn`?",
    );
    check(
        r#"price_plan = "dashscope/qwen-plus/cn""#,
        r#"price_plan = "nothing/like/it""#,
        "tollhouse.toml:44: offers[0].price_plan: unknown price plan `nothing/like/it`\n  fix: add the plan to a book, or name one of `dashscope/qwen-plus/cn`, `sample/usd`",
    );
    check(
        r#"offers = ["qwen-plus@zhongwei"]"#,
        r#"offers = ["qwen-plus@zhongwe"]"#,
        "tollhouse.toml:51: models.assistant.offers[0]: unknown offer `qwen-plus@zhongwe`\n  fix: did you mean `qwen-plus@zhongwei`?",
    );
    check(
        "policy = \"lawful\"\noffers",
        "policy = \"awful\"\noffers",
        "tollhouse.toml:50: models.assistant.policy: unknown policy `awful`\n  fix: did you mean `lawful`?",
    );
    check(
        "policy = \"lawful\"\ndata",
        "policy = \"fair\"\ndata",
        "tollhouse.toml:12: projects[0].policy: unknown policy `fair`\n  fix: declare it, or name one of `lawful`",
    );
    check(
        r#"scope = { project = "claims" }"#,
        r#"scope = { project = "claim" }"#,
        "tollhouse.toml:24: budgets[0].scope.project: unknown project `claim`\n  fix: did you mean `claims`?",
    );
    check(
        r#"scope = { project = "claims" }"#,
        r#"scope = { model = "assistent" }"#,
        "tollhouse.toml:24: budgets[0].scope.model: unknown model `assistent`\n  fix: did you mean `assistant`?",
    );
    check(
        r#"models = ["assistant", "qwen-*"]"#,
        r#"models = ["assistant", "gpt-*"]"#,
        "tollhouse.toml:19: warning: keys[0].models[1]: no model is called `gpt-*`\n  fix: correct it, or remove it",
    );
}

#[test]
fn what_contradicts_itself() {
    check(
        r#"capabilities = ["stream", "tools"]"#,
        r#"capabilities = ["tools","tools"]"#,
        "tollhouse.toml:47: offers[0].capabilities[1]: stands twice\n  fix: write it once",
    );
    check(
        "limits = { rpm = 600 }",
        r#"expires = "2026-11-24T00:00:00Z""#,
        "tollhouse.toml:20: keys[0].expires: the key expired at 2026-11-24T00:00:00Z\n  fix: write a later instant, or remove the key",
    );
    check(
        r#"listen = "127.0.0.1:8080""#,
        r#"listen = "127.0.0.1:8081""#,
        "tollhouse.toml:2: server.listen: callers and the admin API cannot both be served at 127.0.0.1:8081\n  fix: give each a port of its own; by default listen = \"127.0.0.1:8080\", admin_listen = \"127.0.0.1:8081\"",
    );
    check(
        r#"listen = "127.0.0.1:8080""#,
        r#"admin_listen = "0.0.0.0:8081""#,
        "tollhouse.toml:2: warning: server.admin_listen: 0.0.0.0:8081 can be reached from other machines, and the admin API speaks plain HTTP\n  fix: listen at 127.0.0.1, or put a proxy with TLS before it",
    );
    check(
        r#"data_class = ["personal", "important"]"#,
        r#"data_class = ["public"]"#,
        "tollhouse.toml:13: warning: projects[0].data_class: no rule of policy `lawful` speaks of personal data: every call of the project is refused\n  fix: add a rule to [[policies.lawful.rules]] with data_class = [\"personal\"]",
    );
    check(
        "2026-11-24T00:00:00Z",
        "2026-11-26T00:00:00Z",
        "tollhouse.toml:29: fx.\"USD/CNY\".as_of: 2026-11-26T00:00:00Z is in the future\n  fix: write when the rate was seen",
    );
}

#[test]
fn providers() {
    check(
        "api_key_env = \"DASHSCOPE_API_KEY\"\n",
        "",
        "tollhouse.toml:31: providers.dashscope.api_key_env: no credential is named\n  fix: name the variable that holds it: api_key_env = \"DASHSCOPE_API_KEY\" (a server that asks for none takes any value)",
    );
    check(
        r#"api_key_env = "DASHSCOPE_API_KEY""#,
        r#"api_key_env = "sk-12345-secret""#,
        "tollhouse.toml:33: providers.dashscope.api_key_env: is no name of an environment variable\n  fix: put the secret into a variable and write the variable's name here; secrets never stand in this file",
    );
    check(
        r#"api_key_env = "DASHSCOPE_API_KEY""#,
        r#"api_key_env = "NOT_SET""#,
        "tollhouse.toml:33: providers.dashscope.api_key_env: the environment variable NOT_SET is not set\n  fix: set NOT_SET before starting: export NOT_SET=…",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"dashscope.aliyuncs.com\"",
        "tollhouse.toml:33: providers.dashscope.base_url: `dashscope.aliyuncs.com` is no base URL: it has no scheme\n  fix: write scheme, host and path, such as \"https://api.example.com/v1\"",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"https://me:pw@dashscope.aliyuncs.com\"",
        "tollhouse.toml:33: providers.dashscope.base_url: the base URL carries a user or a password\n  fix: take them out, and name the variable that holds the credential as `api_key_env`",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"https://dashscope.aliyuncs.com/v1/chat/completions\"",
        "tollhouse.toml:33: providers.dashscope.base_url: ends in `/chat/completions`, which is appended to it\n  fix: write \"https://dashscope.aliyuncs.com/v1\"",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"http://dashscope.aliyuncs.com/v1\"",
        "tollhouse.toml:33: warning: providers.dashscope.base_url: the credential travels unencrypted over http\n  fix: write https",
    );
}

#[test]
fn what_this_version_does_not_do() {
    check(
        r#"kind = "dashscope""#,
        r#"kind = "gemini""#,
        "tollhouse.toml:32: providers.dashscope.kind: `gemini` is not available in this version\n  fix: write kind = \"openai-compatible\" with Google's compatible endpoint: base_url = \"https://generativelanguage.googleapis.com/v1beta/openai\"",
    );
    check(
        r#"objective = "cost""#,
        r#"objective = "weighted""#,
        "tollhouse.toml:54: policies.lawful.objective: `weighted` is not available in this version\n  fix: remove it, or write \"cost\" or \"latency\" or \"ordered\"",
    );
    check(
        r#"objective = "cost""#,
        r#"hedge_after = "2s""#,
        "tollhouse.toml:54: policies.lawful.hedge_after: `2s` is not available in this version\n  fix: remove it, or write \"off\"",
    );
    check(
        r#"objective = "cost""#,
        "defer = true",
        "tollhouse.toml:54: policies.lawful.defer: `true` is not available in this version\n  fix: remove it, or write false",
    );
    check(
        "[prices]",
        "[prices]\non_unknown = \"warn\"",
        "tollhouse.toml:61: prices.on_unknown: `warn` is not available in this version\n  fix: remove it, or write \"refuse\"",
    );
    check(
        "[prices]",
        "[receipts]\nsigning_key_file = \"a\"\n[prices]",
        "tollhouse.toml:61: warning: receipts.signing_key_file: has no effect yet: receipts are not made in this version\n  fix: remove it, or leave it for later",
    );
}

#[test]
fn a_section_that_does_nothing_yet_is_read_all_the_same() {
    let text =
        with("[prices]", "[cluster]\nnats = [\"nats://127.0.0.1:4222\"]\nclickhouse = \"ftp://x\"\n[prices]");
    assert_eq!(
        told(&text, &house()),
        [
            "tollhouse.toml:60: cluster: is not available in this version\n  fix: remove it",
            "tollhouse.toml:62: cluster.clickhouse: `ftp://x` is no URL of this service\n  fix: write it like \"http://127.0.0.1:8123\"",
        ]
    );
    let text = with("[prices]", "[ledger]\nretention = \"400d\"\ncontent = \"full\"\n[prices]");
    assert_eq!(
        told(&text, &house()),
        [
            "tollhouse.toml:62: ledger.content: `full` is not available in this version\n  fix: remove it, or write \"none\"",
            "tollhouse.toml:61: warning: ledger.retention: has no effect yet: nothing is deleted in this version\n  fix: remove it, or leave it for later",
        ]
    );
    let text =
        with("[prices]", "[telemetry]\notlp_endpoint = \"http://x\"\nsemconv = \"current+older\"\n[prices]");
    assert_eq!(
        told(&text, &house()),
        [
            "tollhouse.toml:61: telemetry.otlp_endpoint: `http://x` is not available in this version\n  fix: remove it, or write \"\"",
            "tollhouse.toml:62: telemetry.semconv: `current+older` is not available in this version\n  fix: remove it, or write \"current\"",
        ]
    );
}

/// "Off" is what this version does: to say so is no mistake.
#[test]
fn what_is_written_as_off_is_accepted() {
    let text = with("objective = \"cost\"", "objective = \"cost\"\nhedge_after = \"off\"\ndefer = false").replace(
        "[prices]",
        "[ledger]\ncontent = \"none\"\n[telemetry]\notlp_endpoint = \"\"\nsemconv = \"current\"\n[prices]\non_unknown = \"refuse\"",
    );
    assert_eq!(told(&text, &house()), [""; 0]);
}

#[test]
fn ids_stand_once() {
    let offer = "[[offers]]\nid = \"qwen-plus@zhongwei\"\nprovider = \"dashscope\"\nmodel = \"qwen-plus\"\n\
                 site = \"cn-zhongwei\"\nprice_plan = \"dashscope/qwen-plus/cn\"\ncontext_window = 10\n\
                 max_output = 10\ncapabilities = [\"stream\"]\n";
    check(
        "[models.assistant]",
        &format!("{offer}[models.assistant]"),
        "tollhouse.toml:50: offers[1].id: there are two offers with the id `qwen-plus@zhongwei`\n  fix: rename one of them",
    );
    check(
        "[[projects]]",
        "[[orgs]]\nid = \"acme\"\ncurrency = \"CNY\"\n[[projects]]",
        "tollhouse.toml:10: orgs[1].id: there are two orgs with the id `acme`\n  fix: rename one of them",
    );
}

#[test]
fn a_name_is_an_offers_or_a_virtual_models() {
    check(
        "model = \"qwen-plus\"",
        "model = \"qwen-plus\"\nnames = [\"qwen-plus\", \"assistant\"]",
        "tollhouse.toml:43: offers[0].names[1]: `assistant` is a virtual model already\n  fix: remove it here, or rename the virtual model",
    );
}

#[test]
fn every_currency_needs_a_rate() {
    let text = with("price_plan = \"dashscope/qwen-plus/cn\"", "price_plan = \"sample/usd\"");
    // The rate that is there is enough; that the plan is another model's is told apart.
    assert_eq!(
        told(&text, &house()),
        ["tollhouse.toml:44: warning: offers[0].price_plan: the plan is for `m`, not for `qwen-plus`\n  \
          fix: choose the plan of the model that is served"]
    );
    let text = text.replace("model = \"qwen-plus\"", "model = \"m\"\nnames = [\"qwen-plus\"]");
    let inverse = text.replace("USD/CNY", "CNY/USD");
    assert_eq!(told(&inverse, &house()), [""; 0]);
    let without = text.replace("\"USD/CNY\" = {", "\"EUR/CNY\" = {");
    assert_eq!(
        told(&without, &house()),
        [
            "tollhouse.toml:45: offers[0].price_plan: its prices are in USD, and there is no rate to CNY, which an org or a budget counts in\n  \
          fix: add it under [fx]: \"USD/CNY\" = { rate = \"…\", as_of = \"…\" }"
        ]
    );
}

#[test]
fn a_scope_that_no_call_is_in_is_refused() {
    let two = with(
        "[[keys]]",
        "[[orgs]]\nid = \"other\"\ncurrency = \"CNY\"\n[[projects]]\nid = \"theirs\"\norg = \"other\"\n\
         policy = \"lawful\"\ndata_class = \"personal\"\n[[keys]]",
    );
    for (scope, expected) in [
        (
            "{ project = \"theirs\", key = \"claims-dev\" }",
            "budgets[0].scope.key: the key is of project `claims`, not `theirs`: no call is both\n  fix: remove one of the two",
        ),
        (
            "{ org = \"other\", project = \"claims\" }",
            "budgets[0].scope.org: the project is of org `acme`, not `other`: no call is both\n  fix: remove one of the two",
        ),
        (
            "{ app = \"assistant\" }",
            "budgets[0].scope: several orgs have calls in it, and their days may begin at different times\n  \
             fix: name the org whose time zone counts: scope = { org = \"…\", … }",
        ),
    ] {
        let text = two.replace("scope = { project = \"claims\" }", &format!("scope = {scope}"));
        assert_eq!(told(&text, &house()), [format!("tollhouse.toml:32: {expected}")], "{scope}");
    }
    // With an org said, its zone counts; `other` has none of its own, so UTC.
    let text = two.replace("scope = { project = \"claims\" }", "scope = { org = \"other\", app = \"a\" }");
    let config = load(&text, &house()).unwrap().config;
    assert_eq!(config.budgets[0].time_zone.iana_name(), Some("UTC"));
}

#[test]
fn p99_needs_foresight() {
    let text = with("window = \"month\"", "window = \"month\"\nhold = \"p99\"");
    assert_eq!(told(&text, &house()), [""; 0]);
    assert_eq!(
        told(&text.replace("[prices]", "[foresight]\nenabled = false\n[prices]"), &house()),
        ["tollhouse.toml:27: budgets[0].hold: `p99` is what foresight gives, and foresight is off\n  \
          fix: write hold = \"max\", or [foresight] enabled = true"]
    );
}

/// A provider on this machine needs no key; one elsewhere does, whatever it speaks.
#[test]
fn only_loopback_goes_without_a_credential() {
    let at = |url: &str| {
        let provider =
            format!("kind = \"openai-compatible\"\nbase_url = \"{url}\"\nallow_private_addresses = true");
        told(&with("kind = \"dashscope\"\napi_key_env = \"DASHSCOPE_API_KEY\"", &provider), &house())
    };
    assert_eq!(at("http://127.0.0.1:9001/v1"), [""; 0]);
    assert_eq!(at("http://localhost:9001/v1"), [""; 0]);
    assert_eq!(
        at("http://10.0.0.5:8000/v1"),
        ["tollhouse.toml:31: providers.dashscope.api_key_env: no credential is named\n  \
          fix: name the variable that holds it: api_key_env = \"LOCAL_API_KEY\" (a server that asks for none takes any value)"]
    );
}
