//! A store of artifacts without bytes on a disk.

use super::diag::refused;
use super::{Fault, lock, ready};
use crate::{Artifacts, Outcome, Pending, Unavailable};
use model::{BuildSpec, Digest};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// [`Artifacts`] in memory: sources are bytes given by the test, an artifact is the digest of its specification. Clones
/// share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeArtifacts(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    sources: BTreeMap<String, Vec<u8>>,
    built: BTreeSet<Digest>,
    damaged: BTreeSet<Digest>,
    builds: Vec<BuildSpec>,
    faults: VecDeque<Fault>,
}

impl FakeArtifacts {
    /// A store that knows no source.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outside of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// Writes a source tree, standing for it by some bytes.
    pub fn set_source(&self, source: &str, content: &[u8]) {
        lock(&self.0).sources.insert(source.into(), content.into());
    }

    /// The next `build` meets this fault; several are met one after the other.
    pub fn next(&self, fault: Fault) {
        lock(&self.0).faults.push_back(fault);
    }

    /// Damages the stored content of an artifact: it is no longer handed out.
    pub fn damage(&self, artifact: &Digest) {
        lock(&self.0).damaged.insert(*artifact);
    }

    /// Every build that was asked for, in order.
    pub fn builds(&self) -> Vec<BuildSpec> {
        lock(&self.0).builds.clone()
    }

    /// The build takes effect now. A build whose command is `false` fails, as it would anywhere.
    pub fn land(&self, spec: &BuildSpec) -> Outcome {
        build(&mut lock(&self.0), spec)
    }
}

impl Artifacts for FakeArtifacts {
    fn fingerprint<'a>(&'a self, source: &'a str) -> Pending<'a, Result<Digest, Unavailable>> {
        let state = lock(&self.0);
        ready(match state.sources.get(source) {
            Some(content) => Ok(fingerprint(content)),
            None => Err(Unavailable(format!("there is no source {source}"))),
        })
    }

    fn build<'a>(&'a self, spec: &'a BuildSpec) -> Pending<'a, Outcome> {
        let mut state = lock(&self.0);
        state.builds.push(spec.clone());
        ready(match state.faults.pop_front() {
            None => build(&mut state, spec),
            Some(fault) => fault.around(|| build(&mut state, spec)),
        })
    }

    fn unpack<'a>(&'a self, artifact: &'a Digest) -> Pending<'a, Result<PathBuf, Unavailable>> {
        let state = lock(&self.0);
        ready(if !state.built.contains(artifact) {
            Err(Unavailable(format!("there is no artifact {artifact}")))
        } else if state.damaged.contains(artifact) {
            Err(Unavailable(format!(
                "the content of {artifact} does not match its digest"
            )))
        } else {
            Ok(PathBuf::from(format!(
                "fake-artifacts/{}",
                artifact.short()
            )))
        })
    }
}

fn fingerprint(content: &[u8]) -> Digest {
    Digest::of_parts("steadfast.fake.source.1", &[content])
}

fn build(state: &mut State, spec: &BuildSpec) -> Outcome {
    if spec.build.first().is_some_and(|command| command == "false") {
        return refused("the build command ended with exit status 1");
    }
    let Some(content) = state.sources.get(&spec.source) else {
        return refused("there is no such source");
    };
    if fingerprint(content) != spec.source_digest {
        return refused("the source changed since it was looked at");
    }
    let artifact = Digest::of_parts("steadfast.fake.artifact.1", &[&model::encode(spec)]);
    state.built.insert(artifact);
    Outcome::Built { artifact }
}
