//! Conditions while a plan is carried out: those that could not be judged before, and the checks at the end.

use crate::apply::objects;
use crate::eval::{Evaluator, Judged, Judging, Objects, Place};
use crate::plan::outcome::troubled;
use crate::run::Run;
use crate::{Memo, World};
use alloc::vec::Vec;
use model::{
    Address, CheckStatus, CheckSubject, Checked, Key, Mode, Module, ModulePath, PlanMode,
    PlannedChange, Resource, ResourceAddress,
};
use value::{Diagnostics, Name, Severity, Type, Value};

/// Judges the preconditions that could not be judged while planning.
pub(crate) fn before(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
) -> Result<(), Diagnostics> {
    if !planned.unjudged {
        return Ok(());
    }
    let evaluator = memo.evaluator(world, run);
    let objects = objects(world, run);
    let Some((place, resource)) = written(evaluator, &planned.address, &objects)? else {
        return Ok(());
    };
    let conditions = &resource.lifecycle.preconditions;
    let judging = Judging::before(&planned.address);
    evaluator
        .judge(conditions, &judging, &place, &objects)
        .into_result()
}

/// Judges all conditions of an object, now that it is there.
pub(crate) fn after(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    planned: &PlannedChange,
) -> Diagnostics {
    match judged(world, run, memo, &planned.address) {
        Ok(judged) => judged.diagnostics,
        Err(diagnostics) => diagnostics,
    }
}

/// What becomes of the conditions of an object as it is now.
fn judged(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    address: &Address,
) -> Result<Judged, Diagnostics> {
    let evaluator = memo.evaluator(world, run);
    let objects = objects(world, run);
    let Some((place, resource)) = written(evaluator, address, &objects)? else {
        return Ok(Judged::nothing());
    };
    let lifecycle = &resource.lifecycle;
    // Where only note is taken, conditions warn, and objects may not be there.
    let notes = run.options.mode == PlanMode::RefreshOnly;
    let judging = |one: Judging| if notes { one.warning() } else { one };
    let before = evaluator.judge(
        &lifecycle.preconditions,
        &judging(Judging::before(address)),
        &place,
        &objects,
    );
    let absent = notes.then(|| Value::unknown(Type::Any));
    let place = Place {
        this: objects(address).or(absent),
        ..place
    };
    let after = evaluator.judge(
        &lifecycle.postconditions,
        &judging(Judging::after(address)),
        &place,
        &objects,
    );
    Ok(before.and(after))
}

/// Where an object is written, and its block.
pub(crate) fn written<'e>(
    evaluator: &'e Evaluator,
    address: &Address,
    objects: Objects<'_>,
) -> Result<Option<(Place, &'e Resource)>, Diagnostics> {
    let block = &address.resource;
    let Some((node, place)) = evaluator.place_of(address, objects)? else {
        return Ok(None);
    };
    let resource = evaluator.resource(node, block.mode, &block.kind, &block.name);
    Ok(resource.map(|resource| (place, resource)))
}

/// What became of every condition, now that all is done. Those that were certain while planning are not judged again.
pub(crate) fn all(world: &World, run: &Run, memo: &mut Memo) -> (Vec<Checked>, Diagnostics) {
    let planned = run.plan.as_ref().map(|plan| plan.checks.clone());
    let mut warnings = Diagnostics::new();
    let mut checks = Vec::new();
    for mut checked in planned.unwrap_or_default() {
        let again = match &checked.subject {
            CheckSubject::Check(module, name) => Some(check(world, run, memo, module, name)),
            _ if checked.status == CheckStatus::Pass => None,
            CheckSubject::Resource(address) => judged(world, run, memo, address).ok(),
            CheckSubject::Output(path, name) => judged_in(
                world,
                run,
                memo,
                path,
                |module, evaluator, place, objects| {
                    let output = module.outputs.get(name)?;
                    let judging = Judging::output(path, name);
                    Some(evaluator.judge(&output.preconditions, &judging, place, objects))
                },
            ),
            CheckSubject::Variable(path, name) => judged_in(
                world,
                run,
                memo,
                path,
                |module, evaluator, place, objects| {
                    let variable = module.variables.get(name)?;
                    let judging = Judging::variable(path, name);
                    Some(evaluator.judge(&variable.validations, &judging, place, objects))
                },
            ),
        };
        if let Some(judged) = again {
            checked.status = judged.status;
            checked.problems = judged.problems;
            warnings.extend(judged.diagnostics);
        }
        checks.push(checked);
    }
    (checks, warnings)
}

/// Judges conditions of a module instance again.
fn judged_in(
    world: &World,
    run: &Run,
    memo: &mut Memo,
    module: &ModulePath,
    judge: impl FnOnce(&Module, &Evaluator, &Place, Objects<'_>) -> Option<Judged>,
) -> Option<Judged> {
    let node = run.loaded.node_at(module)?;
    let evaluator = memo.evaluator(world, run);
    let objects = objects(world, run);
    let place = evaluator.place_in(module, &objects).ok().flatten()?;
    judge(run.loaded.module(node), evaluator, &place, &objects)
}

fn check(world: &World, run: &Run, memo: &mut Memo, module: &ModulePath, name: &Name) -> Judged {
    let judged = judged_in(
        world,
        run,
        memo,
        module,
        |within, evaluator, place, objects| {
            let check = within.checks.get(name)?;
            let judging = Judging::check(module, name);
            let judged = evaluator.judge(&check.assertions, &judging, place, objects);
            let trouble = check.data.as_ref().and_then(|(kind, data)| {
                run.check_trouble.get(&Address {
                    resource: ResourceAddress {
                        module: module.clone(),
                        mode: Mode::Data,
                        kind: kind.clone(),
                        name: data.clone(),
                    },
                    key: Key::None,
                })
            });
            let mut judged = judged.and(troubled(trouble));
            // While planning it was told already; what is found out now is not.
            for mut one in trouble.cloned().unwrap_or_default().0 {
                one.severity = Severity::Warning;
                judged.diagnostics.push(one);
            }
            Some(judged)
        },
    );
    judged.unwrap_or_else(Judged::nothing)
}
