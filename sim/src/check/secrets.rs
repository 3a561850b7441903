//! Rule 9: secrets never enter the book. Every scenario with a secret has this one, and what is stored is searched for
//! it byte by byte: entries as they stand on the disk, all content that they name, and snapshots.

use journal::{Entry, Reader};

/// The secret that simulated projects are given.
pub(crate) const SECRET: &str = "swordfish-9041-under-the-bridge";

/// Looks at an entry as it is stored.
pub(crate) fn in_clear(stored: &Entry, reader: &Reader) -> Option<String> {
    if holds(&stored.record.body) {
        return Some(format!("a secret stands in entry {}", stored.seq));
    }
    stored.record.blobs.iter().find_map(|digest| {
        let content = reader.view().blob(digest).ok()?;
        holds(&content).then(|| format!("a secret stands in content of entry {}", stored.seq))
    })
}

/// Looks at a snapshot as it is stored.
pub(crate) fn in_snapshot(state: &[u8]) -> Option<String> {
    holds(state).then(|| "a secret stands in a snapshot".to_owned())
}

fn holds(bytes: &[u8]) -> bool {
    bytes
        .windows(SECRET.len())
        .any(|part| part == SECRET.as_bytes())
}
