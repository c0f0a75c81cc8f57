//! What the tests of streams have in common: a client's request, a provider, and a machine fed with bytes.
#![allow(dead_code)] // each test file uses a part of it
#![allow(clippy::unwrap_used)] // a helper of tests may fail as a test does

use bytes::Bytes;
use dialects::{Dialect, Facts, Flag, Outcome, Progress, StreamMachine, decode, quirk};
use serde_json::Value;

/// What a stream became.
pub struct Relayed {
    /// Bytes that went to the client before the books were closed.
    pub shown: Vec<u8>,
    /// The end mark kept back.
    pub end: Vec<u8>,
    /// Progress of each read, the close last.
    pub progress: Vec<Progress>,
    pub outcome: Outcome,
}

/// The facts of a streamed request to a provider; `asked`: the client wants to see usage.
pub fn facts(provider: &str, asked: bool) -> Facts {
    let row = quirk(provider).unwrap();
    let body: &str = match (row.dialect, asked) {
        (Dialect::OpenAiChat, true) => {
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}}"#
        }
        (Dialect::OpenAiChat, false) => {
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}"#
        }
        (Dialect::AnthropicMessages, _) => {
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream":true}"#
        }
    };
    decode(row.dialect, Bytes::from_static(body.as_bytes())).unwrap().facts(row)
}

/// Feeds a stream in the given reads.
pub fn relay(facts: Facts, reads: &[&[u8]]) -> Relayed {
    let mut machine = StreamMachine::new(facts);
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    for read in reads {
        progress.push(machine.push(&Bytes::copy_from_slice(read), &mut out));
    }
    progress.push(machine.close(&mut out));
    let end = machine.take_end().concat();
    assert!(machine.take_end().is_empty());
    Relayed { shown: out.concat(), end, progress, outcome: machine.finish() }
}

/// Feeds a stream in one read.
pub fn relay_whole(facts: Facts, stream: &str) -> Relayed {
    relay(facts, &[stream.as_bytes()])
}

/// The vector, as JSON; `null` when nothing is known.
pub fn vector(relayed: &Relayed) -> Value {
    serde_json::to_value(relayed.outcome.usage.tokens).unwrap()
}

/// The names of the flags raised.
pub fn flags(relayed: &Relayed) -> Vec<&'static str> {
    relayed.outcome.usage.flags.iter().map(Flag::name).collect()
}
