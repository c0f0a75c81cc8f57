//! An answer that is no: what is wrong, in which field, and what to do.

use serde::Serialize;

/// A refusal of the admin API. As JSON:
/// `{"error":{"code":"…","message":"…","field":"limit"|null,"fix":"…"|null}}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// The field of the request that is wrong.
    pub field: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Problem {
    /// A problem with a status and a code.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: None, fix: None }
    }

    /// 400: a field of the request is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        let (field, fix) = (Some(field.into()), Some(fix.into()));
        Self { field, fix, ..Self::new(400, "invalid_field", message) }
    }

    /// 404: nothing bears this id.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "not_found", format!("there is no {what} `{id}`"))
    }

    /// 409: the change would break something that is so.
    pub fn conflict(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(409, "conflict", message).fix(fix)
    }

    /// 500: the gateway could not, through no fault of the caller's.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "internal", message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Shape<'a> {
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'static str,
            message: &'a str,
            field: Option<&'a str>,
            fix: Option<&'a str>,
        }
        let (field, fix) = (self.field.as_deref(), self.fix.as_deref());
        serde_json::to_vec(&Shape { error: Error { code: self.code, message: &self.message, field, fix } })
            .unwrap_or_default()
    }
}

impl From<reports::QueryError> for Problem {
    fn from(error: reports::QueryError) -> Self {
        use reports::QueryError as E;
        let field = match &error {
            E::By(_) | E::ByTwice(_) => "by",
            E::Field(_) | E::Condition(_) | E::Value { .. } => "filter",
            E::Time(_) | E::Period => "from",
            E::Zone(_) => "zone",
            E::Format(_) => "format",
        };
        let text = error.to_string();
        let (message, fix) = text.split_once("\n  fix: ").unwrap_or((&text, ""));
        Self::field(field, message, fix)
    }
}
