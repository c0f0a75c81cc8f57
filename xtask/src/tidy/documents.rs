//! What the documents say about the repository is true: paths exist, links lead somewhere, commands are tested.

use super::Finding;
use super::tree::{File, Tree, extension};

/// Commands that a document shows after `$ `, by how they begin, and the test that runs them.
const COMMANDS: &[(&str, &str)] = &[
    ("git clone ", ".ci/run"),
    ("cd ", ".ci/run"),
    ("cargo xtask ", "xtask/src/main.rs"),
    ("cargo run --release -- demo", "tests/e2e/tests/commands.rs"),
    ("tollhouse ", "tests/e2e/tests/documents.rs"),
    ("curl ", "tests/e2e/tests/commands.rs"),
];

/// Documents whose words about paths are checked everywhere, not only in links.
const MAPS: &[&str] = &["README.md", "ARCHITECTURE.md"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in MAPS.iter().filter(|path| !tree.paths.contains(**path)) {
        findings.push(Finding::new(path, 0, "is missing: a newcomer starts there"));
    }
    for file in
        tree.files.iter().filter(|file| extension(&file.path) == "md" && !file.path.contains("/vendor/"))
    {
        for (number, line) in file.lines() {
            findings.extend(links(tree, file, number, line));
            if MAPS.contains(&file.path.as_str()) {
                findings.extend(paths(tree, file, number, line));
            }
            if MAPS.contains(&file.path.as_str()) || file.path.starts_with("docs/") {
                findings.extend(command(tree, file, number, line));
            }
        }
    }
    findings
}

/// `[words](target)`: a target without a scheme is a file beside the document.
fn links(tree: &Tree, file: &File, number: usize, line: &str) -> Vec<Finding> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets
        .filter(|target| !target.contains(':') && !target.starts_with('#') && !target.is_empty())
        .filter(|target| {
            let path = target.split('#').next().unwrap_or_default();
            !tree.paths.contains(&beside(&file.path, path))
        })
        .map(|target| Finding::new(&file.path, number, format!("the link `{target}` leads nowhere")))
        .collect()
}

/// A path relative to a document, from the root.
fn beside(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A word in backticks whose first part is a folder of the root is a path; with a pattern in it, its folder is.
fn paths(tree: &Tree, file: &File, number: usize, line: &str) -> Vec<Finding> {
    let words = line.split('`').skip(1).step_by(2);
    words
        .filter(|word| !word.contains(' '))
        .filter_map(|word| {
            let path =
                word.split(['*', '<', '{', '…', '#']).next()?.split("::").next()?.trim_end_matches('/');
            let first = path.split('/').next()?;
            let is_path = path.contains('/') && tree.paths.contains(first) && !first.contains('.')
                || path.starts_with(".ci/");
            let exists =
                tree.paths.contains(path) || tree.paths.range(path.to_owned()..).next()?.starts_with(path);
            (is_path && !exists).then(|| Finding::new(&file.path, number, format!("`{word}` does not exist")))
        })
        .collect()
}

fn command(tree: &Tree, file: &File, number: usize, line: &str) -> Option<Finding> {
    let shown = line.trim_start().strip_prefix("$ ")?;
    let Some((_, test)) = COMMANDS.iter().find(|(begin, _)| shown.starts_with(begin)) else {
        return Some(Finding::new(
            &file.path,
            number,
            format!("`{shown}`: no test runs it (COMMANDS in xtask)"),
        ));
    };
    let missing = !tree.paths.contains(*test);
    missing.then(|| Finding::new(&file.path, number, format!("`{shown}`: its test {test} does not exist")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        let files = vec![File { path: path.to_owned(), text: text.to_owned(), rust: None }];
        let known =
            ["README.md", "ARCHITECTURE.md", "crates", "crates/a", "crates/a/src/lib.rs", "docs", ".ci/run"];
        check(&Tree { files, paths: known.iter().map(|path| (*path).to_owned()).collect() }).len()
    }

    #[test]
    fn documents_tell_the_truth() {
        assert_eq!(of("README.md", "`crates/a/src/lib.rs`, `crates/a/src/*.rs`, `a/b`, [x](crates/a)"), 0);
        assert_eq!(of("README.md", "`crates/b/src/lib.rs`"), 1);
        assert_eq!(of("docs/x.md", "[up](../README.md#top) [out](https://example.com) [gone](y.md)"), 1);
        assert_eq!(of("README.md", "$ cd tollhouse"), 0);
        assert_eq!(of("README.md", "$ rm -rf everything"), 1);
    }
}
