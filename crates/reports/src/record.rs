//! The record of an attempt, as programs read it: `calls --format json`, the admin API, `/v1/calls/{id}`.

use ledger::{
    AttemptId, AttemptStatus, BudgetAmount, CallId, Entry, EntryBody, Foreseen, Labels, Opened, Refused, Seq,
    Settled, UnixMicros,
};
use prices::{Currency, Nano};
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use tokens::{Provenance, Tokens};

use crate::time;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A finished attempt.
    Settled,
    /// An attempt that is under way, or was when its gateway stopped.
    Opened,
    /// A call that was refused.
    Refused,
}

impl RecordKind {
    /// The word in `kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Opened => "opened",
            Self::Refused => "refused",
        }
    }
}

/// One attempt or refusal, borrowed from its entry. Serialises to one flat JSON object: money as decimal text of
/// 10⁻⁹ units, times in RFC 3339 (UTC, microseconds). `None` is written where a value is not known.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord<'a> {
    /// What it says.
    pub kind: RecordKind,
    /// The entry's number.
    pub sequence: Seq,
    /// When the entry was written down.
    #[serde(serialize_with = "time::serialize")]
    pub at: UnixMicros,
    /// The call.
    pub call_id: CallId,
    /// Who called: `org`, `project`, `key`, `app`, `domain`, `user`; empty: not said.
    #[serde(flatten, serialize_with = "labels")]
    pub labels: &'a Labels,
    /// The model that the client asked for.
    pub requested_model: &'a str,
    /// The attempt; absent from a refusal.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptPart<'a>>,
    /// How it ended; only of a settled attempt.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedPart<'a>>,
    /// Why it was refused; only of a refusal.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalPart<'a>>,
}

/// What is known of an attempt when it leaves.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptPart<'a> {
    /// The attempt.
    pub attempt_id: AttemptId,
    /// 1 for the first of its call.
    pub attempt: u32,
    /// When it was opened.
    #[serde(serialize_with = "time::serialize")]
    pub opened_at: UnixMicros,
    /// The offer.
    pub offer: &'a str,
    /// Who serves it.
    pub provider: &'a str,
    /// The provider's name of the model.
    pub model: &'a str,
    /// Where it runs.
    pub site: &'a str,
    /// Whose law applies there.
    pub jurisdiction: &'a str,
    /// The wire format.
    pub dialect: &'a str,
    /// The price plan.
    pub price_plan: &'a str,
    /// The client asked for a stream.
    pub streamed: bool,
    /// Input by our own tokenizer.
    pub input_estimate: u64,
    /// Output that the hold was made for.
    pub output_bound: u64,
    /// Output foreseen; `None`: foresight was off.
    pub foresight: Option<ForesightRecord>,
    /// The hold.
    #[serde(serialize_with = "nano")]
    pub hold_nano: Nano,
    /// The currency of hold and charge.
    pub currency: Currency,
    /// The hold against each budget in scope.
    pub held: Vec<AmountRecord<'a>>,
    /// Why this offer, and why not the others.
    pub route_reason: &'a str,
    /// First 16 bytes of SHA-256 over the request body, in hex.
    #[serde(serialize_with = "hex")]
    pub request_hash: u128,
}

/// What is known of an attempt when it has ended.
#[derive(Clone, Debug, Serialize)]
pub struct EndedPart<'a> {
    /// First byte of content.
    #[serde(serialize_with = "time::serialize_opt")]
    pub first_token_at: Option<UnixMicros>,
    /// When it ended.
    #[serde(serialize_with = "time::serialize")]
    pub ended_at: UnixMicros,
    /// How it ended.
    #[serde(serialize_with = "status")]
    pub status: AttemptStatus,
    /// The provider's HTTP status; 0: none came.
    pub http_status: u16,
    /// Class of the failure; empty: none.
    pub error_class: &'a str,
    /// The provider's finish reason.
    pub finish_reason: &'a str,
    /// The provider's id of the answer.
    pub provider_response_id: &'a str,
    /// The model that answered, by the provider's word.
    pub served_model: &'a str,
    /// The model whose rates were used.
    pub priced_model: &'a str,
    /// The service tier that picked the rates.
    pub service_tier: &'a str,
    /// What was used.
    pub tokens: Tokens,
    /// How that is known.
    pub provenance: Provenance,
    /// Output by our own tokenizer.
    pub recounted_tokens: Option<u64>,
    /// The charge; `None`: the price is unknown.
    #[serde(serialize_with = "nano_opt")]
    pub charge_nano: Option<Nano>,
    /// The price book's version.
    pub price_book_version: &'a str,
    /// The rates used.
    pub rule_ids: Vec<&'a str>,
    /// What was spent of each budget in scope.
    pub spent: Vec<AmountRecord<'a>>,
    /// Marks against the provider's usage.
    pub flags: Vec<&'a str>,
    /// The provider's usage object as it came, without its blanks; text where it is no JSON, `None` where none came.
    #[serde(serialize_with = "raw")]
    pub usage_raw: &'a str,
}

/// Why a call was refused.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalPart<'a> {
    /// The stable code.
    pub code: &'a str,
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// Why, in words.
    pub reason: &'a str,
}

/// Output tokens foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ForesightRecord {
    /// Median.
    pub p50: u64,
    /// Nine of ten stay below.
    pub p90: u64,
    /// Ninety-nine of a hundred stay below.
    pub p99: u64,
}

/// An amount counted against a budget, in the budget's currency.
#[derive(Clone, Debug, Serialize)]
pub struct AmountRecord<'a> {
    /// The budget.
    pub budget: &'a str,
    /// 10⁻⁹ of its currency.
    #[serde(serialize_with = "nano")]
    pub amount_nano: Nano,
}

impl<'a> CallRecord<'a> {
    /// The record of an entry; `None` for entries that are about no call.
    pub fn of(entry: &'a Entry) -> Option<Self> {
        match &entry.body {
            EntryBody::Opened(opened) => Some(Self::opened(entry.seq, entry.at, opened)),
            EntryBody::Settled(settled) => Some(Self::settled(entry.seq, entry.at, settled)),
            EntryBody::Refused(refused) => Some(Self::refused(entry.seq, entry.at, refused)),
            EntryBody::Budget(_) | EntryBody::Admin(_) => None,
        }
    }

    pub(crate) fn opened(sequence: Seq, at: UnixMicros, opened: &'a Opened) -> Self {
        Self {
            kind: RecordKind::Opened,
            sequence,
            at,
            call_id: opened.call_id,
            labels: &opened.labels,
            requested_model: &opened.requested_model,
            attempt: Some(AttemptPart::of(opened)),
            ended: None,
            refusal: None,
        }
    }

    pub(crate) fn settled(sequence: Seq, at: UnixMicros, settled: &'a Settled) -> Self {
        let opened = Self::opened(sequence, at, &settled.opened);
        let mut attempt = AttemptPart::of(&settled.opened);
        attempt.currency = settled.currency;
        let (attempt, ended) = (Some(attempt), Some(EndedPart::of(settled)));
        Self { kind: RecordKind::Settled, attempt, ended, ..opened }
    }

    pub(crate) fn refused(sequence: Seq, at: UnixMicros, refused: &'a Refused) -> Self {
        Self {
            kind: RecordKind::Refused,
            sequence,
            at,
            call_id: refused.call_id,
            labels: &refused.labels,
            requested_model: &refused.requested_model,
            attempt: None,
            ended: None,
            refusal: Some(RefusalPart {
                code: &refused.code,
                http_status: refused.http_status,
                reason: &refused.reason,
            }),
        }
    }

    /// The record as one line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        // Every map key is text and every number finite, so that this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl<'a> AttemptPart<'a> {
    fn of(opened: &'a Opened) -> Self {
        Self {
            attempt_id: opened.attempt_id,
            attempt: opened.attempt,
            opened_at: opened.opened_at,
            offer: &opened.offer.offer,
            provider: &opened.offer.provider,
            model: &opened.offer.model,
            site: &opened.offer.site,
            jurisdiction: &opened.offer.jurisdiction,
            dialect: &opened.offer.dialect,
            price_plan: &opened.offer.price_plan,
            streamed: opened.streamed,
            input_estimate: opened.input_estimate,
            output_bound: opened.output_bound,
            foresight: foresight(opened.foreseen),
            hold_nano: opened.hold.amount,
            currency: opened.hold.currency,
            held: amounts(&opened.held),
            route_reason: &opened.route_reason,
            request_hash: opened.request_hash,
        }
    }
}

impl<'a> EndedPart<'a> {
    fn of(settled: &'a Settled) -> Self {
        Self {
            first_token_at: settled.first_token_at,
            ended_at: settled.ended_at,
            status: settled.status,
            http_status: settled.http_status,
            error_class: &settled.error_class,
            finish_reason: &settled.finish_reason,
            provider_response_id: &settled.provider_response_id,
            served_model: &settled.served_model,
            priced_model: &settled.priced_model,
            service_tier: &settled.service_tier,
            tokens: settled.tokens,
            provenance: settled.provenance,
            recounted_tokens: settled.recounted,
            charge_nano: settled.charge,
            price_book_version: &settled.book_version,
            rule_ids: list(&settled.rate_ids),
            spent: amounts(&settled.spent),
            flags: list(&settled.flags),
            usage_raw: &settled.raw_usage,
        }
    }
}

fn foresight(foreseen: Foreseen) -> Option<ForesightRecord> {
    let Foreseen { p50, p90, p99 } = foreseen;
    (foreseen != Foreseen::default()).then_some(ForesightRecord { p50, p90, p99 })
}

fn amounts(amounts: &[BudgetAmount]) -> Vec<AmountRecord<'_>> {
    amounts.iter().map(|it| AmountRecord { budget: &it.budget, amount_nano: it.amount }).collect()
}

/// The members of a comma separated list; none of empty text.
pub(crate) fn list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}

fn labels<S: serde::Serializer>(labels: &&Labels, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(6))?;
    let Labels { org, project, key, app, domain, user } = *labels;
    for (name, value) in
        [("org", org), ("project", project), ("key", key), ("app", app), ("domain", domain), ("user", user)]
    {
        map.serialize_entry(name, &**value)?;
    }
    map.end()
}

fn nano<S: serde::Serializer>(amount: &Nano, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&amount.0)
}

fn nano_opt<S: serde::Serializer>(amount: &Option<Nano>, to: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => nano(amount, to),
        None => to.serialize_none(),
    }
}

fn hex<S: serde::Serializer>(hash: &u128, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{hash:032x}"))
}

fn status<S: serde::Serializer>(status: &AttemptStatus, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.name())
}

fn raw<S: serde::Serializer>(usage: &&str, to: S) -> Result<S::Ok, S::Error> {
    if usage.is_empty() {
        return to.serialize_none();
    }
    // Only blanks between tokens go: numbers stay as the provider wrote them, and the record stays one line.
    let json = serde_json::from_str::<&RawValue>(usage)
        .is_ok()
        .then(|| RawValue::from_string(without_blanks(usage)));
    match json {
        Some(Ok(json)) => json.serialize(to),
        Some(Err(_)) | None => to.serialize_str(usage),
    }
}

fn without_blanks(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    json.chars()
        .filter(|c| {
            match (inside, *c) {
                (true, '\\') => escaped = !escaped,
                (true, '"') if !escaped => inside = false,
                (true, _) => escaped = false,
                (false, '"') => inside = true,
                (false, _) => {}
            }
            inside || !matches!(c, ' ' | '\t' | '\r' | '\n')
        })
        .collect()
}
