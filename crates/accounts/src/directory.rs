//! Orgs, projects and keys by id, and keys by the hash of their secret.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ledger::UnixMicros;
use parking_lot::Mutex;

use crate::rate::Meter;
use crate::{Caller, Key, KeyRefusal, Org, Project, SecretHash};

#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) orgs: BTreeMap<String, Arc<Org>>,
    pub(crate) projects: BTreeMap<String, Arc<Project>>,
    keys: BTreeMap<String, Arc<KeySlot>>,
    by_secret: HashMap<SecretHash, Arc<KeySlot>>,
}

/// A key, what it did in the last minute, and its caller once one was asked for.
#[derive(Debug)]
struct KeySlot {
    key: Arc<Key>,
    meter: Arc<Meter>,
    caller: Mutex<Option<Arc<Caller>>>,
}

impl Directory {
    pub(crate) fn caller(&self, secret: &str, now: UnixMicros) -> Result<Arc<Caller>, KeyRefusal> {
        let hash = SecretHash::of(secret);
        let slot = self.by_secret.get(&hash).ok_or(KeyRefusal)?;
        let expired = slot.key.expires.is_some_and(|expires| now >= expires);
        if !slot.key.secret_hash.matches(&hash) || slot.key.revoked || expired {
            return Err(KeyRefusal);
        }
        let mut caller = slot.caller.lock();
        if let Some(caller) = &*caller {
            return Ok(Arc::clone(caller));
        }
        // A key whose project or org is gone opens nothing.
        let project = self.projects.get(&slot.key.project).ok_or(KeyRefusal)?;
        let org = self.orgs.get(&project.org).ok_or(KeyRefusal)?;
        let (org, project, key) = (Arc::clone(org), Arc::clone(project), Arc::clone(&slot.key));
        let made = Arc::new(Caller::new(org, project, key, Arc::clone(&slot.meter)));
        *caller = Some(Arc::clone(&made));
        Ok(made)
    }

    pub(crate) fn key(&self, id: &str) -> Option<&Arc<Key>> {
        self.keys.get(id).map(|slot| &slot.key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values().map(|slot| &slot.key)
    }

    /// The key that has a secret.
    pub(crate) fn key_of(&self, hash: &SecretHash) -> Option<&Arc<Key>> {
        self.by_secret.get(hash).map(|slot| &slot.key)
    }

    /// Adds or replaces a key. A revoked one stays revoked under the same secret, whoever sets it.
    pub(crate) fn set_key(&mut self, mut key: Key) {
        let old = self.remove_key(&key.id);
        let meter = old.as_ref().map_or_else(Arc::default, |slot| Arc::clone(&slot.meter));
        key.revoked |= old.is_some_and(|slot| slot.key.revoked && slot.key.secret_hash == key.secret_hash);
        let slot = Arc::new(KeySlot { key: Arc::new(key), meter, caller: Mutex::default() });
        self.by_secret.insert(slot.key.secret_hash, Arc::clone(&slot));
        self.keys.insert(slot.key.id.clone(), slot);
    }

    /// Forgets a key that the configuration declares no more; a revoked one is kept, and stays revoked.
    pub(crate) fn drop_key(&mut self, id: &str) {
        if self.key(id).is_some_and(|key| !key.revoked) {
            self.remove_key(id);
        }
    }

    fn remove_key(&mut self, id: &str) -> Option<Arc<KeySlot>> {
        let slot = self.keys.remove(id)?;
        if self.by_secret.get(&slot.key.secret_hash).is_some_and(|other| other.key.id == id) {
            self.by_secret.remove(&slot.key.secret_hash);
        }
        Some(slot)
    }

    pub(crate) fn set_project(&mut self, id: &str, project: Option<Project>) {
        match project {
            Some(project) => self.projects.insert(id.to_owned(), Arc::new(project)),
            None => self.projects.remove(id),
        };
        self.forget_callers();
    }

    pub(crate) fn set_org(&mut self, id: &str, org: Option<Org>) {
        match org {
            Some(org) => self.orgs.insert(id.to_owned(), Arc::new(org)),
            None => self.orgs.remove(id),
        };
        self.forget_callers();
    }

    fn forget_callers(&self) {
        for slot in self.keys.values() {
            *slot.caller.lock() = None;
        }
    }
}
