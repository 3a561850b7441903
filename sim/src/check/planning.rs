//! Rule 4: planning is a dialogue. A plan is a function of the recorded answers, and is empty when there is nothing to
//! do.

use super::Ledger;
use super::converges::changed_by_half;
use model::Event;

/// The newest entry is a plan that does not come out again from the recorded answers.
pub(crate) fn derived(ledger: &Ledger) -> Option<String> {
    let entry = ledger.entries.last()?;
    if !matches!(entry.event, Event::Planned { .. }) {
        return None;
    }
    let (position, what) = ledger.different().last()?;
    (*position == entry.position).then(|| format!("entry {position}: {what}"))
}

/// The same was applied just before, and nobody changed anything. An object that was changed by half while an earlier
/// request was still on its way may become what that one wanted, after it was found as it should be.
pub(crate) fn nothing_to_do(ledger: &Ledger) -> Option<String> {
    let plan = ledger.world().run.as_ref()?.plan.as_ref()?;
    let half = changed_by_half(ledger);
    let mut changes = plan.changes.iter();
    let is_left_alone = |one: &model::PlannedChange| {
        one.action == model::Action::NoOp || half.contains(&one.address)
    };
    if !half.is_empty() && changes.all(is_left_alone) {
        return None;
    }
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
