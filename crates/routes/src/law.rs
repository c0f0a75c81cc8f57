//! The lawful mask: where data of a class may go. It fails closed: what no rule speaks of is not allowed.

use std::fmt;
use std::str::FromStr;

use crate::table::{InferenceScope, Offer};

/// How much a call's data must be guarded; the order is that of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataClass {
    /// Anybody may see it.
    Public,
    /// The house's own.
    Internal,
    /// Of a person.
    Personal,
    /// What a law calls important.
    Important,
}

impl DataClass {
    /// Every class, the least strict first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Personal, Self::Important];

    /// The name in configuration and headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Important => "important",
        }
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no data class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no data class; write public, internal, personal or important")]
pub struct UnknownDataClass(pub String);

impl FromStr for DataClass {
    type Err = UnknownDataClass;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.name() == name)
            .ok_or_else(|| UnknownDataClass(name.to_owned()))
    }
}

/// One rule of a policy. It speaks of the classes it names; every rule that speaks of a call's class must allow the
/// offer, and at least one must speak of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The classes it speaks of.
    pub data_class: Vec<DataClass>,
    /// Only these jurisdictions (ISO 3166-1 alpha-2); empty: any.
    pub allow_jurisdictions: Vec<String>,
    /// Not these jurisdictions.
    pub deny_jurisdictions: Vec<String>,
    /// Only these providers; empty: any.
    pub allow_providers: Vec<String>,
    /// Not these providers.
    pub deny_providers: Vec<String>,
}

impl Rule {
    fn objects_to(&self, offer: &Offer) -> Option<String> {
        let named = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
        let bound_by_place = !self.allow_jurisdictions.is_empty() || !self.deny_jurisdictions.is_empty();
        if !self.allow_jurisdictions.is_empty() && !named(&self.allow_jurisdictions, &offer.jurisdiction) {
            return Some(format!("jurisdiction {} is not allowed", offer.jurisdiction));
        }
        if named(&self.deny_jurisdictions, &offer.jurisdiction) {
            return Some(format!("jurisdiction {} is denied", offer.jurisdiction));
        }
        // An offer that may run the call elsewhere than where its site stands proves nothing about the place.
        if bound_by_place && offer.inference_scope == InferenceScope::Global {
            return Some("its inference may leave the jurisdiction".to_owned());
        }
        if !self.allow_providers.is_empty() && !named(&self.allow_providers, &offer.provider) {
            return Some(format!("provider {} is not allowed", offer.provider));
        }
        if named(&self.deny_providers, &offer.provider) {
            return Some(format!("provider {} is denied", offer.provider));
        }
        None
    }
}

/// Why an offer is not lawful for a class; `None`: it is.
pub(crate) fn objection(rules: &[Rule], class: DataClass, offer: &Offer) -> Option<String> {
    let mut spoken = false;
    for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.data_class.contains(&class)) {
        spoken = true;
        if let Some(objection) = rule.objects_to(offer) {
            return Some(format!("{objection} for {class} data (rule {})", place + 1));
        }
    }
    if spoken { None } else { Some(format!("no rule allows {class} data to go anywhere")) }
}
