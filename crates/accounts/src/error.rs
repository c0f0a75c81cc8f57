//! What can be wrong with an account object.

/// An object, or a change of one, that makes no sense. Says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// A reference to nothing.
    #[error(
        "{what} `{id}` names {kind} `{missing}`, which does not exist\n  fix: declare it, or correct the name"
    )]
    Missing {
        /// What refers: `project`, `key`, `budget`.
        what: &'static str,
        /// The one that refers.
        id: String,
        /// What it refers to: `org`, `project`, `key`.
        kind: &'static str,
        /// The name that leads nowhere.
        missing: String,
    },
    /// The same id twice.
    #[error("{what} `{id}` is there already\n  fix: give one of them another id")]
    Twice {
        /// `org`, `project`, `key`, `budget`.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// Two keys with one secret.
    #[error("keys `{first}` and `{second}` have the same secret\n  fix: give each key a secret of its own")]
    SameSecret {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// An id that is empty, too long, or holds control characters.
    #[error("{what} `{id}` is no id\n  fix: 1 to 128 printable characters, such as `claims-month`")]
    Id {
        /// `org`, `project`, `key`, `budget`.
        what: &'static str,
        /// The id as given.
        id: String,
    },
    /// No time zone of that name.
    #[error("{what} `{id}`: `{zone}` is no time zone\n  fix: an IANA name, such as Asia/Shanghai")]
    Zone {
        /// `org` or `budget`.
        what: &'static str,
        /// The object.
        id: String,
        /// The name as given.
        zone: String,
    },
    /// A budget's scope, window, zone and currency stay what they are: its counts would mean nothing otherwise.
    #[error(
        "budget `{id}`: its {field} cannot change from {from} to {to}\n  fix: remove it, and set a budget with another id"
    )]
    Fixed {
        /// The budget.
        id: String,
        /// `scope`, `window`, `zone`, `currency`.
        field: &'static str,
        /// What it is.
        from: String,
        /// What was asked for.
        to: String,
    },
    /// An allowance that is not `100 CNY/month`.
    #[error(
        "`{0}` is no allowance\n  fix: an amount and a window, such as \"100 CNY/month\" (hour, day, week, month, total)"
    )]
    Allowance(String),
    /// JSON of an object that cannot be read.
    #[error("the state of {what} `{id}` cannot be read: {why}")]
    State {
        /// The action, or `budget`.
        what: String,
        /// The object.
        id: String,
        /// The parser's words.
        why: String,
    },
    /// No such object to change.
    #[error("there is no {what} `{id}`")]
    Unknown {
        /// `key`, `budget`, …
        what: &'static str,
        /// The id.
        id: String,
    },
    /// The system gave no randomness.
    #[error("no random bytes for a secret: {0}")]
    Random(String),
}
