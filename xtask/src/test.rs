//! `cargo xtask test`: every check there is, as named steps in the order of what they cost.

use std::time::{Duration, Instant};

use crate::run::{Done, Failure, cargo, program, root, run};
use crate::{deny, setup, tidy};

struct Step {
    name: &'static str,
    what: &'static str,
    /// Left out by `--quick`.
    slow: bool,
    run: fn() -> Done,
}

const STEPS: &[Step] = &[
    Step { name: "setup", what: "what the tests need is installed", slow: true, run: setup::command },
    Step { name: "fmt", what: "cargo fmt --check", slow: false, run: fmt },
    Step { name: "tidy", what: "sizes, names, directions, paths", slow: false, run: tidy::command },
    Step { name: "deny", what: "licences, bans, sources", slow: false, run: deny::command },
    Step { name: "web", what: "the console's own modules", slow: false, run: web },
    Step { name: "clippy", what: "no warning, all targets", slow: false, run: clippy },
    Step { name: "unit", what: "tests of every crate", slow: false, run: unit },
    Step { name: "doc", what: "documentation builds, links lead somewhere", slow: true, run: doc },
    Step { name: "build", what: "the release binary", slow: true, run: build },
    Step { name: "e2e", what: "the binary: crash, hang-up, race, bad input, commands", slow: true, run: e2e },
    Step { name: "demo", what: "the demo's books against its trace, by other code", slow: true, run: demo },
    Step { name: "python", what: "the official Python SDKs against it", slow: true, run: python },
    Step { name: "node", what: "the official Node SDKs against it", slow: true, run: node },
    Step { name: "browser", what: "the console in headless Chromium", slow: true, run: browser },
];

/// Runs the steps asked for; prints a table of seconds at the end, also after a failure.
pub fn command(args: &[&str]) -> Done {
    if args == ["--list"] {
        for step in STEPS {
            println!("{:8} {}", step.name, step.what);
        }
        return Ok(());
    }
    let quick = args.contains(&"--quick");
    let named: Vec<&str> = args.iter().copied().filter(|arg| *arg != "--quick").collect();
    if let Some(unknown) = named.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return Err(Failure::new(format!("no step `{unknown}`; `cargo xtask test --list` names them")));
    }
    let asked =
        |step: &&Step| if named.is_empty() { !(quick && step.slow) } else { named.contains(&step.name) };
    let mut took: Vec<(&str, Duration)> = Vec::new();
    let mut outcome = Ok(());
    for step in STEPS.iter().filter(asked) {
        println!("\n== {}: {}", step.name, step.what);
        let started = Instant::now();
        let done = (step.run)();
        took.push((step.name, started.elapsed()));
        if let Err(failure) = done {
            outcome = Err(Failure::new(format!(
                "step `{0}` failed: {failure}\n  again: cargo xtask test {0}",
                step.name
            )));
            break;
        }
    }
    println!("\nstep      seconds");
    for (name, duration) in &took {
        println!("{name:8} {:>8.1}", duration.as_secs_f64());
    }
    let total: Duration = took.iter().map(|(_, duration)| duration).sum();
    println!("{:8} {:>8.1}", "all", total.as_secs_f64());
    outcome
}

fn fmt() -> Done {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Done {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    run(&mut cargo(&args))
}

fn unit() -> Done {
    run(&mut cargo(&["test", "--quiet", "--workspace", "--exclude", "e2e", "--locked"]))
}

fn doc() -> Done {
    let args = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    run(cargo(&args).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds the binary that a user gets; the end-to-end tests run this one.
pub fn build() -> Done {
    run(&mut cargo(&["build", "--quiet", "--release", "--package", "tollhouse", "--locked"]))
}

fn e2e() -> Done {
    build()?;
    // One test at a time: each starts a gateway and measures time.
    let args = ["test", "--quiet", "--package", "e2e", "--locked", "--", "--test-threads", "1"];
    run(cargo(&args).env("TOLLHOUSE_BIN", binary()))
}

fn demo() -> Done {
    build()?;
    run(program("python3", &["tests/demo/check_demo.py", "--self-test"]).env("TOLLHOUSE_BIN", binary()))
}

fn python() -> Done {
    build()?;
    let python = setup::python();
    run(program(&python.to_string_lossy(), &["-m", "unittest", "discover", "-v", "-s", "tests/sdk/python"])
        .env("TOLLHOUSE_BIN", binary()))
}

fn node() -> Done {
    node_tests("tests/sdk/node")
}

fn browser() -> Done {
    node_tests("tests/browser")
}

fn node_tests(folder: &str) -> Done {
    build()?;
    run(program("node", &["--test", "--test-concurrency=1"])
        .current_dir(root().join(folder))
        .env("TOLLHOUSE_BIN", binary()))
}

fn web() -> Done {
    run(program("node", &["--test"]).current_dir(root().join("web")))
}

fn binary() -> std::path::PathBuf {
    root().join("target/release/tollhouse")
}
