//! From built artifacts to a release, and from one environment to the next.

use crate::World;
use crate::diag;
use crate::run::Run;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use model::{ActionId, BuildSpec, Digest, Release};
use value::{Diagnostics, Name, Value};

/// Input under which a build run is told the digest of each artifact's source tree.
pub fn source_input(artifact: &str) -> Name {
    Name::from(format!("steadfast:source:{artifact}"))
}

/// What must be built for a release whose source trees are known: each specification with its digest.
pub fn specifications(release: &Release) -> Vec<(BuildSpec, Digest)> {
    let specs = release.artifacts.iter().filter_map(|(name, artifact)| {
        let source_digest = release
            .inputs
            .get(&source_input(name))
            .and_then(Value::as_str)
            .and_then(Digest::parse)?;
        let spec = BuildSpec {
            name: name.clone(),
            source: artifact.source.clone(),
            source_digest,
            build: artifact.build.clone(),
            inherit: artifact.inherit.clone(),
            files: artifact.files.clone(),
            run: artifact.run.clone(),
            timeout_ms: artifact.timeout_ms,
        };
        let digest = Digest::of(&model::encode(&spec));
        Some((spec, digest))
    });
    specs.collect()
}

/// What the active build run must build, with the action that builds it.
pub(crate) fn builds(run: &Run) -> Vec<(BuildSpec, Digest, ActionId)> {
    let action = |spec: &BuildSpec| ActionId::of(run.id, &format!("build:{}", spec.name));
    let specs = specifications(&run.loaded.release).into_iter();
    specs
        .map(|(spec, digest)| (spec.clone(), digest, action(&spec)))
        .collect()
}

/// The digest of the release with everything built, as [`with_built`] makes it.
pub(crate) fn whole(run: &Run, built: &BTreeMap<Name, Digest>) -> Digest {
    Digest::of(&model::encode(&with_built(&run.loaded.release, built)))
}

/// The release that a build run's definition becomes with these artifacts.
pub fn with_built(release: &Release, built: &BTreeMap<Name, Digest>) -> Release {
    let mut release = release.clone();
    release
        .inputs
        .retain(|name, _| !name.starts_with("steadfast:source:"));
    release.built = built.clone();
    release
}

/// Artifacts of a release that are built, by name.
pub fn built(world: &World, release: &Release) -> BTreeMap<Name, Digest> {
    let specs = specifications(release).into_iter();
    specs
        .filter_map(|(spec, digest)| Some((spec.name, *world.built.get(&digest)?)))
        .collect()
}

/// Why a release may not go to an environment now; empty when it may.
///
/// A release goes to an environment only after each environment named in `after` has accepted it, and nowhere while
/// any environment has it in quarantine.
pub fn blocked(
    digest: &Digest,
    release: &Release,
    environment: &Name,
    worlds: &BTreeMap<Name, World>,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    let Some(block) = release.environments.get(environment) else {
        found.push(diag::environment_missing(environment));
        return found;
    };
    for (name, world) in worlds {
        if let Some(why) = world.quarantine.get(digest) {
            found.push(diag::quarantined(digest, why).about(format!("environment.{name}")));
        }
    }
    for before in &block.after {
        let accepted = worlds
            .get(before)
            .is_some_and(|world| world.accepted.contains(digest));
        if !accepted {
            found.push(diag::not_accepted_before(
                environment,
                before,
                digest,
                block.span,
            ));
        }
    }
    found
}
