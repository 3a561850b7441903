//! Rule 6: operators are in the book. What waits for a person is done only after their order is written down.

use super::Ledger;
use model::{Command, Event, RunId, RunKind};

/// A change of a run is about to be sent.
pub(crate) fn sent(ledger: &Ledger, run: RunId) -> Option<String> {
    let mut needs_order = false;
    let mut plan = None;
    for entry in ledger.entries.iter().rev() {
        match &entry.event {
            Event::Submitted { run: one, kind, options, .. } if *one == run => {
                needs_order = *kind == RunKind::Apply && !options.auto_approve;
                break;
            }
            Event::Commanded { command: Command::Approve { run: one, plan: approved }, .. } if *one == run => {
                plan = Some(*approved);
            }
            _ => {}
        }
    }
    let approved = plan.is_some() && ledger.world.run.as_ref().is_some_and(|run| run.plan_digest == plan);
    (needs_order && !approved).then(|| format!("run {run} is carried out, and nobody's approval is in the book"))
}

/// An order was given and obeyed.
pub(crate) fn obeyed(ledger: &Ledger, order: &Command) -> Option<String> {
    let recorded = ledger
        .entries
        .iter()
        .rev()
        .any(|entry| matches!(&entry.event, Event::Commanded { command, .. } if command == order));
    (!recorded).then(|| format!("the order {order:?} was obeyed but is not in the book"))
}
