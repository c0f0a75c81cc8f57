//! What a gateway benchmark runs beside each other: the simulated provider, nginx, and this binary as a gateway.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;

use super::load::Request;
use crate::failure::Failure;

/// How long a peer may take to listen.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end.
const STOP: Duration = Duration::from_secs(5);
/// The key of the benchmark's caller.
const SECRET: &str = "th-benchmark-caller-key-0123456789";

/// A child process, ended when this goes.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: &'static str,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: nginx's master takes its workers with it only then. It may have ended by itself.
        let _ = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        let asked = Instant::now();
        while asked.elapsed() < STOP && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn spawn(
        name: &'static str,
        processor: Option<usize>,
        program: &Path,
        args: &[&str],
        folder: &Path,
    ) -> Result<Self, Failure> {
        let mut command = match processor {
            Some(processor) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(processor.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(args).current_dir(folder).stdin(Stdio::null()).env("TOLLHOUSE_BENCH_KEY", SECRET);
        let log = fs::File::create(folder.join(format!("{name}.log"))).map_err(Failure::could_not)?;
        command.stdout(log.try_clone().map_err(Failure::could_not)?).stderr(log);
        let child = command
            .spawn()
            .map_err(|error| Failure::could_not(format_args!("cannot start {name}: {error}")))?;
        Ok(Self { child, name })
    }

    /// User and system time so far, of the process and its children (nginx's worker is a child of its master).
    pub fn cpu(&self) -> Result<Duration, Failure> {
        // Ticks of 10 ms: USER_HZ is 100 on every Linux that this runs on.
        let each: Vec<u64> = family(self.child.id()).into_iter().filter_map(ticks).collect();
        if each.is_empty() {
            Err(self.gone())
        } else {
            Ok(Duration::from_millis(each.iter().sum::<u64>() * 10))
        }
    }

    /// Resident memory, MB (2²⁰ bytes).
    pub fn resident_mb(&self) -> Result<f64, Failure> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).map_err(|_| self.gone())?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse().map_err(|_| self.gone())?;
        Ok(kb / 1024.0)
    }

    fn gone(&self) -> Failure {
        Failure::could_not(format_args!("{} has ended", self.name))
    }
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Fields are counted behind the name, which may hold anything: utime and stime are the 12th and 13th there.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// A process and its children.
fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    std::iter::once(pid).chain(children.split_whitespace().filter_map(|child| child.parse().ok())).collect()
}

/// Everybody.
#[derive(Debug)]
pub struct Peers {
    pub nginx: Process,
    pub gateway: Process,
    pub nginx_port: u16,
    pub gateway_port: u16,
    pub simulator_port: u16,
    _simulator: Process,
    folder: PathBuf,
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Peers {
    /// A call of usual shape: some hundred tokens in, an answer in `events` pieces.
    pub fn request(&self, stream: bool, events: u32) -> Request {
        let note = "Summarise the following note for a colleague who has not read it, in three sentences. "
            .repeat(5);
        let body = |number: u32| {
            json!({
                "model": "sim-bench",
                "messages": [
                    { "role": "system", "content": "You are a careful assistant. Answer briefly." },
                    { "role": "user", "content": format!("Note {number}. {note}") },
                ],
                "stream": stream,
                "max_tokens": 256,
                "temperature": 0.2,
                "simulate": { "output_tokens": events, "events": events },
            })
        };
        let bodies = (0..256).map(|number| Bytes::from(body(number).to_string())).collect();
        Request { port: self.gateway_port, secret: SECRET.to_owned(), bodies }
    }
}

/// Starts everybody and waits until they listen.
pub fn start() -> Result<Peers, Failure> {
    let folder = std::env::temp_dir().join(format!("tollhouse-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::could_not(format_args!("{}: {error}", folder.display())))?;
    let own = std::env::current_exe().map_err(Failure::could_not)?;
    let nginx = find("nginx").ok_or_else(|| {
        Failure::could_not(
            "nginx is not installed, and it is what is compared with\n  fix: apt-get install nginx",
        )
    })?;
    let two = std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
        && find("taskset").is_some();
    let (here, there) = if two { (Some(0), Some(1)) } else { (None, None) };
    let [simulator_port, nginx_port, gateway_port, admin_port] = [free()?, free()?, free()?, free()?];
    let listen = format!("127.0.0.1:{simulator_port}");
    let simulator = Process::spawn("simulator", here, &own, &["simulate", "--listen", &listen], &folder)?;
    let conf = folder.join("nginx.conf");
    write(&conf, &nginx_conf(simulator_port, nginx_port))?;
    let nginx = Process::spawn("nginx", there, &nginx, &["-p", text(&folder)?, "-c", text(&conf)?], &folder)?;
    let toml = folder.join("tollhouse.toml");
    write(&toml, &gateway_toml(simulator_port, gateway_port, admin_port))?;
    let gateway = Process::spawn("gateway", there, &own, &["serve", "--config", text(&toml)?], &folder)?;
    for (port, name) in [(simulator_port, "simulator"), (nginx_port, "nginx"), (gateway_port, "gateway")] {
        listens(port, name, &folder)?;
    }
    Ok(Peers { nginx, gateway, nginx_port, gateway_port, simulator_port, _simulator: simulator, folder })
}

fn nginx_conf(upstream: u16, listen: u16) -> String {
    format!(
        "daemon off; worker_processes 1; pid nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n  \
         uwsgi_temp_path uwsgi; scgi_temp_path scgi; keepalive_requests 100000000;\n  \
         upstream provider {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}\n  \
         server {{ listen 127.0.0.1:{listen}; location / {{ proxy_pass http://provider; proxy_http_version 1.1;\n    \
         proxy_set_header Connection \"\"; proxy_buffering off; }} }}\n}}\n"
    )
}

/// Every step on: key, limits, three budgets in scope, lawful mask, prices, foresight, ledger.
fn gateway_toml(upstream: u16, listen: u16, admin: u16) -> String {
    format!(
        r#"[server]
listen = "127.0.0.1:{listen}"
admin_listen = "127.0.0.1:{admin}"

[ledger]
dir = "./data"

[[orgs]]
id = "bench"
currency = "USD"
time_zone = "UTC"

[[projects]]
id = "bench"
org = "bench"
policy = "lawful"
data_class = "internal"

[[keys]]
id = "bench"
project = "bench"
app = "bench"
secret_env = "TOLLHOUSE_BENCH_KEY"
limits = {{ rpm = 1_000_000_000, tpm = 1_000_000_000_000, concurrency = 100_000 }}

[[budgets]]
id = "org"
scope = {{ org = "bench" }}
limit = "9000000 USD"
window = "month"

[[budgets]]
id = "project"
scope = {{ project = "bench" }}
limit = "9000000 USD"
window = "day"

[[budgets]]
id = "key"
scope = {{ key = "bench" }}
limit = "9000000 USD"
window = "total"

[providers.sim-openai]
kind = "openai-compatible"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "TOLLHOUSE_BENCH_KEY"
allow_private_addresses = true

[sites.us-bench]
jurisdiction = "US"
inference_scope = "in-region"

[[offers]]
id = "bench@us"
provider = "sim-openai"
model = "sim-bench"
names = ["sim-bench"]
site = "us-bench"
price_plan = "sim/small/us"
context_window = 131072
max_output = 16384
capabilities = ["stream", "tools", "json_schema"]

[policies.lawful]
objective = "cost"

[[policies.lawful.rules]]
data_class = ["public", "internal"]
allow_jurisdictions = ["US"]
"#
    )
}

fn free() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::could_not)?;
    listener.local_addr().map(|address| address.port()).map_err(Failure::could_not)
}

fn listens(port: u16, name: &str, folder: &Path) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = fs::File::open(folder.join(format!("{name}.log"))).ok();
    let said: Vec<_> =
        log.into_iter().flat_map(|log| BufReader::new(log).lines().map_while(Result::ok)).collect();
    Err(Failure::could_not(format_args!("{name} does not listen on port {port}:\n{}", said.join("\n"))))
}

fn find(program: &str) -> Option<PathBuf> {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&usual).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn write(path: &Path, contents: &str) -> Result<(), Failure> {
    fs::write(path, contents).map_err(|error| Failure::could_not(format_args!("{}: {error}", path.display())))
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| Failure::could_not(format_args!("{} is no UTF-8", path.display())))
}
