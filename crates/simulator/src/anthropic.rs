//! `anthropic-messages` on the wire, whole and streamed. Source: Anthropic's "Messages" and "Streaming messages" pages
//! and the types of its Python SDK.

use std::fmt::Write;

use serde_json::{Value, json};
use tokens::Kind;

use crate::answer::{Answer, Call, Choice, Finish};
use crate::fault::{Fault, FaultKind};
use crate::request::Ask;
use crate::script::{JSON, Script, StepKind, Writer, push_json};
use crate::usage::{self, Claim};

/// What `message_start` says of the output, whatever comes.
const PLACEHOLDER: u64 = 4;

/// The answer in one body.
pub(crate) fn whole(answer: &Answer, fault: Option<&Fault>) -> Script {
    let claim = usage::anthropic(&answer.tokens, None, &answer.tier, fault);
    let Some(choice) = answer.choices.first() else { return Script::whole("{}", JSON) };
    let mut out = String::with_capacity(1024);
    out.push_str("{\"model\":");
    push_json(&mut out, &answer.model);
    out.push_str(",\"id\":");
    push_json(&mut out, &answer.id);
    out.push_str(",\"type\":\"message\",\"role\":\"assistant\",\"content\":[");
    let start = out.len();
    let comma = |out: &mut String| {
        if out.len() > start {
            out.push(',');
        }
    };
    if !choice.reasoning.text.is_empty() {
        out.push_str("{\"type\":\"thinking\",\"thinking\":");
        push_json(&mut out, &choice.reasoning.text);
        let _ = write!(out, ",\"signature\":\"{}\"}}", signature(answer));
    }
    if !choice.text.text.is_empty() {
        comma(&mut out);
        out.push_str("{\"type\":\"text\",\"text\":");
        push_json(&mut out, &choice.text.text);
        out.push('}');
    }
    for call in &choice.calls {
        comma(&mut out);
        // A call cut by the output limit has no whole JSON; vendors send what they can read of it.
        let input: Value = serde_json::from_str(&call.arguments.text).unwrap_or_else(|_| json!({}));
        out.push_str(
            &json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input }).to_string(),
        );
    }
    let _ = write!(out, "],{}{}}}", stop(choice), claim.field());
    let mut script = Script::whole(out, JSON);
    if let Some(step) = script.steps.first_mut() {
        (step.output, step.reasoning) = (choice.visible(), choice.reasoned());
        step.claim = claim.object().map(Into::into);
    }
    script
}

/// `"stop_reason":…,"stop_sequence":…`
fn stop(choice: &Choice) -> String {
    let (reason, sequence) = match &choice.finish {
        Finish::Stop => ("end_turn", None),
        Finish::Length => ("max_tokens", None),
        Finish::Calls => ("tool_use", None),
        Finish::Sequence(word) => ("stop_sequence", Some(word.as_str())),
    };
    format!("\"stop_reason\":\"{reason}\",\"stop_sequence\":{}", json!(sequence))
}

fn signature(answer: &Answer) -> String {
    answer.rng.clone().id("Eq", 94) + "=="
}

/// The answer as a stream.
pub(crate) fn stream(ask: &Ask<'_>, answer: &Answer, fault: Option<&Fault>) -> Script {
    let Some(choice) = answer.choices.first() else { return Script::whole("{}", JSON) };
    let mut events =
        Events { writer: Writer::default(), answer, fault, so_far: (0, 0), block: 0, pinged: false };
    events.message_start();
    if !choice.reasoning.text.is_empty() {
        events.thinking(ask, choice);
    }
    events.so_far.1 += choice.hidden;
    let mut hidden = choice.hidden;
    if !choice.text.text.is_empty() || (choice.calls.is_empty() && choice.reasoning.text.is_empty()) {
        events.start("{\"type\":\"text\",\"text\":\"\"}");
        for (piece, tokens) in choice.text.stretches(ask.directive.events) {
            events.delta("text_delta", "text", piece, (tokens, std::mem::take(&mut hidden)));
        }
        events.stop();
    }
    for call in &choice.calls {
        events.call(ask, call, &mut hidden);
    }
    events.end(choice, hidden)
}

struct Events<'a> {
    writer: Writer,
    answer: &'a Answer,
    fault: Option<&'a Fault>,
    so_far: (u64, u64),
    block: u64,
    pinged: bool,
}

impl Events<'_> {
    fn has(&self, kind: FaultKind) -> bool {
        self.fault.is_some_and(|fault| fault.kind == kind)
    }

    fn event(&mut self, name: &str, fields: &str) {
        let _ = write!(self.writer.text, "event: {name}\ndata: {{\"type\":\"{name}\"{fields}}}\n\n");
    }

    fn message_start(&mut self) {
        let answer = self.answer;
        let claim = usage::anthropic(&answer.tokens, Some(PLACEHOLDER), &answer.tier, self.fault);
        let fields = format!(
            ",\"message\":{{\"model\":{},\"id\":\"{}\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\
             \"stop_reason\":null,\"stop_sequence\":null{}}}",
            Value::from(answer.model.as_str()),
            answer.id,
            claim.field()
        );
        self.event("message_start", &fields);
        self.writer.step(StepKind::Open, 0, 0, claim.object());
    }

    fn start(&mut self, block: &str) {
        let fields = format!(",\"index\":{},\"content_block\":{block}", self.block);
        self.event("content_block_start", &fields);
        self.writer.step(StepKind::Open, 0, 0, None);
        if !self.pinged {
            self.pinged = true;
            self.writer.text.push_str("event: ping\ndata: {\"type\": \"ping\"}\n\n");
            self.writer.step(StepKind::Aside, 0, 0, None);
        }
    }

    fn delta(&mut self, kind: &str, field: &str, piece: &str, made: (u64, u64)) {
        let _ = write!(
            self.writer.text,
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{},\
             \"delta\":{{\"type\":\"{kind}\",\"{field}\":",
            self.block
        );
        push_json(&mut self.writer.text, piece);
        self.writer.text.push_str("}}\n\n");
        let step = if made == (0, 0) { StepKind::Open } else { StepKind::Content };
        self.writer.step(step, made.0, made.1, None);
        self.so_far = (self.so_far.0 + made.0, self.so_far.1 + made.1);
        if self.has(FaultKind::UsageEvery) && step == StepKind::Content {
            let mut so_far = self.answer.tokens;
            so_far.set(Kind::Output, self.so_far.0);
            so_far.set(Kind::Reasoning, self.so_far.1);
            let claim = usage::anthropic_delta(&so_far, None);
            self.message_delta("\"stop_reason\":null,\"stop_sequence\":null", &claim, StepKind::Aside);
        }
    }

    fn stop(&mut self) {
        let fields = format!(",\"index\":{}", self.block);
        self.event("content_block_stop", &fields);
        self.writer.step(StepKind::Finish, 0, 0, None);
        self.block += 1;
    }

    fn thinking(&mut self, ask: &Ask<'_>, choice: &Choice) {
        self.start("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
        for (piece, tokens) in choice.reasoning.stretches(ask.directive.events) {
            self.delta("thinking_delta", "thinking", piece, (0, tokens));
        }
        let signature = signature(self.answer);
        self.delta("signature_delta", "signature", &signature, (0, 0));
        self.stop();
    }

    fn call(&mut self, ask: &Ask<'_>, call: &Call, hidden: &mut u64) {
        let block = json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} });
        self.start(&block.to_string());
        // The first piece is empty on the real wire; the tokens of the name are booked on it.
        self.delta("input_json_delta", "partial_json", "", (call.name_tokens, std::mem::take(hidden)));
        for (piece, tokens) in call.arguments.stretches(ask.directive.events) {
            self.delta("input_json_delta", "partial_json", piece, (tokens, 0));
        }
        self.stop();
    }

    fn message_delta(&mut self, stop: &str, claim: &Claim, kind: StepKind) {
        let fields = format!(",\"delta\":{{{stop}}}{}", claim.field());
        self.event("message_delta", &fields);
        self.writer.step(kind, 0, 0, claim.object());
    }

    fn end(mut self, choice: &Choice, hidden: u64) -> Script {
        let claim = usage::anthropic_delta(&self.answer.tokens, self.fault);
        let stop = stop(choice);
        let after = self.has(FaultKind::UsageAfterEnd);
        self.message_delta(&stop, if after { &Claim::Absent } else { &claim }, StepKind::Usage);
        if self.has(FaultKind::UsageTwice) {
            self.message_delta(&stop, &claim, StepKind::Usage);
        }
        if self.has(FaultKind::UsageZerosAfter) {
            self.message_delta(
                &stop,
                &usage::anthropic_delta(&tokens::Tokens::default(), None),
                StepKind::Usage,
            );
        }
        self.event("message_stop", "");
        // An answer without any text still had its hidden reasoning generated.
        self.writer.step(StepKind::End, 0, hidden, None);
        if after {
            self.message_delta(&stop, &claim, StepKind::Usage);
        }
        self.writer.stream()
    }
}

/// `GET /v1/models`.
pub(crate) fn models(models: &[String]) -> String {
    let data: Vec<_> = models
        .iter()
        .map(|id| json!({ "type": "model", "id": id, "display_name": id, "created_at": "2025-02-19T00:00:00Z" }))
        .collect();
    json!({ "data": data, "has_more": false, "first_id": models.first(), "last_id": models.last() })
        .to_string()
}
