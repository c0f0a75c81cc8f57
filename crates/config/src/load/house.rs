//! The sections about the house itself: server, ledger, prices, foresight, telemetry.

use std::time::Duration;

use prices::Books;

use crate::books;
use crate::problem::Wrong;
use crate::read::Section;
use crate::types::{BookFile, Foresight, LedgerCfg, Prices, Server, Telemetry};
use crate::values;
use crate::words::{Content, Semconv};

use super::Loader;
use super::secrets::Found;

impl Loader<'_> {
    pub(crate) fn server(&self, section: &Section<'_>) -> Option<Server> {
        let listen = section.scalar("listen", values::socket);
        let admin_listen = section.scalar("admin_listen", values::socket);
        if let (Some(listen), Some(admin)) = (listen, admin_listen) {
            // Port 0 asks the system for a free one, which is never the same twice.
            let same_place =
                listen.ip() == admin.ip() || listen.ip().is_unspecified() || admin.ip().is_unspecified();
            if listen.port() == admin.port() && listen.port() != 0 && same_place {
                let key = if section.has("admin_listen") { "admin_listen" } else { "listen" };
                section.error(
                    key,
                    format!("callers and the admin API cannot both be served at {admin}"),
                    "give each a port of its own; by default listen = \"127.0.0.1:8080\", admin_listen = \"127.0.0.1:8081\"",
                );
            }
            if !admin.ip().is_loopback() {
                section.warning(
                    "admin_listen",
                    format!(
                        "{admin} can be reached from other machines, and the admin API speaks plain HTTP"
                    ),
                    "listen at 127.0.0.1, or put a proxy with TLS before it",
                );
            }
        }
        let max_body = section.scalar("max_body", |text| match values::size(text)? {
            bytes @ 1_024..=1_073_741_824 => Ok(bytes),
            _ => Err(Wrong::new(format!("{text} is out of range"), "write a size from 1 KiB to 1 GiB")),
        });
        let shutdown_grace =
            within(section, "shutdown_grace", Duration::ZERO, Duration::from_hours(1), "0s to 1h");
        let admin_token = match self.find_secret(section, "admin_token_env", "admin_token_file") {
            Found::Secret(token) => Some(token),
            Found::NotSet(name) => {
                section.warning(
                    "admin_token_env",
                    format!("the environment variable {name} is not set: a token is made at first start"),
                    format!("set {name}, or read the token from the data folder"),
                );
                None
            }
            Found::NotNamed | Found::Wrong => None,
        };
        Some(Server {
            listen: listen?,
            admin_listen: admin_listen?,
            admin_token,
            max_body: max_body?,
            shutdown_grace: shutdown_grace?,
        })
    }

    pub(crate) fn ledger(&self, section: &Section<'_>) -> Option<LedgerCfg> {
        let dir = section.scalar("dir", path);
        let commit_interval =
            within(section, "commit_interval", Duration::ZERO, Duration::from_secs(1), "0ms to 1s");
        section.scalar("retention", values::duration);
        section.word::<Content>("content");
        Some(LedgerCfg { dir: self.resolve(&dir?), commit_interval: commit_interval? })
    }

    /// The price books. The plans are there even when a book is wrong, as far as they go.
    pub(crate) fn prices(&self, section: &Section<'_>) -> (Option<Prices>, Books) {
        let on_unknown = section.word("on_unknown");
        let files = if section.has("books") { self.book_files(section) } else { Some(books::built_in()) };
        let (books, wrong) = books::together(files.as_deref().unwrap_or(&[]));
        for wrong in wrong {
            section.document.error(&section.at("books"), wrong);
        }
        let prices = files.zip(on_unknown).map(|(books, on_unknown)| Prices { books, on_unknown });
        (prices, books)
    }

    fn book_files(&self, section: &Section<'_>) -> Option<Vec<BookFile>> {
        let mut paths = std::collections::BTreeSet::new();
        let mut whole = true;
        for (at, pattern) in section.items("books", path)? {
            match books::matching(self.env, &self.resolve(&pattern)) {
                Ok(found) if found.is_empty() => {
                    let message = format!("no price book matches `{pattern}`");
                    section
                        .document
                        .error(&at, Wrong::new(message, "name a book, relative to this file's folder"));
                    whole = false;
                }
                Ok(found) => paths.extend(found),
                Err(error) => {
                    let message = format!("`{pattern}` cannot be looked for: {error}");
                    section
                        .document
                        .error(&at, Wrong::new(message, "name a book, relative to this file's folder"));
                    whole = false;
                }
            }
        }
        let mut files = vec![];
        for path in paths {
            match self.env.read(&path) {
                Ok(json) => files.push(BookFile { name: path.display().to_string(), json }),
                Err(error) => {
                    let message = format!("the price book {} cannot be read: {error}", path.display());
                    section.error("books", message, "make it readable, or leave it out");
                    whole = false;
                }
            }
            self.sources.borrow_mut().push(path);
        }
        if section.is_empty_list("books") {
            section.error(
                "books",
                "is empty",
                "name at least one price book, or leave the key out for those built in",
            );
            whole = false;
        }
        whole.then_some(files)
    }
}

pub(crate) fn foresight(section: &Section<'_>) -> Option<Foresight> {
    Some(Foresight { enabled: section.flag("enabled")? })
}

pub(crate) fn telemetry(section: &Section<'_>) -> Option<Telemetry> {
    let log = section.scalar("log", values::log_filter);
    section.scalar("otlp_endpoint", |text| Ok(text.to_owned()));
    section.word::<Semconv>("semconv");
    Some(Telemetry { log: log? })
}

/// Sections that do nothing in this version: read, so that their mistakes are seen, and then refused or warned of
/// by their standing in the schema.
pub(crate) fn not_yet(root: &Section<'_>) {
    root.table("receipts").scalar("signing_key_file", path);
    let cluster = root.table("cluster");
    cluster.items("nats", |text| service_url(text, &["nats", "tls"], "nats://127.0.0.1:4222"));
    cluster.scalar("clickhouse", |text| service_url(text, &["http", "https"], "http://127.0.0.1:8123"));
}

fn service_url(text: &str, schemes: &[&str], example: &str) -> Result<(), Wrong> {
    let fits = |(scheme, rest): (&str, &str)| schemes.contains(&scheme) && !rest.is_empty();
    if text.split_once("://").is_some_and(fits) {
        return Ok(());
    }
    Err(Wrong::new(format!("`{text}` is no URL of this service"), format!("write it like {example:?}")))
}

pub(crate) fn path(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return Err(Wrong::new("is no path", "write a path, relative to this file's folder or absolute"));
    }
    Ok(text.to_owned())
}

/// A duration in a range, both ends included.
pub(crate) fn within(
    section: &Section<'_>,
    key: &str,
    min: Duration,
    max: Duration,
    range: &str,
) -> Option<Duration> {
    section.scalar(key, |text| match values::duration(text)? {
        duration if (min..=max).contains(&duration) => Ok(duration),
        _ => Err(Wrong::new(format!("{text} is out of range"), format!("write a duration from {range}"))),
    })
}
