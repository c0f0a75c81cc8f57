//! What a prompt counts, by a stated rule: the text by `o200k_base`, the frame of a chat as in OpenAI's cookbook
//! ("How to count tokens with tiktoken"): 3 a message, its role, its name and 1, and 3 for the answer's start.
//! Tool results, calls and tool definitions count as their text; a definition 12 more, and the tool-use system prompt
//! of Anthropic 346 ("Tool use" page). Pictures: see `image`. Thinking of earlier turns counts nothing.

use serde_json::Value;
use tokens::Tokenizer;

use crate::image;
use crate::request::{Ask, Dialect};

/// Tokens of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) text: u64,
    pub(crate) images: u64,
}

/// Counts the whole prompt.
pub(crate) fn count(ask: &Ask<'_>) -> Counted {
    let mut counted = Counted { text: 3, images: 0 };
    let parse = |raw: &str| serde_json::from_str::<Value>(raw).unwrap_or(Value::Null);
    if let Some(system) = ask.prompt.system {
        counted.text += 3 + 1;
        counted.content(ask.dialect, &parse(system));
    }
    for message in parse(ask.prompt.messages).as_array().into_iter().flatten() {
        counted.text += 3 + text_of(message.get("role"));
        if let Some(name) = message.get("name") {
            counted.text += 1 + text_of(Some(name));
        }
        counted.content(ask.dialect, message.get("content").unwrap_or(&Value::Null));
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let function = call.get("function").unwrap_or(call);
            counted.text += text_of(function.get("name")) + text_of(function.get("arguments"));
        }
    }
    if let Some(tools) = ask.prompt.tools {
        let tools = parse(tools);
        let list = tools.as_array().map(Vec::as_slice).unwrap_or_default();
        for tool in list {
            counted.text += 12 + Tokenizer::O200k.count(&tool.to_string());
        }
        if ask.dialect == Dialect::Anthropic && !list.is_empty() {
            counted.text += 346;
        }
    }
    counted
}

impl Counted {
    fn content(&mut self, dialect: Dialect, content: &Value) {
        match content {
            Value::String(text) => self.text += Tokenizer::O200k.count(text),
            Value::Array(parts) => parts.iter().for_each(|part| self.part(dialect, part)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
    }

    fn part(&mut self, dialect: Dialect, part: &Value) {
        match part.get("type").and_then(Value::as_str) {
            Some("image_url") => {
                let url = part.pointer("/image_url/url").and_then(Value::as_str).unwrap_or_default();
                let detail = part.pointer("/image_url/detail").and_then(Value::as_str);
                self.images += image::openai_tokens(url, detail);
            }
            Some("image") => {
                self.images += image::anthropic_tokens(part.pointer("/source/data").and_then(Value::as_str));
            }
            Some("tool_use") => {
                let input = part.get("input").map(Value::to_string).unwrap_or_default();
                self.text += text_of(part.get("name")) + Tokenizer::O200k.count(&input);
            }
            Some("tool_result") => self.content(dialect, part.get("content").unwrap_or(&Value::Null)),
            Some("thinking" | "redacted_thinking") => {}
            _ => self.text += text_of(part.get("text").or_else(|| part.get("refusal"))),
        }
    }
}

fn text_of(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_str).map_or(0, |text| Tokenizer::O200k.count(text))
}
