//! Orgs, projects, keys, and the configuration's place beside them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod support;

use accounts::{Accounts, AccountsError, Declared, Key, KeySpec, Limits, Mode, Secret, user_label};
use ledger::{EntryBody, UnixMicros, name};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Books, SECRET, START, budget, counts, declared, fx, hold, house, key, org, project};

const NOW: UnixMicros = UnixMicros(START);

fn spec(id: &str) -> KeySpec {
    KeySpec { id: Some(id.into()), project: "claims".into(), ..KeySpec::default() }
}

#[test]
fn one_refusal_for_absent_wrong_revoked_and_expired() {
    let mut all = declared(&[]);
    all.keys.push(Key { revoked: true, ..key("dead", "claims", "th-dead") });
    all.keys.push(Key { expires: Some(NOW), ..key("old", "claims", "th-old") });
    let accounts = Accounts::new(all, fx()).unwrap();
    let texts: Vec<_> = ["", "th-guess", "th-dead", "th-old"]
        .into_iter()
        .map(|secret| accounts.caller(secret, NOW).unwrap_err().to_string())
        .collect();
    assert!(
        texts.iter().all(|text| text == "the API key is missing, wrong, revoked or expired"),
        "{texts:?}"
    );
    assert!(accounts.caller("th-old", UnixMicros(START - 1)).is_ok(), "it opened until then");
    assert_eq!(accounts.caller(SECRET, NOW).unwrap().key.id, "k1");
}

#[test]
fn a_key_is_made_used_and_revoked() {
    let (accounts, _) = house(&[]);
    let books = Books::default();
    let models = vec!["assistant".to_owned(), "qwen-*".to_owned()];
    let (secret, body) = accounts.create_key(KeySpec { models, ..spec("new") }, "admin").unwrap();
    assert!(accounts.caller(secret.show_once(), NOW).is_err(), "not before it is enacted");
    books.enact(&accounts, &body);
    let caller = accounts.caller(secret.show_once(), NOW).unwrap();
    for (model, may) in
        [("assistant", true), ("assistant-2", false), ("qwen-plus", true), ("qwen", false), ("", false)]
    {
        assert_eq!(accounts.may_use_model(&caller, model), may, "{model}");
    }
    let twice = accounts.create_key(spec("new"), "admin").unwrap_err();
    assert_eq!(twice.to_string(), "key `new` is there already\n  fix: give one of them another id");
    let (_, unnamed) = accounts.create_key(KeySpec { id: None, ..spec("") }, "admin").unwrap();
    let EntryBody::Admin(made) = unnamed else { panic!("another entry") };
    assert!(made.object.starts_with("key-") && made.object.len() == 12, "{}", made.object);

    let body = accounts.revoke_key("new", "admin").unwrap();
    books.enact(&accounts, &body);
    assert!(accounts.caller(secret.show_once(), NOW).is_err());
    // Whoever sets it again: under this secret it stays revoked.
    let body = accounts.set_key(spec("new"), "admin").unwrap();
    books.enact(&accounts, &body);
    assert!(accounts.caller(secret.show_once(), NOW).is_err());

    let written = format!("{:?} {:?}", books.entries.lock(), accounts);
    assert!(!written.contains(secret.show_once()) && written.contains("new"));
    assert_eq!(books.fold(declared(&[])).view(), accounts.view());
}

#[test]
fn a_callers_own_labels_stand() {
    let mut all = declared(&[]);
    all.keys[0].app = "assistant".into();
    all.keys[1].domain = Some("healthcare".into());
    let accounts = Accounts::new(all, fx()).unwrap();
    let user = user_label("acme", "alice");
    assert_eq!((user.len(), user_label("acme", "").len()), (32, 0));
    let labels = |secret, app, domain| {
        let labels = accounts.caller(secret, NOW).unwrap().labels(app, domain, &user);
        (labels.app.to_string(), labels.domain.to_string())
    };
    let pair = |app: &str, domain: &str| (app.to_owned(), domain.to_owned());
    assert_eq!(labels(SECRET, "other", "industrial"), pair("assistant", "industrial"));
    assert_eq!(labels(SECRET, "", ""), pair("assistant", "finance"), "the project's domain is last");
    assert_eq!(labels("th-other", "mine", "industrial"), pair("mine", "healthcare"));
    let caller = accounts.caller(SECRET, NOW).unwrap();
    assert!(std::sync::Arc::ptr_eq(&caller.labels("x", "", &name("")), caller.own_labels()));
}

#[test]
fn limits_outlive_a_change_of_the_key() {
    let mut all = declared(&[]);
    all.keys[0].limits = Limits { rpm: Some(2), ..Limits::default() };
    let accounts = Accounts::new(all, fx()).unwrap();
    let admit = || accounts.admit(&accounts.caller(SECRET, NOW).unwrap(), NOW, 1);
    assert!(admit().is_ok() && admit().is_ok() && admit().is_err());
    let wider = KeySpec { limits: Limits { rpm: Some(3), ..Limits::default() }, ..spec("k1") };
    accounts.apply_body(&accounts.set_key(wider, "admin").unwrap()).unwrap();
    assert!(admit().is_ok() && admit().is_err(), "one more, not three");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let with = |change: &dyn Fn(&mut Declared)| {
        let mut all = declared(&[r#"{"id":"b","limit":"1 CNY","window":"day"}"#]);
        change(&mut all);
        Accounts::new(all, fx()).unwrap_err().to_string()
    };
    let missing =
        |text: &str| format!("{text}, which does not exist\n  fix: declare it, or correct the name");
    assert_eq!(with(&|all| all.keys[0].project = "clams".into()), missing("key `k1` names project `clams`"));
    assert_eq!(
        with(&|all| all.projects[0].org = "acne".into()),
        missing("project `claims` names org `acne`")
    );
    assert_eq!(
        with(&|all| all.budgets[0].scope.key = Some("k9".into())),
        missing("budget `b` names key `k9`")
    );
    for change in [
        (&|all: &mut Declared| all.keys[1].id = "k1".into()) as &dyn Fn(&mut Declared),
        &|all| all.keys[1].secret_hash = all.keys[0].secret_hash,
        &|all| all.orgs[0].time_zone = "Asia/Peking".into(),
        &|all| all.budgets[0].zone = "Mars".into(),
        &|all| all.budgets[0].id = String::new(),
        &|all| all.orgs[0].id = "a\nb".into(),
    ] {
        assert!(with(change).contains("fix: "), "{}", with(change));
    }
}

#[test]
fn a_budgets_zone_is_that_of_who_pays() {
    let mut all = declared(&[
        r#"{"id":"key","scope":{"key":"k3"},"limit":"1 CNY","window":"day"}"#,
        r#"{"id":"project","scope":{"project":"claims"},"limit":"1 CNY","window":"day"}"#,
        r#"{"id":"all","limit":"1 CNY","window":"day"}"#,
        r#"{"id":"own","scope":{"org":"acme"},"limit":"1 CNY","window":"day","zone":"Europe/London"}"#,
    ]);
    let zones = |all: &Declared| {
        let budgets = Accounts::new(all.clone(), fx()).unwrap().budgets(NOW);
        budgets
            .iter()
            .map(|state| format!("{} {}", state.def.id, state.def.zone))
            .collect::<Vec<_>>()
            .join(", ")
    };
    all.keys.push(key("k3", "us", "th-3"));
    all.projects.push(project("us", "usa"));
    all.orgs.push(org("usa", "America/New_York"));
    assert_eq!(zones(&all), "all UTC, key America/New_York, own Europe/London, project Asia/Shanghai");
    assert!(
        zones(&declared(&[r#"{"id":"all","limit":"1 CNY","window":"day"}"#])).ends_with("Asia/Shanghai"),
        "the only org's"
    );
}

#[test]
fn a_budget_is_what_it_is() {
    let (accounts, caller) = house(&[r#"{"id":"b","limit":"1 CNY","window":"day"}"#]);
    let set = |json: &str| accounts.set_budget(budget(json), "admin");
    let refusal = set(r#"{"id":"b","limit":"1 CNY","window":"month"}"#).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "budget `b`: its window cannot change from day to month\n  fix: remove it, and set a budget with another id"
    );
    assert!(set(r#"{"id":"b","limit":"1 USD","window":"day"}"#).is_err());
    assert!(set(r#"{"id":"b","limit":"1 CNY","window":"day","scope":{"key":"k1"}}"#).is_err());

    hold(&accounts, &caller, "m", 5, START).unwrap().price(None).settle();
    accounts.apply_body(&accounts.remove_budget("b", "admin").unwrap()).unwrap();
    assert!(accounts.budgets(NOW).is_empty() && accounts.remove_budget("b", "admin").is_err());
    assert!(hold(&accounts, &caller, "m", i64::MAX / 2, START).unwrap().parts().is_empty());
    assert!(set(r#"{"id":"b","limit":"1 USD","window":"day"}"#).is_err(), "its id is taken for ever");
    accounts.apply_body(&set(r#"{"id":"b","limit":"2 CNY","window":"day"}"#).unwrap()).unwrap();
    assert_eq!(counts(&accounts, "b", START), (5, 0), "its counts were kept");
    assert_eq!(accounts.budgets_for(&caller, NOW)[0].left().0, 1_999_999_995);
}

/// The configuration is told to the ledger once; an administrator's change stands until the configuration changes.
#[test]
fn the_configuration_speaks_when_it_has_something_new_to_say() {
    let b = |limit: &str| format!(r#"{{"id":"b","limit":"{limit} CNY","window":"day"}}"#);
    let books = Books::default();
    let start = |all: Declared| {
        let accounts = books.fold(all);
        let changes = accounts.declared_changes();
        for body in &changes {
            books.enact(&accounts, body);
        }
        (accounts, changes.len())
    };
    let limit = |accounts: &Accounts| accounts.budget("b").unwrap().limit.to_string();

    let (first, told) = start(declared(&[&b("1")]));
    assert_eq!(told, 1 + 2 + 2 + 1, "org, projects, keys, budget");
    let body = first.set_budget(budget(&b("5")), "admin").unwrap();
    books.enact(&first, &body);

    let (second, told) = start(declared(&[&b("1")]));
    assert_eq!((told, limit(&second)), (0, "5 CNY".into()));
    let (third, told) = start(declared(&[&b("3")]));
    assert_eq!((told, limit(&third)), (1, "3 CNY".into()));

    let reload = third.declare(declared(&[])).unwrap();
    assert_eq!(reload.len(), 1);
    books.enact(&third, &reload[0]);
    assert!(third.budgets(NOW).is_empty());
    let wrong = third.declare(declared(&[r#"{"id":"b","limit":"1 CNY","window":"hour"}"#])).unwrap_err();
    assert!(matches!(wrong, AccountsError::Fixed { .. }));
    assert!(third.declared_changes().is_empty(), "a wrong configuration changes nothing");

    // A start may change what a budget is: it counts from nothing.
    let (fourth, told) = start(declared(&[r#"{"id":"b","limit":"1 CNY","window":"hour","mode":"warn"}"#]));
    assert_eq!((told, fourth.budget("b").unwrap().mode), (1, Mode::Warn));

    // A key that is taken out and put back lives; one that was revoked does not.
    let mut without = declared(&[]);
    let taken = without.keys.remove(1);
    let (fifth, _) = start(without.clone());
    assert!(fifth.caller("th-other", NOW).is_err());
    without.keys.push(taken);
    let (sixth, _) = start(without.clone());
    assert!(sixth.caller("th-other", NOW).is_ok());
    let body = sixth.revoke_key("k2", "admin").unwrap();
    books.enact(&sixth, &body);
    without.keys[1].app = "changed".into();
    let (seventh, told) = start(without);
    assert!(told == 1 && seventh.caller("th-other", NOW).is_err());
}

proptest! {
    /// Any changes of objects, folded from their entries, give the live state.
    #[test]
    fn changes_fold_to_the_live_state(steps in vec((0..6_u8, 0..3_u8, 0..4_i64), 0..40)) {
        let (accounts, _) = house(&[]);
        let books = Books::default();
        books.declare(&accounts);
        for (what, which, value) in steps {
            let id = format!("x{which}");
            let body = match what {
                0 => accounts.create_key(spec(&id), "admin").map(|(_, body)| body),
                1 => accounts.set_key(KeySpec { app: value.to_string(), ..spec(&id) }, "admin"),
                2 => accounts.revoke_key(&id, "admin"),
                3 => accounts.set_org(&org(&id, "UTC"), "admin"),
                4 => accounts.set_project(&project(&id, &format!("x{value}")), "admin"),
                _ if value == 0 => accounts.remove_budget(&id, "admin"),
                _ => accounts.set_budget(
                    budget(&format!(r#"{{"id":"{id}","limit":"{value} CNY","window":"day","scope":{{"project":"claims"}}}}"#)),
                    "admin",
                ),
            };
            if let Ok(body) = body {
                books.enact(&accounts, &body);
            }
        }
        prop_assert_eq!(books.fold(declared(&[])).view(), accounts.view());
    }
}

#[test]
fn a_secret_from_elsewhere_hashes_alike() {
    assert_eq!(Secret::from_text(SECRET).hash(), key("k", "p", SECRET).secret_hash);
}
