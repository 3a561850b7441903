//! Picks what goes into an artifact out of a built source tree.
//!
//! A link is followed as long as it ends at a file inside the tree: what is packed is the content. Deliberately no
//! globs: what an artifact holds can be read from its definition.

use crate::layer::Content;
use crate::limits::{ARTIFACT_ENTRIES_MAX, NEAR_ENTRIES_MAX, NEAR_NAMES_MAX};
use crate::path::{PathError, TreePath};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use thiserror::Error;
use walkdir::WalkDir;

/// Something that should be packed and cannot be.
#[derive(Debug, Error)]
pub(crate) enum PickError {
    /// It was not built.
    #[error("`{path}` is not there after the build")]
    Missing { path: TreePath, near: Vec<String> },
    /// It is somewhere else.
    #[error("`{0}` leads out of the built source")]
    Outside(TreePath),
    /// Pipe, device, link to a directory.
    #[error("`{0}` is not a file, nor a directory of files")]
    Special(String),
    /// A name that no artifact can hold.
    #[error("`{path}` cannot be packed")]
    Name {
        path: String,
        #[source]
        source: PathError,
    },
    /// Two of `files` want the same place.
    #[error("two of `files` lead to `{0}` in the artifact")]
    Twice(TreePath),
    /// Too many.
    #[error("there are more than {ARTIFACT_ENTRIES_MAX} files")]
    TooMany,
    /// Permission, mostly.
    #[error("`{path}` cannot be read")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// Finds everything that `files` (path in the artifact to path in the tree) names below `root`, an absolute path
/// without links.
pub(crate) fn pick(
    root: &Path,
    files: &BTreeMap<TreePath, TreePath>,
) -> Result<BTreeMap<TreePath, Content>, PickError> {
    let mut picked = BTreeMap::new();
    for (to, from) in files {
        let path = match fs::canonicalize(from.below(root)) {
            Ok(path) => path,
            Err(error) if is_absent(&error) => {
                return Err(PickError::Missing {
                    path: from.clone(),
                    near: near_names(root, from),
                });
            }
            Err(error) => return Err(unreadable(from.as_str(), error)),
        };
        if !path.starts_with(root) {
            return Err(PickError::Outside(from.clone()));
        }
        if path.is_dir() {
            pick_directory(root, &path, to, &mut picked)?;
        } else {
            pick_file(root, path, from.as_str(), to.clone(), &mut picked)?;
        }
    }
    Ok(picked)
}

fn pick_directory(
    root: &Path,
    directory: &Path,
    to: &TreePath,
    picked: &mut BTreeMap<TreePath, Content>,
) -> Result<(), PickError> {
    insert(picked, to.clone(), Content::Directory)?;
    for entry in WalkDir::new(directory).min_depth(1).follow_links(false) {
        let entry = entry.map_err(|error| unreadable(&shown(root, directory), error.into()))?;
        let name = shown(root, entry.path());
        let below = entry.path().strip_prefix(directory).ok();
        let below = below.and_then(Path::to_str).ok_or(PickError::Name {
            path: name.clone(),
            source: PathError::Character,
        })?;
        let to = to.join(below).map_err(|source| PickError::Name {
            path: name.clone(),
            source,
        })?;
        if entry.file_type().is_dir() {
            insert(picked, to, Content::Directory)?;
            continue;
        }
        let path = fs::canonicalize(entry.path()).map_err(|error| unreadable(&name, error))?;
        if !path.starts_with(root) {
            return Err(PickError::Special(name));
        }
        pick_file(root, path, &name, to, picked)?;
    }
    Ok(())
}

fn pick_file(
    root: &Path,
    path: PathBuf,
    name: &str,
    to: TreePath,
    picked: &mut BTreeMap<TreePath, Content>,
) -> Result<(), PickError> {
    let metadata = fs::metadata(&path).map_err(|error| unreadable(&shown(root, &path), error))?;
    if !metadata.is_file() {
        return Err(PickError::Special(name.to_owned()));
    }
    let executable = metadata.permissions().mode() & 0o100 != 0;
    let content = Content::File {
        from: path,
        executable,
    };
    insert(picked, to, content)
}

fn insert(
    picked: &mut BTreeMap<TreePath, Content>,
    to: TreePath,
    content: Content,
) -> Result<(), PickError> {
    if picked.len() >= ARTIFACT_ENTRIES_MAX {
        return Err(PickError::TooMany);
    }
    match picked.insert(to.clone(), content.clone()) {
        // Two directories of the same name become one.
        Some(Content::Directory) if content == Content::Directory => Ok(()),
        Some(_) => Err(PickError::Twice(to)),
        None => Ok(()),
    }
}

/// What a person may have meant: files of the same name elsewhere, else what lies beside it.
fn near_names(root: &Path, missing: &TreePath) -> Vec<String> {
    let same_name: Vec<String> = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .take(NEAR_ENTRIES_MAX)
        .filter(|entry| entry.file_type().is_file() && *entry.file_name() == *missing.name())
        .map(|entry| shown(root, entry.path()))
        .take(NEAR_NAMES_MAX)
        .collect();
    if !same_name.is_empty() {
        return same_name;
    }
    let parents: Vec<TreePath> = missing.parents().collect();
    let nearest = parents.iter().rev().map(|parent| parent.below(root));
    let Some(nearest) = nearest
        .chain([root.to_owned()])
        .find(|directory| directory.is_dir())
    else {
        return Vec::new();
    };
    WalkDir::new(&nearest)
        .min_depth(1)
        .max_depth(1)
        .sort_by_file_name()
        .into_iter()
        .flatten()
        .take(NEAR_NAMES_MAX)
        .map(|entry| shown(root, entry.path()))
        .collect()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn unreadable(path: &str, source: io::Error) -> PickError {
    PickError::Read {
        path: path.to_owned(),
        source,
    }
}

/// A path as a person knows it: relative to the source.
fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
