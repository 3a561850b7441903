//! Rule 6: operators are in the book. What waits for a person is done only after their order is written down; every
//! order that is written down was given, and has a name on it.

use super::Ledger;
use model::{Command, Event, RunId, RunKind};

/// A change of a run is about to be sent.
pub(crate) fn sent(ledger: &Ledger, run: RunId) -> Option<String> {
    let active = ledger
        .world()
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
    let recorded = ledger.entries.iter().rev().any(
        |entry| matches!(&entry.event, Event::Commanded { command, .. } if same(command, order)),
    );
    (!recorded).then(|| format!("the order {order:?} was obeyed but is not in the book"))
}

/// An order stands in the book; `orders` are those that people gave.
pub(crate) fn given(actor: &str, command: &Command, orders: &[Command]) -> Option<String> {
    if actor.is_empty() {
        return Some(format!("the order {command:?} has no name on it"));
    }
    let given = orders.iter().rev().any(|order| same(order, command));
    (!given).then(|| format!("{actor} never gave the order {command:?}"))
}

/// Whether two orders are one. What a person found is held against the plan before it is recorded, so it may be
/// recorded in other words.
fn same(one: &Command, other: &Command) -> bool {
    match (one, other) {
        (
            Command::Resolve { run, action, .. },
            Command::Resolve {
                run: other_run,
                action: other_action,
                ..
            },
        ) => run == other_run && action == other_action,
        _ => one == other,
    }
}
