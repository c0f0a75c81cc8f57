//! What a call used: the token vector, how it is known, and the tokenizers that count what nobody reported.
//!
//! Lives here: [`Kind`], [`Tokens`] (the vector), [`Provenance`], [`Tokenizer`]. Pure: no I/O, no clock, no floats.
//! Not here: a vendor's field names (`dialects`), prices of kinds (`prices`).

mod kind;
mod pieces;
mod provenance;
mod tokenizer;
mod vector;

pub use kind::{Kind, UnknownKind};
pub use provenance::{Provenance, UnknownProvenance};
pub use tokenizer::{Counter, Tokenizer, counter_for};
pub use vector::Tokens;
