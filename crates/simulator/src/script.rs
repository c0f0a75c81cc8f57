//! A script: the answer as the steps in which it goes out. Made by the dialects, bent by `tamper`, played by `play`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// What a step is to the story; faults find their place by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    /// Before any content: role chunk, `message_start`, block starts.
    Open,
    /// Carries generated tokens; waits for them.
    Content,
    /// The end of a choice or a block.
    Finish,
    /// Carries the final usage.
    Usage,
    /// The end mark.
    End,
    /// A whole answer.
    Whole,
    /// Nothing of the answer: keep-alive, padding.
    Aside,
    /// Nothing goes on for this long (`None`: for ever); `bytes` are repeated meanwhile.
    Stall(Option<Duration>),
    /// Waits this long before it goes out.
    Late(Duration),
}

/// One write to the socket.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) bytes: Bytes,
    pub(crate) kind: StepKind,
    /// Tokens generated for this step.
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    /// The usage object it carries.
    pub(crate) claim: Option<Arc<str>>,
}

impl Step {
    pub(crate) fn aside(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), kind: StepKind::Aside, output: 0, reasoning: 0, claim: None }
    }
}

/// How the connection goes on after the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The answer is whole.
    End,
    /// HTTP ends well, the answer does not.
    EndEarly,
    /// TCP reset.
    Reset,
    /// Closed without the last chunk.
    Close,
}

/// The steps of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) after: After,
    /// `content-length`, for a whole answer.
    pub(crate) length: Option<u64>,
    pub(crate) content_type: &'static str,
    /// The fault hides the answer though HTTP goes well.
    pub(crate) spoilt: bool,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const SSE: &str = "text/event-stream; charset=utf-8";

impl Script {
    /// A body in one piece.
    pub(crate) fn whole(body: impl Into<Bytes>, content_type: &'static str) -> Self {
        let bytes: Bytes = body.into();
        let length = u64::try_from(bytes.len()).ok();
        let step = Step { bytes, kind: StepKind::Whole, output: 0, reasoning: 0, claim: None };
        Self { steps: vec![step], after: After::End, length, content_type, spoilt: false }
    }
}

/// Writes steps into one buffer, so that a stream of a thousand events is one allocation.
#[derive(Default)]
pub(crate) struct Writer {
    /// The event being written.
    pub(crate) text: String,
    /// Steps without their bytes, each with the place where it ends.
    steps: Vec<(usize, Step)>,
}

impl Writer {
    /// Ends the event being written.
    pub(crate) fn step(&mut self, kind: StepKind, output: u64, reasoning: u64, claim: Option<&str>) {
        let step = Step { bytes: Bytes::new(), kind, output, reasoning, claim: claim.map(Arc::from) };
        self.steps.push((self.text.len(), step));
    }

    /// The stream that was written.
    pub(crate) fn stream(self) -> Script {
        let bytes = Bytes::from(self.text);
        let mut start = 0;
        let steps = self.steps.into_iter().map(|(end, step)| {
            let bytes = bytes.slice(start..end);
            start = end;
            Step { bytes, ..step }
        });
        let steps = steps.collect();
        Script { steps, after: After::End, length: None, content_type: SSE, spoilt: false }
    }
}

/// Appends a JSON string.
pub(crate) fn push_json(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}
