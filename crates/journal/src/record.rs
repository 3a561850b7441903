//! What is written down: records as a caller hands them in, entries as the book gives them back.
//! The body is opaque here. Its encoding belongs to whoever owns the kind (decision 0003).

use std::sync::Arc;

use crate::chain;
use crate::digest::{Digest, StreamId};
use crate::error::JournalError;
use crate::limits;

/// Something that happened, before the book has given it a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Type of the event. Bit 15 says "a reader that does not know it may skip it".
    pub kind: u16,
    /// Version of the body's layout for this kind.
    pub kind_version: u8,
    /// Wall time in milliseconds since 1970 UTC. Informational: it never orders or decides.
    pub at_ms: i64,
    /// The run this belongs to.
    pub run: Option<[u8; 16]>,
    /// The action within the run.
    pub action: Option<[u8; 16]>,
    /// Which attempt of the action, from 1; 0 where there is none.
    pub attempt: u32,
    /// Sequence number, in the same stream, of the entry that led to this one; 0 for none.
    pub cause: u64,
    /// Who did it: a person, a token or a part of the program.
    pub actor: String,
    /// Blobs the body refers to. They must be in the book already or come with this append.
    pub blobs: Vec<Digest>,
    /// The encoded event, at most [`limits::BODY_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

/// A record in its place, checked against the chain when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The stream it is in.
    pub stream: StreamId,
    /// Its place in the stream: dense, from 1.
    pub seq: u64,
    /// Fencing epoch of the writer.
    pub epoch: u64,
    /// Hash of the entry before it, or the stream's genesis digest.
    pub prev: Digest,
    /// Digest of the body; the hash covers this and not the body itself.
    pub body_digest: Digest,
    /// Hash of the envelope.
    pub hash: Digest,
    /// What was recorded.
    pub record: Record,
}

/// Bytes kept by their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    digest: Digest,
    data: Arc<[u8]>,
}

/// The end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The stream.
    pub stream: StreamId,
    /// Sequence number of its last entry; 0 when it is empty.
    pub seq: u64,
    /// Hash of its last entry, or its genesis digest.
    pub hash: Digest,
}

/// What is known about a stream without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Identifier, derived from the name and the time of creation.
    pub id: StreamId,
    /// Its name: the environment, or `_system`.
    pub name: String,
    /// When it was created, in milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Sequence number of its last entry; 0 when it is empty.
    pub head_seq: u64,
    /// Hash of its last entry, or its genesis digest.
    pub head_hash: Digest,
    /// The newest fencing epoch handed out; 0 when nobody has held it yet.
    pub epoch: u64,
}

impl Record {
    /// A record of this kind and body, with nothing correlated yet.
    #[must_use]
    pub fn new(kind: u16, kind_version: u8, at_ms: i64, actor: &str, body: Vec<u8>) -> Self {
        Self {
            kind,
            kind_version,
            at_ms,
            run: None,
            action: None,
            attempt: 0,
            cause: 0,
            actor: actor.to_owned(),
            blobs: Vec::new(),
            body,
        }
    }

    /// How much room the record takes, roughly, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        200 + self.actor.len() + self.body.len() + 32 * self.blobs.len()
    }

    pub(crate) fn check(&self) -> Result<(), JournalError> {
        check_size(
            "the body of a record",
            self.body.len(),
            limits::BODY_BYTES_MAX,
        )?;
        check_size(
            "the actor of a record",
            self.actor.len(),
            limits::ACTOR_BYTES_MAX,
        )?;
        check_size(
            "the list of blobs of a record",
            self.blobs.len(),
            limits::BLOBS_PER_RECORD_MAX,
        )?;
        if i64::try_from(self.cause).is_err() {
            return Err(JournalError::Invalid {
                what: "the cause of a record is no sequence number",
            });
        }
        Ok(())
    }
}

impl Blob {
    /// These bytes under their digest.
    ///
    /// # Errors
    /// `TooLarge` above [`limits::BLOB_BYTES_MAX`].
    pub fn new(data: impl Into<Arc<[u8]>>) -> Result<Self, JournalError> {
        let data = data.into();
        check_size("a blob", data.len(), limits::BLOB_BYTES_MAX)?;
        Ok(Self {
            digest: Digest::of(&data),
            data,
        })
    }

    /// The name of the bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

impl StreamInfo {
    /// The end of the stream.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head {
            stream: self.id,
            seq: self.head_seq,
            hash: self.head_hash,
        }
    }

    /// The digest the chain of this stream begins with.
    #[must_use]
    pub fn genesis(&self) -> Digest {
        chain::genesis(&self.name, self.created_ms)
    }
}

/// Refuses what is larger than its limit.
pub(crate) fn check_size(what: &'static str, size: usize, max: usize) -> Result<(), JournalError> {
    if size > max {
        return Err(JournalError::TooLarge {
            what,
            size: size as u64,
            max: max as u64,
        });
    }
    Ok(())
}
