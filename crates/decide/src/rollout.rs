//! Rolling out services: which instances run, which requests they get, and when a new version is trusted or sent back.
//!
//! Each phase of a rollout names what is wanted: so many instances of each version with such weights. One and the same
//! reconciliation makes it so (place, route, drain, stop), and the phase moves on when it is so and the evidence says
//! good. Going back is a phase like any other.

mod ending;

use crate::action::{Action, Stage};
use crate::delivery::{InstanceWorld, Rollout, ServiceWorld};
use crate::limits::{DRAIN_MS_MAX, PUBLISHES_FAILED_MAX, REPLACEMENTS_MAX};
use crate::run::Run;
use crate::{Decision, Memo, World, apply, diag, gate, target};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ending::{due_ms, end, stuck, unwell};
use model::{
    ActionId, Arm, Backend, Cause, Effect, Event, InstanceId, InstanceSpec, InstanceState, Phase,
    RolloutKind, Route, RouteTable, RunKind, RunResult, Target, Verdict,
};
use value::Name;

/// So many instances of a version with such a weight.
struct Want<'a> {
    target: &'a Target,
    replicas: u32,
    weight: u32,
}

/// What is to be done for the services of a deploy run.
pub(crate) fn deliver(world: &World, run: &Run, memo: &mut Memo, now_ms: i64) -> Vec<Decision> {
    let mut decisions = Vec::new();
    apply::unsettled(run, now_ms, &mut decisions);
    if let Some(event) = begin_next(world, run, memo) {
        decisions.push(event);
        return decisions;
    }
    for (name, state) in &world.services {
        if let Some(rollout) = &state.rollout
            && rollout.run == run.id
        {
            // One at a time: what one service does may decide what another may do.
            if advance(world, run, name, rollout, now_ms, &mut decisions) {
                return decisions;
            }
        }
    }
    for (name, state) in &world.services {
        reconcile(world, run, name, state, now_ms, &mut decisions);
    }
    if decisions.iter().any(Decision::begins_effect) {
        // What is stopped now is no longer part of what is to be routed.
        return decisions;
    }
    publish(world, run, &mut decisions);
    let due = unwell(world, run).map(|(_, _, due_ms, _)| due_ms);
    decisions.extend(due.filter(|due_ms| *due_ms > now_ms).map(Decision::WakeAt));
    if decisions.is_empty()
        && let Some(result) = end(world, run, memo).or_else(|| stuck(world, run, now_ms))
    {
        decisions.push(Decision::Record(Event::Closed {
            run: run.id,
            result,
        }));
    }
    decisions
}

/// Begins the rollout of the next service whose turn it is.
fn begin_next(world: &World, run: &Run, memo: &mut Memo) -> Option<Decision> {
    if run.kind == RunKind::Stop
        || !run.returned.is_empty()
        || run.cancelled
        || going_back(world, run)
    {
        return None;
    }
    for name in target::order(&run.loaded.release) {
        if run.targeted.contains(&name) {
            continue;
        }
        let service = run.loaded.release.services.get(&name)?;
        let settled = target::needs(service).iter().all(|need| {
            run.targeted.contains(need)
                && world.services.get(need).is_some_and(|state| {
                    state
                        .rollout
                        .as_ref()
                        .is_none_or(|one| one.phase == Phase::Baking)
                })
        });
        let quiet = world
            .services
            .values()
            .filter_map(|state| state.rollout.as_ref())
            .all(|rollout| matches!(rollout.phase, Phase::Baking | Phase::Retiring));
        if !settled || !quiet {
            return None;
        }
        return match target::target(world, run, memo, &name) {
            Ok(Some(target)) => Some(Decision::Record(Event::Targeted {
                run: run.id,
                service: name,
                target,
            })),
            Ok(None) => None,
            Err(diagnostics) => {
                let result = RunResult::Failed { diagnostics };
                let idle = world.services.values().all(|state| state.rollout.is_none());
                idle.then_some(Decision::Record(Event::Closed {
                    run: run.id,
                    result,
                }))
            }
        };
    }
    None
}

fn going_back(world: &World, run: &Run) -> bool {
    world
        .services
        .values()
        .filter_map(|state| state.rollout.as_ref())
        .any(|rollout| rollout.run == run.id && matches!(rollout.phase, Phase::Returning { .. }))
}

/// What each phase wants, the old version first.
fn wants<'a>(world: &World, state: &'a ServiceWorld) -> Vec<Want<'a>> {
    if world
        .run
        .as_ref()
        .is_some_and(|run| run.kind == RunKind::Stop)
    {
        return Vec::new();
    }
    let old = state.live.as_ref();
    let Some(rollout) = &state.rollout else {
        return old
            .map(|target| Want {
                target,
                replicas: target.replicas,
                weight: 100,
            })
            .into_iter()
            .collect();
    };
    let new = &rollout.target;
    let pair = |old_replicas, old_weight, new_replicas, new_weight| {
        let old = old.map(|old| (old, old_replicas, old_weight));
        let both = old.into_iter().chain([(new, new_replicas, new_weight)]);
        let wants = both.map(|(target, replicas, weight)| Want {
            target,
            replicas,
            weight,
        });
        wants.filter(|want| want.replicas > 0).collect()
    };
    let have = old.map_or(0, |old| old.replicas);
    match (&rollout.phase, new.rollout.kind) {
        (Phase::Starting, RolloutKind::Canary) => pair(have, 100, new.replicas, 0),
        (Phase::Starting, RolloutKind::Rolling) if old.is_some() => pair(have, 100, 1, 0),
        (Phase::Starting, RolloutKind::Rolling) => pair(have, 100, new.replicas, 0),
        (Phase::Step(_), _) if old.is_none() => pair(0, 0, new.replicas, 100),
        (Phase::Step(step), RolloutKind::Canary) => {
            let share = new
                .rollout
                .steps
                .get(*step as usize)
                .copied()
                .unwrap_or(100);
            pair(
                have,
                100 - u32::from(share.min(100)),
                new.replicas,
                u32::from(share.min(100)),
            )
        }
        (Phase::Step(step), RolloutKind::Rolling) => {
            let moved = (step + 1).min(new.replicas);
            let left = have.saturating_sub(moved);
            let left = if moved == new.replicas {
                0
            } else {
                left.max(1)
            };
            pair(left, left, moved, moved)
        }
        (Phase::Baking, RolloutKind::Canary) => pair(have, 0, new.replicas, 100),
        (Phase::Baking, RolloutKind::Rolling) | (Phase::Retiring | Phase::Done, _) => {
            pair(0, 0, new.replicas, 100)
        }
        (Phase::Returning { .. } | Phase::Returned { .. }, _) => pair(have, 100, 0, 0),
    }
}

/// Instances of a service that are not being stopped, oldest first.
fn instances<'a>(world: &'a World, service: &Name) -> Vec<(&'a InstanceId, &'a InstanceWorld)> {
    let mut all: Vec<_> = world
        .instances
        .iter()
        .filter(|(_, one)| one.service == *service && !one.stopping)
        .collect();
    all.sort_by_key(|(id, one)| (one.placed_ms, *id));
    all
}

/// An instance that a want keeps, with the position of the want.
type Kept<'a> = (usize, &'a InstanceId, &'a InstanceWorld);

/// Splits the instances of a service in those a want keeps, and the others.
fn kept<'a>(
    world: &'a World,
    service: &Name,
    wants: &[Want<'_>],
) -> (Vec<Kept<'a>>, Vec<(&'a InstanceId, &'a InstanceWorld)>) {
    let mut keep = Vec::new();
    let mut surplus = Vec::new();
    let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
    for (id, instance) in instances(world, service) {
        let want = wants
            .iter()
            .position(|want| want.target.version == instance.version);
        let within = want.filter(|at| {
            let count = counts.entry(*at).or_default();
            let wanted = wants.get(*at).map_or(0, |want| want.replicas);
            let counts_for = instance.state != InstanceState::Gone && *count < wanted;
            *count += u32::from(counts_for);
            counts_for
        });
        match within {
            Some(at) => keep.push((at, id, instance)),
            None => surplus.push((id, instance)),
        }
    }
    (keep, surplus)
}

/// The route that a service's wants come to; none while there is nothing to send requests to.
fn desired_route(world: &World, name: &Name, state: &ServiceWorld) -> Option<Route> {
    let wants = wants(world, state);
    let (keep, surplus) = kept(world, name, &wants);
    let current = world.route.route(name);
    let target = state
        .rollout
        .as_ref()
        .map(|one| &one.target)
        .or(state.live.as_ref())?;
    let mut arms: Vec<Arm> = Vec::new();
    for (at, want) in wants.iter().enumerate() {
        let backends: Vec<Backend> = keep
            .iter()
            .filter(|(one, _, instance)| *one == at && is_routable(instance))
            .filter_map(|(_, id, instance)| backend(id, instance, false))
            .collect();
        if want.weight > 0 && backends.is_empty() {
            if answers_elsewhere(&keep, &wants, at) {
                // Nothing of it answers, and another version does: whoever asks had rather be answered.
                continue;
            }
            return current.cloned();
        }
        arms.push(Arm {
            version: want.target.version,
            weight: want.weight,
            backends,
        });
    }
    for (id, instance) in surplus {
        let known = current.is_some_and(|route| {
            route
                .arms
                .iter()
                .flat_map(|arm| &arm.backends)
                .any(|one| one.instance == *id)
        });
        let Some(backend) = backend(id, instance, true).filter(|_| known) else {
            continue;
        };
        match arms.iter_mut().find(|arm| arm.version == instance.version) {
            Some(arm) => arm.backends.push(backend),
            None => arms.push(Arm {
                version: instance.version,
                weight: 0,
                backends: Vec::from([backend]),
            }),
        }
    }
    if arms.iter().all(|arm| arm.weight == 0) {
        // A first version that was sent back leaves nothing to route to.
        return None;
    }
    arms.retain(|arm| arm.weight > 0 || !arm.backends.is_empty());
    arms.sort_by_key(|arm| arm.version);
    let port = match world.route.ports.get(name) {
        Some(port) if target.port == 0 => *port,
        _ => target.port,
    };
    Some(Route {
        service: name.clone(),
        port,
        arms,
        health: target.health.clone(),
    })
}

/// Whether another want than this one is given requests and has instances that answer them.
fn answers_elsewhere(keep: &[Kept<'_>], wants: &[Want<'_>], than: usize) -> bool {
    keep.iter().any(|(at, _, instance)| {
        *at != than
            && instance.state == InstanceState::Healthy
            && wants.get(*at).is_some_and(|want| want.weight > 0)
    })
}

fn is_routable(instance: &InstanceWorld) -> bool {
    match instance.state {
        InstanceState::Healthy => true,
        // It had requests and may recover; the router looks for itself.
        InstanceState::Unhealthy => instance.routed,
        InstanceState::Starting | InstanceState::Gone => false,
    }
}

fn backend(id: &InstanceId, instance: &InstanceWorld, draining: bool) -> Option<Backend> {
    let address = instance.address.clone()?;
    Some(Backend {
        instance: id.clone(),
        address,
        draining,
    })
}

/// Whether the router follows what a service wants.
fn in_force(world: &World, name: &Name, state: &ServiceWorld) -> bool {
    if !world.route.doubtful.is_empty() {
        return false;
    }
    let have = world.route.route(name);
    match (have, desired_route(world, name, state)) {
        (None, None) => true,
        (Some(have), Some(want)) => have.arms == want.arms && have.health == want.health,
        _ => false,
    }
}

/// Starts what is missing and stops what is left over.
fn reconcile(
    world: &World,
    run: &Run,
    name: &Name,
    state: &ServiceWorld,
    now_ms: i64,
    decisions: &mut Vec<Decision>,
) {
    let wants = wants(world, state);
    let (keep, surplus) = kept(world, name, &wants);
    let mut number = world.instances_made + placed_in(decisions);
    for (at, want) in wants.iter().enumerate() {
        let have = keep.iter().filter(|(one, _, _)| *one == at).count() as u32;
        // A stopped run begins nothing new, but what it took away it brings back.
        let back = state
            .rollout
            .as_ref()
            .is_some_and(|rollout| matches!(rollout.phase, Phase::Returning { .. }));
        if (run.cancelled && !back) || placing_failed(run, want.target) {
            continue;
        }
        let started = started(run, name, want.target);
        let left = (want.replicas + REPLACEMENTS_MAX).saturating_sub(started);
        for _ in have..want.replicas.min(have + left) {
            number += 1;
            decisions.push(place(run, name, want.target, number));
        }
    }
    for (id, instance) in surplus {
        let routed = world.route.may_send_to(id);
        let patience = instance
            .unrouted_ms
            .is_some_and(|since| now_ms >= since + DRAIN_MS_MAX);
        let gone = instance.state == InstanceState::Gone;
        let placing = run
            .actions
            .get(&ActionId::of(run.id, &format!("place:{id}")))
            .is_some_and(|action| !action.is_settled() && !apply::exhausted(run, action));
        if !placing && (gone || (!routed && (instance.drained || patience))) {
            decisions.push(stop(run, id, state));
        } else if let Some(since) = instance.unrouted_ms
            && !patience
        {
            decisions.push(Decision::WakeAt(since + DRAIN_MS_MAX));
        }
    }
}

/// Instances of a version that were started in this run, whatever became of them.
fn started(run: &Run, service: &Name, target: &Target) -> u32 {
    let of_it = |action: &&Action| match &action.effect {
        Effect::Place(spec) => spec.version == target.version && spec.service == *service,
        Effect::Change(_)
        | Effect::Stop { .. }
        | Effect::Publish(_)
        | Effect::Build(_)
        | Effect::Provision(_)
        | Effect::Probe(_) => false,
    };
    run.actions.values().filter(of_it).count() as u32
}

fn placed_in(decisions: &[Decision]) -> u64 {
    decisions
        .iter()
        .filter(|one| {
            matches!(
                one,
                Decision::Record(Event::Intended {
                    effect: Effect::Place(_),
                    attempt: 1,
                    ..
                })
            )
        })
        .count() as u64
}

fn place(run: &Run, service: &Name, target: &Target, number: u64) -> Decision {
    let instance = InstanceId(format!("{service}-{number}"));
    let action = ActionId::of(run.id, &format!("place:{instance}"));
    let spec = InstanceSpec {
        instance,
        service: service.clone(),
        version: target.version,
        artifact: target.artifact,
        run: target.run.clone(),
        env: target.env.clone(),
        health_path: target.health.path.clone(),
        health_timeout_ms: target.health.timeout_ms,
        memory_bytes_max: target.memory_bytes_max,
    };
    Decision::Record(Event::Intended {
        run: run.id,
        action,
        attempt: 1,
        effect: Effect::Place(spec),
    })
}

fn stop(run: &Run, id: &InstanceId, state: &ServiceWorld) -> Decision {
    let action = ActionId::of(run.id, &format!("stop:{id}"));
    let grace_ms = state
        .rollout
        .as_ref()
        .map(|rollout| rollout.target.stop_grace_ms)
        .or(state.live.as_ref().map(|live| live.stop_grace_ms))
        .unwrap_or(0);
    let effect = Effect::Stop {
        instance: id.clone(),
        grace_ms,
    };
    Decision::Record(Event::Intended {
        run: run.id,
        action,
        attempt: 1,
        effect,
    })
}

/// Whether an instance of a version could not be placed for good.
fn placing_failed(run: &Run, target: &Target) -> bool {
    failed(
        run,
        |effect| matches!(effect, Effect::Place(spec) if spec.version == target.version),
    )
    .is_some()
}

/// Why an effect of this kind failed for good in this run, if one did: by what it is, or by its circumstances.
fn failed(run: &Run, wanted: impl Fn(&Effect) -> bool) -> Option<(String, Cause)> {
    run.actions
        .values()
        .filter(|action| wanted(&action.effect))
        .find_map(|action| match &action.stage {
            Stage::Failed { diagnostics } => {
                let why = diag::effect_refused(&action.effect.subject(), diagnostics);
                Some((why, Cause::Version))
            }
            Stage::Struck { why, .. } if apply::exhausted(run, action) => {
                let (subject, times) = (action.effect.subject(), diag::times(action.tries));
                let why = format!("{subject} failed {times}: {why}");
                Some((why, Cause::Circumstances))
            }
            Stage::Open
            | Stage::Uncertain { .. }
            | Stage::Struck { .. }
            | Stage::Waiting { .. }
            | Stage::Unclear { .. }
            | Stage::Parked { .. }
            | Stage::Done => None,
        })
}

/// Tells the router, when what it follows is not what is wanted.
fn publish(world: &World, run: &Run, decisions: &mut Vec<Decision>) {
    let busy = run
        .live
        .iter()
        .filter_map(|id| run.actions.get(id))
        .any(|action| {
            matches!(action.effect, Effect::Publish(_)) && !apply::exhausted(run, action)
        });
    if busy
        || failed(run, |effect| matches!(effect, Effect::Publish(_))).is_some()
            && !going_back(world, run)
    {
        return;
    }
    let routes: Vec<Route> = world
        .services
        .iter()
        .filter_map(|(name, state)| desired_route(world, name, state))
        .collect();
    let mut current = world.route.table.routes.clone();
    for route in &mut current {
        // A port that the router chose is the port that was asked for.
        if let Some(port) = world
            .route
            .ports
            .get(&route.service)
            .filter(|_| route.port == 0)
        {
            route.port = *port;
        }
    }
    if routes == current && world.route.doubtful.is_empty() {
        return;
    }
    let failures = run
        .actions
        .values()
        .filter(|action| matches!(action.effect, Effect::Publish(_)))
        .filter(|action| action.stage != Stage::Done)
        .count();
    if failures > PUBLISHES_FAILED_MAX {
        return;
    }
    let table = RouteTable {
        generation: world.route.table.generation.max(world.route.newest) + 1,
        routes,
    };
    let action = ActionId::of(run.id, &format!("publish:{}", table.generation));
    decisions.push(Decision::Record(Event::Intended {
        run: run.id,
        action,
        attempt: 1,
        effect: Effect::Publish(table),
    }));
}

/// Judges a rollout and moves it on; says whether it did.
fn advance(
    world: &World,
    run: &Run,
    name: &Name,
    rollout: &Rollout,
    now_ms: i64,
    decisions: &mut Vec<Decision>,
) -> bool {
    let Some(state) = world.services.get(name) else {
        return false;
    };
    let trouble = trouble(world, run, name, rollout, now_ms);
    let forward = matches!(
        rollout.phase,
        Phase::Starting | Phase::Step(_) | Phase::Baking
    );
    if let (Some((why, cause)), true) = (trouble, forward) {
        decisions.push(phase(run, name, Phase::Returning { why, cause }));
        return true;
    }
    if forward {
        let deadline_ms = rollout.target.health.deadline_ms;
        let waited_for = instances(world, name).into_iter().filter(|(_, one)| {
            one.version == rollout.target.version && one.state == InstanceState::Unhealthy
        });
        let due = waited_for.filter_map(|(_, one)| due_ms(run, one, deadline_ms));
        decisions.extend(due.map(Decision::WakeAt));
    }
    let in_force = in_force(world, name, state);
    let here = Here {
        world,
        run,
        name,
        state,
        rollout,
        in_force,
        now_ms,
    };
    match &rollout.phase {
        Phase::Starting => here.starting(decisions),
        Phase::Step(step) => here.step(*step, decisions),
        Phase::Baking => here.baking(decisions),
        Phase::Retiring if in_force && !here.others_run(true) => here.to(Phase::Done, decisions),
        Phase::Returning { why, cause } if in_force && !here.others_run(false) => {
            let (why, cause) = (why.clone(), *cause);
            here.to(Phase::Returned { why, cause }, decisions)
        }
        Phase::Retiring | Phase::Returning { .. } | Phase::Done | Phase::Returned { .. } => false,
    }
}

fn phase(run: &Run, service: &Name, phase: Phase) -> Decision {
    Decision::Record(Event::Phased {
        run: run.id,
        service: service.clone(),
        phase,
    })
}

/// Why a rollout cannot go on, apart from what its requests say, and whether that speaks against the version.
///
/// What a runtime refuses could not run anywhere, and what never gets healthy was seen to be bad. What fails for want
/// of something else (a port, room on the disk, a stored artifact, the router) says nothing about the version.
fn trouble(
    world: &World,
    run: &Run,
    name: &Name,
    rollout: &Rollout,
    now_ms: i64,
) -> Option<(String, Cause)> {
    if run.cancelled {
        let why = String::from("the run was cancelled");
        return Some((why, Cause::Circumstances));
    }
    let version = rollout.target.version;
    let unplaced = failed(
        run,
        |effect| matches!(effect, Effect::Place(spec) if spec.version == version),
    );
    let unrouted = || {
        let failed = failed(run, |effect| matches!(effect, Effect::Publish(_)));
        failed.map(|(why, _)| (why, Cause::Circumstances))
    };
    if let Some(found) = unplaced.or_else(unrouted) {
        return Some(found);
    }
    let other = world.services.iter().find(|(other, state)| {
        let back = state
            .rollout
            .as_ref()
            .is_some_and(|one| one.run == run.id && matches!(one.phase, Phase::Returning { .. }));
        *other != name && (back || run.returned.contains_key(*other))
    });
    if let Some((other, _)) = other {
        // What it went back for decides about the release.
        let why = format!("{other} of the same release went back");
        return Some((why, Cause::Circumstances));
    }
    let deadline_ms = rollout.target.health.deadline_ms;
    let is_over =
        |one: &InstanceWorld| due_ms(run, one, deadline_ms).is_some_and(|due| now_ms >= due);
    let (id, one) = instances(world, name)
        .into_iter()
        .filter(|(_, one)| one.version == version)
        .find(|(id, one)| match one.state {
            // One that an earlier run left behind is replaced; it says nothing about the version.
            InstanceState::Gone => run
                .actions
                .contains_key(&ActionId::of(run.id, &format!("place:{id}"))),
            InstanceState::Starting => is_over(one),
            InstanceState::Unhealthy => !one.routed || is_over(one),
            InstanceState::Healthy => false,
        })?;
    let why = match one.state {
        InstanceState::Gone => format!("the new instance {id} does not run: {}", one.detail),
        InstanceState::Starting | InstanceState::Unhealthy | InstanceState::Healthy => {
            diag::never_healthy(&format!("{name} ({id})"), &one.detail, deadline_ms)
        }
    };
    Some((why, Cause::Version))
}

/// One rollout at one moment.
struct Here<'a> {
    world: &'a World,
    run: &'a Run,
    name: &'a Name,
    state: &'a ServiceWorld,
    rollout: &'a Rollout,
    in_force: bool,
    now_ms: i64,
}

impl Here<'_> {
    fn to(&self, next: Phase, decisions: &mut Vec<Decision>) -> bool {
        decisions.push(phase(self.run, self.name, next));
        true
    }

    /// Healthy instances of the new version.
    fn healthy(&self) -> u32 {
        instances(self.world, self.name)
            .into_iter()
            .filter(|(_, one)| {
                one.version == self.rollout.target.version && one.state == InstanceState::Healthy
            })
            .count() as u32
    }

    /// Whether instances of other versions than the new one (or of the new one) still exist.
    fn others_run(&self, than_new: bool) -> bool {
        self.world.instances.values().any(|one| {
            one.service == *self.name && (one.version != self.rollout.target.version) == than_new
        })
    }

    fn starting(&self, decisions: &mut Vec<Decision>) -> bool {
        let target = &self.rollout.target;
        let first = self.state.live.is_none();
        let rolling = target.rollout.kind == RolloutKind::Rolling;
        let wanted = if rolling && !first {
            1
        } else {
            target.replicas
        };
        if self.healthy() >= wanted {
            return self.to(Phase::Step(0), decisions);
        }
        let deadline = instances(self.world, self.name)
            .into_iter()
            .filter(|(_, one)| one.state == InstanceState::Starting)
            .filter_map(|(_, one)| due_ms(self.run, one, target.health.deadline_ms))
            .filter(|deadline_ms| *deadline_ms > self.now_ms)
            .min();
        decisions.extend(deadline.map(Decision::WakeAt));
        false
    }

    fn step(&self, step: u32, decisions: &mut Vec<Decision>) -> bool {
        if !self.in_force {
            return false;
        }
        let target = &self.rollout.target;
        if self.state.live.is_none() {
            // Nothing to compare with: being healthy and routed is all there is to see.
            return self.to(Phase::Retiring, decisions);
        }
        match target.rollout.kind {
            RolloutKind::Canary if self.run.options.at_once => self.to(Phase::Baking, decisions),
            RolloutKind::Canary => {
                let last = step as usize + 1 >= target.rollout.steps.len();
                let next = if last {
                    Phase::Baking
                } else {
                    Phase::Step(step + 1)
                };
                self.judge(
                    target.rollout.step_ms,
                    target.rollout.requests_min,
                    next,
                    decisions,
                )
            }
            RolloutKind::Rolling => {
                let moved = (step + 1).min(target.replicas);
                if self.healthy() < moved || self.surplus_left() {
                    return false;
                }
                if moved == target.replicas {
                    return self.to(Phase::Retiring, decisions);
                }
                self.to(Phase::Step(step + 1), decisions)
            }
        }
    }

    /// Whether old instances that this step gives up are still there.
    fn surplus_left(&self) -> bool {
        let wants = wants(self.world, self.state);
        let (_, surplus) = kept(self.world, self.name, &wants);
        let stopping = self
            .world
            .instances
            .values()
            .any(|one| one.service == *self.name && one.stopping);
        stopping || !surplus.is_empty()
    }

    /// Moves on after the time and the requests that a step needs, goes back on bad evidence.
    fn judge(
        &self,
        least_ms: u64,
        requests_min: u64,
        next: Phase,
        decisions: &mut Vec<Decision>,
    ) -> bool {
        let rollout = self.rollout;
        let rules = &rollout.target.rollout;
        let evidence = rollout.score.evidence();
        let judged = |verdict: Verdict| {
            Decision::Record(Event::Judged {
                run: self.run.id,
                service: self.name.clone(),
                evidence: evidence.clone(),
                verdict,
            })
        };
        if rules.judge.errors && gate::is_bad(&evidence, rules.judge.false_alarm_ppm) {
            decisions.push(judged(Verdict::Bad));
            let why = format!(
                "{} of {} requests failed on the new version, {} of {} on the old",
                evidence.new_failed,
                evidence.new_finished,
                evidence.old_failed,
                evidence.old_finished
            );
            let cause = Cause::Version;
            return self.to(Phase::Returning { why, cause }, decisions);
        }
        let since = rollout.routed_ms.unwrap_or(rollout.since_ms);
        let due = since.saturating_add(least_ms as i64);
        let seen = rollout
            .score
            .new
            .finished
            .saturating_sub(rollout.phase_began.finished);
        let clean = !rules.judge.errors || gate::is_clean(&evidence);
        if self.now_ms >= due && seen >= requests_min && clean {
            decisions.push(judged(Verdict::Good));
            return self.to(next, decisions);
        }
        let deadline = due.saturating_add(rules.evidence_deadline_ms as i64);
        if self.now_ms >= deadline {
            decisions.push(judged(Verdict::NotEnoughEvidence));
            let why = format!(
                "not enough evidence: {seen} requests reached the new version at this step within {} s, {} were \
                 needed{}",
                (least_ms + rules.evidence_deadline_ms) / 1000,
                requests_min,
                if clean {
                    ""
                } else {
                    ", and too many of them failed"
                }
            );
            let cause = Cause::Circumstances;
            return self.to(Phase::Returning { why, cause }, decisions);
        }
        decisions.push(Decision::WakeAt(if self.now_ms < due {
            due
        } else {
            deadline
        }));
        false
    }

    fn baking(&self, decisions: &mut Vec<Decision>) -> bool {
        if !self.in_force {
            return false;
        }
        let rules = &self.rollout.target.rollout;
        let all_begun = self
            .run
            .loaded
            .release
            .services
            .keys()
            .all(|name| self.run.targeted.contains(name));
        let all_here = self
            .world
            .services
            .values()
            .filter_map(|state| state.rollout.as_ref())
            .all(|one| matches!(one.phase, Phase::Baking | Phase::Retiring));
        let bake_ms = if self.run.options.at_once {
            0
        } else {
            rules.bake_ms
        };
        if !all_begun || !all_here {
            // The others are not so far; being watched goes on, the old version stays warm.
            return self.watch_only(decisions);
        }
        self.judge(bake_ms, 0, Phase::Retiring, decisions)
    }

    fn watch_only(&self, decisions: &mut Vec<Decision>) -> bool {
        let evidence = self.rollout.score.evidence();
        let rules = &self.rollout.target.rollout;
        if rules.judge.errors && gate::is_bad(&evidence, rules.judge.false_alarm_ppm) {
            return self.judge(u64::MAX >> 2, u64::MAX, Phase::Retiring, decisions);
        }
        false
    }
}
