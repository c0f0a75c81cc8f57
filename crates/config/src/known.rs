//! The providers known by name: where they are, what they speak, which variable holds their key.

use crate::words::{Dialect, Hangup, words};

words! {
    /// Who serves, or how somebody unknown is spoken to.
    pub enum ProviderKind {
        /// OpenAI.
        OpenAi = "openai",
        /// Anthropic.
        Anthropic = "anthropic",
        /// Google's Gemini API, by its OpenAI-compatible endpoint.
        Gemini = "gemini",
        /// DeepSeek.
        DeepSeek = "deepseek",
        /// Alibaba Cloud Model Studio.
        DashScope = "dashscope",
        /// Baidu Qianfan.
        Qianfan = "qianfan",
        /// Volcengine Ark.
        Ark = "ark",
        /// Moonshot (Kimi).
        Moonshot = "moonshot",
        /// Zhipu.
        Zhipu = "zhipu",
        /// MiniMax.
        MiniMax = "minimax",
        /// Tencent Hunyuan.
        Hunyuan = "hunyuan",
        /// SiliconFlow.
        SiliconFlow = "siliconflow",
        /// Anybody who speaks `openai-chat`: your own vLLM or SGLang.
        OpenAiCompatible = "openai-compatible",
        /// Anybody who speaks `anthropic-messages`.
        AnthropicCompatible = "anthropic-compatible",
        /// Anybody who speaks Gemini's own dialect. Not in this version.
        GeminiCompatible = "gemini-compatible",
    }
}

/// What is known of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Which.
    pub kind: ProviderKind,
    /// The variable that enables it when there is no file.
    pub api_key_env: &'static str,
    /// Where it answers; paths are appended to it.
    pub base_url: &'static str,
    /// What it speaks there.
    pub dialect: Dialect,
    /// What a hang-up should do: `Cancel` only where a source says that closing the connection stops the bill.
    pub on_hangup: Hangup,
    /// Where it runs by default, an id of the site catalogue.
    pub site: &'static str,
}

/// One row a provider. Sources: the vendors' API references (base URLs); for `on_hangup` OpenRouter's page
/// "Streaming" (which providers stop the bill on an abort), openai-node issue 1505, and Model Studio's page
/// "Streaming", which contradicts the former: so it drains. What nobody states drains. Seen 2026-11.
pub static KNOWN: &[Known] = &[
    row(ProviderKind::OpenAi, "OPENAI_API_KEY", "https://api.openai.com/v1", "openai-global").cancelling(),
    row(ProviderKind::Anthropic, "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1", "anthropic-global")
        .cancelling()
        .speaking(Dialect::AnthropicMessages),
    row(
        ProviderKind::Gemini,
        "GEMINI_API_KEY",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "gemini-global",
    ),
    row(ProviderKind::DeepSeek, "DEEPSEEK_API_KEY", "https://api.deepseek.com/v1", "deepseek-cn")
        .cancelling(),
    row(
        ProviderKind::DashScope,
        "DASHSCOPE_API_KEY",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "dashscope-cn-beijing",
    ),
    row(ProviderKind::Qianfan, "QIANFAN_API_KEY", "https://qianfan.baidubce.com/v2", "qianfan-cn-beijing"),
    row(ProviderKind::Ark, "ARK_API_KEY", "https://ark.cn-beijing.volces.com/api/v3", "ark-cn-beijing"),
    row(ProviderKind::Moonshot, "MOONSHOT_API_KEY", "https://api.moonshot.cn/v1", "moonshot-cn"),
    row(ProviderKind::Zhipu, "ZHIPU_API_KEY", "https://open.bigmodel.cn/api/paas/v4", "zhipu-cn"),
    row(ProviderKind::MiniMax, "MINIMAX_API_KEY", "https://api.minimaxi.com/v1", "minimax-cn"),
    row(
        ProviderKind::Hunyuan,
        "HUNYUAN_API_KEY",
        "https://api.hunyuan.cloud.tencent.com/v1",
        "hunyuan-cn-guangzhou",
    ),
    row(ProviderKind::SiliconFlow, "SILICONFLOW_API_KEY", "https://api.siliconflow.cn/v1", "siliconflow-cn"),
];

const fn row(
    kind: ProviderKind,
    api_key_env: &'static str,
    base_url: &'static str,
    site: &'static str,
) -> Known {
    Known { kind, api_key_env, base_url, dialect: Dialect::OpenAiChat, on_hangup: Hangup::Drain, site }
}

impl Known {
    const fn cancelling(mut self) -> Self {
        self.on_hangup = Hangup::Cancel;
        self
    }

    const fn speaking(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }
}

impl ProviderKind {
    /// What is known of it; `None` for the compatible kinds.
    pub fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|row| row.kind == self)
    }

    /// What a hang-up should do: by the provider's known rule, else drain.
    pub fn on_hangup(self) -> Hangup {
        self.known().map_or(Hangup::Drain, |known| known.on_hangup)
    }

    /// The wire format spoken to it; `None`: not in this version.
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::OpenAiCompatible => Some(Dialect::OpenAiChat),
            Self::AnthropicCompatible => Some(Dialect::AnthropicMessages),
            Self::GeminiCompatible => None,
            known => known.known().map(|row| row.dialect),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Word as _;

    #[test]
    fn every_kind_is_known_or_compatible() {
        for kind in ProviderKind::ALL {
            assert_eq!(kind.known().is_none(), kind.name().ends_with("-compatible"), "{kind}");
        }
    }
}
