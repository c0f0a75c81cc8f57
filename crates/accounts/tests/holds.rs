//! Holds: all or none, never above a limit, and the same from the ledger as live.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accounts::{Accounts, Caller, Hold, HoldRefusal, Mode, Priced, audit};
use ledger::{Opened, UnixMicros};
use prices::{Currency, Nano};
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Books, START, budget, cny, counts, declared, fx, hold, house};

const HOUR: i64 = 3_600_000_000;

#[test]
fn a_hold_is_taken_in_all_or_in_none() {
    let (accounts, caller) = house(&[
        r#"{"id":"key","scope":{"key":"k1"},"limit":"10 CNY","window":"day"}"#,
        r#"{"id":"org","scope":{"org":"acme"},"limit":"5 CNY","window":"month"}"#,
        r#"{"id":"else","scope":{"project":"sales"},"limit":"1 CNY","window":"month"}"#,
        r#"{"id":"model","scope":{"model":"big","provider":"p"},"limit":"1 CNY","window":"total"}"#,
    ]);
    let first = hold(&accounts, &caller, "small", 4_000_000_000, START).unwrap();
    let names: Vec<_> = first.parts().iter().map(|part| &*part.budget).collect();
    assert_eq!(names, ["key", "org"]);

    let HoldRefusal::Budget(refusal) = hold(&accounts, &caller, "small", 1_000_000_001, START).unwrap_err()
    else {
        panic!("another refusal")
    };
    // 2026-12-01T00:00 in Shanghai is 16:00 of the day before in UTC.
    assert_eq!(
        refusal.to_string(),
        "budget `org` (org acme) allows 5 CNY a month: 0 spent, 4 held, this call needs 1.000000001; \
         resets at 2026-12-01T00:00:00+08:00"
    );
    assert_eq!(
        refusal.resets_at,
        Some(UnixMicros("2026-11-30T16:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond()))
    );
    assert_eq!(counts(&accounts, "key", START), (0, 4_000_000_000), "nothing of the refused call is left");

    assert!(hold(&accounts, &caller, "big", 1_000_000_000, START).is_ok());
    first.release();
    assert_eq!(accounts.counters().holds_dropped, 1, "the big one was dropped, and stays held");
    assert_eq!(counts(&accounts, "key", START), (0, 1_000_000_000));
    let other = accounts.caller("th-other", UnixMicros(START)).unwrap();
    let HoldRefusal::Budget(refusal) = hold(&accounts, &other, "big", 1, START).unwrap_err() else {
        panic!("another refusal")
    };
    assert_eq!((refusal.budget.as_str(), refusal.resets_at), ("model", None));
    assert!(
        refusal
            .to_string()
            .starts_with("budget `model` (model big, provider p) allows 1 CNY in total: 0 spent, 1 held")
    );
}

#[test]
fn a_settlement_above_the_hold_counts_before_it_is_written() {
    let (accounts, caller) = house(&[r#"{"id":"b","limit":"10 CNY","window":"day"}"#]);
    let held = hold(&accounts, &caller, "m", 6_000_000_000, START).unwrap();
    let priced = held.price(Some(cny(11_000_000_000)));
    assert_eq!(counts(&accounts, "b", START), (0, 11_000_000_000));
    assert!(hold(&accounts, &caller, "m", 0, START).is_err(), "an excess blocks even what costs nothing");
    priced.settle();
    assert_eq!(counts(&accounts, "b", START), (11_000_000_000, 0));
    assert_eq!(accounts.counters().holds_exceeded, 1);
    // A call belongs to the window in which it opened; tomorrow has its own.
    hold(&accounts, &caller, "m", 10_000_000_000, START + 24 * HOUR).unwrap().release();
}

#[test]
fn what_is_unknown_is_charged_at_the_hold() {
    let (accounts, caller) = house(&[r#"{"id":"b","limit":"10 CNY","window":"day"}"#]);
    let priced = hold(&accounts, &caller, "m", 3, START).unwrap().price(None);
    assert_eq!(priced.spent()[0].amount, Nano(3));
    priced.settle();
    assert_eq!(counts(&accounts, "b", START), (3, 0));
}

#[test]
fn currencies_need_a_rate_and_round_up() {
    let budgets = [
        r#"{"id":"usd","limit":"10 USD","window":"day"}"#,
        r#"{"id":"eur","limit":"10 EUR","window":"day","mode":"warn"}"#,
        r#"{"id":"max","limit":"10 CNY","window":"day","hold":"max"}"#,
    ];
    let (accounts, caller) = house(&budgets);
    let held = hold(&accounts, &caller, "m", 72, START).unwrap();
    let amounts: Vec<_> = held.parts().iter().map(|part| (&*part.budget, part.amount.0)).collect();
    // 72 nano of CNY at 7.1 are 10.14… nano of USD; the euro's budget warns and cannot count.
    assert_eq!(amounts, [("usd", 11), ("max", 144)]);
    assert_eq!(held.charge(), cny(144));
    held.release();
    let euro = accounts.budgets(UnixMicros(START)).into_iter().find(|state| state.def.id == "eur").unwrap();
    assert_eq!((euro.uncounted, euro.spent.0), (1, 0));

    let stop = accounts
        .set_budget(accounts::BudgetDef { mode: Mode::Enforce, ..(*euro.def).clone() }, "admin")
        .unwrap();
    accounts.apply_body(&stop).unwrap();
    let refusal = hold(&accounts, &caller, "m", 72, START).unwrap_err();
    let no_rate =
        HoldRefusal::NoRate { budget: "eur".into(), from: Currency::CNY, to: "EUR".parse().unwrap() };
    assert_eq!(refusal, no_rate);
}

#[test]
fn a_clock_far_back_meets_closed_windows() {
    let (accounts, caller) = house(&[r#"{"id":"b","limit":"10 CNY","window":"hour"}"#]);
    for hour in 0..20 {
        hold(&accounts, &caller, "m", 1, START + hour * HOUR).unwrap().price(None).settle();
    }
    // The last twelve are kept: 8 to 19.
    hold(&accounts, &caller, "m", 1, START + 8 * HOUR).unwrap().release();
    let refusal = hold(&accounts, &caller, "m", 1, START + 7 * HOUR).unwrap_err();
    assert!(matches!(refusal, HoldRefusal::WindowClosed { .. }), "{refusal}");
    assert!(refusal.to_string().contains("2026-11-25T15:00:00+08:00"), "{refusal}");
}

/// The instant between memory and ledger: whatever is written there must be within the old limit and the new.
#[test]
fn a_change_of_limit_has_no_gap() {
    let json = |limit: &str, mode: &str| {
        budget(&format!(r#"{{"id":"b","limit":"{limit} CNY","window":"day","mode":"{mode}"}}"#))
    };
    let (accounts, caller) = house(&[r#"{"id":"b","limit":"5 CNY","window":"day"}"#]);
    for (def, fits_between, fits_after) in [
        (json("9", "enforce"), 5, 9), // a raise: the old limit until it is written
        (json("3", "enforce"), 3, 3), // a cut: the new one before it is written
        (json("1", "warn"), 3, 1_000),
        (json("7", "enforce"), 7, 7),
    ] {
        let most = || {
            let fits = |units: &i64| {
                let taken = hold(&accounts, &caller, "m", units * 1_000_000_000, START);
                taken.map(Hold::release).is_ok()
            };
            (1..=1_000).take_while(fits).count()
        };
        let body = accounts.set_budget(def, "admin").unwrap();
        let between = accounts.enact(&body, |_| Ok::<_, String>(most())).unwrap();
        assert_eq!((between, most()), (fits_between, fits_after));
    }
    let body = accounts.set_budget(json("2", "enforce"), "admin").unwrap();
    assert_eq!(
        accounts.enact(&body, |_| Err::<(), _>("the ledger is poisoned")).unwrap_err().to_string(),
        "the ledger is poisoned"
    );
    assert_eq!(
        accounts.budget("b").unwrap().limit.to_string(),
        "2 CNY",
        "on the safe side until the next start"
    );
}

/// A step of a schedule. Numbers pick among what there is.
#[derive(Clone, Debug)]
enum Step {
    Hold { model: bool, nano: i64 },
    Open(prop::sample::Index),
    Settle(prop::sample::Index, Option<i64>),
    End(prop::sample::Index),
    Release(prop::sample::Index),
    Limit { budget: usize, nano: i64, warn: bool },
    Remove(usize),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    prop_oneof![
        6 => (any::<bool>(), 0..500_i64).prop_map(|(model, nano)| Step::Hold { model, nano }),
        5 => any::<Index>().prop_map(Step::Open),
        5 => (any::<Index>(), prop::option::of(0..700_i64)).prop_map(|(at, nano)| Step::Settle(at, nano)),
        5 => any::<Index>().prop_map(Step::End),
        1 => any::<Index>().prop_map(Step::Release),
        2 => (0..4_usize, 0..3_000_i64, any::<bool>()).prop_map(|(budget, nano, warn)| Step::Limit { budget, nano, warn }),
        1 => (0..4_usize).prop_map(Step::Remove),
        1 => (0..HOUR / 6).prop_map(Step::Pass),
    ]
}

const BUDGETS: [&str; 4] = [
    r#"{"id":"key-hour","scope":{"key":"k1"},"limit":"0.000001500 CNY","window":"hour"}"#,
    r#"{"id":"org-day","scope":{"org":"acme"},"limit":"0.000000400 USD","window":"day","hold":"max"}"#,
    r#"{"id":"model-ever","scope":{"model":"m"},"limit":"0.000002000 CNY","window":"total"}"#,
    r#"{"id":"project-month","scope":{"project":"claims"},"limit":"0.000001000 CNY","window":"month","mode":"warn"}"#,
];

/// Runs a schedule as the gateway would, checking each hold as it goes.
struct Run {
    accounts: Accounts,
    caller: Arc<Caller>,
    books: Books,
    taken: Vec<(Hold, i64)>,
    opened: Vec<(Hold, Arc<Opened>)>,
    /// Settled in the ledger, and not yet in memory.
    settled: Vec<Priced>,
}

impl Run {
    fn new() -> Self {
        let (accounts, caller) = house(&BUDGETS);
        let books = Books::default();
        books.declare(&accounts);
        Self { accounts, caller, books, taken: Vec::new(), opened: Vec::new(), settled: Vec::new() }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Hold { model, nano } => self.hold(if *model { "m" } else { "n" }, *nano)?,
            Step::Open(which) if !self.taken.is_empty() => {
                let (hold, at) = self.taken.swap_remove(which.index(self.taken.len()));
                let opened = self.books.open(&self.caller, &hold, at);
                self.opened.push((hold, opened));
            }
            Step::Settle(which, nano) if !self.opened.is_empty() => {
                let (hold, opened) = self.opened.swap_remove(which.index(self.opened.len()));
                let priced = hold.price(nano.map(cny));
                self.books.settle(&opened, priced.spent(), nano.map(Nano));
                self.settled.push(priced);
            }
            Step::End(which) if !self.settled.is_empty() => {
                self.settled.swap_remove(which.index(self.settled.len())).settle();
            }
            Step::Release(which) if !self.taken.is_empty() => {
                self.taken.swap_remove(which.index(self.taken.len())).0.release();
            }
            Step::Limit { budget: which, nano, warn } => {
                let mut def = declared_budget(&self.accounts, *which);
                def.limit.amount = Nano(*nano);
                def.mode = if *warn { Mode::Warn } else { Mode::Enforce };
                let body = self.accounts.set_budget(def, "admin").unwrap();
                self.books.enact(&self.accounts, &body);
            }
            Step::Remove(which) => {
                let id = declared_budget(&self.accounts, *which).id;
                if let Ok(body) = self.accounts.remove_budget(&id, "admin") {
                    self.books.enact(&self.accounts, &body);
                }
            }
            Step::Pass(micros) => self.books.pass(*micros),
            Step::Open(_) | Step::Settle(..) | Step::End(_) | Step::Release(_) => {}
        }
        Ok(())
    }

    /// A hold is taken exactly when every enforced budget in scope has that much left, and then in all of them.
    fn hold(&mut self, model: &str, nano: i64) -> Result<(), TestCaseError> {
        let at = self.books.now();
        let before = self.accounts.budgets(UnixMicros(at));
        let needs = |state: &accounts::BudgetState| match state.def.id.as_str() {
            "org-day" => (i128::from(nano) * 2 * 10 + 70) / 71, // the maximum, in USD at 7.1, rounded up
            "model-ever" if model != "m" => 0,
            _ => i128::from(nano),
        };
        let in_scope = |state: &&accounts::BudgetState| model == "m" || state.def.id != "model-ever";
        let has_room =
            |state: &accounts::BudgetState| state.def.mode == Mode::Warn || state.left().0 >= needs(state);
        let fits = before.iter().filter(in_scope).all(has_room);
        match hold(&self.accounts, &self.caller, model, nano, at) {
            Ok(hold) => {
                prop_assert!(fits, "held {nano} above a limit: {before:?}");
                for (old, new) in before.iter().zip(self.accounts.budgets(UnixMicros(at))) {
                    prop_assert_eq!(old.held.0 + needs(old), new.held.0, "{}", old.def.id);
                }
                self.taken.push((hold, at));
            }
            Err(refusal) => {
                prop_assert!(!fits, "refused although there is room: {refusal} {before:?}");
                prop_assert_eq!(before, self.accounts.budgets(UnixMicros(at)), "a refusal left something");
            }
        }
        Ok(())
    }
}

fn declared_budget(accounts: &Accounts, which: usize) -> accounts::BudgetDef {
    let id = budget(BUDGETS[which]).id;
    (*accounts.budget(&id).unwrap()).clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Any interleaving of holds, entries, settlements, releases and changes of limits: a hold is taken when and only
    /// when it fits; the ledger shows no limit passed at any prefix; and its fold is the live state.
    #[test]
    fn any_interleaving_keeps_the_limits_and_folds_to_the_live_state(steps in vec(step(), 0..120)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step)?;
        }
        run.taken.drain(..).for_each(|(hold, _)| hold.release());
        run.settled.drain(..).for_each(Priced::settle);
        let entries = run.books.entries.lock();
        let report = audit::check_prefixes(entries.iter(), &[]);
        prop_assert!(report.is_ok(), "{}", report.unwrap_err());
        drop(entries);
        let folded = run.books.fold(declared(&BUDGETS));
        prop_assert_eq!(folded.view(), run.accounts.view());
        prop_assert_eq!(folded.open_attempts().len(), run.opened.len());
        prop_assert!(folded.declared_changes().is_empty());
    }

    /// Folding every entry twice in a row changes nothing: an attempt is opened once and settled once.
    #[test]
    fn attempts_count_once(steps in vec(step(), 0..60)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step)?;
        }
        let twice = Accounts::new(declared(&BUDGETS), fx()).unwrap();
        for entry in run.books.entries.lock().iter() {
            twice.apply(entry).unwrap();
            twice.apply(entry).unwrap();
        }
        prop_assert_eq!(twice.view(), run.books.fold(declared(&BUDGETS)).view());
    }
}

/// Sixteen threads, 2,000 small calls each, over key, project and org at once, while the tightest limit moves: never
/// above a limit at any prefix of the ledger, and at least 99 % of the tightest can be used.
#[test]
fn a_race_stays_below_the_limits_and_uses_them() {
    let budgets = [
        r#"{"id":"key","scope":{"key":"k1"},"limit":"0.001 CNY","window":"total"}"#,
        r#"{"id":"project","scope":{"project":"claims"},"limit":"0.0004 CNY","window":"month"}"#,
        r#"{"id":"org","scope":{"org":"acme"},"limit":"0.0009 CNY","window":"day"}"#,
    ];
    let (accounts, caller) = house(&budgets);
    let books = Books::default();
    books.declare(&accounts);
    let refused = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for thread in 0..16_i64 {
            let (accounts, caller, books, refused) = (&accounts, &caller, &books, &refused);
            threads.spawn(move || {
                for turn in 0..2_000_i64 {
                    let nano = 20 + (thread * 31 + turn * 17) % 40;
                    let at = books.now();
                    let Ok(hold) = hold(accounts, caller, "m", nano, at) else {
                        refused.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    if turn % 50 == 49 {
                        hold.release();
                        continue;
                    }
                    let opened = books.open(caller, &hold, at);
                    // Every hundredth costs more than was held: the provider billed more than it was asked for.
                    let cost = if turn % 100 == 7 { nano + 5 } else { nano / 2 };
                    let priced = hold.price(Some(cny(cost)));
                    books.settle(&opened, priced.spent(), Some(Nano(cost)));
                    priced.settle();
                }
            });
        }
        // Limits move under load: down by a quarter and up again.
        for turn in 0..200_i64 {
            let mut def = (*accounts.budget("project").unwrap()).clone();
            def.limit.amount = Nano(if turn % 2 == 0 { 300_000 } else { 400_000 });
            let body = accounts.set_budget(def, "admin").unwrap();
            books.enact(&accounts, &body);
            std::thread::yield_now();
        }
    });
    // Small calls until nothing fits any more.
    for nano in [25, 5, 1] {
        while let Ok(hold) = hold(&accounts, &caller, "m", nano, books.now()) {
            let at = books.now();
            let opened = books.open(&caller, &hold, at);
            let priced = hold.price(Some(cny(nano)));
            books.settle(&opened, priced.spent(), Some(Nano(nano)));
            priced.settle();
        }
    }
    let entries = books.entries.lock();
    let report = audit::check_prefixes(entries.iter(), &[]).unwrap();
    drop(entries);
    assert!(report.open.is_empty() && report.settled == report.opened);
    assert!(refused.load(Ordering::Relaxed) > 0, "the race never met a limit");
    let tightest = report.uses.iter().find(|each| each.budget == "project").unwrap();
    assert!(tightest.spent.0 >= 396_000, "{tightest:?}");
    assert_eq!(books.fold(declared(&budgets)).view(), accounts.view());
    assert_eq!(accounts.counters().holds_dropped, 0);
}

/// The checker itself finds what it is there to find.
#[test]
fn the_audit_finds_planted_breaches() {
    let budgets = [r#"{"id":"b","limit":"0.0000001 CNY","window":"day"}"#]; // 100 nano
    let plant = |spoil: &dyn Fn(&Books, &Accounts, &Arc<Caller>)| {
        let (accounts, caller) = house(&budgets);
        let books = Books::default();
        books.declare(&accounts);
        spoil(&books, &accounts, &caller);
        audit::check_prefixes(books.entries.lock().iter(), &[])
    };
    let roomy = || house(&[r#"{"id":"b","limit":"1 CNY","window":"day"}"#]);
    let over = plant(&|books, _, caller| {
        let (other, other_caller) = roomy();
        for nano in [60, 41] {
            let at = books.now();
            let held = hold(&other, &other_caller, "m", nano, at).unwrap();
            books.open(caller, &held, at);
            held.release();
        }
    });
    assert!(
        matches!(&over, Err(audit::Violation::OverLimit { total, limit, .. }) if (total.0, limit.0) == (101, 100))
    );

    let twice = plant(&|books, accounts, caller| {
        let at = books.now();
        let held = hold(accounts, caller, "m", 60, at).unwrap();
        let opened = books.open(caller, &held, at);
        let priced = held.price(None);
        books.settle(&opened, priced.spent(), None);
        books.settle(&opened, priced.spent(), None);
        priced.settle();
    });
    assert!(matches!(twice, Err(audit::Violation::NotOpen { .. })));

    let forgot = plant(&|books, accounts, caller| {
        let at = books.now();
        let held = hold(accounts, caller, "m", 60, at).unwrap();
        let opened = books.open(caller, &held, at);
        books.settle(&opened, &[], None);
        held.release();
    });
    assert!(matches!(forgot, Err(audit::Violation::OtherBudgets { .. })));

    // The order rule broken: memory is freed before the settlement is written, and the next call is written first.
    let disorder = plant(&|books, accounts, caller| {
        let at = books.now();
        let held = hold(accounts, caller, "m", 60, at).unwrap();
        let opened = books.open(caller, &held, at);
        let priced = held.price(Some(cny(30)));
        let spent = priced.spent().to_vec();
        priced.settle();
        let at = books.now();
        let next = hold(accounts, caller, "m", 70, at).unwrap();
        books.open(caller, &next, at);
        books.settle(&opened, &spent, Some(Nano(30)));
        next.release();
    });
    assert!(matches!(disorder, Err(audit::Violation::OverLimit { total, .. }) if total.0 == 130));

    // An excess is none, but a call opened after it is.
    let after = plant(&|books, accounts, caller| {
        let at = books.now();
        let held = hold(accounts, caller, "m", 60, at).unwrap();
        let opened = books.open(caller, &held, at);
        let priced = held.price(Some(cny(130)));
        books.settle(&opened, priced.spent(), Some(Nano(130)));
        priced.settle();
        assert!(audit::check_prefixes(books.entries.lock().iter(), &[]).unwrap().excesses[0].by == Nano(70));
        let (other, other_caller) = roomy();
        let at = books.now();
        let held = hold(&other, &other_caller, "m", 1, at).unwrap();
        books.open(caller, &held, at);
        held.release();
    });
    assert!(matches!(after, Err(audit::Violation::OverLimit { .. })));
}
