//! What `cargo metadata` says of each package.

use serde::Deserialize;

/// One package of the resolved graph.
#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// `None`: a path of this workspace.
    pub source: Option<String>,
    /// An SPDX expression, or the older form with `/` for `OR`.
    pub license: Option<String>,
    /// Registries it may be published to; `Some([])`: none, it is private.
    pub publish: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// The packages, in cargo's order.
pub fn parse(json: &str) -> Result<Vec<Package>, String> {
    serde_json::from_str::<Metadata>(json).map(|metadata| metadata.packages).map_err(|e| e.to_string())
}
