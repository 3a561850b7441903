//! How commands run: in a clean environment, in a process group of their own, with an end.
//!
//! The standard input of a command is an empty file that is locked for as long as the command lives, because a lock
//! belongs to the open file that its processes inherit. So a later attempt, also after this program was killed, can
//! tell that the command is still running without trusting a process number. What a command puts in the background on
//! purpose gets another standard input from the shell, and does not count.

use crate::limits::{OUTPUT_DRAIN_MS_MAX, STDOUT_BYTES_MAX, TAIL_BYTES_MAX};
use core::pin::pin;
use core::time::Duration;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Variables of our own environment that a command sees.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// A command to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) argv: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) directory: PathBuf,
    pub(crate) timeout_ms: u64,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It ended by itself.
    Exited(ExitStatus, Output),
    /// It was killed, and all of its group with it.
    TimedOut(Output),
    /// It never ran.
    NotStarted(io::Error),
    /// An earlier attempt at it still runs, so this one was not begun.
    Busy,
}

/// What a command wrote.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
}

/// The first and the last part of a stream.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    pub(crate) head: Vec<u8>,
    tail: VecDeque<u8>,
    pub(crate) cut: bool,
}

/// The lock of an action: held as long as its command lives.
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock; none when something still holds it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self {
                path: path.to_owned(),
                file,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock as a standard input: who inherits it holds it.
    pub(crate) fn held(&self) -> io::Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Whether something holds the lock. Changes nothing.
    pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A word for a shell, whatever is in it.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A command line for people, quoted where that is needed to read it.
pub(crate) fn shown(argv: &[String]) -> String {
    let words = match argv {
        [shell, option, text] if shell == "/bin/sh" && option == "-c" => {
            return format!("`{text}`");
        }
        words => words,
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            let is_plain = !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&b));
            if is_plain { word.clone() } else { quoted(word) }
        })
        .collect();
    format!("`{}`", words.join(" "))
}

/// Passes on nothing of our own environment but what a command sees.
pub(crate) fn cleaned(command: &mut Command) {
    command.env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

impl Run {
    /// Runs it to its end.
    pub(crate) async fn run(&self, lock: &Path) -> Ended {
        let lock = match Lock::take(lock) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ended::Busy,
            Err(error) => return Ended::NotStarted(error),
        };
        let ended = match lock.held() {
            Ok(stdin) => self.run_with(stdin).await,
            Err(error) => Ended::NotStarted(error),
        };
        // The command has ended, so its lock needs no name any more; one that stays behind does no harm.
        let _ = std::fs::remove_file(&lock.path);
        ended
    }

    async fn run_with(&self, stdin: Stdio) -> Ended {
        let mut child = match self.command(stdin).spawn() {
            Ok(child) => child,
            Err(error) => return Ended::NotStarted(error),
        };
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let mut output = Output::default();
        let limit = Duration::from_millis(self.timeout_ms);
        match timeout(limit, wait(&mut child, &mut output)).await {
            Ok(Ok(status)) => Ended::Exited(status, output),
            // Its status cannot be had; to be sure that it has ended, end it.
            Ok(Err(_)) | Err(_) => {
                kill(&mut child, group).await;
                Ended::TimedOut(output)
            }
        }
    }

    fn command(&self, stdin: Stdio) -> Command {
        let (program, arguments) = match self.argv.split_first() {
            Some((program, arguments)) => (program.as_str(), arguments),
            None => ("", [].as_slice()),
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        cleaned(&mut command);
        command.envs(&self.environment);
        command
    }
}

/// Waits for the end, reading all the while; afterwards a moment more for output that is still in the pipes.
async fn wait(child: &mut Child, output: &mut Output) -> io::Result<ExitStatus> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let Output {
        stdout: out,
        stderr: err,
    } = output;
    let mut reading = pin!(async {
        tokio::join!(capture(stdout, out), capture(stderr, err));
    });
    let mut is_read = false;
    // At most two turns: one for the end of the output, one for the end of the command. The caller bounds the time.
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut reading, if !is_read => is_read = true,
        }
    };
    if !is_read {
        let drain = Duration::from_millis(OUTPUT_DRAIN_MS_MAX);
        // Something it left running may hold the pipes open for ever; what it writes is not the command's output.
        let _ = timeout(drain, &mut reading).await;
    }
    Ok(status)
}

async fn kill(child: &mut Child, group: Option<Pid>) {
    if let Some(group) = group {
        // The group may be gone already.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill().await;
}

async fn capture(stream: Option<impl AsyncRead + Unpin>, capture: &mut Capture) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; TAIL_BYTES_MAX];
    // A stream that breaks is at its end: what was read of it counts.
    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 {
            return;
        }
        capture.take(buffer.get(..n).unwrap_or_default());
    }
}

impl Capture {
    /// The first and the last part of a stream that was captured elsewhere.
    pub(crate) fn of(head: &[u8], tail: &[u8], cut: bool) -> Self {
        Self {
            head: head.to_vec(),
            tail: tail.iter().copied().collect(),
            cut,
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let room = STDOUT_BYTES_MAX.saturating_sub(self.head.len());
        let (head, rest) = piece.split_at(room.min(piece.len()));
        self.head.extend_from_slice(head);
        self.cut |= !rest.is_empty();
        self.tail.extend(piece);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..surplus);
    }
}

impl Output {
    /// The end of what was written, for people.
    pub(crate) fn last(&self) -> String {
        let mut text = String::new();
        for (name, capture) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let tail: Vec<u8> = capture.tail.iter().copied().collect();
            let tail = String::from_utf8_lossy(&tail);
            if !tail.trim().is_empty() {
                text.push_str(&format!("\nLast of its {name}:\n{}", tail.trim_end()));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_the_first_and_the_last_bytes() {
        let mut capture = Capture::default();
        for n in 0..=STDOUT_BYTES_MAX {
            capture.take(&[(n % 251) as u8]);
        }
        assert_eq!(capture.head.len(), STDOUT_BYTES_MAX);
        assert!(capture.cut);
        assert_eq!(capture.tail.len(), TAIL_BYTES_MAX);
        assert_eq!(
            capture.tail.back().copied(),
            Some((STDOUT_BYTES_MAX % 251) as u8)
        );
    }

    #[test]
    fn a_lock_is_held_until_the_last_clone_of_its_file_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/action.lock");
        assert!(!Lock::is_held(&path).unwrap());
        let lock = Lock::take(&path).unwrap().unwrap();
        assert!(Lock::is_held(&path).unwrap());
        assert!(Lock::take(&path).unwrap().is_none());
        let inherited = lock.file.try_clone().unwrap();
        drop(lock);
        assert!(Lock::is_held(&path).unwrap());
        drop(inherited);
        assert!(!Lock::is_held(&path).unwrap());
    }
}
