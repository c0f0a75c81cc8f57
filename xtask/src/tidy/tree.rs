//! The repository as the rules see it: every text file git knows or would take, Rust files parsed once.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::run::{Done, Failure, program, read, root};

/// All of it.
pub struct Tree {
    /// Sorted by path.
    pub files: Vec<File>,
    /// Every path, with the folders above, also of files that are no text.
    pub paths: BTreeSet<String>,
}

/// A text file.
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
    /// What a Rust file says.
    pub rust: Option<Rust>,
}

/// What the rules ask of a Rust file. Code under `#[cfg(test)]` is marked: most rules let it be.
#[derive(Default)]
pub struct Rust {
    /// It begins with `//!`.
    pub has_header: bool,
    pub functions: Vec<Function>,
    /// Every path written in it (`std::fs::File`), imports spelled out, and every method called (`.sync_all`).
    pub mentions: Vec<(usize, String)>,
    tests: Vec<RangeInclusive<usize>>,
}

/// A function or method with a body.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
    pub parameters: usize,
}

impl Rust {
    /// Whether the line stands under `#[cfg(test)]`.
    pub fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }
}

impl File {
    /// Its crate, where it is the source of one: `crates/<name>/src/…`.
    pub fn source_of(&self) -> Option<&str> {
        let (name, inside) = self.path.strip_prefix("crates/")?.split_once('/')?;
        (inside.starts_with("src/") && self.rust.is_some()).then_some(name)
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// What follows the last dot of a path.
pub fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

impl Tree {
    /// Reads the work tree.
    pub fn read() -> Done<Self> {
        // A checkout that another user owns (a container's mount) is read all the same: nothing of it is run.
        let list = [
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ];
        let listed = read(&mut program("git", &list))?;
        let mut files = Vec::new();
        let mut paths = BTreeSet::new();
        for path in listed.lines() {
            let Ok(bytes) = std::fs::read(root().join(path)) else { continue }; // deleted, not yet committed
            for (at, _) in path.match_indices('/') {
                paths.insert(path.get(..at).unwrap_or_default().to_owned());
            }
            paths.insert(path.to_owned());
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let rust = if extension(path) == "rs" { Some(parse(path, &text)?) } else { None };
            files.push(File { path: path.to_owned(), text, rust });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files, paths })
    }
}

/// Parses one Rust file.
pub fn parse(path: &str, text: &str) -> Done<Rust> {
    let file = syn::parse_file(text).map_err(|e| {
        Failure::new(format!("{path}:{}: does not parse as Rust: {e}", e.span().start().line))
    })?;
    let mut reader = Reader { rust: Rust { has_header: text.starts_with("//!"), ..Rust::default() } };
    reader.visit_file(&file);
    Ok(reader.rust)
}

struct Reader {
    rust: Rust,
}

impl Reader {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.span().start().line;
        self.rust.functions.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: block.span().end().line + 1 - line,
            parameters: signature.inputs.len(),
        });
    }

    fn import(&mut self, before: &str, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.import(&format!("{before}{}::", path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
            syn::UseTree::Name(name) => self.mention(name, format!("{before}{}", name.ident)),
            syn::UseTree::Rename(rename) => self.mention(rename, format!("{before}{}", rename.ident)),
            syn::UseTree::Glob(glob) => self.mention(glob, format!("{before}*")),
        }
    }

    fn mention(&mut self, at: &impl Spanned, what: String) {
        self.rust.mentions.push((at.span().start().line, what));
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if attributes(item).iter().any(is_cfg_test) {
            self.rust.tests.push(item.span().start().line..=item.span().end().line);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import("", &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.mention(path, words.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.mention(&call.method, format!(".{}", call.method));
        visit::visit_expr_method_call(self, call);
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_seen_as_it_is() {
        let text = "//! Head.\nuse std::{fs, io::Write as W};\n\nfn one(a: u8, b: u8) {\n    f.sync_all();\n}\n\
                    #[cfg(test)]\nmod tests {\n    fn two() {}\n}\n";
        let rust = parse("x.rs", text).unwrap_or_default();
        assert!(rust.has_header);
        let mentions: Vec<&str> = rust.mentions.iter().map(|(_, what)| what.as_str()).collect();
        for expected in ["std::fs", "std::io::Write", ".sync_all"] {
            assert!(mentions.contains(&expected), "{expected} in {mentions:?}");
        }
        let one = &rust.functions[0];
        assert_eq!((one.name.as_str(), one.line, one.lines, one.parameters), ("one", 4, 3, 2));
        assert!(!rust.is_test(5) && rust.is_test(9));
    }
}
