use num_bigint::BigInt;
use num_rational::BigRational;
use prices::{Book, Fault, Moment, Plan, Tier, Unpriced, charge_parts};
use proptest::prelude::*;
use serde_json::Value;
use tokens::{Kind, Tokens};

use crate::naive;
use crate::random_book::{Choices, KINDS, TIERS, book, choices, clock, few_days, instant, usage};

fn tier() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL.to_vec())
}

/// Standard in two of three: rates without a tier are for it.
fn likely_tier() -> impl Strategy<Value = Tier> {
    prop_oneof![2 => Just(Tier::Standard), 1 => tier()]
}

fn parsed(choices: &[u16]) -> (Value, Result<Book, prices::BookError>) {
    let json = book(&mut Choices(choices.iter()));
    let book = Book::parse(json.to_string().as_bytes());
    (json, book)
}

/// Hours are cut by the clock's own zone, and `ended` picks by the end.
fn picked(json: &Value, at: Moment) -> jiff::Timestamp {
    if json["plans"][0]["instant"] == "ended" { at.ended } else { at.opened }
}

fn moment() -> impl Strategy<Value = Moment> {
    (instant(), 0..100_000_i64).prop_map(|(opened, seconds)| Moment {
        opened,
        ended: opened + jiff::SignedDuration::from_secs(seconds),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The charge is what an independent rater finds in big fractions; where it finds no rate, the price is unknown;
    /// and an accepted book never has two.
    #[test]
    fn rates_as_the_format_says(seed in choices(), at in moment(), tier in likely_tier(), uses in proptest::collection::vec(usage(), 1..6)) {
        let (json, book) = parsed(&seed);
        let Ok(book) = book else { return Ok(()) };
        let plan = book.plan("p").unwrap();
        for used in uses {
            match (naive::exact(&json, &json["plans"][0], picked(&json, at), tier.name(), &used), plan.explain(at, tier, &used)) {
                (Ok(exact), Ok(rated)) => {
                    prop_assert_eq!(BigInt::from(rated.charge.amount.0), naive::round(&exact));
                    prop_assert_eq!(naive::decimal(&rated.exact.to_string()), exact.clone());
                    let lines = rated.lines.iter().map(|line| naive::decimal(&line.exact));
                    prop_assert_eq!(lines.fold(BigRational::from_integer(0.into()), |sum, line| sum + line), exact);
                    let charged = plan.charge(at, tier, &used).unwrap();
                    prop_assert_eq!((charged.charge, &charged.rate_ids), (rated.charge, &rated.rate_ids));
                    for line in &rated.lines {
                        let found = naive::matching(&json, &json["plans"][0], line.kind, picked(&json, at), tier.name(), &used);
                        prop_assert_eq!(found[0]["id"].as_str().unwrap(), &line.rate_id);
                        prop_assert!(rated.rate_ids.split(',').any(|id| id == line.rate_id));
                    }
                }
                (Err((kind, 0)), Err(Unpriced::NoRate { kind: said, .. } | Unpriced::NoneMatches { kind: said, .. })) => prop_assert_eq!(kind, said),
                (Ok(exact), Err(Unpriced::TooLarge { .. })) => prop_assert!(naive::round(&exact) > BigInt::from(i64::MAX)),
                (expected, got) => prop_assert!(false, "expected {expected:?}, got {got:?}"),
            }
        }
    }

    /// A book refused for two rates shows a request that both match, and no rate is accused wrongly.
    #[test]
    fn the_example_of_an_overlap_is_one(seed in choices()) {
        let (json, book) = parsed(&seed);
        let Err(error) = book else { return Ok(()) };
        let Fault::Overlap { both } = error.fault() else {
            prop_assert!(false, "{error}");
            return Ok(());
        };
        // Its kind takes part with one at least; the rest of either total comes from other kinds.
        let mut used = Tokens::default();
        used.set(both.kind, 1);
        used.add(Kind::VideoInput, both.prompt - used.prompt());
        used.add(Kind::ImageOutput, both.output - used.output());
        let found = naive::matching(&json, &json["plans"][0], both.kind, both.at, both.tier.name(), &used);
        let ids: Vec<&str> = found.iter().map(|rate| rate["id"].as_str().unwrap()).collect();
        prop_assert!(ids.contains(&&*both.first) && ids.contains(&&*both.second), "{error}: {ids:?} match");
    }

    /// The parts of an attempt add up: rated apart, summed exactly and rounded once, they are the whole.
    #[test]
    fn parts_are_the_whole(seed in choices(), at in instant(), used in usage()) {
        let (mut json, _) = parsed(&seed);
        // A length band looks at the whole request, by the format: parts of it are other requests.
        for rate in json["plans"][0]["rates"].as_array_mut().unwrap() {
            let when = rate["when"].as_object_mut().unwrap();
            when.retain(|name, _| !name.ends_with("_tokens"));
        }
        let Ok(book) = Book::parse(json.to_string().as_bytes()) else { return Ok(()) };
        let plan = book.plan("p").unwrap();
        let Ok(whole) = plan.charge(Moment::at(at), Tier::Standard, &used) else { return Ok(()) };
        let parts: Vec<Tokens> = used.iter().map(|part| Tokens::from_iter([part])).collect();
        let parts: Vec<(&Plan, &Tokens)> = parts.iter().map(|part| (&**plan, part)).collect();
        let charges = charge_parts(&parts, Moment::at(at), Tier::Standard).unwrap();
        prop_assert!(charges == [whole.charge] || used.is_zero(), "{charges:?} is not {whole:?}");
    }

    /// Nothing that may come of a call costs more than its bound.
    #[test]
    fn a_bound_is_never_passed(
        seed in choices(), at in moment(), tier in likely_tier(), used in usage(),
        shares in proptest::collection::vec(0.0..=1.0_f64, KINDS.len()), ends in 0.0..=1.0_f64,
    ) {
        let (_, book) = parsed(&seed);
        let Ok(book) = book else { return Ok(()) };
        let plan = book.plan("p").unwrap();
        let Ok(bound) = plan.bound(at, tier, &used) else { return Ok(()) };
        let seconds = at.ended.duration_since(at.opened).mul_f64(ends);
        let ended = Moment { ended: at.opened + seconds, ..at };
        let less = spread(&used, &shares);
        for came in [used, less] {
            if let Ok(charged) = plan.charge(ended, tier, &came) {
                prop_assert!(charged.charge.amount <= bound.amount, "{came:?} costs {charged:?}, bound {bound:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Two rates of some hours and days, in whatever zones, are refused if and only if walking through their days
    /// quarter by quarter finds a quarter at which both hold.
    #[test]
    fn two_clocks_meet_where_walking_finds_them(seed in proptest::collection::vec(any::<u16>(), 20)) {
        let mut choices = Choices(seed.iter());
        let (start, end) = few_days(&mut choices);
        let (mut json, _) = parsed(&[]);
        let whens = [clock(&mut choices), clock(&mut choices)];
        let rates = [0, 1].map(|n| serde_json::json!({"id": format!("r{n}"), "kind": "input", "price": "1",
            "from": start.to_string(), "to": end.to_string(), "when": whens[n]}));
        json["plans"][0]["rates"] = serde_json::json!(rates);
        let quarters = (start.as_second()..end.as_second()).step_by(900).map(|s| jiff::Timestamp::from_second(s).unwrap());
        let first = quarters.into_iter().find(|at| whens.iter().all(|when| naive::clock_holds(&json, when, *at)));
        match (Book::parse(json.to_string().as_bytes()), first) {
            (Ok(_), None) => {}
            (Err(error), Some(first)) => match error.fault() {
                Fault::Overlap { both } => prop_assert_eq!(both.at, first),
                other => prop_assert!(false, "{other}"),
            },
            (parsed, first) => prop_assert!(false, "{:?} but {first:?}", parsed.map(|_| ())),
        }
    }
}

/// At most as much text in, text out and of everything else, anyhow mixed.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // a random part, not money
fn spread(used: &Tokens, shares: &[f64]) -> Tokens {
    let is_media = |kind: Kind| matches!(kind, Kind::ImageInput | Kind::WebSearches);
    let (mut text_in, mut text_out) = (used.prompt() - used.get(Kind::ImageInput), used.output());
    let mut came = Tokens::default();
    for (kind, share) in KINDS.into_iter().zip(shares) {
        let part = |whole: u64| ((whole as f64 * share) as u64).min(whole);
        if is_media(kind) {
            came.set(kind, part(used.get(kind)));
        } else {
            let left = if kind.is_prompt() { &mut text_in } else { &mut text_out };
            came.set(kind, part(*left));
            *left -= came.get(kind);
        }
    }
    came
}

/// Random books must be good often enough, and wrong often enough, for the laws above to say something.
#[test]
fn random_books_are_of_both_sorts() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut good, mut wrong, mut priced, mut clocks) = (0, 0, 0, 0);
    for _ in 0..500 {
        let seed = choices().new_tree(&mut runner).unwrap().current();
        let at = Moment::at(instant().new_tree(&mut runner).unwrap().current());
        let used = usage().new_tree(&mut runner).unwrap().current();
        let (json, book) = parsed(&seed);
        match book {
            Ok(book) => {
                good += 1;
                clocks += usize::from(json.to_string().contains("zone"));
                priced += TIERS
                    .iter()
                    .filter(|tier| book.plan("p").unwrap().charge(at, tier.parse().unwrap(), &used).is_ok())
                    .count();
            }
            Err(_) => wrong += 1,
        }
    }
    assert!(
        good > 300 && wrong > 20 && priced > 150 && clocks > 150,
        "{good} good, {wrong} wrong, {priced} priced, {clocks} with clocks"
    );
}
