//! An offer's health: a circuit that opens after failures and half-opens with one probe, and the latency seen.
//!
//! What counts as a failure: the provider's own faults (overload, broken connections, timeouts, 5xx). Never a client's
//! hang-up, a 4xx that blames the request, or a rate limit, which closes the offer only for the time it names.

use parking_lot::Mutex;

/// Instants and spans in microseconds since 1970: the crate has no clock of its own.
type Micros = i64;

/// Failures in a row that open the circuit (Envoy's outlier detection has the same default).
const FAILURES_TO_OPEN: u32 = 5;
/// First pause of an open circuit; it doubles with every failed probe.
const PAUSE_FIRST: Micros = 5_000_000;
/// Longest pause.
const PAUSE_MAX: Micros = 300_000_000;
/// Longest time a provider's `retry-after` is believed: a year in a header must not close an offer for a year.
const RETRY_AFTER_MAX: Micros = 3_600_000_000;
/// Weight of the newest first-token time in the running mean.
const LATENCY_GAIN: f64 = 0.2;

/// Whether calls may go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// They may.
    Closed,
    /// They may not, until the instant (µs).
    Open {
        /// When a probe may try again.
        until: i64,
    },
    /// One probe is under way.
    HalfOpen,
}

/// What is known of an offer's health.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthState {
    /// Whether calls may go through.
    pub circuit: Circuit,
    /// Rate limited by the provider until (µs); 0: not.
    pub limited_until: i64,
    /// Attempts that went well.
    pub ok: u64,
    /// Attempts that failed by the provider's fault.
    pub failed: u64,
    /// Running mean of the time to the first token, ms; `None`: none seen.
    pub first_token_ms: Option<f64>,
}

/// The health of one offer. One short lock a look.
#[derive(Debug)]
pub struct Health {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: HealthState,
    failures_in_a_row: u32,
    pause: Micros,
    probe_since: Micros,
}

impl Default for Health {
    fn default() -> Self {
        let state = HealthState {
            circuit: Circuit::Closed,
            limited_until: 0,
            ok: 0,
            failed: 0,
            first_token_ms: None,
        };
        Self { inner: Mutex::new(Inner { state, failures_in_a_row: 0, pause: PAUSE_FIRST, probe_since: 0 }) }
    }
}

impl Health {
    /// What is known now.
    pub fn state(&self) -> HealthState {
        self.inner.lock().state
    }

    /// Why no call may go there now; `None`: it may.
    pub fn objection(&self, now: i64) -> Option<&'static str> {
        let inner = self.inner.lock();
        if inner.state.limited_until > now {
            return Some("the provider's rate limit holds");
        }
        match inner.state.circuit {
            Circuit::Closed => None,
            Circuit::Open { until } if until <= now => None,
            Circuit::Open { .. } => Some("its circuit is open after failures"),
            // A probe that never came back must not close the offer for good.
            Circuit::HalfOpen if now - inner.probe_since > PAUSE_MAX => None,
            Circuit::HalfOpen => Some("a probe of its health is under way"),
        }
    }

    /// An attempt is about to go there: takes the probe of an open circuit. `false`: somebody else has it.
    pub fn enter(&self, now: i64) -> bool {
        let mut inner = self.inner.lock();
        match inner.state.circuit {
            Circuit::Closed => true,
            Circuit::Open { until } if until > now => false,
            Circuit::HalfOpen if now - inner.probe_since <= PAUSE_MAX => false,
            Circuit::Open { .. } | Circuit::HalfOpen => {
                inner.state.circuit = Circuit::HalfOpen;
                inner.probe_since = now;
                true
            }
        }
    }

    /// An attempt went well; `first_token_ms`: its time to the first token.
    pub fn succeeded(&self, first_token_ms: f64) {
        let mut inner = self.inner.lock();
        inner.state.ok += 1;
        inner.failures_in_a_row = 0;
        inner.pause = PAUSE_FIRST;
        inner.state.circuit = Circuit::Closed;
        let mean = inner.state.first_token_ms.unwrap_or(first_token_ms);
        inner.state.first_token_ms = Some(mean + LATENCY_GAIN * (first_token_ms - mean));
    }

    /// An attempt failed by the provider's fault.
    pub fn failed(&self, now: i64) {
        let mut inner = self.inner.lock();
        inner.state.failed += 1;
        inner.failures_in_a_row += 1;
        let probing = inner.state.circuit == Circuit::HalfOpen;
        if probing {
            inner.pause = (inner.pause * 2).min(PAUSE_MAX);
        }
        if probing || inner.failures_in_a_row >= FAILURES_TO_OPEN {
            inner.state.circuit = Circuit::Open { until: now + inner.pause };
        }
    }

    /// An attempt ended in a way that says nothing of the offer (a client's hang-up, a refused request): a probe is
    /// given back.
    pub fn left(&self, now: i64) {
        let mut inner = self.inner.lock();
        if inner.state.circuit == Circuit::HalfOpen {
            inner.state.circuit = Circuit::Open { until: now };
        }
    }

    /// The provider said to wait.
    pub fn limited(&self, now: i64, wait_micros: i64) {
        let mut inner = self.inner.lock();
        let until = now + wait_micros.clamp(0, RETRY_AFTER_MAX);
        inner.state.limited_until = inner.state.limited_until.max(until);
        if inner.state.circuit == Circuit::HalfOpen {
            inner.state.circuit = Circuit::Open { until };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn five_failures_open_it_one_probe_goes_through_and_closes_it() {
        let health = Health::default();
        for _ in 0..4 {
            health.failed(0);
        }
        assert_eq!(health.objection(0), None);
        health.failed(0);
        assert!(health.objection(4 * S).is_some());
        assert_eq!(health.objection(5 * S), None);
        assert!(health.enter(5 * S));
        assert!(!health.enter(5 * S), "only one probe");
        assert!(health.objection(5 * S).is_some());
        health.succeeded(100.0);
        assert_eq!(health.objection(5 * S), None);
    }

    #[test]
    fn a_failed_probe_doubles_the_pause() {
        let health = Health::default();
        for _ in 0..5 {
            health.failed(0);
        }
        assert!(health.enter(5 * S));
        health.failed(5 * S);
        assert_eq!(health.state().circuit, Circuit::Open { until: 15 * S });
    }

    #[test]
    fn a_probe_whose_client_left_is_given_back() {
        let health = Health::default();
        for _ in 0..5 {
            health.failed(0);
        }
        assert!(health.enter(5 * S));
        health.left(6 * S);
        assert_eq!(health.objection(6 * S), None);
    }

    #[test]
    fn a_rate_limit_of_a_year_holds_an_hour() {
        let health = Health::default();
        health.limited(0, 365 * 86_400 * S);
        assert!(health.objection(3_599 * S).is_some());
        assert_eq!(health.objection(3_600 * S), None);
    }
}
