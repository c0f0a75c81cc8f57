//! LEB128 numbers and the reader that hands them out. Never reads past its slice, never allocates.

use super::BlockError;

/// Appends a number in groups of seven bits, least first.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Bytes that [`put`] takes.
pub fn len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Small magnitudes of either sign become small numbers.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Back from [`zigzag`].
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Takes values off the front of a slice.
#[derive(Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, BlockError> {
        let (first, rest) = self.0.split_first().ok_or(BlockError::Content)?;
        self.0 = rest;
        Ok(*first)
    }

    /// The next number; more than 64 bits are refused.
    pub fn number(&mut self) -> Result<u64, BlockError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BlockError::Content)
    }

    /// The next number as a length or a count, at most `most`.
    pub fn bounded(&mut self, most: usize) -> Result<usize, BlockError> {
        match usize::try_from(self.number()?) {
            Ok(value) if value <= most => Ok(value),
            _ => Err(BlockError::Content),
        }
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], BlockError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(BlockError::Content)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<(), BlockError> {
        if self.0.is_empty() { Ok(()) } else { Err(BlockError::Content) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_written_as_the_dwarf_standard_shows() {
        // DWARF 5, figure 22 (unsigned LEB128): 2, 127, 128, 129, 12857.
        for (value, bytes) in
            [(2, &[2][..]), (127, &[127]), (128, &[0x80, 1]), (129, &[0x81, 1]), (12_857, &[0xb9, 0x64])]
        {
            let mut out = Vec::new();
            put(&mut out, value);
            assert_eq!(out, bytes);
        }
        // Protocol Buffers' encoding page, "ZigZag": 0, -1, 1, -2, 2^31-1.
        for (value, coded) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (0x7fff_ffff, 0xffff_fffe)] {
            assert_eq!((zigzag(value), unzigzag(coded)), (coded, value));
        }
    }

    proptest! {
        /// What is written is read back, in the stated number of bytes.
        #[test]
        fn numbers_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put(&mut out, value);
            prop_assert_eq!(out.len(), len(value));
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.number(), Ok(value));
            prop_assert!(reader.end().is_ok());
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }
}
