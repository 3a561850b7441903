//! The hashes that hold the book together, and the checks that follow from them.
//! Pure: no storage, no clock. Every layout here is fixed for ever by the golden files of the
//! tests; a change is a new version of the envelope beside this one (decision 0003).

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::{Digest, StreamId};
use crate::record::{Entry, Record};
use crate::storage::{EntryRow, LeaseRow};

/// Version of the envelope that is written.
pub const ENVELOPE_VERSION: u8 = 1;

const ENTRY_DOMAIN: &[u8] = b"steadfast.ev.1";
const STREAM_DOMAIN: &[u8] = b"steadfast.stream.1";
const LEASE_DOMAIN: &[u8] = b"steadfast.lease.1";
const COMMIT_DOMAIN: &[u8] = b"steadfast.commit.1";
const BOOK_DOMAIN: &[u8] = b"steadfast.book.1";
const SNAPSHOT_DOMAIN: &[u8] = b"steadfast.snapshot.1";

/// How far a chain has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of the last entry; 0 before the first.
    pub seq: u64,
    /// Its hash, or the genesis digest.
    pub hash: Digest,
    /// Its epoch; 0 before the first.
    pub epoch: u64,
}

/// Why an entry does not continue a chain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkFault {
    /// Another entry stands where this one should.
    #[error("it is missing, entry {found} stands in its place")]
    Missing {
        /// Sequence number of the entry that was found.
        found: u64,
    },
    /// The entry belongs to another stream.
    #[error("an entry of another stream ({found}) stands in its place")]
    OtherStream {
        /// That stream.
        found: StreamId,
    },
    /// An older writer than the one before it.
    #[error("its epoch {found} is older than epoch {before} of the entry before it")]
    EpochWentBack {
        /// Epoch of the entry before.
        before: u64,
        /// Epoch of this entry.
        found: u64,
    },
    /// The body is not what was recorded.
    #[error("its body does not match its digest")]
    Body,
    /// It names another predecessor than the one that is there.
    #[error("it does not follow the entry before it")]
    Predecessor,
    /// Some part of the envelope, or the hash itself, is not what was recorded.
    #[error("it does not match its hash")]
    Hash,
}

/// The first entry at which a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("entry {seq} is damaged")]
pub struct Broken {
    /// Sequence number of the entry that should have been there.
    pub seq: u64,
    /// The last entry that is good.
    pub last_good: u64,
    /// What is wrong.
    #[source]
    pub fault: LinkFault,
}

/// Hashes fields in a fixed order; what has no fixed length is preceded by its length.
struct Fields(Sha256);

impl Fields {
    fn new(domain: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(domain);
        Self(hasher)
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    fn sized(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn int(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    fn optional(&mut self, id: Option<&[u8; 16]>) -> &mut Self {
        match id {
            Some(id) => self.raw(&[1]).raw(id),
            None => self.raw(&[0; 17]),
        }
    }

    fn digest(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }
}

/// The digest a stream's chain begins with: its creation parameters.
#[must_use]
pub fn genesis(name: &str, created_ms: i64) -> Digest {
    let mut fields = Fields::new(STREAM_DOMAIN);
    fields.sized(name.as_bytes()).raw(&created_ms.to_be_bytes());
    fields.digest()
}

/// The identifier of the stream whose chain begins with `genesis`.
#[must_use]
pub fn stream_id(genesis: &Digest) -> StreamId {
    let mut id = [0u8; 16];
    id.iter_mut()
        .zip(genesis.as_bytes())
        .for_each(|(to, from)| *to = *from);
    StreamId::from_bytes(id)
}

/// The hash of an envelope. Integers are big-endian, in this order: domain, version u8, stream
/// 16 bytes, seq u64, epoch u64, prev 32, at_ms i64, kind u16, kind_version u8, run and action as
/// 1 byte presence and 16 bytes each, attempt u32, cause u64, actor (length u64, bytes), blobs
/// (count u64, 32 bytes each), body length u64, body digest 32.
#[must_use]
pub fn entry_hash(
    stream: &StreamId,
    seq: u64,
    epoch: u64,
    prev: &Digest,
    record: &Record,
    body_digest: &Digest,
) -> Digest {
    let mut fields = Fields::new(ENTRY_DOMAIN);
    fields
        .raw(&[ENVELOPE_VERSION])
        .raw(stream.as_bytes())
        .int(seq)
        .int(epoch)
        .raw(prev.as_bytes())
        .raw(&record.at_ms.to_be_bytes())
        .raw(&record.kind.to_be_bytes())
        .raw(&[record.kind_version])
        .optional(record.run.as_ref())
        .optional(record.action.as_ref())
        .raw(&record.attempt.to_be_bytes())
        .int(record.cause)
        .sized(record.actor.as_bytes())
        .int(record.blobs.len() as u64);
    for blob in &record.blobs {
        fields.raw(blob.as_bytes());
    }
    fields
        .int(record.body.len() as u64)
        .raw(body_digest.as_bytes());
    fields.digest()
}

/// The root of an empty book.
#[must_use]
pub fn book_root() -> Digest {
    Fields::new(BOOK_DOMAIN).digest()
}

/// The digest of a lease as it enters the root of its commit.
#[must_use]
pub fn lease_digest(lease: &LeaseRow) -> Digest {
    let mut fields = Fields::new(LEASE_DOMAIN);
    fields
        .raw(lease.stream.as_bytes())
        .int(lease.epoch)
        .sized(lease.holder.as_bytes())
        .raw(&lease.taken_ms.to_be_bytes());
    fields.digest()
}

/// What a commit adds to the running root over all streams.
#[derive(Debug, Clone, Copy)]
pub struct CommitParts<'a> {
    /// Root of the commit before it.
    pub prev_root: &'a Digest,
    /// Number of the commit, dense from 1.
    pub no: u64,
    /// Position over all streams of its first entry.
    pub first_gseq: u64,
    /// Streams created by it, in order of their identifiers.
    pub streams: &'a [StreamId],
    /// Leases taken by it, in order of stream and epoch.
    pub leases: &'a [LeaseRow],
    /// Hashes of its entries, in order.
    pub entries: &'a [Digest],
}

/// The running root after a commit.
#[must_use]
pub fn commit_root(parts: CommitParts<'_>) -> Digest {
    let mut fields = Fields::new(COMMIT_DOMAIN);
    fields
        .raw(parts.prev_root.as_bytes())
        .int(parts.no)
        .int(parts.first_gseq);
    fields.int(parts.streams.len() as u64);
    for stream in parts.streams {
        fields.raw(stream.as_bytes());
    }
    fields.int(parts.leases.len() as u64);
    for lease in parts.leases {
        fields.raw(lease_digest(lease).as_bytes());
    }
    fields.int(parts.entries.len() as u64);
    for entry in parts.entries {
        fields.raw(entry.as_bytes());
    }
    fields.digest()
}

/// The digest that binds a snapshot to its place in its stream and to the code that made it.
#[must_use]
pub fn snapshot_digest(
    stream: &StreamId,
    seq: u64,
    entry_hash: &Digest,
    code_version: &str,
    state: &[u8],
) -> Digest {
    let mut fields = Fields::new(SNAPSHOT_DOMAIN);
    fields
        .raw(stream.as_bytes())
        .int(seq)
        .raw(entry_hash.as_bytes())
        .sized(code_version.as_bytes())
        .sized(state);
    fields.digest()
}

impl Link {
    /// The state of a chain before its first entry.
    #[must_use]
    pub const fn start(stream: StreamId, genesis: Digest) -> Self {
        Self {
            stream,
            seq: 0,
            hash: genesis,
            epoch: 0,
        }
    }

    /// Checks that `row` is the next entry of this chain and moves on to it.
    ///
    /// # Errors
    /// The first thing that is wrong with it; the link then stays where it was.
    pub(crate) fn follow(&mut self, row: &EntryRow) -> Result<(), LinkFault> {
        if row.stream != self.stream {
            return Err(LinkFault::OtherStream { found: row.stream });
        }
        if row.seq != self.seq + 1 {
            return Err(LinkFault::Missing { found: row.seq });
        }
        if row.epoch < self.epoch {
            return Err(LinkFault::EpochWentBack {
                before: self.epoch,
                found: row.epoch,
            });
        }
        check_row(row, &self.hash)?;
        (self.seq, self.hash, self.epoch) = (row.seq, row.hash, row.epoch);
        Ok(())
    }
}

/// Checks one row against its own digests, given the hash of the entry before it.
pub(crate) fn check_row(row: &EntryRow, prev: &Digest) -> Result<(), LinkFault> {
    if Digest::of(&row.record.body) != row.body_digest {
        return Err(LinkFault::Body);
    }
    let hash = entry_hash(
        &row.stream,
        row.seq,
        row.epoch,
        prev,
        &row.record,
        &row.body_digest,
    );
    if hash != row.hash {
        return Err(LinkFault::Hash);
    }
    Ok(())
}

/// Checks a whole stream, as exported: every entry from the first on.
///
/// The end of a chain cannot speak for itself: compare the result with a head that was kept
/// elsewhere to see whether entries are missing there.
///
/// # Errors
/// The first entry that is not what was recorded.
pub fn verify_chain(genesis: &Digest, entries: &[Entry]) -> Result<Link, Broken> {
    let mut link = Link::start(stream_id(genesis), *genesis);
    for entry in entries {
        let row = EntryRow {
            stream: entry.stream,
            seq: entry.seq,
            epoch: entry.epoch,
            hash: entry.hash,
            body_digest: entry.body_digest,
            record: entry.record.clone(),
        };
        let before = link;
        let followed = link.follow(&row).and_then(|()| {
            if entry.prev == before.hash {
                Ok(())
            } else {
                Err(LinkFault::Predecessor)
            }
        });
        followed.map_err(|fault| Broken {
            seq: before.seq + 1,
            last_good: before.seq,
            fault,
        })?;
    }
    Ok(link)
}
