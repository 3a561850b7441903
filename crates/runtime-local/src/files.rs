//! Files that another process may read at any moment, and that a crash may interrupt.
//!
//! Everything is private to the user (directories 0700, files 0600), written beside its place and renamed into it.
//! What must survive a power cut is also synced; what describes running processes need not be, for they do not
//! survive it either.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What failed on which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub(crate) struct FileError {
    pub(crate) action: &'static str,
    pub(crate) path: PathBuf,
    #[source]
    pub(crate) source: io::Error,
}

/// Adds action and path to an [`io::Error`].
pub(crate) trait During<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError {
            action,
            path: path.to_path_buf(),
            source,
        })
    }
}

/// Whether a file must survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    Yes,
    No,
}

/// Makes a directory and those above it, and the entry durable. Finding it there is well.
pub(crate) fn create_dir(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .during("create the directory", path)?;
    match path.parent() {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Opens a file for reading and writing, made private to the user if it is not there.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Makes renames, creations and removals in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), FileError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .during("sync the directory", path)
}

/// Replaces a file in one step: a reader sees the old bytes or the new ones.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], durable: Durable) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            match durable {
                Durable::Yes => file.sync_all(),
                Durable::No => Ok(()),
            }
        })
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // A half-written file must not take the space that is missing.
        let _ = std::fs::remove_file(&beside);
    }
    written.during("write", path)?;
    match (durable, path.parent()) {
        (Durable::Yes, Some(parent)) => sync_dir(parent),
        _ => Ok(()),
    }
}

/// The bytes of a file, none when it is not there. A file larger than `bytes_max` is an error.
pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).during("open", path),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .during("read", path)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge)).during("read", path);
    }
    Ok(Some(bytes))
}

/// The last bytes of a file, at most `bytes_max`, and whether that is all of it. Nothing when it cannot be read.
pub(crate) fn read_tail(path: &Path, bytes_max: u64) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let whole = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(bytes_max);
        file.seek(SeekFrom::Start(start))?;
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(start == 0)
    });
    (bytes, whole.unwrap_or(true))
}

/// An error and everything below it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn writes_private_files_in_one_step_and_leaves_nothing_beside_them() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("a/b");
        create_dir(&directory).unwrap();
        create_dir(&directory).unwrap();
        let file = directory.join("x");
        write_atomic(&file, b"one", Durable::Yes).unwrap();
        write_atomic(&file, b"two", Durable::No).unwrap();
        assert_eq!(read_bounded(&file, 3).unwrap().unwrap(), b"two");
        assert!(read_bounded(&file, 2).is_err());
        assert_eq!(read_tail(&file, 2), (b"wo".to_vec(), false));
        assert_eq!(read_bounded(&directory.join("y"), 2).unwrap(), None);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&directory)), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn names_file_action_and_cause_when_a_file_is_in_the_way() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = create_dir(&file.join("below")).unwrap_err();
        let text = chain(&error);
        assert!(text.starts_with("cannot create the directory "), "{text}");
        assert!(text.contains("Not a directory"), "{text}");
    }
}
