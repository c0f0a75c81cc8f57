//! What a report can be grouped by.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{Settled, UnixMicros, name};

use crate::QueryError;

macro_rules! dimensions {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// A field to group by. Its name is the field's name in rows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum By { $(#[doc = $doc] $variant,)* }

        impl By {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in rows and in `--by`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

dimensions! {
    Provider = "provider", "Who served it.";
    Model = "model", "The provider's name of the model.";
    RequestedModel = "requested_model", "The model that the client asked for.";
    Offer = "offer", "The offer.";
    Site = "site", "Where it ran.";
    Jurisdiction = "jurisdiction", "Whose law applies there.";
    Dialect = "dialect", "The wire format spoken to the provider.";
    Org = "org", "Who pays.";
    Project = "project", "A budgeted unit of it.";
    Key = "key", "The API key's id.";
    App = "app", "The caller's app.";
    Domain = "domain", "The domain.";
    User = "user", "The user, hashed.";
    Provenance = "provenance", "How usage is known.";
    Status = "status", "How the attempt ended.";
    Currency = "currency", "The currency of the charge.";
    Month = "month", "The month of opening, `2026-11`.";
    Day = "day", "The day of opening, `2026-11-24`.";
    Hour = "hour", "The hour of opening, `2026-11-24T08:00+08:00`.";
}

impl By {
    /// Reads a comma separated list, such as `provider,day`; empty text: no grouping.
    pub fn list(text: &str) -> Result<Vec<Self>, QueryError> {
        let mut fields = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let field: Self = name.parse()?;
            if fields.contains(&field) {
                return Err(QueryError::ByTwice(name.to_owned()));
            }
            fields.push(field);
        }
        Ok(fields)
    }

    /// A stretch of time; rows are then in its order.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Month | Self::Day | Self::Hour)
    }

    pub(crate) fn names() -> String {
        Self::ALL.iter().map(|by| by.name()).collect::<Vec<_>>().join(", ")
    }

    /// The value of the field; empty text: not said.
    pub(crate) fn of(self, settled: &Settled, zone: &TimeZone) -> crate::Name {
        let opened = &settled.opened;
        match self {
            Self::Provider => opened.offer.provider.clone(),
            Self::Model => opened.offer.model.clone(),
            Self::RequestedModel => opened.requested_model.clone(),
            Self::Offer => opened.offer.offer.clone(),
            Self::Site => opened.offer.site.clone(),
            Self::Jurisdiction => opened.offer.jurisdiction.clone(),
            Self::Dialect => opened.offer.dialect.clone(),
            Self::Org => opened.labels.org.clone(),
            Self::Project => opened.labels.project.clone(),
            Self::Key => opened.labels.key.clone(),
            Self::App => opened.labels.app.clone(),
            Self::Domain => opened.labels.domain.clone(),
            Self::User => opened.labels.user.clone(),
            Self::Provenance => name(settled.provenance.name()),
            Self::Status => name(settled.status.name()),
            Self::Currency => name(settled.currency.code()),
            Self::Month => name(&stretch(opened.opened_at, zone, "%Y-%m")),
            Self::Day => name(&stretch(opened.opened_at, zone, "%Y-%m-%d")),
            // The offset tells the two hours apart that a change from summer time repeats.
            Self::Hour => name(&stretch(opened.opened_at, zone, "%Y-%m-%dT%H:00%:z")),
        }
    }
}

fn stretch(at: UnixMicros, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_microsecond(at.0) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

impl FromStr for By {
    type Err = QueryError;

    fn from_str(name: &str) -> Result<Self, QueryError> {
        Self::ALL.iter().copied().find(|by| by.name() == name).ok_or_else(|| QueryError::By(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_mistakes_named() {
        assert_eq!(By::list("provider, day"), Ok(vec![By::Provider, By::Day]));
        assert_eq!(By::list(""), Ok(vec![]));
        assert_eq!(By::list("day,day"), Err(QueryError::ByTwice("day".to_owned())));
        assert!(By::list("vendor").unwrap_err().to_string().contains("provider, model"));
    }

    #[test]
    fn a_day_is_the_zones_day_and_summer_time_repeats_no_hour() {
        let at = |text: &str| crate::instant(text, &TimeZone::UTC).unwrap();
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        // 23:30 UTC is 07:30 of the next day in Shanghai (UTC+8).
        assert_eq!(stretch(at("2026-11-24T23:30:00Z"), &shanghai, "%Y-%m-%d"), "2026-11-25");
        // New York leaves summer time on 2026-11-01 at 06:00 UTC: 01:30 comes twice.
        let new_york = TimeZone::get("America/New_York").unwrap();
        let hour = |text| stretch(at(text), &new_york, "%Y-%m-%dT%H:00%:z");
        assert_eq!(hour("2026-11-01T05:30:00Z"), "2026-11-01T01:00-04:00");
        assert_eq!(hour("2026-11-01T06:30:00Z"), "2026-11-01T01:00-05:00");
    }
}
