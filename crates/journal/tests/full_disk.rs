//! A disk that is really full. Needs a small file system of its own, which a test cannot make
//! without rights: `JOURNAL_SMALL_DISK` names a directory on one (say, 8 MiB), else it is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test, helpers included"
)]

mod sample;

use std::fs;
use std::path::Path;

use journal::{BALLAST_FILE, Book, Record};
use sample::{options, record};

#[test]
fn a_full_disk_costs_the_ballast_then_refuses_then_resumes() {
    let Some(dir) = std::env::var_os("JOURNAL_SMALL_DISK") else {
        eprintln!("skipped: JOURNAL_SMALL_DISK names no directory on a small file system");
        return;
    };
    let dir = Path::new(&dir).join("book");
    let filler = dir.join("filler");
    let mut options = options();
    options.ballast_bytes = 1 << 20;
    options.wal_checkpoint_bytes = 256 * 1024;
    let mut book = Book::open(&dir, &options).unwrap();
    let stream = book.create_stream("production", 1).unwrap().id;
    let epoch = book.take_lease(stream, "test", 1).unwrap();
    let big = || Record {
        body: vec![7; 20_000],
        ..record(1)
    };
    book.append(stream, epoch, vec![big()], vec![]).unwrap();
    // Someone else fills the disk to the last block.
    let mut rest = fs::File::create(&filler).unwrap();
    while std::io::Write::write(&mut rest, &[0; 4096]).is_ok_and(|n| n > 0) {}
    let mut n_written = 1;
    let error = loop {
        match book.append(stream, epoch, vec![big()], vec![]) {
            Ok(head) => n_written = head.seq,
            Err(error) => break error,
        }
        let _ = book.tend(false);
    };
    assert_eq!(error.code(), "full", "{error}");
    assert!(
        n_written > 20,
        "the ballast was not used: {n_written} written"
    );
    assert_eq!(fs::metadata(dir.join(BALLAST_FILE)).unwrap().len(), 0);
    assert_eq!(book.verify().unwrap().n_entries, n_written);
    assert_eq!(
        book.append(stream, epoch, vec![big()], vec![])
            .unwrap_err()
            .code(),
        "full"
    );
    drop(rest);
    fs::remove_file(&filler).unwrap();
    assert_eq!(
        book.append(stream, epoch, vec![big()], vec![]).unwrap().seq,
        n_written + 1
    );
    book.tend(true).unwrap();
    assert_eq!(fs::metadata(dir.join(BALLAST_FILE)).unwrap().len(), 1 << 20);
    book.close().unwrap();
    Book::open(&dir, &options).unwrap().verify().unwrap();
    fs::remove_dir_all(&dir).unwrap();
}
