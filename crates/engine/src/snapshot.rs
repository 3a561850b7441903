//! Snapshots of worlds in the book: kept by whoever holds the pen, used by everybody who reads.
//!
//! A snapshot is a cache and no more. One that is damaged, was made by other code, or cannot be opened is as good as
//! none: the book is then folded from its beginning.

use crate::{EngineError, Secrets, StoredBlobs, read};
use decide::{Blobs, FOLD_CODE, World};
use journal::{JournalError, Reader, StreamId};
use model::Digest;

/// The world of the newest snapshot that can be used.
///
/// # Errors
/// When the book cannot be read.
pub(crate) fn newest(
    reader: &Reader,
    stream: StreamId,
    secrets: Option<&Secrets>,
) -> Result<Option<World>, JournalError> {
    let Some(snapshot) = reader.view().snapshot(stream, FOLD_CODE)? else {
        return Ok(None);
    };
    let stored = StoredBlobs {
        reader,
        secrets,
        lent: None,
    };
    let state = stored.opened(snapshot.state);
    let world = state.ok().and_then(|bytes| World::of_snapshot(&bytes).ok());
    Ok(world.filter(|world| world.position == snapshot.seq))
}

/// The snapshot of this moment as it is stored; none while a run is under way.
pub fn sealed_snapshot(world: &World, secrets: &Secrets) -> Option<Vec<u8>> {
    world.snapshot().map(|state| secrets.seal(&state))
}

/// Folds an environment from its beginning and compares with its newest snapshot, if there is one of this program.
/// Returns the world, and whether a snapshot was compared.
///
/// # Errors
/// As [`read::folded`], or when the snapshot says something else than the entries.
pub fn checked_world(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
) -> Result<(World, bool), EngineError> {
    let stream = reader.view().stream(environment)?.id;
    let snapshot = newest(reader, stream, secrets)?;
    let mut compared = None;
    let (world, _) = read::folded(reader, environment, secrets, |world| {
        if let Some(snapshot) = &snapshot
            && snapshot.position == world.position
        {
            let digest = |world: &World| world.snapshot().map(|state| Digest::of(&state));
            compared = Some(digest(world) == digest(snapshot));
        }
    })?;
    match compared {
        Some(false) => Err(EngineError::Snapshot {
            environment: environment.to_owned(),
            position: snapshot.map_or(0, |snapshot| snapshot.position),
        }),
        compared => Ok((world, compared.is_some())),
    }
}
