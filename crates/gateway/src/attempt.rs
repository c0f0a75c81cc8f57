//! Steps 5 and 6, hold and open: the money is taken and the attempt is on record before a byte leaves.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use accounts::{Hold, HoldRefusal, HoldRequest, ScopeValues};
use ledger::{AttemptId, EntryBody, Foreseen, Opened, UnixMicros, name};
use prices::{Charge, Nano};
use routes::{Kept, Offer};
use serde_json::json;

use crate::clock;
use crate::drive::Job;
use crate::estimate::{Bounds, bound_of};
use crate::house::Lane;
use crate::refusal::Refusal;

/// One try at one offer, open in the ledger. Ends in `settle`, and nowhere else.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt {
    pub(crate) opened: Arc<Opened>,
    pub(crate) hold: Hold,
    pub(crate) lane: Arc<Lane>,
    pub(crate) flight: Flight,
    /// Monotonic: latencies are measured by it.
    pub(crate) started: Instant,
    pub(crate) first_token: Option<Instant>,
}

/// An attempt under way, in its offer's count.
#[derive(Debug)]
pub(crate) struct Flight(pub(crate) Arc<Offer>);

impl Flight {
    fn begin(offer: &Arc<Offer>) -> Self {
        offer.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(offer))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Holds and opens. On return the `opened` entry is durable.
pub(crate) async fn open(job: &Job, kept: &Kept, number: u32, reason: &str) -> Result<Attempt, Refusal> {
    let house = &job.house;
    let Some(lane) = job.offers.lane(&kept.offer).cloned() else {
        return Err(Refusal::overloaded("the offer is not configured any more"));
    };
    let Some(bounds) = job.routed.bounds(&kept.offer) else {
        return Err(Refusal::overloaded("the offer was not priced"));
    };
    let opened_at = clock::now();
    let (hold_charge, max_charge) = charges(job, &lane, &bounds)?;
    let scope = ScopeValues {
        labels: &job.labels,
        requested_model: &job.asked,
        model: &lane.labels.model,
        provider: &lane.labels.provider,
    };
    let request = HoldRequest { p99: hold_charge, max: max_charge };
    let hold = house.accounts.hold(&job.caller, &scope, &request, opened_at).map_err(refuse)?;
    let opened = Arc::new(Opened {
        call_id: job.call_id,
        attempt_id: AttemptId::new(),
        attempt: number,
        opened_at,
        labels: Arc::clone(&job.labels),
        requested_model: Arc::clone(&job.asked),
        offer: Arc::clone(&lane.labels),
        streamed: job.request.stream(),
        input_estimate: job.estimate.input,
        output_bound: bounds.output,
        foreseen: bounds.foreseen.map_or_else(Foreseen::default, |it| Foreseen {
            p50: it.p50,
            p90: it.p90,
            p99: it.p99,
        }),
        hold: hold.charge(),
        held: hold.parts().to_vec(),
        route_reason: name(reason),
        request_hash: job.request_hash,
    });
    write_down(job, opened_at, &opened, hold).await.map(|hold| Attempt {
        opened,
        hold,
        lane,
        flight: Flight::begin(&kept.offer),
        started: Instant::now(),
        first_token: None,
    })
}

async fn write_down(job: &Job, at: UnixMicros, opened: &Arc<Opened>, hold: Hold) -> Result<Hold, Refusal> {
    let ledger = &job.house.ledger;
    let ticket = match ledger.append(at, EntryBody::Opened(Arc::clone(opened))) {
        Ok(ticket) => ticket,
        Err(error) => {
            // Not on record, so nothing may leave, and nothing is held.
            hold.release();
            return Err(Refusal::overloaded(format!("the ledger takes no entry: {error}")));
        }
    };
    match ledger.durable(ticket).await {
        Ok(()) => Ok(hold),
        Err(error) => {
            // It may or may not be on the disk: dropped without an end, the hold stays, as the next start would find it.
            drop(hold);
            Err(Refusal::overloaded(format!("the ledger could not make the call durable: {error}")))
        }
    }
}

/// The charge held, and the charge of the dearest outcome. Without a price (let through by configuration) both are 0
/// and the attempt settles with an unknown charge.
fn charges(job: &Job, lane: &Lane, bounds: &Bounds) -> Result<(Charge, Charge), Refusal> {
    let Some(plan) = &lane.plan else {
        return Err(Refusal::new(
            500,
            "price_unknown",
            format!("price plan `{}` is in no book", lane.labels.price_plan),
        ));
    };
    let nothing = Charge { amount: Nano::ZERO, currency: plan.currency() };
    let bound = |output: u64| bound_of(&job.house, &job.request, plan, (bounds.input, output));
    let held = bound(bounds.output).unwrap_or(nothing);
    let max = bound(bounds.output_max).unwrap_or(nothing);
    Ok((held, max))
}

fn refuse(refused: HoldRefusal) -> Refusal {
    let text = refused.to_string();
    match refused {
        HoldRefusal::Budget(full) => {
            let mut refusal = Refusal::new(429, "insufficient_quota", text);
            refusal.extra = vec![
                ("budget", json!(full.budget)),
                ("scope", json!(full.scope)),
                ("limit", json!(full.limit.to_string())),
                ("spent", json!(full.spent.to_string())),
                ("held", json!(full.held.to_string())),
                ("needed", json!(full.needed.to_string())),
                ("currency", json!(full.currency.code())),
                ("resets_at", json!(full.resets)),
            ];
            refusal
        }
        HoldRefusal::NoRate { .. } => Refusal::new(500, "price_unknown", text),
        HoldRefusal::WindowClosed { .. } => Refusal::overloaded(text),
    }
}
