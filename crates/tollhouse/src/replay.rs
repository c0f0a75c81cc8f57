//! A trace replayed as traffic: every call a real request over HTTP, of the size that the trace says, through the same
//! door as everybody's.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use edge::{Upstream, UpstreamOptions};
use http_body_util::{BodyExt as _, Full};
use ledger::{Entry, EntryBody};
use serde_json::json;
use simulator::trace::{Trace, TraceCall};
use tokens::Tokens;

use crate::failure::Failure;
use crate::{house, output};

/// Calls under way at a time: beyond it the replay falls behind the trace rather than drown the machine.
const UNDER_WAY: usize = 512;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    pub project: String,
    pub key: String,
    pub secret: String,
}

/// What was replayed, to be held against the books.
#[derive(Debug)]
pub struct Replayed {
    keys: Vec<String>,
    calls: u64,
    failed: u64,
    input: u64,
    output: u64,
}

/// The first calls of the trace.
pub fn read(calls: usize) -> Result<Arc<Vec<TraceCall>>, Failure> {
    let trace = Trace::azure_2023_conv().map_err(Failure::could_not)?;
    trace.take(calls).collect::<Result<Vec<_>, _>>().map(Arc::new).map_err(Failure::could_not)
}

/// Replays calls at their times, `speed` times faster. Calls that a gateway refused are counted as failed.
pub async fn replay(
    gateway: SocketAddr,
    callers: Vec<Caller>,
    calls: &Arc<Vec<TraceCall>>,
    speed: u32,
) -> Replayed {
    let upstream =
        Upstream::new(UpstreamOptions { allow_private_addresses: true, ..UpstreamOptions::default() });
    let room = Arc::new(tokio::sync::Semaphore::new(UNDER_WAY));
    let failed = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    for (number, call) in calls.iter().enumerate() {
        let due = Duration::from_millis(call.arrival_ms) / speed.max(1);
        tokio::time::sleep_until((started + due).into()).await;
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let Some(request) = request(gateway, &callers, number, call) else { continue };
        let (upstream, failed) = (upstream.clone(), Arc::clone(&failed));
        under_way.spawn(async move {
            if !went_well(&upstream, request).await {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
    let sum = |of: fn(&TraceCall) -> u64| calls.iter().map(of).sum();
    Replayed {
        keys: callers.into_iter().map(|caller| caller.key).collect(),
        calls: u64::try_from(calls.len()).unwrap_or(u64::MAX),
        failed: failed.load(Ordering::Relaxed),
        input: sum(|call| call.input_tokens),
        output: sum(|call| call.output_tokens),
    }
}

async fn went_well(upstream: &Upstream, request: http::Request<Full<Bytes>>) -> bool {
    match upstream.send(request).await {
        Ok(answer) if answer.status().is_success() => answer.into_body().collect().await.is_ok(),
        Ok(_) | Err(_) => false,
    }
}

/// The apps of the demo's two projects.
const APPS: [&str; 5] = ["assistant", "summaries", "search", "drafts", "triage"];

/// A call of the trace as a request. The trace has sizes and times only; who calls what is dealt out by the number.
fn request(
    gateway: SocketAddr,
    callers: &[Caller],
    number: usize,
    call: &TraceCall,
) -> Option<http::Request<Full<Bytes>>> {
    let caller = callers.get(number % callers.len().max(1))?;
    let app = APPS.get(number / 2 % APPS.len())?;
    let public = caller.project == "support";
    // Personal data may go to China only, where the simulated Anthropic has no site.
    let (path, model) = match number % 10 {
        3 | 7 if public => ("messages", "sim-sonnet"),
        0..=4 => ("chat/completions", "assistant"),
        _ => ("chat/completions", "sim-small"),
    };
    // A prompt of about the trace's size: " toll" is one token, a message's frame about seven.
    let words = usize::try_from(call.input_tokens.saturating_sub(7)).unwrap_or(0);
    let stream = number.is_multiple_of(2);
    let mut body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": " toll".repeat(words.max(1)) }],
        "stream": stream,
        "max_tokens": call.output_tokens.max(1),
        "simulate": call.directive(),
    });
    if path == "chat/completions"
        && number.is_multiple_of(4)
        && let Some(body) = body.as_object_mut()
    {
        body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    http::Request::builder()
        .method(http::Method::POST)
        .uri(format!("http://{gateway}/v1/{path}"))
        .header(http::header::AUTHORIZATION, format!("Bearer {}", caller.secret))
        .header(http::header::CONTENT_TYPE, "application/json")
        .header("x-tollhouse-app", *app)
        .body(Full::new(Bytes::from(body.to_string())))
        .ok()
}

impl Replayed {
    /// Holds the books against the trace, and says how they compare. `true`: they agree to the token.
    pub fn hold_against(&self, data: &Path) -> Result<bool, Failure> {
        let mut used = Tokens::default();
        let mut settled_once: HashMap<ledger::AttemptId, u32> = HashMap::new();
        let mut charges: BTreeMap<String, i128> = BTreeMap::new();
        let mut unpriced = 0_u64;
        house::scan(data, &mut |entry: &Entry| {
            let EntryBody::Settled(settled) = &entry.body else { return };
            if !self.keys.iter().any(|key| **key == *settled.opened.labels.key) {
                return;
            }
            used.merge(&settled.tokens);
            *settled_once.entry(settled.opened.attempt_id).or_default() += 1;
            match settled.charge {
                Some(charge) => {
                    *charges.entry(settled.currency.to_string()).or_default() += i128::from(charge.0);
                }
                None => unpriced += 1,
            }
        })?;
        let attempts = u64::try_from(settled_once.len()).unwrap_or(u64::MAX);
        let twice = settled_once.values().filter(|times| **times != 1).count();
        output::data("              trace         books")?;
        for (what, trace, books) in [
            ("calls", self.calls, attempts),
            ("input", self.input, used.prompt()),
            ("output", self.output, used.output()),
        ] {
            output::data(&format!(
                "{what:<8} {trace:>12} {books:>13}  {}",
                if trace == books { "equal" } else { "DIFFERENT" }
            ))?;
        }
        for (currency, nano) in &charges {
            output::data(&format!("charged  {nano} nano {currency}"))?;
        }
        let right = (attempts, used.prompt(), used.output()) == (self.calls, self.input, self.output)
            && (twice, unpriced, self.failed) == (0, 0, 0);
        output::data(&format!(
            "{} failed, {unpriced} unpriced, {twice} settled twice: the books are {}",
            self.failed,
            if right { "right" } else { "WRONG" }
        ))?;
        Ok(right)
    }
}
