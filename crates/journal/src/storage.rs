//! The seam under the book: what keeps rows, all of a commit or nothing of it.
//! A storage computes no hashes and takes no decisions; it persists what `book` has linked and
//! refuses a batch that was linked to a head which is no longer the head. Fit for a shared
//! database as well: several books may stand on one storage, and [`StorageError::Moved`] tells
//! the slower one to look again.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

use crate::digest::{Digest, StreamId};
use crate::record::{Blob, Record, StreamInfo};

/// An entry as it is kept: the hash of its predecessor is found in the predecessor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// The stream.
    pub stream: StreamId,
    /// Place in the stream, dense from 1.
    pub seq: u64,
    /// Fencing epoch of the writer.
    pub epoch: u64,
    /// Hash of the envelope.
    pub hash: Digest,
    /// Digest of the body.
    pub body_digest: Digest,
    /// What was recorded.
    pub record: Record,
}

/// A stream as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRow {
    /// What callers see.
    pub info: StreamInfo,
    /// The commit that created it.
    pub commit_no: u64,
}

/// A fencing epoch that was handed out. None is ever removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// The stream.
    pub stream: StreamId,
    /// The epoch.
    pub epoch: u64,
    /// Who took it.
    pub holder: String,
    /// When, in milliseconds since 1970 UTC; informational.
    pub taken_ms: i64,
    /// The commit it was taken with.
    pub commit_no: u64,
}

/// One row of the commit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitRow {
    /// Number, dense from 1.
    pub no: u64,
    /// Position over all streams of its first entry; positions are dense from 1.
    pub first_gseq: u64,
    /// How many entries it holds.
    pub n_entries: u64,
    /// Running root over everything up to here.
    pub root: Digest,
}

/// A cached fold of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The stream.
    pub stream: StreamId,
    /// The last entry that is folded in.
    pub seq: u64,
    /// Hash of that entry.
    pub entry_hash: Digest,
    /// The fold code that made it.
    pub code_version: String,
    /// The encoded state.
    pub state: Vec<u8>,
    /// Digest over all of the above ([`crate::chain::snapshot_digest`]).
    pub digest: Digest,
}

/// The guard of a batch for one stream: where it must stand, and where it stands afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadMove {
    /// The stream.
    pub stream: StreamId,
    /// The epoch that must be the current one.
    pub epoch: u64,
    /// The head that must be there.
    pub from_seq: u64,
    /// The new head.
    pub to_seq: u64,
    /// Hash of the new head.
    pub to_hash: Digest,
}

/// Everything of one commit. It is applied as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The new row of the commit log; its number must be the next one.
    pub commit: CommitRow,
    /// Blobs; those that are there already are skipped.
    pub blobs: Vec<Blob>,
    /// New streams.
    pub streams: Vec<StreamRow>,
    /// New leases. Each raises the epoch of its stream, which must be one lower.
    pub leases: Vec<LeaseRow>,
    /// Streams that move.
    pub moves: Vec<HeadMove>,
    /// New entries, in the order of their positions over all streams.
    pub entries: Vec<EntryRow>,
}

/// Where the whole book stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The newest commit, if there is one.
    pub commit: Option<CommitRow>,
    /// All streams, in order of their identifiers.
    pub streams: Vec<StreamRow>,
}

/// How much care the storage may take of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tend {
    /// Between two commits: only what cannot wait.
    Busy,
    /// Nobody waits.
    Idle,
    /// The book is being closed: leave everything in its most portable shape.
    Close,
}

/// Why a storage did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub enum StorageError {
    /// The batch was linked to something that is no longer the head. Nothing was written.
    #[error("the head of the book has moved")]
    Moved,
    /// No space. Nothing was written, and that is certain.
    #[error("no space is left")]
    Full,
    /// Another connection holds a lock. Nothing was written.
    #[error("the database is locked")]
    Busy,
    /// What was read cannot have been written by a book.
    #[error("{what}")]
    Damaged {
        /// Position over all streams, where an entry is concerned and its place is known.
        gseq: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// An operation failed. If it was a commit, nobody knows whether it happened.
    #[error("cannot {doing}")]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

/// Keeps a book. Implementations run [`crate::conformance::storage`].
///
/// Pages: a method that takes `limit` returns at most that many rows, and fewer only at the end
/// or before a damaged row. A damaged row is an error of the page that would begin with it, so
/// that everything before it can be read. A method without `limit` returns all rows or an error.
pub trait Storage: Send {
    /// Where the book stands.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn position(&self) -> Result<Position, StorageError>;

    /// Applies a batch and returns when it is on durable storage.
    ///
    /// # Errors
    /// `Moved`, `Full` and `Busy` promise that nothing was written. After any other error it is
    /// unknown whether the batch was written, and the caller must not use this storage again.
    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError>;

    /// Entries of a stream from `from_seq` on.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn entries(
        &self,
        stream: &StreamId,
        from_seq: u64,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StorageError>;

    /// Entries of a run within a stream from `from_seq` on.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn run_entries(
        &self,
        stream: &StreamId,
        run: &[u8; 16],
        from_seq: u64,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StorageError>;

    /// Entries of all streams by position, from `from_gseq` on.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn all_entries(
        &self,
        from_gseq: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EntryRow)>, StorageError>;

    /// Rows of the commit log from `from_no` on.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn commits(&self, from_no: u64, limit: usize) -> Result<Vec<CommitRow>, StorageError>;

    /// All leases ever taken, in order of stream and epoch.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn leases(&self) -> Result<Vec<LeaseRow>, StorageError>;

    /// Whether a blob of this name is kept.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn has_blob(&self, digest: &Digest) -> Result<bool, StorageError>;

    /// The bytes kept under this name, unchecked.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StorageError>;

    /// Names of blobs in ascending order, after `after`.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn blob_names(&self, after: Option<&Digest>, limit: usize)
    -> Result<Vec<Digest>, StorageError>;

    /// The snapshots of a stream, newest first, unchecked.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn snapshots(&self, stream: &StreamId) -> Result<Vec<SnapshotRow>, StorageError>;

    /// Keeps a snapshot, replacing one at the same place, and drops all but the newest `keep`.
    ///
    /// # Errors
    /// As [`Storage::commit`].
    fn put_snapshot(&mut self, snapshot: &SnapshotRow, keep: usize) -> Result<(), StorageError>;

    /// From here to [`Storage::unpin`] all reads see the same state, whoever writes.
    ///
    /// # Errors
    /// `Failed`.
    fn pin(&self) -> Result<(), StorageError>;

    /// Ends what [`Storage::pin`] began.
    ///
    /// # Errors
    /// `Failed`.
    fn unpin(&self) -> Result<(), StorageError>;

    /// Checks whatever lies below rows. Each string is one complaint; none means all is well.
    ///
    /// # Errors
    /// `Damaged` or `Failed`.
    fn integrity(&self) -> Result<Vec<String>, StorageError>;

    /// Lets the storage take care of itself.
    ///
    /// # Errors
    /// `Full` and `Busy` mean "later"; after any other error the storage must not be used again.
    fn tend(&mut self, how: Tend) -> Result<(), StorageError>;
}

impl Batch {
    /// How much the batch writes, roughly, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let entries: usize = self.entries.iter().map(|row| row.record.size_bytes()).sum();
        let blobs: usize = self.blobs.iter().map(|blob| blob.data().len()).sum();
        entries + blobs
    }
}
