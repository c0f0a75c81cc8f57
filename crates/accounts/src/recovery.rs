//! Attempts that the ledger opened and has not settled: their holds, until the crash rule ends them.

use std::sync::Arc;

use ledger::{AttemptId, BudgetAmount, Opened, Settled};
use prices::{Charge, Nano};

use crate::Accounts;
use crate::pool::Budget;

/// An open attempt, with the budgets its hold was counted against.
#[derive(Debug)]
pub(crate) struct Open {
    opened: Arc<Opened>,
    parts: Vec<(Arc<Budget>, Nano)>,
}

impl Accounts {
    /// The attempts that the folded entries opened and did not settle, by attempt id. Each is to be settled by the
    /// crash rule: append its `settled` entry, then [`Accounts::apply_body`] it.
    pub fn open_attempts(&self) -> Vec<Arc<Opened>> {
        self.open.lock().values().map(|open| Arc::clone(&open.opened)).collect()
    }

    /// Is an attempt open, by the folded entries?
    pub fn is_open(&self, attempt: AttemptId) -> bool {
        self.open.lock().contains_key(&attempt)
    }

    /// What an open attempt spends of each budget it holds: the charge in the budget's currency, rounded up. Where
    /// the charge is unknown (`None`), or no rate leads to the currency: what was held.
    pub fn price_open(&self, opened: &Opened, charge: Option<Charge>) -> Vec<BudgetAmount> {
        let fx = self.fx();
        let open = self.open.lock();
        let parts = open.get(&opened.attempt_id).map_or(&[][..], |open| &open.parts);
        let spent = |held: &BudgetAmount| {
            let (budget, _) = parts.iter().find(|(budget, _)| budget.id == held.budget)?;
            fx.convert_up(charge?, budget.currency)
        };
        let priced = |held: &BudgetAmount| BudgetAmount {
            budget: held.budget.clone(),
            amount: spent(held).unwrap_or(held.amount).max(Nano::ZERO),
        };
        opened.held.iter().map(priced).collect()
    }

    /// Folds an `opened` entry; one that is open already changes nothing.
    pub(crate) fn reopen(&self, opened: &Arc<Opened>) {
        let mut open = self.open.lock();
        if open.contains_key(&opened.attempt_id) {
            return;
        }
        let budgets = self.budgets.read();
        let known = |held: &BudgetAmount| Some((Arc::clone(budgets.by_id.get(&held.budget)?), held.amount));
        let parts: Vec<_> = opened.held.iter().filter_map(known).collect();
        for (budget, held) in &parts {
            budget.restore(opened.opened_at, *held);
        }
        open.insert(opened.attempt_id, Open { opened: Arc::clone(opened), parts });
    }

    /// Folds a `settled` entry. Only an open attempt can be settled, so a second entry for one changes nothing.
    pub(crate) fn close(&self, settled: &Settled) {
        let Some(open) = self.open.lock().remove(&settled.opened.attempt_id) else {
            return;
        };
        for (budget, held) in open.parts {
            let spent = settled.spent.iter().find(|part| part.budget == budget.id);
            budget.settle(open.opened.opened_at, held, spent.map_or(Nano::ZERO, |part| part.amount));
        }
    }
}
