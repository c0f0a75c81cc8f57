//! A request as the vendors' APIs read it: what matters to what is served, and the refusal where it is wrong.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::directive::Directive;
use crate::refusal::Refusal;

/// The wire formats spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
}

impl Dialect {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-chat",
            Self::Anthropic => "anthropic-messages",
        }
    }
}

/// A request for an answer.
pub(crate) struct Ask<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// `n`: how many answers.
    pub(crate) choices: u64,
    /// Limit of the output of a choice, reasoning included.
    pub(crate) max_output: Option<u64>,
    pub(crate) prompt: Prompt<'a>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_wish: ToolWish,
    pub(crate) shape: Shape,
    /// `stream_options.include_usage`.
    pub(crate) usage_in_stream: bool,
    /// `stream_options.include_obfuscation`, on by default.
    pub(crate) obfuscation: bool,
    pub(crate) stop: Vec<String>,
    pub(crate) tier: Option<String>,
    /// Reasoning is wanted, up to so many tokens.
    pub(crate) reasoning: Option<u64>,
    pub(crate) directive: Directive,
}

/// The parts of a request that are billed as input, as raw JSON.
#[derive(Clone, Copy)]
pub(crate) struct Prompt<'a> {
    pub(crate) messages: &'a str,
    pub(crate) system: Option<&'a str>,
    pub(crate) tools: Option<&'a str>,
}

/// A function that the answer may call.
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

/// What the request says about calling tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolWish {
    Free,
    Never,
    Any,
    Named(String),
}

/// What the text must be.
pub(crate) enum Shape {
    Text,
    Json,
    Schema(Value),
}

#[derive(Deserialize)]
struct Body<'a> {
    model: Option<String>,
    stream: Option<bool>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    n: Option<u64>,
    tool_choice: Option<Value>,
    response_format: Option<Value>,
    stream_options: Option<StreamOptions>,
    stop: Option<Value>,
    stop_sequences: Option<Vec<String>>,
    service_tier: Option<String>,
    reasoning_effort: Option<String>,
    thinking: Option<Thinking>,
    simulate: Option<Directive>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
    include_obfuscation: Option<bool>,
}

#[derive(Deserialize)]
struct Thinking {
    r#type: Option<String>,
    budget_tokens: Option<u64>,
}

/// Model and stream of a body that may be wrong otherwise: what the truth notes of every request.
pub(crate) fn glance(body: &[u8]) -> (Option<String>, bool) {
    #[derive(Deserialize)]
    struct Glance {
        model: Option<Value>,
        stream: Option<Value>,
    }
    let Ok(seen) = serde_json::from_slice::<Glance>(body) else { return (None, false) };
    (seen.model.as_ref().and_then(Value::as_str).map(str::to_owned), seen.stream == Some(Value::Bool(true)))
}

/// What a body is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Answer,
    /// Only its input is counted: no output limit is needed.
    Count,
}

/// Reads a request body.
pub(crate) fn read(dialect: Dialect, body: &[u8], purpose: Purpose) -> Result<Ask<'_>, Refusal> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| Refusal::bad_json(dialect, &error))?;
    let missing = |name: &str| Refusal::missing(dialect, name);
    let model = body.model.filter(|model| !model.is_empty()).ok_or_else(|| missing("model"))?;
    let messages = body.messages.map(RawValue::get).ok_or_else(|| missing("messages"))?;
    if !messages.starts_with('[') || messages.trim_start_matches('[').trim_start().starts_with(']') {
        return Err(Refusal::invalid(
            dialect,
            "messages",
            "messages: must be an array of at least one message",
        ));
    }
    if dialect == Dialect::Anthropic && body.max_tokens.is_none() && purpose == Purpose::Answer {
        return Err(missing("max_tokens"));
    }
    let max_output = body.max_completion_tokens.or(body.max_tokens);
    if max_output == Some(0) {
        return Err(Refusal::invalid(dialect, "max_tokens", "max_tokens: must be at least 1"));
    }
    let choices = body.n.unwrap_or(1);
    if dialect == Dialect::OpenAi && !(1..=128).contains(&choices) {
        return Err(Refusal::invalid(dialect, "n", "n: must be from 1 to 128"));
    }
    let directive = body.simulate.unwrap_or_default();
    if let Some(mistake) = directive.mistake() {
        return Err(Refusal::invalid(dialect, "simulate", &mistake));
    }
    Ok(Ask {
        dialect,
        model,
        stream: body.stream.unwrap_or(false),
        choices: if dialect == Dialect::OpenAi { choices } else { 1 },
        max_output,
        tools: body.tools.map(|tools| read_tools(dialect, tools)).transpose()?.unwrap_or_default(),
        tool_wish: read_wish(dialect, body.tool_choice.as_ref()),
        shape: read_shape(body.response_format.as_ref()),
        usage_in_stream: body.stream_options.as_ref().and_then(|o| o.include_usage).unwrap_or(false),
        obfuscation: body.stream_options.as_ref().and_then(|o| o.include_obfuscation).unwrap_or(true),
        stop: body.stop_sequences.or_else(|| body.stop.as_ref().map(read_stop)).unwrap_or_default(),
        tier: body.service_tier,
        reasoning: read_reasoning(body.reasoning_effort.as_deref(), body.thinking.as_ref()),
        prompt: Prompt {
            messages,
            system: body.system.map(RawValue::get),
            tools: body.tools.map(RawValue::get),
        },
        directive,
    })
}

fn read_tools(dialect: Dialect, raw: &RawValue) -> Result<Vec<Tool>, Refusal> {
    let wrong = || Refusal::invalid(dialect, "tools", "tools: must be an array of tools, each with a name");
    let tools: Vec<Value> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    let read = |tool: &Value| {
        let inner = tool.get("function").or_else(|| tool.get("custom")).unwrap_or(tool);
        let name = inner.get("name")?.as_str()?.to_owned();
        let schema =
            inner.get("parameters").or_else(|| inner.get("input_schema")).cloned().unwrap_or(Value::Null);
        Some(Tool { name, schema })
    };
    tools.iter().map(|tool| read(tool).ok_or_else(wrong)).collect()
}

fn read_wish(dialect: Dialect, choice: Option<&Value>) -> ToolWish {
    let Some(choice) = choice else { return ToolWish::Free };
    let word = match dialect {
        Dialect::OpenAi => choice.as_str().or_else(|| choice.get("type").and_then(Value::as_str)),
        Dialect::Anthropic => choice.get("type").and_then(Value::as_str),
    };
    let name = choice.get("function").unwrap_or(choice).get("name").and_then(Value::as_str);
    match (word, name) {
        (Some("none"), _) => ToolWish::Never,
        (Some("required" | "any"), _) => ToolWish::Any,
        (Some("function" | "tool"), Some(name)) => ToolWish::Named(name.to_owned()),
        _ => ToolWish::Free,
    }
}

fn read_shape(format: Option<&Value>) -> Shape {
    match format.and_then(|format| format.get("type")).and_then(Value::as_str) {
        Some("json_object") => Shape::Json,
        Some("json_schema") => {
            let schema = format.and_then(|format| format.get("json_schema")?.get("schema")).cloned();
            schema.map_or(Shape::Json, Shape::Schema)
        }
        _ => Shape::Text,
    }
}

fn read_stop(stop: &Value) -> Vec<String> {
    match stop {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn read_reasoning(effort: Option<&str>, thinking: Option<&Thinking>) -> Option<u64> {
    match (effort, thinking) {
        (Some(effort), _) if effort != "none" => Some(u64::MAX),
        (_, Some(thinking)) if thinking.r#type.as_deref() != Some("disabled") => {
            Some(thinking.budget_tokens.unwrap_or(u64::MAX))
        }
        _ => None,
    }
}
