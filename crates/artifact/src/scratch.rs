//! [`Scratch`]: a temporary directory beside the store that does not survive its owner.
//!
//! Each has a lock file that its owner holds. Whoever makes a new one removes those whose lock nobody holds: what a
//! killed process left behind. Nothing in here is ever trusted; what is good is moved out by a rename.

use crate::limits::SCRATCH_TRIES_MAX;
use rustix::fs::FlockOperation;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use walkdir::WalkDir;

/// A temporary directory, removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

/// Makes names differ within one process; the process id makes them differ between processes.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Scratch {
    /// Makes one below `parent`, which must exist, and sweeps away what dead processes left there.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        for _ in 0..SCRATCH_TRIES_MAX {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let directory = parent.join(format!("{}-{number}", std::process::id()));
            let lock_path = directory.with_extension("lock");
            let Some(lock) = try_lock(&lock_path)? else {
                continue;
            };
            match fs::create_dir(&directory) {
                Ok(()) => {}
                // A dead process had the same id; its lock is ours now, so the next sweep is.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    remove_tree(&directory)?;
                    fs::create_dir(&directory)?;
                }
                Err(error) => return Err(error),
            }
            fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
            return Ok(Self {
                directory,
                lock_path,
                _lock: lock,
            });
        }
        Err(io::Error::other(
            "other processes keep taking the temporary names",
        ))
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next one.
        if remove_tree(&self.directory).is_ok() {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

/// Takes a lock without waiting; none when somebody else holds it or has just removed it.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    // Between open and lock the last holder may have removed the name: then the lock is on nothing.
    match fs::metadata(path) {
        Ok(named) if named.ino() == file.metadata()?.ino() => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a directory with everything in it, also where a build took the right to write away.
pub(crate) fn remove_tree(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {}
    }
    for entry in WalkDir::new(directory).into_iter().flatten() {
        if entry.file_type().is_dir() {
            let _ = fs::set_permissions(entry.path(), Permissions::from_mode(0o700));
        }
    }
    fs::remove_dir_all(directory)
}

/// Removes what nobody holds. Trouble is not reported: it costs space, not correctness, and is met again next time.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        if let Ok(Some(_held)) = try_lock(&path)
            && remove_tree(&path.with_extension("")).is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;
    use std::fs;

    #[test]
    fn goes_with_its_owner_and_sweeps_the_dead() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("1-1");
        fs::create_dir_all(dead.join("deep")).unwrap();
        fs::write(parent.path().join("1-1.lock"), "").unwrap();

        let first = Scratch::new(parent.path()).unwrap();
        assert!(!dead.exists(), "nobody held it");
        let second = Scratch::new(parent.path()).unwrap();
        assert!(first.path().is_dir(), "its owner lives");
        assert_ne!(first.path(), second.path());
        drop((first, second));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
