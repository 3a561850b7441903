//! What a process cost, from `/proc` (proc(5)): CPU time after its end while nobody has waited for it yet, and the peak
//! of its memory while it runs.

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, which is 100 in the interface of every architecture we build for.
const TICKS_PER_SECOND: u64 = 100;
/// How often memory is looked at.
const LOOK_EVERY_MS: i64 = 3;
/// CPU time below which a ratio is noise: ten ticks.
const MEASURABLE_MS_MIN: u128 = 100;
/// Longest time of one command: Terraform's applies of a few thousand objects take minutes.
const COMMAND_MINUTES_MAX: u64 = 60;

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// In user mode and in the kernel, with its children that it waited for.
    pub cpu: Duration,
    /// Peak of the resident set in KiB, as of the last look.
    pub resident_kib: u64,
    /// From start to end.
    pub wall: Duration,
}

impl Cost {
    /// Peak of the resident set in MB.
    pub(crate) fn megabytes(self) -> u64 {
        self.resident_kib * 1_024 / 1_000_000
    }

    /// Whether the CPU time is far enough above the steps of its clock to be divided by.
    pub(crate) fn is_measurable(self) -> bool {
        self.cpu.as_millis() >= MEASURABLE_MS_MIN
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started or observed, or does not end.
pub(crate) fn run(command: &mut Command) -> io::Result<(ExitStatus, Cost)> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    let observed = observe(&child, began);
    if observed.is_err() {
        // Nothing is left running behind an error.
        let _ = child.kill();
    }
    let status = child.wait()?;
    Ok((status, observed?))
}

/// CPU time of a process and of everything below it, also of what has ended and was waited for.
pub(crate) fn cpu_below(id: u32) -> Duration {
    let mut waiting = vec![id];
    let mut total = 0;
    while let Some(id) = waiting.pop() {
        // What ends meanwhile is counted with who waits for it, at the next look.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
        total += stat.ok().and_then(|stat| ticks(&stat)).unwrap_or_default();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        let numbers = children.split_ascii_whitespace();
        waiting.extend(numbers.filter_map(|number| number.parse::<u32>().ok()));
    }
    Duration::from_millis(total * 1_000 / TICKS_PER_SECOND)
}

/// Looks until the process has ended; it stays unwaited, so that its times can still be read.
fn observe(child: &Child, began: Instant) -> io::Result<Cost> {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or(io::ErrorKind::InvalidData)?;
    let handle = rustix::process::pidfd_open(id, PidfdFlags::empty())?;
    let every = Timespec {
        tv_sec: 0,
        tv_nsec: LOOK_EVERY_MS * 1_000_000,
    };
    let mut resident_kib = 0;
    // Ends with the process, or when it has taken too long.
    while began.elapsed() < Duration::from_secs(60 * COMMAND_MINUTES_MAX) {
        let mut waited = [PollFd::new(&handle, PollFlags::IN)];
        match rustix::event::poll(&mut waited, Some(&every)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {
                // The process may end between the two; then the last look holds.
                let status = std::fs::read_to_string(format!("/proc/{id}/status"));
                let peak = status.ok().and_then(|text| peak_kib(&text));
                resident_kib = resident_kib.max(peak.unwrap_or_default());
            }
            Ok(_) => {
                let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
                let ticks = ticks(&stat).ok_or(io::ErrorKind::InvalidData)?;
                let cpu = Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND);
                return Ok(Cost {
                    cpu,
                    resident_kib,
                    wall: began.elapsed(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// `VmHWM` of `/proc/PID/status`.
fn peak_kib(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// utime + stime + cutime + cstime of `/proc/PID/stat`: fields 14 to 17. The second field is a name in brackets that
/// may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields = after_name.split_whitespace().skip(11).take(4);
    let times: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_fields_14_to_17_whatever_the_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 1 2 3 4 50 60 7 8 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(50 + 60 + 7 + 8));
        assert_eq!(ticks("7 (a) S 1 2"), None);
    }

    #[test]
    fn the_peak_is_read() {
        assert_eq!(peak_kib("VmPeak:\t 9 kB\nVmHWM:\t  1234 kB\n"), Some(1_234));
        assert_eq!(peak_kib("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn a_process_that_works_costs() {
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3";
        let (status, cost) = run(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(
            cost.cpu > Duration::ZERO && cost.resident_kib > 0,
            "{cost:?}"
        );
    }
}
