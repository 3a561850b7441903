//! The exec stage: a child of the shim that sets itself up and becomes the workload.
//!
//! It tells the shim how it went through the pipe that it finds as its standard input. The pipe closes by itself when
//! the workload's program is executed; anything the shim reads after `Ready` is therefore a failure.

use crate::files::chain;
use crate::memory;
use crate::program;
use crate::record::{Order, StartFailure, Status};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// One line of what the stage tells the shim.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// All is set up; the next thing is the workload's program.
    Ready {
        /// Which memory limit is in force, in words.
        memory_limit: String,
    },
    /// There will be no workload.
    Failed(StartFailure),
}

/// Becomes the workload. Returns only when that was impossible.
pub(super) fn exec(instance: &Path, parent: &OsStr) -> Result<(), String> {
    // The duplicate closes at exec, the original is replaced by it.
    let mut report = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(std::fs::File::from)
        .map_err(|error| format!("there is no pipe to report to: {error}"))?;
    let mut tell = move |line: &Report| {
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        // A shim that does not listen is dead, and the death signal is on its way.
        let _ = report.write_all(text.as_bytes());
    };
    let failure = match set_up(instance, parent) {
        Ok((mut command, memory_limit)) => {
            tell(&Report::Ready { memory_limit });
            let error = command.exec();
            failed(
                format!("{} cannot be executed", command.get_program().display()),
                &error,
            )
        }
        Err(failure) => failure,
    };
    tell(&Report::Failed(failure.clone()));
    Err(failure.what)
}

fn set_up(instance: &Path, parent: &OsStr) -> Result<(Command, String), StartFailure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| failed("the death signal cannot be set".to_owned(), &error.into()))?;
    // A shim that died before the line above would never be noticed.
    let shim = rustix::process::getppid().map_or(0, |pid| Pid::as_raw(Some(pid)));
    if parent.to_str().and_then(|text| text.parse().ok()) != Some(shim) {
        return Err(other("the shim died".to_owned()));
    }
    let unreadable = |what| other(format!("the order cannot be read: {what}"));
    let order = Order::read(instance)
        .map_err(|error| unreadable(chain(&error)))?
        .ok_or_else(|| unreadable("it is not there".to_owned()))?;
    let status = Status::read(instance).ok().flatten();
    let memory_limit = limit(&order, status.and_then(|status| status.cgroup).as_deref());

    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let program =
        program::resolve(&order.spec, &order.unpacked).map_err(|error| missing(&error))?;
    let mut command = Command::new(program);
    command
        .args(order.spec.run.get(1..).unwrap_or_default())
        .env_clear()
        .envs(program::environment(&order, instance))
        .current_dir(&order.unpacked)
        .stdin(Stdio::null());
    if let Some(name) = order.spec.run.first() {
        command.arg0(name);
    }
    Ok((command, memory_limit))
}

/// Applies what limits the system lets us apply, and says which.
fn limit(order: &Order, cgroup: Option<&Path>) -> String {
    // A core file would carry secrets to the disk and fill it.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let bytes_max = order.spec.memory_bytes_max;
    if bytes_max == 0 {
        return "none asked for".to_owned();
    }
    if let Some(group) = cgroup
        && memory::join_group(group).is_ok()
    {
        return format!("{bytes_max} bytes for the whole instance (cgroup)");
    }
    match memory::limit_data(bytes_max) {
        Ok(()) => format!("{bytes_max} bytes of data for each process (RLIMIT_DATA)"),
        Err(error) => {
            format!("none: {bytes_max} bytes were asked for, but setrlimit failed: {error}")
        }
    }
}

fn missing(error: &program::ProgramError) -> StartFailure {
    let diagnostic = crate::diag::no_program(error);
    StartFailure {
        errno: rustix::io::Errno::NOENT.raw_os_error(),
        what: format!("{}: {}", diagnostic.summary, diagnostic.detail),
    }
}

fn failed(what: String, error: &io::Error) -> StartFailure {
    StartFailure {
        errno: error.raw_os_error().unwrap_or(match error.kind() {
            // What the standard library refuses itself, such as a zero byte in an argument, has no number.
            io::ErrorKind::InvalidInput => rustix::io::Errno::INVAL.raw_os_error(),
            _ => 0,
        }),
        what: format!("{what}: {error}."),
    }
}

fn other(what: String) -> StartFailure {
    StartFailure { errno: 0, what }
}
