//! Where the configuration comes from: a file, provider keys in the environment, or neither (simulated providers).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Config, Loaded, Problem, System};

use crate::failure::Failure;
use crate::output;

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This file.
    File(PathBuf),
    /// Provider keys in the environment.
    Environment,
    /// Nothing: simulated providers.
    Simulated,
}

/// A configuration and where it came from.
#[derive(Clone, Debug)]
pub struct Sourced {
    pub source: Source,
    pub loaded: Loaded,
    /// What was typed goes before what is written, at every reload too.
    pub typed: Typed,
}

/// What the command line says of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub data: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
    pub admin_listen: Option<SocketAddr>,
}

impl Typed {
    /// Puts what was typed over what is written.
    pub fn over(&self, config: &mut Config) {
        if let Some(data) = &self.data {
            config.ledger.dir.clone_from(data);
        }
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if let Some(listen) = self.admin_listen {
            config.server.admin_listen = listen;
        }
    }
}

/// The file named, else ./tollhouse.toml, else the environment, else simulated providers.
pub fn find(named: Option<&Path>) -> Result<Sourced, Failure> {
    let usual = Path::new("tollhouse.toml");
    let file = named.or_else(|| usual.exists().then_some(usual));
    let sourced = match file {
        Some(path) => {
            Sourced { source: Source::File(path.to_owned()), loaded: load(path)?, typed: Typed::default() }
        }
        None => match Config::from_environment(&System).map_err(|problems| refuse(&problems))? {
            Some(loaded) => Sourced { source: Source::Environment, loaded, typed: Typed::default() },
            None => simulated()?,
        },
    };
    for warning in &sourced.loaded.warnings {
        output::tell(warning);
    }
    Ok(sourced)
}

/// The configuration of the simulated providers.
pub fn simulated() -> Result<Sourced, Failure> {
    let loaded = Config::simulated().map_err(|problems| refuse(&problems))?;
    Ok(Sourced { source: Source::Simulated, loaded, typed: Typed::default() })
}

/// A file's configuration, whole or not at all.
pub fn load(path: &Path) -> Result<Loaded, Failure> {
    Config::load(path, &System).map_err(|problems| refuse(&problems))
}

fn refuse(problems: &[Problem]) -> Failure {
    let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    Failure::could_not(format_args!("the configuration is refused:\n{all}"))
}
