//! Step 7, dispatch: one attempt at one offer, up to the first byte that the client sees.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use dialects::{ErrorClass, Hangup, ProviderError};
use edge::{Body, BodyError, Dialed, UpstreamBody, read_limited};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ledger::AttemptStatus;
use prices::Charge;

use crate::attempt::Attempt;
use crate::drive::{Client, Job};
use crate::house::Answer;
use crate::refusal::{CALL_ID, Refusal};
use crate::relay;
use crate::settle::{Ending, settle};

/// Largest error body that is read, bytes.
const ERROR_MAX: usize = 64 * 1024;

/// What came of one attempt. It is settled either way.
pub(crate) enum Tried {
    /// The client has its answer, or has left.
    Served,
    /// Nothing reached the client.
    Failed {
        error: Box<ProviderError>,
        /// The provider's own answer, fit to be passed on.
        verbatim: Option<Box<Answer>>,
    },
}

/// Why a wait ended before what was waited for.
pub(crate) enum Broken {
    Timeout,
    ClientLeft,
    Hurry,
}

/// A wait that ended early.
struct Stopped {
    broken: Broken,
    /// No connection had taken the request: the provider saw nothing.
    never_sent: bool,
    /// What was waited for and did not come.
    what: &'static str,
}

/// Sends the attempt and follows it to its end.
pub(crate) async fn dispatch(job: &Job, attempt: Attempt, client: &mut Client) -> Tried {
    let provider = &attempt.lane.provider;
    let body = job.request.upstream_body(&attempt.opened.offer.model);
    let sent = AtomicBool::new(false);
    let sending = provider.send(body, attempt.opened.attempt_id, &job.passed, &sent);
    // An answer that is not streamed is generated and billed whole, whoever hangs up.
    let cancel = job.request.stream() && provider.on_hangup == Hangup::Cancel;
    let limit = if job.request.stream() { provider.first_byte_timeout } else { provider.answer_timeout };
    let head = match wait(job, client, cancel, limit, sending).await {
        Ok(Ok(head)) => head,
        Ok(Err(error)) => {
            let ending = Ending { never_sent: error.dialed == Dialed::NotConnected, ..Ending::cut() };
            return fail(job, attempt, ending, ProviderError::upstream_bug(&error.to_string())).await;
        }
        Err(broken) => {
            let never_sent = !sent.load(Ordering::Relaxed);
            return stop(job, attempt, Stopped { broken, never_sent, what: "no answer came" }, client).await;
        }
    };
    let streams = is_event_stream(head.headers());
    if !head.status().is_success() {
        refused(job, attempt, head, client).await
    } else if job.request.stream() && streams {
        // Apart: its state would make every call's task larger.
        Box::pin(relay::relay(job, attempt, head, client)).await
    } else {
        whole(job, attempt, head, client).await
    }
}

/// Waits for `what`, at most `limit`; a client that leaves ends the wait only where that stops the bill.
pub(crate) async fn wait<T>(
    job: &Job,
    client: &mut Client,
    cancel: bool,
    limit: Duration,
    what: impl Future<Output = T>,
) -> Result<T, Broken> {
    tokio::select! {
        biased;
        done = what => Ok(done),
        () = client.left(), if cancel => Err(Broken::ClientLeft),
        () = job.house.hurry.stopped() => Err(Broken::Hurry),
        () = tokio::time::sleep(limit) => Err(Broken::Timeout),
    }
}

/// The provider answered with an error status.
async fn refused(
    job: &Job,
    attempt: Attempt,
    head: http::Response<UpstreamBody>,
    client: &mut Client,
) -> Tried {
    let (parts, body) = head.into_parts();
    let idle = attempt.lane.provider.idle_timeout;
    // An error whose body cannot be read is still an error of that status.
    let reading = read_limited(body, ERROR_MAX, idle);
    let read = wait(job, client, false, attempt.lane.provider.first_byte_timeout, reading).await;
    let body = read.ok().and_then(Result::ok).unwrap_or_default();
    let status = parts.status.as_u16();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let provider = &attempt.lane.provider;
    let error = dialects::classify(
        provider.dialect,
        provider.quirk.provider,
        status,
        header,
        &body,
        SystemTime::now(),
    );
    let verbatim = passed_on(job, &parts.headers, parts.status, body);
    let ending = Ending { http_status: status, ..Ending::of(AttemptStatus::ProviderError) };
    match fail(job, attempt, ending, error).await {
        Tried::Failed { error, .. } => Tried::Failed { error, verbatim: Some(Box::new(verbatim)) },
        Tried::Served => Tried::Served,
    }
}

/// An answer in one piece.
async fn whole(
    job: &Job,
    mut attempt: Attempt,
    head: http::Response<UpstreamBody>,
    client: &mut Client,
) -> Tried {
    let (parts, body) = head.into_parts();
    let idle = attempt.lane.provider.idle_timeout;
    let status = parts.status.as_u16();
    // The pause between two pieces is bounded by `read_limited`.
    let reading = read_limited(body, job.house.settings.max_answer, idle);
    let limit = attempt.lane.provider.answer_timeout;
    let read = match wait(job, client, false, limit, reading).await {
        Ok(read) => read,
        Err(broken) => {
            let stopped = Stopped { broken, never_sent: false, what: "the answer did not end" };
            return stop(job, attempt, stopped, client).await;
        }
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => {
            let words = error.to_string();
            let (error, ending) = match error {
                BodyError::Stalled(_) => (ProviderError::timeout(&words), Ending::of(AttemptStatus::Timeout)),
                BodyError::TooLarge { .. } | BodyError::Cut(_) => {
                    (ProviderError::upstream_bug(&words), Ending::cut())
                }
            };
            let ending = Ending { http_status: status, ..ending };
            return fail(job, attempt, ending, ProviderError { mid_answer: true, ..error }).await;
        }
    };
    attempt.first_token = Some(Instant::now());
    let provider = &attempt.lane.provider;
    let mut outcome = dialects::read_whole(job.request.facts(provider.quirk), &bytes);
    if let Some(error) = outcome.error.take() {
        let ending = Ending {
            http_status: status,
            outcome: Some(outcome),
            ..Ending::of(AttemptStatus::ProviderError)
        };
        return fail(job, attempt, ending, error).await;
    }
    let reached = attempts_headers(job, &attempt);
    let left = client.has_left();
    let ended = if left { AttemptStatus::ClientClosed } else { AttemptStatus::Ok };
    let ending =
        Ending { http_status: status, outcome: Some(outcome), client_left: left, ..Ending::of(ended) };
    let settled = settle(job, attempt, &ending);
    let answer = match settled.durable(job).await {
        Ok(charge) => {
            let mut answer = passed_on(job, &parts.headers, parts.status, bytes);
            put_headers(answer.headers_mut(), reached, charge);
            answer
        }
        // The books could not be written: the client must not see an end that is not on record.
        Err(refusal) => refusal.answer(job.request.dialect(), job.call_id),
    };
    client.answer(answer);
    Tried::Served
}

/// A wait ended early: settles what is known, and says whether another offer may be tried.
async fn stop(job: &Job, attempt: Attempt, stopped: Stopped, client: &mut Client) -> Tried {
    let Stopped { broken, never_sent, what } = stopped;
    match broken {
        Broken::Timeout => {
            let error = ProviderError::timeout(&format!("{what} in time"));
            fail(job, attempt, Ending { never_sent, ..Ending::of(AttemptStatus::Timeout) }, error).await
        }
        Broken::ClientLeft | Broken::Hurry => {
            let ending = Ending { client_left: true, never_sent, ..Ending::of(AttemptStatus::ClientClosed) };
            // Nobody waits for it: what could not be made durable is found open at the next start.
            drop(settle(job, attempt, &ending).durable(job).await);
            client.refuse(Refusal::overloaded("the gateway is stopping; try again"));
            Tried::Served
        }
    }
}

async fn fail(job: &Job, attempt: Attempt, ending: Ending, error: ProviderError) -> Tried {
    let ending = Ending { error: Some(error.clone()), ..ending };
    // Durable before the next attempt opens, so that the books show one try after the other.
    match settle(job, attempt, &ending).durable(job).await {
        Ok(_) => Tried::Failed { error: Box::new(error), verbatim: None },
        Err(refusal) => {
            let error =
                ProviderError { class: ErrorClass::Overload, ..ProviderError::timeout(&refusal.message) };
            Tried::Failed { error: Box::new(error), verbatim: None }
        }
    }
}

/// The provider's answer as it came.
fn passed_on(job: &Job, from: &HeaderMap, status: http::StatusCode, body: Bytes) -> Answer {
    let mut answer = http::Response::new(Body::from(body));
    *answer.status_mut() = status;
    pass_back(job, from, answer.headers_mut());
    if let Some(kind) = from.get(CONTENT_TYPE) {
        answer.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    put(answer.headers_mut(), CALL_ID, &job.call_id.to_string());
    answer
}

/// Headers of the provider that go on to the client.
pub(crate) fn pass_back(job: &Job, from: &HeaderMap, to: &mut HeaderMap) {
    for name in job.request.dialect().answer_headers_passed() {
        if let Some(value) = from.get(*name) {
            to.insert(HeaderName::from_static(name), value.clone());
        }
    }
}

/// What the answer says of how it came about.
pub(crate) fn attempts_headers(job: &Job, attempt: &Attempt) -> HeaderMap {
    let opened = &attempt.opened;
    let mut headers = HeaderMap::with_capacity(8);
    put(&mut headers, CALL_ID, &job.call_id.to_string());
    put(&mut headers, HeaderName::from_static("x-tollhouse-provider"), &opened.offer.provider);
    put(&mut headers, HeaderName::from_static("x-tollhouse-site"), &opened.offer.site);
    put(&mut headers, HeaderName::from_static("x-tollhouse-model"), &opened.offer.model);
    headers.insert(HeaderName::from_static("x-tollhouse-attempts"), HeaderValue::from(opened.attempt));
    let foreseen = opened.foreseen;
    if foreseen.p99 > 0 {
        let text = format!("{}/{}/{}", foreseen.p50, foreseen.p90, foreseen.p99);
        put(&mut headers, HeaderName::from_static("x-tollhouse-foresight"), &text);
    }
    headers
}

fn put_headers(to: &mut HeaderMap, headers: HeaderMap, charge: Option<Charge>) {
    to.extend(headers);
    if let Some(charge) = charge {
        put(to, HeaderName::from_static("x-tollhouse-charge"), &charge.to_string());
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // A name in the configuration that no header can carry is left out rather than failing the call.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..17).is_some_and(|kind| kind.eq_ignore_ascii_case("text/event-stream"))
}

/// An answer that was half given and then could not be settled, or was cut.
pub(crate) fn cut_short(message: &str) -> Refusal {
    Refusal::new(502, "upstream_error", message)
}
