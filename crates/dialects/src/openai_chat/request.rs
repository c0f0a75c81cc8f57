//! The request of `POST /v1/chat/completions`.

use crate::BadRequest;
use crate::fields::{Field, Fields, Span};
use crate::json::{Bad, Scan};
use crate::request::{Head, Needs, UsageAsk};
use crate::survey::Survey;

/// `n` of the API reference: 1 to 128.
const MAX_CHOICES: u64 = 128;
/// An image with `detail: low`. Source: OpenAI, "Images and vision".
const IMAGE_LOW: u64 = 85;
/// Any other image: 85 + 170 for each of 4 tiles, a 1024 × 1024 picture in high detail. Same source.
const IMAGE_HIGH: u64 = 85 + 170 * 4;
/// Audio input costs a token per 100 ms (OpenAI, "Managing realtime costs"; for chat unverified). The length is not
/// known without decoding, so it is taken from the size at a low bit rate, which errs on the safe side:
/// 4,000 bytes a second (32 kbit/s) for compressed audio, 32,000 (16 kHz, 16 bit, mono) for wav.
const AUDIO_BYTES_PER_TOKEN: u64 = 400;
const WAV_BYTES_PER_TOKEN: u64 = 3200;
/// A file is at least a page. A page of a PDF has some 1,500 to 3,000 tokens of text and image (Anthropic, "PDF
/// support"; OpenAI gives no figure) and rarely less than 30 kB; one token per 20 bytes is that ratio.
const FILE_AT_LEAST: u64 = 1600;
const FILE_BYTES_PER_TOKEN: u64 = 20;

pub(crate) fn head(fields: &Fields<'_>) -> Result<Head, BadRequest> {
    let stream = fields.flag(Field::Stream)?;
    let bounds = (fields.positive(Field::MaxCompletionTokens)?, fields.positive(Field::MaxTokens)?);
    let choices = fields.positive(Field::N)?.unwrap_or(1);
    if choices > MAX_CHOICES {
        let found = choices.to_string();
        return Err(BadRequest::wrong_value("n", "a whole number from 1 to 128", &found));
    }
    let usage_ask = usage_ask(fields, stream)?;
    fields.filled_array(Field::Messages)?;
    let mut survey = Survey::new();
    // The body is proven JSON by now: a walk cannot fail, and a message of an odd shape is the provider's to judge.
    let _ = walk(fields, &mut survey);
    let needs = Needs {
        stream,
        tools: !fields.is_empty(Field::Tools) || !fields.is_empty(Field::Functions),
        json_schema: member(fields, Field::ResponseFormat, b"type").is_some_and(|t| t == "json_schema"),
        vision: survey.vision,
        reasoning: reasoning(fields),
        audio: survey.audio || fields.raw(Field::Modalities).is_some_and(|list| list.contains("\"audio\"")),
    };
    Ok(Head { needs, max_output: bounds.0.max(bounds.1), choices, usage_ask, cache_ttl: None, survey })
}

fn reasoning(fields: &Fields<'_>) -> bool {
    // `enable_thinking` is DashScope's, `thinking.type` Ark's and Zhipu's.
    fields.string(Field::ReasoningEffort).is_some_and(|effort| effort != "none")
        || fields.raw(Field::EnableThinking) == Some("true")
        || member(fields, Field::Thinking, b"type").is_some_and(|kind| kind != "disabled")
}

/// A string member of an object field.
fn member(fields: &Fields<'_>, field: Field, wanted: &[u8]) -> Option<String> {
    let mut found = None;
    let mut scan = fields.scan(field)?;
    let read = scan.object(|key, scan| {
        if key == wanted {
            scan.text().map(|text| found = text.map(|text| text.value()))
        } else {
            scan.skip()
        }
    });
    read.ok().and(found)
}

fn usage_ask(fields: &Fields<'_>, stream: bool) -> Result<UsageAsk, BadRequest> {
    let Some(span) = fields.span_or_null(Field::StreamOptions) else {
        return Ok(if stream { UsageAsk::NoOptions } else { UsageAsk::Always });
    };
    let null = fields.span(Field::StreamOptions).is_none();
    if !null && fields.kind(Field::StreamOptions) != "an object" {
        let found = fields.kind(Field::StreamOptions);
        return Err(BadRequest::wrong_type(
            "stream_options",
            "an object such as {\"include_usage\": true}",
            found,
        ));
    }
    if !stream {
        return Ok(UsageAsk::Always); // the provider refuses options without a stream, or lets them be
    }
    if null {
        return Ok(UsageAsk::NullOptions(span));
    }
    include_usage(fields, span)
}

fn include_usage(fields: &Fields<'_>, span: Span) -> Result<UsageAsk, BadRequest> {
    let (mut place, mut times, mut members, mut disguised) = (None, 0, 0, false);
    let _ = Scan::from(fields.body.as_bytes(), span.start).object(|key, scan| {
        members += 1;
        disguised |= key.contains(&b'\\');
        scan.peek();
        let start = scan.offset();
        scan.skip()?;
        if key == b"include_usage" {
            times += 1;
            place = Some(Span { start, end: scan.offset() });
        }
        Ok(())
    });
    let name = "stream_options.include_usage";
    if disguised {
        // A second `include_usage` could hide behind an escape and take back what is asked for here.
        return Err(BadRequest::wrong_value(
            "stream_options",
            "its keys without escapes",
            "a key is escaped",
        ));
    }
    let Some(place) = place else {
        return Ok(UsageAsk::Within(span.start + 1, members > 0));
    };
    if times > 1 {
        return Err(BadRequest::twice(name));
    }
    match fields.body.get(place.range()) {
        Some("true") => Ok(UsageAsk::Asked),
        Some("false" | "null") => Ok(UsageAsk::Otherwise(place)),
        _ => Err(BadRequest::wrong_type(name, "true or false", "another type")),
    }
}

fn walk(fields: &Fields<'_>, survey: &mut Survey) -> Result<(), Bad> {
    for field in [Field::Tools, Field::Functions, Field::ResponseFormat] {
        if let Some(span) = fields.span(field) {
            survey.json(span.start, span.end);
        }
    }
    let Some(mut scan) = fields.scan(Field::Messages) else { return Ok(()) };
    scan.array(|scan| message(scan, survey)).map(drop)
}

fn message(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    survey.message();
    scan.object(|key, scan| {
        match key {
            b"content" => content(scan, survey)?,
            b"name" => {
                if let Some(name) = scan.text()? {
                    survey.name(name);
                }
            }
            b"refusal" | b"reasoning_content" => text(scan, survey)?,
            b"tool_calls" => {
                scan.array(|scan| call(scan, survey))?;
            }
            b"function_call" => function(scan, survey)?,
            _ => scan.skip()?,
        }
        Ok(())
    })
    .map(drop)
}

fn text(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    if let Some(text) = scan.text()? {
        survey.text(text);
    }
    Ok(())
}

fn content(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    if scan.peek() == Some(b'[') {
        scan.array(|scan| part(scan, survey)).map(drop)
    } else {
        text(scan, survey)
    }
}

fn part(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    scan.object(|key, scan| match key {
        b"text" | b"refusal" => text(scan, survey),
        b"image_url" => {
            let mut low = false;
            scan.object(|key, scan| match key {
                b"detail" => {
                    scan.text().map(|detail| low = detail.is_some_and(|detail| detail.raw == b"low"))
                }
                _ => scan.skip(),
            })?;
            survey.image(if low { IMAGE_LOW } else { IMAGE_HIGH });
            Ok(())
        }
        b"input_audio" => {
            let (mut size, mut per_token) = (0, AUDIO_BYTES_PER_TOKEN);
            scan.object(|key, scan| match key {
                b"data" => scan.text().map(|data| size = data.map_or(0, |data| base64_bytes(data.raw))),
                b"format" => scan.text().map(|format| {
                    if format.is_some_and(|format| format.raw == b"wav") {
                        per_token = WAV_BYTES_PER_TOKEN;
                    }
                }),
                _ => scan.skip(),
            })?;
            survey.sound(size.div_ceil(per_token));
            Ok(())
        }
        b"file" => {
            let mut size = 0;
            scan.object(|key, scan| match key {
                b"file_data" => scan.text().map(|data| size = data.map_or(0, |data| base64_bytes(data.raw))),
                _ => scan.skip(),
            })?;
            survey.file(file_tokens(size));
            Ok(())
        }
        _ => scan.skip(),
    })
    .map(drop)
}

/// Tokens of a file by its size; 0: the size is not known, so a page's worth.
pub(crate) fn file_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(FILE_BYTES_PER_TOKEN).max(FILE_AT_LEAST)
}

/// Bytes behind a base64 text.
pub(crate) fn base64_bytes(text: &[u8]) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX) / 4 * 3
}

fn call(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    scan.object(|key, scan| match key {
        b"function" | b"custom" => function(scan, survey),
        _ => scan.skip(),
    })
    .map(drop)
}

fn function(scan: &mut Scan<'_>, survey: &mut Survey) -> Result<(), Bad> {
    scan.object(|key, scan| match key {
        b"name" | b"arguments" | b"input" => text(scan, survey),
        _ => scan.skip(),
    })
    .map(drop)
}
