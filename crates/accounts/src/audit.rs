//! The limits, checked from the ledger alone: after each entry, in its order, spent + held is within every enforced
//! limit, and every attempt is opened once and settled at most once.
//!
//! A second implementation on purpose: it shares the definition of a budget with the live path and not a line more;
//! it keeps everything and is not fast. Used by tests and by `verify`.
//!
//! Two things may pass a limit, and are told apart from a breach:
//! - a settlement above its hold (rule 4 of holds): reported as an [`Excess`], and no call that was opened after it
//!   may be held while it lasts;
//! - an attempt whose hold was taken before a limit was cut, or an excess was known, and whose entry came after:
//!   its `opened_at` is not after the instant of that entry. Counted in [`AuditReport::late`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{AttemptId, BudgetAmount, BudgetSet, Entry, EntryBody, Opened, Settled, UnixMicros};
use prices::Nano;

use crate::{BudgetDef, Mode, Sum, Window};

/// What a clean ledger shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries seen.
    pub entries: u64,
    /// Attempts opened.
    pub opened: u64,
    /// Attempts settled.
    pub settled: u64,
    /// Attempts opened and not settled.
    pub open: Vec<AttemptId>,
    /// Settlements above their hold.
    pub excesses: Vec<Excess>,
    /// Attempts opened above a limit that was cut, or met an excess, after their hold was taken.
    pub late: u64,
    /// Every window of every budget in which something was counted.
    pub uses: Vec<BudgetUse>,
}

/// A settlement above its hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The entry's number.
    pub seq: u64,
    /// The attempt.
    pub attempt: AttemptId,
    /// The budget.
    pub budget: String,
    /// By how much, 10⁻⁹ of the budget's currency.
    pub by: Nano,
}

/// One window of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// The budget.
    pub budget: String,
    /// Its window, in words: `2026-11`, `2026-11-25`, `2026-W48`, `ever`.
    pub window: String,
    /// The limit at the end of the ledger.
    pub limit: Nano,
    /// Spent.
    pub spent: Sum,
    /// Held at the end of the ledger.
    pub held: Sum,
    /// The most that spent + held came to.
    pub peak: Sum,
}

/// A ledger that breaks a promise. Each names the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An attempt was held above a limit.
    #[error("entry {seq}: attempt {attempt} takes budget `{budget}` ({window}) to {total} of {limit}")]
    OverLimit {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
        /// The budget.
        budget: String,
        /// Its window.
        window: String,
        /// Spent + held with it.
        total: Sum,
        /// The limit.
        limit: Sum,
    },
    /// An attempt was opened again.
    #[error("entry {seq}: attempt {attempt} is opened a second time")]
    OpenedTwice {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
    },
    /// An attempt was settled again, or was never opened.
    #[error("entry {seq}: attempt {attempt} is settled, and is not open")]
    NotOpen {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
    },
    /// A settlement tells another hold than was opened.
    #[error("entry {seq}: attempt {attempt} is settled with other holds than it was opened with")]
    OtherHold {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
    },
    /// A settlement leaves out a budget that was held, or names one that was not.
    #[error("entry {seq}: attempt {attempt} does not spend of the budgets that it held")]
    OtherBudgets {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
    },
    /// An amount below zero.
    #[error("entry {seq}: attempt {attempt} counts {amount} against budget `{budget}`")]
    Negative {
        /// The entry's number.
        seq: u64,
        /// The attempt.
        attempt: AttemptId,
        /// The budget.
        budget: String,
        /// The amount.
        amount: Nano,
    },
    /// A budget's definition that cannot be read.
    #[error("entry {seq}: the definition of budget `{budget}` cannot be read: {why}")]
    Definition {
        /// The entry's number.
        seq: u64,
        /// The budget.
        budget: String,
        /// The parser's words.
        why: String,
    },
}

/// Checks a ledger from its first entry. `declared` are budgets in force before it; one whose every budget was set by
/// an entry needs none.
pub fn check_prefixes<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    declared: &[BudgetDef],
) -> Result<AuditReport, Violation> {
    let mut audit = Audit::new(declared);
    entries.into_iter().try_for_each(|entry| audit.see(entry))?;
    Ok(audit.report())
}

/// The check, entry by entry.
#[derive(Debug, Default)]
pub struct Audit {
    report: AuditReport,
    violation: Option<Violation>,
    /// By place: a budget set anew as another thing gets another place.
    accounts: Vec<Account>,
    places: HashMap<String, usize>,
    open: BTreeMap<AttemptId, (Opened, Vec<Part>)>,
    ever_opened: HashSet<AttemptId>,
}

/// A budget as the audit keeps it.
#[derive(Debug)]
struct Account {
    def: BudgetDef,
    zone: TimeZone,
    /// `None`: it allows anything (`warn`, or removed).
    allows: Option<i128>,
    /// When it began to allow less, and what it allowed before.
    cuts: Vec<(UnixMicros, Option<i128>)>,
    windows: BTreeMap<String, Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    spent: i128,
    held: i128,
    peak: i128,
    excesses: Vec<(UnixMicros, i128)>,
}

/// What an attempt holds of a budget: whose place, which window, how much.
#[derive(Debug)]
struct Part {
    place: usize,
    window: String,
    held: i128,
}

impl Audit {
    /// Before the first entry.
    pub fn new(declared: &[BudgetDef]) -> Self {
        let mut audit = Self::default();
        for def in declared {
            audit.put(def.clone(), UnixMicros(i64::MIN));
        }
        audit
    }

    /// Takes the next entry. After a violation nothing more is to be learnt: the sums are wrong from there.
    pub fn see(&mut self, entry: &Entry) -> Result<(), Violation> {
        self.report.entries += 1;
        match &entry.body {
            EntryBody::Opened(opened) => self.opened(entry.seq.0, opened),
            EntryBody::Settled(settled) => self.settled(entry.seq.0, entry.at, settled),
            EntryBody::Budget(set) => self.budget(entry.seq.0, entry.at, set),
            EntryBody::Refused(_) | EntryBody::Admin(_) => Ok(()),
        }
    }

    /// As [`Audit::see`], for scans: it stops at the first violation, which [`Audit::finish`] then gives.
    pub fn scan(&mut self, entry: &Entry) -> ControlFlow<()> {
        match self.see(entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(violation) => {
                self.violation = Some(violation);
                ControlFlow::Break(())
            }
        }
    }

    /// The outcome of a scan.
    pub fn finish(mut self) -> Result<AuditReport, Violation> {
        self.violation.take().map_or_else(|| Ok(self.report()), Err)
    }

    fn report(mut self) -> AuditReport {
        self.report.open = self.open.into_keys().collect();
        for account in self.accounts {
            for (window, sums) in account.windows {
                self.report.uses.push(BudgetUse {
                    budget: account.def.id.clone(),
                    window,
                    limit: account.def.limit.amount,
                    spent: Sum(sums.spent),
                    held: Sum(sums.held),
                    peak: Sum(sums.peak),
                });
            }
        }
        self.report
    }

    fn opened(&mut self, seq: u64, opened: &Opened) -> Result<(), Violation> {
        let attempt = opened.attempt_id;
        if !self.ever_opened.insert(attempt) {
            return Err(Violation::OpenedTwice { seq, attempt });
        }
        self.report.opened += 1;
        let mut parts = Vec::new();
        let mut late = false;
        for held in &opened.held {
            not_negative(seq, attempt, held)?;
            // A budget that nobody set counts for nothing.
            let Some(&place) = self.places.get(&*held.budget) else { continue };
            let Some(account) = self.accounts.get_mut(place) else { continue };
            let window = account.window_of(opened.opened_at);
            let amount = i128::from(held.amount.0);
            let sums = account.windows.entry(window.clone()).or_default();
            sums.held += amount;
            let total = sums.spent + sums.held;
            sums.peak = sums.peak.max(total);
            let excess: i128 =
                sums.excesses.iter().filter(|(at, _)| *at >= opened.opened_at).map(|(_, by)| by).sum();
            if account.allows.is_some_and(|limit| total > limit) {
                late = true;
            }
            if let Some(limit) = account.allowed_at(opened.opened_at)
                && total - excess > limit
            {
                let (budget, total, limit) = (account.def.id.clone(), Sum(total), Sum(limit));
                return Err(Violation::OverLimit { seq, attempt, budget, window, total, limit });
            }
            parts.push(Part { place, window, held: amount });
        }
        self.report.late += u64::from(late);
        self.open.insert(attempt, (opened.clone(), parts));
        Ok(())
    }

    fn settled(&mut self, seq: u64, at: UnixMicros, settled: &Settled) -> Result<(), Violation> {
        let attempt = settled.opened.attempt_id;
        let Some((opened, parts)) = self.open.remove(&attempt) else {
            return Err(Violation::NotOpen { seq, attempt });
        };
        self.report.settled += 1;
        if opened != *settled.opened {
            return Err(Violation::OtherHold { seq, attempt });
        }
        let names = |amounts: &[BudgetAmount]| {
            let mut names: Vec<_> = amounts.iter().map(|part| part.budget.clone()).collect();
            names.sort_unstable();
            names
        };
        if names(&opened.held) != names(&settled.spent) {
            return Err(Violation::OtherBudgets { seq, attempt });
        }
        for spent in &settled.spent {
            not_negative(seq, attempt, spent)?;
        }
        for part in parts {
            let Some(account) = self.accounts.get_mut(part.place) else { continue };
            let spent = settled.spent.iter().find(|spent| *spent.budget == *account.def.id);
            let spent = spent.map_or(0, |spent| i128::from(spent.amount.0));
            let sums = account.windows.entry(part.window).or_default();
            sums.held -= part.held;
            sums.spent += spent;
            sums.peak = sums.peak.max(sums.spent + sums.held);
            if spent > part.held {
                sums.excesses.push((at, spent - part.held));
                let by = Nano(i64::try_from(spent - part.held).unwrap_or(i64::MAX));
                self.report.excesses.push(Excess { seq, attempt, budget: account.def.id.clone(), by });
            }
        }
        Ok(())
    }

    fn budget(&mut self, seq: u64, at: UnixMicros, set: &BudgetSet) -> Result<(), Violation> {
        if set.definition.is_empty() {
            if let Some(account) =
                self.places.get(&*set.budget).and_then(|place| self.accounts.get_mut(*place))
            {
                account.allow(None, at);
            }
            return Ok(());
        }
        match serde_json::from_str(&set.definition) {
            Ok(def) => {
                self.put(def, at);
                Ok(())
            }
            Err(error) => {
                Err(Violation::Definition { seq, budget: set.budget.to_string(), why: error.to_string() })
            }
        }
    }

    fn put(&mut self, def: BudgetDef, at: UnixMicros) {
        let allows = matches!(def.mode, Mode::Enforce).then(|| i128::from(def.limit.amount.0));
        let place = self.places.get(&def.id).copied();
        if let Some(account) = place.and_then(|place| self.accounts.get_mut(place)) {
            let old = &account.def;
            let same = old.scope == def.scope && old.window == def.window && old.zone == def.zone;
            if same && old.limit.currency == def.limit.currency {
                account.allow(allows, at);
                account.def = def;
                return;
            }
        }
        let zone = TimeZone::get(&def.zone).unwrap_or(TimeZone::UTC);
        self.places.insert(def.id.clone(), self.accounts.len());
        self.accounts.push(Account { def, zone, allows, cuts: Vec::new(), windows: BTreeMap::new() });
    }
}

impl Account {
    fn allow(&mut self, allows: Option<i128>, at: UnixMicros) {
        if allows.unwrap_or(i128::MAX) < self.allows.unwrap_or(i128::MAX) {
            self.cuts.push((at, self.allows));
        }
        self.allows = allows;
    }

    /// The most that was allowed at an instant or since; `None`: anything.
    fn allowed_at(&self, opened_at: UnixMicros) -> Option<i128> {
        let before = self.cuts.iter().filter(|(at, _)| *at >= opened_at).map(|(_, allowed)| *allowed);
        before.fold(self.allows, |most, allowed| Some(most?.max(allowed?)))
    }

    /// The name of the window that an instant is in.
    fn window_of(&self, at: UnixMicros) -> String {
        let Ok(at) = Timestamp::from_microsecond(at.0) else { return "ever".to_owned() };
        let at = at.to_zoned(self.zone.clone());
        match self.def.window {
            Window::Hour => at.strftime("%Y-%m-%dT%H%:z").to_string(),
            Window::Day => at.strftime("%Y-%m-%d").to_string(),
            Window::Week => {
                let week = at.date().iso_week_date();
                format!("{}-W{:02}", week.year(), week.week())
            }
            Window::Month => at.strftime("%Y-%m").to_string(),
            Window::Total => "ever".to_owned(),
        }
    }
}

fn not_negative(seq: u64, attempt: AttemptId, part: &BudgetAmount) -> Result<(), Violation> {
    if part.amount >= Nano::ZERO {
        return Ok(());
    }
    Err(Violation::Negative { seq, attempt, budget: part.budget.to_string(), amount: part.amount })
}
