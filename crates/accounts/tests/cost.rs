//! What a hold costs. Not part of a test run; the figures of `docs/performance.md` come from here:
//! `cargo test -p accounts --release --test cost -- --ignored --nocapture`

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use std::sync::Barrier;
use std::time::Instant;

use accounts::{Accounts, Caller, Declared};
use ledger::UnixMicros;
use support::{START, budget, cny, declared, fx, hold, house, key};

const TURNS: u64 = 500_000;

/// CPU time of this thread in nanoseconds (`/proc/thread-self/schedstat`; elsewhere, the wall's).
fn cpu_ns(since: Instant) -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let on_cpu = stat.split_whitespace().next().and_then(|ns| ns.parse().ok());
    on_cpu.unwrap_or_else(|| u64::try_from(since.elapsed().as_nanos()).unwrap())
}

/// Nanoseconds of CPU for a hold and its settlement, the least of five runs.
fn cost(accounts: &Accounts, caller: &Caller) -> u64 {
    let run = || {
        let (start, before) = (Instant::now(), cpu_ns(Instant::now()));
        for _ in 0..TURNS {
            hold(accounts, caller, "m", 20, START).unwrap().price(Some(cny(10))).settle();
        }
        (cpu_ns(start) - before) / TURNS
    };
    (0..5).map(|_| run()).min().unwrap()
}

#[test]
#[ignore = "a measurement: needs --release"]
fn a_hold_and_its_settlement() {
    let scopes = [
        "{}",
        r#"{"org":"acme"}"#,
        r#"{"project":"claims"}"#,
        r#"{"key":"k1"}"#,
        r#"{"model":"m"}"#,
        r#"{"provider":"p"}"#,
    ];
    let windows = ["total", "month", "day", "hour", "week", "day"];
    let budgets: Vec<_> = scopes
        .iter()
        .zip(windows)
        .enumerate()
        .map(|(at, (scope, window))| {
            format!(r#"{{"id":"b{at}","scope":{scope},"limit":"9000000000 CNY","window":"{window}"}}"#)
        })
        .collect();
    for count in [0, 1, 3, 6] {
        let texts: Vec<_> = budgets.iter().take(count).map(String::as_str).collect();
        let (accounts, caller) = house(&texts);
        println!("{count} budgets: {} ns", cost(&accounts, &caller));
    }
}

/// 10,000 budgets, two keys with six each, one thread per key.
#[test]
#[ignore = "a measurement: needs --release"]
fn two_cores_and_ten_thousand_budgets() {
    let mut all = Declared { keys: Vec::new(), ..declared(&[]) };
    for key_at in 0..1_667 {
        all.keys.push(key(&format!("k{key_at}"), "claims", &format!("th-{key_at}")));
        for at in 0..6 {
            let json = r#"{"id":"?","limit":"9000000000 CNY","window":"day"}"#
                .replace('?', &format!("{key_at}-{at}"));
            let mut def = budget(&json);
            def.scope.key = Some(format!("k{key_at}"));
            all.budgets.push(def);
        }
    }
    let accounts = Accounts::new(all, fx()).unwrap();
    let caller = |at: u32| accounts.caller(&format!("th-{at}"), UnixMicros(START)).unwrap();
    println!("one thread: {} ns", cost(&accounts, &caller(1)));
    let barrier = Barrier::new(2);
    std::thread::scope(|threads| {
        for at in [1, 2] {
            let (accounts, caller, barrier) = (&accounts, caller(at), &barrier);
            threads.spawn(move || {
                barrier.wait();
                println!("each of two threads: {} ns", cost(accounts, &caller));
            });
        }
    });
    let start = Instant::now();
    for _ in 0..1_000_000 {
        std::hint::black_box(accounts.caller("th-1", UnixMicros(START)).unwrap());
    }
    println!("a look-up of a key: {} ns", start.elapsed().as_nanos() / 1_000_000);
}
