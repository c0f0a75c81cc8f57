//! Writes the list of the price books in `books/`, so that the program carries them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../books").canonicalize()?;
    let mut names = vec![];
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            names.push(path);
        }
    }
    names.sort();
    let mut list = String::from("static BUILT_IN: &[(&str, &[u8])] = &[\n");
    for path in &names {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let path = path.to_str().ok_or("the path of the repository is no UTF-8")?;
        writeln!(list, "    (\"books/{name}\", include_bytes!({path:?})),")?;
    }
    list.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("built_in_books.rs"), list)?;
    // A cargo instruction, which is what a build script's output is for.
    #[allow(clippy::print_stdout)]
    {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    Ok(())
}
