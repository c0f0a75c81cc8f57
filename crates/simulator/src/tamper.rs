//! Bends a script as a fault asks: where it is cut, what is put in, how its bytes are spoilt.
//! Faults of the usage figures are in `usage`; refusals in `refusal`; writes of single bytes in `wire`.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::fault::{Fault, FaultKind};
use crate::refusal::Refusal;
use crate::request::Dialect;
use crate::script::{After, JSON, Script, Step, StepKind};

/// Applies a fault to an answer that is ready to go out.
pub(crate) fn bend(
    script: &mut Script,
    fault: &Fault,
    dialect: Dialect,
    request_id: &str,
    stall_ms: Option<u64>,
) {
    let whole = script.length.is_some();
    let half = script.steps.len() / 2;
    let nth = fault.number().and_then(|n| usize::try_from(n).ok()).unwrap_or(half).min(script.steps.len());
    match fault.kind {
        FaultKind::ResetMid if whole => halve(script, After::Reset),
        FaultKind::CutMid
        | FaultKind::CutHalf
        | FaultKind::CutBeforeUsage
        | FaultKind::CutBeforeEnd
        | FaultKind::EndEarly
            if whole =>
        {
            halve(script, After::Close);
        }
        FaultKind::ResetMid => cut(script, nth, After::Reset),
        FaultKind::CutMid => cut(script, nth, After::Close),
        FaultKind::EndEarly => cut(script, nth, After::EndEarly),
        FaultKind::CutHalf => cut_half(script),
        FaultKind::CutBeforeUsage => cut_before(script, StepKind::Usage),
        FaultKind::CutBeforeEnd => cut_before(script, StepKind::End),
        FaultKind::StallMid => stall(script, nth, dialect, stall_ms),
        FaultKind::ErrorInStream if !whole => {
            cut(script, nth, After::EndEarly);
            script.steps.push(Step::aside(Refusal::midway(dialect).event(dialect, request_id)));
        }
        FaultKind::ErrorInStream | FaultKind::ErrorInBody => {
            *script = spoilt(Refusal::midway(dialect).body(dialect, request_id), JSON);
        }
        FaultKind::Html => *script = spoilt(HTML, "text/html"),
        FaultKind::TruncatedJson => truncate_json(script),
        FaultKind::BadUtf8 => bad_utf8(script),
        FaultKind::Crlf if !whole => script.steps.iter_mut().for_each(|step| step.bytes = crlf(&step.bytes)),
        FaultKind::HugeLine => huge_line(script, dialect, fault.number().unwrap_or(10 << 20)),
        FaultKind::UnknownEvent if !whole => {
            let event = match dialect {
                Dialect::OpenAi => {
                    "data: {\"id\":\"note\",\"object\":\"chat.completion.note\",\"note\":\"new\"}\n\n"
                }
                Dialect::Anthropic => {
                    "event: block_note\ndata: {\"type\":\"block_note\",\"index\":0,\"note\":\"new\"}\n\n"
                }
            };
            script.steps.insert(half, Step::aside(event));
        }
        FaultKind::WrongType => script.content_type = if whole { "text/plain; charset=utf-8" } else { JSON },
        FaultKind::Drip => drip(script, Duration::from_millis(fault.number().unwrap_or(1000))),
        _ => {}
    }
}

const HTML: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

fn spoilt(body: impl Into<Bytes>, content_type: &'static str) -> Script {
    Script { spoilt: true, ..Script::whole(body, content_type) }
}

fn cut(script: &mut Script, nth: usize, after: After) {
    script.steps.truncate(nth);
    script.after = after;
}

/// Half of a whole answer's bytes under its full `content-length`.
fn halve(script: &mut Script, after: After) {
    if let Some(step) = script.steps.first_mut() {
        step.bytes.truncate(step.bytes.len() / 2);
        step.claim = None;
    }
    script.after = after;
}

fn cut_before(script: &mut Script, kind: StepKind) {
    let at = script.steps.iter().position(|step| step.kind == kind);
    // A stream that tells no usage is cut before its end mark.
    let at = at.or_else(|| script.steps.iter().position(|step| step.kind == StepKind::End));
    cut(script, at.unwrap_or(script.steps.len()), After::Close);
}

/// The middle one of the content steps.
fn middle(script: &Script) -> Option<usize> {
    let content = || {
        script
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| matches!(step.kind, StepKind::Content | StepKind::Whole))
    };
    content().nth(content().count() / 2).map(|(at, _)| at)
}

/// Where the text of an event (or of a whole answer) begins.
fn text_start(bytes: &[u8]) -> Option<usize> {
    const BEFORE: &[&[u8]] = &[
        b"\"content\":\"",
        b"\"type\":\"text\",\"text\":\"",
        b"\"text\":\"",
        b"\"reasoning_content\":\"",
        b"\"thinking\":\"",
        b"\"partial_json\":\"",
        b"\"arguments\":\"",
    ];
    BEFORE.iter().find_map(|before| {
        bytes.windows(before.len()).position(|window| window == *before).map(|at| at + before.len())
    })
}

/// Ends inside an event, after the first byte of a two-byte character; the token of that event was not served.
fn cut_half(script: &mut Script) {
    let Some(at) = middle(script) else { return cut(script, script.steps.len() / 2, After::Close) };
    cut(script, at + 1, After::Close);
    if let Some(step) = script.steps.last_mut() {
        let start = text_start(&step.bytes).unwrap_or(step.bytes.len() / 2);
        let mut bytes = BytesMut::from(step.bytes.get(..start).unwrap_or_default());
        bytes.extend_from_slice(&[0xC3]);
        *step = Step { kind: StepKind::Content, ..Step::aside(bytes.freeze()) };
    }
}

fn stall(script: &mut Script, nth: usize, dialect: Dialect, stall_ms: Option<u64>) {
    let kind = StepKind::Stall(stall_ms.map(Duration::from_millis));
    if script.length.is_some() {
        // A whole answer stalls in the middle of its bytes; nothing can be sent to keep it alive.
        let Some(first) = script.steps.first_mut() else { return };
        let rest = first.bytes.split_off(first.bytes.len() / 2);
        let (claim, output, reasoning) = (first.claim.take(), first.output, first.reasoning);
        script.steps.push(Step { kind, ..Step::aside("") });
        script.steps.push(Step { claim, ..Step::aside(rest) });
        if let Some(first) = script.steps.first_mut() {
            (first.output, first.reasoning) = (output, reasoning);
        }
        return;
    }
    let alive = match dialect {
        Dialect::OpenAi => ": keep-alive\n\n",
        Dialect::Anthropic => "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    };
    script.steps.insert(nth, Step { kind, ..Step::aside(alive) });
}

fn truncate_json(script: &mut Script) {
    let whole = script.length.is_some();
    let Some(step) = middle(script).and_then(|at| script.steps.get_mut(at)) else { return };
    let half = step.bytes.len() / 2;
    let mut bytes = BytesMut::from(step.bytes.get(..half).unwrap_or_default());
    if whole {
        script.spoilt = true;
        script.length = u64::try_from(half).ok();
        step.claim = None;
    } else {
        bytes.extend_from_slice(b"\n\n");
    }
    step.bytes = bytes.freeze();
}

fn bad_utf8(script: &mut Script) {
    let Some(step) = middle(script).and_then(|at| script.steps.get_mut(at)) else { return };
    insert(step, &mut script.length, text_start, &[0xFF, 0xFE]);
}

/// Puts bytes into a step, at the place found.
fn insert(step: &mut Step, length: &mut Option<u64>, place: impl Fn(&[u8]) -> Option<usize>, put: &[u8]) {
    let Some((head, tail)) = place(&step.bytes).and_then(|at| step.bytes.split_at_checked(at)) else {
        return;
    };
    step.bytes = [head, put, tail].concat().into();
    *length = length.map(|length| length + u64::try_from(put.len()).unwrap_or(0));
}

fn crlf(bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(bytes.len() + 4);
    for byte in bytes {
        if *byte == b'\n' {
            out.extend_from_slice(b"\r");
        }
        out.extend_from_slice(std::slice::from_ref(byte));
    }
    out.freeze()
}

fn huge_line(script: &mut Script, dialect: Dialect, bytes: u64) {
    let padding = "x".repeat(usize::try_from(bytes.min(1 << 30)).unwrap_or(0));
    if script.length.is_some() {
        let field = format!("\"padding\":\"{padding}\",");
        let after_brace = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'{').map(|at| at + 1);
        if let Some(step) = script.steps.first_mut() {
            insert(step, &mut script.length, after_brace, field.as_bytes());
        }
        return;
    }
    let event = match dialect {
        Dialect::OpenAi => {
            format!(
                "data: {{\"id\":\"huge\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"obfuscation\":\"{padding}\"}}\n\n"
            )
        }
        Dialect::Anthropic => {
            format!("event: ping\ndata: {{\"type\":\"ping\",\"padding\":\"{padding}\"}}\n\n")
        }
    };
    script.steps.insert(script.steps.len() / 2, Step::aside(event));
}

/// One byte a step. What a step carries is served with its last byte.
fn drip(script: &mut Script, each: Duration) {
    let drops = script.steps.iter().flat_map(|step| {
        let last = step.bytes.len().saturating_sub(1);
        (0..step.bytes.len()).map(move |at| {
            let (bytes, kind) = (step.bytes.slice(at..=at), StepKind::Late(each));
            if at == last {
                Step { bytes, kind, ..step.clone() }
            } else {
                Step { kind, ..Step::aside(bytes) }
            }
        })
    });
    script.steps = drops.collect();
}
