//! Steps 3 and 4, estimate and route: what the call will use, what that costs at each offer, and which offer.

use accounts::Caller;
use dialects::{Quirk, Request};
use foresight::{Context, Foreseen};
use http::HeaderMap;
use ledger::{Labels, UnixMicros};
use prices::{Charge, PlanRef, Tier};
use routes::{Ask, Capability, Offer, Plan, Price, Why};
use tokens::{Kind, Tokens, counter_for};

use crate::house::House;
use crate::refusal::Refusal;
use crate::{admit, clock, tier};

pub(crate) const DATA_CLASS: &str = "x-tollhouse-data-class";
const MAX_CHARGE: &str = "x-tollhouse-max-charge";
const POLICY: &str = "x-tollhouse-policy";

/// What a call is expected to use before an offer is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Estimate {
    /// Input tokens by our own tokenizer.
    pub(crate) input: u64,
    /// The tokenizer is the model's own.
    pub(crate) exact: bool,
}

/// Where a call may go, and what an attempt there is held for.
pub(crate) struct Routed {
    pub(crate) plan: Plan,
    /// By offer id; of every offer that was priced.
    bounds: Vec<(String, Bounds)>,
}

impl Routed {
    /// What an attempt at an offer of the plan is held for.
    pub(crate) fn bounds(&self, offer: &Offer) -> Option<Bounds> {
        self.bounds.iter().find(|(id, _)| *id == offer.id).map(|(_, bounds)| *bounds)
    }
}

/// What an attempt at one offer is held for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Output tokens, all choices together.
    pub(crate) output: u64,
    /// The model's own limit, or what the client allows, all choices together.
    pub(crate) output_max: u64,
    /// Input tokens, with room for what a provider adds.
    pub(crate) input: u64,
    /// What was foreseen, one choice.
    pub(crate) foreseen: Option<Foreseen>,
}

pub(crate) fn estimate(house: &House, request: &Request) -> Estimate {
    let offers = house.offers();
    // A virtual model's name says nothing of a tokenizer: look behind it.
    let model = offers.table.first_model(request.model());
    let counter = counter_for(model.unwrap_or(request.model()));
    Estimate { input: request.estimate_input(counter), exact: counter.exact }
}

/// What an attempt at an offer is held for. The caller's own limit where one is set, else foresight's p99, else the
/// model's limit: a hold is an upper bound by choice.
fn bounds(
    house: &House,
    labels: &Labels,
    request: &Request,
    estimate: &Estimate,
    offer: &Offer,
    quirk: &Quirk,
) -> Bounds {
    let app = if labels.app.is_empty() { &labels.key } else { &labels.app };
    let context = Context { model: &offer.model, app, input_tokens: estimate.input };
    let foreseen = if house.settings.foresight { house.foresight.foresee(&context) } else { None };
    // Where reasoning comes on top of the client's limit, that limit bounds nothing.
    let asked = request.max_output().filter(|_| !quirk.max_tokens_excludes_reasoning);
    let limit = asked.unwrap_or(offer.max_output).min(offer.max_output);
    let one = match (asked, foreseen) {
        (None, Some(foreseen)) => foreseen.p99.min(limit),
        (Some(_), _) | (None, None) => limit,
    };
    Bounds {
        output: one.saturating_mul(request.choices()),
        output_max: limit.saturating_mul(request.choices()),
        input: with_room(estimate),
        foreseen,
    }
}

/// Room for what a provider counts beside the text: its template and system prompt (some ten tokens, and a twentieth),
/// and a stand-in tokenizer's error (a quarter: o200k was 14 % off on another vendor's Chinese text).
fn with_room(estimate: &Estimate) -> u64 {
    let share = if estimate.exact { estimate.input / 20 } else { estimate.input / 4 };
    estimate.input.saturating_add(share).saturating_add(16)
}

/// The most that an attempt may be charged that begins now: input may come back as written to a cache, output as
/// reasoning, and a plan may rate by the instant of the end. `None`: the book does not know it.
pub(crate) fn bound_of(
    house: &House,
    request: &Request,
    plan: &PlanRef,
    (input, output): (u64, u64),
) -> Option<Charge> {
    let now = clock::now();
    let longest = i64::try_from(house.settings.drain_limit.as_micros()).unwrap_or(i64::MAX);
    let used: Tokens = [(Kind::Input, input), (Kind::Output, output)].into_iter().collect();
    let until = UnixMicros(now.0.saturating_add(longest));
    let moment = clock::moment(now, until)?;
    let bound = |tier: Tier| plan.bound(moment, tier, &used).ok();
    // The tier that is named must have a price; of the others that it may be served in, the dearest counts.
    let named = bound(tier::named(request))?;
    let others = tier::possible(request).iter().filter_map(|tier| bound(*tier)).map(|charge| charge.amount);
    Some(Charge { amount: others.fold(named.amount, prices::Nano::max), currency: named.currency })
}

/// The charge at a plan's rates now; `None`: the book does not know it.
fn charge_of(request: &Request, plan: &PlanRef, input: u64, output: u64) -> Option<Charge> {
    let now = clock::now();
    let used: Tokens = [(Kind::Input, input), (Kind::Output, output)].into_iter().collect();
    plan.charge(clock::moment(now, now)?, tier::named(request), &used).ok().map(|charged| charged.charge)
}

pub(crate) fn route(
    house: &House,
    caller: &Caller,
    head: (&HeaderMap, &Labels),
    request: &Request,
    estimate: &Estimate,
) -> Result<Routed, Refusal> {
    let (headers, labels) = head;
    if headers.contains_key(POLICY) {
        return Err(Refusal::invalid(
            POLICY,
            "a policy cannot be chosen by the call: it would leave the project's lawful mask; ask for a virtual model",
        ));
    }
    let max_charge: Option<Charge> = match headers.get(MAX_CHARGE) {
        None => None,
        Some(value) => {
            let parsed = value.to_str().unwrap_or_default().parse();
            Some(
                parsed
                    .map_err(|error: prices::MoneyError| Refusal::invalid(MAX_CHARGE, error.to_string()))?,
            )
        }
    };
    let (offers, fx) = (house.offers(), house.accounts.fx());
    let ask = Ask {
        model: request.model(),
        policy: caller.project.policy.as_deref(),
        dialect: request.dialect().name(),
        needs: needs(request),
        input_tokens: estimate.input,
        max_output: request.max_output(),
        data_class: admit::data_class(caller, headers)?,
        now: clock::now().0,
    };
    let mut all = Vec::new();
    let price = |offer: &Offer| {
        let Some(lane) = offers.lane(offer) else { return Price::Unknown };
        let bounds = bounds(house, labels, request, estimate, offer, lane.provider.quirk);
        all.push((offer.id.clone(), bounds));
        let output = bounds.foreseen.map_or(bounds.output, |foreseen| foreseen.p50.min(bounds.output));
        let charge = lane.plan.as_ref().and_then(|plan| charge_of(request, plan, estimate.input, output));
        match charge {
            None if house.settings.refuse_unknown_price => Price::Unknown,
            // Let through by configuration: last in rank, since nobody knows what it costs.
            None => Price::Known(i128::MAX),
            Some(charge) => match fx.convert_up(charge, house.settings.compare_in) {
                Some(amount) => Price::Known(i128::from(amount.0)),
                None => Price::NoRate,
            },
        }
    };
    let Some(mut plan) = offers.table.choose(&ask, price) else {
        return Err(Refusal::new(
            404,
            "model_not_found",
            format!("no model is called `{}` here; GET /v1/models lists them", request.model()),
        )
        .param("model"));
    };
    if let Some(max) = max_charge {
        let within = |offer: &Offer| {
            let plan = offers.lane(offer)?.plan.as_ref()?;
            let (_, bounds) = all.iter().find(|(id, _)| *id == offer.id)?;
            let most = bound_of(house, request, plan, (bounds.input, bounds.output))?;
            let held = fx.convert_up(most, max.currency)?;
            Some(held <= max.amount)
        };
        plan.reject_unless(Why::MaxCharge, &format!("it may cost more than {MAX_CHARGE}"), |offer| {
            within(offer) == Some(true)
        });
    }
    match plan.refusal() {
        None => Ok(Routed { plan, bounds: all }),
        Some(code) => Err(refuse(code, &plan)),
    }
}

fn refuse(code: &'static str, plan: &Plan) -> Refusal {
    let (status, text) = match code {
        "no_lawful_offer" => (403, "no offer may lawfully take this call"),
        // Ours to mend, and no use to try again: not the 503 of a provider that is busy.
        "price_unknown" => (500, "no eligible offer has a known price"),
        "max_charge_exceeded" => (400, "every offer may cost more than x-tollhouse-max-charge"),
        "no_capable_offer" => (400, "no offer can do what this call needs"),
        _ => (503, "every capable offer is out of service or full"),
    };
    let reasons: Vec<_> =
        plan.rejected.iter().map(|rejected| format!("{}: {}", rejected.offer.id, rejected.words)).collect();
    let mut refusal =
        Refusal::new(status, code, format!("{text} (policy {}): {}", plan.policy.id, reasons.join("; ")));
    if code == "overloaded" {
        refusal.retry_after_ms = Some(1_000);
    }
    refusal
}

fn needs(request: &Request) -> u8 {
    let needs = request.needs();
    [
        (needs.stream, Capability::Stream),
        (needs.tools, Capability::Tools),
        (needs.json_schema, Capability::JsonSchema),
        (needs.vision, Capability::Vision),
        (needs.reasoning, Capability::Reasoning),
        (needs.audio, Capability::Audio),
    ]
    .into_iter()
    .filter(|(wanted, _)| *wanted)
    .fold(0, |set, (_, capability)| set | capability.bit())
}
