//! A call as a client makes it, in either dialect, with the directive that tells the simulator what to serve.

use std::io;
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::house::KEYS;
use crate::http::{self, Exchange};

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `openai-chat`
    Chat,
    /// `anthropic-messages`
    Messages,
}

/// Both.
pub const DIALECTS: [Dialect; 2] = [Dialect::Chat, Dialect::Messages];

impl Dialect {
    /// Its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "openai-chat",
            Self::Messages => "anthropic-messages",
        }
    }

    /// Where it is asked.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }

    /// A model that drains after a hang-up.
    pub const fn model(self) -> &'static str {
        match self {
            Self::Chat => "chat-model",
            Self::Messages => "messages-model",
        }
    }

    /// A model that cancels after a hang-up.
    pub const fn cancelling_model(self) -> &'static str {
        match self {
            Self::Chat => "chat-cancel-model",
            Self::Messages => "messages-cancel-model",
        }
    }

    /// Whether the bytes of a stream contain its end mark.
    pub fn has_ended(self, stream: &[u8]) -> bool {
        let text = String::from_utf8_lossy(stream);
        match self {
            Self::Chat => text.contains("data: [DONE]"),
            Self::Messages => {
                text.contains("\"type\":\"message_stop\"") || text.contains("event: message_stop")
            }
        }
    }

    /// The text of a refusal or an error, whole or in a stream, in this dialect: `(code or type, message)`.
    pub fn error(self, body: &Value) -> Option<(String, String)> {
        let error = body.get("error")?;
        let message = error.get("message")?.as_str()?.to_owned();
        let code = match self {
            Self::Chat => error.get("code")?.as_str()?,
            Self::Messages if body.get("type")? == "error" => error.get("type")?.as_str()?,
            Self::Messages => return None,
        };
        Some((code.to_owned(), message))
    }
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The wire format.
    pub dialect: Dialect,
    /// The model asked for.
    pub model: String,
    /// A stream is asked for.
    pub streamed: bool,
    /// The key's secret.
    pub secret: String,
    /// Output tokens at the most.
    pub max_tokens: u64,
    /// The user's words.
    pub text: String,
    /// What the simulator is to serve.
    pub simulate: Value,
    /// `x-tollhouse-app`, to find the call again.
    pub app: String,
}

impl Call {
    /// A call by the first key, to the dialect's draining model.
    pub fn new(dialect: Dialect, streamed: bool) -> Self {
        Self {
            dialect,
            model: dialect.model().to_owned(),
            streamed,
            secret: KEYS[0].secret.to_owned(),
            max_tokens: 200,
            text: "How many tokens passed this gate today?".to_owned(),
            simulate: json!({}),
            app: String::new(),
        }
    }

    /// With a directive.
    #[must_use]
    pub fn simulate(mut self, directive: Value) -> Self {
        self.simulate = directive;
        self
    }

    /// With a label.
    #[must_use]
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = app.into();
        self
    }

    /// The request body.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": [{ "role": "user", "content": self.text }],
            "simulate": self.simulate,
        });
        if self.streamed {
            body["stream"] = json!(true);
        }
        body
    }

    /// Sends it and does not wait.
    pub fn send(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.send_body(to, self.body().to_string().as_bytes())
    }

    /// Sends it and waits for the head of the answer.
    pub fn ask(&self, to: SocketAddr) -> io::Result<Exchange> {
        Exchange::begin(self.send(to)?)
    }

    /// Sends it and reads the whole answer.
    pub fn whole(&self, to: SocketAddr) -> io::Result<http::Answer> {
        self.ask(to)?.whole()
    }

    /// Sends any bytes as its body.
    pub fn send_body(&self, to: SocketAddr, body: &[u8]) -> io::Result<TcpStream> {
        let bearer = format!("Bearer {}", self.secret);
        let mut headers = vec![("content-type", "application/json")];
        match self.dialect {
            Dialect::Chat => headers.push(("authorization", &bearer)),
            Dialect::Messages => {
                headers.push(("x-api-key", &self.secret));
                headers.push(("anthropic-version", "2023-06-01"));
            }
        }
        if !self.app.is_empty() {
            headers.push(("x-tollhouse-app", &self.app));
        }
        http::send(to, "POST", self.dialect.path(), &headers, body)
    }
}
