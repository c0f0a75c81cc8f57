//! Sums over attempts. Wide enough that they cannot overflow: `u128` of `u64` counts, `i128` of `i64` amounts, and
//! an entry's number is a `u64`. Two currencies are never added.

use std::collections::BTreeMap;

use ledger::Settled;
use prices::{Currency, Nano};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tokens::{Kind, Provenance, Tokens};

/// Token counts by kind, summed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSums(BTreeMap<Kind, u128>);

impl TokenSums {
    /// Adds an attempt's vector.
    pub fn add(&mut self, tokens: &Tokens) {
        for (kind, count) in tokens.iter() {
            *self.0.entry(kind).or_default() += u128::from(count);
        }
    }

    /// The sum of a kind.
    pub fn get(&self, kind: Kind) -> u128 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// The kinds above zero.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u128)> + '_ {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// All tokens; units are left out.
    pub fn total(&self) -> u128 {
        self.iter().filter(|(kind, _)| !kind.is_unit()).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }
}

/// An object of the kinds above zero, as in a record.
impl Serialize for TokenSums {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (kind, count) in self.iter() {
            map.serialize_entry(kind.name(), &count)?;
        }
        map.end()
    }
}

/// Amounts by currency, summed in 10⁻⁹ units. As JSON: `{"CNY":"1200","USD":"7"}`, decimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money(BTreeMap<Currency, i128>);

impl Money {
    /// Adds an amount to its currency's sum.
    pub fn add(&mut self, currency: Currency, amount: Nano) {
        *self.0.entry(currency).or_default() += i128::from(amount.0);
    }

    /// The sum in a currency, in 10⁻⁹ units.
    pub fn get(&self, currency: Currency) -> i128 {
        self.0.get(&currency).copied().unwrap_or_default()
    }

    /// The currencies that were added, with their sums.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, i128)> + '_ {
        self.0.iter().map(|(currency, amount)| (*currency, *amount))
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (currency, amount) in self.iter() {
            map.serialize_entry(currency.code(), &amount.to_string())?;
        }
        map.end()
    }
}

/// The figures of a row, or of all rows together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Distinct calls with a settled attempt among those counted.
    pub calls: u64,
    /// Settled attempts.
    pub attempts: u64,
    /// Tokens of the settled attempts.
    pub tokens: TokenSums,
    /// Charges of the settled attempts, each in its own currency.
    pub charge_nano: Money,
    /// Settled attempts whose price is unknown: they have no charge, and are not in `charge_nano`.
    pub unpriced: Unpriced,
    /// Settled attempts whose usage is unknown: estimates on the safe side. They are in the figures above too.
    pub unknown_usage: UnknownUsage,
    /// Settled attempts with a mark against the provider's usage.
    pub flagged: u64,
    /// Settled attempts that ended otherwise than with a whole answer.
    pub not_ok: u64,
}

/// Attempts without a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unpriced {
    /// How many.
    pub attempts: u64,
    /// What was held for them, which their budgets were charged.
    pub hold_nano: Money,
}

/// Attempts of provenance `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnknownUsage {
    /// How many.
    pub attempts: u64,
    /// Their estimated tokens.
    pub tokens: TokenSums,
    /// Their charges.
    pub charge_nano: Money,
}

impl Sums {
    /// Adds a settled attempt; its call is counted by the caller, who knows whether it was seen before.
    pub(crate) fn add(&mut self, settled: &Settled) {
        self.attempts += 1;
        self.tokens.add(&settled.tokens);
        if let Some(charge) = settled.charge {
            self.charge_nano.add(settled.currency, charge);
        } else {
            self.unpriced.attempts += 1;
            self.unpriced.hold_nano.add(settled.opened.hold.currency, settled.opened.hold.amount);
        }
        if settled.provenance == Provenance::Unknown {
            self.unknown_usage.attempts += 1;
            self.unknown_usage.tokens.add(&settled.tokens);
            if let Some(charge) = settled.charge {
                self.unknown_usage.charge_nano.add(settled.currency, charge);
            }
        }
        self.flagged += u64::from(!settled.flags.is_empty());
        self.not_ok += u64::from(settled.status != ledger::AttemptStatus::Ok);
    }
}
