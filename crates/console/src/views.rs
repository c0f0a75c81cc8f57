//! What the admin API shows and takes. Money is decimal text of 10⁻⁹ units (`…_nano`) beside its currency; where
//! people write it, it is `100 CNY`. Times are RFC 3339.

use std::collections::BTreeMap;
use std::fmt;

use prices::Currency;
use serde::{Deserialize, Serialize, Serializer};

/// A budget, and how much of it is gone in the current window.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetView {
    /// Its id.
    pub id: String,
    /// Labels that a call must bear to be in scope: `{"project":"claims"}`.
    pub scope: BTreeMap<String, String>,
    /// `hour`, `day`, `week`, `month` or `total`.
    pub window: String,
    /// `enforce` or `warn`.
    pub mode: String,
    /// `p99` or `max`: how much output a hold is made for.
    pub hold: String,
    /// The zone of its windows.
    pub zone: String,
    /// The currency of the three amounts.
    pub currency: Currency,
    /// The limit.
    #[serde(serialize_with = "amount")]
    pub limit_nano: i128,
    /// Settled in this window.
    #[serde(serialize_with = "amount")]
    pub spent_nano: i128,
    /// Held for attempts under way.
    #[serde(serialize_with = "amount")]
    pub held_nano: i128,
    /// When the window ends; `None`: never.
    pub resets_at: Option<String>,
    /// Where it was set: `config`, `admin`, …
    pub source: String,
}

/// A budget as it is set by `PUT /admin/v1/budgets/{id}`; the keys are those of `tollhouse.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    /// Labels that a call must bear to be in scope.
    pub scope: BTreeMap<String, String>,
    /// `5000 CNY`.
    pub limit: String,
    /// `hour`, `day`, `week`, `month` or `total`.
    #[serde(default = "month")]
    pub window: String,
    /// `enforce` or `warn`.
    #[serde(default = "enforce")]
    pub mode: String,
    /// `p99` or `max`.
    #[serde(default = "max")]
    pub hold: String,
    /// IANA zone of its windows; empty: that of the org in scope, where one is, else UTC.
    #[serde(default)]
    pub zone: String,
}

fn month() -> String {
    "month".to_owned()
}

fn enforce() -> String {
    "enforce".to_owned()
}

fn max() -> String {
    "max".to_owned()
}

/// Limits of a key; absent: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Calls at once.
    pub concurrency: Option<u64>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// The org that pays.
    pub org: String,
    /// The project.
    pub project: String,
    /// The app; empty: not said.
    pub app: String,
    /// The domain; empty: not said.
    pub domain: String,
    /// The last characters of the secret, to tell keys apart; empty: not kept.
    pub hint: String,
    /// Models that it may ask for; empty: all.
    pub models: Vec<String>,
    /// Its limits.
    pub limits: Limits,
    /// `active`, `revoked` or `expired`.
    pub state: String,
    /// When it was created; `None`: by the configuration.
    pub created_at: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<String>,
    /// Where it was made: `config`, `admin`, `cli`, `first-start`.
    pub source: String,
}

/// A key as it is asked for by `POST /admin/v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Its id; absent: one is made.
    #[serde(default)]
    pub id: Option<String>,
    /// The project.
    pub project: String,
    /// The app.
    #[serde(default)]
    pub app: String,
    /// The domain.
    #[serde(default)]
    pub domain: String,
    /// Models that it may ask for; empty: all.
    #[serde(default)]
    pub models: Vec<String>,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
    /// When it ends by itself (RFC 3339).
    #[serde(default)]
    pub expires: Option<String>,
    /// A budget of its own: `100 CNY/month`.
    #[serde(default)]
    pub budget: Option<String>,
}

/// A new key with its secret, which is shown this once.
#[derive(Debug, Serialize)]
pub struct CreatedKey {
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
    /// Its secret.
    pub secret: ShownSecret,
}

/// A secret that is written into one answer and nowhere else: not printable by `Debug`.
pub struct ShownSecret(String);

impl ShownSecret {
    /// Wraps a secret that its owner is about to be shown.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for ShownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownSecret(****)")
    }
}

impl Serialize for ShownSecret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

/// Who pays.
#[derive(Clone, Debug, Serialize)]
pub struct OrgView {
    /// Its id.
    pub id: String,
    /// The currency of its budgets.
    pub currency: Currency,
    /// The zone of its windows.
    pub time_zone: String,
}

/// A budgeted unit of an org.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectView {
    /// Its id.
    pub id: String,
    /// Its org.
    pub org: String,
    /// Its domain; empty: not said.
    pub domain: String,
    /// Its policy; empty: the default.
    pub policy: String,
    /// Its data class; empty: the default.
    pub data_class: String,
}

/// What a route can choose, and how it is.
#[derive(Clone, Debug, Serialize)]
pub struct OfferView {
    /// Its id.
    pub id: String,
    /// Who serves it.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
    /// What clients may call it.
    pub names: Vec<String>,
    /// Where it runs.
    pub site: String,
    /// Whose law applies there.
    pub jurisdiction: String,
    /// Its price plan.
    pub price_plan: String,
    /// Whether routes may choose it.
    pub enabled: bool,
    /// `ok`, `degraded` or `open` (its circuit is open: it is left alone for a while).
    pub health: String,
    /// Calls under way.
    pub in_flight: u64,
}

/// A change by `PATCH /admin/v1/offers/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferChange {
    /// Whether routes may choose it.
    pub enabled: bool,
}

/// A provider's health, by its offers' circuits; its rates and latencies are in the live view.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderView {
    /// The provider.
    pub provider: String,
    /// `closed` (calls go), `half-open` (one is tried) or `open` (none goes).
    pub circuit: String,
    /// Offers of it.
    pub offers: u64,
    /// Offers of it that routes may choose.
    pub enabled: u64,
    /// When an open circuit is tried again.
    pub retry_at: Option<String>,
}

/// How the ledger is.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerView {
    /// The number of the next entry.
    pub next_sequence: u64,
    /// Entries up to this number are durable.
    pub durable_sequence: u64,
    /// Commits since start.
    pub commits: u64,
    /// Calls of fdatasync since start.
    pub fsyncs: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Entries that wait to be written.
    pub queue: u64,
    /// Why nothing is written any more; `None`: all is well.
    pub poisoned: Option<String>,
}

/// Money as decimal text: a JSON number is not exact past 2⁵³ in a browser.
fn amount<S: Serializer>(nano: &i128, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(nano)
}
