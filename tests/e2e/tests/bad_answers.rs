//! A provider that sends garbage, half a stream, negative or absurd usage, or an error inside a 200 stream: the caller
//! gets an answer or a clear error in its dialect, the attempt is settled once and counted within the truth, nothing
//! hangs. Every fault that the simulator knows (`tollhouse simulate --list-faults`), in both dialects, whole and
//! streamed, is held against the same laws; the table below says more where more is known.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use e2e::calls::DIALECTS;
use e2e::house::PRICES;
use e2e::{Books, Call, Dialect, Gateway, House, Served, Simulator, books, process};
use ledger::Settled;
use serde_json::{Value, json};

/// What a client saw.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// A whole answer of its dialect.
    Answer,
    /// An error instead of an answer.
    Error(u16, String),
    /// A stream with its end mark.
    Stream,
    /// A stream that ends in an error of its dialect.
    StreamError(String),
    /// Anything else: the promise is broken.
    Broken(String),
}

/// Faults after which no answer can be right, with the status that a whole call is told and a stream that has not
/// begun. A fault that is not here may be told as an answer.
const TOLD: &[(&str, u16)] = &[
    ("429", 429),
    ("429_ms", 429),
    ("429_date", 429),
    ("400_context", 400),
    ("500", 502),
    ("503", 503),
    ("529", 503),
    ("401", 502),
    ("reset_before", 502),
    ("close", 502),
    ("stall_before", 504),
    ("html", 502),
];

/// Faults that lie about usage: the provider's word and the truth differ, and no code here can know which is right.
const LIES: &[&str] = &["usage_off", "usage_total"];

/// Faults after which a stream that has begun must not look as if it had ended well.
const CUTS: &[&str] = &["reset_mid", "cut_mid", "cut_half", "end_early", "error_in_stream", "stall_mid"];

#[test]
fn whatever_a_provider_sends() {
    let listed = process::said(&["simulate", "--list-faults"]);
    let mut faults: Vec<String> = listed
        .lines()
        .filter_map(|line| line.split(['[', ' ']).find(|word| !word.is_empty()))
        .map(str::to_owned)
        .collect();
    faults.extend(["exp", "big", "huge", "string", "fraction"].map(|kind| format!("usage_absurd:{kind}")));
    assert!(faults.len() > 40, "{listed}");
    // At a byte a second a whole answer takes ten minutes, and is waited for: trickle faster.
    for drip in faults.iter_mut().filter(|fault| *fault == "drip") {
        "drip:1".clone_into(drip);
    }
    let simulator = Simulator::start(&[]);
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (faults, simulator) = (&faults, &simulator);
                scope.spawn(move || {
                    let mine = faults.iter().skip(worker).step_by(4);
                    mine.flat_map(|fault| one(fault, simulator)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} laws broken:\n{}", failures.len(), failures.join("\n"));
}

/// One fault on a gateway of its own (a circuit that opens is right, and another test): four calls at once.
fn one(fault: &str, simulator: &Simulator) -> Vec<String> {
    let house = House::new(simulator.address, "");
    let gateway = Gateway::start(&house);
    let cases: Vec<(Dialect, bool)> = DIALECTS.iter().flat_map(|it| [(*it, false), (*it, true)]).collect();
    let seen: Vec<(Seen, Duration)> = thread::scope(|scope| {
        let clients: Vec<_> = cases
            .iter()
            .map(|(dialect, streamed)| {
                let directive = json!({ "fault": fault, "output_tokens": 40, "events": 10 });
                let mut call =
                    Call::new(*dialect, *streamed).simulate(directive).app(format!("{dialect:?}-{streamed}"));
                if *streamed {
                    // An offer of its own: a quota that one call uses up must not turn the other away.
                    dialect.cancelling_model().clone_into(&mut call.model);
                }
                let gateway = &gateway;
                scope.spawn(move || {
                    let begun = Instant::now();
                    (look(&call, gateway), begun.elapsed())
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let books = Books::at_rest(&house.data(), Duration::from_secs(10));
    let settled = books.settled();
    let truth = simulator.truth();
    let mut failures = Vec::new();
    for ((dialect, streamed), (seen, took)) in cases.iter().zip(seen) {
        let app = format!("{dialect:?}-{streamed}");
        let mut attempts = settled.iter().filter(|(_, it)| *it.opened.labels.app == *app);
        let (Some((id, settled)), None) = (attempts.next(), attempts.next()) else {
            failures.push(format!("{fault} {app}: not settled exactly once"));
            continue;
        };
        let case = Case { fault, streamed: *streamed, seen: &seen, settled, served: truth.get(id) };
        let line = format!(
            "{fault} {app}: {seen:?} in {took:.1?}; {} {} {:?} {:?}, flags `{}`",
            settled.status.name(),
            settled.provenance,
            books::tokens(settled),
            settled.charge.map(|charge| charge.0),
            settled.flags
        );
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{line}");
        }
        let mut broken = case.broken();
        if took > Duration::from_secs(8) {
            broken.push("it took too long".to_owned());
        }
        failures.extend(broken.into_iter().map(|law| format!("{line}\n    {law}")));
    }
    let ready = gateway.get("/readyz").map(|answer| answer.status);
    if !ready.is_ok_and(|status| status == 200) {
        failures.push(format!("{fault}: the gateway is not ready afterwards"));
    }
    failures
}

/// Makes the call and reads whatever comes.
fn look(call: &Call, gateway: &Gateway) -> Seen {
    let answer = match call.whole(gateway.listen) {
        Ok(answer) => answer,
        Err(error) => return Seen::Broken(error.to_string()),
    };
    let json = answer.json();
    if answer.status != 200 {
        return match call.dialect.error(&json) {
            Some((code, _)) => Seen::Error(answer.status, code),
            None => Seen::Broken(format!("{}: {}", answer.status, answer.text())),
        };
    }
    let is_stream = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    if !is_stream {
        // Passed on byte by byte, also where it is no JSON for every reader (1e400, bytes that are no UTF-8).
        let (text, field) =
            (answer.text(), if call.dialect == Dialect::Chat { "\"choices\"" } else { "\"content\"" });
        let looks_whole = text.starts_with('{') && text.trim_end().ends_with('}') && text.contains(field);
        return if looks_whole { Seen::Answer } else { Seen::Broken(text) };
    }
    let events = answer.text();
    let mut errors = events.lines().filter_map(|line| line.strip_prefix("data:")).filter_map(|data| {
        let json: Value = serde_json::from_str(data.trim()).ok()?;
        json.get("error")?;
        Some(call.dialect.error(&json).map_or_else(|| data.to_owned(), |(code, _)| code))
    });
    match (errors.next_back(), call.dialect.has_ended(&answer.body)) {
        (Some(error), _) => Seen::StreamError(error),
        (None, true) => Seen::Stream,
        (None, false) => Seen::Broken("the stream ends without end mark or error".to_owned()),
    }
}

/// One call under a fault, from all three sides.
struct Case<'a> {
    fault: &'a str,
    streamed: bool,
    seen: &'a Seen,
    settled: &'a Settled,
    served: Option<&'a Served>,
}

impl Case<'_> {
    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let name = self.fault.split(':').next().unwrap();
        if let Seen::Broken(how) = self.seen {
            broken.push(format!("the client got no clear answer: {how}"));
        }
        if let Some((_, status)) = TOLD.iter().find(|(fault, _)| *fault == name)
            && !matches!(self.seen, Seen::Error(seen, _) if seen == status)
        {
            broken.push(format!("the client must be told {status}"));
        }
        if self.streamed && CUTS.contains(&name) && matches!(self.seen, Seen::Stream | Seen::Answer) {
            broken.push("a stream that was cut looks whole".to_owned());
        }
        broken.extend(self.counted_wrong(name));
        broken.extend(self.charged_wrong());
        broken
    }

    /// Tokens against what the simulator generated.
    fn counted_wrong(&self, name: &str) -> Option<String> {
        let counted = books::tokens(self.settled);
        let Some(served) = self.served.filter(|served| served.ended.is_some()) else {
            return Some("the simulator did not see it".to_owned());
        };
        let (generated, billed) = (served.tokens("tokens"), served.tokens("billed"));
        let output = |tokens: &BTreeMap<String, u64>| tokens.get("output").copied().unwrap_or(0);
        match self.settled.provenance.name() {
            "provider_final" if LIES.contains(&name) => None,
            "provider_final" if billed.is_empty() => {
                (!counted.is_empty()).then(|| format!("counted {counted:?}, nothing was billed"))
            }
            "provider_final" => (counted != generated).then(|| format!("the truth is {generated:?}")),
            _ => (output(&counted) > output(&generated)).then(|| format!("the truth is {generated:?}")),
        }
    }

    /// The charge against an arithmetic of its own: nano a token is 1,000 × CNY a million.
    fn charged_wrong(&self) -> Option<String> {
        let charge = match self.settled.charge {
            Some(charge) => i128::from(charge.0),
            None if self.settled.flags.contains("price_unknown") => return None,
            None => return Some("no charge, and no flag that says why".to_owned()),
        };
        let price =
            |kind: &str| PRICES.iter().find(|(known, _)| *known == kind).map_or(0, |(_, price)| *price);
        let expected: i128 = books::tokens(self.settled)
            .iter()
            .map(|(kind, count)| i128::from(count * price(kind) * 1_000))
            .sum();
        (charge != expected).then(|| format!("the charge must be {expected}"))
    }
}
