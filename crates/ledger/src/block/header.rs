//! The 80 bytes before every block: what binds it to its place, and what a reader needs to skip it.

use super::BlockError;

/// `TOLB`: every block begins with it, and a reader looking for the next block after damage searches for it.
pub const MAGIC: [u8; 4] = *b"TOLB";
/// The format of blocks. A new major version is refused by older readers, a new minor one is read by them.
pub const MAJOR: u8 = 1;
/// See [`MAJOR`].
pub const MINOR: u8 = 0;
/// Bytes of a header of this version.
pub const HEADER_LEN: usize = HEADER_LEN_U16 as usize;
const HEADER_LEN_U16: u16 = 80;
/// The longest header that a reader accepts: later minor versions may add fields at the end.
pub const HEADER_MAX: usize = 512;
/// Most entries in a block.
pub const ENTRIES_MAX: u32 = 65_536;
/// Most bytes after the header.
pub const PAYLOAD_MAX: u32 = 64 << 20;

/// Set on the empty block that a clean close leaves behind: everything before it was synced.
pub const FLAG_END: u32 = 1;
/// Flags from this bit on change the meaning of the block; a reader that does not know one refuses the block.
const FLAGS_CRITICAL: u32 = 0xffff_0000;

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the header itself.
    pub header_len: u16,
    /// Bytes after the header.
    pub payload_len: u32,
    /// Entries inside; 0 only with [`FLAG_END`].
    pub count: u32,
    /// Who wrote it.
    pub writer: u64,
    /// The writer's run: one more at every start.
    pub epoch: u64,
    /// Number of the first entry.
    pub first_seq: u64,
    /// Earliest `at` inside, microseconds.
    pub min_at: i64,
    /// Latest `at` inside, microseconds.
    pub max_at: i64,
    /// [`Header::checksum`] of the block before, of whatever segment; 0 for the very first.
    pub previous: u32,
    /// Bytes of the directory of column groups, at the front of the payload.
    pub directory_len: u32,
    /// Its CRC-32C. It holds the checksum of every group.
    pub directory_crc: u32,
    /// A bit for each kind of entry inside, by the kind's code.
    pub kinds: u32,
    /// [`FLAG_END`].
    pub flags: u32,
    /// CRC-32C of the header before it; so of the whole block, through the directory.
    pub checksum: u32,
}

impl Header {
    /// Number of the entry after the last.
    pub fn next_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.count))
    }

    /// Header and payload together.
    pub fn total_len(&self) -> usize {
        usize::from(self.header_len) + self.payload_len as usize
    }

    /// It ends a segment after a clean close.
    pub fn is_end(&self) -> bool {
        self.flags & FLAG_END != 0
    }

    /// Its bytes; `header_len` and `checksum` are filled in by this function.
    pub fn write(&mut self) -> [u8; HEADER_LEN] {
        self.header_len = HEADER_LEN_U16;
        let mut out = [0; HEADER_LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            if let Some(place) = out.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
            at += bytes.len();
        };
        put(&MAGIC);
        put(&[MAJOR, MINOR]);
        put(&self.header_len.to_le_bytes());
        put(&self.payload_len.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.writer.to_le_bytes());
        put(&self.epoch.to_le_bytes());
        put(&self.first_seq.to_le_bytes());
        put(&self.min_at.to_le_bytes());
        put(&self.max_at.to_le_bytes());
        put(&self.previous.to_le_bytes());
        put(&self.directory_len.to_le_bytes());
        put(&self.directory_crc.to_le_bytes());
        put(&self.kinds.to_le_bytes());
        put(&self.flags.to_le_bytes());
        if let Some((front, crc)) = out.split_last_chunk_mut::<4>() {
            self.checksum = crc32c::crc32c(front);
            *crc = self.checksum.to_le_bytes();
        }
        out
    }

    /// The length of the header that begins here, from its first 8 bytes: enough to know how much to read.
    pub fn peek_len(bytes: &[u8]) -> Result<usize, BlockError> {
        let mut from = Fields(bytes);
        if from.take::<4>()? != MAGIC {
            return Err(BlockError::NoMagic);
        }
        let [major, _minor] = from.take::<2>()?;
        let len = usize::from(u16::from_le_bytes(from.take()?));
        // A flipped version byte must not pass for a newer release, so the checksum is asked first (`read`).
        if !(HEADER_LEN..=HEADER_MAX).contains(&len) {
            return Err(if major == MAJOR { BlockError::Header } else { BlockError::Newer(major) });
        }
        Ok(len)
    }

    /// Reads and verifies a header at the front of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let len = Self::peek_len(bytes)?;
        let bytes = bytes.get(..len).ok_or(BlockError::Short)?;
        let (front, crc) = bytes.split_last_chunk::<4>().ok_or(BlockError::Short)?;
        let checksum = u32::from_le_bytes(*crc);
        if crc32c::crc32c(front) != checksum {
            return Err(BlockError::Header);
        }
        let mut from = Fields(front);
        let _magic = from.take::<4>()?;
        let [major, _minor] = from.take::<2>()?;
        if major != MAJOR {
            return Err(BlockError::Newer(major));
        }
        let header = Self {
            header_len: u16::from_le_bytes(from.take()?),
            payload_len: u32::from_le_bytes(from.take()?),
            count: u32::from_le_bytes(from.take()?),
            writer: u64::from_le_bytes(from.take()?),
            epoch: u64::from_le_bytes(from.take()?),
            first_seq: u64::from_le_bytes(from.take()?),
            min_at: i64::from_le_bytes(from.take()?),
            max_at: i64::from_le_bytes(from.take()?),
            previous: u32::from_le_bytes(from.take()?),
            directory_len: u32::from_le_bytes(from.take()?),
            directory_crc: u32::from_le_bytes(from.take()?),
            kinds: u32::from_le_bytes(from.take()?),
            flags: u32::from_le_bytes(from.take()?),
            checksum,
        };
        header.check()
    }

    fn check(self) -> Result<Self, BlockError> {
        let sizes = self.payload_len <= PAYLOAD_MAX
            && self.directory_len <= self.payload_len
            && self.count <= ENTRIES_MAX
            && self.first_seq.checked_add(u64::from(self.count)).is_some();
        let ends = self.is_end() == (self.count == 0) && (!self.is_end() || self.payload_len == 0);
        if self.flags & FLAGS_CRITICAL != 0 {
            return Err(BlockError::NewerContent);
        }
        if sizes && ends { Ok(self) } else { Err(BlockError::Header) }
    }
}

/// Takes fixed-size fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(BlockError::Short)?;
        self.0 = rest;
        Ok(*field)
    }
}
