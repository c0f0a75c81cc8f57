//! The sites known without being written: `sites/sites.json` and the round trips to them, `sites/rtt_ms.csv`.

use std::sync::LazyLock;

use crate::types::{Location, Site};
use crate::values;
use crate::words::InferenceScope;

const SITES: &str = include_str!("../../../sites/sites.json");
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
    static ALL: LazyLock<Vec<Site>> = LazyLock::new(read_sites);
    &ALL
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
    lat: f64,
    lon: f64,
    jurisdiction: String,
    inference_scope: String,
}

fn read_sites() -> Vec<Site> {
    // The file is part of the program, and a test reads every row of it.
    let raw: Vec<RawSite> =
        serde_json::from_str::<RawCatalogue>(SITES).map(|it| it.sites).unwrap_or_default();
    raw.into_iter()
        .filter_map(|site| {
            Some(Site {
                id: site.id,
                jurisdiction: values::country(&site.jurisdiction).ok()?,
                location: Some(Location { lat: site.lat, lon: site.lon }),
                inference_scope: crate::read::word::<InferenceScope>(&site.inference_scope).ok()?,
                accelerators: vec![],
            })
        })
        .collect()
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
    use crate::known::KNOWN;

    #[test]
    fn every_row_of_the_catalogue_is_read() {
        assert_eq!(sites().len(), SITES.matches("\"inference_scope\":").count());
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
    fn the_catalogue_has_the_usual_sites_of_its_vendors() {
        let absent: Vec<&str> =
            KNOWN.iter().map(|it| it.site).filter(|id| !sites().iter().any(|site| site.id == *id)).collect();
        // Their configurations without a file declare these themselves.
        assert_eq!(absent, ["moonshot-cn", "zhipu-cn", "minimax-cn", "siliconflow-cn"]);
    }
}
