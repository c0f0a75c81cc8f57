//! Columns back from bytes. Nothing is allocated beyond the rows that the header states (at most 65,536, checked
//! before), and nothing panics: what does not fit is [`BlockError::Content`].
//!
//! Not here: which columns there are (`facts_read`).

use super::BlockError;
use super::column_write::encoding;
use super::varint::{Reader, unzigzag};
use crate::Name;

/// The columns of one group.
pub struct ColumnReader<'a> {
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    id: u64,
    how: u8,
    bytes: &'a [u8],
    read: bool,
}

impl<'a> ColumnReader<'a> {
    /// Finds the columns of a group; their ids must ascend.
    pub fn new(group: &'a [u8]) -> Result<Self, BlockError> {
        let mut from = Reader(group);
        let mut columns: Vec<Column<'a>> = Vec::new();
        while !from.0.is_empty() {
            let id = from.number()?;
            if columns.last().is_some_and(|last| last.id >= id) {
                return Err(BlockError::Content);
            }
            let how = from.byte()?;
            let len = from.bounded(group.len())?;
            columns.push(Column { id, how, bytes: from.bytes(len)?, read: false });
        }
        Ok(Self { columns })
    }

    fn find(&mut self, id: u64) -> Option<(u8, &'a [u8])> {
        let place = self.columns.binary_search_by_key(&id, |column| column.id).ok()?;
        let column = self.columns.get_mut(place)?;
        column.read = true;
        Some((column.how & !encoding::CRITICAL, column.bytes))
    }

    /// A column of numbers; zeros where it was left out.
    pub fn numbers(&mut self, id: u64, rows: usize) -> Result<Numbers, BlockError> {
        match self.find(id) {
            None => Ok(Numbers::Same(0)),
            Some((how, bytes)) => Numbers::read(how, bytes, rows),
        }
    }

    /// A column of 128-bit identities.
    pub fn wide(&mut self, id: u64, rows: usize) -> Result<Wide<'a>, BlockError> {
        match self.find(id) {
            None => Ok(Wide(&[])),
            Some((encoding::WIDE, bytes)) => match bytes.as_chunks::<16>() {
                (chunks, []) if chunks.len() == rows => Ok(Wide(chunks)),
                _ => Err(BlockError::Content),
            },
            Some(_) => Err(BlockError::NewerContent),
        }
    }

    /// A column of texts; empty ones where it was left out.
    pub fn texts(&mut self, id: u64, rows: usize) -> Result<Texts, BlockError> {
        match self.find(id) {
            None => Ok(Texts { dictionary: vec![Name::default()], places: Numbers::Same(0) }),
            Some((how, bytes)) => Texts::read(how, bytes, rows),
        }
    }

    /// Every column that was not asked for may be left out.
    pub fn end(self) -> Result<(), BlockError> {
        let unknown = self.columns.iter().any(|column| !column.read && column.how & encoding::CRITICAL != 0);
        if unknown { Err(BlockError::NewerContent) } else { Ok(()) }
    }
}

/// A column of numbers.
pub enum Numbers {
    /// One for all rows.
    Same(u64),
    /// One for each.
    Each(Vec<u64>),
}

impl Numbers {
    fn read(how: u8, bytes: &[u8], rows: usize) -> Result<Self, BlockError> {
        let mut from = Reader(bytes);
        let numbers = match how {
            encoding::CONST => Self::Same(from.number()?),
            encoding::PLAIN => Self::Each((0..rows).map(|_| from.number()).collect::<Result<_, _>>()?),
            encoding::DELTA => {
                let mut value = 0_u64;
                let mut next = |row| {
                    let number = from.number()?;
                    let step = if row == 0 { number } else { unzigzag(number).cast_unsigned() };
                    value = value.wrapping_add(step);
                    Ok(value)
                };
                Self::Each((0..rows).map(&mut next).collect::<Result<_, BlockError>>()?)
            }
            encoding::RUNS => {
                let mut values = Vec::with_capacity(rows);
                while values.len() < rows {
                    let run = from.bounded(rows - values.len())?;
                    let value = from.number()?;
                    if run == 0 {
                        return Err(BlockError::Content);
                    }
                    values.resize(values.len() + run, value);
                }
                Self::Each(values)
            }
            _ => return Err(BlockError::NewerContent),
        };
        from.end()?;
        Ok(numbers)
    }

    /// The number of a row.
    pub fn at(&self, row: usize) -> u64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(row).copied().unwrap_or_default(),
        }
    }

    /// The number of a row, in a narrower type.
    pub fn narrow<T: TryFrom<u64>>(&self, row: usize) -> Result<T, BlockError> {
        T::try_from(self.at(row)).map_err(|_| BlockError::Content)
    }

    /// The number of a row, signed.
    pub fn signed(&self, row: usize) -> i64 {
        unzigzag(self.at(row))
    }

    /// 0 or 1.
    pub fn flag(&self, row: usize) -> Result<bool, BlockError> {
        match self.at(row) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BlockError::Content),
        }
    }

    /// The sum over all rows, refused above `most`.
    pub fn sum(&self, rows: usize, most: usize) -> Result<usize, BlockError> {
        let mut sum = 0_usize;
        for row in 0..rows {
            let count: usize = self.narrow(row)?;
            sum = sum.checked_add(count).filter(|sum| *sum <= most).ok_or(BlockError::Content)?;
        }
        Ok(sum)
    }
}

/// A column of 128-bit identities.
pub struct Wide<'a>(&'a [[u8; 16]]);

impl Wide<'_> {
    /// The identity of a row.
    pub fn at(&self, row: usize) -> u128 {
        self.0.get(row).map_or(0, |bytes| u128::from_be_bytes(*bytes))
    }
}

/// A column of texts. Equal texts are one shared text.
pub struct Texts {
    dictionary: Vec<Name>,
    places: Numbers,
}

impl Texts {
    fn read(how: u8, bytes: &[u8], rows: usize) -> Result<Self, BlockError> {
        let mut from = Reader(bytes);
        match how {
            encoding::TEXT_CONST => Ok(Self { dictionary: vec![text(bytes)?], places: Numbers::Same(0) }),
            encoding::TEXT_DICTIONARY => {
                let count = from.bounded(rows)?;
                let dictionary = texts(&mut from, count)?;
                let how = from.byte()?;
                let places = Numbers::read(how, from.0, rows)?;
                let known = (0..rows).all(|row| places.at(row) < count as u64);
                if known { Ok(Self { dictionary, places }) } else { Err(BlockError::Content) }
            }
            encoding::TEXT_PLAIN => {
                let dictionary = texts(&mut from, rows)?;
                from.end()?;
                Ok(Self { dictionary, places: Numbers::Each((0..rows as u64).collect()) })
            }
            _ => Err(BlockError::NewerContent),
        }
    }

    /// The text of a row.
    pub fn at(&self, row: usize) -> Name {
        let place = usize::try_from(self.places.at(row)).unwrap_or(usize::MAX);
        self.dictionary.get(place).cloned().unwrap_or_default()
    }
}

fn texts(from: &mut Reader<'_>, count: usize) -> Result<Vec<Name>, BlockError> {
    let mut out = Vec::with_capacity(count.min(from.0.len()));
    for _ in 0..count {
        let len = from.bounded(from.0.len())?;
        out.push(text(from.bytes(len)?)?);
    }
    Ok(out)
}

fn text(bytes: &[u8]) -> Result<Name, BlockError> {
    str::from_utf8(bytes).map(Name::from).map_err(|_| BlockError::Content)
}
