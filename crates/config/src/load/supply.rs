//! What can be bought and where: providers, sites, offers.

use std::time::Duration;

use prices::{Books, PlanRef};

use crate::catalogue;
use crate::kind::{self, ProviderKind};
use crate::problem::Wrong;
use crate::read::{Section, nearest};
use crate::types::{Accelerator, Location, Offer, Provider, Rates, Site};
use crate::url::{BaseUrl, Reach};
use crate::values;

use super::house::within;
use super::names::{Named, some};
use super::secrets::Found;
use super::{Loader, Sheet, all};

impl Loader<'_> {
    pub(crate) fn providers(&self, sheet: &Sheet<'_>) -> Option<Vec<Provider>> {
        all(sheet.providers.sections.iter().map(|section| self.provider(section)))
    }

    fn provider(&self, section: &Section<'_>) -> Option<Provider> {
        const HOUR: Duration = Duration::from_hours(1);
        const LEAST: Duration = Duration::from_millis(10);
        let kind = section.scalar("kind", kind::parse);
        let base_url = base_url(section, kind);
        let allow_private_addresses = section.flag("allow_private_addresses");
        if let (Some(url), Some(false)) = (&base_url, allow_private_addresses) {
            check_reach(section, url);
        }
        let secret = self.secret(section, "api_key_env", "api_key_file");
        let api_key = credential(section, kind, base_url.as_ref(), secret);
        let connect_timeout = within(section, "connect_timeout", LEAST, Duration::from_mins(5), "10ms to 5m");
        let first_byte_timeout = within(section, "first_byte_timeout", LEAST, HOUR, "10ms to 1h");
        let idle_timeout = within(section, "idle_timeout", LEAST, HOUR, "10ms to 1h");
        let answer_timeout = within(section, "answer_timeout", LEAST, HOUR, "10ms to 1h");
        let on_hangup = section.word("on_hangup");
        Some(Provider {
            id: section.name.clone(),
            kind: kind?,
            base_url: base_url?,
            api_key,
            connect_timeout: connect_timeout?,
            first_byte_timeout: first_byte_timeout?,
            idle_timeout: idle_timeout?,
            answer_timeout: answer_timeout?,
            allow_private_addresses: allow_private_addresses?,
            on_hangup: on_hangup.unwrap_or(kind?.on_hangup()),
        })
    }
}

fn base_url(section: &Section<'_>, kind: Option<ProviderKind>) -> Option<BaseUrl> {
    if section.has("base_url") {
        return section.scalar("base_url", |text| {
            let url = BaseUrl::parse(text)?;
            // The gateway appends these: with them twice every call would be answered with 404.
            for ending in ["/chat/completions", "/messages"] {
                if let Some(base) = url.path.strip_suffix(ending) {
                    let short = BaseUrl { path: base.to_owned(), ..url.clone() };
                    let message = format!("ends in `{ending}`, which is appended to it");
                    return Err(Wrong::new(message, format!("write \"{short}\"")));
                }
            }
            Ok(url)
        });
    }
    // Asked for so that the schema's row counts as read.
    let _ = section.scalar("base_url", BaseUrl::parse);
    let kind = kind?;
    if let Some(usual) = kind.quirk().base_url {
        return BaseUrl::parse(usual).ok();
    }
    let fix = format!("a provider of kind `{kind}` needs one: base_url = \"https://api.example.com/v1\"");
    section.error("base_url", "is missing", fix);
    None
}

fn check_reach(section: &Section<'_>, url: &BaseUrl) {
    let place = match url.reach() {
        Reach::Elsewhere => return,
        Reach::Loopback => "this machine",
        Reach::Private => "a private or link-local network",
    };
    section.error(
        "base_url",
        format!("`{}` is on {place}, which must be asked for", url.host),
        "write the provider's public address, or `allow_private_addresses = true` if this one is meant",
    );
}

/// The credential; `None` where none is needed, and where its absence is noted.
fn credential(
    section: &Section<'_>,
    kind: Option<ProviderKind>,
    url: Option<&BaseUrl>,
    found: Found,
) -> Option<crate::Secret> {
    let secret = match found {
        Found::Secret(secret) => secret,
        Found::Wrong | Found::NotSet(_) => return None,
        Found::NotNamed => {
            let kind = kind?;
            if kind.is_anybody() && url.is_none_or(|url| url.reach() == Reach::Loopback) {
                return None;
            }
            let variable = kind.quirk().key_env.unwrap_or("LOCAL_API_KEY");
            section.error(
                "api_key_env",
                "no credential is named",
                format!("name the variable that holds it: api_key_env = \"{variable}\" (a server that asks for none takes any value)"),
            );
            return None;
        }
    };
    if url.is_some_and(|url| !url.tls && url.reach() == Reach::Elsewhere) {
        section.warning("base_url", "the credential travels unencrypted over http", "write https");
    }
    Some(secret)
}

/// The sites that are written, and those of the catalogue that an offer names.
pub(crate) fn sites(sheet: &Sheet<'_>, offers: &[Offer]) -> Option<Vec<Site>> {
    let mut sites = all(sheet.sites.sections.iter().map(site))?;
    for known in catalogue::sites() {
        let is_named = offers.iter().any(|offer| offer.site == known.id);
        if is_named && !sites.iter().any(|site| site.id == known.id) {
            sites.push(known.clone());
        }
    }
    Some(sites)
}

fn site(section: &Section<'_>) -> Option<Site> {
    let jurisdiction = section.scalar("jurisdiction", values::country);
    let inference_scope = section.word("inference_scope");
    let location = location(&section.table("location"));
    let accelerators = all(section.list("accelerators").iter().map(|row| {
        let count = row.count("count");
        Some(Accelerator { kind: row.scalar("kind", values::id)?, count })
    }));
    Some(Site {
        id: section.name.clone(),
        jurisdiction: jurisdiction?,
        location,
        inference_scope: inference_scope?,
        accelerators: accelerators?,
    })
}

fn location(section: &Section<'_>) -> Option<Location> {
    let (lat, lon) = (section.degrees("lat"), section.degrees("lon"));
    Some(Location { lat: lat?, lon: lon? })
}

pub(crate) fn offers(sheet: &Sheet<'_>, books: &Books) -> Option<Vec<Offer>> {
    let known = catalogue::sites().iter().map(|site| site.id.clone());
    let places = Named::by_name("site", sheet.sites.sections.clone()).also(known);
    all(sheet.offers.sections.iter().map(|section| offer(sheet, &places, books, section)))
}

fn offer(sheet: &Sheet<'_>, places: &Named<'_>, books: &Books, section: &Section<'_>) -> Option<Offer> {
    let id = section.scalar("id", values::id);
    let provider = sheet.providers.referred(section, "provider");
    let model = section.scalar("model", values::id);
    let names = match section.items("names", values::id) {
        None => model.clone().map(|model| vec![model]),
        Some(_) if section.is_empty_list("names") => {
            section.error(
                "names",
                "is empty: nobody could ask for the offer",
                "name the model, or leave the key out",
            );
            None
        }
        Some(names) => Some(
            names
                .into_iter()
                .map(|(at, name)| {
                    if sheet.models.has(&name) {
                        let message = format!("`{name}` is a virtual model already");
                        section
                            .document
                            .error(&at, Wrong::new(message, "remove it here, or rename the virtual model"));
                    }
                    name
                })
                .collect(),
        ),
    };
    let site = places.referred(section, "site");
    let price_plan = section.scalar("price_plan", values::id);
    let plan = price_plan.as_deref().and_then(|plan| plan_of(books, section, plan));
    if let Some(plan) = &plan {
        check_plan_fits(section, plan, model.as_deref(), site.as_deref());
    }
    let context_window = section.count("context_window");
    let max_output = section.count("max_output");
    if let (Some(window), Some(output)) = (context_window, max_output)
        && output > window
    {
        section.error(
            "max_output",
            format!("{output} is more than the context window of {window}"),
            "write the output limit that the provider states, at most the window",
        );
    }
    let capabilities = words(section, "capabilities");
    let quota = rates(&section.table("quota"));
    Some(Offer {
        id: id?,
        provider: provider?,
        model: model?,
        names: names?,
        site: site?,
        price_plan: price_plan?,
        currency: plan?.currency(),
        context_window: context_window?,
        max_output: max_output?,
        capabilities: capabilities?,
        quota,
    })
}

/// A plan for another site or model would price every call wrongly.
fn check_plan_fits(section: &Section<'_>, plan: &PlanRef, model: Option<&str>, site: Option<&str>) {
    if let (Some(site), Some(sites)) = (site, plan.sites())
        && !plan.is_for_site(site)
    {
        let message = format!("the plan is not for site `{site}`");
        let fix =
            format!("choose another plan, or one of its sites: {}", some(sites.iter().map(String::as_str)));
        section.error("price_plan", message, fix);
    }
    if let Some(model) = model
        && !plan.covers(model)
    {
        let models: Vec<String> = plan.models().collect();
        let message =
            format!("the plan is for {}, not for `{model}`", some(models.iter().map(String::as_str)));
        section.warning("price_plan", message, "choose the plan of the model that is served");
    }
}

fn plan_of(books: &Books, section: &Section<'_>, plan: &str) -> Option<PlanRef> {
    if let Some(plan) = books.plan(plan) {
        return Some(plan);
    }
    let ids = || books.plans().iter().map(|plan| &**plan.id());
    let fix = match nearest(plan, ids()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if books.plans().is_empty() => "no price book could be read: see `prices.books`".to_owned(),
        None => format!("add the plan to a book, or name one of {}", some(ids())),
    };
    section.error("price_plan", format!("unknown price plan `{plan}`"), fix);
    None
}

/// Words of an enum, at least one, none twice.
pub(crate) fn words<T: crate::words::Word + PartialEq>(section: &Section<'_>, key: &str) -> Option<Vec<T>> {
    let mut found = vec![];
    let items = section.items(key, crate::read::word::<T>)?;
    for (at, word) in items {
        if found.contains(&word) {
            section.document.error(&at, Wrong::new("stands twice", "write it once"));
        }
        found.push(word);
    }
    if section.is_empty_list(key) {
        section.error(key, "is empty", format!("name at least one of {}", T::NAMES.join(", ")));
    }
    Some(found)
}

/// Limits on use at once; a mistake in one is noted, and leaves it out.
pub(crate) fn rates(section: &Section<'_>) -> Rates {
    Rates { rpm: section.count("rpm"), tpm: section.count("tpm"), concurrency: section.count("concurrency") }
}
