//! The book: ordered, hash-chained, durable, written by one holder of a lease with a fencing
//! epoch. Knows no event: what a record says is opaque bytes with a kind (decision 0003).
//!
//! A book is a directory with a database, an anchor outside it, a disk reserve and a lock. It
//! holds streams, one per environment; a stream is a dense chain of entries, each bound to the one
//! before it by SHA-256, and all streams together are bound commit by commit to a running root.
//!
//! Where to start: [`Book`] opens, takes leases and appends; [`Writer`] puts a thread and group
//! commit in front of it; [`Reader`] and [`View`] read and check; [`storage::Storage`] is the seam
//! below, [`memory`] the storage that fails on demand, [`conformance`] what each storage must pass.
//!
//! ```
//! use journal::memory::MemoryDisk;
//! use journal::{Blob, Book, Options, Record, Writer};
//! # fn main() -> Result<(), journal::JournalError> {
//! let options = Options::new(std::sync::Arc::new(|| 0));
//! let mut book = Book::over(Box::new(MemoryDisk::new().connect()), &options)?;
//! let stream = book.create_stream("production", 0)?.id;
//! let epoch = book.take_lease(stream, "ada@laptop", 0)?;
//! let writer = Writer::start(book)?;
//! let plan = Blob::new(*b"the plan")?;
//! let mut record = Record::new(1, 1, 0, "ada", b"encoded event".to_vec());
//! record.blobs.push(plan.digest());
//! let head = writer.append_and_wait(stream, epoch, vec![record], vec![plan])?;
//! assert_eq!(head.seq, 1);
//! writer.with_book(|book| book.barrier())?;
//! writer.close()
//! # }
//! ```
//!
//! What is deliberately not here: the meaning of records, retries of what a caller wants to do,
//! and any decision. A commit whose fate is unknown ends the book until it is opened anew.

#![warn(clippy::wildcard_enum_match_arm)]

mod anchor;
mod book;
pub mod chain;
pub mod conformance;
mod digest;
mod error;
pub mod limits;
mod lock;
pub mod memory;
mod options;
mod record;
mod reserve;
mod sqlite;
pub mod storage;
mod verify;
mod view;
mod writer;

pub use book::{ANCHOR_FILE, Append, BALLAST_FILE, Book, DATABASE_FILE, LOCK_FILE};
pub use digest::{Digest, ParseDigestError, StreamId};
pub use error::{JournalError, Place, utc};
pub use options::{NowMs, Options};
pub use record::{Blob, Entry, Head, Record, StreamInfo};
pub use reserve::Reserve;
pub use sqlite::SqliteStorage;
pub use verify::VerifyReport;
pub use view::{Entries, Reader, Snapshot, View};
pub use writer::{Acknowledge, Writer};
