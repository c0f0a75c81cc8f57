//! The books of this repository, and books together.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // in helpers, too, a test fails by panicking

use prices::{Book, Books, Fit, Moment, PlanRef, Tier, Unpriced, charge_parts};
use tokens::{Kind, Tokens};

fn shipped() -> Books {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../books");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let book = Book::parse(&std::fs::read(path).unwrap()).map_err(|error| error.in_file(&name));
        (name, book.unwrap_or_else(|error| panic!("{error}")))
    };
    Books::new(files.iter().map(read).collect()).unwrap()
}

fn book(plans: &[serde_json::Value]) -> Book {
    let json = serde_json::json!({"format": "tollhouse-prices/1", "version": "7", "plans": plans});
    Book::parse(json.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn plan(id: &str, provider: &str, models: &[&str], sites: Option<&[&str]>) -> serde_json::Value {
    let mut plan = serde_json::json!({"id": id, "provider": provider, "models": models, "currency": "USD",
        "rates": [{"id": "in", "kind": "input", "price": "1"}]});
    if let Some(sites) = sites {
        plan["sites"] = serde_json::json!(sites);
    }
    plan
}

fn ids(plans: &[PlanRef]) -> Vec<&str> {
    plans.iter().map(|plan| &**plan.id()).collect()
}

fn used(usage: &str) -> Tokens {
    serde_json::from_str(usage).unwrap()
}

fn at(instant: &str) -> Moment {
    Moment::at(instant.parse().unwrap())
}

#[test]
fn every_shipped_plan_knows_its_source_and_the_prices_of_text() {
    for plan in shipped().plans() {
        let id = plan.id();
        assert!(plan.source().is_some_and(|source| !source.is_empty()) && plan.seen().is_some(), "{id}");
        let is_simulated = plan.provider().starts_with("sim-");
        assert_eq!(is_simulated, plan.source() == Some("made for the simulator"), "{id}");
        let kinds: Vec<Kind> = plan.kinds().collect();
        for kind in [Kind::Input, Kind::InputCached, Kind::Output] {
            assert!(kinds.contains(&kind), "{id} has no rate for {kind}");
        }
        let usage = used(r#"{"input": 1000, "input_cached": 500, "output": 10}"#);
        // A Wednesday and a Sunday, by day and by night in Beijing.
        for instant in ["2026-11-25T02:00:00Z", "2026-11-25T16:00:00Z", "2026-11-29T02:00:00Z"] {
            assert!(plan.charge(at(instant), Tier::Standard, &usage).is_ok(), "{id} at {instant}");
        }
    }
}

#[test]
fn shipped_figures_that_vendors_publish_are_as_published() {
    let books = shipped();
    // Price of a million, in units: 10⁶ of a kind.
    for (id, kind, instant, price) in [
        // BerriAI/litellm 1.109.1: gpt-5.6-luna, claude-opus-5, dashscope/qwen3-max.
        ("openai/gpt-5.6-luna/global", "cache_write_30m", "2026-11-25T02:00:00Z", "0.5 USD"), // above 272k: the long band
        ("anthropic/claude-opus-5/global", "cache_write_1h", "2026-11-25T02:00:00Z", "10 USD"),
        ("anthropic/claude-opus-5/global", "reasoning", "2026-11-25T02:00:00Z", "25 USD"),
        // DeepSeek's page, 2026-11: peak at 10:00 in Beijing, half of it at 20:00.
        ("deepseek/deepseek-v4-pro/global", "output", "2026-11-25T02:00:00Z", "3.96 USD"),
        ("deepseek/deepseek-v4-pro/global", "output", "2026-11-25T12:00:00Z", "1.98 USD"),
        ("deepseek/deepseek-v4-pro/cn", "output", "2026-11-25T12:00:00Z", "13.5 CNY"),
        ("deepseek/deepseek-flash/cn", "input", "2026-11-25T02:00:00Z", "2 CNY"),
        // OpenAI's list price of gpt-6-astra; above 272k output is half as much again (litellm discussion #39633).
        ("openai/gpt-6-astra/global", "output", "2026-11-25T02:00:00Z", "50 USD"),
    ] {
        let million = used(&format!(r#"{{"{kind}": 1000000}}"#));
        let charged = books.plan(id).unwrap().charge(at(instant), Tier::Standard, &million).unwrap();
        assert_eq!(charged.charge.to_string(), price, "{id} {kind}");
    }
    let deepseek = books.plan("deepseek/deepseek-v4-pro/cn").unwrap();
    let after = deepseek.charge(at("2027-01-01T00:00:00+08:00"), Tier::Standard, &used(r#"{"input": 1}"#));
    assert!(matches!(after, Err(Unpriced::NoneMatches { .. })), "the holidays of 2027 are not known");
}

#[test]
fn a_name_goes_before_a_prefix_and_a_long_prefix_before_a_short_one() {
    let books = Books::new(vec![(
        "a.json".to_owned(),
        book(&[
            plan("all", "x", &["*"], None),
            plan("gpt", "x", &["gpt-5*"], None),
            plan("mini", "x", &["gpt-5-mini*", "other"], None),
            plan("exact", "x", &["gpt-5-mini"], None),
        ]),
    )])
    .unwrap();
    for (model, wanted) in [
        ("gpt-5-mini", "exact"),
        ("gpt-5-mini-2026-08-07", "mini"),
        ("gpt-5", "gpt"),
        ("gpt-4", "all"),
        ("other", "mini"),
        ("", "all"),
    ] {
        assert_eq!(ids(&books.find(Some("x"), model, None)), [wanted], "{model}");
    }
    assert!(books.find(Some("y"), "gpt-5", None).is_empty());
    let mini = books.plan("mini").unwrap();
    assert_eq!(
        (mini.fit("gpt-5-mini-x"), mini.fit("other"), mini.fit("gpt-5")),
        (Some(Fit::Prefix(10)), Some(Fit::Exact), None)
    );
    // The rule for served models: what no plan covers has no price, whatever was asked for.
    assert!(mini.covers("gpt-5-mini-2026-08-07") && !mini.covers("gpt-5-nano"));
    assert_eq!(books.version_of("mini"), Some("7"));
}

#[test]
fn a_named_site_goes_before_all_sites() {
    let plans = [
        plan("everywhere", "x", &["m"], None),
        plan("west", "x", &["m"], Some(&["cn-zhongwei", "cn-guian"])),
        plan("other", "y", &["m"], None),
    ];
    let books = Books::new(vec![("a.json".to_owned(), book(&plans))]).unwrap();
    assert_eq!(ids(&books.find(Some("x"), "m", Some("cn-guian"))), ["west"]);
    assert_eq!(ids(&books.find(Some("x"), "m", Some("us"))), ["everywhere"]);
    assert_eq!(ids(&books.find(Some("x"), "m", None)), ["everywhere"]);
    assert_eq!(ids(&books.find(None, "m", None)), ["everywhere", "other"], "the caller must say which");
}

#[test]
fn plan_ids_are_unique_over_all_books() {
    let one = || book(&[plan("p", "x", &["m"], None)]);
    let error = Books::new(vec![("a.json".to_owned(), one()), ("b.json".to_owned(), one())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b.json: plan `p`: the plan's id is already used in a.json\n  fix: rename one of the two plans, or load only one of the files"
    );
}

/// In New York the hour from 01:00 comes twice on 2026-11-01, and the one from 02:00 never on 2026-03-08.
#[test]
fn hours_are_what_the_clock_shows_when_summer_time_changes() {
    let hours = |from: &str, to: &str| serde_json::json!({"hours": [[from, to]], "zone": "America/New_York"});
    let mut night = plan("p", "x", &["m"], None);
    night["rates"] = serde_json::json!([
        {"id": "early", "kind": "input", "price": "1", "when": hours("00:00", "01:00")},
        {"id": "one", "kind": "input", "price": "2", "when": hours("01:00", "02:00")},
        {"id": "two", "kind": "input", "price": "3", "when": hours("02:00", "03:00")},
        {"id": "late", "kind": "input", "price": "4", "when": hours("03:00", "24:00")}]);
    let book = book(&[night]);
    let id = |instant: &str| {
        let one = used(r#"{"input": 1}"#);
        book.plan("p").unwrap().charge(at(instant), Tier::Standard, &one).unwrap().rate_ids.to_string()
    };
    let autumn = ["04:59:59.999", "05:00:00", "05:59:59", "06:00:00", "06:59:59", "07:00:00", "08:00:00"];
    let autumn = autumn.map(|time| id(&format!("2026-11-01T{time}Z")));
    assert_eq!(autumn, ["early", "one", "one", "one", "one", "two", "late"]);
    let spring = ["06:59:59.999999999", "07:00:00"].map(|time| id(&format!("2026-03-08T{time}Z")));
    assert_eq!(spring, ["one", "late"]);
}

#[test]
fn the_plan_says_whether_opening_or_end_picks_the_rate() {
    let dated = |instant: &str| {
        let mut dated = plan("p", "x", &["m"], None);
        dated["instant"] = serde_json::json!(instant);
        dated["rates"] = serde_json::json!([
            {"id": "old", "kind": "input", "price": "1", "to": "2026-06-18T02:00:00Z"},
            {"id": "new", "kind": "input", "price": "3", "from": "2026-06-18T02:00:00Z"}]);
        book(&[dated])
    };
    let (opened, ended) = (at("2026-06-18T01:59:59Z").opened, at("2026-06-18T02:00:00Z").opened);
    let across = Moment { opened, ended };
    let million = used(r#"{"input": 1000000}"#);
    for (instant, rate, bound) in [("opened", "old", "1 USD"), ("ended", "new", "3 USD")] {
        let book = dated(instant);
        let plan = book.plan("p").unwrap();
        assert_eq!(&*plan.charge(across, Tier::Standard, &million).unwrap().rate_ids, rate);
        assert_eq!(plan.bound(across, Tier::Standard, &million).unwrap().to_string(), bound);
    }
}

/// A hold made for `input` and `output` covers what they may turn out as.
#[test]
fn a_bound_takes_the_dearest_kind_and_band() {
    let books = shipped();
    let bound = |plan: &str, usage: &str| {
        let plan = books.plan(plan).unwrap();
        plan.bound(at("2026-11-25T02:00:00Z"), Tier::Standard, &used(usage)).unwrap().to_string()
    };
    // 1,000 × 3.125 ÷ 10⁶ (cache write) + 100 × 10 ÷ 10⁶.
    assert_eq!(bound("sim/large/us", r#"{"input": 1000, "output": 100}"#), "0.004125 USD");
    // 272,001 may be a long prompt: × 25 ÷ 10⁶ (cache write), and 1 × 75 ÷ 10⁶.
    assert_eq!(bound("openai/gpt-6-astra/global", r#"{"input": 272001, "output": 1}"#), "6.8001 USD");
    assert_eq!(bound("openai/gpt-6-astra/global", r#"{"input": 272000, "output": 1}"#), "3.40005 USD");
}

/// Two halves of a nano of one currency make one; of two currencies, each rounds alone.
#[test]
fn parts_of_an_attempt_are_summed_before_rounding_and_per_currency() {
    let priced = |id: &str, currency: &str| {
        let mut priced = plan(id, "x", &["m"], None);
        priced["currency"] = serde_json::json!(currency);
        priced["rates"][0]["price"] = serde_json::json!("0.0005"); // half a nano each
        priced
    };
    let book = book(&[priced("a", "USD"), priced("b", "USD"), priced("c", "CNY")]);
    let [a, b, c] = ["a", "b", "c"].map(|id| &**book.plan(id).unwrap());
    let one = used(r#"{"input": 1}"#);
    let charges =
        charge_parts(&[(a, &one), (c, &one), (b, &one)], at("2026-11-25T02:00:00Z"), Tier::Standard).unwrap();
    let written: Vec<String> = charges.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["0.000000001 USD", "0 CNY"]);
}

#[test]
fn a_charge_that_nothing_can_hold_is_refused_and_not_cut() {
    let book = book(&[plan("p", "x", &["m"], None)]);
    let charge = |count: u64| {
        let mut used = Tokens::default();
        used.set(Kind::Input, count);
        book.plan("p").unwrap().charge(at("2026-11-25T02:00:00Z"), Tier::Standard, &used)
    };
    // 1 USD a million is 1,000 nano each; 9,223,372,036,854,775 × 1,000 is the last that fits.
    assert_eq!(charge(9_223_372_036_854_775).unwrap().charge.amount.0, 9_223_372_036_854_775_000);
    assert!(matches!(charge(9_223_372_036_854_776), Err(Unpriced::TooLarge { .. })));
    assert!(matches!(charge(u64::MAX), Err(Unpriced::TooLarge { .. })));
}
