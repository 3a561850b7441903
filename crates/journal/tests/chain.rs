//! The hashes are fixed for ever, and no single edit of an exported stream goes unnoticed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test, helpers included"
)]

mod sample;

use std::fmt::Write as _;

use journal::chain::{self, CommitParts, LinkFault, verify_chain};
use journal::storage::LeaseRow;
use journal::{Digest, Entry, Record};
use proptest::prelude::*;
use sample::record;

fn export(n: u64) -> (Digest, Vec<Entry>) {
    let genesis = chain::genesis("production", 1_795_199_454_000);
    let stream = chain::stream_id(&genesis);
    let mut prev = genesis;
    let mut entries = Vec::new();
    for seq in 1..=n {
        let mut record = record(seq);
        record.blobs = vec![Digest::of(b"blob"); (seq % 3) as usize];
        let epoch = 1 + seq / 4;
        let body_digest = Digest::of(&record.body);
        let hash = chain::entry_hash(&stream, seq, epoch, &prev, &record, &body_digest);
        entries.push(Entry {
            stream,
            seq,
            epoch,
            prev,
            body_digest,
            hash,
            record,
        });
        prev = hash;
    }
    (genesis, entries)
}

/// A file may be added beside this one, it may never be edited: books in the field have these.
#[test]
fn golden_hashes() {
    let (genesis, entries) = export(8);
    let stream = chain::stream_id(&genesis);
    let mut text = format!(
        "genesis {genesis}\nstream {stream}\nbook {}\n",
        chain::book_root()
    );
    for entry in &entries {
        writeln!(
            text,
            "entry {} {} {}",
            entry.seq, entry.body_digest, entry.hash
        )
        .unwrap();
    }
    let mut extreme = Record::new(u16::MAX, u8::MAX, i64::MIN, "", Vec::new());
    extreme.attempt = u32::MAX;
    extreme.cause = u64::MAX;
    extreme.run = Some([0; 16]);
    let digest = Digest::of(b"");
    let hash = chain::entry_hash(&stream, u64::MAX, u64::MAX, &digest, &extreme, &digest);
    writeln!(text, "extreme {hash}").unwrap();
    let lease = LeaseRow {
        stream,
        epoch: 2,
        holder: "ada".to_owned(),
        taken_ms: -1,
        commit_no: 9,
    };
    writeln!(text, "lease {}", chain::lease_digest(&lease)).unwrap();
    let hashes: Vec<Digest> = entries.iter().map(|entry| entry.hash).collect();
    let root = chain::commit_root(CommitParts {
        prev_root: &chain::book_root(),
        no: 9,
        first_gseq: 77,
        streams: &[stream],
        leases: &[lease],
        entries: &hashes,
    });
    writeln!(text, "commit {root}").unwrap();
    let snapshot = chain::snapshot_digest(&stream, 8, &hash, "fold 1", b"state");
    writeln!(text, "snapshot {snapshot}").unwrap();
    let golden = include_str!("golden/hashes.1.txt");
    assert_eq!(
        text, golden,
        "the layout of a hash has changed: add a version, do not edit this one"
    );
}

/// Lengths come before what they measure, so that no two records are hashed from the same bytes.
#[test]
fn neighbouring_fields_do_not_run_into_each_other() {
    let (genesis, entries) = export(1);
    let Entry { stream, record, .. } = &entries[0];
    let hash = |record: &Record| chain::entry_hash(stream, 1, 1, &genesis, record, &genesis);
    let mut moved = record.clone();
    moved.run = None;
    moved.action = record.run;
    let mut renamed = record.clone();
    renamed.blobs.clear();
    renamed.actor.push_str("\0\0\0");
    assert!(hash(record) != hash(&moved) && hash(record) != hash(&renamed));
    assert_ne!(chain::genesis("a", 0x6200_0000), chain::genesis("ab", 0));
}

type Edit = fn(&mut Entry);

const EDITS: [(&str, Edit); 17] = [
    ("stream", |entry| {
        entry.stream = chain::stream_id(&Digest::of(b"other"))
    }),
    ("seq", |entry| entry.seq += 1),
    ("epoch up", |entry| entry.epoch += 1),
    ("epoch down", |entry| entry.epoch -= 1),
    ("prev", |entry| entry.prev = Digest::of(b"other")),
    ("body digest", |entry| {
        entry.body_digest = Digest::of(b"other")
    }),
    ("hash", |entry| entry.hash = Digest::of(b"other")),
    ("kind", |entry| entry.record.kind ^= 0x8000),
    ("kind version", |entry| entry.record.kind_version += 1),
    ("at", |entry| entry.record.at_ms += 1),
    ("run", |entry| entry.record.run = None),
    ("action", |entry| entry.record.action = Some([77; 16])),
    ("attempt", |entry| entry.record.attempt += 1),
    ("cause", |entry| entry.record.cause += 1),
    ("actor", |entry| entry.record.actor.push('x')),
    ("blobs", |entry| {
        entry.record.blobs.push(Digest::of(b"other"))
    }),
    ("body", |entry| entry.record.body.push(0)),
];

proptest! {
    #[test]
    fn any_edit_of_a_field_is_found_where_it_is(n in 1u64..30, at in 0usize..30, edit in 0..EDITS.len()) {
        let (genesis, mut entries) = export(n);
        let at = at % entries.len();
        (EDITS[edit].1)(&mut entries[at]);
        let broken = verify_chain(&genesis, &entries).unwrap_err();
        prop_assert_eq!((broken.seq, broken.last_good), (at as u64 + 1, at as u64), "{}", EDITS[edit].0);
    }

    #[test]
    fn removed_repeated_and_moved_entries_are_found(n in 2u64..30, from in 0usize..30, to in 0usize..30) {
        let (genesis, entries) = export(n);
        let (from, to) = (from % entries.len(), to % entries.len());

        let mut removed = entries.clone();
        removed.remove(from);
        let last = entries.len() - 1;
        match verify_chain(&genesis, &removed) {
            // The end of a chain cannot speak for itself; a head kept elsewhere does.
            Ok(link) => prop_assert!(from == last && link.hash != entries[last].hash),
            Err(broken) => {
                prop_assert_eq!(broken.seq, from as u64 + 1);
                prop_assert_eq!(broken.fault, LinkFault::Missing { found: from as u64 + 2 });
            }
        }

        let mut repeated = entries.clone();
        repeated.insert(from, entries[from].clone());
        prop_assert_eq!(verify_chain(&genesis, &repeated).unwrap_err().seq, from as u64 + 2);

        let mut swapped = entries.clone();
        swapped.swap(from, to);
        match verify_chain(&genesis, &swapped) {
            Ok(_) => prop_assert_eq!(from, to),
            Err(broken) => prop_assert_eq!(broken.seq, from.min(to) as u64 + 1),
        }

        let mut moved = entries.clone();
        let entry = moved.remove(from);
        moved.insert(to, entry);
        prop_assert_eq!(verify_chain(&genesis, &moved).is_ok(), from == to);
    }

    #[test]
    fn a_rewritten_suffix_ends_in_another_hash(n in 2u64..30, from in 0usize..30) {
        let (genesis, mut entries) = export(n);
        let head = entries[entries.len() - 1].hash;
        let from = from % entries.len();
        entries[from].record.body.push(1);
        let mut prev = entries[from].prev;
        for entry in &mut entries[from..] {
            entry.prev = prev;
            entry.body_digest = Digest::of(&entry.record.body);
            entry.hash =
                chain::entry_hash(&entry.stream, entry.seq, entry.epoch, &prev, &entry.record, &entry.body_digest);
            prev = entry.hash;
        }
        prop_assert_ne!(verify_chain(&genesis, &entries).unwrap().hash, head);
    }
}
