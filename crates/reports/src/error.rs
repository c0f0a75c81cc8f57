//! What can be wrong with a question.

/// A question that cannot be answered as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A field to group by that is none.
    #[error("`{0}` is no field to group by\n  fix: use {by}", by = crate::By::names())]
    By(String),
    /// A field to group by that was named twice.
    #[error("`{0}` is named twice\n  fix: name each field to group by once")]
    ByTwice(String),
    /// A field to filter by that is none.
    #[error("`{0}` is no field to filter by\n  fix: use {fields}", fields = crate::filter::field_names())]
    Field(String),
    /// Not `field=value`.
    #[error(
        "`{0}` is no condition\n  fix: write field=value, such as provider=openai; several are parted by commas"
    )]
    Condition(String),
    /// A value that its field cannot have.
    #[error("`{value}` is no value of `{field}`\n  fix: use {allowed}")]
    Value {
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: String,
    },
    /// Not a time.
    #[error(
        "`{0}` is no time\n  fix: write RFC 3339, such as 2026-11-24T08:00:00Z, or a date, such as 2026-11-24"
    )]
    Time(String),
    /// Not a time zone.
    #[error("`{0}` is no time zone\n  fix: use an IANA name, such as UTC or Asia/Shanghai")]
    Zone(String),
    /// Not a format.
    #[error("`{0}` is no format\n  fix: use table, json or csv")]
    Format(String),
    /// A period that ends before it begins.
    #[error("the period ends before it begins\n  fix: let `from` be earlier than `to`")]
    Period,
}
