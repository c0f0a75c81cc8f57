//! Volume and cost against sums made by hand, and the laws that hold for any ledger.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy does not take for tests

mod sample;

use std::convert::Infallible;

use ledger::{AttemptStatus, Entry, EntryBody};
use prices::Currency;
use proptest::prelude::*;
use reports::{By, Format, Query, Report, cost, volume};
use sample::{Attempt, SECOND, T0, entries, numbered, refused};
use tokens::{Kind, Provenance};

fn query(by: &str) -> Query {
    Query { by: By::list(by).unwrap(), ..Query::default() }
}

fn run(entries: &[Entry], query: Query) -> Report {
    let report = volume::<Infallible>(
        &mut |each| {
            entries.iter().for_each(each);
            Ok(())
        },
        query,
    );
    report.unwrap()
}

/// Three calls: one whole at openai; one that failed at openai and was answered by dashscope in CNY; one cut off
/// without a price. Then a call in flight and a refusal.
fn morning() -> Vec<Entry> {
    let failed = Attempt {
        call: 2,
        input: 0,
        output: 0,
        charge: Some(0),
        status: AttemptStatus::ProviderError,
        ..Attempt::default()
    };
    let answered = Attempt {
        call: 2,
        number: 2,
        at: T0 + SECOND,
        provider: "dashscope",
        model: "qwen-test",
        cached: 50,
        charge: Some(2_500),
        currency: Currency::CNY,
        ..Attempt::default()
    };
    let cut = Attempt {
        call: 3,
        at: T0 + 3600 * SECOND,
        input: 40,
        output: 5,
        charge: None,
        provenance: Provenance::Unknown,
        status: AttemptStatus::UpstreamCut,
        ..Attempt::default()
    };
    let mut all = entries(&[Attempt::default(), failed, answered, cut]);
    let flying = Attempt { call: 4, at: T0 + 3700 * SECOND, ..Attempt::default() };
    all.extend(numbered([(flying.at, EntryBody::Opened(flying.opened())), refused(5, flying.at)]));
    all
}

#[test]
fn the_morning_by_provider() {
    let report = run(&morning(), query("provider"));
    // openai: 100+10 (call 1), 0 (call 2), 40+5 (call 3); dashscope: 100+50+10.
    let json: serde_json::Value = serde_json::from_str(&report.render(Format::Json)).unwrap();
    assert_eq!(
        json["rows"],
        serde_json::json!([
            {"provider": "dashscope", "calls": 1, "attempts": 1,
             "tokens": {"input": 100, "input_cached": 50, "output": 10}, "charge_nano": {"CNY": "2500"},
             "unpriced": {"attempts": 0, "hold_nano": {}},
             "unknown_usage": {"attempts": 0, "tokens": {}, "charge_nano": {}}, "flagged": 0, "not_ok": 0},
            {"provider": "openai", "calls": 3, "attempts": 3,
             "tokens": {"input": 140, "output": 15}, "charge_nano": {"USD": "1000"},
             "unpriced": {"attempts": 1, "hold_nano": {"USD": "7777"}},
             "unknown_usage": {"attempts": 1, "tokens": {"input": 40, "output": 5}, "charge_nano": {}},
             "flagged": 0, "not_ok": 2},
        ])
    );
    // Call 2 is in both rows, and once in the totals.
    let totals = &json["totals"];
    assert_eq!((totals["calls"].as_u64(), totals["attempts"].as_u64()), (Some(3), Some(4)));
    assert_eq!(totals["charge_nano"], serde_json::json!({"CNY": "2500", "USD": "1000"}));
    assert_eq!((json["in_flight"].as_u64(), json["refused"].as_u64()), (Some(1), Some(1)));
}

#[test]
fn a_period_takes_its_first_instant_and_not_its_last() {
    let covers = |from: &str, to: &str| {
        let query = Query::read("", from, to, "", "").unwrap();
        run(&morning(), query).totals.attempts
    };
    assert_eq!(covers("2026-11-24T08:00:00Z", "2026-11-24T08:00:01Z"), 2);
    assert_eq!(covers("2026-11-24T08:00:01Z", ""), 2);
    assert_eq!(covers("", "2026-11-24T08:00:00Z"), 0);
    // In Shanghai the day of 08:00 UTC began at 16:00 UTC of the day before.
    let shanghai = Query::read("day", "2026-11-24", "2026-11-25", "Asia/Shanghai", "").unwrap();
    let report = run(&morning(), shanghai);
    assert_eq!((report.totals.attempts, &*report.rows[0].key[0]), (4, "2026-11-24"));
}

#[test]
fn filters_choose_and_mistakes_are_named() {
    let count = |filter: &str| {
        let report = run(&morning(), Query { filter: filter.parse().unwrap(), ..Query::default() });
        (report.totals.attempts, report.refused)
    };
    assert_eq!(count("provider=openai"), (3, 0));
    assert_eq!(count("provider=openai,status=ok"), (1, 0));
    assert_eq!(count("status=ok,status=upstream_cut"), (3, 0));
    assert_eq!(count("code=insufficient_quota"), (0, 1));
    assert_eq!(count("project=claims,currency=CNY"), (1, 0));
    // A filter is no pattern.
    assert_eq!(count("provider=open"), (0, 0));
    for (filter, said) in [
        ("vendor=x", "is no field to filter by"),
        ("provider", "write field=value"),
        ("status=good", "use ok, client_closed"),
        ("provenance=guess", "use provider_final"),
        ("call_id=7", "the UUID of a call"),
    ] {
        let error = filter.parse::<reports::Filter>().unwrap_err().to_string();
        assert!(error.contains(said), "{filter}: {error}");
    }
}

#[test]
fn the_table_is_for_people() {
    let mut scan = |each: &mut dyn FnMut(&Entry)| {
        morning().iter().for_each(each);
        Ok::<_, Infallible>(())
    };
    let text = cost(&mut scan, query("provider")).unwrap().render(Format::Table);
    let rows: Vec<Vec<&str>> = text.lines().take(4).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            [
                "provider",
                "calls",
                "attempts",
                "CNY",
                "USD",
                "unpriced",
                "tokens",
                "input",
                "input_cached",
                "output",
                "unknown"
            ],
            ["dashscope", "1", "1", "0.0000025", "0", "0", "160", "100", "50", "10", "0"],
            ["openai", "3", "3", "0", "0.000001", "1", "155", "140", "0", "15", "1"],
            ["total", "3", "4", "0.0000025", "0.000001", "1", "315", "240", "50", "25", "1"],
        ]
    );
    assert!(text.contains("never added together"), "{text}");
}

#[test]
fn csv_has_exact_figures_and_guarded_labels() {
    let attempt = Attempt { project: "=1+1,\"x\"", ..Attempt::default() };
    let text = run(&entries(&[attempt]), query("project,day")).render(Format::Csv);
    assert_eq!(
        text,
        "project,day,calls,attempts,input,output,tokens_total,charge_nano_USD,unknown_usage_attempts\r\n\
         \"'=1+1,\"\"x\"\"\",2026-11-24,1,1,100,10,110,1000,0\r\n"
    );
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let labels = (
        prop::sample::select(vec!["claims", "=cmd", "a,b", "c\"d\r\n"]),
        prop::sample::select(vec!["openai", "dashscope", ""]),
        prop::sample::select(vec![Currency::CNY, Currency::USD]),
        prop::sample::select(AttemptStatus::ALL),
        prop::sample::select(Provenance::ALL),
    );
    let figures =
        (0..8u128, 0..100_000 * SECOND, any::<u64>(), any::<u64>(), any::<u64>(), any::<Option<i64>>());
    (labels, figures).prop_map(
        |(
            (project, provider, currency, status, provenance),
            (call, after, input, cached, output, charge),
        )| {
            Attempt {
                call,
                at: T0 + after,
                project,
                provider,
                input,
                cached,
                output,
                charge,
                currency,
                provenance,
                status,
                ..Attempt::default()
            }
        },
    )
}

/// Attempts of one call are numbered, and none follows a last one.
fn any_ledger() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec(any_attempt(), 0..40).prop_map(|mut attempts| {
        for (place, attempt) in attempts.iter_mut().enumerate() {
            attempt.number = u32::try_from(place).unwrap();
        }
        let last = [AttemptStatus::Ok, AttemptStatus::ClientClosed, AttemptStatus::Recovered];
        let mut over = std::collections::HashSet::new();
        attempts.retain(|it| {
            !over.contains(&it.call) && {
                if last.contains(&it.status) {
                    over.insert(it.call);
                }
                true
            }
        });
        attempts
    })
}

proptest! {
    /// Whatever the grouping, rows add up to the totals, and the totals are the plain sums over the attempts.
    #[test]
    fn rows_add_up_to_totals(attempts in any_ledger(), by in prop::sample::subsequence(By::ALL.to_vec(), 0..4)) {
        let report = run(&entries(&attempts), Query { by, ..Query::default() });
        let sum = |figure: &dyn Fn(&reports::Sums) -> i128| report.rows.iter().map(|row| figure(&row.sums)).sum::<i128>();
        let counted = |kind| move |it: &reports::Sums| i128::try_from(it.tokens.get(kind)).unwrap();
        for (kind, plain) in [
            (Kind::Input, attempts.iter().map(|it| i128::from(it.input)).sum::<i128>()),
            (Kind::InputCached, attempts.iter().map(|it| i128::from(it.cached)).sum()),
            (Kind::Output, attempts.iter().map(|it| i128::from(it.output)).sum()),
        ] {
            prop_assert_eq!(sum(&counted(kind)), plain);
            prop_assert_eq!(counted(kind)(&report.totals), plain);
        }
        for currency in [Currency::CNY, Currency::USD] {
            let plain: i128 = attempts.iter().filter(|it| it.currency == currency).filter_map(|it| it.charge).map(i128::from).sum();
            prop_assert_eq!(sum(&|it| it.charge_nano.get(currency)), plain);
            prop_assert_eq!(report.totals.charge_nano.get(currency), plain);
        }
        prop_assert_eq!(sum(&|it| i128::from(it.attempts)), i128::from(report.totals.attempts));
        prop_assert_eq!(sum(&|it| i128::from(it.unpriced.attempts)), i128::from(report.totals.unpriced.attempts));
        let calls: std::collections::HashSet<u128> = attempts.iter().map(|it| it.call).collect();
        prop_assert_eq!(report.totals.calls, u64::try_from(calls.len()).unwrap());
    }

    /// Calls of a row are the distinct calls with an attempt in it.
    #[test]
    fn calls_are_distinct(attempts in any_ledger()) {
        let report = run(&entries(&attempts), query("provider"));
        for row in &report.rows {
            let calls: std::collections::HashSet<u128> =
                attempts.iter().filter(|it| *it.provider == *row.key[0]).map(|it| it.call).collect();
            prop_assert_eq!(row.sums.calls, u64::try_from(calls.len()).unwrap());
        }
    }
}
