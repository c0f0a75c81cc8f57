//! Logs: to standard error, by the filter of `telemetry.log`. No prompt, answer or secret is ever logged.

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts logging; once a process.
pub fn start(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::could_not(format_args!("telemetry.log: {error}\n  fix: write error, warn, info or debug"))
    })?;
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    started.map_err(Failure::could_not)
}
