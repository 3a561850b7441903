//! Every byte of a book that means something: flipped, it is named.
//!
//! A flip that the check lets pass must have changed nothing that can be read back. Those bytes
//! exist (free space of pages, counters in the header that SQLite sets for itself); decision 0002
//! lists them. One run looks at a sample with a step; `FLIP_EVERY_BYTE=1` looks at all.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test, helpers included"
)]

mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use journal::storage::Storage;
use journal::{ANCHOR_FILE, Book, DATABASE_FILE, JournalError, Place, Reader, SqliteStorage};
use sample::{options, record, small_book};

/// Positions looked at by one run, in each file.
const DATABASE_SAMPLE: usize = 2_000;
const LOG_SAMPLE: usize = 400;
const ANCHOR_SAMPLE: usize = 128;

/// Everything that can be read from a book, or why it cannot.
fn contents(dir: &Path) -> Result<String, JournalError> {
    let reader = Reader::open(dir)?;
    let mut text = String::new();
    let view = reader.view();
    for info in view.streams()? {
        text.push_str(&format!("{info:?}\n"));
        for entry in view.entries(info.id, 1)? {
            let entry = entry?;
            text.push_str(&format!("{entry:?}\n"));
            for blob in &entry.record.blobs {
                text.push_str(&format!("{:?}\n", view.blob(blob)?));
            }
        }
        for run in [[1; 16], [2; 16], [3; 16]] {
            text.push_str(&format!("{}\n", view.run_entries(info.id, run)?.count()));
        }
    }
    let storage = SqliteStorage::open_read_only(&dir.join(DATABASE_FILE))?;
    text.push_str(&format!(
        "{:?}{:?}",
        storage.commits(1, 1_000)?,
        storage.leases()?
    ));
    text.push_str(&format!("{:?}", storage.blob_names(None, 1_000)?));
    for info in view.streams()? {
        text.push_str(&format!("{:?}", storage.snapshots(&info.id)?));
    }
    Ok(text)
}

/// Where to start: another place on every run, so that over many runs all bytes are looked at.
fn offset(step: usize) -> usize {
    let seed = std::env::var("FLIP_OFFSET")
        .ok()
        .and_then(|text| text.parse().ok());
    seed.unwrap_or(std::process::id() as usize) % step
}

/// Flips bytes of one file of the book, one at a time. Returns how often each code was seen.
fn flip(dir: &Path, file: &str, sample: usize, before: &str) -> BTreeMap<String, usize> {
    let path = dir.join(file);
    let good = fs::read(&path).unwrap();
    let step = if std::env::var_os("FLIP_EVERY_BYTE").is_some() {
        1
    } else {
        good.len().div_ceil(sample)
    };
    let offset = offset(step);
    // One handle to the end: closing it would drop the locks of SQLite in this process.
    let opened = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let mut seen = BTreeMap::new();
    let mut unchanged = Vec::new();
    for at in (offset..good.len()).step_by(step) {
        opened
            .write_all_at(&[good[at] ^ (1 << (at % 8))], at as u64)
            .unwrap();
        let code = match Reader::open(dir).and_then(|reader| reader.verify()) {
            Ok(_) => {
                let after = contents(dir).unwrap_or_else(|error| error.to_string());
                assert!(
                    after == before,
                    "{file}: byte {at} was flipped (FLIP_OFFSET={offset}) and nobody said so"
                );
                unchanged.push(at);
                "unchanged".to_owned()
            }
            Err(JournalError::Corrupt {
                place: Place::Entry { seq, .. },
                last_good,
                ..
            }) => {
                assert_eq!(last_good, Some(seq - 1));
                "entry".to_owned()
            }
            Err(error) => {
                assert_ne!(error.code(), "storage", "byte {at}: {:?}", error);
                error.code().to_owned()
            }
        };
        opened.write_all_at(&good[at..=at], at as u64).unwrap();
        *seen.entry(code).or_default() += 1;
    }
    assert_eq!(contents(dir).unwrap(), before);
    println!("{file}: {seen:?}, without meaning: {unchanged:?}");
    seen
}

#[test]
fn flipped_bytes_of_the_database_are_named() {
    let dir = tempfile::tempdir().unwrap();
    small_book(dir.path(), &options()).close().unwrap();
    let before = contents(dir.path()).unwrap();
    let seen = flip(dir.path(), DATABASE_FILE, DATABASE_SAMPLE, &before);
    assert!(seen["entry"] > 50 && seen["corrupt"] > 100, "{seen:?}");
}

#[test]
fn flipped_bytes_of_the_log_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    small_book(dir.path(), &options()).close().unwrap();
    let mut book = Book::open(dir.path(), &options()).unwrap();
    let stream = book.stream("production").unwrap().clone();
    let epoch = book.take_lease(stream.id, "test", 1).unwrap();
    for n in 0..6 {
        book.append(stream.id, epoch, vec![record(n)], vec![])
            .unwrap();
    }
    book.barrier().unwrap();
    // As a kill leaves it: the log holds what the database does not have yet.
    for file in [DATABASE_FILE, "book.db-wal", ANCHOR_FILE] {
        fs::copy(dir.path().join(file), work.path().join(file)).unwrap();
    }
    let before = contents(work.path()).unwrap();
    let seen = flip(work.path(), "book.db-wal", LOG_SAMPLE, &before);
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["tail-lost"], "{seen:?}");
}

#[test]
fn flipped_bytes_of_the_anchor_are_named() {
    let dir = tempfile::tempdir().unwrap();
    small_book(dir.path(), &options()).close().unwrap();
    let before = contents(dir.path()).unwrap();
    let seen = flip(dir.path(), ANCHOR_FILE, ANCHOR_SAMPLE, &before);
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["corrupt"], "{seen:?}");
}

/// What an attacker or a careless hand does with SQL, and where it is found.
#[test]
fn edited_rows_are_named_by_place() {
    let cases = [
        (
            "UPDATE event SET body = x'00' WHERE gseq = 9",
            "its body does not match its digest",
        ),
        (
            "UPDATE event SET at_ms = at_ms + 1 WHERE gseq = 9",
            "it does not match its hash",
        ),
        (
            "UPDATE event SET kind = 4 WHERE gseq = 9",
            "it does not match its hash",
        ),
        (
            "UPDATE event SET run = NULL WHERE gseq = 9",
            "it does not match its hash",
        ),
        (
            "UPDATE event SET epoch = 2 WHERE gseq = 24",
            "its epoch 2 is older than epoch 3",
        ),
        (
            "UPDATE event SET body = x'00', body_sha = x'6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' \
          WHERE gseq = 9",
            "it does not match its hash",
        ),
        (
            "UPDATE event SET blobs = x'00' WHERE gseq = 9",
            "its column `blobs`",
        ),
        ("DELETE FROM event WHERE gseq = 9", "it is missing"),
        ("DELETE FROM event WHERE gseq = 24", "it is missing"),
        ("DELETE FROM blob WHERE id = 3", "which is missing"),
        (
            "UPDATE blob SET data = x'00' WHERE id = 3",
            "its bytes do not match its name",
        ),
        ("UPDATE stream SET head_seq = 11", "it says entry 11"),
        ("UPDATE stream SET epoch = 4", "it says epoch 4"),
        (
            "UPDATE stream SET name = name || '2'",
            "its name and time of creation",
        ),
        (
            "UPDATE stream SET created_ms = 8",
            "its name and time of creation",
        ),
        (
            "UPDATE stream SET commit_no = 2 WHERE name = 'staging'",
            "its root does not match",
        ),
        ("UPDATE lease SET holder = 'me'", "its root does not match"),
        ("UPDATE lease SET taken_ms = 0", "its root does not match"),
        (
            "UPDATE lease SET commit_no = 99 WHERE epoch = 3",
            "its root does not match",
        ),
        (
            "DELETE FROM lease WHERE epoch = 3",
            "its root does not match",
        ),
        (
            "INSERT INTO lease VALUES (zeroblob(16), 1, 'me', 0, 1)",
            "its stream does not exist",
        ),
        (
            "UPDATE commit_log SET root = zeroblob(32) WHERE no = 20",
            "its root does not match",
        ),
        (
            "UPDATE commit_log SET first_gseq = 3 WHERE no = 20",
            "it begins at position 3",
        ),
        (
            "UPDATE commit_log SET n_entries = 9 WHERE no = 20",
            "commit 20",
        ),
        ("DELETE FROM commit_log WHERE no = 20", "commit"),
        (
            "DELETE FROM commit_log WHERE no = 10",
            "commit 10 is damaged: it is missing",
        ),
        (
            "UPDATE snapshot SET state = x'00' WHERE seq = 9",
            "it does not match its digest",
        ),
        (
            "UPDATE snapshot SET code_version = 'fold 2' WHERE seq = 9",
            "it does not match its digest",
        ),
        (
            "UPDATE snapshot SET seq = 8 WHERE seq = 9",
            "it does not match its digest",
        ),
        (
            "UPDATE snapshot SET entry_hash = zeroblob(32) WHERE seq = 9",
            "it does not match its digest",
        ),
        (
            "UPDATE snapshot SET code_version = CAST(x'b1' AS TEXT) WHERE seq = 4",
            "its column `code_version` is not text",
        ),
        (
            "UPDATE lease SET holder = CAST(x'b1' AS TEXT) WHERE epoch = 3",
            "its column `holder` is not text",
        ),
        (
            "UPDATE stream SET name = CAST(x'b1' AS TEXT) WHERE name = 'production'",
            "its column `name` is not text",
        ),
        (
            "UPDATE event SET actor = CAST(x'b1' AS TEXT) WHERE gseq = 24",
            "its column `actor` is not text",
        ),
        ("UPDATE blob SET sha = x'ff' WHERE id = 3", "missing"),
        (
            "UPDATE blob SET sha = x'ffff' WHERE id = 3; UPDATE event SET blobs = x''",
            "hash",
        ),
        (
            "INSERT INTO blob(sha, data) VALUES (x'ffff', x'')",
            "its column `sha`",
        ),
        ("DROP INDEX event_run", "its tables are not those of a book"),
        (
            "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END",
            "its tables are not those of a book",
        ),
        ("DROP TABLE snapshot", "its tables are not those of a book"),
    ];
    for (sql, wanted) in cases {
        let dir = tempfile::tempdir().unwrap();
        small_book(dir.path(), &options()).close().unwrap();
        let connection = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let reader = Reader::open(dir.path()).unwrap();
        let error = reader.verify().unwrap_err().to_string();
        assert!(error.contains(wanted), "{sql}: {error}");
        // Who only reads along meets the same entry.
        if sql.starts_with("UPDATE event") || sql.starts_with("DELETE FROM event") {
            let view = reader.view();
            let read = view
                .streams()
                .unwrap()
                .into_iter()
                .find_map(|info| view.entries(info.id, 1).unwrap().find_map(Result::err));
            let read = read.map(|error| error.to_string()).unwrap_or_default();
            let place = |text: &str| text.split(':').next().unwrap().to_owned();
            assert_eq!(place(&read), place(&error), "{sql}");
        }
    }
}
