//! Ledgers of every released format are read for ever, field by field.
//!
//! `tests/fixtures/v1` was written by the first release of format 1.0: two segments, each ended by
//! a clean close. Never rewrite it; a new format gets a folder of its own.
// Helpers outside of `#[test]` functions: a failure is to stop the test here as well.
#![allow(clippy::unwrap_used)]

mod support;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ledger::{BudgetAmount, Entry, EntryBody, Labels, Opened, RealDisk, scan};
use serde_json::{Value, json};

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version)
}

fn labels(l: &Labels) -> Value {
    json!([*l.org, *l.project, *l.key, *l.app, *l.domain, *l.user])
}

fn amounts(list: &[BudgetAmount]) -> Value {
    list.iter().map(|item| json!([*item.budget, item.amount.0])).collect()
}

fn opened(o: &Opened) -> Value {
    let offer = &o.offer;
    json!({
        "call_id": o.call_id, "attempt_id": o.attempt_id, "attempt": o.attempt, "opened_at": o.opened_at,
        "labels": labels(&o.labels), "requested_model": *o.requested_model,
        "offer": [*offer.offer, *offer.provider, *offer.model, *offer.site, *offer.jurisdiction, *offer.dialect,
                  *offer.price_plan],
        "streamed": o.streamed, "input_estimate": o.input_estimate, "output_bound": o.output_bound,
        "foreseen": [o.foreseen.p50, o.foreseen.p90, o.foreseen.p99],
        "hold": [o.hold.amount.0, o.hold.currency.code()], "held": amounts(&o.held),
        "route_reason": *o.route_reason, "request_hash": format!("{:032x}", o.request_hash),
    })
}

fn entry(entry: &Entry) -> Value {
    let (kind, body) = match &entry.body {
        EntryBody::Opened(o) => ("opened", opened(o)),
        EntryBody::Settled(s) => (
            "settled",
            json!({
                "opened": opened(&s.opened), "first_token_at": s.first_token_at, "ended_at": s.ended_at,
                "status": s.status.name(), "http_status": s.http_status, "error_class": *s.error_class,
                "finish_reason": *s.finish_reason, "provider_response_id": *s.provider_response_id,
                "served_model": *s.served_model, "priced_model": *s.priced_model,
                "service_tier": *s.service_tier, "tokens": s.tokens, "provenance": s.provenance,
                "recounted": s.recounted, "charge": s.charge.map(|charge| charge.0), "currency": s.currency,
                "book_version": *s.book_version, "rate_ids": *s.rate_ids, "spent": amounts(&s.spent),
                "flags": *s.flags, "raw_usage": *s.raw_usage,
            }),
        ),
        EntryBody::Refused(r) => (
            "refused",
            json!({
                "call_id": r.call_id, "labels": labels(&r.labels), "requested_model": *r.requested_model,
                "code": *r.code, "http_status": r.http_status, "reason": *r.reason,
            }),
        ),
        EntryBody::Budget(b) => {
            ("budget", json!({ "budget": *b.budget, "definition": *b.definition, "actor": *b.actor }))
        }
        EntryBody::Admin(a) => (
            "admin",
            json!({ "action": *a.action, "object": *a.object, "state": *a.state, "actor": *a.actor }),
        ),
    };
    json!({ "seq": entry.seq, "at": entry.at, "kind": kind, "body": body })
}

#[test]
fn format_1_is_read_for_ever() {
    let disk = RealDisk::existing(folder("v1")).unwrap();
    let mut found = Vec::new();
    let report = scan(&disk, &mut |one| {
        found.push(entry(one));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(report.damages.is_empty(), "{:?}", report.damages);
    assert_eq!((report.unfinished_bytes, report.writer), (0, 0x0102_0304_0506_0708));
    let expected = std::fs::read_to_string(folder("v1").join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

/// Writes the fixture of the format of today: `cargo test -p ledger --test fixture -- --ignored`, once, when a
/// format is released. The expected values are those of the entries before they were written.
#[test]
#[ignore = "writes a fixture; a released one is never written again"]
fn write_the_fixture_of_a_new_format() {
    use ledger::{Ledger, Options};
    let folder = folder("new");
    let options = Options { writer: 0x0102_0304_0506_0708, ahead_bytes: 0, ..Options::default() };
    let random = &mut support::Random(2026);
    let mut written = Vec::new();
    for run in 0..2_u64 {
        let disk = std::sync::Arc::new(RealDisk::new(&folder).unwrap());
        let (ledger, _) = Ledger::open(disk, options.clone(), &mut |_| (), None).unwrap();
        for n in 0..20 {
            let (at, body) = (support::at(random, 20 * run + n), support::body(random));
            let ticket = ledger.append(at, body.clone()).unwrap();
            written.push(entry(&Entry { seq: ticket.0, at, body }));
            if n % 3 == 0 {
                ledger.durable_blocking(ticket).unwrap();
            }
        }
        ledger.close().unwrap();
    }
    std::fs::remove_file(folder.join("lock")).unwrap();
    let lines: Vec<String> = written.iter().map(Value::to_string).collect();
    std::fs::write(folder.join("expected.json"), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}
