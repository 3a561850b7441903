//! Provisioners: which of them a planned change runs, and what one is to do once its turn has come.
//!
//! They run as Terraform runs them: after an object was made, and before it is destroyed unless it is damaged or was
//! replaced by a new one first. What was made but not provisioned to its end counts as damaged when the run ends,
//! whatever the reason ([`Run::unprovisioned`]).

use crate::apply::objects;
use crate::eval::{Evaluator, Objects, Place};
use crate::plan::endpoint;
use crate::run::Run;
use crate::{Memo, World, diag};
use alloc::collections::BTreeSet;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use model::{
    Action, Address, Effect, PlannedChange, Provision, Provisioner, Removed, Verb, When, Work,
};
use value::{Diagnostics, Span};

/// The `removed` block that names an object.
pub(crate) fn removed<'e>(evaluator: &'e Evaluator, address: &Address) -> Option<&'e Removed> {
    let loaded = evaluator.loaded();
    (0..loaded.tree.len() as u32).find_map(|node| {
        let mut all = loaded.module(node).removed.iter();
        all.find(|removed| endpoint::covers(loaded, node, &removed.from, address))
    })
}

/// The provisioners written for an object: those of its resource, or of the block that says that it was removed.
fn written<'e>(evaluator: &'e Evaluator, address: &Address) -> &'e [Provisioner] {
    match evaluator.written(address) {
        Some(resource) => &resource.provisioners,
        None => removed(evaluator, address).map_or(&[], |removed| &removed.provisioners),
    }
}

/// Positions of the provisioners that a change runs: after the object was made, and before it is destroyed.
pub(crate) fn of_change(
    evaluator: &Evaluator,
    change: &PlannedChange,
    damaged: bool,
) -> (Vec<u32>, Vec<u32>) {
    let makes = matches!(
        change.action,
        Action::Create | Action::DeleteThenCreate | Action::CreateThenDelete
    );
    let destroys = matches!(change.action, Action::Delete | Action::DeleteThenCreate);
    let destroys = destroys && !change.deposed && !damaged;
    if !makes && !destroys {
        return (Vec::new(), Vec::new());
    }
    let all = written(evaluator, &change.address);
    let at = |when, runs: bool| {
        let all = (0..).zip(all).filter(|(_, one)| runs && one.when == when);
        all.map(|(at, _)| at).collect()
    };
    (at(When::Create, makes), at(When::Destroy, destroys))
}

/// What a provisioner is to do, now that its turn has come, without what is ephemeral: that is never written down, and
/// is put in when the effect is handed out ([`crate::handed_out`]).
///
/// # Errors
/// When its arguments cannot be evaluated, or are not wholly known.
pub(crate) fn effect(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
    position: u32,
) -> Result<Effect, Diagnostics> {
    let evaluator = memo.evaluator(world, run);
    evaluated(evaluator, &objects(world, run), planned, position, true).map(Effect::Provision)
}

/// What a provisioner is to do: as it is written down, or as it is.
pub(crate) fn evaluated(
    evaluator: &Evaluator,
    objects: Objects<'_>,
    planned: &PlannedChange,
    position: u32,
    to_record: bool,
) -> Result<Provision, Diagnostics> {
    let address = &planned.address;
    let missing = || Diagnostics::from(diag::not_available(&address.to_string(), Span::default()));
    let provisioner = written(evaluator, address).get(position as usize);
    let provisioner = provisioner.ok_or_else(missing)?;
    let place = match provisioner.when {
        When::Create => evaluator
            .place_of(address, objects)?
            .map(|(_, place)| place),
        // It may be one that is not written any more.
        When::Destroy => evaluator.place_in(&address.resource.module, objects)?,
    };
    let place = Place {
        key: address.key.clone(),
        this: objects(address),
        ..place.ok_or_else(missing)?
    };
    let evaluate = |expr| {
        let mut value = evaluator.evaluate(expr, &place, objects)?;
        if to_record {
            value = value.ephemeral_as_null();
        }
        if value.is_wholly_known() {
            Ok::<_, Diagnostics>(value)
        } else {
            Err(diag::provisioner_unknown(address, &provisioner.kind, provisioner.span).into())
        }
    };
    Ok(Provision {
        address: address.clone(),
        kind: provisioner.kind.clone(),
        config: evaluate(&provisioner.config)?,
        connection: provisioner.connection.as_ref().map(evaluate).transpose()?,
        on_failure: provisioner.on_failure,
    })
}

impl Run {
    /// Objects that this run made and did not provision to the end.
    pub(crate) fn unprovisioned(&self) -> BTreeSet<Address> {
        let Some(plan) = &self.plan else {
            return BTreeSet::new();
        };
        let is_done = |at: u32| {
            let action = self.actions.get(&self.step_action(at));
            action.is_some_and(crate::Action::is_done)
        };
        let mut left = BTreeSet::new();
        for (at, step) in (0..).zip(&plan.steps) {
            if let Work::Provision { change, .. } = step.work
                && !is_done(at)
            {
                left.insert(change);
            }
        }
        // Those for the destruction of what was there before ran before it was made anew. What was made is looked up
        // only where something is left: most plans have no provisioner at all.
        let mut unprovisioned = BTreeSet::new();
        for (at, step) in (0..).zip(&plan.steps) {
            if let Work::Change {
                change,
                verb: Verb::Create,
            } = step.work
                && left.contains(&change)
                && is_done(at)
                && let Some(planned) = plan.changes.get(change as usize)
            {
                unprovisioned.insert(planned.address.clone());
            }
        }
        unprovisioned
    }
}
