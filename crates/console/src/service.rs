//! From request to answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edge::Body;
use http::{Method, Request, Response, StatusCode};

use crate::gate::{Hosts, Token};
use crate::live::Streams;
use crate::{Backend, Problem, api, assets, path, reply};

/// Bytes of a request's body.
const BODY_MAX: usize = 1 << 20;
/// Longest pause within a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// How a console is set up.
#[derive(Clone, Debug)]
pub struct ConsoleOptions {
    /// Where it listens; with its loopback names, the hosts it answers to.
    pub listen: SocketAddr,
    /// Further hosts it answers to, with their port where it is not the scheme's own: `console.example.org`.
    pub hosts: Vec<String>,
    /// Live streams at a time; the next is refused with 503.
    pub streams_max: usize,
    /// Time between two increments of a live stream.
    pub stream_interval: Duration,
    /// Life of a live stream; the page then opens the next. A client that only holds one open loses it.
    pub stream_life: Duration,
}

impl ConsoleOptions {
    /// The usual bounds, for a listen address.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            hosts: Vec::new(),
            streams_max: 16,
            stream_interval: Duration::from_secs(1),
            stream_life: Duration::from_hours(1),
        }
    }
}

/// The admin API and the page.
pub struct Console {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) streams: Streams,
    hosts: Hosts,
    token: Token,
}

impl Console {
    /// A console that opens to `token`. Only the token's hash is kept.
    pub fn new(backend: Arc<dyn Backend>, token: &str, options: &ConsoleOptions) -> Self {
        Self {
            backend,
            streams: Streams::new(options),
            hosts: Hosts::new(options.listen, &options.hosts),
            token: Token::new(token),
        }
    }

    /// Ends the live streams, so that a listener that stops need not wait for them. Everything else goes on.
    pub fn stop(&self) {
        self.streams.stop();
    }

    /// Answers a request. Never fails: what goes wrong is in the answer. Dropping the future abandons the answer;
    /// a change that was begun is finished on its blocking thread.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        match self.answer(request).await {
            Ok(response) => response,
            Err(problem) => reply::problem(&problem),
        }
    }

    async fn answer<B>(&self, request: Request<B>) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let unknown = || Problem::new(404, "not_found", "there is nothing at this path");
        let segments = path::segments(head.uri.path()).ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let get = head.method == Method::GET || head.method == Method::HEAD;
        // Probes ask by address; they learn one word.
        match segments.as_slice() {
            ["healthz"] if get => return Ok(text(StatusCode::OK, "ok\n".to_owned())),
            ["readyz"] if get => {
                return Ok(match self.backend.ready() {
                    Ok(()) => text(StatusCode::OK, "ready\n".to_owned()),
                    Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
                });
            }
            _ => {}
        }
        self.hosts.admit(&head.uri, &head.headers)?;
        match segments.as_slice() {
            ["admin", "v1", rest @ ..] => {
                self.token.admit(&head.headers)?;
                let body =
                    edge::read_limited(body, BODY_MAX, BODY_PAUSE).await.map_err(|error| match error {
                        edge::BodyError::TooLarge { .. } => {
                            Problem::new(413, "request_too_large", error.to_string())
                        }
                        edge::BodyError::Stalled(_) => Problem::new(408, "timeout", error.to_string()),
                        edge::BodyError::Cut(_) => Problem::new(400, "body_cut", error.to_string()),
                    })?;
                api::answer(self, &head.method, rest, head.uri.query().unwrap_or_default(), &body).await
            }
            ["metrics"] if get => {
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                Ok(reply::answer(StatusCode::OK, kind, self.backend.metrics()))
            }
            _ if get => assets::answer(head.uri.path(), &head.headers).ok_or_else(unknown),
            _ => Err(Problem::new(405, "method_not_allowed", "this path can only be read")),
        }
    }
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    reply::answer(status, "text/plain; charset=utf-8", text)
}
