//! Configurations that a program has accepted, kept on disk: a provider of a thousand types checks all of itself before
//! it looks at its configuration, which takes seconds of every command.
//!
//! Whatever changes what a program would say (the program, the configuration) makes another name, and configuring comes
//! after this in any case: a provider that finds now what it did not find then still says so. A configuration may hold
//! secrets, so its name is a digest that cannot be made without a number which only its owner can read.

use crate::cache::Cache;
use crate::wire::DynamicValue;
use model::Digest;
use prost::Message as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What the names are for.
const PURPOSE: &str = "steadfast.plugin.accepted.1";

/// Names that are kept of one program, the newest.
const NAMES_MAX: usize = 256;

/// Bytes of a name, and of the number that all names are made with.
const NAME_BYTES: usize = 32;

/// The file of that number.
const SECRET: &str = "secret";

/// One configuration of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The names of all that this program has accepted, one after the other.
    path: PathBuf,
    name: Digest,
}

impl Accepted {
    /// Where it would stand; none where nothing of the program is kept.
    pub(crate) fn of(cache: Option<&Cache>, config: &DynamicValue) -> Option<Self> {
        let path = cache?.beside("accepted");
        let secret = secret(path.parent()?).ok()?;
        let program = path.file_name()?.as_encoded_bytes();
        let parts = [secret.as_slice(), program, &config.encode_to_vec()];
        Some(Self {
            name: Digest::of_parts(PURPOSE, &parts),
            path,
        })
    }

    /// Whether it was accepted before.
    pub(crate) fn is_known(&self) -> bool {
        self.names().contains(&self.name.0)
    }

    /// Keeps that it was. What cannot be written is checked again the next time.
    pub(crate) fn keep(&self) {
        let _ = self.try_keep();
    }

    fn try_keep(&self) -> io::Result<()> {
        let mut names = self.names();
        names.push(self.name.0);
        let surplus = names.len().saturating_sub(NAMES_MAX);
        let bytes: Vec<u8> = names.into_iter().skip(surplus).flatten().collect();
        crate::cache::replace(&self.path, &bytes)
    }

    fn names(&self) -> Vec<[u8; NAME_BYTES]> {
        let size = std::fs::metadata(&self.path).map_or(0, |about| about.len());
        if size > (NAMES_MAX * NAME_BYTES) as u64 {
            return Vec::new();
        }
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let names = bytes.chunks_exact(NAME_BYTES);
        names.filter_map(|name| name.try_into().ok()).collect()
    }
}

/// The number that names are made with, drawn when it is first needed. Whoever finds it half written by another process
/// keeps nothing this time.
fn secret(directory: &Path) -> io::Result<[u8; NAME_BYTES]> {
    let path = directory.join(SECRET);
    let mut drawn = [0; NAME_BYTES];
    getrandom::fill(&mut drawn).map_err(io::Error::other)?;
    std::fs::create_dir_all(directory)?;
    let mut alone = OpenOptions::new();
    match alone.write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => file.write_all(&drawn).map(|()| drawn),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let bytes = std::fs::read(&path)?;
            bytes
                .try_into()
                .map_err(|_| io::ErrorKind::InvalidData.into())
        }
        Err(error) => Err(error),
    }
}
