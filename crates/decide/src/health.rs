//! Health of objects: which planned changes are followed by a look at it, what is looked at once its turn has come, and
//! which objects a run leaves behind without having found them healthy ([`Run::unhealthy`]).

use crate::action::Stage;
use crate::apply::objects;
use crate::eval::{Evaluator, Objects, Place};
use crate::run::Run;
use crate::{Memo, World, diag};
use alloc::collections::BTreeSet;
use alloc::string::ToString as _;
use model::{
    Action, Address, Effect, Manner, Mode, Origin, PlannedChange, Probe, Unhealthy, Verb, Work,
};
use value::{Diagnostics, Span, Value};

/// Whether the health of an object is looked at after a change: where it is made or changed, and where it stays as it
/// is and was not healthy before.
pub(crate) fn of_change(evaluator: &Evaluator, change: &PlannedChange, unhealthy: bool) -> bool {
    let begins = match change.action {
        Action::Create | Action::Update | Action::DeleteThenCreate | Action::CreateThenDelete => {
            true
        }
        Action::NoOp => unhealthy,
        Action::Delete | Action::Read | Action::Forget | Action::Open => false,
    };
    let managed = change.address.resource.mode == Mode::Managed;
    let written = || evaluator.written(&change.address);
    begins
        && managed
        && !change.deposed
        && written().is_some_and(|one| one.lifecycle.health.is_some())
}

/// What is to be looked at, now that its turn has come, without what is ephemeral: that is never written down, and is
/// put in when the effect is handed out ([`crate::handed_out`]).
///
/// # Errors
/// When it cannot be evaluated, or is not wholly known.
pub(crate) fn effect(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
    now_ms: i64,
) -> Result<Effect, Diagnostics> {
    let evaluator = memo.evaluator(world, run);
    let (target, manner) = target(evaluator, &objects(world, run), planned, true)?;
    let deadline_ms = i64::try_from(manner.deadline_ms).unwrap_or(i64::MAX);
    Ok(Effect::Probe(Probe {
        address: planned.address.clone(),
        target,
        manner,
        until_ms: now_ms.saturating_add(deadline_ms),
    }))
}

/// What is looked at and how: as it is written down, or as it is.
pub(crate) fn target(
    evaluator: &Evaluator,
    objects: Objects<'_>,
    planned: &PlannedChange,
    to_record: bool,
) -> Result<(Value, Manner), Diagnostics> {
    let address = &planned.address;
    let missing = || Diagnostics::from(diag::not_available(&address.to_string(), Span::default()));
    let health = evaluator.written(address);
    let health = health.and_then(|resource| resource.lifecycle.health.as_ref());
    let health = health.ok_or_else(missing)?;
    let place = evaluator.place_of(address, objects)?;
    let (_, place) = place.ok_or_else(missing)?;
    let place = Place {
        key: address.key.clone(),
        this: objects(address),
        ..place
    };
    let target = evaluator.evaluate(&health.target, &place, objects)?;
    let is_said = |name: &str| target.get(name).is_some_and(|value| !value.is_null());
    let is_whole = target.is_wholly_known() && ["http", "tcp", "command"].into_iter().any(is_said);
    if !is_whole {
        return Err(diag::health_unknown(address, health.span).into());
    }
    let target = if to_record {
        target.ephemeral_as_null()
    } else {
        target
    };
    Ok((target, health.manner.clone()))
}

/// A look as it is handed out at a time: with what is left of its deadline.
pub(crate) fn left(probe: &Probe, target: Value, at_ms: i64) -> Probe {
    let left_ms = probe.until_ms.saturating_sub(at_ms);
    Probe {
        target,
        manner: Manner {
            deadline_ms: u64::try_from(left_ms).unwrap_or(0),
            ..probe.manner.clone()
        },
        ..probe.clone()
    }
}

impl Run {
    /// Whether what it did is to be taken back now that it is over: an object was not healthy in time and says so. What
    /// heals or takes back is never taken back itself, and services go back on their own.
    pub(crate) fn is_to_be_taken_back(&self) -> bool {
        let says_so = |action: &crate::Action| {
            matches!(&action.effect, Effect::Probe(probe) if probe.manner.on_failure == Unhealthy::Rollback)
                && matches!(action.stage, Stage::Failed { .. })
        };
        let changed = |action: &crate::Action| matches!(action.effect, Effect::Change(_));
        self.options.origin == Origin::Person
            && self.targeted.is_empty()
            && self.actions.values().any(says_so)
            && self.actions.values().any(changed)
    }

    /// Objects that this run made, changed or was to look at again, and did not find to be healthy.
    pub(crate) fn unhealthy(&self) -> BTreeSet<Address> {
        let Some(plan) = &self.plan else {
            return BTreeSet::new();
        };
        let is_done = |at: u32| {
            let action = self.actions.get(&self.step_action(at));
            action.is_some_and(crate::Action::is_done)
        };
        let mut open = BTreeSet::new();
        for (at, step) in (0..).zip(&plan.steps) {
            if let Work::Probe { change } = step.work
                && !is_done(at)
            {
                open.insert(change);
            }
        }
        if open.is_empty() {
            return BTreeSet::new();
        }
        // What was not changed is what it was.
        for (at, step) in (0..).zip(&plan.steps) {
            if let Work::Change {
                change,
                verb: Verb::Create | Verb::Update,
            } = step.work
                && !is_done(at)
            {
                open.remove(&change);
            }
        }
        let changes = open
            .into_iter()
            .filter_map(|at| plan.changes.get(at as usize));
        changes.map(|change| change.address.clone()).collect()
    }
}
