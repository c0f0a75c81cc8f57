//! What accounts look like from outside: budgets for people, and the whole state to compare.

use std::sync::Arc;

use ledger::UnixMicros;

use crate::pool::Budget;
use crate::window::Bounds;
use crate::{Accounts, BudgetDef, Caller, Key, Org, Project, Sum};

/// A budget and where it stands in the window of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// What it is.
    pub def: Arc<BudgetDef>,
    /// Spent in this window, 10⁻⁹ of the budget's currency.
    pub spent: Sum,
    /// Held by running calls of this window.
    pub held: Sum,
    /// When the window began; `None`: it always was.
    pub window_start: Option<UnixMicros>,
    /// When the next begins; `None`: never.
    pub resets_at: Option<UnixMicros>,
    /// Calls that a `warn` budget could not count for want of an exchange rate, since start.
    pub uncounted: u64,
}

impl BudgetState {
    /// What may still be held; below zero after a cut of the limit, or an excess.
    pub fn left(&self) -> Sum {
        Sum(i128::from(self.def.limit.amount.0) - self.spent.0 - self.held.0)
    }
}

/// The whole state, but for what is not in the ledger (rate limits, counters).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Orgs by id.
    pub orgs: Vec<Arc<Org>>,
    /// Projects by id.
    pub projects: Vec<Arc<Project>>,
    /// Keys by id.
    pub keys: Vec<Arc<Key>>,
    /// Budgets by id, removed ones included.
    pub budgets: Vec<BudgetView>,
}

/// A budget with its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetView {
    /// What it is.
    pub def: Arc<BudgetDef>,
    /// In force; else removed.
    pub active: bool,
    /// The windows in which something is counted, oldest first.
    pub windows: Vec<WindowView>,
}

/// What is counted in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowView {
    /// When it began; `None`: it always was.
    pub start: Option<UnixMicros>,
    /// Spent.
    pub spent: Sum,
    /// Held.
    pub held: Sum,
}

impl Accounts {
    /// Every budget in force, by id.
    pub fn budgets(&self, now: UnixMicros) -> Vec<BudgetState> {
        self.budgets.read().by_id.values().filter_map(|budget| state_of(budget, now)).collect()
    }

    /// The budgets that may cover a caller's calls. Those of an app, domain, user, model or provider are among them:
    /// whether they do depends on the call.
    pub fn budgets_for(&self, caller: &Caller, now: UnixMicros) -> Vec<BudgetState> {
        self.candidates(caller).iter().filter_map(|budget| state_of(budget, now)).collect()
    }

    /// A budget by its id, removed ones included.
    pub fn budget(&self, id: &str) -> Option<Arc<BudgetDef>> {
        self.budgets.read().by_id.get(id).map(|budget| Arc::clone(&budget.lock().def))
    }

    /// Every org, by id.
    pub fn orgs(&self) -> Vec<Arc<Org>> {
        self.directory.read().orgs.values().cloned().collect()
    }

    /// Every project, by id.
    pub fn projects(&self) -> Vec<Arc<Project>> {
        self.directory.read().projects.values().cloned().collect()
    }

    /// Every key, revoked ones included, by id.
    pub fn keys(&self) -> Vec<Arc<Key>> {
        self.directory.read().keys().cloned().collect()
    }

    /// The whole state, to compare with another: of a second fold, or of a running gateway that is at rest.
    pub fn view(&self) -> View {
        let (orgs, projects, keys) = (self.orgs(), self.projects(), self.keys());
        let budget_view = |budget: &Arc<Budget>| {
            let state = budget.lock();
            let window = |count: &crate::pool::Count| WindowView {
                start: start_of(count.bounds),
                spent: Sum(count.spent),
                held: Sum(count.held),
            };
            let windows = state.windows.iter().map(window).collect();
            BudgetView { def: Arc::clone(&state.def), active: state.active, windows }
        };
        View { orgs, projects, keys, budgets: self.budgets.read().by_id.values().map(budget_view).collect() }
    }
}

fn state_of(budget: &Budget, now: UnixMicros) -> Option<BudgetState> {
    let state = budget.lock();
    if !state.active {
        return None;
    }
    let count = state.windows.look(now, || budget.bounds(now));
    let bounds = count.map_or_else(|| budget.bounds(now), |count| count.bounds);
    Some(BudgetState {
        def: Arc::clone(&state.def),
        spent: Sum(count.map_or(0, |count| count.spent)),
        held: Sum(count.map_or(0, |count| count.held)),
        window_start: start_of(bounds),
        resets_at: (bounds.end < i64::MAX).then_some(UnixMicros(bounds.end)),
        uncounted: state.uncounted,
    })
}

fn start_of(bounds: Bounds) -> Option<UnixMicros> {
    (bounds.start > i64::MIN).then_some(UnixMicros(bounds.start))
}
