//! `anthropic-messages`: Anthropic's Messages API.
//! Source: types, `_streaming.py` and `_exceptions.py` of the `anthropic` SDK 2.12.0; "Streaming messages", "Errors",
//! "Prompt caching" on platform.claude.com.

pub(crate) mod answer;
pub(crate) mod render;
pub(crate) mod request;
pub(crate) mod usage;

/// The events that the SDK reads. Others are passed over by it.
pub(crate) const EVENTS: &[&[u8]] = &[
    b"message_start",
    b"ping",
    b"content_block_start",
    b"content_block_delta",
    b"content_block_stop",
    b"message_delta",
    b"message_stop",
    b"error",
];
