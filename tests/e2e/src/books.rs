//! The books of a house, read back: entry by entry through the ledger's reader, and as `tollhouse calls` tells them.
//!
//! The audit here is the third telling of the same rules (beside `accounts` live, and `accounts::check_prefixes`):
//! small, slow, and by its own arithmetic.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{Entry, EntryBody, Opened, RealDisk, Refused, Settled};
use serde_json::Value;

use crate::process;

/// All entries, in order.
pub struct Books {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// What became of a budget: all in 10⁻⁹ of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Spent at the end.
    pub spent: i128,
    /// Held at the end.
    pub held: i128,
    /// The most that both came to, after any entry.
    pub peak: i128,
}

impl Books {
    /// Reads a data folder. Panics where a block is broken or a number is missing.
    pub fn read(data: &Path) -> Self {
        let disk = RealDisk::new(data.join("ledger")).expect("a folder");
        let mut entries = Vec::new();
        let report = ledger::scan(&disk, &mut |entry| {
            entries.push(entry.clone());
            ControlFlow::Continue(())
        });
        let report = report.expect("a ledger");
        assert!(report.damages.is_empty(), "{:?}", report.damages);
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(entry.seq.0, index as u64 + 1, "entries are numbered 1, 2, 3 …");
        }
        Self { entries }
    }

    /// Reads it until nothing is open; panics when something stays open.
    pub fn at_rest(data: &Path, limit: Duration) -> Self {
        let until = Instant::now() + limit;
        loop {
            let books = Self::read(data);
            let open = books.open();
            if open.is_empty() {
                return books;
            }
            assert!(Instant::now() < until, "{} attempts are open after {limit:?}: {open:?}", open.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every attempt opened, by its id. Panics where one is opened twice.
    pub fn opened(&self) -> BTreeMap<String, Arc<Opened>> {
        let mut all = BTreeMap::new();
        for entry in &self.entries {
            if let EntryBody::Opened(opened) = &entry.body {
                let before = all.insert(opened.attempt_id.to_string(), Arc::clone(opened));
                assert!(before.is_none(), "attempt {} is opened twice", opened.attempt_id);
            }
        }
        all
    }

    /// Every attempt settled, by its id. Panics where one is settled twice, or was never opened.
    pub fn settled(&self) -> BTreeMap<String, &Settled> {
        let opened = self.opened();
        let mut all = BTreeMap::new();
        for entry in &self.entries {
            if let EntryBody::Settled(settled) = &entry.body {
                let id = settled.opened.attempt_id.to_string();
                assert!(opened.contains_key(&id), "attempt {id} is settled and was never opened");
                assert!(all.insert(id.clone(), &**settled).is_none(), "attempt {id} is settled twice");
            }
        }
        all
    }

    /// Attempts that are opened and not settled.
    pub fn open(&self) -> Vec<String> {
        let settled: HashSet<String> = self.settled().into_keys().collect();
        self.opened().into_keys().filter(|id| !settled.contains(id)).collect()
    }

    /// The refusals.
    pub fn refused(&self) -> Vec<&Refused> {
        let refused = self.entries.iter().filter_map(|entry| match &entry.body {
            EntryBody::Refused(refused) => Some(&**refused),
            _ => None,
        });
        refused.collect()
    }

    /// Follows the budgets entry by entry: after each, spent + held is within every limit; a settlement gives back
    /// exactly what its opening took.
    pub fn audit(&self, limits: &[(&str, i128)]) -> HashMap<String, Use> {
        let mut uses: HashMap<String, Use> = HashMap::new();
        for entry in &self.entries {
            match &entry.body {
                EntryBody::Opened(opened) => {
                    for held in &opened.held {
                        assert!(held.amount.0 >= 0, "entry {}: a negative hold", entry.seq.0);
                        uses.entry(held.budget.to_string()).or_default().held += i128::from(held.amount.0);
                    }
                }
                EntryBody::Settled(settled) => {
                    for held in &settled.opened.held {
                        uses.entry(held.budget.to_string()).or_default().held -= i128::from(held.amount.0);
                    }
                    for spent in &settled.spent {
                        assert!(spent.amount.0 >= 0, "entry {}: a negative charge", entry.seq.0);
                        uses.entry(spent.budget.to_string()).or_default().spent += i128::from(spent.amount.0);
                    }
                }
                EntryBody::Refused(_) | EntryBody::Budget(_) | EntryBody::Admin(_) => {}
            }
            for (budget, using) in &mut uses {
                using.peak = using.peak.max(using.spent + using.held);
                let limit = limits.iter().find(|(id, _)| id == budget).map_or(i128::MAX, |(_, limit)| *limit);
                let all = using.spent + using.held;
                assert!(all <= limit, "entry {}: {budget} has {all} of {limit} spent and held", entry.seq.0);
                assert!(using.held >= 0, "entry {}: {budget} gave back more than it held", entry.seq.0);
            }
        }
        uses
    }
}

/// What `tollhouse calls --format json` says of every attempt and refusal.
pub fn records(data: &Path) -> Vec<Value> {
    let data = data.to_str().expect("a path in UTF-8");
    let text = process::said(&["calls", "--data", data, "--format", "json", "--limit", "0"]);
    text.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
}

/// A settlement's tokens by kind, without zeros.
pub fn tokens(settled: &Settled) -> BTreeMap<String, u64> {
    settled
        .tokens
        .iter()
        .map(|(kind, count)| (kind.name().to_owned(), count))
        .filter(|(_, count)| *count > 0)
        .collect()
}
