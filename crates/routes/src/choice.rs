//! The choice: mask, then rank, with a reason for every offer kept or rejected.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::law::{DataClass, objection};
use crate::table::{Capability, Objective, Offer, Policy, Table};

/// What a call asks of a route.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The model's name as the client wrote it.
    pub model: &'a str,
    /// The project's policy. A virtual model's own chooses instead of it, but the project's lawful mask holds too.
    pub policy: Option<&'a str>,
    /// The dialect of the request: offers that speak another are not yet translated to.
    pub dialect: &'a str,
    /// What it needs: [`Capability::bit`]s.
    pub needs: u8,
    /// Input, in tokens.
    pub input_tokens: u64,
    /// Output that the client allows at the most; `None`: it did not say.
    pub max_output: Option<u64>,
    /// How much its data must be guarded.
    pub data_class: DataClass,
    /// Now, µs.
    pub now: i64,
}

/// The price of one offer for the call, as the caller worked it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// The foreseen charge in one currency common to all offers (10⁻⁹ of it): only for ranking.
    Known(i128),
    /// The book has no price for it.
    Unknown,
    /// The book has a price in a currency that has no rate to the others'.
    NoRate,
}

/// A stable word for why an offer was rejected; the refusal's code follows from the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// An administrator switched it off.
    Disabled,
    /// Not lawful.
    Law,
    /// It cannot do what the call needs.
    Capability,
    /// The call does not fit its window.
    Context,
    /// No price.
    PriceUnknown,
    /// Its circuit is open, or its provider limits us.
    Health,
    /// Its quota is full.
    Quota,
    /// It is slower than the policy allows.
    Latency,
    /// It may cost more than the call allows.
    MaxCharge,
}

/// An eligible offer.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The offer.
    pub offer: Arc<Offer>,
    /// What ranked it: the common-currency price.
    pub price: i128,
}

/// An offer that was not eligible.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The offer.
    pub offer: Arc<Offer>,
    /// In one word.
    pub why: Why,
    /// In words.
    pub words: String,
}

/// The choice for one call.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The policy that chose.
    pub policy: Arc<Policy>,
    /// Eligible offers, the best first.
    pub kept: Vec<Kept>,
    /// The others.
    pub rejected: Vec<Rejected>,
}

impl Table {
    /// Chooses. `None`: no such model (or no policy to choose by).
    ///
    /// `price` is asked only for offers that pass everything else.
    pub fn choose(&self, ask: &Ask<'_>, mut price: impl FnMut(&Offer) -> Price) -> Option<Plan> {
        let model = self.model(ask.model)?;
        let policy = self.policy(model.policy.as_deref().or(ask.policy)?)?;
        let projects = match ask.policy {
            Some(id) => Some(self.policy(id)?),
            None => None,
        };
        let mut plan = Plan { policy: Arc::clone(policy), kept: vec![], rejected: vec![] };
        for offer in &model.offers {
            let unlawful = projects.filter(|it| it.id != policy.id).and_then(|it| unlawful(offer, ask, it));
            let masked = unlawful.or_else(|| mask(offer, ask, policy));
            let verdict = masked.map_or_else(|| rated(price(offer)), Err);
            match verdict {
                Ok(price) => plan.kept.push(Kept { offer: Arc::clone(offer), price }),
                Err((why, words)) => plan.rejected.push(Rejected { offer: Arc::clone(offer), why, words }),
            }
        }
        rank(&mut plan.kept, policy.objective);
        Some(plan)
    }
}

fn rated(price: Price) -> Result<i128, (Why, String)> {
    match price {
        Price::Known(price) => Ok(price),
        Price::Unknown => Err((Why::PriceUnknown, "its price is unknown".to_owned())),
        Price::NoRate => Err((Why::PriceUnknown, "its currency has no [fx] rate to the others'".to_owned())),
    }
}

fn unlawful(offer: &Offer, ask: &Ask<'_>, policy: &Policy) -> Option<(Why, String)> {
    objection(&policy.rules, ask.data_class, offer)
        .map(|words| (Why::Law, format!("{words} of {}", policy.id)))
}

/// Law first: no later reason may hide that an offer was never allowed.
fn mask(offer: &Offer, ask: &Ask<'_>, policy: &Policy) -> Option<(Why, String)> {
    if let Some(unlawful) = unlawful(offer, ask, policy) {
        return Some(unlawful);
    }
    if offer.disabled.load(Ordering::Relaxed) {
        return Some((Why::Disabled, "switched off by an administrator".to_owned()));
    }
    if offer.dialect != ask.dialect {
        return Some((Why::Capability, format!("it speaks {}, not {}", offer.dialect, ask.dialect)));
    }
    let missing = ask.needs & !offer.capabilities;
    if missing != 0 {
        let names = Capability::ALL.into_iter().filter(|it| it.bit() & missing != 0).map(Capability::name);
        return Some((Why::Capability, format!("it cannot {}", names.collect::<Vec<_>>().join(", "))));
    }
    if ask.max_output.is_some_and(|wanted| wanted > offer.max_output) {
        return Some((Why::Context, format!("its output limit is {} tokens", offer.max_output)));
    }
    let wanted = ask.input_tokens.saturating_add(ask.max_output.unwrap_or(1));
    if wanted > offer.context_window {
        return Some((Why::Context, format!("its context window is {} tokens", offer.context_window)));
    }
    if let Some(words) = offer.health.objection(ask.now) {
        return Some((Why::Health, words.to_owned()));
    }
    if offer.concurrency.is_some_and(|limit| offer.in_flight.load(Ordering::Relaxed) >= limit) {
        return Some((Why::Quota, "its concurrency quota is full".to_owned()));
    }
    let seen = offer.health.state().first_token_ms;
    if let (Some(limit), Some(seen)) = (policy.first_token_ms, seen) {
        #[allow(clippy::cast_precision_loss)] // milliseconds
        if seen > limit as f64 {
            return Some((
                Why::Latency,
                format!("its first token takes {seen:.0} ms, over the policy's {limit} ms"),
            ));
        }
    }
    None
}

fn rank(kept: &mut [Kept], objective: Objective) {
    match objective {
        Objective::Ordered => {}
        // Stable sorts: equals stay in the model's order.
        Objective::Cost => kept.sort_by_key(|kept| kept.price),
        Objective::Latency => {
            let seen = |kept: &Kept| kept.offer.health.state().first_token_ms.unwrap_or(0.0);
            kept.sort_by(|a, b| seen(a).total_cmp(&seen(b)));
        }
    }
}

impl Plan {
    /// Why the offer at `place` of [`Plan::kept`] was taken and every other was not, in words. Figures that differ
    /// from call to call are left out, so that equal choices read equal (and cost the ledger nothing).
    pub fn reason(&self, place: usize, before: &str) -> String {
        let mut text = String::with_capacity(128);
        if let Some(kept) = self.kept.get(place) {
            let _ =
                write!(text, "{}: {} of {} eligible", kept.offer.id, self.policy.objective, self.kept.len());
            let _ = write!(text, " by {}", self.policy.id);
        }
        if !before.is_empty() {
            let _ = write!(text, ", after {before}");
        }
        for (other, kept) in self.kept.iter().enumerate().filter(|(other, _)| *other != place) {
            let word = if other < place { "tried before" } else { "next" };
            let _ = write!(text, "; {}: {word}", kept.offer.id);
        }
        for rejected in &self.rejected {
            let _ = write!(text, "; {}: rejected, {}", rejected.offer.id, rejected.words);
        }
        text
    }

    /// Rejects every eligible offer that does not pass a further test.
    pub fn reject_unless(&mut self, why: Why, words: &str, mut passes: impl FnMut(&Offer) -> bool) {
        let (kept, dropped) =
            std::mem::take(&mut self.kept).into_iter().partition(|kept| passes(&kept.offer));
        self.kept = kept;
        let dropped: Vec<Kept> = dropped;
        self.rejected.extend(dropped.into_iter().map(|kept| Rejected {
            offer: kept.offer,
            why,
            words: words.to_owned(),
        }));
    }

    /// Whether nothing is eligible, and then the refusal's stable code: law is named only when nothing else would
    /// have helped.
    pub fn refusal(&self) -> Option<&'static str> {
        if !self.kept.is_empty() {
            return None;
        }
        let lawful = || self.rejected.iter().filter(|rejected| rejected.why != Why::Law);
        let any = |wanted: Why| lawful().any(|rejected| rejected.why == wanted);
        let all = |wanted: &[Why]| lawful().all(|rejected| wanted.contains(&rejected.why));
        Some(if lawful().next().is_none() {
            "no_lawful_offer"
        } else if all(&[Why::PriceUnknown]) {
            "price_unknown"
        } else if all(&[Why::MaxCharge, Why::Capability, Why::Context]) && any(Why::MaxCharge) {
            "max_charge_exceeded"
        } else if all(&[Why::Capability, Why::Context, Why::PriceUnknown]) {
            "no_capable_offer"
        } else {
            "overloaded"
        })
    }
}
