//! `tollhouse simulate`: the simulated providers alone.

use std::time::Duration;

use simulator::{Faults, SimConfig};

use crate::cli::Simulate;
use crate::failure::{Exit, Failure, Outcome};
use crate::{house, output};

pub fn run(args: &Simulate) -> Outcome {
    if args.list_faults {
        output::data(&simulator::fault_help())?;
        return Ok(Exit::Done);
    }
    let config = SimConfig {
        seed: args.seed,
        faults: Faults::parse(&args.faults)
            .map_err(|error| Failure::wrong(format_args!("--faults: {error}")))?,
        first_token: Duration::from_millis(args.first_token_ms),
        token: Duration::from_millis(args.token_ms),
        billing: args.billing.parse().map_err(|error| Failure::wrong(format_args!("--billing: {error}")))?,
        truth: args.truth.clone(),
        keep_truth: false,
        ..SimConfig::default()
    };
    house::runtime()?.block_on(async {
        let listener = edge::bind(args.listen)
            .map_err(|error| Failure::could_not(format_args!("cannot listen on {}: {error}", args.listen)))?;
        let handle = simulator::serve(listener, config).await.map_err(Failure::could_not)?;
        output::data(&format!("simulated providers on http://{}", handle.addr))?;
        house::until_told_to_stop().await?;
        handle.stop().await;
        Ok(Exit::Done)
    })
}
