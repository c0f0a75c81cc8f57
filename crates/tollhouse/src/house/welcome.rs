//! What a person sees at start: where things are, and a line that works.

use std::net::SocketAddr;

use accounts::KeySpec;
use gateway::now;

use super::{House, Source};
use crate::failure::Failure;
use crate::output;

/// Tells where everything is. With simulated providers and no usable key it makes a first one, whose secret is shown
/// this once.
pub fn welcome(
    house: &House,
    source: &Source,
    listen: SocketAddr,
    admin: SocketAddr,
    token: &str,
) -> Result<(), Failure> {
    match source {
        Source::File(path) => output::tell(format_args!("tollhouse: configuration {}", path.display())),
        Source::Environment => output::tell("tollhouse: providers by the keys in the environment"),
        Source::Simulated => output::tell(
            "tollhouse: no configuration and no provider key in the environment: SIMULATED providers answer, nothing is real",
        ),
    }
    if house.recovery.entries > 0 {
        output::tell(format_args!(
            "ledger:    {} entries recovered in {:.1?}; {} attempts left open by a crash were settled",
            house.recovery.entries, house.recovery.duration, house.left_open
        ));
    }
    output::tell(format_args!("gateway:   http://{listen}/v1"));
    output::tell(format_args!("console:   http://{admin}/#token={token}"));
    output::tell(format_args!("admin API: http://{admin}/admin/v1 with `Authorization: Bearer {token}`"));
    output::tell(format_args!("data:      {}", house.folder.path().display()));
    let Some(project) = house.accounts.projects().first().map(|project| project.id.clone()) else {
        output::tell(
            "no project is configured: write [[orgs]] and [[projects]], then `tollhouse key create`",
        );
        return Ok(());
    };
    if house.accounts.keys().iter().any(|key| !key.revoked) {
        return Ok(());
    }
    let secret = first_key(house, project)?;
    output::tell(format_args!("first key: {secret} (shown once)"));
    let model = house.gateway.first_model().unwrap_or_else(|| "MODEL".to_owned());
    output::tell("try:");
    output::tell(format_args!(
        "  curl http://{listen}/v1/chat/completions -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' \
         -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'"
    ));
    Ok(())
}

/// A key for a project, written down.
pub fn first_key(house: &House, project: String) -> Result<String, Failure> {
    let spec = KeySpec { id: Some("first-key".to_owned()), project, ..KeySpec::default() };
    let (secret, body) = house.accounts.create_key(spec, "first-start").map_err(Failure::could_not)?;
    let ticket =
        house.accounts.enact(&body, |body| house.ledger.append(now(), body)).map_err(Failure::could_not)?;
    house.ledger.durable_blocking(ticket).map_err(Failure::could_not)?;
    Ok(secret.show_once().to_owned())
}
