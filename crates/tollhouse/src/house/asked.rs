//! What is asked through the admin API or the command line, in the terms of `accounts`.

use accounts::{BudgetDef, HoldBy, KeySpec, Mode, Scope, Window, parse_allowance};
use console::{BudgetChange, NewKey, Problem};
use ledger::UnixMicros;

pub(super) fn definition(id: &str, change: BudgetChange) -> Result<BudgetDef, Problem> {
    let mut scope = Scope::default();
    for (part, value) in change.scope {
        let slot = match part.as_str() {
            "org" => &mut scope.org,
            "project" => &mut scope.project,
            "key" => &mut scope.key,
            "app" => &mut scope.app,
            "domain" => &mut scope.domain,
            "user" => &mut scope.user,
            "model" => &mut scope.model,
            "provider" => &mut scope.provider,
            other => {
                let fix = "write org, project, key, app, domain, user, model or provider";
                return Err(Problem::field("scope", format!("`{other}` is no part of a scope"), fix));
            }
        };
        *slot = Some(value);
    }
    let limit = change.limit.parse().map_err(|error: prices::MoneyError| {
        Problem::field("limit", error.to_string(), "write an amount and a currency: 5000 CNY")
    })?;
    Ok(BudgetDef {
        id: id.to_owned(),
        scope,
        limit,
        window: read_word(
            "window",
            &change.window,
            &[
                ("hour", Window::Hour),
                ("day", Window::Day),
                ("week", Window::Week),
                ("month", Window::Month),
                ("total", Window::Total),
            ],
        )?,
        mode: read_word("mode", &change.mode, &[("enforce", Mode::Enforce), ("warn", Mode::Warn)])?,
        hold: read_word("hold", &change.hold, &[("p99", HoldBy::P99), ("max", HoldBy::Max)])?,
        zone: String::new(),
    })
}

fn read_word<T: Copy>(field: &str, word: &str, known: &[(&str, T)]) -> Result<T, Problem> {
    known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| {
        let names = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        Problem::field(field, format!("`{word}` is none of {names}"), format!("write one of {names}"))
    })
}

type Allowance = (prices::Charge, Window);

/// A key to be made, and the budget of its own.
pub(crate) fn spec(new: NewKey) -> Result<(KeySpec, Option<Allowance>), Problem> {
    let expires = match &new.expires {
        None => None,
        Some(text) => {
            let at: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| {
                Problem::field(
                    "expires",
                    error.to_string(),
                    "write an RFC 3339 time: 2027-12-31T00:00:00+08:00",
                )
            })?;
            Some(UnixMicros(at.as_microsecond()))
        }
    };
    let allowance = match &new.budget {
        None => None,
        Some(text) => Some(parse_allowance(text).map_err(|error| {
            Problem::field(
                "budget",
                error.to_string(),
                "write an amount, a currency and a window: 100 CNY/month",
            )
        })?),
    };
    let spec = KeySpec {
        id: new.id,
        project: new.project,
        app: new.app,
        domain: (!new.domain.is_empty()).then_some(new.domain),
        models: new.models,
        limits: accounts::Limits {
            rpm: new.limits.rpm,
            tpm: new.limits.tpm,
            concurrency: new.limits.concurrency,
        },
        expires,
    };
    Ok((spec, allowance))
}

/// The budget that comes with a key.
pub(crate) fn own_budget(key: &str, limit: prices::Charge, window: Window) -> BudgetDef {
    BudgetDef {
        id: format!("{key}-budget"),
        scope: Scope { key: Some(key.to_owned()), ..Scope::default() },
        limit,
        window,
        mode: Mode::Enforce,
        hold: HoldBy::Max,
        zone: String::new(),
    }
}
