//! From a verified layer to a directory that can be run, and back: is the directory still what the layer says?
//!
//! Everything happens in a fresh directory that nobody else can enter, with names that cannot lead out of it and
//! without ever making a link; only when the whole layer has been read and hashed again is the directory renamed into
//! place. [`compare`] reads every byte that was unpacked earlier against the layer, so changed, missing and added
//! files are all seen before an instance is started from them.

use crate::layer::{self, Entry, LayerError};
use crate::layout::sync_parent;
use crate::path::TreePath;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use thiserror::Error;
use walkdir::WalkDir;

/// Permission bits of unpacked files that can be run. Nobody has a reason to write to them.
const MODE_EXECUTABLE: u32 = 0o555;
/// Permission bits of other unpacked files.
const MODE_PLAIN: u32 = 0o444;
/// Permission bits of unpacked directories: their owner can remove them without changing them first.
const MODE_DIRECTORY: u32 = 0o755;
/// Bytes compared at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// A layer that is not unpacked, or a directory that is no longer what it was.
#[derive(Debug, Error)]
pub(crate) enum UnpackError {
    /// It has what no artifact has.
    #[error("its layer is refused")]
    Layer(#[source] LayerError),
    /// Changed since it was unpacked.
    #[error("`{path}` in {} {how}", directory.display())]
    Differs {
        directory: PathBuf,
        path: String,
        how: &'static str,
    },
    /// Full, read-only, no permission.
    #[error("{} cannot be {doing}", path.display())]
    Disk {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl From<LayerError> for UnpackError {
    fn from(error: LayerError) -> Self {
        Self::Layer(error)
    }
}

/// Writes a layer into an existing, empty directory and makes it durable.
pub(crate) fn extract(layer: &mut dyn Read, into: &Path) -> Result<(), UnpackError> {
    let mut directories = vec![into.to_owned()];
    layer::walk(layer, &mut |path, entry, content| {
        let to = path.below(into);
        let result = match entry {
            Entry::Directory => {
                directories.push(to.clone());
                DirBuilder::new().mode(MODE_DIRECTORY).create(&to)
            }
            Entry::File { executable, .. } => extract_file(content, &to, executable),
        };
        result.map_err(|source| UnpackError::Disk {
            doing: "written",
            path: to,
            source,
        })
    })?;
    // Innermost first, so that a name is durable only after what it names.
    for directory in directories.iter().rev() {
        let made = fs::set_permissions(directory, Permissions::from_mode(MODE_DIRECTORY))
            .and_then(|()| File::open(directory)?.sync_all());
        made.map_err(|source| UnpackError::Disk {
            doing: "written",
            path: directory.clone(),
            source,
        })?;
    }
    Ok(())
}

fn extract_file(content: &mut dyn Read, to: &Path, executable: bool) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    io::copy(content, &mut file)?;
    file.set_permissions(Permissions::from_mode(mode(executable)))?;
    file.sync_all()
}

fn mode(executable: bool) -> u32 {
    if executable {
        MODE_EXECUTABLE
    } else {
        MODE_PLAIN
    }
}

/// Puts an extracted directory in its place. False when somebody else was faster.
pub(crate) fn place(from: &Path, to: &Path) -> Result<bool, UnpackError> {
    let moved = fs::rename(from, to).and_then(|()| sync_parent(to));
    match moved {
        Ok(()) => Ok(true),
        Err(_) if to.exists() => Ok(false),
        Err(source) => Err(UnpackError::Disk {
            doing: "written",
            path: to.to_owned(),
            source,
        }),
    }
}

/// Whether a directory is exactly what a layer says.
pub(crate) fn compare(layer: &mut dyn Read, directory: &Path) -> Result<(), UnpackError> {
    let differs = |path: &str, how| UnpackError::Differs {
        directory: directory.to_owned(),
        path: path.to_owned(),
        how,
    };
    let mut expected: BTreeSet<TreePath> = BTreeSet::new();
    layer::walk(layer, &mut |path, entry, content| {
        expected.insert(path.clone());
        compare_entry(&path.below(directory), entry, content)?
            .map_or(Ok(()), |how| Err(differs(path.as_str(), how)))
    })?;
    for entry in WalkDir::new(directory).min_depth(1).follow_links(false) {
        let entry = entry.map_err(|error| UnpackError::Disk {
            doing: "read",
            path: directory.to_owned(),
            source: error.into(),
        })?;
        let relative = entry.path().strip_prefix(directory).unwrap_or(entry.path());
        let known = relative
            .to_str()
            .and_then(|text| TreePath::parse(text).ok())
            .is_some_and(|path| expected.contains(&path));
        if !known {
            let path = relative.to_string_lossy();
            return Err(differs(&path, "is not part of the artifact"));
        }
    }
    Ok(())
}

/// How an entry on disk differs from the layer, if it does.
fn compare_entry(
    path: &Path,
    entry: Entry,
    content: &mut dyn Read,
) -> Result<Option<&'static str>, UnpackError> {
    let unreadable = |source| UnpackError::Disk {
        doing: "read",
        path: path.to_owned(),
        source,
    };
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("is missing"));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let Entry::File { executable, size } = entry else {
        return Ok((!metadata.is_dir()).then_some("is no longer a directory"));
    };
    if !metadata.is_file() {
        return Ok(Some("is no longer a file"));
    }
    if metadata.permissions().mode() & 0o7777 != mode(executable) {
        return Ok(Some("has other permissions than it was given"));
    }
    if metadata.len() != size {
        return Ok(Some("has another size than in the artifact"));
    }
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(unreadable)?;
    let same = same_bytes(content, &mut file).map_err(unreadable)?;
    Ok((!same).then_some("has another content than in the artifact"))
}

fn same_bytes(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<bool> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    loop {
        // Ends with the shorter of two readers of bounded length.
        a.clear();
        b.clear();
        one.take(CHUNK_BYTES as u64).read_to_end(&mut a)?;
        other.take(CHUNK_BYTES as u64).read_to_end(&mut b)?;
        if a != b {
            return Ok(false);
        }
        if a.is_empty() {
            return Ok(true);
        }
    }
}
