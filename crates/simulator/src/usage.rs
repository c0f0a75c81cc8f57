//! What the provider says was used: the true usage in the vendor's fields, or the lie that a fault tells.

use std::fmt::Write;

use tokens::{Kind, Tokens};

use crate::fault::{Fault, FaultKind};

/// A usage as it will be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The field is left out.
    Absent,
    /// The field is null.
    Null,
    /// The field's object.
    Object(String),
}

impl Claim {
    pub(crate) fn object(&self) -> Option<&str> {
        match self {
            Self::Object(text) => Some(text),
            Self::Absent | Self::Null => None,
        }
    }

    /// `,"usage":…` or nothing.
    pub(crate) fn field(&self) -> String {
        match self {
            Self::Absent => String::new(),
            Self::Null => ",\"usage\":null".to_owned(),
            Self::Object(text) => format!(",\"usage\":{text}"),
        }
    }
}

/// Usage as in OpenAI's `chat.completion`.
pub(crate) fn openai(tokens: &Tokens, fault: Option<&Fault>) -> Claim {
    let kind = fault.map(|fault| fault.kind);
    match kind {
        Some(FaultKind::NoUsage) => return Claim::Absent,
        Some(FaultKind::UsageNull) => return Claim::Null,
        _ => {}
    }
    let prompt = off(tokens.prompt(), fault);
    let completion = off(tokens.output(), fault);
    let mut total = prompt.saturating_add(completion);
    if kind == Some(FaultKind::UsageTotal) {
        total += 7;
    }
    let output = lie(fault).map_or_else(|| completion.to_string(), str::to_owned);
    let mut text = String::with_capacity(360);
    let _ = write!(
        text,
        "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{output},\"total_tokens\":{total},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{},\"audio_tokens\":0",
        tokens.get(Kind::InputCached)
    );
    for (name, kind) in [("cache_write_tokens", Kind::CacheWrite), ("image_tokens", Kind::ImageInput)] {
        if tokens.get(kind) > 0 {
            let _ = write!(text, ",\"{name}\":{}", tokens.get(kind));
        }
    }
    let _ = write!(
        text,
        "}},\"completion_tokens_details\":{{\"reasoning_tokens\":{},\"audio_tokens\":0,\
         \"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}}",
        tokens.get(Kind::Reasoning)
    );
    Claim::Object(text)
}

/// Usage as in Anthropic's `message` and `message_start`; there `output` is a placeholder.
pub(crate) fn anthropic(tokens: &Tokens, output: Option<u64>, tier: &str, fault: Option<&Fault>) -> Claim {
    let mut text = match anthropic_counts(tokens, output, fault) {
        Claim::Object(text) => text,
        other => return other,
    };
    let split = format!(
        ",\"cache_creation\":{{\"ephemeral_5m_input_tokens\":{},\"ephemeral_1h_input_tokens\":{}}},\
         \"service_tier\":{},\"inference_geo\":\"not_available\"}}",
        tokens.get(Kind::CacheWrite5m),
        tokens.get(Kind::CacheWrite1h),
        serde_json::Value::from(tier)
    );
    text.pop();
    text.push_str(&split);
    Claim::Object(text)
}

/// Usage as in Anthropic's `message_delta`: cumulative, without the split of cache writes.
pub(crate) fn anthropic_delta(tokens: &Tokens, fault: Option<&Fault>) -> Claim {
    anthropic_counts(tokens, None, fault)
}

fn anthropic_counts(tokens: &Tokens, placeholder: Option<u64>, fault: Option<&Fault>) -> Claim {
    let kind = fault.map(|fault| fault.kind);
    match kind {
        Some(FaultKind::NoUsage) => return Claim::Absent,
        Some(FaultKind::UsageNull) => return Claim::Null,
        _ => {}
    }
    let mut input = off(tokens.get(Kind::Input), fault);
    if let (Some(FaultKind::InputGrows), Some(_)) = (kind, placeholder) {
        input = input.saturating_sub(fault.and_then(Fault::number).unwrap_or(50));
    }
    let mut written = tokens.get(Kind::CacheWrite5m) + tokens.get(Kind::CacheWrite1h);
    if kind == Some(FaultKind::UsageTotal) {
        written += 7;
    }
    let output = match (placeholder, lie(fault)) {
        (Some(few), _) => few.to_string(),
        (None, Some(lie)) => lie.to_owned(),
        (None, None) => off(tokens.output(), fault).to_string(),
    };
    let mut text = format!(
        "{{\"input_tokens\":{input},\"cache_creation_input_tokens\":{written},\
         \"cache_read_input_tokens\":{},\"output_tokens\":{output}",
        tokens.get(Kind::InputCached)
    );
    let thought = tokens.get(Kind::Reasoning);
    if thought > 0 && placeholder.is_none() {
        let _ = write!(text, ",\"output_tokens_details\":{{\"thinking_tokens\":{thought}}}");
    }
    text.push('}');
    Claim::Object(text)
}

/// A count, moved by `usage_off`: by at least one token where there is something to move.
fn off(count: u64, fault: Option<&Fault>) -> u64 {
    let Some(fault) = fault.filter(|fault| fault.kind == FaultKind::UsageOff) else { return count };
    let percent = fault.percent();
    let moved = (u128::from(count) * u128::from(percent.unsigned_abs())).div_ceil(100);
    let moved = u64::try_from(moved).unwrap_or(u64::MAX);
    if percent < 0 { count.saturating_sub(moved) } else { count.saturating_add(moved) }
}

/// What is written in the place of the output count.
fn lie(fault: Option<&Fault>) -> Option<&'static str> {
    let fault = fault?;
    match fault.kind {
        FaultKind::UsageNegative => Some("-5"),
        FaultKind::UsageAbsurd => Some(match fault.text("exp") {
            "big" => "9007199254740993",
            "huge" => "99999999999999999999",
            "string" => "\"12\"",
            "fraction" => "12.5",
            _ => "1e400",
        }),
        _ => None,
    }
}
