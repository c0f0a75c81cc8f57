//! Plays a script as an HTTP body: each step in a chunk and a write of its own, in its time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::script::{After, Script, Step, StepKind};
use crate::story::{End, Story};
use crate::wire::Control;

/// The connection ends here, on purpose.
#[derive(Debug)]
pub(crate) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated provider closes the connection")
    }
}

impl std::error::Error for Gone {}

/// Latency of the tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    pub(crate) first: Duration,
    pub(crate) each: Duration,
    pub(crate) keep_alive: Duration,
}

/// A body being played. Dropping it before its end is the client's hang-up: hyper drops it when it sees the socket
/// closed, also between two tokens.
pub(crate) struct Playing {
    steps: std::vec::IntoIter<Step>,
    after: After,
    spoilt: bool,
    length: Option<u64>,
    /// `None`: a body nobody keeps a story of.
    story: Option<Story>,
    control: Option<Arc<Control>>,
    latency: Latency,
    /// When the step before was due: waits add up without drift.
    due: Instant,
    begun: bool,
    waited: bool,
    /// When the stall began, while one lasts.
    stalled: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Give way once, so that hyper flushes what it has before it gets more.
    flush: bool,
}

impl Playing {
    pub(crate) fn new(
        script: Script,
        story: Option<Story>,
        control: Option<Arc<Control>>,
        latency: Latency,
    ) -> Self {
        Self {
            steps: script.steps.into_iter(),
            after: script.after,
            spoilt: script.spoilt,
            length: script.length,
            story,
            control,
            latency,
            due: Instant::now(),
            begun: false,
            waited: false,
            stalled: None,
            sleep: None,
            flush: false,
        }
    }

    /// When the next step is due, if it must be waited for.
    fn due(&mut self, kind: StepKind, tokens: u64) -> Option<Instant> {
        let wait = match kind {
            StepKind::Content => {
                let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
                if std::mem::replace(&mut self.begun, true) {
                    self.latency.each * tokens
                } else {
                    self.latency.first + self.latency.each * tokens.saturating_sub(1)
                }
            }
            StepKind::Late(wait) => wait,
            StepKind::Stall(_) => self.latency.keep_alive,
            StepKind::Open
            | StepKind::Finish
            | StepKind::Usage
            | StepKind::End
            | StepKind::Whole
            | StepKind::Aside => Duration::ZERO,
        };
        if wait.is_zero() {
            return None;
        }
        self.due += wait;
        Some(self.due)
    }

    /// A stall gives its keep-alive, or comes to its end.
    fn stalled(&mut self, until: Option<Duration>) -> Option<Bytes> {
        let now = Instant::now();
        let since = *self.stalled.get_or_insert(now);
        self.waited = false;
        if until.is_some_and(|until| now >= since + until) {
            self.stalled = None;
            self.steps.next();
            self.due = now;
            return None;
        }
        self.steps.as_slice().first().map(|step| step.bytes.clone()).filter(|bytes| !bytes.is_empty())
    }

    fn conclude(&mut self) -> Option<Result<Frame<Bytes>, Gone>> {
        let end = if self.after == After::End && !self.spoilt { End::Complete } else { End::Fault };
        if let Some(story) = &mut self.story {
            story.end(end);
        }
        match self.after {
            After::End | After::EndEarly => None,
            After::Close => Some(Err(Gone)),
            After::Reset => {
                if let Some(control) = &self.control {
                    control.reset_on_close();
                }
                Some(Err(Gone))
            }
        }
    }
}

impl Body for Playing {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.flush) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            if let Some(sleep) = &mut this.sleep {
                ready!(sleep.as_mut().poll(cx));
                this.sleep = None;
            }
            let Some(step) = this.steps.as_slice().first() else { return Poll::Ready(this.conclude()) };
            let (kind, tokens) = (step.kind, step.output + step.reasoning);
            if !std::mem::replace(&mut this.waited, true)
                && let Some(due) = this.due(kind, tokens)
            {
                this.sleep = Some(Box::pin(sleep_until(due)));
                continue;
            }
            if let StepKind::Stall(until) = kind {
                let Some(alive) = this.stalled(until) else { continue };
                this.flush = true;
                return Poll::Ready(Some(Ok(Frame::data(alive))));
            }
            let Some(step) = this.steps.next() else { return Poll::Ready(this.conclude()) };
            this.waited = false;
            if let Some(story) = &mut this.story {
                story.served(&step);
            }
            let last = this.steps.as_slice().is_empty();
            if last && matches!(this.after, After::End | After::EndEarly) {
                // The truth is there before the client can have read the end.
                this.conclude();
            }
            this.flush = !(last && this.is_end_stream());
            return Poll::Ready(Some(Ok(Frame::data(step.bytes))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.as_slice().is_empty() && matches!(self.after, After::End | After::EndEarly)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
