//! Rule 6: operators are in the book. What waits for a person is done only after their order is written down.

use super::Ledger;
use model::{Command, Event, RunId, RunKind};

/// A change of a run is about to be sent.
pub(crate) fn sent(ledger: &Ledger, run: RunId) -> Option<String> {
    let active = ledger
        .world
        .run
        .as_ref()
        .filter(|active| active.id == run)?;
    if active.kind != RunKind::Apply || active.options.auto_approve {
        return None;
    }
    let approved = ledger.entries.iter().rev().any(|entry| {
        matches!(&entry.event, Event::Commanded { command: Command::Approve { run: one, plan }, .. }
            if *one == run && active.plan_digest == Some(*plan))
    });
    (!approved).then(|| format!("run {run} is carried out, and nobody's approval is in the book"))
}

/// An order was given and obeyed.
pub(crate) fn obeyed(ledger: &Ledger, order: &Command) -> Option<String> {
    let recorded =
        ledger.entries.iter().rev().any(
            |entry| matches!(&entry.event, Event::Commanded { command, .. } if command == order),
        );
    (!recorded).then(|| format!("the order {order:?} was obeyed but is not in the book"))
}
