//! The workshop: what is done to this repository, as one program instead of shell scripts.
//!
//! `cargo xtask check` is the one command that the README, CI and people call. `tidy` holds our own rules about the
//! tree (docs/style.md says which habit each of them keeps). `sim`, `crash`, `bench` and `conformance` only
//! start the programs of package `sim`. Nothing here is shipped, and no room of the house may depend on it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people at a terminal"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a slip here stops a check, loudly; nobody's production hangs on it"
)]

mod check;
mod simulator;
mod source;
mod tidy;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
The workshop of Steadfast.

Usage: cargo xtask <COMMAND> [ARGUMENTS]

Commands:
  check [CHECK...]   Run all checks, or only the named ones, and go on after a failure.
                     This is what CI runs. Checks: fmt, tidy, clippy, test, doc
  tidy [RULE...]     Run our own rules about the tree, or only the named ones
  tidy --list        Name every rule and what it keeps
  sim [ARGUMENTS]    Run the simulator: --seeds N for many worlds, --seed S for one
  crash [ARGUMENTS]  Kill the program at random moments and compare world and book
  bench [ARGUMENTS]  Measure
  conformance [ARGUMENTS]
                     Compare with recorded answers of terraform, or record them anew
  help               Print this

Examples:
  cargo xtask check
  cargo xtask check fmt tidy
  cargo xtask tidy floors codes
  cargo xtask sim --seeds 10000
  cargo xtask sim --seed 42
  cargo xtask conformance language

Exit status: 0 if everything passed, 1 if something did not, 2 if the command line was wrong;
sim, crash, bench and conformance end with the status of the program they start.
";

/// Exit status for a command line that makes no sense.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(complaint) => {
            eprintln!("xtask: {complaint}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::from(EXIT_USAGE));
    };
    // Help for the started programs is theirs; ours is printed for our own commands only.
    let passes_on = matches!(command.as_str(), "sim" | "crash" | "bench" | "conformance");
    if !passes_on && rest.iter().any(|argument| is_help(argument)) {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match command.as_str() {
        "check" => check::run(&root(), rest),
        "tidy" => tidy::command(&root(), rest),
        "sim" | "crash" | "bench" | "conformance" => simulator::run(&root(), command, rest),
        "help" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other if is_help(other) => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(format!(
            "there is no command `{other}`; the commands are check, tidy, sim, crash, bench, conformance and help"
        )),
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h")
}

/// The root of the repository: the directory above this package.
fn root() -> PathBuf {
    // Cargo says at run time where the package is; the place at build time may be another clone.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .parent()
        .map_or_else(|| package.clone(), PathBuf::from)
}

/// The cargo that runs us, so that everything uses one toolchain.
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_command_is_refused_with_the_known_ones() {
        let complaint = run(&["chekc".to_owned()]).unwrap_err();
        assert!(complaint.contains("`chekc`") && complaint.contains("check, tidy"));
    }

    #[test]
    fn an_unknown_check_or_rule_is_refused_before_anything_runs() {
        let complaint = run(&["check".to_owned(), "spelling".to_owned()]).unwrap_err();
        assert!(complaint.contains("`spelling`") && complaint.contains("clippy"));
        let complaint = run(&["tidy".to_owned(), "spelling".to_owned()]).unwrap_err();
        assert!(complaint.contains("`spelling`") && complaint.contains("floors"));
    }
}
