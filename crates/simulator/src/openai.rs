//! `openai-chat` on the wire, whole and streamed. Source: OpenAI's API reference and the types of its Python SDK.

use std::fmt::Write;

use serde_json::json;

use crate::answer::{Answer, Choice, Finish};
use crate::fault::{Fault, FaultKind};
use crate::request::Ask;
use crate::script::{JSON, Script, StepKind, Writer, push_json};
use crate::usage::{self, Claim};

const FINGERPRINT: &str = "fp_50cad350e4";
/// Padding that hides the length of a chunk's content; vendors send random letters.
const PADDING: &str = "aXk29fJqLm7TzRw3";

/// The answer in one body, laid out as OpenAI does.
pub(crate) fn whole(answer: &Answer, fault: Option<&Fault>) -> Script {
    let claim = usage::openai(&answer.tokens, fault);
    let mut out = String::with_capacity(1024);
    out.push_str("{\n  \"id\": ");
    push_json(&mut out, &answer.id);
    let _ = write!(
        out,
        ",\n  \"object\": \"chat.completion\",\n  \"created\": {},\n  \"model\": ",
        answer.created
    );
    push_json(&mut out, &answer.model);
    out.push_str(",\n  \"choices\": [");
    for (nth, choice) in answer.choices.iter().enumerate() {
        out.push_str(if nth == 0 { "\n    " } else { ",\n    " });
        let _ = write!(out, "{{\"index\":{nth},\"message\":{{\"role\":\"assistant\",\"content\":");
        message(&mut out, choice);
        let _ = write!(
            out,
            ",\"refusal\":null,\"annotations\":[]}},\"logprobs\":null,\"finish_reason\":\"{}\"}}",
            finish(choice)
        );
    }
    out.push_str("\n  ]");
    match &claim {
        Claim::Absent => {}
        Claim::Null => out.push_str(",\n  \"usage\": null"),
        Claim::Object(text) => {
            out.push_str(",\n  \"usage\": ");
            out.push_str(text);
        }
    }
    out.push_str(",\n  \"service_tier\": ");
    push_json(&mut out, &answer.tier);
    let _ = write!(out, ",\n  \"system_fingerprint\": \"{FINGERPRINT}\"\n}}\n");
    let mut script = Script::whole(out, JSON);
    if let Some(step) = script.steps.first_mut() {
        step.output = answer.choices.iter().map(Choice::visible).sum();
        step.reasoning = answer.choices.iter().map(Choice::reasoned).sum();
        step.claim = claim.object().map(Into::into);
    }
    script
}

fn message(out: &mut String, choice: &Choice) {
    if choice.text.text.is_empty() && !choice.calls.is_empty() {
        out.push_str("null");
    } else {
        push_json(out, &choice.text.text);
    }
    if !choice.reasoning.text.is_empty() {
        out.push_str(",\"reasoning_content\":");
        push_json(out, &choice.reasoning.text);
    }
    if !choice.calls.is_empty() {
        let calls = choice.calls.iter().map(|call| {
            let function = json!({ "name": call.name, "arguments": call.arguments.text });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        let calls: Vec<_> = calls.collect();
        let _ = write!(out, ",\"tool_calls\":{}", serde_json::Value::from(calls));
    }
}

fn finish(choice: &Choice) -> &'static str {
    match choice.finish {
        Finish::Stop | Finish::Sequence(_) => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}

/// The answer as a stream.
pub(crate) fn stream(ask: &Ask<'_>, answer: &Answer, fault: Option<&Fault>) -> Script {
    let mut chunks = Chunks::new(ask, answer, fault);
    for (index, choice) in answer.choices.iter().enumerate() {
        let content = if choice.text.text.is_empty() && !choice.calls.is_empty() { "null" } else { "\"\"" };
        let delta = format!("{{\"role\":\"assistant\",\"content\":{content},\"refusal\":null}}");
        chunks.chunk(index, StepKind::Open, (0, 0), |out| out.push_str(&delta));
    }
    // Reasoning that is billed but not shown was generated before the first visible token.
    let hidden = answer.choices.iter().map(|choice| choice.hidden).sum();
    if hidden > 0 {
        chunks.hidden = hidden;
    }
    interleave(&mut chunks, ask, answer);
    for (index, choice) in answer.choices.iter().enumerate() {
        for (nth, call) in choice.calls.iter().enumerate() {
            chunks.chunk(index, StepKind::Content, (call.name_tokens, 0), |out| {
                let head = json!({ "index": nth, "id": call.id, "type": "function", "function": { "name": call.name, "arguments": "" } });
                let _ = write!(out, "{{\"tool_calls\":[{head}]}}");
            });
            for (piece, tokens) in call.arguments.stretches(ask.directive.events) {
                chunks.chunk(index, StepKind::Content, (tokens, 0), |out| {
                    let _ = write!(out, "{{\"tool_calls\":[{{\"index\":{nth},\"function\":{{\"arguments\":");
                    push_json(out, piece);
                    out.push_str("}}]}");
                });
            }
        }
    }
    for (index, choice) in answer.choices.iter().enumerate() {
        chunks.finish(index, finish(choice), index + 1 == answer.choices.len());
    }
    chunks.end()
}

/// Content of the choices takes turns, as a vendor's chunks of `n` choices do.
fn interleave(chunks: &mut Chunks<'_>, ask: &Ask<'_>, answer: &Answer) {
    let mut voices: Vec<_> = answer
        .choices
        .iter()
        .map(|choice| {
            let (thought, said) = (choice.reasoning.pieces.len(), choice.text.pieces.len());
            // The events of a choice are shared between reasoning and text by their length.
            let for_thought = ask.directive.events.map(|events| {
                let all = u64::try_from(thought + said).unwrap_or(1).max(1);
                let part = events.saturating_mul(u64::try_from(thought).unwrap_or(0)) / all;
                part.clamp(u64::from(thought > 0), events)
            });
            let for_text = ask.directive.events.zip(for_thought).map(|(all, part)| all.saturating_sub(part));
            let reasoning =
                choice.reasoning.stretches(for_thought).map(|(text, tokens)| (text, tokens, true));
            reasoning.chain(choice.text.stretches(for_text).map(|(text, tokens)| (text, tokens, false)))
        })
        .collect();
    loop {
        let mut spoke = false;
        for (index, voice) in voices.iter_mut().enumerate() {
            let Some((piece, tokens, is_reasoning)) = voice.next() else { continue };
            spoke = true;
            let (field, made) =
                if is_reasoning { ("reasoning_content", (0, tokens)) } else { ("content", (tokens, 0)) };
            chunks.chunk(index, StepKind::Content, made, |out| {
                let _ = write!(out, "{{\"{field}\":");
                push_json(out, piece);
                out.push('}');
            });
        }
        if !spoke {
            return;
        }
    }
}

/// Writes chunks: what is the same in each is prepared once.
struct Chunks<'a> {
    writer: Writer,
    answer: &'a Answer,
    fault: Option<&'a Fault>,
    head: String,
    usage: bool,
    padded: bool,
    /// Hidden reasoning still to be booked on a content step.
    hidden: u64,
    so_far: (u64, u64),
}

impl<'a> Chunks<'a> {
    fn new(ask: &Ask<'_>, answer: &'a Answer, fault: Option<&'a Fault>) -> Self {
        let mut head = String::from("data: {\"id\":");
        push_json(&mut head, &answer.id);
        let _ =
            write!(head, ",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":", answer.created);
        push_json(&mut head, &answer.model);
        head.push_str(",\"service_tier\":");
        push_json(&mut head, &answer.tier);
        let _ = write!(head, ",\"system_fingerprint\":\"{FINGERPRINT}\",\"choices\":[");
        let (usage, padded) = (ask.usage_in_stream, ask.obfuscation);
        Self { writer: Writer::default(), answer, fault, head, usage, padded, hidden: 0, so_far: (0, 0) }
    }

    fn has(&self, kind: FaultKind) -> bool {
        self.fault.is_some_and(|fault| fault.kind == kind)
    }

    /// A chunk that carries `made` (output, reasoning) tokens of the choice `index`.
    fn chunk(&mut self, index: usize, kind: StepKind, made: (u64, u64), delta: impl FnOnce(&mut String)) {
        let hidden = if kind == StepKind::Content { std::mem::take(&mut self.hidden) } else { 0 };
        let made = (made.0, made.1 + hidden);
        self.so_far = (self.so_far.0 + made.0, self.so_far.1 + made.1);
        let start = self.writer.text.len();
        self.writer.text.push_str(&self.head);
        let _ = write!(self.writer.text, "{{\"index\":{index},\"delta\":");
        delta(&mut self.writer.text);
        self.writer.text.push_str(",\"logprobs\":null,\"finish_reason\":null}]");
        let claim = self.running_usage(kind);
        self.tail(start);
        self.writer.step(kind, made.0, made.1, claim.as_deref());
    }

    fn finish(&mut self, index: usize, reason: &str, last: bool) {
        let start = self.writer.text.len();
        self.writer.text.push_str(&self.head);
        let _ = write!(
            self.writer.text,
            "{{\"index\":{index},\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"{reason}\""
        );
        let mut claim = None;
        if last && self.has(FaultKind::UsageInChoice) {
            claim = usage::openai(&self.answer.tokens, None).object().map(str::to_owned);
            let _ = write!(self.writer.text, ",\"usage\":{}", claim.as_deref().unwrap_or("null"));
        }
        self.writer.text.push_str("}]");
        if self.usage && !self.has(FaultKind::NoUsage) {
            self.writer.text.push_str(",\"usage\":null");
        }
        self.tail(start);
        // An answer without any text still had its hidden reasoning generated.
        let hidden = std::mem::take(&mut self.hidden);
        self.writer.step(StepKind::Finish, 0, hidden, claim.as_deref());
    }

    /// The usage key of an ordinary chunk: null where the client asked for usage, the count so far under `usage_every`.
    fn running_usage(&mut self, kind: StepKind) -> Option<String> {
        if self.has(FaultKind::UsageEvery) && kind == StepKind::Content {
            let mut so_far = self.answer.tokens;
            so_far.set(tokens::Kind::Output, self.so_far.0);
            so_far.set(tokens::Kind::Reasoning, self.so_far.1);
            let claim = usage::openai(&so_far, None);
            self.writer.text.push_str(&claim.field());
            return claim.object().map(str::to_owned);
        }
        if self.usage && !self.has(FaultKind::NoUsage) {
            self.writer.text.push_str(",\"usage\":null");
        }
        None
    }

    fn tail(&mut self, start: usize) {
        if self.padded {
            let short = (self.writer.text.len() - start) % PADDING.len();
            self.writer.text.push_str(",\"obfuscation\":\"");
            self.writer.text.push_str(PADDING.get(short..).unwrap_or_default());
            self.writer.text.push('"');
        }
        self.writer.text.push_str("}\n\n");
    }

    fn usage_chunk(&mut self, claim: &Claim) {
        if *claim == Claim::Absent {
            return;
        }
        let start = self.writer.text.len();
        self.writer.text.push_str(&self.head);
        self.writer.text.push(']');
        self.writer.text.push_str(&claim.field());
        self.tail(start);
        self.writer.step(StepKind::Usage, 0, 0, claim.object());
    }

    fn end(mut self) -> Script {
        let claim = usage::openai(&self.answer.tokens, self.fault);
        let told = self.usage && !self.has(FaultKind::UsageInChoice);
        let after = self.has(FaultKind::UsageAfterEnd);
        if told && !after {
            self.usage_chunk(&claim);
            if self.has(FaultKind::UsageTwice) {
                self.usage_chunk(&claim);
            }
            if self.has(FaultKind::UsageZerosAfter) {
                self.usage_chunk(&usage::openai(&tokens::Tokens::default(), None));
            }
        }
        self.writer.text.push_str("data: [DONE]\n\n");
        self.writer.step(StepKind::End, 0, 0, None);
        if told && after {
            self.usage_chunk(&claim);
        }
        self.writer.stream()
    }
}

/// `GET /v1/models`.
pub(crate) fn models(models: &[String]) -> String {
    let data: Vec<_> = models
        .iter()
        .map(|id| json!({ "id": id, "object": "model", "created": 1_686_935_002, "owned_by": "simulator" }))
        .collect();
    json!({ "object": "list", "data": data }).to_string()
}
