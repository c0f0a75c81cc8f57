//! Reading a segment block by block: what fits its place is handed out, what does not is reported with its place,
//! and reading goes on at the next block that does fit.

use super::window::Window;
use super::{HEADER_LEN, NoHeader, SegmentHeader, file_name};
use crate::block::{Block, BlockError, HEADER_LEN as BLOCK_HEADER_LEN, HEADER_MAX, Header, MAGIC};
use crate::disk::Disk;
use crate::error::{DiskError, LedgerError};

/// Bytes, or entries, that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment's file.
    pub file: String,
    /// Where the damage begins.
    pub offset: u64,
    /// How many bytes were passed over; 0 where entries are missing between two whole blocks.
    pub bytes: u64,
    /// What is wrong, in words.
    pub what: String,
    /// The first entry that is lost by it.
    pub first_missing: u64,
    /// How many entries are lost; `None`: nothing that follows tells.
    pub missing: Option<u64>,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {} ({} bytes): {}; ", self.file, self.offset, self.bytes, self.what)?;
        match self.missing {
            Some(0) => write!(f, "no entry is lost"),
            Some(count) => {
                write!(f, "entries {} to {} are lost", self.first_missing, self.first_missing + count - 1)
            }
            None => write!(f, "entries from {} on are lost, how many is not known", self.first_missing),
        }
    }
}

/// Where a reader stands: between two blocks, with what it needs to see that history is still the same.
/// The default is the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Number of the segment.
    pub segment: u64,
    /// Byte offset of the next block.
    pub offset: u64,
    /// Number of the next entry.
    pub next_seq: u64,
    /// Checksum of the block before.
    pub checksum: u32,
}

/// What the history so far says about the next block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Track {
    /// The first segment or block was seen.
    pub started: bool,
    pub writer: u64,
    pub epoch: u64,
    /// Number of the next entry.
    pub next_seq: u64,
    /// Checksum of the last block.
    pub checksum: u32,
    /// Entries are missing before the next block, so its chain cannot be checked.
    pub loose: bool,
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes up to the end of the last block.
    pub offset: u64,
    /// A clean close ended it.
    pub closed: bool,
    /// Bytes behind that are no block (zeros, written ahead, do not count).
    pub torn: u64,
    /// What a whole header in front of those bytes promised.
    pub torn_entries: u64,
}

/// The next thing in a segment.
pub(crate) enum Step {
    /// A block; [`Walk::block`] hands it out.
    Block,
    Damage(Damage),
    End(End),
}

/// How a block's header fits its place.
enum Fit {
    Exact,
    /// It is ours, but entries before it are missing.
    Gap,
    Wrong(&'static str),
}

/// A walk through one segment.
pub(crate) struct Walk {
    pub name: String,
    pub number: u64,
    /// Where the next block begins.
    pub offset: u64,
    window: Window,
    /// The epoch that every block must have; `None` where the segment's header is lost.
    epoch: Option<u64>,
    current: (u64, usize),
    closed: bool,
    pending: Option<Damage>,
}

impl Walk {
    /// Opens a segment and checks how its header follows what came before.
    pub fn open(disk: &dyn Disk, number: u64, track: &mut Track) -> Result<Self, LedgerError> {
        let name = file_name(number);
        let mut window = Window::new(disk.open_read(&name)?);
        let header = SegmentHeader::read(window.get(0, HEADER_LEN)?);
        let mut walk = Self {
            name,
            number,
            offset: HEADER_LEN as u64,
            window,
            epoch: None,
            current: (0, 0),
            closed: false,
            pending: None,
        };
        match header {
            Ok(header) => walk.begin(&header, track)?,
            Err(NoHeader::Newer(found)) => {
                return Err(LedgerError::Newer { file: walk.name, found, ours: super::MAJOR });
            }
            Err(NoHeader::Damaged) => {
                walk.offset = 0;
                track.loose = true;
                if !track.started {
                    track.next_seq = 1;
                }
            }
        }
        Ok(walk)
    }

    /// Opens a segment in order to go on at a position.
    pub fn resume(disk: &dyn Disk, position: Position, track: &mut Track) -> Result<Self, LedgerError> {
        let mut aside = Track::default();
        let mut walk = Self::open(disk, position.segment, &mut aside)?;
        walk.pending = None;
        let (offset, segment) = (position.offset, position.segment);
        if offset < HEADER_LEN as u64 || offset > walk.window.file_len()? {
            return Err(LedgerError::Rewound { segment, offset });
        }
        walk.offset = offset;
        *track = Track { next_seq: position.next_seq, checksum: position.checksum, loose: false, ..aside };
        Ok(walk)
    }

    fn begin(&mut self, header: &SegmentHeader, track: &mut Track) -> Result<(), LedgerError> {
        self.epoch = Some(header.epoch);
        if !track.started {
            *track = Track {
                started: true,
                writer: header.writer,
                epoch: header.epoch,
                next_seq: header.first_seq,
                checksum: header.previous,
                loose: false,
            };
            return Ok(());
        }
        if header.writer != track.writer {
            let file = self.name.clone();
            return Err(LedgerError::OtherWriter { file, found: header.writer, ours: track.writer });
        }
        let what = if header.first_seq > track.next_seq {
            let missing = header.first_seq - track.next_seq;
            self.pending =
                Some(self.damage(0, 0, "entries are missing before this segment", track, Some(missing)));
            (track.next_seq, track.checksum, track.loose) = (header.first_seq, header.previous, false);
            None
        } else if header.first_seq < track.next_seq || header.number != self.number {
            Some("the segment is not in its place")
        } else if header.previous != track.checksum && !track.loose {
            Some("the segment follows another history")
        } else {
            (track.checksum, track.loose) = (header.previous, false);
            None
        };
        if let Some(what) = what {
            self.pending = Some(self.damage(0, 0, what, track, Some(0)));
        }
        track.epoch = track.epoch.max(header.epoch);
        Ok(())
    }

    /// Goes to the next block, damage or end. `track` is moved on past a block.
    pub fn step(&mut self, track: &mut Track) -> Result<Step, LedgerError> {
        if let Some(damage) = self.pending.take() {
            return Ok(Step::Damage(damage));
        }
        if self.closed {
            return self.end(BlockError::NoMagic);
        }
        let at = self.offset;
        let mut tried = self.try_block(at, track)?;
        if tried.is_err() {
            // The writer may have finished the block since these bytes were read.
            self.window.refresh();
            tried = self.try_block(at, track)?;
        }
        match tried {
            Ok((header, Fit::Exact)) => Ok(self.accept(at, &header, track)),
            Ok((header, Fit::Gap)) => {
                let missing = header.first_seq.saturating_sub(track.next_seq);
                let damage =
                    self.damage(at, 0, "entries are missing before this block", track, Some(missing));
                (track.next_seq, track.loose) = (header.first_seq, true);
                Ok(Step::Damage(damage))
            }
            Ok((_, Fit::Wrong(what))) => self.pass_over(at, what, BlockError::NoMagic, track),
            Err(why) => self.pass_over(at, &why.to_string(), why, track),
        }
    }

    /// The block that [`Walk::step`] has just found.
    pub fn block(&mut self) -> Result<Result<Block<'_>, BlockError>, DiskError> {
        let (offset, len) = self.current;
        Ok(Block::read(self.window.get(offset, len)?))
    }

    /// Damage that only the reader of a block's content could see: its checksums are right.
    pub fn senseless(&self, header: &Header, why: BlockError) -> Damage {
        Damage {
            file: self.name.clone(),
            offset: self.current.0,
            bytes: header.total_len() as u64,
            what: why.to_string(),
            first_missing: header.first_seq,
            missing: Some(u64::from(header.count)),
        }
    }

    /// What is left behind the last block of a segment that another one follows is damage.
    pub fn leftover(&self, end: &End, track: &Track) -> Option<Damage> {
        (end.torn > 0).then(|| {
            self.damage(end.offset, end.torn, "bytes behind the last block are no block", track, None)
        })
    }

    fn accept(&mut self, at: u64, header: &Header, track: &mut Track) -> Step {
        self.current = (at, header.total_len());
        self.offset = at + header.total_len() as u64;
        self.closed = header.is_end();
        if !track.started {
            track.writer = header.writer;
            track.started = true;
        }
        track.epoch = track.epoch.max(header.epoch);
        track.next_seq = header.next_seq();
        // The mark of a clean close is no link of the chain: a segment of nothing else may be removed.
        if !header.is_end() {
            track.checksum = header.checksum;
        }
        track.loose = false;
        Step::Block
    }

    fn try_block(&mut self, at: u64, track: &Track) -> Result<Result<(Header, Fit), BlockError>, DiskError> {
        let front = self.window.get(at, BLOCK_HEADER_LEN)?;
        let len = match Header::peek_len(front) {
            Ok(len) => len.min(HEADER_MAX),
            Err(error) => return Ok(Err(error)),
        };
        let header = match Header::read(self.window.get(at, len)?) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error)),
        };
        let fit = self.fit(&header, track);
        match Block::read(self.window.get(at, header.total_len())?) {
            Ok(_) => Ok(Ok((header, fit))),
            Err(error) => Ok(Err(error)),
        }
    }

    fn fit(&self, header: &Header, track: &Track) -> Fit {
        if track.started && header.writer != track.writer {
            return Fit::Wrong("a block of another writer");
        }
        if self.epoch.map_or(header.epoch < track.epoch, |epoch| header.epoch != epoch) {
            return Fit::Wrong("a block of another run");
        }
        if header.first_seq < track.next_seq {
            return Fit::Wrong("a block that was there before");
        }
        if header.first_seq > track.next_seq {
            return Fit::Gap;
        }
        if header.previous != track.checksum && !track.loose {
            return Fit::Wrong("a block of another history");
        }
        Fit::Exact
    }

    /// What stands at `at` is no block that fits: looks for the next one that does.
    fn pass_over(
        &mut self,
        at: u64,
        what: &str,
        why: BlockError,
        track: &mut Track,
    ) -> Result<Step, LedgerError> {
        let Some((found, header)) = self.search(at + 1, track)? else {
            return self.end(why);
        };
        // A later block is there, so the one before it was written whole: perhaps only after we had looked.
        self.window.refresh();
        if let Ok((first, Fit::Exact)) = self.try_block(at, track)? {
            return Ok(self.accept(at, &first, track));
        }
        let missing = header.first_seq.saturating_sub(track.next_seq);
        let damage = self.damage(at, found - at, what, track, Some(missing));
        self.offset = found;
        (track.next_seq, track.loose) = (header.first_seq, true);
        Ok(Step::Damage(damage))
    }

    /// The next place from `from` on where a whole block begins that may follow.
    fn search(&mut self, from: u64, track: &Track) -> Result<Option<(u64, Header)>, LedgerError> {
        let mut at = from;
        loop {
            let bytes = self.window.get(at, 64 << 10)?;
            if bytes.len() < BLOCK_HEADER_LEN {
                return Ok(None);
            }
            let Some(place) = bytes.windows(MAGIC.len()).position(|four| four == MAGIC) else {
                at += (bytes.len() - MAGIC.len() + 1) as u64;
                continue;
            };
            at += place as u64;
            if let Ok((header, Fit::Exact | Fit::Gap)) = self.try_block(at, track)? {
                return Ok(Some((at, header)));
            }
            at += 1;
        }
    }

    fn end(&mut self, why: BlockError) -> Result<Step, LedgerError> {
        let begin = self.offset;
        let (mut at, mut last) = (begin, begin);
        loop {
            let bytes = self.window.get(at, 64 << 10)?;
            if bytes.is_empty() {
                break;
            }
            if let Some(place) = bytes.iter().rposition(|byte| *byte != 0) {
                last = at + place as u64 + 1;
            }
            at += bytes.len() as u64;
        }
        let mut torn_entries = 0;
        if matches!(why, BlockError::Short | BlockError::Checksum) {
            let front = self.window.get(begin, HEADER_MAX)?;
            torn_entries = Header::read(front).map_or(0, |header| u64::from(header.count));
        }
        Ok(Step::End(End { offset: begin, closed: self.closed, torn: last - begin, torn_entries }))
    }

    fn damage(&self, offset: u64, bytes: u64, what: &str, track: &Track, missing: Option<u64>) -> Damage {
        Damage {
            file: self.name.clone(),
            offset,
            bytes,
            what: what.to_owned(),
            first_missing: track.next_seq,
            missing,
        }
    }
}
