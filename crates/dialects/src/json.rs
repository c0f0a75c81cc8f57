//! A pull reader over JSON text: one pass, no tree, no allocation, and no recursion of its own, so that no depth
//! of nesting can overflow the stack.
//!
//! It finds values; it does not prove a document: numbers and literals are taken up to the next delimiter and
//! brackets are only counted. Where a document must be proven (a client's request) `serde_json` does it first.
//! Keys are compared as written: a provider that escapes the letters of its own keys is not understood.

use std::borrow::Cow;

use memchr::memchr2;

/// The text is not JSON where JSON was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad;

/// A place in a JSON text. Each reading method takes exactly one value and stands behind it.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    key_at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, key_at: 0 }
    }

    /// Starts in the middle of a text; offsets stay those of the whole.
    pub(crate) const fn from(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, key_at: at }
    }

    /// Where the next byte is read.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// Where the key of the member being visited began (its opening quote).
    pub(crate) const fn key_offset(&self) -> usize {
        self.key_at
    }

    /// The first byte of the next value.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                other => return Some(*other),
            }
        }
        None
    }

    /// Only white space is left.
    pub(crate) fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Visits an object's members; the visitor must take each value. `false`: another value, which was skipped.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&'a [u8], &mut Self) -> Result<(), Bad>,
    ) -> Result<bool, Bad> {
        if self.peek() != Some(b'{') {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(true);
        }
        self.member(&mut member)?;
        self.rest_of_object(member).map(|()| true)
    }

    /// Goes on behind a member's value: visits what is left of its object.
    pub(crate) fn rest_of_object(
        &mut self,
        mut member: impl FnMut(&'a [u8], &mut Self) -> Result<(), Bad>,
    ) -> Result<(), Bad> {
        loop {
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Bad),
            }
            self.member(&mut member)?;
        }
    }

    fn member(&mut self, visit: &mut impl FnMut(&'a [u8], &mut Self) -> Result<(), Bad>) -> Result<(), Bad> {
        if self.peek() != Some(b'"') {
            return Err(Bad);
        }
        let key_at = self.at;
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(Bad);
        }
        self.at += 1;
        self.key_at = key_at;
        visit(key.raw, self)
    }

    /// Visits an array's elements; the visitor must take each. `false`: another value, which was skipped.
    pub(crate) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Bad>,
    ) -> Result<bool, Bad> {
        if self.peek() != Some(b'[') {
            self.skip()?;
            return Ok(false);
        }
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(true);
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(Bad),
            }
        }
    }

    /// A string; `None`: another value, which was skipped.
    pub(crate) fn text(&mut self) -> Result<Option<Text<'a>>, Bad> {
        if self.peek() == Some(b'"') {
            self.string().map(Some)
        } else {
            self.skip()?;
            Ok(None)
        }
    }

    /// Any value as written.
    pub(crate) fn raw(&mut self) -> Result<&'a [u8], Bad> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    /// Any value as written; `None` for `null`.
    pub(crate) fn raw_unless_null(&mut self) -> Result<Option<&'a [u8]>, Bad> {
        Ok(Some(self.raw()?).filter(|raw| *raw != b"null"))
    }

    /// Passes one value of any kind and depth.
    pub(crate) fn skip(&mut self) -> Result<(), Bad> {
        match self.peek().ok_or(Bad)? {
            b'"' => self.string().map(drop),
            b'{' | b'[' => self.skip_nested(),
            b',' | b':' | b'}' | b']' => Err(Bad),
            _ => {
                self.skip_literal();
                Ok(())
            }
        }
    }

    fn skip_literal(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            if matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'{' | b'[') {
                return;
            }
            self.at += 1;
        }
    }

    fn skip_nested(&mut self) -> Result<(), Bad> {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1; // began above zero, and zero returns
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(Bad)
    }

    fn string(&mut self) -> Result<Text<'a>, Bad> {
        let start = self.at + 1;
        let mut from = start;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(from..).ok_or(Bad)?;
            let found = from + quote_or_escape(rest).ok_or(Bad)?;
            if self.bytes.get(found) == Some(&b'"') {
                self.at = found + 1;
                return Ok(Text { raw: self.bytes.get(start..found).unwrap_or_default(), start, escaped });
            }
            escaped = true;
            from = found + 2;
        }
    }
}

/// Most strings are short, where the wide search costs more than it saves.
const SHORT: usize = 24;

fn quote_or_escape(rest: &[u8]) -> Option<usize> {
    let short = rest.get(..SHORT).unwrap_or(rest);
    let found = short.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    found.or_else(|| Some(short.len() + memchr2(b'"', b'\\', rest.get(short.len()..)?)?))
}

/// A JSON string between its quotes, as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a [u8],
    /// Where `raw` begins in the text.
    pub(crate) start: usize,
    pub(crate) escaped: bool,
}

impl Text<'_> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The string's value; what is no UTF-8 and lone surrogates become U+FFFD.
    pub(crate) fn value(&self) -> String {
        let mut out = String::with_capacity(self.raw.len());
        let mut high = None;
        self.append_to(&mut out, &mut high);
        if high.is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        out
    }

    /// Appends the value. `high` carries a surrogate pair that is split between two strings: pass it on to the
    /// next piece of the same text.
    pub(crate) fn append_to(&self, out: &mut String, high: &mut Option<u16>) {
        if self.escaped {
            unescape(self.raw, out, high);
        } else if !self.raw.is_empty() {
            if high.take().is_some() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            out.push_str(&lossy(self.raw));
        }
    }
}

fn lossy(raw: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(raw)
}

/// Undoes JSON's escapes (RFC 8259 §7). An unknown escape stands for the character itself.
pub(crate) fn unescape(raw: &[u8], out: &mut String, high: &mut Option<u16>) {
    let mut rest = raw;
    while !rest.is_empty() {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(plain);
        if !text.is_empty() {
            flush(out, high);
            out.push_str(&lossy(text));
        }
        rest = match tail {
            [b'\\', b'u', hex @ ..] => {
                let unit = hex.get(..4).and_then(hex4);
                unicode(unit, out, high);
                hex.get(if unit.is_some() { 4 } else { 0 }..).unwrap_or_default()
            }
            [b'\\', letter, tail @ ..] => {
                flush(out, high);
                out.push(match letter {
                    b'n' => '\n',
                    b't' => '\t',
                    b'r' => '\r',
                    b'b' => '\u{8}',
                    b'f' => '\u{c}',
                    other if other.is_ascii() => char::from(*other),
                    _ => char::REPLACEMENT_CHARACTER,
                });
                tail
            }
            _ => &[],
        };
    }
}

fn flush(out: &mut String, high: &mut Option<u16>) {
    if high.take().is_some() {
        out.push(char::REPLACEMENT_CHARACTER);
    }
}

fn unicode(unit: Option<u16>, out: &mut String, high: &mut Option<u16>) {
    match (unit, high.take()) {
        (Some(low @ 0xDC00..=0xDFFF), Some(first)) => {
            let code = 0x1_0000 + ((u32::from(first) - 0xD800) << 10) + (u32::from(low) - 0xDC00);
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        (unit, before) => {
            if before.is_some() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
            match unit {
                Some(first @ 0xD800..=0xDBFF) => *high = Some(first),
                Some(unit) => {
                    out.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                None => out.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }
}

fn hex4(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members(text: &str) -> Result<Vec<(String, String)>, Bad> {
        let mut found = Vec::new();
        let mut scan = Scan::new(text.as_bytes());
        scan.object(|key, scan| {
            let value = scan.raw()?;
            found.push((lossy(key).into_owned(), lossy(value).into_owned()));
            Ok(())
        })?;
        if scan.at_end() { Ok(found) } else { Err(Bad) }
    }

    #[test]
    fn members_are_found_with_their_values_as_written() {
        let found = members(r#" { "a" : [1, {"b":"}]\""}] , "c":null,"d":-1.5e3 } "#).unwrap();
        let wanted = [("a", r#"[1, {"b":"}]\""}]"#), ("c", "null"), ("d", "-1.5e3")];
        assert_eq!(found, wanted.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn thirty_two_mebibytes_of_brackets_do_not_reach_the_stack() {
        let deep = "[".repeat(32 << 20);
        assert_eq!(Scan::new(deep.as_bytes()).skip(), Err(Bad));
    }

    #[test]
    fn a_surrogate_pair_may_be_split_between_two_strings() {
        let (mut out, mut high) = (String::new(), None);
        for piece in [r"x\ud83d", r"\ude00y", r"\ud83d", "z"] {
            Text { raw: piece.as_bytes(), start: 0, escaped: piece.contains('\\') }
                .append_to(&mut out, &mut high);
        }
        assert_eq!(out, "x\u{1f600}y\u{fffd}z");
    }

    proptest! {
        /// What `serde_json` writes is read back as it reads it.
        #[test]
        fn strings_agree_with_serde_json(value in any::<String>()) {
            let written = serde_json::to_string(&value).unwrap();
            let text = Scan::new(written.as_bytes()).text().unwrap().unwrap();
            prop_assert_eq!(text.value(), value);
        }

        /// No bytes make the reader panic or run past the end.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let mut scan = Scan::new(&bytes);
            let _ = scan.object(|_, scan| scan.text().map(|text| drop(text.map(|text| text.value()))));
            prop_assert!(scan.offset() <= bytes.len());
        }
    }
}
