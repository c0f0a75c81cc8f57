//! What a simulated provider is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Faults;

/// How a simulated provider behaves. Every field has a default; `SimConfig { seed: 7, ..SimConfig::default() }`.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Seeds texts, ids and derived sizes.
    pub seed: u64,
    /// Faults dealt out over all traffic. A request's own `simulate.fault` goes first.
    pub faults: Faults,
    /// Time to the first token, unless the request says.
    pub first_token: Duration,
    /// Time per further token, unless the request says. Zero: as fast as the reader reads.
    pub token: Duration,
    /// What the vendor bills when the client hangs up.
    pub billing: Billing,
    /// Append the truth here, as NDJSON, a line at a time.
    pub truth: Option<PathBuf>,
    /// Keep the truth in memory too, for `SimHandle::truth`.
    pub keep_truth: bool,
    /// Keys that are refused with 401; every other non-empty key is good.
    pub revoked: Vec<String>,
    /// Models that `GET /v1/models` lists.
    pub models: Vec<String>,
    /// Answer 404 for a model that is not listed.
    pub only_listed_models: bool,
    /// Time between keep-alives of a stalled stream.
    pub keep_alive: Duration,
    /// Ids that differ for equal requests, as real ones do. `false`: equal requests get byte-equal answers.
    pub unique_ids: bool,
    /// The `created` time of answers, in Unix seconds; `None`: now.
    pub created: Option<u64>,
}

/// What a vendor bills when the client closes the connection before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Billing {
    /// Generation stops when the hang-up is seen: input and the tokens generated until then.
    #[default]
    Stop,
    /// Generation goes on unseen: the whole answer.
    Full,
}

impl std::str::FromStr for Billing {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "stop" => Ok(Self::Stop),
            "full" => Ok(Self::Full),
            other => Err(format!("unknown billing `{other}`\n  fix: write `stop` or `full`")),
        }
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            faults: Faults::default(),
            first_token: Duration::ZERO,
            token: Duration::ZERO,
            billing: Billing::Stop,
            truth: None,
            keep_truth: true,
            revoked: Vec::new(),
            models: ["sim-small", "sim-large", "sim-bench"].map(str::to_owned).to_vec(),
            only_listed_models: false,
            keep_alive: Duration::from_secs(1),
            unique_ids: false,
            created: None,
        }
    }
}
