//! The handle: open, append, wait, close. Cheap to clone; the last one to go closes the ledger.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use crate::disk::{Disk, Guard};
use crate::error::{DiskError, LedgerError};
use crate::recovery::{Recovery, recover};
use crate::shared::{Queue, Shared, weight};
use crate::waiters::{Durable, block_on};
use crate::writer::{Observer, Writer};
use crate::{Entry, EntryBody, Seq, UnixMicros};

/// How a ledger is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest that a commit waits for more entries after the start of the last one.
    pub commit_interval: Duration,
    /// A segment ends at the first block past this size.
    pub segment_bytes: u64,
    /// Entries that may wait for the disk before new calls are refused.
    pub queue_max: usize,
    /// Bytes of zeros kept written ahead: cheaper syncs, and the reserve for running calls when the disk is full.
    pub ahead_bytes: u64,
    /// Identity of the writer; 0: that of the ledger that is there, or a new one.
    pub writer: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            commit_interval: Duration::from_millis(2),
            segment_bytes: 32 << 20,
            queue_max: 65_536,
            ahead_bytes: 1 << 20,
            writer: 0,
        }
    }
}

/// The most bytes of text in one entry.
pub const ENTRY_MAX: usize = 1 << 20;
/// The most budgets that one entry names.
pub const BUDGETS_MAX: usize = 15;

/// An appended entry, to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub Seq);

/// How the ledger is doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// Number of the next entry.
    pub next_seq: u64,
    /// Every entry up to this one is on the disk.
    pub durable_seq: u64,
    /// Blocks written since the start.
    pub commits: u64,
    /// `fdatasync` calls on blocks since the start.
    pub fsyncs: u64,
    /// Bytes of blocks since the start.
    pub bytes: u64,
    /// Entries that are not durable yet.
    pub queue: usize,
    /// Number of the segment written to.
    pub segment: u64,
    /// How long the last commit took.
    pub last_commit: Duration,
    /// No space is left: only what ends a running call is taken.
    pub disk_full: bool,
    /// Why nothing is written any more.
    pub poisoned: Option<String>,
    /// The last thing that went wrong, if it is over too.
    pub last_error: Option<String>,
}

/// An open ledger.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    queue_max: usize,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    // Given back last, when the thread is gone.
    guard: Mutex<Option<Box<dyn Guard>>>,
}

impl Ledger {
    /// Takes the folder, recovers what is in it, handing every entry to `visit` in order, and begins a new
    /// segment. Damage is reported, not fatal. `observer` is called on the writer's thread with every new entry
    /// once it is durable; it must be quick, and must not wait for the ledger.
    /// # Errors  The folder is held by another process; a file is of a newer release or of another writer; I/O.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: Options,
        visit: &mut dyn FnMut(&Entry),
        observer: Option<Observer>,
    ) -> Result<(Self, Recovery), LedgerError> {
        let guard = disk.lock()?;
        let (begun, recovery) = recover(&*disk, options.writer, visit)?;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { next_seq: begun.next_seq, ..Queue::default() }),
            durable: (begun.next_seq - 1).into(),
            ..Shared::default()
        });
        let queue_max = options.queue_max;
        let writer = Writer::new(shared.clone(), disk, options, observer, begun);
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| DiskError::new("ledger-writer", "clone", error))?;
        let inner =
            Inner { shared, queue_max, thread: Mutex::new(Some(thread)), guard: Mutex::new(Some(guard)) };
        Ok((Self { inner: Arc::new(inner) }, recovery))
    }

    /// Queues an entry and numbers it; entries are written in the order of their numbers. Never waits for the
    /// disk. A `settled` entry is taken even when the queue or the disk is full: there are no more of them than
    /// calls that run.
    /// # Errors  Poisoned, closed, too large; for anything but `settled` also: disk full, queue full.
    pub fn append(&self, at: UnixMicros, body: EntryBody) -> Result<Ticket, LedgerError> {
        let shared = &self.inner.shared;
        let weight = weight(&body);
        check_size(&body, weight)?;
        let ends_a_call = matches!(body, EntryBody::Settled(_));
        let mut queue = shared.queue.lock();
        if let Some(cause) = shared.poison.get() {
            return Err(LedgerError::Poisoned(cause.clone()));
        }
        if queue.closing {
            return Err(LedgerError::Closed);
        }
        if !ends_a_call {
            if queue.disk_full {
                return Err(LedgerError::DiskFull);
            }
            let waiting = shared.waiting(&queue);
            if waiting >= self.inner.queue_max {
                return Err(LedgerError::QueueFull(waiting));
            }
        }
        let seq = Seq(queue.next_seq);
        queue.next_seq += 1;
        queue.weight += weight;
        queue.entries.push(Entry { seq, at, body });
        // While the writer is at work, or pauses between two commits, it looks by itself.
        let tell = std::mem::take(&mut queue.idle);
        drop(queue);
        if tell {
            shared.work.notify_one();
        }
        Ok(Ticket(seq))
    }

    /// Waits until the entry is on the disk. May be dropped at any time.
    /// # Errors  It never will be: `Poisoned` or `Closed`.
    pub async fn durable(&self, ticket: Ticket) -> Result<(), LedgerError> {
        Durable::new(&self.inner.shared, ticket.0.0).await
    }

    /// Waits on this thread until the entry is on the disk.
    /// # Errors  It never will be: `Poisoned` or `Closed`.
    pub fn durable_blocking(&self, ticket: Ticket) -> Result<(), LedgerError> {
        block_on(self.durable(ticket))
    }

    /// A new call may be written down: there is room in the queue and on the disk, and writing works.
    pub fn has_room(&self) -> bool {
        let queue = self.inner.shared.queue.lock();
        let waiting = self.inner.shared.waiting(&queue);
        !queue.disk_full && !queue.closing && waiting < self.inner.queue_max && self.poisoned().is_none()
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let shared = &self.inner.shared;
        let (next_seq, queued, disk_full) = {
            let queue = shared.queue.lock();
            (queue.next_seq, shared.waiting(&queue), queue.disk_full)
        };
        Status {
            next_seq,
            durable_seq: shared.durable.load(Acquire),
            commits: shared.counters.commits.load(Relaxed),
            fsyncs: shared.counters.syncs.load(Relaxed),
            bytes: shared.counters.bytes.load(Relaxed),
            queue: queued,
            segment: shared.counters.segment.load(Relaxed),
            last_commit: Duration::from_micros(shared.counters.last_commit_us.load(Relaxed)),
            disk_full,
            poisoned: self.poisoned(),
            last_error: shared.last_error.lock().as_deref().map(str::to_owned),
        }
    }

    /// Why nothing is written any more; `None`: it is.
    pub fn poisoned(&self) -> Option<String> {
        self.inner.shared.poison.get().map(ToString::to_string)
    }

    /// Waits until writing fails for good, or the ledger is closed, and says which.
    pub async fn poisoned_wait(&self) -> LedgerError {
        match Durable::new(&self.inner.shared, u64::MAX).await {
            Err(error) => error,
            Ok(()) => LedgerError::Closed,
        }
    }

    /// Writes what is queued, marks the clean end, and gives the folder back. Appends by other handles are
    /// refused from now on.
    /// # Errors  What is queued could not be written.
    pub fn close(self) -> Result<(), LedgerError> {
        self.inner.close();
        match self.inner.shared.poison.get() {
            Some(cause) => Err(LedgerError::Poisoned(cause.clone())),
            None => Ok(()),
        }
    }
}

fn check_size(body: &EntryBody, weight: usize) -> Result<(), LedgerError> {
    if weight > ENTRY_MAX {
        return Err(LedgerError::EntryTooLarge { found: weight, most: ENTRY_MAX });
    }
    let budgets = match body {
        EntryBody::Opened(opened) => opened.held.len(),
        EntryBody::Settled(settled) => settled.spent.len().max(settled.opened.held.len()),
        EntryBody::Refused(_) | EntryBody::Budget(_) | EntryBody::Admin(_) => 0,
    };
    if budgets > BUDGETS_MAX {
        return Err(LedgerError::TooManyBudgets { found: budgets, most: BUDGETS_MAX });
    }
    Ok(())
}

impl Inner {
    fn close(&self) {
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_all();
        if let Some(thread) = self.thread.lock().take() {
            // The observer may hold the last handle: a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                // A panic has been recorded as poison by then.
                let _ = thread.join();
            }
        }
        self.guard.lock().take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
