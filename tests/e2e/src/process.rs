//! The binary under test, started and ended.

use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The binary: `TOLLHOUSE_BIN`, else what was last built.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TOLLHOUSE_BIN") {
        return PathBuf::from(path);
    }
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let built = ["release/tollhouse", "debug/tollhouse"].map(|name| target.join(name));
    let newest = built.into_iter().filter(|path| path.exists()).max_by_key(|path| {
        std::fs::metadata(path).and_then(|meta| meta.modified()).expect("a file that exists has a time")
    });
    newest.expect("no binary\n  fix: cargo build --release, or set TOLLHOUSE_BIN")
}

/// Runs a command of the binary to its end.
pub fn tollhouse(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().expect("the binary starts")
}

/// A command's standard output; it must have ended with 0.
pub fn said(args: &[&str]) -> String {
    let output = tollhouse(args);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tollhouse {}: {}\n{err}", args.join(" "), output.status);
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// A running process whose lines are kept. It is killed when dropped.
pub struct Running {
    child: Child,
    lines: Arc<Lines>,
}

#[derive(Default)]
struct Lines {
    all: Mutex<Vec<String>>,
    more: Condvar,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = Arc::new(Lines::default());
        collect(child.stdout.take().expect("piped"), &lines);
        collect(child.stderr.take().expect("piped"), &lines);
        Self { child, lines }
    }

    /// The first line that `pick` takes something from. Panics with all that was said when the process ends first,
    /// or after `limit`.
    pub fn wait_for<T>(&mut self, limit: Duration, pick: impl Fn(&str) -> Option<T>) -> T {
        let until = Instant::now() + limit;
        loop {
            {
                let all = self.lines.all.lock().expect("not poisoned");
                if let Some(found) = all.iter().find_map(|line| pick(line)) {
                    return found;
                }
                drop(self.lines.more.wait_timeout(all, Duration::from_millis(20)));
            }
            let ended = self.child.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", self.log());
            assert!(Instant::now() < until, "it said nothing of the kind in {limit:?}:\n{}", self.log());
        }
    }

    /// All that it said, on both streams.
    pub fn log(&self) -> String {
        self.lines.all.lock().expect("not poisoned").join("\n")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    /// SIGTERM, and its exit code; panics after `limit`.
    pub fn stop(&mut self, limit: Duration) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        assert!(sent.success());
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status.code();
            }
            assert!(Instant::now() < until, "it did not stop in {limit:?}:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("--- it said:\n{}", self.log());
        }
    }
}

fn collect(from: impl Read + Send + 'static, into: &Arc<Lines>) {
    let lines = Arc::clone(into);
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            lines.all.lock().expect("not poisoned").push(line);
            lines.more.notify_all();
        }
    });
}
