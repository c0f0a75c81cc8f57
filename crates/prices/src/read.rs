//! From JSON to compiled plans. Every field is read by name and nothing unknown is passed over.

pub(crate) mod fields;
pub(crate) mod plan;
mod price;
mod when;
