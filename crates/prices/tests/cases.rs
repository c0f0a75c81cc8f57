//! The cases that come with the format: charges from outside, books that must be refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // in helpers, too, a test fails by panicking

use prices::{Book, BookError, Moment, Tier};
use serde_json::Value;
use tokens::Tokens;

fn data(file: &str) -> Value {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn parse(book: &Value) -> Result<Book, BookError> {
    Book::parse(book.to_string().as_bytes())
}

#[test]
fn every_case_has_its_exact_charge() {
    let file = data("price_cases.json");
    let book = parse(&file["book"]).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 22);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let plan = book.plan(case["plan"].as_str().unwrap()).unwrap();
        let at = Moment::at(case["at"].as_str().unwrap().parse().unwrap());
        let tier: Tier = case["tier"].as_str().unwrap().parse().unwrap();
        let used: Tokens = serde_json::from_value(case["usage"].clone()).unwrap();
        let charged = plan.charge(at, tier, &used);
        let explained = plan.explain(at, tier, &used);
        if let Some(code) = case["expected"]["error"].as_str() {
            assert_eq!(charged.unwrap_err().code(), code, "{id}");
            assert_eq!(explained.unwrap_err().code(), code, "{id}");
            continue;
        }
        let (charged, explained) = (charged.unwrap(), explained.unwrap());
        assert_eq!(charged.charge.amount.0.to_string(), case["expected"]["charge_nano"], "{id}");
        assert_eq!(charged.charge.currency.code(), case["expected"]["currency"], "{id}");
        assert_eq!(&*charged.book_version, "2026-11-24.d1");
        assert_eq!((explained.charge, explained.rate_ids), (charged.charge, charged.rate_ids), "{id}");
        assert!(plan.bound(at, tier, &used).unwrap().amount >= charged.charge.amount, "{id}");
    }
}

#[test]
fn a_line_says_count_rate_price_and_exact_amount() {
    let book = parse(&data("price_cases.json")["book"]).unwrap();
    let plan = book.plan("openai/gpt-5.6-luna/global").unwrap();
    let at = Moment::at("2026-11-24T03:00:00Z".parse().unwrap());
    let used = serde_json::from_str(r#"{"input": 500, "reasoning": 400, "output": 100}"#).unwrap();
    let rated = plan.explain(at, Tier::Standard, &used).unwrap();
    // 500 × 0.20 ÷ 10⁶ = 0.0001; 100 × 1.20 ÷ 10⁶ = 0.00012; 400 × 1.20 ÷ 10⁶ = 0.00048.
    assert_eq!(
        serde_json::to_value(&rated.lines).unwrap(),
        serde_json::json!([
            {"kind": "input", "count": 500, "rate_id": "standard-input-short", "price": "0.20", "per": 1_000_000, "exact": "0.0001"},
            {"kind": "output", "count": 100, "rate_id": "standard-output-short", "price": "1.20", "per": 1_000_000, "exact": "0.00012"},
            {"kind": "reasoning", "count": 400, "rate_id": "standard-output-short", "price": "1.20", "per": 1_000_000, "exact": "0.00048"},
        ])
    );
    assert_eq!(
        &*rated.rate_ids, "standard-input-short,standard-output-short",
        "a rate used twice is named once"
    );
    assert_eq!(rated.exact.to_string(), "0.0007");
}

#[test]
fn every_bad_book_is_refused_at_the_right_place() {
    let place = |id: &str| match id {
        "bands-share-their-edge" => ("long", "both match input in tier standard"),
        "hours-overlap" => ("in", "08:00–12:00 and 11:00–18:00 overlap"),
        "zone-missing" => ("in", "field `when.zone`: is needed with `hours` or `days`"),
        "price-as-number" => ("out", "field `price`: is a negative number or a fraction, not a string"),
        "same-as-unknown-kind" => ("", "field `same_as`: `thoughts` is no kind"),
        "overlap-in-time" => ("new", "at 2026-06-30T16:00:00Z"),
        other => panic!("no expectation for {other}"),
    };
    let file = data("bad_books.json");
    for bad in file.as_array().unwrap() {
        let id = bad["id"].as_str().unwrap();
        let error = parse(&bad["book"]).expect_err(id).in_file("bad.json");
        let (rate, words) = place(id);
        let message = error.to_string();
        assert_eq!((error.plan(), error.rate().unwrap_or("")), (Some("p"), rate), "{id}: {message}");
        assert!(message.contains(words) && message.contains("\n  fix: "), "{id}: {message}");
        assert!(message.starts_with("bad.json: plan `p`"), "{id}: {message}");
    }
}

/// Our own list: each has a whole `book` (as text, so that broken JSON fits) or a change to a good one, and words of
/// its message.
#[test]
fn every_kind_of_mistake_has_its_message() {
    let mut wrong = Vec::new();
    for bad in data("more_bad_books.json").as_array().unwrap() {
        let id = bad["id"].as_str().unwrap();
        let text = bad["text"].as_str().map_or_else(|| changed(bad).to_string(), str::to_owned);
        let message =
            Book::parse(text.as_bytes()).map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
        let wanted = bad["message"].as_str().unwrap();
        if !message.contains(wanted) || !message.contains("\n  fix: ") {
            wrong.push(format!("{id}\n  wanted: {wanted}\n  got: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_book_that_mistakes_are_made_in_is_good() {
    parse(&good()).unwrap();
}

fn good() -> Value {
    serde_json::json!({
        "format": "tollhouse-prices/1", "version": "1",
        "calendars": {"cn": {"holidays": ["2026-10-01"], "workdays": ["2026-10-10"]}},
        "plans": [{"id": "p", "provider": "sample", "models": ["m"], "currency": "USD", "rates": [
            {"id": "in", "kind": "input", "price": "2"},
            {"id": "out", "kind": "output", "price": "8"}]}]
    })
}

/// A good book with the value at a JSON pointer set; `/-` at the end of the pointer adds to a list.
fn changed(bad: &Value) -> Value {
    let mut book = good();
    for (pointer, value) in bad["set"].as_object().unwrap() {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match book.pointer_mut(parent).unwrap() {
            Value::Object(fields) if value == "(removed)" => drop(fields.remove(key)),
            Value::Object(fields) => drop(fields.insert(key.to_owned(), value.clone())),
            Value::Array(items) if key == "-" => items.push(value.clone()),
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
            other => panic!("{other} has no fields"),
        }
    }
    book
}
