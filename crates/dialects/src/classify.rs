//! A provider's refusal or failure, made into a class. Order of tests: the body's code, its message, its type, then the
//! HTTP status; the table is in `classify_table`.

use std::time::{Duration, SystemTime};

use crate::classify_table::{by_code, by_message, by_own_message, by_status, by_vague_type};
use crate::json::{Bad, Scan};
use crate::{Dialect, ErrorClass, ProviderError};

/// A message is kept up to this many characters.
const MESSAGE_MAX: usize = 500;

/// Classifies an answer that is no success.
///
/// `header` looks a header up by its lower-case name. `now` is needed for a `retry-after` that is a date.
pub fn classify<'h>(
    dialect: Dialect,
    provider: &str,
    status: u16,
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: SystemTime,
) -> ProviderError {
    let said = said(body);
    let class = class(dialect, provider, status, &said);
    ProviderError {
        class,
        status,
        code: said.shown_code(),
        message: said.message,
        retry_after: retry_after(&header, now),
        should_retry: match header("x-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        mid_answer: false,
    }
}

/// An error that came inside an answer of status 200.
pub(crate) fn inside_200(dialect: Dialect, provider: &str, body: &[u8]) -> ProviderError {
    let said = said(body);
    let class = class(dialect, provider, 200, &said);
    let code = said.shown_code();
    let upstream = ProviderError::upstream_bug(&said.message);
    ProviderError { class, status: 200, code, ..upstream }
}

fn class(dialect: Dialect, provider: &str, status: u16, said: &Said) -> ErrorClass {
    by_own_message(provider, &said.message)
        .or_else(|| by_code(dialect, provider, &said.code))
        .or_else(|| by_message(&said.message))
        .or_else(|| by_code(dialect, provider, &said.kind))
        .or_else(|| by_vague_type(status, &said.kind))
        .unwrap_or_else(|| by_status(status))
}

/// The wait that the provider asks for: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date.
fn retry_after<'h>(header: &impl Fn(&str) -> Option<&'h str>, now: SystemTime) -> Option<Duration> {
    let number =
        |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    if let Some(ms) = header("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let text = header("retry-after")?;
    if let Some(seconds) = number(text) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// What a body says of an error, whatever its shape.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    code: String,
    kind: String,
    message: String,
}

impl Said {
    fn shown_code(&self) -> String {
        if self.code.is_empty() { self.kind.clone() } else { self.code.clone() }
    }

    fn note(&mut self, key: &[u8], scan: &mut Scan<'_>) -> Result<(), Bad> {
        match key {
            // OpenAI and most others, DashScope's own, SiliconFlow; Baidu v1; MiniMax; Tencent.
            b"code" | b"error_code" | b"status_code" | b"Code" => word(&mut self.code, scan)?,
            b"type" if self.kind.is_empty() || self.kind == "error" => word(&mut self.kind, scan)?,
            b"message" | b"error_msg" | b"status_msg" | b"Message" | b"Msg" | b"msg" | b"detail" => {
                word(&mut self.message, scan)?;
            }
            b"error" | b"base_resp" | b"Response" | b"Error" | b"ErrorMsg" => {
                if scan.peek() == Some(b'"') {
                    return word(&mut self.message, scan);
                }
                // One level for each of the shapes; deeper is no shape we know, and is read no further.
                self.level(scan)?;
            }
            _ => scan.skip()?,
        }
        Ok(())
    }

    fn level(&mut self, scan: &mut Scan<'_>) -> Result<(), Bad> {
        let mut inner = Scan::new(scan.raw()?);
        let mut deeper = None;
        inner.object(|key, scan| match key {
            b"Error" => scan.raw().map(|raw| deeper = Some(raw)),
            b"error" | b"base_resp" | b"Response" | b"ErrorMsg" => scan.skip(),
            _ => self.note(key, scan),
        })?;
        if let Some(raw) = deeper {
            Scan::new(raw).object(|key, scan| match key {
                b"Code" | b"Message" => self.note(key, scan),
                _ => scan.skip(),
            })?;
        }
        Ok(())
    }
}

/// A string's value, or a number as written.
fn word(into: &mut String, scan: &mut Scan<'_>) -> Result<(), Bad> {
    if scan.peek() == Some(b'"') {
        if let Some(text) = scan.text()? {
            *into = text.value();
        }
    } else {
        let raw = scan.raw()?;
        if raw.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-') {
            *into = String::from_utf8_lossy(raw).into_owned();
        }
    }
    Ok(())
}

fn said(body: &[u8]) -> Said {
    let mut said = Said::default();
    let mut scan = Scan::new(body);
    match scan.peek() {
        Some(b'{') => {
            // What was read before a fault is worth having.
            let _ = scan.object(|key, scan| said.note(key, scan));
        }
        // SiliconFlow answers some statuses with a bare string.
        Some(b'"') => {
            let _ = word(&mut said.message, &mut scan);
        }
        _ => {
            let page = String::from_utf8_lossy(body.get(..2048).unwrap_or(body));
            page.trim().clone_into(&mut said.message);
        }
    }
    if let Some((cut, _)) = said.message.char_indices().nth(MESSAGE_MAX) {
        said.message.truncate(cut);
        said.message.push('…');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendors_shape_gives_code_and_message() {
        let check = |body: &str, code: &str, kind: &str, message: &str| {
            let wanted = Said { code: code.into(), kind: kind.into(), message: message.into() };
            assert_eq!(said(body.as_bytes()), wanted, "{body}");
        };
        check(r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#, "c", "t", "m");
        check(r#"{"error":{"message":"m","type":"t","param":null,"code":null}}"#, "", "t", "m");
        check(
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            "",
            "overloaded_error",
            "m",
        );
        check(r#"{"error":{"code":"1113","message":"m"}}"#, "1113", "", "m");
        check(r#"{"code":"Arrearage","message":"m","request_id":"r"}"#, "Arrearage", "", "m");
        check(r#"{"code":20012,"message":"m","data":null}"#, "20012", "", "m");
        check(r#"{"error_code":18,"error_msg":"m"}"#, "18", "", "m");
        check(r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#, "1008", "", "m");
        check(
            r#"{"Response":{"Error":{"Code":"LimitExceeded","Message":"m"},"RequestId":"r"}}"#,
            "LimitExceeded",
            "",
            "m",
        );
        check(r#"{"error":"m"}"#, "", "", "m");
        check(r#""m""#, "", "", "m");
        check("<html>m</html>", "", "", "<html>m</html>");
    }

    #[test]
    fn a_wait_is_seconds_milliseconds_or_a_date() {
        // RFC 9110's own date: Sun, 06 Nov 1994 08:49:37 GMT = 784111777.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let check = |name: &'static str, value: &'static str, wanted: Option<Duration>| {
            let found = retry_after(&|asked: &str| (asked == name).then_some(value), now);
            assert_eq!(found, wanted, "{name}: {value}");
        };
        check("retry-after", "20", Some(Duration::from_secs(20)));
        check("retry-after", "0.5", Some(Duration::from_millis(500)));
        check("retry-after-ms", "1500", Some(Duration::from_millis(1500)));
        check("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::from_secs(7)));
        check("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", Some(Duration::ZERO));
        for bad in ["soon", "-1", "NaN", "1e400", ""] {
            check("retry-after", bad, None);
        }
    }
}
