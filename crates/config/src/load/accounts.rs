//! Who may spend: orgs, projects, keys, budgets.

use jiff::tz::TimeZone;

use crate::books;
use crate::problem::Wrong;
use crate::read::Section;
use crate::types::{Budget, KeyCfg, Org, Policy, Project, Scope};
use crate::values;
use crate::words::{DataClass, HoldRule};

use super::secrets::Found;
use super::supply::rates;
use super::{Loader, Sheet, all};

pub(crate) fn orgs(sheet: &Sheet<'_>) -> Option<Vec<Org>> {
    all(sheet.orgs.sections.iter().map(|section| {
        let id = section.scalar("id", values::id);
        let currency = section.scalar("currency", values::currency);
        let time_zone = section.scalar("time_zone", values::zone);
        let owner_country = section.scalar("owner_country", values::country);
        Some(Org { id: id?, currency: currency?, time_zone: time_zone?, owner_country })
    }))
}

pub(crate) fn projects(sheet: &Sheet<'_>, policies: &[Policy]) -> Option<Vec<Project>> {
    all(sheet.projects.sections.iter().map(|section| {
        let id = section.scalar("id", values::id);
        let org = sheet.orgs.referred(section, "org");
        let domain = section.scalar("domain", values::id);
        let policy = sheet.policies.referred(section, "policy");
        let data_class: Option<DataClass> = section.word("data_class");
        let origin = section.scalar("origin", values::place);
        if let (Some(name), Some(class)) = (&policy, data_class)
            && let Some(policy) = policies.iter().find(|policy| policy.id == *name)
            && !policy.rules.iter().any(|rule| rule.data_class.contains(&class))
        {
            section.warning(
                "data_class",
                format!(
                    "no rule of policy `{name}` speaks of {class} data: every call of the project is refused"
                ),
                format!("add a rule to [[policies.{name}.rules]] with data_class = [\"{class}\"]"),
            );
        }
        Some(Project { id: id?, org: org?, domain, policy: policy?, data_class: data_class?, origin })
    }))
}

impl Loader<'_> {
    pub(crate) fn keys(&self, sheet: &Sheet<'_>) -> Option<Vec<KeyCfg>> {
        let keys: Vec<Option<KeyCfg>> =
            sheet.keys.sections.iter().map(|section| self.key(sheet, section)).collect();
        for (nth, (section, key)) in sheet.keys.sections.iter().zip(&keys).enumerate() {
            let earlier = keys.iter().take(nth).flatten();
            if let Some(key) = key
                && let Some(other) = earlier.into_iter().find(|other| other.secret == key.secret)
            {
                let named = if section.has("secret_env") { "secret_env" } else { "secret_file" };
                let message = format!("the secret is that of key `{}` too", other.id);
                section.error(named, message, "give each key a secret of its own");
            }
        }
        all(keys.into_iter())
    }

    fn key(&self, sheet: &Sheet<'_>, section: &Section<'_>) -> Option<KeyCfg> {
        let id = section.scalar("id", values::id);
        let project = sheet.projects.referred(section, "project");
        let app = section.scalar("app", values::id);
        let domain = section.scalar("domain", values::id);
        let secret = match self.secret(section, "secret_env", "secret_file") {
            Found::Secret(secret) => Some(secret),
            Found::NotNamed => {
                section.error(
                    "secret_env",
                    "no secret is named",
                    "name the variable that holds it: secret_env = \"NAME_OF_VARIABLE\"",
                );
                None
            }
            Found::NotSet(_) | Found::Wrong => None,
        };
        let models = allowed_models(sheet, section);
        let limits = rates(&section.table("limits"));
        let expires = section.scalar("expires", values::time);
        if let Some(end) = expires
            && end <= self.env.now()
        {
            section.error(
                "expires",
                format!("the key expired at {end}"),
                "write a later instant, or remove the key",
            );
        }
        Some(KeyCfg { id: id?, project: project?, app, domain, secret: secret?, models, limits, expires })
    }
}

fn allowed_models(sheet: &Sheet<'_>, section: &Section<'_>) -> Option<Vec<String>> {
    let patterns = section.items("models", model_pattern)?;
    if section.is_empty_list("models") {
        section.error(
            "models",
            "is empty: the key may ask for nothing",
            "name a model, or remove the key for all",
        );
    }
    let offered: Vec<String> = offered_names(sheet);
    for (at, pattern) in &patterns {
        if !offered.iter().any(|name| books::fits(pattern, name)) {
            section.document.warning(
                at,
                Wrong::new(format!("no model is called `{pattern}`"), "correct it, or remove it"),
            );
        }
    }
    Some(patterns.into_iter().map(|(_, pattern)| pattern).collect())
}

fn model_pattern(text: &str) -> Result<String, Wrong> {
    let head = text.strip_suffix('*').unwrap_or(text);
    if head.is_empty() && text == "*" {
        return Ok(text.to_owned());
    }
    values::id(head).map(|_| text.to_owned()).map_err(|_| {
        Wrong::new(
            format!("`{text}` is no model's name"),
            "write a name, or the beginning of one and `*`, such as \"qwen-*\"",
        )
    })
}

/// What callers may ask for: virtual models and the offers' names.
fn offered_names(sheet: &Sheet<'_>) -> Vec<String> {
    let mut names: Vec<String> = sheet.models.names().map(str::to_owned).collect();
    for offer in &sheet.offers.sections {
        // Read without noting: the offers' own reading notes what is wrong with them.
        match offer.peek_items("names") {
            Some(listed) => names.extend(listed.into_iter().map(str::to_owned)),
            None => names.extend(offer.peek("model").map(str::to_owned)),
        }
    }
    names
}

pub(crate) fn budgets(sheet: &Sheet<'_>, foresight: bool) -> Option<Vec<Budget>> {
    all(sheet.budgets.sections.iter().map(|section| {
        let id = section.scalar("id", values::id);
        let scope = scope(sheet, section);
        let limit = section.scalar("limit", values::money);
        let window = section.word("window");
        let mode = section.word("mode");
        let hold: Option<HoldRule> = section.word("hold");
        if hold == Some(HoldRule::P99) && !foresight {
            section.error(
                "hold",
                "`p99` is what foresight gives, and foresight is off",
                "write hold = \"max\", or [foresight] enabled = true",
            );
        }
        let time_zone = scope.as_ref().and_then(|scope| zone(sheet, section, scope));
        Some(Budget {
            id: id?,
            scope: scope?,
            limit: limit?,
            window: window?,
            time_zone: time_zone?,
            mode: mode?,
            hold: hold?,
        })
    }))
}

fn scope(sheet: &Sheet<'_>, section: &Section<'_>) -> Option<Scope> {
    let inside = section.table("scope");
    let scope = Scope {
        org: sheet.orgs.referred(&inside, "org"),
        project: sheet.projects.referred(&inside, "project"),
        key: sheet.keys.referred(&inside, "key"),
        app: inside.scalar("app", values::id),
        domain: inside.scalar("domain", values::id),
        user: inside.scalar("user", |text| Ok(text.to_owned())),
        model: inside.scalar("model", values::id),
        provider: sheet.providers.referred(&inside, "provider"),
    };
    if !section.has("scope") {
        return None;
    }
    if scope == Scope::default() {
        section.error("scope", "is empty", "write what the budget is for, such as { project = \"claims\" }");
        return None;
    }
    if let Some(model) = &scope.model
        && !offered_names(sheet).contains(model)
    {
        let names = offered_names(sheet);
        let fix = match crate::read::nearest(model, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("name one of {}", super::names::some(names.iter().map(String::as_str))),
        };
        inside.error("model", format!("unknown model `{model}`"), fix);
    }
    contradiction(sheet, &inside, &scope);
    Some(scope)
}

/// A scope that no call can be in would be a budget that never holds anything.
fn contradiction(sheet: &Sheet<'_>, inside: &Section<'_>, scope: &Scope) {
    let project_of_key = scope.key.as_deref().and_then(|key| sheet.keys.find(key)?.peek("project"));
    if let (Some(project), Some(key_project)) = (scope.project.as_deref(), project_of_key)
        && project != key_project
    {
        inside.error(
            "key",
            format!("the key is of project `{key_project}`, not `{project}`: no call is both"),
            "remove one of the two",
        );
    }
    let project = scope.project.as_deref().or(project_of_key);
    let org_of_project = project.and_then(|project| sheet.projects.find(project)?.peek("org"));
    if let (Some(org), Some(project_org)) = (scope.org.as_deref(), org_of_project)
        && org != project_org
    {
        inside.error(
            "org",
            format!("the project is of org `{project_org}`, not `{org}`: no call is both"),
            "remove one of the two",
        );
    }
}

/// The zone of the org that the scope leads to, or of the only one.
fn zone(sheet: &Sheet<'_>, section: &Section<'_>, scope: &Scope) -> Option<TimeZone> {
    let org = scope.org.as_deref().or_else(|| {
        let by_key = || sheet.keys.find(scope.key.as_deref()?)?.peek("project");
        let project = scope.project.as_deref().or_else(by_key)?;
        sheet.projects.find(project)?.peek("org")
    });
    let org = match (org, sheet.orgs.sections.as_slice()) {
        (Some(org), _) => sheet.orgs.find(org)?,
        (None, [only]) => only,
        (None, _) => {
            section.error(
                "scope",
                "several orgs have calls in it, and their days may begin at different times",
                "name the org whose time zone counts: scope = { org = \"…\", … }",
            );
            return None;
        }
    };
    // What is wrong with the org's zone is noted where the org is read, once.
    org.scalar("time_zone", values::zone)
}
