//! Services, instances and routes as the book knows them.

use crate::gate::{Arm as ArmTotals, Score};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use model::{
    Cause, Counts, Digest, InstanceId, InstanceSpec, InstanceState, Phase, Route, RouteTable,
    RunId, Target, Version,
};
use serde::{Deserialize, Serialize};
use value::Name;

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceWorld {
    /// What serves.
    pub live: Option<Target>,
    /// What is taking over.
    pub rollout: Option<Rollout>,
}

/// A version taking over from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The run it belongs to.
    pub run: RunId,
    /// The new version.
    pub target: Target,
    /// Where it stands.
    pub phase: Phase,
    /// Since when it stands there.
    pub since_ms: i64,
    /// Since when the router follows this phase; none while it does not.
    pub routed_ms: Option<i64>,
    /// The evidence so far.
    pub score: Score,
    /// Requests that the new version had answered when this phase began.
    pub phase_began: ArmTotals,
    last: Option<Counts>,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceWorld {
    /// The service it belongs to.
    pub service: Name,
    /// What it runs.
    pub version: Version,
    /// How it was last seen.
    pub state: InstanceState,
    /// Since when it was seen so.
    pub since_ms: i64,
    /// What was said about that.
    pub detail: String,
    /// Where it listens, once placed.
    pub address: Option<String>,
    /// When it was asked for.
    pub placed_ms: i64,
    /// It is being stopped.
    pub stopping: bool,
    /// Since when it takes no new requests; none while it does, and before it ever did.
    pub unrouted_ms: Option<i64>,
    /// It takes requests, or may: a table that sends it some is in force, or nobody knows that it is not.
    pub routed: bool,
    /// It has none left after it took no more.
    pub drained: bool,
}

/// What the router was last told, and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteWorld {
    /// The table in force.
    pub table: RouteTable,
    /// Port of each service.
    pub ports: BTreeMap<Name, u16>,
    /// Tables that were sent and may be in force, now or later, by generation: nobody has said so, nor that they are
    /// not.
    pub doubtful: BTreeMap<u64, RouteTable>,
    /// The newest generation ever sent.
    pub newest: u64,
}

impl RouteWorld {
    /// A table is about to be sent.
    pub(crate) fn intended(&mut self, table: &RouteTable) {
        self.newest = self.newest.max(table.generation);
        self.doubtful.insert(table.generation, table.clone());
    }

    /// A table was not put in force and will not be.
    pub(crate) fn refused(&mut self, generation: u64) {
        self.doubtful.remove(&generation);
    }

    /// A table is in force: those before it can no longer be.
    pub(crate) fn published(&mut self, table: RouteTable, ports: BTreeMap<Name, u16>) {
        self.doubtful
            .retain(|generation, _| *generation > table.generation);
        self.table = table;
        self.ports.extend(ports);
    }

    /// Whether an instance may be sent new requests, by any table that may be in force.
    pub(crate) fn may_send_to(&self, instance: &InstanceId) -> bool {
        let tables = core::iter::once(&self.table).chain(self.doubtful.values());
        let routes = tables.flat_map(|table| &table.routes);
        let arms = routes.flat_map(|route| &route.arms);
        let mut backends = arms.flat_map(|arm| &arm.backends);
        backends.any(|one| one.instance == *instance && !one.draining)
    }

    /// The route of a service.
    pub fn route(&self, service: &Name) -> Option<&Route> {
        self.table
            .routes
            .iter()
            .find(|route| route.service == *service)
    }
}

impl InstanceWorld {
    pub(crate) fn new(spec: &InstanceSpec, at_ms: i64) -> Self {
        Self {
            service: spec.service.clone(),
            version: spec.version,
            state: InstanceState::Starting,
            since_ms: at_ms,
            detail: String::new(),
            address: None,
            placed_ms: at_ms,
            stopping: false,
            unrouted_ms: None,
            routed: false,
            drained: true,
        }
    }

    /// The run is over. If nobody has said that it was placed, there is no place to look for it, so the next run stops
    /// it and places another. If nobody has said that it stopped, it may have: until it is seen, it gets no requests.
    pub(crate) fn left_behind(&mut self, at_ms: i64) {
        let stopping = core::mem::take(&mut self.stopping);
        if self.address.is_none() {
            self.state = InstanceState::Gone;
            self.since_ms = at_ms;
            self.detail = String::from("it is not known to have been placed");
        } else if stopping {
            self.state = InstanceState::Starting;
            self.since_ms = at_ms;
            self.detail = String::from("it was asked to stop, and has not been seen since");
        }
    }

    /// It runs: only now does the time begin in which it must get healthy.
    pub(crate) fn placed(&mut self, address: &str, at_ms: i64) {
        self.address = Some(String::from(address));
        if self.state == InstanceState::Starting {
            self.since_ms = at_ms;
        }
    }

    /// Until when it must be healthy; none while it is not placed, which is not its fault.
    pub(crate) fn due_ms(&self, deadline_ms: u64) -> Option<i64> {
        let deadline_ms = i64::try_from(deadline_ms).unwrap_or(i64::MAX);
        self.address
            .is_some()
            .then(|| self.since_ms.saturating_add(deadline_ms))
    }

    /// A new engine looks, so long after the old one wrote last, each by its own clock: the time in between does not
    /// count, because nobody looked. The time before it does, or deadlines would never come while engines die.
    pub(crate) fn watched_again(&mut self, after_ms: i64) {
        self.since_ms = self.since_ms.saturating_add(after_ms);
        if !self.drained {
            self.unrouted_ms = self
                .unrouted_ms
                .map(|since_ms| since_ms.saturating_add(after_ms));
        }
    }

    /// By the tables that may be in force it is sent requests, or is not.
    pub(crate) fn route(&mut self, routed: bool, at_ms: i64) {
        if self.routed && !routed {
            self.unrouted_ms = Some(at_ms);
            self.drained = false;
        }
        if routed {
            self.unrouted_ms = None;
            self.drained = false;
        }
        self.routed = routed;
    }

    pub(crate) fn counted(&mut self, id: &InstanceId, counts: &Counts, at_ms: i64) {
        if self.unrouted_ms.is_some_and(|since| at_ms >= since) {
            let left = counts
                .arms
                .iter()
                .flat_map(|arm| &arm.in_flight)
                .any(|(one, n)| one == id && *n > 0);
            self.drained = !left;
        }
    }
}

impl ServiceWorld {
    pub(crate) fn begin(&mut self, rollout: Rollout) {
        let same = self
            .live
            .as_ref()
            .is_some_and(|live| live.version == rollout.target.version);
        if same {
            // Nothing but the number of instances or the port can differ.
            self.live = Some(rollout.target);
            self.rollout = None;
        } else {
            self.rollout = Some(rollout);
        }
    }

    /// The run of the rollout ended without bringing it to its end: what served goes on serving.
    pub(crate) fn abandon(&mut self, run: RunId) {
        let Some(rollout) = self.rollout.take_if(|rollout| rollout.run == run) else {
            return;
        };
        if rollout.phase == Phase::Retiring {
            self.live = Some(rollout.target);
        }
    }

    /// Moves the rollout on; says which release went back and why, when that is what happened.
    pub(crate) fn phased(&mut self, phase: &Phase, at_ms: i64) -> Result<Option<WentBack>, String> {
        let Some(rollout) = &mut self.rollout else {
            return Err(String::from("the service has no rollout"));
        };
        if !may_follow(&rollout.phase, phase) {
            return Err(format!(
                "the phase {phase:?} cannot follow {:?}",
                rollout.phase
            ));
        }
        match phase {
            Phase::Done => {
                self.live = Some(rollout.target.clone());
                self.rollout = None;
                Ok(None)
            }
            Phase::Returned { why, cause } => {
                let release = rollout.target.release;
                self.rollout = None;
                Ok(Some(WentBack {
                    release,
                    why: why.clone(),
                    cause: *cause,
                }))
            }
            Phase::Starting
            | Phase::Step(_)
            | Phase::Baking
            | Phase::Retiring
            | Phase::Returning { .. } => {
                rollout.phase = phase.clone();
                rollout.since_ms = at_ms;
                rollout.routed_ms = None;
                rollout.phase_began = rollout.score.new;
                Ok(None)
            }
        }
    }
}

/// A release that went back.
pub(crate) struct WentBack {
    pub release: Digest,
    pub why: String,
    pub cause: Cause,
}

/// The order of a rollout's phases.
fn may_follow(before: &Phase, after: &Phase) -> bool {
    match (before, after) {
        (Phase::Starting, Phase::Step(_)) => true,
        (Phase::Step(before), Phase::Step(after)) => before < after,
        (Phase::Step(_), Phase::Baking | Phase::Retiring) | (Phase::Baking, Phase::Retiring) => {
            true
        }
        (Phase::Retiring, Phase::Done) => true,
        (Phase::Starting | Phase::Step(_) | Phase::Baking, Phase::Returning { .. }) => true,
        (Phase::Returning { .. }, Phase::Returned { .. }) => true,
        (
            _,
            Phase::Starting
            | Phase::Step(_)
            | Phase::Baking
            | Phase::Retiring
            | Phase::Returning { .. }
            | Phase::Done
            | Phase::Returned { .. },
        ) => false,
    }
}

impl Rollout {
    pub(crate) fn new(run: RunId, target: Target, at_ms: i64) -> Self {
        Self {
            run,
            target,
            phase: Phase::Starting,
            since_ms: at_ms,
            routed_ms: None,
            score: Score::default(),
            phase_began: ArmTotals::default(),
            last: None,
        }
    }

    /// A table was put in force; if it sends the new version requests, or no longer does, the phase is in force.
    pub(crate) fn routed(&mut self, route: &Route, at_ms: i64) {
        let weight = route
            .arms
            .iter()
            .find(|arm| arm.version == self.target.version)
            .map_or(0, |arm| arm.weight);
        let expected = match &self.phase {
            Phase::Step(_) | Phase::Baking | Phase::Retiring => weight > 0,
            Phase::Starting | Phase::Returning { .. } | Phase::Done | Phase::Returned { .. } => {
                weight == 0
            }
        };
        if expected && self.routed_ms.is_none() {
            self.routed_ms = Some(at_ms);
        }
    }

    /// A new engine looks, so long after the old one wrote last: the evidence and the time so far count, the time
    /// without anybody looking does not.
    pub(crate) fn watched_again(&mut self, after_ms: i64) {
        self.since_ms = self.since_ms.saturating_add(after_ms);
        self.routed_ms = self
            .routed_ms
            .map(|since_ms| since_ms.saturating_add(after_ms));
    }

    pub(crate) fn counted(&mut self, counts: &Counts) {
        if let Some(last) = self.last.as_ref().filter(|last| last.boot == counts.boot) {
            let new = since(last, counts, |version| version == self.target.version);
            let old = since(last, counts, |version| version != self.target.version);
            self.score.add(new, old);
        }
        self.last = Some(counts.clone());
    }

    /// The newest counts.
    pub fn last_counts(&self) -> Option<&Counts> {
        self.last.as_ref()
    }
}

/// What arms answered between two readings of the same life of the router.
fn since(before: &Counts, after: &Counts, wanted: impl Fn(Version) -> bool) -> ArmTotals {
    let mut total = ArmTotals::default();
    for arm in after.arms.iter().filter(|arm| wanted(arm.version)) {
        let was = before.arms.iter().find(|one| one.version == arm.version);
        total.finished += arm
            .finished
            .saturating_sub(was.map_or(0, |one| one.finished));
        total.failed += arm.failed.saturating_sub(was.map_or(0, |one| one.failed));
    }
    total
}
