//! Each kind of mistake in the writing: one change to a good file, and the whole message it must lead to. Lines are
//! counted by hand in the text of the parent module.

use super::{check, house, told, with};

#[test]
fn text_that_is_no_toml() {
    check(
        r#"listen = "127.0.0.1:8080""#,
        "listen = 127.0.0.1:8080",
        "tollhouse.toml:2: this is no TOML: invalid float, expected nothing\n  fix: write this line as TOML 1.0 has it; strings stand in double quotes",
    );
    check(
        r#"id = "acme""#,
        "id = \"acme\"\nid = \"acme\"",
        "tollhouse.toml:6: this is no TOML: duplicate key\n  fix: write it once",
    );
}

#[test]
fn misspelt_keys_and_sections() {
    check(
        "listen = ",
        "lisen = ",
        "tollhouse.toml:2: server.lisen: unknown key `lisen` in [server]\n  fix: did you mean `listen`?",
    );
    check(
        "[server]",
        "[sever]",
        "tollhouse.toml:1: sever: unknown key `sever` at the top of the file\n  fix: did you mean `server`?",
    );
    check(
        "[server]",
        "[server]\nfoo = 1",
        "tollhouse.toml:2: server.foo: unknown key `foo` in [server]\n  fix: remove it; known here: listen, admin_listen, admin_token_env, admin_token_file, max_body, shutdown_grace",
    );
    check(
        r#"jurisdiction = "CN""#,
        "jurisdiction = \"CN\"\nlocaton = { lat = 1, lon = 2 }",
        "tollhouse.toml:37: sites.cn-zhongwei.locaton: unknown key `locaton` in [sites.cn-zhongwei]\n  fix: did you mean `location`?",
    );
    check(
        "limits = { rpm = 600 }",
        "limits = { rpn = 1 }",
        "tollhouse.toml:20: keys[0].limits.rpn: unknown key `rpn` in [keys[0].limits]\n  fix: did you mean `rpm`?",
    );
}

#[test]
fn wrong_types() {
    check(
        r#"listen = "127.0.0.1:8080""#,
        "listen = 8080",
        "tollhouse.toml:2: server.listen: must be an address and a port, not an integer\n  fix: write it like \"127.0.0.1:8080\"",
    );
    check(
        "[sites.cn-zhongwei]",
        "[sites.cn-zhongwei]\naccelerators = 3",
        "tollhouse.toml:36: sites.cn-zhongwei.accelerators: must be a list of tables, not an integer\n  fix: write [[sites.cn-zhongwei.accelerators]]",
    );
    check(
        "context_window = 131072",
        r#"context_window = "131072""#,
        "tollhouse.toml:45: offers[0].context_window: must be a whole number, not a string\n  fix: write it like 100",
    );
    check(
        r#"capabilities = ["stream", "tools"]"#,
        r#"capabilities = "stream""#,
        "tollhouse.toml:47: offers[0].capabilities: must be a list of words, not a string\n  fix: write it like [\"stream\"]",
    );
    check(
        r#"capabilities = ["stream", "tools"]"#,
        r#"capabilities = ["stream", 1]"#,
        "tollhouse.toml:47: offers[0].capabilities[1]: must be a string, not an integer\n  fix: write it like \"text\"",
    );
    check(
        "limits = { rpm = 600 }",
        "limits = 600",
        "tollhouse.toml:20: keys[0].limits: must be a table, not an integer\n  fix: write it like { … }",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"http://127.0.0.1:9001/v1\"",
        "tollhouse.toml:33: providers.dashscope.base_url: `127.0.0.1` is on this machine, which must be asked for\n  fix: write the provider's public address, or `allow_private_addresses = true` if this one is meant",
    );
    check(
        r#"kind = "dashscope""#,
        "kind = \"dashscope\"\nbase_url = \"http://0xa9fea9fe/v1\"",
        "tollhouse.toml:33: providers.dashscope.base_url: `169.254.169.254` is on a private or link-local network, which must be asked for\n  fix: write the provider's public address, or `allow_private_addresses = true` if this one is meant",
    );
    check(
        r#""USD/CNY" = { rate = "7.10""#,
        r#""USD/CNY" = { rate = 7.10"#,
        "tollhouse.toml:29: fx.\"USD/CNY\".rate: must be a decimal in quotes, not a float\n  fix: write it like \"7.10\"",
    );
    check(
        "[prices]",
        "[foresight]\nenabled = \"no\"\n[prices]",
        "tollhouse.toml:61: foresight.enabled: must be true or false, not a string\n  fix: write it like true",
    );
    check(
        "[[orgs]]\nid",
        "[orgs]\nid",
        "tollhouse.toml:4: orgs: must be a list of tables, not a table\n  fix: write [[orgs]]",
    );
}

#[test]
fn missing_and_empty() {
    check(
        "capabilities = [\"stream\", \"tools\"]\n",
        "",
        "tollhouse.toml:39: offers[0].capabilities: is missing\n  fix: add it: capabilities = [\"stream\"]",
    );
    check(
        r#"capabilities = ["stream", "tools"]"#,
        "capabilities = []",
        "tollhouse.toml:47: offers[0].capabilities: is empty\n  fix: name at least one of stream, tools, json_schema, vision, reasoning, audio",
    );
    check(
        "currency = \"CNY\"\n",
        "",
        "tollhouse.toml:4: orgs[0].currency: is missing\n  fix: add it: currency = \"CNY\"",
    );
    check(
        r#"allow_jurisdictions = ["CN"]"#,
        "allow_jurisdictions = []",
        "tollhouse.toml:58: policies.lawful.rules[0].allow_jurisdictions: is an empty list\n  fix: name what is allowed, or remove the key: without it anything is",
    );
    check(
        r#"offers = ["qwen-plus@zhongwei"]"#,
        "offers = []",
        "tollhouse.toml:51: models.assistant.offers: is empty: nothing stands behind the model\n  fix: name at least one offer",
    );
    check(
        r#"scope = { project = "claims" }"#,
        "scope = {}",
        "tollhouse.toml:24: budgets[0].scope: is empty\n  fix: write what the budget is for, such as { project = \"claims\" }",
    );
    check(
        "scope = { project = \"claims\" }\n",
        "",
        "tollhouse.toml:22: budgets[0].scope: is missing\n  fix: add it: scope = { … }",
    );
    check(
        r#"kind = "dashscope""#,
        r#"kind = "openai-compatible""#,
        "tollhouse.toml:31: providers.dashscope.base_url: is missing\n  fix: a provider of kind `openai-compatible` needs one: base_url = \"https://api.example.com/v1\"",
    );
}

#[test]
fn words_that_are_none() {
    check(
        r#"capabilities = ["stream", "tools"]"#,
        r#"capabilities = ["straem"]"#,
        "tollhouse.toml:47: offers[0].capabilities[0]: unknown value `straem`\n  fix: did you mean `stream`?",
    );
    check(
        r#"data_class = "personal""#,
        r#"data_class = "private""#,
        "tollhouse.toml:13: projects[0].data_class: unknown value `private`\n  fix: write one of public, internal, personal, important",
    );
    check(
        r#"kind = "dashscope""#,
        r#"kind = "dashscop""#,
        "tollhouse.toml:32: providers.dashscope.kind: unknown kind of provider `dashscop`\n  fix: did you mean `dashscope`?",
    );
    check(
        r#"objective = "cost""#,
        r#"objective = "cheapest""#,
        "tollhouse.toml:54: policies.lawful.objective: unknown value `cheapest`\n  fix: write one of cost, latency, ordered, weighted, value",
    );
}

#[test]
fn values_that_cannot_be_read() {
    check(
        "[server]",
        "[ledger]\ncommit_interval = \"5 seconds\"\n[server]",
        "tollhouse.toml:2: ledger.commit_interval: `5 seconds` is no duration\n  fix: write a whole number and one of ms, s, m, h, d, such as \"30s\"",
    );
    check(
        "[server]",
        "[server]\nmax_body = \"32 MB\"",
        "tollhouse.toml:2: server.max_body: `32 MB` is no size\n  fix: write a whole number and one of B, KiB, MiB, GiB, such as \"32 MiB\"",
    );
    check(
        r#""5000 CNY""#,
        r#""5000""#,
        "tollhouse.toml:25: budgets[0].limit: `5000` is no amount of money\n  fix: write a decimal above zero and a currency, such as \"100 CNY\"",
    );
    check(
        "limits = { rpm = 600 }",
        r#"expires = "2027-12-31""#,
        "tollhouse.toml:20: keys[0].expires: `2027-12-31` is no instant\n  fix: write RFC 3339 with an offset, such as \"2027-12-31T00:00:00+08:00\"",
    );
    check(
        r#"listen = "127.0.0.1:8080""#,
        r#"listen = "localhost:8080""#,
        "tollhouse.toml:2: server.listen: `localhost:8080` is no address to listen at\n  fix: write an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
    );
    check(
        "currency = \"CNY\"\n",
        "currency = \"yuan\"\n",
        "tollhouse.toml:6: orgs[0].currency: `yuan` is no currency\n  fix: write three capital letters of ISO 4217, such as \"CNY\"",
    );
    check(
        r#""Asia/Shanghai""#,
        r#""Beijing""#,
        "tollhouse.toml:7: orgs[0].time_zone: `Beijing` is no time zone\n  fix: write a name of the IANA database, such as \"Asia/Shanghai\" or \"UTC\"",
    );
    check(
        r#"jurisdiction = "CN""#,
        r#"jurisdiction = "China""#,
        "tollhouse.toml:36: sites.cn-zhongwei.jurisdiction: `China` is no country code\n  fix: write two capital letters of ISO 3166-1, such as \"CN\" or \"US\"",
    );
    check(
        r#"allow_jurisdictions = ["CN"]"#,
        r#"allow_jurisdictions = ["EU"]"#,
        "tollhouse.toml:58: policies.lawful.rules[0].allow_jurisdictions[0]: `EU` is no country code\n  fix: write the member states one by one, by their ISO 3166-1 codes, such as \"DE\", \"FR\"",
    );
    check(
        r#""USD/CNY""#,
        r#""USD-CNY""#,
        "tollhouse.toml:29: fx.USD-CNY: `USD-CNY` is no pair of currencies\n  fix: write it like \"USD/CNY\"",
    );
    check(
        r#""USD/CNY" = { rate = "7.10""#,
        r#""USD/CNY" = { rate = "-7""#,
        "tollhouse.toml:29: fx.\"USD/CNY\".rate: `-7` is no rate\n  fix: write a decimal above zero with at most nine places, in quotes, such as \"7.10\"",
    );
    check(
        r#"objective = "cost""#,
        r#"latency = { first_token_p95 = "fast" }"#,
        "tollhouse.toml:54: policies.lawful.latency.first_token_p95: `fast` is no duration\n  fix: write a whole number and one of ms, s, m, h, d, such as \"30s\"",
    );
}

#[test]
fn values_out_of_range() {
    check(
        "[server]",
        "[ledger]\ncommit_interval = \"2s\"\n[server]",
        "tollhouse.toml:2: ledger.commit_interval: 2s is out of range\n  fix: write a duration from 0ms to 1s",
    );
    check(
        "[server]",
        "[server]\nmax_body = \"2 GiB\"",
        "tollhouse.toml:2: server.max_body: 2 GiB is out of range\n  fix: write a size from 1 KiB to 1 GiB",
    );
    check(
        r#""5000 CNY""#,
        r#""0 CNY""#,
        "tollhouse.toml:25: budgets[0].limit: `0 CNY` is nothing: every call would be refused\n  fix: write a decimal above zero and a currency, such as \"100 CNY\"",
    );
    check(
        "limits = { rpm = 600 }",
        "limits = { rpm = 0 }",
        "tollhouse.toml:20: keys[0].limits.rpm: 0 is out of range\n  fix: write a whole number from 1 to 1000000000000",
    );
    check(
        "limits = { rpm = 600 }",
        "limits = { rpm = -1 }",
        "tollhouse.toml:20: keys[0].limits.rpm: -1 is out of range\n  fix: write a whole number from 1 to 1000000000000",
    );
    check(
        r#"jurisdiction = "CN""#,
        "jurisdiction = \"CN\"\nlocation = { lat = 91, lon = 2.5 }",
        "tollhouse.toml:37: sites.cn-zhongwei.location.lat: 91 is out of range\n  fix: write a number from -90 to 90",
    );
    check(
        "max_output = 16384",
        "max_output = 200000",
        "tollhouse.toml:46: offers[0].max_output: 200000 is more than the context window of 131072\n  fix: write the output limit that the provider states, at most the window",
    );
    check(
        "max_output = 16384",
        "max_output = -1",
        "tollhouse.toml:46: offers[0].max_output: -1 is out of range\n  fix: write a whole number from 1 to 1000000000000",
    );
    check(
        r#"objective = "cost""#,
        "max_attempts = 11",
        "tollhouse.toml:54: policies.lawful.max_attempts: 11 is out of range\n  fix: write a whole number from 1 to 10",
    );
}

/// One run tells everything, in the order of the file.
#[test]
fn every_mistake_is_told_at_once() {
    let text = with("127.0.0.1:8080", "8080").replace("\"CNY\"\n", "\"yuan\"\n").replace("131072", "0");
    let keys = ["server.listen", "orgs[0].currency", "offers[0].context_window", "offers[0].max_output"];
    let told = told(&text, &house());
    assert_eq!(told.len(), 3, "{told:#?}");
    for (line, key) in told.iter().zip(keys) {
        assert!(line.contains(key), "{line}");
    }
}

/// What cannot be parsed does not drag other mistakes along: a value that is garbled is not "missing" too.
#[test]
fn a_garbled_line_is_one_mistake() {
    for garbled in ["id = acme", "id = \"acme", "id =", "id \"acme\"", "= \"acme\""] {
        let told = told(&with("id = \"acme\"", garbled), &house());
        assert!(
            told.iter().all(|line| line.starts_with("tollhouse.toml:5: this is no TOML")),
            "{garbled}: {told:#?}"
        );
        assert!(!told.is_empty());
    }
}
