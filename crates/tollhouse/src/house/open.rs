//! Opening a house: the ledger is recovered into the accounts and the views, what a crash left open is settled, and
//! what the configuration says anew is written down. Only then may a listener be bound.

use std::collections::HashMap;
use std::sync::Arc;

use accounts::Accounts;
use config::{Config, Loaded};
use foresight::{Context, Foresight};
use gateway::{HouseParts, Metrics, Provider, Settings, now, settle_left_open};
use ledger::{AttemptStatus, Entry, EntryBody, Ledger, Options, RealDisk, Recovery};
use reports::Live;
use routes::Table;

use super::{Folder, compose};
use crate::failure::Failure;
use crate::output;

/// Everything of an open house that more than one part of the binary needs.
pub struct House {
    pub folder: Folder,
    pub accounts: Arc<Accounts>,
    pub ledger: Ledger,
    pub live: Arc<Live>,
    pub metrics: Arc<Metrics>,
    pub gateway: Arc<gateway::House>,
    pub recovery: Recovery,
    /// Attempts that a crash had left open.
    pub left_open: usize,
}

/// Offers, prices and providers of a configuration: what a reload replaces together.
pub struct Supply {
    pub table: Arc<Table>,
    pub books: Arc<prices::Books>,
    pub providers: HashMap<String, Arc<Provider>>,
}

impl Supply {
    /// Puts them together.
    pub fn of(loaded: &Loaded, before: Option<&Table>) -> Result<Self, Failure> {
        Ok(Self {
            table: compose::table(&loaded.config, before)?,
            books: Arc::clone(&loaded.books),
            providers: compose::providers(&loaded.config)?,
        })
    }
}

/// Opens a house in a data folder. Blocking: it reads the whole ledger.
pub fn open(loaded: &Loaded, folder: Folder) -> Result<House, Failure> {
    let (config, supply) = (&loaded.config, Supply::of(loaded, None)?);
    let accounts =
        Accounts::new(compose::declared(config), compose::fx(config)?).map_err(Failure::could_not)?;
    let accounts = Arc::new(accounts);
    let (live, metrics, foresight) =
        (Arc::new(Live::default()), Arc::new(Metrics::default()), Arc::new(Foresight::default()));
    let disk = RealDisk::new(folder.ledger()).map_err(Failure::could_not)?;
    let options = Options { commit_interval: config.ledger.commit_interval, ..Options::default() };
    let mut refused = None;
    let mut visit = |entry: &Entry| {
        if let Err(error) = accounts.apply(entry) {
            refused.get_or_insert(format!("entry {}: {error}", entry.seq.0));
        }
        live.apply(entry);
        relearn(&foresight, entry);
        switched(&supply.table, entry);
    };
    let observer = {
        let (live, metrics) = (Arc::clone(&live), Arc::clone(&metrics));
        Box::new(move |entry: &Entry| {
            live.apply(entry);
            metrics.apply(entry);
        })
    };
    let opened = Ledger::open(Arc::new(disk), options, &mut visit, Some(observer));
    let (ledger, recovery) = opened.map_err(Failure::could_not)?;
    for damage in &recovery.damages {
        output::tell(format_args!("tollhouse: the ledger is damaged: {damage}"));
    }
    if let Some(refused) = refused {
        // An entry that passed its checksum and is not understood: an older release must not guess at money.
        return Err(Failure::could_not(format_args!(
            "the ledger holds what this release does not understand: {refused}"
        )));
    }
    let left_open = settle_left_open(&accounts, &ledger).map_err(Failure::could_not)?;
    let mut last = None;
    for body in accounts.declared_changes() {
        let enacted = accounts.enact(&body, |body| ledger.append(now(), body));
        last = Some(enacted.map_err(Failure::could_not)?);
    }
    if let Some(ticket) = last {
        ledger.durable_blocking(ticket).map_err(Failure::could_not)?;
    }
    let gateway = gateway::House::new(HouseParts {
        accounts: Arc::clone(&accounts),
        ledger: ledger.clone(),
        books: supply.books,
        table: supply.table,
        providers: supply.providers,
        foresight,
        metrics: Arc::clone(&metrics),
        lookup: lookup(&live, &folder),
        settings: settings(config)?,
    });
    Ok(House { folder, accounts, ledger, live, metrics, gateway, recovery, left_open })
}

fn settings(config: &Config) -> Result<Settings, Failure> {
    Ok(Settings {
        max_body: usize::try_from(config.server.max_body).map_err(Failure::could_not)?,
        refuse_unknown_price: config.prices.on_unknown == config::OnUnknown::Refuse,
        foresight: config.foresight.enabled,
        compare_in: config.orgs.first().map_or(prices::Currency::CNY, |org| org.currency),
        ..Settings::default()
    })
}

/// Foresight is learnt again from the ledger, so that a restart forgets nothing.
fn relearn(foresight: &Foresight, entry: &Entry) {
    let EntryBody::Settled(settled) = &entry.body else { return };
    let cut = dialects::is_cut_by_limit(&settled.finish_reason);
    if settled.status != AttemptStatus::Ok || !settled.provenance.is_final() || cut {
        return;
    }
    let opened = &settled.opened;
    let app = if opened.labels.app.is_empty() { &opened.labels.key } else { &opened.labels.app };
    let context = Context { model: &opened.offer.model, app, input_tokens: opened.input_estimate };
    let foreseen = (opened.foreseen.p99 > 0).then_some(foresight::Foreseen {
        p50: opened.foreseen.p50,
        p90: opened.foreseen.p90,
        p99: opened.foreseen.p99,
    });
    foresight.learn(&context, foreseen, settled.tokens.output());
}

/// Offers that an administrator switched stay switched.
fn switched(table: &Table, entry: &Entry) {
    let EntryBody::Admin(action) = &entry.body else { return };
    let disabled = match &*action.action {
        super::backend::OFFER_DISABLE => true,
        super::backend::OFFER_ENABLE => false,
        _ => return,
    };
    if let Some(offer) = table.offer(&action.object) {
        offer.set_disabled(disabled);
    }
}

/// Calls are looked up among the last ones, then in the ledger.
fn lookup(live: &Arc<Live>, folder: &Folder) -> gateway::Lookup {
    let (live, folder) = (Arc::clone(live), folder.clone());
    Box::new(move |call, project| {
        let story = match live.find(call) {
            Some(story) => story,
            None => super::backend::find_in_ledger(&folder, call).ok()??,
        };
        (&*story.labels().project == project).then(|| serde_json::to_vec(&story).unwrap_or_default())
    })
}
