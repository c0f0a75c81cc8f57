//! A secret: it cannot be printed.

use std::fmt;

/// A provider's credential, a caller's key or the admin token. Its one way out is
/// [`expose_for_header`](Self::expose_for_header).
///
/// Equality is there to tell whether a reloaded configuration differs. It does not run in constant time: never use it
/// to check a caller's key, which is compared by its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of visible ASCII, as it can stand in an HTTP header.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has a space, a line break or a character beyond ASCII");
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself: for the header that carries it, and for hashing a caller's key.
    pub fn expose_for_header(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("sk-very-secret").unwrap();
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(****) Some(Secret(****))");
        assert_eq!(secret.expose_for_header(), "sk-very-secret");
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        for bad in ["", " sk", "sk\n", "sk key", "clé"] {
            assert!(Secret::new(bad).is_err(), "{bad:?}");
        }
    }
}
