//! A key with its project and org, ready for calls.

use std::sync::Arc;

use ledger::{Labels, Name};
use parking_lot::Mutex;

use crate::pool::Budget;
use crate::rate::Meter;
use crate::{Key, Org, Project};

/// Who calls. One is made per key and shared by its calls; a change of key, project or org makes a new one.
#[derive(Debug)]
pub struct Caller {
    /// Who pays.
    pub org: Arc<Org>,
    /// The project of the key.
    pub project: Arc<Project>,
    /// The key.
    pub key: Arc<Key>,
    labels: Arc<Labels>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) candidates: Mutex<Candidates>,
}

/// The budgets that may cover calls of a key, in lock order, as of a generation of the set of budgets.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) generation: Option<u64>,
    pub(crate) budgets: Arc<[Arc<Budget>]>,
}

impl Caller {
    pub(crate) fn new(org: Arc<Org>, project: Arc<Project>, key: Arc<Key>, meter: Arc<Meter>) -> Self {
        let labels = Arc::new(Labels {
            org: ledger::name(&org.id),
            project: ledger::name(&project.id),
            key: ledger::name(&key.id),
            app: ledger::name(&key.app),
            domain: ledger::name(key.domain.as_deref().unwrap_or(&project.domain)),
            user: ledger::name(""),
        });
        Self { org, project, key, labels, meter, candidates: Mutex::default() }
    }

    /// The labels of a call that says nothing of its own.
    pub fn own_labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    /// The labels of a call. What the key says stands, or a caller could walk out of a budget by relabelling itself;
    /// what it leaves open the call may say (empty: it does not); the project's domain is last. `user` is a label of
    /// [`crate::user_label`].
    pub fn labels(&self, app: &str, domain: &str, user: &Name) -> Arc<Labels> {
        let says_app = !app.is_empty() && self.key.app.is_empty();
        let says_domain = !domain.is_empty() && self.key.domain.is_none();
        if !says_app && !says_domain && user.is_empty() {
            return Arc::clone(&self.labels);
        }
        let mut labels = Labels::clone(&self.labels);
        if says_app {
            labels.app = ledger::name(app);
        }
        if says_domain {
            labels.domain = ledger::name(domain);
        }
        labels.user = Name::clone(user);
        Arc::new(labels)
    }

    pub(crate) fn may_use_model(&self, model: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => model.starts_with(start),
            None => pattern == model,
        };
        self.key.models.is_empty() || self.key.models.iter().any(fits)
    }
}
