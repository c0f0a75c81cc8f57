//! The task that drives a call from its hold to its settlement, whether or not its client stays.

use std::sync::Arc;

use accounts::{Admission, Caller};
use dialects::{Request, Retry};
use http::HeaderMap;
use ledger::{CallId, Labels, Name};
use tokio::sync::oneshot;

use crate::dispatch::{Tried, dispatch};
use crate::estimate::{Estimate, Routed};
use crate::house::{Answer, House, Offers};
use crate::refusal::Refusal;
use crate::{attempt, call, clock};

/// A call that was accepted, admitted, estimated and routed.
pub(crate) struct Job {
    pub(crate) house: Arc<House>,
    /// The offers the plan was made of; a reload does not change them.
    pub(crate) offers: Arc<Offers>,
    pub(crate) call_id: CallId,
    pub(crate) caller: Arc<Caller>,
    pub(crate) labels: Arc<Labels>,
    pub(crate) asked: Name,
    pub(crate) request: Request,
    pub(crate) request_hash: u128,
    pub(crate) estimate: Estimate,
    pub(crate) routed: Routed,
    /// Headers of the client that go on to the provider.
    pub(crate) passed: HeaderMap,
}

/// The client, as far as the driving task knows it: it waits for the head of an answer, or has left.
pub(crate) struct Client {
    waiting: Option<oneshot::Sender<Result<Answer, Refusal>>>,
}

impl Client {
    /// Hands the client its answer. `false`: it has left.
    pub(crate) fn answer(&mut self, answer: Answer) -> bool {
        self.waiting.take().is_some_and(|waiting| waiting.send(Ok(answer)).is_ok())
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        if let Some(waiting) = self.waiting.take() {
            // A client that has left needs no refusal.
            let _ = waiting.send(Err(refusal));
        }
    }

    /// It left while waiting for the head of its answer.
    pub(crate) fn has_left(&self) -> bool {
        self.waiting.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Resolves when it leaves while waiting; never, once it has its answer's head.
    pub(crate) async fn left(&mut self) {
        match &mut self.waiting {
            Some(waiting) => waiting.closed().await,
            None => std::future::pending().await,
        }
    }
}

/// Tries the plan's offers in order until one serves. `admission` counts the call until its end.
pub(crate) async fn drive(
    job: Box<Job>,
    admission: Admission,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
) {
    let mut client = Client { waiting: Some(answer) };
    let mut number = 0;
    let mut before = String::new();
    let mut refusal = Refusal::overloaded("every eligible offer is being probed; try again");
    for (place, kept) in job.routed.plan.kept.iter().enumerate() {
        if number >= job.routed.plan.policy.max_attempts || client.has_left() {
            break;
        }
        if !kept.offer.health.enter(clock::now().0) {
            continue;
        }
        number += 1;
        let attempt = match attempt::open(&job, kept, number, &job.routed.plan.reason(place, &before)).await {
            Ok(attempt) => attempt,
            Err(refused) => {
                kept.offer.health.left(clock::now().0);
                call::write_down(&job.house, job.call_id, &job.labels, Arc::clone(&job.asked), &refused);
                client.refuse(refused);
                return;
            }
        };
        match dispatch(&job, attempt, &mut client).await {
            Tried::Served => {
                drop(admission);
                return;
            }
            Tried::Failed { error, verbatim } => {
                if error.retry() == Retry::Never {
                    // The request itself is at fault: the provider's own words, where it speaks the caller's dialect.
                    match verbatim {
                        Some(answer) => {
                            client.answer(*answer);
                        }
                        None => client.refuse(Refusal::of_provider(&error, &kept.offer.id)),
                    }
                    return;
                }
                before = format!("attempt {number} at {} failed ({})", kept.offer.id, error.class.name());
                refusal = Refusal::of_provider(&error, &kept.offer.id);
            }
        }
    }
    client.refuse(refusal);
}
