use prices::{Book, Moment, Tier};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokens::{Kind, Tokens};

/// Words of the format and values near its edges, in any place.
fn json_of_the_format() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 30] = [
        "tollhouse-prices/1",
        "1",
        "cn",
        "2026-10-01",
        "2026-02-30",
        "p",
        "m*",
        "USD",
        "usd",
        "ended",
        "input",
        "output",
        "0.25",
        "-1",
        "1e9",
        "999999999999.999999999999999",
        "2026-06-18T02:00:00Z",
        "-009999-01-02T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "standard",
        "batch",
        "09:00",
        "24:00",
        "workday",
        "restday",
        "mon",
        "Asia/Shanghai",
        "Africa/Casablanca",
        "",
        "é",
    ];
    const FIELDS: [&str; 32] = [
        "format",
        "version",
        "calendars",
        "plans",
        "holidays",
        "workdays",
        "id",
        "provider",
        "models",
        "sites",
        "currency",
        "instant",
        "same_as",
        "source",
        "seen",
        "rates",
        "kind",
        "price",
        "per",
        "from",
        "to",
        "when",
        "tier",
        "prompt_tokens",
        "output_tokens",
        "hours",
        "days",
        "calendar",
        "zone",
        "gt",
        "le",
        "input",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(WORDS.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((proptest::sample::select(FIELDS.to_vec()), inner), 0..8).prop_map(
                |fields| Value::Object(
                    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                )
            ),
        ]
    })
}

fn small_book() -> Value {
    json!({
        "format": "tollhouse-prices/1", "version": "1",
        "calendars": {"cn": {"holidays": ["2026-10-01"], "workdays": ["2026-10-10"]}},
        "plans": [{"id": "p", "provider": "sample", "models": ["m*"], "sites": ["s"], "currency": "CNY", "instant": "ended",
            "same_as": {"reasoning": "output"}, "source": "x", "seen": "2026-11-24", "rates": [
            {"id": "a", "kind": "input", "price": "2.5", "per": 1000, "from": "2026-01-01T00:00:00+08:00", "to": "2027-01-01T00:00:00Z",
                "when": {"tier": ["batch"], "prompt_tokens": {"gt": 5, "le": 32000}, "output_tokens": {"ge": 1, "lt": 9}}},
            {"id": "b", "kind": "output", "price": "8", "when": {"hours": [["09:00", "12:00"]], "days": "workday", "calendar": "cn", "zone": "Asia/Shanghai"}},
            {"id": "c", "kind": "output", "price": "4", "when": {"days": ["mon", "sun"], "hours": [["12:00", "24:00"]], "zone": "Asia/Shanghai"}}]}]
    })
}

/// Reads a book and, if it is one, uses everything of it.
fn exercise(json: &[u8]) {
    match Book::parse(json) {
        Err(error) => assert!(error.to_string().contains("fix: "), "{error}"),
        Ok(book) => {
            for plan in book.plans() {
                for count in [1, u64::MAX] {
                    let used: Tokens = Kind::ALL.iter().map(|kind| (*kind, count)).collect();
                    for at in [jiff::Timestamp::MIN, jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::MAX]
                        .map(Moment::at)
                    {
                        for tier in Tier::ALL {
                            drop((
                                plan.charge(at, *tier, &used),
                                plan.explain(at, *tier, &used),
                                plan.bound(at, *tier, &used),
                            ));
                        }
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn bytes(json in proptest::collection::vec(any::<u8>(), 0..400)) {
        exercise(&json);
    }

    #[test]
    fn json_that_looks_like_a_book(json in json_of_the_format()) {
        exercise(json.to_string().as_bytes());
    }

    /// A good book with one value replaced by another.
    #[test]
    fn a_book_with_a_value_replaced(place in any::<proptest::sample::Index>(), value in json_of_the_format()) {
        let mut book = small_book();
        let count = nodes(&mut book, &mut 0, usize::MAX).1;
        if let Some(node) = nodes(&mut book, &mut 0, place.index(count)).0 {
            *node = value;
        }
        exercise(book.to_string().as_bytes());
    }

    /// A good book with some bytes replaced.
    #[test]
    fn a_book_with_bytes_replaced(places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        let mut json = small_book().to_string().into_bytes();
        for (place, byte) in places {
            let place = place.index(json.len());
            json[place] = byte;
        }
        exercise(&json);
    }
}

#[test]
fn the_small_book_is_good() {
    Book::parse(small_book().to_string().as_bytes()).unwrap();
    exercise(small_book().to_string().as_bytes());
}

/// The `wanted`th node in depth-first order, and how many there are up to it.
fn nodes<'v>(value: &'v mut Value, seen: &mut usize, wanted: usize) -> (Option<&'v mut Value>, usize) {
    if *seen == wanted {
        return (Some(value), *seen);
    }
    *seen += 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if let (Some(found), _) = nodes(child, seen, wanted) {
            return (Some(found), *seen);
        }
    }
    (None, *seen)
}
