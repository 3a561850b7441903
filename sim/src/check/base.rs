//! Rule 5: a plan names the position it was made from, and is carried out only where what it touches is as it was
//! there.

use super::Ledger;
use model::{Action, Event};

/// The newest entry is a plan: its base must be a position of its own run, since when nothing has changed.
pub(crate) fn made(ledger: &Ledger) -> Option<String> {
    let run = ledger.world().run.as_ref()?;
    let plan = run.plan.as_ref()?;
    let submitted = ledger.entries.iter().rev().find(
        |entry| matches!(&entry.event, Event::Submitted { run: one, .. } if *one == run.id),
    )?;
    if plan.base < submitted.position || plan.base > ledger.world().position {
        return Some(format!(
            "the plan of run {} has base {}, which is not within the run",
            run.id, plan.base
        ));
    }
    (plan.release != Some(run.loaded.digest)).then(|| "the plan is of another release".into())
}

/// The plan is about to be carried out: everything it touches is as it saw it.
pub(crate) fn approved(ledger: &Ledger) -> Option<String> {
    let world = ledger.world();
    let plan = world.run.as_ref()?.plan.as_ref()?;
    let touched = plan
        .changes
        .iter()
        .filter(|change| !change.deposed && change.action != Action::NoOp);
    touched
        .filter(|change| {
            let known = world.resources.get(&change.address);
            known.map(|object| &object.value) != change.before.as_ref()
        })
        .map(|change| {
            format!(
                "{} is not what it was when the plan was made, and the plan is carried out",
                change.address
            )
        })
        .next()
}
