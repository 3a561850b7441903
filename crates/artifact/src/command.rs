//! Runs a build command: clean environment, no input, its own process group, bounded time, bounded output.
//!
//! Output goes straight into a file, so a descendant that keeps it open cannot hold us up. When the command ends, for
//! whatever reason, the whole group is killed before the command is reaped: until then the kernel gives the group's
//! number to nobody else, so no stranger can be hit. A descendant that starts a session of its own escapes this; only
//! a container could hold it. Deliberately no shell anywhere: arguments arrive as they were written.

use crate::limits::{
    KILL_WAIT_MS_MAX, LOG_BYTES_MAX, START_RETRY_MS, START_TRIES_MAX, WATCH_INTERVAL_MS,
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use thiserror::Error;
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// What is run, and how.
pub(crate) struct Order<'a> {
    /// The program and its arguments.
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a [String],
    /// Where.
    pub(crate) directory: &'a Path,
    /// All of its environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Takes its output and its errors.
    pub(crate) log: File,
    /// Longest time it may take.
    pub(crate) timeout: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// Killed: too slow.
    TimedOut,
    /// Killed: too loud.
    TooMuchOutput,
}

/// A command that could not be run to any end.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// No such program, or no right to run it.
    #[error("the program `{program}` could not be started")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// The system does not tell what became of it.
    #[error("the program `{program}` was started, but not seen to end")]
    Lost {
        program: String,
        #[source]
        source: io::Error,
    },
}

/// Kills the group when dropped, so that a build that nobody waits for any more does not go on.
struct Group {
    leader: Pid,
    child: Child,
}

impl Group {
    fn kill(&self) {
        // It can only fail because nobody is left.
        let _ = kill_process_group(self.leader, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once reaped, the number may belong to somebody else.
        if self.child.id().is_some() {
            self.kill();
        }
    }
}

/// Runs a command to its end.
pub(crate) async fn run(order: Order<'_>) -> Result<Ended, CommandError> {
    let program = order.program.to_owned();
    let lost = |source| CommandError::Lost {
        program: program.clone(),
        source,
    };
    let mut group = start(&order).await?;
    let leader = group.leader;
    let mut exit = tokio::task::spawn_blocking(move || {
        // NOWAIT leaves it unreaped, so that its group can still be named.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(leader), options))
    });
    let deadline = Instant::now() + order.timeout;
    let mut look = interval(Duration::from_millis(WATCH_INTERVAL_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let cut_short = loop {
        // Bounded by the deadline.
        tokio::select! {
            biased;
            _ = &mut exit => break None,
            () = tokio::time::sleep_until(deadline) => break Some(Ended::TimedOut),
            _ = look.tick() => {
                if order.log.metadata().is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
                    break Some(Ended::TooMuchOutput);
                }
            }
        }
    };
    group.kill();
    let reaped = timeout(Duration::from_millis(KILL_WAIT_MS_MAX), group.child.wait()).await;
    match (cut_short, reaped) {
        (Some(ended), _) => Ok(ended),
        (None, Ok(status)) => status.map(Ended::Exited).map_err(lost),
        (None, Err(elapsed)) => Err(lost(elapsed.into())),
    }
}

/// Starts it; tries again where the system says that the program is still being written.
async fn start(order: &Order<'_>) -> Result<Group, CommandError> {
    let mut tries = 0;
    loop {
        // Bounded by the number of tries.
        tries += 1;
        match start_once(order) {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < START_TRIES_MAX =>
            {
                tokio::time::sleep(Duration::from_millis(START_RETRY_MS)).await;
            }
            other => {
                return other.map_err(|source| CommandError::Start {
                    program: order.program.to_owned(),
                    source,
                });
            }
        }
    }
}

fn start_once(order: &Order<'_>) -> io::Result<Group> {
    let child = Command::new(order.program)
        .args(order.arguments)
        .current_dir(order.directory)
        .env_clear()
        .envs(order.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(order.log.try_clone()?)
        .stderr(order.log.try_clone()?)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let leader = leader.ok_or_else(|| io::Error::other("it has no process id"))?;
    Ok(Group { leader, child })
}
