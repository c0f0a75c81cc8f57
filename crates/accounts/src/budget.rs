//! What a budget is: its definition, which calls it covers, and how it is written.

use std::fmt;

use jiff::tz::TimeZone;
use prices::Charge;

use crate::AccountsError;

/// A limit over a window in a scope. Its JSON is what a `budget` entry carries:
/// `{"id":"claims-month","scope":{"project":"claims"},"limit":"5000 CNY","window":"month","mode":"enforce",
/// "hold":"p99","zone":"Asia/Shanghai"}`.
///
/// Limit, mode and hold may change and its counts go on. Scope, window, zone and currency are what it *is*.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)] // a part of a scope that is not understood would make it wider than meant
pub struct BudgetDef {
    /// Its id.
    pub id: String,
    /// The calls it covers.
    #[serde(default)]
    pub scope: Scope,
    /// How much may be spent and held in one window.
    #[serde(with = "amount")]
    pub limit: Charge,
    /// Over what time.
    pub window: Window,
    /// Refuse, or only count.
    #[serde(default)]
    pub mode: Mode,
    /// How much a call holds.
    #[serde(default)]
    pub hold: HoldBy,
    /// IANA name of the zone its windows are read in. Empty when asked for: that of the org in scope, where one is,
    /// else UTC. Never empty once set.
    #[serde(default)]
    pub zone: String,
}

/// Which calls: every part that is said must equal the call's label exactly. Nothing said: every call.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The key's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The user's label ([`crate::user_label`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The model, as the client asked for it or as the provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Scope {
    /// The parts that are said, with their names.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("org", &self.org),
            ("project", &self.project),
            ("key", &self.key),
            ("app", &self.app),
            ("domain", &self.domain),
            ("user", &self.user),
            ("model", &self.model),
            ("provider", &self.provider),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
    }
}

/// `project claims, model qwen-plus`; `everything`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.parts().map(|(name, value)| format!("{name} {value}")).collect();
        if parts.is_empty() { f.write_str("everything") } else { f.write_str(&parts.join(", ")) }
    }
}

/// The time a limit is for, in the budget's zone. A call belongs to the window in which it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// From a full hour to the next.
    Hour,
    /// From midnight to midnight (23 or 25 hours where clocks are changed).
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first of a month to the first of the next.
    Month,
    /// For ever.
    Total,
}

impl Window {
    /// The word used in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

/// What happens at the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Calls are refused.
    #[default]
    Enforce,
    /// It is counted and shown, and nothing is refused.
    Warn,
}

/// How much a call holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldBy {
    /// The charge at the 99th percentile of foreseen output.
    #[default]
    P99,
    /// The charge at the most that the model may give.
    Max,
}

impl BudgetDef {
    /// Its zone.
    pub(crate) fn time_zone(&self) -> Result<TimeZone, AccountsError> {
        TimeZone::get(&self.zone).map_err(|_| AccountsError::Zone {
            what: "budget",
            id: self.id.clone(),
            zone: self.zone.clone(),
        })
    }

    /// The first of the parts that make it what it is, in which another differs: name, ours, theirs.
    pub(crate) fn differs_in(&self, other: &Self) -> Option<(&'static str, String, String)> {
        if self.scope != other.scope {
            return Some(("scope", self.scope.to_string(), other.scope.to_string()));
        }
        if self.window != other.window {
            return Some(("window", self.window.name().to_owned(), other.window.name().to_owned()));
        }
        if self.zone != other.zone {
            return Some(("zone", self.zone.clone(), other.zone.clone()));
        }
        let (ours, theirs) = (self.limit.currency, other.limit.currency);
        (ours != theirs).then(|| ("currency", ours.to_string(), theirs.to_string()))
    }

    /// The JSON that goes into the ledger.
    pub fn to_json(&self) -> String {
        // Plain strings and enums: there is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// `100 CNY/month` as an amount and a window.
pub fn parse_allowance(text: &str) -> Result<(Charge, Window), AccountsError> {
    let bad = || AccountsError::Allowance(text.to_owned());
    let (amount, window) = text.split_once('/').ok_or_else(bad)?;
    let window = [Window::Hour, Window::Day, Window::Week, Window::Month, Window::Total]
        .into_iter()
        .find(|known| known.name() == window.trim())
        .ok_or_else(bad)?;
    Ok((amount.parse().map_err(|_| bad())?, window))
}

/// An amount as the text of configuration: `5000 CNY`.
mod amount {
    use prices::Charge;
    use serde::Deserialize;

    pub(super) fn serialize<S: serde::Serializer>(charge: &Charge, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(charge)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Charge, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_written_and_read() {
        let json = r#"{"id":"claims-month","scope":{"project":"claims"},"limit":"5000 CNY","window":"month","mode":"enforce","hold":"p99","zone":"Asia/Shanghai"}"#;
        let def: BudgetDef = serde_json::from_str(json).unwrap();
        assert_eq!(def.to_json(), json);
        assert_eq!(def.scope.to_string(), "project claims");
        let short: BudgetDef =
            serde_json::from_str(r#"{"id":"a","limit":"1 USD","window":"total"}"#).unwrap();
        assert_eq!(
            (short.mode, short.hold, short.scope.to_string()),
            (Mode::Enforce, HoldBy::P99, "everything".into())
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            r#"{"id":"a","limit":"1 USD","window":"year"}"#,
            r#"{"id":"a","limit":"1","window":"day"}"#,
            r#"{"id":"a","limit":"1 USD","window":"day","scope":{"projet":"x"}}"#,
        ] {
            assert!(serde_json::from_str::<BudgetDef>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn allowances_are_an_amount_and_a_window() {
        assert_eq!(parse_allowance("100 CNY/month").unwrap(), ("100 CNY".parse().unwrap(), Window::Month));
        for bad in ["100 CNY", "100/month", "100 CNY/year", "/day"] {
            assert!(parse_allowance(bad).unwrap_err().to_string().contains(bad));
        }
    }
}
