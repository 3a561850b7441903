//! Books of every released format can be read and written on; bodies show themselves.
//! A file may be added to `golden`, none may ever be edited.
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

use journal::{ANCHOR_FILE, Book, DATABASE_FILE, Reader};
use sample::{options, record, small_book};
use serde::{Deserialize, Serialize};

const ROOT_1: &str = "e1863cb85dc803a4e8d9af09fb7b27437f6d3a728bc0ee3f89b9cc2e61c4fe44";

/// Writes the golden book of the current format; run by hand when a format is added.
#[test]
fn golden_book_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let book = small_book(dir.path(), &options());
    assert_eq!(book.verify().unwrap().root.to_string(), ROOT_1);
    book.close().unwrap();
    if let Some(to) = std::env::var_os("MAKE_GOLDEN_BOOK") {
        fs::copy(
            dir.path().join(DATABASE_FILE),
            format!("{}.db", to.display()),
        )
        .unwrap();
        fs::copy(
            dir.path().join(ANCHOR_FILE),
            format!("{}.anchor", to.display()),
        )
        .unwrap();
    }
}

#[test]
fn golden_book_of_format_1_is_read_and_written_on() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join(DATABASE_FILE),
        include_bytes!("golden/book.1.db"),
    )
    .unwrap();
    fs::write(
        dir.path().join(ANCHOR_FILE),
        include_bytes!("golden/book.1.anchor"),
    )
    .unwrap();
    let report = Reader::open(dir.path()).unwrap().verify().unwrap();
    assert_eq!(
        (report.n_entries, report.n_commits, report.n_blobs),
        (24, 20, 12)
    );
    assert_eq!(report.root.to_string(), ROOT_1);
    let mut book = Book::open(dir.path(), &options()).unwrap();
    let stream = book.stream("production").unwrap().clone();
    let last = book
        .view()
        .entries(stream.id, 12)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(last.record.body, b"body 23");
    book.append(stream.id, stream.epoch, vec![record(1)], vec![])
        .unwrap();
    book.verify().unwrap();
}

/// A body as the owners of kinds encode them (decision 0003).
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Intent {
    verb: Verb,
    resource: String,
    attempt: u32,
    token: Option<[u8; 4]>,
    inputs: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Verb {
    Create,
    Update { fields: Vec<String> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Value {
    Text(String),
    Number(i64),
    Nothing,
}

#[test]
fn bodies_have_one_encoding_and_name_their_fields() {
    let intent = Intent {
        verb: Verb::Update {
            fields: vec!["mode".to_owned()],
        },
        resource: "host_file.motd".to_owned(),
        attempt: 2,
        token: Some([1, 2, 3, 4]),
        inputs: BTreeMap::from([
            ("owner".to_owned(), Value::Text("root".to_owned())),
            ("mode".to_owned(), Value::Number(-420)),
            ("group".to_owned(), Value::Nothing),
        ]),
    };
    let bytes = minicbor_serde::to_vec(&intent).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, include_str!("golden/body.1.hex").trim_end());
    assert_eq!(
        minicbor_serde::from_slice::<Intent>(&bytes).unwrap(),
        intent
    );
    // A reader that knows fewer fields reads the rest; one that knows nothing still sees names.
    #[derive(Deserialize)]
    struct Older {
        resource: String,
    }
    assert_eq!(
        minicbor_serde::from_slice::<Older>(&bytes)
            .unwrap()
            .resource,
        intent.resource
    );
    assert!(bytes.windows(8).any(|window| window == b"resource"));
    // Definite lengths only: a map of five pairs to begin with, no "break" to end.
    assert_eq!((bytes[0], *bytes.last().unwrap() == 0xff), (0xa5, false));
}
