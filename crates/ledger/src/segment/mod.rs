//! Segments: append-only files of blocks, `000000000001.seg` and on. Here: their names, their 64-byte header and
//! how one is made; `walk` reads one, block by block.
//!
//! Not here: the order of segments at start (`recovery`), beside a writer (`scan`), appending (`writer`).

mod walk;
mod window;

pub use walk::{Damage, Position};
pub(crate) use walk::{End, Step, Track, Walk};

use crate::disk::{Disk, DiskFile, write_all};
use crate::error::DiskError;

/// `TOLLSEG` and a line feed, which a transfer as text would break.
const MAGIC: [u8; 8] = *b"TOLLSEG\n";
/// The format of segments; a newer major version is refused.
pub(crate) const MAJOR: u16 = 1;
const MINOR: u16 = 0;
/// Bytes before the first block.
pub(crate) const HEADER_LEN: usize = HEADER_LEN_U32 as usize;
const HEADER_LEN_U32: u32 = 64;
/// What a file is called until it is whole and synced.
const UNFINISHED: &str = ".tmp";

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub writer: u64,
    pub epoch: u64,
    pub number: u64,
    /// Number of its first entry: all before were durable when it was made.
    pub first_seq: u64,
    /// Checksum of the last block before it.
    pub previous: u32,
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    Damaged,
    Newer(u16),
}

impl SegmentHeader {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&MAJOR.to_le_bytes());
        out.extend_from_slice(&MINOR.to_le_bytes());
        out.extend_from_slice(&HEADER_LEN_U32.to_le_bytes());
        for number in [self.writer, self.epoch, self.number, self.first_seq] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.previous.to_le_bytes());
        out.resize(HEADER_LEN - 4, 0);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub fn read(bytes: &[u8]) -> Result<Self, NoHeader> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(NoHeader::Damaged)?;
        let (front, crc) = header.split_last_chunk::<4>().ok_or(NoHeader::Damaged)?;
        let bytes =
            |at: usize| front.get(at..).and_then(<[u8]>::first_chunk::<8>).copied().unwrap_or_default();
        let number = |at| u64::from_le_bytes(bytes(at));
        if !front.starts_with(&MAGIC) || crc32c::crc32c(front) != u32::from_le_bytes(*crc) {
            return Err(NoHeader::Damaged);
        }
        let [low, high, ..] = bytes(8);
        let major = u16::from_le_bytes([low, high]);
        if major != MAJOR {
            return Err(NoHeader::Newer(major));
        }
        let [a, b, c, d, ..] = bytes(48);
        let previous = u32::from_le_bytes([a, b, c, d]);
        Ok(Self {
            writer: number(16),
            epoch: number(24),
            number: number(32),
            first_seq: number(40),
            previous,
        })
    }
}

/// The file name of a segment.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:012}.seg")
}

/// The numbers of the segments among `names`, ascending.
pub(crate) fn numbers(names: &[String]) -> Vec<u64> {
    let parse = |name: &String| -> Option<u64> {
        let digits = name.strip_suffix(".seg")?;
        let number = (digits.len() == 12).then(|| digits.parse().ok())??;
        (file_name(number) == *name).then_some(number)
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(parse).collect();
    numbers.sort_unstable();
    numbers
}

/// Files that a crash left unfinished: nothing in them was ever acknowledged.
pub(crate) fn unfinished(names: &[String]) -> impl Iterator<Item = &String> {
    names.iter().filter(|name| name.ends_with(UNFINISHED))
}

/// Makes a segment that is either wholly there or not at all, and durable: written aside, synced, renamed.
pub(crate) fn create(disk: &dyn Disk, header: &SegmentHeader) -> Result<Box<dyn DiskFile>, DiskError> {
    let name = file_name(header.number);
    let aside = format!("{name}{UNFINISHED}");
    let file = disk.create(&aside)?;
    write_all(&*file, &header.write(), 0)?;
    file.sync()?;
    disk.rename(&aside, &name)?;
    disk.sync_dir()?;
    Ok(file)
}

/// Replaces a segment by its own first `length` bytes, in a new file that is synced before it takes the name.
/// After this, what can be read of it is on the disk; before, it might have been in memory only.
pub(crate) fn rewrite(disk: &dyn Disk, number: u64, length: u64) -> Result<(), DiskError> {
    let name = file_name(number);
    let aside = format!("{name}{UNFINISHED}");
    let from = disk.open_read(&name)?;
    let to = disk.create(&aside)?;
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < length {
        let wanted = usize::try_from(length - offset).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let count = from.read_at(part, offset)?;
        if count == 0 {
            break;
        }
        write_all(&*to, part.get(..count).unwrap_or_default(), offset)?;
        offset += count as u64;
    }
    to.sync()?;
    disk.rename(&aside, &name)?;
    disk.sync_dir()
}
