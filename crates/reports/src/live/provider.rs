//! A provider as its last attempts show it.

use std::collections::VecDeque;

use ledger::{AttemptStatus, Settled, UnixMicros};
use serde::Serialize;

use crate::{Name, time};

/// Attempts that rates and latencies are of.
const LAST: usize = 128;

/// Whether the provider, or the way to it, failed; `None`: says nothing about the provider.
pub(super) fn failed(status: AttemptStatus) -> Option<bool> {
    match status {
        AttemptStatus::Ok | AttemptStatus::ClientClosed => Some(false),
        AttemptStatus::ProviderError | AttemptStatus::UpstreamCut | AttemptStatus::Timeout => Some(true),
        AttemptStatus::Recovered => None,
    }
}

#[derive(Default)]
pub(super) struct ProviderState {
    in_flight: u64,
    ok: u64,
    errors: u64,
    last: VecDeque<Attempt>,
    last_error: Option<(UnixMicros, Name, u16)>,
}

struct Attempt {
    failed: bool,
    first_token_ms: Option<u64>,
    total_ms: Option<u64>,
}

/// A provider in the view.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProviderView {
    provider: Name2,
    in_flight: u64,
    /// Over all entries.
    ok: u64,
    errors: u64,
    /// Of the last attempts, `recent` at most.
    recent: usize,
    recent_errors: usize,
    /// Medians of the last attempts that did not fail, in milliseconds; `None`: none yet.
    first_token_p50_ms: Option<u64>,
    first_token_p95_ms: Option<u64>,
    total_p50_ms: Option<u64>,
    last_error: Option<LastError>,
}

/// Names are shared text; serde's `rc` feature is not asked for.
#[derive(Clone, Debug)]
struct Name2(Name);

#[derive(Clone, Debug, Serialize)]
struct LastError {
    #[serde(serialize_with = "time::serialize")]
    at: UnixMicros,
    class: Name2,
    http_status: u16,
}

impl Serialize for Name2 {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl ProviderState {
    pub(super) fn opened(&mut self) {
        self.in_flight += 1;
    }

    pub(super) fn settled(&mut self, settled: &Settled, failed: Option<bool>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(failed) = failed else { return };
        if failed {
            self.errors += 1;
            self.last_error = Some((settled.ended_at, settled.error_class.clone(), settled.http_status));
        } else {
            self.ok += 1;
        }
        let begun = settled.opened.opened_at;
        let first_token_ms = settled.first_token_at.map(|at| millis(begun, at));
        // A hang-up cuts the time short: it says nothing about how long the provider takes.
        let whole = settled.status == AttemptStatus::Ok;
        let total_ms = whole.then(|| millis(begun, settled.ended_at));
        if self.last.len() >= LAST {
            self.last.pop_front();
        }
        self.last.push_back(Attempt { failed, first_token_ms, total_ms });
    }

    pub(super) fn view(&self, name: &Name) -> ProviderView {
        let of = |value: fn(&Attempt) -> Option<u64>| {
            let mut values: Vec<u64> = self.last.iter().filter(|it| !it.failed).filter_map(value).collect();
            values.sort_unstable();
            values
        };
        let (first, total) = (of(|it| it.first_token_ms), of(|it| it.total_ms));
        ProviderView {
            provider: Name2(name.clone()),
            in_flight: self.in_flight,
            ok: self.ok,
            errors: self.errors,
            recent: self.last.len(),
            recent_errors: self.last.iter().filter(|it| it.failed).count(),
            first_token_p50_ms: quantile(&first, 50),
            first_token_p95_ms: quantile(&first, 95),
            total_p50_ms: quantile(&total, 50),
            last_error: self.last_error.as_ref().map(|(at, class, http_status)| LastError {
                at: *at,
                class: Name2(class.clone()),
                http_status: *http_status,
            }),
        }
    }
}

/// Milliseconds between two instants; 0 where the clock went back.
pub(super) fn millis(from: UnixMicros, to: UnixMicros) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0) / 1_000).unwrap_or(0)
}

/// The smallest value that `percent` of the sorted values do not exceed (nearest rank).
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        // Nearest rank by hand: the 50th percentile of 15, 20, 35, 40, 50 is the 3rd value, the 95th the 5th.
        let sorted = [15, 20, 35, 40, 50];
        assert_eq!((quantile(&sorted, 50), quantile(&sorted, 95)), (Some(35), Some(50)));
        assert_eq!(quantile(&[7], 50), Some(7));
        assert_eq!(quantile(&[], 50), None);
    }
}
