//! The simulated providers inside a gateway's own process.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use config::{BaseUrl, Config};
use simulator::{SimConfig, SimHandle};

use crate::failure::Failure;

/// Starts them on a free loopback port and points the configuration's providers there.
pub async fn start(config: &mut Config) -> Result<SimHandle, Failure> {
    let listener = edge::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(Failure::could_not)?;
    let sim = SimConfig {
        seed: 1,
        first_token: Duration::from_millis(120),
        token: Duration::from_millis(4),
        keep_truth: false,
        unique_ids: true,
        ..SimConfig::default()
    };
    let handle = simulator::serve(listener, sim).await.map_err(Failure::could_not)?;
    for provider in &mut config.providers {
        provider.base_url = BaseUrl::loopback(handle.addr.port(), "/v1");
    }
    Ok(handle)
}
