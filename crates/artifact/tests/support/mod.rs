//! What the tests of the store have in common: a project on disk, and shorthands for looking at outcomes.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "each test program uses a part of it, and helpers of tests fail as tests do"
)]

use artifact::{Options, Store};
use contract::Artifacts as _;
use model::{BuildSpec, Digest, Outcome};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A project with a store beside its sources.
pub(crate) struct Project {
    directory: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Project {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = store_in(directory.path());
        Self { directory, store }
    }

    /// Another store on the same directory, as another process has.
    pub(crate) fn another_store(&self) -> Store {
        store_in(self.directory.path())
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// How the directory `web` is built, as it is now.
    pub(crate) async fn spec(&self, build: &[&str], files: &[(&str, &str)]) -> BuildSpec {
        fs::create_dir_all(self.path("web")).unwrap();
        let source = self.store.fingerprint("web").await.unwrap();
        self.spec_of(source, build, files)
    }

    /// How the directory `web` with this fingerprint is built.
    pub(crate) fn spec_of(
        &self,
        source: Digest,
        build: &[&str],
        files: &[(&str, &str)],
    ) -> BuildSpec {
        let own = |text: &str| text.to_owned();
        BuildSpec {
            name: "web".into(),
            source: "web".to_owned(),
            source_digest: source,
            build: build.iter().map(|word| own(word)).collect(),
            inherit: Vec::new(),
            files: files
                .iter()
                .map(|(to, from)| (own(to), own(from)))
                .collect(),
            run: Vec::new(),
            timeout_ms: 60_000,
        }
    }
}

fn store_in(directory: &Path) -> Store {
    Store::new(Options {
        project: directory.to_owned(),
        directory: directory.join("state"),
    })
}

pub(crate) fn write_executable(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn built(outcome: Outcome) -> Digest {
    match outcome {
        Outcome::Built { artifact } => artifact,
        other => panic!("not built: {other:#?}"),
    }
}

/// The text of the one problem, which must have this code.
pub(crate) fn problem(outcome: Outcome, code: &str) -> String {
    let Outcome::Refused { diagnostics } = outcome else {
        panic!("{code} expected, but {outcome:?}");
    };
    assert_eq!(diagnostics.0.len(), 1);
    let found = &diagnostics.0[0];
    assert_eq!(found.code, code, "{found:?}");
    format!("{}: {}", found.summary, found.detail)
}

pub(crate) fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap().to_owned()
}

pub(crate) fn blobs(state: &Path) -> Vec<PathBuf> {
    match fs::read_dir(state.join("blobs/sha256")) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    }
}

/// Flips a bit in the middle.
pub(crate) fn corrupt(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    overwrite(path, &bytes);
}

/// Writes to a file that is read-only, and leaves its permissions as they were.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let permissions = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, permissions).unwrap();
}

/// Waits for a condition, with a bound.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let bounded = async {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !condition() {
            look.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), bounded)
        .await
        .expect("it never became true");
}
