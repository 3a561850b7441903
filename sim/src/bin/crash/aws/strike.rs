//! A command that is struck at a chosen moment: itself, or the provider that it has started, with SIGKILL.

use crate::program::Ended;
use crate::services::proxy::{Proxy, When};
use sim::Rng;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Longest time that one command may take; a longer one hangs.
const COMMAND_MS_MAX: u64 = 900_000;
/// Longest time between a line of output and the strike that follows it.
const AFTER_LINE_US_MAX: u64 = 20_000;

/// Time between two looks whether a command has ended.
const LOOK_MS: u64 = 20;
/// Lines and requests that nobody has looked at yet.
const HAPPENINGS_AHEAD_MAX: usize = 1_024;

/// Whom to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The command itself.
    Engine,
    /// The provider that it has started; it goes on.
    Provider,
}

/// When.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// After so many lines of output, and then so long.
    Line(usize, Duration),
    /// When the n-th changing request is at this point.
    Request(u64, When),
}

/// Whom and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    /// Whom.
    pub victim: Victim,
    /// When.
    pub moment: Moment,
}

impl Strike {
    /// Draws one of a run that prints so many lines and makes so many changing requests.
    pub(crate) fn drawn(rng: &mut Rng, n_lines: usize, n_requests: usize) -> Self {
        let victim = if rng.below(3) == 0 {
            Victim::Provider
        } else {
            Victim::Engine
        };
        let up_to = |rng: &mut Rng, n: usize| rng.between(1, n.max(1) as u64);
        let moment = match rng.below(4) {
            0 => {
                let line = usize::try_from(up_to(rng, n_lines)).unwrap_or(usize::MAX);
                Moment::Line(line, Duration::from_micros(rng.below(AFTER_LINE_US_MAX)))
            }
            1 => Moment::Request(up_to(rng, n_requests), When::Before),
            _ => Moment::Request(up_to(rng, n_requests), When::After),
        };
        Self { victim, moment }
    }
}

enum Happening {
    Line(String),
    Request,
}

/// What came of a command that was to be struck.
pub(crate) struct Struck {
    /// How it ended.
    pub ended: Ended,
    /// Whether the strike came before its end.
    pub hit: bool,
}

/// A command under way.
struct Running {
    child: Child,
    strike: Option<Strike>,
    lines: Vec<String>,
    /// When to strike, once that is known.
    strike_at: Option<Instant>,
    hit: bool,
}

/// Runs a command to its end, or to its strike.
///
/// # Errors
/// When it cannot be started, or hangs.
pub(crate) fn run(
    mut command: Command,
    strike: Option<Strike>,
    proxy: &Proxy,
) -> Result<Struck, String> {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    let stdout = child.stdout.take().ok_or("its output is not piped")?;
    let (sender, receiver) = mpsc::sync_channel(HAPPENINGS_AHEAD_MAX);
    let of_reader = sender.clone();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if of_reader.send(Happening::Line(line)).is_err() {
                break;
            }
        }
    });
    if let Some(Moment::Request(n, when)) = strike.map(|strike| strike.moment) {
        let tell = move || drop(sender.send(Happening::Request));
        proxy.arm(n, when, Box::new(tell));
    }
    let mut running = Running {
        child,
        strike,
        lines: Vec::new(),
        strike_at: None,
        hit: false,
    };
    let hangs_at = began + Duration::from_millis(COMMAND_MS_MAX);
    let status = running.finish(&receiver, hangs_at);
    proxy.disarm();
    let status = status.map_err(|what| format!("{command:?} {what}"))?;
    // An orphan of the command may hold its output: what it printed itself is read by now.
    while status.signal().is_none() && !reader.is_finished() {
        running.take(&receiver, Instant::now() + Duration::from_millis(LOOK_MS));
    }
    running.take(&receiver, Instant::now());
    let lines = &running.lines;
    let read = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok());
    let ended = Ended {
        code: status.code(),
        n_lines: lines.len(),
        lines: read.collect(),
        took: began.elapsed(),
    };
    Ok(Struck {
        ended,
        hit: running.hit,
    })
}

impl Running {
    /// Waits for its end; it is looked at in between, because others hold its output, too.
    fn finish(
        &mut self,
        receiver: &Receiver<Happening>,
        hangs_at: Instant,
    ) -> Result<ExitStatus, String> {
        while Instant::now() < hangs_at {
            let soon = Instant::now() + Duration::from_millis(LOOK_MS);
            self.take(receiver, self.strike_at.unwrap_or(soon).min(soon));
            self.strike_when_due();
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(|error| format!("cannot be waited for: {error}"))? {
                return Ok(status);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        Err("did not end".to_owned())
    }

    /// Takes what happens until then.
    fn take(&mut self, receiver: &Receiver<Happening>, until: Instant) {
        // Ends with the time, when nobody can send any more, or when there is something to strike.
        loop {
            match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Happening::Line(line)) => self.lines.push(line),
                Ok(Happening::Request) => {
                    self.strike_at = Some(Instant::now());
                    return;
                }
                Err(_) => return,
            }
            if let Some(Moment::Line(n, after)) = self.strike.map(|strike| strike.moment)
                && self.lines.len() == n
            {
                self.strike_at = Some(Instant::now() + after);
                return;
            }
        }
    }

    fn strike_when_due(&mut self) {
        if self.hit || self.strike_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.strike_at = None;
        self.hit = match self.strike.map(|strike| strike.victim) {
            Some(Victim::Engine) => self.child.kill().is_ok(),
            Some(Victim::Provider) => kill_children(self.child.id()),
            None => false,
        };
    }
}

/// Kills what a process has started; whether there was anything.
fn kill_children(parent: u32) -> bool {
    let parent = i32::try_from(parent).unwrap_or(0);
    kill_where(|pid| {
        // The name in it may hold anything, and ends with the last parenthesis.
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = text.rsplit_once(')').map(|(_, after)| after);
        let mut words = after.unwrap_or_default().split_whitespace();
        words.nth(1).and_then(|word| word.parse().ok()) == Some(parent)
    })
}

/// Kills what runs in a directory: providers that outlived the command which had started them.
pub(crate) fn kill_in(directory: &std::path::Path) -> bool {
    kill_where(|pid| {
        let place = std::fs::read_link(format!("/proc/{pid}/cwd"));
        place.is_ok_and(|place| place == directory)
    })
}

fn kill_where(is_it: impl Fn(i32) -> bool) -> bool {
    let mut any = false;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(pid) = rustix::process::Pid::from_raw(number).filter(|_| is_it(number)) {
            any |= rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok();
        }
    }
    any
}
