//! The part of cargo-deny's configuration that this project uses. An unknown key is an error.

use serde::Deserialize;

/// `deny.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    #[serde(rename = "graph")]
    _graph: Graph,
    pub licenses: Licenses,
    pub bans: Bans,
    #[serde(rename = "sources")]
    _sources: Sources,
}

/// Which dependencies are looked at: those of every target; features as the workspace has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    #[serde(rename = "all-features")]
    _all_features: Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Licenses {
    /// Licences, each perhaps `WITH` an exception; compared as a whole, as cargo-deny does.
    pub allow: Vec<String>,
    /// For cargo-deny's reading of licence files; a crate here must say its licence in its manifest.
    #[serde(rename = "confidence-threshold")]
    _confidence_threshold: f64,
    pub private: Private,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    /// Packages that are never published need no licence.
    pub ignore: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bans {
    pub multiple_versions: Level,
    #[serde(rename = "wildcards")]
    _wildcards: Allow,
    pub deny: Vec<Banned>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Allow,
    Warn,
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Banned {
    pub name: String,
    pub reason: String,
}

/// Only crates.io and the workspace's own paths: the one rule this tool has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Deny,
    #[serde(rename = "unknown-git")]
    _unknown_git: Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deny {
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Allow {
    Allow,
}

/// A setting that must be off.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct Never;

impl TryFrom<bool> for Never {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("`cargo xtask deny` looks at the features in use only") } else { Ok(Self) }
    }
}

/// Reads `deny.toml`.
pub fn parse(text: &str) -> Result<Rules, String> {
    toml::from_str(text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_project_is_understood() {
        assert!(parse(include_str!("../../../deny.toml")).is_ok());
    }

    #[test]
    fn a_key_that_would_be_ignored_is_an_error() {
        let text = include_str!("../../../deny.toml").replace("[bans]", "[bans]\nskip = []");
        let said = parse(&text).err().unwrap_or_default();
        assert!(said.contains("skip"), "{said}");
    }
}
