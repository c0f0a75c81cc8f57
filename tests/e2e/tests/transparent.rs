//! What a client gets is what the provider sent, byte for byte, whatever its length and however it was cut on the way;
//! Tollhouse's own word is one comment line at the end of a stream. The tokens are those that were served.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use e2e::calls::DIALECTS;
use e2e::{Books, Call, Dialect, Gateway, House, Random, Simulator, books, setting};
use serde_json::{Value, json};

/// The same call to the gateway and to the provider: but for the model's name there, the same bytes.
struct Twin {
    call: Call,
    body: Value,
}

impl Twin {
    fn new(dialect: Dialect, streamed: bool, simulate: Value) -> Self {
        let call = Call::new(dialect, streamed).simulate(simulate);
        let mut body = call.body();
        body["max_tokens"] = json!(4_000);
        if streamed && dialect == Dialect::Chat {
            // Without it the gateway asks for the usage itself and hides it: other bytes, by design.
            body["stream_options"] = json!({ "include_usage": true });
        }
        Self { call, body }
    }

    fn ask(&self, to: SocketAddr, model: &str) -> Vec<u8> {
        let mut body = self.body.clone();
        body["model"] = json!(model);
        let socket = self.call.send_body(to, body.to_string().as_bytes()).expect("sent");
        let answer =
            e2e::http::Exchange::begin(socket).and_then(e2e::http::Exchange::whole).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }

    /// What differs, if anything does.
    fn differs(&self, gateway: &Gateway, simulator: &Simulator) -> Option<String> {
        let provider_model = if self.call.dialect == Dialect::Chat { "sim-large" } else { "sim-sonnet" };
        let there = self.ask(simulator.address, provider_model);
        let here = self.ask(gateway.listen, self.call.dialect.model());
        let (there, here) = (plain(&there), plain(&here));
        if there == here {
            return None;
        }
        let at = there.iter().zip(&here).position(|(a, b)| a != b).unwrap_or(there.len().min(here.len()));
        let around = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
        Some(format!("{}\n  line {at}: sent `{}`\n  got `{}`", self.body, around(&there), around(&here)))
    }
}

/// The lines of an answer, without Tollhouse's comment, and with the clock stopped.
fn plain(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let theirs = match text.find(": tollhouse ") {
        Some(at) => &text[..at],
        None => &text,
    };
    theirs.lines().map(without_created).collect()
}

fn without_created(line: &str) -> String {
    let Some((before, after)) = line.split_once("\"created\":") else { return line.to_owned() };
    let rest = after.trim_start().trim_start_matches(|letter: char| letter.is_ascii_digit());
    format!("{before}\"created\":0{rest}")
}

#[test]
fn streams_and_answers_pass_byte_by_byte() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    let mut random = Random(setting("CAMPAIGN_SEED", 1));
    let mut twins = Vec::new();
    for dialect in DIALECTS {
        // Around the sizes that code likes to work in, then at random; as fast as it goes, and at a pace.
        for output in [0, 1, 31, 32, 33, 62, 63, 64, 65, 127, 128, 129, 500, 2_000] {
            twins.push(Twin::new(dialect, true, json!({ "output_tokens": output })));
        }
        for _ in 0..setting("CAMPAIGN_COUNT", 60) {
            let output = random.between(1, 400);
            let simulate = json!({
                "output_tokens": output,
                "reasoning_tokens": random.between(0, output),
                "token_ms": u64::from(random.draw().is_multiple_of(4)),
                "fault": (output < 40).then_some("one_byte"),
            });
            let streamed = !random.draw().is_multiple_of(4);
            twins.push(Twin::new(dialect, streamed, simulate));
        }
    }
    let differences: Vec<String> = twins
        .chunks(8)
        .flat_map(|some| {
            thread::scope(|scope| {
                let asked: Vec<_> =
                    some.iter().map(|twin| scope.spawn(|| twin.differs(&gateway, &simulator))).collect();
                asked.into_iter().filter_map(|one| one.join().expect("asked")).collect::<Vec<_>>()
            })
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} differ:\n{}",
        differences.len(),
        twins.len(),
        differences.join("\n")
    );
    let books = Books::at_rest(&house.data(), Duration::from_secs(10));
    let settled = books.settled();
    assert_eq!(settled.len(), twins.len());
    let truth = simulator.truth_of_attempts();
    for (id, settled) in settled {
        assert_eq!(books::tokens(settled), truth[&id].tokens("tokens"), "{id}");
    }
}
