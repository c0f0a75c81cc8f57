//! What can be chosen from: sites, offers, models and policies, checked once and then only read.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Rule;
use crate::health::Health;

/// How far from its site a provider may run a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InferenceScope {
    /// In the site's region.
    InRegion,
    /// In the site's country.
    Country,
    /// Anywhere; what is not known counts as this.
    Global,
}

/// A place where models run.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Its id.
    pub id: String,
    /// Whose law applies to it (ISO 3166-1 alpha-2).
    pub jurisdiction: String,
    /// How far from it a call may run.
    pub inference_scope: InferenceScope,
}

/// What a call may need of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Capability {
    /// Answers as a stream.
    Stream,
    /// Tool calls.
    Tools,
    /// Answers by a JSON schema.
    JsonSchema,
    /// Images in.
    Vision,
    /// Reasoning controls.
    Reasoning,
    /// Audio in or out.
    Audio,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 6] =
        [Self::Stream, Self::Tools, Self::JsonSchema, Self::Vision, Self::Reasoning, Self::Audio];

    /// The name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Tools => "tools",
            Self::JsonSchema => "json_schema",
            Self::Vision => "vision",
            Self::Reasoning => "reasoning",
            Self::Audio => "audio",
        }
    }

    /// Its bit in a set.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A name that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no capability; write stream, tools, json_schema, vision, reasoning or audio")]
pub struct UnknownCapability(pub String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|it| it.name() == name).ok_or_else(|| UnknownCapability(name.to_owned()))
    }
}

/// Provider × model × site × endpoint × credential × price plan × quota.
#[derive(Debug)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// Who serves it.
    pub provider: String,
    /// The wire format spoken to it.
    pub dialect: String,
    /// The provider's name of the model.
    pub model: String,
    /// What clients may call it.
    pub names: Vec<String>,
    /// Where it runs.
    pub site: String,
    /// The site's jurisdiction.
    pub jurisdiction: String,
    /// The site's inference scope.
    pub inference_scope: InferenceScope,
    /// Its price plan.
    pub price_plan: String,
    /// Input and output together, in tokens.
    pub context_window: u64,
    /// Output, in tokens.
    pub max_output: u64,
    /// What it can: [`Capability::bit`]s.
    pub capabilities: u8,
    /// Calls at a time the provider allows; `None`: no limit known.
    pub concurrency: Option<u64>,
    /// Switched off by an administrator. Shared, like the next two, with the offer of the same id in the table
    /// before: a reload forgets none of it.
    pub disabled: Arc<AtomicBool>,
    /// Attempts under way.
    pub in_flight: Arc<AtomicU64>,
    /// Its health.
    pub health: Arc<Health>,
}

/// How a policy chooses among the eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The least foreseen charge.
    Cost,
    /// The shortest time to the first token seen lately.
    Latency,
    /// The order in which the model names its offers.
    Ordered,
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cost => "cheapest",
            Self::Latency => "fastest",
            Self::Ordered => "first in order",
        })
    }
}

/// Which offers are eligible and how one is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// How it chooses.
    pub objective: Objective,
    /// Tries of one call at the most.
    pub max_attempts: u32,
    /// The offer's usual time to the first token must be below this, ms; `None`: no constraint.
    pub first_token_ms: Option<u64>,
    /// The lawful mask.
    pub rules: Vec<Rule>,
}

/// A model name and what stands behind it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) offers: Vec<Arc<Offer>>,
    pub(crate) policy: Option<String>,
}

/// A table that does not add up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Two of one id.
    #[error("two offers are called `{0}`")]
    OfferTwice(String),
    /// A virtual model names an offer that is not there.
    #[error("model `{model}` names offer `{offer}`, which does not exist")]
    NoSuchOffer {
        /// The model.
        model: String,
        /// The missing offer.
        offer: String,
    },
}

/// Offers, models and policies. Read by every call; changed by making a new one.
#[derive(Debug, Default)]
pub struct Table {
    offers: Vec<Arc<Offer>>,
    models: HashMap<String, Model>,
    policies: HashMap<String, Arc<Policy>>,
}

impl Table {
    /// A table of offers, virtual models (name, offer ids, policy) and policies.
    pub fn new(
        offers: Vec<Offer>,
        models: Vec<(String, Vec<String>, Option<String>)>,
        policies: Vec<Policy>,
    ) -> Result<Self, TableError> {
        let mut table = Self::default();
        for offer in offers {
            if table.offers.iter().any(|other| other.id == offer.id) {
                return Err(TableError::OfferTwice(offer.id));
            }
            let offer = Arc::new(offer);
            for name in &offer.names {
                let model = table.models.entry(name.clone());
                model
                    .or_insert_with(|| Model { offers: vec![], policy: None })
                    .offers
                    .push(Arc::clone(&offer));
            }
            table.offers.push(offer);
        }
        for (name, ids, policy) in models {
            let mut behind = vec![];
            for id in ids {
                let Some(offer) = table.offers.iter().find(|offer| offer.id == id) else {
                    return Err(TableError::NoSuchOffer { model: name, offer: id });
                };
                behind.push(Arc::clone(offer));
            }
            table.models.insert(name, Model { offers: behind, policy });
        }
        table.policies = policies.into_iter().map(|policy| (policy.id.clone(), Arc::new(policy))).collect();
        Ok(table)
    }

    /// Every offer.
    pub fn offers(&self) -> &[Arc<Offer>] {
        &self.offers
    }

    /// The offer of an id.
    pub fn offer(&self, id: &str) -> Option<&Arc<Offer>> {
        self.offers.iter().find(|offer| offer.id == id)
    }

    /// Every name a client may ask for, in order, with who owns it (a provider, or `tollhouse` for a virtual model).
    pub fn models(&self) -> Vec<(String, String)> {
        let owner = |model: &Model| match model.offers.first() {
            Some(offer) if model.policy.is_none() => offer.provider.clone(),
            _ => "tollhouse".to_owned(),
        };
        let mut all: Vec<_> = self.models.iter().map(|(name, model)| (name.clone(), owner(model))).collect();
        all.sort_unstable();
        all
    }

    /// The provider's name of the model behind a client's name: that of its first offer.
    pub fn first_model(&self, name: &str) -> Option<&str> {
        self.model(name)?.offers.first().map(|offer| offer.model.as_str())
    }

    pub(crate) fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// The policy of an id.
    pub fn policy(&self, id: &str) -> Option<&Arc<Policy>> {
        self.policies.get(id)
    }
}

impl Offer {
    /// Switches it off or on.
    pub fn set_disabled(&self, disabled: bool) {
        self.disabled.store(disabled, Ordering::Relaxed);
    }
}
