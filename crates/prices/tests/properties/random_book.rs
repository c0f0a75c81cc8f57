//! Random books and usages. A kind's rates are made by splitting "always" again and again, so that most books are
//! good and cover every request; then, sometimes, one condition is moved, so that some are wrong.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokens::{Kind, Tokens};

pub const KINDS: [Kind; 7] = [
    Kind::Input,
    Kind::InputCached,
    Kind::CacheWrite5m,
    Kind::Output,
    Kind::Reasoning,
    Kind::ImageInput,
    Kind::WebSearches,
];
pub const TIERS: [&str; 4] = ["standard", "batch", "flex", "priority"];
const ZONES: [&str; 5] = ["Asia/Shanghai", "America/New_York", "UTC", "Europe/London", "Asia/Kathmandu"];
const EDGES: [u64; 6] = [1, 2, 999, 32_000, 128_000, 272_000];
/// Instants with something at them: holidays, make-up days, changes of summer time, plain ones.
const INSTANTS: [&str; 10] = [
    "2026-09-30T16:00:00Z",
    "2026-10-09T16:00:00Z",
    "2026-10-10T16:00:00Z",
    "2026-11-01T05:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-06-18T02:00:00Z",
    "2026-01-04T00:00:00Z",
    "2027-02-06T12:34:56.000000001Z",
];

/// Choices drawn by proptest, handed out one by one; 0 when they run out, which makes everything simple.
pub struct Choices<'c>(pub std::slice::Iter<'c, u16>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % limit
    }

    fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

pub fn choices() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(any::<u16>(), 0..200)
}

/// A book of one plan `p`.
pub fn book(choices: &mut Choices) -> Value {
    let mut rates = Vec::new();
    for kind in KINDS {
        let mut conditions = vec![(Map::new(), json!({}))];
        for _ in 0..choices.below(4) {
            let place = choices.below(conditions.len());
            let condition = conditions.swap_remove(place);
            conditions.extend(split(condition, choices));
        }
        if kind == Kind::Reasoning {
            continue; // by same_as
        }
        for (dates, when) in conditions {
            let mut rate = Map::from_iter([
                ("id".to_owned(), json!(format!("r{}", rates.len()))),
                ("kind".to_owned(), json!(kind.name())),
                ("price".to_owned(), json!(price(choices))),
                ("when".to_owned(), when),
            ]);
            if choices.below(3) == 0 {
                rate.insert("per".to_owned(), json!(choices.of(&[1, 7, 1000, 60_000, 1_000_000])));
            }
            rate.extend(dates);
            rates.push(Value::Object(rate));
        }
    }
    if choices.below(4) == 1 {
        let place = choices.below(rates.len());
        disturb(&mut rates[place], choices);
    }
    json!({
        "format": "tollhouse-prices/1", "version": "1",
        "calendars": {"cn": {"holidays": ["2026-10-01", "2026-10-02", "2026-10-06", "2026-01-02"], "workdays": ["2026-10-10", "2026-01-04"]}},
        "plans": [{"id": "p", "provider": "sample", "models": ["m"], "currency": "CNY",
            "instant": choices.of(&["opened", "ended"]), "same_as": {"reasoning": "output"}, "rates": rates}]
    })
}

fn price(choices: &mut Choices) -> String {
    let whole = choices.below(40);
    match choices.below(4) {
        0 => format!("{whole}"),
        1 => format!("{whole}.{:03}", choices.below(1000)),
        2 => format!("0.{:06}", choices.below(10_000)),
        _ => format!("0.{:012}", choices.below(10_000)),
    }
}

type Condition = (Map<String, Value>, Value);

/// Two or three conditions that hold together exactly where the first one does; the same one where that is not
/// possible by the choice made.
fn split((dates, when): Condition, choices: &mut Choices) -> Vec<Condition> {
    let with = |changes: Value| {
        let mut when = when.clone();
        when.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        (dates.clone(), when)
    };
    let free = |names: &[&str]| names.iter().all(|name| when.get(name).is_none());
    match choices.below(7) {
        0 if free(&["tier"]) => vec![
            with(json!({"tier": ["standard"]})),
            with(json!({"tier": ["batch", "flex"]})),
            with(json!({"tier": ["priority"]})),
        ],
        band @ (1 | 2) => {
            let name = if band == 1 { "prompt_tokens" } else { "output_tokens" };
            if !free(&[name]) {
                return vec![(dates, when)];
            }
            let (low, high) = (choices.of(&EDGES).to_owned(), choices.of(&EDGES).to_owned());
            let (low, high) = (low.min(high), low.max(high) + 1);
            vec![
                with(json!({name: {"lt": low}})),
                with(json!({name: {"ge": low, "le": high}})),
                with(json!({name: {"gt": high}})),
            ]
        }
        3 if dates.is_empty() => {
            let at = *choices.of(&INSTANTS);
            let dated = |name: &str| (Map::from_iter([(name.to_owned(), json!(at))]), when.clone());
            vec![dated("from"), dated("to")]
        }
        4 if free(&["hours"]) => {
            let zone = zone(&when, choices);
            let (first, second) = (choices.below(24), choices.below(24));
            let (from, to) =
                (format!("{:02}:30", first.min(second)), format!("{:02}:00", first.max(second) + 1));
            let inside = with(json!({"hours": [[from, to]], "zone": zone}));
            let mut outside = vec![json!(["00:00", from])];
            if to != "24:00" {
                outside.push(json!([to, "24:00"]));
            }
            vec![inside, with(json!({"hours": outside, "zone": zone}))]
        }
        5 if free(&["days"]) => {
            let zone = zone(&when, choices);
            let days = |days: &str| with(json!({"days": days, "calendar": "cn", "zone": zone}));
            vec![days("workday"), days("restday")]
        }
        6 if free(&["days"]) => {
            let zone = zone(&when, choices);
            let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let cut = 1 + choices.below(6);
            vec![
                with(json!({"days": all[..cut], "zone": zone})),
                with(json!({"days": all[cut..], "zone": zone})),
            ]
        }
        _ => vec![(dates, when)],
    }
}

/// A condition has one zone: the one it has already, or a new one.
fn zone(when: &Value, choices: &mut Choices) -> String {
    when["zone"].as_str().map_or_else(|| (*choices.of(&ZONES)).to_owned(), str::to_owned)
}

/// Moves a condition, or takes it away.
fn disturb(rate: &mut Value, choices: &mut Choices) {
    let when = rate["when"].as_object_mut().unwrap();
    let names: Vec<String> = when.keys().cloned().collect();
    if names.is_empty() {
        return;
    }
    match choices.of(&names).as_str() {
        "zone" => drop(when.insert("zone".to_owned(), json!(choices.of(&ZONES)))),
        "prompt_tokens" => drop(when.insert("prompt_tokens".to_owned(), json!({"ge": choices.of(&EDGES)}))),
        "hours" => drop(when.insert("hours".to_owned(), json!([["08:45", "17:15"]]))),
        "days" => drop(when.insert("days".to_owned(), json!(["fri", "sat"]))),
        other => drop(when.remove(other)),
    }
}

/// Counts around the edges of bands.
pub fn usage() -> impl Strategy<Value = Tokens> {
    let count = prop_oneof![
        3 => Just(0_u64),
        2 => 1..100_u64,
        2 => proptest::sample::select(EDGES.to_vec()).prop_flat_map(|edge| edge.saturating_sub(1)..=edge + 1),
        1 => 0..3_000_000_000_u64,
    ];
    proptest::collection::vec(count, KINDS.len()).prop_map(|counts| KINDS.into_iter().zip(counts).collect())
}

/// Instants of 2024 to 2029, and the ones with something at them, a nanosecond to either side.
pub fn instant() -> impl Strategy<Value = jiff::Timestamp> {
    let nano = jiff::SignedDuration::from_nanos;
    prop_oneof![
        (1_704_067_200_i64..1_861_920_000, 0..1_000_000_000_i32)
            .prop_map(|(s, n)| jiff::Timestamp::new(s, n).unwrap()),
        (proptest::sample::select(INSTANTS.to_vec()), -1..=1_i64)
            .prop_map(move |(at, off)| at.parse::<jiff::Timestamp>().unwrap() + nano(off)),
        (proptest::sample::select(INSTANTS.to_vec()), -96..=96_i64)
            .prop_map(move |(at, off)| at.parse::<jiff::Timestamp>().unwrap() + nano(off * 900_000_000_000)),
    ]
}

/// Hours and days in some zone; every edge is at a quarter of an hour, by any zone's clock.
pub fn clock(choices: &mut Choices) -> Value {
    let mut when = json!({"zone": choices.of(&ZONES), "calendar": "cn"});
    let kind = choices.below(4);
    if kind != 0 {
        let (from, quarters) = (choices.below(95), choices.below(12));
        let time = |quarter: usize| format!("{:02}:{:02}", quarter / 4, quarter % 4 * 15);
        when["hours"] = json!([[time(from), time((from + 1 + quarters).min(96))]]);
    }
    if kind != 1 {
        let lists = [
            json!("workday"),
            json!("restday"),
            json!(["sat", "sun"]),
            json!(["mon", "thu"]),
            json!(["fri", "sat"]),
            json!(["sun"]),
        ];
        when["days"] = choices.of(&lists).clone();
    }
    when
}

/// A few days, most of them with something in them, from and to whole quarters of an hour.
pub fn few_days(choices: &mut Choices) -> (jiff::Timestamp, jiff::Timestamp) {
    const QUARTER: i64 = 900;
    let around: jiff::Timestamp = choices.of(&INSTANTS[..9]).parse().unwrap();
    let start = around.as_second() - QUARTER * i64::try_from(choices.below(200)).unwrap();
    let end = start + QUARTER * i64::try_from(1 + choices.below(400)).unwrap();
    (jiff::Timestamp::from_second(start).unwrap(), jiff::Timestamp::from_second(end).unwrap())
}
