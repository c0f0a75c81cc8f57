//! What the handles and the writer's thread share: the queue, the durable mark, the counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use parking_lot::{Condvar, Mutex};

use crate::waiters::Waiters;
use crate::{Entry, EntryBody};

#[derive(Default)]
pub(crate) struct Shared {
    pub queue: Mutex<Queue>,
    /// Signalled when the writer sleeps and there is work, and at closing.
    pub work: Condvar,
    /// Every entry up to this number is on the disk.
    pub durable: AtomicU64,
    /// Why nothing is written any more.
    pub poison: OnceLock<Arc<str>>,
    /// The writer's thread is gone.
    pub finished: AtomicBool,
    pub waiters: Mutex<Waiters>,
    pub counters: Counters,
    pub last_error: Mutex<Option<Arc<str>>>,
}

/// Entries on their way to the writer.
#[derive(Default)]
pub(crate) struct Queue {
    pub entries: Vec<Entry>,
    /// Bytes of their texts, about.
    pub weight: usize,
    pub next_seq: u64,
    pub closing: bool,
    /// The writer waits for work and wants to be told.
    pub idle: bool,
    /// No space: only what ends a running call is taken.
    pub disk_full: bool,
}

/// Counted since the start.
#[derive(Default)]
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub syncs: AtomicU64,
    pub bytes: AtomicU64,
    pub segment: AtomicU64,
    pub last_commit_us: AtomicU64,
}

impl Shared {
    /// Everything up to `seq` is durable: says so and wakes who waited for it.
    pub fn publish(&self, seq: u64) {
        self.durable.store(seq, Ordering::Release);
        let ready = self.waiters.lock().take_up_to(seq);
        wake(ready);
    }

    /// Entries that are numbered and not durable yet.
    pub fn waiting(&self, queue: &Queue) -> usize {
        let last = queue.next_seq.saturating_sub(1);
        usize::try_from(last.saturating_sub(self.durable.load(Ordering::Acquire))).unwrap_or(usize::MAX)
    }

    /// Nothing more will be written.
    pub fn set_poison(&self, cause: &str) {
        let cause: Arc<str> = Arc::from(cause);
        *self.last_error.lock() = Some(cause.clone());
        // A second cause changes nothing.
        let _ = self.poison.set(cause);
        let all = self.waiters.lock().take_all();
        wake(all);
    }

    /// The writer's thread ends.
    pub fn set_finished(&self) {
        self.finished.store(true, Ordering::Release);
        let all = self.waiters.lock().take_all();
        wake(all);
    }
}

fn wake(waiters: BTreeMap<(u64, u64), Waker>) {
    for waker in waiters.into_values() {
        waker.wake();
    }
}

/// Bytes of an entry's texts and lists, about: what bounds the size of a block.
pub(crate) fn weight(body: &EntryBody) -> usize {
    // Numbers and identities of one entry, with room to spare.
    const NUMBERS: usize = 512;
    let labels = |l: &crate::Labels| {
        l.org.len() + l.project.len() + l.key.len() + l.app.len() + l.domain.len() + l.user.len()
    };
    let amounts =
        |list: &[crate::BudgetAmount]| list.iter().map(|item| item.budget.len() + 16).sum::<usize>();
    let opened = |o: &crate::Opened| {
        let offer = &o.offer;
        labels(&o.labels)
            + o.requested_model.len()
            + offer.offer.len()
            + offer.provider.len()
            + offer.model.len()
            + offer.site.len()
            + offer.jurisdiction.len()
            + offer.dialect.len()
            + offer.price_plan.len()
            + amounts(&o.held)
            + o.route_reason.len()
    };
    NUMBERS
        + match body {
            EntryBody::Opened(o) => opened(o),
            EntryBody::Settled(s) => {
                opened(&s.opened)
                    + s.error_class.len()
                    + s.finish_reason.len()
                    + s.provider_response_id.len()
                    + s.served_model.len()
                    + s.priced_model.len()
                    + s.service_tier.len()
                    + s.book_version.len()
                    + s.rate_ids.len()
                    + amounts(&s.spent)
                    + s.flags.len()
                    + s.raw_usage.len()
            }
            EntryBody::Refused(r) => {
                labels(&r.labels) + r.requested_model.len() + r.code.len() + r.reason.len()
            }
            EntryBody::Budget(b) => b.budget.len() + b.definition.len() + b.actor.len(),
            EntryBody::Admin(a) => a.action.len() + a.object.len() + a.state.len() + a.actor.len(),
        }
}
