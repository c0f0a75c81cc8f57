//! Secrets of keys: made once, shown once, kept as a hash.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::AccountsError;

/// A key's secret. `Debug` shows nothing of it; the one way out is [`Secret::show_once`].
#[derive(Clone)]
pub struct Secret(String);

/// Random bytes of a secret: 256 bits.
const SECRET_BYTES: usize = 32;
/// RFC 4648 base 32, in lower case: no letter is mistaken for a digit.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

impl Secret {
    /// A new one: `th-` and 52 characters of base 32 (256 random bits).
    pub fn generate() -> Result<Self, AccountsError> {
        Ok(Self(format!("th-{}", random_text::<SECRET_BYTES>()?)))
    }

    /// One that somebody else made (from the environment or a file).
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, to show to its owner when it is made. Never into a log, an entry or an error.
    pub fn show_once(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(****)")
    }
}

/// SHA-256 of a secret. The secret has 256 random bits, so neither salt nor a slow hash adds anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// The hash of a secret's text.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Equal, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).fold(0_u8, |differ, (mine, theirs)| differ | (mine ^ theirs)) == 0
    }

    fn hex(&self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({}…)", self.hex().get(..8).unwrap_or_default())
    }
}

impl serde::Serialize for SecretHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> serde::Deserialize<'de> for SecretHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bad = || serde::de::Error::custom("a secret's hash is 64 hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(bad());
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            let pair = str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(hash))
    }
}

/// A key that opens nothing. One text for absent, wrong, revoked and expired: a guesser learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API key is missing, wrong, revoked or expired")]
pub struct KeyRefusal;

/// `BYTES` random bytes as base 32, without padding.
pub(crate) fn random_text<const BYTES: usize>() -> Result<String, AccountsError> {
    let mut random = [0_u8; BYTES];
    getrandom::fill(&mut random).map_err(|error| AccountsError::Random(error.to_string()))?;
    Ok(base32(&random))
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut put = |five: u32| {
        let letter = usize::try_from(five & 31).ok().and_then(|at| ALPHABET.get(at)).copied();
        text.push(char::from(letter.unwrap_or(b'a')));
    };
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            put(bits >> count);
        }
    }
    if count > 0 {
        put(bits << (5 - count));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10, in lower case and without padding.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), coded);
        }
    }

    /// FIPS 180-2, appendix B.1: SHA-256 of "abc".
    #[test]
    fn hashes_are_sha_256() {
        let hash = SecretHash::of("abc");
        assert_eq!(hash.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<SecretHash>(&json).unwrap(), hash);
        assert!(hash.matches(&SecretHash::of("abc")) && !hash.matches(&SecretHash::of("abd")));
    }

    #[test]
    fn a_secret_is_long_new_and_never_printed() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert!(one.show_once().starts_with("th-") && one.show_once().len() == 55);
        assert_ne!(one.show_once(), two.show_once());
        assert_eq!(format!("{one:?} {one:#?}"), "Secret(****) Secret(****)");
    }
}
