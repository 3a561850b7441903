//! R7: epochs only rise, and a writer that was fenced has written nothing since.

use super::Ledger;

/// Looks at the newest entry of the book; `newest` is the newest epoch handed out.
pub(crate) fn written(ledger: &Ledger, newest: u64) -> Option<String> {
    let (epoch, _) = *ledger.marks.last()?;
    let position = ledger.marks.len();
    let before = position
        .checked_sub(2)
        .and_then(|at| ledger.marks.get(at))
        .map_or(0, |mark| mark.0);
    if epoch < before {
        return Some(format!(
            "entry {position} has epoch {epoch}, the one before it {before}"
        ));
    }
    (epoch > newest).then(|| format!("epoch {epoch} was never handed out"))
}

/// A controller was told that its entries were written.
pub(crate) fn accepted(epoch: u64, newest: u64) -> Option<String> {
    (epoch < newest)
        .then(|| format!("a writer of epoch {epoch} wrote although {newest} holds the book"))
}
