//! What is happening now: the last minutes second by second, totals, the last calls, the providers.
//!
//! One `apply` serves recovery and the running ledger alike, so that the two cannot disagree. Memory is bounded by
//! [`LiveLimits`]; time comes with the entries and with the question.

mod provider;
mod second;
mod view;

use std::collections::{HashMap, VecDeque};

use ledger::{CallId, Entry, EntryBody, Settled, UnixMicros};
use parking_lot::Mutex;
use prices::Currency;
use tokens::Provenance;

use crate::{CallStory, Money, Name, TokenSums};
use provider::ProviderState;
use second::Seconds;
pub use view::LiveView;

/// A place in the stream of changes: what changed after it is news to whoever holds it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Cursor(pub u64);

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub struct LiveLimits {
    /// Seconds of the charts.
    pub seconds: usize,
    /// Calls with their story.
    pub calls: usize,
    /// Providers; those beyond are counted in the totals only.
    pub providers: usize,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self { seconds: 600, calls: 500, providers: 256 }
    }
}

/// The live view. Cheap to feed (a lock and some additions per entry), read by snapshot.
pub struct Live {
    state: Mutex<State>,
}

struct State {
    limits: LiveLimits,
    cursor: u64,
    since: Option<UnixMicros>,
    seconds: Seconds,
    totals: LiveTotals,
    providers: HashMap<Name, ProviderState>,
    /// Stories by call, and calls in the order of their first entry.
    stories: HashMap<CallId, Changed>,
    order: VecDeque<CallId>,
}

struct Changed {
    at: u64,
    story: CallStory,
}

/// Totals over every entry that was applied.
#[derive(Clone, Debug, Default, serde::Serialize)]
struct LiveTotals {
    /// Calls by their first attempt.
    calls: u64,
    attempts: u64,
    /// Attempts under way.
    in_flight: u64,
    refused: u64,
    /// Attempts that their provider, or the way to it, failed.
    errors: u64,
    unpriced: u64,
    flagged: u64,
    tokens: TokenSums,
    charge_nano: Money,
    #[serde(serialize_with = "by_provenance")]
    provenance: [u64; Provenance::ALL.len()],
}

impl Default for Live {
    fn default() -> Self {
        Self::new(LiveLimits::default())
    }
}

impl Live {
    /// A view of nothing yet.
    pub fn new(limits: LiveLimits) -> Self {
        let state = State {
            limits,
            cursor: 0,
            since: None,
            seconds: Seconds::new(limits.seconds),
            totals: LiveTotals::default(),
            providers: HashMap::new(),
            stories: HashMap::new(),
            order: VecDeque::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Takes an entry: at recovery, and from the ledger's observer.
    pub fn apply(&self, entry: &Entry) {
        self.state.lock().apply(entry);
    }

    /// The story of a call, if it is among the last.
    pub fn find(&self, call: CallId) -> Option<CallStory> {
        self.state.lock().stories.get(&call).map(|changed| changed.story.clone())
    }

    /// The stories of the last calls, newest first.
    pub fn last(&self, limit: usize) -> Vec<CallStory> {
        let state = self.state.lock();
        let newest = state.order.iter().rev().filter_map(|id| state.stories.get(id));
        newest.take(limit).map(|changed| changed.story.clone()).collect()
    }

    /// What there is to see at `now`: everything, or what changed since a cursor.
    pub fn view(&self, now: UnixMicros, since: Option<Cursor>) -> LiveView {
        view::of(&self.state.lock(), now, since)
    }
}

impl State {
    fn apply(&mut self, entry: &Entry) {
        self.cursor += 1;
        self.since.get_or_insert(entry.at);
        match &entry.body {
            EntryBody::Opened(opened) => {
                self.totals.calls += u64::from(opened.attempt == 1);
                self.totals.in_flight += 1;
                self.seconds.at(entry.at, self.cursor).opened += 1;
                if let Some(provider) = self.provider(&opened.offer.provider) {
                    provider.opened();
                }
                self.tell(entry, opened.call_id);
            }
            EntryBody::Settled(settled) => {
                self.settle(entry.at, settled);
                self.tell(entry, settled.opened.call_id);
            }
            EntryBody::Refused(refused) => {
                self.totals.refused += 1;
                self.seconds.at(entry.at, self.cursor).refused += 1;
                self.tell(entry, refused.call_id);
            }
            EntryBody::Budget(_) | EntryBody::Admin(_) => {}
        }
    }

    fn settle(&mut self, at: UnixMicros, settled: &Settled) {
        let failed = provider::failed(settled.status);
        let totals = &mut self.totals;
        totals.attempts += 1;
        totals.in_flight = totals.in_flight.saturating_sub(1);
        totals.errors += u64::from(failed == Some(true));
        totals.flagged += u64::from(!settled.flags.is_empty());
        totals.tokens.add(&settled.tokens);
        match settled.charge {
            Some(charge) => totals.charge_nano.add(settled.currency, charge),
            None => totals.unpriced += 1,
        }
        for (count, provenance) in totals.provenance.iter_mut().zip(Provenance::ALL) {
            *count += u64::from(*provenance == settled.provenance);
        }
        let second = self.seconds.at(at, self.cursor);
        second.settled += 1;
        second.errors += u64::from(failed == Some(true));
        second.add(settled);
        if let Some(provider) = self.provider(&settled.opened.offer.provider) {
            provider.settled(settled, failed);
        }
    }

    fn provider(&mut self, name: &Name) -> Option<&mut ProviderState> {
        if !self.providers.contains_key(name) && self.providers.len() >= self.limits.providers {
            return None;
        }
        Some(self.providers.entry(name.clone()).or_default())
    }

    fn tell(&mut self, entry: &Entry, call: CallId) {
        if let Some(changed) = self.stories.get_mut(&call) {
            changed.at = self.cursor;
            changed.story.add(entry);
            return;
        }
        let Some(story) = CallStory::begin(entry) else { return };
        self.stories.insert(call, Changed { at: self.cursor, story });
        self.order.push_back(call);
        while self.order.len() > self.limits.calls {
            if let Some(oldest) = self.order.pop_front() {
                self.stories.remove(&oldest);
            }
        }
    }
}

fn by_provenance<S: serde::Serializer>(
    counts: &[u64; Provenance::ALL.len()],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(Provenance::ALL.iter().map(|it| it.name()).zip(counts))
}

/// Charges of a second or a provider; few currencies, so a list.
type Charges = Vec<(Currency, i128)>;

fn add_charge(charges: &mut Charges, currency: Currency, amount: i128) {
    match charges.iter_mut().find(|(known, _)| *known == currency) {
        Some((_, sum)) => *sum += amount,
        None => charges.push((currency, amount)),
    }
}
