//! A client's request: what the gateway must know of it, found without building a tree. The body itself is kept
//! as it came, byte for byte; unknown fields pass.
//!
//! Not here: what a message looks like in a dialect (`openai_chat`, `anthropic_messages`), limits on body size
//! (the gateway's reader).

use bytes::Bytes;
use tokens::{Counter, Kind};

use crate::fields::{Field, Fields, Span};
use crate::survey::Survey;
use crate::{BadRequest, Dialect, Quirk, anthropic_messages, openai_chat, splice};

/// What an offer must be able to do to serve a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The answer is to be streamed.
    pub stream: bool,
    /// Tools are declared.
    pub tools: bool,
    /// The answer must follow a JSON schema.
    pub json_schema: bool,
    /// There are images in the input.
    pub vision: bool,
    /// Reasoning is asked for.
    pub reasoning: bool,
    /// There is audio in the input, or asked for in the output.
    pub audio: bool,
}

/// A decoded request.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) dialect: Dialect,
    pub(crate) body: Bytes,
    pub(crate) model: String,
    pub(crate) model_span: Span,
    pub(crate) needs: Needs,
    pub(crate) max_output: Option<u64>,
    pub(crate) choices: u64,
    pub(crate) usage_ask: UsageAsk,
    pub(crate) service_tier: Option<String>,
    pub(crate) cache_ttl: Option<Kind>,
    pub(crate) survey: Survey,
}

/// How a request asks for usage in a stream, and where in the body that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsageAsk {
    /// Nothing to ask: whole answers and Anthropic's streams always carry it.
    Always,
    /// Asked for by the client.
    Asked,
    /// No `stream_options`: write them.
    NoOptions,
    /// `stream_options` is `null`: replace the span.
    NullOptions(Span),
    /// An object without `include_usage`: write into it at this place; `true`: it has other members.
    Within(usize, bool),
    /// `include_usage` is said otherwise: replace the span.
    Otherwise(Span),
}

/// What a decoder of the answer must know of the request and its provider.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The dialect on both sides.
    pub dialect: Dialect,
    /// The provider's name in [`crate::QUIRKS`]: some error codes mean something at one provider only.
    pub provider: &'static str,
    /// The client did not ask for usage, so it must not see what we asked for.
    pub hide_usage: bool,
    /// The kind of cache writes whose lifetime the usage object does not say.
    pub cache_write: Kind,
}

/// Decodes a request body.
/// # Errors
/// What the gateway itself must understand is checked strictly: UTF-8, a JSON object, `model`, `stream`, the bound
/// on output, `n`, `messages`, `stream_options`, none of them twice. All else is the provider's to judge.
pub fn decode(dialect: Dialect, body: Bytes) -> Result<Request, BadRequest> {
    let text = std::str::from_utf8(&body)
        .map_err(|e| BadRequest::json(&format!("byte {} is no UTF-8", e.valid_up_to())))?;
    let fields = Fields::read(dialect, text)?;
    let head = match dialect {
        Dialect::OpenAiChat => openai_chat::request::head(&fields)?,
        Dialect::AnthropicMessages => anthropic_messages::request::head(&fields)?,
    };
    let (model, model_span) = fields.model()?;
    // Anthropic's `speed: fast` is a tier in all but name, and is answered as one.
    let fast = fields.string(Field::Speed).filter(|speed| speed == "fast");
    let service_tier = fast.or_else(|| fields.string(Field::ServiceTier));
    let Head { needs, max_output, choices, usage_ask, cache_ttl, survey } = head;
    Ok(Request {
        dialect,
        body,
        model,
        model_span,
        needs,
        max_output,
        choices,
        usage_ask,
        service_tier,
        cache_ttl,
        survey,
    })
}

/// What a dialect's own reader finds.
pub(crate) struct Head {
    pub(crate) needs: Needs,
    pub(crate) max_output: Option<u64>,
    pub(crate) choices: u64,
    pub(crate) usage_ask: UsageAsk,
    pub(crate) cache_ttl: Option<Kind>,
    pub(crate) survey: Survey,
}

impl Request {
    /// The dialect it came in.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The body as it came.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The model asked for.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The answer is to be streamed.
    pub const fn stream(&self) -> bool {
        self.needs.stream
    }

    /// What it needs of an offer.
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// The bound on output tokens of each choice, where the client set one. Of two bounds the larger: it is the
    /// safe one for a hold. See [`Quirk::max_tokens_excludes_reasoning`] for where it is no bound.
    pub const fn max_output(&self) -> Option<u64> {
        self.max_output
    }

    /// How many answers are asked for (`n`); each bills its own output.
    pub const fn choices(&self) -> u64 {
        self.choices
    }

    /// The client will see usage: always, but for a stream of OpenAI chat that did not ask for it.
    pub const fn wants_usage(&self) -> bool {
        matches!(self.usage_ask, UsageAsk::Always | UsageAsk::Asked)
    }

    /// The service tier asked for (`fast` for Anthropic's `speed: fast`); what was served is in the answer.
    pub fn service_tier_asked(&self) -> Option<&str> {
        self.service_tier.as_deref()
    }

    /// Input tokens by estimate: texts by tokenizer, media by rule (see `survey`), and the overhead of messages.
    pub fn estimate_input(&self, counter: Counter) -> u64 {
        self.survey.count(&self.body, counter)
    }

    /// The body for the provider: the model's name replaced and usage asked for; every other byte as it came.
    pub fn upstream_body(&self, model: &str) -> Bytes {
        splice::upstream_body(self, model)
    }

    /// What the decoder of the answer must know.
    pub fn facts(&self, provider: &Quirk) -> Facts {
        Facts {
            dialect: self.dialect,
            provider: provider.provider,
            hide_usage: !self.wants_usage(),
            cache_write: self.cache_ttl.unwrap_or(provider.cache_write),
        }
    }
}
