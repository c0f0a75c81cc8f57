//! The configuration's part: checked as a whole, taken as the state to start from, and told to the ledger.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use ledger::EntryBody;

use crate::changes::{action, admin_entry, budget_entry, json};
use crate::{Accounts, AccountsError, BudgetDef, Declared, Org, Scope};

/// The actor of entries that repeat the configuration.
pub(crate) const CONFIG: &str = "config";
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

impl Accounts {
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
pub(crate) fn resolve(
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

pub(crate) fn check_org(org: &Org) -> Result<(), AccountsError> {
    check_id("org", &org.id)?;
    let bad = |_| AccountsError::Zone { what: "org", id: org.id.clone(), zone: org.time_zone.clone() };
    TimeZone::get(&org.time_zone).map(drop).map_err(bad)
}

pub(crate) fn check_id(what: &'static str, id: &str) -> Result<(), AccountsError> {
    let good = !id.is_empty() && id.len() <= ID_MAX && !id.chars().any(char::is_control);
    if good { Ok(()) } else { Err(AccountsError::Id { what, id: id.chars().take(ID_MAX).collect() }) }
}

fn unique<'a>(what: &'static str, ids: impl Iterator<Item = &'a String>) -> Result<(), AccountsError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        check_id(what, id)?;
        if !seen.insert(id) {
            return Err(AccountsError::Twice { what, id: id.clone() });
        }
    }
    Ok(())
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
