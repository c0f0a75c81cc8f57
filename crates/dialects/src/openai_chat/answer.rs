//! Chunks of a stream and whole answers: `choices[].delta` and `choices[].message` have the same members.

use crate::answer::{Answer, Claim, keep_first, keep_last};
use crate::json::{Bad, Scan};
use crate::texts::Part;

/// What an event, or a whole answer, turned out to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunk {
    /// There was text, a tool call, a sound: something a model generates.
    pub(crate) content: bool,
    /// There was content, a finish reason or usage.
    pub(crate) progress: bool,
    /// Usage with empty `choices`: the chunk that `include_usage` adds.
    pub(crate) usage_only: bool,
    /// It reports an error; the event is the provider's own `{"error": …}`, as the SDKs understand it.
    pub(crate) error: Option<ErrorShape>,
    /// `"usage":null` with the comma that goes with it, in offsets of the JSON text.
    pub(crate) null_usage: Option<(usize, usize)>,
    /// There were `choices`.
    pub(crate) choices: bool,
}

/// How an error inside a 200 is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorShape {
    /// As the dialect has it.
    Own,
    /// In a vendor's shape, which the client's SDK would not understand.
    Foreign,
}

/// Reads one JSON object: a chunk or a whole answer.
///
/// The chunks of a stream begin alike (`id`, `object`, `created`, `model`, …), so what stood before `choices` in the
/// last one is remembered: where the next begins with the same bytes, it has said nothing new so far.
pub(crate) fn read(json: &[u8], answer: &mut Answer) -> Result<Chunk, Bad> {
    let mut reader = Reader::default();
    let mut head = std::mem::take(&mut answer.head);
    let mut scan = Scan::new(json);
    let object = if !head.is_empty() && json.starts_with(&head) {
        scan = Scan::from(json, head.len());
        reader.member(b"choices", &mut scan, answer)?;
        scan.rest_of_object(|key, scan| reader.member(key, scan, answer)).map(|()| true)?
    } else {
        head.clear();
        scan.object(|key, scan| {
            if key == b"choices" && head.is_empty() && reader.is_inert() {
                let before = json.get(..scan.offset()).filter(|head| head.len() <= HEAD_MAX);
                head.extend_from_slice(before.unwrap_or_default());
            }
            reader.member(key, scan, answer)
        })?
    };
    answer.head = head;
    if object && scan.at_end() { Ok(reader.chunk()) } else { Err(Bad) }
}

/// A longer beginning is not remembered.
const HEAD_MAX: usize = 1024;

#[derive(Default)]
struct Reader {
    chunk: Chunk,
    any_choice: bool,
    said_usage: bool,
    own_error: bool,
    foreign_error: bool,
    bare_code: bool,
    /// Something was said that must be heard again in the next chunk.
    spoken: bool,
    /// For the cut: where the last member ended, and where a cut of the first member begins, which takes the comma
    /// behind it.
    member_end: Option<usize>,
    first_cut: Option<usize>,
}

impl Reader {
    fn member(&mut self, key: &[u8], scan: &mut Scan<'_>, answer: &mut Answer) -> Result<(), Bad> {
        let key_at = scan.key_offset();
        if let Some(start) = self.first_cut.take() {
            self.chunk.null_usage = Some((start, key_at));
        }
        match key {
            b"id" => keep_first(&mut answer.id, scan.text()?),
            b"model" => keep_first(&mut answer.model, scan.text()?),
            b"service_tier" => keep_last(&mut answer.tier, scan.text()?),
            b"object" => self.bare_code |= scan.text()?.is_some_and(|text| text.raw == b"error"),
            b"choices" => {
                let (chunk, any) = (&mut self.chunk, &mut self.any_choice);
                chunk.choices = scan.array(|scan| {
                    *any = true;
                    choice(scan, answer, chunk)
                })?;
            }
            b"usage" => self.usage(key_at, scan, answer)?,
            b"error" => self.own_error |= self.speaks(is_truthy(scan.raw()?)),
            b"base_resp" => {
                let failed = failed_base(scan)?;
                self.foreign_error |= self.speaks(failed);
            }
            b"error_code" => self.foreign_error |= self.speaks(is_truthy(scan.raw()?)),
            b"code" | b"Response" | b"ErrorMsg" => {
                let raw = scan.raw()?;
                self.bare_code |= is_truthy(raw) && raw != b"200";
            }
            _ => scan.skip()?,
        }
        self.member_end = Some(scan.offset());
        Ok(())
    }

    fn usage(&mut self, key_at: usize, scan: &mut Scan<'_>, answer: &mut Answer) -> Result<(), Bad> {
        self.spoken = true;
        let null = scan.clone().raw()? == b"null";
        let Claim::OpenAiChat(claim) = &mut answer.claim else { return scan.skip() };
        self.said_usage |= claim.take(scan)?;
        if null {
            self.chunk.null_usage = Some((self.member_end.unwrap_or(key_at), scan.offset()));
            self.first_cut = self.member_end.is_none().then_some(key_at);
        }
        Ok(())
    }

    fn speaks(&mut self, said: bool) -> bool {
        self.spoken |= said;
        said
    }

    /// Nothing so far but what a stream says once.
    const fn is_inert(&self) -> bool {
        !self.spoken && !self.bare_code
    }

    fn chunk(self) -> Chunk {
        let mut chunk = self.chunk;
        chunk.usage_only = self.said_usage && !self.any_choice;
        chunk.progress |= chunk.content || self.said_usage;
        chunk.error = if self.own_error {
            Some(ErrorShape::Own)
        } else {
            let bare = self.bare_code && !chunk.choices;
            (self.foreign_error || bare).then_some(ErrorShape::Foreign)
        };
        chunk
    }
}

/// The SDKs take an `error` for one when it is truthy, so these are none.
fn is_truthy(raw: &[u8]) -> bool {
    !matches!(raw, b"null" | b"0" | b"\"\"" | b"{}" | b"[]" | b"false")
}

/// MiniMax: the true status of an HTTP 200; 0 is well.
fn failed_base(scan: &mut Scan<'_>) -> Result<bool, Bad> {
    let mut failed = false;
    scan.object(|key, scan| match key {
        b"status_code" => scan.raw().map(|code| failed = is_truthy(code)),
        _ => scan.skip(),
    })?;
    Ok(failed)
}

fn choice(scan: &mut Scan<'_>, answer: &mut Answer, chunk: &mut Chunk) -> Result<(), Bad> {
    // Nearly everybody writes the index first; who does not has his delta read again when it is known.
    let (mut index, mut finish, mut later) = (None, false, None);
    scan.object(|key, scan| {
        match key {
            b"index" => index = Some(number(scan.raw()?)),
            b"delta" | b"message" => {
                if let Some(index) = index {
                    chunk.content |= delta(scan, answer, index)?;
                } else {
                    later = Some(*scan);
                    scan.skip()?;
                }
            }
            b"finish_reason" => {
                // Some write "" until the end, DashScope's native dialect the string "null".
                let reason = scan.text()?.filter(|reason| !matches!(reason.raw, b"" | b"null"));
                finish |= reason.is_some();
                keep_last(&mut answer.finish, reason);
            }
            // Moonshot, and others after it.
            b"usage" => {
                let Claim::OpenAiChat(claim) = &mut answer.claim else { return scan.skip() };
                chunk.progress |= claim.take(scan)?;
            }
            _ => scan.skip()?,
        }
        Ok(())
    })?;
    let index = index.unwrap_or(0);
    if let Some(mut scan) = later {
        chunk.content |= delta(&mut scan, answer, index)?;
    }
    let bit = u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0);
    answer.begun |= bit;
    if finish {
        answer.finished |= bit;
        chunk.progress = true;
    }
    Ok(())
}

fn number(raw: &[u8]) -> u64 {
    std::str::from_utf8(raw).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Returns whether there was content. A role alone, or an empty string, is none.
fn delta(scan: &mut Scan<'_>, answer: &mut Answer, choice: u64) -> Result<bool, Bad> {
    let (mut content, mut reasoned) = (false, false);
    scan.object(|key, scan| {
        content |= match key {
            b"content" if scan.peek() == Some(b'[') => parts(scan, answer, choice)?,
            b"content" => answer.text(choice, Part::Content, scan.text()?),
            b"refusal" => answer.text(choice, Part::Refusal, scan.text()?),
            // DeepSeek's name, and the one of some vLLM parsers and OpenRouter. Who sends both says the same twice.
            b"reasoning_content" | b"reasoning" => {
                let text = scan.text()?.filter(|_| !reasoned);
                reasoned |= answer.text(choice, Part::Reasoning, text);
                reasoned
            }
            b"reasoning_details" => is_truthy(scan.raw()?),
            b"tool_calls" => {
                let mut any = false;
                let mut place = 0;
                scan.array(|scan| {
                    any = true;
                    place += 1;
                    tool_call(scan, answer, choice, place - 1)
                })?;
                any
            }
            b"function_call" => function(scan, answer, choice, Part::Tool(u64::MAX))?,
            b"audio" => scan.raw_unless_null()?.is_some(),
            _ => {
                scan.skip()?;
                false
            }
        };
        Ok(())
    })?;
    Ok(content)
}

/// Content as a list of parts, as some vendors answer.
fn parts(scan: &mut Scan<'_>, answer: &mut Answer, choice: u64) -> Result<bool, Bad> {
    let mut any = false;
    scan.array(|scan| {
        scan.object(|key, scan| match key {
            b"text" => scan.text().map(|text| any |= answer.text(choice, Part::Content, text)),
            _ => scan.skip(),
        })
        .map(drop)
    })?;
    Ok(any)
}

/// In a stream the pieces of a call are joined by `index`; in a whole answer a call has none, and its place is it.
fn tool_call(scan: &mut Scan<'_>, answer: &mut Answer, choice: u64, place: u64) -> Result<(), Bad> {
    let (mut index, mut later) = (None, None);
    scan.object(|key, scan| match (key, index) {
        (b"index", _) => scan.raw().map(|raw| index = Some(number(raw))),
        (b"function" | b"custom", Some(index)) => function(scan, answer, choice, Part::Tool(index)).map(drop),
        (b"function" | b"custom", None) => {
            later = Some(*scan);
            scan.skip()
        }
        _ => scan.skip(),
    })?;
    match later {
        Some(mut scan) => function(&mut scan, answer, choice, Part::Tool(index.unwrap_or(place))).map(drop),
        None => Ok(()),
    }
}

fn function(scan: &mut Scan<'_>, answer: &mut Answer, choice: u64, part: Part) -> Result<bool, Bad> {
    let mut any = false;
    scan.object(|key, scan| match key {
        b"name" | b"arguments" | b"input" => scan.text().map(|text| any |= answer.text(choice, part, text)),
        _ => scan.skip(),
    })?;
    Ok(any)
}

/// Usage in a chunk that came after the end mark, taken only when none had come before.
pub(crate) fn late_usage(json: &[u8], answer: &mut Answer) {
    let Claim::OpenAiChat(claim) = &mut answer.claim else { return };
    if claim.is_whole() {
        return;
    }
    let mut late = false;
    let _ = Scan::new(json).object(|key, scan| {
        if key == b"usage" {
            late |= claim.take(scan)?;
            return Ok(());
        }
        scan.skip()
    });
    if late {
        claim.flags.raise(crate::usage::Flag::UsageAfterEnd);
    }
}
