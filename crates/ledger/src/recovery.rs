//! Starting on what a former run left: verify every block, hand out every entry, cut the torn tail, put the last
//! segment on the disk for certain, begin a new one.
//!
//! The rules rest on one property of the writer: a block is written only after the one before it is durable. So
//! a block with another behind it was acknowledged (if it is broken, that is damage), and only the last bytes of
//! the last segment can be an unfinished write.

use std::time::{Duration, Instant};

use crate::Entry;
use crate::block::BlockError;
use crate::disk::{Disk, DiskFile};
use crate::error::LedgerError;
use crate::segment::{self, Damage, End, SegmentHeader, Step, Track, Walk};

/// What a start found.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Entries handed out.
    pub entries: u64,
    /// Blocks read.
    pub blocks: u64,
    /// Segments read.
    pub segments: u64,
    /// Bytes in them, up to the end of the last block of each.
    pub bytes: u64,
    /// Bytes of an unfinished write that were cut off the end.
    pub truncated_bytes: u64,
    /// Entries that those bytes promised, as far as their header could be read. None was acknowledged, unless
    /// the disk lost what it had synced.
    pub truncated_entries: u64,
    /// The former run closed the ledger itself.
    pub clean: bool,
    /// What is broken elsewhere.
    pub damages: Vec<Damage>,
    /// Number of the last entry; 0: none yet.
    pub last_seq: u64,
    /// The writer's id.
    pub writer: u64,
    /// The run that begins now.
    pub epoch: u64,
    /// How long it took.
    pub duration: Duration,
}

/// What the writer goes on with.
pub(crate) struct Begun {
    pub file: Box<dyn DiskFile>,
    pub segment: u64,
    pub writer: u64,
    pub epoch: u64,
    pub next_seq: u64,
    pub previous: u32,
}

/// Recovers the folder, which the caller has locked.
pub(crate) fn recover(
    disk: &dyn Disk,
    writer: u64,
    visit: &mut dyn FnMut(&Entry),
) -> Result<(Begun, Recovery), LedgerError> {
    let started = Instant::now();
    let names = disk.list()?;
    for name in segment::unfinished(&names) {
        disk.remove(name)?;
    }
    let mut recovery = Recovery { clean: true, ..Recovery::default() };
    let mut track = Track::default();
    let numbers = segment::numbers(&names);
    let last = numbers.last().copied();
    let mut empty = Vec::new();
    for number in numbers {
        let before = (recovery.blocks, recovery.damages.len());
        let end = read_segment(disk, number, Some(number) == last, &mut track, &mut recovery, visit)?;
        if before == (recovery.blocks, recovery.damages.len()) && end.torn == 0 {
            empty.push(number);
        }
    }
    if writer != 0 && track.started && track.writer != writer {
        let file = segment::file_name(last.unwrap_or_default());
        return Err(LedgerError::OtherWriter { file, found: track.writer, ours: writer });
    }
    let writer = match (track.started, writer) {
        (true, _) => track.writer,
        (false, 0) => new_writer(),
        (false, given) => given,
    };
    let next_seq = track.next_seq.max(1);
    let header = SegmentHeader {
        writer,
        epoch: track.epoch + 1,
        number: last.unwrap_or_default() + 1,
        first_seq: next_seq,
        previous: track.checksum,
    };
    let file = segment::create(disk, &header)?;
    // A start without a single entry leaves a segment of nothing but a header; they need not pile up.
    for number in empty {
        disk.remove(&segment::file_name(number))?;
    }
    recovery.last_seq = next_seq - 1;
    recovery.writer = writer;
    recovery.epoch = header.epoch;
    recovery.duration = started.elapsed();
    let begun = Begun {
        file,
        segment: header.number,
        writer,
        epoch: header.epoch,
        next_seq,
        previous: header.previous,
    };
    Ok((begun, recovery))
}

fn read_segment(
    disk: &dyn Disk,
    number: u64,
    is_last: bool,
    track: &mut Track,
    recovery: &mut Recovery,
    visit: &mut dyn FnMut(&Entry),
) -> Result<End, LedgerError> {
    let mut walk = Walk::open(disk, number, track)?;
    recovery.segments += 1;
    let end = loop {
        match walk.step(track)? {
            Step::Block => {
                let Ok(block) = walk.block()? else { continue };
                let header = block.header;
                match block.entries() {
                    Ok(entries) => {
                        recovery.blocks += u64::from(header.count > 0);
                        recovery.entries += entries.len() as u64;
                        entries.iter().for_each(&mut *visit);
                    }
                    Err(BlockError::NewerContent) => {
                        return Err(LedgerError::NewerBlock { file: walk.name, seq: header.first_seq });
                    }
                    Err(why) => recovery.damages.push(walk.senseless(&header, why)),
                }
            }
            Step::Damage(damage) => recovery.damages.push(damage),
            Step::End(end) => break end,
        }
    };
    recovery.bytes += end.offset;
    let has_header = end.offset >= segment::HEADER_LEN as u64;
    if !is_last || !has_header || end.closed {
        recovery.damages.extend(walk.leftover(&end, track));
    }
    if is_last && !end.closed {
        recovery.clean = end.offset == segment::HEADER_LEN as u64 && end.torn == 0;
        if has_header && !recovery.clean {
            // What a failed or missing sync left in memory reads like what is on the disk: only a copy that is
            // synced anew is known to be there. The torn tail goes with the old file.
            recovery.truncated_bytes = end.torn;
            recovery.truncated_entries = end.torn_entries;
            segment::rewrite(disk, number, end.offset)?;
        }
    }
    Ok(end)
}

/// A fresh id: the random half of a UUIDv7 mixed with its clock half.
fn new_writer() -> u64 {
    let (clock, random) = uuid::Uuid::now_v7().as_u64_pair();
    (clock.rotate_left(32) ^ random).max(1)
}
