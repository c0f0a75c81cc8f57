//! Who waits for which entry to be durable. Waking takes only those whose entry has come.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use crate::error::LedgerError;
use crate::shared::Shared;

/// Wakers in the order of their entries.
#[derive(Default)]
pub(crate) struct Waiters {
    by_seq: BTreeMap<(u64, u64), Waker>,
    last_id: u64,
}

impl Waiters {
    /// Takes out those who wait for `seq` or an earlier entry.
    pub fn take_up_to(&mut self, seq: u64) -> BTreeMap<(u64, u64), Waker> {
        let later = self.by_seq.split_off(&(seq.saturating_add(1), 0));
        std::mem::replace(&mut self.by_seq, later)
    }

    /// Takes out everybody.
    pub fn take_all(&mut self) -> BTreeMap<(u64, u64), Waker> {
        std::mem::take(&mut self.by_seq)
    }
}

/// Ready when an entry is durable, or never will be. May be dropped at any time.
pub(crate) struct Durable<'a> {
    shared: &'a Shared,
    seq: u64,
    id: Option<u64>,
}

impl<'a> Durable<'a> {
    pub fn new(shared: &'a Shared, seq: u64) -> Self {
        Self { shared, seq, id: None }
    }

    fn outcome(&self) -> Option<Result<(), LedgerError>> {
        if self.shared.durable.load(Ordering::Acquire) >= self.seq {
            return Some(Ok(()));
        }
        if let Some(cause) = self.shared.poison.get() {
            return Some(Err(LedgerError::Poisoned(cause.clone())));
        }
        self.shared.finished.load(Ordering::Acquire).then_some(Err(LedgerError::Closed))
    }
}

impl Future for Durable<'_> {
    type Output = Result<(), LedgerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        let mut waiters = self.shared.waiters.lock();
        // Asked again under the lock: the writer publishes first and takes the wakers afterwards.
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        let id = self.id.unwrap_or_else(|| {
            waiters.last_id += 1;
            waiters.last_id
        });
        waiters.by_seq.insert((self.seq, id), cx.waker().clone());
        drop(waiters);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Durable<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.waiters.lock().by_seq.remove(&(self.seq, id));
        }
    }
}

/// Waits on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
