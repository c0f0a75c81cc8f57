//! `docs/configuration.md` is made from the schema, and the reader asks for every key of it.

use std::path::Path;

use super::{GOOD, house};
use crate::document::Document;
use crate::load::Loader;
use crate::reference;
use crate::schema::KEYS;

const MARK: &str = "## Every key\n";

/// With `UPDATE_DOCS=1` in the environment the page is written anew instead of compared.
#[test]
fn the_page_documents_every_key_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (prose, table) = page.split_once(MARK).expect("the page has its second half");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{prose}{MARK}\n{}", reference())).unwrap();
        return;
    }
    assert_eq!(table.trim_start(), reference(), "run: UPDATE_DOCS=1 cargo test -p config docs");
}

/// A key that nobody asks for would be accepted and do nothing.
#[test]
fn the_reader_asks_for_every_key() {
    let whole = GOOD.replace(
        "[sites.cn-zhongwei]",
        "[sites.cn-zhongwei]\nlocation = { lat = 37.51, lon = 105 }\naccelerators = [{ kind = \"a\" }]",
    );
    let env = house();
    let document = Document::new("whole.toml", &whole);
    let _ = Loader::without_file(&env).read(&document);
    let asked = document.asked();
    for row in KEYS {
        assert!(asked.contains(&(row.section, row.name)), "[{}] {} is never read", row.section, row.name);
    }
}
