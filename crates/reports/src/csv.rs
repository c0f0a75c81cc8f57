//! CSV by RFC 4180, safe to open in a spreadsheet.

/// One cell: quoted where it holds a comma, quote, line end or outer blank. Text that a spreadsheet would run as a
/// formula (it begins with `=`, `+`, `-`, `@`, tab or a line end) gets an apostrophe before it; numbers do not.
pub fn cell(text: &str) -> String {
    let guarded = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') if !is_number(text) => format!("'{text}"),
        _ => text.to_owned(),
    };
    let outer_blank = guarded.starts_with(' ') || guarded.ends_with(' ');
    if outer_blank || guarded.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// A line of cells with its end.
pub(crate) fn line<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|text| cell(text.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_guarded_and_quotes_doubled() {
        // OWASP, "CSV Injection": the characters that begin a formula.
        for (text, written) in [
            ("plain", "plain"),
            ("-12", "-12"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(1,2)", "\"'@SUM(1,2)\""),
            ("-1+1", "'-1+1"),
            ("\tx", "'\tx"),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" blank", "\" blank\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    /// A reader of RFC 4180, written from its grammar.
    fn parse(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let mut quoted = false;
        while let Some(c) = chars.next() {
            match (quoted, c) {
                (true, '"') if chars.peek() == Some(&'"') => field.extend(chars.next()),
                (true, '"') => quoted = false,
                (false, '"') => quoted = true,
                (false, ',') => row.push(std::mem::take(&mut field)),
                (false, '\r') if chars.peek() == Some(&'\n') => {
                    chars.next();
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                (true | false, other) => field.push(other),
            }
        }
        rows
    }

    proptest! {
        /// What was written is read back, but for the apostrophe before a formula.
        #[test]
        fn cells_are_read_back(cells in proptest::collection::vec(any::<String>(), 1..6)) {
            let read = parse(&line(&cells));
            prop_assert_eq!(read.len(), 1);
            for (read, written) in read[0].iter().zip(&cells) {
                prop_assert_eq!(read.strip_prefix('\'').filter(|rest| rest == written).unwrap_or(read), written);
            }
            prop_assert_eq!(read[0].len(), cells.len());
        }
    }
}
