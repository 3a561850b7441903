//! What every storage must do, as a suite that the tests of each storage run.
//! It speaks only through the seam and returns the first promise that is not kept.

use crate::book::Book;
use crate::chain;
use crate::digest::{Digest, StreamId};
use crate::options::Options;
use crate::record::{Blob, Record, StreamInfo};
use crate::storage::{
    Batch, CommitRow, EntryRow, HeadMove, LeaseRow, SnapshotRow, Storage, StorageError, StreamRow,
    Tend,
};

type Check = Result<(), String>;
type Make<'a> = &'a mut dyn FnMut() -> Box<dyn Storage>;

/// Runs the suite. `make` gives a new, empty storage each time.
///
/// # Errors
/// The first promise that is not kept, with the check it belongs to.
pub fn storage(make: Make<'_>) -> Result<(), String> {
    type Named = (&'static str, fn(Box<dyn Storage>) -> Check);
    let checks: [Named; 9] = [
        ("an empty storage is empty", empty),
        ("a batch comes back as it was written", round_trip),
        ("pages are dense and bounded", pages),
        ("a stale commit number is refused whole", stale_commit),
        ("a stale head or epoch is refused whole", stale_head),
        ("leases go up one by one", leases),
        ("blobs are kept once", blobs),
        ("snapshots are replaced and dropped", snapshots),
        ("a book over it verifies", a_whole_book),
    ];
    for (name, check) in checks {
        check(make()).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

fn ensure(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn fine<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn refused(storage: &mut dyn Storage, batch: &Batch, what: &str) -> Check {
    let before = fine(storage.position())?;
    match storage.commit(batch) {
        Err(StorageError::Moved) => {}
        other => return Err(format!("{what}: {other:?} instead of `Moved`")),
    }
    ensure(
        fine(storage.position())? == before,
        "a refused batch moved a head",
    )?;
    let n_before = before
        .commit
        .map_or(0, |row| row.first_gseq + row.n_entries - 1);
    let n_after = fine(storage.all_entries(1, 10_000))?.len() as u64;
    ensure(n_after == n_before, "a refused batch left entries behind")?;
    for blob in &batch.blobs {
        ensure(
            !fine(storage.has_blob(&blob.digest()))?,
            "a refused batch left a blob behind",
        )?;
    }
    Ok(())
}

fn stream_row(name: &str, commit_no: u64) -> StreamRow {
    let genesis = chain::genesis(name, 5);
    let id = chain::stream_id(&genesis);
    let name = name.to_owned();
    StreamRow {
        info: StreamInfo {
            id,
            name,
            created_ms: 5,
            head_seq: 0,
            head_hash: genesis,
            epoch: 0,
        },
        commit_no,
    }
}

fn commit_row(no: u64, first_gseq: u64, n_entries: u64) -> CommitRow {
    CommitRow {
        no,
        first_gseq,
        n_entries,
        root: Digest::of(&no.to_be_bytes()),
    }
}

fn batch(commit: CommitRow) -> Batch {
    Batch {
        commit,
        blobs: Vec::new(),
        streams: Vec::new(),
        leases: Vec::new(),
        moves: Vec::new(),
        entries: Vec::new(),
    }
}

/// An entry with every field set to something of its own; its hashes need not fit here.
fn entry(stream: StreamId, seq: u64) -> EntryRow {
    let mut record = Record::new(0x8003, 7, -1, "ada@büro", vec![0, 255, 1]);
    record.run = Some([9; 16]);
    record.action = (seq % 2 == 1).then_some([0; 16]);
    record.attempt = u32::MAX;
    record.cause = seq - 1;
    record.blobs = vec![Digest::of(b"x"); usize::from(seq.is_multiple_of(3))];
    let (hash, body_digest) = (Digest::of(&seq.to_be_bytes()), Digest::of(&record.body));
    EntryRow {
        stream,
        seq,
        epoch: 1,
        hash,
        body_digest,
        record,
    }
}

fn grow(row: &StreamRow, commit: CommitRow, from_seq: u64) -> Batch {
    let id = row.info.id;
    let to_seq = from_seq + commit.n_entries;
    let to_hash = Digest::of(&to_seq.to_be_bytes());
    let mut batch = batch(commit);
    batch.entries = (from_seq + 1..=to_seq).map(|seq| entry(id, seq)).collect();
    batch.moves = vec![HeadMove {
        stream: id,
        epoch: 1,
        from_seq,
        to_seq,
        to_hash,
    }];
    batch
}

/// A storage with one stream, epoch 1, and `n` entries in commit 3.
fn with_entries(storage: &mut dyn Storage, n: u64) -> Result<StreamRow, String> {
    let row = stream_row("one", 1);
    let mut first = batch(commit_row(1, 1, 0));
    first.streams.push(row.clone());
    fine(storage.commit(&first))?;
    let mut second = batch(commit_row(2, 1, 0));
    second.leases.push(lease(row.info.id, 1, 2));
    fine(storage.commit(&second))?;
    fine(storage.commit(&grow(&row, commit_row(3, 1, n), 0)))?;
    Ok(row)
}

fn lease(stream: StreamId, epoch: u64, commit_no: u64) -> LeaseRow {
    LeaseRow {
        stream,
        epoch,
        holder: format!("holder {epoch}"),
        taken_ms: -7,
        commit_no,
    }
}

fn empty(mut storage: Box<dyn Storage>) -> Check {
    let position = fine(storage.position())?;
    ensure(
        position.commit.is_none() && position.streams.is_empty(),
        "it has a position",
    )?;
    ensure(
        fine(storage.all_entries(1, 10))?.is_empty(),
        "it has entries",
    )?;
    ensure(fine(storage.commits(1, 10))?.is_empty(), "it has commits")?;
    ensure(fine(storage.leases())?.is_empty(), "it has leases")?;
    ensure(
        fine(storage.blob_names(None, 10))?.is_empty(),
        "it has blobs",
    )?;
    ensure(
        fine(storage.blob(&Digest::of(b"")))?.is_none(),
        "it has a blob",
    )?;
    ensure(fine(storage.integrity())?.is_empty(), "it complains")?;
    for how in [Tend::Busy, Tend::Idle, Tend::Close] {
        fine(storage.tend(how))?;
    }
    Ok(())
}

fn round_trip(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 6)?;
    let id = row.info.id;
    let position = fine(storage.position())?;
    ensure(
        position.commit == Some(commit_row(3, 1, 6)),
        "the commit is another one",
    )?;
    let mut wanted = row;
    wanted.info.epoch = 1;
    (wanted.info.head_seq, wanted.info.head_hash) = (6, Digest::of(&6u64.to_be_bytes()));
    ensure(
        position.streams == vec![wanted],
        "the stream is another one",
    )?;
    let rows: Vec<EntryRow> = (1..=6).map(|seq| entry(id, seq)).collect();
    ensure(
        fine(storage.entries(&id, 1, 10))? == rows,
        "the entries are others",
    )?;
    let found = fine(storage.run_entries(&id, &[9; 16], 1, 10))?;
    ensure(found == rows, "the entries of the run are others")?;
    ensure(
        fine(storage.run_entries(&id, &[8; 16], 1, 10))?.is_empty(),
        "a run has entries of another",
    )?;
    let all = fine(storage.all_entries(1, 10))?;
    let wanted: Vec<(u64, EntryRow)> = (1..).zip(rows).collect();
    ensure(all == wanted, "positions are not dense from 1")?;
    ensure(
        fine(storage.leases())? == vec![lease(id, 1, 2)],
        "the lease is another one",
    )?;
    let commits = fine(storage.commits(1, 10))?;
    ensure(
        commits.len() == 3 && commits.last() == Some(&commit_row(3, 1, 6)),
        "the commit log is another one",
    )
}

fn pages(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 10)?;
    let id = row.info.id;
    fine(storage.pin())?;
    for (from, limit, wanted) in [(1, 4, 1..=4), (4, 4, 4..=7), (9, 4, 9..=10), (0, 2, 1..=2)] {
        let wanted: Vec<u64> = wanted.collect();
        let seqs = |rows: Vec<EntryRow>| -> Vec<u64> { rows.iter().map(|row| row.seq).collect() };
        ensure(
            seqs(fine(storage.entries(&id, from, limit))?) == wanted,
            "a page of a stream is wrong",
        )?;
        let of_run = fine(storage.run_entries(&id, &[9; 16], from, limit))?;
        ensure(seqs(of_run) == wanted, "a page of a run is wrong")?;
        let all = fine(storage.all_entries(from, limit))?;
        ensure(
            all.iter().map(|(gseq, _)| *gseq).eq(wanted),
            "a page over all streams is wrong",
        )?;
    }
    ensure(
        fine(storage.entries(&id, 11, 4))?.is_empty(),
        "there is something after the end",
    )?;
    ensure(
        fine(storage.commits(2, 1))?.first().map(|row| row.no) == Some(2),
        "a page of commits is wrong",
    )?;
    fine(storage.unpin())
}

fn stale_commit(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 1)?;
    for no in [1, 3, 5] {
        let mut stale = grow(&row, commit_row(no, 2, 2), 1);
        stale.blobs.push(fine(Blob::new(*b"stale"))?);
        refused(storage.as_mut(), &stale, "a stale commit number")?;
    }
    fine(storage.commit(&grow(&row, commit_row(4, 2, 2), 1)))
}

fn stale_head(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 2)?;
    let good = grow(&row, commit_row(4, 3, 1), 2);
    let change = |change: fn(&mut HeadMove)| {
        let mut batch = good.clone();
        batch.moves.iter_mut().for_each(change);
        batch
    };
    refused(
        storage.as_mut(),
        &change(|to| to.from_seq = 1),
        "an older head",
    )?;
    refused(
        storage.as_mut(),
        &change(|to| to.from_seq = 3),
        "a head that is not there",
    )?;
    refused(
        storage.as_mut(),
        &change(|to| to.epoch = 0),
        "an older epoch",
    )?;
    refused(
        storage.as_mut(),
        &change(|to| to.epoch = 2),
        "an epoch that was not handed out",
    )?;
    refused(
        storage.as_mut(),
        &change(|to| to.stream = StreamId::from_bytes([1; 16])),
        "an unknown stream",
    )?;
    fine(storage.commit(&good))
}

fn leases(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 2)?;
    let id = row.info.id;
    for epoch in [0, 1, 3] {
        let mut wrong = batch(commit_row(4, 3, 0));
        wrong.leases.push(lease(id, epoch, 4));
        refused(storage.as_mut(), &wrong, "a lease out of turn")?;
    }
    let mut next = batch(commit_row(4, 3, 0));
    next.leases.push(lease(id, 2, 4));
    fine(storage.commit(&next))?;
    ensure(
        fine(storage.leases())? == vec![lease(id, 1, 2), lease(id, 2, 4)],
        "the leases are others",
    )?;
    refused(
        storage.as_mut(),
        &grow(&row, commit_row(5, 3, 1), 2),
        "an append of the holder before",
    )
}

fn blobs(mut storage: Box<dyn Storage>) -> Check {
    let names = |blobs: &[Blob]| -> Vec<Digest> { blobs.iter().map(Blob::digest).collect() };
    let mut blobs = Vec::new();
    for data in [&b""[..], b"one", b"two", b"three", &[7; 100_000]] {
        blobs.push(fine(Blob::new(data))?);
    }
    blobs.sort_by_key(Blob::digest);
    let mut first = batch(commit_row(1, 1, 0));
    first.blobs.clone_from(&blobs);
    fine(storage.commit(&first))?;
    let mut again = batch(commit_row(2, 1, 0));
    again.blobs.clone_from(&blobs);
    fine(storage.commit(&again))?;
    ensure(
        fine(storage.blob_names(None, 10))? == names(&blobs),
        "the names are others",
    )?;
    let after = blobs.get(1).map(Blob::digest);
    let wanted = names(blobs.get(2..4).unwrap_or_default());
    ensure(
        fine(storage.blob_names(after.as_ref(), 2))? == wanted,
        "a page of names is wrong",
    )?;
    for blob in &blobs {
        ensure(fine(storage.has_blob(&blob.digest()))?, "a blob is missing")?;
        let data = fine(storage.blob(&blob.digest()))?;
        ensure(
            data.as_deref() == Some(blob.data()),
            "the bytes of a blob are others",
        )?;
    }
    ensure(
        !fine(storage.has_blob(&Digest::of(b"four")))?,
        "there is a blob that nobody wrote",
    )
}

fn snapshots(mut storage: Box<dyn Storage>) -> Check {
    let row = with_entries(storage.as_mut(), 9)?;
    let stream = row.info.id;
    let snapshot = |seq: u64, state: &[u8]| SnapshotRow {
        stream,
        seq,
        entry_hash: Digest::of(b"entry"),
        code_version: "fold 1".to_owned(),
        state: state.to_vec(),
        digest: Digest::of(state),
    };
    for (seq, state) in [(3, b"c"), (5, b"e"), (5, b"f"), (9, b"i")] {
        fine(storage.put_snapshot(&snapshot(seq, state), 2))?;
    }
    let wanted = vec![snapshot(9, b"i"), snapshot(5, b"f")];
    ensure(
        fine(storage.snapshots(&stream))? == wanted,
        "the newest two are others",
    )?;
    ensure(
        fine(storage.snapshots(&StreamId::from_bytes([1; 16])))?.is_empty(),
        "another stream has some",
    )
}

fn a_whole_book(storage: Box<dyn Storage>) -> Check {
    let options = Options::new(std::sync::Arc::new(|| 0));
    let mut book = fine(Book::over(storage, &options))?;
    let one = fine(book.create_stream("one", 1))?.id;
    let two = fine(book.create_stream("two", 1))?.id;
    let mut epoch = 0;
    for round in 0..3 {
        epoch = fine(book.take_lease(one, "test", round))?;
        fine(book.take_lease(two, "test", round))?;
        for stream in [one, two, one] {
            let blob = fine(Blob::new(round.to_be_bytes()))?;
            let mut record = Record::new(1, 1, round, "test", vec![1; 3_000]);
            record.blobs.push(blob.digest());
            fine(book.append(stream, epoch, vec![record.clone(), record], vec![blob]))?;
        }
    }
    fine(book.put_snapshot(one, 4, "test 1", vec![1]))?;
    ensure(
        fine(book.append(one, epoch - 1, Vec::new(), Vec::new())).is_err(),
        "an old epoch was let in",
    )?;
    fine(book.tend(true))?;
    let report = fine(book.verify())?;
    let counts = (
        report.n_entries,
        report.n_commits,
        report.n_leases,
        report.n_blobs,
        report.n_snapshots,
    );
    ensure(
        counts == (18, 17, 6, 3, 1),
        &format!("the report counts {counts:?}"),
    )?;
    let n_read = fine(book.view().entries(one, 1))?
        .filter(Result::is_ok)
        .count();
    ensure(n_read == 12, "not all entries can be read")?;
    fine(book.close())
}
