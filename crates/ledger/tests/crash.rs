//! A power cut, or a kill, at every change of the disk: what was acknowledged is there once, the rest is a prefix.
// Helpers outside of `#[test]` functions: a failure is to stop the test here as well.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use ledger::sim::{SimDisk, WriteFault};
use ledger::{Entry, Ledger, LedgerError, Options, Recovery};
use support::{Random, at, body};

fn options() -> Options {
    Options {
        commit_interval: Duration::ZERO,
        segment_bytes: 6000,
        ahead_bytes: 2048,
        writer: 7,
        ..Options::default()
    }
}

fn open(disk: &SimDisk) -> Result<(Ledger, Recovery, Vec<Entry>), LedgerError> {
    let mut entries = Vec::new();
    let mut visit = |entry: &Entry| entries.push(entry.clone());
    let (ledger, recovery) = Ledger::open(Arc::new(disk.clone()), options(), &mut visit, None)?;
    Ok((ledger, recovery, entries))
}

/// What a run wrote, and how many entries were acknowledged after how many changes of the disk.
struct Run {
    written: Vec<Entry>,
    acknowledged: Vec<(u64, usize)>,
}

impl Run {
    fn new(written: Vec<Entry>) -> Self {
        let acknowledged = vec![(0, written.len())];
        Self { written, acknowledged }
    }

    /// Appends batches until an error, or `batches` are done.
    fn append(
        &mut self,
        ledger: &Ledger,
        disk: &SimDisk,
        random: &mut Random,
        batches: u64,
    ) -> Result<(), LedgerError> {
        for _ in 0..batches {
            let mut last = None;
            for _ in 0..=random.below(4) {
                let at = at(random, self.written.len() as u64);
                let body = body(random);
                let ticket = ledger.append(at, body.clone())?;
                self.written.push(Entry { seq: ticket.0, at, body });
                last = Some(ticket);
            }
            ledger.durable_blocking(last.unwrap())?;
            self.acknowledged.push((disk.operations(), self.written.len()));
        }
        Ok(())
    }

    fn acknowledged_after(&self, operations: u64) -> usize {
        self.acknowledged
            .iter()
            .filter(|(at, _)| *at <= operations)
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0)
    }

    fn check(&self, disk: &SimDisk, at_least: usize, context: &str) -> Vec<Entry> {
        let (ledger, recovery, entries) = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(recovery.damages.is_empty(), "{context}: {:?}", recovery.damages);
        assert!(entries.len() >= at_least, "{context}: {} of {at_least} acknowledged", entries.len());
        assert!(entries.len() <= self.written.len(), "{context}");
        assert_eq!(entries, self.written[..entries.len()], "{context}");
        assert_eq!(recovery.last_seq, entries.len() as u64, "{context}");
        ledger.close().unwrap();
        entries
    }
}

#[test]
fn a_power_cut_at_any_change_loses_nothing_acknowledged() {
    let mut images = 0;
    for seed in 0..3 {
        let disk = SimDisk::new();
        let base = disk.operations();
        disk.record();
        let random = &mut Random(seed);
        let mut run = Run::new(Vec::new());
        // Two runs, so that recovery's own changes are cut as well; the first ends without a close.
        let (ledger, ..) = open(&disk).unwrap();
        run.append(&ledger, &disk, random, 8).unwrap();
        ledger.close().unwrap();
        let (ledger, ..) = open(&disk).unwrap();
        run.append(&ledger, &disk, random, 6).unwrap();
        ledger.close().unwrap();

        for (step, moment) in disk.history().iter().enumerate() {
            let at_least = run.acknowledged_after(base + step as u64 + 1);
            run.check(&moment.fork(), at_least, &format!("seed {seed}, killed after {step}"));
            for (nth, image) in moment.crash_images().iter().enumerate() {
                images += 1;
                run.check(image, at_least, &format!("seed {seed}, cut after {step}, image {nth}"));
            }
        }
    }
    assert!(images > 1000, "{images} images tried");
}

/// The start after a crash is cut as well, at each of its own changes; and its successor goes on.
#[test]
fn a_power_cut_during_recovery_loses_nothing_either() {
    let disk = SimDisk::new();
    let random = &mut Random(77);
    let mut run = Run::new(Vec::new());
    let (ledger, ..) = open(&disk).unwrap();
    run.append(&ledger, &disk, random, 7).unwrap();
    let acknowledged = run.written.len();
    // One more entry in the air, in whatever state.
    let at = at(random, 1);
    let last = body(random);
    let ticket = ledger.append(at, last.clone()).unwrap();
    run.written.push(Entry { seq: ticket.0, at, body: last });
    let images = disk.crash_images();
    let killed = disk.fork();
    drop(ledger);

    for (nth, image) in images.iter().chain([&killed]).enumerate() {
        image.record();
        let found = run.check(image, acknowledged, &format!("image {nth}"));
        for (step, moment) in image.history().iter().enumerate() {
            for (second, image) in moment.crash_images().iter().enumerate() {
                let context = format!("image {nth}, recovery cut after {step}, image {second}");
                // Killed, not cut: the entry in the air may be read once and be lost by the cut after it.
                run.check(image, acknowledged, &context);
            }
        }
        let (ledger, ..) = open(image).unwrap();
        let mut next = Run::new(found);
        next.append(&ledger, image, random, 3).unwrap();
        drop(ledger);
        next.check(image, next.written.len(), &format!("image {nth}, gone on"));
    }
}

/// The nth sync fails, for every n: poison, no second try; after a restart on what can still be *read*, a power
/// cut keeps everything that was acknowledged before or after.
#[test]
fn a_failed_sync_poisons_and_the_next_start_rewrites_the_tail() {
    for nth in 1.. {
        let disk = SimDisk::new();
        let random = &mut Random(nth);
        let mut run = Run::new(Vec::new());
        let (ledger, ..) = open(&disk).unwrap();
        run.append(&ledger, &disk, random, 1).unwrap();
        disk.fail_sync(nth);
        let failed = run.append(&ledger, &disk, random, 12);
        let acknowledged = run.acknowledged_after(u64::MAX);
        if failed.is_ok() {
            break;
        }
        let (_, syncs) = disk.counts();
        assert!(matches!(failed, Err(LedgerError::Poisoned(_))), "{failed:?}");
        assert!(ledger.poisoned().unwrap().contains("sync"), "{:?}", ledger.poisoned());
        assert!(!ledger.has_room());
        let refused = ledger.append(at(random, 0), body(random));
        assert!(matches!(refused, Err(LedgerError::Poisoned(_))));
        assert!(ledger.close().is_err());
        assert_eq!(disk.counts().1, syncs, "nothing is synced after a failed sync (nth {nth})");

        // The process restarts, the machine does not: the unsynced bytes are readable.
        let found = run.check(&disk, acknowledged, &format!("nth {nth}, restart"));
        let mut run = Run::new(found);
        let (ledger, ..) = open(&disk).unwrap();
        run.append(&ledger, &disk, random, 2).unwrap();
        let everything = run.written.len();
        for (image, disk) in disk.crash_images().iter().enumerate() {
            run.check(disk, everything, &format!("nth {nth}, then a power cut, image {image}"));
        }
    }
}

/// The nth write fails in one of three ways, for every n.
#[test]
fn a_failed_write_poisons_and_a_short_one_is_gone_on_with() {
    for fault in [WriteFault::Eio, WriteFault::Short(1), WriteFault::Short(300), WriteFault::Interrupted] {
        for nth in 1.. {
            let disk = SimDisk::new();
            let random = &mut Random(nth);
            let mut run = Run::new(Vec::new());
            let (ledger, ..) = open(&disk).unwrap();
            run.append(&ledger, &disk, random, 1).unwrap();
            disk.fail_write(nth, fault);
            let outcome = run.append(&ledger, &disk, random, 8);
            if fault == WriteFault::Eio {
                // The last fault may hit the zeros written ahead, or the mark of the close.
                if outcome.is_ok() && ledger.close().is_ok() {
                    break;
                }
            } else {
                assert!(outcome.is_ok(), "{fault:?} at {nth}: {outcome:?}");
                ledger.close().unwrap();
                if nth > 14 {
                    break;
                }
            }
            let acknowledged = run.acknowledged_after(u64::MAX);
            for image in disk.crash_images() {
                run.check(&image, acknowledged, &format!("{fault:?} at {nth}"));
            }
        }
    }
}

/// A block cut at each of its bytes, as the last thing on the disk.
#[test]
fn a_torn_block_is_cut_off_at_every_length() {
    let disk = SimDisk::new();
    let random = &mut Random(3);
    let mut run = Run::new(Vec::new());
    let (ledger, ..) = open(&disk).unwrap();
    run.append(&ledger, &disk, random, 4).unwrap();
    drop(ledger);
    let name = "000000000001.seg";
    let whole = disk.content(name).unwrap();
    // The last 80 bytes are the mark of the clean close; before it ends the last block.
    let mut lengths = Vec::new();
    for cut in 64..=whole.len() {
        let image = SimDisk::new();
        image.plant(name, &whole[..cut]);
        let entries = run.check(&image, 0, &format!("cut at {cut}"));
        lengths.push(entries.len());
    }
    assert!(lengths.is_sorted());
    assert_eq!(lengths.last(), Some(&run.written.len()));
    assert_eq!(lengths[whole.len() - 80 - 64], run.written.len());
    assert!(lengths[whole.len() - 81 - 64] < run.written.len());
}
