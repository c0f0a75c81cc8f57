//! What a block and a commit cost: `cargo run --release -p ledger --example measure [folder]`.
//!
//! Prints medians over several runs: ns per entry to encode and decode blocks of 1, 64 and 4,096 entries, then
//! commits on a real folder: latency, entries per commit, CPU per entry (all threads of the process), and a
//! million entries written flat out, scanned, and recovered as after a kill.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program for a terminal
#![allow(clippy::cast_precision_loss)] // figures for people

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::block::{Block, Encoder, Origin};
use ledger::{Disk, Entry, EntryBody, Ledger, Options, RealDisk, Seq};
use support::{Random, at, opened, settled};

/// Half `opened`, half `settled`: what traffic writes.
fn entries(count: u64) -> Vec<Entry> {
    let random = &mut Random(1);
    let mut out = Vec::new();
    for n in 0..count.div_ceil(2) {
        let attempt = opened(random);
        let ended = settled(random, attempt.clone());
        for body in [EntryBody::Opened(attempt), EntryBody::Settled(Box::new(ended))] {
            out.push(Entry { seq: Seq(out.len() as u64 + 1), at: at(random, n), body });
        }
    }
    out.truncate(usize::try_from(count).unwrap());
    out
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// CPU seconds of this process so far (clock ticks of 10 ms, user and system).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

fn blocks() {
    for count in [1, 64, 4096] {
        let entries = entries(count);
        let rounds = 200_000 / count;
        let mut encoder = Encoder::default();
        let mut out = Vec::new();
        let origin = Origin { writer: 1, epoch: 1, previous: 0 };
        let time = |work: &mut dyn FnMut()| {
            let runs = (0..7).map(|_| {
                let started = Instant::now();
                (0..rounds).for_each(|_| work());
                started.elapsed().as_secs_f64() * 1e9 / (rounds * count) as f64
            });
            median(runs.collect())
        };
        let encode = time(&mut || {
            encoder.encode(origin, &entries, &mut out);
        });
        let decode = time(&mut || {
            std::hint::black_box(Block::read(&out).unwrap().entries().unwrap());
        });
        let bytes = out.len() as f64 / count as f64;
        println!(
            "block of {count:5}: encode {encode:6.0} ns/entry, decode {decode:6.0} ns/entry, {bytes:.0} bytes/entry"
        );
    }
}

async fn commits(folder: &str, tasks: u64, each: u64) {
    let path = std::path::Path::new(folder).join(format!("measure-{tasks}"));
    let _ = std::fs::remove_dir_all(&path);
    let disk = Arc::new(RealDisk::new(&path).unwrap());
    let (ledger, _) = Ledger::open(disk, Options::default(), &mut |_| (), None).unwrap();
    let (cpu_before, started) = (cpu(), Instant::now());
    let running: Vec<_> = (0..tasks)
        .map(|seed| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let random = &mut Random(seed);
                let attempt = opened(random);
                let ended = settled(random, attempt.clone());
                let mut waits = Vec::new();
                for n in 0..each {
                    let body = if n % 2 == 0 {
                        EntryBody::Opened(attempt.clone())
                    } else {
                        EntryBody::Settled(Box::new(ended.clone()))
                    };
                    let began = Instant::now();
                    let ticket = ledger.append(at(random, n), body).unwrap();
                    ledger.durable(ticket).await.unwrap();
                    waits.push(began.elapsed());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await.unwrap());
    }
    let (wall, used) = (started.elapsed(), cpu() - cpu_before);
    waits.sort();
    let at = |share: usize| waits.get(waits.len() * share / 1000).copied().unwrap_or(Duration::ZERO);
    let (n, status) = (waits.len() as f64, ledger.status());
    println!(
        "{tasks:4} waiting: {:7.0} entries/s, {:6.1} entries/commit, {:6.1} us CPU/entry, wait p50 {:?} p99 {:?} max {:?}, {} fsyncs",
        n / wall.as_secs_f64(),
        n / status.commits as f64,
        used * 1e6 / n,
        at(500),
        at(990),
        at(1000 - 1),
        status.fsyncs,
    );
    ledger.close().unwrap();
    std::fs::remove_dir_all(path).unwrap();
}

/// Writes, scans and recovers a million entries.
fn a_million(folder: &str) {
    let path = std::path::Path::new(folder).join("measure-million");
    let _ = std::fs::remove_dir_all(&path);
    let disk = Arc::new(RealDisk::new(&path).unwrap());
    let bodies = entries(20_000);
    let (ledger, _) = Ledger::open(disk.clone(), Options::default(), &mut |_| (), None).unwrap();
    let started = Instant::now();
    let mut last = None;
    for entry in bodies.iter().cycle().take(1_000_000) {
        while !ledger.has_room() {
            std::thread::sleep(Duration::from_micros(200));
        }
        last = Some(ledger.append(entry.at, entry.body.clone()).unwrap());
    }
    ledger.durable_blocking(last.unwrap()).unwrap();
    println!("a million written: {:?}, {} fsyncs", started.elapsed(), ledger.status().fsyncs);
    // As a kill leaves it: without the mark of a close.
    let copy = path.join("killed");
    let killed = Arc::new(RealDisk::new(&copy).unwrap());
    for name in disk.list().unwrap().iter().filter(|name| name.contains(".seg")) {
        std::fs::copy(path.join(name), copy.join(name)).unwrap();
    }
    ledger.close().unwrap();
    let started = Instant::now();
    let report = ledger::scan(&*disk, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    println!("scanned: {:?}, {} blocks, {} bytes", started.elapsed(), report.blocks, report.bytes);
    let started = Instant::now();
    ledger::scan_blocks(&*disk, ledger::Position::default(), &mut |_| {
        Ok(std::ops::ControlFlow::Continue(()))
    })
    .unwrap();
    println!("verified without decoding: {:?}", started.elapsed());
    let (again, recovery) = Ledger::open(killed, Options::default(), &mut |_| (), None).unwrap();
    println!("recovered after a kill: {:?}, {} entries", recovery.duration, recovery.entries);
    drop(again);
    std::fs::remove_dir_all(path).unwrap();
}

fn main() {
    blocks();
    let folder = std::env::args().nth(1).unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (tasks, each) in [(1, 500), (8, 1000), (64, 1000), (256, 1000)] {
        runtime.block_on(commits(&folder, tasks, each));
    }
    a_million(&folder);
}
