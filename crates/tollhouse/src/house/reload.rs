//! Reload: on SIGHUP, and when a file of the configuration changes. A configuration that is wrong changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway::now;
use tokio::signal::unix::{SignalKind, signal};

use super::open::Supply;
use super::{House, Source, Sourced, compose, source};
use crate::failure::Failure;
use crate::output;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches for ever. Only a configuration file is reloaded; the environment of a process does not change.
pub async fn watch(house: Arc<House>, sourced: Sourced) {
    let Source::File(path) = &sourced.source else { return };
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    let mut loaded = sourced.loaded.clone();
    let mut stamps = stamps(&loaded.sources);
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let seen = self::stamps(&loaded.sources);
        if !asked && seen == stamps {
            continue;
        }
        stamps = seen;
        let fresh = source::load(path).map(|mut fresh| {
            sourced.typed.over(&mut fresh.config);
            fresh
        });
        match fresh {
            Err(refused) => {
                output::tell(format_args!("tollhouse: reload refused, nothing has changed: {refused}"));
            }
            Ok(fresh) if fresh.config == loaded.config => {}
            Ok(fresh) => match apply(&house, &loaded.config, &fresh) {
                Ok(()) => {
                    output::tell(format_args!("tollhouse: reloaded {}", path.display()));
                    stamps = self::stamps(&fresh.sources);
                    loaded = fresh;
                }
                Err(refused) => {
                    output::tell(format_args!("tollhouse: reload refused, nothing has changed: {refused}"));
                }
            },
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    files.iter().map(|file| std::fs::metadata(file).and_then(|facts| facts.modified()).ok()).collect()
}

fn apply(house: &House, old: &config::Config, fresh: &config::Loaded) -> Result<(), Failure> {
    let new = &fresh.config;
    if (&old.server, &old.ledger, &old.foresight, &old.telemetry)
        != (&new.server, &new.ledger, &new.foresight, &new.telemetry)
    {
        return Err(Failure::could_not(
            "[server], [ledger], [foresight] and [telemetry] are read at start only\n  fix: restart, or change them back",
        ));
    }
    let (supply, fx) = (Supply::of(fresh, Some(&house.gateway.table()))?, compose::fx(new)?);
    let bodies = house.accounts.declare(compose::declared(new)).map_err(Failure::could_not)?;
    for body in bodies {
        house.accounts.enact(&body, |body| house.ledger.append(now(), body)).map_err(Failure::could_not)?;
    }
    house.accounts.set_fx(fx);
    house.gateway.replace_offers(&supply.table, &supply.books, &supply.providers);
    Ok(())
}
