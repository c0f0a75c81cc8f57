//! A disk in memory that forgets what was not synced, on demand, and fails on demand. For tests of this crate and
//! of those that build on it.
//!
//! It keeps two images of every file: what reads see (live) and what a power cut would leave for certain
//! (durable), with the changes in between. Faults it plays, all of which a ledger must survive:
//! - power cut ([`SimDisk::crash_images`]): of the unsynced changes none, all, every prefix by sectors of 512
//!   bytes, every suffix (reordered), each single sector missing, the length without the bytes; of the unsynced
//!   names every prefix;
//! - kill of the process alone ([`SimDisk::fork`]): everything written stays readable, synced or not;
//! - the nth write fails or is short, the nth sync fails and the kernel forgets what it should have written;
//! - no space, until there is space; a slow disk.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile, Guard};
use crate::error::{DiskError, LedgerError};

/// Bytes that a disk writes whole or not at all.
pub const SECTOR: usize = 512;
/// Of longer runs of unsynced sectors, only so many at either end are tried.
const SECTORS_TRIED: usize = 24;

/// What a write does when its turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Takes nothing: `EIO`.
    Eio,
    /// Takes only so many bytes, and says so.
    Short(usize),
    /// Is interrupted before it begins: `EINTR`.
    Interrupted,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    names: Vec<NameChange>,
    locked: bool,
    operations: u64,
    writes: u64,
    syncs: u64,
    write_fault: Option<(u64, WriteFault)>,
    sync_fault: Option<u64>,
    capacity: Option<u64>,
    sync_delay: Duration,
    /// Copies after every change, where they were asked for.
    history: Option<Vec<State>>,
}

#[derive(Clone, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone)]
enum NameChange {
    Link(String, usize),
    Rename(String, String),
    Unlink(String),
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy as it is now, without lock and faults: the process was killed, the machine runs on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.state.lock().copy())
    }

    /// Keeps a copy after every change from now on.
    pub fn record(&self) {
        self.state.lock().history = Some(Vec::new());
    }

    /// The copies kept, oldest first; the nth was taken after operation n + 1 since [`SimDisk::record`].
    pub fn history(&self) -> Vec<Self> {
        self.state.lock().history.iter().flatten().cloned().map(Self::of).collect()
    }

    /// Changes so far: writes, syncs, names.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Writes and syncs so far.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock();
        (state.writes, state.syncs)
    }

    /// The nth write from now on (1: the next) fails.
    pub fn fail_write(&self, nth: u64, fault: WriteFault) {
        let mut state = self.state.lock();
        state.write_fault = Some((state.writes + nth, fault));
    }

    /// The nth sync from now on (1: the next) fails; what it should have synced never becomes durable.
    pub fn fail_sync(&self, nth: u64) {
        let mut state = self.state.lock();
        state.sync_fault = Some(state.syncs + nth);
    }

    /// Bytes that fit on the disk; `None`: any number.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// Bytes that files take.
    pub fn used(&self) -> u64 {
        self.state.lock().used()
    }

    /// Every sync takes so long.
    pub fn set_sync_delay(&self, delay: Duration) {
        self.state.lock().sync_delay = delay;
    }

    /// A file's live content.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        let inode = state.live.get(name)?;
        state.inodes.get(*inode).map(|inode| inode.live.clone())
    }

    /// Sets a file's content, durably: to plant damage.
    pub fn plant(&self, name: &str, content: &[u8]) {
        let mut state = self.state.lock();
        let inode = state.inodes.len();
        state.inodes.push(Inode { live: content.to_vec(), durable: content.to_vec(), pending: Vec::new() });
        state.live.insert(name.to_owned(), inode);
        state.durable.insert(name.to_owned(), inode);
    }

    /// The disks that a power cut now could leave behind.
    pub fn crash_images(&self) -> Vec<Self> {
        let state = self.state.lock();
        let mut images = Vec::new();
        for count in 0..=state.names.len() {
            let names = state.names_after(count);
            let touched: Vec<usize> = names
                .values()
                .copied()
                .filter(|inode| state.inodes.get(*inode).is_some_and(|inode| !inode.pending.is_empty()))
                .collect();
            let none: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
            let all: BTreeMap<usize, Vec<u8>> = touched
                .iter()
                .filter_map(|inode| Some((*inode, state.inodes.get(*inode)?.live.clone())))
                .collect();
            images.push(state.image(&names, &none));
            images.push(state.image(&names, &all));
            for inode in &touched {
                for content in state.inodes.get(*inode).map(Inode::variants).unwrap_or_default() {
                    let mut contents = none.clone();
                    contents.insert(*inode, content);
                    images.push(state.image(&names, &contents));
                }
            }
        }
        images
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl State {
    fn copy(&self) -> Self {
        Self {
            locked: false,
            write_fault: None,
            sync_fault: None,
            capacity: None,
            sync_delay: Duration::ZERO,
            history: None,
            ..self.clone_without_history()
        }
    }

    fn clone_without_history(&self) -> Self {
        Self {
            inodes: self.inodes.clone(),
            live: self.live.clone(),
            durable: self.durable.clone(),
            names: self.names.clone(),
            operations: self.operations,
            writes: self.writes,
            syncs: self.syncs,
            ..Self::default()
        }
    }

    fn changed(&mut self) {
        self.operations += 1;
        if self.history.is_some() {
            let copy = self.copy();
            self.history.get_or_insert_default().push(copy);
        }
    }

    fn used(&self) -> u64 {
        self.live
            .values()
            .filter_map(|inode| self.inodes.get(*inode))
            .map(|inode| inode.live.len() as u64)
            .sum()
    }

    fn names_after(&self, count: usize) -> BTreeMap<String, usize> {
        let mut names = self.durable.clone();
        for change in self.names.iter().take(count) {
            match change {
                NameChange::Link(name, inode) => {
                    names.insert(name.clone(), *inode);
                }
                NameChange::Rename(from, to) => {
                    if let Some(inode) = names.remove(from) {
                        names.insert(to.clone(), inode);
                    }
                }
                NameChange::Unlink(name) => {
                    names.remove(name);
                }
            }
        }
        names
    }

    fn image(&self, names: &BTreeMap<String, usize>, contents: &BTreeMap<usize, Vec<u8>>) -> SimDisk {
        let disk = SimDisk::new();
        for (name, inode) in names {
            let durable = self.inodes.get(*inode).map(|inode| &inode.durable);
            if let Some(content) = contents.get(inode).or(durable) {
                disk.plant(name, content);
            }
        }
        disk
    }
}

impl Inode {
    /// What may be left of the pending changes, beside all and none of them.
    fn variants(&self) -> Vec<Vec<u8>> {
        let sectors: Vec<Change> = self.pending.iter().flat_map(Change::sectors).collect();
        let near = |place: usize| place < SECTORS_TRIED || place + SECTORS_TRIED > sectors.len();
        let mut out = Vec::new();
        let mut length_only = self.durable.clone();
        length_only.resize(self.live.len(), 0);
        out.push(length_only);
        for cut in (0..sectors.len()).filter(|place| near(*place)) {
            let apply = |keep: &dyn Fn(usize) -> bool| {
                let mut content = self.durable.clone();
                for (_, change) in sectors.iter().enumerate().filter(|(place, _)| keep(*place)) {
                    change.apply(&mut content);
                }
                content
            };
            out.push(apply(&|place| place < cut));
            out.push(apply(&|place| place > cut));
            out.push(apply(&|place| place != cut));
            out.push(apply(&|place| place == cut));
        }
        out
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Truncate(length) => content.resize(*length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                if let Some(place) = content.get_mut(*offset..end) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }

    /// The change cut at the borders of sectors.
    fn sectors(&self) -> Vec<Self> {
        let Self::Write(offset, bytes) = self else { return vec![self.clone()] };
        let mut out = Vec::new();
        let (mut at, mut rest) = (*offset, bytes.as_slice());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((SECTOR - at % SECTOR).min(rest.len()));
            out.push(Self::Write(at, piece.to_vec()));
            at += piece.len();
            rest = after;
        }
        out
    }
}

fn error(name: &str, operation: &'static str, kind: impl Into<io::Error>) -> DiskError {
    DiskError::new(Path::new("/sim").join(name), operation, kind.into())
}

const EIO: i32 = 5;

impl Disk for SimDisk {
    fn lock(&self) -> Result<Box<dyn Guard>, LedgerError> {
        if std::mem::replace(&mut self.state.lock().locked, true) {
            let holder = std::process::id().to_string();
            return Err(LedgerError::Locked { path: PathBuf::from("/sim/lock"), holder });
        }
        Ok(Box::new(SimGuard(self.clone())))
    }

    fn list(&self) -> Result<Vec<String>, DiskError> {
        Ok(self.state.lock().live.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        let inode = self.state.lock().live.get(name).copied();
        let inode = inode.ok_or_else(|| error(name, "open", io::ErrorKind::NotFound))?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, path: Path::new("/sim").join(name) }))
    }

    fn open_read(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        self.open(name)
    }

    fn create(&self, name: &str) -> Result<Box<dyn DiskFile>, DiskError> {
        {
            let mut state = self.state.lock();
            let inode = state.inodes.len();
            state.inodes.push(Inode::default());
            state.live.insert(name.to_owned(), inode);
            state.names.push(NameChange::Link(name.to_owned(), inode));
            state.changed();
        }
        self.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        let inode = state.live.remove(from).ok_or_else(|| error(from, "rename", io::ErrorKind::NotFound))?;
        state.live.insert(to.to_owned(), inode);
        state.names.push(NameChange::Rename(from.to_owned(), to.to_owned()));
        state.changed();
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.live.remove(name).ok_or_else(|| error(name, "unlink", io::ErrorKind::NotFound))?;
        state.names.push(NameChange::Unlink(name.to_owned()));
        state.changed();
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), DiskError> {
        let mut state = self.state.lock();
        state.syncs += 1;
        if state.sync_fault == Some(state.syncs) {
            return Err(error("", "fsync", io::Error::from_raw_os_error(EIO)));
        }
        state.durable = state.live.clone();
        state.names.clear();
        state.changed();
        Ok(())
    }
}

struct SimGuard(SimDisk);

impl Guard for SimGuard {}

impl Drop for SimGuard {
    fn drop(&mut self) {
        self.0.state.lock().locked = false;
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
    path: PathBuf,
}

impl SimFile {
    fn wrong(&self, operation: &'static str, source: io::Error) -> DiskError {
        DiskError::new(&self.path, operation, source)
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64, DiskError> {
        let state = self.disk.state.lock();
        Ok(state.inodes.get(self.inode).map_or(0, |inode| inode.live.len() as u64))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let state = self.disk.state.lock();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let live =
            state.inodes.get(self.inode).and_then(|inode| inode.live.get(offset..)).unwrap_or_default();
        let count = live.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), live.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, DiskError> {
        let mut state = self.disk.state.lock();
        state.writes += 1;
        let mut count = bytes.len();
        match state.write_fault {
            Some((nth, WriteFault::Eio)) if nth == state.writes => {
                return Err(self.wrong("pwrite", io::Error::from_raw_os_error(EIO)));
            }
            Some((nth, WriteFault::Interrupted)) if nth == state.writes => {
                return Err(self.wrong("pwrite", io::ErrorKind::Interrupted.into()));
            }
            Some((nth, WriteFault::Short(most))) if nth == state.writes => count = count.min(most.max(1)),
            _ => {}
        }
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let length = state.inodes.get(self.inode).map_or(0, |inode| inode.live.len());
        if let Some(capacity) = state.capacity {
            let free = usize::try_from(capacity.saturating_sub(state.used())).unwrap_or(usize::MAX);
            count = count.min((length + free).saturating_sub(offset));
            if count == 0 && !bytes.is_empty() {
                return Err(self.wrong("pwrite", io::ErrorKind::StorageFull.into()));
            }
        }
        let change = Change::Write(offset, bytes.get(..count).unwrap_or_default().to_vec());
        if let Some(inode) = state.inodes.get_mut(self.inode) {
            change.apply(&mut inode.live);
            inode.pending.push(change);
        }
        state.changed();
        Ok(count)
    }

    fn truncate(&self, length: u64) -> Result<(), DiskError> {
        let mut state = self.disk.state.lock();
        let change = Change::Truncate(usize::try_from(length).unwrap_or(usize::MAX));
        if let Some(inode) = state.inodes.get_mut(self.inode) {
            change.apply(&mut inode.live);
            inode.pending.push(change);
        }
        state.changed();
        Ok(())
    }

    fn sync(&self) -> Result<(), DiskError> {
        let delay = self.disk.state.lock().sync_delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let mut state = self.disk.state.lock();
        state.syncs += 1;
        let failed = state.sync_fault == Some(state.syncs);
        if let Some(inode) = state.inodes.get_mut(self.inode) {
            let pending = std::mem::take(&mut inode.pending);
            if failed {
                // As Linux does it: the pages count as clean from now on, read well, and are never written.
                return Err(self.wrong("fdatasync", io::Error::from_raw_os_error(EIO)));
            }
            for change in pending {
                change.apply(&mut inode.durable);
            }
        }
        state.changed();
        Ok(())
    }
}
