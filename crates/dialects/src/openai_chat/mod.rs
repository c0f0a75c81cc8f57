//! `openai-chat`: OpenAI chat completions, as served to clients and as spoken to most providers.
//! Source: types of the `openai` SDK 3.54.0; "Streaming responses", "Prompt caching" on developers.openai.com.

pub(crate) mod answer;
pub(crate) mod render;
pub(crate) mod request;
pub(crate) mod usage;
