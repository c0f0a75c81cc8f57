//! The admin API and the web page, as one function from request to answer.
//!
//! Lives here: who may ask ([`Console`] checks Host, Origin and token before anything else), the paths of
//! `/admin/v1`, the live stream, the embedded page. What is asked of the gateway is the trait [`Backend`]; the
//! binary implements it over accounts, routes and ledger. Not here: sockets (`edge`), what things mean.

mod api;
mod assets;
mod backend;
mod gate;
mod live;
mod path;
mod problem;
mod reply;
mod service;
mod views;

pub use backend::Backend;
pub use problem::Problem;
pub use service::{Console, ConsoleOptions};
pub use views::{
    BudgetChange, BudgetView, CreatedKey, KeyView, LedgerView, Limits, NewKey, OfferChange, OfferView,
    OrgView, ProjectView, ProviderView, ShownSecret,
};
