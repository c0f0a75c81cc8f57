//! Changes of account objects: checked, worded as entries, and made effective in the order that keeps the books true.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ledger::{AdminAction, BudgetSet, EntryBody};
use prices::Nano;
use serde::de::DeserializeOwned;

use crate::pool::Budget;
use crate::secret::random_text;
use crate::{Accounts, AccountsError, BudgetDef, Declared, Key, KeySpec, Mode, Org, Project, Scope, Secret};

/// The actor of entries that repeat the configuration.
const CONFIG: &str = "config";
/// The longest id, in bytes.
const ID_MAX: usize = 128;

/// Kinds of objects that a configuration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Org,
    Project,
    Key,
    Budget,
}

/// A change that was not made.
#[derive(Debug, thiserror::Error)]
pub enum EnactError<E> {
    /// It makes no sense.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// It could not be written down.
    #[error("{0}")]
    Append(E),
}

/// Words of actions. `offer.…` and others are not ours.
mod action {
    pub(super) const ORG_SET: &str = "org.set";
    pub(super) const ORG_REMOVE: &str = "org.remove";
    pub(super) const PROJECT_SET: &str = "project.set";
    pub(super) const PROJECT_REMOVE: &str = "project.remove";
    pub(super) const KEY_CREATE: &str = "key.create";
    pub(super) const KEY_SET: &str = "key.set";
    pub(super) const KEY_REVOKE: &str = "key.revoke";
    pub(super) const KEY_REMOVE: &str = "key.remove";
}

impl Accounts {
    /// A new key: its secret (shown once, kept nowhere) and the entry that makes it. Not in force until enacted.
    pub fn create_key(&self, spec: KeySpec, actor: &str) -> Result<(Secret, EntryBody), AccountsError> {
        let secret = Secret::generate()?;
        let id = match spec.id {
            Some(id) => id,
            None => format!("key-{}", random_text::<5>()?),
        };
        check_id("key", &id)?;
        let directory = self.directory.read();
        if directory.key(&id).is_some() {
            return Err(AccountsError::Twice { what: "key", id });
        }
        if !directory.projects.contains_key(&spec.project) {
            return Err(AccountsError::Missing { what: "key", id, kind: "project", missing: spec.project });
        }
        let key = Key {
            id,
            project: spec.project,
            app: spec.app,
            domain: spec.domain,
            models: spec.models,
            limits: spec.limits,
            expires: spec.expires,
            revoked: false,
            secret_hash: secret.hash(),
        };
        Ok((secret, entry(action::KEY_CREATE, &key.id, &key, actor)))
    }

    /// Other limits, models, labels or expiry for a key; secret, id and revocation stay.
    pub fn set_key(&self, spec: KeySpec, actor: &str) -> Result<EntryBody, AccountsError> {
        let id = spec.id.unwrap_or_default();
        let directory = self.directory.read();
        let old = directory.key(&id).ok_or(AccountsError::Unknown { what: "key", id })?;
        if !directory.projects.contains_key(&spec.project) {
            let missing = spec.project;
            return Err(AccountsError::Missing { what: "key", id: old.id.clone(), kind: "project", missing });
        }
        let key = Key {
            id: old.id.clone(),
            project: spec.project,
            app: spec.app,
            domain: spec.domain,
            models: spec.models,
            limits: spec.limits,
            expires: spec.expires,
            revoked: old.revoked,
            secret_hash: old.secret_hash,
        };
        Ok(entry(action::KEY_SET, &key.id, &key, actor))
    }

    /// The end of a key.
    pub fn revoke_key(&self, id: &str, actor: &str) -> Result<EntryBody, AccountsError> {
        let directory = self.directory.read();
        let key =
            directory.key(id).ok_or_else(|| AccountsError::Unknown { what: "key", id: id.to_owned() })?;
        let key = Key { revoked: true, ..Key::clone(key) };
        Ok(entry(action::KEY_REVOKE, id, &key, actor))
    }

    /// An org, new or changed. Budgets keep the zone they were set with.
    pub fn set_org(&self, org: &Org, actor: &str) -> Result<EntryBody, AccountsError> {
        check_org(org)?;
        Ok(entry(action::ORG_SET, &org.id, org, actor))
    }

    /// A project, new or changed.
    pub fn set_project(&self, project: &Project, actor: &str) -> Result<EntryBody, AccountsError> {
        check_id("project", &project.id)?;
        if !self.directory.read().orgs.contains_key(&project.org) {
            let (id, missing) = (project.id.clone(), project.org.clone());
            return Err(AccountsError::Missing { what: "project", id, kind: "org", missing });
        }
        Ok(entry(action::PROJECT_SET, &project.id, project, actor))
    }

    /// A budget, new or changed. A new one counts from here on, not what was spent before it was set. Limit, mode and
    /// hold may change; scope, window, zone and currency of an id are fixed, even after it was removed.
    pub fn set_budget(&self, def: BudgetDef, actor: &str) -> Result<EntryBody, AccountsError> {
        let def = self.resolved(def)?;
        if let Some(old) = self.budget(&def.id)
            && let Some((field, from, to)) = old.differs_in(&def)
        {
            return Err(AccountsError::Fixed { id: def.id, field, from, to });
        }
        Ok(budget_entry(&def.id, &def.to_json(), actor))
    }

    /// The end of a budget. Its counts stay, in case it is set again.
    pub fn remove_budget(&self, id: &str, actor: &str) -> Result<EntryBody, AccountsError> {
        let budgets = self.budgets.read();
        let known = budgets.by_id.get(id).filter(|budget| budget.lock().active);
        known.ok_or_else(|| AccountsError::Unknown { what: "budget", id: id.to_owned() })?;
        Ok(budget_entry(id, "", actor))
    }

    /// Writes a change down and makes it effective, in the order that the crate's header explains: what tightens
    /// (a lower limit, `enforce` after `warn`, a revoked key) counts first, all else is appended first. `append` reads
    /// the clock itself and appends to the ledger. If it fails, a tightening stays in force until the next start.
    pub fn enact<T, E>(
        &self,
        body: &EntryBody,
        append: impl FnOnce(EntryBody) -> Result<T, E>,
    ) -> Result<T, EnactError<E>> {
        let _one_at_a_time = self.changes.lock();
        if self.tightens(body) {
            self.apply_body(body)?;
            return append(body.clone()).map_err(EnactError::Append);
        }
        let ticket = append(body.clone()).map_err(EnactError::Append)?;
        self.apply_body(body)?;
        Ok(ticket)
    }

    /// What the ledger must be told of the configuration: an entry for each object that it declares otherwise than
    /// the last entry of `config` said, or no more. To be asked after recovery, before serving, and enacted. What an
    /// administrator changed stands until the configuration itself says something new.
    pub fn declared_changes(&self) -> Vec<EntryBody> {
        let declared = self.declared.lock();
        let said = self.config_said.lock();
        let mut says = Vec::new();
        for org in &declared.orgs {
            says.push((Kind::Org, org.id.clone(), json(org)));
        }
        for project in &declared.projects {
            says.push((Kind::Project, project.id.clone(), json(project)));
        }
        for key in &declared.keys {
            says.push((Kind::Key, key.id.clone(), json(key)));
        }
        for budget in &declared.budgets {
            says.push((Kind::Budget, budget.id.clone(), budget.to_json()));
        }
        let mut changes = Vec::new();
        for (kind, id, state) in &says {
            if said.get(&(*kind, id.clone())) != Some(state) {
                changes.push(config_entry(*kind, id, state));
            }
        }
        for (kind, id) in said.iter().filter(|(_, state)| !state.is_empty()).map(|(object, _)| object) {
            if !says.iter().any(|(known, other, _)| known == kind && other == id) {
                changes.push(config_entry(*kind, id, ""));
            }
        }
        changes
    }

    /// Another configuration while running: checked whole, then the entries to enact. A budget may not change what it
    /// is. If it is wrong, nothing is changed.
    pub fn declare(&self, declared: Declared) -> Result<Vec<EntryBody>, AccountsError> {
        let declared = checked(declared)?;
        for def in &declared.budgets {
            if let Some(old) = self.budget(&def.id)
                && let Some((field, from, to)) = old.differs_in(def)
            {
                return Err(AccountsError::Fixed { id: def.id.clone(), field, from, to });
            }
        }
        let directory = self.directory.read();
        for key in &declared.keys {
            if let Some(other) = directory.key_of(&key.secret_hash).filter(|other| other.id != key.id) {
                return Err(AccountsError::SameSecret { first: other.id.clone(), second: key.id.clone() });
            }
        }
        *self.declared.lock() = declared;
        Ok(self.declared_changes())
    }

    /// Takes a configuration as the state to start from.
    pub(crate) fn adopt(&self, declared: Declared) -> Result<(), AccountsError> {
        let declared = checked(declared)?;
        let mut directory = self.directory.write();
        for org in &declared.orgs {
            directory.set_org(&org.id, Some(org.clone()));
        }
        for project in &declared.projects {
            directory.set_project(&project.id, Some(project.clone()));
        }
        for key in &declared.keys {
            directory.set_key(key.clone());
        }
        for def in &declared.budgets {
            self.put_budget(def.clone())?;
        }
        *self.declared.lock() = declared;
        Ok(())
    }

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
    fn put_budget(&self, def: BudgetDef) -> Result<(), AccountsError> {
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
    fn tightens(&self, body: &EntryBody) -> bool {
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

    /// A definition with its references checked and its zone known.
    fn resolved(&self, def: BudgetDef) -> Result<BudgetDef, AccountsError> {
        let directory = self.directory.read();
        let org = |id: &str| directory.orgs.get(id).map(|org| org.time_zone.clone());
        let project = |id: &str| directory.projects.get(id).map(|project| project.org.clone());
        let key = |id: &str| directory.key(id).map(|key| key.project.clone());
        let only = (directory.orgs.len() == 1).then(|| directory.orgs.keys().next().cloned()).flatten();
        resolve(def, org, project, key, only)
    }
}

/// Checks a whole configuration, and gives every budget its zone.
fn checked(mut declared: Declared) -> Result<Declared, AccountsError> {
    unique("org", declared.orgs.iter().map(|org| &org.id))?;
    unique("project", declared.projects.iter().map(|project| &project.id))?;
    unique("key", declared.keys.iter().map(|key| &key.id))?;
    unique("budget", declared.budgets.iter().map(|budget| &budget.id))?;
    declared.orgs.iter().try_for_each(check_org)?;
    let orgs = &declared.orgs;
    let projects = &declared.projects;
    let keys = &declared.keys;
    let org = |id: &str| orgs.iter().find(|org| org.id == id).map(|org| org.time_zone.clone());
    let project =
        |id: &str| projects.iter().find(|project| project.id == id).map(|project| project.org.clone());
    let key = |id: &str| keys.iter().find(|key| key.id == id).map(|key| key.project.clone());
    for one in projects {
        if org(&one.org).is_none() {
            let (id, missing) = (one.id.clone(), one.org.clone());
            return Err(AccountsError::Missing { what: "project", id, kind: "org", missing });
        }
    }
    for (place, one) in keys.iter().enumerate() {
        if project(&one.project).is_none() {
            let (id, missing) = (one.id.clone(), one.project.clone());
            return Err(AccountsError::Missing { what: "key", id, kind: "project", missing });
        }
        if let Some(other) = keys.iter().take(place).find(|other| other.secret_hash == one.secret_hash) {
            return Err(AccountsError::SameSecret { first: other.id.clone(), second: one.id.clone() });
        }
    }
    let only = match orgs.as_slice() {
        [one] => Some(one.id.clone()),
        _ => None,
    };
    let budgets = std::mem::take(&mut declared.budgets);
    let resolved = budgets.into_iter().map(|def| resolve(def, org, project, key, only.clone()));
    let budgets: Result<Vec<_>, _> = resolved.collect();
    Ok(Declared { budgets: budgets?, ..declared })
}

/// Checks a budget's references and finds its zone: its own, else its org's, else the only org's, else UTC. The
/// look-ups lead from an org to its zone, from a project to its org, from a key to its project.
fn resolve(
    mut def: BudgetDef,
    zone_of_org: impl Fn(&str) -> Option<String>,
    org_of_project: impl Fn(&str) -> Option<String>,
    project_of_key: impl Fn(&str) -> Option<String>,
    only_org: Option<String>,
) -> Result<BudgetDef, AccountsError> {
    check_id("budget", &def.id)?;
    let id = def.id.clone();
    let missing = |kind: &'static str, missing: &str| {
        Err(AccountsError::Missing { what: "budget", id: id.clone(), kind, missing: missing.to_owned() })
    };
    let Scope { org, project, key, .. } = &def.scope;
    let mut payer = org.clone();
    if let Some(org) = org
        && zone_of_org(org).is_none()
    {
        return missing("org", org);
    }
    if let Some(project) = project {
        match org_of_project(project) {
            Some(org) => payer = payer.or(Some(org)),
            None => return missing("project", project),
        }
    }
    if let Some(key) = key {
        match project_of_key(key) {
            Some(project) => payer = payer.or_else(|| org_of_project(&project)),
            None => return missing("key", key),
        }
    }
    if def.zone.is_empty() {
        let zone = payer.or(only_org).and_then(|org| zone_of_org(&org));
        def.zone = zone.unwrap_or_else(|| "UTC".to_owned());
    }
    def.time_zone()?;
    Ok(def)
}

fn check_org(org: &Org) -> Result<(), AccountsError> {
    check_id("org", &org.id)?;
    let bad = |_| AccountsError::Zone { what: "org", id: org.id.clone(), zone: org.time_zone.clone() };
    TimeZone::get(&org.time_zone).map(drop).map_err(bad)
}

fn check_id(what: &'static str, id: &str) -> Result<(), AccountsError> {
    let good = !id.is_empty() && id.len() <= ID_MAX && !id.chars().any(char::is_control);
    if good { Ok(()) } else { Err(AccountsError::Id { what, id: id.chars().take(ID_MAX).collect() }) }
}

fn unique<'a>(what: &'static str, ids: impl Iterator<Item = &'a String>) -> Result<(), AccountsError> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        check_id(what, id)?;
        if !seen.insert(id) {
            return Err(AccountsError::Twice { what, id: id.clone() });
        }
    }
    Ok(())
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

fn json<T: serde::Serialize>(object: &T) -> String {
    // Plain strings and numbers: there is nothing in it that JSON cannot say.
    serde_json::to_string(object).unwrap_or_default()
}

fn entry<T: serde::Serialize>(action: &str, id: &str, object: &T, actor: &str) -> EntryBody {
    admin_entry(action, id, &json(object), actor)
}

fn admin_entry(action: &str, id: &str, state: &str, actor: &str) -> EntryBody {
    let (action, object, state) = (ledger::name(action), ledger::name(id), ledger::name(state));
    EntryBody::Admin(Box::new(AdminAction { action, object, state, actor: ledger::name(actor) }))
}

fn budget_entry(id: &str, definition: &str, actor: &str) -> EntryBody {
    let (budget, definition) = (ledger::name(id), ledger::name(definition));
    EntryBody::Budget(Box::new(BudgetSet { budget, definition, actor: ledger::name(actor) }))
}

fn config_entry(kind: Kind, id: &str, state: &str) -> EntryBody {
    let action = match (kind, state.is_empty()) {
        (Kind::Budget, _) => return budget_entry(id, state, CONFIG),
        (Kind::Org, false) => action::ORG_SET,
        (Kind::Org, true) => action::ORG_REMOVE,
        (Kind::Project, false) => action::PROJECT_SET,
        (Kind::Project, true) => action::PROJECT_REMOVE,
        (Kind::Key, false) => action::KEY_SET,
        (Kind::Key, true) => action::KEY_REMOVE,
    };
    admin_entry(action, id, state, CONFIG)
}
