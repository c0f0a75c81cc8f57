//! The configurations without a file: from provider keys in the environment, and with simulated providers.
//!
//! Both are written as TOML and read by the same reader as a file, so that they obey the same rules.

use std::fmt::Write as _;

use jiff::Timestamp;
use prices::Books;

use crate::books;
use crate::catalogue;
use crate::env::{Env, Fixed};
use crate::load::{Loaded, Loader};
use crate::problem::{Problem, Severity};
use crate::types::Config;

const SIMULATED: &str = include_str!("../../../examples/simulated.toml");

/// What the simulated house takes for now: it holds nothing that expires.
const SIMULATED_NOW: i64 = 1_795_564_800; // 2026-11-25T00:00:00Z

/// Gemini's variable: its own dialect is not spoken in this version.
const GEMINI: &str = "GEMINI_API_KEY";

/// What is written for the limits of a model of which the books know only prices: wide, so that the provider's own
/// limits decide. A call that is too long is then refused there, with the provider's own words.
const CONTEXT_WINDOW: u64 = 1_000_000;
const MAX_OUTPUT: u64 = 128_000;

impl Config {
    /// The configuration of the provider keys in the environment; `None`: there is none.
    ///
    /// One org `default`, one project `default` of internal data, the policy `cheapest`, the providers whose
    /// variable is set, and an offer for each of their models that the built-in price books name in full.
    ///
    /// # Errors
    /// A variable that is empty or no key; keys of providers none of whose models has a price.
    pub fn from_environment(env: &dyn Env) -> Result<Option<Loaded>, Vec<Problem>> {
        let found: Vec<&dialects::Quirk> = dialects::QUIRKS
            .iter()
            .filter(|row| row.key_env.is_some_and(|name| env.var(name).is_some()))
            .collect();
        let mut notes = vec![];
        if env.var(GEMINI).is_some() {
            notes.push(note(
                GEMINI,
                "Gemini's own dialect is not available in this version",
                "use its OpenAI-compatible endpoint by a configuration file: kind = \"openai-compatible\"",
            ));
        }
        if found.is_empty() {
            return if notes.is_empty() { Ok(None) } else { Err(as_errors(notes)) };
        }
        let (books, _) = books::together(&books::built_in());
        let mut text = String::new();
        let mut offers = Offers::default();
        for row in &found {
            let before = offers.count;
            offers.add(row.provider, &books);
            if offers.count == before {
                let message = format!("no built-in price book has a plan for a model of {}", row.provider);
                let fix =
                    "write a configuration with a price book of your own: nothing is served without a price";
                notes.push(note(row.key_env.unwrap_or_default(), &message, fix));
            }
            let variable = row.key_env.unwrap_or_default();
            let _ =
                write!(text, "[providers.{0}]\nkind = \"{0}\"\napi_key_env = \"{variable}\"\n", row.provider);
        }
        if offers.count == 0 {
            return Err(as_errors(notes));
        }
        for model in &offers.doubtful {
            let message =
                format!("`{model}` has several price plans, in different currencies: the first is taken");
            notes.push(note("", &message, "write a configuration to choose by the currency of your account"));
        }
        text.push_str(&offers.text);
        text.push_str(&house(&offers));
        let loaded = Loader::without_file(env).load("environment", &text);
        // The lines are of a text that nobody sees.
        let place = |mut problem: Problem| {
            (problem.line, problem.column) = (0, 0);
            problem
        };
        match loaded {
            Ok(mut loaded) => {
                loaded.warnings = notes.into_iter().chain(loaded.warnings.into_iter().map(place)).collect();
                Ok(Some(loaded))
            }
            Err(problems) => Err(problems.into_iter().map(place).collect()),
        }
    }

    /// The simulated house: `examples/simulated.toml`. The providers' `base_url` is to be replaced by where the
    /// simulator listens ([`BaseUrl::loopback`](crate::BaseUrl::loopback)).
    ///
    /// # Errors
    /// None that a released version has: a test loads it.
    pub fn simulated() -> Result<Loaded, Vec<Problem>> {
        let now = Timestamp::from_second(SIMULATED_NOW).unwrap_or_default();
        // The simulated vendors want a key, as real ones do; any will do.
        let env = Fixed::at(now).with_var("SIMULATED_API_KEY", "simulated");
        Loader::without_file(&env).load("examples/simulated.toml", SIMULATED)
    }
}

/// Offers as text, and what they need beside them.
#[derive(Default)]
struct Offers {
    text: String,
    count: usize,
    currencies: Vec<String>,
    /// Models with more than one price plan.
    doubtful: Vec<String>,
}

impl Offers {
    /// An offer for each model that the books name in full at the provider's usual site.
    fn add(&mut self, provider: &str, books: &Books) {
        let Some(site) = catalogue::usual_site(provider).map(|site| &site.id) else { return };
        let plans =
            books.plans().iter().filter(|plan| &**plan.provider() == provider && plan.is_for_site(site));
        let mut models: Vec<String> = vec![];
        for plan in plans {
            for model in plan.models().filter(|model| !model.ends_with('*')) {
                // Two plans of one model differ in the currency of the account, which nobody says here.
                if models.contains(&model) {
                    self.doubtful.push(model);
                    continue;
                }
                let _ = write!(
                    self.text,
                    "[[offers]]\nid = \"{model}@{site}\"\nprovider = \"{provider}\"\nmodel = \"{model}\"\n\
                     site = \"{site}\"\nprice_plan = \"{}\"\ncontext_window = {CONTEXT_WINDOW}\n\
                     max_output = {MAX_OUTPUT}\n\
                     capabilities = [\"stream\", \"tools\", \"json_schema\", \"vision\", \"reasoning\", \"audio\"]\n",
                    plan.id()
                );
                let currency = plan.currency().to_string();
                if !self.currencies.contains(&currency) {
                    self.currencies.push(currency);
                }
                models.push(model);
                self.count += 1;
            }
        }
    }
}

/// The org, its project and the policy; a rate between yuan and dollars where both are met, to compare by.
fn house(offers: &Offers) -> String {
    let currency = offers.currencies.first().map_or("USD", String::as_str);
    let mut text = format!(
        "[[orgs]]\nid = \"default\"\ncurrency = \"{currency}\"\n\
         [[projects]]\nid = \"default\"\norg = \"default\"\npolicy = \"cheapest\"\ndata_class = \"internal\"\n\
         [policies.cheapest]\nobjective = \"cost\"\n\
         [[policies.cheapest.rules]]\ndata_class = [\"public\", \"internal\"]\n"
    );
    if offers.currencies.len() > 1 {
        // Assumed, as in examples/: it ranks offers, and no charge is ever converted.
        text.push_str("[fx.\"USD/CNY\"]\nrate = \"7.10\"\nas_of = \"2026-11-24T00:00:00Z\"\n");
    }
    text
}

fn note(key: &str, message: &str, fix: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        file: "environment".to_owned(),
        line: 0,
        column: 0,
        key: key.to_owned(),
        message: message.to_owned(),
        fix: fix.to_owned(),
    }
}

fn as_errors(notes: Vec<Problem>) -> Vec<Problem> {
    notes.into_iter().map(|note| Problem { severity: Severity::Error, ..note }).collect()
}
