//! The book: the synchronous core that links records into chains and commits them.
//! It holds the pen for one process; threads and queues are `writer`, checks of the whole are
//! `verify`. A commit whose fate is unknown poisons the book: nothing is retried on top of doubt.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::anchor::{self, AnchorFile, Anchored};
use crate::chain::{self, CommitParts, Link};
use crate::digest::{Digest, StreamId};
use crate::error::{JournalError, Place};
use crate::limits;
use crate::lock::Lock;
use crate::options::Options;
use crate::record::{Blob, Head, Record, StreamInfo, check_size};
use crate::reserve::{self, Ballast, Reserve};
use crate::sqlite::SqliteStorage;
use crate::storage::{
    Batch, CommitRow, EntryRow, HeadMove, LeaseRow, SnapshotRow, Storage, StorageError, StreamRow,
    Tend,
};
use crate::verify::{self, VerifyReport};
use crate::view::{AnchorState, View};

/// The database, inside the directory of a book.
pub const DATABASE_FILE: &str = "book.db";
/// The anchor, inside the directory of a book.
pub const ANCHOR_FILE: &str = "head.anchor";
/// The disk reserve, inside the directory of a book.
pub const BALLAST_FILE: &str = "ballast";
/// The lock, inside the directory of a book.
pub const LOCK_FILE: &str = "lock";

/// Records and blobs that are committed together, to one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The epoch the writer got from [`Book::take_lease`].
    pub epoch: u64,
    /// What is recorded, in order. May be empty where only blobs are stored.
    pub records: Vec<Record>,
    /// Blobs, written before the records that name them.
    pub blobs: Vec<Blob>,
}

/// A book opened for writing.
pub struct Book {
    storage: Box<dyn Storage>,
    /// Where everything is, or a word for it where it is nowhere.
    dir: PathBuf,
    options: Options,
    state: State,
    poison: Option<Arc<str>>,
    anchor: Option<AnchorFile>,
    anchor_written_ms: i64,
    ballast: Option<Ballast>,
    reserve: Reserve,
    /// Last, so that it is given back when everything else is done.
    _lock: Option<Lock>,
}

/// The heads as the storage last told or took them.
#[derive(Debug)]
struct State {
    commit_no: u64,
    root: Digest,
    next_gseq: u64,
    streams: BTreeMap<StreamId, StreamRow>,
}

/// One append of a group on its way into a batch.
struct Job {
    append: Append,
    /// Head and number of records, once linked.
    linked: Option<(Head, usize)>,
    result: Option<Result<Head, JournalError>>,
}

impl Append {
    /// How much room it takes, roughly, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let records: usize = self.records.iter().map(Record::size_bytes).sum();
        let blobs: usize = self.blobs.iter().map(|blob| blob.data().len()).sum();
        records + blobs
    }
}

impl Book {
    /// Opens the book in `dir` for writing, alone, and makes it if there is none.
    ///
    /// # Errors
    /// `Held` if another process has it; `TailLost` if acknowledged entries are gone; `Newer`,
    /// `Foreign`, `Corrupt`, `ReadOnly`, `Full`, `Unsuitable`, `Io`, `Storage`.
    pub fn open(dir: &Path, options: &Options) -> Result<Self, JournalError> {
        std::fs::create_dir_all(dir)
            .map_err(|error| JournalError::io("make the directory", dir, error))?;
        if let Some(kind) = reserve::unsuitable(dir)
            && !options.allow_network_fs
        {
            return Err(JournalError::Unsuitable {
                path: dir.to_owned(),
                kind,
            });
        }
        let now_ms = (options.now_ms)();
        let lock = Lock::take(&dir.join(LOCK_FILE), now_ms)?;
        let anchored = AnchorState::of_dir(dir)?.latest();
        let anchored = match anchored {
            Err(_) if options.accept_tail_loss => None,
            anchored => anchored?,
        };
        let is_new = anchored.is_none_or(|anchored| anchored.commit_no == 0);
        let path = dir.join(DATABASE_FILE);
        let create = is_new || options.accept_tail_loss;
        let storage = SqliteStorage::open(&path, create, options.wal_checkpoint_bytes);
        let storage = match (storage, anchored) {
            (Err(JournalError::NoBook { path }), Some(anchored)) => {
                return Err(JournalError::TailLost {
                    path,
                    expected: anchored.commit_no,
                    found: 0,
                });
            }
            (storage, _) => storage?,
        };
        let mut book = Self::new(Box::new(storage), dir.to_owned(), options)?;
        if !options.accept_tail_loss {
            verify::against_anchor(book.storage.as_ref(), &book.dir, anchored)?;
        }
        book.anchor = Some(AnchorFile::open(&dir.join(ANCHOR_FILE), book.anchored())?);
        book.anchor_written_ms = now_ms;
        let ballast = Ballast::open(
            &dir.join(BALLAST_FILE),
            options.ballast_bytes,
            options.free_floor_bytes,
        );
        book.ballast = Some(ballast);
        book.reserve = Reserve::new(
            Some(dir.to_owned()),
            options.free_floor_bytes,
            options.free_per_action_bytes,
        );
        book._lock = Some(lock);
        Ok(book)
    }

    /// A book over any storage, without lock, anchor and disk reserve: for the simulator, for
    /// tests, and for stores that bring their own.
    ///
    /// # Errors
    /// `Corrupt` or `Storage` if the heads cannot be read or do not match what they point to.
    pub fn over(storage: Box<dyn Storage>, options: &Options) -> Result<Self, JournalError> {
        Self::new(storage, PathBuf::from("the store"), options)
    }

    fn new(
        storage: Box<dyn Storage>,
        dir: PathBuf,
        options: &Options,
    ) -> Result<Self, JournalError> {
        let state = State::read(storage.as_ref())?;
        Ok(Self {
            storage,
            dir,
            options: options.clone(),
            state,
            poison: None,
            anchor: None,
            anchor_written_ms: 0,
            ballast: None,
            reserve: Reserve::new(
                None,
                options.free_floor_bytes,
                options.free_per_action_bytes,
            ),
            _lock: None,
        })
    }

    /// All streams and their heads, in order of their identifiers.
    pub fn streams(&self) -> impl Iterator<Item = &StreamInfo> {
        self.state.streams.values().map(|row| &row.info)
    }

    /// The stream of this name.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&StreamInfo> {
        self.streams().find(|info| info.name == name)
    }

    /// The stream of this name, made now if there is none.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` for a bad name, and everything an append can fail with.
    pub fn create_stream(&mut self, name: &str, now_ms: i64) -> Result<StreamInfo, JournalError> {
        check_size(
            "the name of a stream",
            name.len(),
            limits::STREAM_NAME_BYTES_MAX,
        )?;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(JournalError::Invalid {
                what: "the name of a stream must not be empty or hold control characters",
            });
        }
        for _ in 0..limits::RELINK_TRIES_MAX {
            self.check_poison()?;
            if let Some(info) = self.stream(name) {
                return Ok(info.clone());
            }
            check_size(
                "the number of streams",
                self.state.streams.len() + 1,
                limits::STREAMS_MAX,
            )?;
            let genesis = chain::genesis(name, now_ms);
            let info = StreamInfo {
                id: chain::stream_id(&genesis),
                name: name.to_owned(),
                created_ms: now_ms,
                head_seq: 0,
                head_hash: genesis,
                epoch: 0,
            };
            let mut batch = self.empty_batch();
            batch.streams.push(StreamRow {
                info: info.clone(),
                commit_no: batch.commit.no,
            });
            if self.commit(&mut batch)? {
                return Ok(info);
            }
        }
        Err(JournalError::Busy)
    }

    /// Takes a stream over: raises its epoch, so that every earlier holder is refused from now on.
    ///
    /// # Errors
    /// `UnknownStream`, `TooLarge`, and everything an append can fail with.
    pub fn take_lease(
        &mut self,
        stream: StreamId,
        holder: &str,
        now_ms: i64,
    ) -> Result<u64, JournalError> {
        check_size(
            "the holder of a lease",
            holder.len(),
            limits::ACTOR_BYTES_MAX,
        )?;
        for _ in 0..limits::RELINK_TRIES_MAX {
            self.check_poison()?;
            let epoch = self.info(&stream)?.epoch + 1;
            let mut batch = self.empty_batch();
            batch.leases.push(LeaseRow {
                stream,
                epoch,
                holder: holder.to_owned(),
                taken_ms: now_ms,
                commit_no: batch.commit.no,
            });
            if self.commit(&mut batch)? {
                return Ok(epoch);
            }
        }
        Err(JournalError::Busy)
    }

    /// Records something: durable when this returns.
    ///
    /// # Errors
    /// `Fenced` if a newer holder has the stream; `MissingBlob`, `TooLarge`, `Invalid`,
    /// `UnknownStream` for what cannot be recorded; `Full` and `Busy` if nothing was written but
    /// a later try may succeed; `Poisoned` if it is unknown whether it was written, and from then
    /// on always.
    pub fn append(
        &mut self,
        stream: StreamId,
        epoch: u64,
        records: Vec<Record>,
        blobs: Vec<Blob>,
    ) -> Result<Head, JournalError> {
        let group = vec![Append {
            stream,
            epoch,
            records,
            blobs,
        }];
        self.append_group(group)
            .pop()
            .unwrap_or(Err(JournalError::Closed))
    }

    /// Records several appends in one transaction. Each is admitted or refused by itself; what is
    /// admitted is written together or not at all. The results are in the order of the group.
    pub fn append_group(&mut self, group: Vec<Append>) -> Vec<Result<Head, JournalError>> {
        let mut jobs: Vec<Job> = group
            .into_iter()
            .map(|append| Job {
                append,
                linked: None,
                result: None,
            })
            .collect();
        for _ in 0..limits::RELINK_TRIES_MAX {
            let committed = self.check_poison().and_then(|()| {
                let mut batch = self.link(&mut jobs);
                let is_empty = batch.entries.is_empty() && batch.blobs.is_empty();
                let committed = is_empty || self.commit(&mut batch)?;
                if !committed {
                    unlink(&mut jobs, batch);
                }
                Ok(committed)
            });
            match committed {
                Ok(true) => {
                    settle(&mut jobs, |job| job.linked.map(|(head, _)| Ok(head)));
                    break;
                }
                Ok(false) => {}
                Err(error) => {
                    settle(&mut jobs, |_| Some(Err(error.clone())));
                    break;
                }
            }
        }
        jobs.into_iter()
            .map(|job| job.result.unwrap_or(Err(JournalError::Busy)))
            .collect()
    }

    /// Brings the anchor up to date now: for the end of a run.
    ///
    /// # Errors
    /// `Poisoned` if the anchor cannot be synced; `Full` on file systems that need room for it.
    pub fn barrier(&mut self) -> Result<(), JournalError> {
        self.check_poison()?;
        let anchored = self.anchored();
        let now_ms = (self.options.now_ms)();
        let Some(anchor) = self
            .anchor
            .as_mut()
            .filter(|anchor| !anchor.is_at(anchored))
        else {
            return Ok(());
        };
        match anchor.write(anchored) {
            Ok(()) => {
                self.anchor_written_ms = now_ms;
                Ok(())
            }
            Err(full @ JournalError::Full { .. }) => Err(full),
            Err(error) => Err(self.poison(&error)),
        }
    }

    /// Keeps a snapshot of the fold of a stream up to `seq`, and the one before it.
    ///
    /// # Errors
    /// `Invalid` if the stream is not that long; `TooLarge`; as [`Book::append`] otherwise.
    pub fn put_snapshot(
        &mut self,
        stream: StreamId,
        seq: u64,
        code_version: &str,
        state: Vec<u8>,
    ) -> Result<(), JournalError> {
        self.check_poison()?;
        check_size("a snapshot", state.len(), limits::SNAPSHOT_BYTES_MAX)?;
        check_size(
            "the code version of a snapshot",
            code_version.len(),
            limits::CODE_VERSION_BYTES_MAX,
        )?;
        self.info(&stream)?;
        let found = self.storage.entries(&stream, seq, 1)?;
        let Some(row) = found.first().filter(|row| row.seq == seq) else {
            return Err(JournalError::Invalid {
                what: "a snapshot stands for an entry that is not there",
            });
        };
        let entry_hash = row.hash;
        let digest = chain::snapshot_digest(&stream, seq, &entry_hash, code_version, &state);
        let code_version = code_version.to_owned();
        let snapshot = SnapshotRow {
            stream,
            seq,
            entry_hash,
            code_version,
            state,
            digest,
        };
        match self.storage.put_snapshot(&snapshot, limits::SNAPSHOTS_KEPT) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.write_failed(error)),
        }
    }

    /// The reading side.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(self.storage.as_ref())
    }

    /// Checks everything in the book; see [`VerifyReport`].
    ///
    /// # Errors
    /// The first damage; `Storage` or `Io` if the check itself failed.
    pub fn verify(&self) -> Result<VerifyReport, JournalError> {
        let anchor = match self.anchor {
            Some(_) => AnchorState::of_dir(&self.dir)?,
            None => AnchorState::NotKept,
        };
        verify::verify(self.storage.as_ref(), &anchor)
    }

    /// Says whether there is room to start something new.
    #[must_use]
    pub const fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Lets the book take care of itself: the log, the anchor, the disk reserve. To be called
    /// between commits (`idle` false) and when nobody waits (`idle` true).
    ///
    /// # Errors
    /// `Poisoned` if something could not be synced.
    pub fn tend(&mut self, idle: bool) -> Result<(), JournalError> {
        self.check_poison()?;
        self.anchor_if_due()?;
        match self
            .storage
            .tend(if idle { Tend::Idle } else { Tend::Busy })
        {
            // Both mean "later", and later comes by itself.
            Ok(()) | Err(StorageError::Full | StorageError::Busy) => {}
            Err(error) => return Err(self.poison(&error)),
        }
        if idle && let Some(ballast) = &mut self.ballast {
            ballast.restore(self.options.free_floor_bytes);
        }
        Ok(())
    }

    /// Ends the book in its most portable shape: the log copied into the database, the anchor at
    /// the last commit. Dropping the book instead loses nothing that was acknowledged.
    ///
    /// # Errors
    /// `Poisoned` if it was, or if the last syncs fail.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.check_poison()?;
        match self.storage.tend(Tend::Close) {
            Ok(()) | Err(StorageError::Full | StorageError::Busy) => {}
            Err(error) => return Err(self.poison(&error)),
        }
        match self.barrier() {
            Ok(()) | Err(JournalError::Full { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn info(&self, stream: &StreamId) -> Result<&StreamInfo, JournalError> {
        let row = self.state.streams.get(stream);
        row.map(|row| &row.info)
            .ok_or_else(|| JournalError::UnknownStream {
                name: stream.to_string(),
            })
    }

    const fn anchored(&self) -> Anchored {
        Anchored {
            commit_no: self.state.commit_no,
            root: self.state.root,
        }
    }

    fn anchor_if_due(&mut self) -> Result<(), JournalError> {
        let now_ms = (self.options.now_ms)();
        let interval_ms = i64::try_from(self.options.anchor_interval_ms).unwrap_or(i64::MAX);
        // A clock that was set back makes it due as well, or it might not be for years.
        let since_ms = now_ms.saturating_sub(self.anchor_written_ms);
        if (0..interval_ms).contains(&since_ms) {
            return Ok(());
        }
        match self.barrier() {
            Ok(()) | Err(JournalError::Full { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn empty_batch(&self) -> Batch {
        Batch {
            commit: CommitRow {
                no: self.state.commit_no + 1,
                first_gseq: self.state.next_gseq,
                n_entries: 0,
                root: self.state.root,
            },
            blobs: Vec::new(),
            streams: Vec::new(),
            leases: Vec::new(),
            moves: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Whether this append may be part of the next batch. `with` names the blobs of that batch.
    fn admit(&self, append: &Append, with: &BTreeSet<Digest>) -> Result<(), JournalError> {
        let info = self.info(&append.stream)?;
        if info.epoch != append.epoch {
            let (ours, current) = (append.epoch, info.epoch);
            return Err(JournalError::Fenced {
                stream: info.name.clone(),
                ours,
                current,
            });
        }
        check_size(
            "the number of records of an append",
            append.records.len(),
            limits::RECORDS_PER_APPEND_MAX,
        )?;
        for record in &append.records {
            record.check()?;
            for digest in &record.blobs {
                let is_new = with.contains(digest)
                    || append.blobs.iter().any(|blob| blob.digest() == *digest);
                if !is_new && !self.storage.has_blob(digest)? {
                    return Err(JournalError::MissingBlob { digest: *digest });
                }
            }
        }
        Ok(())
    }

    /// Moves the records of every open job that can be admitted into a batch, linked to the heads.
    fn link(&self, jobs: &mut [Job]) -> Batch {
        let mut batch = self.empty_batch();
        let mut named = BTreeSet::new();
        let mut moves: BTreeMap<StreamId, HeadMove> = BTreeMap::new();
        for job in jobs.iter_mut().filter(|job| job.result.is_none()) {
            let admitted = self
                .admit(&job.append, &named)
                .and_then(|()| self.info(&job.append.stream));
            let info = match admitted {
                Ok(info) => info,
                Err(error) => {
                    job.result = Some(Err(error));
                    continue;
                }
            };
            for blob in &job.append.blobs {
                if named.insert(blob.digest()) {
                    batch.blobs.push(blob.clone());
                }
            }
            let to = moves.entry(info.id).or_insert_with(|| HeadMove {
                stream: info.id,
                epoch: info.epoch,
                from_seq: info.head_seq,
                to_seq: info.head_seq,
                to_hash: info.head_hash,
            });
            let records = mem::take(&mut job.append.records);
            let n_records = records.len();
            for record in records {
                let seq = to.to_seq + 1;
                let body_digest = Digest::of(&record.body);
                let hash = chain::entry_hash(
                    &info.id,
                    seq,
                    info.epoch,
                    &to.to_hash,
                    &record,
                    &body_digest,
                );
                (to.to_seq, to.to_hash) = (seq, hash);
                let stream = info.id;
                batch.entries.push(EntryRow {
                    stream,
                    seq,
                    epoch: info.epoch,
                    hash,
                    body_digest,
                    record,
                });
            }
            let head = Head {
                stream: info.id,
                seq: to.to_seq,
                hash: to.to_hash,
            };
            job.linked = Some((head, n_records));
        }
        batch.moves = moves.into_values().collect();
        batch
    }

    /// Commits a batch. `false` if the storage's head had moved: the heads are then read again
    /// and the batch has to be made anew.
    fn commit(&mut self, batch: &mut Batch) -> Result<bool, JournalError> {
        let streams: Vec<StreamId> = batch.streams.iter().map(|row| row.info.id).collect();
        let entries: Vec<Digest> = batch.entries.iter().map(|row| row.hash).collect();
        batch.commit.n_entries = entries.len() as u64;
        batch.commit.root = chain::commit_root(CommitParts {
            prev_root: &self.state.root,
            no: batch.commit.no,
            first_gseq: batch.commit.first_gseq,
            streams: &streams,
            leases: &batch.leases,
            entries: &entries,
        });
        let mut result = self.storage.commit(batch);
        if matches!(result, Err(StorageError::Full))
            && self.ballast.as_mut().is_some_and(Ballast::release)
        {
            // Once, and only because it is certain that nothing of it was written.
            result = self.storage.commit(batch);
        }
        match result {
            Ok(()) => {
                self.state.adopt(batch);
                // What was committed is durable whatever becomes of the anchor; should its sync
                // fail, the book is poisoned and the next append says so.
                let _ = self.anchor_if_due();
                Ok(true)
            }
            Err(StorageError::Moved) => {
                self.state = State::read(self.storage.as_ref())?;
                Ok(false)
            }
            Err(error) => Err(self.write_failed(error)),
        }
    }

    fn write_failed(&mut self, error: StorageError) -> JournalError {
        match error {
            StorageError::Full => JournalError::Full {
                path: self.dir.clone(),
            },
            StorageError::Busy => JournalError::Busy,
            StorageError::Moved | StorageError::Damaged { .. } | StorageError::Failed { .. } => {
                self.poison(&error)
            }
        }
    }

    fn poison(&mut self, error: &dyn std::error::Error) -> JournalError {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            why.push_str(": ");
            why.push_str(&error.to_string());
            source = error.source();
        }
        let why: Arc<str> = why.into();
        self.poison = Some(Arc::clone(&why));
        JournalError::Poisoned { why }
    }

    fn check_poison(&self) -> Result<(), JournalError> {
        match &self.poison {
            Some(why) => Err(JournalError::Poisoned {
                why: Arc::clone(why),
            }),
            None => Ok(()),
        }
    }
}

impl State {
    /// Reads the heads and checks that what they point to is there.
    fn read(storage: &dyn Storage) -> Result<Self, JournalError> {
        let position = storage.position()?;
        let commit = position.commit;
        let mut streams = BTreeMap::new();
        for row in position.streams {
            verify::check_stream(&row)?;
            let info = &row.info;
            let start = Link::start(info.id, info.genesis());
            let end = match info.head_seq {
                0 => Some(start.hash),
                seq => storage
                    .entries(&info.id, seq, 1)?
                    .first()
                    .map(|row| row.hash),
            };
            if end != Some(info.head_hash) {
                return Err(JournalError::Corrupt {
                    place: Place::Stream {
                        name: info.name.clone(),
                    },
                    what: format!("it does not match entry {}", info.head_seq),
                    last_good: None,
                });
            }
            streams.insert(info.id, row);
        }
        Ok(Self {
            commit_no: commit.map_or(0, |row| row.no),
            root: commit.map_or_else(chain::book_root, |row| row.root),
            next_gseq: commit.map_or(1, |row| row.first_gseq.saturating_add(row.n_entries)),
            streams,
        })
    }

    fn adopt(&mut self, batch: &Batch) {
        let commit = &batch.commit;
        (self.commit_no, self.root) = (commit.no, commit.root);
        self.next_gseq = commit.first_gseq + commit.n_entries;
        for row in &batch.streams {
            self.streams.insert(row.info.id, row.clone());
        }
        for lease in &batch.leases {
            if let Some(row) = self.streams.get_mut(&lease.stream) {
                row.info.epoch = lease.epoch;
            }
        }
        for to in &batch.moves {
            if let Some(row) = self.streams.get_mut(&to.stream) {
                (row.info.head_seq, row.info.head_hash) = (to.to_seq, to.to_hash);
            }
        }
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("dir", &self.dir)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Gives the records of a batch that was not written back to their jobs.
fn unlink(jobs: &mut [Job], batch: Batch) {
    let mut rows = batch.entries.into_iter();
    for job in jobs {
        if let Some((_, n_records)) = job.linked.take() {
            job.append.records = rows
                .by_ref()
                .take(n_records)
                .map(|row| row.record)
                .collect();
        }
    }
}

fn settle(jobs: &mut [Job], result: impl Fn(&Job) -> Option<Result<Head, JournalError>>) {
    for job in jobs.iter_mut().filter(|job| job.result.is_none()) {
        job.result = result(job);
    }
}

/// What the anchor in a directory says.
pub(crate) fn read_anchor(dir: &Path) -> Result<Option<anchor::Reading>, JournalError> {
    anchor::read(&dir.join(ANCHOR_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Fault, MemoryDisk};

    #[test]
    fn the_ballast_is_given_up_for_one_more_try_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let disk = MemoryDisk::new();
        let options = Options {
            free_floor_bytes: 0,
            ..Options::new(Arc::new(|| 0))
        };
        let mut book = Book::over(Box::new(disk.connect()), &options).unwrap();
        book.ballast = Some(Ballast::open(&dir.path().join(BALLAST_FILE), 4_096, 0));
        let ballast_bytes = || {
            std::fs::metadata(dir.path().join(BALLAST_FILE))
                .unwrap()
                .len()
        };
        let stream = book.create_stream("production", 1).unwrap().id;
        let epoch = book.take_lease(stream, "test", 1).unwrap();
        let mut append = |n_full: u64| {
            (1..=n_full).for_each(|n| disk.fail_write(n, Fault::Full));
            let record = Record::new(1, 1, 0, "ada", Vec::new());
            let result = book
                .append(stream, epoch, vec![record], vec![])
                .map(|head| head.seq);
            let n_ballast = ballast_bytes();
            book.tend(true).unwrap();
            (result.map_err(|error| error.code()), n_ballast)
        };
        assert_eq!(append(0), (Ok(1), 4_096));
        assert_eq!(append(1), (Ok(2), 0));
        assert_eq!(ballast_bytes(), 4_096);
        assert_eq!(append(2), (Err("full"), 0));
        assert_eq!(append(1), (Ok(3), 0));
    }
}
