//! What a crash leaves: holds of open attempts, and their end by the crash rule.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use accounts::audit;
use ledger::EntryBody;
use prices::Nano;
use support::{Books, START, cny, counts, declared, hold, house};

const BUDGETS: [&str; 2] = [
    r#"{"id":"cny","limit":"10 CNY","window":"day"}"#,
    r#"{"id":"usd","limit":"10 USD","window":"month","scope":{"key":"k1"}}"#,
];

#[test]
fn open_attempts_are_held_and_then_charged() {
    let (live, caller) = house(&BUDGETS);
    let books = Books::default();
    books.declare(&live);
    let mut holds = Vec::new();
    for nano in [710, 71, 100] {
        let at = books.now();
        let held = hold(&live, &caller, "m", nano, at).unwrap();
        let opened = books.open(&caller, &held, at);
        holds.push((held, opened));
    }
    let (held, opened) = holds.pop().unwrap();
    let priced = held.price(Some(cny(0)));
    books.settle(&opened, priced.spent(), Some(Nano(0)));
    priced.settle();
    drop(holds); // the process dies here: two holds are in the ledger, none ends
    assert_eq!(live.counters().holds_dropped, 2);

    let after = books.fold(declared(&BUDGETS));
    assert_eq!(counts(&after, "cny", START), (0, 781));
    assert_eq!(counts(&after, "usd", START), (0, 110)); // 710 / 7.1 and 71 / 7.1
    assert_eq!(after.view(), live.view());
    let open = after.open_attempts();
    assert_eq!(open.len(), 2);

    // One is counted at 36 nano of CNY, 5.07… of USD, rounded up; of the other nothing is known, so its hold is spent.
    for (opened, charge) in open.iter().zip([Some(36), None]) {
        assert!(after.is_open(opened.attempt_id));
        let spent = after.price_open(opened, charge.map(cny));
        let body = books.settled(opened, &spent, charge.map(Nano));
        books.append(body.clone());
        after.apply_body(&body).unwrap();
        after.apply_body(&body).unwrap(); // a second time: nothing
    }
    assert!(after.open_attempts().is_empty());
    assert_eq!(counts(&after, "cny", START), (36 + 71, 0));
    assert_eq!(counts(&after, "usd", START), (6 + 10, 0));
    let report = audit::check_prefixes(books.entries.lock().iter(), &[]).unwrap();
    assert_eq!((report.opened, report.settled, report.open.len()), (3, 3, 0));
}

#[test]
fn a_late_end_counts_in_the_window_it_was_opened_in() {
    let day = 86_400_000_000;
    let (live, caller) = house(&BUDGETS);
    let books = Books::default();
    books.declare(&live);
    let at = books.now();
    let held = hold(&live, &caller, "m", 100, at).unwrap();
    let opened = books.open(&caller, &held, at);
    books.pass(day);
    let tomorrow = books.now();
    let other = hold(&live, &caller, "m", 7, tomorrow).unwrap();
    books.open(&caller, &other, tomorrow);
    let priced = held.price(Some(cny(50)));
    books.settle(&opened, priced.spent(), Some(Nano(50)));
    priced.settle();
    assert_eq!(counts(&live, "cny", START), (50, 0));
    assert_eq!(counts(&live, "cny", START + day), (0, 7));
    assert_eq!(books.fold(declared(&BUDGETS)).view(), live.view());
    drop(other);
}

#[test]
fn an_entry_that_cannot_be_read_is_an_error_and_changes_nothing() {
    let (accounts, _) = house(&BUDGETS);
    let before = accounts.view();
    for (budget, definition) in [("cny", "{"), ("cny", r#"{"id":"else","limit":"1 CNY","window":"day"}"#)] {
        let set = ledger::BudgetSet {
            budget: ledger::name(budget),
            definition: ledger::name(definition),
            actor: ledger::name("admin"),
        };
        let error = accounts.apply_body(&EntryBody::Budget(Box::new(set))).unwrap_err().to_string();
        assert!(error.starts_with("the state of budget `cny` cannot be read"), "{error}");
    }
    assert_eq!(accounts.view(), before);
}
