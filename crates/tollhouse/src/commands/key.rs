//! `tollhouse key`: API keys, through the running gateway where one holds the folder, else in the ledger itself.

use std::sync::Arc;

use accounts::{Accounts, Declared, FxTable};
use bytes::Bytes;
use console::{Limits, NewKey};
use edge::{Upstream, UpstreamOptions, read_limited};
use gateway::now;
use http_body_util::Full;
use ledger::{EntryBody, Ledger, Options, RealDisk};
use serde_json::{Value, json};

use crate::cli::{Key, KeyCreate, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::house::{self, Folder, asked};
use crate::output;

/// Largest answer of the admin API that is read, bytes.
const ANSWER_MAX: usize = 16 << 20;

pub fn run(command: Key) -> Outcome {
    match command {
        Key::Create(args) => create(&args),
        Key::List { data, format } => list(&Folder::at(&data.data), format),
        Key::Revoke { id, data } => revoke(&Folder::at(&data.data), &id),
    }
}

fn create(args: &KeyCreate) -> Outcome {
    let folder = Folder::at(&args.data.data);
    let new = NewKey {
        id: args.id.clone(),
        project: args.project.clone(),
        app: args.app.clone().unwrap_or_default(),
        domain: args.domain.clone().unwrap_or_default(),
        models: args.models.clone(),
        limits: Limits { rpm: args.rpm, tpm: args.tpm, concurrency: args.concurrency },
        expires: args.expires.clone(),
        budget: args.budget.clone(),
    };
    let made = match ask(&folder, http::Method::POST, "keys", Some(body(&new)))? {
        Some(answer) => answer,
        None => create_offline(&folder, new)?,
    };
    match args.format {
        Shape::Json => output::data(&made.to_string())?,
        Shape::Csv => output::data(&format!("id,secret\n{},{}", text(&made, "id"), text(&made, "secret")))?,
        Shape::Table => {
            output::data(&text(&made, "secret"))?;
            output::tell(format_args!(
                "key {} of project {}; the secret above is shown this once",
                text(&made, "id"),
                text(&made, "project")
            ));
        }
    }
    Ok(Exit::Done)
}

fn list(folder: &Folder, format: Shape) -> Outcome {
    let keys = if let Some(answer) = ask(folder, http::Method::GET, "keys", None)? {
        answer.get("keys").and_then(Value::as_array).cloned().unwrap_or_default()
    } else {
        let (accounts, ledger) = offline(folder)?;
        let keys = accounts.keys().iter().map(|key| record(key)).collect();
        ledger.close().map_err(Failure::could_not)?;
        keys
    };
    match format {
        Shape::Json => keys.iter().try_for_each(|key| output::data(&key.to_string()))?,
        Shape::Csv | Shape::Table => {
            let columns = ["id", "project", "app", "domain", "state"];
            let rows = keys.iter().map(|key| columns.map(|column| text(key, column)));
            let rows: Vec<[String; 5]> = std::iter::once(columns.map(str::to_owned)).chain(rows).collect();
            output::data(&if format == Shape::Csv { csv(&rows) } else { table(&rows) })?;
        }
    }
    Ok(Exit::Done)
}

fn csv(rows: &[[String; 5]]) -> String {
    rows.iter().map(|row| row.each_ref().map(|cell| reports::csv_cell(cell)).join(",") + "\n").collect()
}

fn table(rows: &[[String; 5]]) -> String {
    let line = |[id, project, app, domain, state]: &[String; 5]| {
        format!("{id:<24} {project:<16} {app:<16} {domain:<12} {state}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn revoke(folder: &Folder, id: &str) -> Outcome {
    if ask(folder, http::Method::DELETE, &format!("keys/{id}"), None)?.is_none() {
        let (accounts, ledger) = offline(folder)?;
        let body = accounts.revoke_key(id, "cli").map_err(Failure::wrong)?;
        enact(&accounts, &ledger, &body)?;
        ledger.close().map_err(Failure::could_not)?;
    }
    output::tell(format_args!("key {id} is revoked"));
    Ok(Exit::Done)
}

fn create_offline(folder: &Folder, new: NewKey) -> Result<Value, Failure> {
    let (spec, allowance) = asked::spec(new).map_err(Failure::wrong)?;
    let (accounts, ledger) = offline(folder)?;
    let (secret, body) = accounts.create_key(spec, "cli").map_err(Failure::wrong)?;
    enact(&accounts, &ledger, &body)?;
    let EntryBody::Admin(action) = &body else {
        return Err(Failure::could_not("a key is made by an admin entry"));
    };
    if let Some((limit, window)) = allowance {
        let budget = accounts.set_budget(asked::own_budget(&action.object, limit, window), "cli");
        enact(&accounts, &ledger, &budget.map_err(Failure::wrong)?)?;
    }
    let keys = accounts.keys();
    let key = keys.iter().find(|key| key.id == *action.object);
    let mut made = key.map_or(Value::Null, |key| record(key));
    if let Some(made) = made.as_object_mut() {
        made.insert("secret".to_owned(), json!(secret.show_once()));
    }
    ledger.close().map_err(Failure::could_not)?;
    Ok(made)
}

fn record(key: &accounts::Key) -> Value {
    json!({
        "id": key.id,
        "project": key.project,
        "app": key.app,
        "domain": key.domain.clone().unwrap_or_default(),
        "models": key.models,
        "state": if key.revoked { "revoked" } else { "active" },
    })
}

/// The accounts of a folder that no gateway holds.
fn offline(folder: &Folder) -> Result<(Accounts, Ledger), Failure> {
    let accounts = Accounts::new(Declared::default(), FxTable::default()).map_err(Failure::could_not)?;
    let disk = RealDisk::existing(folder.ledger()).map_err(|error| {
        Failure::could_not(format_args!(
            "{error}\n  fix: name the folder of a gateway by --data, or start one by `tollhouse serve`"
        ))
    })?;
    let mut refused = None;
    let mut visit = |entry: &ledger::Entry| {
        if let Err(error) = accounts.apply(entry) {
            refused.get_or_insert(error);
        }
    };
    let (ledger, _) =
        Ledger::open(Arc::new(disk), Options::default(), &mut visit, None).map_err(Failure::could_not)?;
    match refused {
        Some(error) => Err(Failure::could_not(error)),
        None => Ok((accounts, ledger)),
    }
}

fn enact(accounts: &Accounts, ledger: &Ledger, body: &EntryBody) -> Result<(), Failure> {
    let ticket = accounts.enact(body, |body| ledger.append(now(), body)).map_err(Failure::could_not)?;
    ledger.durable_blocking(ticket).map_err(Failure::could_not)
}

/// Asks the gateway that holds the folder; `None`: there is none.
fn ask(
    folder: &Folder,
    method: http::Method,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<Option<Value>, Failure> {
    let Some(running) = folder.running() else { return Ok(None) };
    let token = folder
        .read_admin_token()
        .map_err(|error| Failure::could_not(format_args!("the admin token: {error}")))?;
    let request = http::Request::builder()
        .method(method)
        .uri(format!("http://{}/admin/v1/{path}", running.admin))
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(Failure::could_not)?;
    house::runtime()?.block_on(async {
        let upstream =
            Upstream::new(UpstreamOptions { allow_private_addresses: true, ..UpstreamOptions::default() });
        let answer = match upstream.send(request).await {
            Ok(answer) => answer,
            // The note outlived its gateway.
            Err(error) if error.dialed == edge::Dialed::NotConnected => return Ok(None),
            Err(error) => {
                return Err(Failure::could_not(format_args!("the gateway at {}: {error}", running.admin)));
            }
        };
        let status = answer.status();
        let bytes = read_limited(answer.into_body(), ANSWER_MAX, std::time::Duration::from_secs(10)).await;
        let bytes = bytes.map_err(Failure::could_not)?;
        let value: Value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(Failure::could_not)?
        };
        if status.is_success() {
            return Ok(Some(value));
        }
        let said = |field: &str| {
            value.pointer(&format!("/error/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (message, fix) = (said("message"), said("fix"));
        let fix = if fix.is_empty() { String::new() } else { format!("\n  fix: {fix}") };
        let text = format!("{message}{fix}");
        Err(if status.is_client_error() { Failure::wrong(text) } else { Failure::could_not(text) })
    })
}

fn body(new: &NewKey) -> Vec<u8> {
    let limits =
        json!({ "rpm": new.limits.rpm, "tpm": new.limits.tpm, "concurrency": new.limits.concurrency });
    serde_json::to_vec(&json!({
        "id": new.id, "project": new.project, "app": new.app, "domain": new.domain, "models": new.models,
        "limits": limits, "expires": new.expires, "budget": new.budget,
    }))
    .unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
