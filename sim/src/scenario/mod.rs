//! What one seed plays: versions of a project, and what is asked for one after the other.

mod blueprint;
mod delivery;
mod write;

pub use blueprint::{Blueprint, Expected, Part};
pub use delivery::FAILS;

use crate::Rng;
use contract::fake::{Class, FakeArtifacts, FakeProvider, FakeWorld};
use model::{Address, Digest, PlanMode, Release, RunId, RunKind};
use std::collections::BTreeMap;
use value::Name;

/// Environment that everything happens in.
pub const ENVIRONMENT: &str = "production";

/// One seed's play.
#[derive(Debug)]
pub struct Scenario {
    /// The seed it was drawn from.
    pub seed: u64,
    /// Versions of the project.
    pub versions: Vec<Version>,
    /// What is asked for.
    pub requests: Vec<Request>,
    /// Longest time in which a request that was sent may still take effect; 0 where effects are synchronous.
    pub settle_ms: u64,
    /// Whether services are delivered.
    pub delivers: bool,
    /// Nobody uses the services before the end: new versions lack evidence.
    pub quiet: bool,
    /// Between the requests somebody changes objects, and passes look for it.
    pub passes: bool,
    pace: Pace,
}

/// How long rollouts take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As people would have it, with much traffic.
    Full,
    /// Few steps and requests, for plays of which there are many.
    Brisk,
}

/// One version of the project.
#[derive(Debug)]
pub struct Version {
    /// As it is stored.
    pub bytes: Vec<u8>,
    /// Its name.
    pub digest: Digest,
    /// What must exist once it is applied.
    pub expected: BTreeMap<Address, Expected>,
    /// Services of it that are sent back where there is something to compare them with.
    pub bad: Vec<Name>,
}

/// Something asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What for.
    pub kind: RunKind,
    /// Position in [`Scenario::versions`].
    pub version: usize,
    /// How.
    pub mode: PlanMode,
    /// Looks at the world before planning.
    pub refresh: bool,
    /// Effects at the same time.
    pub parallelism: u32,
    /// Without asking a person.
    pub auto_approve: bool,
    /// The run that is taken back, where that is what is asked for.
    pub takes_back: Option<RunId>,
}

impl Scenario {
    /// The play of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let delivers = rng.chance(250);
        let settle_ms = if rng.chance(200) {
            0
        } else {
            rng.between(2_000, 20_000)
        };
        let quiet = delivers && rng.chance(150);
        let pace = if quiet || rng.chance(600) {
            Pace::Brisk
        } else {
            Pace::Full
        };
        let artifacts = FakeArtifacts::new();
        let first = if delivers && rng.chance(500) {
            Blueprint::default()
        } else {
            Blueprint::draw(&mut rng)
        };
        let second = first.mutated(&mut rng);
        let third = second.mutated(&mut rng);
        let service_seed = rng.draw();
        let fails = match pace {
            Pace::Full => rng.between(100, 500),
            Pace::Brisk => rng.between(500, 900),
        };
        let mut versions = Vec::new();
        for (at, blueprint) in [first, second, third].iter().enumerate() {
            let mut release = write::release(blueprint);
            let mut bad = Vec::new();
            if delivers {
                let edition = delivery::Edition {
                    number: at,
                    fails: if at == 2 { fails } else { 0 },
                    pace,
                    quiet,
                };
                let mut rng = Rng::new(service_seed, 2);
                bad = delivery::add(&mut release, &mut rng, &edition, &artifacts);
            }
            if at == 0 && delivers {
                versions.push(Version::new(
                    &delivery::unbuilt(&release, &artifacts),
                    blueprint,
                    Vec::new(),
                ));
            }
            versions.push(Version::new(&release, blueprint, bad));
        }
        let mut requests = requests(&mut rng, delivers, quiet);
        let passes = !delivers && Rng::new(seed, 6).chance(200);
        if passes {
            // What a pass leaves as it is must be seen by the next request.
            requests.iter_mut().for_each(|one| one.refresh = true);
        }
        Self {
            seed,
            versions,
            requests,
            settle_ms,
            delivers,
            quiet,
            passes,
            pace,
        }
    }

    /// Longest a request to a service takes.
    pub(crate) fn request_ms_max(&self) -> u64 {
        match self.pace {
            Pace::Full => 3_000,
            Pace::Brisk => 600,
        }
    }

    /// The provider that its resources belong to.
    pub fn provider(&self, world: FakeWorld) -> FakeProvider {
        FakeProvider::new(world, Class::Named)
            .with_type("fake_named", Class::Named)
            .with_type("fake_keyed", Class::Keyed)
            .with_type("fake_opaque", Class::Opaque)
            .with_settle_ms(self.settle_ms)
    }

    /// A version by its digest.
    pub fn version(&self, digest: &Digest) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.digest == *digest)
    }
}

impl Version {
    fn new(release: &Release, blueprint: &Blueprint, bad: Vec<Name>) -> Self {
        let mut release = release.clone();
        let _ = crate::controller::secrets().seal_inputs(&mut release);
        let bytes = model::encode(&release);
        Self {
            digest: Digest::of(&bytes),
            bytes,
            expected: blueprint.expected(),
            bad,
        }
    }
}

fn requests(rng: &mut Rng, delivers: bool, quiet: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    let plan: Vec<(RunKind, usize, PlanMode)> = if delivers {
        let deploy = |version: usize| (RunKind::Deploy, version, PlanMode::Normal);
        let build = (RunKind::Build, 0, PlanMode::Normal);
        if quiet {
            vec![build, deploy(1), deploy(2), deploy(1)]
        } else {
            vec![build, deploy(1), deploy(2), deploy(3), deploy(3), deploy(2)]
        }
    } else {
        let apply = |version: usize| (RunKind::Apply, version, PlanMode::Normal);
        let last = if rng.chance(500) {
            apply(0)
        } else {
            (RunKind::Apply, 2, PlanMode::Destroy)
        };
        vec![apply(0), apply(1), apply(1), apply(2), last]
    };
    for (kind, version, mode) in plan {
        requests.push(Request {
            kind,
            version,
            mode,
            refresh: rng.chance(500),
            parallelism: rng.between(0, 6) as u32,
            auto_approve: rng.chance(700),
            takes_back: None,
        });
    }
    requests
}
