//! A budget at work: what is spent and held in its windows, under a lock of its own.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ledger::{Labels, Name, UnixMicros};
use parking_lot::{Mutex, MutexGuard};
use prices::{Currency, Nano};

use crate::window::Bounds;
use crate::{AccountsError, BudgetDef, HoldBy, Mode, Scope, Window};

/// A sum of amounts, in 10⁻⁹ of a currency unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sum(pub i128);

/// Decimal units, as [`Nano`] is shown.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (magnitude, unit) = (self.0.unsigned_abs(), u128::from(Nano::UNIT.unsigned_abs()));
        let text = format!("{}.{:09}", magnitude / unit, magnitude % unit);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{}{text}", if self.0 < 0 { "-" } else { "" })
    }
}

/// Windows kept of one budget: the current one and the eleven before it in which something was counted. A call that
/// ends after its window was let go changes nothing any more; a call whose window was let go before it began (the
/// clock went far back) is refused.
pub(crate) const WINDOWS_KEPT: usize = 12;

/// One budget. What it is never changes; how much it allows does.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Locks of several budgets are taken in the order of this number.
    pub(crate) order: u64,
    pub(crate) id: Name,
    pub(crate) scope: Scope,
    pub(crate) currency: Currency,
    pub(crate) zone: TimeZone,
    window: Window,
    state: Mutex<State>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) def: Arc<BudgetDef>,
    /// Removed budgets stay for the calls that count against them, and in case they are set again.
    pub(crate) active: bool,
    pub(crate) windows: Windows,
    /// Calls that a `warn` budget could not count for want of an exchange rate, since start.
    pub(crate) uncounted: u64,
}

impl Budget {
    pub(crate) fn new(order: u64, def: BudgetDef) -> Result<Self, AccountsError> {
        Ok(Self {
            order,
            id: ledger::name(&def.id),
            scope: def.scope.clone(),
            currency: def.limit.currency,
            zone: def.time_zone()?,
            window: def.window,
            state: Mutex::new(State {
                def: Arc::new(def),
                active: true,
                windows: Windows::default(),
                uncounted: 0,
            }),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn bounds(&self, at: UnixMicros) -> Bounds {
        Bounds::of(self.window, &self.zone, at)
    }

    /// May it ever cover calls of this key?
    pub(crate) fn may_cover(&self, org: &str, project: &str, key: &str) -> bool {
        let fits =
            |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        fits(&self.scope.org, org) && fits(&self.scope.project, project) && fits(&self.scope.key, key)
    }

    /// Does it cover this call?
    pub(crate) fn covers(&self, labels: &Labels, models: [&str; 2], provider: &str) -> bool {
        let fits =
            |wanted: &Option<String>, given: &str| wanted.as_deref().is_none_or(|wanted| wanted == given);
        self.may_cover(&labels.org, &labels.project, &labels.key)
            && fits(&self.scope.app, &labels.app)
            && fits(&self.scope.domain, &labels.domain)
            && fits(&self.scope.user, &labels.user)
            && fits(&self.scope.provider, provider)
            && self.scope.model.as_deref().is_none_or(|wanted| models.contains(&wanted))
    }

    /// Counts a hold whatever the limit says: it is in the ledger.
    pub(crate) fn restore(&self, at: UnixMicros, held: Nano) {
        let mut state = self.lock();
        if let Some(count) = state.windows.at(at, || self.bounds(at)) {
            count.held += i128::from(held.0);
        }
    }

    /// Adds to what a call holds.
    pub(crate) fn grow(&self, at: UnixMicros, by: Nano) {
        self.change(at, |count| count.held += i128::from(by.0));
    }

    /// Turns what a call held into what it spent.
    pub(crate) fn settle(&self, at: UnixMicros, held: Nano, spent: Nano) {
        self.change(at, |count| {
            count.held -= i128::from(held.0);
            count.spent += i128::from(spent.0);
        });
    }

    fn change(&self, at: UnixMicros, change: impl FnOnce(&mut Count)) {
        if let Some(count) = self.lock().windows.find(at) {
            change(count);
        }
    }
}

impl State {
    pub(crate) fn enforced(&self) -> bool {
        matches!(self.def.mode, Mode::Enforce)
    }

    pub(crate) fn limit(&self) -> i128 {
        i128::from(self.def.limit.amount.0)
    }

    pub(crate) fn holds_max(&self) -> bool {
        matches!(self.def.hold, HoldBy::Max)
    }
}

/// What is counted in one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) bounds: Bounds,
    pub(crate) spent: i128,
    pub(crate) held: i128,
}

/// The windows of a budget, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    counts: VecDeque<Count>,
    /// Nothing before this instant is known any more.
    forgotten: Option<i64>,
}

impl Windows {
    /// The window of an instant, if something was counted in it.
    pub(crate) fn find(&mut self, at: UnixMicros) -> Option<&mut Count> {
        self.counts.iter_mut().rev().find(|count| count.bounds.has(at))
    }

    /// What is counted in the window of an instant: its bounds, and spent + held. `None`: that window is forgotten.
    pub(crate) fn look(&self, at: UnixMicros, bounds: impl FnOnce() -> Bounds) -> Option<Count> {
        if let Some(count) = self.counts.iter().rev().find(|count| count.bounds.has(at)) {
            return Some(*count);
        }
        if self.forgotten.is_some_and(|until| at.0 < until) {
            return None;
        }
        Some(Count { bounds: bounds(), spent: 0, held: 0 })
    }

    /// The window of an instant, made if it is new; the oldest is let go when there are too many. `None`: forgotten.
    pub(crate) fn at(&mut self, at: UnixMicros, bounds: impl FnOnce() -> Bounds) -> Option<&mut Count> {
        if !self.counts.iter().any(|count| count.bounds.has(at)) {
            let new = self.look(at, bounds)?;
            let place = self.counts.partition_point(|count| count.bounds.start < new.bounds.start);
            self.counts.insert(place, new);
            while self.counts.len() > WINDOWS_KEPT {
                self.forgotten = self.counts.pop_front().map(|count| count.bounds.end).or(self.forgotten);
            }
        }
        self.find(at)
    }

    /// Every window in which something is counted, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Count> {
        self.counts.iter().filter(|count| count.spent != 0 || count.held != 0)
    }
}
