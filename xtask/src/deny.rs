//! `cargo xtask deny`: licences, bans and sources of every dependency, by the rules of `deny.toml`.
//!
//! The file stays valid for cargo-deny itself, which says the same; this reads it in a second and needs no install.
//! What cargo-deny knows and this does not (a key, an advisory database) is refused, never skipped in silence.

mod check;
mod metadata;
mod rules;
mod spdx;

use crate::run::{Done, Failure, cargo, read, text};

/// Checks every package of the lock file.
pub fn command() -> Done {
    let rules = rules::parse(&text("deny.toml")?).map_err(|e| Failure::new(format!("deny.toml: {e}")))?;
    let printed = read(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    let packages = metadata::parse(&printed).map_err(|e| Failure::new(format!("cargo metadata: {e}")))?;
    let found = check::check(&rules, &packages);
    for warning in &found.warnings {
        println!("warning: {warning}");
    }
    for error in &found.errors {
        println!("error: {error}");
    }
    println!(
        "deny: {} packages, {} errors, {} warnings",
        packages.len(),
        found.errors.len(),
        found.warnings.len()
    );
    if found.errors.is_empty() { Ok(()) } else { Err(Failure::new("deny: a dependency breaks deny.toml")) }
}
