//! The output of an instance: kept in bounded files, shown by its last lines, archived when the instance is stopped.
//!
//! Two files of half the bound: `log` grows, becomes `log.1`, and begins again. Output is never a reason for a
//! workload to wait or to fail: what cannot be written is counted and dropped.

use crate::files::{self, During, FileError};
use crate::limits::{LINE_CHARS_MAX, LOGS_KEPT_MAX, TAIL_BYTES_MAX};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The growing log of a running instance.
pub(crate) struct RotatingLog {
    directory: PathBuf,
    file: Option<File>,
    bytes: u64,
    bytes_max: u64,
    lost_bytes: u64,
}

impl RotatingLog {
    /// Continues the log in a directory; both files together stay under `log_bytes_max` and one chunk.
    pub(crate) fn open(directory: &Path, log_bytes_max: u64) -> Self {
        let mut log = Self {
            directory: directory.to_path_buf(),
            file: None,
            bytes: 0,
            bytes_max: (log_bytes_max / 2).max(1),
            lost_bytes: 0,
        };
        // A failure shows again, and is counted, with the first chunk.
        let _ = log.reopen();
        log
    }

    /// Adds output.
    pub(crate) fn write(&mut self, chunk: &[u8]) {
        if self.try_write(chunk).is_err() {
            self.file = None;
            self.lost_bytes = self.lost_bytes.saturating_add(chunk.len() as u64);
        }
    }

    fn try_write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if self.bytes >= self.bytes_max {
            self.file = None;
            std::fs::rename(self.directory.join("log"), self.directory.join("log.1"))?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        if self.lost_bytes > 0 {
            let note = format!(
                "[steadfast] {} bytes of output were lost: the log could not be written\n",
                self.lost_bytes
            );
            file.write_all(note.as_bytes())?;
            self.bytes += note.len() as u64;
            self.lost_bytes = 0;
        }
        file.write_all(chunk)?;
        self.bytes += chunk.len() as u64;
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(self.directory.join("log"))?;
        self.bytes = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }
}

/// The last lines of a log and the file before it, fit for a terminal: bytes that are not text and control characters
/// are replaced, long lines cut.
pub(crate) fn last_lines(log: &Path, lines_max: usize) -> Vec<String> {
    let (mut bytes, whole) = files::read_tail(log, TAIL_BYTES_MAX);
    if whole {
        let mut older = files::read_tail(&older(log), TAIL_BYTES_MAX).0;
        older.append(&mut bytes);
        bytes = older;
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> = text.lines().rev().take(lines_max).map(shown).collect();
    lines.reverse();
    lines
}

fn shown(line: &str) -> String {
    let mut characters = line.chars();
    let mut text: String = characters
        .by_ref()
        .take(LINE_CHARS_MAX)
        .map(|character| match character {
            '\t' => ' ',
            // An escape sequence of a workload has no business on an operator's terminal.
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

fn older(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_os_string();
    name.push(".1");
    PathBuf::from(name)
}

/// Where the log of a stopped instance is kept.
pub(crate) fn archived(logs: &Path, instance: &str) -> PathBuf {
    logs.join(format!("{instance}.log"))
}

/// Moves the log of a stopped instance to where it is kept, and forgets the oldest beyond [`LOGS_KEPT_MAX`].
pub(crate) fn archive(directory: &Path, logs: &Path, instance: &str) -> Result<(), FileError> {
    files::create_dir(logs)?;
    let to = archived(logs, instance);
    for (from, to) in [
        (directory.join("log.1"), older(&to)),
        (directory.join("log"), to),
    ] {
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).during("keep the log", &from);
            }
            Ok(()) | Err(_) => {}
        }
    }
    forget_oldest(logs);
    Ok(())
}

/// Space is the only thing at stake here, so what cannot be removed stays until the next time.
fn forget_oldest(logs: &Path) {
    let Ok(entries) = std::fs::read_dir(logs) else {
        return;
    };
    let mut kept: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .filter(|(_, path)| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    kept.sort();
    let surplus = kept.len().saturating_sub(LOGS_KEPT_MAX);
    for (_, path) in kept.into_iter().take(surplus) {
        let _ = std::fs::remove_file(older(&path));
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bound_and_keeps_the_last_lines() {
        let temporary = tempfile::tempdir().unwrap();
        let mut log = RotatingLog::open(temporary.path(), 1_000);
        for number in 0..1_000 {
            log.write(format!("line {number}\n").as_bytes());
        }
        let size = |name| {
            std::fs::metadata(temporary.path().join(name))
                .unwrap()
                .len()
        };
        assert!(size("log") + size("log.1") <= 1_000 + 20);
        let lines = last_lines(&temporary.path().join("log"), 60);
        assert_eq!(lines.len(), 60);
        assert_eq!(lines[0], "line 940");
        assert_eq!(lines[59], "line 999");
        // Continued after the shim was started anew.
        let mut log = RotatingLog::open(temporary.path(), 1_000);
        log.write(b"again\n");
        assert_eq!(
            last_lines(&temporary.path().join("log"), 2),
            ["line 999", "again"]
        );
    }

    #[test]
    fn counts_what_it_cannot_write() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("later");
        let mut log = RotatingLog::open(&directory, 1_000);
        log.write(b"lost\n");
        std::fs::create_dir(&directory).unwrap();
        log.write(b"kept\n");
        assert_eq!(
            last_lines(&directory.join("log"), 9),
            [
                "[steadfast] 5 bytes of output were lost: the log could not be written",
                "kept"
            ]
        );
    }

    #[test]
    fn lines_are_fit_for_a_terminal() {
        let temporary = tempfile::tempdir().unwrap();
        let log = temporary.path().join("log");
        std::fs::write(&log, b"a\x1b[31mb\t\xff\r\n\nlast").unwrap();
        assert_eq!(last_lines(&log, 9), ["a\u{fffd}[31mb \u{fffd}", "", "last"]);
        std::fs::write(&log, "x".repeat(LINE_CHARS_MAX + 1)).unwrap();
        assert_eq!(last_lines(&log, 1)[0].chars().count(), LINE_CHARS_MAX + 1);
        assert!(last_lines(&temporary.path().join("none"), 9).is_empty());
    }

    #[test]
    fn keeps_a_bounded_number_of_old_logs() {
        let temporary = tempfile::tempdir().unwrap();
        let logs = temporary.path().join("logs");
        let instance = temporary.path().join("instance");
        std::fs::create_dir(&instance).unwrap();
        for number in 0..LOGS_KEPT_MAX + 5 {
            std::fs::write(instance.join("log"), "new").unwrap();
            std::fs::write(instance.join("log.1"), "old").unwrap();
            archive(&instance, &logs, &format!("i{number}")).unwrap();
        }
        assert_eq!(std::fs::read_dir(&logs).unwrap().count(), 2 * LOGS_KEPT_MAX);
        archive(&instance, &logs, "silent").unwrap();
    }
}
