//! Starts the programs of package `sim`, in release mode where they measure or need speed, and passes everything on.
//!
//! It knows none of their arguments: those are documented by the programs themselves (`cargo xtask sim --help`).

use std::path::Path;
use std::process::{Command, ExitCode};

/// Runs a binary of package `sim`; its exit status is ours. An end by a signal is 1.
pub(crate) fn run(root: &Path, binary: &str, arguments: &[String]) -> Result<ExitCode, String> {
    // Conformance compares answers, a second's work: what the tests have built already serves.
    let profile = match binary {
        "conformance" => "dev",
        _ => "release",
    };
    let status = Command::new(crate::cargo())
        .args(["run", "--profile", profile, "--locked", "--quiet"])
        .args(["--package", "sim", "--bin", binary, "--"])
        .args(arguments)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
