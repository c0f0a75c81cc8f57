//! Names that sections declare, and references to them.

use std::collections::BTreeSet;

use crate::document::At;
use crate::problem::Wrong;
use crate::read::{Section, nearest};
use crate::values;

/// Sections of one sort, each with a name that others refer to.
pub(crate) struct Named<'d> {
    /// What one of them is: `offer`.
    what: &'static str,
    pub sections: Vec<Section<'d>>,
    /// Without one the file is wrong already, and that is noted.
    is_required: bool,
    /// Also of sections that are wrong otherwise, so that a reference to one is not a second mistake.
    names: BTreeSet<String>,
}

impl<'d> Named<'d> {
    /// Sections with an `id`. Two of one id are noted.
    pub fn by_id(what: &'static str, sections: Vec<Section<'d>>) -> Self {
        let mut names = BTreeSet::new();
        for section in &sections {
            if let Some(id) = section.peek("id")
                && !names.insert(id.to_owned())
            {
                section.error(
                    "id",
                    format!("there are two {what}s with the id `{id}`"),
                    "rename one of them",
                );
            }
        }
        Self { what, is_required: false, sections, names }
    }

    /// Sections that stand under their names.
    pub fn by_name(what: &'static str, sections: Vec<Section<'d>>) -> Self {
        for section in &sections {
            if let Err(wrong) = values::id(&section.name) {
                section.document.error(section.here(), wrong);
            }
        }
        let names = sections.iter().map(|section| section.name.clone()).collect();
        Self { what, is_required: false, sections, names }
    }

    /// The file must have one.
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Names beside those that sections declare.
    pub fn also(mut self, names: impl Iterator<Item = String>) -> Self {
        self.names.extend(names);
        self
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// There is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The section of a name.
    pub fn find(&self, name: &str) -> Option<&Section<'d>> {
        self.sections.iter().find(|section| section.name == name || section.peek("id") == Some(name))
    }

    /// The reference at a key. One that leads nowhere is noted and returned all the same.
    pub fn referred(&self, section: &Section<'_>, key: &str) -> Option<String> {
        let name = section.scalar(key, values::id)?;
        self.check(section, &section.at(key), &name);
        Some(name)
    }

    /// The references in a list; empty when it is absent.
    pub fn all_referred(&self, section: &Section<'_>, key: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = vec![];
        for (at, name) in section.items(key, values::id)? {
            self.check(section, &at, &name);
            if names.contains(&name) {
                section.document.error(&at, Wrong::new(format!("`{name}` stands twice"), "write it once"));
            }
            names.push(name);
        }
        Some(names)
    }

    fn check(&self, section: &Section<'_>, at: &At, name: &str) {
        let may_be_there = (self.is_required && self.names.is_empty()) || section.document.is_garbled();
        if self.has(name) || may_be_there {
            return;
        }
        let fix = match nearest(name, self.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.names.is_empty() => "declare it: there is none yet".to_owned(),
            None => format!("declare it, or name one of {}", some(self.names())),
        };
        section.document.error(at, Wrong::new(format!("unknown {} `{name}`", self.what), fix));
    }
}

/// A list for a message, cut where nobody reads on.
pub(crate) fn some<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, … ({} in all)", names.len()) } else { shown }
}
