//! Events of a stream and whole messages.

use super::usage::Stage;
use crate::answer::{Answer, Claim, keep_first, keep_last};
use crate::json::{Bad, Scan, Text};
use crate::texts::Part;

/// What an event, or a whole answer, turned out to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event {
    /// There was text, thinking, a tool call: something a model generates.
    pub(crate) content: bool,
    /// There was content, a stop reason or usage.
    pub(crate) progress: bool,
    /// `message_stop`.
    pub(crate) stop: bool,
    /// `error`.
    pub(crate) error: bool,
    /// It said its type.
    pub(crate) typed: bool,
}

/// Reads one JSON object: an event, or a whole message. Unknown types are passed over: more will be added.
pub(crate) fn read(json: &[u8], answer: &mut Answer) -> Result<Event, Bad> {
    let mut event = Event::default();
    let (mut index, mut part) = (0_u64, Pieces::default());
    let mut whole = false;
    let mut scan = Scan::new(json);
    let object = scan.object(|key, scan| {
        match key {
            b"type" => {
                let kind = scan.text()?.map(|kind| kind.raw);
                event.typed |= kind.is_some();
                event.stop |= kind == Some(b"message_stop");
                event.error |= kind == Some(b"error");
                whole |= kind == Some(b"message");
            }
            b"index" => index = number(scan.raw()?),
            b"delta" | b"content_block" => block(scan, &mut part, answer)?,
            b"message" => message(scan, answer, &mut event)?,
            b"error" => event.error |= scan.raw_unless_null()?.is_some(),
            _ => member(key, scan, answer, &mut event, Stage::Final)?,
        }
        Ok(())
    })?;
    if !object || !scan.at_end() {
        return Err(Bad);
    }
    event.content |= part.keep(index, answer);
    if part.stopped || (whole && answer.finish.is_some()) {
        answer.begun = 1;
        answer.finished = 1;
        event.progress = true;
    }
    event.progress |= event.content;
    Ok(event)
}

fn number(raw: &[u8]) -> u64 {
    std::str::from_utf8(raw).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The message inside `message_start`: its usage is a beginning.
fn message(scan: &mut Scan<'_>, answer: &mut Answer, event: &mut Event) -> Result<(), Bad> {
    scan.object(|key, scan| member(key, scan, answer, event, Stage::Start)).map(drop)
}

/// A member of a message, or `usage` beside a `message_delta`.
fn member(
    key: &[u8],
    scan: &mut Scan<'_>,
    answer: &mut Answer,
    event: &mut Event,
    stage: Stage,
) -> Result<(), Bad> {
    match key {
        b"id" => keep_first(&mut answer.id, scan.text()?),
        b"model" => keep_first(&mut answer.model, scan.text()?),
        b"stop_reason" => keep_last(&mut answer.finish, scan.text()?),
        b"usage" => {
            let Claim::AnthropicMessages(claim) = &mut answer.claim else { return scan.skip() };
            event.progress |= claim.take(scan, stage)?;
        }
        b"content" => {
            let mut index = 0;
            scan.array(|scan| {
                let mut part = Pieces::default();
                block(scan, &mut part, answer)?;
                event.content |= part.keep(index, answer);
                index += 1;
                Ok(())
            })?;
        }
        _ => scan.skip()?,
    }
    Ok(())
}

/// The texts of a delta or block. They are kept when all is read, because its index may be written after it.
#[derive(Default)]
struct Pieces<'a> {
    text: Option<Text<'a>>,
    thinking: Option<Text<'a>>,
    /// A tool's name, and its input as pieces of JSON or as JSON.
    name: Option<Text<'a>>,
    input: Option<Text<'a>>,
    /// Content that has no text to count: redacted thinking, search results, signatures.
    opaque: bool,
    stopped: bool,
}

fn block<'a>(scan: &mut Scan<'a>, pieces: &mut Pieces<'a>, answer: &mut Answer) -> Result<(), Bad> {
    scan.object(|key, scan| {
        match key {
            b"text" => pieces.text = scan.text()?,
            b"thinking" => pieces.thinking = scan.text()?,
            b"partial_json" => pieces.input = scan.text()?,
            b"name" => pieces.name = scan.text()?,
            // `{}` stands in a `content_block_start`; the whole input in a whole answer.
            b"input" => {
                let raw = scan.raw()?;
                if raw.len() > 2 {
                    pieces.input = Some(Text { raw, start: 0, escaped: false });
                }
            }
            b"data" | b"signature" => pieces.opaque |= scan.text()?.is_some_and(|text| !text.is_empty()),
            b"content" | b"citation" => pieces.opaque |= scan.raw_unless_null()?.is_some(),
            b"stop_reason" => {
                let reason = scan.text()?.filter(|reason| !reason.is_empty());
                pieces.stopped |= reason.is_some();
                keep_last(&mut answer.finish, reason);
            }
            _ => scan.skip()?,
        }
        Ok(())
    })
    .map(drop)
}

impl Pieces<'_> {
    fn keep(&self, index: u64, answer: &mut Answer) -> bool {
        let visible = Part::Block(index);
        let mut any = self.opaque;
        any |= answer.text(0, visible, self.name);
        any |= answer.text(0, visible, self.text);
        any |= answer.text(0, visible, self.input);
        any |= answer.text(0, Part::Thinking(index), self.thinking);
        any
    }
}
