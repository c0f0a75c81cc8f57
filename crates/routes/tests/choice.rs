//! The mask and the choice, as a caller of the crate sees them.
#![allow(missing_docs, clippy::unwrap_used)] // a test fails by panicking

use std::sync::Arc;

use routes::{
    Ask, Capability, DataClass, InferenceScope, Objective, Offer, Plan, Policy, Price, Rule, Table, Why,
};

fn offer(id: &str, provider: &str, jurisdiction: &str, scope: InferenceScope) -> Offer {
    Offer {
        id: id.to_owned(),
        provider: provider.to_owned(),
        dialect: "openai-chat".to_owned(),
        model: "m".to_owned(),
        names: vec!["m".to_owned()],
        site: format!("site-of-{id}"),
        jurisdiction: jurisdiction.to_owned(),
        inference_scope: scope,
        price_plan: id.to_owned(),
        context_window: 1_000,
        max_output: 500,
        capabilities: Capability::Stream.bit() | Capability::Tools.bit(),
        concurrency: Some(2),
        disabled: Arc::new(false.into()),
        in_flight: Arc::new(0.into()),
        health: Arc::default(),
    }
}

fn rule(classes: &[DataClass]) -> Rule {
    Rule { data_class: classes.to_vec(), ..Rule::default() }
}

fn table(rules: Vec<Rule>, objective: Objective) -> Table {
    let offers = vec![
        offer("cn", "east", "CN", InferenceScope::InRegion),
        offer("us", "west", "US", InferenceScope::Country),
        offer("cn-anywhere", "east", "CN", InferenceScope::Global),
    ];
    let policy = Policy { id: "p".to_owned(), objective, max_attempts: 3, first_token_ms: None, rules };
    Table::new(offers, vec![], vec![policy]).unwrap()
}

fn ask(class: DataClass) -> Ask<'static> {
    Ask {
        model: "m",
        policy: Some("p"),
        dialect: "openai-chat",
        needs: 0,
        input_tokens: 10,
        max_output: Some(100),
        data_class: class,
        now: 0,
    }
}

/// cn costs 3, us 1, cn-anywhere 2.
fn price(offer: &Offer) -> Price {
    Price::Known(match offer.id.as_str() {
        "cn" => 3,
        "us" => 1,
        _ => 2,
    })
}

fn kept(plan: &Plan) -> Vec<&str> {
    plan.kept.iter().map(|kept| kept.offer.id.as_str()).collect()
}

fn reasons(plan: &Plan) -> Vec<(&str, Why)> {
    plan.rejected.iter().map(|rejected| (rejected.offer.id.as_str(), rejected.why)).collect()
}

#[test]
fn the_cheapest_comes_first_and_every_offer_has_its_reason() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Cost);
    let plan = table.choose(&ask(DataClass::Public), price).unwrap();
    assert_eq!(kept(&plan), ["us", "cn-anywhere", "cn"]);
    assert_eq!(
        plan.reason(1, "attempt 1 at us failed (rate)"),
        "cn-anywhere: cheapest of 3 eligible by p, after attempt 1 at us failed (rate); us: tried before; cn: next"
    );
}

#[test]
fn what_no_rule_speaks_of_goes_nowhere() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Cost);
    let plan = table.choose(&ask(DataClass::Personal), price).unwrap();
    assert_eq!(plan.refusal(), Some("no_lawful_offer"));
    assert!(plan.rejected.iter().all(|rejected| rejected.why == Why::Law), "{plan:?}");
}

#[test]
fn a_jurisdiction_binds_the_place_of_inference_too() {
    let bound = Rule { allow_jurisdictions: vec!["CN".to_owned()], ..rule(&[DataClass::Personal]) };
    let plan = table(vec![bound], Objective::Cost).choose(&ask(DataClass::Personal), price).unwrap();
    assert_eq!(kept(&plan), ["cn"]);
    assert_eq!(reasons(&plan), [("us", Why::Law), ("cn-anywhere", Why::Law)]);
    assert!(plan.reason(0, "").contains("cn-anywhere: rejected, its inference may leave the jurisdiction"));
}

#[test]
fn every_rule_that_speaks_must_allow() {
    let place = Rule { deny_jurisdictions: vec!["US".to_owned()], ..rule(&[DataClass::Internal]) };
    let who = Rule { deny_providers: vec!["east".to_owned()], ..rule(&[DataClass::Internal]) };
    let plan = table(vec![place, who], Objective::Cost).choose(&ask(DataClass::Internal), price).unwrap();
    assert_eq!(plan.refusal(), Some("no_lawful_offer"));
}

#[test]
fn what_an_offer_cannot_do_rejects_it() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Ordered);
    for (ask, why) in [
        (Ask { needs: Capability::Vision.bit(), ..ask(DataClass::Public) }, Why::Capability),
        (Ask { dialect: "anthropic-messages", ..ask(DataClass::Public) }, Why::Capability),
        (Ask { max_output: Some(501), ..ask(DataClass::Public) }, Why::Context),
        (Ask { input_tokens: 901, ..ask(DataClass::Public) }, Why::Context),
    ] {
        let plan = table.choose(&ask, price).unwrap();
        assert!(plan.rejected.iter().all(|rejected| rejected.why == why), "{plan:?}");
        assert_eq!(plan.refusal(), Some("no_capable_offer"));
    }
    let fits = Ask { input_tokens: 900, ..ask(DataClass::Public) };
    assert_eq!(kept(&table.choose(&fits, price).unwrap()), ["cn", "us", "cn-anywhere"]);
}

#[test]
fn a_full_quota_a_closed_circuit_and_a_switch_reject() {
    use std::sync::atomic::Ordering::Relaxed;
    let table = table(vec![rule(&[DataClass::Public])], Objective::Ordered);
    table.offer("cn").unwrap().in_flight.store(2, Relaxed);
    (0..5).for_each(|_| table.offer("us").unwrap().health.failed(0));
    table.offer("cn-anywhere").unwrap().set_disabled(true);
    let plan = table.choose(&ask(DataClass::Public), price).unwrap();
    assert_eq!(reasons(&plan), [("cn", Why::Quota), ("us", Why::Health), ("cn-anywhere", Why::Disabled)]);
    assert_eq!(plan.refusal(), Some("overloaded"));
}

#[test]
fn an_unknown_price_is_never_cheap() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Cost);
    let plan = table.choose(&ask(DataClass::Public), |_| Price::Unknown).unwrap();
    assert_eq!(plan.refusal(), Some("price_unknown"));
    let one = |offer: &Offer| if offer.id == "us" { Price::Unknown } else { price(offer) };
    assert_eq!(kept(&table.choose(&ask(DataClass::Public), one).unwrap()), ["cn-anywhere", "cn"]);
}

#[test]
fn no_such_model_is_no_plan() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Cost);
    assert!(table.choose(&Ask { model: "nobody", ..ask(DataClass::Public) }, price).is_none());
}

/// A virtual model chooses by its own policy, but what the project's policy forbids stays forbidden.
#[test]
fn a_virtual_model_does_not_lead_out_of_the_projects_mask() {
    let offers = vec![
        offer("cn", "east", "CN", InferenceScope::InRegion),
        offer("us", "west", "US", InferenceScope::Country),
    ];
    let policy = |id: &str, rule: Rule| Policy {
        id: id.to_owned(),
        objective: Objective::Cost,
        max_attempts: 3,
        first_token_ms: None,
        rules: vec![rule],
    };
    let home = Rule { allow_jurisdictions: vec!["CN".to_owned()], ..rule(&[DataClass::Personal]) };
    let policies = vec![policy("p", home), policy("lax", rule(&[DataClass::Personal]))];
    let virtual_model = ("v".to_owned(), vec!["us".to_owned(), "cn".to_owned()], Some("lax".to_owned()));
    let table = Table::new(offers, vec![virtual_model], policies).unwrap();
    let plan = table.choose(&Ask { model: "v", ..ask(DataClass::Personal) }, price).unwrap();
    assert_eq!((plan.policy.id.as_str(), kept(&plan)), ("lax", vec!["cn"]));
    assert_eq!(reasons(&plan), [("us", Why::Law)]);
}

#[test]
fn what_may_cost_too_much_has_a_word_of_its_own() {
    let table = table(vec![rule(&[DataClass::Public])], Objective::Cost);
    let mut plan = table.choose(&ask(DataClass::Public), price).unwrap();
    plan.reject_unless(Why::MaxCharge, "too dear", |offer| offer.id == "us");
    assert_eq!((kept(&plan), plan.refusal()), (vec!["us"], None));
    plan.reject_unless(Why::MaxCharge, "too dear", |_| false);
    assert_eq!(plan.refusal(), Some("max_charge_exceeded"));
}
