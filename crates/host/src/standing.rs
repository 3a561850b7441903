//! What stands at a path. Symbolic links at the path itself are never followed.

use crate::diag::{self, Trouble};
use crate::limits::{PATH_BYTES_MAX, READ_BYTES};
use crate::rights::MODE_BITS;
use model::Digest;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use value::Diagnostic;

/// What a look at a path showed.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nothing.
    Nothing,
    /// A regular file.
    File(Meta),
    /// A directory.
    Directory(Meta),
    /// Something else, in words.
    Other(&'static str),
}

/// Size and rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Of the content of a file, where the look has said it.
    pub(crate) digest: Option<Digest>,
}

impl From<&Metadata> for Meta {
    fn from(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            mode: metadata.mode() & MODE_BITS,
            uid: metadata.uid(),
            gid: metadata.gid(),
            digest: None,
        }
    }
}

impl Standing {
    /// In words.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::File(_) => "a file",
            Self::Directory(_) => "a directory",
            Self::Other(what) => what,
        }
    }
}

/// Looks at a path. Below something that is no directory there is nothing.
pub(crate) fn look(path: &Path) -> Result<Standing, Trouble> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => Ok(standing(metadata.file_type(), &metadata)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Standing::Nothing)
        }
        Err(error) => Err(diag::system("look at", path, &error)),
    }
}

fn standing(ty: FileType, metadata: &Metadata) -> Standing {
    if ty.is_file() {
        Standing::File(metadata.into())
    } else if ty.is_dir() {
        Standing::Directory(metadata.into())
    } else if ty.is_symlink() {
        Standing::Other("a symbolic link")
    } else if ty.is_fifo() {
        Standing::Other("a named pipe")
    } else if ty.is_socket() {
        Standing::Other("a socket")
    } else {
        Standing::Other("a device")
    }
}

/// Opens a regular file for reading, and nothing else: neither through a link nor waiting for a pipe's other end.
pub(crate) fn open(path: &Path) -> Result<File, Trouble> {
    let trouble = |error| diag::system("read", path, &error);
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(trouble)?;
    if file.metadata().map_err(trouble)?.is_file() {
        Ok(file)
    } else {
        Err(diag::in_the_way(path, "not a regular file").into())
    }
}

/// Digest and size of a file's content, and the content itself where it is not larger than this.
pub(crate) fn content(path: &Path, shown_bytes_max: u64) -> Result<Content, Trouble> {
    let file = open(path)?;
    let metadata = file.metadata();
    let size = metadata
        .map_err(|error| diag::system("read", path, &error))?
        .len();
    // What is appended meanwhile is seen at the next look, so that a growing file cannot hold this one up.
    let mut file = file.take(size);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut content = Content {
        digest: Digest([0; 32]),
        size: 0,
        bytes: Some(Vec::new()),
    };
    // Bounded by the size that the file had when it was opened.
    loop {
        let n = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(diag::system("read", path, &error)),
        };
        let piece = buffer.get(..n).unwrap_or_default();
        hasher.update(piece);
        content.size += n as u64;
        if content.size > shown_bytes_max {
            content.bytes = None;
        }
        if let Some(bytes) = &mut content.bytes {
            bytes.extend_from_slice(piece);
        }
    }
    content.digest = Digest(hasher.finalize().into());
    Ok(content)
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Checks the text of a path that is only looked at, such as a working directory.
pub(crate) fn check_text(attribute: &str, path: &str) -> Result<(), Diagnostic> {
    let why = if path.is_empty() {
        "is empty"
    } else if path.contains('\0') {
        "contains a NUL character"
    } else if path.len() > PATH_BYTES_MAX {
        "is longer than 4096 bytes"
    } else {
        return Ok(());
    };
    Err(diag::invalid_path(attribute, path, why))
}

/// Checks the text of a path that something shall stand at.
pub(crate) fn check_path(attribute: &str, path: &str) -> Result<(), Diagnostic> {
    check_text(attribute, path)?;
    let why = if path.ends_with('/') {
        "ends with a slash"
    } else if Path::new(path).file_name().is_none() {
        "does not end with a name"
    } else {
        return Ok(());
    };
    Err(diag::invalid_path(attribute, path, why))
}
