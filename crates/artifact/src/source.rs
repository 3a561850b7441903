//! Source trees: what is in them, their fingerprint, and a faithful copy.
//!
//! The fingerprint is of names, kinds, the right to execute, contents and link targets; not of times, owners or the
//! other permission bits. It is taken of the very bytes that are copied, so a tree that changes meanwhile cannot be
//! built under another tree's digest. What is not source is said by `ignore`.

use crate::digesting::{Digesting, digest_of};
use crate::ignore::{self, Ignore, IgnoreError};
use crate::limits::{IGNORE_BYTES_MAX, SOURCE_BYTES_MAX, SOURCE_ENTRIES_MAX};
use model::Digest;
use rustix::fs::OFlags;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use thiserror::Error;
use walkdir::{DirEntry, WalkDir};

/// A source tree that was looked through.
#[derive(Debug)]
pub(crate) struct Source {
    root: PathBuf,
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    /// Relative to the root, `/` between the parts.
    path: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Directory,
    File,
    Symlink(String),
}

/// A source tree that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// Absolute or with `..`.
    #[error(
        "the source `{0}` is not a directory inside the project; write it relative to the project, without `..`"
    )]
    Outside(String),
    /// Not there.
    #[error("the source directory {} does not exist", .0.display())]
    Missing(PathBuf),
    /// A file or something else.
    #[error("the source {} is not a directory", .0.display())]
    NotDirectory(PathBuf),
    /// Permission, mostly.
    #[error("{} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Other systems and JSON could not name it.
    #[error("the name of {} is not UTF-8; rename it or list it in {}", .0.display(), ignore::FILE_NAME)]
    Name(PathBuf),
    /// Pipe, socket, device.
    #[error("{} is neither file, directory nor symbolic link; remove it or list it in {}", .0.display(), ignore::FILE_NAME)]
    Special(PathBuf),
    /// Its target is not in the tree.
    #[error("the symbolic link {} leads out of the source tree, to `{target}`", path.display())]
    LinkOutside { path: PathBuf, target: String },
    /// Replaced between looking and reading.
    #[error("{} changed while it was read", .0.display())]
    Changed(PathBuf),
    /// Too many.
    #[error("the source {} has more than {SOURCE_ENTRIES_MAX} entries; list what is not source in {}", .0.display(), ignore::FILE_NAME)]
    TooMany(PathBuf),
    /// Too large.
    #[error("the source {} has more than {SOURCE_BYTES_MAX} bytes; list what is not source in {}", .0.display(), ignore::FILE_NAME)]
    TooLarge(PathBuf),
    /// Its own list cannot be read.
    #[error("{} cannot be followed", path.display())]
    Ignore {
        path: PathBuf,
        #[source]
        source: IgnoreError,
    },
    /// The copy cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl SourceError {
    /// Whether our own disk is to blame, not the source.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}

impl Source {
    /// Looks through the tree at `source`, a path relative to `project`; `except` is left out (the store itself, should
    /// it lie there).
    pub(crate) fn scan(project: &Path, source: &str, except: &Path) -> Result<Self, SourceError> {
        let relative = Path::new(source);
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if source.is_empty() || !relative.components().all(inside) {
            return Err(SourceError::Outside(source.to_owned()));
        }
        let written = project.join(relative);
        let root = canonical(&written)?;
        if !root.starts_with(canonical(project)?) {
            return Err(SourceError::Outside(source.to_owned()));
        }
        if !root.is_dir() {
            return Err(SourceError::NotDirectory(written));
        }
        let ignore = read_ignore(&root)?;
        let except = fs::canonicalize(except).unwrap_or_else(|_| except.to_owned());
        let mut items = Vec::new();
        let walk = WalkDir::new(&root).min_depth(1).follow_links(false);
        let wanted = |entry: &DirEntry| {
            entry.path() != except
                && !relative_name(&root, entry.path())
                    .is_some_and(|name| ignore.skips(&name, entry.file_type().is_dir()))
        };
        for entry in walk.into_iter().filter_entry(wanted) {
            let entry = entry.map_err(|error| unreadable_entry(&root, error))?;
            if items.len() >= SOURCE_ENTRIES_MAX {
                return Err(SourceError::TooMany(root));
            }
            items.push(Item::of(&root, &entry)?);
        }
        items.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root, items })
    }

    /// Its fingerprint.
    pub(crate) fn fingerprint(&self) -> Result<Digest, SourceError> {
        self.digest(None)
    }

    /// Copies it into an existing, empty directory, and gives the fingerprint of what was copied.
    pub(crate) fn copy(&self, to: &Path) -> Result<Digest, SourceError> {
        self.digest(Some(to))
    }

    fn digest(&self, copy: Option<&Path>) -> Result<Digest, SourceError> {
        let mut bytes_left = SOURCE_BYTES_MAX;
        let mut digests = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let copy = copy.map(|root| root.join(&item.path));
            let (kind, content): (&[u8], Digest) = match &item.kind {
                Kind::Directory => {
                    if let Some(copy) = &copy {
                        fs::create_dir(copy).map_err(|source| unwritable(copy, source))?;
                    }
                    (b"directory", Digest::of(b""))
                }
                Kind::Symlink(target) => {
                    if let Some(copy) = &copy {
                        symlink(target, copy).map_err(|source| unwritable(copy, source))?;
                    }
                    (b"symlink", Digest::of(target.as_bytes()))
                }
                Kind::File => match self.digest_file(item, copy.as_deref(), &mut bytes_left)? {
                    (digest, true) => (b"executable", digest),
                    (digest, false) => (b"file", digest),
                },
            };
            digests.push(Digest::of_parts(
                "steadfast.source.entry.1",
                &[item.path.as_bytes(), kind, &content.0],
            ));
        }
        let parts: Vec<&[u8]> = digests.iter().map(|digest| digest.0.as_slice()).collect();
        Ok(Digest::of_parts("steadfast.source.1", &parts))
    }

    fn digest_file(
        &self,
        item: &Item,
        copy: Option<&Path>,
        bytes_left: &mut u64,
    ) -> Result<(Digest, bool), SourceError> {
        let path = self.root.join(&item.path);
        let unreadable = |source| SourceError::Read {
            path: path.clone(),
            source,
        };
        // Should it have become a link or a pipe since the look: neither follow nor wait.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(&path)
            .map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(SourceError::Changed(path));
        }
        let executable = metadata.permissions().mode() & 0o100 != 0;
        let mut limited = file.take(*bytes_left + 1);
        let (digest, bytes) = match copy {
            None => digest_of(&mut limited).map_err(unreadable)?,
            Some(copy) => {
                let mut reader = Digesting::new(limited);
                let mut out = File::create_new(copy).map_err(|source| unwritable(copy, source))?;
                // `io::copy` does not say which side failed; a full disk is by far the likelier.
                io::copy(&mut reader, &mut out).map_err(|source| unwritable(copy, source))?;
                let mode = if executable { 0o755 } else { 0o644 };
                out.set_permissions(Permissions::from_mode(mode))
                    .map_err(|source| unwritable(copy, source))?;
                let (_, digest, bytes) = reader.finish();
                (digest, bytes)
            }
        };
        *bytes_left = bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| SourceError::TooLarge(self.root.clone()))?;
        Ok((digest, executable))
    }
}

impl Item {
    fn of(root: &Path, entry: &DirEntry) -> Result<Self, SourceError> {
        let path = relative_name(root, entry.path())
            .ok_or_else(|| SourceError::Name(entry.path().to_owned()))?;
        let kind = entry.file_type();
        let kind = if kind.is_dir() {
            Kind::Directory
        } else if kind.is_file() {
            Kind::File
        } else if kind.is_symlink() {
            Kind::Symlink(link_target(root, entry.path())?)
        } else {
            return Err(SourceError::Special(entry.path().to_owned()));
        };
        Ok(Self { path, kind })
    }
}

/// The target of a link, if it stays in the tree both as written and as it is now.
fn link_target(root: &Path, path: &Path) -> Result<String, SourceError> {
    let target = fs::read_link(path).map_err(|source| SourceError::Read {
        path: path.to_owned(),
        source,
    })?;
    let outside = || SourceError::LinkOutside {
        path: path.to_owned(),
        target: target.to_string_lossy().into_owned(),
    };
    let Some(text) = target.to_str() else {
        return Err(SourceError::Name(path.to_owned()));
    };
    let mut depth = path
        .strip_prefix(root)
        .map_or(0, |relative| relative.components().count())
        .saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(outside)?,
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    // A link through another link can end elsewhere than it reads. One that leads nowhere leads nowhere in the copy.
    match fs::canonicalize(path) {
        Ok(end) if !end.starts_with(root) => Err(outside()),
        _ => Ok(text.to_owned()),
    }
}

fn read_ignore(root: &Path) -> Result<Ignore, SourceError> {
    let path = root.join(ignore::FILE_NAME);
    let mut text = String::new();
    let read = match File::open(&path) {
        Ok(file) => file.take(IGNORE_BYTES_MAX + 1).read_to_string(&mut text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    };
    read.map_err(|source| SourceError::Read {
        path: path.clone(),
        source,
    })?;
    if text.len() as u64 > IGNORE_BYTES_MAX {
        return Err(SourceError::Ignore {
            path,
            source: IgnoreError::TooMany,
        });
    }
    Ignore::parse(&text).map_err(|source| SourceError::Ignore { path, source })
}

fn relative_name(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn canonical(path: &Path) -> Result<PathBuf, SourceError> {
    fs::canonicalize(path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            SourceError::Missing(path.to_owned())
        } else {
            SourceError::Read {
                path: path.to_owned(),
                source,
            }
        }
    })
}

fn unreadable_entry(root: &Path, error: walkdir::Error) -> SourceError {
    let path = error.path().unwrap_or(root).to_owned();
    SourceError::Read {
        path,
        source: error.into(),
    }
}

fn unwritable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Write {
        path: path.to_owned(),
        source,
    }
}
