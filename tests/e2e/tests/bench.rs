//! `bench gateway` runs and gives every figure that programs rely on. What the figures are is not judged here: on a
//! machine that does other things too they say nothing (`docs/performance.md` has those of a quiet one).
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing
)] // a test

use e2e::process::said;
use serde_json::Value;

#[test]
fn the_benchmark_gives_its_figures() {
    let told = said(&["bench", "gateway", "--rounds", "1", "--seconds", "1", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    for figure in
        ["cpu_ratio_nginx_call", "cpu_ratio_nginx_event", "added_p50_us", "added_p99_us", "rss_idle_mb"]
    {
        let value = told["figures"][figure].as_f64();
        assert!(value.is_some_and(|value| value > 0.0), "{figure} in {told}");
    }
}
