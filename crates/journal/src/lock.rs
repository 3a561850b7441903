//! The lock that lets one process write to a book: `flock` on a file of its own.
//! The kernel gives it back when the process ends, however it ends. It is a convenience that
//! tells the second process at once; what keeps a paused writer out is the epoch in each append.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::JournalError;

/// The content is always this long, so that rewriting it needs no new block on a full disk.
const CONTENT_BYTES: usize = 64;
/// How often the file may be replaced under our hands before we give up.
const REPLACED_TRIES_MAX: usize = 8;

/// The held lock; it ends with this value.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock or says who has it. `now_ms` is what a later process will be told.
    pub(crate) fn take(path: &Path, now_ms: i64) -> Result<Self, JournalError> {
        for _ in 0..REPLACED_TRIES_MAX {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(|error| JournalError::io("open the lock file", path, error))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(path, &file)),
                Err(errno) => return Err(JournalError::io("lock", path, errno.into())),
            }
            if is_still_there(path, &file) {
                let content = format!("{} {now_ms}", std::process::id());
                // Only a hint for others: a disk that cannot take it does not cost us the lock.
                let _ = file.write_all_at(format!("{content:<CONTENT_BYTES$}").as_bytes(), 0);
                return Ok(Self { _file: file });
            }
        }
        Err(JournalError::io(
            "lock",
            path,
            io::Error::other("the file is replaced again and again"),
        ))
    }
}

/// A lock on a file that has been removed meanwhile would lock nobody out.
fn is_still_there(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(ours)) = (std::fs::metadata(path), file.metadata()) else {
        return false;
    };
    (there.dev(), there.ino()) == (ours.dev(), ours.ino())
}

fn held(path: &Path, file: &File) -> JournalError {
    let mut content = [0u8; CONTENT_BYTES];
    let n = file.read_at(&mut content, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(content.get(..n).unwrap_or_default()).into_owned();
    let mut words = text.split_whitespace();
    JournalError::Held {
        path: PathBuf::from(path),
        pid: words.next().and_then(|word| word.parse().ok()),
        since_ms: words.next().and_then(|word| word.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_and_since_when_and_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::take(&path, 1_234).unwrap();
        let error = Lock::take(&path, 5_678).unwrap_err();
        let JournalError::Held { pid, since_ms, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((pid, since_ms), (Some(std::process::id()), Some(1_234)));
        drop(lock);
        Lock::take(&path, 5_678).unwrap();
    }

    #[test]
    fn a_replaced_lock_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = File::create(&path).unwrap();
        assert!(is_still_there(&path, &file));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_still_there(&path, &file));
        std::fs::write(&path, b"").unwrap();
        assert!(!is_still_there(&path, &file));
    }
}
