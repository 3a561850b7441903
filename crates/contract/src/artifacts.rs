//! Artifacts: immutable things that are built once and named by their content.

use crate::{Pending, Unavailable};
use model::{BuildSpec, Digest, Outcome};
use std::path::PathBuf;

/// Builds, stores and hands out artifacts.
pub trait Artifacts: Send + Sync {
    /// Digest of a source tree (relative to the project): of names, modes and contents, not of times or owners.
    fn fingerprint<'a>(&'a self, source: &'a str) -> Pending<'a, Result<Digest, Unavailable>>;

    /// Builds: the same specification gives the same artifact. `Built`, or `Refused` with the last output of the
    /// command. Safe to repeat.
    fn build<'a>(&'a self, spec: &'a BuildSpec) -> Pending<'a, Outcome>;

    /// A directory with the verified, unpacked content of an artifact. Every byte is checked against the digest before
    /// it is used; content that does not match is an error and is never handed out.
    fn unpack<'a>(&'a self, artifact: &'a Digest) -> Pending<'a, Result<PathBuf, Unavailable>>;
}
