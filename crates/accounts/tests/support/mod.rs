//! A small house, and a ledger in memory that numbers and dates its entries as the real one does.

#![allow(dead_code)] // each test file uses its part
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use accounts::{
    Accounts, BudgetDef, Caller, Declared, FxTable, Hold, HoldRefusal, HoldRequest, Key, Limits, Org,
    Project, ScopeValues, SecretHash,
};
use ledger::{
    AttemptId, AttemptStatus, BudgetAmount, CallId, Entry, EntryBody, Foreseen, OfferLabels, Opened, Seq,
    Settled, UnixMicros, name,
};
use parking_lot::Mutex;
use prices::{Charge, Currency, Nano};
use tokens::{Provenance, Tokens};

/// 2026-11-25T00:00:00Z.
pub const START: i64 = 1_795_564_800_000_000;
pub const SECRET: &str = "th-test-secret";

pub fn org(id: &str, zone: &str) -> Org {
    Org { id: id.into(), currency: Currency::CNY, time_zone: zone.into(), owner_country: "CN".into() }
}

pub fn project(id: &str, org: &str) -> Project {
    Project {
        id: id.into(),
        org: org.into(),
        domain: "finance".into(),
        policy: None,
        data_class: "personal".into(),
        origin: "CN-SH".into(),
    }
}

pub fn key(id: &str, project: &str, secret: &str) -> Key {
    Key {
        id: id.into(),
        project: project.into(),
        app: String::new(),
        domain: None,
        models: Vec::new(),
        limits: Limits::default(),
        expires: None,
        revoked: false,
        secret_hash: SecretHash::of(secret),
    }
}

/// `budget(r#"{"id":"a","limit":"1 CNY","window":"day"}"#)`
pub fn budget(json: &str) -> BudgetDef {
    serde_json::from_str(json).unwrap()
}

pub fn declared(budgets: &[&str]) -> Declared {
    Declared {
        orgs: vec![org("acme", "Asia/Shanghai")],
        projects: vec![project("claims", "acme"), project("sales", "acme")],
        keys: vec![key("k1", "claims", SECRET), key("k2", "sales", "th-other")],
        budgets: budgets.iter().map(|json| budget(json)).collect(),
    }
}

pub fn fx() -> FxTable {
    let mut fx = FxTable::default();
    fx.insert("USD/CNY", "7.10", "2026-11-24T00:00:00Z".parse().unwrap()).unwrap();
    fx
}

pub fn house(budgets: &[&str]) -> (Accounts, Arc<Caller>) {
    let accounts = Accounts::new(declared(budgets), fx()).unwrap();
    let caller = accounts.caller(SECRET, UnixMicros(START)).unwrap();
    (accounts, caller)
}

pub fn cny(nano: i64) -> Charge {
    Charge { amount: Nano(nano), currency: Currency::CNY }
}

/// Holds for a call of `model` at provider `p`.
pub fn hold(
    accounts: &Accounts,
    caller: &Caller,
    model: &str,
    nano: i64,
    at: i64,
) -> Result<Hold, HoldRefusal> {
    let request = HoldRequest { p99: cny(nano), max: cny(nano * 2) };
    let scope = ScopeValues { labels: caller.own_labels(), requested_model: model, model, provider: "p" };
    accounts.hold(caller, &scope, &request, UnixMicros(at))
}

/// Spent, held of a budget in the window of an instant.
pub fn counts(accounts: &Accounts, id: &str, at: i64) -> (i128, i128) {
    let budgets = accounts.budgets(UnixMicros(at));
    let budget = budgets.iter().find(|budget| budget.def.id == id).unwrap();
    (budget.spent.0, budget.held.0)
}

/// The ledger: entries in order, each with the instant of its append; time moves by a microsecond at every look.
#[derive(Default)]
pub struct Books {
    pub entries: Mutex<Vec<Entry>>,
    ticks: AtomicI64,
    attempts: AtomicU64,
}

impl Books {
    pub fn now(&self) -> i64 {
        START + self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    pub fn pass(&self, micros: i64) {
        self.ticks.fetch_add(micros, Ordering::SeqCst);
    }

    pub fn append(&self, body: EntryBody) {
        let mut entries = self.entries.lock();
        let seq = Seq(u64::try_from(entries.len()).unwrap() + 1);
        entries.push(Entry { seq, at: UnixMicros(self.now()), body });
    }

    /// Makes a change effective, and writes it down.
    pub fn enact(&self, accounts: &Accounts, body: &EntryBody) {
        let append = |body| {
            self.append(body);
            Ok::<_, Infallible>(())
        };
        accounts.enact(body, append).unwrap();
    }

    /// Writes the configuration down, as a start does.
    pub fn declare(&self, accounts: &Accounts) {
        for body in accounts.declared_changes() {
            self.enact(accounts, &body);
        }
    }

    /// Appends the `opened` entry of a hold.
    pub fn open(&self, caller: &Caller, hold: &Hold, at: i64) -> Arc<Opened> {
        let id = u128::from(self.attempts.fetch_add(1, Ordering::SeqCst)) + 1;
        let opened = Arc::new(Opened {
            call_id: CallId(id),
            attempt_id: AttemptId(id),
            attempt: 1,
            opened_at: UnixMicros(at),
            labels: Arc::clone(caller.own_labels()),
            requested_model: name("m"),
            offer: Arc::new(OfferLabels::default()),
            streamed: false,
            input_estimate: 1,
            output_bound: 1,
            foreseen: Foreseen::default(),
            hold: hold.charge(),
            held: hold.parts().to_vec(),
            route_reason: name(""),
            request_hash: 0,
        });
        self.append(EntryBody::Opened(Arc::clone(&opened)));
        opened
    }

    /// Appends the `settled` entry of an attempt.
    pub fn settle(&self, opened: &Arc<Opened>, spent: &[BudgetAmount], charge: Option<Nano>) {
        self.append(self.settled(opened, spent, charge));
    }

    pub fn settled(&self, opened: &Arc<Opened>, spent: &[BudgetAmount], charge: Option<Nano>) -> EntryBody {
        EntryBody::Settled(Box::new(Settled {
            opened: Arc::clone(opened),
            first_token_at: None,
            ended_at: UnixMicros(self.now()),
            status: AttemptStatus::Ok,
            http_status: 200,
            error_class: name(""),
            finish_reason: name("stop"),
            provider_response_id: name(""),
            served_model: name(""),
            priced_model: name(""),
            service_tier: name("standard"),
            tokens: Tokens::default(),
            provenance: Provenance::ProviderFinal,
            recounted: None,
            charge,
            currency: Currency::CNY,
            book_version: name(""),
            rate_ids: name(""),
            spent: spent.to_vec(),
            flags: name(""),
            raw_usage: name(""),
        }))
    }

    /// The accounts that these entries make of a configuration.
    pub fn fold(&self, declared: Declared) -> Accounts {
        let accounts = Accounts::new(declared, fx()).unwrap();
        for entry in self.entries.lock().iter() {
            accounts.apply(entry).unwrap();
        }
        accounts
    }
}
