//! A running gateway: where its configuration comes from, how it is put together, opened, served and stopped.

pub(crate) mod asked;
mod backend;
mod compose;
mod folder;
mod open;
mod reload;
mod serving;
mod source;
mod welcome;

use std::ops::ControlFlow;
use std::path::Path;

use config::Config;
use ledger::{Entry, RealDisk};

pub use folder::Folder;
pub use open::{House, open};
pub use serving::{Serving, serve};
pub use source::{Source, Sourced, Typed, find, simulated};
pub use welcome::welcome;

use crate::failure::Failure;

/// The async runtime: a worker for each processor that this process may use.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not(format_args!("cannot start the runtime: {error}")))
}

/// Resolves at SIGINT or SIGTERM.
pub async fn until_told_to_stop() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Failure::could_not(format_args!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The ledger of a data folder, to be read.
pub fn reader(data: &Path) -> Result<RealDisk, Failure> {
    RealDisk::existing(Folder::ledger_of(data)).map_err(|error| {
        Failure::could_not(format_args!(
            "{error}\n  fix: name the folder of a gateway by --data, or start one by `tollhouse serve`"
        ))
    })
}

/// Reads every durable entry of a data folder, also while a gateway writes to it. Damage is told, and read past.
pub fn scan(data: &Path, each: &mut dyn FnMut(&Entry)) -> Result<(), Failure> {
    let disk = reader(data)?;
    let mut each = |entry: &Entry| {
        each(entry);
        ControlFlow::Continue(())
    };
    let report = ledger::scan(&disk, &mut each).map_err(Failure::could_not)?;
    for damage in &report.damages {
        crate::output::tell(format_args!("tollhouse: the ledger is damaged: {damage}"));
    }
    Ok(())
}

/// Whether a configuration that passed its checks can be put together.
pub fn composes(config: &Config) -> Result<(), Failure> {
    compose::fx(config)?;
    compose::table(config, None)?;
    compose::providers(config)?;
    accounts::Accounts::new(compose::declared(config), compose::fx(config)?).map_err(Failure::could_not)?;
    Ok(())
}
