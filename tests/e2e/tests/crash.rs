//! kill -9 at random moments under 200 calls in flight, half of them streamed: nothing is lost, nothing is double,
//! budgets hold what they held or less by the stated rule, and the gateway answers within a second of its start.
//!
//! `CAMPAIGN_COUNT` kills (default 8), `CAMPAIGN_SEED` (default 1). `cargo xtask campaign crash` runs 50.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use e2e::calls::DIALECTS;
use e2e::{Books, Call, Gateway, House, Random, Served, Simulator, books, house, setting};
use ledger::AttemptStatus;
use serde_json::json;

const IN_FLIGHT: u64 = 200;
/// More than all calls together can spend: this test asks what is counted, `race` asks what is refused.
const LIMIT: &str = "1000000 CNY";
const LIMIT_NANO: i128 = 1_000_000 * 1_000_000_000;

#[test]
fn nothing_is_lost_by_kill_nine() {
    let (kills, seed) = (setting("CAMPAIGN_COUNT", 8), setting("CAMPAIGN_SEED", 1));
    let simulator = Simulator::start(&[]);
    let house = House::new(
        simulator.address,
        &(house::budget("project", "project = \"alpha\"", LIMIT)
            + &house::budget("org", "org = \"acme\"", LIMIT)),
    );
    let finished = Arc::new(Mutex::new(BTreeSet::new()));
    let mut slowest = Duration::ZERO;
    let mut random = Random(seed);
    for kill in 0..kills {
        let at = Duration::from_millis(random.between(50, 1_500));
        let mut gateway = Gateway::start(&house);
        slowest = slowest.max(gateway.ready_after);
        verify(&house, &simulator, &finished, &gateway, &format!("kill {kill} of seed {seed}"));
        let traffic = Traffic::start(&gateway, random.draw(), &finished);
        thread::sleep(at);
        gateway.kill();
        traffic.end();
    }
    let gateway = Gateway::start(&house);
    slowest = slowest.max(gateway.ready_after);
    let seen = verify(&house, &simulator, &finished, &gateway, "the end");
    let done = finished.lock().unwrap().len();
    eprintln!("{kills} kills, {seen} attempts, {done} answers seen whole, slowest start {slowest:?}");
    assert!(slowest < Duration::from_secs(1), "ready {slowest:?} after its start");
    assert!(done > 0, "the test is empty: no call was finished");
}

/// After a start, before new calls: the books against the simulator's truth and what clients saw. Gives the number of
/// attempts.
fn verify(
    house: &House,
    simulator: &Simulator,
    finished: &Mutex<BTreeSet<String>>,
    gateway: &Gateway,
    when: &str,
) -> usize {
    let truth = simulator.truth_at_rest();
    let books = Books::read(&house.data());
    assert_eq!(books.open(), Vec::<String>::new(), "{when}: left open after a start");
    let settled = books.settled();
    for id in truth.keys() {
        assert!(settled.contains_key(id), "{when}: the simulator saw attempt {id}, the books did not");
    }
    let finished = finished.lock().unwrap();
    let by_call: BTreeMap<String, &str> =
        settled.iter().map(|(id, it)| (it.opened.call_id.to_string(), id.as_str())).collect();
    for call in finished.iter() {
        let id =
            by_call.get(call).unwrap_or_else(|| panic!("{when}: call {call} was answered and is not booked"));
        assert_eq!(settled[*id].status, AttemptStatus::Ok, "{when}: {id} was seen whole by its client");
    }
    for (id, settled) in &settled {
        if settled.status == AttemptStatus::Recovered {
            assert_eq!(settled.spent, settled.opened.held, "{when}: {id} is charged what was held for it");
        } else if let Some(served) = truth.get(id).filter(|_| settled.status == AttemptStatus::Ok) {
            assert_eq!(books::tokens(settled), served.tokens("tokens"), "{when}: {id} was counted wrong");
        }
    }
    let uses = books.audit(&[("project", LIMIT_NANO), ("org", LIMIT_NANO)]);
    for budget in ["project", "org"].into_iter().filter(|budget| uses.contains_key(*budget)) {
        let using = uses[budget];
        let (spent, held) = gateway.budget(house::KEYS[0].secret, budget);
        assert_eq!(using.held, 0, "{when}: {budget} holds for nobody");
        assert_eq!(
            (i128::try_from(spent).unwrap(), held),
            (using.spent, 0),
            "{when}: {budget} after recovery"
        );
    }
    truth.values().filter(|served: &&Served| served.ended.is_some()).count()
}

/// Clients that make calls one after the other until they are told to end.
struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Traffic {
    fn start(gateway: &Gateway, seed: u64, finished: &Arc<Mutex<BTreeSet<String>>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let listen = gateway.listen;
        let client = |number: u64| {
            let (stop, finished) = (Arc::clone(&stop), Arc::clone(finished));
            thread::spawn(move || {
                let mut random = Random(seed ^ number);
                while !stop.load(Ordering::Relaxed) {
                    let dialect = DIALECTS[usize::from(random.draw().is_multiple_of(2))];
                    let call = Call::new(dialect, number.is_multiple_of(2)).simulate(json!({
                        "output_tokens": random.between(1, 60),
                        "first_token_ms": random.between(0, 200),
                        "token_ms": random.between(0, 20),
                        "events": 8,
                    }));
                    let begun = Instant::now();
                    let answer = call.whole(listen);
                    if let Ok(answer) = &answer {
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        if !call.streamed || dialect.has_ended(&answer.body) {
                            let id =
                                answer.header("x-tollhouse-call-id").expect("every answer names its call");
                            finished.lock().unwrap().insert(id.to_owned());
                        }
                    } else if begun.elapsed() < Duration::from_millis(5) {
                        thread::sleep(Duration::from_millis(5)); // it is dead: do not spin
                    }
                }
            })
        };
        let clients = (0..IN_FLIGHT).map(client).collect();
        Self { stop, clients }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client of the test failed");
        }
    }
}
