//! A backend without a gateway: made-up entries, so that the console can be looked at and tested alone.

use std::collections::BTreeMap;

use console::{
    Backend, BudgetChange, BudgetView, CreatedKey, KeyView, LedgerView, Limits, NewKey, OfferView, OrgView,
    Problem, ProjectView, ProviderView, ShownSecret,
};
use ledger::{CallId, Entry, Seq, UnixMicros};
use parking_lot::Mutex;
use prices::{Charge, Currency};
use reports::{CallRecord, CallStory, Cursor, Filter, Live, LiveView, Measure, Query, Report};

/// Entries, budgets and keys in memory.
pub struct Fake {
    /// Its clock.
    pub clock: fn() -> UnixMicros,
    live: Live,
    entries: Mutex<Vec<Entry>>,
    budgets: Mutex<BTreeMap<String, BudgetView>>,
    keys: Mutex<BTreeMap<String, KeyView>>,
    offers: Mutex<BTreeMap<String, OfferView>>,
}

impl Fake {
    /// With nothing in it.
    pub fn new(clock: fn() -> UnixMicros) -> Self {
        let (entries, budgets, keys) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { clock, live: Live::default(), entries, budgets, keys, offers: Mutex::default() }
    }

    /// Appends an entry.
    pub fn append(&self, at: UnixMicros, body: ledger::EntryBody) {
        let mut entries = self.entries.lock();
        let seq = Seq(u64::try_from(entries.len()).unwrap_or(u64::MAX) + 1);
        let entry = Entry { seq, at, body };
        self.live.apply(&entry);
        entries.push(entry);
    }

    /// Adds to what was spent and held of a budget.
    #[allow(dead_code)] // the example's; tests move no budget
    pub fn spend(&self, id: &str, spent: i128, held: i128) {
        if let Some(budget) = self.budgets.lock().get_mut(id) {
            budget.spent_nano += spent;
            budget.held_nano += held;
        }
    }

    /// Adds an offer.
    #[allow(dead_code)] // as above
    pub fn add_offer(&self, offer: OfferView) {
        self.offers.lock().insert(offer.id.clone(), offer);
    }
}

impl Backend for Fake {
    fn now(&self) -> UnixMicros {
        (self.clock)()
    }

    fn live(&self, since: Option<Cursor>) -> LiveView {
        self.live.view(self.now(), since)
    }

    fn call(&self, id: CallId) -> Result<Option<CallStory>, Problem> {
        Ok(self.live.find(id))
    }

    fn calls(&self, filter: &Filter, limit: usize) -> Result<Vec<String>, Problem> {
        let entries = self.entries.lock();
        let records = entries.iter().rev().filter_map(CallRecord::of).filter(|record| filter.admits(record));
        Ok(records.take(limit).map(|record| record.to_json()).collect())
    }

    fn report(&self, measure: Measure, query: Query) -> Result<Report, Problem> {
        let entries = self.entries.lock();
        let mut scan = |each: &mut dyn FnMut(&Entry)| {
            for entry in entries.iter() {
                each(entry);
            }
            Ok(())
        };
        match measure {
            Measure::Volume => reports::volume(&mut scan, query),
            Measure::Cost => reports::cost(&mut scan, query),
        }
    }

    fn budgets(&self) -> Result<Vec<BudgetView>, Problem> {
        Ok(self.budgets.lock().values().cloned().collect())
    }

    fn set_budget(&self, id: &str, change: BudgetChange) -> Result<BudgetView, Problem> {
        let limit: Charge =
            change.limit.parse().map_err(|_| Problem::field("limit", "no amount", "write \"100 CNY\""))?;
        let view = BudgetView {
            id: id.to_owned(),
            scope: change.scope,
            window: change.window,
            mode: change.mode,
            hold: change.hold,
            zone: "Asia/Shanghai".to_owned(),
            currency: limit.currency,
            limit_nano: limit.amount.0.into(),
            spent_nano: 0,
            held_nano: 0,
            resets_at: Some("2026-12-01T00:00:00+08:00".to_owned()),
            source: "admin".to_owned(),
        };
        self.budgets.lock().insert(id.to_owned(), view.clone());
        Ok(view)
    }

    fn remove_budget(&self, id: &str) -> Result<(), Problem> {
        self.budgets.lock().remove(id).map(|_| ()).ok_or_else(|| Problem::not_found("budget", id))
    }

    fn keys(&self) -> Result<Vec<KeyView>, Problem> {
        Ok(self.keys.lock().values().cloned().collect())
    }

    fn create_key(&self, key: NewKey) -> Result<CreatedKey, Problem> {
        let mut keys = self.keys.lock();
        if !self.projects()?.iter().any(|project| project.id == key.project) {
            return Err(Problem::field(
                "project",
                format!("there is no project `{}`", key.project),
                "use claims",
            ));
        }
        let id = key.id.unwrap_or_else(|| format!("key-{}", keys.len() + 1));
        let view = KeyView {
            id: id.clone(),
            org: "acme".to_owned(),
            project: key.project,
            app: key.app,
            domain: key.domain,
            hint: "7Qx4".to_owned(),
            models: key.models,
            limits: key.limits,
            state: "active".to_owned(),
            created_at: Some(reports::rfc3339(self.now())),
            expires_at: key.expires,
            source: "admin".to_owned(),
        };
        keys.insert(id, view.clone());
        Ok(CreatedKey { key: view, secret: ShownSecret::new("th-made-up-secret-7Qx4") })
    }

    fn revoke_key(&self, id: &str) -> Result<KeyView, Problem> {
        let mut keys = self.keys.lock();
        let key = keys.get_mut(id).ok_or_else(|| Problem::not_found("key", id))?;
        "revoked".clone_into(&mut key.state);
        Ok(key.clone())
    }

    fn orgs(&self) -> Result<Vec<OrgView>, Problem> {
        let (id, time_zone) = ("acme".to_owned(), "Asia/Shanghai".to_owned());
        Ok(vec![OrgView { id, currency: Currency::CNY, time_zone }])
    }

    fn projects(&self) -> Result<Vec<ProjectView>, Problem> {
        let project = |id: &str, domain: &str| ProjectView {
            id: id.to_owned(),
            org: "acme".to_owned(),
            domain: domain.to_owned(),
            policy: "cheapest-lawful".to_owned(),
            data_class: "internal".to_owned(),
        };
        Ok(vec![
            project("claims", "finance"),
            project("radiology", "healthcare"),
            project("line-7", "industrial"),
        ])
    }

    fn offers(&self) -> Result<Vec<OfferView>, Problem> {
        Ok(self.offers.lock().values().cloned().collect())
    }

    fn set_offer(&self, id: &str, enabled: bool) -> Result<OfferView, Problem> {
        let mut offers = self.offers.lock();
        let offer = offers.get_mut(id).ok_or_else(|| Problem::not_found("offer", id))?;
        offer.enabled = enabled;
        Ok(offer.clone())
    }

    fn providers(&self) -> Result<Vec<ProviderView>, Problem> {
        let mut providers: BTreeMap<String, ProviderView> = BTreeMap::new();
        for offer in self.offers.lock().values() {
            let provider = providers.entry(offer.provider.clone()).or_insert_with(|| ProviderView {
                provider: offer.provider.clone(),
                circuit: "closed".to_owned(),
                offers: 0,
                enabled: 0,
                retry_at: None,
            });
            provider.offers += 1;
            provider.enabled += u64::from(offer.enabled);
            if offer.health == "open" {
                "half-open".clone_into(&mut provider.circuit);
            }
        }
        Ok(providers.into_values().collect())
    }

    fn ledger(&self) -> Result<LedgerView, Problem> {
        let entries = u64::try_from(self.entries.lock().len()).unwrap_or(u64::MAX);
        Ok(LedgerView {
            next_sequence: entries + 1,
            durable_sequence: entries,
            commits: entries,
            fsyncs: entries,
            bytes: entries * 100,
            queue: 0,
            poisoned: None,
        })
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn metrics(&self) -> String {
        "# TYPE tollhouse_up gauge\ntollhouse_up 1\n".to_owned()
    }
}

/// A key without limits.
pub fn key(project: &str, app: &str, domain: &str) -> NewKey {
    NewKey {
        id: Some(format!("{project}-{app}")),
        project: project.to_owned(),
        app: app.to_owned(),
        domain: domain.to_owned(),
        models: vec![],
        limits: Limits { rpm: Some(600), tpm: Some(1_000_000), concurrency: Some(64) },
        expires: None,
        budget: None,
    }
}

/// A budget of a project.
pub fn budget(project: &str, limit: &str) -> BudgetChange {
    BudgetChange {
        scope: BTreeMap::from([("project".to_owned(), project.to_owned())]),
        limit: limit.to_owned(),
        window: "month".to_owned(),
        mode: "enforce".to_owned(),
        hold: "p99".to_owned(),
        zone: String::new(),
    }
}
