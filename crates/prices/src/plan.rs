//! A price plan: whose models it prices, where, in what currency, by which rates.

use std::sync::Arc;

use tokens::Kind;

use crate::Currency;
use crate::rate_ids::RateIds;
use crate::when::When;

/// A plan, shared: cheap to clone and to keep beside an offer.
pub type PlanRef = Arc<Plan>;

/// A price plan of a book, compiled for rating.
#[derive(Debug)]
pub struct Plan {
    pub(crate) id: Arc<str>,
    pub(crate) provider: Arc<str>,
    pub(crate) models: Vec<ModelPattern>,
    pub(crate) sites: Option<Vec<String>>,
    pub(crate) currency: Currency,
    pub(crate) instant: Instant,
    pub(crate) source: Option<String>,
    pub(crate) seen: Option<jiff::civil::Date>,
    pub(crate) book_version: Arc<str>,
    /// In the book's order.
    pub(crate) rates: Vec<Rate>,
    /// For each kind (by [`Kind::index`]) the places of its rates in `rates`, those by `same_as` included.
    pub(crate) by_kind: Vec<Vec<u16>>,
    /// Every rate's `share` is in 10⁻⁹ of the currency divided by this; below 2⁶³.
    pub(crate) denominator: u64,
    /// Some rate has a band: only then are the request's totals worked out.
    pub(crate) has_bands: bool,
    pub(crate) rate_ids: RateIds,
}

/// A rate of a plan.
#[derive(Debug)]
pub(crate) struct Rate {
    pub id: Arc<str>,
    pub kind: Kind,
    /// As written.
    pub price: String,
    pub per: u64,
    /// Price of one, in nano divided by the plan's denominator.
    pub share: u128,
    pub when: When,
}

/// Which instant of an attempt picks its rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// When it was opened.
    Opened,
    /// When it ended.
    Ended,
}

/// A served name, or the beginning of names.
#[derive(Debug)]
pub(crate) enum ModelPattern {
    Name(String),
    Prefix(String),
}

/// How well a plan fits a model's name: the greater fits better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// By a prefix of this many bytes.
    Prefix(usize),
    /// By its very name.
    Exact,
}

impl Plan {
    /// Its id, one of a kind over all books.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Who serves its models.
    pub fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// The currency of all its prices.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Which instant picks the rate.
    pub const fn instant(&self) -> Instant {
        self.instant
    }

    /// The version of the book it is from.
    pub fn book_version(&self) -> &Arc<str> {
        &self.book_version
    }

    /// Where its figures are from.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// When they were seen there.
    pub const fn seen(&self) -> Option<jiff::civil::Date> {
        self.seen
    }

    /// The sites it is for; `None`: all.
    pub fn sites(&self) -> Option<&[String]> {
        self.sites.as_deref()
    }

    /// The served names it is for, as the book writes them: a last `*` stands for any rest.
    pub fn models(&self) -> impl Iterator<Item = String> + '_ {
        self.models.iter().map(|pattern| match pattern {
            ModelPattern::Name(name) => name.clone(),
            ModelPattern::Prefix(prefix) => format!("{prefix}*"),
        })
    }

    /// It prices a model of this name. A provider that serves another model than was asked for is priced by the
    /// served name: if no plan covers that, the price is unknown.
    pub fn covers(&self, model: &str) -> bool {
        self.fit(model).is_some()
    }

    /// How well it fits a model's name; `None`: not at all.
    pub fn fit(&self, model: &str) -> Option<Fit> {
        self.models.iter().filter_map(|pattern| pattern.fit(model)).max()
    }

    /// It is for this site: named, or for all.
    pub fn is_for_site(&self, site: &str) -> bool {
        self.sites.as_ref().is_none_or(|sites| sites.iter().any(|named| named == site))
    }

    /// The kinds it has a rate for, `same_as` included.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        Kind::ALL.iter().copied().filter(|kind| self.rates_of(*kind).next().is_some())
    }

    /// The rates of a kind with their places in `rates`.
    pub(crate) fn rates_of(&self, kind: Kind) -> impl Iterator<Item = (u16, &Rate)> {
        let places = self.by_kind.get(kind.index()).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| Some((*place, self.rates.get(usize::from(*place))?)))
    }
}

impl ModelPattern {
    fn fit(&self, model: &str) -> Option<Fit> {
        match self {
            Self::Name(name) => (name == model).then_some(Fit::Exact),
            Self::Prefix(prefix) => model.starts_with(prefix.as_str()).then_some(Fit::Prefix(prefix.len())),
        }
    }
}
