//! `tollhouse serve`, on ports of its own.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::house::{House, KEYS, PROVIDER};
use crate::http::{self, Answer};
use crate::process::{Running, binary};
use crate::simulator::address_in;

/// A running gateway. It is killed when dropped.
pub struct Gateway {
    /// Where clients ask.
    pub listen: SocketAddr,
    /// Where administrators ask.
    pub admin: SocketAddr,
    /// What they show.
    pub token: String,
    /// From the start of the process until `/readyz` said yes.
    pub ready_after: Duration,
    running: Running,
}

impl Gateway {
    /// Starts it on a house's configuration and data; waits until it is ready.
    pub fn start(house: &House) -> Self {
        Self::start_with(&mut Self::command(house))
    }

    /// The command that starts it.
    pub fn command(house: &House) -> Command {
        let mut command = Command::new(binary());
        command.arg("serve").arg("--config").arg(house.config()).arg("--data").arg(house.data());
        command.envs(KEYS.map(|key| (key.variable, key.secret))).env(PROVIDER.0, PROVIDER.1);
        command
    }

    /// Starts it by a command made before.
    pub fn start_with(command: &mut Command) -> Self {
        let started = Instant::now();
        let mut running = Running::start(command);
        let limit = Duration::from_secs(20);
        let listen = running.wait_for(limit, |line| address_in(line.strip_prefix("gateway:")?));
        let (admin, token) = running.wait_for(limit, |line| {
            let rest = line.strip_prefix("admin API:")?;
            let token = rest.split_once("Bearer ")?.1.split('`').next()?;
            Some((address_in(rest)?, token.to_owned()))
        });
        while !http::ask(listen, "GET", "/readyz", &[], b"").is_ok_and(|answer| answer.status == 200) {
            assert!(started.elapsed() < limit, "not ready after {limit:?}:\n{}", running.log());
            std::thread::sleep(Duration::from_millis(2));
        }
        Self { listen, admin, token, ready_after: started.elapsed(), running }
    }

    /// A question of the data plane, by the first key.
    pub fn get(&self, path: &str) -> io::Result<Answer> {
        let bearer = format!("Bearer {}", KEYS[0].secret);
        http::ask(self.listen, "GET", path, &[("authorization", &bearer)], b"")?.whole()
    }

    /// A question of the admin API.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> io::Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        http::ask(self.admin, method, path, &headers, &body)?.whole()
    }

    /// What `/v1/budget` says to a key of a budget: spent and held, in 10⁻⁹ of its currency.
    pub fn budget(&self, secret: &str, id: &str) -> (u128, u128) {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str())];
        let said = http::ask(self.listen, "GET", "/v1/budget", &headers, b"").and_then(http::Exchange::whole);
        let said = said.expect("an answer").json();
        let budgets = said["budgets"].as_array().expect("budgets").clone();
        let budget = budgets.iter().find(|budget| budget["budget"] == id);
        let budget = budget.unwrap_or_else(|| panic!("no budget {id} in {said}"));
        let nano =
            |field: &str| budget[field].as_str().and_then(|text| text.parse().ok()).expect("an amount");
        (nano("spent_nano"), nano("held_nano"))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// SIGTERM; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.running.stop(Duration::from_secs(40))
    }

    /// All that it said so far.
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }
}
