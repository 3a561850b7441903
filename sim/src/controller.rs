//! One engine's shell: a [`Core`], a connection to the book, and what it has handed out.

use crate::ENVIRONMENT;
use decide::{Blobs, Entry, Schemas};
use engine::{Codec, Core, Input, Secrets};
use journal::memory::{MemoryDisk, MemoryStorage};
use journal::storage::Storage as _;
use journal::{Blob, Book, Head, JournalError, Options, Reader, StreamId};
use model::{ActionId, Digest, Event};
use std::collections::BTreeSet;
use std::sync::Arc;
use value::Name;

/// An engine that is alive.
pub(crate) struct Controller {
    pub core: Core,
    pub book: Book,
    pub codec: Codec,
    pub stream: StreamId,
    pub epoch: u64,
    /// How far its clock is ahead of the others'.
    pub skew_ms: i64,
    /// When it is to be woken.
    pub timer_ms: Option<i64>,
    /// Attempts that a mutant has sent already.
    pub sent: BTreeSet<(ActionId, u32)>,
    /// Actions whose newest attempt was refused, for a mutant.
    pub refused: BTreeSet<ActionId>,
    /// A mutant: nothing is sealed.
    pub in_clear: bool,
}

/// Content as the disk has it.
pub(crate) struct DiskBlobs(pub MemoryStorage);

impl Blobs for DiskBlobs {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0
            .blob(&journal::Digest::from_bytes(digest.0))
            .ok()
            .flatten()
    }

    fn texts(&self) -> Option<value::TextReader> {
        Some(definition::TEXTS)
    }

    fn sealed(&self, encoded: Vec<u8>) -> Vec<u8> {
        secrets().seal(&encoded)
    }

    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        secrets().open(&stored).map_err(|error| error.to_string())
    }
}

/// The key of every simulated project.
pub(crate) fn secrets() -> Secrets {
    Secrets::new(&[7; engine::KEY_BYTES])
}

/// Reads the book from a disk.
pub(crate) fn reader(disk: &MemoryDisk) -> Reader {
    Reader::over(Box::new(disk.connect()))
}

impl Controller {
    /// Takes the pen, as `Engine::open` does: raises the epoch, folds the book, and is ready to say so.
    pub(crate) fn open(
        disk: &MemoryDisk,
        schemas: Arc<Schemas>,
        now_ms: i64,
        skew_ms: i64,
        spoil: impl FnOnce(&mut decide::World),
    ) -> Result<(Self, Input), String> {
        let options = Options::new(Arc::new(|| 0));
        let opened = || -> Result<_, JournalError> {
            let mut book = Book::over(Box::new(disk.connect()), &options)?;
            let stream = match book.stream(ENVIRONMENT) {
                Some(stream) => stream.id,
                None => book.create_stream(ENVIRONMENT, now_ms)?.id,
            };
            let epoch = book.take_lease(stream, "sim", now_ms)?;
            Ok((book, stream, epoch))
        };
        let (book, stream, epoch) = opened().map_err(|error| error.to_string())?;
        disk.sync();
        let (mut world, releases) = engine::world(&reader(disk), ENVIRONMENT, Some(&secrets()))
            .map_err(|error| chain(&error))?;
        let mut events = Vec::new();
        if world.position == 0 {
            events.push(Event::Opened {
                environment: Name::from(ENVIRONMENT),
            });
        }
        events.push(Event::Started {
            epoch,
            program: "sim".into(),
        });
        spoil(&mut world);
        let core = Core::new(
            world,
            releases,
            schemas,
            Box::new(DiskBlobs(disk.connect())),
        );
        let codec = Codec {
            actor: "sim".into(),
            secrets: secrets(),
        };
        let controller = Self {
            core,
            book,
            codec,
            stream,
            epoch,
            skew_ms,
            timer_ms: None,
            sent: BTreeSet::new(),
            refused: BTreeSet::new(),
            in_clear: false,
        };
        Ok((controller, Input::Record(events, Vec::new())))
    }

    /// Writes entries to the book. They are safe only when the disk is synced.
    pub(crate) fn write(
        &mut self,
        entries: &[Entry],
        blobs: Vec<Vec<u8>>,
        epoch: u64,
    ) -> Result<Head, JournalError> {
        let mut content = Vec::new();
        for bytes in blobs {
            content.push(Blob::new(bytes)?);
        }
        let mut records = Vec::new();
        for entry in entries {
            let (mut record, blob) = self.codec.record(&entry.event, entry.at_ms)?;
            if self.in_clear && blob.is_none() {
                record.body = model::encode(&entry.event);
            }
            records.push(record);
            content.extend(blob);
        }
        self.book.append(self.stream, epoch, records, content)
    }
}

/// An error with everything behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
