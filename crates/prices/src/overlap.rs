//! Whether two rates can match at once: decided exactly, by intersecting their conditions, and shown by an example.
//!
//! Tiers, bands and dates are sets and spans. Hours and days are what a clock shows, and two rates may read clocks
//! of different zones: time is cut where an offset changes and where a calendar's special day begins or ends.
//! Between two cuts both conditions repeat every seven days, so the first seven days of a piece decide it.

use jiff::Timestamp;
use tokens::Kind;

use crate::clock::{DAY, Days, WallClock};
use crate::error::{Fault, Overlap, Place};
use crate::plan::Rate;
use crate::when::{Band, When};
use crate::{BookError, Tier};

const WEEK: i64 = 7 * DAY;
/// 2100-01-01: zones have no dates of their own beyond (in tzdata 2026 the last are Morocco's of 2087), only yearly
/// rules.
const RULES_ONLY: i64 = 4_102_444_800;
/// 2026-01-01.
const RECENT: i64 = 1_767_225_600;
/// The Gregorian calendar repeats, weekdays included, every 400 years (146,097 days = 20,871 weeks), and so do
/// yearly rules.
const CYCLE: i64 = 146_097 * DAY;

/// Refuses the plan if any kind has two rates that can match one request.
pub(crate) fn refuse_overlaps(rates: &[Rate], by_kind: &[Vec<u16>], plan: &Place) -> Result<(), BookError> {
    for (kind, places) in Kind::ALL.iter().zip(by_kind) {
        let own: Vec<&Rate> = places.iter().filter_map(|place| rates.get(usize::from(*place))).collect();
        for (number, first) in own.iter().enumerate() {
            for second in own.iter().skip(number + 1) {
                if let Some(example) = both_match(*kind, &first.when, &second.when) {
                    let both = Box::new(Overlap {
                        kind: *kind,
                        first: first.id.to_string(),
                        second: second.id.to_string(),
                        borrowed: first.kind != second.kind,
                        ..example
                    });
                    let place = Place { rate: Some(second.id.to_string()), ..plan.clone() };
                    return Err(place.error(Fault::Overlap { both }));
                }
            }
        }
    }
    Ok(())
}

/// A request with some of this kind that both conditions match; `None`: there is none.
fn both_match(kind: Kind, first: &When, second: &When) -> Option<Overlap> {
    let tier = Tier::ALL.iter().find(|tier| first.tiers & second.tiers & tier.bit() != 0)?;
    // A count above zero is part of its own total.
    let some = |counts: bool| Band { least: u64::from(counts), most: u64::MAX };
    let prompt = first.prompt.and(second.prompt)?.and(some(kind.is_prompt()))?;
    let output = first.output.and(second.output)?.and(some(kind.is_output()))?;
    let at = shared_instant(first, second)?;
    Some(Overlap {
        kind,
        first: String::new(),
        second: String::new(),
        tier: *tier,
        at,
        prompt: prompt.least,
        output: output.least,
        borrowed: false,
    })
}

/// An instant at which dates, hours and days of both hold.
fn shared_instant(first: &When, second: &When) -> Option<Timestamp> {
    // `None` is before any `from`.
    let from = first.from.max(second.from);
    let to = [first.to, second.to].into_iter().flatten().min();
    let start = from.unwrap_or(Timestamp::MIN);
    if to.is_some_and(|to| to <= start) {
        return None;
    }
    let (first, second) = (first.clock.as_deref(), second.clock.as_deref());
    if first.is_none() && second.is_none() {
        // Any instant of the span will do: the one that reads best.
        let last = to.and_then(|to| to.checked_sub(jiff::SignedDuration::from_nanos(1)).ok());
        return Some(from.or(last).unwrap_or(Timestamp::UNIX_EPOCH));
    }
    if let (Some(first), Some(second)) = (first, second)
        && never_together(first, second)
    {
        return None;
    }
    // Clocks change their answer at whole seconds only: the seconds that the span touches decide.
    let second_of = |at: Timestamp| at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    let start_second = second_of(start);
    let clocks = [first, second];
    let end = to.map_or_else(
        || horizon(start_second, &clocks),
        |to| second_of(to) + i64::from(to.subsec_nanosecond() != 0),
    );
    // An open start would show an example of the year −9999: look in our own times first.
    let recent = search(start_second.max(RECENT), end, &clocks);
    let found = recent.or_else(|| search(start_second, end.min(RECENT), &clocks))?;
    Timestamp::from_second(found).ok().map(|at| at.max(start))
}

/// Quick and certain: clocks of one zone whose hours or days never meet.
fn never_together(first: &WallClock, second: &WallClock) -> bool {
    if first.zone != second.zone {
        return false;
    }
    let hours_meet = first.hours.iter().any(|a| second.hours.iter().any(|b| a.0.max(b.0) < a.1.min(b.1)));
    let days_apart = match (&first.days, &second.days) {
        (Some(Days::Workday(work)), Some(Days::Restday(rest)))
        | (Some(Days::Restday(rest)), Some(Days::Workday(work))) => work == rest,
        (Some(Days::Weekdays(a)), Some(Days::Weekdays(b))) => a & b == 0,
        _ => false,
    };
    !hours_meet || days_apart
}

/// Where an open end may be cut off: what has not happened by then never will.
fn horizon(start: i64, clocks: &[Option<&WallClock>; 2]) -> i64 {
    let special = clocks.iter().flatten().filter_map(|clock| clock.days.as_ref()?.special().max());
    let last_special = special.max().map_or(i64::MIN, |day| (day + 2) * DAY);
    start.max(RULES_ONLY).max(last_special).saturating_add(CYCLE + 2 * WEEK).min(Timestamp::MAX.as_second())
}

/// The first second of `start..end` at which both clocks hold.
fn search(start: i64, end: i64, clocks: &[Option<&WallClock>; 2]) -> Option<i64> {
    let mut from = start;
    while from < end {
        let at = Timestamp::from_second(from).ok()?;
        // Until the next change of either offset, or the end.
        let changes = clocks.iter().flatten().filter_map(|clock| clock.zone.rules.following(at).next());
        let until = changes.map(|change| change.timestamp().as_second()).fold(end, i64::min);
        let offsets =
            clocks.map(|clock| clock.map_or(0, |clock| clock.zone.rules.to_offset(at).seconds().into()));
        if let Some(found) = search_between_changes(from, until, clocks, offsets) {
            return Some(found);
        }
        from = until;
    }
    None
}

fn search_between_changes(
    from: i64,
    until: i64,
    clocks: &[Option<&WallClock>; 2],
    offsets: [i64; 2],
) -> Option<i64> {
    let mut cuts = vec![from, until];
    for (clock, offset) in clocks.iter().zip(offsets) {
        let special = clock.and_then(|clock| clock.days.as_ref()).into_iter().flat_map(Days::special);
        cuts.extend(special.flat_map(|day| [day * DAY - offset, (day + 1) * DAY - offset]));
    }
    cuts.retain(|cut| (from..=until).contains(cut));
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces = cuts.iter().zip(cuts.iter().skip(1));
    pieces.find_map(|(from, until)| {
        let until = (*until).min(from + WEEK);
        let [first, second] = [0, 1].map(|number| {
            let (clock, offset) =
                (clocks.get(number).copied().flatten(), offsets.get(number).copied().unwrap_or(0));
            clock.map_or_else(|| vec![(*from, until)], |clock| spans(clock, offset, *from, until))
        });
        first.iter().find_map(|a| {
            second.iter().map(|b| (a.0.max(b.0), a.1.min(b.1))).find(|(s, e)| s < e).map(|(s, _)| s)
        })
    })
}

/// The seconds of `from..until` (a week at most) at which a clock of this offset holds.
fn spans(clock: &WallClock, offset: i64, from: i64, until: i64) -> Vec<(i64, i64)> {
    let days = (from + offset).div_euclid(DAY)..=(until + offset).div_euclid(DAY);
    let held = days.filter(|day| clock.days.as_ref().is_none_or(|days| days.hold(*day)));
    held.flat_map(|day| {
        let midnight = day * DAY - offset;
        clock
            .hours
            .iter()
            .map(move |(start, end)| ((midnight + start).max(from), (midnight + end).min(until)))
    })
    .filter(|(start, end)| start < end)
    .collect()
}
