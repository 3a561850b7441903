//! What was seen of the outside, and what was made of it.

use crate::{InstanceId, Version};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use value::Name;

/// Something seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// An instance changed its state.
    Instance {
        /// Which.
        instance: InstanceId,
        /// To what.
        state: InstanceState,
        /// In the words of whoever saw it: an exit status, a refused check.
        detail: String,
    },
    /// Requests counted by the router.
    Counts(Counts),
}

/// Life of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InstanceState {
    /// Runs, not yet seen healthy.
    Starting,
    /// Answers its health check.
    Healthy,
    /// Was healthy, is not now.
    Unhealthy,
    /// Does not run.
    Gone,
}

/// Cumulative request counts of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The service.
    pub service: Name,
    /// Which life of the router counted: counters start again from zero with each.
    pub boot: u64,
    /// By version, sorted.
    pub arms: Vec<ArmCounts>,
}

/// Cumulative request counts of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmCounts {
    /// Which.
    pub version: Version,
    /// Requests answered (by the version or, when it could not, by the router).
    pub finished: u64,
    /// Those of them that failed: status 500 and above, or no answer.
    pub failed: u64,
    /// Requests and upgraded connections under way, by instance.
    pub in_flight: Vec<(InstanceId, u64)>,
}

/// What a judgement rests on. Carries no "pass": the verdict is derived from it, by anyone, again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Requests answered by the new version since the rollout began.
    pub new_finished: u64,
    /// Those that failed.
    pub new_failed: u64,
    /// Requests answered by the old version in the same time.
    pub old_finished: u64,
    /// Those that failed.
    pub old_failed: u64,
    /// Natural logarithm, in thousandths, of the evidence against the new version (a betting score: at most
    /// `1 / false alarm rate` ever, except with that chance, when the new version is as good as the old).
    pub log_e_milli: i64,
}

/// What a judgement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Enough requests, none of the evidence speaks against the new version.
    Good,
    /// The new version is worse than the old.
    Bad,
    /// Too few requests to say; never the same as good.
    NotEnoughEvidence,
}

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// New instances start; no traffic yet.
    Starting,
    /// Canary: the n-th share. Rolling: the n-th instance.
    Step(u32),
    /// All traffic is on the new version, the old one is warm.
    Baking,
    /// Old instances finish their requests and stop.
    Retiring,
    /// Traffic goes back to the old version; new instances finish their requests and stop.
    Returning {
        /// Why.
        why: String,
        /// Whether that speaks against the release.
        #[serde(default)]
        cause: Cause,
    },
    /// Over; the new version serves.
    Done,
    /// Over; the old version serves.
    Returned {
        /// Why.
        why: String,
        /// Whether that speaks against the release.
        #[serde(default)]
        cause: Cause,
    },
}

/// What a rollout that goes back says about its release. Books from before there was a difference say nothing, which
/// means the worse of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The version was seen to be bad: its release is held in quarantine until someone lifts that.
    #[default]
    Version,
    /// Something that it needs was not there, a person stopped it, or nothing could be said of it: it may be tried
    /// again as it is.
    Circumstances,
}
