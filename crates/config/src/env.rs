//! The one seam to the outside: environment variables, files and the clock. Nothing else in this crate does I/O.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Where a configuration is read from.
pub trait Env {
    /// An environment variable; `None` when unset. Bytes that are no Unicode are replaced.
    fn var(&self, name: &str) -> Option<String>;

    /// A whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The file's Unix permission bits (`0o600`); `None` where there are none to ask for.
    fn mode(&self, path: &Path) -> io::Result<Option<u32>>;

    /// The names of the files directly in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Now, to tell expired keys.
    fn now(&self) -> Timestamp;
}

/// The process's environment, the file system and the system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Env for System {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    #[cfg(unix)]
    fn mode(&self, path: &Path) -> io::Result<Option<u32>> {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).map(|facts| Some(facts.permissions().mode() & 0o777))
    }

    #[cfg(not(unix))]
    fn mode(&self, path: &Path) -> io::Result<Option<u32>> {
        std::fs::metadata(path).map(|_| None)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// An environment held in memory: for tests, and for configurations that are built in.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Variables by name.
    pub vars: BTreeMap<String, String>,
    /// Contents and permission bits by path.
    pub files: BTreeMap<PathBuf, (Vec<u8>, u32)>,
    /// What the clock says.
    pub now: Timestamp,
}

impl Fixed {
    /// Nothing set, no files.
    pub fn at(now: Timestamp) -> Self {
        Self { vars: BTreeMap::new(), files: BTreeMap::new(), now }
    }

    /// With a variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a file.
    #[must_use]
    pub fn with_file(mut self, path: &str, contents: &[u8], mode: u32) -> Self {
        self.files.insert(PathBuf::from(path), (contents.to_vec(), mode));
        self
    }

    fn file(&self, path: &Path) -> io::Result<&(Vec<u8>, u32)> {
        self.files.get(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Env for Fixed {
    fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.file(path).map(|(contents, _)| contents.clone())
    }

    fn mode(&self, path: &Path) -> io::Result<Option<u32>> {
        self.file(path).map(|(_, mode)| Some(*mode))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = self.files.keys().filter(|path| path.parent() == Some(folder));
        Ok(names
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
