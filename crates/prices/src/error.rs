//! What can be wrong with a book, and why a price can be unknown: what, where, and what to do.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokens::Kind;

use crate::{Currency, Tier};

/// A book that is refused, whole: where, what, and the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    file: Option<String>,
    place: Place,
    fault: Fault,
}

/// A place in a book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub calendar: Option<String>,
    pub plan: Option<String>,
    pub rate: Option<String>,
    pub field: Option<String>,
}

impl Place {
    /// The same place, one field further in.
    pub fn field(&self, name: &str) -> Self {
        let field = self.field.as_ref().map_or_else(|| name.to_owned(), |outer| format!("{outer}.{name}"));
        Self { field: Some(field), ..self.clone() }
    }

    /// An error here.
    pub fn error(&self, fault: Fault) -> BookError {
        BookError(Box::new(Inner { file: None, place: self.clone(), fault }))
    }
}

impl BookError {
    /// The same error, with the name of the book's file before it.
    #[must_use]
    pub fn in_file(mut self, name: &str) -> Self {
        self.0.file = Some(name.to_owned());
        self
    }

    /// The book's file, if it was said.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// The plan's id.
    pub fn plan(&self) -> Option<&str> {
        self.0.place.plan.as_deref()
    }

    /// The rate's id.
    pub fn rate(&self) -> Option<&str> {
        self.0.place.rate.as_deref()
    }

    /// The field within the book, plan or rate, such as `when.hours`.
    pub fn field(&self) -> Option<&str> {
        self.0.place.field.as_deref()
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }
}

impl std::error::Error for BookError {}

/// `books/a.json: plan "p", rate "in", field price: … ⏎ fix: …`
impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { file, place, fault } = &*self.0;
        if let Some(file) = file {
            write!(f, "{file}: ")?;
        }
        let named = [("calendar", &place.calendar), ("plan", &place.plan), ("rate", &place.rate)];
        let mut places: Vec<String> =
            named.iter().filter_map(|(what, name)| Some(format!("{what} `{}`", name.as_deref()?))).collect();
        places.extend(place.field.as_ref().map(|field| format!("field `{field}`")));
        if places.is_empty() { write!(f, "{fault}") } else { write!(f, "{}: {fault}", places.join(", ")) }
    }
}

/// What is wrong with a book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No JSON, or a key written twice; the message has line and column.
    #[error("{0}\n  fix: correct the JSON at that place")]
    Syntax(String),
    /// Another format, or none said.
    #[error("`{0}` is not a format read here\n  fix: write \"format\": \"tollhouse-prices/1\"")]
    Format(String),
    /// A field that must be there is not.
    #[error("is missing\n  fix: write it; {0}")]
    Missing(&'static str),
    /// A field that the format does not have.
    #[error("is unknown\n  fix: {}", did_you_mean(*nearest, "remove it; known here are", known))]
    UnknownField {
        /// The field of the format that looks most like it.
        nearest: Option<&'static str>,
        /// The fields of the format here.
        known: &'static [&'static str],
    },
    /// A value of the wrong type.
    #[error("is {found}, not {wanted}\n  fix: write {wanted}, such as {example}")]
    Type {
        /// What is written.
        found: &'static str,
        /// What the format wants.
        wanted: &'static str,
        /// How that looks.
        example: &'static str,
    },
    /// Text that must not be empty.
    #[error("is empty\n  fix: {0}")]
    Empty(&'static str),
    /// A kind that the usage record does not have.
    #[error("`{found}` is no kind of the usage record\n  fix: {}", did_you_mean(*nearest, "use a kind such as", &["input", "input_cached", "output"]))]
    UnknownKind {
        /// What is written.
        found: String,
        /// The kind that looks most like it.
        nearest: Option<&'static str>,
    },
    /// Text that is none of the words possible here.
    #[error("`{found}` is not possible here\n  fix: {}", did_you_mean(*nearest, "write one of", known))]
    UnknownWord {
        /// What is written.
        found: String,
        /// The word that looks most like it.
        nearest: Option<&'static str>,
        /// The words possible.
        known: &'static [&'static str],
    },
    /// The same thing twice.
    #[error("`{0}` is written twice\n  fix: remove or rename one")]
    Twice(String),
    /// Two plans of one id in two files.
    #[error(
        "the plan's id is already used in {0}\n  fix: rename one of the two plans, or load only one of the files"
    )]
    PlanTwice(String),
    /// No currency code.
    #[error("`{0}` is no currency code\n  fix: write three capital letters of ISO 4217, such as CNY or USD")]
    Currency(String),
    /// A price below zero.
    #[error(
        "`{0}` is negative\n  fix: write the price as a positive decimal, or \"0\" if it is known to be free"
    )]
    NegativePrice(String),
    /// No decimal.
    #[error(
        "`{0}` is no decimal with at most 12 digits before and 15 after the point\n  fix: write it like \"0.25\" or \"5\""
    )]
    Price(String),
    /// The rates of a plan have no common denominator that fits.
    #[error(
        "the plan's rates have no common denominator below 2⁶³\n  fix: write `per` as 1, 1000 or 1000000"
    )]
    Denominator,
    /// A price for none of a thing.
    #[error("is 0\n  fix: write for how many the price is: 1000000 for tokens, 1 or 1000 for units")]
    Zero,
    /// More rates than a plan can have.
    #[error("has more than 65536 rates\n  fix: split the plan")]
    TooMany,
    /// No instant.
    #[error(
        "`{0}` is no instant of RFC 3339\n  fix: write date, time and offset, such as \"2026-06-18T10:00:00+08:00\""
    )]
    Instant(String),
    /// No date.
    #[error("`{0}` is no date\n  fix: write it like \"2026-10-01\"")]
    Date(String),
    /// `from` is not before `to`.
    #[error(
        "`from` {from} is not before `to` {to}: the rate never applies\n  fix: put the earlier instant in `from`"
    )]
    Backwards {
        /// First instant.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// A band that no count is in.
    #[error(
        "no count is within these bounds\n  fix: the lower bound (`gt` or `ge`) must leave room below the upper one (`lt` or `le`)"
    )]
    EmptyBand,
    /// Both of two bounds that exclude each other, or none.
    #[error("says {0}\n  fix: write one lower bound (`gt` or `ge`), one upper bound (`lt` or `le`), or both")]
    Bounds(&'static str),
    /// No time of day.
    #[error("`{0}` is no time of day\n  fix: write it like \"09:00\"; only an end may be \"24:00\"")]
    Time(String),
    /// A span that ends before it starts.
    #[error(
        "{0}–{1} runs backwards\n  fix: spans end on the day they start; split it into {0}–24:00 and 00:00–{1}"
    )]
    HoursBackwards(String, String),
    /// Two spans of one rate that overlap.
    #[error("{0} and {1} overlap\n  fix: write spans that share no minute; an end is not part of its span")]
    HoursOverlap(String, String),
    /// Hours or days without the zone they are read in.
    #[error(
        "is needed with `hours` or `days`\n  fix: write the IANA zone whose clock counts, such as \"Asia/Shanghai\""
    )]
    ZoneMissing,
    /// No time zone of that name.
    #[error("`{0}` is no time zone\n  fix: write an IANA name, such as \"Asia/Shanghai\" or \"UTC\"")]
    UnknownZone(String),
    /// No calendar of that name in the book.
    #[error("the book has no calendar `{found}`\n  fix: {}", if known.is_empty() { "add it to the book's `calendars`".to_owned() } else { format!("add it to the book's `calendars`, or use one of: {known}") })]
    UnknownCalendar {
        /// What is written.
        found: String,
        /// The book's calendars, comma separated.
        known: String,
    },
    /// A date that is both a holiday and a workday.
    #[error("{0} is a holiday and a workday of one calendar\n  fix: remove it from one of the lists")]
    HolidayAndWorkday(String),
    /// `*` elsewhere than at the end of a model's name.
    #[error(
        "`{0}` has a `*` before its end\n  fix: only a last `*` is a pattern: it matches every name that begins so"
    )]
    ModelPattern(String),
    /// A kind that takes its own rate, over one step or several.
    #[error("`{0}` takes its own rate in the end\n  fix: let `same_as` lead to a kind that has rates")]
    SameAsCircle(Kind),
    /// Two rates of a kind match the same request.
    #[error("rates `{}` and `{}` both match {} {}\n  fix: {}", both.first, both.second, both.kind, both.witness(), both.fix())]
    Overlap {
        /// The two, and a request that both match.
        both: Box<Overlap>,
    },
}

/// Two rates that match at once, shown by an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The kind that has two rates.
    pub kind: Kind,
    /// A rate's id.
    pub first: String,
    /// The other's.
    pub second: String,
    /// A tier that both are for.
    pub tier: Tier,
    /// An instant at which both match.
    pub at: Timestamp,
    /// A size of the prompt that both match, in tokens.
    pub prompt: u64,
    /// A size of the output that both match, in tokens.
    pub output: u64,
    /// One of the two is borrowed by `same_as`.
    pub borrowed: bool,
}

impl Overlap {
    fn witness(&self) -> String {
        format!(
            "in tier {} at {} with a prompt of {} and an output of {} tokens",
            self.tier, self.at, self.prompt, self.output
        )
    }

    fn fix(&self) -> String {
        if self.borrowed {
            return format!("`{}` has a rate of its own and one by `same_as`; remove one", self.kind);
        }
        "set them apart by tier, band, dates, hours or days; of two bands that meet, one takes the edge \
         (`le`) and the other does not (`gt`)"
            .to_owned()
    }
}

/// Why a price is unknown. Never zero for want of a rate: the call is refused, or its charge labelled unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// The plan has no rate at all for a kind.
    #[error(
        "plan `{plan}` has no rate for `{kind}`\n  fix: add a rate for `{kind}` to the plan (a price of \"0\" if it is free), or `same_as` with the kind whose rate it takes"
    )]
    NoRate {
        /// The plan's id.
        plan: Arc<str>,
        /// The kind without a rate.
        kind: Kind,
    },
    /// The plan has rates for a kind, but none for this tier, size or instant.
    #[error(
        "plan `{plan}` has no rate for `{kind}` in tier {tier} at {at} with a prompt of {prompt} and an output of {output} tokens\n  fix: add a rate for `{kind}` whose `when`, `from` and `to` take this in"
    )]
    NoneMatches {
        /// The plan's id.
        plan: Arc<str>,
        /// The kind without a rate.
        kind: Kind,
        /// The tier asked for.
        tier: Tier,
        /// The instant that picks the rate.
        at: Timestamp,
        /// Prompt tokens.
        prompt: u64,
        /// Output tokens.
        output: u64,
    },
    /// A charge that no amount of this record can hold.
    #[error(
        "the charge is above 9223372036 {currency}\n  fix: check the counts; no single attempt costs that"
    )]
    TooLarge {
        /// In what.
        currency: Currency,
    },
}

impl Unpriced {
    /// The stable code of refusals.
    pub const fn code(&self) -> &'static str {
        "price_unknown"
    }
}

fn did_you_mean(nearest: Option<&str>, otherwise: &str, known: &[&str]) -> String {
    nearest
        .map_or_else(|| format!("{otherwise} {}", known.join(", ")), |name| format!("did you mean `{name}`?"))
}
