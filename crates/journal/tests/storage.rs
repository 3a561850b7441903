//! Both storages keep the promises of the seam.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test, helpers included"
)]

use journal::SqliteStorage;
use journal::conformance;
use journal::memory::MemoryDisk;

#[test]
fn memory_conforms() {
    conformance::storage(&mut || Box::new(MemoryDisk::new().connect())).unwrap();
}

#[test]
fn sqlite_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let mut n = 0;
    conformance::storage(&mut || {
        n += 1;
        let path = dir.path().join(format!("{n}.db"));
        Box::new(SqliteStorage::open(&path, true, 1 << 20).unwrap())
    })
    .unwrap();
}
