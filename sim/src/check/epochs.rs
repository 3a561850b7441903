//! R7: epochs only rise, and a writer that was fenced has written nothing since.

use super::Ledger;

/// Looks at entries that are new in the book; `newest` is the newest epoch handed out.
pub(crate) fn written(ledger: &Ledger, n_new: usize, newest: u64) -> Option<String> {
    let first = ledger.marks.len().saturating_sub(n_new);
    let mut before = first
        .checked_sub(1)
        .and_then(|at| ledger.marks.get(at))
        .map_or(0, |mark| mark.0);
    for (at, (epoch, _)) in ledger.marks.iter().enumerate().skip(first) {
        if *epoch < before {
            return Some(format!(
                "entry {} has epoch {epoch}, the one before it {before}",
                at + 1
            ));
        }
        before = *epoch;
    }
    (before > newest).then(|| format!("epoch {before} was never handed out"))
}

/// A controller was told that its entries were written.
pub(crate) fn accepted(epoch: u64, newest: u64) -> Option<String> {
    (epoch < newest)
        .then(|| format!("a writer of epoch {epoch} wrote although {newest} holds the book"))
}
