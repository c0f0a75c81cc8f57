//! The error table: codes, messages and statuses of vendors by class. Marks of the sources: vendors' error pages and
//! SDK types; rows marked (m) are from memory and want a test with a real key.

use crate::Dialect;
use crate::ErrorClass::{
    self, Auth, BadRequest, ContentFiltered, ContextTooLong, NotFound, Overload, Quota, Rate, Region,
    Timeout, UpstreamBug,
};

/// Whose code it is.
enum Whose {
    Anybody,
    Anthropic,
    One(&'static str),
}
use Whose::{Anthropic, Anybody, One};

/// A code as a vendor writes it; `*` at one end stands for anything.
struct Row(Whose, &'static str, ErrorClass);

/// The class of a code or type. Rows of one provider go before those of anybody.
pub(crate) fn by_code(dialect: Dialect, provider: &str, code: &str) -> Option<ErrorClass> {
    if code.is_empty() {
        return None;
    }
    let own = |row: &&Row| matches!(row.0, One(name) if name == provider);
    let any = |row: &&Row| match row.0 {
        Anybody => true,
        Anthropic => dialect == Dialect::AnthropicMessages,
        One(_) => false,
    };
    let matching = |row: &&Row| matches_code(row.1, code);
    let found = CODES.iter().filter(own).find(matching);
    found.or_else(|| CODES.iter().filter(any).find(matching)).map(|row| row.2)
}

fn matches_code(pattern: &str, code: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => code.ends_with(end),
        (_, Some(start)) => code.starts_with(start),
        _ => code == pattern,
    }
}

/// The class of a message of a provider whose codes alone are not enough: read before them.
pub(crate) fn by_own_message(provider: &str, message: &str) -> Option<ErrorClass> {
    message_row(message, |whose| matches!(whose, One(name) if *name == provider))
}

/// The class of a message of anybody's.
pub(crate) fn by_message(message: &str) -> Option<ErrorClass> {
    message_row(message, |whose| matches!(whose, Anybody))
}

fn message_row(message: &str, asked: impl Fn(&Whose) -> bool) -> Option<ErrorClass> {
    let mut rows = MESSAGES.iter().filter(|(whose, _, _)| asked(whose)).peekable();
    if message.is_empty() || rows.peek().is_none() {
        return None;
    }
    let message = message.to_lowercase();
    rows.find(|(_, pattern, _)| message.contains(pattern)).map(|(_, _, class)| *class)
}

/// The class of a type that OpenAI and Anthropic write of nearly anything. It says something only where there is no
/// status to say more, inside a 200.
pub(crate) fn by_vague_type(status: u16, kind: &str) -> Option<ErrorClass> {
    match kind {
        "invalid_request_error" if status < 400 => Some(BadRequest),
        _ => None,
    }
}

/// The class of a status, when the body says nothing that is known.
pub(crate) const fn by_status(status: u16) -> ErrorClass {
    match status {
        401 | 403 => Auth,
        402 => Quota,
        404 => NotFound,
        408 | 499 | 504 | 524 => Timeout,
        409 | 503 | 529 => Overload,
        413 => ContextTooLong,
        429 => Rate,
        451 => Region,
        400..=498 => BadRequest,
        _ => UpstreamBug,
    }
}

static CODES: &[Row] = &[
    // OpenAI ("Error codes"), and all who copy its codes.
    Row(Anybody, "insufficient_quota", Quota),
    Row(Anybody, "credit_balance_exhausted", Quota),
    Row(Anybody, "organization_spend_limit_exceeded", Quota),
    Row(Anybody, "project_spend_limit_exceeded", Quota),
    Row(Anybody, "organization_usage_limit_exceeded", Quota),
    Row(Anybody, "billing_hard_limit_reached", Quota),
    Row(Anybody, "billing_not_active", Quota),
    Row(Anybody, "rate_limit_exceeded", Rate),
    Row(Anybody, "slow_down", Rate),
    Row(Anybody, "resource_unavailable", Overload),
    Row(Anybody, "server_overloaded", Overload),
    Row(Anybody, "invalid_api_key", Auth),
    Row(Anybody, "incorrect_api_key", Auth),
    Row(Anybody, "invalid_authentication", Auth),
    Row(Anybody, "context_length_exceeded", ContextTooLong),
    Row(Anybody, "string_above_max_length", ContextTooLong),
    Row(Anybody, "content_policy_violation", ContentFiltered),
    Row(Anybody, "content_filter", ContentFiltered),
    Row(Anybody, "invalid_prompt", ContentFiltered),
    Row(Anybody, "model_not_found", NotFound),
    Row(Anybody, "unsupported_country_region_territory", Region),
    Row(Anybody, "unsupported_parameter", BadRequest),
    Row(Anybody, "unsupported_value", BadRequest),
    Row(Anybody, "internal_server_error", UpstreamBug),
    // Anthropic (`_exceptions.py`, "Errors"). Its 400 and 403 say more in their message or status.
    Row(Anthropic, "authentication_error", Auth),
    Row(Anthropic, "permission_error", Auth),
    Row(Anthropic, "billing_error", Quota),
    Row(Anthropic, "rate_limit_error", Rate),
    Row(Anthropic, "overloaded_error", Overload),
    Row(Anthropic, "request_too_large", ContextTooLong),
    Row(Anthropic, "not_found_error", NotFound),
    Row(Anthropic, "timeout_error", Timeout),
    // DashScope ("Error codes"); (m) DataInspectionFailed.
    Row(One("dashscope"), "InvalidApiKey", Auth),
    Row(One("dashscope"), "Arrearage", Quota),
    Row(One("dashscope"), "Throttling*", Rate),
    Row(One("dashscope"), "limit_requests", Rate),
    Row(One("dashscope"), "ModelNotFound", NotFound),
    Row(One("dashscope"), "DataInspectionFailed", ContentFiltered),
    Row(One("dashscope"), "data_inspection_failed", ContentFiltered),
    Row(One("dashscope"), "RequestTimeOut", Timeout),
    Row(One("dashscope"), "AccessDenied*", Auth),
    // Zhipu: strings of digits.
    Row(One("zhipu"), "1113", Quota),
    Row(One("zhipu"), "1308", Quota),
    Row(One("zhipu"), "1310", Quota),
    Row(One("zhipu"), "1302", Rate),
    Row(One("zhipu"), "1303", Rate),
    Row(One("zhipu"), "1305", Overload),
    Row(One("zhipu"), "1312", Overload),
    Row(One("zhipu"), "1261", ContextTooLong),
    Row(One("zhipu"), "1301", ContentFiltered),
    Row(One("zhipu"), "1211", NotFound),
    Row(One("zhipu"), "1222", NotFound),
    Row(One("zhipu"), "121*", BadRequest),
    Row(One("zhipu"), "100*", Auth),
    Row(One("zhipu"), "1230", UpstreamBug),
    Row(One("zhipu"), "1234", UpstreamBug),
    Row(One("zhipu"), "500", UpstreamBug),
    // MiniMax; (m) 1026, 1027, 1039, 1041, 2013, 2049. Its own CLI reads some otherwise, so its messages go first, and
    // 1039, which means two things, is left to them.
    Row(One("minimax"), "1004", Auth),
    Row(One("minimax"), "2049", Auth),
    Row(One("minimax"), "1008", Quota),
    Row(One("minimax"), "1002", Rate),
    Row(One("minimax"), "1041", Rate),
    Row(One("minimax"), "1026", ContentFiltered),
    Row(One("minimax"), "1027", ContentFiltered),
    Row(One("minimax"), "2013", BadRequest),
    Row(One("minimax"), "1001", Timeout),
    Row(One("minimax"), "1000", UpstreamBug),
    Row(One("minimax"), "1013", UpstreamBug),
    // Moonshot: codes stand in `type`; (m) the two quota and rate ones.
    Row(One("moonshot"), "invalid_authentication_error", Auth),
    Row(One("moonshot"), "incorrect_api_key_error", Auth),
    Row(One("moonshot"), "exceeded_current_quota_error", Quota),
    Row(One("moonshot"), "rate_limit_reached_error", Rate),
    Row(One("moonshot"), "engine_overloaded_error", Overload),
    Row(One("moonshot"), "resource_not_found_error", NotFound),
    // Ark; (m) rate codes.
    Row(One("ark"), "AuthenticationError", Auth),
    Row(One("ark"), "AccountOverdueError", Quota),
    Row(One("ark"), "*RateLimitExceeded", Rate),
    Row(One("ark"), "SetLimitExceeded", Rate),
    Row(One("ark"), "QuotaExceeded", Rate),
    Row(One("ark"), "ServerOverloaded", Overload),
    Row(One("ark"), "*SensitiveContentDetected", ContentFiltered),
    Row(One("ark"), "*RiskDetection", ContentFiltered),
    Row(One("ark"), "InvalidParameter*", BadRequest),
    Row(One("ark"), "InvalidEndpointOrModel*", NotFound),
    Row(One("ark"), "ModelNotOpen", NotFound),
    // Qianfan v2, and v1's numbers (SDK 0.4.12.3).
    Row(One("qianfan"), "invalid_iam_token", Auth),
    Row(One("qianfan"), "110", Auth),
    Row(One("qianfan"), "111", Auth),
    Row(One("qianfan"), "BILLING_INSUFFICIENT_BALANCE", Quota),
    Row(One("qianfan"), "4", Rate),
    Row(One("qianfan"), "17", Rate),
    Row(One("qianfan"), "18", Rate),
    Row(One("qianfan"), "19", Rate),
    Row(One("qianfan"), "336501", Rate),
    Row(One("qianfan"), "336502", Rate),
    Row(One("qianfan"), "336100", Overload),
    Row(One("qianfan"), "336000", UpstreamBug),
    Row(One("qianfan"), "33600*", BadRequest),
    Row(One("qianfan"), "tokens_too_long", ContextTooLong),
    Row(One("qianfan"), "characters_too_long", ContextTooLong),
    Row(One("qianfan"), "unsafe_request", ContentFiltered),
    // SiliconFlow; (m) 30001, 50505.
    Row(One("siliconflow"), "30001", Quota),
    Row(One("siliconflow"), "50505", Overload),
    Row(One("siliconflow"), "20012", NotFound),
    // Hunyuan (tencentcloud-sdk-python-hunyuan).
    Row(One("hunyuan"), "AuthFailure*", Auth),
    Row(One("hunyuan"), "FailedOperation.ServiceStopArrears", Quota),
    Row(One("hunyuan"), "ResourceUnavailable.LowBalance", Quota),
    Row(One("hunyuan"), "LimitExceeded*", Rate),
    Row(One("hunyuan"), "RequestLimitExceeded*", Rate),
    Row(One("hunyuan"), "FailedOperation.EngineServerLimitExceeded", Overload),
    Row(One("hunyuan"), "FailedOperation.EngineRequestTimeout", Timeout),
    Row(One("hunyuan"), "OperationDenied.TextIllegalDetected", ContentFiltered),
    Row(One("hunyuan"), "InvalidParameter*", BadRequest),
];

/// In lower case. Those of one provider are read before its codes, those of anybody after them. All from memory and
/// from users' reports.
static MESSAGES: &[(Whose, &str, ErrorClass)] = &[
    // Money in disguise of a 400 (anthropic-sdk-typescript #618).
    (Anybody, "credit balance is too low", Quota),
    (Anybody, "exceeded your current quota", Quota),
    (Anybody, "insufficient balance", Quota),
    (Anybody, "余额不足", Quota),
    (Anybody, "欠费", Quota),
    (Anybody, "prompt is too long", ContextTooLong),
    (Anybody, "maximum context length", ContextTooLong),
    (Anybody, "exceeds the maximum number of tokens", ContextTooLong),
    (Anybody, "range of input length", ContextTooLong),
    (Anybody, "exceeded model token limit", ContextTooLong),
    (One("minimax"), "token limit", ContextTooLong),
    (Anybody, "country, region, or territory not supported", Region),
    (Anybody, "unsupported country", Region),
    (Anybody, "unsupported region", Region),
    (Anybody, "rate limit", Rate),
    (One("minimax"), "rate limit", Rate),
    (One("minimax"), "insufficient", Quota),
    (One("minimax"), "sensitive", ContentFiltered),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vaguest_type_decides_only_where_no_status_can() {
        assert_eq!(by_vague_type(404, "invalid_request_error"), None);
        assert_eq!(by_vague_type(200, "invalid_request_error"), Some(BadRequest));
        assert_eq!(by_message("Your credit balance is too low to access the API"), Some(Quota));
        assert_eq!(by_own_message("minimax", "rate limit"), Some(Rate));
        assert_eq!(by_own_message("openai", "rate limit"), None);
    }

    #[test]
    fn a_code_of_one_vendor_means_nothing_at_another() {
        assert_eq!(by_code(Dialect::OpenAiChat, "zhipu", "1113"), Some(Quota));
        assert_eq!(by_code(Dialect::OpenAiChat, "openai", "1113"), None);
        assert_eq!(by_code(Dialect::OpenAiChat, "ark", "ModelAccountTpmRateLimitExceeded"), Some(Rate));
        assert_eq!(by_code(Dialect::OpenAiChat, "qianfan", "336003"), Some(BadRequest));
        assert_eq!(by_code(Dialect::OpenAiChat, "qianfan", "336000"), Some(UpstreamBug));
    }
}
