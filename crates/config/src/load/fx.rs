//! Exchange rates, and whether there are enough of them.

use std::collections::BTreeSet;

use prices::{Books, Currency};

use crate::problem::Wrong;
use crate::read::Section;
use crate::types::Fx;
use crate::values;

use super::{Loader, Sheet, all};

impl Loader<'_> {
    pub(crate) fn rates(&self, root: &Section<'_>) -> Option<Vec<Fx>> {
        let mut seen: Vec<(Currency, Currency)> = vec![];
        all(root.named("fx").iter().map(|section| {
            let pair = pair(section);
            let rate = section.scalar("rate", values::decimal_nano);
            let as_of = section.scalar("as_of", values::time);
            if let Some(seen) = as_of
                && seen > self.env.now()
            {
                section.error("as_of", format!("{seen} is in the future"), "write when the rate was seen");
            }
            let (base, quote) = pair?;
            if seen.contains(&(quote, base)) {
                let message = format!("{quote}/{base} is written already, and its inverse follows from it");
                section.document.error(section.here(), Wrong::new(message, "keep one of the two"));
            }
            seen.push((base, quote));
            Some(Fx { base, quote, rate_nano: rate?, as_of: as_of? })
        }))
    }
}

fn pair(section: &Section<'_>) -> Option<(Currency, Currency)> {
    let parsed = section.name.split_once('/').and_then(|(base, quote)| {
        let base: Currency = base.parse().ok()?;
        let quote: Currency = quote.parse().ok()?;
        (base != quote).then_some((base, quote))
    });
    if parsed.is_none() {
        let message = format!("`{}` is no pair of currencies", section.name);
        section.document.error(section.here(), Wrong::new(message, "write it like \"USD/CNY\""));
    }
    parsed
}

/// Every offer must be comparable in its caller's currency and hold against every budget: a missing rate would be
/// found only when a call needs it.
pub(crate) fn check(sheet: &Sheet<'_>, books: &Books, rates: &[Fx]) {
    let mut needed: BTreeSet<Currency> = BTreeSet::new();
    needed
        .extend(sheet.orgs.sections.iter().filter_map(|org| org.peek("currency")?.parse::<Currency>().ok()));
    needed.extend(
        sheet
            .budgets
            .sections
            .iter()
            .filter_map(|budget| Some(values::money(budget.peek("limit")?).ok()?.currency)),
    );
    let is_known = |one: Currency, other: Currency| {
        one == other
            || rates
                .iter()
                .any(|it| (it.base, it.quote) == (one, other) || (it.quote, it.base) == (one, other))
    };
    let mut told = BTreeSet::new();
    for offer in &sheet.offers.sections {
        let Some(plan) = offer.peek("price_plan").and_then(|plan| books.plan(plan)) else { continue };
        for &currency in &needed {
            if !is_known(plan.currency(), currency) && told.insert((plan.currency(), currency)) {
                offer.error(
                    "price_plan",
                    format!("its prices are in {}, and there is no rate to {currency}, which an org or a budget counts in", plan.currency()),
                    format!("add it under [fx]: \"{}/{currency}\" = {{ rate = \"…\", as_of = \"…\" }}", plan.currency()),
                );
            }
        }
    }
}
