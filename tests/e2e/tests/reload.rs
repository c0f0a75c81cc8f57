//! A configuration changed while the gateway runs: taken whole, or not at all; and what an administrator switched off
//! stays off.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::{Call, Dialect, Gateway, House, Simulator, house};
use serde_json::{Value, json};

/// Waits until the gateway has said something.
fn heard(gateway: &Gateway, words: &str) {
    let begun = Instant::now();
    while !gateway.log().contains(words) {
        assert!(begun.elapsed() < Duration::from_secs(15), "never said `{words}`:\n{}", gateway.log());
        sleep(Duration::from_millis(50));
    }
}

fn limit_of(gateway: &Gateway, id: &str) -> Option<String> {
    let said = gateway.get("/v1/budget").unwrap().json();
    let budgets = said["budgets"].as_array().unwrap().clone();
    let budget = budgets.into_iter().find(|budget| budget["budget"] == id)?;
    budget["limit_nano"].as_str().map(str::to_owned)
}

#[test]
fn a_changed_configuration_is_taken_whole_or_not_at_all() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, &house::budget("org", "org = \"acme\"", "5 CNY"));
    let gateway = Gateway::start(&house);
    let served = |dialect: Dialect| Call::new(dialect, false).whole(gateway.listen).unwrap().status;
    assert_eq!((served(Dialect::Chat), served(Dialect::Messages)), (200, 200));
    assert_eq!(limit_of(&gateway, "org").unwrap(), "5000000000");
    let off = gateway.admin("PATCH", "/admin/v1/offers/chat", &json!({ "enabled": false })).unwrap();
    assert_eq!(off.status, 200, "{}", off.text());
    assert_eq!(served(Dialect::Chat), 503);

    let old = fs::read_to_string(house.config()).unwrap();
    let new = old.replace("5 CNY", "7 CNY");
    assert_ne!(old, new);
    fs::write(house.config(), &new).unwrap();
    heard(&gateway, "reloaded");
    assert_eq!(limit_of(&gateway, "org").unwrap(), "7000000000");
    assert_eq!((served(Dialect::Chat), served(Dialect::Messages)), (503, 200), "switched off, and still so");

    // Two changes, one of them wrong: neither is taken.
    fs::write(house.config(), new.replace("7 CNY", "9 CNY") + "\n[nonsense]\nkey = 1\n").unwrap();
    heard(&gateway, "reload refused");
    assert_eq!(limit_of(&gateway, "org").unwrap(), "7000000000");
    assert_eq!(served(Dialect::Messages), 200);
    let on = gateway.admin("PATCH", "/admin/v1/offers/chat", &json!({ "enabled": true })).unwrap();
    assert_eq!((on.status, served(Dialect::Chat)), (200, 200), "{}", on.text());
    let _: Value = on.json();
}
