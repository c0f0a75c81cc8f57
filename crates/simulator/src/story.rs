//! The story of one request: what has been served of it so far, and the line of truth when it ends, however it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokens::{Kind, Tokens};

use crate::answer::Answer;
use crate::config::Billing;
use crate::fault::{Bills, Fault};
use crate::request::Dialect;
use crate::script::Step;
use crate::server::Shared;
use crate::truth::{Ended, Received, TruthRecord};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    ClientClosed,
    Fault,
    Refused,
}

/// How a whole answer is generated behind the wait for its headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) since: Instant,
    pub(crate) first: Duration,
    pub(crate) each: Duration,
}

/// One request. Dropped before its end, it was left by the client.
pub(crate) struct Story {
    shared: Arc<Shared>,
    pub(crate) ordinal: u64,
    attempt_id: Option<String>,
    dialect: Dialect,
    model: Option<String>,
    stream: bool,
    pub(crate) status: u16,
    pub(crate) fault: Option<Fault>,
    pub(crate) pace: Option<Pace>,
    answer: Option<(String, String, String)>,
    all: Tokens,
    output: u64,
    reasoning: u64,
    claim: Option<Arc<str>>,
    events: u64,
    ended: bool,
}

impl Story {
    /// Writes `received` and opens the story.
    pub(crate) fn received(
        shared: &Arc<Shared>,
        attempt_id: Option<String>,
        dialect: Dialect,
        (model, stream): (Option<String>, bool),
        body_bytes: usize,
    ) -> Self {
        let ordinal = shared.ordinal.fetch_add(1, Ordering::Relaxed);
        if !shared.truth.is_off() {
            shared.truth.write(TruthRecord::Received(Received {
                ordinal,
                at_ms: now_ms(),
                attempt_id: attempt_id.clone(),
                dialect: dialect.name(),
                model: model.clone(),
                stream,
                body_bytes: u64::try_from(body_bytes).unwrap_or(u64::MAX),
            }));
        }
        Self {
            shared: Arc::clone(shared),
            ordinal,
            attempt_id,
            dialect,
            model,
            stream,
            status: 0,
            fault: None,
            pace: None,
            answer: None,
            all: Tokens::default(),
            output: 0,
            reasoning: 0,
            claim: None,
            events: 0,
            ended: false,
        }
    }

    /// The answer is decided: from here the input is used, whatever comes.
    pub(crate) fn decided(&mut self, answer: &Answer) {
        self.answer = Some((answer.id.clone(), answer.model.clone(), answer.tier.clone()));
        self.all = answer.tokens;
    }

    /// A step is handed to the socket.
    pub(crate) fn served(&mut self, step: &Step) {
        self.output += step.output;
        self.reasoning += step.reasoning;
        self.events += 1;
        if step.claim.is_some() {
            self.claim.clone_from(&step.claim);
        }
    }

    /// Writes `ended`, once.
    pub(crate) fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) || self.shared.truth.is_off() {
            return;
        }
        let (tokens, billed) = self.tokens(end);
        let stopped = end == End::ClientClosed && self.shared.stopping.load(Ordering::Relaxed);
        let word = match (end, &self.fault) {
            (End::Complete, _) => "complete".to_owned(),
            (End::ClientClosed, _) if stopped => "stopped".to_owned(),
            (End::ClientClosed, _) => "client_closed".to_owned(),
            (End::Fault, Some(fault)) => format!("fault:{}", fault.name()),
            (End::Fault | End::Refused, _) => "refused".to_owned(),
        };
        let (response_id, served_model, service_tier) = match self.answer.take() {
            Some((id, model, tier)) => (Some(id), Some(model), Some(tier)),
            None => (None, None, None),
        };
        self.shared.truth.write(TruthRecord::Ended(Box::new(Ended {
            ordinal: self.ordinal,
            at_ms: now_ms(),
            attempt_id: self.attempt_id.take(),
            dialect: self.dialect.name(),
            model: self.model.take(),
            stream: self.stream,
            status: self.status,
            response_id,
            served_model,
            service_tier,
            tokens,
            billed,
            claimed: self.claim.take().map(|claim| claim.to_string()),
            end: word,
            fault: self.fault.as_ref().map(ToString::to_string),
            events_sent: self.events,
        })));
    }

    /// What was generated, and what of it is billed.
    fn tokens(&self, end: End) -> (Tokens, Tokens) {
        let nothing = Tokens::default();
        match end {
            End::Complete => (self.all, self.all),
            End::Refused => (nothing, nothing),
            End::ClientClosed => match self.shared.config.billing {
                Billing::Stop => (self.generated(), self.generated()),
                Billing::Full => (self.generated(), self.all),
            },
            End::Fault => match self.fault.as_ref().map_or(Bills::Nothing, Fault::bills) {
                Bills::Nothing => (nothing, nothing),
                Bills::Generated => (self.generated(), self.generated()),
                Bills::Whole => (self.all, self.all),
            },
        }
    }

    /// Input, and the output until now.
    fn generated(&self) -> Tokens {
        let (mut reasoning, mut output) = (self.reasoning, self.output);
        if let (Some(pace), 0) = (self.pace, self.events) {
            let after = pace.since.elapsed().checked_sub(pace.first);
            let made = match after {
                None => 0,
                Some(_) if pace.each.is_zero() => u64::MAX,
                Some(after) => u64::try_from(after.as_nanos() / pace.each.as_nanos()).unwrap_or(u64::MAX) + 1,
            };
            reasoning = made.min(self.all.get(Kind::Reasoning));
            output = (made - reasoning).min(self.all.get(Kind::Output));
        }
        let mut tokens = self.all;
        tokens.set(Kind::Output, output);
        tokens.set(Kind::Reasoning, reasoning);
        tokens
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.end(End::ClientClosed);
    }
}

/// Unix time in milliseconds.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
