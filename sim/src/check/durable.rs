//! R2: what was acknowledged is still there after a crash, and is what it was.

use super::Ledger;
use crate::ENVIRONMENT;
use journal::Reader;

/// Compares the book after a crash with what was acknowledged before.
pub(crate) fn after_crash(ledger: &Ledger, reader: &Reader) -> Option<String> {
    let head = reader
        .view()
        .stream(ENVIRONMENT)
        .map_or(0, |stream| stream.head_seq);
    if head < ledger.acknowledged {
        return Some(format!(
            "entry {} was acknowledged, the book ends at {head}",
            ledger.acknowledged
        ));
    }
    if head < ledger.entries.len() as u64 {
        return Some(format!(
            "entry {} was durable, the book ends at {head}",
            ledger.entries.len()
        ));
    }
    let last = ledger.marks.last()?;
    let stream = reader.view().stream(ENVIRONMENT).ok()?;
    let stored = reader
        .view()
        .entries(stream.id, ledger.marks.len() as u64)
        .ok()?
        .next()?;
    match stored {
        Ok(stored) if stored.hash == last.1 => None,
        Ok(_) => Some(format!(
            "entry {} is another one than before the crash",
            ledger.marks.len()
        )),
        Err(error) => Some(error.to_string()),
    }
}
