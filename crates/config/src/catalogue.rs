//! The sites known without being written (`sites/sites.json`, `sites/vendors.json`) and the round trips to them
//! (`sites/rtt_ms.csv`).

use std::sync::LazyLock;

use crate::read::word;
use crate::types::{Location, Site};
use crate::values;
use crate::words::InferenceScope;

const SITES: [&str; 2] =
    [include_str!("../../../sites/sites.json"), include_str!("../../../sites/vendors.json")];
const ROUND_TRIPS: &str = include_str!("../../../sites/rtt_ms.csv");

/// The time from a caller's place to a site and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// Where from: `CN-SH`.
    pub origin: String,
    /// The site.
    pub site: String,
    /// How long, microseconds.
    pub micros: u64,
    /// Measured, rather than modelled by distance.
    pub measured: bool,
}

/// The sites of the catalogue.
pub fn sites() -> &'static [Site] {
    static ALL: LazyLock<Vec<Site>> = LazyLock::new(|| raw_sites().iter().filter_map(site).collect());
    &ALL
}

/// Where a vendor's usual address leads: the first of its sites in the catalogue.
pub fn usual_site(vendor: &str) -> Option<&'static Site> {
    let raw = raw_sites().iter().find(|site| site.operator.as_deref() == Some(vendor))?;
    sites().iter().find(|site| site.id == raw.id)
}

/// The round trips to them.
pub fn round_trips() -> &'static [RoundTrip] {
    static ALL: LazyLock<Vec<RoundTrip>> =
        LazyLock::new(|| ROUND_TRIPS.lines().skip(1).filter_map(round_trip).collect());
    &ALL
}

#[derive(serde::Deserialize)]
struct RawCatalogue {
    sites: Vec<RawSite>,
}

#[derive(serde::Deserialize)]
struct RawSite {
    id: String,
    operator: Option<String>,
    lat: f64,
    lon: f64,
    jurisdiction: String,
    inference_scope: String,
}

fn raw_sites() -> &'static [RawSite] {
    // The files are part of the program, and a test reads every row of them.
    static ALL: LazyLock<Vec<RawSite>> = LazyLock::new(|| {
        let read =
            |text: &&str| serde_json::from_str::<RawCatalogue>(text).map(|it| it.sites).unwrap_or_default();
        SITES.iter().flat_map(read).collect()
    });
    &ALL
}

fn site(raw: &RawSite) -> Option<Site> {
    Some(Site {
        id: raw.id.clone(),
        jurisdiction: values::country(&raw.jurisdiction).ok()?,
        location: Some(Location { lat: raw.lat, lon: raw.lon }),
        inference_scope: word::<InferenceScope>(&raw.inference_scope).ok()?,
        accelerators: vec![],
    })
}

/// `origin,city,site,great_circle_km,rtt_ms,source,basis`.
fn round_trip(line: &str) -> Option<RoundTrip> {
    let mut fields = line.splitn(7, ',');
    let (origin, site) = (fields.next()?, fields.nth(1)?);
    let (milliseconds, source) = (fields.nth(1)?, fields.next()?);
    let (whole, tenths) = milliseconds.split_once('.').unwrap_or((milliseconds, "0"));
    let micros = whole.parse::<u64>().ok()? * 1_000 + format!("{tenths:0<3}").parse::<u64>().ok()?;
    Some(RoundTrip {
        origin: origin.to_owned(),
        site: site.to_owned(),
        micros,
        measured: source == "measured",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_catalogue_is_read() {
        assert_eq!(
            sites().len(),
            SITES.iter().map(|text| text.matches("\"inference_scope\":").count()).sum::<usize>()
        );
        assert_eq!(round_trips().len(), ROUND_TRIPS.lines().count() - 1);
        // By eye from the file: CN-BJ,Beijing,cn-zhangjiakou,112,5.6,modelled.
        let near =
            round_trips().iter().find(|it| it.origin == "CN-BJ" && it.site == "cn-zhangjiakou").unwrap();
        assert_eq!((near.micros, near.measured), (5_600, false));
        for trip in round_trips() {
            assert!(sites().iter().any(|site| site.id == trip.site), "{}", trip.site);
        }
    }

    #[test]
    fn every_provider_that_a_key_enables_has_a_usual_site() {
        for row in dialects::QUIRKS.iter().filter(|row| row.key_env.is_some()) {
            assert!(usual_site(row.provider).is_some(), "{}", row.provider);
        }
        assert_eq!(usual_site("dashscope").unwrap().id, "dashscope-cn-beijing");
        assert!(usual_site("nobody").is_none());
    }
}
