//! R10: dependants start only after what they need is there, by the book and outside; and what is needed outlives them.

use super::Ledger;
use crate::{Expected, Version};
use contract::fake::FakeWorld;
use model::{Action, Address, Change, Verb, Work};
use std::collections::BTreeMap;

/// A change is about to be sent.
///
/// `outside` is given where nobody took anything away behind everybody's back.
pub(crate) fn sent(
    ledger: &Ledger,
    outside: Option<&FakeWorld>,
    version: &Version,
    change: &Change,
) -> Option<String> {
    match change.verb {
        Verb::Create | Verb::Update => {
            let expected = version.expected.get(&change.address)?;
            made(ledger, outside, expected, change)
        }
        Verb::Delete => destroyed(ledger, &version.expected, change),
    }
}

fn made(
    ledger: &Ledger,
    outside: Option<&FakeWorld>,
    expected: &Expected,
    change: &Change,
) -> Option<String> {
    for need in &expected.needs {
        let known = ledger.world().resources.get(need);
        let id = known.and_then(|object| object.value.get("id")?.as_str());
        let exists = |outside: &FakeWorld| {
            let mut objects = outside.objects().into_iter();
            objects.any(|object| Some(&*object.id) == id)
        };
        if known.is_none() || !outside.is_none_or(exists) {
            return Some(format!(
                "{} is changed although {need}, which it needs, is not there",
                change.address
            ));
        }
        let run = ledger.world().run.as_ref()?;
        let plan = run.plan.as_ref()?;
        for (at, step) in plan.steps.iter().enumerate() {
            let Work::Change {
                change: number,
                verb,
            } = step.work
            else {
                continue;
            };
            let planned = plan.changes.get(number as usize)?;
            let unfinished = || {
                let action = run.actions.get(&run.step_action(at as u32));
                action.is_none_or(|action| action.stage != decide::Stage::Done)
            };
            if planned.address == *need && verb != Verb::Delete && !planned.deposed && unfinished()
            {
                return Some(format!(
                    "{} is changed before {need}, which it needs",
                    change.address
                ));
            }
        }
    }
    None
}

/// What goes for good goes after everything that needs it, as last applied.
fn destroyed(
    ledger: &Ledger,
    expected: &BTreeMap<Address, Expected>,
    change: &Change,
) -> Option<String> {
    let plan = ledger.world().run.as_ref()?.plan.as_ref()?;
    let for_good = plan
        .changes
        .iter()
        .any(|one| one.address == change.address && one.action == Action::Delete && !one.deposed);
    if plan.mode != model::PlanMode::Destroy || !for_good {
        return None;
    }
    let dependant = ledger.world().resources.keys().find(|other| {
        expected
            .get(*other)
            .is_some_and(|other| other.needs.contains(&change.address))
    })?;
    Some(format!(
        "{} is destroyed although {dependant} still needs it",
        change.address
    ))
}
