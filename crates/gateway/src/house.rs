//! What every call shares: the accounts, the books, the offers, the ledger, and the limits of this gateway.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::Accounts;
use edge::{Body, Stop};
use foresight::Foresight;
use ledger::{Ledger, OfferLabels, name};
use parking_lot::RwLock;
use prices::{Books, Currency, PlanRef};
use routes::{Offer, Table};
use tokio::sync::watch;

use crate::{Metrics, Provider};

/// Answers `GET /v1/calls/{id}`: the attempts of a call as JSON, if the project may see them. Blocking.
pub type Lookup = Box<dyn Fn(ledger::CallId, &str) -> Option<Vec<u8>> + Send + Sync>;

/// Limits and habits of this gateway.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Largest request body, bytes.
    pub max_body: usize,
    /// Largest answer body that is not a stream, bytes.
    pub max_answer: usize,
    /// Longest pause while a client sends its request.
    pub body_pause: Duration,
    /// Longest time that a client takes to send its request.
    pub body_limit: Duration,
    /// Longest time a stream is read on after its client left.
    pub drain_limit: Duration,
    /// Calls without a price are refused (`on_unknown = "refuse"`) or let through, charged at their hold.
    pub refuse_unknown_price: bool,
    /// Foresight is asked.
    pub foresight: bool,
    /// The currency in which offers are compared.
    pub compare_in: Currency,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body: 32 << 20,
            max_answer: 64 << 20,
            body_pause: Duration::from_secs(30),
            body_limit: Duration::from_mins(5),
            drain_limit: Duration::from_mins(10),
            refuse_unknown_price: true,
            foresight: true,
            compare_in: Currency::CNY,
        }
    }
}

/// What a house is made of.
pub struct HouseParts {
    /// Keys, budgets, limits.
    pub accounts: Arc<Accounts>,
    /// The truth.
    pub ledger: Ledger,
    /// Prices.
    pub books: Arc<Books>,
    /// Offers, models, policies.
    pub table: Arc<Table>,
    /// Providers by name.
    pub providers: HashMap<String, Arc<Provider>>,
    /// Foresight of output.
    pub foresight: Arc<Foresight>,
    /// Counters for `/metrics`.
    pub metrics: Arc<Metrics>,
    /// Looks calls up.
    pub lookup: Lookup,
    /// Limits and habits.
    pub settings: Settings,
}

/// An offer with everything a call needs of it at hand.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) labels: Arc<OfferLabels>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) plan: Option<PlanRef>,
}

/// What every call shares.
pub struct House {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) ledger: Ledger,
    pub(crate) foresight: Arc<Foresight>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) lookup: Lookup,
    pub(crate) settings: Settings,
    /// Told when calls under way must end now.
    pub(crate) hurry: Stop,
    /// When it was put together, seconds since 1970.
    pub(crate) started: i64,
    offers: RwLock<Arc<Offers>>,
    driving: watch::Sender<()>,
}

/// The table and the lanes of its offers: swapped together.
#[derive(Debug)]
pub(crate) struct Offers {
    pub(crate) table: Arc<Table>,
    lanes: HashMap<String, Arc<Lane>>,
}

impl Offers {
    pub(crate) fn lane(&self, offer: &Offer) -> Option<&Arc<Lane>> {
        self.lanes.get(&offer.id)
    }
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("House")
    }
}

impl House {
    /// Puts a house together. An offer whose provider is not among the providers is never chosen; configuration
    /// refuses it before it comes here.
    pub fn new(parts: HouseParts) -> Arc<Self> {
        let offers = RwLock::new(Arc::new(lanes(&parts.table, &parts.books, &parts.providers)));
        Arc::new(Self {
            accounts: parts.accounts,
            ledger: parts.ledger,
            foresight: parts.foresight,
            metrics: parts.metrics,
            lookup: parts.lookup,
            settings: parts.settings,
            hurry: Stop::default(),
            started: crate::clock::now().0 / 1_000_000,
            offers,
            driving: watch::Sender::new(()),
        })
    }

    /// Offers, models and policies in force.
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.offers.read().table)
    }

    /// A model that a client may ask for; `None`: there is none.
    pub fn first_model(&self) -> Option<String> {
        self.table().models().into_iter().next().map(|(name, _)| name)
    }

    /// Replaces offers, prices and providers at once; calls under way keep what they were opened with.
    pub fn replace_offers(
        &self,
        table: &Arc<Table>,
        books: &Books,
        providers: &HashMap<String, Arc<Provider>>,
    ) {
        *self.offers.write() = Arc::new(lanes(table, books, providers));
    }

    pub(crate) fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.offers.read())
    }

    /// Runs a call's driving task; shutdown waits for it.
    pub(crate) fn drive<F: Future<Output = ()> + Send + 'static>(&self, task: F) {
        let alive = self.driving.subscribe();
        tokio::spawn(async move {
            task.await;
            drop(alive);
        });
    }

    /// Waits until every call is settled. After `grace`, calls still under way are treated as if their clients had
    /// left and their streams been cut; that wait is bounded by the ledger alone.
    pub async fn finish(&self, grace: Duration) {
        if tokio::time::timeout(grace, self.driving.closed()).await.is_err() {
            self.hurry.stop();
            self.driving.closed().await;
        }
    }

    /// Calls under way.
    pub fn under_way(&self) -> usize {
        self.driving.receiver_count()
    }
}

fn lanes(table: &Arc<Table>, books: &Books, providers: &HashMap<String, Arc<Provider>>) -> Offers {
    let lane = |offer: &Arc<Offer>| {
        let provider = Arc::clone(providers.get(&offer.provider)?);
        let labels = OfferLabels {
            offer: name(&offer.id),
            provider: name(&offer.provider),
            model: name(&offer.model),
            site: name(&offer.site),
            jurisdiction: name(&offer.jurisdiction),
            dialect: name(&offer.dialect),
            price_plan: name(&offer.price_plan),
        };
        let lane = Lane { labels: Arc::new(labels), provider, plan: books.plan(&offer.price_plan) };
        Some((offer.id.clone(), Arc::new(lane)))
    };
    Offers { table: Arc::clone(table), lanes: table.offers().iter().filter_map(lane).collect() }
}

/// The body type of every answer.
pub(crate) type Answer = http::Response<Body>;
