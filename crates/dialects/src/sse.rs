//! Server-sent events (WHATWG HTML, "Server-sent events"): where an event ends in bytes that are cut anywhere, and
//! what is in it. Knows no dialect.

use memchr::memchr2;

/// Finds the blank line that ends an event. It remembers where in a line the bytes so far ended, so each byte is
/// looked at once however the network cuts.
///
/// A CR at the end of a read is not judged until the next byte shows whether an LF belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boundaries {
    /// Nothing of the current line has come.
    line_start: bool,
    /// The last byte was a CR, not yet judged.
    cr: bool,
}

impl Boundaries {
    pub(crate) const fn new() -> Self {
        Self { line_start: true, cr: false }
    }

    /// The bytes so far end in a blank line of a lone CR, which only the end of the stream could prove.
    pub(crate) const fn at_lone_blank(self) -> bool {
        self.cr && self.line_start
    }

    /// How many bytes of `rest` end the current event; `None`: all of them belong to it and it goes on.
    pub(crate) fn next(&mut self, rest: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.cr {
            at = usize::from(*rest.first()? == b'\n');
            self.cr = false;
            if self.line_start {
                return Some(at);
            }
            self.line_start = true;
        }
        loop {
            let line = rest.get(at..).unwrap_or_default();
            let Some(length) = memchr2(b'\n', b'\r', line) else {
                self.line_start &= line.is_empty();
                return None;
            };
            self.line_start &= length == 0;
            at += length + 1;
            if line.get(length) == Some(&b'\r') {
                match rest.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => {
                        self.cr = true;
                        return None;
                    }
                }
            }
            if self.line_start {
                return Some(at);
            }
            self.line_start = true;
        }
    }
}

/// What an event consists of, in offsets of its bytes. Reused from event to event: it allocates only for an event
/// with several `data` lines.
#[derive(Debug, Default)]
pub(crate) struct Event {
    name: (usize, usize),
    data: Option<(usize, usize)>,
    /// Several `data` lines joined with LF, and where each of them begins: in the joined text, in the event.
    joined: Vec<u8>,
    lines: Vec<(usize, usize)>,
    /// A field of the standard, or a comment.
    pub(crate) known: bool,
    /// A line that is neither.
    pub(crate) junk: bool,
}

impl Event {
    /// Takes an event apart.
    pub(crate) fn read(&mut self, event: &[u8]) {
        self.name = (0, 0);
        self.data = None;
        self.joined.clear();
        self.lines.clear();
        (self.known, self.junk) = (false, false);
        let mut at = 0;
        while at < event.len() {
            let rest = event.get(at..).unwrap_or_default();
            let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            self.line(event, at, at + length);
            at += length + 1;
        }
    }

    fn line(&mut self, event: &[u8], start: usize, end: usize) {
        let line = event.get(start..end).unwrap_or_default();
        if let Some(value) = field(line, b"data") {
            self.known = true;
            self.data_line(event, start + value, end);
        } else if let Some(value) = field(line, b"event") {
            self.known = true;
            self.name = (start + value, end);
        } else if line.first() == Some(&b':')
            || field(line, b"id").is_some()
            || field(line, b"retry").is_some()
        {
            self.known = true;
        } else if !line.is_empty() {
            self.junk = true;
        }
    }

    fn data_line(&mut self, event: &[u8], start: usize, end: usize) {
        let Some(first) = self.data.replace((start, end)) else { return };
        if self.lines.is_empty() {
            self.lines.push((0, first.0));
            self.joined.extend_from_slice(event.get(first.0..first.1).unwrap_or_default());
        }
        self.joined.push(b'\n');
        self.lines.push((self.joined.len(), start));
        self.joined.extend_from_slice(event.get(start..end).unwrap_or_default());
    }

    /// The event's name; empty when it has none.
    pub(crate) fn name<'a>(&self, event: &'a [u8]) -> &'a [u8] {
        event.get(self.name.0..self.name.1).unwrap_or_default()
    }

    /// Its data; `None` when it has no `data` line.
    pub(crate) fn data<'a>(&'a self, event: &'a [u8]) -> Option<&'a [u8]> {
        let (start, end) = self.data?;
        if self.lines.is_empty() { event.get(start..end) } else { Some(&self.joined) }
    }

    /// Where a byte of the data is in the event.
    pub(crate) fn place(&self, offset: usize) -> usize {
        let line = self.lines.iter().rev().find(|(joined, _)| *joined <= offset);
        match line {
            Some((joined, start)) => start + (offset - joined),
            None => self.data.map_or(0, |(start, _)| start + offset),
        }
    }
}

/// Where the value of a field begins, after the colon and one space; `None`: another field.
fn field(line: &[u8], name: &[u8]) -> Option<usize> {
    match line.strip_prefix(name)? {
        [] => Some(name.len()),
        [b':', b' ', ..] => Some(name.len() + 2),
        [b':', ..] => Some(name.len() + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The events of a stream cut into reads, as texts.
    fn events(reads: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut boundaries, mut found, mut pending) = (Boundaries::new(), Vec::new(), Vec::new());
        for read in reads {
            let mut rest = *read;
            while let Some(length) = boundaries.next(rest) {
                let (head, tail) = rest.split_at(length);
                pending.extend_from_slice(head);
                found.push(std::mem::take(&mut pending));
                rest = tail;
            }
            pending.extend_from_slice(rest);
        }
        found.push(pending);
        found
    }

    #[test]
    fn every_line_end_of_the_standard_ends_an_event() {
        let check = |stream: &str, wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|event| event.as_bytes().to_vec()).collect();
            assert_eq!(events(&[stream.as_bytes()]), wanted, "{stream:?}");
        };
        check("data: a\n\ndata: b\n\n", &["data: a\n\n", "data: b\n\n", ""]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["data: a\r\n\r\n", "data: b\r\n\r\n", ""]);
        check("data: a\r\rdata: b\r\r", &["data: a\r\r", "data: b\r\r"]); // the last CR is not judged yet
        check("data: a\r\n\ndata: b\n\r\n", &["data: a\r\n\n", "data: b\n\r\n", ""]);
        check("\n\n: c\n\n", &["\n", "\n", ": c\n\n", ""]);
        check("data: a\nid: 1", &["data: a\nid: 1"]);
    }

    #[test]
    fn an_event_is_taken_apart_as_the_standard_says() {
        let check = |event: &str, name: &str, data: Option<&str>| {
            let mut parts = Event::default();
            parts.read(event.as_bytes());
            assert_eq!(parts.name(event.as_bytes()), name.as_bytes(), "{event:?}");
            assert_eq!(parts.data(event.as_bytes()), data.map(str::as_bytes), "{event:?}");
        };
        // The examples of the standard, 9.2.6.
        check("data: YHOO\ndata: +2\ndata: 10\n\n", "", Some("YHOO\n+2\n10"));
        check(": test stream\n\n", "", None);
        check("data: first event\nid: 1\n\n", "", Some("first event"));
        check("data:second event\nid\n\n", "", Some("second event"));
        check("data:  third event\n\n", "", Some(" third event"));
        check("data\n\n", "", Some(""));
        check("data\ndata\n\n", "", Some("\n"));
        check("event: add\r\ndata: 7\r\n\r\n", "add", Some("7"));
    }

    #[test]
    fn a_place_in_joined_data_leads_back_to_the_event() {
        let event = b"data: ab\nid: 1\ndata:cd\n\n";
        let mut parts = Event::default();
        parts.read(event);
        let data = parts.data(event).unwrap();
        assert_eq!(data, b"ab\ncd");
        for (offset, byte) in data.iter().enumerate().filter(|(_, byte)| **byte != b'\n') {
            assert_eq!(event[parts.place(offset)], *byte);
        }
    }

    proptest! {
        /// Where the network cuts must not change what the events are.
        #[test]
        fn cuts_do_not_matter(stream in "[a:\n\r]{0,40}", cut in any::<proptest::sample::Index>()) {
            let bytes = stream.as_bytes();
            let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(events(&[bytes]), events(&[head, tail]));
        }
    }
}
