//! Digests of large packages, remembered: a provider has hundreds of megabytes and never changes.
//!
//! What is remembered counts as long as every file of the package has the same size, time and number on the disk. It is
//! kept beside the installed providers and can be removed at any time.

use crate::manifest::replace;
use crate::tree::{self, TreeError};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Name of the file with what is remembered, below the data directory.
const FILE: &str = "providers/.steadfast-digests.json";

/// The digest of a package.
pub(super) fn digest(data: &Path, package: &Path) -> Result<String, TreeError> {
    let path = data.join(FILE);
    let known = fs::read(&path).unwrap_or_default();
    let mut known: BTreeMap<String, (String, String)> =
        serde_json::from_slice(&known).unwrap_or_default();
    let name = package.to_string_lossy().into_owned();
    let mark = mark(package)?;
    if let Some((known_mark, digest)) = known.get(&name)
        && *known_mark == mark
    {
        return Ok(digest.clone());
    }
    let digest = tree::digest(package)?;
    known.retain(|name, _| Path::new(name).exists());
    known.insert(name, (mark, digest.clone()));
    if let Ok(text) = serde_json::to_vec(&known) {
        // Without it, the next time takes as long as this one.
        let _ = replace(&path, &text);
    }
    Ok(digest)
}

/// What the disk says of every file.
fn mark(package: &Path) -> Result<String, TreeError> {
    let mut list = Sha256::new();
    for path in tree::files(package)? {
        let file = package.join(&path);
        let metadata =
            fs::metadata(&file).map_err(|source| TreeError::Disk { path: file, source })?;
        let line = format!(
            "{path}\n{} {} {}.{} {}\n",
            metadata.len(),
            metadata.ino(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime_nsec(),
        );
        list.update(line);
    }
    Ok(tree::hex(&list.finalize()))
}
