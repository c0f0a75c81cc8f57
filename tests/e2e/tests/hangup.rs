//! A client that hangs up at any point: the attempt is settled, with an honest provenance, within what the simulator
//! knows to be true.
//!
//! A grid of dialect × streamed × what the provider does at a hang-up × where the client leaves; then
//! `CAMPAIGN_COUNT` random points (default 40) of `CAMPAIGN_SEED`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use e2e::calls::DIALECTS;
use e2e::{Books, Call, Gateway, House, Random, Served, Simulator, books, setting};
use ledger::{AttemptStatus, Settled};
use serde_json::json;

/// Tokens by kind.
type Tokens = BTreeMap<String, u64>;

const OUTPUT: u64 = 48;
const EVENTS: u64 = 12;
const FIRST_TOKEN: u64 = 60;
const TOKEN: u64 = 5;
/// Tokens that a provider may generate before it sees a hang-up: 6 events, 120 ms, on a busy machine.
const IN_THE_AIR: u64 = 6 * OUTPUT / EVENTS;

/// Where a client leaves.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// As soon as the request is sent.
    AtOnce,
    /// So long after it was sent.
    After(Duration),
    /// When so many bytes of the body have come.
    Bytes(usize),
    /// When the last byte has come.
    AtTheEnd,
}

fn leave(call: &Call, gateway: &Gateway, point: Point) {
    match point {
        Point::AtOnce => drop(call.send(gateway.listen).unwrap().shutdown(Shutdown::Both)),
        Point::After(wait) => {
            let socket = call.send(gateway.listen).unwrap();
            thread::sleep(wait);
            drop(socket.shutdown(Shutdown::Both));
        }
        Point::Bytes(bytes) => drop(call.ask(gateway.listen).unwrap().hang_up_after(bytes).unwrap()),
        Point::AtTheEnd => {
            let answer = call.whole(gateway.listen).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
}

#[test]
fn whoever_hangs_up_is_in_the_books() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    let mut random = Random(setting("CAMPAIGN_SEED", 1));
    let directive = json!({
        "output_tokens": OUTPUT, "events": EVENTS, "first_token_ms": FIRST_TOKEN, "token_ms": TOKEN,
    });
    let mut points = vec![
        Point::AtOnce,
        Point::After(Duration::from_millis(FIRST_TOKEN / 2)),
        Point::After(Duration::from_millis(FIRST_TOKEN * 2)),
        Point::Bytes(1),
        Point::Bytes(600),
        Point::Bytes(1_200),
        Point::Bytes(2_000),
        Point::AtTheEnd,
    ];
    let mut cases: Vec<(Call, Point)> = Vec::new();
    let case = |point: Point, streamed: bool, cancels: bool, dialect: e2e::Dialect| {
        let mut call = Call::new(dialect, streamed).simulate(directive.clone());
        if cancels {
            dialect.cancelling_model().clone_into(&mut call.model);
        }
        (call, point)
    };
    for point in points.drain(..) {
        for (streamed, cancels) in [(true, true), (true, false), (false, true), (false, false)] {
            cases.extend(DIALECTS.map(|dialect| case(point, streamed, cancels, dialect)));
        }
    }
    for _ in 0..setting("CAMPAIGN_COUNT", 40) {
        let point = match random.draw() % 2 {
            0 => Point::After(Duration::from_millis(random.between(0, 350))),
            _ => Point::Bytes(usize::try_from(random.between(1, 3_000)).unwrap()),
        };
        let dialect = DIALECTS[usize::from(random.draw().is_multiple_of(2))];
        cases.push(case(point, random.draw().is_multiple_of(2), random.draw().is_multiple_of(2), dialect));
    }
    // Sixteen at a time: each leaves at a point of its own, all at once is `crash`.
    for (batch, some) in cases.chunks(16).enumerate() {
        thread::scope(|scope| {
            for (number, (call, point)) in some.iter().enumerate() {
                let call = call.clone().app(format!("case-{}", batch * 16 + number));
                let gateway = &gateway;
                scope.spawn(move || leave(&call, gateway, *point));
            }
        });
    }
    let books = Books::at_rest(&house.data(), Duration::from_secs(10));
    let truth = simulator.truth_at_rest();
    let settled = books.settled();
    for id in truth.keys() {
        assert!(settled.contains_key(id), "the simulator saw attempt {id}, the books did not");
    }
    let by_app: BTreeMap<&str, &str> =
        settled.iter().map(|(id, it)| (&*it.opened.labels.app, id.as_str())).collect();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for (number, (call, point)) in cases.iter().enumerate() {
        // A request may have been cut off before it became a call: on a busy machine also one that waited a while.
        // What reached the provider is in the books all the same (above), and who saw a byte had a call.
        let Some(id) = by_app.get(format!("case-{number}").as_str()) else {
            assert!(
                matches!(point, Point::AtOnce | Point::After(_)),
                "case {number} ({point:?}) is not in the books"
            );
            continue;
        };
        let what = format!("case {number}: {:?} {point:?} {} {id}", call.dialect, call.model);
        judge(&what, settled[*id], truth.get(*id), *point);
        let settled = settled[*id];
        *seen.entry(format!("{} {}", settled.status.name(), settled.provenance)).or_default() += 1;
    }
    eprintln!("{} cases: {seen:?}", cases.len());
    assert!(seen.values().sum::<u64>() * 10 >= cases.len() as u64 * 9, "too few became calls: {seen:?}");
    assert!(seen.keys().any(|key| key.ends_with("drained")), "nothing was drained: {seen:?}");
}

/// Whether a settlement is within the truth.
fn judge(what: &str, settled: &Settled, served: Option<&Served>, point: Point) {
    let counted = books::tokens(settled);
    let Some(served) = served else {
        // It never left for the provider, or the provider never read it whole: nothing can have been generated.
        assert_eq!(counted.get("output"), None, "{what}: output of a request that nobody served");
        return;
    };
    let (generated, billed) = (served.tokens("tokens"), served.tokens("billed"));
    match point {
        Point::AtTheEnd => assert_eq!(settled.status, AttemptStatus::Ok, "{what}"),
        Point::AtOnce | Point::After(_) | Point::Bytes(_) => {
            let fits = matches!(settled.status, AttemptStatus::Ok | AttemptStatus::ClientClosed);
            assert!(fits, "{what}: {:?} {}", settled.status, settled.error_class);
        }
    }
    match settled.provenance.name() {
        // The provider's word, all of it.
        "provider_final" | "drained" => assert_eq!(counted, generated, "{what}: {}", served.end()),
        // Our count of what came: never more than was generated, and never short of what is billed by more than was
        // on its way when the client left.
        "counted" | "provider_partial" => {
            let output = |tokens: &Tokens| tokens.get("output").copied().unwrap_or(0);
            assert!(output(&counted) <= output(&generated), "{what}: {counted:?} of {generated:?}");
            let short = output(&billed).saturating_sub(output(&counted));
            assert!(short <= IN_THE_AIR, "{what}: counted {counted:?}, billed {billed:?}");
            let (input, true_input) = (counted.get("input"), generated.get("input"));
            assert_eq!(input, true_input, "{what}: input");
        }
        other => panic!("{what}: provenance {other}"),
    }
}
