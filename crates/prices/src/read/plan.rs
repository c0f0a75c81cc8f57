//! Reading a plan and its rates.

use std::sync::Arc;

use tokens::Kind;

use super::fields::{Fields, calendar_date, nearest, object, text, whole};
use super::price::{Ratio, common_denominator, nano_for_one};
use super::when::read_when;
use crate::book::Calendars;
use crate::error::{Fault, Place};
use crate::json::Node;
use crate::overlap::refuse_overlaps;
use crate::plan::{ModelPattern, Rate};
use crate::rate_ids::RateIds;
use crate::when::Band;
use crate::{BookError, Instant, Plan};

const PLAN_FIELDS: &[&str] =
    &["id", "provider", "models", "sites", "currency", "instant", "same_as", "source", "seen", "rates"];
const RATE_FIELDS: &[&str] = &["id", "kind", "price", "per", "from", "to", "when"];
/// Prices of tokens are for a million unless said otherwise.
const PER_TOKENS: u64 = 1_000_000;

/// Reads a plan; `place_in_book` names one that has no id.
pub(crate) fn read_plan(
    node: &Node,
    place_in_book: usize,
    calendars: &Calendars,
    book_version: &Arc<str>,
) -> Result<Plan, BookError> {
    let mut place = Place::default().field(&format!("plans[{place_in_book}]"));
    let mut fields = Fields::of(node, &place, PLAN_FIELDS)?;
    let id = fields.text("id")?;
    place = Place { plan: Some(id.to_owned()), ..Place::default() };
    fields.at(place.clone());
    fields.refuse_unknown()?;

    let (mut rates, mut ratios): (Vec<Rate>, Vec<Ratio>) = (Vec::new(), Vec::new());
    for (number, node) in fields.list("rates")?.iter().enumerate() {
        let (rate, ratio) = read_rate(node, number, &place, calendars)?;
        if rates.iter().any(|other| other.id == rate.id) {
            return Err(place.field("rates").error(Fault::Twice(rate.id.to_string())));
        }
        rates.push(rate);
        ratios.push(ratio);
    }
    let denominator = common_denominator(ratios.iter().copied())
        .ok_or_else(|| place.field("rates").error(Fault::Denominator))?;
    for (rate, ratio) in rates.iter_mut().zip(&ratios) {
        // Below 10³⁶ × 2⁶³ at worst, and then no charge at all fits: held at the end of the range.
        rate.share = ratio.numerator.saturating_mul(u128::from(denominator) / ratio.denominator);
    }
    let by_kind = rates_by_kind(&fields, &place, &rates)?;
    refuse_overlaps(&rates, &by_kind, &place)?;
    Ok(Plan {
        id: Arc::from(id),
        provider: Arc::from(fields.text("provider")?),
        models: read_models(&fields, &place)?,
        sites: fields.optional_names("sites")?.map(|sites| sites.into_iter().map(str::to_owned).collect()),
        currency: read_currency(&fields, &place)?,
        instant: read_instant(&fields, &place)?,
        source: fields.optional_text("source")?.map(str::to_owned),
        seen: read_seen(&fields, &place)?,
        book_version: Arc::clone(book_version),
        has_bands: rates.iter().any(|rate| rate.when.prompt != Band::ALL || rate.when.output != Band::ALL),
        rates,
        by_kind,
        denominator,
        rate_ids: RateIds::default(),
    })
}

/// Reads a rate; its `share` is set when all of the plan's denominators are known.
fn read_rate(
    node: &Node,
    number: usize,
    plan: &Place,
    calendars: &Calendars,
) -> Result<(Rate, Ratio), BookError> {
    let mut place = plan.field(&format!("rates[{number}]"));
    let mut fields = Fields::of(node, &place, RATE_FIELDS)?;
    let id = fields.text("id")?;
    place = Place { rate: Some(id.to_owned()), ..plan.clone() };
    fields.at(place.clone());
    fields.refuse_unknown()?;

    let kind = read_kind(fields.text("kind")?, &place.field("kind"))?;
    let per = match fields.optional("per") {
        None => PER_TOKENS,
        Some(node) => match whole(node, &place.field("per"))? {
            0 => return Err(place.field("per").error(Fault::Zero)),
            per => per,
        },
    };
    let price = fields.text("price")?;
    let ratio = nano_for_one(price, per).ok_or_else(|| {
        let is_negative =
            price.starts_with('-') && nano_for_one(price.trim_start_matches('-'), per).is_some();
        let fault = if is_negative { Fault::NegativePrice } else { Fault::Price };
        place.field("price").error(fault(price.to_owned()))
    })?;
    let when = read_when(&fields, &place, calendars)?;
    Ok((Rate { id: Arc::from(id), kind, price: price.to_owned(), per, share: 0, when }, ratio))
}

/// For each kind its own rates and those it takes by `same_as`, over as many steps as are written.
fn rates_by_kind(fields: &Fields, plan: &Place, rates: &[Rate]) -> Result<Vec<Vec<u16>>, BookError> {
    let place = plan.field("same_as");
    let mut takes: Vec<(Kind, Kind)> = Vec::new();
    if let Some(node) = fields.optional("same_as") {
        for (name, node) in object(node, &place)? {
            let target = read_kind(text(node, &place.field(name))?, &place.field(name))?;
            takes.push((read_kind(name, &place)?, target));
        }
    }
    let mut by_kind = Vec::with_capacity(Kind::COUNT);
    for kind in Kind::ALL {
        let (mut found, mut from, mut steps) = (Vec::new(), Some(*kind), 0);
        while let Some(source) = from {
            for (number, _) in rates.iter().enumerate().filter(|(_, rate)| rate.kind == source) {
                found.push(u16::try_from(number).map_err(|_| plan.field("rates").error(Fault::TooMany))?);
            }
            from = takes.iter().find(|(taker, _)| *taker == source).map(|(_, target)| *target);
            steps += 1;
            if steps > Kind::COUNT {
                return Err(place.error(Fault::SameAsCircle(*kind)));
            }
        }
        by_kind.push(found);
    }
    Ok(by_kind)
}

fn read_kind(name: &str, place: &Place) -> Result<Kind, BookError> {
    name.parse().map_err(|_| {
        let names: Vec<&'static str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        place.error(Fault::UnknownKind { found: name.to_owned(), nearest: nearest(name, &names) })
    })
}

fn read_models(fields: &Fields, plan: &Place) -> Result<Vec<ModelPattern>, BookError> {
    let place = plan.field("models");
    let missing =
        || place.error(Fault::Missing("it is a list of served names; a last `*` stands for any rest"));
    let names = fields.optional_names("models")?.ok_or_else(missing)?;
    let pattern = |name: &str| {
        let prefix = name.strip_suffix('*');
        if prefix.unwrap_or(name).contains('*') {
            return Err(place.error(Fault::ModelPattern(name.to_owned())));
        }
        Ok(prefix.map_or_else(
            || ModelPattern::Name(name.to_owned()),
            |prefix| ModelPattern::Prefix(prefix.to_owned()),
        ))
    };
    names.into_iter().map(pattern).collect()
}

fn read_currency(fields: &Fields, plan: &Place) -> Result<crate::Currency, BookError> {
    let code = fields.text("currency")?;
    code.parse().map_err(|_| plan.field("currency").error(Fault::Currency(code.to_owned())))
}

fn read_instant(fields: &Fields, plan: &Place) -> Result<Instant, BookError> {
    const KNOWN: &[&str] = &["opened", "ended"];
    match fields.optional_text("instant")? {
        None | Some("opened") => Ok(Instant::Opened),
        Some("ended") => Ok(Instant::Ended),
        Some(other) => {
            let fault =
                Fault::UnknownWord { found: other.to_owned(), nearest: nearest(other, KNOWN), known: KNOWN };
            Err(plan.field("instant").error(fault))
        }
    }
}

fn read_seen(fields: &Fields, plan: &Place) -> Result<Option<jiff::civil::Date>, BookError> {
    let Some(written) = fields.optional_text("seen")? else { return Ok(None) };
    let date = calendar_date(written);
    date.map(Some).ok_or_else(|| plan.field("seen").error(Fault::Date(written.to_owned())))
}
