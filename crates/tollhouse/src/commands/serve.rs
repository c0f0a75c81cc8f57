//! `tollhouse serve`: the gateway.

use simulator::SimHandle;

use crate::cli::Serve;
use crate::failure::{Failure, Outcome};
use crate::house::{self, Folder, Serving, Source, Sourced, Typed};
use crate::simulated;

pub fn run(args: &Serve) -> Outcome {
    let sourced = house::find(args.config.as_deref())?;
    crate::logging::start(&sourced.loaded.config.telemetry.log)?;
    house::runtime()?.block_on(async {
        let (serving, simulator) = start(args, sourced).await?;
        let exit = serving.run(house::until_told_to_stop()).await;
        if let Some(simulator) = simulator {
            simulator.stop().await;
        }
        exit
    })
}

/// Opens the house, binds its listeners and welcomes. The simulated providers, if any, run until their handle goes.
pub async fn start(args: &Serve, mut sourced: Sourced) -> Result<(Serving, Option<SimHandle>), Failure> {
    sourced.typed = Typed { data: args.data.clone(), listen: args.listen, admin_listen: args.admin_listen };
    sourced.typed.over(&mut sourced.loaded.config);
    let simulator = match sourced.source {
        Source::Simulated => Some(simulated::start(&mut sourced.loaded.config).await?),
        Source::File(_) | Source::Environment => None,
    };
    let config = &sourced.loaded.config;
    let folder = Folder::make(&config.ledger.dir)?;
    let token = match &config.server.admin_token {
        Some(secret) => secret.expose_for_header().to_owned(),
        None => folder.admin_token()?,
    };
    let loaded = sourced.loaded.clone();
    let opened = tokio::task::spawn_blocking(move || house::open(&loaded, folder)).await;
    let house = opened.map_err(Failure::could_not)??;
    let source = sourced.source.clone();
    let serving = house::serve(house, sourced, &token).await?;
    let (listen, admin) = (serving.listen()?, serving.admin_listen()?);
    let house = std::sync::Arc::clone(serving.house());
    let welcomed =
        tokio::task::spawn_blocking(move || house::welcome(&house, &source, listen, admin, &token)).await;
    welcomed.map_err(Failure::could_not)??;
    Ok((serving, simulator))
}
