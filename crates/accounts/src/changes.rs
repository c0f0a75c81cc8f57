//! Changes as entries: their words, what they do to the state, and whether they tighten.

use std::sync::Arc;

use ledger::{AdminAction, BudgetSet, EntryBody};
use prices::Nano;
use serde::de::DeserializeOwned;

use crate::declared::{CONFIG, Kind};
use crate::pool::Budget;
use crate::{Accounts, AccountsError, BudgetDef, Key, Mode};

/// Words of actions. `offer.…` and others are not ours.
pub(crate) mod action {
    pub(crate) const ORG_SET: &str = "org.set";
    pub(crate) const ORG_REMOVE: &str = "org.remove";
    pub(crate) const PROJECT_SET: &str = "project.set";
    pub(crate) const PROJECT_REMOVE: &str = "project.remove";
    pub(crate) const KEY_CREATE: &str = "key.create";
    pub(crate) const KEY_SET: &str = "key.set";
    pub(crate) const KEY_REVOKE: &str = "key.revoke";
    pub(crate) const KEY_REMOVE: &str = "key.remove";
}

impl Accounts {
    pub(crate) fn apply_action(&self, done: &AdminAction) -> Result<(), AccountsError> {
        let id = &*done.object;
        let kind = match &*done.action {
            action::ORG_SET | action::ORG_REMOVE => {
                self.directory.write().set_org(id, state(done)?);
                Kind::Org
            }
            action::PROJECT_SET | action::PROJECT_REMOVE => {
                self.directory.write().set_project(id, state(done)?);
                Kind::Project
            }
            action::KEY_CREATE | action::KEY_SET => {
                if let Some(key) = state::<Key>(done)? {
                    self.directory.write().set_key(key);
                }
                Kind::Key
            }
            action::KEY_REVOKE => {
                let mut directory = self.directory.write();
                if let Some(key) = directory.key(id).map(|key| Key { revoked: true, ..Key::clone(key) }) {
                    directory.set_key(key);
                }
                Kind::Key
            }
            action::KEY_REMOVE => {
                self.directory.write().drop_key(id);
                Kind::Key
            }
            // Offers and the like: `routes` reads those.
            _ => return Ok(()),
        };
        self.note_config(kind, id, &done.state, &done.actor);
        Ok(())
    }

    pub(crate) fn apply_budget(&self, set: &BudgetSet) -> Result<(), AccountsError> {
        if set.definition.is_empty() {
            let budgets = self.budgets.write();
            if let Some(budget) = budgets.by_id.get(&set.budget) {
                budget.lock().active = false;
                self.budgets_changed();
            }
        } else {
            let unreadable =
                |why: String| AccountsError::State { what: "budget".into(), id: set.budget.to_string(), why };
            let def: BudgetDef =
                serde_json::from_str(&set.definition).map_err(|error| unreadable(error.to_string()))?;
            if *def.id != *set.budget {
                return Err(unreadable(format!("it is a definition of `{}`", def.id)));
            }
            self.put_budget(def)?;
        }
        self.note_config(Kind::Budget, &set.budget, &set.definition, &set.actor);
        Ok(())
    }

    /// Puts a definition in force. Where it is another thing than the budget of that id was, it starts from nothing
    /// (only a start with a changed configuration does this: no hold is being taken then).
    pub(crate) fn put_budget(&self, def: BudgetDef) -> Result<(), AccountsError> {
        let mut budgets = self.budgets.write();
        if let Some(budget) = budgets.by_id.get(def.id.as_str()) {
            let mut state = budget.lock();
            if state.def.differs_in(&def).is_none() {
                state.def = Arc::new(def);
                if !std::mem::replace(&mut state.active, true) {
                    self.budgets_changed();
                }
                return Ok(());
            }
        }
        let new = Arc::new(Budget::new(budgets.made, def)?);
        budgets.made += 1;
        if let Some(old) = budgets.by_id.insert(Arc::clone(&new.id), new) {
            old.lock().active = false;
        }
        self.budgets_changed();
        Ok(())
    }

    fn note_config(&self, kind: Kind, id: &str, state: &str, actor: &str) {
        if actor == CONFIG {
            self.config_said.lock().insert((kind, id.to_owned()), state.to_owned());
        }
    }

    /// Does a change allow less than before?
    pub(crate) fn tightens(&self, body: &EntryBody) -> bool {
        match body {
            EntryBody::Budget(set) => {
                let (Some(old), Ok(new)) =
                    (self.budget(&set.budget), serde_json::from_str::<BudgetDef>(&set.definition))
                else {
                    return false; // new, removed, or refused anyway
                };
                // A budget that only warns allows anything.
                let allows = |def: &BudgetDef| match def.mode {
                    Mode::Enforce => def.limit.amount,
                    Mode::Warn => Nano(i64::MAX),
                };
                allows(&new) < allows(&old)
            }
            EntryBody::Admin(done) => matches!(&*done.action, action::KEY_REVOKE | action::KEY_REMOVE),
            EntryBody::Opened(_) | EntryBody::Settled(_) | EntryBody::Refused(_) => false,
        }
    }
}

/// The object that an entry carries; `None`: it is removed.
fn state<T: DeserializeOwned>(done: &AdminAction) -> Result<Option<T>, AccountsError> {
    if done.state.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&done.state).map(Some).map_err(|error| AccountsError::State {
        what: done.action.to_string(),
        id: done.object.to_string(),
        why: error.to_string(),
    })
}

pub(crate) fn json<T: serde::Serialize>(object: &T) -> String {
    // Plain strings and numbers: there is nothing in it that JSON cannot say.
    serde_json::to_string(object).unwrap_or_default()
}

pub(crate) fn entry<T: serde::Serialize>(action: &str, id: &str, object: &T, actor: &str) -> EntryBody {
    admin_entry(action, id, &json(object), actor)
}

pub(crate) fn admin_entry(action: &str, id: &str, state: &str, actor: &str) -> EntryBody {
    let (action, object, state) = (ledger::name(action), ledger::name(id), ledger::name(state));
    EntryBody::Admin(Box::new(AdminAction { action, object, state, actor: ledger::name(actor) }))
}

pub(crate) fn budget_entry(id: &str, definition: &str, actor: &str) -> EntryBody {
    let (budget, definition) = (ledger::name(id), ledger::name(definition));
    EntryBody::Budget(Box::new(BudgetSet { budget, definition, actor: ledger::name(actor) }))
}
