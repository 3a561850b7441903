//! Who lives: locks that the kernel lets go of, process numbers that may be recycled, and what is left of a group.
//!
//! A process number alone is never trusted. A shim is known by the lock it holds, which the kernel releases however
//! it ends; a workload by number, session, start time and boot; and a signal goes through a pidfd that was checked
//! after it was opened.

use crate::files::{self, During, FileError};
use crate::record::ProcessRecord;
use rustix::fd::OwnedFd;
use rustix::process::{Flock, FlockType, Pid, PidfdFlags, Signal};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What `/proc/<pid>/stat` says of a process (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) start_ticks: u64,
}

/// A shim that lives, and a handle that means it and no other process.
pub(crate) struct LiveShim {
    pub(crate) pid: i32,
    handle: OwnedFd,
}

impl LiveShim {
    /// The shim that holds the lock of this instance, if one does.
    ///
    /// The lock is asked twice: if its holder is still the process that the handle was opened for, the handle means
    /// the shim, for a holder cannot have died and its number come back while it kept the lock.
    pub(crate) fn of(instance: &Path) -> Result<Option<Self>, FileError> {
        let Some(pid) = lock_holder(instance)? else {
            return Ok(None);
        };
        let Ok(handle) = rustix::process::pidfd_open(pid, PidfdFlags::empty()) else {
            return Ok(None);
        };
        Ok((lock_holder(instance)? == Some(pid)).then(|| Self {
            pid: pid.as_raw_nonzero().get(),
            handle,
        }))
    }

    /// Asks it to stop its process and end.
    pub(crate) fn terminate(&self) {
        // The only failure possible here is that it is gone already, which is what is wanted.
        let _ = rustix::process::pidfd_send_signal(&self.handle, Signal::TERM);
    }

    /// Ends it at once; the kernel then kills its process (`PR_SET_PDEATHSIG`).
    pub(crate) fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.handle, Signal::KILL);
    }
}

/// Process number of whoever holds the lock of this instance, as the kernel knows it.
fn lock_holder(instance: &Path) -> Result<Option<Pid>, FileError> {
    let path = instance.join("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).during("open", &path),
    };
    rustix::process::fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))
        .map(|lock| lock.and_then(|lock| lock.pid))
        .map_err(std::io::Error::from)
        .during("ask for the lock of", &path)
}

/// Takes the lock of this instance for as long as the file stays open; none when another process has it, or when the
/// directory was moved away meanwhile.
///
/// A process-associated lock (fcntl(2)) is chosen over flock(2) because its holder's number can be asked for and
/// because a forked child does not inherit it. The holder must open the file only once: closing any handle of it
/// releases the lock.
pub(crate) fn take_lock(instance: &Path) -> Result<Option<File>, FileError> {
    let path = instance.join("lock");
    let file = files::open_private(&path).during("open", &path)?;
    match rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(std::io::Error::from(error)).during("lock", &path),
    }
    // Who removes an instance moves its directory away before asking for the lock. A lock taken after that is on a
    // file that this path no longer names.
    let here = std::fs::metadata(&path).ok().map(|file| file.ino());
    let held = file.metadata().during("look at", &path)?.ino();
    Ok((here == Some(held)).then_some(file))
}

/// The boot that process numbers and start times belong to.
pub(crate) fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// What a process is, if it is.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&String::from_utf8_lossy(&bytes))
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The command stands in brackets and may itself contain brackets and spaces: the last one closes it.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        // Field 22 of the line; four of those after the command are taken.
        start_ticks: fields.nth(15)?.parse().ok()?,
    })
}

/// A record of a running process, by which it is known again.
pub(crate) fn record(pid: i32) -> Option<ProcessRecord> {
    let stat = stat(pid)?;
    Some(ProcessRecord {
        pid,
        session: stat.session,
        start_ticks: stat.start_ticks,
        boot: boot(),
    })
}

/// Whether a process belongs to what was recorded: to the same group and session, and not begun before it.
fn belongs(pid: i32, stat: &Stat, recorded: &ProcessRecord) -> bool {
    let begun = if pid == recorded.pid {
        stat.start_ticks == recorded.start_ticks
    } else {
        stat.start_ticks >= recorded.start_ticks
    };
    stat.state != 'Z' && stat.group == recorded.pid && stat.session == recorded.session && begun
}

/// All processes of this machine that we can see.
fn all() -> Vec<(i32, Stat)> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| Some((pid, stat(pid)?)))
        .collect()
}

/// Kills what is left of a recorded process and its group, and says how many were left.
pub(crate) fn kill_group(recorded: &ProcessRecord) -> usize {
    if recorded.boot != boot() {
        return 0;
    }
    kill_where(|pid, stat| belongs(pid, stat, recorded))
}

/// Kills the children of a process, and says how many there were.
pub(crate) fn kill_children(parent: i32) -> usize {
    kill_where(|_, stat| stat.parent == parent && stat.state != 'Z')
}

/// Whether the recorded process itself runs. It may have moved to another group meanwhile.
pub(crate) fn runs(recorded: &ProcessRecord) -> bool {
    recorded.boot == boot()
        && stat(recorded.pid)
            .is_some_and(|stat| stat.start_ticks == recorded.start_ticks && stat.state != 'Z')
}

fn kill_where(chosen: impl Fn(i32, &Stat) -> bool) -> usize {
    all()
        .into_iter()
        .filter(|(pid, stat)| chosen(*pid, stat))
        .filter(|(pid, _)| {
            let Some(number) = Pid::from_raw(*pid) else {
                return false;
            };
            let Ok(handle) = rustix::process::pidfd_open(number, PidfdFlags::empty()) else {
                return false;
            };
            // Asked again now that the handle is open: it means this process, whatever becomes of its number.
            let still = stat(*pid).is_some_and(|stat| chosen(*pid, &stat));
            still && rustix::process::pidfd_send_signal(&handle, Signal::KILL).is_ok()
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stat_lines_whatever_the_command_is_called() {
        for command in ["cat", "a b", ") R 1 2 3 (", "(((", ""] {
            let line = format!(
                "77 ({command}) S 1 70 60 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9\n"
            );
            assert_eq!(
                parse_stat(&line),
                Some(Stat {
                    state: 'S',
                    parent: 1,
                    group: 70,
                    session: 60,
                    start_ticks: 123_456
                }),
                "{command}"
            );
        }
        for bad in ["", "77", "77 (x)", "77 (x) S 1 70", "77 (x) S a b c"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_process_with_a_recycled_number_does_not_belong() {
        let me = i32::try_from(std::process::id()).unwrap();
        let mine = record(me).unwrap();
        // The test process may not lead its group; made a leader on paper, it is itself.
        let stat = Stat {
            group: me,
            ..stat(me).unwrap()
        };
        assert!(belongs(me, &stat, &mine));
        let later = Stat {
            start_ticks: stat.start_ticks + 1,
            ..stat
        };
        assert!(!belongs(me, &later, &mine));
        assert!(
            belongs(me + 1, &later, &mine),
            "a younger member of the group"
        );
        let earlier = Stat {
            start_ticks: stat.start_ticks - 1,
            ..stat
        };
        assert!(!belongs(me + 1, &earlier, &mine));
        let elsewhere = Stat {
            session: stat.session + 1,
            ..stat
        };
        assert!(!belongs(me, &elsewhere, &mine));
        assert!(runs(&mine));
        let other_boot = ProcessRecord {
            boot: "another".to_owned(),
            ..mine.clone()
        };
        let other_start = ProcessRecord {
            start_ticks: mine.start_ticks + 1,
            ..mine
        };
        assert!(!runs(&other_start) && !runs(&other_boot));
        assert_eq!(kill_group(&other_boot), 0);
    }
}
