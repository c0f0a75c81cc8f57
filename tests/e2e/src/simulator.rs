//! `tollhouse simulate`: the provider, and what it knows to be true.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Running, binary};

/// A simulated provider on a port of its own.
pub struct Simulator {
    /// Where it answers.
    pub address: SocketAddr,
    truth: PathBuf,
    _folder: tempfile::TempDir,
    _running: Running,
}

/// What the simulator knows of one attempt.
#[derive(Clone, Debug)]
pub struct Served {
    /// The request's `x-client-request-id`.
    pub attempt_id: String,
    /// The line that says what came of it; `None`: it is still under way.
    pub ended: Option<Value>,
}

impl Simulator {
    /// Starts one; `args` go to `tollhouse simulate` beside its address and its truth.
    pub fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let truth = folder.path().join("truth.ndjson");
        let mut command = Command::new(binary());
        command.args(["simulate", "--listen", "127.0.0.1:0", "--truth"]).arg(&truth).args(args);
        let mut running = Running::start(&mut command);
        let address = running.wait_for(Duration::from_secs(10), address_in);
        Self { address, truth, _folder: folder, _running: running }
    }

    /// Every attempt that it received, by attempt.
    ///
    /// Panics where a request came without `x-client-request-id`, or an attempt came twice.
    pub fn truth(&self) -> BTreeMap<String, Served> {
        self.read(false)
    }

    /// As [`Self::truth`], where a test has also asked the simulator itself: those requests are left out.
    pub fn truth_of_attempts(&self) -> BTreeMap<String, Served> {
        self.read(true)
    }

    fn read(&self, skip_direct: bool) -> BTreeMap<String, Served> {
        let text = std::fs::read_to_string(&self.truth).unwrap_or_default();
        let mut all: BTreeMap<String, Served> = BTreeMap::new();
        // A line that is being written has no end yet.
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let record: Value = serde_json::from_str(line).expect("the truth is JSON");
            if skip_direct && record["attempt_id"].is_null() {
                continue;
            }
            let id = record["attempt_id"].as_str().expect("every attempt carries its id").to_owned();
            if record["event"] == "received" {
                let before = all.insert(id.clone(), Served { attempt_id: id.clone(), ended: None });
                assert!(before.is_none(), "attempt {id} came twice");
            } else {
                let served = all.get_mut(&id).expect("received before it ended");
                served.ended = Some(record);
            }
        }
        all
    }

    /// The truth, when all that came has ended.
    pub fn truth_at_rest(&self) -> BTreeMap<String, Served> {
        for _ in 0..500 {
            let truth = self.truth();
            if truth.values().all(|served| served.ended.is_some()) {
                return truth;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the simulator still serves after ten seconds");
    }
}

impl Served {
    /// A count of tokens, by kind: `tokens` (generated) or `billed`.
    pub fn tokens(&self, which: &str) -> BTreeMap<String, u64> {
        let ended = self.ended.as_ref().expect("ended");
        counts(&ended[which])
    }

    /// How it ended.
    pub fn end(&self) -> &str {
        self.ended.as_ref().and_then(|ended| ended["end"].as_str()).unwrap_or("not yet")
    }
}

/// An object of counts, without its zeros.
pub fn counts(object: &Value) -> BTreeMap<String, u64> {
    let Some(object) = object.as_object() else { return BTreeMap::new() };
    let counted = object.iter().map(|(kind, count)| (kind.clone(), count.as_u64().expect("a count")));
    counted.filter(|(_, count)| *count > 0).collect()
}

/// The first `http://ADDRESS` of a line.
pub fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    rest.split(['/', ' ', '\'']).next()?.parse().ok()
}
