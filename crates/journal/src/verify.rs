//! The whole check of a book: every column that carries information is compared with a hash, or
//! with what it was derived from, and the first damage is named by place. It repairs nothing.
//! What no check can see is listed in decision 0002 (bytes of the file that mean nothing).

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::anchor::Anchored;
use crate::book::ANCHOR_FILE;
use crate::chain::{self, CommitParts, Link};
use crate::digest::{Digest, StreamId};
use crate::error::{JournalError, Place};
use crate::limits;
use crate::record::StreamInfo;
use crate::storage::{
    CommitRow, EntryRow, LeaseRow, Position, SnapshotRow, Storage, StorageError, StreamRow,
};
use crate::view::{AnchorState, hash_at, wanted_digest};

/// What was checked and found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The streams and their heads.
    pub streams: Vec<StreamInfo>,
    /// Entries over all streams.
    pub n_entries: u64,
    /// Commits.
    pub n_commits: u64,
    /// Leases ever taken.
    pub n_leases: u64,
    /// Blobs.
    pub n_blobs: u64,
    /// Snapshots.
    pub n_snapshots: u64,
    /// The commit the anchor remembers, where there is an anchor.
    pub anchored_commit: Option<u64>,
    /// Root over everything up to the last commit.
    pub root: Digest,
}

/// The state of the walk through the commits.
struct Walk<'a> {
    storage: &'a dyn Storage,
    position: Position,
    /// Streams by the commit that created them, in order of their identifiers.
    created: BTreeMap<u64, Vec<StreamId>>,
    leases: BTreeMap<u64, Vec<LeaseRow>>,
    links: BTreeMap<StreamId, Link>,
    /// The epoch each stream had at the commit that is looked at.
    epochs: BTreeMap<StreamId, u64>,
    page: VecDeque<(u64, EntryRow)>,
    next_gseq: u64,
    root: Digest,
}

/// Checks everything. The caller has pinned the storage if others may write to it.
pub(crate) fn verify(
    storage: &dyn Storage,
    anchor: &AnchorState,
) -> Result<VerifyReport, JournalError> {
    let position = storage.position()?;
    let mut walk = Walk::new(storage, position)?;
    let n_commits = walk.position.commit.map_or(0, |row| row.no);
    let anchored = anchor.latest();
    let anchored_root = walk.commits(anchored.as_ref().ok().copied().flatten())?;
    walk.heads()?;
    check_tail(anchor, anchored?, n_commits, anchored_root)?;
    let n_blobs = blobs(storage)?;
    let mut n_snapshots = 0;
    for row in &walk.position.streams {
        n_snapshots += snapshots(storage, &row.info)?;
    }
    if let Some(what) = storage.integrity()?.into_iter().next() {
        return Err(corrupt(Place::Store, what, None));
    }
    if let AnchorState::Kept(path, Some(reading)) = anchor {
        reading.sound(path)?;
    }
    Ok(VerifyReport {
        n_entries: walk.next_gseq - 1,
        n_commits,
        n_leases: walk.leases.values().map(|leases| leases.len() as u64).sum(),
        n_blobs,
        n_snapshots,
        anchored_commit: anchor.latest()?.map(|anchored| anchored.commit_no),
        root: walk.root,
        streams: walk
            .position
            .streams
            .into_iter()
            .map(|row| row.info)
            .collect(),
    })
}

impl<'a> Walk<'a> {
    fn new(storage: &'a dyn Storage, position: Position) -> Result<Self, JournalError> {
        let mut links = BTreeMap::new();
        let mut created: BTreeMap<u64, Vec<StreamId>> = BTreeMap::new();
        for row in &position.streams {
            check_stream(row)?;
            created.entry(row.commit_no).or_default().push(row.info.id);
            links.insert(row.info.id, Link::start(row.info.id, row.info.genesis()));
        }
        let mut leases: BTreeMap<u64, Vec<LeaseRow>> = BTreeMap::new();
        for lease in storage.leases()? {
            if !links.contains_key(&lease.stream) {
                let place = Place::Lease {
                    stream: lease.stream.to_string(),
                    epoch: lease.epoch,
                };
                return Err(corrupt(place, "its stream does not exist".to_owned(), None));
            }
            leases.entry(lease.commit_no).or_default().push(lease);
        }
        Ok(Self {
            storage,
            position,
            created,
            leases,
            links,
            epochs: BTreeMap::new(),
            page: VecDeque::new(),
            next_gseq: 1,
            root: chain::book_root(),
        })
    }

    /// Follows the commit log to its end. Returns the root at the commit the anchor remembers.
    fn commits(&mut self, anchored: Option<Anchored>) -> Result<Option<Digest>, JournalError> {
        let anchored_no = anchored.map(|anchored| anchored.commit_no);
        let mut anchored_root = (anchored_no == Some(0)).then_some(self.root);
        let mut next_no = 1;
        loop {
            let page = self
                .storage
                .commits(next_no, limits::PAGE_ROWS_MAX)
                .map_err(|error| JournalError::read(Place::Commit { no: next_no }, None, error))?;
            if page.is_empty() {
                break;
            }
            for row in page {
                if row.no != next_no {
                    return Err(corrupt(
                        Place::Commit { no: next_no },
                        "it is missing".to_owned(),
                        None,
                    ));
                }
                self.commit(&row)?;
                if anchored_no == Some(row.no) {
                    anchored_root = Some(row.root);
                }
                next_no += 1;
            }
        }
        let last_no = next_no - 1;
        if let Some((no, _)) = self
            .leases
            .iter()
            .find(|(no, _)| **no == 0 || **no > last_no)
        {
            let what = "a lease refers to it, and it is not there".to_owned();
            return Err(corrupt(Place::Commit { no: *no }, what, None));
        }
        if let Some((_, row)) = self.next_entry()? {
            let place = Place::Entry {
                stream: self.name(&row.stream),
                seq: row.seq,
            };
            return Err(corrupt(place, "no commit accounts for it".to_owned(), None));
        }
        Ok(anchored_root)
    }

    fn commit(&mut self, commit: &CommitRow) -> Result<(), JournalError> {
        let place = Place::Commit { no: commit.no };
        if commit.first_gseq != self.next_gseq {
            let what = format!(
                "it begins at position {}, not at {}",
                commit.first_gseq, self.next_gseq
            );
            return Err(corrupt(place, what, None));
        }
        let streams = self.created.get(&commit.no).cloned().unwrap_or_default();
        let leases = self.leases.get(&commit.no).cloned().unwrap_or_default();
        for lease in &leases {
            let before = self
                .epochs
                .insert(lease.stream, lease.epoch)
                .unwrap_or_default();
            if lease.epoch != before + 1 {
                let place = Place::Lease {
                    stream: self.name(&lease.stream),
                    epoch: lease.epoch,
                };
                return Err(corrupt(place, format!("it follows epoch {before}"), None));
            }
        }
        let mut entries = Vec::new();
        for _ in 0..commit.n_entries {
            entries.push(self.entry(commit)?);
        }
        let root = chain::commit_root(CommitParts {
            prev_root: &self.root,
            no: commit.no,
            first_gseq: commit.first_gseq,
            streams: &streams,
            leases: &leases,
            entries: &entries,
        });
        if root != commit.root {
            let what = "its root does not match its entries, leases and streams".to_owned();
            return Err(corrupt(place, what, None));
        }
        self.root = root;
        Ok(())
    }

    /// Checks the entry at the next position and returns its hash.
    fn entry(&mut self, commit: &CommitRow) -> Result<Digest, JournalError> {
        let Some((gseq, row)) = self.next_entry()? else {
            return Err(self.blame("it is missing", commit.no));
        };
        if gseq != self.next_gseq {
            return Err(self.blame("it is missing", commit.no));
        }
        let name = self.name(&row.stream);
        let Some(link) = self.links.get_mut(&row.stream) else {
            return Err(self.blame("its stream does not exist", commit.no));
        };
        let (seq, last_good) = (link.seq + 1, Some(link.seq));
        let bad = |what: String| {
            corrupt(
                Place::Entry {
                    stream: name.clone(),
                    seq,
                },
                what,
                last_good,
            )
        };
        link.follow(&row).map_err(|fault| bad(fault.to_string()))?;
        let current = self.epochs.get(&row.stream).copied().unwrap_or_default();
        if row.epoch != current {
            return Err(bad(format!(
                "it has epoch {}, and epoch {current} held the stream",
                row.epoch
            )));
        }
        for digest in &row.record.blobs {
            if !self.storage.has_blob(digest)? {
                return Err(bad(format!("it names blob {digest}, which is missing")));
            }
        }
        self.next_gseq += 1;
        Ok(row.hash)
    }

    /// Takes the next entry there is, at whatever position.
    fn next_entry(&mut self) -> Result<Option<(u64, EntryRow)>, JournalError> {
        if self.page.is_empty() {
            match self
                .storage
                .all_entries(self.next_gseq, limits::PAGE_ROWS_MAX)
            {
                Ok(page) => self.page = page.into(),
                Err(StorageError::Damaged { what, .. }) => return Err(self.blame(&what, 0)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.page.pop_front())
    }

    fn name(&self, stream: &StreamId) -> String {
        let row = self
            .position
            .streams
            .iter()
            .find(|row| row.info.id == *stream);
        row.map_or_else(|| stream.to_string(), |row| row.info.name.clone())
    }

    /// The entry at the next position cannot be read. Which one it was follows from what comes
    /// after it: the stream that goes on one too far is the one that lacks it.
    fn blame(&self, what: &str, commit_no: u64) -> JournalError {
        let mut open: BTreeMap<StreamId, u64> = self
            .position
            .streams
            .iter()
            .filter_map(|row| {
                let next = self.links.get(&row.info.id)?.seq + 1;
                (row.info.head_seq >= next).then_some((row.info.id, next))
            })
            .collect();
        let mut from = self.next_gseq + 1;
        while open.len() > 1 {
            let Ok(page) = self.storage.all_entries(from, limits::PAGE_ROWS_MAX) else {
                break;
            };
            let Some((last, _)) = page.last() else { break };
            from = last + 1;
            for (_, row) in &page {
                match open.get(&row.stream) {
                    Some(next) if row.seq > *next => open.retain(|stream, _| *stream == row.stream),
                    Some(_) => drop(open.remove(&row.stream)),
                    None => {}
                }
            }
        }
        match open.iter().next() {
            Some((stream, seq)) if open.len() == 1 => {
                let place = Place::Entry {
                    stream: self.name(stream),
                    seq: *seq,
                };
                corrupt(place, what.to_owned(), Some(seq - 1))
            }
            _ if commit_no > 0 => corrupt(
                Place::Commit { no: commit_no },
                format!("of one of its entries: {what}"),
                None,
            ),
            _ => corrupt(
                Place::Store,
                format!("of the entry at position {}: {what}", self.next_gseq),
                None,
            ),
        }
    }

    /// Compares the heads with what the walk arrived at.
    fn heads(&self) -> Result<(), JournalError> {
        for row in &self.position.streams {
            let info = &row.info;
            let place = Place::Stream {
                name: info.name.clone(),
            };
            let Some(link) = self.links.get(&info.id) else {
                continue;
            };
            if (info.head_seq, info.head_hash) != (link.seq, link.hash) {
                let what = format!(
                    "it says entry {}, and the last entry is {}",
                    info.head_seq, link.seq
                );
                return Err(corrupt(place, what, Some(link.seq)));
            }
            let epoch = self.epochs.get(&info.id).copied().unwrap_or_default();
            if info.epoch != epoch {
                let what = format!(
                    "it says epoch {}, and the last lease has {epoch}",
                    info.epoch
                );
                return Err(corrupt(place, what, Some(link.seq)));
            }
        }
        Ok(())
    }
}

/// Reads every blob and compares it with its name.
fn blobs(storage: &dyn Storage) -> Result<u64, JournalError> {
    let mut n_blobs = 0;
    let mut after = None;
    loop {
        let names = storage.blob_names(after.as_ref(), limits::PAGE_ROWS_MAX)?;
        let Some(last) = names.last() else {
            return Ok(n_blobs);
        };
        after = Some(*last);
        for name in names {
            match storage.blob(&name) {
                Ok(Some(data)) if Digest::of(&data) == name => n_blobs += 1,
                Ok(_) => return Err(bad_blob(name, "its bytes do not match its name")),
                Err(StorageError::Damaged { what, .. }) => return Err(bad_blob(name, &what)),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn snapshots(storage: &dyn Storage, info: &StreamInfo) -> Result<u64, JournalError> {
    let place = |seq| Place::Snapshot {
        stream: info.name.clone(),
        seq,
    };
    let rows = storage
        .snapshots(&info.id)
        .map_err(|error| JournalError::read(place(None), None, error))?;
    for row in &rows {
        if let Some(what) = snapshot_fault(storage, row)? {
            return Err(corrupt(place(Some(row.seq)), what.to_owned(), None));
        }
    }
    Ok(rows.len() as u64)
}

/// What is wrong with a snapshot, if anything.
pub(crate) fn snapshot_fault(
    storage: &dyn Storage,
    row: &SnapshotRow,
) -> Result<Option<&'static str>, JournalError> {
    if wanted_digest(row) != row.digest {
        return Ok(Some("it does not match its digest"));
    }
    if hash_at(storage, &row.stream, row.seq)? != Some(row.entry_hash) {
        return Ok(Some("it belongs to an entry that is not in the book"));
    }
    Ok(None)
}

/// Checks that the identifier of a stream is the one its name and creation give.
pub(crate) fn check_stream(row: &StreamRow) -> Result<(), JournalError> {
    let info = &row.info;
    if chain::stream_id(&info.genesis()) == info.id {
        return Ok(());
    }
    let place = Place::Stream {
        name: info.name.clone(),
    };
    Err(corrupt(
        place,
        "its name and time of creation do not match its identifier".to_owned(),
        None,
    ))
}

/// Compares the end of the book with what the anchor remembers.
fn check_tail(
    anchor: &AnchorState,
    anchored: Option<Anchored>,
    n_commits: u64,
    anchored_root: Option<Digest>,
) -> Result<(), JournalError> {
    let AnchorState::Kept(path, reading) = anchor else {
        return Ok(());
    };
    let dir = path.parent().unwrap_or(path);
    let (Some(_), Some(anchored)) = (reading, anchored) else {
        return if n_commits == 0 {
            Ok(())
        } else {
            Err(anchor_missing(dir))
        };
    };
    if anchored.commit_no > n_commits {
        let (expected, found) = (anchored.commit_no, n_commits);
        return Err(JournalError::TailLost {
            path: dir.to_owned(),
            expected,
            found,
        });
    }
    if anchored_root != Some(anchored.root) {
        return Err(replaced(anchored.commit_no));
    }
    Ok(())
}

/// As [`check_tail`], without following the whole commit log: for whoever only looks, and for opening.
pub(crate) fn against_anchor(
    storage: &dyn Storage,
    dir: &Path,
    anchored: Option<Anchored>,
) -> Result<(), JournalError> {
    let newest = storage.position()?.commit;
    let found = newest.map_or(0, |commit| commit.no);
    let Some(anchored) = anchored else {
        return if found == 0 {
            Ok(())
        } else {
            Err(anchor_missing(dir))
        };
    };
    if found < anchored.commit_no {
        return Err(JournalError::TailLost {
            path: dir.to_owned(),
            expected: anchored.commit_no,
            found,
        });
    }
    let root = match anchored.commit_no {
        0 => Some(chain::book_root()),
        no => storage.commits(no, 1)?.first().map(|row| row.root),
    };
    if root == Some(anchored.root) {
        Ok(())
    } else {
        Err(replaced(anchored.commit_no))
    }
}

pub(crate) fn anchor_missing(dir: &Path) -> JournalError {
    let place = Place::Anchor {
        path: dir.join(ANCHOR_FILE),
    };
    corrupt(
        place,
        "it is missing, so nobody can tell whether entries are lost".to_owned(),
        None,
    )
}

pub(crate) fn replaced(no: u64) -> JournalError {
    let what =
        "its root is not the one that the anchor remembers: the history was replaced".to_owned();
    corrupt(Place::Commit { no }, what, None)
}

pub(crate) fn bad_blob(digest: Digest, what: &str) -> JournalError {
    corrupt(Place::Blob { digest }, what.to_owned(), None)
}

const fn corrupt(place: Place, what: String, last_good: Option<u64>) -> JournalError {
    JournalError::Corrupt {
        place,
        what,
        last_good,
    }
}
