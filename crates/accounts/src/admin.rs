//! Changes of account objects: checked, worded as entries, and made effective in the order that keeps the books true.

use ledger::EntryBody;

use crate::changes::{action, budget_entry, entry};
use crate::declared::{check_id, check_org, resolve};
use crate::secret::random_text;
use crate::{Accounts, AccountsError, BudgetDef, Key, KeySpec, Org, Project, Secret};

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
