//! Rating: tokens × price book × time → charge. Pure: no I/O, no clock, no floats.
//!
//! A book (`tollhouse-prices/1`, see `books/README.md`) is read once and strictly by [`Book::parse`]; what
//! it says is compiled, so that [`Plan::charge`] costs well under a microsecond. Money is integers of 10⁻⁹ of a
//! currency; between price and charge stand exact fractions, rounded once.
//!
//! Not here: reading files (`tollhouse`), fetching prices (`xtask books`), conversion of currencies for holds
//! (`accounts`) and for reports (`reports`), a vendor's names of tiers (`dialects`).
//!
//! ```
//! use prices::{Book, Books, Moment, Tier};
//! let book = Book::parse(br#"{"format": "tollhouse-prices/1", "version": "1", "plans": [
//!     {"id": "p", "provider": "sample", "models": ["m-*"], "currency": "CNY", "same_as": {"reasoning": "output"},
//!      "rates": [{"id": "in", "kind": "input", "price": "0.8"}, {"id": "out", "kind": "output", "price": "2"}]}]}"#)?;
//! let books = Books::new(vec![("sample.json".to_owned(), book)])?;
//! let plan = books.plan("p").unwrap();
//! let at = Moment::at("2026-11-24T03:00:00Z".parse()?);
//! let used = serde_json::from_str(r#"{"input": 500, "output": 9, "reasoning": 1}"#)?;
//! assert_eq!(plan.charge(at, Tier::Standard, &used)?.charge.to_string(), "0.00042 CNY");
//!
//! // Nothing is ever rated at zero for want of a rate.
//! let images = serde_json::from_str(r#"{"images": 1}"#)?;
//! let unpriced = plan.charge(at, Tier::Standard, &images).unwrap_err();
//! assert!(unpriced.to_string().starts_with("plan `p` has no rate for `images`"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod book;
mod books;
mod clock;
mod error;
mod exact;
mod json;
mod money;
mod overlap;
mod plan;
mod rate_ids;
mod rating;
mod read;
mod tier;
mod when;

pub use book::Book;
pub use books::Books;
pub use error::{BookError, Fault, Unpriced};
pub use exact::Exact;
pub use money::{Charge, Currency, MoneyError, Nano};
pub use plan::{Fit, Instant, Plan, PlanRef};
pub use rating::{Charged, Moment, Rated, RatedLine, charge_parts};
pub use tier::{Tier, UnknownTier};
