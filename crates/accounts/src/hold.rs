//! Holds: taken in all budgets or in none, and ended by type.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{BudgetAmount, Labels, UnixMicros};
use prices::{Charge, Currency, Nano};

use crate::accounts::Tally;
use crate::pool::{Budget, State};
use crate::window::Bounds;
use crate::{FxTable, Sum};

/// What a call may cost at most, by the two ways of foreseeing it; in the currency of its offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldRequest {
    /// At the 99th percentile of foreseen output (or at the client's own maximum, if that is less).
    pub p99: Charge,
    /// At the most that the model may give.
    pub max: Charge,
}

/// Amounts taken from every budget in scope before a call leaves.
///
/// It ends by [`Hold::price`] and [`Priced::settle`] once its attempt was opened in the ledger, or by
/// [`Hold::release`] if it never was. Dropped without an end it stays held: see the crate's header.
#[must_use = "a hold stays held until it is settled or released"]
#[derive(Debug)]
pub struct Hold {
    parts: Vec<Arc<Budget>>,
    held: Vec<BudgetAmount>,
    charge: Charge,
    at: UnixMicros,
    fx: Arc<FxTable>,
    tally: Arc<Tally>,
    ended: bool,
}

impl Hold {
    /// What is held of each budget, in its own currency: the `held` of the `opened` entry.
    pub fn parts(&self) -> &[BudgetAmount] {
        &self.held
    }

    /// The charge held, in the offer's currency: the larger of the two if any budget in scope wants the maximum.
    pub fn charge(&self) -> Charge {
        self.charge
    }

    /// Lays the final charge on the hold; `None`: the price is unknown, and the hold is what is charged. A charge in
    /// another currency is converted by the rates of the time of the hold; where there is none, the hold is charged.
    ///
    /// What exceeds the hold counts as held from here on, before the entry is written: no later call gets it.
    pub fn price(mut self, charge: Option<Charge>) -> Priced {
        let spent: Vec<_> = self
            .parts
            .iter()
            .zip(&self.held)
            .map(|(budget, held)| {
                let spent = charge.and_then(|charge| self.fx.convert_up(charge, budget.currency));
                BudgetAmount {
                    budget: held.budget.clone(),
                    amount: spent.unwrap_or(held.amount).max(Nano::ZERO),
                }
            })
            .collect();
        let mut exceeded = false;
        for ((budget, held), spent) in self.parts.iter().zip(&mut self.held).zip(&spent) {
            if spent.amount > held.amount {
                budget.grow(self.at, spent.amount.minus(held.amount));
                held.amount = spent.amount;
                exceeded = true;
            }
        }
        if exceeded {
            self.tally.exceeded();
        }
        Priced { hold: self, spent }
    }

    /// Gives everything back. Only for an attempt of which no `opened` entry was appended: one that was opened and
    /// cost nothing is settled at nothing.
    pub fn release(mut self) {
        self.end(&[]);
    }

    fn end(&mut self, spent: &[BudgetAmount]) {
        self.ended = true;
        for (place, (budget, held)) in self.parts.iter().zip(&self.held).enumerate() {
            budget.settle(self.at, held.amount, spent.get(place).map_or(Nano::ZERO, |part| part.amount));
        }
    }
}

/// Dropped without an end: counted, and still held.
impl Drop for Hold {
    fn drop(&mut self) {
        if !self.ended && !self.parts.is_empty() {
            self.tally.dropped();
        }
    }
}

/// A hold with its final charge, waiting for the `settled` entry to be appended.
#[must_use = "a hold stays held until it is settled"]
#[derive(Debug)]
pub struct Priced {
    hold: Hold,
    spent: Vec<BudgetAmount>,
}

impl Priced {
    /// What is spent of each budget, in its own currency: the `spent` of the `settled` entry.
    pub fn spent(&self) -> &[BudgetAmount] {
        &self.spent
    }

    /// Turns held into spent. Call it after the `settled` entry was appended.
    pub fn settle(mut self) {
        let spent = std::mem::take(&mut self.spent);
        self.hold.end(&spent);
    }
}

/// Why nothing was held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    /// A budget has not enough left (`insufficient_quota`).
    #[error(transparent)]
    Budget(#[from] Box<BudgetRefusal>),
    /// A budget is in a currency to which no rate leads.
    #[error(
        "budget `{budget}` is in {to}, the call would be charged in {from}, and there is no rate between them\n  fix: add \"{from}/{to}\" to [fx]"
    )]
    NoRate {
        /// The budget.
        budget: String,
        /// The currency of the offer.
        from: Currency,
        /// The currency of the budget.
        to: Currency,
    },
    /// The clock went so far back that the budget's window of that time is no longer kept.
    #[error(
        "budget `{budget}` has closed its window of {at}: the clock went back\n  fix: set the system's clock right"
    )]
    WindowClosed {
        /// The budget.
        budget: String,
        /// The time the call gave.
        at: String,
    },
}

/// A budget that has not enough left. Shown, it names everything a caller needs (rule 11 of holds).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRefusal {
    /// The budget's id.
    pub budget: String,
    /// Which calls it covers, in words: `project claims`.
    pub scope: String,
    /// Its window: `month`.
    pub window: crate::Window,
    /// Its limit.
    pub limit: Nano,
    /// What is spent in this window.
    pub spent: Sum,
    /// What running calls hold.
    pub held: Sum,
    /// What this call would hold.
    pub needed: Nano,
    /// The currency of the four.
    pub currency: Currency,
    /// When the next window begins; `None`: never.
    pub resets_at: Option<UnixMicros>,
    /// The same in the budget's zone, RFC 3339; empty: never.
    pub resets: String,
}

impl std::error::Error for BudgetRefusal {}

impl std::fmt::Display for BudgetRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { budget, scope, limit, spent, held, needed, currency, .. } = self;
        let window = match self.window {
            crate::Window::Total => "in total".to_owned(),
            window => format!("a {}", window.name()),
        };
        write!(
            f,
            "budget `{budget}` ({scope}) allows {limit} {currency} {window}: {spent} spent, {held} held, this call \
             needs {needed}"
        )?;
        if self.resets.is_empty() { Ok(()) } else { write!(f, "; resets at {}", self.resets) }
    }
}

/// A call as budgets see it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) models: [&'a str; 2],
    pub(crate) provider: &'a str,
    pub(crate) request: &'a HoldRequest,
    pub(crate) at: UnixMicros,
}

/// Takes a hold in every budget that covers the call, or in none. All their locks are held at once, taken in the
/// order of [`Budget::order`], in which `candidates` must be sorted.
pub(crate) fn take(
    candidates: &[Arc<Budget>],
    asked: &Asked<'_>,
    fx: &Arc<FxTable>,
    tally: &Arc<Tally>,
) -> Result<Hold, HoldRefusal> {
    let mut locked = Vec::with_capacity(candidates.len());
    for budget in candidates.iter().filter(|budget| budget.covers(asked.labels, asked.models, asked.provider))
    {
        let state = budget.lock();
        if state.active {
            let needed = needed(budget, &state, asked, fx)?;
            locked.push((budget, state, needed));
        }
    }
    // Nothing fails from here on.
    let mut hold = Hold {
        parts: Vec::with_capacity(locked.len()),
        held: Vec::with_capacity(locked.len()),
        charge: asked.request.p99,
        at: asked.at,
        fx: Arc::clone(fx),
        tally: Arc::clone(tally),
        ended: false,
    };
    for (budget, mut state, needed) in locked {
        let Some(amount) = needed else {
            state.uncounted = state.uncounted.saturating_add(1);
            continue;
        };
        if state.holds_max() {
            hold.charge = asked.request.max;
        }
        if let Some(count) = state.windows.at(asked.at, || budget.bounds(asked.at)) {
            count.held += i128::from(amount.0);
        }
        hold.parts.push(Arc::clone(budget));
        hold.held.push(BudgetAmount { budget: budget.id.clone(), amount });
    }
    Ok(hold)
}

/// What the call needs of a budget, if that much is left. `None`: a `warn` budget that cannot count it.
fn needed(
    budget: &Budget,
    state: &State,
    asked: &Asked<'_>,
    fx: &FxTable,
) -> Result<Option<Nano>, HoldRefusal> {
    let charge = if state.holds_max() { asked.request.max } else { asked.request.p99 };
    let Some(needed) = fx.convert_up(charge, budget.currency).map(|amount| amount.max(Nano::ZERO)) else {
        let no_rate =
            HoldRefusal::NoRate { budget: budget.id.to_string(), from: charge.currency, to: budget.currency };
        return if state.enforced() { Err(no_rate) } else { Ok(None) };
    };
    let Some(count) = state.windows.look(asked.at, || budget.bounds(asked.at)) else {
        let closed =
            HoldRefusal::WindowClosed { budget: budget.id.to_string(), at: shown(asked.at.0, &budget.zone) };
        return if state.enforced() { Err(closed) } else { Ok(None) };
    };
    if state.enforced() && count.spent + count.held + i128::from(needed.0) > state.limit() {
        return Err(HoldRefusal::Budget(Box::new(refusal(
            budget,
            state,
            count.bounds,
            count.spent,
            count.held,
            needed,
        ))));
    }
    Ok(Some(needed))
}

fn refusal(
    budget: &Budget,
    state: &State,
    bounds: Bounds,
    spent: i128,
    held: i128,
    needed: Nano,
) -> BudgetRefusal {
    let resets_at = (bounds.end < i64::MAX).then_some(UnixMicros(bounds.end));
    BudgetRefusal {
        budget: budget.id.to_string(),
        scope: budget.scope.to_string(),
        window: state.def.window,
        limit: state.def.limit.amount,
        spent: Sum(spent),
        held: Sum(held),
        needed,
        currency: budget.currency,
        resets_at,
        resets: resets_at.map(|at| shown(at.0, &budget.zone)).unwrap_or_default(),
    }
}

/// An instant in a zone, RFC 3339 with its offset.
fn shown(micros: i64, zone: &TimeZone) -> String {
    Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |at| at.display_with_offset(zone.to_offset(at)).to_string())
}
