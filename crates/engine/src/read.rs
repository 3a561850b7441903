//! Reading a book: entries, worlds, history. Needs no pen and changes nothing.

use crate::{Codec, EngineError, Lent, Secrets, StoredBlobs, seal, snapshot};
use decide::{Entry, LoadedReleases, World};
use journal::{JournalError, Reader, StreamId};
use value::Name;

/// All entries of an environment, in order, each checked against the chain. Without the key, sealed values stay sealed.
///
/// # Errors
/// When the book is damaged or was written by a newer program.
pub fn entries(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
) -> Result<Vec<Entry>, EngineError> {
    let stream = reader.view().stream(environment)?;
    let blobs = StoredBlobs {
        reader,
        secrets,
        lent: None,
    };
    reader
        .view()
        .entries(stream.id, 1)?
        .map(|stored| Codec::entry(environment, &stored?, &blobs))
        .collect::<Result<_, _>>()
        .map_err(|error| explained(error, reader, secrets))
}

/// The world of an environment; an empty one when the book has none of that name. Begins at the newest snapshot and
/// folds what stands after it. Without the key, sealed values stay sealed: good for showing and not for acting.
///
/// # Errors
/// As [`entries`], or when an entry cannot have happened.
pub fn world(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
) -> Result<(World, LoadedReleases), EngineError> {
    let begin = begin(reader, environment, secrets)?;
    fold_on(begin, reader, environment, secrets, |_| ())
}

/// Where folding begins: the newest snapshot, or nothing.
pub(crate) fn begin(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
) -> Result<World, JournalError> {
    let newest = match stream_named(reader, environment)? {
        Some(stream) => snapshot::newest(reader, stream, secrets)?,
        None => None,
    };
    Ok(newest.unwrap_or_else(|| empty(environment)))
}

/// The world of an environment, folded from its first entry, whatever snapshots there are; shown after each entry.
///
/// # Errors
/// As [`world`].
pub fn folded(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
    visit: impl FnMut(&World),
) -> Result<(World, LoadedReleases), EngineError> {
    fold_on(empty(environment), reader, environment, secrets, visit)
}

fn empty(environment: &str) -> World {
    World {
        environment: Name::from(environment),
        ..World::default()
    }
}

fn stream_named(reader: &Reader, environment: &str) -> Result<Option<StreamId>, JournalError> {
    let streams = reader.view().streams()?;
    let stream = streams
        .into_iter()
        .find(|stream| stream.name == environment);
    Ok(stream.map(|stream| stream.id))
}

/// Folds what stands after a world.
fn fold_on(
    world: World,
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
    visit: impl FnMut(&World),
) -> Result<(World, LoadedReleases), EngineError> {
    let blobs = StoredBlobs {
        reader,
        secrets,
        lent: None,
    };
    fold_with(&blobs, world, environment, visit)
}

/// The same for whoever goes on with a run: with values of ephemeral variables.
pub(crate) fn fold_for(
    lent: &Lent,
    world: World,
    reader: &Reader,
    environment: &str,
    secrets: &Secrets,
) -> Result<(World, LoadedReleases), EngineError> {
    let blobs = StoredBlobs {
        reader,
        secrets: Some(secrets),
        lent: Some(lent),
    };
    fold_with(&blobs, world, environment, |_| ())
}

fn fold_with(
    blobs: &StoredBlobs<'_>,
    mut world: World,
    environment: &str,
    mut visit: impl FnMut(&World),
) -> Result<(World, LoadedReleases), EngineError> {
    let (reader, secrets) = (blobs.reader, blobs.secrets);
    let mut releases = LoadedReleases::new();
    let Some(stream) = stream_named(reader, environment)? else {
        return Ok((world, releases));
    };
    for stored in reader.view().entries(stream, world.position + 1)? {
        let entry = Codec::entry(environment, &stored?, blobs)
            .map_err(|error| explained(error, reader, secrets))?;
        world
            .fold(&entry, blobs, &mut releases)
            .map_err(|source| EngineError::Illegal {
                environment: environment.to_owned(),
                source,
            })
            .map_err(|error| explained(error, reader, secrets))?;
        visit(&world);
    }
    Ok((world, releases))
}

/// Makes sure that this key, if there is one, opens everything that is sealed in a book.
///
/// # Errors
/// When another key is needed; or when the book cannot be read.
pub fn check_key(reader: &Reader, secrets: Option<&Secrets>) -> Result<(), EngineError> {
    for stream in reader.view().streams()? {
        for stored in reader.view().entries(stream.id, 1)? {
            let record = stored?.record;
            let mut other = seal::needs_another_key(&record.body, secrets);
            for digest in &record.blobs {
                other |= seal::needs_another_key(&reader.view().blob(digest)?, secrets);
            }
            if other {
                return Err(EngineError::KeyMissing);
            }
        }
    }
    Ok(())
}

/// Why a book could not be read: the wrong key before anything else, because it makes everything else look damaged.
fn explained(error: EngineError, reader: &Reader, secrets: Option<&Secrets>) -> EngineError {
    match secrets.map(|_| check_key(reader, secrets)) {
        Some(Err(EngineError::KeyMissing)) => EngineError::KeyMissing,
        _ => error,
    }
}

/// Names of all environments in a book.
///
/// # Errors
/// When the book cannot be read.
pub fn environments(reader: &Reader) -> Result<Vec<String>, EngineError> {
    Ok(reader
        .view()
        .streams()?
        .into_iter()
        .map(|stream| stream.name)
        .collect())
}
