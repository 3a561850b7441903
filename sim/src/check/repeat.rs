//! Rule 3, R3 to R6: a lost outcome is uncertain. Whatever is repeated, each action makes at most one object.

use contract::fake::{FakeProvisioners, FakeWorld};
use model::{ActionId, Verb};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that took effect so far.
pub(crate) fn landed(world: &FakeWorld) -> Option<String> {
    let mut made: BTreeMap<ActionId, BTreeSet<String>> = BTreeMap::new();
    for landing in world.landings() {
        if landing.verb == Verb::Create {
            let objects = made.entry(landing.action).or_default();
            objects.insert(landing.id.clone());
            if objects.len() > 1 {
                return Some(format!("{} was made twice: {objects:?}", landing.address));
            }
        }
    }
    // Whatever key it came with: two objects of one name are one too many.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for object in world.objects() {
        let Some(tag) = object
            .value
            .get("tag")
            .and_then(|tag| tag.as_str().map(str::to_owned))
        else {
            continue;
        };
        let name = object
            .value
            .get("name")
            .and_then(|name| name.as_str().map(str::to_owned));
        let key = format!("{} {} {tag}", object.kind, name.unwrap_or_default());
        if !tag.is_empty()
            && let Some(other) = names.insert(key, object.id.clone())
        {
            return Some(format!("{other} and {} are the same object", object.id));
        }
    }
    None
}

/// Every provisioner that ran so far: nobody knows what a second time would do.
pub(crate) fn provisioned(provisioners: &FakeProvisioners) -> Option<String> {
    let runs = provisioners.runs().into_iter();
    let mut twice = runs.filter(|(_, n)| *n > 1);
    twice
        .next()
        .map(|(action, n)| format!("the provisioner of action {action} ran {n} times"))
}
