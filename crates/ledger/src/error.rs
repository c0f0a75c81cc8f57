//! What can go wrong with a ledger. Every I/O error names its file and the call that failed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A file operation that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {operation}: {source}", path.display())]
pub struct DiskError {
    /// The file or folder.
    pub path: PathBuf,
    /// The call: `pwrite`, `fdatasync`, …
    pub operation: &'static str,
    /// What the system said.
    pub source: Arc<io::Error>,
}

impl DiskError {
    /// An error of `operation` on `path`.
    pub fn new(path: impl Into<PathBuf>, operation: &'static str, source: io::Error) -> Self {
        Self { path: path.into(), operation, source: Arc::new(source) }
    }

    /// A sync failed: what it should have made durable may be lost although it can still be read.
    pub fn is_sync(&self) -> bool {
        matches!(self.operation, "fdatasync" | "fsync")
    }

    /// No space is left (or a quota is used up): the one write error that can end by itself.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Why a ledger cannot be opened, written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file operation failed.
    #[error("ledger: {0}")]
    Io(#[from] DiskError),
    /// Another process has it open.
    #[error(
        "ledger: {} is held by process {holder}; one process writes a ledger\n  fix: stop that process, or choose another data folder",
        path.display()
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, as far as it is known.
        holder: String,
    },
    /// A file of a newer release.
    #[error(
        "ledger: {file} is of format {found}; this release reads up to {ours}\n  fix: use the release that wrote it, or a newer one"
    )]
    Newer {
        /// The segment.
        file: String,
        /// Its major version.
        found: u16,
        /// The newest that this release reads.
        ours: u16,
    },
    /// A block of a newer release, with something in it that must not be left out.
    #[error(
        "ledger: {file}: the block of entry {seq} holds what only a newer release understands\n  fix: use the release that wrote it, or a newer one"
    )]
    NewerBlock {
        /// The segment.
        file: String,
        /// Number of the block's first entry.
        seq: u64,
    },
    /// Written under another writer id.
    #[error(
        "ledger: {file} was written by writer {found:016x}, this ledger is of writer {ours:016x}\n  fix: do not mix the files of two ledgers in one folder"
    )]
    OtherWriter {
        /// The segment.
        file: String,
        /// The writer in its header.
        found: u64,
        /// The writer expected.
        ours: u64,
    },
    /// A write or a sync failed; nothing more is written by this process.
    #[error(
        "ledger: stopped for good after a failed write: {0}\n  fix: look after the disk, then restart; the start rewrites the tail"
    )]
    Poisoned(Arc<str>),
    /// No space is left: nothing new is opened, what runs may still be settled.
    #[error("ledger: the disk is full; no new call is written down until there is space")]
    DiskFull,
    /// The queue to the writer is at its bound.
    #[error("ledger: the queue to the disk is full ({0} entries wait)")]
    QueueFull(usize),
    /// One entry is larger than any entry may be.
    #[error("ledger: an entry of {found} bytes; the most is {most}")]
    EntryTooLarge {
        /// Its size, about.
        found: usize,
        /// The bound.
        most: usize,
    },
    /// One entry names more budgets than any entry may.
    #[error("ledger: an entry with {found} budgets; the most is {most}")]
    TooManyBudgets {
        /// How many.
        found: usize,
        /// The bound.
        most: usize,
    },
    /// It was closed.
    #[error("ledger: closed")]
    Closed,
    /// The place a reader wants to go on from is not there any more.
    #[error(
        "ledger: segment {segment} has no block boundary with this history at offset {offset}; read again from the start"
    )]
    Rewound {
        /// Segment number.
        segment: u64,
        /// Byte offset.
        offset: u64,
    },
}
