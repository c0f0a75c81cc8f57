//! The request of `POST /v1/messages`.

use memchr::memmem;
use tokens::Kind;

use crate::BadRequest;
use crate::fields::{Field, Fields};
use crate::json::{Bad, Scan};
use crate::openai_chat::request::{base64_bytes, file_tokens};
use crate::request::{Head, Needs, UsageAsk};
use crate::survey::Survey;

/// An image at the size at which larger ones are scaled down: width × height / 750, at most about 1,600.
/// Source: Anthropic, "Vision".
const IMAGE: u64 = 1600;

pub(crate) fn head(fields: &Fields<'_>) -> Result<Head, BadRequest> {
    let stream = fields.flag(Field::Stream)?;
    let max_output = fields.positive(Field::MaxTokens)?;
    if max_output.is_none() {
        return Err(BadRequest::missing(
            "max_tokens",
            "a whole number of 1 or more: the bound on output tokens",
        ));
    }
    fields.filled_array(Field::Messages)?;
    let mut survey = Survey::new();
    // The body is proven JSON by now: a walk cannot fail, and a message of an odd shape is the provider's to judge.
    let _ = walk(fields, &mut survey);
    let needs = Needs {
        stream,
        tools: !fields.is_empty(Field::Tools),
        json_schema: fields.raw(Field::OutputConfig).is_some_and(|config| config.contains("\"json_schema\"")),
        vision: survey.vision,
        reasoning: thinking(fields),
        audio: false,
    };
    let cache_ttl = cache_ttl(fields.body.as_bytes());
    Ok(Head { needs, max_output, choices: 1, usage_ask: UsageAsk::Always, cache_ttl, survey })
}

fn thinking(fields: &Fields<'_>) -> bool {
    let mut on = false;
    let read = fields.scan(Field::Thinking).map(|mut scan| {
        scan.object(|key, scan| match key {
            b"type" => scan.text().map(|kind| on = kind.is_some_and(|kind| kind.raw != b"disabled")),
            _ => scan.skip(),
        })
    });
    read.is_some() && on
}

/// The lifetime that every `cache_control` of the request agrees on. Inside a string the quotes of the key would be
/// escaped, so the search finds keys only (or a string that is just this word, which says nothing of a lifetime).
fn cache_ttl(body: &[u8]) -> Option<Kind> {
    const KEY: &[u8] = b"\"cache_control\"";
    let mut agreed = None;
    for place in memmem::find_iter(body, KEY) {
        let mut scan = Scan::from(body, place + KEY.len());
        if scan.peek() != Some(b':') {
            continue;
        }
        let mut scan = Scan::from(body, scan.offset() + 1);
        let mut kind = Kind::CacheWrite5m; // the default of the API
        let object = scan.object(|key, scan| {
            if key != b"ttl" {
                return scan.skip();
            }
            match scan.text()?.map(|ttl| ttl.raw) {
                Some(b"1h") => kind = Kind::CacheWrite1h,
                Some(b"5m") | None => {}
                Some(_) => kind = Kind::CacheWrite,
            }
            Ok(())
        });
        if object != Ok(true) {
            continue;
        }
        if *agreed.get_or_insert(kind) != kind {
            return None;
        }
    }
    agreed
}

fn walk(fields: &Fields<'_>, survey: &mut Survey) -> Result<(), Bad> {
    for field in [Field::Tools, Field::OutputConfig] {
        if let Some(span) = fields.span(field) {
            survey.json(span.start, span.end);
        }
    }
    if let Some(mut scan) = fields.scan(Field::System) {
        content(&mut scan, survey)?;
    }
    let Some(mut scan) = fields.scan(Field::Messages) else { return Ok(()) };
    scan.array(|scan| {
        survey.message();
        scan.object(|key, scan| match key {
            b"content" => content(scan, survey),
            _ => scan.skip(),
        })
        .map(drop)
    })
    .map(drop)
}

fn text(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    if let Some(text) = scan.text()? {
        survey.text(text);
    }
    Ok(())
}

/// A string, or blocks. A tool result holds content of its own, which may hold no further tool results: two levels.
fn content(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    blocks(scan, survey, |scan, survey| blocks(scan, survey, |scan, _| scan.skip()))
}

type Inner = fn(&mut Scan<'_>, &mut Survey) -> Result<(), Bad>;

fn blocks(scan: &mut Scan<'_>, survey: &mut Survey, inner: Inner) -> Result<(), Bad> {
    if scan.peek() == Some(b'[') {
        scan.array(|scan| block(scan, survey, inner)).map(drop)
    } else {
        text(scan, survey)
    }
}

fn block(scan: &mut Scan<'_>, survey: &mut Survey, inner: Inner) -> Result<(), Bad> {
    let (mut image, mut source) = (false, Source::default());
    scan.object(|key, scan| match key {
        b"type" => scan.text().map(|kind| image = kind.is_some_and(|kind| kind.raw == b"image")),
        b"text" | b"thinking" | b"name" | b"title" | b"context" => text(scan, survey),
        b"content" => inner(scan, survey),
        b"input" => {
            scan.peek();
            let start = scan.offset();
            scan.skip()?;
            survey.json(start, scan.offset());
            Ok(())
        }
        b"source" => source.read(scan, survey),
        _ => scan.skip(),
    })?;
    if source.seen && image {
        survey.image(IMAGE);
    } else if source.seen && !source.plain {
        survey.file(file_tokens(source.bytes));
    }
    Ok(())
}

/// Where an image or a document comes from. The kind of block may be written after it.
#[derive(Default)]
struct Source {
    seen: bool,
    plain: bool,
    bytes: u64,
}

impl Source {
    fn read(&mut self, scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
        self.seen = true;
        let mut data = None;
        scan.object(|key, scan| match key {
            b"type" => scan.text().map(|kind| self.plain = kind.is_some_and(|kind| kind.raw == b"text")),
            b"data" => scan.text().map(|text| data = text),
            _ => scan.skip(),
        })?;
        if let Some(data) = data {
            if self.plain {
                survey.text(data);
            } else {
                self.bytes = base64_bytes(data.raw);
            }
        }
        Ok(())
    }
}
