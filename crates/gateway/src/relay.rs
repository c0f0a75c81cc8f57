//! Step 8, relay: a stream to the client as it comes, counted as it flows, its end held back until it is settled.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use dialects::{Hangup, Progress, ProviderError, StreamMachine};
use edge::{Body, Piece, UpstreamBody};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use ledger::AttemptStatus;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use crate::attempt::Attempt;
use crate::dispatch::{Tried, attempts_headers, cut_short, pass_back};
use crate::drive::{Client, Job};
use crate::settle::{Ending, settle};

/// Pieces that wait for a slow client; beyond it the provider is not read either.
const QUEUE: usize = 16;
/// Frames of the provider that go to the client together, at the most.
const BATCH: usize = 64;
/// How long the provider may take to close its answer after the end mark, for its connection to be used again.
const LINGER: std::time::Duration = std::time::Duration::from_millis(200);

/// Where the client stands.
enum Listener {
    /// It has no head yet: nothing worth showing came.
    Waiting,
    /// It gets what comes.
    Listening(mpsc::Sender<Piece>),
    /// It has left.
    Left,
}

/// Why the loop ended.
enum End {
    /// The end mark, or the end of the connection.
    Ended,
    /// The connection broke.
    Broke(String),
    /// No content for too long.
    Idle,
    /// The client left and that stops the bill.
    Cancelled,
    /// The gateway stops and can wait no longer.
    Stopped,
    /// The provider said so in its stream.
    Error(ProviderError),
}

struct Relay<'a> {
    job: &'a Job,
    attempt: Attempt,
    machine: StreamMachine,
    listener: Listener,
    head: HeaderMap,
    out: Vec<Bytes>,
    last_moved: Instant,
    /// Something of an answer has come.
    worth_showing: bool,
    /// When the client left, where the stream is read on.
    draining_since: Option<Instant>,
}

pub(crate) async fn relay(
    job: &Job,
    attempt: Attempt,
    head: http::Response<UpstreamBody>,
    client: &mut Client,
) -> Tried {
    let (parts, mut body) = head.into_parts();
    let mut headers = attempts_headers(job, &attempt);
    pass_back(job, &parts.headers, &mut headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let provider = &attempt.lane.provider;
    let machine = StreamMachine::new(job.request.facts(provider.quirk));
    let mut relay = Relay {
        job,
        attempt,
        machine,
        listener: Listener::Waiting,
        head: headers,
        out: Vec::with_capacity(4),
        last_moved: Instant::now(),
        worth_showing: false,
        draining_since: None,
    };
    let end = relay.run(&mut body, client).await;
    // An answer that is given up is dropped before anything else: to read on is to be billed on.
    let rest = matches!(end, End::Ended | End::Error(_)).then_some(body);
    let tried = relay.finish(end, parts.status.as_u16(), client).await;
    if let Some(mut body) = rest {
        // Read to its close so that the connection can be used again; the client does not wait for it.
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        drop(tokio::time::timeout(LINGER, rest).await);
    }
    tried
}

impl Relay<'_> {
    async fn run(&mut self, body: &mut UpstreamBody, client: &mut Client) -> End {
        let provider = &self.attempt.lane.provider;
        let (first, idle) = (provider.first_byte_timeout, provider.idle_timeout);
        let cancel = provider.on_hangup == Hangup::Cancel;
        let hurry = self.job.house.hurry.clone();
        let mut stopped = Box::pin(async move { hurry.stopped().await });
        let mut alarm = Box::pin(tokio::time::sleep(first));
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                () = left(&mut self.listener, client) => {
                    self.listener = Listener::Left;
                    self.draining_since = Some(Instant::now());
                    if cancel { return End::Cancelled }
                    continue;
                }
                () = &mut alarm => {
                    match self.late(&mut alarm, first, idle) {
                        Some(end) => return end,
                        None => continue,
                    }
                }
                () = &mut stopped => return End::Stopped,
            };
            // What has arrived goes on together: one write to the client instead of one for each event. A frame is
            // asked for only where there is room for it: none that was taken may be left.
            let (mut frame, mut room) = (frame, BATCH);
            loop {
                match frame {
                    None => {
                        let progress = self.machine.close(&mut self.out);
                        self.note(progress);
                        self.show(client).await;
                        return self.end();
                    }
                    Some(Err(error)) => {
                        self.show(client).await;
                        return End::Broke(error.to_string());
                    }
                    Some(Ok(data)) => {
                        if let Ok(bytes) = data.into_data() {
                            let progress = self.machine.push(&bytes, &mut self.out);
                            self.note(progress);
                        }
                    }
                }
                room -= 1;
                if room == 0 || self.machine.ended() {
                    break;
                }
                match arrived(body).await {
                    Some(next) => frame = next,
                    None => break,
                }
            }
            if !self.show(client).await && cancel {
                return End::Cancelled;
            }
            if self.machine.ended() {
                return self.end();
            }
        }
    }

    /// Sets the timers by what came.
    fn note(&mut self, progress: Progress) {
        if progress.moved {
            self.last_moved = Instant::now();
        }
        if progress.content && self.attempt.first_token.is_none() {
            self.attempt.first_token = Some(Instant::now());
        }
        self.worth_showing |= progress.content || progress.moved;
    }

    fn end(&self) -> End {
        self.machine.error().cloned().map_or(End::Ended, End::Error)
    }

    /// Hands what came to the client. `false`: it has just left.
    async fn show(&mut self, client: &mut Client) -> bool {
        // Keep-alives and a bare role bind the client to nothing yet: another offer may still answer.
        if self.out.is_empty() || !self.worth_showing {
            return true;
        }
        self.begin(client);
        let idle = self.attempt.lane.provider.idle_timeout;
        let Listener::Listening(sender) = &self.listener else {
            self.out.clear();
            return self.draining_since.is_some() || self.note_left();
        };
        // The queue has room nearly always; a client that does not read for as long as a provider may be silent counts
        // as one that has left.
        let sent = match sender.try_send(Piece::More(joined(&mut self.out))) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(bytes)) => {
                tokio::select! {
                    sent = tokio::time::timeout(idle, sender.send(bytes)) => matches!(sent, Ok(Ok(()))),
                    () = self.job.house.hurry.stopped() => false,
                }
            }
        };
        sent || self.note_left()
    }

    /// Hands the client the head of its answer, if it still waits for it.
    fn begin(&mut self, client: &mut Client) {
        if let Listener::Waiting = self.listener {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let mut answer = http::Response::new(Body::Pieces(receiver));
            *answer.headers_mut() = std::mem::take(&mut self.head);
            self.listener = if client.answer(answer) { Listener::Listening(sender) } else { Listener::Left };
        }
    }

    fn note_left(&mut self) -> bool {
        self.listener = Listener::Left;
        self.out.clear();
        self.draining_since = Some(Instant::now());
        false
    }

    /// The alarm rang: too late, or content came since it was set.
    fn late(
        &self,
        alarm: &mut Pin<Box<Sleep>>,
        first: std::time::Duration,
        idle: std::time::Duration,
    ) -> Option<End> {
        if self.draining_since.is_some_and(|since| since.elapsed() > self.job.house.settings.drain_limit) {
            return Some(End::Cancelled);
        }
        let (from, limit) = match self.attempt.first_token {
            None => (self.attempt.started, first),
            Some(_) => (self.last_moved, idle),
        };
        let due = from + limit;
        if Instant::now() >= due {
            return Some(End::Idle);
        }
        alarm.as_mut().reset(due.into());
        None
    }

    /// Settles, and only then lets the client see the end.
    async fn finish(mut self, end: End, http_status: u16, client: &mut Client) -> Tried {
        if matches!(end, End::Ended) && self.machine.ended() {
            // A stream of nothing but its end mark is an answer, too.
            self.begin(client);
            self.worth_showing = true;
            self.show(client).await;
        }
        let stopped = matches!(end, End::Stopped);
        let client_left = stopped || matches!(self.listener, Listener::Left) || client.has_left();
        let tail = self.machine.take_end();
        let dialect = self.job.request.dialect();
        let outcome = self.machine.finish();
        let (status, error) = match end {
            End::Cancelled | End::Stopped => (AttemptStatus::ClientClosed, None),
            End::Error(error) => (AttemptStatus::ProviderError, Some(error)),
            End::Idle => {
                let error = ProviderError {
                    mid_answer: true,
                    ..ProviderError::timeout("no content came for too long")
                };
                (AttemptStatus::Timeout, Some(error))
            }
            End::Broke(message) => (AttemptStatus::UpstreamCut, Some(ProviderError::upstream_bug(&message))),
            End::Ended if !outcome.complete => {
                let error = ProviderError::upstream_bug("the stream ended before its end mark");
                (AttemptStatus::UpstreamCut, Some(error))
            }
            End::Ended if client_left => (AttemptStatus::ClientClosed, None),
            End::Ended => (AttemptStatus::Ok, None),
        };
        // A stream that was read to its end after the client left, or was cancelled: both are the client's doing.
        let ending = Ending {
            http_status,
            error: error.clone(),
            outcome: Some(outcome),
            client_left,
            ..Ending::of(status)
        };
        let opened = std::sync::Arc::clone(&self.attempt.opened);
        let idle = self.attempt.lane.provider.idle_timeout;
        let settling = settle(self.job, self.attempt, &ending);
        let provenance = settling.provenance;
        let durable = settling.durable(self.job).await;
        let Listener::Listening(sender) = self.listener else {
            return match error {
                Some(error) if !client_left => Tried::Failed { error: Box::new(error), verbatim: None },
                Some(_) | None => Tried::Served,
            };
        };
        let mut last = Vec::new();
        match durable {
            Err(refusal) => last.extend_from_slice(&refusal.event(dialect, opened.call_id)),
            Ok(charge) => {
                match (&error, tail.is_empty()) {
                    // The provider's own end mark or error event.
                    (_, false) => tail.iter().for_each(|bytes| last.extend_from_slice(bytes)),
                    (Some(error), true) => {
                        last.extend_from_slice(&cut_short(&error.message).event(dialect, opened.call_id));
                    }
                    (None, true) if stopped => last.extend_from_slice(
                        &cut_short("the gateway is stopping").event(dialect, opened.call_id),
                    ),
                    (None, true) => {}
                }
                let charge = charge.map_or_else(|| "unknown".to_owned(), |charge| charge.to_string());
                let line = format!(
                    ": tollhouse call_id={} charge={charge} provenance={provenance}\n\n",
                    opened.call_id
                );
                last.extend_from_slice(line.as_bytes());
            }
        }
        // A client that left in this moment, or does not read, has lost nothing that is not on record.
        let sending = tokio::time::timeout(idle, sender.send(Piece::Last(Bytes::from(last))));
        tokio::select! {
            _ = sending => {}
            () = self.job.house.hurry.stopped() => {}
        }
        Tried::Served
    }
}

/// The pieces as one, and none left.
fn joined(pieces: &mut Vec<Bytes>) -> Bytes {
    match pieces.as_mut_slice() {
        [only] => {
            let only = std::mem::take(only);
            pieces.clear();
            only
        }
        several => {
            let all = several.concat();
            pieces.clear();
            Bytes::from(all)
        }
    }
}

/// The next frame, if it has arrived.
async fn arrived(body: &mut UpstreamBody) -> Option<Frame> {
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(Some(frame)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

type Frame = Option<Result<http_body::Frame<Bytes>, hyper::Error>>;

/// Resolves when the client leaves, wherever it stands.
async fn left(listener: &mut Listener, client: &mut Client) {
    match listener {
        Listener::Waiting => client.left().await,
        Listener::Listening(sender) => sender.closed().await,
        Listener::Left => std::future::pending().await,
    }
}
