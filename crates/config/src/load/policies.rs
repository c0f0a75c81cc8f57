//! Policies and the virtual models that use them.

use std::time::Duration;

use crate::read::Section;
use crate::types::{Model, Policy, Rule};
use crate::values::{self, Country};
use crate::words::{DataClass, Objective};

use super::house::within;
use super::supply::words;
use super::{Sheet, all};

pub(crate) fn policies(sheet: &Sheet<'_>) -> Option<Vec<Policy>> {
    all(sheet.policies.sections.iter().map(|section| policy(sheet, section)))
}

fn policy(sheet: &Sheet<'_>, section: &Section<'_>) -> Option<Policy> {
    let objective: Option<Objective> = section.word("objective");
    let latency = section.table("latency");
    let first_token_p95 =
        within(&latency, "first_token_p95", Duration::from_millis(1), Duration::from_hours(1), "1ms to 1h");
    let max_attempts = section.count("max_attempts");
    section.scalar(
        "hedge_after",
        |text| {
            if text == "off" { Ok(()) } else { values::duration(text).map(|_| ()) }
        },
    );
    section.flag("defer");
    let rules = all(section.list("rules").iter().map(|row| rule(sheet, row)));
    Some(Policy {
        id: section.name.clone(),
        objective: objective?,
        first_token_p95,
        max_attempts: u32::try_from(max_attempts?).ok()?,
        rules: rules?,
    })
}

fn rule(sheet: &Sheet<'_>, section: &Section<'_>) -> Option<Rule> {
    let data_class: Option<Vec<DataClass>> = words(section, "data_class");
    let allow_jurisdictions = countries(section, "allow_jurisdictions");
    let deny_jurisdictions = countries(section, "deny_jurisdictions");
    let allow_providers = sheet.providers.all_referred(section, "allow_providers");
    let deny_providers = sheet.providers.all_referred(section, "deny_providers");
    for key in ["allow_jurisdictions", "allow_providers"] {
        // Nobody would know whether it allows nothing or anything.
        if section.is_empty_list(key) {
            section.error(
                key,
                "is an empty list",
                "name what is allowed, or remove the key: without it anything is",
            );
        }
    }
    Some(Rule {
        data_class: data_class?,
        allow_jurisdictions: allow_jurisdictions.unwrap_or_default(),
        deny_jurisdictions: deny_jurisdictions.unwrap_or_default(),
        allow_providers: allow_providers.unwrap_or_default(),
        deny_providers: deny_providers.unwrap_or_default(),
    })
}

fn countries(section: &Section<'_>, key: &str) -> Option<Vec<Country>> {
    Some(section.items(key, values::country)?.into_iter().map(|(_, country)| country).collect())
}

pub(crate) fn models(sheet: &Sheet<'_>) -> Option<Vec<Model>> {
    all(sheet.models.sections.iter().map(|section| {
        let policy = sheet.policies.referred(section, "policy");
        let offers = sheet.offers.all_referred(section, "offers");
        if section.is_empty_list("offers") {
            section.error("offers", "is empty: nothing stands behind the model", "name at least one offer");
        }
        Some(Model { name: section.name.clone(), policy, offers: offers? })
    }))
}
