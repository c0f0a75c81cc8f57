//! Every key of `tollhouse.toml`: the one table that the reader, the suggestions for misspelt keys and
//! `docs/configuration.md` are made from. The reader takes defaults from here too, so the page cannot lie about them.

use crate::words::{
    Capability, Content, DataClass, HoldRule, InferenceScope, Mode, Objective, OnUnknown, Semconv, Window,
    Word as _,
};

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A table of its own: `[server]`.
    Table,
    /// A list of tables: `[[orgs]]`.
    List,
    /// Tables by name: `[providers.NAME]`.
    Named,
    Id,
    Text,
    Texts,
    Flag,
    /// A whole number in a range.
    Count(u64, u64),
    /// A number in a range.
    Degrees(i16, i16),
    /// An exact decimal above zero, in quotes.
    Decimal,
    Duration,
    Size,
    Money,
    Time,
    Address,
    Url,
    Urls,
    Currency,
    Zone,
    Country,
    Countries,
    Place,
    Variable,
    File,
    Files,
    Log,
    /// A provider's kind.
    Kind,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Some of a few words, at least one.
    Words(&'static [&'static str]),
}

/// What holds when the key is not written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Default {
    /// It must be written.
    Required,
    /// Nothing; the row's text says what that means.
    Nothing,
    Text(&'static str),
    Count(u64),
    Flag(bool),
}

/// Whether the key does anything in this version. A key that is read and then does nothing would be a silent
/// default, so it is refused, or, where nobody is harmed, warned of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    Works,
    /// Only these values do; the others are refused.
    Only(&'static [&'static str]),
    /// Has no effect yet; the text says what happens instead.
    Idle(&'static str),
    /// Refused whenever it is written.
    Refused,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The section it stands in, `NAME` for any name; empty for the top of the file.
    pub section: &'static str,
    pub name: &'static str,
    pub shape: Shape,
    pub default: Default,
    pub standing: Standing,
    /// What it means, in one line.
    pub about: &'static str,
}

impl Key {
    /// A key that may be left out, with nothing in its place.
    const fn may(section: &'static str, name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { section, name, shape, default: Default::Nothing, standing: Standing::Works, about }
    }

    /// A key that must be there.
    const fn must(section: &'static str, name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { default: Default::Required, ..Self::may(section, name, shape, about) }
    }

    const fn or(mut self, text: &'static str) -> Self {
        self.default = Default::Text(text);
        self
    }

    const fn or_count(mut self, count: u64) -> Self {
        self.default = Default::Count(count);
        self
    }

    const fn or_flag(mut self, flag: bool) -> Self {
        self.default = Default::Flag(flag);
        self
    }

    const fn only(mut self, values: &'static [&'static str]) -> Self {
        self.standing = Standing::Only(values);
        self
    }

    const fn idle(mut self, instead: &'static str) -> Self {
        self.standing = Standing::Idle(instead);
        self
    }

    const fn refused(mut self) -> Self {
        self.standing = Standing::Refused;
        self
    }

    /// The section that this key opens: `keys` + `limits` is `keys.limits`, and names stand for `NAME`.
    pub fn opens(&self) -> Option<String> {
        let path = if self.section.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.section, self.name)
        };
        match self.shape {
            Shape::Table | Shape::List => Some(path),
            Shape::Named => Some(format!("{path}.NAME")),
            _ => None,
        }
    }
}

/// The row of a key.
pub(crate) fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|row| row.section == section && row.name == name)
}

/// The names that a section knows.
pub(crate) fn names(section: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |row| row.section == section).map(|row| row.name)
}

const SOME: u64 = 1_000_000_000_000;

/// Every key, section by section, in the order of the documentation.
pub(crate) static KEYS: &[Key] = &[
    Key::may("", "server", Shape::Table, "Where the gateway listens."),
    Key::may("", "ledger", Shape::Table, "Where and how the books are kept."),
    Key::must("", "orgs", Shape::List, "Who pays."),
    Key::must("", "projects", Shape::List, "What an org budgets by."),
    Key::may("", "keys", Shape::List, "API keys of callers; more can be made with `tollhouse key create`."),
    Key::may("", "budgets", Shape::List, "Limits on what may be spent."),
    Key::may("", "fx", Shape::Named, "Exchange rates by pair, to compare offers and to hold across currencies. Charges stay in their own currency. Each offer's currency needs a rate, in either direction, to each org's and each budget's."),
    Key::must("", "providers", Shape::Named, "Who serves models."),
    Key::may("", "sites", Shape::Named, "Where models run. Sites of the catalogue (`sites/sites.json`) are known without being written; one written here replaces its namesake."),
    Key::must("", "offers", Shape::List, "What a route chooses from: provider × model × site × price plan."),
    Key::may("", "models", Shape::Named, "Virtual models: names with offers and a policy of their own."),
    Key::must("", "policies", Shape::Named, "Which offers are eligible, and how one is chosen."),
    Key::may("", "prices", Shape::Table, "The price books."),
    Key::may("", "foresight", Shape::Table, "Prediction of how long an answer will be."),
    Key::may("", "receipts", Shape::Table, "Signed receipts."),
    Key::may("", "telemetry", Shape::Table, "Logs and metrics."),
    Key::may("", "cluster", Shape::Table, "Several gateways together.").refused(),

    Key::may("server", "listen", Shape::Address, "The address callers reach.").or("127.0.0.1:8080"),
    Key::may("server", "admin_listen", Shape::Address, "The address of the admin API and the console. It speaks plain HTTP: keep it on loopback or behind a proxy.").or("127.0.0.1:8081"),
    Key::may("server", "admin_token_env", Shape::Variable, "The variable that holds the admin token. Absent, or not set: a token is made at first start and kept in the data folder, mode 0600."),
    Key::may("server", "admin_token_file", Shape::File, "The file that holds the admin token, instead of a variable."),
    Key::may("server", "max_body", Shape::Size, "The largest request body that is read, 1 KiB to 1 GiB.").or("32 MiB"),
    Key::may("server", "shutdown_grace", Shape::Duration, "How long calls in flight may go on at shutdown before they are cut and settled; at most 1h.").or("30s"),

    Key::may("ledger", "dir", Shape::File, "The data folder.").or("./tollhouse-data"),
    Key::may("ledger", "commit_interval", Shape::Duration, "How long entries wait to be made durable together, 0ms to 1s. A caller sees the end of an answer only when its entry is durable.").or("5ms"),
    Key::may("ledger", "retention", Shape::Duration, "How long entries are kept.").idle("nothing is deleted in this version"),
    Key::may("ledger", "content", Shape::Word(Content::NAMES), "What of prompts and answers is kept.").or("none").only(&["none"]),

    Key::must("orgs", "id", Shape::Id, "Its id."),
    Key::must("orgs", "currency", Shape::Currency, "What its offers are compared in and its reports lead with."),
    Key::may("orgs", "time_zone", Shape::Zone, "Where its days and months begin.").or("UTC"),
    Key::may("orgs", "owner_country", Shape::Country, "The country of who owns it. Absent: not known. A fact on record: no rule of this version asks for it."),

    Key::must("projects", "id", Shape::Id, "Its id."),
    Key::must("projects", "org", Shape::Id, "The org that pays."),
    Key::may("projects", "domain", Shape::Id, "Label of its calls: `finance`, `healthcare`, …"),
    Key::must("projects", "policy", Shape::Id, "The policy of calls whose model names none."),
    Key::must("projects", "data_class", Shape::Word(DataClass::NAMES), "How much the data of its calls must be guarded."),
    Key::may("projects", "origin", Shape::Place, "Where its calls come from, a country or a part of one. Absent: not known. A fact on record: no rule of this version asks for it."),

    Key::must("keys", "id", Shape::Id, "Its id; not the secret."),
    Key::must("keys", "project", Shape::Id, "The project it spends for."),
    Key::may("keys", "app", Shape::Id, "Label of its calls."),
    Key::may("keys", "domain", Shape::Id, "Label of its calls. Absent: the project's."),
    Key::may("keys", "secret_env", Shape::Variable, "The variable that holds the secret. This or `secret_file`."),
    Key::may("keys", "secret_file", Shape::File, "The file that holds the secret, not readable by others."),
    Key::may("keys", "models", Shape::Texts, "The models it may ask for, `*` at the end for any rest. Absent: all."),
    Key::may("keys", "limits", Shape::Table, "What it may use at once. Absent: no limit."),
    Key::may("keys", "expires", Shape::Time, "When it ends. Absent: never."),
    Key::may("keys.limits", "rpm", Shape::Count(1, SOME), "Requests a minute."),
    Key::may("keys.limits", "tpm", Shape::Count(1, SOME), "Tokens a minute."),
    Key::may("keys.limits", "concurrency", Shape::Count(1, SOME), "Calls under way at once."),

    Key::must("budgets", "id", Shape::Id, "Its id."),
    Key::must("budgets", "scope", Shape::Table, "Which calls count; all that is written must match, and something must be written."),
    Key::must("budgets", "limit", Shape::Money, "What may be spent in a window."),
    Key::must("budgets", "window", Shape::Word(Window::NAMES), "How often it begins anew, in the org's time zone; weeks begin on Monday."),
    Key::may("budgets", "mode", Shape::Word(Mode::NAMES), "What happens when it is used up.").or("enforce"),
    Key::may("budgets", "hold", Shape::Word(HoldRule::NAMES), "How much a call holds before it is made: the most it can cost, or the 99th percentile that foresight gives.").or("max"),
    Key::may("budgets.scope", "org", Shape::Id, "An org. With several orgs and no project or key, this says whose time zone counts."),
    Key::may("budgets.scope", "project", Shape::Id, "A project."),
    Key::may("budgets.scope", "key", Shape::Id, "A key of this file."),
    Key::may("budgets.scope", "app", Shape::Id, "An app."),
    Key::may("budgets.scope", "domain", Shape::Id, "A domain."),
    Key::may("budgets.scope", "user", Shape::Text, "A user, as `x-tollhouse-user` names it."),
    Key::may("budgets.scope", "model", Shape::Id, "A model, as callers ask for it."),
    Key::may("budgets.scope", "provider", Shape::Id, "A provider."),

    Key::must("fx.NAME", "rate", Shape::Decimal, "Of `\"USD/CNY\"`: CNY for one USD. At most nine places, in quotes."),
    Key::must("fx.NAME", "as_of", Shape::Time, "When the rate was seen; not in the future."),

    Key::must("providers.NAME", "kind", Shape::Kind, "A provider known by name, or how to speak to another."),
    Key::may("providers.NAME", "base_url", Shape::Url, "Where it answers; `/chat/completions` or `/messages` is appended. Absent: the known provider's own."),
    Key::may("providers.NAME", "api_key_env", Shape::Variable, "The variable that holds the credential. This or `api_key_file`; neither only for a compatible kind on loopback."),
    Key::may("providers.NAME", "api_key_file", Shape::File, "The file that holds the credential, not readable by others."),
    Key::may("providers.NAME", "connect_timeout", Shape::Duration, "Time for TCP and TLS to stand, 10ms to 5m.").or("3s"),
    Key::may("providers.NAME", "first_byte_timeout", Shape::Duration, "Time to a stream's first token, 10ms to 1h.").or("60s"),
    Key::may("providers.NAME", "answer_timeout", Shape::Duration, "Time to an answer that is not streamed, 10ms to 1h: its first byte comes when all of it is generated.").or("600s"),
    Key::may("providers.NAME", "idle_timeout", Shape::Duration, "Time between tokens, 10ms to 1h; keep-alive lines do not re-arm it.").or("60s"),
    Key::may("providers.NAME", "allow_private_addresses", Shape::Flag, "Loopback, private and link-local addresses may be connected to.").or_flag(false),
    Key::may("providers.NAME", "on_hangup", Shape::Word(dialects::Hangup::NAMES), "What a caller's hang-up does to the provider's answer. Absent: `cancel` for providers known to stop the bill (openai, anthropic, deepseek), else `drain`."),

    Key::must("sites.NAME", "jurisdiction", Shape::Country, "Whose law applies to the hardware."),
    Key::may("sites.NAME", "location", Shape::Table, "Where it stands. Absent: not known. A fact on record: latency is measured, not derived."),
    Key::may("sites.NAME", "inference_scope", Shape::Word(InferenceScope::NAMES), "How far from it a call may run. What may run anywhere (`global`, `unknown`) meets no rule about jurisdictions.").or("unknown"),
    Key::may("sites.NAME", "accelerators", Shape::List, "What it computes with; for reports."),
    Key::must("sites.NAME.location", "lat", Shape::Degrees(-90, 90), "Degrees north."),
    Key::must("sites.NAME.location", "lon", Shape::Degrees(-180, 180), "Degrees east."),
    Key::must("sites.NAME.accelerators", "kind", Shape::Id, "Which."),
    Key::may("sites.NAME.accelerators", "count", Shape::Count(1, SOME), "How many. Absent: not known."),

    Key::must("offers", "id", Shape::Id, "Its id."),
    Key::must("offers", "provider", Shape::Id, "Who serves it."),
    Key::must("offers", "model", Shape::Id, "The provider's name for the model."),
    Key::may("offers", "names", Shape::Texts, "What callers may call it. Absent: the provider's name."),
    Key::must("offers", "site", Shape::Id, "Where it runs."),
    Key::must("offers", "price_plan", Shape::Id, "Its plan in the price books."),
    Key::must("offers", "context_window", Shape::Count(1, SOME), "Input and output together, tokens."),
    Key::must("offers", "max_output", Shape::Count(1, SOME), "Output, tokens; less than or equal to `context_window`."),
    Key::must("offers", "capabilities", Shape::Words(Capability::NAMES), "What it can do. A call that needs more goes elsewhere."),
    Key::may("offers", "quota", Shape::Table, "What the provider allows. Absent: no limit known."),
    Key::may("offers.quota", "rpm", Shape::Count(1, SOME), "Requests a minute.").idle("a provider that has enough says so with status 429, and the call goes to the next offer"),
    Key::may("offers.quota", "tpm", Shape::Count(1, SOME), "Tokens a minute.").idle("a provider that has enough says so with status 429, and the call goes to the next offer"),
    Key::may("offers.quota", "concurrency", Shape::Count(1, SOME), "Calls under way at once."),

    Key::may("models.NAME", "policy", Shape::Id, "Its policy. Absent: the project's."),
    Key::must("models.NAME", "offers", Shape::Texts, "The offers behind it, in the order that `ordered` uses."),

    Key::may("policies.NAME", "objective", Shape::Word(Objective::NAMES), "What is best.").or("cost").only(&["cost", "latency", "ordered"]),
    Key::may("policies.NAME", "latency", Shape::Table, "A constraint, not a weight. Absent: none."),
    Key::may("policies.NAME", "max_attempts", Shape::Count(1, 10), "Tries of one call at the most.").or_count(3),
    Key::may("policies.NAME", "hedge_after", Shape::Text, "`off`, or the duration after which a slow attempt gets a second beside it.").or("off").only(&["off"]),
    Key::may("policies.NAME", "defer", Shape::Flag, "Whether a call may wait for cheaper hours within its deadline.").or_flag(false).only(&["false"]),
    Key::must("policies.NAME", "rules", Shape::List, "The lawful mask. A call's data class must be named by at least one rule, and every rule that names it must allow the offer."),
    Key::may("policies.NAME.latency", "first_token_p95", Shape::Duration, "An offer's usual time to the first token must be below this."),
    Key::must("policies.NAME.rules", "data_class", Shape::Words(DataClass::NAMES), "The classes it speaks of."),
    Key::may("policies.NAME.rules", "allow_jurisdictions", Shape::Countries, "Only sites under these laws. Absent: any."),
    Key::may("policies.NAME.rules", "deny_jurisdictions", Shape::Countries, "No sites under these laws."),
    Key::may("policies.NAME.rules", "allow_providers", Shape::Texts, "Only these providers. Absent: any."),
    Key::may("policies.NAME.rules", "deny_providers", Shape::Texts, "Not these providers."),

    Key::may("prices", "books", Shape::Files, "The price books; `*` in a file's name matches anything. Absent: the books built into the program."),
    Key::may("prices", "on_unknown", Shape::Word(OnUnknown::NAMES), "What happens to a call whose price is not known.").or("refuse").only(&["refuse"]),

    Key::may("foresight", "enabled", Shape::Flag, "Off: budgets with `hold = \"p99\"` are refused, the others hold the most a call can cost.").or_flag(true),

    Key::may("receipts", "signing_key_file", Shape::File, "The ed25519 key that receipts are signed with.").idle("receipts are not made in this version"),

    Key::may("telemetry", "log", Shape::Log, "What is logged: a level, or levels by target.").or("info"),
    Key::may("telemetry", "otlp_endpoint", Shape::Text, "Where OpenTelemetry goes; empty: nowhere.").or("").only(&[""]),
    Key::may("telemetry", "semconv", Shape::Word(Semconv::NAMES), "Which names metrics have.").or("current").only(&["current"]),

    Key::may("cluster", "nats", Shape::Urls, "NATS servers."),
    Key::may("cluster", "clickhouse", Shape::Url, "The ClickHouse server."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_opened_by_a_key() {
        for row in KEYS.iter().filter(|row| !row.section.is_empty()) {
            assert!(KEYS.iter().any(|it| it.opens().as_deref() == Some(row.section)), "[{}]", row.section);
            assert!(!row.about.is_empty());
        }
        for opened in KEYS.iter().filter_map(Key::opens) {
            assert!(names(&opened).count() > 0, "[{opened}] knows no key");
        }
    }

    #[test]
    fn a_key_stands_once() {
        for row in KEYS {
            assert_eq!(KEYS.iter().filter(|it| (it.section, it.name) == (row.section, row.name)).count(), 1);
        }
    }
}
