//! Words that must not stand in the repository: work left undone, and places outside it.

use super::Finding;
use super::tree::{File, Tree, extension};

/// Marks of work left undone.
const UNDONE: &[&str] = &["TODO", "FIXME", "XXX:", "HACK:"];

/// Places that another machine does not have, and addresses that a machine's own settings name. Written in two pieces
/// each, so that this list is no finding itself.
const OUTSIDE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("../sha", "red"),
    concat!("index", "-url"),
    concat!("arti", "factory"),
    concat!("registry.npm", "js.org"),
    concat!("pypi.org/", "simple"),
    concat!("files.python", "hosted.org"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("deb.deb", "ian.org"),
];

/// Files that must name them, and why.
const EXCEPT: &[(&str, &str)] = &[
    ("xtask/src/tidy/words.rs", "the marks of work left undone"),
    ("Cargo.lock", "written by cargo; `cargo xtask deny` checks its sources"),
];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter(|file| EXCEPT.iter().all(|(path, _)| *path != file.path))
        .flat_map(file)
        .collect()
}

fn file(file: &File) -> Vec<Finding> {
    // A vendored library is kept as its authors wrote it, and a data file quotes what people wrote.
    let theirs = file.path.contains("/vendor/") || ["jsonl", "csv"].contains(&extension(&file.path));
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        if let Some(mark) = UNDONE.iter().find(|mark| !theirs && whole_word(line, mark)) {
            findings.push(Finding::new(
                &file.path,
                number,
                format!("`{mark}`: do it, or file it as an issue"),
            ));
        }
        if let Some(place) = OUTSIDE.iter().find(|place| line.contains(*place)) {
            findings.push(Finding::new(
                &file.path,
                number,
                format!("`{place}`: points outside the repository"),
            ));
        }
    }
    findings
}

fn whole_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !letter(before) && !letter(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        file(&File { path: path.to_owned(), text: text.to_owned(), rust: None }).len()
    }

    #[test]
    fn words() {
        assert_eq!(of("docs/a.md", "nothing left\n"), 0);
        assert_eq!(of("docs/a.md", "TODO: more\n"), 1);
        assert_eq!(of("docs/a.md", "the MASTODONTODO\n"), 0);
        assert_eq!(of("web/vendor/a.js", "// TODO theirs\n"), 0);
        assert_eq!(of("docs/a.md", concat!("see ../sha", "red/data\n")), 1);
    }
}
