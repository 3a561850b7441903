//! Archives: which kind one is, and unpacking it without letting it write anywhere else.
//!
//! An entry is refused, and with it the whole archive, when its path leads out of the package or through a link, when
//! it is a device or a hard link, when two entries are in each other's way, or when the archive becomes too large.
//! Links are made last, and only those that stay inside.

use crate::limits::{PACKAGE_ENTRIES_MAX, PACKAGE_PATH_BYTES_MAX, UNPACKED_BYTES_MAX};
use crate::tree;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

/// Permission bits that say that a file may be run.
const EXECUTABLE: u32 = 0o111;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Zip,
    Tar,
    TarGz,
    TarBz2,
    TarXz,
    TarZst,
}

/// Endings of names, and what they mean.
const ENDINGS: &[(&str, Kind)] = &[
    ("zip", Kind::Zip),
    ("tar", Kind::Tar),
    ("tar.gz", Kind::TarGz),
    ("tgz", Kind::TarGz),
    ("tar.bz2", Kind::TarBz2),
    ("tbz2", Kind::TarBz2),
    ("tar.xz", Kind::TarXz),
    ("txz", Kind::TarXz),
    ("tar.zst", Kind::TarZst),
    ("tzst", Kind::TarZst),
];

impl Kind {
    /// What a name such as `tar.gz` means, as `?archive=` has it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ENDINGS
            .iter()
            .find(|(ending, _)| *ending == name)
            .map(|(_, kind)| *kind)
    }

    /// What the end of a file's name says.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut found = ENDINGS.iter().filter(|(ending, _)| {
            name.strip_suffix(ending)
                .is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'))
        });
        found.next().map(|(_, kind)| *kind)
    }
}

/// Why an archive is not unpacked.
#[derive(Debug, Error)]
pub(crate) enum ArchiveError {
    #[error("its entry \"{0}\" leads out of the package")]
    Escapes(String),
    #[error("its entry \"{0}\" is in the way of another one")]
    Twice(String),
    #[error("its entry \"{0}\" is neither a file nor a directory nor a link inside of the package")]
    Entry(String),
    #[error("it has more than {PACKAGE_ENTRIES_MAX} entries")]
    Entries,
    #[error("it becomes more than {UNPACKED_BYTES_MAX} bytes")]
    Bytes,
    #[error("it is damaged, or no such archive")]
    Damaged(#[source] io::Error),
    #[error("{} cannot be written", path.display())]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Unpacks an archive into an existing, empty directory.
pub(crate) fn unpack(file: File, kind: Kind, into: &Path) -> Result<(), ArchiveError> {
    let file = BufReader::new(file);
    let mut package = Package {
        root: into,
        links: BTreeMap::new(),
        n_entries: 0,
        n_bytes: 0,
    };
    match kind {
        Kind::Zip => package.zip(file)?,
        Kind::Tar => package.tar(file)?,
        Kind::TarGz => package.tar(flate2::bufread::MultiGzDecoder::new(file))?,
        Kind::TarBz2 => package.tar(bzip2::bufread::MultiBzDecoder::new(file))?,
        Kind::TarXz => package.tar(lzma_rust2::XzReader::new(file, true))?,
        Kind::TarZst => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(file);
            let decoder =
                decoder.map_err(|error| ArchiveError::Damaged(io::Error::other(error)))?;
            package.tar(Checked(decoder))?;
        }
    }
    package.finish()
}

struct Package<'a> {
    root: &'a Path,
    /// Links to make at the end, by their paths.
    links: BTreeMap<PathBuf, PathBuf>,
    n_entries: usize,
    n_bytes: u64,
}

impl Package<'_> {
    fn zip(&mut self, file: BufReader<File>) -> Result<(), ArchiveError> {
        let damaged = |error: zip::result::ZipError| ArchiveError::Damaged(io::Error::other(error));
        let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            let (mode, size) = (entry.unix_mode().unwrap_or(0), entry.size());
            if entry.is_dir() {
                self.directory(&name)?;
            } else if entry.is_symlink() {
                let mut target = Vec::new();
                let limit = PACKAGE_PATH_BYTES_MAX as u64 + 1;
                entry
                    .by_ref()
                    .take(limit)
                    .read_to_end(&mut target)
                    .map_err(ArchiveError::Damaged)?;
                let target =
                    String::from_utf8(target).map_err(|_| ArchiveError::Entry(name.clone()))?;
                self.link(&name, Path::new(&target))?;
            } else {
                self.file(&name, mode, size, &mut entry)?;
            }
        }
        Ok(())
    }

    fn tar(&mut self, stream: impl Read) -> Result<(), ArchiveError> {
        // What is read is bounded, whatever the archive says of itself.
        let mut archive = tar::Archive::new(stream.take(UNPACKED_BYTES_MAX));
        for entry in archive.entries().map_err(ArchiveError::Damaged)? {
            let mut entry = entry.map_err(ArchiveError::Damaged)?;
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|error| {
                ArchiveError::Entry(String::from_utf8_lossy(error.as_bytes()).into_owned())
            })?;
            if kind.is_dir() {
                self.directory(&name)?;
            } else if kind.is_symlink() {
                let target = entry.link_name().map_err(ArchiveError::Damaged)?;
                let target = target
                    .ok_or_else(|| ArchiveError::Entry(name.clone()))?
                    .into_owned();
                self.link(&name, &target)?;
            } else if kind.is_file() || kind.is_contiguous() {
                let (mode, size) = (entry.header().mode().unwrap_or(0), entry.size());
                self.file(&name, mode, size, &mut entry)?;
            } else {
                return Err(ArchiveError::Entry(name));
            }
        }
        // What follows the last entry is read too: only at its end does a packed stream say whether it is whole.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(ArchiveError::Damaged)?;
        Ok(())
    }

    /// The path of an entry on the disk; none for the root itself.
    fn path(&mut self, name: &str) -> Result<Option<PathBuf>, ArchiveError> {
        self.n_entries += 1;
        if self.n_entries > PACKAGE_ENTRIES_MAX {
            return Err(ArchiveError::Entries);
        }
        let escapes = || ArchiveError::Escapes(name.chars().take(200).collect());
        if name.len() > PACKAGE_PATH_BYTES_MAX || name.contains(['\0', '\\']) {
            return Err(escapes());
        }
        let mut path = PathBuf::new();
        for part in Path::new(name).components() {
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                    return Err(escapes());
                }
            }
        }
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        if path.ancestors().any(|above| self.links.contains_key(above)) {
            return Err(ArchiveError::Twice(name.to_owned()));
        }
        Ok(Some(path))
    }

    fn directory(&mut self, name: &str) -> Result<(), ArchiveError> {
        let Some(path) = self.path(name)? else {
            return Ok(());
        };
        self.directories(&path, name)
    }

    /// Makes directories, also those that no entry names. What is in the way is a file, since links come last.
    fn directories(&self, path: &Path, name: &str) -> Result<(), ArchiveError> {
        let path = self.root.join(path);
        fs::create_dir_all(&path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                ArchiveError::Twice(name.to_owned())
            }
            _ => ArchiveError::Disk { path, source },
        })
    }

    fn file(
        &mut self,
        name: &str,
        mode: u32,
        size: u64,
        content: &mut dyn Read,
    ) -> Result<(), ArchiveError> {
        let Some(path) = self.path(name)? else {
            return Err(ArchiveError::Entry(name.to_owned()));
        };
        if let Some(parent) = path.parent() {
            self.directories(parent, name)?;
        }
        let path = self.root.join(path);
        let mode = if mode & EXECUTABLE == 0 { 0o644 } else { 0o755 };
        let opened = File::options()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path);
        let mut file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => ArchiveError::Twice(name.to_owned()),
            _ => ArchiveError::Disk {
                path: path.clone(),
                source,
            },
        })?;
        let left = UNPACKED_BYTES_MAX - self.n_bytes;
        let mut counted = Counted {
            inner: content.take(left + 1),
            failed: false,
        };
        let copied = io::copy(&mut counted, &mut file);
        let is_damaged = counted.failed;
        let n_copied = copied.map_err(|source| {
            if is_damaged {
                ArchiveError::Damaged(source)
            } else {
                ArchiveError::Disk { path, source }
            }
        })?;
        self.n_bytes += n_copied;
        if self.n_bytes > UNPACKED_BYTES_MAX {
            return Err(ArchiveError::Bytes);
        }
        if n_copied != size {
            let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(ArchiveError::Damaged(ended));
        }
        Ok(())
    }

    fn link(&mut self, name: &str, target: &Path) -> Result<(), ArchiveError> {
        let Some(path) = self.path(name)? else {
            return Err(ArchiveError::Entry(name.to_owned()));
        };
        if !tree::is_inside(&path, target) {
            return Err(ArchiveError::Escapes(name.to_owned()));
        }
        self.links.insert(path, target.to_owned());
        Ok(())
    }

    fn finish(self) -> Result<(), ArchiveError> {
        for (path, target) in &self.links {
            let name = path.to_string_lossy().into_owned();
            if let Some(parent) = path.parent() {
                self.directories(parent, &name)?;
            }
            let path = self.root.join(path);
            symlink(target, &path).map_err(|source| match source.kind() {
                io::ErrorKind::AlreadyExists => ArchiveError::Twice(name),
                _ => ArchiveError::Disk { path, source },
            })?;
        }
        Ok(())
    }
}

/// A reader that remembers that it failed, so that a damaged archive is not taken for a full disk.
struct Counted<R> {
    inner: R,
    failed: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        self.failed |= result.is_err();
        result
    }
}

/// A Zstandard stream that is held against its checksum at its end.
struct Checked<R: Read>(ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>);

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        let frame = &self.0.decoder;
        let is_wrong = match (
            frame.get_checksum_from_data(),
            frame.get_calculated_checksum(),
        ) {
            (Some(said), Some(found)) => said != found,
            _ => false,
        };
        if n == 0 && !buffer.is_empty() && (is_wrong || !frame.is_finished()) {
            return Err(io::Error::other(
                "the checksum of the stream is another one",
            ));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_how_an_archive_is_packed() {
        for (path, kind) in [
            ("a.zip", Some(Kind::Zip)),
            ("x/a-1.0.tar.gz", Some(Kind::TarGz)),
            ("a.tgz", Some(Kind::TarGz)),
            ("a.tbz2", Some(Kind::TarBz2)),
            ("a.txz", Some(Kind::TarXz)),
            ("a.tar.zst", Some(Kind::TarZst)),
            ("a.tar", Some(Kind::Tar)),
            ("a", None),
            ("zip", None),
            (".zip", None),
            ("a.zip/b", None),
            ("a.gz", None),
        ] {
            assert_eq!(Kind::of_path(path), kind, "{path}");
        }
        assert_eq!(Kind::named("tar.xz"), Some(Kind::TarXz));
        assert_eq!(Kind::named("false"), None);
    }
}
