//! What can go wrong with a book, said so that somebody can act on it at night.
//! Deliberately no exit codes: the edge maps [`JournalError::code`] to those.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::digest::Digest;
use crate::storage::StorageError;

/// Where in the book a damage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An entry of a stream.
    Entry {
        /// Name of the stream.
        stream: String,
        /// Its sequence number.
        seq: u64,
    },
    /// The row that describes a stream.
    Stream {
        /// Name of the stream, or its identifier where the name is damaged.
        name: String,
    },
    /// A row of the commit log.
    Commit {
        /// Its number.
        no: u64,
    },
    /// A lease once taken on a stream.
    Lease {
        /// Name of the stream.
        stream: String,
        /// The epoch that was handed out.
        epoch: u64,
    },
    /// A blob.
    Blob {
        /// Its name, which its bytes no longer match.
        digest: Digest,
    },
    /// A snapshot; disposable.
    Snapshot {
        /// Name of the stream.
        stream: String,
        /// The sequence number it stands for, if it can be read.
        seq: Option<u64>,
    },
    /// One of the two slots of the anchor file, or both.
    Anchor {
        /// The file.
        path: PathBuf,
    },
    /// The database underneath.
    Store,
}

/// Anything a book can refuse or fail at.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has the book open for writing.
    #[error("another process ({}) is writing to this book{}; wait until it is done, or stop it ({})",
        holder(*pid), since(*since_ms), path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Process id of the holder, if it has said so already.
        pid: Option<u32>,
        /// Since when it holds the book, in milliseconds since 1970 UTC.
        since_ms: Option<i64>,
    },
    /// There is no book here.
    #[error("there is no book in {}; it is made by the first apply", path.display())]
    NoBook {
        /// The directory.
        path: PathBuf,
    },
    /// The store is older than what was acknowledged: a backup, a lost or a damaged log.
    #[error("the book in {} ends at commit {found}, but commit {expected} was acknowledged: \
        its newest entries are lost, and the world may have moved on without them; \
        put back the missing files (book.db and book.db-wal belong together), \
        or accept the loss explicitly and check the world", path.display())]
    TailLost {
        /// The directory.
        path: PathBuf,
        /// The newest acknowledged commit.
        expected: u64,
        /// The newest commit in the store.
        found: u64,
    },
    /// The book was written by a newer program.
    #[error("{} has format {found}, and this program reads formats up to {supported}; \
        use the release that wrote it, nothing was changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this program reads.
        supported: u32,
    },
    /// The file is something else.
    #[error("{} is not a book: {what}; nothing was changed, move it away or name another directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        what: String,
    },
    /// Something in the book is not what was written.
    #[error("{place}: {what}{}; {}", last_good_text(*last_good), place.advice())]
    Corrupt {
        /// Where.
        place: Place,
        /// What is wrong there.
        what: String,
        /// Sequence number of the last good entry of the stream, where a stream is concerned.
        last_good: Option<u64>,
    },
    /// A newer writer has taken over.
    #[error(
        "stream `{stream}` was taken over: this writer has epoch {ours}, the newest is {current}; \
        nothing was written, stop this writer"
    )]
    Fenced {
        /// Name of the stream.
        stream: String,
        /// The epoch the caller came with.
        ours: u64,
        /// The epoch that holds the stream.
        current: u64,
    },
    /// An earlier write failed in a way that leaves open what is on the disk.
    #[error(
        "the book accepts nothing more since a write failed: {why}; \
        look after the disk, then start again: the book is checked when it is opened"
    )]
    Poisoned {
        /// The failure.
        why: Arc<str>,
    },
    /// The disk is full; nothing of this append was written.
    #[error("the disk under {} is full, and nothing was written; make room, then try again", path.display())]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// Too little space to begin something new.
    #[error("only {free} bytes are free under {}, and {need} are wanted before anything new is started; \
        make room (what runs is still recorded)", path.display())]
    LowSpace {
        /// The directory.
        path: PathBuf,
        /// Free bytes.
        free: u64,
        /// Wanted bytes.
        need: u64,
    },
    /// The book cannot be written.
    #[error("{} cannot be written; reading and planning work, to apply make it writable for this user", path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file system does not keep the promises a book needs.
    #[error("{} is on {kind}, where locks and syncs cannot be relied on; keep the book on a local disk", path.display())]
    Unsuitable {
        /// The directory.
        path: PathBuf,
        /// The kind of file system.
        kind: &'static str,
    },
    /// Something is larger than its limit.
    #[error("{what} has size {size}, the limit is {max}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size, in bytes or items.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// A record names a blob that is neither in the book nor in the same append.
    #[error(
        "a record names blob {digest}, which is not in the book; write the blob with or before it"
    )]
    MissingBlob {
        /// The blob.
        digest: Digest,
    },
    /// The book has no such stream.
    #[error("the book has no stream `{name}`")]
    UnknownStream {
        /// Name or identifier.
        name: String,
    },
    /// An argument is outside what the book can hold.
    #[error("{what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
    },
    /// Another connection held the database for too long; nothing was written.
    #[error(
        "another program keeps the database of the book locked; nothing was written, end it and try again"
    )]
    Busy,
    /// The writer has been closed.
    #[error("the book is closed")]
    Closed,
    /// An operation on a file failed.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<io::Error>,
    },
    /// The storage failed while reading.
    #[error("the storage of the book failed")]
    Storage(#[source] StorageError),
}

impl JournalError {
    /// A stable word for each kind of trouble, for exit codes and machine-readable output.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::NoBook { .. } => "no-book",
            Self::TailLost { .. } => "tail-lost",
            Self::Newer { .. } => "newer",
            Self::Foreign { .. } => "foreign",
            Self::Corrupt { .. } => "corrupt",
            Self::Fenced { .. } => "fenced",
            Self::Poisoned { .. } => "poisoned",
            Self::Full { .. } => "full",
            Self::LowSpace { .. } => "low-space",
            Self::ReadOnly { .. } => "read-only",
            Self::Unsuitable { .. } => "unsuitable",
            Self::TooLarge { .. } => "too-large",
            Self::MissingBlob { .. } => "missing-blob",
            Self::UnknownStream { .. } => "unknown-stream",
            Self::Invalid { .. } => "invalid",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Io { .. } => "io",
            Self::Storage(_) => "storage",
        }
    }

    /// The file operation that failed; a refusal to write is told apart from other trouble.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        let kind = source.kind();
        let source = Arc::new(source);
        if matches!(
            kind,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
        ) {
            Self::ReadOnly { path, source }
        } else if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            Self::Full { path }
        } else {
            Self::Io {
                doing,
                path,
                source,
            }
        }
    }

    /// What the storage said while it read from `place`.
    pub(crate) fn read(place: Place, last_good: Option<u64>, error: StorageError) -> Self {
        if let StorageError::Damaged { what, .. } = error {
            Self::Corrupt {
                place,
                what,
                last_good,
            }
        } else {
            error.into()
        }
    }
}

impl Place {
    /// What to do about damage here.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Entry { .. }
            | Self::Stream { .. }
            | Self::Commit { .. }
            | Self::Lease { .. }
            | Self::Store => {
                "write nothing more, restore the book from a backup (what is before the damage can still be read)"
            }
            Self::Blob { .. } => {
                "the entries are not touched by this: put the blob back from a backup of the book"
            }
            Self::Snapshot { .. } => {
                "nothing is lost, a snapshot is only a cache: it is not used, and the next one replaces it"
            }
            Self::Anchor { .. } => {
                "the entries are not touched by this: opening the book for writing mends a bad slot; \
                 if both are bad or the file is gone, compare the last entries with the world, \
                 then accept the loss explicitly"
            }
        }
    }
}

impl From<StorageError> for JournalError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Damaged { what, .. } => Self::Corrupt {
                place: Place::Store,
                what,
                last_good: None,
            },
            StorageError::Busy => Self::Busy,
            StorageError::Moved | StorageError::Full | StorageError::Failed { .. } => {
                Self::Storage(error)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { stream, seq } => write!(f, "entry {seq} of stream `{stream}` is damaged"),
            Self::Stream { name } => write!(f, "the head of stream `{name}` is damaged"),
            Self::Commit { no } => write!(f, "commit {no} is damaged"),
            Self::Lease { stream, epoch } => {
                write!(
                    f,
                    "the lease with epoch {epoch} on stream `{stream}` is damaged"
                )
            }
            Self::Blob { digest } => write!(f, "blob {digest} is damaged"),
            Self::Snapshot {
                stream,
                seq: Some(seq),
            } => {
                write!(
                    f,
                    "the snapshot of stream `{stream}` at entry {seq} is damaged"
                )
            }
            Self::Snapshot { stream, seq: None } => {
                write!(f, "a snapshot of stream `{stream}` is damaged")
            }
            Self::Anchor { path } => write!(f, "the anchor {} is damaged", path.display()),
            Self::Store => f.write_str("the database of the book is damaged"),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "which has not said its number yet".to_owned(),
        |pid| format!("number {pid}"),
    )
}

fn since(since_ms: Option<i64>) -> String {
    since_ms.map_or_else(String::new, |ms| format!(" since {}", utc(ms)))
}

/// A time, in milliseconds since 1970, as people read it. From days to a date after "chrono-Compatible Low-Level Date
/// Algorithms" (Howard Hinnant), `civil_from_days`.
#[must_use]
pub fn utc(ms: i64) -> String {
    let (days, second) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1_000);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

fn last_good_text(last_good: Option<u64>) -> String {
    last_good.map_or_else(String::new, |seq| format!("; the last good entry is {seq}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_772_323_199_999, "2026-02-28 23:59:59 UTC"),
            (1_795_199_454_000, "2026-11-20 18:30:54 UTC"),
        ] {
            assert_eq!(utc(ms), text);
        }
    }

    #[test]
    fn messages_say_what_why_and_what_to_do() {
        let held = JournalError::Held {
            path: "b/lock".into(),
            pid: Some(7),
            since_ms: Some(0),
        };
        assert_eq!(
            held.to_string(),
            "another process (number 7) is writing to this book since 1970-01-01 00:00:00 UTC; \
             wait until it is done, or stop it (b/lock)"
        );
        let place = Place::Entry {
            stream: "production".to_owned(),
            seq: 1_234,
        };
        let what = "it does not match its hash".to_owned();
        let corrupt = JournalError::Corrupt {
            place,
            what,
            last_good: Some(1_233),
        };
        assert_eq!(
            corrupt.to_string(),
            "entry 1234 of stream `production` is damaged: it does not match its hash; the last good \
             entry is 1233; write nothing more, restore the book from a backup (what is before the damage \
             can still be read)"
        );
    }
}
