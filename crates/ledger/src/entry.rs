//! The facts of the ledger. An entry is never edited: a later one says what changed.
//!
//! Never in an entry: a prompt, an answer, a secret.

use std::sync::Arc;

use prices::{Charge, Currency, Nano};
use tokens::{Provenance, Tokens};

use crate::{AttemptId, CallId, Seq, UnixMicros};

/// A shared name: labels repeat from entry to entry, so they are counted references.
pub type Name = Arc<str>;

/// A shared name from text.
pub fn name(text: &str) -> Name {
    Arc::from(text)
}

/// One fact, with its number and the instant it was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number within its writer.
    pub seq: Seq,
    /// When it was appended (wall clock; order is by `seq`).
    pub at: UnixMicros,
    /// What it says.
    pub body: EntryBody,
}

/// What an entry says. Matches name every kind: a new one fails to compile where it was forgotten.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryBody {
    /// An attempt is about to leave for its provider.
    Opened(Arc<Opened>),
    /// An attempt ended; final.
    Settled(Box<Settled>),
    /// A call was refused before any attempt, or between two.
    Refused(Box<Refused>),
    /// A budget's limit was set or changed.
    Budget(Box<BudgetSet>),
    /// An administrator, or the configuration, changed an account object (a key, an offer …).
    Admin(Box<AdminAction>),
}

/// Who called, for what: the labels of a call. Empty text: not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// Who pays.
    pub org: Name,
    /// A budgeted unit of it.
    pub project: Name,
    /// The API key's id (never its secret).
    pub key: Name,
    /// The caller's app.
    pub app: Name,
    /// `finance`, `healthcare`, `industrial`, …
    pub domain: Name,
    /// The user, hashed.
    pub user: Name,
}

/// What a route chose: the labels of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OfferLabels {
    /// The offer's id.
    pub offer: Name,
    /// Who serves it.
    pub provider: Name,
    /// The provider's name of the model.
    pub model: Name,
    /// Where it runs.
    pub site: Name,
    /// Whose law applies there (ISO 3166-1 alpha-2).
    pub jurisdiction: Name,
    /// The wire format spoken to it.
    pub dialect: Name,
    /// Its price plan.
    pub price_plan: Name,
}

/// An amount counted against one budget, in that budget's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetAmount {
    /// The budget's id.
    pub budget: Name,
    /// 10⁻⁹ of the budget's currency.
    pub amount: Nano,
}

/// Output tokens foreseen before the call. All zero: foresight was off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// Median.
    pub p50: u64,
    /// Nine of ten stay below.
    pub p90: u64,
    /// Ninety-nine of a hundred stay below.
    pub p99: u64,
}

/// An attempt before it leaves: who, where to, what is held for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The call it belongs to.
    pub call_id: CallId,
    /// Its own identity.
    pub attempt_id: AttemptId,
    /// 1 for the first try of its call.
    pub attempt: u32,
    /// When it was opened; picks its prices and its budget windows.
    pub opened_at: UnixMicros,
    /// Who called.
    pub labels: Arc<Labels>,
    /// The model's name as the client asked for it.
    pub requested_model: Name,
    /// Where it goes.
    pub offer: Arc<OfferLabels>,
    /// The client asked for a stream.
    pub streamed: bool,
    /// Input tokens by our own tokenizer.
    pub input_estimate: u64,
    /// Output tokens the hold is made for.
    pub output_bound: u64,
    /// What output was foreseen.
    pub foreseen: Foreseen,
    /// The charge held, in the offer's currency.
    pub hold: Charge,
    /// The same against every budget in scope, in each budget's currency.
    pub held: Vec<BudgetAmount>,
    /// Why this offer, and why not the others, in words.
    pub route_reason: Name,
    /// First 16 bytes of SHA-256 over the request body.
    pub request_hash: u128,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AttemptStatus {
    /// A whole answer.
    Ok = 0,
    /// The client left before its end.
    ClientClosed = 1,
    /// The provider refused or failed with an error of its own.
    ProviderError = 2,
    /// The provider's connection broke, or its answer was cut or garbled.
    UpstreamCut = 3,
    /// One of our timeouts ended it.
    Timeout = 4,
    /// Open when the gateway stopped; settled at the next start.
    Recovered = 5,
}

impl AttemptStatus {
    /// Every status; a value's place is its code in the ledger.
    pub const ALL: &'static [Self] = &[
        Self::Ok,
        Self::ClientClosed,
        Self::ProviderError,
        Self::UpstreamCut,
        Self::Timeout,
        Self::Recovered,
    ];

    /// The name used in records and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientClosed => "client_closed",
            Self::ProviderError => "provider_error",
            Self::UpstreamCut => "upstream_cut",
            Self::Timeout => "timeout",
            Self::Recovered => "recovered",
        }
    }
}

/// The final word on an attempt. It repeats what was opened, so that a scan needs no join.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// What was opened.
    pub opened: Arc<Opened>,
    /// First byte of content from the provider.
    pub first_token_at: Option<UnixMicros>,
    /// When the attempt ended.
    pub ended_at: UnixMicros,
    /// How it ended.
    pub status: AttemptStatus,
    /// The provider's HTTP status; 0: none came.
    pub http_status: u16,
    /// Class of the failure (`rate`, `overload`, `timeout`, …); empty: none.
    pub error_class: Name,
    /// The provider's own finish reason; empty: none said.
    pub finish_reason: Name,
    /// The provider's id of the answer; empty: none said.
    pub provider_response_id: Name,
    /// The model that answered, by the provider's word; empty: none said.
    pub served_model: Name,
    /// The model whose rates were used.
    pub priced_model: Name,
    /// The service tier that picked the rates.
    pub service_tier: Name,
    /// What was used.
    pub tokens: Tokens,
    /// How that is known.
    pub provenance: Provenance,
    /// Output tokens by our own tokenizer, where they were counted.
    pub recounted: Option<u64>,
    /// The charge; `None`: the price is unknown (it is then charged to budgets at the hold).
    pub charge: Option<Nano>,
    /// The currency of hold and charge.
    pub currency: Currency,
    /// The price book's version.
    pub book_version: Name,
    /// Ids of the rates used, comma separated.
    pub rate_ids: Name,
    /// What was spent of every budget in scope, in each budget's currency.
    pub spent: Vec<BudgetAmount>,
    /// Marks against the provider's usage (`total_mismatch`, `negative` …), comma separated; empty: none.
    pub flags: Name,
    /// The provider's usage object as it came; empty: none came.
    pub raw_usage: Name,
}

/// A refusal: nothing left for a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The call.
    pub call_id: CallId,
    /// Who called (empty where the key was not known).
    pub labels: Arc<Labels>,
    /// The model asked for.
    pub requested_model: Name,
    /// The stable code: `insufficient_quota`, `no_lawful_offer`, …
    pub code: Name,
    /// HTTP status of the answer.
    pub http_status: u16,
    /// Why, in words; names the scope, the limit, the offers.
    pub reason: Name,
}

/// A budget's limit from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetSet {
    /// Its id.
    pub budget: Name,
    /// The definition as JSON (scope, limit, window, mode, hold, zone); empty: the budget is removed.
    pub definition: Name,
    /// Who did it: `config`, `admin`, `cli`, `first-start`.
    pub actor: Name,
}

/// A change to an account object.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminAction {
    /// `key.create`, `key.revoke`, `org.set`, `project.set`, `offer.disable`, …
    pub action: Name,
    /// The object's id.
    pub object: Name,
    /// The object's new state as JSON, secrets hashed; empty: removed.
    pub state: Name,
    /// Who did it.
    pub actor: Name,
}
