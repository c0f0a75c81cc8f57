//! The paths of `/admin/v1`; `docs/admin-api.md` is their reference.

use std::sync::Arc;

use edge::Body;
use http::{Method, Response, StatusCode};
use reports::{Cursor, Filter, Format, Measure, Query};
use serde::de::DeserializeOwned;

use crate::views::{BudgetChange, NewKey, OfferChange};
use crate::{Backend, Console, Problem, path, reply};

/// Records in one answer.
const CALLS_MAX: usize = 10_000;
/// Records in one answer where nobody said.
const CALLS: usize = 100;

pub(crate) async fn answer(
    console: &Console,
    method: &Method,
    rest: &[&str],
    query: &str,
    body: &[u8],
) -> Result<Response<Body>, Problem> {
    let backend = &console.backend;
    match (method, rest) {
        (&Method::GET, ["live"]) => live(console, query),
        (&Method::GET, ["calls"]) => calls(backend, query).await,
        (&Method::GET, ["calls", id]) => call(backend, id).await,
        (&Method::GET, ["reports", name]) => report(backend, name, query).await,
        (&Method::GET, ["budgets"]) => list(backend, query, "budgets", Backend::budgets).await,
        (&Method::PUT, ["budgets", id]) => {
            let (id, change) = (checked("id", id)?, read::<BudgetChange>(body)?);
            change.limit.parse::<prices::Charge>().map_err(|error| {
                Problem::field(
                    "limit",
                    error.to_string(),
                    "write a decimal and a currency, such as \"5000 CNY\"",
                )
            })?;
            one(backend, move |it| it.set_budget(&id, change)).await
        }
        (&Method::DELETE, ["budgets", id]) => {
            let id = checked("id", id)?;
            run(backend, move |it| it.remove_budget(&id)).await?;
            Ok(reply::answer(StatusCode::NO_CONTENT, "application/json", Body::empty()))
        }
        (&Method::GET, ["keys"]) => list(backend, query, "keys", Backend::keys).await,
        (&Method::POST, ["keys"]) => {
            let key = read::<NewKey>(body)?;
            checked("project", &key.project)?;
            if let Some(id) = &key.id {
                checked("id", id)?;
            }
            let created = run(backend, move |it| it.create_key(key)).await?;
            let mut response = reply::json(&created);
            *response.status_mut() = StatusCode::CREATED;
            Ok(response)
        }
        (&Method::DELETE, ["keys", id]) => {
            let id = checked("id", id)?;
            one(backend, move |it| it.revoke_key(&id)).await
        }
        (&Method::GET, ["orgs"]) => list(backend, query, "orgs", Backend::orgs).await,
        (&Method::GET, ["projects"]) => list(backend, query, "projects", Backend::projects).await,
        (&Method::GET, ["offers"]) => list(backend, query, "offers", Backend::offers).await,
        (&Method::PATCH, ["offers", id]) => {
            let (id, change) = (checked("id", id)?, read::<OfferChange>(body)?);
            one(backend, move |it| it.set_offer(&id, change.enabled)).await
        }
        (&Method::GET, ["providers"]) => list(backend, query, "providers", Backend::providers).await,
        (&Method::GET, ["ledger"]) => {
            path::parameters(query, &[])?;
            one(backend, Backend::ledger).await
        }
        _ => Err(unknown(rest)),
    }
}

fn unknown(rest: &[&str]) -> Problem {
    let known = match rest {
        ["calls" | "reports", _]
        | [
            "calls" | "reports" | "live" | "orgs" | "projects" | "providers" | "ledger" | "budgets"
            | "offers",
        ] => "GET",
        ["keys"] => "GET or POST",
        ["budgets", _] => "PUT or DELETE",
        ["keys", _] => "DELETE",
        ["offers", _] => "PATCH",
        _ => return Problem::new(404, "not_found", "there is nothing at this path"),
    };
    Problem::new(405, "method_not_allowed", "this path does not take this method").fix(format!("use {known}"))
}

fn live(console: &Console, query: &str) -> Result<Response<Body>, Problem> {
    let parameters = path::parameters(query, &["since", "once"])?;
    let since = match get(&parameters, "since") {
        "" => None,
        text => Some(Cursor(text.parse().map_err(|_| {
            Problem::field("since", format!("`{text}` is no cursor"), "use the `cursor` of an earlier answer")
        })?)),
    };
    match get(&parameters, "once") {
        "" | "0" => console.streams.open(&console.backend, since),
        "1" => Ok(reply::json(&console.backend.live(since))),
        other => Err(Problem::field("once", format!("`{other}` is neither 0 nor 1"), "use 1 for one answer")),
    }
}

async fn calls(backend: &Arc<dyn Backend>, query: &str) -> Result<Response<Body>, Problem> {
    let parameters = path::parameters(query, &["filter", "limit"])?;
    let filter: Filter = get(&parameters, "filter").parse()?;
    let limit = match get(&parameters, "limit") {
        "" => CALLS,
        text => text.parse().ok().filter(|limit| (1..=CALLS_MAX).contains(limit)).ok_or_else(|| {
            Problem::field("limit", format!("`{text}` is no limit"), format!("use 1 to {CALLS_MAX}"))
        })?,
    };
    let records = run(backend, move |it| it.calls(&filter, limit)).await?;
    let text = format!("{{\"calls\":[{}]}}", records.join(","));
    Ok(reply::answer(StatusCode::OK, "application/json", text))
}

async fn call(backend: &Arc<dyn Backend>, id: &str) -> Result<Response<Body>, Problem> {
    // An id that is none names no call: the same answer as for one that is not there.
    let absent = || Problem::not_found("call", id);
    let call_id = id.parse().map_err(|_| absent())?;
    let story = run(backend, move |it| it.call(call_id)).await?.ok_or_else(absent)?;
    Ok(reply::json(&story))
}

async fn report(backend: &Arc<dyn Backend>, name: &str, query: &str) -> Result<Response<Body>, Problem> {
    let measure = match name {
        "volume" => Measure::Volume,
        "cost" => Measure::Cost,
        _ => return Err(Problem::not_found("report", name).fix("use volume or cost")),
    };
    let parameters = path::parameters(query, &["by", "from", "to", "zone", "filter", "format"])?;
    let get = |name| get(&parameters, name);
    let query = Query::read(get("by"), get("from"), get("to"), get("zone"), get("filter"))?;
    let (format, kind) = match get("format") {
        "" | "json" => (Format::Json, "application/json"),
        other => match other.parse()? {
            Format::Csv => (Format::Csv, "text/csv; charset=utf-8"),
            Format::Table => (Format::Table, "text/plain; charset=utf-8"),
            Format::Json => (Format::Json, "application/json"),
        },
    };
    let text = run(backend, move |it| it.report(measure, query).map(|report| report.render(format))).await?;
    Ok(reply::answer(StatusCode::OK, kind, text))
}

async fn list<T: serde::Serialize + Send + 'static>(
    backend: &Arc<dyn Backend>,
    query: &str,
    name: &'static str,
    ask: impl FnOnce(&dyn Backend) -> Result<Vec<T>, Problem> + Send + 'static,
) -> Result<Response<Body>, Problem> {
    path::parameters(query, &[])?;
    let items = run(backend, ask).await?;
    Ok(reply::json(&std::collections::BTreeMap::from([(name, items)])))
}

async fn one<T: serde::Serialize + Send + 'static>(
    backend: &Arc<dyn Backend>,
    ask: impl FnOnce(&dyn Backend) -> Result<T, Problem> + Send + 'static,
) -> Result<Response<Body>, Problem> {
    Ok(reply::json(&run(backend, ask).await?))
}

/// Asks on a blocking thread: scans read the disk, changes wait for it.
async fn run<T: Send + 'static>(
    backend: &Arc<dyn Backend>,
    ask: impl FnOnce(&dyn Backend) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let backend = Arc::clone(backend);
    let answer = tokio::task::spawn_blocking(move || ask(&*backend)).await;
    answer.unwrap_or_else(|_| Err(Problem::internal("the gateway failed to answer; its log says why")))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // serde names the field in backquotes: "missing field `limit` at line 1 column 2".
        let field = text.split('`').nth(1).unwrap_or("body").to_owned();
        Problem::field(field, text, "send JSON as in docs/admin-api.md")
    })
}

/// An id that can stand in a path, a log and a report.
fn checked(field: &str, id: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':' | '/');
    if id.is_empty() || id.len() > 128 || !id.chars().all(plain) {
        let fix = "use 1 to 128 letters, digits, or one of - _ . @ : /";
        return Err(Problem::field(field, format!("`{}` is no id", id.escape_debug()), fix));
    }
    Ok(id.to_owned())
}

fn get<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}
