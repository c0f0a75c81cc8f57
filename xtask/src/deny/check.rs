//! The rules held against the packages. Pure: two lists in, two lists of sentences out.

use std::collections::BTreeMap;

use super::metadata::Package;
use super::rules::{Level, Rules};
use super::spdx;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What was found.
#[derive(Default)]
pub struct Found {
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

/// Every breach of the rules, in the packages' order.
pub fn check(rules: &Rules, packages: &[Package]) -> Found {
    let mut found = Found::default();
    for package in packages {
        found.errors.extend(licence(rules, package));
        found.errors.extend(ban(rules, package));
        found.errors.extend(source(package));
    }
    let list = match rules.bans.multiple_versions {
        Level::Allow => return found,
        Level::Warn => &mut found.warnings,
        Level::Deny => &mut found.errors,
    };
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let twice = versions.iter().filter(|(_, versions)| versions.len() > 1);
    list.extend(twice.map(|(name, versions)| format!("{name} is here in versions {}", versions.join(", "))));
    found
}

fn licence(rules: &Rules, package: &Package) -> Option<String> {
    let private = package.publish.as_ref().is_some_and(Vec::is_empty);
    if private && rules.licenses.private.ignore {
        return None;
    }
    let Package { name, version, license, .. } = package;
    let Some(expression) = license else {
        return Some(format!("{name} {version}: says no licence in its manifest"));
    };
    match spdx::satisfied(expression, &|id| rules.licenses.allow.iter().any(|allowed| allowed == id)) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name} {version}: licence `{expression}` is not in [licenses] allow")),
        Err(problem) => {
            Some(format!("{name} {version}: licence `{expression}` is not understood: {problem}"))
        }
    }
}

fn ban(rules: &Rules, package: &Package) -> Option<String> {
    let banned = rules.bans.deny.iter().find(|banned| banned.name == package.name)?;
    Some(format!("{} {}: banned: {}", package.name, package.version, banned.reason))
}

fn source(package: &Package) -> Option<String> {
    let source = package.source.as_deref()?;
    (source != CRATES_IO).then(|| format!("{} {}: comes from {source}", package.name, package.version))
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;

    fn package(name: &str, licence: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            source: Some(CRATES_IO.to_owned()),
            license: licence.map(str::to_owned),
            publish: None,
        }
    }

    fn errors(packages: &[Package]) -> Vec<String> {
        let rules = rules::parse(include_str!("../../../deny.toml")).unwrap();
        check(&rules, packages).errors
    }

    #[test]
    fn each_breach_is_one_error() {
        assert!(errors(&[package("good", Some("MIT OR Apache-2.0"))]).is_empty());
        assert_eq!(errors(&[package("left", Some("GPL-3.0-only"))]).len(), 1);
        assert_eq!(errors(&[package("mute", None)]).len(), 1);
        assert_eq!(errors(&[package("openssl-sys", Some("MIT"))]).len(), 1);
        let elsewhere =
            Package { source: Some("git+https://example.com".to_owned()), ..package("fork", Some("MIT")) };
        assert_eq!(errors(&[elsewhere]).len(), 1);
        let own = Package { publish: Some(Vec::new()), source: None, ..package("own", None) };
        assert!(errors(&[own]).is_empty());
    }

    #[test]
    fn two_versions_are_a_warning() {
        let rules = rules::parse(include_str!("../../../deny.toml")).unwrap();
        let newer = Package { version: "2.0.0".to_owned(), ..package("a", Some("MIT")) };
        let found = check(&rules, &[package("a", Some("MIT")), newer]);
        assert_eq!((found.errors.len(), found.warnings.len()), (0, 1));
    }
}
