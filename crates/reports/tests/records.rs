//! The record of an attempt, field by field, and the live view.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests
#![recursion_limit = "256"] // one object of fifty fields

mod sample;

use ledger::{AttemptStatus, CallId, Entry, EntryBody, Seq, UnixMicros, name};
use prices::{Currency, Nano};
use reports::{CallRecord, Cursor, Live, LiveLimits, RECORD_COLUMNS, record_cells};
use sample::{Attempt, SECOND, T0, entries, numbered, refused};
use serde_json::{Value, json};
use tokens::Provenance;

fn record(entry: &Entry) -> Value {
    let line = CallRecord::of(entry).unwrap().to_json();
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_settled_attempt_has_the_fields_of_the_usage_record() {
    let mut settled =
        Attempt { call: 0x0197_0000_0000_7000_8000_0000_0000_0001, cached: 0, ..Attempt::default() }
            .settled();
    settled.spent = vec![ledger::BudgetAmount { budget: name("claims-month"), amount: Nano(7_100) }];
    settled.flags = name("total_mismatch,negative");
    let entry =
        Entry { seq: Seq(2), at: UnixMicros(T0 + SECOND), body: EntryBody::Settled(Box::new(settled)) };
    let mut record = record(&entry);
    record.as_object_mut().unwrap().remove("attempt_id");
    assert_eq!(
        record,
        json!({
            "kind": "settled", "sequence": 2, "at": "2026-11-24T08:00:01.000000Z",
            "call_id": "01970000-0000-7000-8000-000000000001", "attempt": 1,
            "opened_at": "2026-11-24T08:00:00.000000Z", "first_token_at": "2026-11-24T08:00:00.100000Z",
            "ended_at": "2026-11-24T08:00:00.500000Z",
            "org": "acme", "project": "claims", "key": "dev", "app": "assistant", "domain": "finance", "user": "",
            "requested_model": "assistant", "served_model": "gpt-test", "priced_model": "gpt-test",
            "offer": "gpt-test@openai", "provider": "openai", "model": "gpt-test", "site": "us-east",
            "jurisdiction": "US", "dialect": "openai-chat", "price_plan": "plan", "service_tier": "standard",
            "streamed": true, "input_estimate": 99, "output_bound": 512, "foresight": {"p50": 10, "p90": 20, "p99": 30},
            "hold_nano": "7777", "currency": "USD", "held": [], "route_reason": "cheapest of 1",
            "request_hash": "00000000000000000000000000000abc",
            "status": "ok", "http_status": 200, "error_class": "", "finish_reason": "stop",
            "provider_response_id": "resp-1", "tokens": {"input": 100, "output": 10}, "provenance": "provider_final",
            "recounted_tokens": null, "charge_nano": "1000", "price_book_version": "2026-11-20",
            "rule_ids": ["in", "out"], "spent": [{"budget": "claims-month", "amount_nano": "7100"}],
            "flags": ["total_mismatch", "negative"], "usage_raw": {"note": "two  blanks \" x", "n": 1.5},
        })
    );
    // The number stays as it was written.
    assert!(CallRecord::of(&entry).unwrap().to_json().contains(r#""n":1.50}"#));
    let cells = record_cells(&CallRecord::of(&entry).unwrap());
    assert_eq!(cells.len(), RECORD_COLUMNS.len());
}

#[test]
fn what_is_unknown_is_null_and_garbage_is_text() {
    let mut settled = Attempt { charge: None, ..Attempt::default() }.settled();
    settled.first_token_at = None;
    for (raw, shown) in [("", Value::Null), ("{\"cut\": ", json!("{\"cut\": ")), ("1 2", json!("1 2"))] {
        settled.raw_usage = name(raw);
        let body = EntryBody::Settled(Box::new(settled.clone()));
        let record = record(&Entry { seq: Seq(1), at: UnixMicros(T0), body });
        assert_eq!(record["usage_raw"], shown);
        assert_eq!((&record["charge_nano"], &record["first_token_at"]), (&Value::Null, &Value::Null));
    }
    let record = record(&numbered([refused(9, T0)])[0]);
    assert_eq!(
        (&record["kind"], &record["code"], &record["http_status"]),
        (&json!("refused"), &json!("insufficient_quota"), &json!(429))
    );
    assert_eq!((record.get("provider"), record.get("tokens")), (None, None));
}

fn view(live: &Live, now: i64, since: Option<Cursor>) -> Value {
    serde_json::to_value(live.view(UnixMicros(now), since)).unwrap()
}

#[test]
fn the_live_view_shows_seconds_totals_and_stories() {
    let live = Live::default();
    let yuan = Attempt {
        call: 2,
        provider: "dashscope",
        currency: Currency::CNY,
        charge: Some(5),
        cached: 30,
        ..Attempt::default()
    };
    let failed = Attempt {
        call: 3,
        input: 0,
        output: 0,
        status: AttemptStatus::Timeout,
        charge: Some(0),
        provenance: Provenance::Counted,
        ..Attempt::default()
    };
    for entry in entries(&[Attempt::default(), yuan, failed]) {
        live.apply(&entry);
    }
    let whole = view(&live, T0 + SECOND, None);
    // Opened and settled within one second: 2 x 100 fresh input, 30 cached, 2 x 10 output.
    assert_eq!(
        whole["seconds"],
        json!([{
            "s": T0 / SECOND, "opened": 3, "settled": 3, "errors": 1, "refused": 0,
            "tokens": {"input": 200, "cached": 30, "cache_write": 0, "output": 20, "reasoning": 0},
            "charge_nano": {"USD": "1000", "CNY": "5"},
        }])
    );
    assert_eq!(whole["totals"]["charge_nano"], json!({"CNY": "5", "USD": "1000"}));
    assert_eq!(whole["totals"]["provenance"]["counted"], json!(1));
    assert_eq!((&whole["totals"]["calls"], &whole["totals"]["in_flight"]), (&json!(3), &json!(0)));
    let openai = &whole["providers"][1];
    assert_eq!(
        (&openai["provider"], &openai["ok"], &openai["errors"]),
        (&json!("openai"), &json!(1), &json!(1))
    );
    assert_eq!((&openai["first_token_p50_ms"], &openai["total_p50_ms"]), (&json!(100), &json!(500)));
    assert_eq!(whole["calls"].as_array().unwrap().len(), 3);
    assert_eq!(whole["calls"][0]["status"], json!("timeout"));

    // Nothing new, then one call.
    let cursor = Cursor(whole["cursor"].as_u64().unwrap());
    let nothing = view(&live, T0 + SECOND, Some(cursor));
    assert_eq!(
        (&nothing["whole"], &nothing["calls"], &nothing["seconds"]),
        (&json!(false), &json!([]), &json!([]))
    );
    let next = Attempt { call: 4, at: T0 + 2 * SECOND, ..Attempt::default() };
    live.apply(&numbered([(next.at, EntryBody::Opened(next.opened()))])[0]);
    let news = view(&live, T0 + 2 * SECOND, Some(cursor));
    assert_eq!((news["calls"].as_array().unwrap().len(), &news["calls"][0]["state"]), (1, &json!("open")));
    assert_eq!(news["totals"]["in_flight"], json!(1));
    // A cursor of another life starts over.
    assert_eq!(view(&live, T0, Some(Cursor(10_000)))["whole"], json!(true));

    let story = serde_json::to_value(live.find(CallId(3)).unwrap()).unwrap();
    assert_eq!((&story["state"], &story["attempts"][0]["status"]), (&json!("settled"), &json!("timeout")));
}

#[test]
fn the_live_view_is_bounded_and_forgets_the_oldest() {
    let live = Live::new(LiveLimits { seconds: 10, calls: 3, providers: 1 });
    let providers = ["a", "b"];
    for call in 0..20u32 {
        let provider = providers[usize::try_from(call % 2).unwrap()];
        let attempt =
            Attempt { call: call.into(), at: T0 + i64::from(call) * SECOND, provider, ..Attempt::default() };
        for entry in entries(&[attempt]) {
            live.apply(&entry);
        }
    }
    let seen = view(&live, T0 + 19 * SECOND, None);
    assert_eq!(seen["seconds"].as_array().unwrap().len(), 10);
    assert_eq!(seen["providers"].as_array().unwrap().len(), 1);
    assert_eq!(seen["totals"]["calls"], json!(20));
    assert!(live.find(CallId(16)).is_none() && live.find(CallId(17)).is_some());
    assert_eq!(live.last(10).len(), 3);
    // Minutes later the ring is empty, and nothing old shines through.
    assert_eq!(view(&live, T0 + 500 * SECOND, None)["seconds"], json!([]));
}
