//! One project directory and the real program in it: run to its end, or killed at a chosen moment.

use serde_json::Value;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Longest time that one command may take; a longer one hangs.
const COMMAND_MS_MAX: u64 = 120_000;
/// Lines read ahead of whoever counts them.
const LINES_AHEAD_MAX: usize = 1_024;
/// Most bytes of what a command said that are shown with a finding.
const SAID_BYTES_MAX: usize = 2_000;

/// When to kill.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// So long after the start.
    Time(Duration),
    /// After so many lines of output, and then so long.
    Line(usize, Duration),
    /// Not at all.
    Never,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code; none if it was killed.
    pub code: Option<i32>,
    /// What it printed, as far as it is JSON.
    pub lines: Vec<Value>,
    /// Number of lines it printed.
    pub n_lines: usize,
    /// How long it ran.
    pub took: Duration,
}

impl Ended {
    /// The lines of one type.
    pub(crate) fn entries(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.lines
            .iter()
            .filter(move |line| line.get("type").is_some_and(|found| found == kind))
    }
}

/// The program in a directory.
#[derive(Debug)]
pub(crate) struct Program {
    /// The program.
    pub binary: PathBuf,
    /// The project.
    pub root: PathBuf,
    /// Where its standard error goes.
    pub log: PathBuf,
}

impl Program {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be started, or hangs.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Ended, String> {
        self.run_until(words, Moment::Never)
    }

    /// Runs a command and kills exactly it with SIGKILL at this moment, unless it ended before.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(crate) fn run_until(&self, words: &[&str], moment: Moment) -> Result<Ended, String> {
        let began = Instant::now();
        let child = self.command(words)?.spawn();
        let mut child =
            child.map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        let stdout = child.stdout.take().ok_or("its output is not piped")?;
        let (sender, receiver) = mpsc::sync_channel(LINES_AHEAD_MAX);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let hangs_at = began + Duration::from_millis(COMMAND_MS_MAX);
        let mut kill_at = match moment {
            Moment::Time(after) => Some(began + after),
            Moment::Line(..) | Moment::Never => None,
        };
        let mut texts = Vec::new();
        // Ends with the output, at the moment of the kill, or when it hangs.
        let is_killed = loop {
            let now = Instant::now();
            let until = kill_at.unwrap_or(hangs_at).min(hangs_at);
            match receiver.recv_timeout(until.saturating_duration_since(now)) {
                Ok(line) => texts.push(line),
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => break true,
            }
            if let (Moment::Line(count, after), None) = (moment, kill_at)
                && texts.len() >= count
            {
                kill_at = Some(Instant::now() + after);
            }
        };
        if is_killed {
            // It is our child and not yet waited for, so its id is its own; it may have ended this instant.
            let _ = child.kill();
        }
        drop(receiver);
        let ended = child.wait();
        let status = ended.map_err(|error| format!("cannot wait for it: {error}"))?;
        let _ = reader.join();
        let took = began.elapsed();
        if is_killed && kill_at.is_none_or(|at| at > hangs_at) {
            return Err(format!("{} did not end within {took:?}", words.join(" ")));
        }
        if let Some(signal) = status.signal().filter(|_| !is_killed) {
            return Err(format!("{} was ended by signal {signal}", words.join(" ")));
        }
        Ok(Ended {
            code: status.code(),
            n_lines: texts.len(),
            lines: texts
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            took,
        })
    }

    /// A command in the project, its output to be read.
    ///
    /// # Errors
    /// When its log cannot be written.
    pub(crate) fn command(&self, words: &[&str]) -> Result<Command, String> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| format!("cannot open {}: {error}", self.log.display()))?;
        let mut arguments = vec![OsString::from("--json"), OsString::from("--chdir")];
        arguments.push(self.root.clone().into_os_string());
        arguments.extend(words.iter().map(OsString::from));
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        Ok(command)
    }

    /// The last that was said on standard error.
    pub(crate) fn said(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let from = text.len().saturating_sub(SAID_BYTES_MAX);
        String::from_utf8_lossy(text.get(from..).unwrap_or_default())
            .trim()
            .to_owned()
    }
}
