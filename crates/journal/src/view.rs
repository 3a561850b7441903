//! Reading a book: entries that are checked against the chain as they pass, blobs that are
//! checked against their names, snapshots that count only if they fit. Needs no lock.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::anchor::{Anchored, Reading};
use crate::book::{ANCHOR_FILE, DATABASE_FILE, read_anchor};
use crate::chain::{self, Link, LinkFault};
use crate::digest::{Digest, StreamId};
use crate::error::{JournalError, Place};
use crate::limits;
use crate::record::{Entry, StreamInfo};
use crate::sqlite::SqliteStorage;
use crate::storage::{EntryRow, Storage, StorageError};
use crate::verify::{self, VerifyReport};

/// A book opened for reading only, beside whoever writes to it.
pub struct Reader {
    storage: Box<dyn Storage>,
    dir: Option<PathBuf>,
}

/// The reading side of a book.
#[derive(Clone, Copy)]
pub struct View<'a> {
    storage: &'a dyn Storage,
}

/// A cached fold of a stream, checked to belong to the entry it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The last entry that is folded in.
    pub seq: u64,
    /// The fold code that made it.
    pub code_version: String,
    /// The encoded state.
    pub state: Vec<u8>,
}

/// Entries of a stream in their order; the first error ends it.
pub struct Entries<'a> {
    storage: &'a dyn Storage,
    info: StreamInfo,
    run: Option<[u8; 16]>,
    /// The entry before the next one, once it is known.
    link: Option<Link>,
    next_seq: u64,
    page: VecDeque<EntryRow>,
    is_done: bool,
}

/// What is known of the anchor beside a storage.
pub(crate) enum AnchorState {
    /// The storage has none, by its nature.
    NotKept,
    /// There should be one in this directory.
    Kept(PathBuf, Option<Reading>),
}

impl Reader {
    /// Opens the book in `dir` for reading, also while another process writes to it and also
    /// where nothing can be written.
    ///
    /// # Errors
    /// `NoBook`, `Foreign`, `Newer`, `Corrupt`, `Storage`.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let storage = SqliteStorage::open_read_only(&dir.join(DATABASE_FILE))?;
        Ok(Self {
            storage: Box::new(storage),
            dir: Some(dir.to_owned()),
        })
    }

    /// Reads from any storage.
    #[must_use]
    pub fn over(storage: Box<dyn Storage>) -> Self {
        Self { storage, dir: None }
    }

    /// What can be read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(self.storage.as_ref())
    }

    /// Checks that the book is not older than its anchor, nor another one: one look, however large it is. Whoever only
    /// reads may go on all the same, but what is read may not be what was done.
    ///
    /// # Errors
    /// `TailLost`, `Corrupt` of the anchor or the commit it remembers; `Storage` or `Io` if the check itself failed.
    pub fn check_anchor(&self) -> Result<(), JournalError> {
        let Some(dir) = &self.dir else {
            return Ok(());
        };
        // The anchor first: a writer at work may only move the book past it, never behind it.
        let anchored = AnchorState::of_dir(dir)?.latest()?;
        verify::against_anchor(self.storage.as_ref(), dir, anchored)
    }

    /// Checks everything in the book; see [`VerifyReport`].
    ///
    /// # Errors
    /// The first damage; `TailLost`; `Storage` or `Io` if the check itself failed.
    pub fn verify(&self) -> Result<VerifyReport, JournalError> {
        // The anchor first: a writer at work may only move the book past it, never behind it.
        let anchor = match &self.dir {
            Some(dir) => AnchorState::of_dir(dir)?,
            None => AnchorState::NotKept,
        };
        self.storage.pin()?;
        let report = verify::verify(self.storage.as_ref(), &anchor);
        let unpinned = self.storage.unpin();
        let report = report?;
        unpinned?;
        Ok(report)
    }
}

impl<'a> View<'a> {
    pub(crate) const fn new(storage: &'a dyn Storage) -> Self {
        Self { storage }
    }

    /// All streams and their heads, in order of their identifiers.
    ///
    /// # Errors
    /// `Corrupt` or `Storage`.
    pub fn streams(self) -> Result<Vec<StreamInfo>, JournalError> {
        let position = self.storage.position()?;
        position
            .streams
            .into_iter()
            .map(|row| verify::check_stream(&row).map(|()| row.info))
            .collect()
    }

    /// The stream of this name.
    ///
    /// # Errors
    /// `UnknownStream`, `Corrupt` or `Storage`.
    pub fn stream(self, name: &str) -> Result<StreamInfo, JournalError> {
        let found = self.streams()?.into_iter().find(|info| info.name == name);
        found.ok_or_else(|| JournalError::UnknownStream {
            name: name.to_owned(),
        })
    }

    /// Entries of a stream from `from_seq` on (0 and 1 mean all), up to its head. Each is checked
    /// against the one before it, and the last against the head: nothing can be missing.
    ///
    /// # Errors
    /// `UnknownStream`, `Corrupt` or `Storage`; the iterator as well.
    pub fn entries(self, stream: StreamId, from_seq: u64) -> Result<Entries<'a>, JournalError> {
        self.iterate(stream, None, from_seq)
    }

    /// Entries of a run within a stream. Each is checked against its hash; that none is missing
    /// between them only [`View::entries`] can show.
    ///
    /// # Errors
    /// `UnknownStream`, `Corrupt` or `Storage`; the iterator as well.
    pub fn run_entries(self, stream: StreamId, run: [u8; 16]) -> Result<Entries<'a>, JournalError> {
        self.iterate(stream, Some(run), 1)
    }

    fn iterate(
        self,
        stream: StreamId,
        run: Option<[u8; 16]>,
        from_seq: u64,
    ) -> Result<Entries<'a>, JournalError> {
        let found = self.streams()?.into_iter().find(|info| info.id == stream);
        let info = found.ok_or_else(|| JournalError::UnknownStream {
            name: stream.to_string(),
        })?;
        let page = VecDeque::new();
        let next_seq = from_seq.max(1);
        Ok(Entries {
            storage: self.storage,
            info,
            run,
            link: None,
            next_seq,
            page,
            is_done: false,
        })
    }

    /// The bytes of a blob, checked against their name.
    ///
    /// # Errors
    /// `MissingBlob` if the book does not have it; `Corrupt` if its bytes do not match.
    pub fn blob(self, digest: &Digest) -> Result<Vec<u8>, JournalError> {
        match self.storage.blob(digest) {
            Ok(Some(data)) if Digest::of(&data) == *digest => Ok(data),
            Ok(Some(_)) => Err(verify::bad_blob(*digest, "its bytes do not match its name")),
            Ok(None) => Err(JournalError::MissingBlob { digest: *digest }),
            Err(StorageError::Damaged { what, .. }) => Err(verify::bad_blob(*digest, &what)),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest snapshot of a stream that this fold code made and that fits the book. A
    /// damaged one counts as none: it is only a cache.
    ///
    /// # Errors
    /// `Storage`.
    pub fn snapshot(
        self,
        stream: StreamId,
        code_version: &str,
    ) -> Result<Option<Snapshot>, JournalError> {
        let rows = match self.storage.snapshots(&stream) {
            Err(StorageError::Damaged { .. }) => return Ok(None),
            rows => rows?,
        };
        for row in rows {
            if row.code_version == code_version
                && verify::snapshot_fault(self.storage, &row)?.is_none()
            {
                let (stream, seq, code_version, state) =
                    (row.stream, row.seq, row.code_version, row.state);
                return Ok(Some(Snapshot {
                    stream,
                    seq,
                    code_version,
                    state,
                }));
            }
        }
        Ok(None)
    }
}

impl AnchorState {
    pub(crate) fn of_dir(dir: &Path) -> Result<Self, JournalError> {
        Ok(Self::Kept(dir.join(ANCHOR_FILE), read_anchor(dir)?))
    }

    /// The newest commit it remembers, as far as it can be read.
    pub(crate) fn latest(&self) -> Result<Option<Anchored>, JournalError> {
        match self {
            Self::NotKept | Self::Kept(_, None) => Ok(None),
            Self::Kept(path, Some(reading)) => reading.latest(path).map(Some),
        }
    }
}

impl Entries<'_> {
    fn corrupt(&self, seq: u64, what: String) -> JournalError {
        JournalError::Corrupt {
            place: Place::Entry {
                stream: self.info.name.clone(),
                seq,
            },
            what,
            last_good: seq.checked_sub(1),
        }
    }

    fn read<T>(&self, seq: u64, result: Result<T, StorageError>) -> Result<T, JournalError> {
        let place = || Place::Entry {
            stream: self.info.name.clone(),
            seq,
        };
        result.map_err(|error| JournalError::read(place(), seq.checked_sub(1), error))
    }

    fn row_at(&self, seq: u64) -> Result<EntryRow, JournalError> {
        let rows = self.read(seq, self.storage.entries(&self.info.id, seq, 1))?;
        let row = rows.into_iter().find(|row| row.seq == seq);
        row.ok_or_else(|| self.corrupt(seq, "it is missing".to_owned()))
    }

    /// The chain up to the entry before `seq`.
    fn link_before(&self, seq: u64) -> Result<Link, JournalError> {
        let stream = self.info.id;
        if seq <= 1 {
            return Ok(Link::start(stream, self.info.genesis()));
        }
        let row = self.row_at(seq - 1)?;
        Ok(Link {
            stream,
            seq: row.seq,
            hash: row.hash,
            epoch: row.epoch,
        })
    }

    fn next_row(&mut self) -> Result<Option<EntryRow>, JournalError> {
        if self.page.is_empty() {
            let (stream, from, limit) = (&self.info.id, self.next_seq, limits::PAGE_ROWS_MAX);
            let page = match &self.run {
                Some(run) => self.storage.run_entries(stream, run, from, limit),
                None => self.storage.entries(stream, from, limit),
            };
            self.page = self.read(from, page)?.into();
        }
        Ok(self.page.pop_front())
    }

    fn step(&mut self) -> Result<Option<Entry>, JournalError> {
        let Some(row) = self.next_row()? else {
            if self.run.is_none() && self.next_seq <= self.info.head_seq {
                return Err(self.corrupt(self.next_seq, "it is missing".to_owned()));
            }
            return Ok(None);
        };
        let expected = if self.run.is_some() {
            row.seq
        } else {
            self.next_seq
        };
        let mut link = match self.link {
            Some(link) if link.seq + 1 == expected => link,
            _ => self.link_before(expected)?,
        };
        let prev = link.hash;
        link.follow(&row)
            .map_err(|fault: LinkFault| self.corrupt(expected, fault.to_string()))?;
        if row.seq == self.info.head_seq && row.hash != self.info.head_hash {
            return Err(self.corrupt(
                row.seq,
                "it is not the one the head of the stream names".to_owned(),
            ));
        }
        self.link = Some(link);
        self.next_seq = row.seq + 1;
        let EntryRow {
            stream,
            seq,
            epoch,
            hash,
            body_digest,
            record,
        } = row;
        Ok(Some(Entry {
            stream,
            seq,
            epoch,
            prev,
            body_digest,
            hash,
            record,
        }))
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step().transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("stream", &self.info.name)
            .field("next_seq", &self.next_seq)
            .finish_non_exhaustive()
    }
}

/// The hash of an entry as another place in the book names it.
pub(crate) fn hash_at(
    storage: &dyn Storage,
    stream: &StreamId,
    seq: u64,
) -> Result<Option<Digest>, StorageError> {
    match storage.entries(stream, seq, 1) {
        Ok(rows) => Ok(rows
            .into_iter()
            .find(|row| row.seq == seq)
            .map(|row| row.hash)),
        Err(StorageError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The digest a snapshot should carry.
pub(crate) fn wanted_digest(row: &crate::storage::SnapshotRow) -> Digest {
    chain::snapshot_digest(
        &row.stream,
        row.seq,
        &row.entry_hash,
        &row.code_version,
        &row.state,
    )
}
