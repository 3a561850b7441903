//! "Did you mean": the nearest of the names that exist.

use crate::limits::{SUGGESTION_CANDIDATES_MAX, SUGGESTION_NAME_BYTES_MAX};
use alloc::string::String;

/// The candidate nearest to a name that was not found, if any is near enough to be a slip of the finger.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > SUGGESTION_NAME_BYTES_MAX {
        return None;
    }
    let candidates = candidates.into_iter().take(SUGGESTION_CANDIDATES_MAX);
    value::nearest(
        name,
        candidates.filter(|candidate| candidate.len() <= SUGGESTION_NAME_BYTES_MAX),
    )
}

/// The advice for a name that was not found; none when there is nothing near.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(name, candidates).map(|found| alloc::format!("Did you mean \"{found}\"?"))
}
