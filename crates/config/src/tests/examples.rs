//! The files in `examples/` are true: they load as they are, with the variables they name set.

use std::path::Path;

use crate::{Config, Env, Fixed, Loaded, Problem, ProviderKind, System};

/// The real files, with variables that are set for the test only.
struct Repository(Fixed);

impl Env for Repository {
    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }

    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        System.read(path)
    }

    fn mode(&self, path: &Path) -> std::io::Result<Option<u32>> {
        System.mode(path)
    }

    fn list(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        System.list(folder)
    }

    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }
}

fn example(name: &str, variables: &[&str]) -> Result<Loaded, Vec<Problem>> {
    let mut env = Fixed::at("2026-11-25T00:00:00Z".parse().unwrap());
    for variable in variables {
        env = env.with_var(variable, &format!("secret-of-{variable}"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Config::load(&path, &Repository(env))
}

const VARIABLES: [&str; 3] = ["CLAIMS_DEV_KEY", "DASHSCOPE_API_KEY", "TOLLHOUSE_ADMIN_TOKEN"];

#[test]
fn the_full_example_loads() {
    let Loaded { config, books, warnings, sources } = example("tollhouse.toml", &VARIABLES).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(
        config.server.admin_token.as_ref().unwrap().expose_for_header(),
        "secret-of-TOLLHOUSE_ADMIN_TOKEN"
    );
    assert_eq!(config.server.max_body, 32 * 1024 * 1024);
    assert_eq!(config.orgs[0].time_zone.iana_name(), Some("Asia/Shanghai"));
    assert_eq!(config.keys[0].limits.tpm, Some(1_000_000));
    assert_eq!(config.budgets[0].limit.to_string(), "5000 CNY");
    assert_eq!(config.budgets[0].time_zone.iana_name(), Some("Asia/Shanghai"));
    // 7.10 in 10⁻⁹.
    assert_eq!(config.fx[0].rate_nano, 7_100_000_000);
    let dashscope = &config.providers[0];
    assert_eq!(dashscope.kind, ProviderKind::named("dashscope").unwrap());
    assert_eq!((dashscope.vendor(), dashscope.on_hangup), ("dashscope", dialects::Hangup::Drain));
    let local = &config.providers[1];
    assert_eq!((local.vendor(), &local.api_key), ("local", &None));
    let sites: Vec<&str> = config.sites.iter().map(|site| site.id.as_str()).collect();
    assert_eq!(sites, ["cn-zhongwei", "dashscope-cn-beijing"], "one is written, one is from the catalogue");
    assert!(config.offers.iter().all(|offer| books.plan(&offer.price_plan).is_some()));
    assert_eq!(config.policies[0].rules.len(), 2);
    assert!(sources.len() > config.prices.books.len(), "the file itself and every book");
}

#[test]
fn without_its_variables_the_example_says_which() {
    let problems = example("tollhouse.toml", &[]).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    // The admin token is only warned of: one is made. Errors come first.
    assert_eq!(keys, ["keys[0].secret_env", "providers.dashscope.api_key_env", "server.admin_token_env"]);
}

#[test]
fn the_minimal_example_loads() {
    let loaded = example("minimal.toml", &["OPENAI_API_KEY"]).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.offers[0].names, ["gpt-5.6-luna"]);
    assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(loaded.config.sites[0].jurisdiction.code(), "US");
}
