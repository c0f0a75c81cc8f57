//! Reading objects field by field, with the place in every error.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::BookError;
use crate::error::{Fault, Place};
use crate::json::Node;

/// An object's fields and where it is.
pub(crate) struct Fields<'n> {
    entries: &'n [(String, Node)],
    place: Place,
    known: &'static [&'static str],
}

impl<'n> Fields<'n> {
    /// The fields of an object, unknown ones not yet refused.
    pub fn of(node: &'n Node, place: &Place, known: &'static [&'static str]) -> Result<Self, BookError> {
        Ok(Self { entries: object(node, place)?, place: place.clone(), known })
    }

    /// The fields of an object that has none but the known ones.
    pub fn strict(node: &'n Node, place: &Place, known: &'static [&'static str]) -> Result<Self, BookError> {
        let fields = Self::of(node, place, known)?;
        fields.refuse_unknown()?;
        Ok(fields)
    }

    pub fn refuse_unknown(&self) -> Result<(), BookError> {
        match self.entries.iter().find(|(name, _)| !self.known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let fault = Fault::UnknownField { nearest: nearest(name, self.known), known: self.known };
                Err(self.place.field(name).error(fault))
            }
        }
    }

    /// Errors from now on name this plan or rate.
    pub fn at(&mut self, place: Place) {
        self.place = place;
    }

    pub fn optional(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(field, _)| field == name).map(|(_, node)| node)
    }

    /// Text that is there and not empty.
    pub fn text(&self, name: &'static str) -> Result<&'n str, BookError> {
        let place = self.place.field(name);
        let node = self.optional(name).ok_or_else(|| place.error(Fault::Missing("it is a string")))?;
        let text = text(node, &place)?;
        if text.is_empty() { Err(place.error(Fault::Empty("write its text"))) } else { Ok(text) }
    }

    pub fn optional_text(&self, name: &str) -> Result<Option<&'n str>, BookError> {
        self.optional(name).map(|node| text(node, &self.place.field(name))).transpose()
    }

    /// A list that is there; it may be empty.
    pub fn list(&self, name: &str) -> Result<&'n [Node], BookError> {
        let missing = || self.place.field(name).error(Fault::Missing("it is a list"));
        self.optional_list(name)?.ok_or_else(missing)
    }

    pub fn optional_list(&self, name: &str) -> Result<Option<&'n [Node]>, BookError> {
        self.optional(name).map(|node| list(node, &self.place.field(name))).transpose()
    }

    /// A list of words, each once, at least one.
    pub fn optional_names(&self, name: &str) -> Result<Option<Vec<&'n str>>, BookError> {
        let place = self.place.field(name);
        let Some(nodes) = self.optional_list(name)? else { return Ok(None) };
        let mut names = Vec::new();
        for node in nodes {
            let word = text(node, &place)?;
            if word.is_empty() {
                return Err(place.error(Fault::Empty("write a name, or remove it")));
            }
            if names.contains(&word) {
                return Err(place.error(Fault::Twice(word.to_owned())));
            }
            names.push(word);
        }
        if names.is_empty() {
            return Err(
                place.error(Fault::Empty("name at least one, or remove the field if it may be left out"))
            );
        }
        Ok(Some(names))
    }

    /// An instant of RFC 3339.
    pub fn optional_instant(&self, name: &str) -> Result<Option<Timestamp>, BookError> {
        let Some(written) = self.optional_text(name)? else { return Ok(None) };
        match rfc3339(written) {
            Some(instant) => Ok(Some(instant)),
            None => Err(self.place.field(name).error(Fault::Instant(written.to_owned()))),
        }
    }
}

pub(crate) fn object<'n>(node: &'n Node, place: &Place) -> Result<&'n [(String, Node)], BookError> {
    match node {
        Node::Object(entries) => Ok(entries),
        other => Err(wrong_type(other, place, "an object", "{\"field\": …}")),
    }
}

pub(crate) fn list<'n>(node: &'n Node, place: &Place) -> Result<&'n [Node], BookError> {
    match node {
        Node::List(nodes) => Ok(nodes),
        other => Err(wrong_type(other, place, "a list", "[…]")),
    }
}

pub(crate) fn text<'n>(node: &'n Node, place: &Place) -> Result<&'n str, BookError> {
    match node {
        Node::Text(text) => Ok(text),
        other => Err(wrong_type(other, place, "a string", "\"…\", in quotes")),
    }
}

pub(crate) fn whole(node: &Node, place: &Place) -> Result<u64, BookError> {
    match node {
        Node::Whole(number) => Ok(*number),
        other => Err(wrong_type(other, place, "a whole number", "32000")),
    }
}

pub(crate) fn wrong_type(
    node: &Node,
    place: &Place,
    wanted: &'static str,
    example: &'static str,
) -> BookError {
    place.error(Fault::Type { found: node.describe(), wanted, example })
}

/// The known word that a misspelt one is within two edits of.
pub(crate) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // A book may hold a word of any length; names of the format are short.
    if word.len() > 40 {
        return None;
    }
    let ranked = known.iter().map(|name| (distance(word, name), *name)).min_by_key(|(edits, _)| *edits);
    ranked.filter(|(edits, name)| *edits <= 2 && *edits < name.len()).map(|(_, name)| name)
}

/// Levenshtein distance in bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (b, above) in right.bytes().zip(row.iter().skip(1)) {
            before = (above + 1).min(before + 1).min(diagonal + usize::from(a != b));
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// `YYYY-MM-DD` and nothing else.
pub(crate) fn calendar_date(written: &str) -> Option<Date> {
    has_shape(written, "dddd-dd-dd").then(|| written.parse().ok())?
}

/// RFC 3339 and nothing else: jiff alone would also take a zone's name in brackets, ISO week dates and the like.
fn rfc3339(written: &str) -> Option<Timestamp> {
    let (clock, rest) = written.split_at_checked("dddd-dd-ddTdd:dd:dd".len())?;
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = fraction.len() - offset.len();
            if !(1..=9).contains(&digits) {
                return None;
            }
            offset
        }
    };
    let is_offset = offset == "Z" || has_shape(offset, "+dd:dd") || has_shape(offset, "-dd:dd");
    // A leap second is no instant of Unix time; jiff would take it for the second before.
    let is_clock = has_shape(clock, "dddd-dd-ddTdd:dd:dd") && !clock.ends_with("60");
    (is_clock && is_offset).then(|| written.parse().ok())?
}

/// `d` stands for a digit, anything else for itself.
pub(crate) fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_an_instant() {
        for good in [
            "2026-06-18T02:00:00Z",
            "2026-06-18T10:00:00+08:00",
            "2026-06-18T02:00:00.000Z",
            "2026-06-17T20:30:00.0-05:30",
        ] {
            assert_eq!(rfc3339(good), Some("2026-06-18T02:00:00Z".parse().unwrap()), "{good}");
        }
        for bad in [
            "2026-06-18",
            "2026-06-18T02:00:00",
            "2026-06-18T02:00Z",
            "2026-06-18 02:00:00Z",
            "2026-06-18T02:00:60Z",
            "2026-06-18T02:00:00+08:00[Asia/Shanghai]",
            "2026-06-18T02:00:00.Z",
            "2026-13-18T02:00:00Z",
            "2026-06-18T02:00:00+0800",
            "",
            "2026-06-18T02:00:0é",
            "2026-06-18T24:00:00Z",
        ] {
            assert_eq!(rfc3339(bad), None, "{bad}");
        }
        assert!(calendar_date("2026-02-29").is_none() && calendar_date("20260228").is_none());
    }

    #[test]
    fn misspelt_words_find_their_neighbour() {
        assert_eq!(nearest("inptu", &["input", "output"]), Some("input"));
        assert_eq!(nearest("price_usd", &["id", "kind", "price"]), None);
        assert_eq!(nearest("x", &["id"]), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
    }
}
