//! A request's path and query, taken apart once: what is checked and what is served is the same reading.

use crate::Problem;

/// The segments of a path, percent-decoded after it was cut, so that a `%2F` never makes a segment.
pub(crate) fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix('/')?.split('/').map(|segment| decode(segment, false)).collect()
}

/// The parameters of a query; each may be given once, and must be among `known`.
pub(crate) fn parameters(query: &str, known: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let garbled = || Problem::new(400, "invalid_query", "the query is not UTF-8 in percent encoding");
        let name = decode(name, true).ok_or_else(garbled)?;
        let value = decode(value, true).ok_or_else(garbled)?;
        if !known.contains(&name.as_str()) {
            let fix = format!("use {}", known.join(", "));
            return Err(Problem::field(&name, format!("there is no parameter `{name}` here"), fix));
        }
        if parameters.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Problem::field(&name, format!("`{name}` is given twice"), "give it once"));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

fn decode(text: &str, plus_is_blank: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            b'+' if plus_is_blank => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_makes_no_segment() {
        assert_eq!(segments("/a/b%2Fc/").unwrap(), ["a", "b/c", ""]);
        assert_eq!(segments("/a%zz"), None);
        assert_eq!(segments("/%ff"), None);
        assert_eq!(segments("*"), None);
    }

    #[test]
    fn a_parameter_is_known_and_given_once() {
        let read = parameters("by=model%2Cday&filter=app%3Da+b", &["by", "filter"]).unwrap();
        assert_eq!(read, [("by".into(), "model,day".into()), ("filter".into(), "app=a b".into())]);
        assert!(parameters("by=a&by=b", &["by"]).is_err());
        assert!(parameters("b=a", &["by"]).is_err());
    }
}
