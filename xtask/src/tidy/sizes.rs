//! What grows into a drawer: files, functions, parameter lists, crates; and the names drawers get.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::{File, Tree, extension};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 100;
const PARAMETERS: usize = 7;

/// Files that are one table or one type with its documentation, and why that is better than two files.
const TABLES: &[(&str, &str)] = &[];

/// Names that say nothing.
const DRAWERS: &[&str] = &["utils", "util", "misc", "common", "helpers", "helper"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.files.iter().flat_map(file).collect();
    findings.extend(half_of_all(tree));
    for (path, _) in TABLES.iter().filter(|(path, _)| !tree.paths.contains(*path)) {
        findings.push(Finding::new(
            "xtask/src/tidy/sizes.rs",
            0,
            format!("{path} is gone: take it off TABLES"),
        ));
    }
    findings
}

fn file(file: &File) -> Vec<Finding> {
    let File { path, text, rust } = file;
    let mut findings = Vec::new();
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    if DRAWERS.contains(&stem) || path.split('/').any(|folder| DRAWERS.contains(&folder)) {
        findings.push(Finding::new(path, 0, format!("`{stem}` names no idea: say what lives in it")));
    }
    let code = ["rs", "js", "mjs", "py", "css"].contains(&extension(path)) && !path.contains("/vendor/");
    let lines = text.lines().count();
    if code && lines > FILE_LINES && TABLES.iter().all(|(table, _)| table != path) {
        findings.push(Finding::new(
            path,
            0,
            format!("{lines} lines, more than {FILE_LINES}: split it by idea"),
        ));
    }
    let Some(rust) = rust else { return findings };
    let is_root = ["lib.rs", "main.rs"].contains(&name) || is_test_crate(path);
    if is_root && !rust.has_header {
        findings.push(Finding::new(path, 1, "a crate begins with `//!`: what lives here and what must not"));
    }
    for function in &rust.functions {
        if function.lines > FUNCTION_LINES {
            let what =
                format!("`{}` has {} lines, more than {FUNCTION_LINES}", function.name, function.lines);
            findings.push(Finding::new(path, function.line, what));
        }
        if function.parameters > PARAMETERS {
            let what = format!("`{}` takes {}, more than {PARAMETERS}", function.name, function.parameters);
            findings.push(Finding::new(path, function.line, what));
        }
    }
    findings
}

/// `…/tests/<name>.rs` beside `src`: a test crate of its own.
fn is_test_crate(path: &str) -> bool {
    let mut parts = path.rsplit('/').skip(1);
    parts.next() == Some("tests") && parts.next() != Some("src")
}

/// A crate that holds half the code has taken the others' work.
fn half_of_all(tree: &Tree) -> Option<Finding> {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &tree.files {
        if let Some(name) = file.source_of() {
            *lines.entry(name).or_default() += file.text.lines().count();
        }
    }
    let all: usize = lines.values().sum();
    let (name, most) = lines.into_iter().max_by_key(|(_, count)| *count)?;
    (most * 2 > all)
        .then(|| Finding::new(&format!("crates/{name}"), 0, format!("{most} of {all} lines: half the code")))
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        let rust = tree::parse(path, text).ok();
        file(&File { path: path.to_owned(), text: text.to_owned(), rust }).len()
    }

    #[test]
    fn each_sign_is_seen() {
        assert_eq!(of("crates/a/src/lib.rs", "//! Head.\n"), 0);
        assert_eq!(of("crates/a/src/lib.rs", "fn a() {}\n"), 1);
        assert_eq!(of("crates/a/src/utils.rs", ""), 1);
        assert_eq!(of("crates/a/src/long.rs", &"\n".repeat(601)), 1);
        assert_eq!(of("crates/a/src/f.rs", &format!("fn f() {{\n{}}}\n", "\n".repeat(99))), 1);
        assert_eq!(of("crates/a/src/f.rs", &format!("fn f() {{\n{}}}\n", "\n".repeat(98))), 0);
        assert_eq!(of("crates/a/src/f.rs", "fn f(a:u8,b:u8,c:u8,d:u8,e:u8,f:u8,g:u8,h:u8) {}\n"), 1);
    }
}
