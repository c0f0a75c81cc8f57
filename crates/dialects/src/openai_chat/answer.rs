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

/// Reads one JSON object.
pub(crate) fn read(json: &[u8], answer: &mut Answer) -> Result<Chunk, Bad> {
    let mut chunk = Chunk::default();
    let (mut any_choice, mut said_usage) = (false, false);
    let (mut own_error, mut foreign_error, mut bare_code) = (false, false, false);
    // For the cut: where the last member ended, and a cut of the first member, which takes the comma behind it.
    let (mut member_end, mut first_cut) = (None, None);
    let mut scan = Scan::new(json);
    let object = scan.object(|key, scan| {
        let key_at = scan.key_offset();
        if let Some(start) = first_cut.take() {
            chunk.null_usage = Some((start, key_at));
        }
        match key {
            b"id" => keep_first(&mut answer.id, scan.text()?),
            b"model" => keep_first(&mut answer.model, scan.text()?),
            b"service_tier" => keep_last(&mut answer.tier, scan.text()?),
            b"choices" => {
                chunk.choices = scan.array(|scan| {
                    any_choice = true;
                    choice(scan, answer, &mut chunk)
                })?;
            }
            b"usage" => {
                let null = scan.clone().raw()? == b"null";
                let Claim::OpenAiChat(claim) = &mut answer.claim else { return scan.skip() };
                said_usage |= claim.take(scan)?;
                if null {
                    chunk.null_usage = Some((member_end.unwrap_or(key_at), scan.offset()));
                    first_cut = member_end.is_none().then_some(key_at);
                }
            }
            b"error" => own_error |= is_truthy(scan.raw()?),
            b"base_resp" => foreign_error |= failed_base(scan)?,
            b"error_code" => foreign_error |= is_truthy(scan.raw()?),
            b"object" => bare_code |= scan.text()?.is_some_and(|text| text.raw == b"error"),
            b"code" | b"Response" | b"ErrorMsg" => {
                let raw = scan.raw()?;
                bare_code |= is_truthy(raw) && raw != b"200";
            }
            _ => scan.skip()?,
        }
        member_end = Some(scan.offset());
        Ok(())
    })?;
    if !object || !scan.at_end() {
        return Err(Bad);
    }
    chunk.usage_only = said_usage && !any_choice;
    chunk.progress |= chunk.content || said_usage;
    chunk.error = if own_error {
        Some(ErrorShape::Own)
    } else {
        (foreign_error || (bare_code && !chunk.choices)).then_some(ErrorShape::Foreign)
    };
    Ok(chunk)
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
