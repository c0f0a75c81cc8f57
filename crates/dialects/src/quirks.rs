//! What is known of each provider: a row, not an `if`. Adding a provider of a known dialect is adding a row here,
//! a fixture, a price book entry and a site.
//!
//! Not here: prices (`books/`), jurisdictions (`sites/`), error codes (`classify`).

use tokens::Kind;

use crate::Dialect;

/// One provider's row.
#[derive(Clone, Copy, Debug)]
pub struct Quirk {
    /// The provider's name; `[providers.*] kind` in the configuration.
    pub provider: &'static str,
    /// The dialect it is spoken to in.
    pub dialect: Dialect,
    /// Its usual address; `None`: must be configured.
    pub base_url: Option<&'static str>,
    /// Environment variable that holds its key and enables it when nothing is configured; `None`: not enabled so.
    pub key_env: Option<&'static str>,
    /// How its key is shown.
    pub auth: Auth,
    /// Headers sent with every request, unless the client sent its own.
    pub static_headers: &'static [(&'static str, &'static str)],
    /// What to do when the client hangs up.
    pub on_hangup: Hangup,
    /// Where its usage comes in a stream.
    pub usage: UsageStyle,
    /// The kind of prompt-cache writes whose lifetime the usage object does not say.
    pub cache_write: Kind,
    /// `max_tokens` bounds the visible answer only: reasoning comes on top, so it is no bound for a hold.
    pub max_tokens_excludes_reasoning: bool,
    /// Where these facts were read.
    pub source: &'static str,
    /// When (year and month).
    pub seen: &'static str,
}

/// How a key is put into a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Header name, lower case.
    pub header: &'static str,
    /// What stands before the key.
    pub prefix: &'static str,
}

/// What ends the bill when a client hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// Closing the connection stops generation and billing.
    Cancel,
    /// It does not, or nobody says: read on to the usage.
    Drain,
}

impl Hangup {
    /// The name used in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Drain => "drain",
        }
    }
}

/// Where a stream's usage is found. The decoders accept every style from everybody; this says what to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageStyle {
    /// A last chunk with empty `choices`, when asked for with `include_usage`.
    OnRequest,
    /// On the chunk with the finish reason, asked or not.
    WithFinish,
    /// In `choices[0].usage` of the last chunk, or at top level.
    InChoice,
    /// Running totals in every chunk.
    Running,
    /// Input in `message_start`, output in `message_delta`.
    StartAndDelta,
}

impl Quirk {
    /// The headers that carry a key: name and value.
    pub fn auth_header(&self, secret: &str) -> (&'static str, String) {
        (self.auth.header, format!("{}{secret}", self.auth.prefix))
    }
}

/// The row of a provider.
///
/// ```
/// let row = dialects::quirk("anthropic").unwrap();
/// assert_eq!(row.auth_header("sk-1"), ("x-api-key", "sk-1".to_owned()));
/// assert!(dialects::quirk("nobody").is_none());
/// ```
pub fn quirk(provider: &str) -> Option<&'static Quirk> {
    QUIRKS.iter().find(|row| row.provider == provider)
}

const BEARER: Auth = Auth { header: "authorization", prefix: "Bearer " };
const X_API_KEY: Auth = Auth { header: "x-api-key", prefix: "" };
const ANTHROPIC_VERSION: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

/// An OpenAI-like provider of which nothing else is known.
const CHAT: Quirk = Quirk {
    provider: "openai-compatible",
    dialect: Dialect::OpenAiChat,
    base_url: None,
    key_env: None,
    auth: BEARER,
    static_headers: &[],
    on_hangup: Hangup::Drain,
    usage: UsageStyle::OnRequest,
    cache_write: Kind::CacheWrite,
    max_tokens_excludes_reasoning: false,
    source: "types of the openai SDK 3.54.0; hang-up: nobody says, so drain",
    seen: "2026-11",
};

/// An Anthropic-like provider of which nothing else is known.
const MESSAGES: Quirk = Quirk {
    provider: "anthropic-compatible",
    dialect: Dialect::AnthropicMessages,
    auth: X_API_KEY,
    static_headers: ANTHROPIC_VERSION,
    usage: UsageStyle::StartAndDelta,
    source: "types of the anthropic SDK 2.12.0; hang-up: nobody says, so drain",
    ..CHAT
};

/// Every provider known by name.
pub static QUIRKS: &[Quirk] = &[
    Quirk {
        provider: "openai",
        base_url: Some("https://api.openai.com/v1"),
        key_env: Some("OPENAI_API_KEY"),
        on_hangup: Hangup::Cancel,
        // `prompt_cache_options.ttl` of chat knows `30m` alone.
        cache_write: Kind::CacheWrite30m,
        source: "openai SDK 3.54.0 types; hang-up: OpenRouter \"Streaming\" list, openai-node #1505",
        ..CHAT
    },
    Quirk {
        provider: "anthropic",
        base_url: Some("https://api.anthropic.com"),
        key_env: Some("ANTHROPIC_API_KEY"),
        on_hangup: Hangup::Cancel,
        source: "anthropic SDK 2.12.0 types; \"Prompt caching\"; hang-up: OpenRouter \"Streaming\" list",
        ..MESSAGES
    },
    Quirk {
        provider: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        key_env: Some("DEEPSEEK_API_KEY"),
        on_hangup: Hangup::Cancel,
        source: "api-docs.deepseek.com (prompt_cache_hit_tokens + miss = prompt); hang-up: OpenRouter list",
        ..CHAT
    },
    Quirk {
        provider: "dashscope",
        base_url: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
        key_env: Some("DASHSCOPE_API_KEY"),
        // Explicit cache marks live 5 minutes ("Context Cache").
        cache_write: Kind::CacheWrite5m,
        source: "help.aliyun.com Context Cache, Streaming; hang-up: its page and OpenRouter's contradict: drain",
        ..CHAT
    },
    Quirk {
        provider: "qianfan",
        base_url: Some("https://qianfan.baidubce.com/v2"),
        key_env: Some("QIANFAN_API_KEY"),
        source: "qianfan SDK 0.4.12.3; hang-up: not stated",
        ..CHAT
    },
    Quirk {
        provider: "ark",
        base_url: Some("https://ark.cn-beijing.volces.com/api/v3"),
        key_env: Some("ARK_API_KEY"),
        max_tokens_excludes_reasoning: true,
        source: "Volcengine docs 82379; hang-up: not stated",
        ..CHAT
    },
    Quirk {
        provider: "moonshot",
        base_url: Some("https://api.moonshot.cn/v1"),
        key_env: Some("MOONSHOT_API_KEY"),
        usage: UsageStyle::InChoice,
        source: "platform.kimi.ai; keys of .cn and .ai are not interchangeable; hang-up: not stated",
        ..CHAT
    },
    Quirk {
        provider: "zhipu",
        base_url: Some("https://open.bigmodel.cn/api/paas/v4"),
        key_env: Some("ZHIPU_API_KEY"),
        usage: UsageStyle::WithFinish,
        source: "zhipuai SDK 2.1.5; hang-up: not stated",
        ..CHAT
    },
    Quirk {
        provider: "minimax",
        base_url: Some("https://api.minimaxi.com/v1"),
        key_env: Some("MINIMAX_API_KEY"),
        usage: UsageStyle::WithFinish,
        source: "platform.minimaxi.com; hang-up: OpenRouter list says billed whole",
        ..CHAT
    },
    Quirk {
        provider: "hunyuan",
        base_url: Some("https://api.hunyuan.cloud.tencent.com/v1"),
        key_env: Some("HUNYUAN_API_KEY"),
        usage: UsageStyle::Running,
        source: "tencentcloud-sdk-python-hunyuan 3.1.180; hang-up: not stated",
        ..CHAT
    },
    Quirk {
        provider: "siliconflow",
        base_url: Some("https://api.siliconflow.cn/v1"),
        key_env: Some("SILICONFLOW_API_KEY"),
        usage: UsageStyle::Running,
        source: "docs.siliconflow.cn; running usage unverified; hang-up: not stated",
        ..CHAT
    },
    Quirk { provider: "simulated-openai", source: "crates/simulator", ..CHAT },
    Quirk { provider: "simulated-anthropic", source: "crates/simulator", ..MESSAGES },
    CHAT,
    MESSAGES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_one_row_a_source_and_a_date() {
        for (place, row) in QUIRKS.iter().enumerate() {
            assert!(
                QUIRKS.iter().skip(place + 1).all(|other| other.provider != row.provider),
                "{}",
                row.provider
            );
            assert!(!row.source.is_empty() && row.seen.len() == 7, "{}", row.provider);
            assert!(row.base_url.is_none_or(|url| url.starts_with("https://") && !url.ends_with('/')));
            assert!(row.cache_write.is_prompt());
        }
    }

    #[test]
    fn cancel_is_only_for_those_whose_bill_is_said_to_stop() {
        let cancels: Vec<_> =
            QUIRKS.iter().filter(|row| row.on_hangup == Hangup::Cancel).map(|r| r.provider).collect();
        assert_eq!(cancels, ["openai", "anthropic", "deepseek"]);
    }
}
