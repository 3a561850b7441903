//! `cargo xtask check`: everything that must hold before a change goes in, in one command.
//!
//! Each check is one line with its command, verdict and time. A failure does not stop the rest; what a failed command
//! said is shown whole. Output goes to a file and not to a pipe, so that a process which a test left behind cannot
//! keep us waiting.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::tidy;

/// The checks in the order in which they run: cheap ones first.
const CHECKS: [&str; 5] = ["fmt", "tidy", "clippy", "test", "doc"];

/// Runs the named checks, or all if none is named.
///
/// # Errors
/// A name that is no check.
pub(crate) fn run(root: &Path, names: &[String]) -> Result<ExitCode, String> {
    if let Some(unknown) = names.iter().find(|name| !CHECKS.contains(&name.as_str())) {
        return Err(format!(
            "there is no check `{unknown}`; the checks are {}",
            CHECKS.join(", ")
        ));
    }
    let start = Instant::now();
    let chosen: Vec<&str> = CHECKS
        .into_iter()
        .filter(|check| names.is_empty() || names.iter().any(|name| name == check))
        .collect();
    let mut failed = Vec::new();
    for check in &chosen {
        if !run_one(root, check) {
            failed.push(*check);
        }
    }
    let time = seconds(start);
    if failed.is_empty() {
        println!("check: {} of {0} passed in {time}", chosen.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "check: FAILED: {} ({} of {} passed in {time}); run one alone with `cargo xtask check {}`",
        failed.join(", "),
        chosen.len() - failed.len(),
        chosen.len(),
        failed[0],
    );
    Ok(ExitCode::FAILURE)
}

fn run_one(root: &Path, check: &str) -> bool {
    if check == "tidy" {
        return run_tidy(root);
    }
    let mut passed = true;
    for (index, step) in steps(check).iter().enumerate() {
        let log = log_directory(root).join(format!("{check}-{}.log", index + 1));
        passed &= step.run(root, check, &log);
    }
    passed
}

/// One command of a check.
struct Step {
    arguments: &'static [&'static str],
    environment: Option<(&'static str, &'static str)>,
}

impl Step {
    fn run(&self, root: &Path, check: &str, log: &Path) -> bool {
        let variable = self
            .environment
            .map(|(name, value)| format!("{name}=\"{value}\" "))
            .unwrap_or_default();
        let title = format!("{variable}cargo {}", self.arguments.join(" "));
        announce(check, &title);
        let start = Instant::now();
        match self.output(root, log) {
            Ok((true, _)) => verdict("ok", start),
            Ok((false, said)) => {
                verdict("FAILED", start);
                println!("{}", said.trim_end());
                return false;
            }
            Err(error) => {
                verdict("FAILED", start);
                println!("cannot run it: {error}");
                return false;
            }
        }
        true
    }

    /// Whether it succeeded, and all it said, both streams as they came.
    fn output(&self, root: &Path, path: &Path) -> io::Result<(bool, String)> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let log = File::create(path)?;
        let mut command = Command::new(crate::cargo());
        command
            .args(self.arguments)
            .current_dir(root)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some((name, value)) = self.environment {
            command.env(name, value);
        }
        let status = command.status()?;
        let said = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        Ok((status.success(), said))
    }
}

fn steps(check: &str) -> Vec<Step> {
    let plain = |arguments| Step {
        arguments,
        environment: None,
    };
    match check {
        "fmt" => vec![plain(&["fmt", "--all", "--check"])],
        "clippy" => vec![plain(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])],
        "test" => vec![
            if has_nextest() {
                plain(&[
                    "nextest",
                    "run",
                    "--workspace",
                    "--locked",
                    "--no-fail-fast",
                ])
            } else {
                // Without nextest the same tests run, one package after the other; documentation tests come below.
                plain(&[
                    "test",
                    "--workspace",
                    "--locked",
                    "--no-fail-fast",
                    "--lib",
                    "--bins",
                    "--tests",
                ])
            },
            plain(&["test", "--doc", "--workspace", "--locked"]),
        ],
        "doc" => vec![Step {
            arguments: &["doc", "--workspace", "--no-deps", "--locked"],
            environment: Some(("RUSTDOCFLAGS", "-D warnings")),
        }],
        _ => Vec::new(),
    }
}

fn run_tidy(root: &Path) -> bool {
    announce("tidy", "our own rules (cargo xtask tidy --list)");
    let start = Instant::now();
    match tidy::run(root, &[]) {
        Ok(findings) if findings.is_empty() => {
            verdict("ok", start);
            true
        }
        Ok(findings) => {
            verdict("FAILED", start);
            tidy::print(&findings);
            false
        }
        Err(error) => {
            verdict("FAILED", start);
            println!("cannot read the tree: {error}");
            false
        }
    }
}

/// The first half of a check's line, visible while it runs.
fn announce(check: &str, title: &str) {
    print!("{check:<7} {title} ... ");
    // A line that could not be flushed is not worth failing a check for.
    let _ = io::stdout().flush();
}

/// The second half.
fn verdict(word: &str, start: Instant) {
    println!("{word}, {}", seconds(start));
}

fn seconds(start: Instant) -> String {
    format!("{:.1} s", start.elapsed().as_secs_f64())
}

fn has_nextest() -> bool {
    Command::new(crate::cargo())
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn log_directory(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |path| root.join(path))
        .join("xtask")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_but_tidy_is_made_of_commands() {
        for check in CHECKS.into_iter().filter(|check| *check != "tidy") {
            assert!(!steps(check).is_empty(), "{check} would pass unrun");
        }
    }

    #[test]
    fn every_command_that_resolves_versions_is_locked() {
        for step in CHECKS.into_iter().flat_map(steps) {
            assert!(
                step.arguments[0] == "fmt" || step.arguments.contains(&"--locked"),
                "{:?}",
                step.arguments
            );
        }
    }
}
