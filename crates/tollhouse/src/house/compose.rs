//! From a checked configuration to the parts of a house. Every reference in it resolves: what fails here is a defect
//! of the checks, and is said as such rather than skipped.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use accounts::{
    BudgetDef, Declared, FxTable, HoldBy, Key, Limits, Mode, Org, Project, Scope, SecretHash, Window,
};
use config::Config;
use gateway::{Provider, ProviderSpec};
use ledger::UnixMicros;
use routes::{Capability, InferenceScope, Objective, Offer, Policy, Rule, Table};

use crate::failure::Failure;

/// A part that the configuration's checks should have refused.
fn unchecked(what: impl Display) -> Failure {
    Failure::could_not(format_args!("the configuration passed its checks but cannot be used: {what}"))
}

/// What the configuration declares of accounts.
pub fn declared(config: &Config) -> Declared {
    Declared {
        orgs: config.orgs.iter().map(org).collect(),
        projects: config.projects.iter().map(project).collect(),
        keys: config.keys.iter().map(key).collect(),
        budgets: config.budgets.iter().map(budget).collect(),
    }
}

fn org(org: &config::Org) -> Org {
    Org {
        id: org.id.clone(),
        currency: org.currency,
        time_zone: org.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        owner_country: org
            .owner_country
            .as_ref()
            .map(|country| country.code().to_owned())
            .unwrap_or_default(),
    }
}

fn project(project: &config::Project) -> Project {
    Project {
        id: project.id.clone(),
        org: project.org.clone(),
        domain: project.domain.clone().unwrap_or_default(),
        policy: Some(project.policy.clone()),
        data_class: project.data_class.name().to_owned(),
        origin: project.origin.as_ref().map(|place| place.code.clone()).unwrap_or_default(),
    }
}

fn key(key: &config::KeyCfg) -> Key {
    Key {
        id: key.id.clone(),
        project: key.project.clone(),
        app: key.app.clone().unwrap_or_default(),
        domain: key.domain.clone(),
        models: key.models.clone().unwrap_or_default(),
        limits: Limits { rpm: key.limits.rpm, tpm: key.limits.tpm, concurrency: key.limits.concurrency },
        expires: key.expires.map(|at| UnixMicros(at.as_microsecond())),
        revoked: false,
        secret_hash: SecretHash::of(key.secret.expose_for_header()),
    }
}

fn budget(budget: &config::Budget) -> BudgetDef {
    let config::Scope { org, project, key, app, domain, user, model, provider } = budget.scope.clone();
    BudgetDef {
        id: budget.id.clone(),
        scope: Scope { org, project, key, app, domain, user, model, provider },
        limit: budget.limit,
        window: match budget.window {
            config::Window::Hour => Window::Hour,
            config::Window::Day => Window::Day,
            config::Window::Week => Window::Week,
            config::Window::Month => Window::Month,
            config::Window::Total => Window::Total,
        },
        mode: match budget.mode {
            config::Mode::Enforce => Mode::Enforce,
            config::Mode::Warn => Mode::Warn,
        },
        hold: match budget.hold {
            config::HoldRule::P99 => HoldBy::P99,
            config::HoldRule::Max => HoldBy::Max,
        },
        zone: budget.time_zone.iana_name().unwrap_or("UTC").to_owned(),
    }
}

/// Exchange rates.
pub fn fx(config: &Config) -> Result<FxTable, Failure> {
    let mut table = FxTable::default();
    for fx in &config.fx {
        let rate = prices::Nano(i64::try_from(fx.rate_nano).map_err(unchecked)?).to_string();
        table.insert(&format!("{}/{}", fx.base, fx.quote), &rate, fx.as_of).map_err(unchecked)?;
    }
    Ok(table)
}

/// Providers by id.
pub fn providers(config: &Config) -> Result<HashMap<String, Arc<Provider>>, Failure> {
    let mut providers = HashMap::new();
    for provider in &config.providers {
        let quirk = provider.kind.quirk();
        let made = Provider::new(&ProviderSpec {
            name: &provider.id,
            quirk,
            dialect: quirk.dialect,
            base_url: &provider.base_url.to_string(),
            credential: provider.api_key.as_ref().map_or("", |key| key.expose_for_header()),
            connect_timeout: provider.connect_timeout,
            first_byte_timeout: provider.first_byte_timeout,
            idle_timeout: provider.idle_timeout,
            answer_timeout: provider.answer_timeout,
            allow_private_addresses: provider.allow_private_addresses,
            on_hangup: provider.on_hangup,
        });
        providers.insert(provider.id.clone(), Arc::new(made.map_err(unchecked)?));
    }
    Ok(providers)
}

/// Offers, models and policies, their health as on the first day: nothing is carried over from a table before.
pub fn table(config: &Config, before: Option<&Table>) -> Result<Arc<Table>, Failure> {
    let offers = config
        .offers
        .iter()
        .map(|it| offer(config, it, before.and_then(|table| table.offer(&it.id))))
        .collect::<Result<_, _>>()?;
    let models = config
        .models
        .iter()
        .map(|model| (model.name.clone(), model.offers.clone(), model.policy.clone()))
        .collect();
    let policies = config.policies.iter().map(policy).collect::<Result<_, _>>()?;
    Table::new(offers, models, policies).map(Arc::new).map_err(unchecked)
}

fn offer(config: &Config, offer: &config::Offer, before: Option<&Arc<Offer>>) -> Result<Offer, Failure> {
    let site = config.sites.iter().find(|site| site.id == offer.site);
    let site = site.ok_or_else(|| unchecked(format_args!("offer {}: no site {}", offer.id, offer.site)))?;
    let provider = config.providers.iter().find(|provider| provider.id == offer.provider);
    let provider = provider
        .ok_or_else(|| unchecked(format_args!("offer {}: no provider {}", offer.id, offer.provider)))?;
    let dialect = provider.kind.dialect();
    let capability =
        |it: &config::Capability| it.name().parse::<Capability>().map(Capability::bit).map_err(unchecked);
    let mut capabilities = 0;
    for it in &offer.capabilities {
        capabilities |= capability(it)?;
    }
    Ok(Offer {
        id: offer.id.clone(),
        provider: offer.provider.clone(),
        dialect: dialect.name().to_owned(),
        model: offer.model.clone(),
        names: offer.names.clone(),
        site: offer.site.clone(),
        jurisdiction: site.jurisdiction.code().to_owned(),
        inference_scope: match site.inference_scope {
            config::InferenceScope::InRegion => InferenceScope::InRegion,
            config::InferenceScope::Country => InferenceScope::Country,
            config::InferenceScope::Global | config::InferenceScope::Unknown => InferenceScope::Global,
        },
        price_plan: offer.price_plan.clone(),
        context_window: offer.context_window,
        max_output: offer.max_output,
        capabilities,
        concurrency: offer.quota.concurrency,
        disabled: before.map_or_else(Arc::default, |before| Arc::clone(&before.disabled)),
        in_flight: before.map_or_else(Arc::default, |before| Arc::clone(&before.in_flight)),
        health: before.map_or_else(Arc::default, |before| Arc::clone(&before.health)),
    })
}

fn policy(policy: &config::Policy) -> Result<Policy, Failure> {
    let objective = match policy.objective {
        config::Objective::Cost => Objective::Cost,
        config::Objective::Latency => Objective::Latency,
        config::Objective::Ordered => Objective::Ordered,
        other @ (config::Objective::Weighted | config::Objective::Value) => {
            return Err(unchecked(format_args!(
                "policy {}: objective {other} is not in this version",
                policy.id
            )));
        }
    };
    let codes = |list: &[config::Country]| list.iter().map(|country| country.code().to_owned()).collect();
    let mut rules = vec![];
    for rule in &policy.rules {
        let class = |class: &config::DataClass| class.name().parse().map_err(unchecked);
        rules.push(Rule {
            data_class: rule.data_class.iter().map(class).collect::<Result<_, _>>()?,
            allow_jurisdictions: codes(&rule.allow_jurisdictions),
            deny_jurisdictions: codes(&rule.deny_jurisdictions),
            allow_providers: rule.allow_providers.clone(),
            deny_providers: rule.deny_providers.clone(),
        });
    }
    Ok(Policy {
        id: policy.id.clone(),
        objective,
        max_attempts: policy.max_attempts,
        first_token_ms: policy
            .first_token_p95
            .map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reload makes a new table; what an administrator, the providers and running calls did to an offer stays.
    #[test]
    fn an_offer_keeps_its_switch_its_health_and_its_count() {
        let config = Config::simulated().unwrap().config;
        let old = table(&config, None).unwrap();
        let offer = |table: &Table| Arc::clone(table.offer("sim-small@zhongwei").unwrap());
        offer(&old).set_disabled(true);
        (0..5).for_each(|_| offer(&old).health.failed(0));
        offer(&old).in_flight.store(3, std::sync::atomic::Ordering::Relaxed);
        let new = offer(&table(&config, Some(&old)).unwrap());
        assert!(new.disabled.load(std::sync::atomic::Ordering::Relaxed));
        assert!(new.health.objection(0).is_some());
        offer(&old).in_flight.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(new.in_flight.load(std::sync::atomic::Ordering::Relaxed), 2, "one count for both tables");
    }
}
