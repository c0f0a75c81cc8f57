//! The writer: who is woken and when, what is refused, what a reader beside it sees, what a full disk does.
// Helpers outside of `#[test]` functions: a failure is to stop the test here as well.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use ledger::sim::SimDisk;
use ledger::{
    Disk, Entry, EntryBody, Ledger, LedgerError, Options, Position, RealDisk, Recovery, Ticket, UnixMicros,
    scan, scan_from,
};
use support::{Random, body, opened, settled};

fn open(disk: Arc<dyn Disk>, options: Options) -> (Ledger, Recovery, u64) {
    let mut entries = 0;
    let (ledger, recovery) = Ledger::open(disk, options, &mut |_| entries += 1, None).unwrap();
    (ledger, recovery, entries)
}

fn append(ledger: &Ledger, random: &mut Random) -> Ticket {
    ledger.append(UnixMicros(1), body(random)).unwrap()
}

fn a_settled(random: &mut Random) -> EntryBody {
    let opened = opened(random);
    EntryBody::Settled(Box::new(settled(random, opened)))
}

struct Count(AtomicU64);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Waits up to ten seconds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "not within ten seconds: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn only_those_whose_entry_has_come_are_woken_and_a_dropped_wait_is_forgotten() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options { ahead_bytes: 0, ..Options::default() });
    let random = &mut Random(1);
    disk.set_sync_delay(Duration::from_millis(200));
    let first = append(&ledger, random);
    // The writer is in its sync now; what comes is in the next block.
    until("the first entry is under way", || disk.counts().0 >= 2);
    let second = append(&ledger, random);

    let count = || Arc::new(Count(AtomicU64::new(0)));
    let (early, late, dropped) = (count(), count(), count());
    let mut waits_first = Box::pin(ledger.durable(first));
    let mut waits_second = Box::pin(ledger.durable(second));
    let mut waits_not = Box::pin(ledger.durable(second));
    for (future, counter) in
        [(&mut waits_first, &early), (&mut waits_second, &late), (&mut waits_not, &dropped)]
    {
        let waker = Waker::from(counter.clone());
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(waits_not);
    until("the first is durable", || early.0.load(SeqCst) == 1);
    assert_eq!(late.0.load(SeqCst), 0);
    let mut idle = Context::from_waker(Waker::noop());
    assert!(matches!(waits_first.as_mut().poll(&mut idle), Poll::Ready(Ok(()))));
    until("the second is durable", || late.0.load(SeqCst) == 1);
    assert_eq!((early.0.load(SeqCst), dropped.0.load(SeqCst)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_wait_at_once_and_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::new(folder.path()).unwrap());
    let seen = Arc::new(AtomicU64::new(0));
    let observer = {
        let seen = seen.clone();
        Box::new(move |entry: &Entry| {
            assert_eq!(seen.fetch_add(1, SeqCst) + 1, entry.seq.0, "in order, each once");
        })
    };
    let (ledger, _) = Ledger::open(disk, Options::default(), &mut |_| (), Some(observer)).unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|seed| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let random = &mut Random(seed);
                for _ in 0..5 {
                    let ticket = append(&ledger, random);
                    ledger.durable(ticket).await.unwrap();
                    assert!(ledger.status().durable_seq >= ticket.0.0);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let status = ledger.status();
    assert_eq!((status.durable_seq, status.next_seq, status.queue), (1500, 1501, 0));
    assert!(status.commits < 750, "{} commits for 1500 entries", status.commits);
    ledger.close().unwrap();
    assert_eq!(seen.load(SeqCst), 1500);
    let report =
        scan(&RealDisk::existing(folder.path()).unwrap(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((report.entries, report.damages.len()), (1500, 0));
}

#[test]
fn an_idle_ledger_commits_at_once() {
    let disk = Arc::new(SimDisk::new());
    let (ledger, ..) = open(disk, Options { commit_interval: Duration::from_hours(1), ..Options::default() });
    let started = Instant::now();
    let ticket = append(&ledger, &mut Random(1));
    ledger.durable_blocking(ticket).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_second_opener_is_refused_with_the_pid() {
    let folder = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(folder.path()).unwrap();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options::default());
    let refused = Ledger::open(Arc::new(disk.clone()), Options::default(), &mut |_| (), None).map(|_| ());
    let text = refused.unwrap_err().to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    assert!(text.contains("lock") && text.contains("fix:"), "{text}");
    drop(ledger);
    open(Arc::new(disk), Options::default());
}

#[test]
fn clones_share_one_ledger_and_the_last_one_closes_it() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options::default());
    let other = ledger.clone();
    append(&ledger, &mut Random(1));
    drop(ledger);
    append(&other, &mut Random(2));
    drop(other);
    let (again, recovery, entries) = open(Arc::new(disk), Options::default());
    assert_eq!((entries, recovery.clean, recovery.epoch), (2, true, 2));
    let other = again.clone();
    again.close().unwrap();
    assert!(matches!(other.append(UnixMicros(1), body(&mut Random(1))), Err(LedgerError::Closed)));
}

#[test]
fn starts_without_entries_leave_no_files_behind() {
    let disk = SimDisk::new();
    for run in 1..=5 {
        let (ledger, recovery, _) = open(Arc::new(disk.clone()), Options::default());
        assert_eq!((recovery.epoch, recovery.damages.len()), (run, 0));
        ledger.close().unwrap();
    }
    assert_eq!(disk.list().unwrap().len(), 1, "{:?}", disk.list());
}

#[test]
fn a_reader_beside_the_writer_sees_a_prefix_and_goes_on_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let disk = RealDisk::new(folder.path()).unwrap();
    let options = Options {
        segment_bytes: 20_000,
        ahead_bytes: 8192,
        commit_interval: Duration::ZERO,
        ..Options::default()
    };
    let (ledger, ..) = open(Arc::new(disk), options);
    let writing = {
        let ledger = ledger.clone();
        std::thread::spawn(move || {
            let random = &mut Random(1);
            for _ in 0..3000 {
                let ticket = append(&ledger, random);
                if ticket.0.0.is_multiple_of(5) {
                    ledger.durable_blocking(ticket).unwrap();
                }
            }
        })
    };
    let reader = RealDisk::existing(folder.path()).unwrap();
    let (mut position, mut next, mut rounds) = (Position::default(), 1, 0);
    loop {
        let last_round = writing.is_finished();
        let durable = ledger.status().durable_seq;
        let report = scan_from(&reader, position, &mut |entry| {
            assert_eq!(entry.seq.0, next, "each once, in order");
            next += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert!(report.damages.is_empty(), "{:?}", report.damages);
        assert!(next > durable, "what was durable before the scan is in it");
        position = report.position;
        rounds += 1;
        let whole = scan(&reader, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(whole.damages.is_empty() && whole.entries + 1 >= next, "{:?}", whole.damages);
        if last_round && next == 3001 {
            break;
        }
    }
    writing.join().unwrap();
    assert!(rounds > 2);
    assert!(ledger.status().segment > 5, "segments were rolled while reading");
    // A restart, and the reader goes on.
    ledger.close().unwrap();
    let (ledger, ..) = open(Arc::new(reader.clone()), Options::default());
    let ticket = append(&ledger, &mut Random(3));
    ledger.durable_blocking(ticket).unwrap();
    let mut seen = Vec::new();
    let report = scan_from(&reader, position, &mut |entry| {
        seen.push(entry.seq.0);
        ControlFlow::Break(())
    });
    assert_eq!(seen, [3001]);
    assert!(report.unwrap().damages.is_empty());
}

#[test]
fn a_position_that_is_gone_is_said_so() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options::default());
    append(&ledger, &mut Random(3));
    ledger.close().unwrap();
    let position = Position { segment: 1, offset: 1 << 40, next_seq: 9, checksum: 1 };
    let refused = scan_from(&disk, position, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(LedgerError::Rewound { segment: 1, .. })), "{refused:?}");
}

#[test]
fn a_full_disk_refuses_new_calls_settles_running_ones_and_recovers_without_a_restart() {
    let disk = SimDisk::new();
    let options = Options { ahead_bytes: 64 << 10, commit_interval: Duration::ZERO, ..Options::default() };
    let (ledger, ..) = open(Arc::new(disk.clone()), options);
    let random = &mut Random(8);
    let ticket = append(&ledger, random);
    ledger.durable_blocking(ticket).unwrap();
    disk.set_capacity(Some(disk.used()));

    // Calls come until the zeros written ahead cannot be renewed; from then on only ends are taken.
    let refused = loop {
        match ledger.append(UnixMicros(1), EntryBody::Opened(opened(random))) {
            Ok(ticket) => ledger.durable_blocking(ticket).unwrap(),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, LedgerError::DiskFull), "{refused}");
    let status = ledger.status();
    assert!(status.disk_full && !ledger.has_room() && status.poisoned.is_none());
    assert!(status.last_error.unwrap().contains("000000000001.seg"));
    for _ in 0..10 {
        let ticket = ledger.append(UnixMicros(1), a_settled(random)).unwrap();
        ledger.durable_blocking(ticket).unwrap();
    }
    assert!(ledger.status().disk_full);

    // Even that space ends: what was appended waits, and is written when there is space.
    let mut last = None;
    for _ in 0..200 {
        last = Some(ledger.append(UnixMicros(1), a_settled(random)).unwrap());
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(ledger.status().durable_seq < last.unwrap().0.0);
    disk.set_capacity(None);
    ledger.durable_blocking(last.unwrap()).unwrap();
    until("new calls are taken again", || ledger.has_room());
    append(&ledger, random);
    let written = ledger.status().next_seq - 1;
    ledger.close().unwrap();
    let (_ledger, recovery, entries) = open(Arc::new(disk), Options::default());
    assert_eq!((entries, recovery.damages.len()), (written, 0));
}

#[test]
fn a_slow_disk_fills_the_queue_and_new_calls_are_refused_but_ends_are_not() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options { queue_max: 10, ..Options::default() });
    disk.set_sync_delay(Duration::from_millis(300));
    let random = &mut Random(8);
    for _ in 0..10 {
        ledger.append(UnixMicros(1), EntryBody::Opened(opened(random))).unwrap();
    }
    assert!(!ledger.has_room());
    let refused = ledger.append(UnixMicros(1), EntryBody::Opened(opened(random)));
    assert!(matches!(refused, Err(LedgerError::QueueFull(10))), "{refused:?}");
    let last = ledger.append(UnixMicros(1), a_settled(random)).unwrap();
    ledger.durable_blocking(last).unwrap();
    until("there is room again", || ledger.has_room());
    assert!(ledger.status().commits <= 3, "what waited became one block");
}

#[test]
fn what_no_block_could_hold_is_refused_before_it_is_numbered() {
    let (ledger, ..) = open(Arc::new(SimDisk::new()), Options::default());
    let random = &mut Random(8);
    let mut huge = settled(random, opened(&mut Random(8)));
    huge.raw_usage = ledger::name(&"x".repeat(ledger::ENTRY_MAX));
    let refused = ledger.append(UnixMicros(1), EntryBody::Settled(Box::new(huge)));
    assert!(matches!(refused, Err(LedgerError::EntryTooLarge { .. })));
    let mut many = (*opened(random)).clone();
    let amount = ledger::BudgetAmount { budget: ledger::name("b"), amount: prices::Nano(1) };
    many.held = vec![amount; ledger::BUDGETS_MAX + 1];
    let refused = ledger.append(UnixMicros(1), EntryBody::Opened(Arc::new(many)));
    assert!(matches!(refused, Err(LedgerError::TooManyBudgets { .. })));
    assert_eq!(append(&ledger, random).0.0, 1);
}

#[test]
fn a_crowd_of_large_entries_becomes_several_blocks() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options::default());
    disk.set_sync_delay(Duration::from_millis(20));
    let mut last = None;
    for n in 0..40 {
        let mut large = settled(&mut Random(n), opened(&mut Random(n)));
        large.raw_usage = ledger::name(&n.to_string().repeat(400_000));
        last = Some(ledger.append(UnixMicros(1), EntryBody::Settled(Box::new(large))).unwrap());
    }
    ledger.durable_blocking(last.unwrap()).unwrap();
    ledger.close().unwrap();
    let (_ledger, recovery, entries) = open(Arc::new(disk), Options::default());
    assert_eq!((entries, recovery.damages.len()), (40, 0));
}

#[test]
fn a_panic_of_the_observer_poisons_and_nobody_waits_for_ever() {
    let observer = Box::new(|entry: &Entry| assert!(entry.seq.0 < 2, "the observer of this test panics"));
    let disk = Arc::new(SimDisk::new());
    let options = Options { commit_interval: Duration::ZERO, ..Options::default() };
    let (ledger, _) = Ledger::open(disk, options, &mut |_| (), Some(observer)).unwrap();
    let random = &mut Random(8);
    let mut waited = Vec::new();
    for _ in 0..20 {
        let Ok(ticket) = ledger.append(UnixMicros(1), body(random)) else { break };
        waited.push(ledger.durable_blocking(ticket));
    }
    until("it is poisoned", || ledger.poisoned().is_some());
    assert!(waited.iter().any(Result::is_ok));
    assert!(matches!(ledger.append(UnixMicros(1), body(random)), Err(LedgerError::Poisoned(_))));
}

#[tokio::test]
async fn who_watches_for_poison_is_told() {
    let disk = SimDisk::new();
    let (ledger, ..) = open(Arc::new(disk.clone()), Options { ahead_bytes: 0, ..Options::default() });
    let watcher = {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.poisoned_wait().await })
    };
    disk.fail_sync(1);
    let ticket = append(&ledger, &mut Random(8));
    assert!(matches!(ledger.durable(ticket).await, Err(LedgerError::Poisoned(_))));
    let told = watcher.await.unwrap().to_string();
    assert!(told.contains("fdatasync") && told.contains("000000000001.seg"), "{told}");
}
