//! Packages on the disk: their digest, copies of them, and whether all of one stays inside of it.
//!
//! The digest is Terraform's `h1:`: the SHA-256 of a list of the SHA-256 of every file, so that it says what is in a
//! package and not how it was packed. What Git keeps beside the files (`.git`) is no part of a package.

use crate::limits::{PACKAGE_ENTRIES_MAX, UNPACKED_BYTES_MAX};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use thiserror::Error;
use walkdir::WalkDir;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a package is not taken.
#[derive(Debug, Error)]
pub(crate) enum TreeError {
    #[error("\"{path}\" is a link that leads out of the package, to {}", to.display())]
    Escapes { path: String, to: PathBuf },
    #[error("\"{path}\" is neither a file nor a directory nor a link")]
    Kind { path: String },
    #[error("the name \"{path}\" is not UTF-8")]
    Name { path: String },
    #[error("it has more than {PACKAGE_ENTRIES_MAX} files and directories")]
    Entries,
    #[error("it has more than {UNPACKED_BYTES_MAX} bytes")]
    Bytes,
    #[error("{} cannot be read or written", path.display())]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The files of a package by their paths with `/`, in order, and links to files among them.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, TreeError> {
    let whole = fs::canonicalize(root).map_err(|source| disk(root, source))?;
    let mut files = Vec::new();
    let (mut n_entries, mut n_bytes) = (0, 0);
    let entries = WalkDir::new(root)
        .min_depth(1)
        .follow_links(false)
        .into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|error| disk(root, error.into()))?;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let Some(path) = relative.to_str().map(str::to_owned) else {
            return Err(TreeError::Name {
                path: relative.to_string_lossy().into_owned(),
            });
        };
        n_entries += 1;
        if n_entries > PACKAGE_ENTRIES_MAX {
            return Err(TreeError::Entries);
        }
        let kind = entry.file_type();
        if kind.is_symlink() {
            // A link to nothing is inside as long as nothing follows it; it is left as it is.
            let Ok(target) = fs::canonicalize(entry.path()) else {
                let to =
                    fs::read_link(entry.path()).map_err(|source| disk(entry.path(), source))?;
                if is_inside(relative, &to) {
                    continue;
                }
                return Err(TreeError::Escapes { path, to });
            };
            if !target.starts_with(&whole) {
                return Err(TreeError::Escapes { path, to: target });
            }
            if target.is_file() {
                files.push(path);
            }
        } else if kind.is_file() {
            n_bytes += entry
                .metadata()
                .map_err(|error| disk(root, error.into()))?
                .len();
            files.push(path);
        } else if !kind.is_dir() {
            return Err(TreeError::Kind { path });
        }
        if n_bytes > UNPACKED_BYTES_MAX {
            return Err(TreeError::Bytes);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the target of a link stays inside of the package, by its text alone.
pub(crate) fn is_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            std::path::Component::Normal(_) => depth += 1,
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    true
}

/// The digest of a package, `h1:...`. Everything in it is looked at, so that a package with a digest is one that stays
/// inside of itself.
pub(crate) fn digest(root: &Path) -> Result<String, TreeError> {
    let mut list = Sha256::new();
    for path in files(root)? {
        let file = root.join(&path);
        let digest = sha256(&file).map_err(|source| disk(&file, source))?;
        list.update(format!("{}  {path}\n", hex(&digest)));
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(list.finalize());
    Ok(format!("h1:{encoded}"))
}

fn sha256(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        // Ends with the file.
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(digest.finalize().to_vec());
        }
        digest.update(buffer.get(..n).unwrap_or_default());
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies a package into a directory that does not exist yet.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), TreeError> {
    // Looked at first: what leads out of the package is refused before any of it is there.
    files(from)?;
    fs::create_dir_all(to).map_err(|source| disk(to, source))?;
    let entries = WalkDir::new(from)
        .min_depth(1)
        .follow_links(false)
        .into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|error| disk(from, error.into()))?;
        let target = to.join(entry.path().strip_prefix(from).unwrap_or(entry.path()));
        let kind = entry.file_type();
        let done = if kind.is_dir() {
            fs::create_dir(&target)
        } else if kind.is_symlink() {
            fs::read_link(entry.path()).and_then(|link| symlink(link, &target))
        } else {
            fs::copy(entry.path(), &target).map(|_| ())
        };
        done.map_err(|source| disk(&target, source))?;
    }
    Ok(())
}

/// Removes what Git keeps beside the files, at every depth.
pub(crate) fn remove_git(root: &Path) -> Result<(), TreeError> {
    let mut found = Vec::new();
    let mut entries = WalkDir::new(root)
        .min_depth(1)
        .follow_links(false)
        .into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| disk(root, error.into()))?;
        if entry.file_name() == ".git" {
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
            found.push((entry.path().to_owned(), entry.file_type().is_dir()));
        }
    }
    for (path, is_directory) in found {
        let removed = if is_directory {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|source| disk(&path, source))?;
    }
    Ok(())
}

fn disk(path: &Path, source: io::Error) -> TreeError {
    TreeError::Disk {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_go() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/.git")).unwrap();
        fs::write(root.path().join("b/c"), "two").unwrap();
        fs::write(root.path().join("a"), "one").unwrap();
        fs::write(root.path().join("b/.git/x"), "no part of it").unwrap();
        // printf '%s  a\n%s  b/c\n' $(printf one|sha256sum|cut -c1-64) $(printf two|sha256sum|cut -c1-64) |
        // openssl dgst -sha256 -binary | base64
        assert_eq!(
            digest(root.path()).unwrap(),
            "h1:KXgGMUKo/6VCqEzeXvAmGo7Nmd490RhuXS0CDJIvmXg="
        );
        let copied = root.path().join("copied");
        symlink("a", root.path().join("link")).unwrap();
        let whole = digest(root.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        let to = other.path().join("copied");
        copy(root.path(), &to).unwrap();
        assert_eq!(digest(&to).unwrap(), whole);
        assert!(!to.join("b/.git").exists() && !copied.exists());
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        for (link, target, is_refused) in [
            ("a", "../outside", true),
            ("a", "/etc/passwd", true),
            ("d/a", "../b", false),
            ("d/a", "../../b", true),
            ("a", "missing", false),
            ("a", "/missing/anywhere", true),
        ] {
            let root = tempfile::tempdir().unwrap();
            let inside = root.path().join("package");
            fs::create_dir_all(inside.join("d")).unwrap();
            fs::write(root.path().join("outside"), "").unwrap();
            symlink(target, inside.join(link)).unwrap();
            let found = digest(&inside);
            assert_eq!(
                matches!(found, Err(TreeError::Escapes { .. })),
                is_refused,
                "{link} -> {target}: {found:?}"
            );
            let copied = copy(&inside, &root.path().join("to"));
            assert_eq!(copied.is_err(), is_refused, "{link} -> {target}");
        }
    }
}
