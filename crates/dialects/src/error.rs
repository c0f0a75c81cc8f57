//! Errors of providers by class: what to do next, and whether they cost anything.

use std::time::Duration;

/// Why a provider refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The credential, or what it may do.
    Auth,
    /// No money: the offer is to be closed.
    Quota,
    /// Too many requests or tokens for now.
    Rate,
    /// The provider has no capacity.
    Overload,
    /// The input does not fit the model.
    ContextTooLong,
    /// A filter of the provider refused the content.
    ContentFiltered,
    /// The provider does not understand the request.
    BadRequest,
    /// No such model or endpoint there.
    NotFound,
    /// The provider does not serve this place.
    Region,
    /// The provider, or we, gave up waiting.
    Timeout,
    /// The provider failed, or sent what is no answer.
    UpstreamBug,
}

/// What may be tried after an error, before the first byte has reached the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same offer after a wait, or another.
    Same,
    /// Another offer.
    Other,
    /// Nothing: it would fail everywhere.
    Never,
}

/// Whether the provider may charge for the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billed {
    /// It does not.
    No,
    /// Nobody says: settled as unknown.
    Maybe,
    /// It does.
    Yes,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::Auth,
        Self::Quota,
        Self::Rate,
        Self::Overload,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::BadRequest,
        Self::NotFound,
        Self::Region,
        Self::Timeout,
        Self::UpstreamBug,
    ];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Quota => "quota",
            Self::Rate => "rate",
            Self::Overload => "overload",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Region => "region",
            Self::Timeout => "timeout",
            Self::UpstreamBug => "upstream_bug",
        }
    }

    /// What may be tried next.
    pub const fn retry(self) -> Retry {
        match self {
            Self::Rate => Retry::Same,
            Self::Auth
            | Self::Quota
            | Self::Overload
            | Self::ContextTooLong
            | Self::NotFound
            | Self::Timeout
            | Self::UpstreamBug => Retry::Other,
            Self::ContentFiltered | Self::BadRequest | Self::Region => Retry::Never,
        }
    }

    /// Whether it may cost.
    pub const fn billed(self) -> Billed {
        match self {
            Self::Auth
            | Self::Quota
            | Self::Rate
            | Self::Overload
            | Self::ContextTooLong
            | Self::BadRequest
            | Self::NotFound
            | Self::Region => Billed::No,
            Self::ContentFiltered | Self::Timeout | Self::UpstreamBug => Billed::Maybe,
        }
    }
}

/// An error of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// Its class.
    pub class: ErrorClass,
    /// The HTTP status; 200: inside an answer; 0: none came.
    pub status: u16,
    /// The provider's own code or type; empty: none.
    pub code: String,
    /// The provider's own words, shortened.
    pub message: String,
    /// How long the provider asks to wait. The caller sets it against its deadline.
    pub retry_after: Option<Duration>,
    /// The provider's `x-should-retry`.
    pub should_retry: Option<bool>,
    /// It came inside an answer that had begun, which may be billed whatever its class.
    pub mid_answer: bool,
}

impl ProviderError {
    /// An answer that is none: garbage, a cut, an event without end.
    pub fn upstream_bug(message: &str) -> Self {
        Self {
            class: ErrorClass::UpstreamBug,
            status: 0,
            code: String::new(),
            message: message.to_owned(),
            retry_after: None,
            should_retry: None,
            mid_answer: true,
        }
    }

    /// No answer within our own time, or none that went on.
    pub fn timeout(message: &str) -> Self {
        Self { class: ErrorClass::Timeout, mid_answer: false, ..Self::upstream_bug(message) }
    }

    /// What may be tried next. `x-should-retry` goes before the class, as it does in the SDKs.
    pub const fn retry(&self) -> Retry {
        match (self.should_retry, self.class.retry()) {
            (Some(true), _) => Retry::Same,
            (Some(false), Retry::Same) => Retry::Other,
            (_, retry) => retry,
        }
    }

    /// Whether it may cost.
    pub const fn billed(&self) -> Billed {
        match (self.mid_answer, self.class.billed()) {
            (true, Billed::No) => Billed::Maybe,
            (_, billed) => billed,
        }
    }
}
