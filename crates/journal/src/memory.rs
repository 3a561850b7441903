//! A book's storage in memory that fails on demand: for the simulator and for tests.
//! It keeps what was synced apart from what was only written, so that a crash can take the
//! latter away, and it counts its writes, so that each of them can be the one that fails.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::{Digest, StreamId};
use crate::storage::{
    Batch, CommitRow, EntryRow, LeaseRow, Position, SnapshotRow, Storage, StorageError, StreamRow,
    Tend,
};

/// A disk that survives the processes that use it. Clones are handles to the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

/// One process's connection to a [`MemoryDisk`].
#[derive(Debug, Clone)]
pub struct MemoryStorage {
    disk: MemoryDisk,
}

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No space; nothing is written.
    Full,
    /// Another connection is in the way; nothing is written.
    Busy,
    /// An error, and nothing was written. The caller cannot know that.
    Failed,
    /// An error, though everything was written. The caller cannot know that.
    FailedAfter,
}

/// When a write is safe from a crash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// When it returns: a disk that keeps its promises.
    #[default]
    Each,
    /// Not before [`MemoryDisk::sync`]: a disk that lies, or a book that acknowledges too early.
    Manual,
}

#[derive(Debug, Clone)]
enum Op {
    Commit(Arc<Batch>),
    Snapshot(Arc<SnapshotRow>, usize),
}

#[derive(Debug, Clone, Default)]
struct Disk {
    tables: Tables,
    /// Everything ever written, to build the tables anew after a crash.
    log: Vec<Op>,
    n_synced: usize,
    sync: SyncMode,
    n_writes: u64,
    faults: VecDeque<(u64, Fault)>,
    full: bool,
}

#[derive(Debug, Clone, Default)]
struct Tables {
    streams: BTreeMap<StreamId, StreamRow>,
    leases: BTreeMap<(StreamId, u64), LeaseRow>,
    /// By position over all streams, from 1: (batch, index within it).
    entries: Vec<(Arc<Batch>, usize)>,
    /// Positions of the entries of a stream, by sequence number from 1.
    by_stream: BTreeMap<StreamId, Vec<usize>>,
    commits: Vec<CommitRow>,
    blobs: BTreeMap<Digest, Arc<Batch>>,
    snapshots: BTreeMap<(StreamId, u64), Arc<SnapshotRow>>,
}

impl MemoryDisk {
    /// An empty disk that keeps its promises.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection to it.
    #[must_use]
    pub fn connect(&self) -> MemoryStorage {
        MemoryStorage { disk: self.clone() }
    }

    /// A disk of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// Writes so far (commits, snapshots, tending), failed ones included.
    #[must_use]
    pub fn n_writes(&self) -> u64 {
        self.lock().n_writes
    }

    /// Lets the `n`-th write from now on (1 is the next) fail in this way, once.
    pub fn fail_write(&self, n: u64, fault: Fault) {
        let mut disk = self.lock();
        let at = disk.n_writes + n;
        disk.faults.push_back((at, fault));
    }

    /// Lets every write fail for want of space, until it is told otherwise.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// From now on writes are safe when they return, or only after [`MemoryDisk::sync`].
    pub fn set_sync(&self, sync: SyncMode) {
        self.lock().sync = sync;
    }

    /// Makes everything written so far safe from a crash.
    pub fn sync(&self) {
        let mut disk = self.lock();
        disk.n_synced = disk.log.len();
    }

    /// Writes that a crash could take away.
    #[must_use]
    pub fn n_unsynced(&self) -> usize {
        let disk = self.lock();
        disk.log.len() - disk.n_synced
    }

    /// The power goes: of what was not synced only the first `keep` writes are still there
    /// afterwards. A write is there as a whole or not at all, as the log's checksums make it.
    pub fn crash(&self, keep: usize) {
        let mut disk = self.lock();
        let n_kept = disk.n_synced.saturating_add(keep).min(disk.log.len());
        disk.log.truncate(n_kept);
        disk.n_synced = n_kept;
        disk.tables = Tables::default();
        for op in disk.log.clone() {
            disk.tables.apply(&op);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        // A test that panicked elsewhere says more than a second panic here would.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn write(&mut self, op: Option<Op>) -> Result<(), StorageError> {
        self.n_writes += 1;
        let n = self.n_writes;
        let fault = self
            .faults
            .iter()
            .position(|(at, _)| *at == n)
            .and_then(|at| self.faults.remove(at));
        let fault = fault
            .map(|(_, fault)| fault)
            .or(self.full.then_some(Fault::Full));
        match fault {
            Some(Fault::Full) => return Err(StorageError::Full),
            Some(Fault::Busy) => return Err(StorageError::Busy),
            Some(Fault::Failed) => return Err(failure()),
            None | Some(Fault::FailedAfter) => {}
        }
        if let Some(op) = op {
            self.tables.check(&op)?;
            self.tables.apply(&op);
            self.log.push(op);
            if self.sync == SyncMode::Each {
                self.n_synced = self.log.len();
            }
        }
        if fault.is_some() {
            Err(failure())
        } else {
            Ok(())
        }
    }
}

impl Tables {
    fn check(&self, op: &Op) -> Result<(), StorageError> {
        let Op::Commit(batch) = op else { return Ok(()) };
        let moved = |holds: bool| {
            if holds {
                Ok(())
            } else {
                Err(StorageError::Moved)
            }
        };
        moved(batch.commit.no == self.commits.len() as u64 + 1)?;
        for row in &batch.streams {
            moved(
                !self
                    .streams
                    .values()
                    .any(|other| other.info.name == row.info.name),
            )?;
        }
        for lease in &batch.leases {
            let epoch = self.streams.get(&lease.stream).map(|row| row.info.epoch);
            moved(epoch.map(|epoch| epoch + 1) == Some(lease.epoch))?;
        }
        for to in &batch.moves {
            let at = self
                .streams
                .get(&to.stream)
                .map(|row| (row.info.epoch, row.info.head_seq));
            moved(at == Some((to.epoch, to.from_seq)))?;
        }
        Ok(())
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Commit(batch) => self.apply_batch(batch),
            Op::Snapshot(row, keep) => {
                self.snapshots
                    .insert((row.stream, row.seq), Arc::clone(row));
                let seqs: Vec<u64> = self.of_stream(&row.stream).map(|row| row.seq).collect();
                for seq in seqs.into_iter().skip(*keep) {
                    self.snapshots.remove(&(row.stream, seq));
                }
            }
        }
    }

    fn apply_batch(&mut self, batch: &Arc<Batch>) {
        for blob in &batch.blobs {
            self.blobs
                .entry(blob.digest())
                .or_insert_with(|| Arc::clone(batch));
        }
        for row in &batch.streams {
            self.streams.insert(row.info.id, row.clone());
        }
        for lease in &batch.leases {
            self.leases
                .insert((lease.stream, lease.epoch), lease.clone());
            if let Some(row) = self.streams.get_mut(&lease.stream) {
                row.info.epoch = lease.epoch;
            }
        }
        for to in &batch.moves {
            if let Some(row) = self.streams.get_mut(&to.stream) {
                (row.info.head_seq, row.info.head_hash) = (to.to_seq, to.to_hash);
            }
        }
        for (at, row) in batch.entries.iter().enumerate() {
            self.by_stream
                .entry(row.stream)
                .or_default()
                .push(self.entries.len());
            self.entries.push((Arc::clone(batch), at));
        }
        self.commits.push(batch.commit);
    }

    /// Snapshots of a stream, newest first.
    fn of_stream(&self, stream: &StreamId) -> impl Iterator<Item = &Arc<SnapshotRow>> {
        self.snapshots
            .range((*stream, 0)..=(*stream, u64::MAX))
            .rev()
            .map(|(_, row)| row)
    }

    fn row(&self, position: usize) -> Option<EntryRow> {
        let (batch, at) = self.entries.get(position)?;
        batch.entries.get(*at).cloned()
    }

    fn rows_of(&self, stream: &StreamId, from_seq: u64) -> impl Iterator<Item = EntryRow> {
        let positions = self.by_stream.get(stream).map_or(&[][..], Vec::as_slice);
        positions
            .iter()
            .skip(index(from_seq))
            .filter_map(|position| self.row(*position))
    }
}

impl Storage for MemoryStorage {
    fn position(&self) -> Result<Position, StorageError> {
        let disk = self.disk.lock();
        let streams = disk.tables.streams.values().cloned().collect();
        Ok(Position {
            commit: disk.tables.commits.last().copied(),
            streams,
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.disk
            .lock()
            .write(Some(Op::Commit(Arc::new(batch.clone()))))
    }

    fn entries(
        &self,
        stream: &StreamId,
        from_seq: u64,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StorageError> {
        Ok(self
            .disk
            .lock()
            .tables
            .rows_of(stream, from_seq)
            .take(limit)
            .collect())
    }

    fn run_entries(
        &self,
        stream: &StreamId,
        run: &[u8; 16],
        from_seq: u64,
        limit: usize,
    ) -> Result<Vec<EntryRow>, StorageError> {
        let disk = self.disk.lock();
        let rows = disk.tables.rows_of(stream, from_seq);
        Ok(rows
            .filter(|row| row.record.run.as_ref() == Some(run))
            .take(limit)
            .collect())
    }

    fn all_entries(
        &self,
        from_gseq: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EntryRow)>, StorageError> {
        let disk = self.disk.lock();
        let first = index(from_gseq);
        let positions = first..disk.tables.entries.len();
        let rows = positions.filter_map(|at| disk.tables.row(at).map(|row| (at as u64 + 1, row)));
        Ok(rows.take(limit).collect())
    }

    fn commits(&self, from_no: u64, limit: usize) -> Result<Vec<CommitRow>, StorageError> {
        Ok(self
            .disk
            .lock()
            .tables
            .commits
            .iter()
            .skip(index(from_no))
            .take(limit)
            .copied()
            .collect())
    }

    fn leases(&self) -> Result<Vec<LeaseRow>, StorageError> {
        Ok(self.disk.lock().tables.leases.values().cloned().collect())
    }

    fn has_blob(&self, digest: &Digest) -> Result<bool, StorageError> {
        Ok(self.disk.lock().tables.blobs.contains_key(digest))
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StorageError> {
        let disk = self.disk.lock();
        let batch = disk.tables.blobs.get(digest);
        let blob = batch.and_then(|batch| batch.blobs.iter().find(|blob| blob.digest() == *digest));
        Ok(blob.map(|blob| blob.data().to_vec()))
    }

    fn blob_names(
        &self,
        after: Option<&Digest>,
        limit: usize,
    ) -> Result<Vec<Digest>, StorageError> {
        let disk = self.disk.lock();
        let names = disk
            .tables
            .blobs
            .keys()
            .filter(|name| after.is_none_or(|after| *name > after));
        Ok(names.take(limit).copied().collect())
    }

    fn snapshots(&self, stream: &StreamId) -> Result<Vec<SnapshotRow>, StorageError> {
        Ok(self
            .disk
            .lock()
            .tables
            .of_stream(stream)
            .map(|row| row.as_ref().clone())
            .collect())
    }

    fn put_snapshot(&mut self, snapshot: &SnapshotRow, keep: usize) -> Result<(), StorageError> {
        self.disk
            .lock()
            .write(Some(Op::Snapshot(Arc::new(snapshot.clone()), keep)))
    }

    fn pin(&self) -> Result<(), StorageError> {
        // Whoever simulates decides when anybody writes.
        Ok(())
    }

    fn unpin(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn integrity(&self) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn tend(&mut self, _how: Tend) -> Result<(), StorageError> {
        self.disk.lock().write(None)
    }
}

/// Numbers of a book count from 1, places in a vector from 0.
fn index(number: u64) -> usize {
    usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn failure() -> StorageError {
    StorageError::Failed {
        doing: "write to the simulated disk",
        source: Arc::new(io::Error::other("the fault that was asked for")),
    }
}
