//! Secrets, by the variable or the file that holds them. No message repeats one.

use crate::problem::Wrong;
use crate::read::Section;
use crate::secret::Secret;

use super::Loader;

/// What became of a secret.
pub(crate) enum Found {
    /// Neither key is written.
    NotNamed,
    /// A variable is named that is not set.
    NotSet(String),
    /// It is wrong, and that is noted.
    Wrong,
    /// It is there.
    Secret(Secret),
}

impl Loader<'_> {
    /// The secret that `by_variable` or `by_file` names. A variable that is not set is left to the caller to judge.
    pub(crate) fn find_secret(&self, section: &Section<'_>, by_variable: &str, by_file: &str) -> Found {
        let variable = section.scalar(by_variable, variable_name);
        let file = section.scalar(by_file, |text| Ok(text.to_owned()));
        match (variable, file) {
            (Some(_), Some(_)) => {
                let message = format!("`{by_variable}` names the secret already");
                section.error(by_file, message, "keep one of the two");
                Found::Wrong
            }
            (Some(name), None) => self.in_variable(section, by_variable, name),
            (None, Some(path)) => self.in_file(section, by_file, &path),
            (None, None) if section.has(by_variable) || section.has(by_file) => Found::Wrong,
            (None, None) => Found::NotNamed,
        }
    }

    /// As above, where a variable that is not set is a mistake.
    pub(crate) fn secret(&self, section: &Section<'_>, by_variable: &str, by_file: &str) -> Found {
        match self.find_secret(section, by_variable, by_file) {
            Found::NotSet(name) => {
                let message = format!("the environment variable {name} is not set");
                section.error(by_variable, message, format!("set {name} before starting: export {name}=…"));
                Found::Wrong
            }
            found => found,
        }
    }

    fn in_variable(&self, section: &Section<'_>, key: &str, name: String) -> Found {
        let Some(value) = self.env.var(&name) else { return Found::NotSet(name) };
        Secret::new(&value).map_or_else(
            |why| {
                section.error(
                    key,
                    format!("the environment variable {name} {why}"),
                    format!("set {name} to the secret itself"),
                );
                Found::Wrong
            },
            Found::Secret,
        )
    }

    fn in_file(&self, section: &Section<'_>, key: &str, path: &str) -> Found {
        let path = self.resolve(path);
        let shown = path.display();
        let bytes = match self.env.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                section.error(
                    key,
                    format!("the file {shown} cannot be read: {error}"),
                    "name a file that this user may read",
                );
                return Found::Wrong;
            }
        };
        if let Ok(Some(mode)) = self.env.mode(&path)
            && mode & 0o007 != 0
        {
            let message = format!("the file {shown} is open to every user of this machine (mode {mode:04o})");
            section.error(key, message, format!("chmod 600 {shown}"));
            return Found::Wrong;
        }
        self.sources.borrow_mut().push(path.clone());
        let text = String::from_utf8_lossy(&bytes);
        Secret::new(text.trim_end_matches(['\r', '\n'])).map_or_else(
            |why| {
                section.error(key, format!("the file {shown} {why}"), "put the secret alone on its one line");
                Found::Wrong
            },
            Found::Secret,
        )
    }
}

/// The name of a variable. What is none may be the secret itself, pasted: it is not repeated.
fn variable_name(text: &str) -> Result<String, Wrong> {
    let fine = |nth: usize, byte: u8| {
        byte == b'_' || byte.is_ascii_alphabetic() || (nth > 0 && byte.is_ascii_digit())
    };
    if !text.is_empty() && text.bytes().enumerate().all(|(nth, byte)| fine(nth, byte)) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        "is no name of an environment variable",
        "put the secret into a variable and write the variable's name here; secrets never stand in this file",
    ))
}
