//! 500 calls racing against budgets on key, project and org at once: spent + held is never above any limit, entry by
//! entry, and small calls can use at least 98 % of the tightest.
//!
//! `CAMPAIGN_COUNT` races (default 2), `CAMPAIGN_SEED`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use e2e::calls::DIALECTS;
use e2e::house::{self, KEYS};
use e2e::{Books, Call, Gateway, House, Random, Simulator, setting};
use serde_json::json;

const CALLS: u64 = 500;

// A call of 100 input and 100 output tokens costs 100 × 3 + 100 × 12 = 1,500 micro-CNY (3 and 12 CNY a million), so
// that the key has room for 100 of its 250 calls, the project for 120, the org for 140.
const KEY: (&str, i128) = ("0.150 CNY", 150_000_000);
const PROJECT: (&str, i128) = ("0.180 CNY", 180_000_000);
const ORG: (&str, i128) = ("0.210 CNY", 210_000_000);

#[test]
fn no_race_passes_a_limit() {
    for race in 0..setting("CAMPAIGN_COUNT", 2) {
        let seed = setting("CAMPAIGN_SEED", 1) + race;
        one_race(seed);
    }
}

fn one_race(seed: u64) {
    let simulator = Simulator::start(&[]);
    let budgets = house::budget("key", "key = \"alpha-1\"", KEY.0)
        + &house::budget("project", "project = \"alpha\"", PROJECT.0)
        + &house::budget("org", "org = \"acme\"", ORG.0);
    let house = House::new(simulator.address, &budgets);
    let gateway = Gateway::start(&house);
    let start = Barrier::new(usize::try_from(CALLS).unwrap());
    let mut served = 0;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CALLS)
            .map(|number| {
                let (gateway, start) = (&gateway, &start);
                scope.spawn(move || {
                    let mut random = Random(seed.wrapping_mul(1_000_003) ^ number);
                    let mut call = Call::new(
                        DIALECTS[usize::from(number.is_multiple_of(2))],
                        random.draw().is_multiple_of(2),
                    );
                    // Half by the tightest key, a quarter each by its sibling and by the other project.
                    let key = [0, 0, 1, 2][usize::try_from(number % 4).unwrap()];
                    KEYS[key].secret.clone_into(&mut call.secret);
                    call.max_tokens = random.between(100, 200);
                    let call = call.simulate(json!({
                        "input_tokens": 100, "output_tokens": random.between(20, 100),
                        "first_token_ms": random.between(0, 100), "events": 4,
                    }));
                    start.wait();
                    let answer = call.whole(gateway.listen).expect("every call is answered");
                    match answer.status {
                        200 => true,
                        429 => {
                            let (code, message) = call.dialect.error(&answer.json()).expect("in its dialect");
                            if call.dialect == e2e::Dialect::Chat {
                                assert_eq!(code, "insufficient_quota", "{message}");
                            }
                            assert!(
                                ["key", "project", "org"].iter().any(|id| message.contains(id)),
                                "{message}"
                            );
                            false
                        }
                        other => panic!("{other}: {}", answer.text()),
                    }
                })
            })
            .collect();
        served = clients.into_iter().map(|client| client.join().unwrap()).filter(|served| *served).count();
    });
    // What the race left, small calls use up, one after the other, until even the smallest is refused.
    let after: u32 = [20, 1].iter().map(|output| use_up(&gateway, *output)).sum();
    let books = Books::at_rest(&house.data(), Duration::from_secs(10));
    let uses = books.audit(&[("key", KEY.1), ("project", PROJECT.1), ("org", ORG.1)]);
    let share = |id: &str, limit: i128| {
        let using = uses[id];
        assert_eq!(using.held, 0, "{id} holds for nobody");
        (using.spent * 10_000 / limit, using.peak * 10_000 / limit)
    };
    let shares = [share("key", KEY.1), share("project", PROJECT.1), share("org", ORG.1)];
    eprintln!(
        "seed {seed}: {served} of {CALLS} served, {after} small ones after; (spent, peak) in 1/10,000: {shares:?}"
    );
    let fullest = shares.iter().map(|(spent, _)| *spent).max().unwrap();
    assert!(fullest >= 9_800, "only {fullest} of 10,000 of the tightest budget could be used");
}

/// Makes calls of so many output tokens until one is refused; how many were served.
fn use_up(gateway: &Gateway, output: u64) -> u32 {
    let mut call = Call::new(e2e::Dialect::Chat, false).simulate(json!({ "output_tokens": output }));
    call.max_tokens = output;
    for served in 0..10_000 {
        let answer = call.whole(gateway.listen).unwrap();
        if answer.status != 200 {
            assert_eq!(answer.status, 429, "{}", answer.text());
            return served;
        }
    }
    panic!("the budget never ends");
}
