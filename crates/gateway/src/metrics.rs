//! Counters for `/metrics`, fed from the ledger's entries off the data path. Names follow OpenTelemetry's GenAI
//! conventions (semantic-conventions-genai, 2026), dots written as underscores as Prometheus wants.

use ledger::{Entry, EntryBody, Settled};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[allow(clippy::struct_field_names)] // the fields are the labels' names
struct Model {
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    site: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    gen_ai_provider_name: String,
    status: &'static str,
    provenance: &'static str,
    error_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Money {
    gen_ai_provider_name: String,
    currency: String,
}

/// The counters.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    input: Family<Model, Counter>,
    cached: Family<Model, Counter>,
    written: Family<Model, Counter>,
    output: Family<Model, Counter>,
    reasoning: Family<Model, Counter>,
    charge: Family<Money, Counter>,
    attempts: Family<Ended, Counter>,
    refused: Family<Code, Counter>,
    opened: Counter,
    duration: Family<Model, Histogram, fn() -> Histogram>,
    first_chunk: Family<Model, Histogram, fn() -> Histogram>,
    under_way: Gauge,
    durable_seq: Gauge,
}

/// Seconds, as the GenAI conventions advise for their duration histograms.
fn seconds() -> Histogram {
    Histogram::new([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let tokens = |registry: &mut Registry, name: &str, help: &str| {
            let family = Family::<Model, Counter>::default();
            registry.register(format!("gen_ai_client_inference_usage_{name}"), help, family.clone());
            family
        };
        let input =
            tokens(&mut registry, "input_tokens", "Input tokens, cached and cache-written ones included");
        let cached =
            tokens(&mut registry, "cache_read_input_tokens", "Input tokens read from a provider's cache");
        let written =
            tokens(&mut registry, "cache_write_input_tokens", "Input tokens written to a provider's cache");
        let output = tokens(&mut registry, "output_tokens", "Output tokens, reasoning included");
        let reasoning = tokens(
            &mut registry,
            "reasoning_output_tokens",
            "Reasoning tokens, where the provider says them",
        );
        let duration = Family::new_with_constructor(seconds as fn() -> Histogram);
        let first_chunk = Family::new_with_constructor(seconds as fn() -> Histogram);
        let help = "Time from an attempt's opening to its end";
        registry.register_with_unit(
            "gen_ai_client_operation_duration",
            help,
            Unit::Seconds,
            duration.clone(),
        );
        let help = "Time from an attempt's opening to its first content";
        registry.register_with_unit(
            "gen_ai_client_operation_time_to_first_chunk",
            help,
            Unit::Seconds,
            first_chunk.clone(),
        );
        let charge = Family::default();
        registry.register("tollhouse_charge_nano", "Charges in 10^-9 of the currency", Clone::clone(&charge));
        let attempts = Family::default();
        registry.register("tollhouse_attempts", "Settled attempts", Clone::clone(&attempts));
        let refused = Family::default();
        registry.register(
            "tollhouse_refused_calls",
            "Calls refused before an attempt",
            Clone::clone(&refused),
        );
        let opened = Counter::default();
        registry.register("tollhouse_opened_attempts", "Attempts opened", opened.clone());
        let (under_way, durable_seq) = (Gauge::default(), Gauge::default());
        registry.register("tollhouse_calls_under_way", "Calls not yet settled", under_way.clone());
        registry.register(
            "tollhouse_ledger_durable_seq",
            "Number of the last durable entry",
            durable_seq.clone(),
        );
        Self {
            registry,
            input,
            cached,
            written,
            output,
            reasoning,
            charge,
            attempts,
            refused,
            opened,
            duration,
            first_chunk,
            under_way,
            durable_seq,
        }
    }
}

impl Metrics {
    /// Counts an entry. Called by the ledger's observer, once an entry.
    pub fn apply(&self, entry: &Entry) {
        match &entry.body {
            EntryBody::Opened(_) => {
                self.opened.inc();
            }
            EntryBody::Settled(settled) => self.settled(settled),
            EntryBody::Refused(refused) => {
                self.refused.get_or_create(&Code { code: refused.code.to_string() }).inc();
            }
            EntryBody::Budget(_) | EntryBody::Admin(_) => {}
        }
        self.durable_seq.set(i64::try_from(entry.seq.0).unwrap_or(i64::MAX));
    }

    fn settled(&self, settled: &Settled) {
        use tokens::Kind;
        let offer = &settled.opened.offer;
        let model = Model {
            gen_ai_provider_name: offer.provider.to_string(),
            gen_ai_request_model: offer.model.to_string(),
            site: offer.site.to_string(),
        };
        let tokens = &settled.tokens;
        let writes = [
            Kind::CacheWrite,
            Kind::CacheWrite5m,
            Kind::CacheWrite30m,
            Kind::CacheWrite1h,
            Kind::CacheWrite12h,
        ];
        self.input.get_or_create(&model).inc_by(tokens.prompt());
        self.cached.get_or_create(&model).inc_by(tokens.get(Kind::InputCached));
        self.written.get_or_create(&model).inc_by(writes.into_iter().map(|kind| tokens.get(kind)).sum());
        self.output.get_or_create(&model).inc_by(tokens.output());
        self.reasoning.get_or_create(&model).inc_by(tokens.get(Kind::Reasoning));
        if let Some(charge) = settled.charge {
            let money = Money {
                gen_ai_provider_name: offer.provider.to_string(),
                currency: settled.currency.to_string(),
            };
            self.charge.get_or_create(&money).inc_by(u64::try_from(charge.0).unwrap_or(0));
        }
        let ended = Ended {
            gen_ai_provider_name: offer.provider.to_string(),
            status: settled.status.name(),
            provenance: settled.provenance.name(),
            error_type: settled.error_class.to_string(),
        };
        self.attempts.get_or_create(&ended).inc();
        let from = settled.opened.opened_at.0;
        self.duration.get_or_create(&model).observe(span(from, settled.ended_at.0));
        if let Some(first) = settled.first_token_at {
            self.first_chunk.get_or_create(&model).observe(span(from, first.0));
        }
    }

    /// The Prometheus text exposition (OpenMetrics 1.0).
    pub fn render(&self, under_way: usize) -> String {
        self.under_way.set(i64::try_from(under_way).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// Seconds between two instants in microseconds.
#[allow(clippy::cast_precision_loss)] // a duration for a histogram
fn span(from: i64, to: i64) -> f64 {
    (to - from).max(0) as f64 / 1e6
}
