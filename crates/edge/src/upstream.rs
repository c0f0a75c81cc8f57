//! The client towards one provider: pooled, with bounded connect time, no redirects, no address it should not reach.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Scheme};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tower_service::Service as _;

use crate::address::is_public;

/// How long a connection is kept unused: below the minute after which many servers close theirs.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How to connect.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamOptions {
    /// Time for TCP and TLS to stand.
    pub connect_timeout: Duration,
    /// Loopback and private addresses may be connected to.
    pub allow_private_addresses: bool,
    /// Idle connections kept.
    pub idle_connections: usize,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            allow_private_addresses: false,
            idle_connections: 256,
        }
    }
}

/// A request's way to a provider.
///
/// Connections are driven by whoever reads their answer, not by tasks of their own: what has arrived is handed on in
/// one go, and an idle connection costs nothing.
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
}

struct Inner {
    connector: HttpsConnector<HttpConnector<GuardedResolver>>,
    idle: Mutex<Vec<Idle>>,
    idle_max: usize,
    /// For TCP and TLS together.
    connect_timeout: Duration,
}

struct Idle {
    place: Place,
    connection: Connection,
    since: Instant,
}

/// Scheme and authority: what a connection is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(Scheme, Authority);

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream")
    }
}

/// How far a failed request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialed {
    /// Nothing of it was written: the provider saw nothing.
    NotConnected,
    /// The provider may have seen it.
    MaybeSent,
}

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// How far it came.
    pub dialed: Dialed,
    message: String,
}

impl UpstreamError {
    fn of(dialed: Dialed, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { dialed, message: chain(error) }
    }
}

impl Upstream {
    /// A client with its own pool.
    pub fn new(options: UpstreamOptions) -> Self {
        let resolver = GuardedResolver { allow_private: options.allow_private_addresses };
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self {
            inner: Arc::new(Inner {
                connector,
                idle: Mutex::default(),
                idle_max: options.idle_connections,
                connect_timeout: options.connect_timeout,
            }),
        }
    }

    /// Sends a request with an absolute address and waits for the head of its answer. The caller bounds the wait;
    /// dropping the future, or the answer's body before its end, closes the connection. A kept connection that turns
    /// out closed before anything was written is replaced.
    pub async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        self.send_noting(request, &AtomicBool::new(false)).await
    }

    /// As [`Upstream::send`]; `sent` turns true when a connection takes the request, so that whoever drops the future
    /// knows whether the other side may have seen anything.
    pub async fn send_noting(
        &self,
        request: http::Request<Full<Bytes>>,
        sent: &AtomicBool,
    ) -> Result<http::Response<UpstreamBody>, UpstreamError> {
        let (place, mut request) = split(request)?;
        loop {
            let kept = self.inner.take(&place).await;
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.dial(&place).await?,
            };
            sent.store(true, Ordering::Relaxed);
            match connection.exchange(request).await {
                Ok(answer) => {
                    let (parts, incoming) = answer.into_parts();
                    let connection = Some(connection);
                    let body = UpstreamBody { incoming, connection, place, home: Arc::clone(&self.inner) };
                    return Ok(http::Response::from_parts(parts, body));
                }
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if was_kept => {
                        sent.store(false, Ordering::Relaxed);
                        request = unsent;
                    }
                    Some(_) => return Err(UpstreamError::of(Dialed::NotConnected, failed.error())),
                    None => return Err(UpstreamError::of(Dialed::MaybeSent, failed.error())),
                },
            }
        }
    }

    async fn dial(&self, place: &Place) -> Result<Connection, UpstreamError> {
        let never_sent = |message: String| UpstreamError { dialed: Dialed::NotConnected, message };
        let Place(scheme, authority) = place;
        let uri = http::Uri::builder()
            .scheme(scheme.clone())
            .authority(authority.clone())
            .path_and_query("/")
            .build();
        let uri = uri.map_err(|error| never_sent(error.to_string()))?;
        let dialing = self.inner.connector.clone().call(uri);
        let Ok(stream) = tokio::time::timeout(self.inner.connect_timeout, dialing).await else {
            let limit = self.inner.connect_timeout;
            return Err(never_sent(format!(
                "cannot connect to {authority}: no connection stood within {limit:?}"
            )));
        };
        let stream = stream
            .map_err(|error| never_sent(format!("cannot connect to {authority}: {}", chain(&*error))))?;
        let (sender, driver) = http1::handshake(stream).await.map_err(|error| never_sent(chain(&error)))?;
        Ok(Connection { sender, driver: Box::pin(driver) })
    }
}

/// The place that a request is for, and the request as it is written there.
fn split(
    mut request: http::Request<Full<Bytes>>,
) -> Result<(Place, http::Request<Full<Bytes>>), UpstreamError> {
    let never_sent =
        |message: &str| UpstreamError { dialed: Dialed::NotConnected, message: message.to_owned() };
    let parts = request.uri().clone().into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
        return Err(never_sent("the request's address is not absolute"));
    };
    let host = HeaderValue::from_str(authority.as_str())
        .map_err(|_| never_sent("the request's host is no header"))?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = parts.path_and_query.map_or_else(http::Uri::default, http::Uri::from);
    Ok((Place(scheme, authority), request))
}

impl Inner {
    /// A kept connection that is still good.
    async fn take(&self, place: &Place) -> Option<Connection> {
        loop {
            let mut connection = {
                let mut idle = self.idle.lock();
                // The newest last: it is the least likely to have been closed.
                let found = idle.iter().rposition(|idle| idle.place == *place)?;
                let found = idle.swap_remove(found);
                if found.since.elapsed() > IDLE_MAX {
                    idle.retain(|idle| idle.since.elapsed() <= IDLE_MAX);
                    continue;
                }
                found.connection
            };
            if connection.is_open().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, place: &Place, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < self.idle_max {
            idle.push(Idle { place: place.clone(), connection, since: Instant::now() });
        }
    }
}

type Stream = hyper_rustls::MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection and what drives it.
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<Stream, Full<Bytes>>>>,
}

impl Connection {
    /// Reads what has arrived meanwhile: the end, if the other side has closed.
    async fn is_open(&mut self) -> bool {
        poll_fn(|cx| Poll::Ready(self.driver.as_mut().poll(cx).is_pending())).await && self.sender.is_ready()
    }

    async fn exchange(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, TrySendError<http::Request<Full<Bytes>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let mut closed = false;
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            // An error of the driver reaches the answer, too.
            closed = closed || self.driver.as_mut().poll(cx).is_ready();
            answer.as_mut().poll(cx)
        })
        .await
    }
}

/// An answer's body, which drives its connection. Read to its end, it gives the connection back to be used again.
pub struct UpstreamBody {
    incoming: Incoming,
    connection: Option<Connection>,
    place: Place,
    home: Arc<Inner>,
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UpstreamBody")
    }
}

impl UpstreamBody {
    fn poll_driven(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let ready @ Poll::Ready(_) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return ready;
        }
        if let Some(connection) = &mut self.connection
            && connection.driver.as_mut().poll(cx).is_ready()
        {
            // Closed: what was read before is still in the body.
            self.connection = None;
        }
        Pin::new(&mut self.incoming).poll_frame(cx)
    }

    fn give_back(&mut self, cx: &mut Context<'_>) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.driver.as_mut().poll(cx).is_pending() && connection.sender.is_ready() {
            self.home.keep(&self.place, connection);
        }
    }
}

impl http_body::Body for UpstreamBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = self.poll_driven(cx);
        if let Poll::Ready(None) = polled {
            self.give_back(cx);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        // Never claimed before it was polled to its end: the end is what gives the connection back.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The error with its causes: hyper's own text ("client error (Connect)") says too little.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Resolves a name and drops every address that may not be connected to. Addresses written as literals never come
/// here: configuration checks them.
#[derive(Clone, Copy, Debug)]
struct GuardedResolver {
    allow_private: bool,
}

impl tower_service::Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::PermissionDenied,
                    format!(
                        "{name} resolves to no public address; set allow_private_addresses = true if it is meant"
                    ),
                ));
            }
            Ok(allowed.into_iter())
        })
    }
}
