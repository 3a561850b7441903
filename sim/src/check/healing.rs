//! Healing keeps to what it may: it destroys nothing and touches nothing but what a pass decided, no more at once and
//! no more often than the pass allowed, and a fight ends. What is no news is not written down.

use super::Ledger;
use contract::fake::FakeWorld;
use decide::covers;
use model::{Address, Change, DriftDecision, DriftJudged, Event, HoldReason, Origin, RunId, Verb};
use std::collections::BTreeMap;
use value::Value;

/// A pass stands in the book as its newest entry.
pub(crate) fn decided(ledger: &Ledger, event: &Event) -> Option<String> {
    let Event::Drifted {
        pass, found, ended, ..
    } = event
    else {
        return None;
    };
    let healed: Vec<&Address> = found.iter().filter_map(healed).collect();
    if healed.len() > pass.limits.objects_max as usize {
        let n = healed.len();
        return Some(format!("{n} objects are healed at once"));
    }
    if found.is_empty() && ended.is_empty() {
        return Some("a pass without news was written down".to_owned());
    }
    let (_, before) = ledger.entries.split_last()?;
    let mut heals: BTreeMap<&Address, Vec<i64>> = BTreeMap::new();
    let mut fights: Vec<&Address> = Vec::new();
    let mut last: BTreeMap<&Address, &DriftJudged> = BTreeMap::new();
    for entry in before {
        match &entry.event {
            // A person takes care of everything: more than that is not held against a pass.
            Event::Submitted { options, .. } if options.origin == Origin::Person => {
                heals.clear();
                fights.clear();
                last.clear();
            }
            Event::Submitted { options, .. } => {
                last.retain(|address, _| !options.targets.iter().any(|one| covers(one, address)));
            }
            Event::Drifted {
                pass, found, ended, ..
            } => {
                for one in found {
                    let address = &one.drifted.address;
                    last.insert(address, one);
                    match one.decision {
                        DriftDecision::Heal => heals.entry(address).or_default().push(pass.at_ms),
                        DriftDecision::Hold(HoldReason::Fight) => fights.push(address),
                        DriftDecision::Note | DriftDecision::Warn | DriftDecision::Hold(_) => {}
                    }
                }
                ended.iter().for_each(|one| {
                    last.remove(one);
                });
            }
            _ => {}
        }
    }
    if let Some(address) = healed.iter().find(|one| fights.contains(one)) {
        return Some(format!("{address} is healed although it is fought over"));
    }
    let from_ms = pass.at_ms - i64::try_from(pass.limits.window_ms).unwrap_or(i64::MAX);
    let often = healed.iter().find(|address| {
        let all = heals.get(*address).map_or(&[][..], Vec::as_slice);
        let recent = all.iter().filter(|at_ms| **at_ms > from_ms);
        recent.count() >= pass.limits.heals_max as usize
    });
    if let Some(address) = often {
        return Some(format!("{address} is healed once more than it may be"));
    }
    let again = found.iter().find(|one| {
        healed_not(one)
            && last
                .get(&one.drifted.address)
                .is_some_and(|known| *known == *one)
    });
    again.map(|one| format!("{} was written down as it stood", one.drifted.address))
}

fn healed(judged: &DriftJudged) -> Option<&Address> {
    (judged.decision == DriftDecision::Heal).then_some(&judged.drifted.address)
}

fn healed_not(judged: &DriftJudged) -> bool {
    judged.decision != DriftDecision::Heal
}

/// A change is about to be sent.
pub(crate) fn sent(ledger: &Ledger, run: RunId, change: &Change) -> Option<String> {
    let active = ledger.world().run.as_ref()?;
    if active.id != run || active.options.origin != Origin::Heal {
        return None;
    }
    let address = &change.address;
    if change.verb == Verb::Delete {
        return Some(format!("healing destroys {address}"));
    }
    let is_decided = newest(ledger).any(|one| one.drifted.address == *address);
    (!is_decided).then(|| format!("healing changes {address}, of which nothing was decided"))
}

/// The objects that the newest pass decided to heal.
fn newest(ledger: &Ledger) -> impl Iterator<Item = &DriftJudged> {
    let mut passes = ledger.entries.iter().rev();
    let newest = passes.find_map(|entry| match &entry.event {
        Event::Drifted { found, .. } => Some(found),
        _ => None,
    });
    newest
        .into_iter()
        .flatten()
        .filter(|one| healed(one).is_some())
}

/// A run that heals succeeded: its objects are as they were.
pub(crate) fn restored(ledger: &Ledger, outside: &FakeWorld) -> Option<String> {
    let objects = outside.objects();
    let resources = &ledger.world().resources;
    for one in newest(ledger) {
        let address = &one.drifted.address;
        let id = resources.get(address);
        let id = id.and_then(|object| object.value.get("id")?.as_str());
        let exists = objects.iter().find(|object| Some(&*object.id) == id);
        let Some(object) = exists else {
            return Some(format!("{address} was healed, and is not there"));
        };
        let before = one.drifted.before.entries().into_iter().flatten();
        let unmarked = |value: &Value| value.clone().unmark_all();
        let mut other = before.filter(|(name, was)| {
            let now = object.value.get(name);
            now.map(unmarked) != Some(unmarked(was))
        });
        if let Some((name, _)) = other.next() {
            return Some(format!(
                "{address} was healed, and its {name} is not as it was"
            ));
        }
    }
    None
}
