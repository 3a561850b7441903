//! What the tests of the book share: a clock that stands still, small options, records by number.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use journal::{Blob, Book, Options, Record, StreamId};

/// Options with a clock that the test moves, and a small disk reserve.
pub fn options_with_clock() -> (Options, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let shown = Arc::clone(&clock);
    let mut options = Options::new(Arc::new(move || shown.load(Ordering::Relaxed)));
    options.ballast_bytes = 64 * 1024;
    options.free_floor_bytes = 0;
    options.allow_network_fs = true;
    (options, clock)
}

pub fn options() -> Options {
    options_with_clock().0
}

pub fn record(n: u64) -> Record {
    let mut record = Record::new(
        3,
        1,
        1_000 + n as i64,
        "ada",
        format!("body {n}").into_bytes(),
    );
    record.run = Some([(n % 3) as u8 + 1; 16]);
    record.action = n.is_multiple_of(2).then_some([n as u8; 16]);
    record.attempt = n as u32;
    record.cause = n / 2;
    record
}

/// A book with two streams, three starts, several commits, named blobs and snapshots.
pub fn small_book(dir: &Path, options: &Options) -> Book {
    let mut book = Book::open(dir, options).unwrap();
    let streams: Vec<StreamId> = ["staging", "production"]
        .map(|name| book.create_stream(name, 7).unwrap().id)
        .to_vec();
    let mut n = 0;
    for start in 0..3u8 {
        for stream in &streams {
            let epoch = book
                .take_lease(*stream, &format!("test-{start}"), 10 + i64::from(start))
                .unwrap();
            for size in [1, 3] {
                let blob = Blob::new(vec![n as u8; 200 + 50 * n as usize]).unwrap();
                let mut records: Vec<Record> = (n..n + size).map(record).collect();
                records[0].blobs.push(blob.digest());
                n += size;
                book.append(*stream, epoch, records, vec![blob]).unwrap();
            }
        }
    }
    for stream in &streams {
        for seq in [4, 9] {
            book.put_snapshot(*stream, seq, "fold 1", vec![seq as u8; 300])
                .unwrap();
        }
    }
    book
}
