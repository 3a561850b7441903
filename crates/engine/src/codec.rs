//! Events to records of the book and back.

use crate::{EngineError, Lent, Secrets};
use decide::{Blobs, Entry};
use journal::{Blob, JournalError, Reader, Record};
use model::{Digest, Event};

/// Layout version of a body that is the event itself.
const INLINE: u8 = 1;

/// Layout version of a body that is the digest of a blob that holds the event.
const BY_BLOB: u8 = 2;

/// Turns events into records.
#[derive(Clone, Debug)]
pub struct Codec {
    /// Who records: shown in the book beside each entry.
    pub actor: String,
    /// Seals what is sensitive.
    pub secrets: Secrets,
}

impl Codec {
    /// The record of an event, and the blob that holds it when it is too large to stand in the entry itself.
    ///
    /// # Errors
    /// When it is too large even for a blob.
    pub fn record(
        &self,
        event: &Event,
        at_ms: i64,
    ) -> Result<(Record, Option<Blob>), JournalError> {
        let body = self.secrets.seal(&model::encode(event));
        let mut record = Record::new(event.kind(), INLINE, at_ms, &self.actor, body);
        record.run = event.run().map(|run| wide(run.0));
        if let Event::Intended {
            action, attempt, ..
        }
        | Event::Finished {
            action, attempt, ..
        }
        | Event::Inquired {
            action, attempt, ..
        }
        | Event::Retried {
            action, attempt, ..
        } = event
        {
            record.action = Some(wide(action.0));
            record.attempt = *attempt;
        }
        record.blobs = blobs_of(event)
            .into_iter()
            .map(|digest| journal::Digest::from_bytes(digest.0))
            .collect();
        if record.body.len() <= journal::limits::BODY_BYTES_MAX {
            return Ok((record, None));
        }
        let blob = Blob::new(std::mem::take(&mut record.body))?;
        record.kind_version = BY_BLOB;
        record.body = model::encode(&Digest(*blob.digest().as_bytes()));
        record.blobs.push(blob.digest());
        Ok((record, Some(blob)))
    }

    /// The entry that a record of the book is.
    ///
    /// # Errors
    /// When this program does not know it, or its blob is missing.
    pub fn entry(
        environment: &str,
        stored: &journal::Entry,
        blobs: &dyn Blobs,
    ) -> Result<Entry, EngineError> {
        let unreadable = |what: String| EngineError::Unreadable {
            environment: environment.to_owned(),
            position: stored.seq,
            what,
        };
        let bytes = match stored.record.kind_version {
            INLINE => stored.record.body.clone(),
            BY_BLOB => {
                let digest: Digest = model::decode(&stored.record.body)
                    .map_err(|error| unreadable(error.to_string()))?;
                blobs
                    .blob(&digest)
                    .ok_or_else(|| unreadable(format!("its body {digest} is missing")))?
            }
            version => {
                return Err(unreadable(format!(
                    "kind {} has layout {version}, which only a newer release knows",
                    stored.record.kind
                )));
            }
        };
        let bytes = blobs.opened(bytes).map_err(unreadable)?;
        let event: Event = model::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
        Ok(Entry {
            position: stored.seq,
            at_ms: stored.record.at_ms,
            event,
        })
    }
}

fn wide(id: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (_, low) = bytes.split_at_mut(8);
    low.copy_from_slice(&id.to_be_bytes());
    bytes
}

/// The content that an event names.
fn blobs_of(event: &Event) -> Vec<Digest> {
    match event {
        Event::Submitted { release, .. } | Event::Released { release, .. } => vec![*release],
        Event::Drifted { pass, .. } => vec![pass.release],
        Event::Answered { answers, .. } => vec![*answers],
        Event::Planned { plan, .. } => vec![*plan],
        Event::TakenOver { state, .. } => vec![*state],
        Event::Opened { .. }
        | Event::Started { .. }
        | Event::Commanded { .. }
        | Event::Intended { .. }
        | Event::Finished { .. }
        | Event::Inquired { .. }
        | Event::Retried { .. }
        | Event::Parked { .. }
        | Event::Observed(_)
        | Event::Phased { .. }
        | Event::Judged { .. }
        | Event::Replanned { .. }
        | Event::Called { .. }
        | Event::Targeted { .. }
        | Event::Checked { .. }
        | Event::Closed { .. } => Vec::new(),
    }
}

/// Content read from a book, each piece checked against its name.
///
/// Without the project's key, what is sealed stays sealed: good for showing and checking, not for acting.
pub struct StoredBlobs<'a> {
    /// The book.
    pub reader: &'a Reader,
    /// Opens what is sealed.
    pub secrets: Option<&'a Secrets>,
    /// Values of ephemeral variables; none for whoever only looks.
    pub lent: Option<&'a Lent>,
}

impl Blobs for StoredBlobs<'_> {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.reader
            .view()
            .blob(&journal::Digest::from_bytes(digest.0))
            .ok()
    }

    fn texts(&self) -> Option<value::TextReader> {
        Some(definition::TEXTS)
    }

    fn lent(&self) -> model::Inputs {
        self.lent.map(Lent::values).unwrap_or_default()
    }

    fn sealed(&self, encoded: Vec<u8>) -> Vec<u8> {
        match self.secrets {
            Some(secrets) => secrets.seal(&encoded),
            None => encoded,
        }
    }

    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        match self.secrets {
            Some(secrets) => secrets.open(&stored).map_err(|error| error.to_string()),
            None => Ok(stored),
        }
    }
}
