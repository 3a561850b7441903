//! [`Ledger`]: what the book says, read by the checkers themselves.

use crate::ENVIRONMENT;
use decide::{Entry, LoadedReleases, World};
use engine::{Codec, StoredBlobs};
use journal::Reader;
use model::{ActionId, Effect, Event};
use std::collections::BTreeMap;

/// The durable entries, folded one after the other as they become durable.
#[derive(Default)]
pub(crate) struct Ledger {
    pub world: World,
    pub releases: LoadedReleases,
    pub entries: Vec<Entry>,
    /// Epoch and hash of each entry.
    pub marks: Vec<(u64, journal::Digest)>,
    pub intents: BTreeMap<(ActionId, u32), Effect>,
    /// Entries that an engine was told are durable.
    pub acknowledged: u64,
}

impl Ledger {
    /// Reads what is new in the book. Everything in it is durable when this is called.
    pub(crate) fn catch_up(&mut self, reader: &Reader) -> Result<Vec<Entry>, String> {
        let view = reader.view();
        let Ok(stream) = view.stream(ENVIRONMENT) else {
            return Ok(Vec::new());
        };
        let secrets = crate::controller::secrets();
        let blobs = StoredBlobs {
            reader,
            secrets: Some(&secrets),
        };
        let from = self.entries.len() as u64 + 1;
        let mut new = Vec::new();
        for stored in view
            .entries(stream.id, from)
            .map_err(|error| error.to_string())?
        {
            let stored = stored.map_err(|error| error.to_string())?;
            let entry =
                Codec::entry(ENVIRONMENT, &stored, &blobs).map_err(|error| error.to_string())?;
            self.world
                .fold(&entry, &blobs, &mut self.releases)
                .map_err(|error| error.to_string())?;
            if let Event::Intended {
                action,
                attempt,
                effect,
                ..
            } = &entry.event
            {
                self.intents.insert((*action, *attempt), effect.clone());
            }
            self.marks.push((stored.epoch, stored.hash));
            self.entries.push(entry.clone());
            new.push(entry);
        }
        Ok(new)
    }
}
