//! A provider that ends with its host, however that ends.
//!
//! A provider does not notice that its host was killed: it would go on with what it was told last, and what became of
//! that would be known to nobody. So it is started through a process that asks the kernel to be killed with its parent
//! and then becomes the provider.

use rustix::process::{Pid, Signal};
use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Becomes a provider that is killed when its parent ends; `words` are the parent's process id and the program. Returns
/// only when that was impossible, with the reason.
///
/// # Errors
/// Always: when it succeeds, it does not return.
pub fn become_tethered(words: &[OsString]) -> Result<Infallible, String> {
    let [parent, program] = words else {
        return Err("a tether takes the parent's process id and a program".to_owned());
    };
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("the death signal cannot be set: {error}"))?;
    // A parent that died before the line above would never be noticed.
    let found = rustix::process::getppid().map_or(0, |pid| Pid::as_raw(Some(pid)));
    if parent.to_str().and_then(|text| text.parse().ok()) != Some(found) {
        return Err("its parent died".to_owned());
    }
    let error = Command::new(program).exec();
    Err(format!("{} cannot be executed: {error}", program.display()))
}
