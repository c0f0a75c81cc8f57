//! The body that goes to the provider: the client's own bytes with two small pieces changed.

use bytes::{BufMut, Bytes, BytesMut};

use crate::Request;
use crate::fields::Span;
use crate::request::UsageAsk;

/// Replaces the model's name and asks for usage. When neither changes anything, the body itself is returned.
pub(crate) fn upstream_body(request: &Request, model: &str) -> Bytes {
    let mut edits: Vec<(Span, Vec<u8>)> = Vec::with_capacity(2);
    if model != request.model {
        edits.push((request.model_span, quoted(model)));
    }
    let at = |place: usize| Span { start: place, end: place };
    match request.usage_ask {
        UsageAsk::Always | UsageAsk::Asked => {}
        // Right behind the model's value: a place that exists and is followed by `,` or `}`.
        UsageAsk::NoOptions => {
            let text = br#","stream_options":{"include_usage":true}"#;
            edits.push((at(request.model_span.end), text.to_vec()));
        }
        UsageAsk::NullOptions(span) => edits.push((span, br#"{"include_usage":true}"#.to_vec())),
        UsageAsk::Within(place, others) => {
            let comma: &[u8] = if others { b"," } else { b"" };
            edits.push((at(place), [br#""include_usage":true"#, comma].concat()));
        }
        UsageAsk::Otherwise(span) => edits.push((span, b"true".to_vec())),
    }
    if edits.is_empty() {
        return request.body.clone();
    }
    edits.sort_by_key(|(span, _)| span.start);
    apply(&request.body, &edits)
}

/// A JSON string. Written by hand because a string cannot fail to be written.
fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn apply(body: &[u8], edits: &[(Span, Vec<u8>)]) -> Bytes {
    let added: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut out = BytesMut::with_capacity(body.len() + added);
    let mut from = 0;
    for (span, text) in edits {
        out.put_slice(body.get(from..span.start).unwrap_or_default());
        out.put_slice(text);
        from = span.end;
    }
    out.put_slice(body.get(from..).unwrap_or_default());
    out.freeze()
}
