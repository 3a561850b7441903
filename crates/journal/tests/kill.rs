//! A real process that appends is killed at random moments; what it was told is there afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test, helpers included"
)]

mod sample;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use journal::{Blob, Book, Reader, Writer};
use sample::{options, record};

const DIR: &str = "JOURNAL_KILL_TEST_DIR";
const KILLS: u64 = 20;

/// Not a test by itself: the process that is killed. Prints each acknowledged number.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let mut options = options();
    options.wal_checkpoint_bytes = 256 * 1024; // so that checkpoints are among what is interrupted
    let mut book = Book::open(Path::new(&dir), &options).unwrap();
    let stream = book.create_stream("production", 1).unwrap();
    let epoch = book.take_lease(stream.id, "child", 1).unwrap();
    let writer = Writer::start(book).unwrap();
    println!("ready");
    for n in stream.head_seq + 1.. {
        let (sender, _) = mpsc::channel::<u64>();
        let blob = Blob::new(vec![n as u8; 1_000]).unwrap();
        let mut one = record(n);
        one.blobs.push(blob.digest());
        let done = Box::new(
            move |result: Result<journal::Head, journal::JournalError>| {
                let _ = sender.send(0);
                println!("ack {}", result.unwrap().seq);
            },
        );
        writer.append(stream.id, epoch, vec![one], vec![blob], done);
        if n % 50 == 0 {
            writer
                .with_book(move |book| book.put_snapshot(stream.id, n, "fold", vec![1; 5_000]))
                .unwrap();
            writer.with_book(|book| book.barrier()).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let mut seed = u64::from(std::process::id());
    for kill in 1..=KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_appends_until_it_is_killed",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The moment is chosen by what the child has said, not by a clock: between 0 and 300
        // answers, and after that wherever the child happens to be.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let wanted = seed >> 33;
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let started = lines.by_ref().find(|line| line.contains("ready"));
        assert!(
            started.is_some(),
            "the child did not open the book after kill {}",
            kill - 1
        );
        let number = |line: &str| {
            line.rsplit_once("ack ")
                .and_then(|(_, n)| n.parse::<u64>().ok())
        };
        let mut seen = lines
            .by_ref()
            .take((wanted % 300) as usize)
            .filter_map(|line| number(&line))
            .max();
        child.kill().unwrap();
        child.wait().unwrap();
        seen = seen.max(lines.filter_map(|line| number(&line)).max());
        acknowledged = acknowledged.max(seen.unwrap_or(0));

        let before = Reader::open(dir.path()).unwrap().verify();
        let report = match before {
            Ok(report) => report,
            // Only a slot of the anchor may be torn, and it is mended by opening.
            Err(error) => panic!("after kill {kill}: {error}"),
        };
        assert!(
            report.n_entries >= acknowledged,
            "kill {kill}: {acknowledged} lost, {}",
            report.n_entries
        );
        let mut book = Book::open(dir.path(), &options()).unwrap();
        let info = book.stream("production").unwrap().clone();
        let epoch = book.take_lease(info.id, "parent", 1).unwrap();
        let head = book
            .append(info.id, epoch, vec![record(0)], vec![])
            .unwrap();
        assert_eq!(head.seq, info.head_seq + 1);
        acknowledged = head.seq;
        assert_eq!(book.verify().unwrap().n_entries, head.seq);
        if kill % 2 == 0 {
            book.close().unwrap();
        }
    }
    assert!(acknowledged > KILLS, "the child never got to append");
}
