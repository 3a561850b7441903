//! A look at all objects: what was changed outside, and what bringing it back would come to. Changes nothing, and
//! writes nothing.

use crate::{Outside, preview};
use decide::{LoadedRelease, World, heal};
use model::{Address, DriftPass, Drifted, RunOptions};
use std::collections::BTreeSet;
use std::sync::Arc;
use value::{Diagnostics, Severity};

/// Every object that is not as the book has it. The release is the one in force, `base` what its environment says of
/// runs.
///
/// # Errors
/// Everything that speaks against a plan which only notes: then nobody knows what has drifted.
pub async fn drifted(
    outside: &Outside,
    loaded: &Arc<LoadedRelease>,
    world: &World,
    base: &RunOptions,
    pass: &DriftPass,
) -> Result<Vec<Drifted>, Diagnostics> {
    let noting = heal::noting(base.clone());
    let noted = preview(outside, loaded.clone(), world, noting).await?;
    let mut found = heal::seen(world, pass, &noted.plan);
    let candidates = heal::candidates(loaded, &found, pass.policy);
    if candidates.is_empty() {
        return Ok(found);
    }
    let wanted: BTreeSet<Address> = candidates.iter().map(|one| (*one).clone()).collect();
    let options = heal::options(base.clone(), &candidates);
    match preview(outside, loaded.clone(), world, options).await {
        Ok(planned) => heal::remedies(world, pass, &planned.plan, &mut found, &wanted),
        Err(trouble) => heal::unplanned(&first(&trouble), &mut found, &wanted),
    }
    Ok(found)
}

/// The first error, in a few words.
fn first(trouble: &Diagnostics) -> String {
    let mut errors = trouble.iter();
    let first = errors.find(|one| one.severity == Severity::Error);
    first.map_or_else(String::new, |one| format!("{} ({})", one.summary, one.code))
}
