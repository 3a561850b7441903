//! Nothing lost, nothing doubled: when nothing is under way, book and outside agree; when a run succeeded, both are
//! what was asked for.

use super::Ledger;
use crate::{Part, Version};
use contract::fake::{FakeProvisioners, FakeRouter, FakeRuntime, FakeWorld};
use decide::Object;
use model::{Address, Command, Effect, Event, Inquiry, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use value::Value;

/// Instances whose newest change failed after it had an effect.
pub(super) fn changed_by_half(ledger: &Ledger) -> BTreeSet<Address> {
    let mut half = BTreeSet::new();
    for entry in &ledger.entries {
        let (action, attempt, outcome) = match &entry.event {
            Event::Finished {
                action,
                attempt,
                outcome,
                ..
            }
            | Event::Inquired {
                action,
                attempt,
                inquiry: Inquiry::Found(outcome),
                ..
            } => (*action, *attempt, outcome),
            _ => continue,
        };
        let Some(Event::Intended {
            effect: Effect::Change(change),
            ..
        }) = ledger
            .intents
            .get(&(action, attempt))
            .map(|entry| &entry.event)
        else {
            continue;
        };
        if matches!(outcome, Outcome::Partial { .. }) {
            half.insert(change.address.clone());
        } else if matches!(outcome, Outcome::Changed { .. }) {
            half.remove(&change.address);
        }
    }
    half
}

/// Nothing is under way: every provisioner that is done ran, and no other.
pub(crate) fn provisioned(ledger: &Ledger, outside: &FakeProvisioners) -> Option<String> {
    let runs = outside.runs();
    let mut done = BTreeSet::new();
    for entry in &ledger.entries {
        let (action, outcome) = match &entry.event {
            Event::Finished {
                action, outcome, ..
            }
            | Event::Inquired {
                action,
                inquiry: Inquiry::Found(outcome),
                ..
            } => (*action, outcome),
            Event::Commanded {
                command:
                    Command::Resolve {
                        action,
                        inquiry: Inquiry::Found(outcome),
                        ..
                    },
                ..
            } => (*action, outcome),
            _ => continue,
        };
        if matches!(
            outcome,
            Outcome::Provisioned { .. } | Outcome::Broken { .. }
        ) {
            done.insert(action);
        }
    }
    let never = done.iter().find(|action| !runs.contains_key(action));
    let unknown = runs.keys().find(|action| !done.contains(action));
    match (never, unknown) {
        (Some(action), _) => Some(format!("the provisioner of action {action} never ran")),
        (None, Some(action)) => Some(format!(
            "the provisioner of action {action} ran, and the book does not say so"
        )),
        (None, None) => None,
    }
}

/// Nothing is under way: every object is in the book, and everything in the book exists.
pub(crate) fn agree(ledger: &Ledger, outside: &FakeWorld) -> Option<String> {
    let world = ledger.world();
    let deposed = world
        .deposed
        .iter()
        .map(|(address, object)| (address, object));
    let mut known: BTreeMap<String, (&Address, &Object)> = BTreeMap::new();
    for (address, object) in world.resources.iter().chain(deposed) {
        let Some(id) = object.value.get("id").and_then(Value::as_str) else {
            return Some(format!("the book has {address} without an id"));
        };
        if let Some((other, _)) = known.insert(id.to_owned(), (address, object)) {
            return Some(format!(
                "the book has {id} twice, as {other} and as {address}"
            ));
        }
    }
    let half = changed_by_half(ledger);
    for object in outside.objects() {
        match known.remove(&object.id) {
            None => {
                return Some(format!(
                    "{} ({:?}) exists and is not in the book",
                    object.id,
                    object.value.get("name")
                ));
            }
            // A damaged one is replaced whatever it looks like. One that was changed by half while an earlier request
            // was still on its way may become what that one wanted: the book knows until when, and leaves it alone.
            Some((address, one))
                if one.value.clone().unmark_all() != object.value
                    && !one.tainted
                    && !(one.quiet_from_ms != 0 && half.contains(address)) =>
            {
                return Some(format!(
                    "{address} ({}) is not what the book has",
                    object.id
                ));
            }
            Some(_) => {}
        }
    }
    known
        .into_iter()
        .next()
        .map(|(id, (address, _))| format!("the book has {address} ({id}), which does not exist"))
}

/// The services' side of [`agree`].
pub(crate) fn delivered(
    ledger: &Ledger,
    runtime: &FakeRuntime,
    router: &FakeRouter,
) -> Option<String> {
    let world = ledger.world();
    let run: BTreeSet<_> = runtime
        .instances()
        .into_iter()
        .map(|spec| spec.instance)
        .collect();
    let known: BTreeSet<_> = world.instances.keys().cloned().collect();
    if let Some(leaked) = run.difference(&known).next() {
        return Some(format!("{leaked} runs and is not in the book"));
    }
    let table = router.table();
    let known = world.route.doubtful.is_empty();
    if known
        && table
            .as_ref()
            .is_some_and(|table| *table != world.route.table)
    {
        return Some(format!(
            "the router follows table {:?}, not the book's",
            table.map(|one| one.generation)
        ));
    }
    None
}

/// A run succeeded: the world is what was asked for.
pub(crate) fn reached(ledger: &Ledger, version: Option<&Version>) -> Option<String> {
    let nothing = BTreeMap::new();
    let expected = version.map_or(&nothing, |version| &version.expected);
    let resources = &ledger.world().resources;
    if let Some(missing) = expected
        .keys()
        .find(|address| !resources.contains_key(*address))
    {
        return Some(format!("{missing} is not there"));
    }
    if let Some(surplus) = resources
        .keys()
        .find(|address| !expected.contains_key(*address))
    {
        return Some(format!("{surplus} is still there"));
    }
    if let Some((address, _)) = ledger.world().deposed.first() {
        return Some(format!("a replaced object of {address} is still there"));
    }
    let text = |address: &Address, attribute: &str| {
        let value = resources.get(address)?.value.get(attribute)?;
        value.as_str().map(str::to_owned)
    };
    let shown = |parts: &[Part]| -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::IdOf(address) => text(address, "id").unwrap_or_default(),
        };
        parts.iter().map(part).collect()
    };
    for (address, wanted) in expected {
        let name = shown(&wanted.name);
        if text(address, "name").as_deref() != Some(&*name) {
            return Some(format!(
                "{address} is named {:?}, not {name:?}",
                text(address, "name")
            ));
        }
        let kind = shown(std::slice::from_ref(&wanted.kind));
        if text(address, "kind").as_deref() != Some(&*kind) {
            return Some(format!(
                "{address} is of kind {:?}, not {kind:?}",
                text(address, "kind")
            ));
        }
        let size = resources
            .get(address)
            .and_then(|object| object.value.get("size"));
        if size != Some(&Value::number(wanted.size)) {
            return Some(format!("{address} has size {size:?}, not {}", wanted.size));
        }
    }
    None
}
