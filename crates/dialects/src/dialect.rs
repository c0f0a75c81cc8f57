//! The wire formats by name, where each is served and which headers belong to it.

use std::fmt;
use std::str::FromStr;

/// A wire format, as spoken by clients and by providers.
///
/// Still to come, each as a module beside `openai_chat`: `openai-responses` and `gemini`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI chat completions, which most vendors speak.
    OpenAiChat,
    /// Anthropic Messages.
    AnthropicMessages,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &'static [Self] = &[Self::OpenAiChat, Self::AnthropicMessages];

    /// The name used in records, configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::AnthropicMessages => "anthropic-messages",
        }
    }

    /// Where the gateway serves it.
    pub const fn served_at(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/v1/chat/completions",
            Self::AnthropicMessages => "/v1/messages",
        }
    }

    /// The address of a provider's endpoint under its base address. The OpenAI convention has the version in the
    /// base (`https://api.openai.com/v1`), Anthropic's has not (`https://api.anthropic.com`); a base that carries
    /// it all the same is not given it twice.
    ///
    /// ```
    /// use dialects::Dialect;
    /// let chat = Dialect::OpenAiChat.endpoint("https://api.openai.com/v1/");
    /// assert_eq!(chat, "https://api.openai.com/v1/chat/completions");
    /// let messages = Dialect::AnthropicMessages.endpoint("https://api.anthropic.com");
    /// assert_eq!(messages, "https://api.anthropic.com/v1/messages");
    /// ```
    pub fn endpoint(self, base_url: &str) -> String {
        let base = base_url.trim_end_matches('/');
        match self {
            Self::OpenAiChat => format!("{base}/chat/completions"),
            Self::AnthropicMessages if base.ends_with("/v1") => format!("{base}/messages"),
            Self::AnthropicMessages => format!("{base}/v1/messages"),
        }
    }

    /// Headers of a client's request that go on to the provider: those that change what the body means.
    /// Never: credentials, and the organization and project headers, which belong to the client's own account.
    pub const fn request_headers_passed(self) -> &'static [&'static str] {
        match self {
            Self::OpenAiChat => &["openai-beta"],
            Self::AnthropicMessages => &["anthropic-version", "anthropic-beta"],
        }
    }

    /// Headers of a provider's answer that go on to the client: what the official SDKs show to their user.
    /// Rate limits are left out: they are the gateway's account's, not the caller's.
    pub const fn answer_headers_passed(self) -> &'static [&'static str] {
        match self {
            Self::OpenAiChat => &["x-request-id", "openai-processing-ms", "openai-version"],
            Self::AnthropicMessages => &["request-id"],
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no dialect; known are `openai-chat` and `anthropic-messages`")]
pub struct UnknownDialect(pub String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|dialect| dialect.name() == name);
        found.ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}
