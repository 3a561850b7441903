//! Reading a book: entries, worlds, history. Needs no pen and changes nothing.

use crate::{Codec, EngineError, Secrets, StoredBlobs, seal};
use decide::{Entry, LoadedReleases, World};
use journal::Reader;
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
    let blobs = StoredBlobs { reader, secrets };
    reader
        .view()
        .entries(stream.id, 1)?
        .map(|stored| Codec::entry(environment, &stored?, &blobs))
        .collect()
}

/// The world of an environment; an empty one when the book has none of that name. Without the key, sealed values stay
/// sealed, which is good for showing and not for acting.
///
/// # Errors
/// As [`entries`], or when an entry cannot have happened.
pub fn world(
    reader: &Reader,
    environment: &str,
    secrets: Option<&Secrets>,
) -> Result<(World, LoadedReleases), EngineError> {
    let mut world = World {
        environment: Name::from(environment),
        ..World::default()
    };
    let mut releases = LoadedReleases::new();
    let known = reader
        .view()
        .streams()?
        .into_iter()
        .any(|stream| stream.name == environment);
    if !known {
        return Ok((world, releases));
    }
    let blobs = StoredBlobs { reader, secrets };
    let stream = reader.view().stream(environment)?;
    for stored in reader.view().entries(stream.id, 1)? {
        let entry = Codec::entry(environment, &stored?, &blobs)?;
        world
            .fold(&entry, &blobs, &mut releases)
            .map_err(|source| EngineError::Illegal {
                environment: environment.to_owned(),
                source,
            })?;
    }
    Ok((world, releases))
}

/// Makes sure that nothing in a book is sealed.
///
/// # Errors
/// When something is, so that the project's key is needed; or when the book cannot be read.
pub fn needs_no_key(reader: &Reader) -> Result<(), EngineError> {
    for stream in reader.view().streams()? {
        for stored in reader.view().entries(stream.id, 1)? {
            let record = stored?.record;
            let mut sealed = seal::is_in(&record.body);
            for digest in &record.blobs {
                sealed |= seal::is_in(&reader.view().blob(digest)?);
            }
            if sealed {
                return Err(EngineError::KeyMissing);
            }
        }
    }
    Ok(())
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
