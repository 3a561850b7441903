//! Finding the name that was probably meant.

use crate::limits::SUGGESTION_EDITS_MAX;
use alloc::vec::Vec;

/// The candidate that differs from `name` by the fewest insertions, deletions, replacements and swaps of neighbours;
/// none when all differ by more than a slip would explain. Among equals the first.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().collect();
    // A third of a short name is another name, not a slip.
    let bound = SUGGESTION_EDITS_MAX.min(name.len().div_ceil(3));
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let edits = distance(&name, candidate);
        if edits <= bound && edits > 0 && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, row by row.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > SUGGESTION_EDITS_MAX {
        return usize::MAX;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, to) in right.iter().enumerate() {
            let at =
                |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut edits = (at(&last, column + 1) + 1)
                .min(at(&current, column) + 1)
                .min(at(&last, column) + usize::from(from != to));
            let swapped = row > 0
                && column > 0
                && left.get(row - 1) == Some(to)
                && right.get(column - 1) == Some(from);
            if swapped {
                edits = edits.min(at(&before_last, column - 1) + 1);
            }
            current.push(edits);
        }
        before_last = core::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
