//! The one seam for file I/O: [`Disk`], and the real one. No other module of this crate (nor any other crate)
//! writes, syncs or locks a ledger's files, so that lost, torn and failed writes can be tried in process.
//!
//! Not here: what is in the files.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{DiskError, LedgerError};

/// A folder of files.
pub trait Disk: Send + Sync {
    /// Takes the folder for writing until the guard is dropped; a second taker is refused with the holder's pid.
    fn lock(&self) -> Result<Box<dyn Guard>, LedgerError>;
    /// The names of its files.
    fn list(&self) -> Result<Vec<String>, DiskError>;
    /// Opens a file to read and write.
    fn open(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError>;
    /// Opens a file to read only: all that a reader beside the writer may need.
    fn open_read(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError>;
    /// Makes an empty file, or empties the one of that name.
    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError>;
    /// Renames a file over whatever bears the new name; durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file; durable after [`Disk::sync_dir`].
    fn remove(&self, name: &str) -> Result<(), DiskError>;
    /// Makes names durable: those made, renamed and removed.
    fn sync_dir(&self) -> Result<(), DiskError>;
}

/// Holds a folder until it is dropped.
pub trait Guard: Send + Sync {}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> Result<u64, DiskError>;
    /// Reads at `offset`; fewer bytes than asked for (0 at the end) are no error.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError>;
    /// Writes at `offset`; may take fewer bytes than given.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, DiskError>;
    /// Cuts or extends it to `length` bytes.
    fn truncate(&self, length: u64) -> Result<(), DiskError>;
    /// Makes its bytes and its length durable (`fdatasync`). Never call it again after it failed: the kernel
    /// has forgotten what it could not write.
    fn sync(&self) -> Result<(), DiskError>;
    /// Its place, for messages.
    fn path(&self) -> &Path;
    /// It is empty.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }
}

/// Writes all of `bytes`, going on after short writes and interruptions.
pub(crate) fn write_all(file: &dyn DiskFile, bytes: &[u8], offset: u64) -> Result<(), DiskError> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + written as u64) {
            Ok(0) => {
                return Err(DiskError::new(file.path(), "pwrite", io::Error::from(io::ErrorKind::WriteZero)));
            }
            Ok(count) => written += count,
            Err(error) if error.source.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The folder, made if it is not there; only its owner may enter it.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, DiskError> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = folder.into();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| DiskError::new(&folder, "mkdir", error))?;
        Ok(Self { folder })
    }

    /// A folder that must be there already: for readers.
    pub fn existing(folder: impl Into<PathBuf>) -> Result<Self, DiskError> {
        let folder = folder.into();
        std::fs::read_dir(&folder).map_err(|error| DiskError::new(&folder, "open", error))?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, name: &str, how: &mut OpenOptions) -> Result<RealFile, DiskError> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.folder.join(name);
        match how.mode(0o600).open(&path) {
            Ok(file) => Ok(RealFile { file, path }),
            Err(error) => Err(DiskError::new(path, "open", error)),
        }
    }
}

impl Disk for RealDisk {
    fn lock(&self) -> Result<Box<dyn Guard>, LedgerError> {
        let RealFile { file, path } =
            self.file("lock", OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                let holder = if holder.trim().is_empty() { "unknown" } else { holder.trim() }.to_owned();
                return Err(LedgerError::Locked { path, holder });
            }
            Err(TryLockError::Error(error)) => return Err(DiskError::new(path, "flock", error).into()),
        }
        let pid = format!("{}\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.write_all_at(pid.as_bytes(), 0));
        // A full disk must not keep a ledger from being opened; the lock itself is held already.
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "the lock file does not name this process");
        }
        Ok(Box::new(RealGuard { _file: file }))
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        let wrong = |error| DiskError::new(&self.folder, "readdir", error);
        let mut names = Vec::new();
        for item in std::fs::read_dir(&self.folder).map_err(wrong)? {
            if let Ok(name) = item.map_err(wrong)?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn open(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        Ok(Box::new(self.file(name, OpenOptions::new().read(true).write(true))?))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        Ok(Box::new(self.file(name, OpenOptions::new().read(true))?))
    }

    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        Ok(Box::new(self.file(name, OpenOptions::new().read(true).write(true).create(true).truncate(true))?))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let path = self.folder.join(from);
        std::fs::rename(&path, self.folder.join(to)).map_err(|error| DiskError::new(path, "rename", error))
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        let path = self.folder.join(name);
        std::fs::remove_file(&path).map_err(|error| DiskError::new(path, "unlink", error))
    }

    fn sync_dir(&self) -> Result<(), DiskError> {
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| DiskError::new(&self.folder, "fsync", error))
    }
}

struct RealGuard {
    // Closing the file gives the lock back.
    _file: File,
}

impl Guard for RealGuard {}

struct RealFile {
    file: File,
    path: PathBuf,
}

impl RealFile {
    fn wrong(&self, operation: &'static str) -> impl FnOnce(io::Error) -> DiskError {
        move |error| DiskError::new(&self.path, operation, error)
    }
}

impl DiskFile for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.file.metadata().map_err(self.wrong("fstat"))?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        self.file.read_at(buffer, offset).map_err(self.wrong("pread"))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, DiskError> {
        self.file.write_at(bytes, offset).map_err(self.wrong("pwrite"))
    }

    fn truncate(&self, length: u64) -> Result<(), DiskError> {
        self.file.set_len(length).map_err(self.wrong("ftruncate"))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(self.wrong("fdatasync"))
    }
}
