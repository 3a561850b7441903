//! Services of a release: good versions, and one that fails some of its requests.

use super::Pace;
use super::write::{expr, number, text, token};
use crate::Rng;
use contract::Artifacts as _;
use contract::fake::FakeArtifacts;
use model::{Artifact, BuildSpec, Digest, Health, Judge, Release, Rollout, RolloutKind, Service};
use value::{ExprKind, Name, Reference, Span, Value};

/// Environment variable that says how many requests of a thousand an instance fails: the fake's way to be bad.
pub const FAILS: &str = "FAILS";

/// Source of the one artifact.
const SOURCE: &str = "./web";

/// One version of the services.
pub(crate) struct Edition {
    /// Its number, from 0.
    pub number: usize,
    /// Requests of a thousand that fail on the first service, where that is judged.
    pub fails: u64,
    pub pace: Pace,
    /// Nobody uses the services.
    pub quiet: bool,
}

/// Adds one or two services to a release; the names of those that
/// will be sent back where there is something to compare them with.
pub(crate) fn add(
    release: &mut Release,
    rng: &mut Rng,
    edition: &Edition,
    artifacts: &FakeArtifacts,
) -> Vec<Name> {
    // The same draws for each edition, so that only what shall differ does.
    let kinds = [
        RolloutKind::Canary,
        RolloutKind::Canary,
        RolloutKind::Rolling,
    ];
    let artifact = Artifact {
        source: SOURCE.into(),
        build: vec!["make".into()],
        inherit: Vec::new(),
        files: [("web".to_owned(), "web".to_owned())].into(),
        run: vec!["./web".into()],
        timeout_ms: 60_000,
        span: Span::default(),
    };
    let name = Name::from("web");
    let built = build(&artifact, artifacts);
    release.artifacts.insert(name.clone(), artifact);
    release
        .built
        .extend(built.map(|digest| (name.clone(), digest)));
    let n_services = rng.between(1, 2);
    let mut bad = Vec::new();
    for at in 0..n_services {
        let kind = rng.pick(&kinds).copied().unwrap_or(RolloutKind::Canary);
        let replicas = rng.between(1, 3);
        // Only the first one is ever bad, and where nobody judges it, it is not.
        let first = at == 0 && kind == RolloutKind::Canary;
        let silent = edition.quiet && edition.number > 0 && kind == RolloutKind::Canary;
        let serves = Name::from(format!("s{at}"));
        if silent || first && edition.fails > 0 {
            bad.push(serves.clone());
        }
        let mut one = service(&name, edition, kind, replicas);
        let fails = if first { edition.fails } else { 0 };
        one.env.insert(Name::from(FAILS), text(&fails.to_string()));
        if at > 0 {
            let port = Reference::ServicePort(Name::from("s0"));
            one.env
                .insert(Name::from("UP"), expr(ExprKind::Reference(port)));
        }
        release.services.insert(serves, one);
    }
    bad
}

fn service(artifact: &Name, edition: &Edition, kind: RolloutKind, replicas: u64) -> Service {
    let version = text(&format!("v{}", edition.number));
    let brisk = edition.pace == Pace::Brisk;
    let rollout = Rollout {
        kind,
        steps: if brisk {
            vec![50, 100]
        } else {
            vec![10, 50, 100]
        },
        step_ms: if brisk { 200 } else { 1_000 },
        requests_min: if brisk { 6 } else { 10 },
        evidence_deadline_ms: if edition.quiet { 2_000 } else { 120_000 },
        bake_ms: if brisk { 200 } else { 1_000 },
        judge: Judge {
            errors: true,
            false_alarm_ppm: 100,
        },
    };
    Service {
        artifact: artifact.clone(),
        replicas: number(replicas as i64),
        port: number(0),
        env: [
            (Name::from("VERSION"), version),
            (Name::from("TOKEN"), token()),
        ]
        .into_iter()
        .collect(),
        health: Health {
            path: "/".into(),
            interval_ms: 1_000,
            timeout_ms: 500,
            deadline_ms: 20_000,
        },
        rollout,
        stop_grace_ms: 1_000,
        memory_bytes_max: 0,
        depends_on: Vec::new(),
        span: Span::default(),
    }
}

fn build(artifact: &Artifact, artifacts: &FakeArtifacts) -> Option<Digest> {
    artifacts.set_source(SOURCE, b"fn main() {}");
    let source_digest = crate::ready(artifacts.fingerprint(SOURCE))?.ok()?;
    let spec = BuildSpec {
        name: Name::from("web"),
        source: artifact.source.clone(),
        source_digest,
        build: artifact.build.clone(),
        inherit: artifact.inherit.clone(),
        files: artifact.files.clone(),
        run: artifact.run.clone(),
        timeout_ms: artifact.timeout_ms,
    };
    match artifacts.land(&spec) {
        model::Outcome::Built { artifact } => Some(artifact),
        _ => None,
    }
}

/// The release as it is before anything is built: what a build run begins with.
pub(crate) fn unbuilt(release: &Release, artifacts: &FakeArtifacts) -> Release {
    let mut release = release.clone();
    release.built.clear();
    if let Some(Ok(digest)) = crate::ready(artifacts.fingerprint(SOURCE)) {
        let input = decide::promote::source_input("web");
        release
            .inputs
            .insert(input, Value::string(digest.to_string()));
    }
    release
}
