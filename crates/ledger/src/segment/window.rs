//! A sliding look into a file: reads ahead, holds no more than a block.

use crate::disk::DiskFile;
use crate::error::DiskError;

const AHEAD: usize = 256 << 10;

pub struct Window {
    file: Box<dyn DiskFile>,
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    pub fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file, bytes: Vec::new(), start: 0 }
    }

    /// Forgets what was read: the writer may have written since.
    pub fn refresh(&mut self) {
        self.bytes.clear();
    }

    pub fn file_len(&self) -> Result<u64, DiskError> {
        self.file.len()
    }

    /// Up to `len` bytes at `offset`; fewer at the end of the file. `len` may be a damaged length: memory grows
    /// only by what the file holds.
    pub fn get(&mut self, offset: u64, len: usize) -> Result<&[u8], DiskError> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&offset) || offset + len as u64 > held.end {
            self.read(offset, len)?;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let rest = self.bytes.get(from..).unwrap_or_default();
        Ok(rest.get(..len).unwrap_or(rest))
    }

    fn read(&mut self, offset: u64, len: usize) -> Result<(), DiskError> {
        let there = self.file.len()?.saturating_sub(offset);
        let wanted = len.max(AHEAD).min(usize::try_from(there).unwrap_or(usize::MAX));
        self.bytes.clear();
        if self.bytes.capacity() > 4 * AHEAD.max(wanted) {
            self.bytes.shrink_to(AHEAD);
        }
        self.bytes.resize(wanted, 0);
        self.start = offset;
        let mut filled = 0;
        while let Some(rest) = self.bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.source.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}
