//! The machine between a provider's stream and the client: fed bytes cut anywhere, it hands on whole events as they
//! came, learns usage and ends from them, and keeps the end mark until the books are closed. No I/O, no clock.
//!
//! Whole events that stand together in one read are handed on as one slice of it, without a copy. An event cut over
//! reads is joined once. A read out of which something must be taken is written anew, once.

use bytes::{Buf, Bytes, BytesMut};

use crate::answer::{Answer, Outcome};
use crate::openai_chat::answer::ErrorShape;
use crate::sse::{Boundaries, Event};
use crate::usage::Flag;
use crate::{Dialect, Facts, ProviderError, anthropic_messages, classify, openai_chat};

/// A longer event is no event. Images come as base64 in one.
pub const EVENT_MAX: usize = 8 << 20;
/// Room for a few rewritten events, so that not every one of them allocates.
const REWRITE_ROOM: usize = 8 << 10;

/// What a read brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Something a model generates: text, reasoning, a tool call, a sound. Arms the first-token time.
    pub content: bool,
    /// Content, a finish reason or usage: the call moves on. Re-arms the idle timer. Comments, pings, blank lines and
    /// chunks with a role alone do not: they prove that the peer lives, not that it works.
    pub moved: bool,
    /// The end mark or an error has come, now or before; nothing more will be handed on.
    pub ended: bool,
}

/// One stream from one provider to one client.
#[derive(Debug)]
pub struct StreamMachine {
    answer: Answer,
    boundaries: Boundaries,
    /// The beginning of an event whose end has not come.
    pending: BytesMut,
    event: Event,
    rewritten: BytesMut,
    held: Vec<Bytes>,
    error: Option<ProviderError>,
    state: State,
    /// An event has been understood: from now on an odd line is an unknown field, as the standard says.
    underway: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first event: a byte order mark may stand here.
    Fresh,
    Flowing,
    /// The end mark has come.
    Ended,
    /// An error has come, or what came is no stream of this dialect.
    Failed,
}

/// What becomes of an event.
#[derive(Clone, Copy)]
enum Fate {
    Forward,
    Drop,
    /// Kept for [`StreamMachine::take_end`].
    Hold,
    /// Handed on without the bytes between these two offsets.
    Cut(usize, usize),
}

impl StreamMachine {
    /// A machine before its first byte.
    pub fn new(facts: Facts) -> Self {
        Self {
            answer: Answer::new(facts),
            boundaries: Boundaries::new(),
            pending: BytesMut::new(),
            event: Event::default(),
            rewritten: BytesMut::new(),
            held: Vec::new(),
            error: None,
            state: State::Fresh,
            underway: false,
        }
    }

    /// Takes bytes of the provider and appends to `out` what goes to the client. Only whole events are handed on, so
    /// that a stream that breaks can be ended with an event of our own.
    pub fn push(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) -> Progress {
        let mut progress = Progress::default();
        let mut run = Run::default();
        let mut at = 0;
        while at < chunk.len() && self.state != State::Failed {
            let rest = chunk.get(at..).unwrap_or_default();
            let Some(length) = self.boundaries.next(rest) else {
                if self.pending.len().saturating_add(rest.len()) > EVENT_MAX {
                    self.fail("an event is longer than 8 MiB");
                } else {
                    self.pending.extend_from_slice(rest);
                }
                break;
            };
            let end = at + length;
            if self.pending.is_empty() {
                let fate = self.take(rest.get(..length).unwrap_or_default(), &mut progress);
                match fate {
                    Fate::Forward => run.forward(chunk, at, end, &mut self.rewritten),
                    Fate::Cut(from, to) => {
                        run.forward(chunk, at, at + from, &mut self.rewritten);
                        run.forward(chunk, at + to, end, &mut self.rewritten);
                    }
                    Fate::Hold => self.held.push(chunk.slice(at..end)),
                    Fate::Drop => {}
                }
            } else {
                self.pending.extend_from_slice(rest.get(..length).unwrap_or_default());
                let event = self.pending.split().freeze();
                let fate = self.take(&event, &mut progress);
                self.dispose(event, fate, out);
            }
            at = end;
        }
        run.finish(chunk, &mut self.rewritten, out);
        progress.ended = self.ended();
        progress
    }

    /// The connection has ended. A last event without its blank line, which the standard drops, is taken when it is
    /// whole: some servers end so. It is handed on with the blank line, because SDKs drop it too.
    pub fn close(&mut self, out: &mut Vec<Bytes>) -> Progress {
        let mut progress = Progress::default();
        if !self.pending.is_empty() && !self.ended() {
            let mut event = self.pending.split();
            let terminated = self.boundaries.at_lone_blank();
            if !terminated {
                event.extend_from_slice(if event.ends_with(b"\n") { b"\n" } else { b"\n\n" });
            }
            let event = event.freeze();
            if terminated || self.is_whole(&event) {
                if !terminated {
                    self.answer.flag(Flag::Unterminated);
                }
                let fate = self.take(&event, &mut progress);
                self.dispose(event, fate, out);
            }
        }
        progress.ended = self.ended();
        progress
    }

    /// The end mark, or the provider's own error event, kept back until the books are closed. Empty when none has
    /// come, or when the error was written in a shape that the client would not understand: then
    /// [`Self::error`] is to be worded by [`crate::render_stream_error`]. What is taken is not given again.
    pub fn take_end(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.held)
    }

    /// The end mark or an error has come.
    pub const fn ended(&self) -> bool {
        matches!(self.state, State::Ended | State::Failed)
    }

    /// The error that ended the stream.
    pub const fn error(&self) -> Option<&ProviderError> {
        self.error.as_ref()
    }

    /// What was learnt. Call [`Self::close`] first when the connection has ended.
    pub fn finish(self) -> Outcome {
        let ended = self.state == State::Ended;
        self.answer.outcome(ended, self.error)
    }

    /// An event that was joined from several reads.
    fn dispose(&mut self, mut event: Bytes, fate: Fate, out: &mut Vec<Bytes>) {
        match fate {
            Fate::Forward => out.push(event),
            Fate::Hold => self.held.push(event),
            Fate::Drop => {}
            Fate::Cut(from, to) => {
                let head = event.split_to(from.min(event.len()));
                event.advance(to.saturating_sub(from).min(event.len()));
                out.extend([head, event]);
            }
        }
    }

    /// Judges one event.
    fn take(&mut self, bytes: &[u8], progress: &mut Progress) -> Fate {
        let mut skipped = 0;
        match self.state {
            State::Fresh => {
                skipped = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
                self.state = State::Flowing;
            }
            State::Flowing => {}
            State::Failed => return Fate::Drop,
            State::Ended => {
                self.late(bytes);
                return Fate::Drop;
            }
        }
        if bytes.len() > EVENT_MAX {
            return self.fail("an event is longer than 8 MiB");
        }
        let event = bytes.get(skipped..).unwrap_or_default();
        let mut parts = std::mem::take(&mut self.event);
        parts.read(event);
        let fate = self.judge(event, &parts, progress);
        self.event = parts;
        match fate {
            Fate::Cut(from, to) => Fate::Cut(from + skipped, to + skipped),
            fate => fate,
        }
    }

    fn judge(&mut self, event: &[u8], parts: &Event, progress: &mut Progress) -> Fate {
        if parts.junk && !parts.known && !self.underway {
            return self.fail("what came is no event stream");
        }
        self.underway |= parts.known;
        let Some(data) = parts.data(event) else { return Fate::Forward };
        if data.trim_ascii().is_empty() {
            return Fate::Forward;
        }
        match self.answer.facts.dialect {
            Dialect::OpenAiChat => self.chat(event, parts, data, progress),
            Dialect::AnthropicMessages => self.messages(parts.name(event), data, progress),
        }
    }

    fn chat(&mut self, event: &[u8], parts: &Event, data: &[u8], progress: &mut Progress) -> Fate {
        if data.trim_ascii() == b"[DONE]" {
            self.state = State::Ended;
            return Fate::Hold;
        }
        let Ok(chunk) = openai_chat::answer::read(data, &mut self.answer) else {
            return self.garbled(data);
        };
        progress.content |= chunk.content;
        progress.moved |= chunk.progress;
        let named = parts.name(event) == b"error" && !chunk.choices;
        if let Some(shape) = chunk.error.or(named.then_some(ErrorShape::Foreign)) {
            return self.refused(data, shape);
        }
        if self.answer.facts.hide_usage {
            if chunk.usage_only {
                return Fate::Drop;
            }
            if let Some((from, to)) = chunk.null_usage {
                return Fate::Cut(parts.place(from), parts.place(to));
            }
        }
        Fate::Forward
    }

    fn messages(&mut self, name: &[u8], data: &[u8], progress: &mut Progress) -> Fate {
        let Ok(event) = anthropic_messages::answer::read(data, &mut self.answer) else {
            // Unknown events are passed over, whatever is in them: more will be added.
            let ours = name.is_empty() || anthropic_messages::EVENTS.contains(&name);
            return if ours { self.garbled(data) } else { Fate::Forward };
        };
        progress.content |= event.content;
        progress.moved |= event.progress;
        if event.error || (!event.typed && name == b"error") {
            return self.refused(data, ErrorShape::Own);
        }
        if event.stop || (!event.typed && name == b"message_stop") {
            self.state = State::Ended;
            return Fate::Hold;
        }
        Fate::Forward
    }

    /// The provider reports an error inside its 200.
    fn refused(&mut self, data: &[u8], shape: ErrorShape) -> Fate {
        self.state = State::Failed;
        let facts = self.answer.facts;
        self.error = Some(classify::inside_200(facts.dialect, facts.provider, data));
        match shape {
            ErrorShape::Own => Fate::Hold,
            ErrorShape::Foreign => Fate::Drop,
        }
    }

    fn garbled(&mut self, data: &[u8]) -> Fate {
        let shown: String = String::from_utf8_lossy(data.get(..60).unwrap_or(data)).into_owned();
        self.fail(&format!("an event is no JSON object: {shown:?}"))
    }

    fn fail(&mut self, why: &str) -> Fate {
        if self.state != State::Ended {
            self.state = State::Failed;
            self.error = Some(ProviderError::upstream_bug(why));
            self.answer.flag(Flag::Malformed);
        }
        self.pending = BytesMut::new();
        Fate::Drop
    }

    /// Bytes after the end mark are nobody's, but for usage that had not come before it.
    fn late(&mut self, bytes: &[u8]) {
        let mut parts = std::mem::take(&mut self.event);
        parts.read(bytes);
        if let Some(data) = parts.data(bytes) {
            openai_chat::answer::late_usage(data, &mut self.answer);
        }
        self.event = parts;
    }

    /// Nothing of the last event is missing but its line end.
    fn is_whole(&self, event: &[u8]) -> bool {
        let mut parts = Event::default();
        parts.read(event);
        let Some(data) = parts.data(event).map(<[u8]>::trim_ascii) else { return false };
        let object = data.starts_with(b"{") && {
            let mut scan = crate::json::Scan::new(data);
            scan.skip().is_ok() && scan.at_end()
        };
        object || (self.answer.facts.dialect == Dialect::OpenAiChat && data == b"[DONE]")
    }
}

/// The part of a read that is handed on: one slice as long as it is unbroken, else written anew.
#[derive(Default)]
struct Run {
    start: usize,
    end: usize,
}

impl Run {
    fn forward(&mut self, chunk: &Bytes, start: usize, end: usize, rewritten: &mut BytesMut) {
        if start != self.end {
            self.write(chunk, rewritten);
            self.start = start;
        }
        self.end = end;
    }

    fn write(&mut self, chunk: &Bytes, rewritten: &mut BytesMut) {
        let run = chunk.get(self.start..self.end).unwrap_or_default();
        if run.is_empty() {
            return;
        }
        if rewritten.capacity() - rewritten.len() < run.len() {
            rewritten.reserve(chunk.len().max(REWRITE_ROOM));
        }
        rewritten.extend_from_slice(run);
    }

    fn finish(mut self, chunk: &Bytes, rewritten: &mut BytesMut, out: &mut Vec<Bytes>) {
        if rewritten.is_empty() {
            if self.start < self.end {
                out.push(chunk.slice(self.start..self.end));
            }
        } else {
            self.write(chunk, rewritten);
            out.push(rewritten.split().freeze());
        }
    }
}
