//! Snapshots: one that fits is where reading begins, and one that does not is as good as none.

#![expect(clippy::panic, reason = "a test says what failed")]

use decide::{FOLD_CODE, World};
use engine::{Codec, EngineError, KEY_BYTES, Secrets};
use journal::memory::MemoryDisk;
use journal::{Book, Options, Reader, StreamId};
use model::{Digest, Event};
use std::sync::Arc;
use value::Name;

const ENVIRONMENT: &str = "production";

/// A book in which engines have started, and nothing else.
struct Fixture {
    disk: MemoryDisk,
    book: Book,
    stream: StreamId,
}

impl Fixture {
    fn new(starts: u64) -> Self {
        let disk = MemoryDisk::new();
        let options = Options::new(Arc::new(|| 0));
        let mut book = done(Book::over(Box::new(disk.connect()), &options));
        let stream = done(book.create_stream(ENVIRONMENT, 0)).id;
        let epoch = done(book.take_lease(stream, "test", 0));
        let environment = Name::from(ENVIRONMENT);
        let opened = Event::Opened { environment };
        let started = (1..=starts).map(|epoch| Event::Started {
            epoch,
            program: "test".into(),
        });
        let codec = Codec {
            actor: "test".into(),
            secrets: secrets(),
        };
        let records = std::iter::once(opened)
            .chain(started)
            .map(|event| done(codec.record(&event, 0)).0)
            .collect();
        done(book.append(stream, epoch, records, Vec::new()));
        Self { disk, book, stream }
    }

    fn reader(&self) -> Reader {
        Reader::over(Box::new(self.disk.connect()))
    }

    /// The world at an entry.
    fn at(&self, position: u64) -> World {
        let mut found = None;
        done(engine::folded(
            &self.reader(),
            ENVIRONMENT,
            Some(&secrets()),
            |world| {
                if world.position == position {
                    found = Some(world.clone());
                }
            },
        ));
        found.unwrap_or_else(|| panic!("no entry {position}"))
    }

    fn keep(&mut self, position: u64, code: &str, state: Vec<u8>) {
        done(self.book.put_snapshot(self.stream, position, code, state));
    }

    fn read(&self) -> World {
        done(engine::world(&self.reader(), ENVIRONMENT, Some(&secrets()))).0
    }
}

fn secrets() -> Secrets {
    Secrets::new(&[3; KEY_BYTES])
}

fn done<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// A world that its entries do not give, so that one sees whether it was believed.
fn marked(mut world: World) -> World {
    world.quarantine.insert(Digest::of(b""), "marked".into());
    world
}

fn stored(world: &World) -> Vec<u8> {
    engine::sealed_snapshot(world, &secrets()).unwrap_or_default()
}

#[test]
fn reading_begins_at_the_newest_snapshot() {
    let mut fixture = Fixture::new(5);
    let state = stored(&marked(fixture.at(3)));
    fixture.keep(3, FOLD_CODE, state);
    let world = fixture.read();
    assert!(!world.quarantine.is_empty(), "the snapshot was not used");
    assert_eq!(
        (world.position, world.epoch),
        (6, 5),
        "and the tail after it"
    );
}

/// A snapshot at entry 3: the code that is said to have made it, and its state.
type Snapshot = fn(&Fixture) -> (&'static str, Vec<u8>);

#[test]
fn what_does_not_fit_is_as_good_as_none() {
    let cases: [(&str, Snapshot); 5] = [
        ("made by other code", |fixture| {
            ("other", stored(&marked(fixture.at(3))))
        }),
        ("of another moment", |fixture| {
            (FOLD_CODE, stored(&marked(fixture.at(2))))
        }),
        ("empty", |_| (FOLD_CODE, Vec::new())),
        ("no world", |_| (FOLD_CODE, model::encode(&"nonsense"))),
        ("with something behind it", |fixture| {
            let mut state = stored(&marked(fixture.at(3)));
            state.push(0);
            (FOLD_CODE, state)
        }),
    ];
    for (name, make) in cases {
        let mut fixture = Fixture::new(5);
        let (code, state) = make(&fixture);
        fixture.keep(3, code, state);
        let world = fixture.read();
        assert!(world.quarantine.is_empty(), "{name}: it was believed");
        assert_eq!(world.position, 6, "{name}");
    }
}

#[test]
fn a_snapshot_that_the_entries_do_not_give_is_named() {
    let mut fixture = Fixture::new(5);
    let state = stored(&fixture.at(3));
    fixture.keep(3, FOLD_CODE, state);
    let key = secrets();
    let checked = |fixture: &Fixture| {
        engine::checked_world(&fixture.reader(), ENVIRONMENT, Some(&key))
            .map(|(world, compared)| (world.position, compared))
    };
    assert!(matches!(checked(&fixture), Ok((6, true))));
    let state = stored(&marked(fixture.at(4)));
    fixture.keep(4, FOLD_CODE, state);
    let found = checked(&fixture);
    assert!(
        matches!(&found, Err(EngineError::Snapshot { position: 4, .. })),
        "{found:?}"
    );
}

#[test]
fn snapshots_are_made_when_they_pay() {
    let mut world = World {
        position: 2_000,
        ..World::default()
    };
    assert!(world.is_snapshot_due(0));
    assert!(world.is_snapshot_due(1_000));
    assert!(!world.is_snapshot_due(1_001), "too few entries since");
    world.position = 999;
    assert!(!world.is_snapshot_due(0), "a small book needs none");
}
