//! Who may spend, and how much: orgs, projects, keys, rate limits, budgets and the holds on them.
//!
//! Everything here is a view of the ledger: [`Accounts::apply`] folds its entries, and gives what the live calls
//! gave. Pure in the sense of the house: no I/O, no clock (time comes in as `UnixMicros`), no floats near money.
//! Not here: writing entries (`gateway`, `console`), what a call costs (`prices`), which offer it takes (`routes`).
//!
//! # The order rule
//! That `spent + held <= limit` can be checked from the ledger at every prefix rests on the order of two writes, one
//! to memory and one to the ledger:
//!
//! 1. A hold is taken in memory, then its `opened` entry is appended.
//! 2. The final charge is laid on the hold ([`Hold::price`]; an excess counts from here), then the `settled` entry
//!    is appended, then [`Priced::settle`] turns held into spent.
//!
//! So memory counts at least what the ledger counts, at every instant; and memory never passes a limit. Changes of
//! budgets go through [`Accounts::enact`], which keeps the same order for limits: a raise is appended before it
//! counts, a cut counts before it is appended. [`audit`] checks all of it with code of its own.
//!
//! A hold that is dropped without an end stays held (and is counted in [`Counters`]): its attempt may have reached a
//! provider. The next start finds it open in the ledger and settles it by the crash rule.

mod accounts;
mod admin;
pub mod audit;
mod budget;
mod caller;
mod changes;
mod declared;
mod directory;
mod error;
mod fx;
mod hold;
mod objects;
mod pool;
mod rate;
mod recovery;
mod secret;
mod view;
mod window;

pub use accounts::{Accounts, Counters, ScopeValues};
pub use admin::EnactError;
pub use budget::{BudgetDef, HoldBy, Mode, Scope, Window, parse_allowance};
pub use caller::Caller;
pub use error::AccountsError;
pub use fx::{FxError, FxTable};
pub use hold::{BudgetRefusal, Hold, HoldRefusal, HoldRequest, Priced};
pub use objects::{Declared, Key, KeySpec, Limits, Org, Project, user_label};
pub use pool::Sum;
pub use rate::{Admission, Limit, LimitRefusal};
pub use secret::{KeyRefusal, Secret, SecretHash};
pub use view::{BudgetState, BudgetView, View, WindowView};
