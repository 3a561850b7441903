//! Schemas of programs that were asked before, kept on disk: asking a large provider costs seconds.
//!
//! A file is named by what identifies the program (path, size, time of change), so that another program never finds
//! it. Whatever is wrong with the cache, the provider is asked instead.

use crate::limits::CACHED_SCHEMA_BYTES_MAX;
use crate::method::Major;
use crate::process::Launch;
use crate::schema::Offered;
use crate::wire::ProviderSchemas;
use model::Digest;
use prost::Message as _;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The place of one program's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cache {
    path: PathBuf,
}

impl Cache {
    /// Where the schema of a program is kept; none for a provider that somebody else runs, which may change at any
    /// time.
    pub(crate) fn of(directory: Option<&Path>, launch: &Launch) -> Option<Self> {
        let (Some(directory), Launch::Program(program)) = (directory, launch) else {
            return None;
        };
        let program = std::fs::canonicalize(program).ok()?;
        let about = std::fs::metadata(&program).ok()?;
        let numbers = [
            about.size().cast_signed(),
            about.mtime(),
            about.mtime_nsec(),
        ];
        let numbers: Vec<[u8; 8]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
        let mut parts: Vec<&[u8]> = vec![program.as_os_str().as_encoded_bytes()];
        parts.extend(numbers.iter().map(<[u8; 8]>::as_slice));
        let digest = Digest::of_parts("steadfast.plugin.schema.1", &parts).to_string();
        let name = digest.replace(':', "-");
        Some(Self {
            path: directory.join(name),
        })
    }

    /// The schema, if it is there and whole.
    pub(crate) fn read(&self) -> Option<Offered> {
        let size = std::fs::metadata(&self.path).ok()?.size();
        if size > CACHED_SCHEMA_BYTES_MAX {
            return None;
        }
        let bytes = std::fs::read(&self.path).ok()?;
        let (head, message) = bytes.split_at_checked(33)?;
        let (major, digest) = head.split_first()?;
        // What was cut short by a full disk or a crash is not taken for a smaller provider.
        if Digest::of(message).0.as_slice() != digest {
            return None;
        }
        Some(Offered {
            answer: Arc::new(ProviderSchemas::decode(message).ok()?),
            major: Major::of(u64::from(*major))?,
        })
    }

    /// Keeps a schema. What cannot be written is asked for again the next time.
    pub(crate) fn write(&self, offered: &Offered) {
        let _ = self.try_write(offered);
    }

    fn try_write(&self, offered: &Offered) -> io::Result<()> {
        let message = offered.answer.encode_to_vec();
        let mut bytes = Vec::with_capacity(message.len() + 33);
        bytes.push(if offered.major == Major::Five { 5 } else { 6 });
        bytes.extend(Digest::of(&message).0);
        bytes.extend(message);
        replace(&self.path, &bytes)
    }

    /// Where more is kept of the same program.
    pub(crate) fn beside(&self, what: &str) -> PathBuf {
        self.path.with_extension(what)
    }
}

/// Writes a file at once: whoever reads it finds all of it, or what was there before.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut beside = path.to_path_buf().into_os_string();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
