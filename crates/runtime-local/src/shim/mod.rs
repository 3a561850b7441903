//! The small process beside each instance, which outlives the control plane.
//!
//! The program's hidden subcommand hands the words after it to [`run`]; what they are is known here only. One instance
//! passes three stages, each the same program:
//!
//! 1. *launch*, a child of the control plane, starts the next stage and ends, so that the control plane has no child
//!    to wait for and no zombie can remain;
//! 2. *supervise* leaves the session, takes the instance's lock and looks after the process until it ends;
//! 3. *exec* becomes the process: what must happen between `fork` and `exec` (death signal, limits) happens here in
//!    plain safe code, before it replaces itself by the workload.

mod become_workload;
mod leave;
mod output;
mod supervise;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

/// First word: start the shim in the background.
pub(crate) const LAUNCH: &str = "launch";
const SUPERVISE: &str = "supervise";
const EXEC: &str = "exec";

/// Exit code when everything went as it should.
const EXIT_OK: i32 = 0;
/// Exit code when the stage could not do its work; the reason is on its standard error, which is `shim.log`.
const EXIT_FAILED: i32 = 1;
/// Exit code when the words were not understood.
const EXIT_USAGE: i32 = 2;

/// Runs one stage. `words` are the arguments after the hidden subcommand; the result is the exit code.
///
/// To be called before the program starts any thread or opens any file: the calling thread must be the one that lives
/// as long as the process, for the kernel binds the death signal of the workload to it.
pub fn run(words: &[OsString]) -> i32 {
    let result = match words {
        [stage, instance] if stage == LAUNCH => leave::launch(&own_command(2), Path::new(instance)),
        [stage, instance] if stage == SUPERVISE => {
            supervise::supervise(own_command(2), PathBuf::from(instance))
        }
        [stage, instance, parent] if stage == EXEC => {
            become_workload::exec(Path::new(instance), parent)
        }
        _ => {
            say("this command is started by Steadfast itself and takes no part in a person's work");
            return EXIT_USAGE;
        }
    };
    match result {
        Ok(()) => EXIT_OK,
        Err(why) => {
            say(&why);
            EXIT_FAILED
        }
    }
}

/// The command this process was started with, without the last `words`: with others it starts another stage. The
/// program is the running file itself, so that a shim stays what it is when the program is replaced by a newer one.
fn own_command(words: usize) -> Vec<OsString> {
    let mut command: Vec<OsString> = std::env::args_os().collect();
    command.truncate(command.len().saturating_sub(words));
    match command.first_mut() {
        Some(program) => *program = OsStr::new("/proc/self/exe").to_owned(),
        None => command.push(OsStr::new("/proc/self/exe").to_owned()),
    }
    command
}

/// Standard error is `shim.log`, the only place left when the instance's own log cannot be written.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
