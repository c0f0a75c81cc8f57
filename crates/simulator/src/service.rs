//! What happens to a request: read, written down, let in or refused, answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::answer::{self, Answer};
use crate::fault::{Fault, FaultKind};
use crate::play::{Gone, Latency, Playing};
use crate::refusal::Refusal;
use crate::request::{self, Ask, Dialect, Purpose};
use crate::rng::{self, Rng};
use crate::script::{JSON, Script};
use crate::server::Shared;
use crate::story::{End, Pace, Story, now_ms};
use crate::wire::Control;
use crate::{anthropic, openai, prompt, tamper};

/// Larger requests are refused, as vendors do (Anthropic 32 MB).
const BODY_MAX: usize = 64 << 20;

type Answered = Result<Response<Playing>, Gone>;

/// Answers one request.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    control: Arc<Control>,
    request: Request<Incoming>,
) -> Answered {
    control.one_byte(false);
    let (head, body) = request.into_parts();
    // Only Anthropic's SDKs send a version.
    let by_header =
        if head.headers.contains_key("anthropic-version") { Dialect::Anthropic } else { Dialect::OpenAi };
    let desk = Desk { shared, control, headers: head.headers, since: Instant::now() };
    match (&head.method, head.uri.path()) {
        (&Method::POST, "/v1/chat/completions") => desk.generate(Dialect::OpenAi, body).await,
        (&Method::POST, "/v1/messages") => desk.generate(Dialect::Anthropic, body).await,
        (&Method::POST, "/v1/messages/count_tokens") => desk.count(body).await,
        (&Method::GET, "/v1/models") => Ok(desk.models(by_header)),
        (&Method::GET, "/healthz") => Ok(desk.plain("{\"status\":\"ok\"}".to_owned(), by_header, 0)),
        (_, path) => Ok(desk.refuse(None, by_header, &Refusal::no_such_page(by_header, path), "req_none")),
    }
}

/// One request at the counter.
struct Desk {
    shared: Arc<Shared>,
    control: Arc<Control>,
    headers: HeaderMap,
    since: Instant,
}

impl Desk {
    async fn generate(&self, dialect: Dialect, body: Incoming) -> Answered {
        let body = match read_body(body).await {
            Ok(body) => body,
            Err(Unread::Gone) => return Err(Gone),
            Err(Unread::TooLarge) => {
                return Ok(self.refuse(None, dialect, &Refusal::too_large(dialect), "req_none"));
            }
        };
        let parsed = request::read(dialect, &body, Purpose::Answer);
        let seen = match &parsed {
            Ok(ask) => (Some(ask.model.clone()), ask.stream),
            Err(_) => request::glance(&body),
        };
        let mut story =
            Story::received(&self.shared, self.header("x-client-request-id"), dialect, seen, body.len());
        let request_id = self.request_id(dialect, story.ordinal);
        let admitted = self.admit(dialect).and(parsed).and_then(|ask| self.listed(ask));
        let ask = match admitted {
            Ok(ask) => ask,
            Err(refusal) => {
                return Ok(self.refuse(Some((story, End::Refused)), dialect, &refusal, &request_id));
            }
        };
        story.fault = match self.fault(&ask, story.ordinal) {
            Ok(fault) => fault,
            Err(refusal) => {
                return Ok(self.refuse(Some((story, End::Refused)), dialect, &refusal, &request_id));
            }
        };
        if let Some(fault) = story.fault.clone() {
            let now_s = i64::try_from(now_ms() / 1000).unwrap_or(0);
            if let Some(refusal) = Refusal::of_fault(dialect, &fault, &ask.model, now_s) {
                return Ok(self.refuse(Some((story, End::Fault)), dialect, &refusal, &request_id));
            }
            match fault.kind {
                FaultKind::ResetBefore | FaultKind::Close => {
                    if fault.kind == FaultKind::ResetBefore {
                        self.control.reset_on_close();
                    }
                    story.end(End::Fault);
                    return Err(Gone);
                }
                FaultKind::OneByte => self.control.one_byte(true),
                _ => {}
            }
        }
        let chance = self.chance(&ask, story.ordinal);
        let created = self.shared.config.created.unwrap_or_else(|| now_ms() / 1000);
        let made = answer::decide(&ask, story.fault.as_ref(), chance, created);
        story.decided(&made);
        if let Some(Fault { kind: FaultKind::StallBefore, .. }) = &story.fault {
            // The story lives meanwhile: a client that leaves drops it, and that is written down.
            match story.fault.as_ref().and_then(Fault::number) {
                Some(wait) => tokio::time::sleep(Duration::from_millis(wait)).await,
                None => std::future::pending().await,
            }
        }
        self.serve(story, &ask, &made, &request_id).await
    }

    /// Writes the answer in its dialect, bends it by the fault, and sends it in its time.
    async fn serve(&self, mut story: Story, ask: &Ask<'_>, made: &Answer, request_id: &str) -> Answered {
        let fault = story.fault.as_ref();
        let whole = !ask.stream || fault.is_some_and(|fault| fault.kind == FaultKind::WholeForStream);
        let mut script = match (ask.dialect, whole) {
            (Dialect::OpenAi, true) => openai::whole(made, fault),
            (Dialect::OpenAi, false) => openai::stream(ask, made, fault),
            (Dialect::Anthropic, true) => anthropic::whole(made, fault),
            (Dialect::Anthropic, false) => anthropic::stream(ask, made, fault),
        };
        if let Some(fault) = fault {
            tamper::bend(&mut script, fault, ask.dialect, request_id, ask.directive.stall_ms);
        }
        let latency = self.latency(ask);
        if whole {
            self.wait(&mut story, made, latency).await;
        }
        story.status = 200;
        let mut response = Response::new(());
        self.head(&mut response, ask.dialect, request_id, script.content_type);
        let playing = Playing::new(script, Some(story), Some(Arc::clone(&self.control)), latency);
        Ok(response.map(|()| playing))
    }

    /// A whole answer's headers come when its last token is there.
    async fn wait(&self, story: &mut Story, made: &Answer, latency: Latency) {
        let further = u32::try_from(made.tokens.output().saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = latency.first + latency.each * further;
        if !wait.is_zero() {
            story.pace = Some(Pace { since: Instant::now(), first: latency.first, each: latency.each });
            tokio::time::sleep(wait).await;
        }
    }

    fn latency(&self, ask: &Ask<'_>) -> Latency {
        let config = &self.shared.config;
        Latency {
            first: ask.directive.first_token_ms.map_or(config.first_token, Duration::from_millis),
            each: ask.directive.token_ms.map_or(config.token, Duration::from_millis),
            keep_alive: config.keep_alive,
        }
    }

    /// The request's own fault, else one of the server's.
    fn fault(&self, ask: &Ask<'_>, ordinal: u64) -> Result<Option<Fault>, Refusal> {
        match &ask.directive.fault {
            Some(text) => {
                let wrong = |error: String| Refusal::invalid(ask.dialect, "simulate.fault", &error);
                text.parse().map(Some).map_err(wrong)
            }
            None => Ok(self.shared.config.faults.draw(ordinal).cloned()),
        }
    }

    /// What decides the answer: seed, model and prompt; the number of the request only under `unique_ids`.
    fn chance(&self, ask: &Ask<'_>, ordinal: u64) -> u64 {
        let config = &self.shared.config;
        let (system, tools) = (ask.prompt.system.unwrap_or_default(), ask.prompt.tools.unwrap_or_default());
        let unique = if config.unique_ids { ordinal.to_le_bytes() } else { [0; 8] };
        let parts = [ask.model.as_str(), ask.prompt.messages, system, tools].map(str::as_bytes);
        let [model, messages, system, tools] = parts;
        rng::hash(config.seed, &[model, messages, system, tools, &unique])
    }

    /// Any key that is not empty and not revoked is good.
    fn admit(&self, dialect: Dialect) -> Result<(), Refusal> {
        let bearer = self.header("authorization");
        let bearer = bearer.as_deref().and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let key = match dialect {
            Dialect::OpenAi => bearer,
            Dialect::Anthropic => self.header("x-api-key").or(bearer),
        };
        match key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
            None => Err(Refusal::key(dialect, None)),
            Some(key) if self.shared.config.revoked.iter().any(|revoked| revoked == key) => {
                Err(Refusal::key(dialect, Some(key)))
            }
            Some(_) if dialect == Dialect::Anthropic && !self.headers.contains_key("anthropic-version") => {
                Err(Refusal::invalid(dialect, "anthropic-version", "anthropic-version: header is required"))
            }
            Some(_) => Ok(()),
        }
    }

    fn listed<'a>(&self, ask: Ask<'a>) -> Result<Ask<'a>, Refusal> {
        let config = &self.shared.config;
        if config.only_listed_models && !config.models.contains(&ask.model) {
            return Err(Refusal::unknown_model(ask.dialect, &ask.model));
        }
        Ok(ask)
    }

    async fn count(&self, body: Incoming) -> Answered {
        let dialect = Dialect::Anthropic;
        let Ok(body) = read_body(body).await else { return Err(Gone) };
        let counted = self.admit(dialect).and_then(|()| request::read(dialect, &body, Purpose::Count));
        Ok(match counted {
            Ok(ask) => {
                let counted = prompt::count(&ask);
                self.plain(format!("{{\"input_tokens\":{}}}", counted.text + counted.images), dialect, 0)
            }
            Err(refusal) => self.refuse(None, dialect, &refusal, &self.request_id(dialect, 0)),
        })
    }

    fn models(&self, dialect: Dialect) -> Response<Playing> {
        if let Err(refusal) = self.admit(dialect) {
            return self.refuse(None, dialect, &refusal, "req_models");
        }
        let models = &self.shared.config.models;
        let body = match dialect {
            Dialect::OpenAi => openai::models(models),
            Dialect::Anthropic => anthropic::models(models),
        };
        self.plain(body, dialect, 0)
    }

    fn plain(&self, body: String, dialect: Dialect, ordinal: u64) -> Response<Playing> {
        let mut response = Response::new(());
        self.head(&mut response, dialect, &self.request_id(dialect, ordinal), JSON);
        response.map(|()| Playing::new(Script::whole(body, JSON), None, None, Latency::default()))
    }

    /// An error in the vendor's shape; the truth is told before it leaves.
    fn refuse(
        &self,
        story: Option<(Story, End)>,
        dialect: Dialect,
        refusal: &Refusal,
        request_id: &str,
    ) -> Response<Playing> {
        if let Some((mut story, end)) = story {
            story.status = refusal.status.as_u16();
            story.end(end);
        }
        let mut response = Response::new(());
        *response.status_mut() = refusal.status;
        self.head(&mut response, dialect, request_id, JSON);
        for (name, value) in &refusal.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        let script = Script::whole(refusal.body(dialect, request_id), JSON);
        response.map(|()| Playing::new(script, None, None, Latency::default()))
    }

    /// The headers that the vendors send with every answer.
    fn head(
        &self,
        response: &mut Response<()>,
        dialect: Dialect,
        request_id: &str,
        content_type: &'static str,
    ) {
        let took = self.since.elapsed().as_millis();
        let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let mut put = |name: &'static str, value: &'static str| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        };
        match dialect {
            Dialect::OpenAi => {
                put("openai-organization", "simulator");
                put("openai-version", "2020-10-01");
                put("x-ratelimit-limit-requests", "10000");
                put("x-ratelimit-limit-tokens", "2000000");
                put("x-ratelimit-remaining-requests", if refused { "0" } else { "9999" });
                put("x-ratelimit-remaining-tokens", "1999000");
                put("x-ratelimit-reset-requests", "6ms");
                put("x-ratelimit-reset-tokens", "1s");
                insert(headers, "openai-processing-ms", &took.to_string());
                insert(headers, "x-request-id", request_id);
            }
            Dialect::Anthropic => {
                put("anthropic-organization-id", "00000000-0000-4000-8000-000000000000");
                put("anthropic-ratelimit-requests-limit", "4000");
                put("anthropic-ratelimit-requests-remaining", if refused { "0" } else { "3999" });
                put("anthropic-ratelimit-tokens-limit", "2000000");
                put("anthropic-ratelimit-tokens-remaining", "1999000");
                put("anthropic-ratelimit-input-tokens-limit", "1600000");
                put("anthropic-ratelimit-input-tokens-remaining", "1599000");
                put("anthropic-ratelimit-output-tokens-limit", "400000");
                put("anthropic-ratelimit-output-tokens-remaining", "400000");
                let reset = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                for name in [
                    "anthropic-ratelimit-requests-reset",
                    "anthropic-ratelimit-tokens-reset",
                    "anthropic-ratelimit-input-tokens-reset",
                    "anthropic-ratelimit-output-tokens-reset",
                ] {
                    insert(headers, name, &reset);
                }
                insert(headers, "request-id", request_id);
            }
        }
    }

    /// An id for the request, new for each.
    fn request_id(&self, dialect: Dialect, ordinal: u64) -> String {
        let mut rng = Rng(rng::hash(self.shared.config.seed, &[b"request", &ordinal.to_le_bytes()]));
        match dialect {
            Dialect::OpenAi => format!("req_{:016x}{:016x}", rng.next(), rng.next()),
            Dialect::Anthropic => rng.id("req_011C", 20),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

enum Unread {
    TooLarge,
    Gone,
}

async fn read_body(body: Incoming) -> Result<Bytes, Unread> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Gone),
    }
}
