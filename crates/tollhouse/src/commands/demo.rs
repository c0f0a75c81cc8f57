//! `tollhouse demo`: a gateway with simulated providers, and a real trace replayed as traffic through its HTTP path.

use std::sync::Arc;
use std::time::Duration;

use accounts::KeySpec;
use gateway::now;
use tokio::sync::Notify;

use crate::cli::{Demo, Serve};
use crate::failure::{Exit, Failure, Outcome};
use crate::house::{self, House, Serving};
use crate::replay::{self, Replayed};
use crate::{commands, output};

/// Where the demo keeps its books, unless told.
const FOLDER: &str = "tollhouse-demo";

pub fn run(args: &Demo) -> Outcome {
    let mut serve = Serve { config: args.serve.config.clone(), data: args.serve.data.clone(), ..args.serve };
    if serve.config.is_some() {
        return Err(Failure::wrong(
            "demo brings its own configuration\n  fix: leave --config out, or use `tollhouse serve`",
        ));
    }
    serve.data.get_or_insert_with(|| FOLDER.into());
    let sourced = house::simulated()?;
    crate::logging::start(&sourced.loaded.config.telemetry.log)?;
    house::runtime()?.block_on(async {
        let (serving, simulator) = commands::serve::start(&serve, sourced).await?;
        let exit = replay_beside(args, serving).await;
        if let Some(simulator) = simulator {
            simulator.stop().await;
        }
        exit
    })
}

/// Serves and replays; with `--once` ends after the replay, with the answer to "are the books right?".
async fn replay_beside(args: &Demo, serving: Serving) -> Outcome {
    let gateway = serving.listen()?;
    let house = Arc::clone(serving.house());
    let (keys, house) = tokio::task::spawn_blocking(move || keys(&house).map(|keys| (keys, house)))
        .await
        .map_err(Failure::could_not)??;
    let calls = replay::read(args.calls)?;
    output::tell(format_args!(
        "demo:      {} calls of the Azure LLM inference trace 2023 (conversations), {} times faster than they came",
        calls.len(),
        args.speed
    ));
    let done = Arc::new(Notify::new());
    let replaying = {
        let (done, speed) = (Arc::clone(&done), args.speed);
        tokio::spawn(async move {
            let replayed = replay::replay(gateway, keys, &calls, speed).await;
            done.notify_one();
            replayed
        })
    };
    let once = args.once;
    let until = async move {
        if once {
            tokio::select! {
                () = done.notified() => Ok(()),
                told = house::until_told_to_stop() => told,
            }
        } else {
            house::until_told_to_stop().await
        }
    };
    let folder = house.folder.path().to_owned();
    drop(house);
    let exit = serving.run(until).await?;
    if !once {
        return Ok(exit);
    }
    let replayed = tokio::time::timeout(Duration::from_secs(1), replaying).await;
    let replayed: Replayed = replayed
        .map_err(|_| Failure::could_not("the replay was stopped before its end"))?
        .map_err(Failure::could_not)?;
    let right = tokio::task::spawn_blocking(move || replayed.hold_against(&folder))
        .await
        .map_err(Failure::could_not)??;
    Ok(if right { Exit::Done } else { Exit::No })
}

/// A key for each project, of this run alone.
fn keys(house: &House) -> Result<Vec<replay::Caller>, Failure> {
    let mut callers = Vec::new();
    for project in house.accounts.projects() {
        let spec = KeySpec { project: project.id.clone(), ..KeySpec::default() };
        let (secret, body) = house.accounts.create_key(spec, "demo").map_err(Failure::could_not)?;
        let ledger::EntryBody::Admin(action) = &body else { continue };
        let id = action.object.to_string();
        let enacted = house.accounts.enact(&body, |body| house.ledger.append(now(), body));
        house.ledger.durable_blocking(enacted.map_err(Failure::could_not)?).map_err(Failure::could_not)?;
        callers.push(replay::Caller {
            project: project.id.clone(),
            key: id,
            secret: secret.show_once().to_owned(),
        });
    }
    Ok(callers)
}
