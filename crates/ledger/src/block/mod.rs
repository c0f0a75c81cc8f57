//! The block: one to 65,536 entries as checksummed groups of columns, self-describing. It is the unit of memory,
//! of disk, of wire and of queue: encoded once, then shipped and appended as it is. `docs/ledger-format.md`
//! draws its bytes.
//!
//! Not here: where blocks lie (`segment`), when they are written (`writer`).

mod column_read;
mod column_write;
#[allow(missing_docs)] // the names are those of the fields of `Entry`; the two tables below and there are one
mod columns;
mod facts_read;
mod facts_write;
mod header;
mod varint;

use std::sync::Arc;

pub use header::{ENTRIES_MAX, FLAG_END, HEADER_LEN, HEADER_MAX, Header, MAGIC, MAJOR, MINOR, PAYLOAD_MAX};

use crate::{Entry, EntryBody, Opened, Refused, Seq, UnixMicros};
use column_read::ColumnReader;
use column_write::ColumnWriter;
use columns::{common, group, kind};
use facts_write::{AttemptRow, SettledRow, kind_code};
use varint::Reader;

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It does not begin with [`MAGIC`].
    #[error("no block begins here")]
    NoMagic,
    /// The bytes end before the block does.
    #[error("the block is cut short")]
    Short,
    /// The header's checksum or its sizes are wrong.
    #[error("the block's header is damaged")]
    Header,
    /// The payload's checksums are wrong.
    #[error("the block's content is damaged")]
    Checksum,
    /// The checksums are right, but the content is none that this format knows.
    #[error("the block's content makes no sense")]
    Content,
    /// A newer major version.
    #[error("the block is of format {0}; this release reads {MAJOR}")]
    Newer(u8),
    /// A newer minor version with something that must not be left out.
    #[error("the block holds something that only a newer release understands")]
    NewerContent,
}

/// Where a block stands in its writer's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who writes it.
    pub writer: u64,
    /// In which run.
    pub epoch: u64,
    /// Checksum of the block before.
    pub previous: u32,
}

/// Makes blocks, keeping its buffers from one to the next.
#[derive(Default)]
pub struct Encoder {
    columns: ColumnWriter,
    directory: Vec<u8>,
    groups: Vec<u8>,
}

impl Encoder {
    /// Replaces `out` with the block of `entries`, whose numbers follow one another.
    /// At most [`ENTRIES_MAX`] entries; the caller keeps the sum of their texts below [`PAYLOAD_MAX`].
    pub fn encode(&mut self, origin: Origin, entries: &[Entry], out: &mut Vec<u8>) -> Header {
        self.directory.clear();
        self.groups.clear();
        let mut rows = Rows::default();
        let (mut min_at, mut max_at, mut kinds) = (i64::MAX, i64::MIN, 0);
        for entry in entries {
            min_at = min_at.min(entry.at.0);
            max_at = max_at.max(entry.at.0);
            kinds |= 1 << kind_code(&entry.body);
            rows.add(entry);
        }
        let mut directory = std::mem::take(&mut self.directory);
        self.groups(entries, &rows, &mut directory);
        let mut header = Header {
            header_len: 0,
            payload_len: u32::try_from(directory.len() + self.groups.len()).unwrap_or(u32::MAX),
            count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            writer: origin.writer,
            epoch: origin.epoch,
            first_seq: entries.first().map_or(0, |entry| entry.seq.0),
            min_at,
            max_at,
            previous: origin.previous,
            directory_len: u32::try_from(directory.len()).unwrap_or(u32::MAX),
            directory_crc: crc32c::crc32c(&directory),
            kinds,
            flags: 0,
            checksum: 0,
        };
        out.clear();
        out.extend_from_slice(&header.write());
        out.extend_from_slice(&directory);
        out.extend_from_slice(&self.groups);
        self.directory = directory;
        header
    }

    /// Replaces `out` with the empty block that ends a segment after a clean close.
    pub fn encode_end(&mut self, origin: Origin, next: Seq, out: &mut Vec<u8>) -> Header {
        let mut header = Header {
            header_len: 0,
            payload_len: 0,
            count: 0,
            writer: origin.writer,
            epoch: origin.epoch,
            first_seq: next.0,
            min_at: 0,
            max_at: 0,
            previous: origin.previous,
            directory_len: 0,
            directory_crc: crc32c::crc32c(&[]),
            kinds: 0,
            flags: FLAG_END,
            checksum: 0,
        };
        out.clear();
        out.extend_from_slice(&header.write());
        header
    }

    fn groups(&mut self, entries: &[Entry], rows: &Rows<'_>, directory: &mut Vec<u8>) {
        let count = 1
            + u64::from(!rows.attempts.is_empty())
            + u64::from(!rows.settled.is_empty())
            + u64::from(!rows.refused.is_empty())
            + u64::from(!rows.budgets.is_empty())
            + u64::from(!rows.admins.is_empty());
        varint::put(directory, count);
        self.group(directory, group::COMMON, entries.len(), |to| facts_write::common(to, entries));
        self.group(directory, group::ATTEMPT, rows.attempts.len(), |to| {
            facts_write::attempts(to, &rows.attempts);
        });
        self.group(directory, group::SETTLED, rows.settled.len(), |to| {
            facts_write::settled(to, &rows.settled);
        });
        self.group(directory, group::REFUSED, rows.refused.len(), |to| {
            facts_write::refused(to, &rows.refused);
        });
        self.group(directory, group::BUDGET, rows.budgets.len(), |to| {
            facts_write::budgets(to, &rows.budgets);
        });
        self.group(directory, group::ADMIN, rows.admins.len(), |to| facts_write::admins(to, &rows.admins));
    }

    fn group(&mut self, directory: &mut Vec<u8>, id: u64, rows: usize, fill: impl FnOnce(&mut ColumnWriter)) {
        if rows == 0 {
            return;
        }
        fill(&mut self.columns);
        let crc = crc32c::crc32c(self.columns.bytes());
        let len = self.columns.finish_into(&mut self.groups);
        varint::put(directory, id);
        varint::put(directory, rows as u64);
        varint::put(directory, len as u64);
        directory.extend_from_slice(&crc.to_le_bytes());
    }
}

/// Entries by kind, in their order.
#[derive(Default)]
struct Rows<'a> {
    attempts: Vec<AttemptRow<'a>>,
    settled: Vec<SettledRow<'a>>,
    refused: Vec<&'a Refused>,
    budgets: Vec<&'a crate::BudgetSet>,
    admins: Vec<&'a crate::AdminAction>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, entry: &'a Entry) {
        let at = entry.at.0;
        match &entry.body {
            EntryBody::Opened(opened) => self.attempts.push(AttemptRow { at, opened }),
            EntryBody::Settled(settled) => {
                self.attempts.push(AttemptRow { at, opened: &settled.opened });
                self.settled.push(SettledRow { at, settled });
            }
            EntryBody::Refused(refused) => self.refused.push(refused),
            EntryBody::Budget(budget) => self.budgets.push(budget),
            EntryBody::Admin(action) => self.admins.push(action),
        }
    }
}

/// A whole block whose checksums are right; its content is still to be read.
#[derive(Clone)]
pub struct Block<'a> {
    /// Its header.
    pub header: Header,
    groups: Vec<Group<'a>>,
}

#[derive(Clone, Copy)]
struct Group<'a> {
    id: u64,
    rows: usize,
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// Verifies the block at the front of `bytes`, every group's checksum included.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let header = Header::read(bytes)?;
        let payload =
            bytes.get(usize::from(header.header_len)..header.total_len()).ok_or(BlockError::Short)?;
        if header.is_end() {
            return Ok(Self { header, groups: Vec::new() });
        }
        let (directory, mut rest) =
            payload.split_at_checked(header.directory_len as usize).ok_or(BlockError::Header)?;
        if crc32c::crc32c(directory) != header.directory_crc {
            return Err(BlockError::Checksum);
        }
        let mut from = Reader(directory);
        let mut groups = Vec::new();
        for _ in 0..from.bounded(directory.len())? {
            let id = from.number()?;
            let rows = from.bounded(header.count as usize)?;
            let len = from.bounded(rest.len())?;
            let crc = from.bytes(4)?;
            let (bytes, after) = rest.split_at_checked(len).ok_or(BlockError::Content)?;
            if crc32c::crc32c(bytes).to_le_bytes() != crc {
                return Err(BlockError::Checksum);
            }
            rest = after;
            groups.push(Group { id, rows, bytes });
        }
        from.end()?;
        // Every byte of the payload is under a checksum: none may hang on behind the groups.
        if rest.is_empty() { Ok(Self { header, groups }) } else { Err(BlockError::Content) }
    }

    /// The entries, in order.
    pub fn entries(&self) -> Result<Vec<Entry>, BlockError> {
        let count = self.header.count as usize;
        let (kinds, at) = self.common(count)?;
        let instants = |wanted: &dyn Fn(u64) -> bool| -> Vec<i64> {
            kinds.iter().zip(&at).filter(|(kind, _)| wanted(**kind)).map(|(_, at)| *at).collect()
        };
        let of_attempts = instants(&|kind| matches!(kind, kind::OPENED | kind::SETTLED));
        let of_settled = instants(&|kind| kind == kind::SETTLED);
        let rows_of = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();

        let attempts =
            self.group(group::ATTEMPT, of_attempts.len(), |from| facts_read::attempts(from, &of_attempts))?;
        let (opened, ended) = split_attempts(&kinds, attempts);
        let settled = self
            .group(group::SETTLED, of_settled.len(), |from| facts_read::settled(from, &of_settled, ended))?;
        let n = rows_of(kind::REFUSED);
        let refused = self.group(group::REFUSED, n, |from| facts_read::refused(from, n))?;
        let n = rows_of(kind::BUDGET);
        let budgets = self.group(group::BUDGET, n, |from| facts_read::budgets(from, n))?;
        let n = rows_of(kind::ADMIN);
        let admins = self.group(group::ADMIN, n, |from| facts_read::admins(from, n))?;

        let (mut opened, mut settled) = (opened.into_iter(), settled.into_iter());
        let (mut refused, mut budgets) = (refused.into_iter(), budgets.into_iter());
        let mut admins = admins.into_iter();
        let mut entries = Vec::with_capacity(count);
        for ((kind, at), seq) in kinds.iter().zip(&at).zip(self.header.first_seq..) {
            let body = match *kind {
                kind::OPENED => opened.next().map(EntryBody::Opened),
                kind::SETTLED => settled.next().map(|it| EntryBody::Settled(Box::new(it))),
                kind::REFUSED => refused.next().map(|it| EntryBody::Refused(Box::new(it))),
                kind::BUDGET => budgets.next().map(|it| EntryBody::Budget(Box::new(it))),
                kind::ADMIN => admins.next().map(|it| EntryBody::Admin(Box::new(it))),
                _ => return Err(BlockError::NewerContent),
            };
            entries.push(Entry {
                seq: Seq(seq),
                at: UnixMicros(*at),
                body: body.ok_or(BlockError::Content)?,
            });
        }
        Ok(entries)
    }

    /// Kind and instant of every entry.
    fn common(&self, count: usize) -> Result<(Vec<u64>, Vec<i64>), BlockError> {
        if count == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let (kinds, at) = self.columns(group::COMMON, count, |from| {
            Ok((from.numbers(common::KIND, count)?, from.numbers(common::AT, count)?))
        })?;
        Ok((0..count).map(|row| (kinds.at(row), at.signed(row))).unzip())
    }

    /// Reads a group that must be there if it has rows, and must not be if it has none.
    fn group<T>(
        &self,
        id: u64,
        rows: usize,
        read: impl FnOnce(&mut ColumnReader<'a>) -> Result<Vec<T>, BlockError>,
    ) -> Result<Vec<T>, BlockError> {
        if rows == 0 && !self.groups.iter().any(|group| group.id == id) {
            return Ok(Vec::new());
        }
        self.columns(id, rows, read)
    }

    fn columns<T>(
        &self,
        id: u64,
        rows: usize,
        read: impl FnOnce(&mut ColumnReader<'a>) -> Result<T, BlockError>,
    ) -> Result<T, BlockError> {
        let group = self.groups.iter().find(|group| group.id == id).ok_or(BlockError::Content)?;
        if group.rows != rows {
            return Err(BlockError::Content);
        }
        let mut columns = ColumnReader::new(group.bytes)?;
        let out = read(&mut columns)?;
        columns.end()?;
        Ok(out)
    }
}

fn split_attempts(kinds: &[u64], attempts: Vec<Arc<Opened>>) -> (Vec<Arc<Opened>>, Vec<Arc<Opened>>) {
    let of_attempts = kinds.iter().filter(|kind| matches!(**kind, kind::OPENED | kind::SETTLED));
    let (mut opened, mut ended) = (Vec::new(), Vec::new());
    for (kind, attempt) in of_attempts.zip(attempts) {
        if *kind == kind::OPENED { opened.push(attempt) } else { ended.push(attempt) }
    }
    (opened, ended)
}
