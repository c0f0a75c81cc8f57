//! The top level of a request body: which of the fields that we read are there, and where.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Scan;
use crate::{BadRequest, Dialect};

/// Longest model name, bytes: it goes into the books.
const MODEL_MAX: usize = 256;

/// A place in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

macro_rules! fields {
    ($($variant:ident = $name:literal, $chat:literal, $messages:literal;)*) => {
        /// The fields that are read. Those a dialect does not know are unknown fields there, and pass.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Field { $($variant,)* }

        impl Field {
            const COUNT: usize = [$(Self::$variant,)*].len();

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn named(dialect: Dialect, key: &str) -> Option<Self> {
                let (field, chat, messages) = match key {
                    $($name => (Self::$variant, $chat, $messages),)*
                    _ => return None,
                };
                let read = match dialect {
                    Dialect::OpenAiChat => chat,
                    Dialect::AnthropicMessages => messages,
                };
                read.then_some(field)
            }
        }
    };
}

fields! {
    //                              chat   messages
    Model = "model",                true,  true;
    Messages = "messages",          true,  true;
    Stream = "stream",              true,  true;
    MaxTokens = "max_tokens",       true,  true;
    MaxCompletionTokens = "max_completion_tokens", true, false;
    N = "n",                        true,  false;
    StreamOptions = "stream_options", true, false;
    Tools = "tools",                true,  true;
    Functions = "functions",        true,  false;
    System = "system",              false, true;
    ResponseFormat = "response_format", true, false;
    OutputConfig = "output_config", false, true;
    ReasoningEffort = "reasoning_effort", true, false;
    EnableThinking = "enable_thinking", true, false;
    Thinking = "thinking",          true,  true;
    Modalities = "modalities",      true,  false;
    ServiceTier = "service_tier",   true,  true;
    Speed = "speed",                 false, true;
}

/// The fields found, each with the place of its value. `null` is kept: it means absent to most readers.
pub(crate) struct Fields<'a> {
    pub(crate) body: &'a str,
    spans: [Option<Span>; Field::COUNT],
}

impl<'a> Fields<'a> {
    /// Proves the whole body to be JSON and finds the fields. `serde_json` passes what is not read without
    /// recursion, so depth costs a byte of memory a level and no stack.
    pub(crate) fn read(dialect: Dialect, body: &'a str) -> Result<Self, BadRequest> {
        let mut fields = Self { body, spans: [None; Field::COUNT] };
        let mut twice = None;
        let mut json = serde_json::Deserializer::from_str(body);
        let top = Top { dialect, fields: &mut fields, twice: &mut twice };
        let read = json.deserialize_map(top).and_then(|()| json.end());
        if let Some(field) = twice {
            return Err(BadRequest::twice(Field::name(field)));
        }
        read.map_err(|e| BadRequest::json(&e.to_string()))?;
        Ok(fields)
    }

    /// Where a field's value is; `None` when absent or `null`.
    pub(crate) fn span(&self, field: Field) -> Option<Span> {
        self.span_or_null(field).filter(|span| self.body.get(span.range()) != Some("null"))
    }

    /// The same, `null` included.
    pub(crate) fn span_or_null(&self, field: Field) -> Option<Span> {
        self.spans.get(field as usize).copied().flatten()
    }

    /// A field's value as written; `None` when absent or `null`.
    pub(crate) fn raw(&self, field: Field) -> Option<&'a str> {
        self.body.get(self.span(field)?.range())
    }

    /// A reader that stands before a field's value.
    pub(crate) fn scan(&self, field: Field) -> Option<Scan<'a>> {
        Some(Scan::from(self.body.as_bytes(), self.span(field)?.start))
    }

    /// A string's value; other types are `None`.
    pub(crate) fn string(&self, field: Field) -> Option<String> {
        Some(self.scan(field)?.text().ok()??.value())
    }

    /// The model's name and its place.
    pub(crate) fn model(&self) -> Result<(String, Span), BadRequest> {
        let wanted = "the model's name as a string";
        let span = self.span(Field::Model).ok_or_else(|| BadRequest::missing("model", wanted))?;
        let Some(model) = self.string(Field::Model) else {
            return Err(BadRequest::wrong_type("model", wanted, self.kind(Field::Model)));
        };
        if model.trim().is_empty() {
            return Err(BadRequest::wrong_value("model", wanted, "it is empty"));
        }
        if model.len() > MODEL_MAX {
            return Err(BadRequest::wrong_value("model", wanted, "it is longer than 256 bytes"));
        }
        Ok((model, span))
    }

    /// A boolean; absent is `false`.
    pub(crate) fn flag(&self, field: Field) -> Result<bool, BadRequest> {
        match self.raw(field) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(BadRequest::wrong_type(field.name(), "true or false", self.kind(field))),
        }
    }

    /// A whole number of at least 1.
    pub(crate) fn positive(&self, field: Field) -> Result<Option<u64>, BadRequest> {
        let wanted = "a whole number of 1 or more";
        let Some(raw) = self.raw(field) else { return Ok(None) };
        if self.kind(field) != "a number" {
            return Err(BadRequest::wrong_type(field.name(), wanted, self.kind(field)));
        }
        match raw.parse::<u64>() {
            Ok(number) if (1..=MAX_NUMBER).contains(&number) => Ok(Some(number)),
            _ => Err(BadRequest::wrong_value(field.name(), wanted, raw.get(..40).unwrap_or(raw))),
        }
    }

    /// Refuses anything but an array with something in it.
    pub(crate) fn filled_array(&self, field: Field) -> Result<Span, BadRequest> {
        let wanted = "an array of at least one message";
        let span = self.span(field).ok_or_else(|| BadRequest::missing(field.name(), wanted))?;
        if self.kind(field) != "an array" {
            return Err(BadRequest::wrong_type(field.name(), wanted, self.kind(field)));
        }
        if self.is_empty(field) {
            return Err(BadRequest::wrong_value(field.name(), wanted, "it is empty"));
        }
        Ok(span)
    }

    /// An array or object with nothing in it; also when absent.
    pub(crate) fn is_empty(&self, field: Field) -> bool {
        self.raw(field).is_none_or(|raw| {
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            matches!(raw.as_bytes().first(), Some(b'[' | b'{')) && inner.trim().is_empty()
        })
    }

    /// A value's type, in words.
    pub(crate) fn kind(&self, field: Field) -> &'static str {
        match self.raw(field).and_then(|raw| raw.bytes().next()) {
            None => "null",
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(_) => "a number",
        }
    }
}

/// A number from which on sums could go wrong; no model counts this far.
const MAX_NUMBER: u64 = 1 << 53;

struct Top<'f, 'a> {
    dialect: Dialect,
    fields: &'f mut Fields<'a>,
    twice: &'f mut Option<Field>,
}

impl<'a> Visitor<'a> for Top<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            let Some(field) = Field::named(self.dialect, &key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&'a RawValue>()?.get();
            let start = value.as_ptr().addr().saturating_sub(self.fields.body.as_ptr().addr());
            let span = Span { start, end: start + value.len() };
            let Some(slot) = self.fields.spans.get_mut(field as usize) else { continue };
            if slot.replace(span).is_some() {
                *self.twice = Some(field);
                return Err(A::Error::custom("a field is written twice"));
            }
        }
        Ok(())
    }
}

/// A key with its escapes undone, borrowed when there are none: a field cannot hide behind `\u006dodel`.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
