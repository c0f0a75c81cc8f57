//! The live view as JSON: a snapshot and an increment have one shape, so that a page merges both alike.

use ledger::{CallId, UnixMicros};
use serde::{Serialize, Serializer};
use tokens::{Kind, Tokens};

use super::provider::{ProviderView, millis};
use super::second::Second;
use super::{Cursor, LiveTotals, State};
use crate::render::cached;
use crate::{CallStory, Name, time};

/// Calls in one view; a page that sees more change between two views is told how many it missed.
const CALLS_MAX: usize = 100;

/// What there is to see: `seconds` and `calls` that changed (a page replaces them by `s` and `call_id`), totals and
/// providers whole.
#[derive(Clone, Debug, Serialize)]
pub struct LiveView {
    /// Ask for what changed after this.
    pub cursor: Cursor,
    #[serde(serialize_with = "time::serialize")]
    now: UnixMicros,
    /// The first entry.
    #[serde(serialize_with = "time::serialize_opt")]
    since: Option<UnixMicros>,
    /// This is everything, not what changed.
    whole: bool,
    /// Seconds that the charts show.
    window_s: usize,
    seconds: Vec<Second>,
    totals: LiveTotals,
    providers: Vec<ProviderView>,
    /// Newest first.
    calls: Vec<CallLine>,
    /// Calls that changed too, and are left out.
    calls_left_out: usize,
}

/// A call in one line; its story is asked for by its id.
#[derive(Clone, Debug, Serialize)]
struct CallLine {
    call_id: CallId,
    #[serde(serialize_with = "time::serialize")]
    at: UnixMicros,
    state: &'static str,
    #[serde(serialize_with = "text")]
    project: Name,
    #[serde(serialize_with = "text")]
    app: Name,
    #[serde(serialize_with = "text")]
    domain: Name,
    #[serde(serialize_with = "text")]
    requested_model: Name,
    attempts: usize,
    /// Of the last attempt; absent from a refusal.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    last: Option<LastLine>,
    /// The refusal's code.
    code: Option<TextName>,
}

#[derive(Clone, Debug, Serialize)]
struct LastLine {
    #[serde(serialize_with = "text")]
    offer: Name,
    #[serde(serialize_with = "text")]
    provider: Name,
    #[serde(serialize_with = "text")]
    model: Name,
    #[serde(serialize_with = "text")]
    site: Name,
    streamed: bool,
    currency: prices::Currency,
    hold_nano: String,
    /// Absent while the attempt is under way.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    ended: Option<EndLine>,
}

#[derive(Clone, Debug, Serialize)]
struct EndLine {
    status: &'static str,
    provenance: &'static str,
    tokens: CallTokens,
    /// Of the whole call, in the currency of its last attempt: other currencies are in the story. `None`: unknown.
    charge_nano: Option<String>,
    first_token_ms: Option<u64>,
    total_ms: u64,
    flagged: bool,
}

/// Tokens of an attempt by group; disjoint.
#[derive(Clone, Debug, Serialize)]
struct CallTokens {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

#[derive(Clone, Debug)]
struct TextName(Name);

impl Serialize for TextName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

fn text<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(name)
}

pub(super) fn of(state: &State, now: UnixMicros, since: Option<Cursor>) -> LiveView {
    // A cursor from before a restart is ahead of us: start over.
    let since = since.filter(|cursor| cursor.0 <= state.cursor);
    let after = since.unwrap_or_default().0;
    let news = || state.order.iter().rev().filter_map(|id| state.stories.get(id)).filter(|it| it.at > after);
    let calls: Vec<CallLine> = news().take(CALLS_MAX).map(|changed| line(&changed.story)).collect();
    let calls_left_out = news().count() - calls.len();
    let mut providers: Vec<_> = state.providers.iter().collect();
    providers.sort_by_key(|(name, _)| *name);
    LiveView {
        cursor: Cursor(state.cursor),
        now,
        since: state.since,
        whole: since.is_none(),
        window_s: state.limits.seconds,
        seconds: state.seconds.changed(now, after),
        totals: state.totals.clone(),
        providers: providers.into_iter().map(|(name, provider)| provider.view(name)).collect(),
        calls,
        calls_left_out,
    }
}

fn line(story: &CallStory) -> CallLine {
    let told = story.attempts().last();
    let last = told.map(|told| LastLine {
        offer: told.opened.offer.offer.clone(),
        provider: told.opened.offer.provider.clone(),
        model: told.opened.offer.model.clone(),
        site: told.opened.offer.site.clone(),
        streamed: told.opened.streamed,
        currency: told.opened.hold.currency,
        hold_nano: told.opened.hold.amount.0.to_string(),
        ended: told.settled.as_ref().map(|settled| EndLine {
            status: settled.status.name(),
            provenance: settled.provenance.name(),
            tokens: CallTokens::of(&settled.tokens),
            charge_nano: charge(story, settled.currency),
            first_token_ms: settled.first_token_at.map(|at| millis(told.opened.opened_at, at)),
            total_ms: millis(told.opened.opened_at, settled.ended_at),
            flagged: !settled.flags.is_empty(),
        }),
    });
    let opened = story.attempts().first().map(|told| &told.opened.requested_model);
    let model = opened.or(story.refusal().map(|refused| &refused.requested_model)).cloned();
    CallLine {
        call_id: story.call_id(),
        at: story.begun_at(),
        state: story.state(),
        project: story.labels().project.clone(),
        app: story.labels().app.clone(),
        domain: story.labels().domain.clone(),
        requested_model: model.unwrap_or_default(),
        attempts: story.attempts().len(),
        last,
        code: story.refusal().map(|refused| TextName(refused.code.clone())),
    }
}

/// What the call's attempts in a currency were charged together; `None` where a price is unknown.
fn charge(story: &CallStory, currency: prices::Currency) -> Option<String> {
    let ended = story.attempts().iter().filter_map(|told| told.settled.as_ref());
    let charges = ended.filter(|settled| settled.currency == currency).map(|settled| settled.charge);
    let sum: Option<i128> = charges.map(|charge| charge.map(|it| i128::from(it.0))).sum();
    sum.map(|sum| sum.to_string())
}

impl CallTokens {
    fn of(tokens: &Tokens) -> Self {
        let (cached, reasoning) = (cached(tokens), tokens.get(Kind::Reasoning));
        let input = tokens.prompt().saturating_sub(cached);
        Self { input, cached, output: tokens.output().saturating_sub(reasoning), reasoning }
    }
}
