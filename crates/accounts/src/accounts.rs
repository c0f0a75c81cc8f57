//! The accounts of a house: what calls ask of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{AttemptId, Entry, EntryBody, Labels, UnixMicros};
use parking_lot::{Mutex, RwLock};

use crate::declared::Kind;
use crate::directory::Directory;
use crate::hold::{self, Asked};
use crate::pool::Budget;
use crate::recovery::Open;
use crate::{
    AccountsError, Admission, Caller, Declared, FxTable, Hold, HoldRefusal, HoldRequest, KeyRefusal,
    LimitRefusal,
};

/// Orgs, projects, keys, limits and budgets with their holds. Shared by reference; every call locks for itself.
#[derive(Debug)]
pub struct Accounts {
    pub(crate) directory: RwLock<Directory>,
    pub(crate) budgets: RwLock<Budgets>,
    /// Counts changes of the set of budgets, so that a caller knows when its list is old.
    generation: AtomicU64,
    fx: RwLock<Arc<FxTable>>,
    pub(crate) open: Mutex<BTreeMap<AttemptId, Open>>,
    pub(crate) declared: Mutex<Declared>,
    /// What the ledger says that the configuration said last; empty text: removed.
    pub(crate) config_said: Mutex<BTreeMap<(Kind, String), String>>,
    /// One change at a time, so that ledger and memory see changes in one order.
    pub(crate) changes: Mutex<()>,
    tally: Arc<Tally>,
}

/// Every budget by its id.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    pub(crate) by_id: BTreeMap<ledger::Name, Arc<Budget>>,
    pub(crate) made: u64,
}

/// A call as budgets see it.
#[derive(Clone, Copy, Debug)]
pub struct ScopeValues<'a> {
    /// Its labels ([`Caller::labels`]).
    pub labels: &'a Labels,
    /// The model as the client asked for it.
    pub requested_model: &'a str,
    /// The model as the offer's provider calls it.
    pub model: &'a str,
    /// The offer's provider.
    pub provider: &'a str,
}

/// What should not happen, and happened this often since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Holds dropped without an end; they stay held until the next start.
    pub holds_dropped: u64,
    /// Attempts that cost more than was held for them.
    pub holds_exceeded: u64,
}

impl Accounts {
    /// The accounts as declared, before the ledger is folded into them. References are checked.
    pub fn new(declared: Declared, fx: FxTable) -> Result<Self, AccountsError> {
        let accounts = Self {
            directory: RwLock::default(),
            budgets: RwLock::default(),
            generation: AtomicU64::new(0),
            fx: RwLock::new(Arc::new(fx)),
            open: Mutex::default(),
            declared: Mutex::default(),
            config_said: Mutex::default(),
            changes: Mutex::default(),
            tally: Arc::default(),
        };
        accounts.adopt(declared)?;
        Ok(accounts)
    }

    /// Folds an entry of the ledger in: at recovery, every one in order. While serving, calls change the state by
    /// themselves and only changes of objects are applied ([`Accounts::enact`] does).
    /// # Errors
    /// The entry's JSON cannot be read; nothing was changed.
    pub fn apply(&self, entry: &Entry) -> Result<(), AccountsError> {
        self.apply_body(&entry.body)
    }

    /// As [`Accounts::apply`]. Nothing here depends on an entry's number or instant.
    pub fn apply_body(&self, body: &EntryBody) -> Result<(), AccountsError> {
        match body {
            EntryBody::Opened(opened) => {
                self.reopen(opened);
                Ok(())
            }
            EntryBody::Settled(settled) => {
                self.close(settled);
                Ok(())
            }
            EntryBody::Refused(_) => Ok(()),
            EntryBody::Budget(set) => self.apply_budget(set),
            EntryBody::Admin(action) => self.apply_action(action),
        }
    }

    /// The caller that a secret belongs to. Looked up by hash and compared in constant time.
    pub fn caller(&self, secret: &str, now: UnixMicros) -> Result<Arc<Caller>, KeyRefusal> {
        self.directory.read().caller(secret, now)
    }

    /// May this key ask for a model of this name?
    pub fn may_use_model(&self, caller: &Caller, model: &str) -> bool {
        caller.may_use_model(model)
    }

    /// Lets a call in within the key's limits; it counts as one request and `input_tokens` tokens.
    pub fn admit(
        &self,
        caller: &Caller,
        now: UnixMicros,
        input_tokens: u64,
    ) -> Result<Admission, LimitRefusal> {
        caller.meter.admit(caller.key.limits, now, input_tokens)
    }

    /// Counts what a call used beyond the `input_tokens` it was admitted with.
    pub fn charge_tokens(&self, caller: &Caller, beyond: u64, now: UnixMicros) {
        caller.meter.charge(caller.key.limits, now, beyond);
    }

    /// Holds against every budget that covers the call, or against none. `at` is the attempt's `opened_at`, read from
    /// the clock before this call; it picks the windows.
    pub fn hold(
        &self,
        caller: &Caller,
        scope: &ScopeValues<'_>,
        request: &HoldRequest,
        at: UnixMicros,
    ) -> Result<Hold, HoldRefusal> {
        let candidates = self.candidates(caller);
        let asked = Asked {
            labels: scope.labels,
            models: [scope.requested_model, scope.model],
            provider: scope.provider,
            request,
            at,
        };
        hold::take(&candidates, &asked, &self.fx.read(), &self.tally)
    }

    /// The exchange rates in force.
    pub fn fx(&self) -> Arc<FxTable> {
        Arc::clone(&self.fx.read())
    }

    /// Other exchange rates from now on; holds that are taken keep theirs.
    pub fn set_fx(&self, fx: FxTable) {
        *self.fx.write() = Arc::new(fx);
    }

    /// What should not happen.
    pub fn counters(&self) -> Counters {
        Counters {
            holds_dropped: self.tally.dropped.load(Ordering::Relaxed),
            holds_exceeded: self.tally.exceeded.load(Ordering::Relaxed),
        }
    }

    /// The budgets that may cover a caller's calls, sorted by lock order.
    pub(crate) fn candidates(&self, caller: &Caller) -> Arc<[Arc<Budget>]> {
        let mut known = caller.candidates.lock();
        if known.generation != Some(self.generation.load(Ordering::Acquire)) {
            let budgets = self.budgets.read();
            // Read under the lock: the set cannot change between number and list.
            let generation = self.generation.load(Ordering::Acquire);
            let (org, project, key) = (&caller.org.id, &caller.project.id, &caller.key.id);
            let covering =
                |budget: &&Arc<Budget>| budget.may_cover(org, project, key) && budget.lock().active;
            let mut list: Vec<_> = budgets.by_id.values().filter(covering).cloned().collect();
            list.sort_unstable_by_key(|budget| budget.order);
            known.generation = Some(generation);
            known.budgets = list.into();
        }
        Arc::clone(&known.budgets)
    }

    /// To be called with the write lock of `budgets`.
    pub(crate) fn budgets_changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// Counters behind [`Counters`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    dropped: AtomicU64,
    exceeded: AtomicU64,
}

impl Tally {
    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn exceeded(&self) {
        self.exceeded.fetch_add(1, Ordering::Relaxed);
    }
}
