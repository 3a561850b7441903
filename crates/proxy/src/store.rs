//! The saved route table: what a proxy that starts again goes on with.
//!
//! Written whole, synced and renamed before a publication is acknowledged, so the file always holds a complete table
//! and never one older than the last acknowledgement. The format carries a number; a newer one is refused, not guessed.

use crate::limits::ROUTES_FILE_BYTES_MAX;
use model::RouteTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use value::Name;

/// The format that this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Why the saved table cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// To do what.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// In its words.
        #[source]
        source: io::Error,
    },
    /// The file is not a saved table. It is replaced by rename only, so something else has written it.
    #[error("{} is not a saved route table; move it away and publish the routes again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
    /// Larger than any table can be.
    #[error("{} has more than {ROUTES_FILE_BYTES_MAX} bytes, which no saved route table has", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{} was written in format {found} by a newer program; this one reads up to {FORMAT}", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The task that wrote it died.
    #[error("writing {} was cut off", path.display())]
    CutOff {
        /// Which file.
        path: PathBuf,
    },
}

/// What is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    format: u32,
    /// The table in force.
    pub(crate) table: RouteTable,
    /// Port of each service, those that the proxy chose included.
    pub(crate) ports: BTreeMap<Name, u16>,
}

/// Read before the rest, so that a newer file is called newer and not damaged.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Saved {
    /// In the format of this program.
    pub(crate) fn new(table: RouteTable, ports: BTreeMap<Name, u16>) -> Self {
        Self {
            format: FORMAT,
            table,
            ports,
        }
    }
}

/// The table saved last, none if there never was one.
pub(crate) fn load(path: &Path) -> Result<Option<Saved>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(StoreError::Io {
                what: "open",
                path: path.to_owned(),
                source,
            });
        }
    };
    let mut bytes = Vec::new();
    let limit = ROUTES_FILE_BYTES_MAX + 1;
    let n_bytes = file
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|source| StoreError::Io {
            what: "read",
            path: path.to_owned(),
            source,
        })?;
    if u64::try_from(n_bytes).is_ok_and(|n_bytes| n_bytes == limit) {
        return Err(StoreError::TooLarge {
            path: path.to_owned(),
        });
    }
    let damaged = |source| StoreError::Damaged {
        path: path.to_owned(),
        source,
    };
    let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: format,
        });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Saves a table. When this returns it survives a loss of power; when it fails the old one is untouched.
pub(crate) fn save(path: &Path, saved: &Saved) -> Result<(), StoreError> {
    let io = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { what, path, source }
    };
    let mut bytes = serde_json::to_vec_pretty(saved)
        .map_err(io::Error::from)
        .map_err(io("encode", path))?;
    bytes.push(b'\n');
    let fresh = path.with_extension("json.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(io("create", &fresh))?;
    file.write_all(&bytes).map_err(io("write", &fresh))?;
    file.sync_all().map_err(io("sync", &fresh))?;
    std::fs::rename(&fresh, path).map_err(io("replace", path))?;
    // The rename itself is durable only when the directory is.
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(io("sync", directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of released versions are added here and never edited.
    const GOLDEN: &str = include_str!("../tests/golden/routes-1.json");

    #[test]
    fn a_file_of_format_1_is_read_and_written_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        std::fs::write(&path, GOLDEN).unwrap();
        let saved = load(&path).unwrap().unwrap();
        assert_eq!((saved.table.generation, saved.table.routes.len()), (7, 2));
        save(&path, &saved).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), GOLDEN);
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing else is left behind"
        );
    }

    #[test]
    fn what_is_not_a_saved_table_is_named_and_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        assert!(load(&path).unwrap().is_none());
        let cases: [(&[u8], &str); 4] = [
            (b"", "is not a saved route table"),
            (
                &GOLDEN.as_bytes()[..GOLDEN.len() / 2],
                "is not a saved route table",
            ),
            (b"{\"format\": 2, \"surprise\": true}", "newer program"),
            (b"{\"format\": 1}", "is not a saved route table"),
        ];
        for (content, expected) in cases {
            std::fs::write(&path, content).unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(
                message.contains(expected) && message.contains("routes.json"),
                "{message}"
            );
        }
        std::fs::write(
            &path,
            vec![b' '; usize::try_from(ROUTES_FILE_BYTES_MAX).unwrap() + 1],
        )
        .unwrap();
        assert!(matches!(load(&path), Err(StoreError::TooLarge { .. })));
    }
}
