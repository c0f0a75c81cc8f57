//! `tollhouse.toml`: read, checked whole, and handed over as plain values.
//!
//! Every mistake is found in one go and named with its file, line, key and fix ([`Problem`]); a configuration with
//! one mistake is no configuration ([`Config::load`] returns it whole or not at all). What would have no effect in
//! this version is refused rather than ignored.
//!
//! Lives here: the schema (`schema`, the one table behind the reader, its suggestions and `docs/configuration.md`),
//! the rules between sections (`load`), the configurations without a file, the site catalogue. All I/O goes through
//! [`Env`]. Not here: what a configuration becomes (the binary maps it to `accounts`, `routes`, `edge`), command-line
//! flags, whether a folder can be written, changes made through the admin API.

mod books;
mod built_in;
pub mod catalogue;
mod country;
mod document;
mod env;
mod kind;
mod load;
mod problem;
mod read;
mod reference;
mod schema;
mod secret;
mod shape;
mod types;
mod url;
mod values;
mod words;

pub use books::built_in as built_in_books;
pub use env::{Env, Fixed, System};
pub use kind::ProviderKind;
pub use load::Loaded;
pub use problem::{Problem, Severity};
pub use reference::reference;
pub use secret::Secret;
pub use types::{
    Accelerator, BookFile, Budget, Config, Foresight, Fx, KeyCfg, LedgerCfg, Location, Model, Offer, Org,
    Policy, Prices, Project, Provider, Rates, Rule, Scope, Server, Site, Telemetry,
};
pub use url::BaseUrl;
pub use values::{Country, Place};
pub use words::{
    Capability, Content, DataClass, HoldRule, InferenceScope, Mode, Objective, OnUnknown, Semconv, Window,
};

#[cfg(test)]
mod tests;
