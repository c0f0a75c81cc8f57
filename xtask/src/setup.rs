//! `cargo xtask setup`: what the tests need beside a Rust toolchain, installed once.
//!
//! Versions are pinned in `tests/sdk` and `tests/browser`; a stamp in `target/setup` holds the lock file's own text, so that a
//! second run does nothing and a changed lock file installs anew. Which registry answers is the machine's setting.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Done, Failure, cargo, program, read, root, run, text};

/// A program the tests call, the Debian package that has it, and what for.
struct Needed {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const NEEDED: &[Needed] = &[
    Needed { program: "nginx", package: "nginx", purpose: "the peer of `bench gateway`" },
    Needed { program: "strace", package: "strace", purpose: "counts system calls; kills at the n-th write" },
    Needed { program: "chromium", package: "chromium", purpose: "opens the console in the browser tests" },
];

/// The Python that has the SDKs.
pub fn python() -> PathBuf {
    root().join("target/venv/bin/python")
}

/// Installs what is missing and says what it does.
pub fn command() -> Done {
    debian()?;
    python_sdks()?;
    node("tests/sdk/node", "openai")?;
    node("tests/browser", "playwright-core")?;
    println!("setup: fetching the crates of Cargo.lock");
    run(&mut cargo(&["fetch", "--locked"]))
}

fn debian() -> Done {
    let missing: Vec<&Needed> = NEEDED.iter().filter(|needed| !on_path(needed.program)).collect();
    if missing.is_empty() {
        println!("setup: nginx, strace and chromium are here");
        return Ok(());
    }
    for needed in &missing {
        println!("setup: {} is missing ({}): package {}", needed.program, needed.purpose, needed.package);
    }
    let packages: Vec<&str> = missing.iter().map(|needed| needed.package).collect();
    let line = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if !on_path("apt-get") || read(&mut program("id", &["-u"]))?.trim() != "0" {
        return Err(Failure::new(format!("setup: not root, or no Debian\n  fix: sudo {line}")));
    }
    // Installing a server must not start it: nginx would take port 80.
    let quiet = [("DEBIAN_FRONTEND", "noninteractive"), ("RUNLEVEL", "1")];
    run(program("apt-get", &["-q", "update"]).envs(quiet))?;
    let args = ["-q", "install", "-y", "--no-install-recommends"];
    run(program("apt-get", &args).args(&packages).envs(quiet))
}

fn python_sdks() -> Done {
    let lock = "tests/sdk/requirements.txt";
    if done_before("python", lock, &python()) {
        return Ok(());
    }
    println!("setup: the Python SDKs of {lock}, into target/venv");
    run(&mut program("python3", &["-m", "venv", "--clear", "target/venv"]))
        .map_err(|failure| Failure::new(format!("{failure}\n  fix: apt-get install python3-venv")))?;
    let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", lock];
    run(&mut program(&python().to_string_lossy(), &args))?;
    stamp("python", lock)
}

/// What a folder's `package-lock.json` names; `proof` is one of the packages.
fn node(folder: &str, proof: &str) -> Done {
    let (lock, what) = (format!("{folder}/package-lock.json"), folder.replace('/', "-"));
    if done_before(&what, &lock, &root().join(folder).join("node_modules").join(proof)) {
        return Ok(());
    }
    println!("setup: the packages of {lock}, into {folder}/node_modules");
    let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    run(program("npm", &args).current_dir(root().join(folder)))?;
    stamp(&what, &lock)
}

fn done_before(what: &str, lock: &str, proof: &Path) -> bool {
    let same =
        fs::read_to_string(stamp_path(what)).is_ok_and(|stamped| text(lock).is_ok_and(|now| now == stamped));
    if same && proof.exists() {
        println!("setup: what {lock} asks for is here");
        return true;
    }
    false
}

fn stamp(what: &str, lock: &str) -> Done {
    let path = stamp_path(what);
    let failed = |e| Failure::new(format!("{}: {e}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(&path, text(lock)?).map_err(failed)
}

fn stamp_path(what: &str) -> PathBuf {
    root().join("target/setup").join(what)
}

/// Whether a program of that name can be called.
pub fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers where only root's PATH looks.
    std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(name).is_file())
}
