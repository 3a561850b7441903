//! The book as its users meet it: leases, fences, refusals, failures, reading beside a writer.
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
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};

use journal::memory::{Fault, MemoryDisk, SyncMode};
use journal::{
    ANCHOR_FILE, Append, BALLAST_FILE, Blob, Book, DATABASE_FILE, Digest, JournalError, Reader,
    Record, StreamId, Writer,
};
use sample::{options, options_with_clock, record, small_book};

fn memory_book(disk: &MemoryDisk) -> (Book, StreamId, u64) {
    let mut book = Book::over(Box::new(disk.connect()), &options()).unwrap();
    let stream = book.create_stream("production", 1).unwrap().id;
    let epoch = book.take_lease(stream, "test", 1).unwrap();
    (book, stream, epoch)
}

#[test]
fn what_was_appended_is_read_back_by_stream_by_run_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = small_book(dir.path(), &options());
    book.barrier().unwrap();
    let report = book.verify().unwrap();
    assert_eq!(
        (
            report.n_entries,
            report.n_blobs,
            report.n_leases,
            report.n_snapshots
        ),
        (24, 12, 6, 4)
    );
    book.close().unwrap();
    // Everything is in the database once the book is closed: the log is empty.
    assert!(fs::metadata(dir.path().join("book.db-wal")).map_or(0, |file| file.len()) == 0);

    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.verify().unwrap(), report);
    let view = reader.view();
    let stream = view.stream("production").unwrap();
    let all: Vec<_> = view
        .entries(stream.id, 1)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        all.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=12).collect::<Vec<_>>()
    );
    assert!(all.windows(2).all(|pair| pair[1].prev == pair[0].hash));
    let tail: Vec<_> = view
        .entries(stream.id, 9)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(tail, all[8..]);
    assert_eq!(view.entries(stream.id, 13).unwrap().count(), 0);
    let run: Vec<_> = view
        .run_entries(stream.id, [2; 16])
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let wanted: Vec<_> = all
        .iter()
        .filter(|entry| entry.record.run == Some([2; 16]))
        .cloned()
        .collect();
    assert!(!run.is_empty() && run == wanted);
    let blob = all
        .iter()
        .find_map(|entry| entry.record.blobs.first())
        .unwrap();
    assert_eq!(Digest::of(&view.blob(blob).unwrap()), *blob);
    assert_eq!(view.snapshot(stream.id, "fold 1").unwrap().unwrap().seq, 9);
    assert_eq!(view.snapshot(stream.id, "fold 2").unwrap(), None);
    assert_eq!(
        view.blob(&Digest::of(b"?")).unwrap_err().code(),
        "missing-blob"
    );
    assert_eq!(view.stream("qa").unwrap_err().code(), "unknown-stream");
}

#[test]
fn an_older_epoch_is_fenced_though_it_has_not_noticed() {
    let disk = MemoryDisk::new();
    let (mut old, stream, epoch) = memory_book(&disk);
    old.append(stream, epoch, vec![record(1)], vec![]).unwrap();
    let mut new = Book::over(Box::new(disk.connect()), &options()).unwrap();
    let newer = new.take_lease(stream, "other", 2).unwrap();
    match old
        .append(stream, epoch, vec![record(2)], vec![])
        .unwrap_err()
    {
        JournalError::Fenced {
            stream,
            ours,
            current,
        } => {
            assert_eq!(
                (stream.as_str(), ours, current),
                ("production", epoch, newer)
            );
        }
        other => panic!("{other}"),
    }
    new.append(stream, newer, vec![record(2)], vec![]).unwrap();
    assert_eq!(
        old.append(stream, newer + 1, vec![record(3)], vec![])
            .unwrap_err()
            .code(),
        "fenced"
    );
    assert_eq!(new.verify().unwrap().n_entries, 2);
}

#[test]
fn two_holders_of_two_streams_of_one_store_do_not_disturb_each_other() {
    let disk = MemoryDisk::new();
    let (mut one, first, epoch) = memory_book(&disk);
    let mut two = Book::over(Box::new(disk.connect()), &options()).unwrap();
    let second = two.create_stream("staging", 1).unwrap().id;
    let second_epoch = two.take_lease(second, "two", 1).unwrap();
    for n in 0..20 {
        one.append(first, epoch, vec![record(n), record(n + 1)], vec![])
            .unwrap();
        two.append(second, second_epoch, vec![record(n)], vec![])
            .unwrap();
    }
    assert_eq!(two.verify().unwrap().n_entries, 60);
}

#[test]
fn each_append_of_a_group_is_refused_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = Book::open(dir.path(), &options()).unwrap();
    let stream = book.create_stream("production", 1).unwrap().id;
    let epoch = book.take_lease(stream, "test", 1).unwrap();
    let append = |records, blobs| Append {
        stream,
        epoch,
        records,
        blobs,
    };
    let blob = Blob::new(*b"plan").unwrap();
    let mut names = record(1);
    names.blobs.push(blob.digest());
    let mut names_nothing = record(1);
    names_nothing.blobs.push(Digest::of(b"nothing"));
    let long = Record {
        body: vec![0; 65_537],
        ..record(1)
    };
    let group = vec![
        append(vec![names.clone()], vec![]),
        append(vec![record(1)], vec![blob.clone()]),
        append(vec![names.clone()], vec![]),
        append(vec![record(2), names_nothing], vec![]),
        append(vec![long], vec![]),
        Append {
            epoch: 9,
            ..append(vec![record(1)], vec![])
        },
        Append {
            stream: StreamId::from_bytes([0; 16]),
            ..append(vec![record(1)], vec![])
        },
        append(
            vec![Record {
                actor: "a".repeat(201),
                ..record(1)
            }],
            vec![],
        ),
        append(
            vec![Record {
                cause: u64::MAX,
                ..record(1)
            }],
            vec![],
        ),
        append(vec![], vec![]),
        append(vec![names], vec![]),
    ];
    let results: Vec<String> = book
        .append_group(group)
        .into_iter()
        .map(|result| {
            result.map_or_else(|error| error.code().to_owned(), |head| head.seq.to_string())
        })
        .collect();
    let wanted = [
        "missing-blob",
        "1",
        "2",
        "missing-blob",
        "too-large",
        "fenced",
        "unknown-stream",
        "too-large",
        "invalid",
        "2",
        "3",
    ];
    assert_eq!(results, wanted);
    assert_eq!(book.verify().unwrap().n_entries, 3);
    for name in ["", "a\nb", &"x".repeat(201)] {
        assert!(book.create_stream(name, 1).is_err());
    }
    assert_eq!(book.create_stream("production", 99).unwrap().id, stream);
    assert_eq!(
        book.put_snapshot(stream, 4, "f", vec![])
            .unwrap_err()
            .code(),
        "invalid"
    );
}

#[test]
fn a_failed_commit_poisons_whether_or_not_it_landed() {
    for (fault, n_after) in [(Fault::Failed, 1), (Fault::FailedAfter, 2)] {
        let disk = MemoryDisk::new();
        let (mut book, stream, epoch) = memory_book(&disk);
        book.append(stream, epoch, vec![record(1)], vec![]).unwrap();
        disk.fail_write(1, fault);
        let error = book
            .append(stream, epoch, vec![record(2)], vec![])
            .unwrap_err();
        assert_eq!(error.code(), "poisoned");
        assert!(
            error.to_string().contains("the fault that was asked for"),
            "{error}"
        );
        // The disk is well again, and still nothing is accepted: what it holds is in doubt.
        assert_eq!(
            book.append(stream, epoch, vec![record(3)], vec![])
                .unwrap_err()
                .code(),
            "poisoned"
        );
        assert_eq!(
            book.take_lease(stream, "x", 1).unwrap_err().code(),
            "poisoned"
        );
        assert_eq!(book.tend(true).unwrap_err().code(), "poisoned");
        assert_eq!(book.close().unwrap_err().code(), "poisoned");
        let mut book = Book::over(Box::new(disk.connect()), &options()).unwrap();
        assert_eq!(book.verify().unwrap().n_entries, n_after);
        let epoch = book.take_lease(stream, "test", 2).unwrap();
        book.append(stream, epoch, vec![record(3)], vec![]).unwrap();
        book.verify().unwrap();
    }
}

#[test]
fn every_write_may_fail_in_every_way_and_nothing_acknowledged_is_lost() {
    for fault in [Fault::Full, Fault::Busy, Fault::Failed, Fault::FailedAfter] {
        for n in 1..=30 {
            let disk = MemoryDisk::new();
            disk.fail_write(n, fault);
            let mut acknowledged = 0;
            for _ in 0..3 {
                let mut book = Book::over(Box::new(disk.connect()), &options()).unwrap();
                let Ok(info) = book.create_stream("production", 1) else {
                    continue;
                };
                let Ok(epoch) = book.take_lease(info.id, "test", 1) else {
                    continue;
                };
                for k in 0..8 {
                    match book.append(info.id, epoch, vec![record(k)], vec![]) {
                        Ok(head) => acknowledged = head.seq,
                        Err(error) => assert!(
                            ["full", "busy", "poisoned"].contains(&error.code()),
                            "{error}"
                        ),
                    }
                    let _ = book.put_snapshot(info.id, acknowledged, "fold", vec![]);
                }
            }
            disk.crash(0);
            let report = Reader::over(Box::new(disk.connect())).verify().unwrap();
            assert!(report.n_entries >= acknowledged, "{fault:?} at write {n}");
        }
    }
}

#[test]
fn a_full_disk_refuses_and_resumes_by_itself() {
    let disk = MemoryDisk::new();
    let (mut book, stream, epoch) = memory_book(&disk);
    disk.set_full(true);
    assert_eq!(
        book.append(stream, epoch, vec![record(1)], vec![])
            .unwrap_err()
            .code(),
        "full"
    );
    book.tend(true).unwrap();
    disk.set_full(false);
    assert_eq!(
        book.append(stream, epoch, vec![record(1)], vec![])
            .unwrap()
            .seq,
        1
    );
    assert_eq!(book.verify().unwrap().n_entries, 1);
}

#[test]
fn a_crash_takes_only_what_was_not_synced() {
    for keep in 0..=6 {
        let disk = MemoryDisk::new();
        let (mut book, stream, epoch) = memory_book(&disk);
        book.append(stream, epoch, vec![record(1)], vec![]).unwrap();
        disk.set_sync(SyncMode::Manual);
        for n in 0..5 {
            book.append(stream, epoch, vec![record(n)], vec![]).unwrap();
        }
        assert_eq!(disk.n_unsynced(), 5);
        disk.crash(keep);
        let book = Book::over(Box::new(disk.connect()), &options()).unwrap();
        assert_eq!(book.verify().unwrap().n_entries, 1 + keep.min(5) as u64);
    }
}

#[test]
fn the_second_writer_is_told_and_readers_are_not_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let (options, _) = options_with_clock();
    let mut book = small_book(dir.path(), &options);
    match Book::open(dir.path(), &options).unwrap_err() {
        JournalError::Held { pid, since_ms, .. } => {
            assert_eq!((pid, since_ms), (Some(std::process::id()), Some(1_000_000)));
        }
        other => panic!("{other}"),
    }
    let stream = book.stream("production").unwrap().clone();
    let reader = Reader::open(dir.path()).unwrap();
    let mut entries = reader.view().entries(stream.id, 1).unwrap();
    assert_eq!(entries.next().unwrap().unwrap().seq, 1);
    for n in 0..50 {
        book.append(stream.id, stream.epoch, vec![record(n)], vec![])
            .unwrap();
        reader.verify().unwrap();
    }
    assert_eq!(reader.view().stream("production").unwrap().head_seq, 62);
    assert!(entries.all(|entry| entry.is_ok()));
    book.close().unwrap();
    Book::open(dir.path(), &options).unwrap();
}

#[test]
fn the_anchor_is_written_on_time_on_request_and_on_close() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = options_with_clock();
    let mut book = small_book(dir.path(), &options);
    let stream = book.stream("staging").unwrap().clone();
    let lag = |book: &Book| {
        let report = book.verify().unwrap();
        report.n_commits - report.anchored_commit.unwrap()
    };
    let append = |book: &mut Book| {
        book.append(stream.id, stream.epoch, vec![record(1)], vec![])
            .unwrap();
    };
    assert!(lag(&book) > 0);
    book.barrier().unwrap();
    assert_eq!(lag(&book), 0);
    append(&mut book);
    assert_eq!(lag(&book), 1);
    clock.fetch_add(999, Ordering::Relaxed);
    append(&mut book);
    assert_eq!(lag(&book), 2);
    clock.fetch_add(1, Ordering::Relaxed);
    append(&mut book);
    assert_eq!(lag(&book), 0);
    append(&mut book);
    clock.fetch_sub(5_000, Ordering::Relaxed);
    book.tend(true).unwrap();
    assert_eq!(lag(&book), 0);
    append(&mut book);
    book.close().unwrap();
    let report = Reader::open(dir.path()).unwrap().verify().unwrap();
    assert_eq!(report.anchored_commit, Some(report.n_commits));
}

#[test]
fn a_lost_tail_is_refused_until_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options();
    let database = dir.path().join(DATABASE_FILE);
    small_book(dir.path(), &options).close().unwrap();
    let backup = fs::read(&database).unwrap();
    let mut book = Book::open(dir.path(), &options).unwrap();
    let stream = book.stream("staging").unwrap().clone();
    let before = book.verify().unwrap().n_commits;
    for n in 0..3 {
        book.append(stream.id, stream.epoch, vec![record(n)], vec![])
            .unwrap();
    }
    book.close().unwrap();
    fs::write(&database, &backup).unwrap();
    for error in [
        Book::open(dir.path(), &options).unwrap_err(),
        Reader::open(dir.path()).unwrap().verify().unwrap_err(),
        Reader::open(dir.path())
            .unwrap()
            .check_anchor()
            .unwrap_err(),
    ] {
        match error {
            JournalError::TailLost {
                expected, found, ..
            } => assert_eq!((expected, found), (before + 3, before)),
            other => panic!("{other}"),
        }
    }
    // The same after the whole database has gone.
    fs::remove_file(&database).unwrap();
    assert_eq!(
        Book::open(dir.path(), &options).unwrap_err().code(),
        "tail-lost"
    );
    assert!(!database.exists());
    fs::write(&database, &backup).unwrap();
    options.accept_tail_loss = true;
    let mut book = Book::open(dir.path(), &options).unwrap();
    let epoch = book.take_lease(stream.id, "test", 1).unwrap();
    book.append(stream.id, epoch, vec![record(1)], vec![])
        .unwrap();
    book.close().unwrap();
    options.accept_tail_loss = false;
    Book::open(dir.path(), &options).unwrap().verify().unwrap();
    Reader::open(dir.path()).unwrap().check_anchor().unwrap();
}

#[test]
fn a_missing_or_foreign_anchor_and_another_books_database_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = options_with_clock();
    small_book(dir.path(), &options).close().unwrap();
    let anchor = dir.path().join(ANCHOR_FILE);
    let good = fs::read(&anchor).unwrap();
    fs::remove_file(&anchor).unwrap();
    assert_eq!(
        Book::open(dir.path(), &options).unwrap_err().code(),
        "corrupt"
    );
    assert_eq!(
        Reader::open(dir.path())
            .unwrap()
            .verify()
            .unwrap_err()
            .code(),
        "corrupt"
    );
    assert!(!anchor.exists());
    fs::write(&anchor, good).unwrap();
    clock.fetch_add(1, Ordering::Relaxed);
    let other = tempfile::tempdir().unwrap();
    let mut book = Book::open(other.path(), &options).unwrap();
    let stream = book.create_stream("production", 99).unwrap().id;
    let epoch = book.take_lease(stream, "test", 1).unwrap();
    for n in 0..60 {
        book.append(stream, epoch, vec![record(n)], vec![]).unwrap();
    }
    book.close().unwrap();
    fs::copy(
        other.path().join(DATABASE_FILE),
        dir.path().join(DATABASE_FILE),
    )
    .unwrap();
    let error = Book::open(dir.path(), &options).unwrap_err();
    assert!(
        error.to_string().contains("history was replaced"),
        "{error}"
    );
}

#[test]
fn what_is_not_a_book_of_ours_is_refused_and_stays_as_it_is() {
    let newer = |dir: &std::path::Path| {
        small_book(dir, &options()).close().unwrap();
        let mut bytes = fs::read(dir.join(DATABASE_FILE)).unwrap();
        bytes[63] = 9; // the last byte of user_version in the header (SQLite file format, 1.3)
        fs::write(dir.join(DATABASE_FILE), bytes).unwrap();
    };
    let of_another_program = |dir: &std::path::Path| {
        small_book(dir, &options()).close().unwrap();
        let mut bytes = fs::read(dir.join(DATABASE_FILE)).unwrap();
        bytes[68] ^= 1; // application_id
        fs::write(dir.join(DATABASE_FILE), bytes).unwrap();
    };
    let of_no_program = |dir: &std::path::Path| {
        small_book(dir, &options()).close().unwrap();
        let mut bytes = fs::read(dir.join(DATABASE_FILE)).unwrap();
        bytes[60..64].fill(0);
        bytes[68..72].fill(0);
        fs::write(dir.join(DATABASE_FILE), bytes).unwrap();
    };
    let text = |dir: &std::path::Path| {
        fs::write(dir.join(DATABASE_FILE), "not a database\n".repeat(100)).unwrap()
    };
    type Make<'a> = &'a dyn Fn(&std::path::Path);
    let cases: [(&str, Make<'_>); 4] = [
        ("newer", &newer),
        ("foreign", &of_another_program),
        ("foreign", &of_no_program),
        ("foreign", &text),
    ];
    for (code, make) in cases {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path());
        let before = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
        let error = Book::open(dir.path(), &options()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(Reader::open(dir.path()).unwrap_err().code(), code);
        assert_eq!(fs::read(dir.path().join(DATABASE_FILE)).unwrap(), before);
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap_err().code(), "no-book");
    assert_eq!(
        Reader::open(&dir.path().join("nowhere"))
            .unwrap_err()
            .code(),
        "no-book"
    );
}

#[test]
fn a_creation_that_was_cut_short_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE_FILE), b"").unwrap();
    Book::open(dir.path(), &options()).unwrap().close().unwrap();
    // The database was made, the anchor was not.
    fs::remove_file(dir.path().join(ANCHOR_FILE)).unwrap();
    let mut book = Book::open(dir.path(), &options()).unwrap();
    book.create_stream("production", 1).unwrap();
    book.verify().unwrap();
}

#[test]
fn a_creation_killed_while_the_log_was_switched_on_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(DATABASE_FILE);
    let database = rusqlite::Connection::open(&path).unwrap();
    let mode = database
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "wal");
    drop(database);
    // What a kill between the first page and the end of its transaction leaves (found by `cargo xtask crash`): a hot
    // rollback journal that says that the file was empty. <https://www.sqlite.org/fileformat2.html#the_rollback_journal>
    let mut hot = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    for field in [0_u32, 0xcbfe_bec5, 0, 512, 4_096] {
        hot.extend(field.to_be_bytes());
    }
    hot.resize(512, 0);
    fs::write(dir.path().join("book.db-journal"), hot).unwrap();

    assert!(matches!(
        Reader::open(dir.path()),
        Err(JournalError::NoBook { .. })
    ));
    small_book(dir.path(), &options()).close().unwrap();
    Reader::open(dir.path()).unwrap().verify().unwrap();
}

#[test]
fn the_ballast_is_there_and_is_not_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options();
    Book::open(dir.path(), &options).unwrap();
    assert_eq!(
        fs::metadata(dir.path().join(BALLAST_FILE)).unwrap().len(),
        64 * 1024
    );
    options.free_floor_bytes = u64::MAX;
    let book = Book::open(dir.path(), &options).unwrap();
    assert_eq!(book.reserve().can_start(0).unwrap_err().code(), "low-space");
}

#[test]
fn many_producers_share_commits_and_each_is_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Arc::new(Writer::start(small_book(dir.path(), &options())).unwrap());
    let info = writer
        .with_book(|book| Ok(book.stream("production").unwrap().clone()))
        .unwrap();
    let before = writer.with_book(|book| book.verify()).unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let producers: Vec<_> = (0..8)
        .map(|_| {
            let (writer, heads) = (Arc::clone(&writer), Arc::clone(&heads));
            std::thread::spawn(move || {
                for n in 0..100 {
                    let heads = Arc::clone(&heads);
                    let done = Box::new(move |result: Result<journal::Head, JournalError>| {
                        heads.lock().unwrap().push(result.unwrap().seq);
                    });
                    writer.append(info.id, info.epoch, vec![record(n)], vec![], done);
                }
            })
        })
        .collect();
    producers
        .into_iter()
        .for_each(|producer| producer.join().unwrap());
    let report = writer.with_book(|book| book.verify()).unwrap();
    assert_eq!(report.n_entries, before.n_entries + 800);
    assert!(
        report.n_commits < before.n_commits + 800,
        "nothing was grouped"
    );
    // Acknowledged in the order of the chain, each once.
    assert_eq!(*heads.lock().unwrap(), (13..=812).collect::<Vec<_>>());
    writer.can_start(1).unwrap();
    Arc::into_inner(writer).unwrap().close().unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().verify().unwrap(), {
        journal::VerifyReport {
            anchored_commit: Some(report.n_commits),
            ..report
        }
    });
}

#[test]
fn a_poisoned_writer_answers_everyone() {
    let disk = MemoryDisk::new();
    let (book, stream, epoch) = memory_book(&disk);
    for writer in [
        Writer::start(book).unwrap(),
        Writer::inline(memory_book(&MemoryDisk::new()).0),
    ] {
        disk.fail_write(1, Fault::Failed);
        let (sender, receiver) = mpsc::channel();
        let is_inline = writer
            .with_book(|_| Ok(std::thread::current().name() != Some("journal")))
            .unwrap();
        for _ in 0..100 {
            let sender = sender.clone();
            let done = Box::new(move |result: Result<journal::Head, JournalError>| {
                sender.send(result).unwrap()
            });
            writer.append(stream, epoch, vec![record(1)], vec![], done);
        }
        drop(sender);
        let answers: Vec<_> = receiver.iter().collect();
        assert_eq!(answers.len(), 100);
        assert!(answers.iter().all(|answer| if is_inline {
            answer.is_ok()
        } else {
            answer
                .as_ref()
                .is_err_and(|error| error.code() == "poisoned")
        }));
        assert_eq!(writer.close().is_ok(), is_inline);
    }
}

#[test]
fn a_writer_that_panicked_leaves_nobody_waiting() {
    let disk = MemoryDisk::new();
    let (book, stream, epoch) = memory_book(&disk);
    let writer = Writer::start(book).unwrap();
    let answer =
        writer.with_book(|_| -> Result<(), JournalError> { panic!("a visitor's mistake") });
    assert_eq!(answer.unwrap_err().code(), "closed");
    let answer = writer.append_and_wait(stream, epoch, vec![record(1)], vec![]);
    assert_eq!(answer.unwrap_err().code(), "closed");
    assert_eq!(writer.close().unwrap_err().code(), "poisoned");
}

#[test]
fn a_directory_that_cannot_be_written_is_read_and_not_applied_to() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    small_book(dir.path(), &options()).close().unwrap();
    let protect = |mode_dir, mode_file| {
        for entry in fs::read_dir(dir.path()).unwrap() {
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(mode_file))
                .unwrap();
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode_dir)).unwrap();
    };
    protect(0o555, 0o444);
    if fs::write(dir.path().join("probe"), b"").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    let error = Book::open(dir.path(), &options()).unwrap_err();
    assert_eq!(error.code(), "read-only", "{error}");
    assert_eq!(
        Reader::open(dir.path())
            .unwrap()
            .verify()
            .unwrap()
            .n_entries,
        24
    );
    // The same where only the database is protected.
    protect(0o755, 0o644);
    fs::set_permissions(
        dir.path().join(DATABASE_FILE),
        fs::Permissions::from_mode(0o444),
    )
    .unwrap();
    let error = Book::open(dir.path(), &options()).unwrap_err();
    assert_eq!(error.code(), "read-only", "{error}");
    assert_eq!(
        Reader::open(dir.path())
            .unwrap()
            .verify()
            .unwrap()
            .n_entries,
        24
    );
}

#[test]
fn a_blob_is_checked_each_time_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    small_book(dir.path(), &options()).close().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    connection
        .execute("UPDATE blob SET data = x'00' WHERE id = 3", [])
        .unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let mut codes = Vec::new();
    for info in reader.view().streams().unwrap() {
        for entry in reader.view().entries(info.id, 1).unwrap() {
            for name in entry.unwrap().record.blobs {
                if let Err(error) = reader.view().blob(&name) {
                    assert!(error.to_string().contains(&name.to_string()), "{error}");
                    codes.push(error.code());
                }
            }
        }
    }
    assert_eq!(codes, ["corrupt"]);
}
