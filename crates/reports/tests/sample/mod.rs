//! Entries to report on.

use std::sync::Arc;

use ledger::{
    AttemptId, AttemptStatus, CallId, Entry, EntryBody, Foreseen, Labels, OfferLabels, Opened, Refused, Seq,
    Settled, UnixMicros, name,
};
use prices::{Charge, Currency, Nano};
use tokens::{Kind, Provenance, Tokens};

/// 2026-11-24T08:00:00Z (`date -u -d @1795507200`).
pub const T0: i64 = 1_795_507_200_000_000;
pub const SECOND: i64 = 1_000_000;

/// What differs between the attempts of a test.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub call: u128,
    pub number: u32,
    pub at: i64,
    pub project: &'static str,
    pub provider: &'static str,
    pub model: &'static str,
    pub input: u64,
    pub cached: u64,
    pub output: u64,
    pub charge: Option<i64>,
    pub currency: Currency,
    pub provenance: Provenance,
    pub status: AttemptStatus,
}

impl Default for Attempt {
    fn default() -> Self {
        Self {
            call: 1,
            number: 1,
            at: T0,
            project: "claims",
            provider: "openai",
            model: "gpt-test",
            input: 100,
            cached: 0,
            output: 10,
            charge: Some(1_000),
            currency: Currency::USD,
            provenance: Provenance::ProviderFinal,
            status: AttemptStatus::Ok,
        }
    }
}

impl Attempt {
    pub fn opened(&self) -> Arc<Opened> {
        Arc::new(Opened {
            call_id: CallId(self.call),
            attempt_id: AttemptId(self.call * 100 + u128::from(self.number)),
            attempt: self.number,
            opened_at: UnixMicros(self.at),
            labels: Arc::new(Labels {
                org: name("acme"),
                project: name(self.project),
                key: name("dev"),
                app: name("assistant"),
                domain: name("finance"),
                user: name(""),
            }),
            requested_model: name("assistant"),
            offer: Arc::new(OfferLabels {
                offer: name(&format!("{}@{}", self.model, self.provider)),
                provider: name(self.provider),
                model: name(self.model),
                site: name("us-east"),
                jurisdiction: name("US"),
                dialect: name("openai-chat"),
                price_plan: name("plan"),
            }),
            streamed: true,
            input_estimate: 99,
            output_bound: 512,
            foreseen: Foreseen { p50: 10, p90: 20, p99: 30 },
            hold: Charge { amount: Nano(7_777), currency: self.currency },
            held: vec![],
            route_reason: name("cheapest of 1"),
            request_hash: 0xabc,
        })
    }

    pub fn settled(&self) -> Settled {
        let tokens: Tokens =
            [(Kind::Input, self.input), (Kind::InputCached, self.cached), (Kind::Output, self.output)]
                .into_iter()
                .collect();
        Settled {
            opened: self.opened(),
            first_token_at: Some(UnixMicros(self.at + SECOND / 10)),
            ended_at: UnixMicros(self.at + SECOND / 2),
            status: self.status,
            http_status: 200,
            error_class: name(""),
            finish_reason: name("stop"),
            provider_response_id: name("resp-1"),
            served_model: name(self.model),
            priced_model: name(self.model),
            service_tier: name("standard"),
            tokens,
            provenance: self.provenance,
            recounted: None,
            charge: self.charge.map(Nano),
            currency: self.currency,
            book_version: name("2026-11-20"),
            rate_ids: name("in,out"),
            spent: vec![],
            flags: name(""),
            raw_usage: name("{\n \"note\": \"two  blanks \\\" x\", \"n\": 1.50\n}"),
        }
    }
}

/// Entries of attempts, each opened and then settled, in order.
pub fn entries(attempts: &[Attempt]) -> Vec<Entry> {
    let both = attempts.iter().flat_map(|it| {
        [
            (it.at, EntryBody::Opened(it.opened())),
            (it.at + SECOND / 2, EntryBody::Settled(Box::new(it.settled()))),
        ]
    });
    numbered(both)
}

pub fn numbered(bodies: impl IntoIterator<Item = (i64, EntryBody)>) -> Vec<Entry> {
    (1..).zip(bodies).map(|(seq, (at, body))| Entry { seq: Seq(seq), at: UnixMicros(at), body }).collect()
}

pub fn refused(call: u128, at: i64) -> (i64, EntryBody) {
    let refused = Refused {
        call_id: CallId(call),
        labels: Attempt::default().opened().labels.clone(),
        requested_model: name("assistant"),
        code: name("insufficient_quota"),
        http_status: 429,
        reason: name("budget claims-month: limit 5, spent 4, held 1"),
    };
    (at, EntryBody::Refused(Box::new(refused)))
}
