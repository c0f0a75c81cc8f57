//! The life of a call, step by step (DESIGN §4): accept, admit, estimate, route, hold, open, dispatch, relay, settle,
//! learn. The first four happen here, in the client's own task; from the hold on, a task that outlives the client
//! drives (`drive.rs`).

use std::sync::Arc;

use dialects::Dialect;
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;
use hyper::body::Incoming;
use ledger::{CallId, EntryBody, Labels, Name, Refused, name};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::drive::{Job, drive};
use crate::house::{Answer, House};
use crate::refusal::Refusal;
use crate::{accept, admit, clock, estimate};

/// Serves one call: an answer of the provider, or a refusal in the caller's dialect. Never fails otherwise.
pub(crate) async fn call(house: &Arc<House>, dialect: Dialect, head: Parts, body: Incoming) -> Answer {
    let call_id = CallId::new();
    match steps(house, dialect, call_id, &head, body).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.answer(dialect, call_id),
    }
}

async fn steps(
    house: &Arc<House>,
    dialect: Dialect,
    call_id: CallId,
    head: &Parts,
    body: Incoming,
) -> Result<Answer, Refusal> {
    let caller = admit::authenticate(house, &head.headers)?;
    let labels = admit::labels(&caller, &head.headers)?;
    let request = accept::accept(house, dialect, body).await;
    let asked = request.as_ref().map_or_else(|_| name(""), |request| name(request.model()));
    let planned = async {
        let request = request?;
        if let Some(cause) = house.ledger.poisoned() {
            return Err(Refusal::overloaded(format!("the ledger has failed and takes no entry: {cause}")));
        }
        if !house.ledger.has_room() {
            return Err(Refusal::overloaded("the ledger is behind; try again"));
        }
        let estimate = estimate::estimate(house, &request);
        let admission = admit::admit(house, &caller, &request, estimate.input)?;
        let routed = estimate::route(house, &caller, (&head.headers, &labels), &request, &estimate)?;
        Ok((request, estimate, admission, routed))
    };
    let (request, estimate, admission, routed) = match planned.await {
        Ok(planned) => planned,
        Err(refusal) => {
            write_down(house, call_id, &labels, asked, &refusal);
            return Err(refusal);
        }
    };
    let passed = passed(dialect, &head.headers);
    let (answer, answered) = oneshot::channel();
    let (offers, request_hash) = (house.offers(), hash(request.body()));
    let house = Arc::clone(house);
    let job = Job {
        house,
        offers,
        call_id,
        caller,
        labels,
        asked,
        request,
        request_hash,
        estimate,
        routed,
        passed,
    };
    let house = Arc::clone(&job.house);
    house.drive(drive(Box::new(job), admission, answer));
    // The driving task always answers; it can only vanish by a panic, which leaves the attempt to the next start.
    answered.await.unwrap_or_else(|_| {
        Err(Refusal::new(500, "internal_error", "the call's task failed; it is on record"))
    })
}

/// Headers of the client that go on to the provider.
fn passed(dialect: Dialect, from: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    for name in dialect.request_headers_passed() {
        for value in from.get_all(*name) {
            passed.append(HeaderName::from_static(name), value.clone());
        }
    }
    passed
}

/// First 16 bytes of SHA-256: tells repeated requests apart from new ones, and keeps nothing of them.
fn hash(body: &[u8]) -> u128 {
    let digest = <[u8; 32]>::from(Sha256::digest(body));
    digest.first_chunk().map_or(0, |first: &[u8; 16]| u128::from_be_bytes(*first))
}

/// A refusal becomes an entry, so that a report can say what was turned away and why. Not waited for.
pub(crate) fn write_down(
    house: &House,
    call_id: CallId,
    labels: &Arc<Labels>,
    asked: Name,
    refusal: &Refusal,
) {
    let refused = Refused {
        call_id,
        labels: Arc::clone(labels),
        requested_model: asked,
        code: name(refusal.code),
        http_status: refusal.status,
        reason: name(&refusal.message),
    };
    if let Err(error) = house.ledger.append(clock::now(), EntryBody::Refused(Box::new(refused))) {
        tracing::warn!(%error, "a refusal could not be written down");
    }
}
