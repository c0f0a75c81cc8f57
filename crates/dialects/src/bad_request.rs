//! A client's request that cannot be understood: what, where, and how to mend it.

/// Why a request was refused. Worded for the caller; rendered by [`crate::render_error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// What is wrong and what would be right.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
    /// Stable: `invalid_json`, `missing_required_parameter`, `invalid_type`, `invalid_value`,
    /// `duplicate_parameter`. The first and the last are ours, the others OpenAI's.
    pub code: &'static str,
}

impl BadRequest {
    pub(crate) fn json(why: &str) -> Self {
        let message = format!("The body is not a JSON object: {why}. Send one JSON object in UTF-8.");
        Self { message, param: None, code: "invalid_json" }
    }

    pub(crate) fn missing(field: &str, wanted: &str) -> Self {
        let message = format!("Missing required parameter: `{field}`. Send {wanted}.");
        Self { message, param: Some(field.to_owned()), code: "missing_required_parameter" }
    }

    pub(crate) fn wrong_type(field: &str, wanted: &str, found: &str) -> Self {
        let message = format!("Invalid type for `{field}`: found {found}. Send {wanted}.");
        Self { message, param: Some(field.to_owned()), code: "invalid_type" }
    }

    pub(crate) fn wrong_value(field: &str, wanted: &str, found: &str) -> Self {
        let message = format!("Invalid value for `{field}`: {found}. Send {wanted}.");
        Self { message, param: Some(field.to_owned()), code: "invalid_value" }
    }

    pub(crate) fn twice(field: &str) -> Self {
        let message =
            format!("`{field}` is written twice, and which one counts is anybody's guess. Send it once.");
        Self { message, param: Some(field.to_owned()), code: "duplicate_parameter" }
    }
}
