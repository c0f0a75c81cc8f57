//! Entries for tests: drawn by a small generator of its own, so that a seed says everything.
// A support file of several tests: none uses all of it, and figures are drawn freely.
#![allow(dead_code, clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::indexing_slicing)]

use std::sync::Arc;

use ledger::{
    AdminAction, AttemptId, AttemptStatus, BudgetAmount, BudgetSet, CallId, EntryBody, Foreseen, Labels,
    Name, OfferLabels, Opened, Refused, Settled, UnixMicros, name,
};
use prices::{Charge, Currency, Nano};
use tokens::{Kind, Provenance, Tokens};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick(&mut self, of: &[&str]) -> Name {
        name(of[self.below(of.len() as u64) as usize])
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

const START: i64 = 1_790_000_000_000_000;

/// An attempt with every field filled.
pub fn opened(random: &mut Random) -> Arc<Opened> {
    let p50 = random.below(2000);
    Arc::new(Opened {
        call_id: CallId(random.wide()),
        attempt_id: AttemptId(random.wide()),
        attempt: 1 + random.below(3) as u32,
        opened_at: UnixMicros(START + random.below(1 << 30) as i64),
        labels: Arc::new(Labels {
            org: random.pick(&["acme", "中信", "org-3"]),
            project: random.pick(&["search", "support"]),
            key: random.pick(&["k_01", "k_02", "k_03", "k_04"]),
            app: random.pick(&["", "chat"]),
            domain: random.pick(&["finance", "healthcare", ""]),
            user: random.pick(&["", "9f86d081", "60303ae2"]),
        }),
        requested_model: random.pick(&["fast", "glm-5", "claude-sonnet-5"]),
        offer: Arc::new(OfferLabels {
            offer: random.pick(&["zhipu/glm-5", "anthropic/sonnet"]),
            provider: random.pick(&["zhipu", "anthropic"]),
            model: random.pick(&["glm-5", "claude-sonnet-5"]),
            site: random.pick(&["cn-beijing", "us-east"]),
            jurisdiction: random.pick(&["CN", "US"]),
            dialect: random.pick(&["openai-chat", "anthropic-messages"]),
            price_plan: random.pick(&["zhipu/glm-5@2026", "anthropic/sonnet@2026"]),
        }),
        streamed: random.below(2) == 1,
        input_estimate: random.below(100_000),
        output_bound: random.below(8192),
        foreseen: Foreseen { p50, p90: p50 * 2, p99: p50 * 4 },
        hold: Charge {
            amount: Nano(random.below(1 << 40) as i64),
            currency: if random.below(2) == 0 { Currency::CNY } else { Currency::USD },
        },
        held: amounts(random),
        route_reason: random.pick(&["cheapest lawful of 3", "fallback after 429"]),
        request_hash: random.wide(),
    })
}

fn amounts(random: &mut Random) -> Vec<BudgetAmount> {
    (0..random.below(4))
        .map(|_| BudgetAmount {
            budget: random.pick(&["acme-month", "search-day"]),
            amount: Nano(random.below(1 << 40) as i64),
        })
        .collect()
}

/// How it ended.
pub fn settled(random: &mut Random, opened: Arc<Opened>) -> Settled {
    let mut tokens = Tokens::default();
    tokens.set(Kind::Input, random.below(100_000));
    tokens.set(Kind::Output, random.below(4000));
    if random.below(3) == 0 {
        tokens.set(Kind::InputCached, random.below(50_000));
        tokens.set(Kind::Reasoning, random.below(4000));
    }
    let first = opened.opened_at.0 + random.below(900_000) as i64;
    Settled {
        first_token_at: (random.below(4) > 0).then_some(UnixMicros(first)),
        ended_at: UnixMicros(first + random.below(5_000_000) as i64),
        status: AttemptStatus::ALL[random.below(AttemptStatus::ALL.len() as u64) as usize],
        http_status: [0, 200, 429, 529][random.below(4) as usize],
        error_class: random.pick(&["", "", "rate"]),
        finish_reason: random.pick(&["stop", "length", "end_turn", ""]),
        provider_response_id: name(&format!("resp_{:016x}", random.next())),
        served_model: random.pick(&["glm-5-1120", ""]),
        priced_model: random.pick(&["glm-5", "claude-sonnet-5"]),
        service_tier: name("standard"),
        tokens,
        provenance: Provenance::ALL[random.below(Provenance::ALL.len() as u64) as usize],
        recounted: (random.below(2) == 0).then(|| random.below(5000)),
        charge: (random.below(5) > 0).then(|| Nano(random.below(1 << 40) as i64)),
        currency: opened.hold.currency,
        book_version: name("2026-11-20"),
        rate_ids: random.pick(&["zhipu/glm-5/in,zhipu/glm-5/out", "a/in,a/out"]),
        spent: amounts(random),
        flags: random.pick(&["", "", "total_mismatch"]),
        raw_usage: name(&format!(r#"{{"prompt_tokens":{}}}"#, random.below(100_000))),
        opened,
    }
}

/// An entry of any kind.
pub fn body(random: &mut Random) -> EntryBody {
    match random.below(12) {
        0..=4 => EntryBody::Opened(opened(random)),
        5..=8 => {
            let opened = opened(random);
            EntryBody::Settled(Box::new(settled(random, opened)))
        }
        9 => EntryBody::Refused(Box::new(Refused {
            call_id: CallId(random.wide()),
            labels: opened(random).labels.clone(),
            requested_model: random.pick(&["gpt-9", "glm-5"]),
            code: random.pick(&["insufficient_quota", "no_lawful_offer"]),
            http_status: 429,
            reason: name("budget acme-month: 100 CNY, spent 99.5 CNY, held 0.4 CNY"),
        })),
        10 => EntryBody::Budget(Box::new(BudgetSet {
            budget: name("acme-month"),
            definition: name(r#"{"limit":"100 CNY","window":"month"}"#),
            actor: name("config"),
        })),
        _ => EntryBody::Admin(Box::new(AdminAction {
            action: random.pick(&["key.create", "key.revoke"]),
            object: name("k_07"),
            state: random.pick(&["", r#"{"hash":"9f86d081"}"#]),
            actor: name("admin"),
        })),
    }
}

/// An instant that moves on, and at times back.
pub fn at(random: &mut Random, step: u64) -> UnixMicros {
    UnixMicros(START + step as i64 * 1000 - random.below(5000) as i64)
}
