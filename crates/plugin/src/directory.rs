//! [`Directory`]: where a provider makes its socket, which only we can enter. It is removed at the end; what a killed
//! process left behind is removed by the next one.
//!
//! Its owner holds a lock on the directory itself (`flock(2)`), so that nothing has to be known about other processes,
//! which may be of another container.

use crate::limits::SOCKET_PATH_BYTES_MAX;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Names that are tried for a directory.
const NAMES_MAX: u32 = 1_000;

/// How all of them are called.
const PREFIX: &str = "steadfast-socket-";

/// A directory that only we can enter.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes one, and removes those whose owners are dead.
    pub(crate) fn make() -> io::Result<Self> {
        let mut above = std::env::temp_dir();
        // A socket's name is added, of a length that the provider chooses.
        if above.as_os_str().len() + 48 > SOCKET_PATH_BYTES_MAX {
            above = PathBuf::from("/tmp");
        }
        Self::make_in(&above)
    }

    fn make_in(above: &Path) -> io::Result<Self> {
        sweep(above);
        let pid = std::process::id();
        for n in 0..NAMES_MAX {
            let path = above.join(format!("{PREFIX}{pid}-{n}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Somebody who sweeps may have been faster than this lock; then it is another name's turn.
            if let Some(lock) = locked(&path) {
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed holds nothing but a dead socket.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// The lock on a directory of ours; none when somebody else holds it, or has removed the directory.
fn locked(path: &Path) -> Option<File> {
    let named = std::fs::symlink_metadata(path).ok()?;
    let is_ours = named.is_dir() && named.uid() == rustix::process::geteuid().as_raw();
    let file = File::open(path).ok().filter(|_| is_ours)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    let (named, opened) = (std::fs::symlink_metadata(path).ok()?, file.metadata().ok()?);
    (named.ino() == opened.ino()).then_some(file)
}

/// Removes what nobody holds. Trouble is not reported: it costs a name, and is met again next time.
fn sweep(above: &Path) {
    for entry in std::fs::read_dir(above).into_iter().flatten().flatten() {
        let is_one = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes());
        if is_one && let Some(_lock) = locked(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_is_removed_and_what_is_held_stays() {
        let above = tempfile::tempdir().unwrap();
        let left = above.path().join(format!("{PREFIX}1-0"));
        let other = above.path().join("something-else");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("plugin1"), "").unwrap();
        std::fs::create_dir(&other).unwrap();
        let first = Directory::make_in(above.path()).unwrap();
        let second = Directory::make_in(above.path()).unwrap();
        assert!(!left.exists() && other.exists());
        assert!(first.path().exists() && second.path().exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }
}
