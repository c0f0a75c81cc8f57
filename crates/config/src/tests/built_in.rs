//! The configurations without a file.

use crate::{Config, DataClass, Fixed};

fn with(variables: &[(&str, &str)]) -> Fixed {
    let env = Fixed::at("2026-11-25T00:00:00Z".parse().unwrap());
    variables.iter().fold(env, |env, (name, value)| env.with_var(name, value))
}

#[test]
fn the_simulated_house_loads_without_a_word() {
    let loaded = Config::simulated().unwrap();
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert!(
        config
            .providers
            .iter()
            .all(|provider| provider.api_key.is_some() && provider.allow_private_addresses)
    );
    assert_eq!(config.projects[0].data_class, DataClass::Personal);
    let currencies: Vec<&str> = config.offers.iter().map(|offer| offer.currency.code()).collect();
    assert_eq!(currencies, ["CNY", "USD", "CNY", "USD", "USD"]);
    let first = config.offers.iter().find(|offer| offer.id == config.models[0].offers[0]).unwrap();
    assert_eq!(first.site, "cn-zhongwei");
}

#[test]
fn without_a_key_there_is_no_configuration() {
    assert!(Config::from_environment(&with(&[])).unwrap().is_none());
}

#[test]
fn a_key_enables_its_provider_and_its_priced_models() {
    let loaded = Config::from_environment(&with(&[("OPENAI_API_KEY", "sk-1")])).unwrap().unwrap();
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.providers.len(), 1);
    assert_eq!(config.providers[0].api_key.as_ref().unwrap().expose_for_header(), "sk-1");
    assert_eq!(config.providers[0].base_url.to_string(), "https://api.openai.com/v1");
    assert!(!config.offers.is_empty());
    for offer in &config.offers {
        assert!(offer.price_plan.starts_with("openai/") && offer.site == "openai-global", "{}", offer.id);
    }
    assert_eq!(config.sites[0].id, "openai-global");
    assert_eq!(config.orgs[0].currency.code(), "USD");
}

#[test]
fn two_currencies_get_a_rate_to_compare_by() {
    let env = with(&[("OPENAI_API_KEY", "sk-1"), ("DASHSCOPE_API_KEY", "sk-2")]);
    let config = Config::from_environment(&env).unwrap().unwrap().config;
    assert_eq!(config.fx.len(), 1);
    assert!(config.offers.iter().any(|offer| offer.currency.code() == "CNY"));
}

#[test]
fn what_a_key_cannot_enable_is_said() {
    let told = |variables: &[(&str, &str)]| {
        match Config::from_environment(&with(variables)) {
            Ok(loaded) => loaded.unwrap().warnings,
            Err(problems) => problems,
        }
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
    };

    assert_eq!(
        told(&[("OPENAI_API_KEY", "")]),
        ["environment: providers.openai.api_key_env: the environment variable OPENAI_API_KEY is empty\n  \
          fix: set OPENAI_API_KEY to the secret itself"]
    );
    assert_eq!(
        told(&[("ZHIPU_API_KEY", "k")]),
        ["environment: ZHIPU_API_KEY: no built-in price book has a plan for a model of zhipu\n  \
          fix: write a configuration with a price book of your own: nothing is served without a price"]
    );
    assert_eq!(told(&[("GEMINI_API_KEY", "k"), ("OPENAI_API_KEY", "sk-1")]).len(), 1);
    assert!(
        told(&[("GEMINI_API_KEY", "k")])[0].contains("Gemini's own dialect is not available in this version")
    );
    assert!(told(&[("DEEPSEEK_API_KEY", "k")])[0].contains("has several price plans"));
}
