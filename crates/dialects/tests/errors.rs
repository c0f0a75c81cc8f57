//! Errors: of providers by class, and our own in each dialect's shape.
#![allow(clippy::unwrap_used)] // a helper of tests may fail as a test does

use std::time::{Duration, SystemTime};

use dialects::{
    Billed, Dialect, ErrorBody, ErrorClass, ModelInfo, Retry, classify, models_list, render_error,
    render_stream_error,
};
use serde_json::{Value, json};

use ErrorClass::{
    Auth, BadRequest, ContentFiltered, ContextTooLong, NotFound, Overload, Quota, Rate, Region, Timeout,
    UpstreamBug,
};

fn class(provider: &str, status: u16, body: &str) -> ErrorClass {
    let dialect = dialects::quirk(provider).unwrap().dialect;
    classify(dialect, provider, status, |_| None, body.as_bytes(), SystemTime::UNIX_EPOCH).class
}

#[test]
fn each_vendors_refusals_have_their_class() {
    let openai = |code: &str, kind: &str| {
        format!(r#"{{"error":{{"message":"m","type":"{kind}","param":null,"code":{code}}}}}"#)
    };
    let check = |provider: &str, status: u16, body: &str, wanted: ErrorClass| {
        assert_eq!(class(provider, status, body), wanted, "{provider} {status} {body}");
    };
    check("openai", 401, &openai("\"invalid_api_key\"", "invalid_request_error"), Auth);
    check("openai", 429, &openai("\"insufficient_quota\"", "insufficient_quota"), Quota);
    check("openai", 429, &openai("\"credit_balance_exhausted\"", "insufficient_quota"), Quota);
    check("openai", 429, &openai("\"rate_limit_exceeded\"", "requests"), Rate);
    check("openai", 429, &openai("\"slow_down\"", "requests"), Rate);
    check("openai", 400, &openai("\"context_length_exceeded\"", "invalid_request_error"), ContextTooLong);
    check("openai", 400, &openai("\"content_policy_violation\"", "invalid_request_error"), ContentFiltered);
    check("openai", 403, &openai("\"unsupported_country_region_territory\"", "request_forbidden"), Region);
    check("openai", 404, &openai("\"model_not_found\"", "invalid_request_error"), NotFound);
    check("openai", 404, &openai("null", "invalid_request_error"), NotFound);
    check("openai", 422, &openai("null", "invalid_request_error"), BadRequest);
    check("openai", 500, &openai("null", "server_error"), UpstreamBug);
    check("openai", 503, &openai("null", "server_error"), Overload);
    check("openai", 408, "", Timeout);
    check("openai", 502, "<html>Bad Gateway</html>", UpstreamBug);
    check("openai", 302, "", UpstreamBug);
    let anthropic = |kind: &str, message: &str| {
        format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#
        )
    };
    check("anthropic", 400, &anthropic("invalid_request_error", "max_tokens: required"), BadRequest);
    check(
        "anthropic",
        400,
        &anthropic("invalid_request_error", "Your credit balance is too low to access"),
        Quota,
    );
    check(
        "anthropic",
        400,
        &anthropic("invalid_request_error", "prompt is too long: 200001 tokens > 200000"),
        ContextTooLong,
    );
    check("anthropic", 401, &anthropic("authentication_error", "m"), Auth);
    check("anthropic", 402, &anthropic("billing_error", "m"), Quota);
    check("anthropic", 403, &anthropic("permission_error", "m"), Auth);
    check("anthropic", 404, &anthropic("not_found_error", "m"), NotFound);
    check("anthropic", 413, &anthropic("request_too_large", "m"), ContextTooLong);
    check("anthropic", 429, &anthropic("rate_limit_error", "m"), Rate);
    check("anthropic", 500, &anthropic("api_error", "m"), UpstreamBug);
    check("anthropic", 504, &anthropic("timeout_error", "m"), Timeout);
    check("anthropic", 529, &anthropic("overloaded_error", "m"), Overload);
    check("deepseek", 402, r#"{"error":{"message":"Insufficient Balance"}}"#, Quota);
    check("dashscope", 429, r#"{"code":"Throttling.RateQuota","message":"m"}"#, Rate);
    check("dashscope", 400, r#"{"code":"Arrearage","message":"m"}"#, Quota);
    check(
        "dashscope",
        400,
        r#"{"error":{"code":"invalid_parameter_error","message":"Range of input length should be [1, 30720]"}}"#,
        ContextTooLong,
    );
    check("zhipu", 429, r#"{"error":{"code":"1113","message":"m"}}"#, Quota);
    check("zhipu", 429, r#"{"error":{"code":"1302","message":"m"}}"#, Rate);
    check("zhipu", 400, r#"{"error":{"code":"1211","message":"m"}}"#, NotFound);
    check("zhipu", 400, r#"{"error":{"code":"1214","message":"m"}}"#, BadRequest);
    check("moonshot", 429, r#"{"error":{"type":"exceeded_current_quota_error","message":"m"}}"#, Quota);
    check("moonshot", 429, r#"{"error":{"type":"engine_overloaded_error","message":"m"}}"#, Overload);
    check("ark", 429, r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"m"}}"#, Rate);
    check(
        "ark",
        400,
        r#"{"error":{"code":"InputTextSensitiveContentDetected","message":"m"}}"#,
        ContentFiltered,
    );
    check(
        "qianfan",
        400,
        r#"{"error":{"code":"tokens_too_long","message":"m","type":"t"},"id":"as-1"}"#,
        ContextTooLong,
    );
    check("siliconflow", 403, r#"{"code":30001,"message":"m","data":null}"#, Quota);
    check(
        "hunyuan",
        200,
        r#"{"Response":{"Error":{"Code":"LimitExceeded","Message":"m"},"RequestId":"r"}}"#,
        Rate,
    );
    check("minimax", 200, r#"{"base_resp":{"status_code":1039,"status_msg":"token limit"}}"#, ContextTooLong);
    check(
        "minimax",
        200,
        r#"{"base_resp":{"status_code":1002,"status_msg":"input new_sensitive"}}"#,
        ContentFiltered,
    );
    check(
        "openai-compatible",
        404,
        r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
        NotFound,
    );
}

#[test]
fn what_next_and_what_it_costs_follow_from_class_header_and_place() {
    let ask = |status: u16, headers: &[(&'static str, &'static str)]| {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        classify(Dialect::OpenAiChat, "openai", status, header, b"", SystemTime::UNIX_EPOCH)
    };
    let rate = ask(429, &[("retry-after", "3")]);
    assert_eq!(
        (rate.retry(), rate.billed(), rate.retry_after),
        (Retry::Same, Billed::No, Some(Duration::from_secs(3)))
    );
    assert_eq!(ask(429, &[("x-should-retry", "false")]).retry(), Retry::Other);
    assert_eq!(ask(400, &[]).retry(), Retry::Never);
    assert_eq!(ask(400, &[("x-should-retry", "true")]).retry(), Retry::Same);
    let bug = ask(500, &[]);
    assert_eq!((bug.retry(), bug.billed()), (Retry::Other, Billed::Maybe));
    assert_eq!(ask(504, &[]).billed(), Billed::Maybe);
}

#[test]
fn our_errors_have_the_shape_of_the_dialect_and_keep_our_code() {
    let error = ErrorBody {
        extra: vec![
            ("scope", json!("project")),
            ("limit", json!("100 CNY")),
            ("message", json!("never over ours")),
        ],
        ..ErrorBody::new(429, "insufficient_quota", "The budget is used up.")
    };
    let openai: Value = serde_json::from_slice(&render_error(Dialect::OpenAiChat, &error, "call-1")).unwrap();
    let wanted = json!({"error":{"message":"The budget is used up.","type":"insufficient_quota","param":null,"code":"insufficient_quota","scope":"project","limit":"100 CNY"}});
    assert_eq!(openai, wanted);
    let anthropic: Value =
        serde_json::from_slice(&render_error(Dialect::AnthropicMessages, &error, "call-1")).unwrap();
    let wanted = json!({"type":"error","error":{"type":"rate_limit_error","message":"The budget is used up.","code":"insufficient_quota","scope":"project","limit":"100 CNY"},"request_id":"call-1"});
    assert_eq!(anthropic, wanted);

    let cut = ErrorBody::new(502, "upstream_bug", "The provider's stream was cut.");
    let frame = String::from_utf8(render_stream_error(Dialect::AnthropicMessages, &cut, "c")).unwrap();
    let data = frame.strip_prefix("event: error\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap().pointer("/error/type").unwrap(), "api_error");
    let frame = String::from_utf8(render_stream_error(Dialect::OpenAiChat, &cut, "c")).unwrap();
    let data = frame.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap().pointer("/error/code").unwrap(), "upstream_bug");
}

#[test]
fn models_are_listed_as_each_sdk_reads_them() {
    let models = [ModelInfo { id: "m".into(), created: 1_764_028_800, owned_by: "openai".into() }];
    let openai: Value = serde_json::from_slice(&models_list(Dialect::OpenAiChat, &models)).unwrap();
    assert_eq!(
        openai,
        json!({"object":"list","data":[{"id":"m","object":"model","created":1_764_028_800,"owned_by":"openai"}]})
    );
    let anthropic: Value = serde_json::from_slice(&models_list(Dialect::AnthropicMessages, &models)).unwrap();
    // `date -u -d @1764028800`: Tue Nov 25 00:00:00 UTC 2025
    assert_eq!(
        anthropic,
        json!({"data":[{"type":"model","id":"m","display_name":"m","created_at":"2025-11-25T00:00:00Z"}],"has_more":false,"first_id":"m","last_id":"m"})
    );
}
