//! Rating: tokens × price book × time → charge. Pure: no I/O, no clock, no floats.
//!
//! Not here: reading files (`tollhouse`), fetching prices (`xtask books`), conversion of currencies for holds
//! (`accounts`) and for reports (`reports`).

mod money;

pub use money::{Charge, Currency, MoneyError, Nano};
