//! How a deploy run ends: everything is where it should be, or something was given up for good and nothing else moves.

use super::{in_force, instances, kept, started, wants};
use crate::delivery::{InstanceWorld, ServiceWorld};
use crate::limits::REPLACEMENTS_MAX;
use crate::run::Run;
use crate::{Memo, World, apply, diag};
use alloc::collections::BTreeMap;
use alloc::format;
use model::{InstanceId, InstanceState, Phase, RunKind, RunResult};
use value::{Diagnostic, Name};

/// How a deploy run ends when something was given up for good and nothing else can move.
pub(super) fn stuck(world: &World, run: &Run, now_ms: i64) -> Option<RunResult> {
    if apply::moving(run) {
        return None;
    }
    let mut diagnostics = apply::failures(run);
    for (id, instance, due_ms, deadline_ms) in unwell(world, run) {
        if now_ms >= due_ms {
            let subject = format!("{} ({id})", instance.service);
            let why = diag::never_healthy(&subject, &instance.detail, deadline_ms);
            diagnostics.push(diag::unwell(&subject, &why));
        }
    }
    for (name, state) in &world.services {
        if let Some(one) = given_up(world, run, name, state) {
            diagnostics.push(one);
        }
    }
    diagnostics
        .has_errors()
        .then_some(RunResult::Failed { diagnostics })
}

/// What a service misses for good in this run: instances of a version that ended as often as they were started. A
/// rollout away from that version goes on without it.
fn given_up(world: &World, run: &Run, name: &Name, state: &ServiceWorld) -> Option<Diagnostic> {
    let leaves = state
        .rollout
        .as_ref()
        .is_some_and(|rollout| !matches!(rollout.phase, Phase::Returning { .. }));
    if leaves {
        return None;
    }
    let wants = wants(world, state);
    let (keep, _) = kept(world, name, &wants);
    wants.iter().enumerate().find_map(|(at, want)| {
        let have = keep.iter().filter(|(one, _, _)| *one == at).count() as u32;
        let started = started(run, name, want.target);
        (have < want.replicas && started >= want.replicas + REPLACEMENTS_MAX)
            .then(|| diag::does_not_stay(name, want.target.version, started))
    })
}

/// Until when an instance must be healthy: it was placed, and before the run nobody looked. None while it is not
/// placed.
pub(super) fn due_ms(run: &Run, instance: &InstanceWorld, deadline_ms: u64) -> Option<i64> {
    let from_now = run
        .began_ms
        .saturating_add(i64::try_from(deadline_ms).unwrap_or(i64::MAX));
    Some(instance.due_ms(deadline_ms)?.max(from_now))
}

/// Instances that are not well although no rollout waits for them, with the time until which they are waited for.
pub(super) fn unwell<'a>(
    world: &'a World,
    run: &'a Run,
) -> impl Iterator<Item = (&'a InstanceId, &'a InstanceWorld, i64, u64)> {
    world.instances.iter().filter_map(move |(id, instance)| {
        let state = world.services.get(&instance.service)?;
        let live = state.live.as_ref().filter(|_| state.rollout.is_none())?;
        let waits = matches!(
            instance.state,
            InstanceState::Starting | InstanceState::Unhealthy
        );
        let deadline_ms = live.health.deadline_ms;
        // What is not placed is being tried, or was given up and is among what failed.
        let due_ms = due_ms(run, instance, deadline_ms)?;
        (waits && !instance.stopping).then_some((id, instance, due_ms, deadline_ms))
    })
}

/// How a deploy run ends, when nothing is left to do.
pub(super) fn end(world: &World, run: &Run, memo: &mut Memo) -> Option<RunResult> {
    let rolling = world.services.values().any(|state| state.rollout.is_some());
    let stopping = world.instances.values().any(|one| one.stopping);
    if rolling || stopping || apply::moving(run) {
        return None;
    }
    if run.cancelled {
        return Some(RunResult::Cancelled);
    }
    if !run.returned.is_empty() {
        return Some(RunResult::Returned {
            services: run.returned.clone(),
        });
    }
    let stopped = run.kind == RunKind::Stop;
    let all_begun = stopped
        || run
            .loaded
            .release
            .services
            .keys()
            .all(|name| run.targeted.contains(name));
    let quiet = world
        .services
        .iter()
        .all(|(name, state)| in_force(world, name, state));
    let whole = world.services.iter().all(|(name, state)| {
        let wanted: u32 = wants(world, state).iter().map(|want| want.replicas).sum();
        let healthy = instances(world, name)
            .iter()
            .filter(|(_, one)| one.state == InstanceState::Healthy)
            .count() as u32;
        healthy >= wanted
    });
    let gone = !stopped || world.instances.is_empty();
    if all_begun && quiet && whole && gone {
        if stopped {
            return Some(RunResult::succeeded(BTreeMap::new()));
        }
        return Some(match apply::outputs(world, run, memo) {
            Ok(outputs) => apply::succeeded(world, run, memo, outputs),
            Err(diagnostics) => RunResult::Failed { diagnostics },
        });
    }
    let failures = apply::failures(run);
    failures.has_errors().then_some(RunResult::Failed {
        diagnostics: failures,
    })
}
