//! Reading a book: entries, worlds, history. Needs no pen and changes nothing.

use crate::{Codec, EngineError, StoredBlobs};
use decide::{Entry, LoadedReleases, World};
use journal::Reader;
use value::Name;

/// All entries of an environment, in order, each checked against the chain.
///
/// # Errors
/// When the book is damaged or was written by a newer program.
pub fn entries(reader: &Reader, environment: &str) -> Result<Vec<Entry>, EngineError> {
    let stream = reader.view().stream(environment)?;
    let blobs = StoredBlobs(reader);
    reader
        .view()
        .entries(stream.id, 1)?
        .map(|stored| Codec::entry(environment, &stored?, &blobs))
        .collect()
}

/// The world of an environment; an empty one when the book has none of that name.
///
/// # Errors
/// As [`entries`], or when an entry cannot have happened.
pub fn world(reader: &Reader, environment: &str) -> Result<(World, LoadedReleases), EngineError> {
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
    let blobs = StoredBlobs(reader);
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
