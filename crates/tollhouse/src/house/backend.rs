//! The console's questions, answered by the accounts, the routes and the ledger.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use accounts::{AccountsError, BudgetState, HoldBy, Key, Mode};
use console::{
    Backend, BudgetChange, BudgetView, CreatedKey, KeyView, LedgerView, Limits, NewKey, OfferView, OrgView,
    Problem, ProjectView, ProviderView, ShownSecret,
};
use gateway::now;
use ledger::{AdminAction, CallId, Entry, EntryBody, RealDisk, UnixMicros, name};
use reports::{CallRecord, CallStory, Cursor, Filter, LiveView, Measure, Query, Report, rfc3339};
use routes::{Circuit, Offer};

use super::{Folder, House, asked};
use crate::failure::Failure;

pub(super) const OFFER_DISABLE: &str = "offer.disable";
pub(super) const OFFER_ENABLE: &str = "offer.enable";
const ACTOR: &str = "admin";

/// The house, as the console asks it.
pub struct Desk {
    folder: Folder,
    accounts: Arc<accounts::Accounts>,
    ledger: ledger::Ledger,
    live: Arc<reports::Live>,
    metrics: Arc<gateway::Metrics>,
    gateway: Arc<gateway::House>,
}

impl Desk {
    /// A desk of a house.
    pub fn new(house: &House) -> Self {
        Self {
            folder: house.folder.clone(),
            accounts: Arc::clone(&house.accounts),
            ledger: house.ledger.clone(),
            live: Arc::clone(&house.live),
            metrics: Arc::clone(&house.metrics),
            gateway: Arc::clone(&house.gateway),
        }
    }

    /// Makes a change effective and waits until it is durable.
    fn enact(&self, body: &EntryBody) -> Result<(), Problem> {
        let enacted = self.accounts.enact(body, |body| self.ledger.append(now(), body));
        let ticket = enacted.map_err(|error| Problem::internal(error.to_string()))?;
        self.ledger.durable_blocking(ticket).map_err(|error| Problem::internal(error.to_string()))
    }

    fn key_view(&self, key: &Key) -> KeyView {
        let org = self
            .accounts
            .projects()
            .iter()
            .find(|project| project.id == key.project)
            .map(|it| it.org.clone());
        let state = if key.revoked {
            "revoked"
        } else if key.expires.is_some_and(|at| at <= now()) {
            "expired"
        } else {
            "active"
        };
        KeyView {
            id: key.id.clone(),
            org: org.unwrap_or_default(),
            project: key.project.clone(),
            app: key.app.clone(),
            domain: key.domain.clone().unwrap_or_default(),
            hint: String::new(),
            models: key.models.clone(),
            limits: Limits { rpm: key.limits.rpm, tpm: key.limits.tpm, concurrency: key.limits.concurrency },
            state: state.to_owned(),
            created_at: None,
            expires_at: key.expires.map(rfc3339),
            source: String::new(),
        }
    }

    fn budget_view(state: &BudgetState) -> BudgetView {
        let def = &state.def;
        let scope: BTreeMap<_, _> =
            def.scope.parts().map(|(part, value)| (part.to_owned(), value.to_owned())).collect();
        BudgetView {
            id: def.id.clone(),
            scope,
            window: def.window.name().to_owned(),
            mode: word(def.mode == Mode::Enforce, "enforce", "warn"),
            hold: word(def.hold == HoldBy::P99, "p99", "max"),
            zone: def.zone.clone(),
            currency: def.limit.currency,
            limit_nano: def.limit.amount.0.into(),
            spent_nano: state.spent.0,
            held_nano: state.held.0,
            resets_at: state.resets_at.map(rfc3339),
            source: String::new(),
        }
    }
}

fn word(first: bool, yes: &str, no: &str) -> String {
    if first { yes } else { no }.to_owned()
}

#[allow(clippy::needless_pass_by_value)] // handed to `map_err`
fn refused(error: AccountsError) -> Problem {
    let text = error.to_string();
    let (message, fix) = text.split_once("\n  fix: ").unwrap_or((&text, ""));
    let problem = match error {
        AccountsError::Unknown { .. } => Problem::new(404, "not_found", message),
        AccountsError::Twice { .. } | AccountsError::Fixed { .. } => Problem::new(409, "conflict", message),
        _ => Problem::new(400, "invalid_field", message),
    };
    if fix.is_empty() { problem } else { problem.fix(fix) }
}

impl Backend for Desk {
    fn now(&self) -> UnixMicros {
        now()
    }

    fn live(&self, since: Option<Cursor>) -> LiveView {
        self.live.view(now(), since)
    }

    fn call(&self, id: CallId) -> Result<Option<CallStory>, Problem> {
        match self.live.find(id) {
            Some(story) => Ok(Some(story)),
            None => find_in_ledger(&self.folder, id).map_err(|error| Problem::internal(error.to_string())),
        }
    }

    fn calls(&self, filter: &Filter, limit: usize) -> Result<Vec<String>, Problem> {
        let mut last = VecDeque::new();
        self.scan(&mut |entry| {
            let settles = !matches!(entry.body, EntryBody::Opened(_));
            if let Some(record) = CallRecord::of(entry).filter(|record| settles && filter.admits(record)) {
                last.push_back(record.to_json());
                if last.len() > limit {
                    last.pop_front();
                }
            }
        })?;
        Ok(last.into_iter().rev().collect())
    }

    fn report(&self, measure: Measure, query: Query) -> Result<Report, Problem> {
        match measure {
            Measure::Volume => reports::volume(&mut |each| self.scan(each), query),
            Measure::Cost => reports::cost(&mut |each| self.scan(each), query),
        }
    }

    fn budgets(&self) -> Result<Vec<BudgetView>, Problem> {
        Ok(self.accounts.budgets(now()).iter().map(Self::budget_view).collect())
    }

    fn set_budget(&self, id: &str, change: BudgetChange) -> Result<BudgetView, Problem> {
        let body = self.accounts.set_budget(asked::definition(id, change)?, ACTOR).map_err(refused)?;
        self.enact(&body)?;
        let budgets = self.accounts.budgets(now());
        let state = budgets.iter().find(|state| state.def.id == id);
        state.map(Self::budget_view).ok_or_else(|| Problem::not_found("budget", id))
    }

    fn remove_budget(&self, id: &str) -> Result<(), Problem> {
        let body = self.accounts.remove_budget(id, ACTOR).map_err(refused)?;
        self.enact(&body)
    }

    fn keys(&self) -> Result<Vec<KeyView>, Problem> {
        Ok(self.accounts.keys().iter().map(|key| self.key_view(key)).collect())
    }

    fn create_key(&self, new: NewKey) -> Result<CreatedKey, Problem> {
        let (spec, allowance) = asked::spec(new)?;
        let (secret, body) = self.accounts.create_key(spec, ACTOR).map_err(refused)?;
        self.enact(&body)?;
        let EntryBody::Admin(action) = &body else {
            return Err(Problem::internal("a key is made by an admin entry"));
        };
        let id = action.object.to_string();
        if let Some((limit, window)) = allowance {
            let def = asked::own_budget(&id, limit, window);
            let body = self.accounts.set_budget(def, ACTOR).map_err(refused)?;
            self.enact(&body)?;
        }
        let keys = self.accounts.keys();
        let key = keys.iter().find(|key| key.id == id).ok_or_else(|| Problem::not_found("key", &id))?;
        Ok(CreatedKey { key: self.key_view(key), secret: ShownSecret::new(secret.show_once()) })
    }

    fn revoke_key(&self, id: &str) -> Result<KeyView, Problem> {
        let body = self.accounts.revoke_key(id, ACTOR).map_err(refused)?;
        self.enact(&body)?;
        let keys = self.accounts.keys();
        keys.iter()
            .find(|key| key.id == id)
            .map(|key| self.key_view(key))
            .ok_or_else(|| Problem::not_found("key", id))
    }

    fn orgs(&self) -> Result<Vec<OrgView>, Problem> {
        let view = |org: &Arc<accounts::Org>| OrgView {
            id: org.id.clone(),
            currency: org.currency,
            time_zone: org.time_zone.clone(),
        };
        Ok(self.accounts.orgs().iter().map(view).collect())
    }

    fn projects(&self) -> Result<Vec<ProjectView>, Problem> {
        let view = |project: &Arc<accounts::Project>| ProjectView {
            id: project.id.clone(),
            org: project.org.clone(),
            domain: project.domain.clone(),
            policy: project.policy.clone().unwrap_or_default(),
            data_class: project.data_class.clone(),
        };
        Ok(self.accounts.projects().iter().map(view).collect())
    }

    fn offers(&self) -> Result<Vec<OfferView>, Problem> {
        Ok(self.gateway.table().offers().iter().map(|offer| offer_view(offer)).collect())
    }

    fn set_offer(&self, id: &str, enabled: bool) -> Result<OfferView, Problem> {
        let table = self.gateway.table();
        let offer = table.offer(id).ok_or_else(|| Problem::not_found("offer", id))?;
        let action = AdminAction {
            action: name(if enabled { OFFER_ENABLE } else { OFFER_DISABLE }),
            object: name(id),
            state: name(if enabled { "{\"enabled\":true}" } else { "{\"enabled\":false}" }),
            actor: name(ACTOR),
        };
        // What tightens counts at once; what loosens, once it is on record.
        if !enabled {
            offer.set_disabled(true);
        }
        let ticket = self.ledger.append(now(), EntryBody::Admin(Box::new(action)));
        let ticket = ticket.map_err(|error| Problem::internal(error.to_string()))?;
        self.ledger.durable_blocking(ticket).map_err(|error| Problem::internal(error.to_string()))?;
        offer.set_disabled(!enabled);
        Ok(offer_view(offer))
    }

    fn providers(&self) -> Result<Vec<ProviderView>, Problem> {
        let table = self.gateway.table();
        let mut by_name: BTreeMap<&str, Vec<&Arc<Offer>>> = BTreeMap::new();
        for offer in table.offers() {
            by_name.entry(&offer.provider).or_default().push(offer);
        }
        Ok(by_name.into_iter().map(|(provider, offers)| provider_view(provider, &offers)).collect())
    }

    fn ledger(&self) -> Result<LedgerView, Problem> {
        let status = self.ledger.status();
        Ok(LedgerView {
            next_sequence: status.next_seq,
            durable_sequence: status.durable_seq,
            commits: status.commits,
            fsyncs: status.fsyncs,
            bytes: status.bytes,
            queue: u64::try_from(status.queue).unwrap_or(u64::MAX),
            poisoned: status.poisoned,
        })
    }

    fn ready(&self) -> Result<(), String> {
        self.ledger.poisoned().map_or(Ok(()), Err)
    }

    fn metrics(&self) -> String {
        self.metrics.render(self.gateway.under_way())
    }
}

impl Desk {
    fn scan(&self, each: &mut dyn FnMut(&Entry)) -> Result<(), Problem> {
        super::scan(self.folder.path(), each).map_err(|error| Problem::internal(error.to_string()))
    }
}

/// A call's story from the ledger: a scan, for calls that the live view has forgotten.
pub(super) fn find_in_ledger(folder: &Folder, call: CallId) -> Result<Option<CallStory>, Failure> {
    let disk = RealDisk::existing(folder.ledger()).map_err(Failure::could_not)?;
    let mut story: Option<CallStory> = None;
    let mut each = |entry: &Entry| {
        let of = match &entry.body {
            EntryBody::Opened(opened) => Some(opened.call_id),
            EntryBody::Settled(settled) => Some(settled.opened.call_id),
            EntryBody::Refused(refused) => Some(refused.call_id),
            EntryBody::Budget(_) | EntryBody::Admin(_) => None,
        };
        if of == Some(call) {
            match &mut story {
                None => story = CallStory::begin(entry),
                Some(story) => story.add(entry),
            }
        }
        ControlFlow::Continue(())
    };
    ledger::scan(&disk, &mut each).map_err(Failure::could_not)?;
    Ok(story)
}

fn offer_view(offer: &Offer) -> OfferView {
    use std::sync::atomic::Ordering::Relaxed;
    let state = offer.health.state();
    let health = match state.circuit {
        Circuit::Closed if state.limited_until > now().0 => "degraded",
        Circuit::Closed => "ok",
        Circuit::HalfOpen => "degraded",
        Circuit::Open { .. } => "open",
    };
    OfferView {
        id: offer.id.clone(),
        provider: offer.provider.clone(),
        model: offer.model.clone(),
        names: offer.names.clone(),
        site: offer.site.clone(),
        jurisdiction: offer.jurisdiction.clone(),
        price_plan: offer.price_plan.clone(),
        enabled: !offer.disabled.load(Relaxed),
        health: health.to_owned(),
        in_flight: offer.in_flight.load(Relaxed),
    }
}

/// A provider is as well as its best offer.
fn provider_view(provider: &str, offers: &[&Arc<Offer>]) -> ProviderView {
    use std::sync::atomic::Ordering::Relaxed;
    let mut retry_at: Option<i64> = None;
    let (mut closed, mut half) = (0, 0);
    for offer in offers {
        match offer.health.state().circuit {
            Circuit::Closed => closed += 1,
            Circuit::HalfOpen => half += 1,
            Circuit::Open { until } => retry_at = Some(retry_at.map_or(until, |at| at.min(until))),
        }
    }
    let circuit = match (closed, half) {
        (0, 0) => "open",
        (0, _) => "half-open",
        _ => "closed",
    };
    let count = |counted: usize| u64::try_from(counted).unwrap_or(u64::MAX);
    ProviderView {
        provider: provider.to_owned(),
        circuit: circuit.to_owned(),
        offers: count(offers.len()),
        enabled: count(offers.iter().filter(|offer| !offer.disabled.load(Relaxed)).count()),
        retry_at: retry_at.filter(|_| closed == 0).map(|at| rfc3339(UnixMicros(at))),
    }
}
