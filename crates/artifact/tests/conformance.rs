//! The store keeps what `contract::Artifacts` promises: the suite that every adapter runs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use contract::conformance::{self, ArtifactsFixture};
use model::{BuildSpec, Digest};
use std::fs;
use std::path::Path;
use support::{Project, blobs, corrupt};

struct Fixture(Project);

impl ArtifactsFixture for Fixture {
    fn source(&self) -> &str {
        "web"
    }

    fn spec(&self, source: Digest) -> BuildSpec {
        let command = ["sh", "-c", "cp f g"];
        self.0.spec_of(source, &command, &[("g", "g")])
    }

    fn failing(&self, source: Digest) -> BuildSpec {
        self.0.spec_of(source, &["false"], &[("g", "g")])
    }

    fn edit_source(&self) {
        self.0.write("web/f", "edited");
    }

    fn is_unpacked(&self, at: &Path) -> bool {
        fs::read(at.join("g")).ok() == fs::read(self.0.path("web/f")).ok()
    }

    fn damage(&self, artifact: &Digest) {
        let manifest = self
            .0
            .path("state/blobs/sha256")
            .join(support::hex(artifact));
        let manifest = fs::read_to_string(manifest).unwrap();
        // Its layer, which is the last digest in it, and no other artifact's.
        let layer = manifest
            .rsplit_once("sha256:")
            .unwrap()
            .1
            .get(..64)
            .unwrap();
        let state = self.0.path("state");
        let layer = blobs(&state).into_iter().find(|blob| blob.ends_with(layer));
        corrupt(&layer.unwrap());
    }
}

#[tokio::test]
async fn the_store_keeps_the_promises_of_its_trait() {
    let project = Project::new();
    project.write("web/f", "first");
    let store = project.store.clone();
    conformance::artifacts(&store, &Fixture(project)).await;
}
