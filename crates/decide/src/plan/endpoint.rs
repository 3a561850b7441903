//! What `moved`, `removed`, `-target` and `-exclude` name: modules and resources, with or without keys.

use crate::LoadedRelease;
use model::{Address, Endpoint, Key, ModulePath, ModuleStep};

/// A `moved` block, or one that is implied, in the module at a node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Statement<'a> {
    node: u32,
    pub(super) from: &'a Endpoint,
    pub(super) to: &'a Endpoint,
}

impl<'a> Statement<'a> {
    pub(super) fn new(node: u32, from: &'a Endpoint, to: &'a Endpoint) -> Self {
        Self { node, from, to }
    }

    /// Whether all instances are meant: neither end has a key.
    pub(super) fn is_whole(&self) -> bool {
        last_key(self.from) == &Key::None && last_key(self.to) == &Key::None
    }

    /// Where an address is moved to; none when it is not meant.
    pub(super) fn destination(&self, loaded: &LoadedRelease, address: &Address) -> Option<Address> {
        let path = &address.resource.module.0;
        let depth = loaded.depth(self.node);
        let outer = path.get(..depth)?;
        if loaded.node_at_steps(outer) != Some(self.node) {
            return None;
        }
        let rest = path.get(depth..)?;
        let mut moved = address.clone();
        moved.resource.module.0.truncate(depth);
        let into = &mut moved.resource.module.0;
        match (&self.from.resource, &self.to.resource) {
            (Some(from), Some(to)) => {
                let resource = &address.resource;
                let same_block = (resource.mode, &resource.kind, &resource.name)
                    == (from.mode, &from.kind, &from.name);
                if rest != self.from.module.0 || !same_block {
                    return None;
                }
                if !self.is_whole() {
                    if address.key != from.key {
                        return None;
                    }
                    moved.key = to.key.clone();
                }
                into.extend(self.to.module.0.iter().cloned());
                moved.resource.kind = to.kind.clone();
                moved.resource.name = to.name.clone();
            }
            (None, None) => {
                let n_steps = self.from.module.0.len();
                let (last, before) = rest.get(..n_steps)?.split_last()?;
                let (from_last, from_before) = self.from.module.0.split_last()?;
                let (to_last, to_before) = self.to.module.0.split_last()?;
                let key_fits = self.is_whole() || last.key == from_last.key;
                if before != from_before || last.name != from_last.name || !key_fits {
                    return None;
                }
                into.extend(to_before.iter().cloned());
                into.push(ModuleStep {
                    name: to_last.name.clone(),
                    key: if self.is_whole() {
                        last.key.clone()
                    } else {
                        to_last.key.clone()
                    },
                });
                into.extend(rest.get(n_steps..)?.iter().cloned());
            }
            _ => return None,
        }
        Some(moved)
    }

    /// Whether what this one moves may have been put there by another, or may lie in it.
    pub(super) fn follows(&self, other: &Statement<'_>, loaded: &LoadedRelease) -> bool {
        let from = absolute(loaded, self.node, self.from);
        let to = absolute(loaded, other.node, other.to);
        overlap(&from, &to)
    }
}

/// An end with the calls on the way to its module before it; calls by name only.
fn absolute(loaded: &LoadedRelease, node: u32, endpoint: &Endpoint) -> Endpoint {
    let mut steps = loaded.steps_to(node);
    steps.extend(endpoint.module.0.iter().cloned());
    Endpoint {
        module: ModulePath(steps),
        resource: endpoint.resource.clone(),
    }
}

/// Whether one names something within the other, or both the same, whatever the keys.
fn overlap(one: &Endpoint, other: &Endpoint) -> bool {
    let names = |endpoint: &Endpoint| -> alloc::vec::Vec<value::Name> {
        let steps = endpoint.module.0.iter();
        steps.map(|step| step.name.clone()).collect()
    };
    let (a, b) = (names(one), names(other));
    match (&one.resource, &other.resource) {
        (Some(left), Some(right)) => {
            a == b && (left.mode, &left.kind, &left.name) == (right.mode, &right.kind, &right.name)
        }
        (None, None) => a.starts_with(&b) || b.starts_with(&a),
        (Some(_), None) => a.starts_with(&b),
        (None, Some(_)) => b.starts_with(&a),
    }
}

/// The key that says which instance of the module or resource is meant.
fn last_key(endpoint: &Endpoint) -> &Key {
    match &endpoint.resource {
        Some(resource) => &resource.key,
        None => endpoint
            .module
            .0
            .last()
            .map_or(&Key::None, |step| &step.key),
    }
}

/// Whether an end in the module at a node covers an object; where it has no key, it covers every instance.
pub(crate) fn covers(
    loaded: &LoadedRelease,
    node: u32,
    endpoint: &Endpoint,
    address: &Address,
) -> bool {
    let path = &address.resource.module.0;
    let depth = loaded.depth(node);
    let (Some(outer), Some(rest)) = (path.get(..depth), path.get(depth..)) else {
        return false;
    };
    let steps_to = loaded.steps_to(node);
    let named = outer.iter().zip(&steps_to).all(|(a, b)| a.name == b.name);
    named && names(endpoint, rest, address)
}

/// Whether an end, seen from the root, covers an object.
pub fn covers_from_root(endpoint: &Endpoint, address: &Address) -> bool {
    names(endpoint, &address.resource.module.0, address)
}

fn names(endpoint: &Endpoint, path: &[ModuleStep], address: &Address) -> bool {
    let wanted = &endpoint.module.0;
    let Some(begin) = path.get(..wanted.len()) else {
        return false;
    };
    let key_fits = |wanted: &Key, have: &Key| *wanted == Key::None || wanted == have;
    let steps_fit = begin
        .iter()
        .zip(wanted)
        .all(|(have, wanted)| have.name == wanted.name && key_fits(&wanted.key, &have.key));
    let resource = &address.resource;
    steps_fit
        && match &endpoint.resource {
            None => true,
            Some(one) => {
                path.len() == wanted.len()
                    && (one.mode, &one.kind, &one.name)
                        == (resource.mode, &resource.kind, &resource.name)
                    && key_fits(&one.key, &address.key)
            }
        }
}

/// Whether a module call or resource of this name is written.
pub(super) fn is_declared(loaded: &LoadedRelease, node: u32, endpoint: &Endpoint) -> bool {
    let mut at = node;
    for step in &endpoint.module.0 {
        match loaded.node(at).children.get(&step.name) {
            Some(child) => at = *child,
            None => return false,
        }
    }
    let Some(wanted) = &endpoint.resource else {
        return true;
    };
    loaded.module(at).resources.iter().any(|resource| {
        (resource.mode, &resource.kind, &resource.name) == (wanted.mode, &wanted.kind, &wanted.name)
    })
}
