//! The one thread that writes: takes what is queued, makes one block of it, writes, syncs, tells those who wait,
//! then the observer. A block is begun only after the one before it is durable: recovery rests on that.
//!
//! Not here: the queue's rules for callers (`handle`), the bytes of a block (`block`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::block::{ENTRIES_MAX, Encoder, Origin};
use crate::disk::{Disk, DiskFile, write_all};
use crate::error::DiskError;
use crate::handle::Options;
use crate::recovery::Begun;
use crate::segment::{self, SegmentHeader};
use crate::shared::{Shared, weight};
use crate::{Entry, EntryBody, Seq};

/// Called with every entry once it is durable.
pub type Observer = Box<dyn FnMut(&Entry) + Send>;

/// A commit takes the disk for a while; on a busy ledger the next one starts no sooner than this many times that while
/// after the start of the last (but no later than `commit_interval`), so that at most an eighth of the time goes to
/// commits. Where few entries come, or few calls run that could bring some, nothing is to gain by waiting, and it starts
/// sooner.
const REST: u128 = 8;
/// Time between two entries of a ledger that is busy: 5,000 entries a second.
const BUSY: Duration = Duration::from_micros(200);
/// Calls that run for each time the length of a commit that the next one waits.
const OPEN_PER_REST: u128 = 4;
/// A longer pause between two entries says no more than this one.
const IDLE: Duration = Duration::from_millis(1);
/// Texts of one block, about; a block of less is never split.
const BLOCK_WEIGHT: usize = 16 << 20;
/// How often a full disk is tried again.
const FULL_RETRY: Duration = Duration::from_millis(200);
/// Blocks larger than this are not worth writing zeros ahead of.
const AHEAD_BLOCK_MAX: u64 = 64 << 10;

pub(crate) struct Writer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    options: Options,
    observer: Option<Observer>,
    file: Box<dyn DiskFile>,
    origin: Origin,
    segment: u64,
    /// Where the next block goes.
    offset: u64,
    /// Bytes up to here are written, with zeros from `offset` on.
    allocated: u64,
    /// The segment ends when `offset` reaches this.
    roll_at: u64,
    encoder: Encoder,
    block: Vec<u8>,
    last_start: Option<Instant>,
    last_took: Duration,
    /// Running mean of the time between two entries.
    spacing: Duration,
    /// Attempts opened and not settled since the start: the calls whose entries may yet come.
    open: u64,
    last_ahead: Option<Instant>,
}

impl Writer {
    pub fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        options: Options,
        observer: Option<Observer>,
        begun: Begun,
    ) -> Self {
        shared.counters.segment.store(begun.segment, Relaxed);
        Self {
            shared,
            disk,
            observer,
            file: begun.file,
            origin: Origin { writer: begun.writer, epoch: begun.epoch, previous: begun.previous },
            segment: begun.segment,
            offset: segment::HEADER_LEN as u64,
            allocated: segment::HEADER_LEN as u64,
            roll_at: options.segment_bytes,
            options,
            encoder: Encoder::default(),
            block: Vec::new(),
            last_start: None,
            last_took: Duration::ZERO,
            spacing: IDLE,
            open: 0,
            last_ahead: None,
        }
    }

    /// Runs until the ledger is closed or a write fails.
    pub fn run(mut self) {
        // Whatever ends this thread, nobody may wait for it for ever.
        let _finish = Finish(self.shared.clone());
        if let Err(error) = self.serve() {
            tracing::error!(%error, "the ledger stops: a write failed");
            self.shared.set_poison(&error.to_string());
        }
    }

    fn serve(&mut self) -> Result<(), DiskError> {
        self.write_ahead()?;
        let mut batch = Vec::new();
        loop {
            let (batch_weight, closing) = self.take(&mut batch)?;
            if batch.is_empty() && closing {
                return self.end();
            }
            if batch.len() <= ENTRIES_MAX as usize && batch_weight <= BLOCK_WEIGHT {
                self.commit(&batch)?;
            } else {
                for part in split(&batch) {
                    self.commit(part)?;
                }
            }
            batch.clear();
            self.write_ahead()?;
        }
    }

    /// Waits for entries, then for the pause after the last commit, and takes all there are.
    fn take(&mut self, batch: &mut Vec<Entry>) -> Result<(usize, bool), DiskError> {
        let shared = self.shared.clone();
        let mut queue = shared.queue.lock();
        while queue.entries.is_empty() && !queue.closing {
            queue.idle = true;
            if queue.disk_full {
                shared.work.wait_for(&mut queue, FULL_RETRY);
                queue.idle = false;
                drop(queue);
                self.write_ahead()?;
                queue = shared.queue.lock();
            } else {
                shared.work.wait(&mut queue);
                queue.idle = false;
            }
        }
        if let Some(start) = self.last_start {
            let rest = self.options.commit_interval.min(self.last_took.saturating_mul(self.rest()));
            let until = start + rest;
            while !queue.closing && !shared.work.wait_until(&mut queue, until).timed_out() {}
        }
        std::mem::swap(batch, &mut queue.entries);
        Ok((std::mem::take(&mut queue.weight), queue.closing))
    }

    fn commit(&mut self, entries: &[Entry]) -> Result<(), DiskError> {
        let Some(last) = entries.last() else { return Ok(()) };
        let started = Instant::now();
        self.note_pace(started, entries);
        self.last_start = Some(started);
        let header = self.encoder.encode(self.origin, entries, &mut self.block);
        self.append_block()?;
        self.origin.previous = header.checksum;
        self.last_took = started.elapsed();

        let counters = &self.shared.counters;
        counters.commits.fetch_add(1, Relaxed);
        counters.bytes.fetch_add(self.block.len() as u64, Relaxed);
        let micros = u64::try_from(self.last_took.as_micros()).unwrap_or(u64::MAX);
        counters.last_commit_us.store(micros, Relaxed);
        // The views first: who was told that an entry is durable finds it in them.
        if let Some(observer) = &mut self.observer {
            entries.iter().for_each(observer);
        }
        self.shared.publish(last.seq.0);
        if self.offset >= self.roll_at {
            self.roll(last.seq)?;
        }
        Ok(())
    }

    /// How many times the last commit's length the next one waits.
    fn rest(&self) -> u32 {
        let by_pace = REST * BUSY.as_nanos() / self.spacing.as_nanos().max(1);
        let by_calls = u128::from(self.open) / OPEN_PER_REST;
        u32::try_from(by_pace.min(by_calls).clamp(1, REST)).unwrap_or(1)
    }

    /// Keeps a running mean of the time between two entries, and the number of attempts that run.
    fn note_pace(&mut self, now: Instant, entries: &[Entry]) {
        for entry in entries {
            match &entry.body {
                EntryBody::Opened(_) => self.open += 1,
                EntryBody::Settled(_) => self.open = self.open.saturating_sub(1),
                EntryBody::Refused(_) | EntryBody::Budget(_) | EntryBody::Admin(_) => {}
            }
        }
        let Some(last) = self.last_start else { return };
        let spacing = now.duration_since(last) / u32::try_from(entries.len()).unwrap_or(u32::MAX).max(1);
        self.spacing = (self.spacing * 3 + spacing.min(IDLE)) / 4;
    }

    /// Writes the encoded block and syncs it. A full disk is waited for: the bytes of a half-written block are no
    /// block, and the next try writes over them.
    fn append_block(&mut self) -> Result<(), DiskError> {
        while let Err(error) = write_all(&*self.file, &self.block, self.offset) {
            if !error.is_full() {
                return Err(error);
            }
            self.set_full(Some(&error));
            let mut queue = self.shared.queue.lock();
            if queue.closing {
                return Err(error);
            }
            self.shared.work.wait_for(&mut queue, FULL_RETRY);
        }
        self.sync()?;
        self.offset += self.block.len() as u64;
        self.allocated = self.allocated.max(self.offset);
        Ok(())
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.shared.counters.syncs.fetch_add(1, Relaxed);
        self.file.sync()
    }

    /// Keeps zeros written ahead of the blocks. They make the next syncs cheaper (no change of the file's size
    /// goes to the journal), and they are the space in which running calls are settled when the disk is full.
    fn write_ahead(&mut self) -> Result<(), DiskError> {
        let full = self.shared.queue.lock().disk_full;
        let half = self.options.ahead_bytes / 2;
        let enough = self.allocated - self.offset >= half || self.block.len() as u64 > AHEAD_BLOCK_MAX;
        if enough && !full || full && self.last_ahead.is_some_and(|last| last.elapsed() < FULL_RETRY) {
            return Ok(());
        }
        self.last_ahead = Some(Instant::now());
        let until = self.offset + self.options.ahead_bytes.max(u64::from(full) << 12);
        // On a full disk more than is there already must fit, or nothing is known to be free again.
        let until = if full { until.max(self.allocated + (64 << 10)) } else { until };
        let zeros = vec![0; usize::try_from(until.saturating_sub(self.allocated)).unwrap_or_default()];
        match write_all(&*self.file, &zeros, self.allocated) {
            Ok(()) => {
                self.sync()?;
                self.allocated = until;
                if full {
                    self.set_full(None);
                }
                Ok(())
            }
            Err(error) if error.is_full() => {
                self.set_full(Some(&error));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn set_full(&self, error: Option<&DiskError>) {
        let was = std::mem::replace(&mut self.shared.queue.lock().disk_full, error.is_some());
        match error {
            Some(error) if !was => {
                tracing::error!(%error, "the disk is full: new calls are refused, running ones are settled");
                *self.shared.last_error.lock() = Some(error.to_string().into());
            }
            None if was => tracing::warn!("there is space again: the ledger goes on"),
            _ => {}
        }
    }

    /// Goes on in a new segment. Where none can be made just now (no descriptor, no space), the old one grows.
    fn roll(&mut self, last: Seq) -> Result<(), DiskError> {
        let header = SegmentHeader {
            writer: self.origin.writer,
            epoch: self.origin.epoch,
            number: self.segment + 1,
            first_seq: last.0 + 1,
            previous: self.origin.previous,
        };
        match segment::create(&*self.disk, &header) {
            Ok(file) => {
                let old = std::mem::replace(&mut self.file, file);
                // The zeros behind the last block: in the way of nobody, so a failure costs some space only.
                if let Err(error) = old.truncate(self.offset) {
                    tracing::warn!(%error, "the zeros written ahead stay in the old segment");
                }
                self.segment = header.number;
                self.shared.counters.segment.store(self.segment, Relaxed);
                self.offset = segment::HEADER_LEN as u64;
                self.allocated = self.offset;
                self.roll_at = self.options.segment_bytes;
                Ok(())
            }
            Err(error) if error.is_sync() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "no new segment can be made: the old one grows");
                *self.shared.last_error.lock() = Some(error.to_string().into());
                self.roll_at = self.offset + self.options.segment_bytes / 8;
                Ok(())
            }
        }
    }

    /// A clean close: the mark that all before it was synced, and no zeros behind it.
    fn end(&mut self) -> Result<(), DiskError> {
        let next = Seq(self.shared.queue.lock().next_seq);
        self.encoder.encode_end(self.origin, next, &mut self.block);
        match write_all(&*self.file, &self.block, self.offset) {
            Ok(()) => {}
            // Everything is durable already; only the next start takes a little longer.
            Err(error) if error.is_full() => return Ok(()),
            Err(error) => return Err(error),
        }
        self.file.truncate(self.offset + self.block.len() as u64)?;
        self.sync()
    }
}

/// Parts that each fit a block.
fn split(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut sum = 0;
        let fits = |entry: &&Entry| {
            sum += weight(&entry.body);
            sum <= BLOCK_WEIGHT
        };
        let count = rest.iter().take(ENTRIES_MAX as usize).take_while(fits).count().max(1);
        let (part, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(part)
    })
}

/// Tells everybody when the thread ends, also by a panic of the observer.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_poison("the ledger's writer panicked");
        }
        self.0.set_finished();
    }
}
