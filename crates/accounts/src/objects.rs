//! Orgs, projects and keys as they are declared and kept. Plain data; JSON of these is what an `admin` entry carries.

use std::fmt::Write as _;

use ledger::{Name, UnixMicros};
use sha2::{Digest, Sha256};

use crate::{BudgetDef, SecretHash};

/// Who pays.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Org {
    /// Its id.
    pub id: String,
    /// The currency it thinks in; budgets name their own.
    pub currency: prices::Currency,
    /// IANA name of the zone its windows are read in.
    pub time_zone: String,
    /// ISO 3166-1 alpha-2; some providers' rules look at who owns the caller. Empty: not said.
    #[serde(default)]
    pub owner_country: String,
}

/// A budgeted unit of an org.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// The org that pays for it.
    pub org: String,
    /// `finance`, `healthcare`, …; empty: not said.
    #[serde(default)]
    pub domain: String,
    /// The policy of its calls where the model names none.
    #[serde(default)]
    pub policy: Option<String>,
    /// `public`, `internal`, `personal`, `important`; read by `routes`. Empty: not said.
    #[serde(default)]
    pub data_class: String,
    /// Where its subjects are, ISO 3166-2 or alpha-2; read by `routes`. Empty: not said.
    #[serde(default)]
    pub origin: String,
}

/// What a key may ask for in a minute, and at once. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)] // a limit that is misspelt would be no limit
pub struct Limits {
    /// Requests in any 60 seconds.
    #[serde(default)]
    pub rpm: Option<u64>,
    /// Tokens in any 60 seconds.
    #[serde(default)]
    pub tpm: Option<u64>,
    /// Calls at the same time.
    #[serde(default)]
    pub concurrency: Option<u64>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Its id: what records and reports show.
    pub id: String,
    /// The project it belongs to.
    pub project: String,
    /// The app that its calls are labelled with; empty: the call may say.
    #[serde(default)]
    pub app: String,
    /// The domain of its calls; `None`: the call may say, else the project's.
    #[serde(default)]
    pub domain: Option<String>,
    /// Model names it may ask for, a trailing `*` stands for any rest; empty: all.
    #[serde(default)]
    pub models: Vec<String>,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
    /// The first instant at which it opens nothing.
    #[serde(default, with = "micros")]
    pub expires: Option<UnixMicros>,
    /// Revoked for good: a revoked key comes back only with another secret.
    #[serde(default)]
    pub revoked: bool,
    /// What is kept of the secret.
    pub secret_hash: SecretHash,
}

/// A key to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySpec {
    /// Its id; `None`: `key-` and eight random characters.
    pub id: Option<String>,
    /// The project.
    pub project: String,
    /// As [`Key::app`].
    pub app: String,
    /// As [`Key::domain`].
    pub domain: Option<String>,
    /// As [`Key::models`].
    pub models: Vec<String>,
    /// Its limits.
    pub limits: Limits,
    /// As [`Key::expires`].
    pub expires: Option<UnixMicros>,
}

/// What a configuration declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Orgs.
    pub orgs: Vec<Org>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Keys, their secrets hashed.
    pub keys: Vec<Key>,
    /// Budgets; an empty zone becomes that of the org in scope.
    pub budgets: Vec<BudgetDef>,
}

/// The label of a user: hexadecimal, first 16 bytes of SHA-256 over org, a zero byte and the user's name. Empty stays
/// empty. A budget on a user names this label.
pub fn user_label(org: &str, user: &str) -> Name {
    if user.is_empty() {
        return ledger::name("");
    }
    let hash = Sha256::new().chain_update(org).chain_update([0]).chain_update(user).finalize();
    let text = hash.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Name::from(text)
}

/// Instants as integers of microseconds.
mod micros {
    use ledger::UnixMicros;
    use serde::{Deserialize, Serialize};

    #[allow(clippy::ref_option)] // the shape that `serde(with)` asks for
    pub(super) fn serialize<S: serde::Serializer>(at: &Option<UnixMicros>, to: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.0).serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Option<UnixMicros>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(UnixMicros))
    }
}
