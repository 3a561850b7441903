//! The supervising stage: starts the process, starts it again when it ends unasked, stops it when asked.
//!
//! One thread, one loop. It is asked to stop by `SIGTERM`; how much time the process has then stands in `stop.json`.
//! What the process leaves behind, in its group or as orphans of it (this stage is their subreaper), is killed before
//! the process is started again and before the shim ends.

use super::become_workload::Report;
use super::output::Output;
use super::{EXEC, say};
use crate::files::{self, chain};
use crate::limits::{
    GRACE_MS_DEFAULT, GRACE_MS_MAX, KILL_TIMEOUT_MS, POLL_MS, REPORT_BYTES_MAX, START_TIMEOUT_MS,
};
use crate::log::RotatingLog;
use crate::memory;
use crate::process;
use crate::record::{Order, Stage, StartFailure, Status, StopRequest};
use rustix::process::{Pid, WaitOptions, WaitStatus};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Looks after the instance in this directory until it is stopped or stays down. Another shim at work is no failure.
pub(super) fn supervise(command: Vec<OsString>, instance: PathBuf) -> Result<(), String> {
    // A session of its own: no terminal, no signal meant for whoever started the control plane. It can only fail for
    // a process that leads a group, which is as good.
    let _ = rustix::process::setsid();
    let lock = process::take_lock(&instance).map_err(|error| chain(&error))?;
    let Some(_held_until_the_end) = lock else {
        return Ok(());
    };
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me))
        .map_err(|error| format!("orphans cannot be taken in: {error}"))?;
    let order = Order::read(&instance)
        .map_err(|error| chain(&error))?
        .ok_or("there is no order to carry out")?;
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the executor cannot start: {error}"))?;
    executor.block_on(async {
        let log = RotatingLog::open(&instance, order.supervision.log_bytes_max);
        let output = Output::new(log).map_err(|error| format!("there is no pipe: {error}"))?;
        let mut shim = Shim::new(command, instance, order, me, &output)?;
        tokio::select! {
            biased;
            () = shim.keep_running() => {}
            () = output.pump() => {}
        }
        Ok(())
    })
}

struct Shim<'a> {
    command: Vec<OsString>,
    instance: PathBuf,
    order: Order,
    status: Status,
    me: i32,
    /// Starts in this life of the instance.
    starts: u32,
    output: &'a Output,
    asked: Signal,
    child: Signal,
}

/// How one start ended.
enum End {
    /// The instance was asked to stop, and has.
    Asked,
    /// The process ended unasked.
    Unasked(String),
    /// There was no process.
    NotStarted(StartFailure),
}

impl<'a> Shim<'a> {
    fn new(
        command: Vec<OsString>,
        instance: PathBuf,
        order: Order,
        me: Pid,
        output: &'a Output,
    ) -> Result<Self, String> {
        let no_signals = |error: io::Error| format!("signals cannot be received: {error}");
        let me = me.as_raw_nonzero().get();
        let before = Status::read(&instance).map_err(|error| chain(&error))?;
        let starts_before = before.map_or(0, |status| status.starts);
        let mut shim = Self {
            status: Status::new(me, &order, starts_before),
            command,
            instance,
            order,
            me,
            starts: 0,
            output,
            asked: signal(SignalKind::terminate()).map_err(no_signals)?,
            child: signal(SignalKind::child()).map_err(no_signals)?,
        };
        shim.status.cgroup = shim.make_group();
        shim.write_status();
        files::create_dir(&shim.instance.join("home")).map_err(|error| chain(&error))?;
        Ok(shim)
    }

    fn make_group(&self) -> Option<PathBuf> {
        let parent = self.order.supervision.memory_cgroup.as_ref()?;
        let spec = &self.order.spec;
        if spec.memory_bytes_max == 0 {
            return None;
        }
        memory::make_group(parent, &spec.instance.0, spec.memory_bytes_max)
            .inspect_err(|error| {
                self.output.note(&format!(
                    "no memory group below {}: {error}; RLIMIT_DATA is used",
                    parent.display()
                ));
            })
            .ok()
    }

    /// Until it is asked to stop or has failed too often in a row. Afterwards no process is left.
    async fn keep_running(&mut self) {
        let policy = self.order.supervision.clone();
        let mut failures_in_row = 0_u32;
        // Bounded by `restarts_max`, except for processes that are stable in between.
        loop {
            let began = Instant::now();
            let what = match self.once().await {
                End::Asked => return self.down("stopped"),
                End::NotStarted(failure) if self.starts == 0 => {
                    self.status.start_failure = Some(failure.clone());
                    return self.down(&failure.what);
                }
                End::NotStarted(failure) => failure.what,
                End::Unasked(how) => how,
            };
            self.status.last_exit = Some(what.clone());
            if began.elapsed() >= Duration::from_millis(policy.stable_ms) {
                failures_in_row = 0;
            }
            if failures_in_row >= policy.restarts_max {
                return self.down(&format!(
                    "{what}; it stays down after {failures_in_row} restarts in a row"
                ));
            }
            let wait_ms = backoff_ms(
                policy.backoff_ms_first,
                policy.backoff_ms_max,
                failures_in_row,
            );
            failures_in_row += 1;
            self.output
                .note(&format!("{what}; it is started again in {wait_ms} ms"));
            self.status.stage = Stage::Waiting;
            self.write_status();
            tokio::select! {
                () = sleep(Duration::from_millis(wait_ms)) => {}
                _ = self.asked.recv() => return self.down("stopped"),
            }
        }
    }

    /// Starts the process and stays with it to its end.
    async fn once(&mut self) -> End {
        let (pid, report) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(error) => {
                return End::NotStarted(StartFailure {
                    errno: error.raw_os_error().unwrap_or(0),
                    what: format!("The exec stage cannot be started: {error}."),
                });
            }
        };
        // Known before it becomes the workload, so that nothing is left over if this shim is killed now.
        self.status.process = process::record(pid);
        self.write_status();
        let reported = tokio::select! {
            reported = timeout(Duration::from_millis(START_TIMEOUT_MS), read_report(report)) => reported,
            _ = self.asked.recv() => {
                self.end(pid).await;
                return End::Asked;
            }
        };
        let memory_limit = match reported {
            Ok(Ok(memory_limit)) => memory_limit,
            Ok(Err(failure)) => return self.not_started(pid, failure).await,
            Err(_) => {
                let failure = StartFailure {
                    errno: 0,
                    what: format!("The command did not start within {START_TIMEOUT_MS} ms."),
                };
                return self.not_started(pid, failure).await;
            }
        };
        self.status.memory_limit = memory_limit;
        self.status.stage = Stage::Running;
        self.status.starts = self.status.starts.saturating_add(1);
        self.starts = self.starts.saturating_add(1);
        self.write_status();
        tokio::select! {
            exit = exit_of(&mut self.child, pid) => {
                self.sweep().await;
                End::Unasked(describe(exit))
            }
            _ = self.asked.recv() => {
                self.end(pid).await;
                End::Asked
            }
        }
    }

    /// The exec stage, in a process group of its own, with a pipe to report by.
    fn spawn(&self) -> io::Result<(i32, Receiver)> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        let (reader, writer) = io::pipe()?;
        let child = Command::new(program)
            .args(arguments)
            .arg(EXEC)
            .arg(&self.instance)
            .arg(self.me.to_string())
            .stdin(Stdio::from(writer))
            .stdout(Stdio::from(self.output.writer()?))
            .stderr(Stdio::from(self.output.writer()?))
            .process_group(0)
            .spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        Ok((pid, Receiver::from_owned_fd(OwnedFd::from(reader))?))
    }

    async fn not_started(&mut self, pid: i32, failure: StartFailure) -> End {
        self.signal_group(pid, rustix::process::Signal::KILL);
        let _ = timeout(
            Duration::from_millis(KILL_TIMEOUT_MS),
            exit_of(&mut self.child, pid),
        )
        .await;
        self.sweep().await;
        End::NotStarted(failure)
    }

    /// Asks the process to stop, kills it when its time is over, and kills what it leaves.
    async fn end(&mut self, pid: i32) {
        self.status.stage = Stage::Stopping;
        self.write_status();
        let mut deadline = Instant::now() + self.grace();
        self.signal_group(pid, rustix::process::Signal::TERM);
        // Bounded by the deadline, which only comes nearer.
        let exit = loop {
            tokio::select! {
                exit = exit_of(&mut self.child, pid) => break Some(exit),
                () = sleep_until(deadline) => break None,
                _ = self.asked.recv() => deadline = deadline.min(Instant::now() + self.grace()),
            }
        };
        let exit = match exit {
            Some(exit) => Some(exit),
            None => {
                self.output
                    .note("it did not stop in its time and is killed");
                self.signal_group(pid, rustix::process::Signal::KILL);
                timeout(
                    Duration::from_millis(KILL_TIMEOUT_MS),
                    exit_of(&mut self.child, pid),
                )
                .await
                .ok()
            }
        };
        self.status.last_exit = exit.map(describe);
        self.sweep().await;
    }

    fn grace(&self) -> Duration {
        let asked = StopRequest::read(&self.instance).ok().flatten();
        let grace_ms = asked.map_or(GRACE_MS_DEFAULT, |request| request.grace_ms);
        Duration::from_millis(grace_ms.min(GRACE_MS_MAX))
    }

    /// To be called only while the process is not reaped: until then its number is its own.
    fn signal_group(&self, pid: i32, signal: rustix::process::Signal) {
        if let Some(pid) = Pid::from_raw(pid) {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Kills what is left of the group and every orphan taken in. A process that does not die is in the kernel's
    /// hands (a hung disk); it stays on record for the next attempt.
    async fn sweep(&mut self) {
        let deadline = Instant::now() + Duration::from_millis(KILL_TIMEOUT_MS);
        while Instant::now() < deadline {
            let group = self.status.process.as_ref().map_or(0, process::kill_group);
            let left = group + process::kill_children(self.me);
            while reap().is_some() {}
            if left == 0 {
                self.status.process = None;
                return;
            }
            sleep(Duration::from_millis(POLL_MS)).await;
        }
        self.output.note("a killed process does not end");
    }

    fn down(&mut self, why: &str) {
        self.output.note(why);
        if let Some(group) = &self.status.cgroup {
            memory::remove_group(group);
        }
        self.status.stage = Stage::Down;
        self.write_status();
    }

    fn write_status(&self) {
        if let Err(error) = self.status.write(&self.instance) {
            say(&chain(&error));
        }
    }
}

/// The memory limit in force when the pipe closed without a failure: the program was executed.
async fn read_report(report: Receiver) -> Result<String, StartFailure> {
    let mut bytes = Vec::new();
    let died = |what: String| StartFailure { errno: 0, what };
    report
        .take(REPORT_BYTES_MAX as u64)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| died(format!("The exec stage cannot be heard: {error}.")))?;
    let mut memory_limit = None;
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice(line) {
            Ok(Report::Ready {
                memory_limit: limit,
            }) => memory_limit = Some(limit),
            Ok(Report::Failed(failure)) => return Err(failure),
            Err(error) => return Err(died(format!("The exec stage was not understood: {error}."))),
        }
    }
    memory_limit.ok_or_else(|| died("The exec stage died before it had begun.".to_owned()))
}

/// Waits for the process, woken by `SIGCHLD`, and reaps every orphan that ends before it.
async fn exit_of(child: &mut Signal, pid: i32) -> WaitStatus {
    // Bounded by the life of the process, or by the caller's patience.
    loop {
        while let Some((ended, status)) = reap() {
            if ended == pid {
                return status;
            }
        }
        child.recv().await;
    }
}

/// One child that ended, if any has.
fn reap() -> Option<(i32, WaitStatus)> {
    match rustix::process::wait(WaitOptions::NOHANG) {
        Ok(Some((pid, status))) => Some((pid.as_raw_nonzero().get(), status)),
        Ok(None) | Err(_) => None,
    }
}

fn backoff_ms(first: u64, max: u64, failures_before: u32) -> u64 {
    let factor = 1_u64.checked_shl(failures_before).unwrap_or(u64::MAX);
    first.saturating_mul(factor).min(max)
}

fn describe(exit: WaitStatus) -> String {
    if let Some(status) = exit.exit_status() {
        return format!("the process ended with exit status {status}");
    }
    let Some(number) = exit.terminating_signal() else {
        return "the process ended".to_owned();
    };
    let name = match number {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    };
    format!("the process was ended by signal {number}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let waits: Vec<u64> = (0..9)
            .map(|failures| backoff_ms(100, 10_000, failures))
            .collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]
        );
        assert_eq!(backoff_ms(100, 10_000, 64), 10_000);
        assert_eq!(backoff_ms(u64::MAX, u64::MAX, 63), u64::MAX);
    }
}
