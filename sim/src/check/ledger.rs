//! [`Ledger`]: what the book says, read by the checkers themselves.

use super::secrets;
use crate::ENVIRONMENT;
use decide::replay::Replay;
use decide::{Entry, Schemas, World};
use engine::{Codec, StoredBlobs};
use journal::Reader;
use model::{ActionId, Event};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The durable entries, taken one after the other as they become durable: each decision is derived again from those
/// before it, then the entry is folded.
#[derive(Clone)]
pub(crate) struct Ledger {
    replay: Replay,
    pub entries: Vec<Arc<Entry>>,
    /// Epoch and hash of each entry.
    pub marks: Vec<(u64, journal::Digest)>,
    /// The newest intent of each attempt.
    pub intents: BTreeMap<(ActionId, u32), Arc<Entry>>,
    /// Entries that an engine was told are durable.
    pub acknowledged: u64,
}

/// An entry that nobody has looked at yet.
pub(crate) struct Unread {
    pub entry: Entry,
    pub epoch: u64,
    pub hash: journal::Digest,
    /// A secret that stands in it, or in content that it names.
    pub secret: Option<String>,
}

impl Ledger {
    pub(crate) fn new(schemas: Arc<Schemas>) -> Self {
        Self {
            replay: Replay::new(schemas, None),
            entries: Vec::new(),
            marks: Vec::new(),
            intents: BTreeMap::new(),
            acknowledged: 0,
        }
    }

    /// The world after the newest entry taken.
    pub(crate) fn world(&self) -> &World {
        self.replay.world()
    }

    /// Decisions of the book that do not follow from what stands before them.
    pub(crate) fn different(&self) -> &[(u64, String)] {
        &self.replay.report().different
    }

    /// Reads what is new in the book. Everything in it is durable when this is called.
    pub(crate) fn unread(&self, reader: &Reader) -> Result<Vec<Unread>, String> {
        let view = reader.view();
        let Ok(stream) = view.stream(ENVIRONMENT) else {
            return Ok(Vec::new());
        };
        let key = crate::controller::secrets();
        let blobs = StoredBlobs {
            reader,
            secrets: Some(&key),
            lent: None,
        };
        let from = self.entries.len() as u64 + 1;
        let stored = view.entries(stream.id, from);
        stored
            .map_err(|error| error.to_string())?
            .map(|stored| {
                let stored = stored.map_err(|error| error.to_string())?;
                let entry = Codec::entry(ENVIRONMENT, &stored, &blobs)
                    .map_err(|error| error.to_string())?;
                Ok(Unread {
                    entry,
                    epoch: stored.epoch,
                    hash: stored.hash,
                    secret: secrets::in_clear(&stored, reader),
                })
            })
            .collect()
    }

    /// Takes the next entry.
    pub(crate) fn take(&mut self, unread: Unread, reader: &Reader) -> Result<Arc<Entry>, String> {
        let key = crate::controller::secrets();
        let blobs = StoredBlobs {
            reader,
            secrets: Some(&key),
            lent: None,
        };
        self.replay
            .take(&unread.entry, &blobs)
            .map_err(|error| error.to_string())?;
        let entry = Arc::new(unread.entry);
        if let Event::Intended {
            action, attempt, ..
        } = &entry.event
        {
            self.intents.insert((*action, *attempt), entry.clone());
        }
        self.marks.push((unread.epoch, unread.hash));
        self.entries.push(entry.clone());
        Ok(entry)
    }
}
