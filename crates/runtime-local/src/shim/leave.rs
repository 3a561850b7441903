//! The launch stage: starts the supervising stage and ends.

use super::SUPERVISE;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts the supervising stage in the background. It becomes a child of init (or of the nearest subreaper) when this
/// process ends.
pub(super) fn launch(command: &[OsString], instance: &Path) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("there is no command to start the shim with".to_owned());
    };
    Command::new(program)
        .args(arguments)
        .arg(SUPERVISE)
        .arg(instance)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map(|_child| ())
        .map_err(|error| format!("cannot start the supervising stage: {error}"))
}
