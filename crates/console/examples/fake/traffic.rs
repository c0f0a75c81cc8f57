//! Made-up calls: several vendors and sites, failures, hang-ups, a refusal now and then.

use std::sync::Arc;

use ledger::{
    AttemptId, AttemptStatus, CallId, EntryBody, Foreseen, Labels, OfferLabels, Opened, Refused, Settled,
    UnixMicros, name,
};
use prices::{Charge, Currency, Nano};
use tokens::{Kind, Provenance, Tokens};

/// Provider, model, site, jurisdiction, currency, dialect, nano a million tokens in and out.
type Sold = (&'static str, &'static str, &'static str, &'static str, Currency, &'static str, i64, i64);

pub const OFFERS: [Sold; 4] = [
    ("dashscope", "qwen-plus", "cn-zhongwei", "CN", Currency::CNY, "openai-chat", 800_000_000, 2_000_000_000),
    (
        "deepseek",
        "deepseek-chat",
        "cn-east",
        "CN",
        Currency::CNY,
        "openai-chat",
        2_000_000_000,
        3_000_000_000,
    ),
    ("openai", "gpt-5-mini", "us-east", "US", Currency::USD, "openai-chat", 250_000_000, 2_000_000_000),
    (
        "anthropic",
        "claude-sonnet-4-5",
        "us-west",
        "US",
        Currency::USD,
        "anthropic-messages",
        3_000_000_000,
        15_000_000_000,
    ),
];

const CALLERS: [(&str, &str, &str); 4] = [
    ("claims", "assistant", "finance"),
    ("claims", "fraud-check", "finance"),
    ("radiology", "report-draft", "healthcare"),
    ("line-7", "fault-finder", "industrial"),
];

/// A small generator (Knuth's MMIX multiplier): the same seed, the same traffic.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

/// An attempt at an offer, opened.
pub fn opened(dice: &mut Dice, at: UnixMicros, call: CallId, number: u32, sold: &Sold) -> Arc<Opened> {
    let (provider, model, site, jurisdiction, currency, dialect, _, output_rate) = *sold;
    let (project, app, domain) = CALLERS[usize::try_from(call.0 % 4).unwrap_or(0)];
    let input = 200 + dice.below(6_000);
    Arc::new(Opened {
        call_id: call,
        attempt_id: AttemptId::new(),
        attempt: number,
        opened_at: at,
        labels: Arc::new(Labels {
            org: name("acme"),
            project: name(project),
            key: name(&format!("{project}-{app}")),
            app: name(app),
            domain: name(domain),
            user: name(""),
        }),
        requested_model: name(if currency == Currency::CNY { "assistant" } else { model }),
        offer: Arc::new(OfferLabels {
            offer: name(&format!("{model}@{site}")),
            provider: name(provider),
            model: name(model),
            site: name(site),
            jurisdiction: name(jurisdiction),
            dialect: name(dialect),
            price_plan: name(&format!("{provider}/{model}")),
        }),
        streamed: dice.below(3) > 0,
        input_estimate: input,
        output_bound: 2_048,
        foreseen: Foreseen { p50: 240, p90: 820, p99: 1_900 },
        hold: Charge { amount: Nano(output_rate / 1_000_000 * 2_048), currency },
        held: vec![],
        route_reason: name(
            "qwen-plus@zhongwei: kept, 0.0031 CNY, healthy\ndeepseek-chat@cn-east: kept, 0.0042 CNY, healthy\n\
             gpt-5-mini@us-east: rejected, data class personal may not leave CN",
        ),
        request_hash: call.0,
    })
}

/// The end of an attempt, by the dice.
pub fn settled(dice: &mut Dice, opened: Arc<Opened>, at: UnixMicros, sold: &Sold) -> Settled {
    let (_, model, _, _, currency, _, input_rate, output_rate) = *sold;
    let luck = dice.below(100);
    let (status, provenance) = match luck {
        0..=3 => (AttemptStatus::ProviderError, Provenance::ProviderFinal),
        4 => (AttemptStatus::Timeout, Provenance::Counted),
        5 => (AttemptStatus::UpstreamCut, Provenance::Unknown),
        6..=9 => (AttemptStatus::ClientClosed, Provenance::Drained),
        10..=13 => (AttemptStatus::ClientClosed, Provenance::Counted),
        _ => (AttemptStatus::Ok, Provenance::ProviderFinal),
    };
    let failed = status == AttemptStatus::ProviderError;
    let cached = if luck.is_multiple_of(3) { opened.input_estimate / 2 } else { 0 };
    let reasoning = if luck.is_multiple_of(5) { dice.below(900) } else { 0 };
    let used: Tokens = [
        (Kind::Input, opened.input_estimate - cached),
        (Kind::InputCached, cached),
        (Kind::Output, 20 + dice.below(900)),
        (Kind::Reasoning, reasoning),
    ]
    .into_iter()
    .filter(|_| !failed)
    .collect();
    let charge = |count: u64, rate: i64| i64::try_from(count).unwrap_or(0) * rate / 1_000_000;
    let money = charge(used.get(Kind::Input), input_rate)
        + charge(used.get(Kind::InputCached), input_rate / 10)
        + charge(used.output(), output_rate);
    let span = at.0 - opened.opened_at.0;
    Settled {
        first_token_at: (!failed).then_some(UnixMicros(opened.opened_at.0 + span / 4)),
        ended_at: at,
        status,
        http_status: if failed { 429 } else { 200 },
        error_class: name(match status {
            AttemptStatus::ProviderError => "rate",
            AttemptStatus::Timeout => "timeout",
            AttemptStatus::UpstreamCut => "upstream_bug",
            AttemptStatus::Ok | AttemptStatus::ClientClosed | AttemptStatus::Recovered => "",
        }),
        finish_reason: name(if status == AttemptStatus::Ok { "stop" } else { "" }),
        provider_response_id: name("chatcmpl-7Qx4"),
        served_model: name(model),
        priced_model: name(model),
        service_tier: name("standard"),
        tokens: used,
        provenance,
        recounted: Some(used.get(Kind::Output)),
        charge: (luck != 5).then_some(Nano(money)),
        currency,
        book_version: name("2026-11-20"),
        rate_ids: name("input,cached,output"),
        spent: vec![],
        flags: name(if luck == 20 { "total_mismatch" } else { "" }),
        raw_usage: name(&format!(
            "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"prompt_tokens_details\":{{\"cached_tokens\":{cached}}}}}",
            used.prompt(),
            used.output()
        )),
        opened,
    }
}

/// A refusal.
pub fn refused(call: CallId) -> EntryBody {
    EntryBody::Refused(Box::new(Refused {
        call_id: call,
        labels: Arc::new(Labels {
            project: name("radiology"),
            app: name("report-draft"),
            ..Labels::default()
        }),
        requested_model: name("<b>gpt-5</b>"),
        code: name("no_lawful_offer"),
        http_status: 403,
        reason: name(
            "no offer may serve data class personal from CN-SH: gpt-5@us-east is in US, and rule 1 allows CN only",
        ),
    }))
}
