//! Rate limits of a key: requests and tokens in any 60 seconds, calls at the same time.
//!
//! Counts are kept by the second. A window is the running second and the 60 before it, so that no 60 seconds ever see
//! more than the limit; `retry-after` is the instant at which enough old seconds have left the window.

use std::fmt;
use std::sync::Arc;

use ledger::UnixMicros;
use parking_lot::Mutex;

use crate::Limits;

/// Seconds in a window: the running one, and 60 whole ones.
const SECONDS: usize = 61;
const MICROS: i64 = 1_000_000;

/// Leave to run. Dropped, it gives its place back.
#[must_use = "a place is given back when this is dropped"]
#[derive(Debug)]
pub struct Admission {
    meter: Option<Arc<Meter>>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(meter) = &self.meter {
            let mut state = meter.state.lock();
            state.running = state.running.saturating_sub(1);
        }
    }
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Requests a minute.
    Rpm,
    /// Tokens a minute.
    Tpm,
    /// Calls at the same time.
    Concurrency,
}

impl Limit {
    /// The word used in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Tpm => "tpm",
            Self::Concurrency => "concurrency",
        }
    }
}

/// A limit of the key is reached (`rate_limit_exceeded`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct LimitRefusal {
    /// Which.
    pub which: Limit,
    /// What it is.
    pub limit: u64,
    /// When the same call would be let in, as far as this key's past tells: exact for `rpm` and `tpm`; a second for
    /// `concurrency`, where it depends on when a running call ends. `None`: never, the call alone is above the limit.
    pub retry_after_ms: Option<u64>,
}

impl fmt::Display for LimitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match self.which {
            Limit::Rpm => write!(f, "the key's limit of {limit} requests a minute is reached")?,
            Limit::Tpm => write!(f, "the key's limit of {limit} tokens a minute is reached")?,
            Limit::Concurrency => write!(f, "the key's limit of {limit} calls at the same time is reached")?,
        }
        match self.retry_after_ms {
            Some(wait) => write!(f, "; try again in {wait} ms"),
            None => f.write_str("; this call alone is above it"),
        }
    }
}

/// What a key did in the last minute. Outlives changes of the key; is not in the ledger, and starts empty.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: Sliding,
    tokens: Sliding,
    running: u64,
}

impl Meter {
    /// Lets a call in, or says which limit it meets; a refused call counts for nothing.
    pub(crate) fn admit(
        self: &Arc<Self>,
        limits: Limits,
        now: UnixMicros,
        tokens: u64,
    ) -> Result<Admission, LimitRefusal> {
        if limits == Limits::default() {
            return Ok(Admission { meter: None });
        }
        let mut state = self.state.lock();
        let rpm = limits.rpm.and_then(|limit| state.requests.refuses(1, limit, now, Limit::Rpm));
        let tpm = limits.tpm.and_then(|limit| state.tokens.refuses(tokens, limit, now, Limit::Tpm));
        // The longer wait is the true one; never is longest.
        let wait = |refusal: &LimitRefusal| refusal.retry_after_ms.unwrap_or(u64::MAX);
        if let Some(refusal) = [rpm, tpm].into_iter().flatten().max_by_key(wait) {
            return Err(refusal);
        }
        if let Some(limit) = limits.concurrency
            && state.running >= limit
        {
            let retry_after_ms = (limit > 0).then_some(1_000);
            return Err(LimitRefusal { which: Limit::Concurrency, limit, retry_after_ms });
        }
        if limits.rpm.is_some() {
            state.requests.add(1, now);
        }
        if limits.tpm.is_some() {
            state.tokens.add(tokens, now);
        }
        state.running += 1;
        Ok(Admission { meter: Some(Arc::clone(self)) })
    }

    /// Counts tokens that were used beyond what was admitted, even above the limit: later calls wait for it.
    pub(crate) fn charge(&self, limits: Limits, now: UnixMicros, tokens: u64) {
        if limits.tpm.is_some() && tokens > 0 {
            self.state.lock().tokens.add(tokens, now);
        }
    }
}

/// Counts by the second over the last [`SECONDS`].
#[derive(Debug, Default)]
struct Sliding {
    /// By second modulo [`SECONDS`]; empty until first used.
    counts: Vec<u64>,
    newest: i64,
    sum: u64,
}

impl Sliding {
    /// Why `more` cannot be added now; `None`: it can.
    fn refuses(&mut self, more: u64, limit: u64, now: UnixMicros, which: Limit) -> Option<LimitRefusal> {
        self.advance(now);
        if self.sum.saturating_add(more) <= limit {
            return None;
        }
        let retry_after_ms = if more > limit { None } else { self.wait(more, limit, now) };
        Some(LimitRefusal { which, limit, retry_after_ms })
    }

    fn add(&mut self, more: u64, now: UnixMicros) {
        self.advance(now);
        let place = place_of(self.newest);
        if let Some(count) = self.counts.get_mut(place) {
            *count = count.saturating_add(more);
            self.sum = self.sum.saturating_add(more);
        }
    }

    /// Milliseconds until enough seconds have left the window.
    fn wait(&self, more: u64, limit: u64, now: UnixMicros) -> Option<u64> {
        let mut left = self.sum;
        let first = self.newest - place_span() + 1;
        for second in first..=self.newest {
            left = left.saturating_sub(self.counts.get(place_of(second)).copied().unwrap_or(0));
            if left.saturating_add(more) <= limit {
                let free_at = (second + place_span()) * MICROS;
                return u64::try_from(free_at - now.0).ok().map(|micros| micros.div_ceil(1_000));
            }
        }
        None
    }

    /// Empties the seconds that have left the window. A clock that goes back a little changes nothing; one that goes
    /// back by more than the window starts it afresh, or a key would wait for years.
    fn advance(&mut self, now: UnixMicros) {
        let second = now.0.div_euclid(MICROS);
        if self.counts.is_empty() {
            self.counts = vec![0; SECONDS];
            self.newest = second;
        }
        if second.abs_diff(self.newest) >= place_span().unsigned_abs() {
            self.counts.fill(0);
            self.sum = 0;
            self.newest = second;
        }
        while self.newest < second {
            self.newest += 1;
            if let Some(count) = self.counts.get_mut(place_of(self.newest)) {
                self.sum = self.sum.saturating_sub(std::mem::take(count));
            }
        }
    }
}

/// [`SECONDS`] as time is counted.
fn place_span() -> i64 {
    i64::try_from(SECONDS).unwrap_or(i64::MAX)
}

fn place_of(second: i64) -> usize {
    usize::try_from(second.rem_euclid(place_span())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMicros = UnixMicros(1_795_564_800_250_000); // a quarter of a second into a second

    fn later(millis: u64) -> UnixMicros {
        UnixMicros(NOW.0 + i64::try_from(millis).unwrap() * 1_000)
    }

    fn limits(rpm: Option<u64>, tpm: Option<u64>, concurrency: Option<u64>) -> Limits {
        Limits { rpm, tpm, concurrency }
    }

    #[test]
    fn six_hundred_a_minute_are_six_hundred() {
        let (meter, limits) = (Arc::new(Meter::default()), limits(Some(600), None, None));
        let admitted = (0..1_000).filter(|turn| meter.admit(limits, later(turn * 10), 1).is_ok()).count();
        assert_eq!(admitted, 600);
        let refusal = meter.admit(limits, later(10_000), 1).unwrap_err();
        // The first second began 250 ms before NOW and leaves 61 s after its start: 60,750 ms after NOW.
        assert_eq!((refusal.which, refusal.limit, refusal.retry_after_ms), (Limit::Rpm, 600, Some(50_750)));
        assert!(meter.admit(limits, later(10_000 + 50_749), 1).is_err());
        assert!(meter.admit(limits, later(10_000 + 50_750), 1).is_ok());
    }

    #[test]
    fn tokens_beyond_the_estimate_make_later_calls_wait() {
        let (meter, limits) = (Arc::new(Meter::default()), limits(Some(100), Some(1_000), None));
        drop(meter.admit(limits, NOW, 400).unwrap());
        meter.charge(limits, later(1_000), 900);
        let refusal = meter.admit(limits, later(2_000), 100).unwrap_err();
        // 1,300 are counted; without the first 400 there is room for 100.
        assert_eq!((refusal.which, refusal.retry_after_ms), (Limit::Tpm, Some(58_750)));
        // Without both for 1,000.
        assert_eq!(meter.admit(limits, later(2_000), 1_000).unwrap_err().retry_after_ms, Some(59_750));
        let never = meter.admit(limits, later(2_000), 1_001).unwrap_err();
        assert_eq!(never.retry_after_ms, None);
        assert!(never.to_string().ends_with("this call alone is above it"), "{never}");
    }

    #[test]
    fn a_place_comes_back_when_its_call_ends() {
        let (meter, limits) = (Arc::new(Meter::default()), limits(None, None, Some(2)));
        let (one, _two) = (meter.admit(limits, NOW, 1).unwrap(), meter.admit(limits, NOW, 1).unwrap());
        let refusal = meter.admit(limits, NOW, 1).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the key's limit of 2 calls at the same time is reached; try again in 1000 ms"
        );
        drop(one);
        assert!(meter.admit(limits, NOW, 1).is_ok());
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_lock_a_key_out() {
        let (meter, limits) = (Arc::new(Meter::default()), limits(Some(1), None, None));
        let year = 366 * 86_400_000;
        drop(meter.admit(limits, later(year), 1).unwrap());
        assert!(meter.admit(limits, NOW, 1).is_ok());
        assert!(meter.admit(limits, NOW, 1).is_err());
    }

    proptest! {
        /// No 60 seconds see more than the limit, and a call that waits as long as it was told is let in.
        #[test]
        fn waits_are_true_and_minutes_are_kept(calls in vec((0..4_000_u64, 1..40_u64), 1..300)) {
            let (meter, limits) = (Arc::new(Meter::default()), limits(Some(50), Some(500), None));
            let (mut now, mut admitted) = (0, Vec::new());
            for (pause, tokens) in calls {
                now += pause;
                if let Err(refusal) = meter.admit(limits, later(now), tokens) {
                    let wait = refusal.retry_after_ms.unwrap();
                    prop_assert!(meter.admit(limits, later(now + wait - 1), tokens).is_err());
                    now += wait;
                    prop_assert!(meter.admit(limits, later(now), tokens).is_ok(), "{refusal}");
                }
                admitted.push((now, tokens));
            }
            for (from, _) in &admitted {
                let minute = admitted.iter().filter(|(at, _)| (*from..from + 60_000).contains(at));
                let (requests, tokens) = minute.fold((0, 0), |(requests, sum), (_, tokens)| (requests + 1, sum + tokens));
                prop_assert!(requests <= 50 && tokens <= 500, "{requests} {tokens}");
            }
        }
    }
}
