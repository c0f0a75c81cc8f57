//! One provider as the data plane needs it: where, with what credential, how long to wait, what a hang-up means.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use dialects::{Dialect, Hangup, Quirk};
use edge::{Upstream, UpstreamOptions};
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::Full;
use ledger::AttemptId;

/// A provider as configured.
#[derive(Debug)]
pub struct ProviderSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its row of the table of known providers.
    pub quirk: &'static Quirk,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where.
    pub base_url: &'a str,
    /// The credential; empty: none is sent.
    pub credential: &'a str,
    /// Time for a connection to stand.
    pub connect_timeout: Duration,
    /// Time from the request to a stream's first content.
    pub first_byte_timeout: Duration,
    /// Time between two events of content.
    pub idle_timeout: Duration,
    /// Time to an answer that is not streamed: its first byte comes when all of it is generated.
    pub answer_timeout: Duration,
    /// Loopback and private addresses may be connected to.
    pub allow_private_addresses: bool,
    /// What a hang-up means.
    pub on_hangup: Hangup,
}

/// Why a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("provider `{provider}`: {message}")]
pub struct ProviderSpecError {
    provider: String,
    message: String,
}

/// A provider, ready to be called.
#[derive(Debug)]
pub struct Provider {
    pub(crate) dialect: Dialect,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) on_hangup: Hangup,
    pub(crate) quirk: &'static Quirk,
    upstream: Upstream,
    uri: http::Uri,
    headers: HeaderMap,
}

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

impl Provider {
    /// Sets a provider up.
    pub fn new(spec: &ProviderSpec<'_>) -> Result<Self, ProviderSpecError> {
        let fail = |message: String| ProviderSpecError { provider: spec.name.to_owned(), message };
        let url = spec.dialect.endpoint(spec.base_url);
        let uri = url.parse().map_err(|error| fail(format!("`{url}` is no address: {error}")))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // A compressed stream would have to be unpacked to be counted, and delays its events.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("tollhouse/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in spec.quirk.static_headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if !spec.credential.is_empty() {
            let (name, value) = spec.quirk.auth_header(spec.credential);
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| fail(format!("the credential cannot be sent as `{name}`")))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Self {
            dialect: spec.dialect,
            quirk: spec.quirk,
            first_byte_timeout: spec.first_byte_timeout,
            idle_timeout: spec.idle_timeout,
            answer_timeout: spec.answer_timeout,
            on_hangup: spec.on_hangup,
            upstream: Upstream::new(UpstreamOptions {
                connect_timeout: spec.connect_timeout,
                allow_private_addresses: spec.allow_private_addresses,
                ..UpstreamOptions::default()
            }),
            uri,
            headers,
        })
    }

    /// Sends one attempt. `passed`: the client's own headers that go on to the provider. `sent` turns true when a
    /// connection takes the request.
    pub(crate) async fn send(
        &self,
        body: Bytes,
        attempt: AttemptId,
        passed: &HeaderMap,
        sent: &AtomicBool,
    ) -> Result<http::Response<edge::UpstreamBody>, edge::UpstreamError> {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        // A header that the client sends itself stands instead of ours.
        for name in passed.keys() {
            headers.remove(name);
        }
        for (name, value) in passed {
            headers.append(name, value.clone());
        }
        if let Ok(id) = HeaderValue::from_str(&attempt.to_string()) {
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        self.upstream.send_noting(request, sent).await
    }
}
