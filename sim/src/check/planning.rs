//! Rules 4 and 5: a plan is a function of the answers, names its base, and is empty when there is nothing to do.

use super::Ledger;
use model::Event;

/// The newest entry is a plan: its base must be a position of its own run, since when nothing has changed.
pub(crate) fn made(ledger: &Ledger) -> Option<String> {
    let run = ledger.world.run.as_ref()?;
    let plan = run.plan.as_ref()?;
    let submitted = ledger.entries.iter().rev().find(
        |entry| matches!(&entry.event, Event::Submitted { run: one, .. } if *one == run.id),
    )?;
    if plan.base < submitted.position || plan.base > ledger.world.position {
        return Some(format!(
            "the plan of run {} has base {}, which is not within the run",
            run.id, plan.base
        ));
    }
    (plan.release != Some(run.loaded.digest)).then(|| "the plan is of another release".into())
}

/// The same was applied just before, and nobody changed anything.
pub(crate) fn nothing_to_do(ledger: &Ledger) -> Option<String> {
    let plan = ledger.world.run.as_ref()?.plan.as_ref()?;
    (!plan.is_empty()).then(|| {
        let first = plan
            .changes
            .iter()
            .find(|change| change.action != model::Action::NoOp);
        let what = first.map_or_else(
            || format!("outputs {:?}, drift {:?}", plan.outputs, plan.drift),
            |change| format!("{} {:?}", change.address, change.action),
        );
        format!("applied a second time, the same release is to change something: {what}")
    })
}
