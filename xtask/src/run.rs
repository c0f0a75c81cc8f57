//! Running other programs: each is shown before it starts, and a failure says which it was.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// Why a command stopped, in words for the person who ran it.
pub struct Failure(String);

impl Failure {
    /// A failure with its message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every step of xtask returns.
pub type Done<T = ()> = Result<T, Failure>;

/// The repository's root.
pub fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}

/// A program to be run at the repository's root.
pub fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs this, so that a toolchain chosen on the command line stays chosen.
pub fn cargo(args: &[&str]) -> Command {
    program(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), args)
}

/// Runs it with its output shown.
pub fn run(command: &mut Command) -> Done {
    let line = shown(command);
    println!("$ {line}");
    let status = command.status().map_err(|e| Failure::new(format!("{line}: could not start: {e}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{line}: {status}"))) }
}

/// Runs it and returns what it printed.
pub fn read(command: &mut Command) -> Done<String> {
    let line = shown(command);
    let output = command.output().map_err(|e| Failure::new(format!("{line}: could not start: {e}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!("{line}: {}\n{said}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Failure::new(format!("{line}: its output is no UTF-8")))
}

/// A file of the repository, as text.
pub fn text(path: &str) -> Done<String> {
    std::fs::read_to_string(root().join(path)).map_err(|e| Failure::new(format!("{path}: {e}")))
}

fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let set = command.get_envs().filter_map(|(key, value)| {
        value.map(|value| format!("{}={}", key.to_string_lossy(), value.to_string_lossy()))
    });
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    set.chain([name]).chain(args).collect::<Vec<_>>().join(" ")
}
