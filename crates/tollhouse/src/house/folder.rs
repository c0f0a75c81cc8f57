//! The data folder: the ledger, the admin token, and where a running gateway can be reached.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use accounts::Secret;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A data folder that this process may write to.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Where a running gateway's admin API is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub admin: SocketAddr,
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::could_not(format_args!("{}: {error}", path.display()))
}

impl Folder {
    /// Makes it if it is not there, for its owner alone.
    pub fn make(path: &Path) -> Result<Self, Failure> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// One that is there, or is to be.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where a data folder keeps its ledger.
    pub fn ledger_of(data: &Path) -> PathBuf {
        data.join("ledger")
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> PathBuf {
        Self::ledger_of(&self.path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The admin token: made at first start, readable by its owner alone.
    pub fn admin_token(&self) -> Result<String, Failure> {
        match self.read_admin_token() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = Secret::generate().map_err(Failure::could_not)?;
                let token = format!("admin-{}", secret.show_once().trim_start_matches("th-"));
                self.write_private("admin-token", token.as_bytes())?;
                Ok(token)
            }
            Err(error) => Err(failed(&self.path.join("admin-token"), &error)),
            Ok(token) => Ok(token),
        }
    }

    /// The admin token, if there is one.
    pub fn read_admin_token(&self) -> io::Result<String> {
        let path = self.path.join("admin-token");
        let mode = fs::metadata(&path)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "others may read it (mode {:o})\n  fix: chmod 600 {}",
                mode & 0o777,
                path.display()
            )));
        }
        Ok(fs::read_to_string(path)?.trim().to_owned())
    }

    /// Notes where the admin API is, for the commands that ask a running gateway.
    pub fn note_running(&self, admin: SocketAddr) -> Result<(), Failure> {
        let running = serde_json::to_vec(&Running { pid: std::process::id(), admin }).unwrap_or_default();
        self.write_private("running.json", &running)
    }

    /// Takes the note away.
    pub fn note_stopped(&self) {
        // A note that stays is told from a running gateway by the ledger's lock.
        let _ = fs::remove_file(self.path.join("running.json"));
    }

    /// The note, if there is one.
    pub fn running(&self) -> Option<Running> {
        serde_json::from_slice(&fs::read(self.path.join("running.json")).ok()?).ok()
    }

    fn write_private(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path.join(name);
        let fresh = self.path.join(format!("{name}.new"));
        let write = || {
            // One that a crash left may have other permissions.
            match fs::remove_file(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Err(_) | Ok(()) => {}
            }
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(bytes)?;
            drop(file);
            fs::rename(&fresh, &path)
        };
        write().map_err(|error| failed(&path, &error))
    }
}
