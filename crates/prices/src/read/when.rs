//! Reading `from`, `to` and `when` of a rate.

use super::fields::{Fields, has_shape, list, nearest, text, whole, wrong_type};
use crate::book::Calendars;
use crate::clock::{DAY, Days, WallClock, Zone};
use crate::error::{Fault, Place};
use crate::json::Node;
use crate::when::{Band, When};
use crate::{BookError, Tier};

const WHEN_FIELDS: &[&str] = &["tier", "prompt_tokens", "output_tokens", "hours", "days", "calendar", "zone"];
const TIERS: &[&str] = &["standard", "batch", "flex", "priority"];
const DAYS: &[&str] = &["workday", "restday"];
const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads when a rate applies.
pub(crate) fn read_when(rate: &Fields, place: &Place, calendars: &Calendars) -> Result<When, BookError> {
    let mut when = When {
        tiers: Tier::Standard.bit(),
        prompt: Band::ALL,
        output: Band::ALL,
        from: rate.optional_instant("from")?,
        to: rate.optional_instant("to")?,
        clock: None,
    };
    if let (Some(from), Some(to)) = (when.from, when.to)
        && from >= to
    {
        return Err(place.error(Fault::Backwards { from, to }));
    }
    let Some(node) = rate.optional("when") else { return Ok(when) };
    let place = place.field("when");
    let fields = Fields::strict(node, &place, WHEN_FIELDS)?;
    if let Some(names) = fields.optional_names("tier")? {
        when.tiers = 0;
        for name in names {
            let tier: Tier = name.parse().map_err(|_| unknown_word(name, TIERS, &place.field("tier")))?;
            when.tiers |= tier.bit();
        }
    }
    when.prompt = read_band(&fields, &place, "prompt_tokens")?;
    when.output = read_band(&fields, &place, "output_tokens")?;
    when.clock = read_clock(&fields, &place, calendars)?.map(Box::new);
    Ok(when)
}

fn read_band(when: &Fields, place: &Place, name: &str) -> Result<Band, BookError> {
    let Some(node) = when.optional(name) else { return Ok(Band::ALL) };
    let place = place.field(name);
    let fields = Fields::strict(node, &place, &["gt", "ge", "lt", "le"])?;
    let bound = |name: &str| fields.optional(name).map(|node| whole(node, &place.field(name))).transpose();
    // `None` within: no count is above u64::MAX, or below 0.
    let least = match (bound("gt")?, bound("ge")?) {
        (None, None) => None,
        (Some(above), None) => Some(above.checked_add(1)),
        (None, Some(least)) => Some(Some(least)),
        (Some(_), Some(_)) => return Err(place.error(Fault::Bounds("both `gt` and `ge`"))),
    };
    let most = match (bound("lt")?, bound("le")?) {
        (None, None) => None,
        (Some(below), None) => Some(below.checked_sub(1)),
        (None, Some(most)) => Some(Some(most)),
        (Some(_), Some(_)) => return Err(place.error(Fault::Bounds("both `lt` and `le`"))),
    };
    if least.is_none() && most.is_none() {
        return Err(place.error(Fault::Bounds("no bound")));
    }
    match (least.unwrap_or(Some(0)), most.unwrap_or(Some(u64::MAX))) {
        (Some(least), Some(most)) if least <= most => Ok(Band { least, most }),
        _ => Err(place.error(Fault::EmptyBand)),
    }
}

fn read_clock(when: &Fields, place: &Place, calendars: &Calendars) -> Result<Option<WallClock>, BookError> {
    let calendar = match when.optional_text("calendar")? {
        None => None,
        Some(name) => Some(calendars.get(name).cloned().ok_or_else(|| {
            let known = calendars.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            place.field("calendar").error(Fault::UnknownCalendar { found: name.to_owned(), known })
        })?),
    };
    let zone = match when.optional_text("zone")? {
        None => None,
        Some(name) => {
            let unknown = || place.field("zone").error(Fault::UnknownZone(name.to_owned()));
            Some(Zone::named(name).ok_or_else(unknown)?)
        }
    };
    let hours = read_hours(when, place)?;
    let days = match when.optional("days") {
        None => None,
        // Without a calendar there are no holidays: workdays are Monday to Friday.
        Some(node) => Some(read_days(node, &place.field("days"), calendar.unwrap_or_default())?),
    };
    if hours.is_none() && days.is_none() {
        return Ok(None);
    }
    let zone = zone.ok_or_else(|| place.field("zone").error(Fault::ZoneMissing))?;
    Ok(Some(WallClock { zone, hours: hours.unwrap_or_else(|| vec![(0, DAY)]), days }))
}

fn read_days(
    node: &Node,
    place: &Place,
    calendar: std::sync::Arc<crate::clock::Calendar>,
) -> Result<Days, BookError> {
    match node {
        Node::Text(word) => match word.as_str() {
            "workday" => Ok(Days::Workday(calendar)),
            "restday" => Ok(Days::Restday(calendar)),
            other => Err(unknown_word(other, DAYS, place)),
        },
        Node::List(nodes) if nodes.is_empty() => {
            Err(place.error(Fault::Empty("name a weekday, or remove it")))
        }
        Node::List(nodes) => {
            let mut mask = 0_u8;
            for node in nodes {
                let name = text(node, place)?;
                let number = WEEKDAYS.iter().position(|day| *day == name);
                let bit = 1_u8 << number.ok_or_else(|| unknown_word(name, WEEKDAYS, place))?;
                if mask & bit != 0 {
                    return Err(place.error(Fault::Twice(name.to_owned())));
                }
                mask |= bit;
            }
            Ok(Days::Weekdays(mask))
        }
        other => {
            Err(wrong_type(other, place, "`workday`, `restday` or a list of weekdays", "[\"sat\", \"sun\"]"))
        }
    }
}

/// Spans in seconds of the day, sorted.
fn read_hours(when: &Fields, place: &Place) -> Result<Option<Vec<(i64, i64)>>, BookError> {
    let Some(nodes) = when.optional_list("hours")? else { return Ok(None) };
    let place = place.field("hours");
    let mut spans: Vec<(i64, i64, String)> = Vec::new();
    for node in nodes {
        let [from, to] = list(node, &place)? else {
            return Err(wrong_type(node, &place, "a list of spans of two times", "[[\"09:00\", \"12:00\"]]"));
        };
        let (from, to) = (text(from, &place)?, text(to, &place)?);
        let time =
            |written: &str| seconds(written).ok_or_else(|| place.error(Fault::Time(written.to_owned())));
        let (start, end) = (time(from)?, time(to)?);
        if start == DAY {
            return Err(place.error(Fault::Time(from.to_owned())));
        }
        if start >= end {
            return Err(place.error(Fault::HoursBackwards(from.to_owned(), to.to_owned())));
        }
        spans.push((start, end, format!("{from}–{to}")));
    }
    if spans.is_empty() {
        return Err(place.error(Fault::Empty("write a span of hours, or remove it")));
    }
    spans.sort_unstable();
    for (first, second) in spans.iter().zip(spans.iter().skip(1)) {
        if second.0 < first.1 {
            return Err(place.error(Fault::HoursOverlap(first.2.clone(), second.2.clone())));
        }
    }
    Ok(Some(spans.into_iter().map(|(from, to, _)| (from, to)).collect()))
}

/// `HH:MM` as seconds of the day, 24:00 included.
fn seconds(written: &str) -> Option<i64> {
    if !has_shape(written, "dd:dd") {
        return None;
    }
    let (hours, minutes) = written.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60 && seconds <= DAY).then_some(seconds)
}

fn unknown_word(found: &str, known: &'static [&'static str], place: &Place) -> BookError {
    place.error(Fault::UnknownWord { found: found.to_owned(), nearest: nearest(found, known), known })
}
