//! Reading without writing: a whole ledger, or what came since a position, also while another process appends.
//! One block is in memory at a time.
//!
//! What is read may be younger than the last sync by one commit: after a power cut it may be gone. A reader that
//! keeps figures keeps its [`Position`] with them and goes on by [`scan_from`].

use std::ops::ControlFlow;

use crate::Entry;
use crate::block::{Block, BlockError};
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::segment::{self, Damage, Position, Step, Track, Walk};

/// What a scan saw.
#[derive(Clone, Debug, Default)]
pub struct ScanReport {
    /// Entries handed out.
    pub entries: u64,
    /// Blocks read.
    pub blocks: u64,
    /// Bytes of the segments walked through.
    pub bytes: u64,
    /// What is broken.
    pub damages: Vec<Damage>,
    /// Bytes behind the last block that are not (yet) a block: a write under way, or torn.
    pub unfinished_bytes: u64,
    /// Where to go on.
    pub position: Position,
    /// The writer's id; 0: nothing was written yet.
    pub writer: u64,
}

/// Hands every entry to `each`, in order, until it breaks off.
pub fn scan(
    disk: &dyn Disk,
    each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
) -> Result<ScanReport, LedgerError> {
    scan_from(disk, Position::default(), each)
}

/// Hands out the entries from `position` on. After a break in the middle of a block, the position in the report
/// is behind that block.
/// # Errors  `Rewound`: the position is behind the end of its segment or its segment is gone.
pub fn scan_from(
    disk: &dyn Disk,
    position: Position,
    each: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
) -> Result<ScanReport, LedgerError> {
    let mut entries = 0;
    let mut report = scan_blocks(disk, position, &mut |block| {
        for entry in block.entries()? {
            entries += 1;
            if each(&entry).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    report.entries = entries;
    Ok(report)
}

/// Hands out verified blocks, not yet decoded: a reader may skip one by its header (`min_at`, `max_at`, `kinds`)
/// or ship it as it is.
pub fn scan_blocks(
    disk: &dyn Disk,
    position: Position,
    each: &mut dyn FnMut(&Block<'_>) -> Result<ControlFlow<()>, BlockError>,
) -> Result<ScanReport, LedgerError> {
    let mut report = ScanReport { position, ..ScanReport::default() };
    let mut track = Track::default();
    let Some(mut walk) = begin(disk, position, &mut track)? else { return Ok(report) };
    // Set when a later segment was seen: the current one is then read once more to its end.
    let mut following: Option<u64> = None;
    let mut broken = false;
    loop {
        match walk.step(&mut track)? {
            Step::Damage(damage) => report.damages.push(damage),
            Step::Block => {
                broken = hand_out(&mut walk, each, &mut report)?;
                if broken {
                    break;
                }
            }
            Step::End(end) => {
                if let Some(next) = following.take() {
                    report.damages.extend(walk.leftover(&end, &track));
                    report.bytes += end.offset;
                    walk = Walk::open(disk, next, &mut track)?;
                    continue;
                }
                report.unfinished_bytes = end.torn;
                following = next_segment(disk, walk.number)?;
                if following.is_none() {
                    report.bytes += end.offset;
                    break;
                }
                // Blocks may have been added, or the file replaced by a start, between that read and the list.
                let here = position_of(&walk, &track);
                walk = match Walk::resume(disk, here, &mut track) {
                    // An empty segment that a start has removed.
                    Err(LedgerError::Io(error)) if error.source.kind() == std::io::ErrorKind::NotFound => {
                        walk
                    }
                    again => again?,
                };
            }
        }
    }
    if broken {
        report.bytes += walk.offset;
    }
    report.position = position_of(&walk, &track);
    report.writer = track.writer;
    Ok(report)
}

/// `true`: the reader broke off.
fn hand_out(
    walk: &mut Walk,
    each: &mut dyn FnMut(&Block<'_>) -> Result<ControlFlow<()>, BlockError>,
    report: &mut ScanReport,
) -> Result<bool, LedgerError> {
    let Ok(block) = walk.block()? else { return Ok(false) };
    let header = block.header;
    if header.is_end() {
        return Ok(false);
    }
    report.blocks += 1;
    report.entries += u64::from(header.count);
    match each(&block) {
        Ok(flow) => Ok(flow.is_break()),
        Err(BlockError::NewerContent) => {
            Err(LedgerError::NewerBlock { file: walk.name.clone(), seq: header.first_seq })
        }
        Err(why) => {
            report.damages.push(walk.senseless(&header, why));
            Ok(false)
        }
    }
}

fn begin(disk: &dyn Disk, position: Position, track: &mut Track) -> Result<Option<Walk>, LedgerError> {
    if position.segment > 0 {
        return match Walk::resume(disk, position, track) {
            Err(LedgerError::Io(error)) if error.source.kind() == std::io::ErrorKind::NotFound => {
                // An empty segment is removed by the next start; history goes on in the one after it.
                let Some(next) = next_segment(disk, position.segment)? else {
                    return Err(LedgerError::Rewound { segment: position.segment, offset: position.offset });
                };
                *track = Track::default();
                let walk = Walk::open(disk, next, track)?;
                if track.next_seq != position.next_seq || track.checksum != position.checksum {
                    return Err(LedgerError::Rewound { segment: position.segment, offset: position.offset });
                }
                Ok(Some(walk))
            }
            resumed => Ok(Some(resumed?)),
        };
    }
    match next_segment(disk, 0)? {
        Some(first) => Ok(Some(Walk::open(disk, first, track)?)),
        None => Ok(None),
    }
}

fn next_segment(disk: &dyn Disk, after: u64) -> Result<Option<u64>, LedgerError> {
    Ok(segment::numbers(&disk.list()?).into_iter().find(|number| *number > after))
}

fn position_of(walk: &Walk, track: &Track) -> Position {
    Position { segment: walk.number, offset: walk.offset, next_seq: track.next_seq, checksum: track.checksum }
}
