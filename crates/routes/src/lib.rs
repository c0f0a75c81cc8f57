//! Which offer a call goes to, whether it may, and why: sites, offers, policies, health, the choice and its reasons.
//!
//! No I/O and no clock: it is given time. It knows no price book: the caller brings the price of an offer for the call.
//! Not here: connecting (`edge`), money of a budget (`accounts`).

mod choice;
mod health;
mod law;
mod table;

pub use choice::{Ask, Kept, Plan, Price, Rejected, Why};
pub use health::{Circuit, Health, HealthState};
pub use law::{DataClass, Rule, UnknownDataClass};
pub use table::{
    Capability, InferenceScope, Objective, Offer, Policy, Site, Table, TableError, UnknownCapability,
};
