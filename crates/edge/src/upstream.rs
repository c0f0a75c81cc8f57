//! The client towards one provider: pooled, with bounded connect time, no redirects, no address it should not reach.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::address::is_public;

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
#[derive(Clone)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream")
    }
}

/// How far a failed request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialed {
    /// No connection stood: the provider saw nothing.
    NotConnected,
    /// A connection stood: the provider may have seen the request.
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
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(options.idle_connections)
            .build(connector);
        Self { client }
    }

    /// Sends a request and waits for the head of its answer. The caller bounds the wait; dropping the future closes
    /// the connection. A connection that was reused and turned out closed before anything was written is replaced.
    pub async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, UpstreamError> {
        self.client.request(request).await.map_err(|error| UpstreamError {
            dialed: if error.is_connect() { Dialed::NotConnected } else { Dialed::MaybeSent },
            message: chain(&error),
        })
    }
}

/// The error with its causes: hyper's own text ("client error (Connect)") says too little.
fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
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
