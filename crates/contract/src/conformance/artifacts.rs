//! The suite of [`Artifacts`]: content names them, and nothing unverified is handed out.

use crate::{Artifacts, Outcome};
use model::{BuildSpec, Digest};
use std::path::Path;

/// What the suite of [`Artifacts`] cannot make itself.
pub trait ArtifactsFixture: Send + Sync {
    /// Source directory of [`ArtifactsFixture::spec`], relative to the project.
    fn source(&self) -> &str;
    /// A good specification over that source.
    fn spec(&self, source: Digest) -> BuildSpec;
    /// A specification whose build command fails.
    fn failing(&self, source: Digest) -> BuildSpec;
    /// Changes a byte of the source, so that another artifact comes of it.
    fn edit_source(&self);
    /// Whether the unpacked directory holds what the current source gives.
    fn is_unpacked(&self, at: &Path) -> bool;
    /// Damages the stored content of an artifact that was never unpacked.
    fn damage(&self, artifact: &Digest);
}

/// Runs the suite.
///
/// # Panics
/// At the first broken promise.
pub async fn artifacts(artifacts: &dyn Artifacts, fixture: &dyn ArtifactsFixture) {
    let source = fingerprint(artifacts, fixture).await;
    let first = build(artifacts, &fixture.spec(source)).await;
    assert_eq!(
        build(artifacts, &fixture.spec(source)).await,
        first,
        "the same specification built twice"
    );
    unpacked(artifacts, fixture, &first).await;

    match artifacts.build(&fixture.failing(source)).await {
        Outcome::Refused { diagnostics } => {
            assert!(
                diagnostics.has_errors(),
                "a failed build was refused without saying why"
            );
        }
        other => panic!("a build command that fails gave {other:?}"),
    }

    fixture.edit_source();
    let edited = fingerprint(artifacts, fixture).await;
    assert_ne!(source, edited, "one byte of the source changed");
    let second = build(artifacts, &fixture.spec(edited)).await;
    assert_ne!(first, second, "another source gave the same artifact");
    fixture.damage(&second);
    let handed_out = artifacts.unpack(&second).await;
    assert!(
        handed_out.is_err(),
        "damaged content was handed out: {handed_out:?}"
    );

    let nobody = Digest::of(b"an artifact that nobody built");
    let handed_out = artifacts.unpack(&nobody).await;
    assert!(handed_out.is_err(), "an unknown digest gave {handed_out:?}");
    let missing = artifacts.fingerprint("conformance/no/such/source").await;
    assert!(missing.is_err(), "a missing source has {missing:?}");
}

async fn fingerprint(artifacts: &dyn Artifacts, fixture: &dyn ArtifactsFixture) -> Digest {
    let first = artifacts.fingerprint(fixture.source()).await;
    let second = artifacts.fingerprint(fixture.source()).await;
    assert_eq!(first, second, "the same source has two fingerprints");
    match first {
        Ok(digest) => digest,
        Err(why) => panic!("fingerprint: {why}"),
    }
}

async fn build(artifacts: &dyn Artifacts, spec: &BuildSpec) -> Digest {
    match artifacts.build(spec).await {
        Outcome::Built { artifact } => artifact,
        other => panic!("{}: a build gave {other:?}", spec.name),
    }
}

async fn unpacked(artifacts: &dyn Artifacts, fixture: &dyn ArtifactsFixture, artifact: &Digest) {
    for time in ["once", "twice"] {
        match artifacts.unpack(artifact).await {
            Ok(path) => assert!(
                fixture.is_unpacked(&path),
                "unpacked {time}, {} does not hold the content",
                path.display()
            ),
            Err(why) => panic!("unpack: {why}"),
        }
    }
}
