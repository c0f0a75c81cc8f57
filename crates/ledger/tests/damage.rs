//! Damage is found, named with its place, and never served as figures.
// Helpers outside of `#[test]` functions: a failure is to stop the test here as well.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ledger::block::{Block, HEADER_LEN, MAGIC};
use ledger::sim::SimDisk;
use ledger::{Entry, Ledger, LedgerError, Options, Recovery, ScanReport, scan};
use support::{Random, at, body};

const FILE: &str = "000000000001.seg";
const FILE_HEADER: usize = 64;

fn open(disk: &SimDisk) -> Result<(Ledger, Recovery, Vec<Entry>), LedgerError> {
    let options = Options { ahead_bytes: 1024, ..Options::default() };
    let mut entries = Vec::new();
    let mut visit = |entry: &Entry| entries.push(entry.clone());
    let (ledger, recovery) = Ledger::open(Arc::new(disk.clone()), options, &mut visit, None)?;
    Ok((ledger, recovery, entries))
}

fn scan_all(disk: &SimDisk) -> Result<(ScanReport, Vec<Entry>), LedgerError> {
    let mut entries = Vec::new();
    let report = scan(disk, &mut |entry| {
        entries.push(entry.clone());
        ControlFlow::Continue(())
    })?;
    Ok((report, entries))
}

/// A closed ledger of `blocks` blocks of two entries each: its file, its entries.
fn small(count: usize) -> (Vec<u8>, Vec<Entry>) {
    loop {
        let (content, written) = attempt_small(count);
        // The writer may take the first entry of a pair alone; then once more.
        if blocks(&content).len() == count + 1 {
            return (content, written);
        }
    }
}

fn attempt_small(blocks: usize) -> (Vec<u8>, Vec<Entry>) {
    let disk = SimDisk::new();
    let random = &mut Random(11);
    let (ledger, ..) = open(&disk).unwrap();
    disk.set_sync_delay(Duration::from_millis(3));
    let mut written = Vec::new();
    for _ in 0..blocks {
        let mut last = None;
        for _ in 0..2 {
            let at = at(random, written.len() as u64);
            let body = body(random);
            let ticket = ledger.append(at, body.clone()).unwrap();
            written.push(Entry { seq: ticket.0, at, body });
            last = Some(ticket);
        }
        ledger.durable_blocking(last.unwrap()).unwrap();
    }
    ledger.close().unwrap();
    (disk.content(FILE).unwrap(), written)
}

fn planted(content: &[u8]) -> SimDisk {
    let disk = SimDisk::new();
    disk.plant(FILE, content);
    disk
}

/// Offsets and lengths of the blocks of a file, the end mark included.
fn blocks(content: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut at = FILE_HEADER;
    let mut out = Vec::new();
    while at < content.len() {
        let len = Block::read(&content[at..]).unwrap().header.total_len();
        out.push(at..at + len);
        at += len;
    }
    out
}

#[test]
fn every_flipped_byte_of_a_small_ledger_is_found() {
    let (content, written) = small(3);
    assert!(written.len() == 6 && content.len() < 4000);
    for place in 0..content.len() {
        for flip in [0x10, 0xff] {
            let mut broken = content.clone();
            broken[place] ^= flip;
            let disk = planted(&broken);
            let (report, scanned) = scan_all(&disk).unwrap();
            assert!(
                !report.damages.is_empty() || report.unfinished_bytes > 0,
                "byte {place} ^ {flip:#x}: the scan saw nothing"
            );
            let (_ledger, recovery, entries) = open(&disk).unwrap();
            assert!(
                !recovery.damages.is_empty() || recovery.truncated_bytes > 0,
                "byte {place} ^ {flip:#x}: the start saw nothing"
            );
            assert_eq!(entries, scanned);
            assert!(entries.len() >= 4, "one byte costs one block at most");
            assert!(entries.iter().all(|entry| written.contains(entry)), "byte {place}: a wrong figure");
            let mut seqs: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
            seqs.dedup();
            assert_eq!(seqs.len(), entries.len(), "byte {place}: something twice");
        }
    }
}

#[test]
fn damage_in_the_middle_is_named_with_its_place_and_the_next_start_goes_on() {
    let (mut content, written) = small(4);
    let second = blocks(&content)[1].clone();
    content[second.start + 100] ^= 4;
    let disk = planted(&content);
    let (ledger, recovery, entries) = open(&disk).unwrap();
    let [damage] = &recovery.damages[..] else { panic!("{:?}", recovery.damages) };
    assert_eq!((damage.file.as_str(), damage.offset), (FILE, second.start as u64));
    assert_eq!(damage.bytes, second.len() as u64);
    assert_eq!((damage.first_missing, damage.missing), (3, Some(2)));
    let text = damage.to_string();
    assert!(text.contains(FILE) && text.ends_with("entries 3 to 4 are lost"), "{text}");
    assert_eq!(entries, [&written[..2], &written[4..]].concat());
    assert_eq!((recovery.last_seq, recovery.truncated_bytes), (8, 0));

    let body = body(&mut Random(1));
    let ticket = ledger.append(ledger::UnixMicros(1), body).unwrap();
    assert_eq!(ticket.0.0, 9);
    ledger.close().unwrap();
    let (report, again) = scan_all(&disk).unwrap();
    assert_eq!((again.len(), report.damages.len()), (7, 1), "reported again, and what came after is there");
}

/// A block with right checksums in a wrong place: repeated, swapped, dropped, of another ledger.
#[test]
fn misplaced_blocks_are_refused() {
    let (content, written) = small(4);
    let places = blocks(&content);
    let block = |n: usize| content[places[n].clone()].to_vec();
    let file = |order: &[usize]| {
        let mut out = content[..FILE_HEADER].to_vec();
        for n in order {
            out.extend(block(*n));
        }
        out
    };
    // 4 is the mark of the clean close.
    for (order, expected) in [
        (&[0, 1, 1, 2, 3, 4][..], &[0, 1, 2, 3][..]),
        (&[0, 0, 1, 2, 3, 4], &[0, 1, 2, 3]),
        (&[0, 2, 3, 4], &[0, 2, 3]),
        (&[0, 2, 1, 3, 4], &[0, 2, 3]),
        (&[1, 2, 3, 4], &[1, 2, 3]),
        (&[0, 1, 2, 4], &[0, 1, 2]),
        (&[3, 2, 1, 0, 4], &[3]),
    ] {
        let disk = planted(&file(order));
        let (_ledger, recovery, entries) = open(&disk).unwrap();
        assert!(!recovery.damages.is_empty(), "{order:?}");
        let wanted: Vec<Entry> =
            expected.iter().flat_map(|n| written[2 * n..2 * n + 2].iter().cloned()).collect();
        assert_eq!(entries, wanted, "{order:?}");
        assert_eq!(recovery.last_seq, 8, "{order:?}: the end mark says how far it went");
    }
    // The same entries by another writer.
    let mut foreign = file(&[0, 1]);
    let mut header = Block::read(&block(2)).unwrap().header;
    header.writer ^= 1;
    foreign.extend(header.write());
    foreign.extend(&block(2)[HEADER_LEN..]);
    foreign.extend(block(3));
    let (_ledger, recovery, entries) = open(&planted(&foreign)).unwrap();
    assert_eq!(entries, [&written[..4], &written[6..]].concat());
    assert_eq!(recovery.damages[0].what, "a block of another writer");
}

#[test]
fn a_lost_segment_and_a_lost_header_are_named() {
    let disk = SimDisk::new();
    for run in 0..3 {
        let (ledger, ..) = open(&disk).unwrap();
        let ticket = ledger.append(ledger::UnixMicros(run), body(&mut Random(4))).unwrap();
        ledger.durable_blocking(ticket).unwrap();
        ledger.close().unwrap();
    }
    let name = |n: u32| format!("{n:012}.seg");
    let without = |lost: u32| {
        let copy = SimDisk::new();
        (1..=3).filter(|n| *n != lost).for_each(|n| copy.plant(&name(n), &disk.content(&name(n)).unwrap()));
        copy
    };
    let (report, entries) = scan_all(&without(2)).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [1, 3]);
    let [damage] = &report.damages[..] else { panic!("{:?}", report.damages) };
    assert_eq!((damage.file.clone(), damage.first_missing, damage.missing), (name(3), 2, Some(1)));

    let copy = without(9);
    let mut broken = disk.content(&name(2)).unwrap();
    broken[..FILE_HEADER].fill(0xaa);
    copy.plant(&name(2), &broken);
    let (_ledger, recovery, entries) = open(&copy).unwrap();
    assert_eq!(entries.len(), 3, "the blocks know who they are");
    let [damage] = &recovery.damages[..] else { panic!("{:?}", recovery.damages) };
    assert_eq!((damage.file.clone(), damage.offset, damage.missing), (name(2), 0, Some(0)));
}

#[test]
fn files_of_a_newer_release_or_of_another_writer_are_refused_with_both_named() {
    let (content, _) = small(1);
    let mut newer = content.clone();
    newer[8] = 2;
    let crc = crc32c::crc32c(&newer[..60]);
    newer[60..64].copy_from_slice(&crc.to_le_bytes());
    let text = open(&planted(&newer)).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("format 2") && text.contains("reads up to 1") && text.contains("fix:"), "{text}");

    let options = Options { writer: 0x0123, ..Options::default() };
    let refused = Ledger::open(Arc::new(planted(&content)), options, &mut |_| (), None).map(|_| ());
    assert!(matches!(refused, Err(LedgerError::OtherWriter { ours: 0x0123, .. })), "{refused:?}");
}

/// A payload may contain the magic of a block: a text that looks like one does not mislead the search.
#[test]
fn a_text_with_a_block_inside_is_no_block() {
    let (inner, _) = small(2);
    let disk = SimDisk::new();
    let (ledger, ..) = open(&disk).unwrap();
    let text = format!("{}{}", str::from_utf8(&MAGIC).unwrap(), String::from_utf8_lossy(&inner));
    let action = ledger::AdminAction {
        action: ledger::name("key.create"),
        object: ledger::name(&text),
        state: ledger::name(&text),
        actor: ledger::name("admin"),
    };
    for _ in 0..3 {
        let body = ledger::EntryBody::Admin(Box::new(action.clone()));
        let ticket = ledger.append(ledger::UnixMicros(1), body).unwrap();
        ledger.durable_blocking(ticket).unwrap();
    }
    ledger.close().unwrap();
    let mut content = disk.content(FILE).unwrap();
    let first = blocks(&content)[0].clone();
    content[first.start + 4] ^= 1;
    let (report, entries) = scan_all(&planted(&content)).unwrap();
    assert_eq!((entries.len(), report.damages.len()), (2, 1));
    assert_eq!((report.damages[0].offset, report.damages[0].bytes), (64, first.len() as u64));
}
