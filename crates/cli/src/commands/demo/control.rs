//! The control plane of the demo as a process of its own, so that it can be killed like any other: a `steadfast` that
//! tells what it does as JSON lines.

use crate::error::CommandError;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Longest time a command of the demo may take.
const COMMAND_MS_MAX: u64 = 300_000;

/// Lines that may wait to be told; the command waits when there are more, as for any slow terminal.
const LINES_MAX: usize = 1_024;

/// What a command ended with.
pub(super) struct Ended {
    /// Its exit code; none when it was killed.
    pub code: Option<i32>,
    /// What it said on its standard error.
    pub errors: String,
}

/// A `steadfast` at work.
pub(super) struct Control {
    child: Child,
    lines: Receiver<String>,
    errors: Option<std::thread::JoinHandle<String>>,
    deadline: Instant,
}

impl Control {
    /// Starts a command in a directory.
    pub(super) fn start(directory: &Path, words: &[&str]) -> Result<Self, CommandError> {
        let program = std::env::current_exe().map_err(failed("find", Path::new("this program")))?;
        let mut child = Command::new(program)
            .arg("--json")
            .args(words)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("start a command in", directory))?;
        let (sender, lines) = sync_channel(LINES_MAX);
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    // The demo no longer listens once the command has ended or was killed.
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let errors = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let lines: Vec<String> = BufReader::new(stderr)
                    .lines()
                    .map_while(Result::ok)
                    .collect();
                lines.join("\n")
            })
        });
        let deadline = Instant::now() + Duration::from_millis(COMMAND_MS_MAX);
        Ok(Self {
            child,
            lines,
            errors,
            deadline,
        })
    }

    /// The next event, if one comes within the time; `None` with `true` when there are no more.
    pub(super) fn event(&mut self, within: Duration) -> (Option<Value>, bool) {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.kill();
        }
        match self.lines.recv_timeout(within) {
            Ok(line) => (serde_json::from_str(&line).ok(), false),
            Err(RecvTimeoutError::Timeout) => (None, false),
            Err(RecvTimeoutError::Disconnected) => (None, true),
        }
    }

    /// SIGKILL: no time to say or save anything.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself in the meantime, which is as good.
        let _ = self.child.kill();
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Result<Ended, CommandError> {
        let status = self
            .child
            .wait()
            .map_err(failed("wait for", Path::new("a command")))?;
        let errors = self
            .errors
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        Ok(Ended {
            code: status.code(),
            errors,
        })
    }
}

pub(super) fn failed(
    what: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> CommandError + use<> {
    let path = PathBuf::from(path);
    move |source| CommandError::Path { what, path, source }
}
