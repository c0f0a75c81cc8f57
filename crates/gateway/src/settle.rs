//! Steps 9 and 10, settle and learn: what was used, how that is known, what it costs, and what follows from it.
//!
//! The rules, in order (each ends in an honest provenance, none in a silent zero):
//! 1. the provider's final usage: as said (`provider_final`; `drained` where the client had left);
//! 2. an error that bills nothing, or a request that never left: nothing (`provider_final`, `counted`);
//! 3. an answer, or a part of one, without final usage: the provider's input where it said it, else our estimate, and
//!    the output counted by our tokenizer (`provider_partial`, `counted`);
//! 4. a failure after the request left, with nothing of an answer seen: our estimate of the input (`unknown`).

use std::sync::Arc;
use std::time::Instant;

use dialects::{Billed, ErrorClass, Outcome, ProviderError};
use foresight::Context;
use ledger::{AttemptStatus, EntryBody, LedgerError, Name, Settled, Ticket, UnixMicros, name};
use prices::Charge;
use tokens::{Kind, Provenance, Tokens, counter_for};

use crate::attempt::Attempt;
use crate::clock;
use crate::drive::Job;
use crate::refusal::Refusal;
use crate::tier;

/// How an attempt ended, as far as the data plane saw it.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) status: AttemptStatus,
    pub(crate) http_status: u16,
    pub(crate) error: Option<ProviderError>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) client_left: bool,
    pub(crate) never_sent: bool,
}

impl Ending {
    pub(crate) const fn of(status: AttemptStatus) -> Self {
        Self { status, http_status: 0, error: None, outcome: None, client_left: false, never_sent: false }
    }

    pub(crate) const fn cut() -> Self {
        Self::of(AttemptStatus::UpstreamCut)
    }
}

/// A settlement on its way to the disk.
#[must_use]
pub(crate) struct Settling {
    ticket: Result<Ticket, LedgerError>,
    charge: Option<Charge>,
    pub(crate) provenance: Provenance,
}

impl Settling {
    /// Waits until the settlement is durable; gives the charge, if it is known.
    pub(crate) async fn durable(self, job: &Job) -> Result<Option<Charge>, Refusal> {
        let done = match self.ticket {
            Ok(ticket) => job.house.ledger.durable(ticket).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(self.charge),
            Err(error) => {
                Err(Refusal::overloaded(format!("the settlement could not be made durable: {error}")))
            }
        }
    }
}

/// Settles an attempt: appended to the ledger first, then released from the budgets, so that at every prefix of the
/// ledger what is spent and held is at least what memory allowed others to see as free.
pub(crate) fn settle(job: &Job, attempt: Attempt, ending: &Ending) -> Settling {
    let ended_at = clock::now();
    let used = used(&attempt, ending);
    let outcome = ending.outcome.as_ref();
    let said = |pick: fn(&Outcome) -> Option<&str>| {
        name(short(outcome.and_then(pick).unwrap_or_default(), WORD_MAX))
    };
    let served_model = said(|outcome| outcome.served_model.as_deref());
    let priced =
        price(&attempt, &used, &served_model, said(|outcome| outcome.service_tier.as_deref()), ended_at);
    learn(job, &attempt, ending, &used, ended_at);
    let first_token_at = attempt.first_token.map(|at| since(&attempt, at));
    let currency = attempt.opened.hold.currency;
    let Attempt { opened, hold, .. } = attempt;
    let hold = hold.price(priced.charge);
    let settled = Settled {
        opened,
        first_token_at,
        ended_at,
        status: ending.status,
        http_status: ending.http_status,
        error_class: ending.error.as_ref().map_or_else(|| name(""), |error| name(error.class.name())),
        finish_reason: said(|outcome| outcome.finish_reason.as_deref()),
        provider_response_id: said(|outcome| outcome.response_id.as_deref()),
        served_model,
        priced_model: priced.model,
        service_tier: priced.tier,
        tokens: used.tokens,
        provenance: used.provenance,
        recounted: used.recounted,
        charge: priced.charge.map(|charge| charge.amount),
        currency,
        book_version: priced.book_version,
        rate_ids: priced.rate_ids,
        spent: hold.spent().to_vec(),
        flags: flags(outcome, &used, priced.charge.is_none()),
        raw_usage: name(short(outcome.map_or("", |outcome| &outcome.usage.raw), RAW_MAX)),
    };
    let ticket = job.house.ledger.append(ended_at, EntryBody::Settled(Box::new(settled)));
    // Not on record: dropped without an end, the hold stands; the next start finds the attempt open and settles it.
    if ticket.is_ok() {
        hold.settle();
    }
    Settling { ticket, charge: priced.charge, provenance: used.provenance }
}

/// Longest word of a provider (an id, a model's name, a reason) that goes into the books, bytes.
const WORD_MAX: usize = 256;
/// Longest usage object that is kept, bytes.
const RAW_MAX: usize = 16 << 10;

/// A text cut to so many bytes, at a character: whatever a provider sends, the books take it.
fn short(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

struct Used {
    tokens: Tokens,
    provenance: Provenance,
    recounted: Option<u64>,
    /// The provider's claim was set aside as impossible.
    implausible: bool,
}

fn used(attempt: &Attempt, ending: &Ending) -> Used {
    let outcome = ending.outcome.as_ref();
    let claim =
        outcome.and_then(|outcome| outcome.usage.tokens.map(|tokens| (tokens, outcome.usage.complete)));
    let implausible = claim.is_some_and(|(tokens, _)| !is_plausible(attempt, &tokens));
    let claim = claim.filter(|_| !implausible);
    let given = outcome.is_some_and(|outcome| !outcome.texts.is_empty());
    let used = |tokens, provenance, recounted| Used { tokens, provenance, recounted, implausible };
    if let Some((tokens, true)) = claim {
        let known = if ending.client_left { Provenance::Drained } else { Provenance::ProviderFinal };
        return used(tokens, known, None);
    }
    if ending.never_sent {
        return used(Tokens::default(), Provenance::Counted, None);
    }
    let billed = ending.error.as_ref().map(ProviderError::billed);
    if billed == Some(Billed::No) && !given {
        return used(Tokens::default(), Provenance::ProviderFinal, None);
    }
    let mut tokens = claim.map_or_else(Tokens::default, |(tokens, _)| input_of(&tokens));
    let said_input = !tokens.is_zero();
    if !said_input {
        tokens.set(Kind::Input, attempt.opened.input_estimate);
    }
    let answered = given || ending.status == AttemptStatus::Ok;
    if !answered && !ending.client_left {
        return used(tokens, Provenance::Unknown, None);
    }
    let counted = match outcome {
        Some(outcome) if !outcome.texts.is_empty() => {
            outcome.texts.count(counter_for(&attempt.opened.offer.model))
        }
        Some(_) | None => dialects::Counted::default(),
    };
    // Output and reasoning together: which of it the provider bills as which was not said.
    let output = counted.visible.saturating_add(counted.reasoning);
    tokens.set(Kind::Output, output);
    let known = if said_input { Provenance::ProviderPartial } else { Provenance::Counted };
    used(tokens, known, Some(output))
}

fn input_of(tokens: &Tokens) -> Tokens {
    tokens.iter().filter(|(kind, _)| kind.is_prompt()).collect()
}

/// A claim that no call to this offer can have used: ten times its context window. It is kept raw and flagged, and
/// the attempt is counted instead.
fn is_plausible(attempt: &Attempt, tokens: &Tokens) -> bool {
    tokens.total() <= attempt.flight.0.context_window.saturating_mul(10)
}

struct Priced {
    charge: Option<Charge>,
    model: Name,
    tier: Name,
    book_version: Name,
    rate_ids: Name,
}

/// The charge at the rates of the model that answered: a plan that does not cover it has no price for it.
fn price(attempt: &Attempt, used: &Used, served: &Name, tier: Name, ended_at: UnixMicros) -> Priced {
    let opened = &attempt.opened;
    let model = if served.is_empty() { Arc::clone(&opened.offer.model) } else { Arc::clone(served) };
    let mut priced = Priced { charge: None, model, tier, book_version: name(""), rate_ids: name("") };
    let Some(plan) = &attempt.lane.plan else { return priced };
    priced.book_version = Arc::clone(plan.book_version());
    if !plan.covers(&priced.model) {
        return priced;
    }
    let Some(moment) = clock::moment(opened.opened_at, ended_at) else { return priced };
    if let Ok(charged) = plan.charge(moment, tier::served(&priced.tier), &used.tokens) {
        priced.charge = Some(charged.charge);
        priced.rate_ids = charged.rate_ids;
    }
    priced
}

fn flags(outcome: Option<&Outcome>, used: &Used, unpriced: bool) -> Name {
    let mut all: Vec<&str> = outcome
        .map_or_else(Vec::new, |outcome| outcome.usage.flags.iter().map(dialects::Flag::name).collect());
    if used.implausible {
        all.push("implausible");
    }
    if unpriced {
        all.push("price_unknown");
    }
    if all.is_empty() { name("") } else { name(&all.join(",")) }
}

/// Foresight, health and rates take the result.
fn learn(job: &Job, attempt: &Attempt, ending: &Ending, used: &Used, now: UnixMicros) {
    let offer = &attempt.flight.0;
    let first = attempt.first_token.unwrap_or_else(Instant::now).duration_since(attempt.started);
    match ending.error.as_ref().map(|error| (error.class, error.retry_after)) {
        None if ending.status == AttemptStatus::Ok => offer.health.succeeded(first.as_secs_f64() * 1_000.0),
        None if ending.client_left => offer.health.left(now.0),
        None => offer.health.failed(now.0),
        Some((ErrorClass::Rate | ErrorClass::Quota, wait)) => {
            let wait = wait.map_or(1_000_000, |wait| i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
            offer.health.limited(now.0, wait);
        }
        Some((
            ErrorClass::Overload | ErrorClass::Timeout | ErrorClass::UpstreamBug | ErrorClass::Auth,
            _,
        )) => {
            offer.health.failed(now.0);
        }
        Some((
            ErrorClass::ContextTooLong
            | ErrorClass::ContentFiltered
            | ErrorClass::BadRequest
            | ErrorClass::NotFound
            | ErrorClass::Region,
            _,
        )) => offer.health.left(now.0),
    }
    let output = used.tokens.output();
    let reason =
        ending.outcome.as_ref().and_then(|outcome| outcome.finish_reason.as_deref()).unwrap_or_default();
    if ending.status == AttemptStatus::Ok
        && job.house.settings.foresight
        && !dialects::is_cut_by_limit(reason)
    {
        let labels = &attempt.opened.labels;
        let app = if labels.app.is_empty() { &labels.key } else { &labels.app };
        let context =
            Context { model: &attempt.opened.offer.model, app, input_tokens: attempt.opened.input_estimate };
        let foreseen = job.routed.bounds(offer).and_then(|bounds| bounds.foreseen);
        job.house.foresight.learn(&context, foreseen, output / job.request.choices().max(1));
    }
    let beyond = used.tokens.total().saturating_sub(job.estimate.input);
    job.house.accounts.charge_tokens(&job.caller, beyond, now);
}

/// A monotonic instant as wall-clock time, by its distance from the attempt's start.
fn since(attempt: &Attempt, at: Instant) -> UnixMicros {
    let micros = i64::try_from(at.duration_since(attempt.started).as_micros()).unwrap_or(i64::MAX);
    UnixMicros(attempt.opened.opened_at.0.saturating_add(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_word_is_cut_at_a_character() {
        assert_eq!(short("stop", 256), "stop");
        assert_eq!(short("计费", 4), "计");
        assert_eq!(short(&"x".repeat(2 << 20), WORD_MAX).len(), WORD_MAX);
    }
}
