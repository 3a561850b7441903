//! The program under test: built in release mode, then found beside this one.
//!
//! Only real processes are started from here. Nothing of the house is linked in, so that what is measured and killed
//! is what users run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `steadfast` and says where it is.
///
/// # Errors
/// When cargo cannot be started, does not succeed, or leaves no program where it should be.
pub(crate) fn build() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    // <target>/<profile>/<this program>
    let target = own
        .ancestors()
        .nth(2)
        .ok_or("this program is not in a target directory; use --binary PATH")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            "cli",
            "--target-dir",
        ])
        .arg(target)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the program could not be built ({status})"));
    }
    existing(&target.join("release").join("steadfast"))
}

/// The program at this path, as a path that holds from everywhere.
///
/// # Errors
/// When nothing is there.
pub(crate) fn existing(path: &Path) -> Result<PathBuf, String> {
    std::fs::canonicalize(path)
        .map_err(|error| format!("no program at {}: {error}", path.display()))
}
