//! `cargo xtask`: what the project does to itself: sets up, checks, tests.
//!
//! Lives here: the commands' names and help. One command, one module beside it. `.ci/run` calls `cargo xtask test`
//! and nothing else, so that what passes here passes there.
//! Not here: anything that a user of Tollhouse runs (`crates/tollhouse`).
#![allow(clippy::print_stdout, clippy::print_stderr)] // a command's job is to print

mod campaign;
mod deny;
mod run;
mod setup;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test [--quick] [STEP…]       everything that CI runs, in order; stops at the first failure
                               --quick leaves out what takes minutes (release build, end to end)
                               STEP runs only the named ones; `cargo xtask test --list` names them
  setup                        installs what the tests need, once: SDKs, a browser driver, Debian's packages
  deny                         licences, bans and sources of every dependency (deny.toml)
  tidy                         the project's own rules: sizes, names, directions, paths
  campaign NAME [--count N] [--seed N]
                               a long run of one end-to-end test; `cargo xtask campaign` names them
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", rest @ ..] => test::command(rest),
        ["setup"] => setup::command(),
        ["deny"] => deny::command(),
        ["tidy"] => tidy::command(),
        ["campaign", rest @ ..] => campaign::command(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("not a command: {}\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}
