//! Services of a release: good versions, and one that fails some of its requests.

use super::write::{expr, number, text};
use crate::Rng;
use contract::Artifacts as _;
use contract::fake::FakeArtifacts;
use model::{Artifact, BuildSpec, Digest, Health, Judge, Release, Rollout, RolloutKind, Service};
use value::{ExprKind, Name, Reference, Span, Value};

/// Environment variable that says how many requests of a thousand an instance fails: the fake's way to be bad.
pub const FAILS: &str = "FAILS";

/// Source of the one artifact.
const SOURCE: &str = "./web";

/// Adds one or two services to a release. `fails` of a thousand requests fail on the first of them; says whether that
/// is so, which only a canary would notice.
pub(crate) fn add(
    release: &mut Release,
    rng: &mut Rng,
    version: usize,
    fails: u64,
    artifacts: &FakeArtifacts,
) -> bool {
    // The same draws for each version, so that only what shall differ does.
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
    let mut bad = false;
    for at in 0..n_services {
        let service = Name::from(format!("s{at}"));
        let kind = rng.pick(&kinds).copied().unwrap_or(RolloutKind::Canary);
        let fails = if at == 0 && kind == RolloutKind::Canary {
            fails
        } else {
            0
        };
        bad = bad || fails > 0;
        let mut env = [
            (Name::from("VERSION"), text(&format!("v{version}"))),
            (Name::from(FAILS), text(&fails.to_string())),
        ]
        .to_vec();
        if at > 0 {
            env.push((
                Name::from("UP"),
                expr(ExprKind::Reference(Reference::ServicePort(Name::from(
                    "s0",
                )))),
            ));
        }
        release.services.insert(
            service,
            Service {
                artifact: name.clone(),
                replicas: number(rng.between(1, 3) as i64),
                port: number(0),
                env: env.into_iter().collect(),
                health: Health {
                    path: "/".into(),
                    interval_ms: 1_000,
                    timeout_ms: 500,
                    deadline_ms: 20_000,
                },
                rollout: Rollout {
                    kind,
                    steps: vec![10, 50, 100],
                    step_ms: 1_000,
                    requests_min: 10,
                    evidence_deadline_ms: 120_000,
                    bake_ms: 1_000,
                    judge: Judge {
                        errors: true,
                        false_alarm_ppm: 100,
                    },
                },
                stop_grace_ms: 1_000,
                memory_bytes_max: 0,
                depends_on: Vec::new(),
                span: Span::default(),
            },
        );
    }
    bad
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
