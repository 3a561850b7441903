//! The delivery blocks of `steadfast.hcl`: artifacts, services and environments.

use crate::{Digest, Version};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::{Expr, Name, Span};

/// How long a canary step lasts at least when nothing is said, in milliseconds.
pub const ROLLOUT_STEP_MS_DEFAULT: u64 = 10_000;

/// `artifact`: how something is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Source directory relative to the project.
    pub source: String,
    /// Build command and its arguments; empty when the source is shipped as it is.
    pub build: Vec<String>,
    /// Names of environment variables that the build may see; everything else is cleared.
    pub inherit: Vec<String>,
    /// What is packed: path inside the artifact to path in the built source.
    pub files: BTreeMap<String, String>,
    /// Command that runs it, relative to the unpacked artifact.
    pub run: Vec<String>,
    /// Longest time the build may take.
    pub timeout_ms: u64,
    /// Where.
    pub span: Span,
}

/// `service`: instances of an artifact behind a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name of the artifact it runs.
    pub artifact: Name,
    /// How many instances.
    pub replicas: Expr,
    /// Port that clients use; 0 lets the router choose one and keep it.
    pub port: Expr,
    /// Environment of the instances; `PORT` is added by the runtime.
    pub env: BTreeMap<Name, Expr>,
    /// How it is known to be well.
    pub health: Health,
    /// How a new version takes over.
    pub rollout: Rollout,
    /// Time an instance has to stop after it was asked, before it is killed.
    pub stop_grace_ms: u64,
    /// Largest memory of an instance in bytes, 0 for no limit.
    pub memory_bytes_max: u64,
    /// Services of the same project that must be rolled out before this one.
    pub depends_on: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// `health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// HTTP path that answers 2xx or 3xx when the instance is well.
    pub path: String,
    /// Time between two checks.
    pub interval_ms: u64,
    /// Time one check may take.
    pub timeout_ms: u64,
    /// Time a new instance has to become healthy.
    pub deadline_ms: u64,
}

/// `rollout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// In which way.
    pub kind: RolloutKind,
    /// Traffic shares of a canary in percent, ascending, the last 100.
    pub steps: Vec<u8>,
    /// Shortest time at each step.
    pub step_ms: u64,
    /// Fewest requests the new version must have answered at each step before it is trusted with more.
    pub requests_min: u64,
    /// Longest time to wait at a step for that evidence before the rollout goes back.
    pub evidence_deadline_ms: u64,
    /// Time the old version stays warm, and the new one is watched, after all traffic moved.
    pub bake_ms: u64,
    /// How the new version is judged.
    pub judge: Judge,
}

/// Kinds of rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolloutKind {
    /// One instance after the other.
    Rolling,
    /// By shares of the traffic.
    Canary,
}

/// `judge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    /// Compare error rates of both versions.
    pub errors: bool,
    /// Chance, in parts per million, that a version as good as the old one is sent back.
    pub false_alarm_ppm: u32,
}

/// `environment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Environments that must have accepted a release before this one takes it.
    pub after: Vec<Name>,
    /// Values of root variables here.
    pub variables: BTreeMap<Name, Expr>,
    /// How versions take over here, whatever the services say.
    pub rollout: Option<RolloutKind>,
    /// Where.
    pub span: Span,
}

/// A service with everything computed: what one environment is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Digest of all that an instance runs with.
    pub version: Version,
    /// The release it comes from.
    pub release: Digest,
    /// Manifest digest of the artifact.
    pub artifact: Digest,
    /// Command, relative to the unpacked artifact.
    pub run: Vec<String>,
    /// Environment of the instances.
    pub env: BTreeMap<Name, String>,
    /// How many instances.
    pub replicas: u32,
    /// Port that clients use; 0 lets the router choose.
    pub port: u16,
    /// How it is known to be well.
    pub health: Health,
    /// How it takes over.
    pub rollout: Rollout,
    /// Time an instance has to stop.
    pub stop_grace_ms: u64,
    /// Largest memory of an instance in bytes, 0 for no limit.
    pub memory_bytes_max: u64,
}
