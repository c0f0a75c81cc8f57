//! A configuration as plain values: every reference in it resolves, every secret is there, every number is in range.
//!
//! Two of them compare equal when nothing changed, so that a reload takes a new one whole or not at all.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dialects::Hangup;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use prices::{Charge, Currency};

use crate::kind::ProviderKind;
use crate::secret::Secret;
use crate::url::BaseUrl;
use crate::values::{Country, Place};
use crate::words::{Capability, DataClass, HoldRule, InferenceScope, Mode, Objective, OnUnknown, Window};

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where the gateway listens.
    pub server: Server,
    /// Where the books are kept.
    pub ledger: LedgerCfg,
    /// Who pays.
    pub orgs: Vec<Org>,
    /// What an org budgets by.
    pub projects: Vec<Project>,
    /// Callers' keys.
    pub keys: Vec<KeyCfg>,
    /// Limits on what may be spent.
    pub budgets: Vec<Budget>,
    /// Exchange rates.
    pub fx: Vec<Fx>,
    /// Who serves.
    pub providers: Vec<Provider>,
    /// Where models run: those written, and those of the catalogue that an offer names.
    pub sites: Vec<Site>,
    /// What can be chosen from.
    pub offers: Vec<Offer>,
    /// Virtual models.
    pub models: Vec<Model>,
    /// How offers are chosen.
    pub policies: Vec<Policy>,
    /// The price books.
    pub prices: Prices,
    /// Prediction.
    pub foresight: Foresight,
    /// Logs and metrics.
    pub telemetry: Telemetry,
}

/// Where the gateway listens and how it stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// The data plane.
    pub listen: SocketAddr,
    /// The admin API and the console; never the same as `listen`.
    pub admin_listen: SocketAddr,
    /// The admin token; `None`: one is made at first start and kept in the data folder.
    pub admin_token: Option<Secret>,
    /// The largest request body, bytes.
    pub max_body: u64,
    /// How long calls in flight may go on at shutdown.
    pub shutdown_grace: Duration,
}

/// Where the books are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerCfg {
    /// The data folder; relative ones are relative to the configuration's folder.
    pub dir: PathBuf,
    /// How long entries wait to be made durable together.
    pub commit_interval: Duration,
}

/// Who pays.
#[derive(Clone, Debug, PartialEq)]
pub struct Org {
    /// Its id.
    pub id: String,
    /// What its offers are compared in.
    pub currency: Currency,
    /// Where its days begin.
    pub time_zone: TimeZone,
    /// The country of its owner, where known.
    pub owner_country: Option<Country>,
}

/// A budgeted unit of an org.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// The org that pays.
    pub org: String,
    /// Label of its calls.
    pub domain: Option<String>,
    /// The policy of calls whose model names none.
    pub policy: String,
    /// How much its data must be guarded.
    pub data_class: DataClass,
    /// Where its calls come from, where known.
    pub origin: Option<Place>,
}

/// A caller's key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyCfg {
    /// Its id.
    pub id: String,
    /// The project it spends for.
    pub project: String,
    /// Label of its calls.
    pub app: Option<String>,
    /// Label of its calls; `None`: the project's.
    pub domain: Option<String>,
    /// What the caller sends. The ledger keeps its hash only.
    pub secret: Secret,
    /// What it may ask for, `*` at the end for any rest; `None`: everything.
    pub models: Option<Vec<String>>,
    /// What it may use at once.
    pub limits: Rates,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// Limits on use at once; `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
    /// Calls under way.
    pub concurrency: Option<u64>,
}

/// A limit over a window in a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Its id.
    pub id: String,
    /// Which calls count.
    pub scope: Scope,
    /// What may be spent in a window.
    pub limit: Charge,
    /// How often it begins anew.
    pub window: Window,
    /// The zone its windows begin in: that of the org it belongs to.
    pub time_zone: TimeZone,
    /// What happens when it is used up.
    pub mode: Mode,
    /// How much a call holds.
    pub hold: HoldRule,
}

/// Which calls a budget counts: all that is `Some` must match, and something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// An org.
    pub org: Option<String>,
    /// A project.
    pub project: Option<String>,
    /// A key.
    pub key: Option<String>,
    /// An app.
    pub app: Option<String>,
    /// A domain.
    pub domain: Option<String>,
    /// A user.
    pub user: Option<String>,
    /// A model as callers ask for it.
    pub model: Option<String>,
    /// A provider.
    pub provider: Option<String>,
}

/// An exchange rate: one unit of `base` is `rate_nano` × 10⁻⁹ of `quote`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fx {
    /// `USD` of `USD/CNY`.
    pub base: Currency,
    /// `CNY` of `USD/CNY`.
    pub quote: Currency,
    /// The rate in 10⁻⁹, exact.
    pub rate_nano: u64,
    /// When it was seen.
    pub as_of: Timestamp,
}

/// Who serves models.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Its id.
    pub id: String,
    /// Who it is, or how it is spoken to.
    pub kind: ProviderKind,
    /// Where it answers; [`dialects::Dialect::endpoint`] appends the path.
    pub base_url: BaseUrl,
    /// Its credential; `None` only on loopback.
    pub api_key: Option<Secret>,
    /// Time for TCP and TLS to stand.
    pub connect_timeout: Duration,
    /// Time to the answer's first byte.
    pub first_byte_timeout: Duration,
    /// Time between tokens.
    pub idle_timeout: Duration,
    /// Time to an answer that is not streamed.
    pub answer_timeout: Duration,
    /// Loopback and private addresses may be connected to.
    pub allow_private_addresses: bool,
    /// What a caller's hang-up does to the answer.
    pub on_hangup: Hangup,
}

impl Provider {
    /// The name under which price books know it: its kind's, or its own id where the kind is anybody's.
    pub fn vendor(&self) -> &str {
        if self.kind.is_anybody() { &self.id } else { self.kind.name() }
    }
}

/// A place where models run.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its id.
    pub id: String,
    /// Whose law applies.
    pub jurisdiction: Country,
    /// Where it stands, where known.
    pub location: Option<Location>,
    /// How far from it a call may run.
    pub inference_scope: InferenceScope,
    /// What it computes with.
    pub accelerators: Vec<Accelerator>,
}

/// Degrees; no sum of money ever comes near them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// North.
    pub lat: f64,
    /// East.
    pub lon: f64,
}

/// Hardware of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// Which.
    pub kind: String,
    /// How many, where known.
    pub count: Option<u64>,
}

/// Provider × model × site × price plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// Who serves it.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
    /// What callers may call it; at least one.
    pub names: Vec<String>,
    /// Where it runs.
    pub site: String,
    /// Its plan in the books.
    pub price_plan: String,
    /// The currency of that plan.
    pub currency: Currency,
    /// Input and output together, tokens.
    pub context_window: u64,
    /// Output, tokens.
    pub max_output: u64,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// What the provider allows.
    pub quota: Rates,
}

/// A virtual model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name callers ask for.
    pub name: String,
    /// Its policy; `None`: the project's.
    pub policy: Option<String>,
    /// The offers behind it, in order.
    pub offers: Vec<String>,
}

/// Which offers are eligible, and how one is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// What is best: one of `Cost`, `Latency`, `Ordered` in this version.
    pub objective: Objective,
    /// The usual time to the first token must be below this.
    pub first_token_p95: Option<Duration>,
    /// Tries of one call at the most.
    pub max_attempts: u32,
    /// The lawful mask: at least one rule must name a call's class, and every rule that does must allow the offer.
    pub rules: Vec<Rule>,
}

/// One rule of the lawful mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The classes it speaks of.
    pub data_class: Vec<DataClass>,
    /// Only these; empty: any.
    pub allow_jurisdictions: Vec<Country>,
    /// Not these.
    pub deny_jurisdictions: Vec<Country>,
    /// Only these; empty: any.
    pub allow_providers: Vec<String>,
    /// Not these.
    pub deny_providers: Vec<String>,
}

/// The price books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prices {
    /// Their texts, each checked to be a book.
    pub books: Vec<BookFile>,
    /// What happens when a price is not known: `Refuse` in this version.
    pub on_unknown: OnUnknown,
}

/// A price book as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookFile {
    /// Its file's name, for messages and reports.
    pub name: String,
    /// Its text.
    pub json: Vec<u8>,
}

/// Prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foresight {
    /// Whether it is asked.
    pub enabled: bool,
}

/// Logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// What is logged.
    pub log: String,
}
