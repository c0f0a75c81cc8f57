//! SPDX licence expressions (SPDX 2.3, annex D): `A OR B AND C`, `WITH`, `+`, brackets; `/` is read as `OR`,
//! as crates.io did before it asked for SPDX. `AND` binds tighter than `OR`.

/// Whether an expression is satisfied when exactly the licences for which `allowed` answers true may be used.
///
/// `allowed` is asked for `Apache-2.0` or, as a whole, `Apache-2.0 WITH LLVM-exception`.
/// # Errors  Says what in the expression is not understood.
pub fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), allowed };
    let value = parser.any()?;
    match parser.words.next() {
        None => Ok(value),
        Some(word) => Err(format!("`{expression}`: `{word}` was not expected")),
    }
}

struct Parser<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a, I: Iterator<Item = &'a str>> Parser<'a, I> {
    fn any(&mut self) -> Result<bool, String> {
        let mut value = self.all()?;
        while self.words.next_if_eq(&"OR").is_some() {
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.words.next_if_eq(&"AND").is_some() {
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, String> {
        match self.words.next() {
            Some("(") => {
                let value = self.any()?;
                self.words.next_if_eq(&")").map(|_| value).ok_or_else(|| "a bracket is not closed".to_owned())
            }
            None | Some(")" | "OR" | "AND" | "WITH") => Err("a licence is missing".to_owned()),
            Some(id) => {
                let id = id.strip_suffix('+').unwrap_or(id); // "or later" includes this version
                if self.words.next_if_eq(&"WITH").is_none() {
                    return Ok((self.allowed)(id));
                }
                let exception = self.words.next().ok_or("an exception is missing after WITH")?;
                Ok((self.allowed)(&format!("{id} WITH {exception}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: Result<bool, ()>) {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Zlib"];
        let got = satisfied(expression, &|id| allowed.contains(&id));
        assert_eq!(got.map_err(|_| ()), expected, "{expression}");
    }

    #[test]
    fn expressions() {
        check("MIT", Ok(true));
        check("GPL-3.0", Ok(false));
        check("GPL-3.0 OR MIT", Ok(true));
        check("MIT/GPL-3.0", Ok(true));
        check("GPL-3.0 AND MIT", Ok(false));
        check("MIT AND Zlib", Ok(true));
        // AND binds tighter: MIT OR (GPL-3.0 AND GPL-2.0); read the other way it would be refused.
        check("MIT OR GPL-3.0 AND GPL-2.0", Ok(true));
        check("(MIT OR GPL-3.0) AND GPL-2.0", Ok(false));
        check("Apache-2.0 WITH LLVM-exception OR GPL-3.0", Ok(true));
        check("MIT WITH LLVM-exception", Ok(false));
        check("Apache-2.0+", Ok(true));
        check("", Err(()));
        check("MIT OR", Err(()));
        check("(MIT", Err(()));
        check("MIT GPL-3.0", Err(()));
    }
}
