//! Rating straight from the book's JSON, as the format's text says it: big fractions, jiff's civil dates, every rate
//! looked at. Shares no code with the crate but the kinds.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use num_bigint::BigInt;
use num_rational::BigRational;
use serde_json::Value;
use tokens::{Kind, Tokens};

/// The ids of the rates of a plan that match a kind.
pub fn matching<'b>(
    book: &'b Value,
    plan: &'b Value,
    kind: Kind,
    at: Timestamp,
    tier: &str,
    used: &Tokens,
) -> Vec<&'b Value> {
    let mut kinds = vec![kind.name()];
    while let Some(next) = plan["same_as"][*kinds.last().unwrap()].as_str() {
        kinds.push(next);
    }
    let rates = plan["rates"].as_array().unwrap().iter();
    rates
        .filter(|rate| kinds.contains(&rate["kind"].as_str().unwrap()) && holds(book, rate, at, tier, used))
        .collect()
}

/// The exact sum in currency units, or the kind that has not exactly one rate.
pub fn exact(
    book: &Value,
    plan: &Value,
    at: Timestamp,
    tier: &str,
    used: &Tokens,
) -> Result<BigRational, (Kind, usize)> {
    let mut sum = BigRational::from_integer(0.into());
    for (kind, count) in used.iter() {
        let rates = matching(book, plan, kind, at, tier, used);
        let [rate] = rates.as_slice() else { return Err((kind, rates.len())) };
        let per = rate["per"].as_u64().unwrap_or(1_000_000);
        sum += decimal(rate["price"].as_str().unwrap()) * BigInt::from(count) / BigInt::from(per);
    }
    Ok(sum)
}

/// To 10⁻⁹, half to even.
pub fn round(amount: &BigRational) -> BigInt {
    let nano = amount * BigInt::from(1_000_000_000);
    let floor = nano.floor().to_integer();
    let half = BigRational::new(1.into(), 2.into());
    let rest = nano - BigRational::from_integer(floor.clone());
    let is_odd = floor.clone() % 2 != BigInt::from(0);
    if rest > half || (rest == half && is_odd) { floor + 1 } else { floor }
}

/// A decimal, or a fraction `n/d`.
pub fn decimal(text: &str) -> BigRational {
    if let Some((numerator, denominator)) = text.split_once('/') {
        return BigRational::new(numerator.parse().unwrap(), denominator.parse().unwrap());
    }
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    let scale = BigInt::from(10).pow(after.len().try_into().unwrap());
    BigRational::new(format!("{before}{after}").parse().unwrap(), scale)
}

fn holds(book: &Value, rate: &Value, at: Timestamp, tier: &str, used: &Tokens) -> bool {
    let when = &rate["when"];
    let instant = |name: &str| rate[name].as_str().map(|text| text.parse::<Timestamp>().unwrap());
    let tiers: Vec<&str> = match when["tier"].as_array() {
        Some(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        None => vec!["standard"],
    };
    tiers.contains(&tier)
        && instant("from").is_none_or(|from| at >= from)
        && instant("to").is_none_or(|to| at < to)
        && within(&when["prompt_tokens"], used, Kind::is_prompt)
        && within(&when["output_tokens"], used, Kind::is_output)
        && clock_holds(book, when, at)
}

fn within(band: &Value, used: &Tokens, counts: fn(Kind) -> bool) -> bool {
    let total: u64 = used.iter().filter(|(kind, _)| counts(*kind)).map(|(_, count)| count).sum();
    let bound =
        |name: &str, fits: fn(u64, u64) -> bool| band[name].as_u64().is_none_or(|bound| fits(total, bound));
    bound("gt", |n, b| n > b)
        && bound("ge", |n, b| n >= b)
        && bound("lt", |n, b| n < b)
        && bound("le", |n, b| n <= b)
}

/// Hours and days hold.
pub fn clock_holds(book: &Value, when: &Value, at: Timestamp) -> bool {
    let Some(zone) = when["zone"].as_str() else { return true };
    let local = at.to_zoned(TimeZone::get(zone).unwrap()).datetime();
    let in_hours = when["hours"].as_array().is_none_or(|spans| {
        spans.iter().any(|span| {
            let time = |end: usize| span[end].as_str().unwrap();
            let starts: Time = format!("{}:00", time(0)).parse().unwrap();
            let before_end = time(1) == "24:00" || local.time() < format!("{}:00", time(1)).parse().unwrap();
            local.time() >= starts && before_end
        })
    });
    let calendar = &book["calendars"][when["calendar"].as_str().unwrap_or("")];
    let listed = |list: &str| {
        calendar[list]
            .as_array()
            .is_some_and(|dates| dates.iter().any(|date| date == &local.date().to_string()))
    };
    let weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    let workday = listed("workdays") || (!weekend && !listed("holidays"));
    let in_days = match &when["days"] {
        Value::String(word) if word == "workday" => workday,
        Value::String(_) => !workday,
        Value::Array(names) => {
            let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let today = all[usize::try_from(local.weekday().to_monday_zero_offset()).unwrap()];
            names.iter().any(|name| name == today)
        }
        _ => true,
    };
    in_hours && in_days
}
