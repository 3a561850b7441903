//! `moved`: objects that are called by another name now, and the moves that nobody needs to write.

use super::endpoint::Statement;
use crate::diag;
use crate::{LoadedRelease, Object};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use model::{
    Address, Endpoint, EndpointResource, Key, Mode, ModulePath, Repetition, ResourceAddress,
};
use value::{Diagnostics, Span};

/// Objects under the names that they have now.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub objects: BTreeMap<Address, Object>,
    pub deposed: Vec<(Address, Object)>,
    /// Where those stood before that were moved.
    pub previous: BTreeMap<Address, Address>,
    pub diagnostics: Diagnostics,
}

/// Carries out every `moved` block, and the moves that follow from `count` being added or taken away.
pub(super) fn moved(
    loaded: &LoadedRelease,
    objects: &BTreeMap<Address, Object>,
    deposed: &[(Address, Object)],
) -> Moved {
    let mut names = Names {
        now: objects
            .keys()
            .map(|address| (address.clone(), address.clone()))
            .collect(),
        blocked: Vec::new(),
    };
    let mut diagnostics = Diagnostics::new();
    let written = written(loaded);
    match in_order(loaded, &written) {
        Ok(statements) => {
            for statement in statements {
                names.carry_out(loaded, &statement);
            }
        }
        Err(cycle) => diagnostics.push(cycle),
    }
    for (from, to) in implied(loaded, &names, &written) {
        names.carry_out(loaded, &Statement::new(0, &from, &to));
    }
    if !names.blocked.is_empty() {
        diagnostics.push(diag::moves_blocked(&names.blocked));
    }
    let was: BTreeMap<&Address, &Address> = names.now.iter().map(|(now, was)| (was, now)).collect();
    let now_at = |address: &Address| was.get(address).copied().unwrap_or(address).clone();
    let mut moved = Moved {
        deposed: deposed
            .iter()
            .map(|(address, object)| (now_at(address), object.clone()))
            .collect(),
        diagnostics,
        ..Moved::default()
    };
    let renamed = renamed_blocks(&names.now);
    for (now, was) in &names.now {
        let Some(object) = objects.get(was) else {
            continue;
        };
        let mut object = object.clone();
        for one in &mut object.dependencies {
            if let Some(now) = renamed.get(one) {
                *one = now.clone();
            }
        }
        moved.objects.insert(now.clone(), object);
        if now != was {
            moved.previous.insert(now.clone(), was.clone());
        }
    }
    moved
}

/// Blocks of which all objects are in another one now.
fn renamed_blocks(now: &BTreeMap<Address, Address>) -> BTreeMap<ResourceAddress, ResourceAddress> {
    now.iter()
        .filter(|(now, was)| now.resource != was.resource)
        .map(|(now, was)| (was.resource.clone(), now.resource.clone()))
        .collect()
}

/// A `moved` block as it is written.
type Written<'a> = (u32, &'a Endpoint, &'a Endpoint, Span);

fn written(loaded: &LoadedRelease) -> Vec<Written<'_>> {
    let mut written = Vec::new();
    for node in 0..loaded.tree.len() as u32 {
        for moved in &loaded.module(node).moved {
            written.push((node, &moved.from, &moved.to, moved.span));
        }
    }
    written
}

/// The statements, each after those whose result it may move on.
fn in_order<'a>(
    loaded: &LoadedRelease,
    written: &[Written<'a>],
) -> Result<Vec<Statement<'a>>, value::Diagnostic> {
    let mut left: Vec<(Statement<'a>, Span)> = written
        .iter()
        .map(|(node, from, to, span)| (Statement::new(*node, from, to), *span))
        .collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left.iter().position(|(one, _)| {
            !left
                .iter()
                .any(|(other, _)| !is_same(one, other) && one.follows(other, loaded))
        });
        match free {
            Some(at) => ordered.push(left.remove(at).0),
            None => {
                let span = left.first().map_or(Span::default(), |(_, span)| *span);
                return Err(diag::moves_in_circle(span));
            }
        }
    }
    Ok(ordered)
}

fn is_same(one: &Statement<'_>, other: &Statement<'_>) -> bool {
    core::ptr::eq(one.from, other.from)
}

/// Moves from the object without a key to the first of `count`, and back, that no written statement speaks of.
fn implied(
    loaded: &LoadedRelease,
    names: &Names,
    written: &[Written<'_>],
) -> Vec<(Endpoint, Endpoint)> {
    let mut implied = Vec::new();
    for address in names.now.keys() {
        let block = &address.resource;
        let wanted = match &address.key {
            Key::None => Key::Index(0),
            Key::Index(0) => Key::None,
            Key::Index(_) | Key::Name(_) => continue,
        };
        let repetition = loaded.node_at(&block.module).and_then(|node| {
            let resources = loaded.module(node).resources.iter();
            let mut of_block = resources.filter(|one| {
                one.mode == Mode::Managed
                    && (one.mode, &one.kind, &one.name) == (block.mode, &block.kind, &block.name)
            });
            of_block.next().map(|one| &one.repetition)
        });
        let fits = match repetition {
            Some(Repetition::Count(_)) => address.key == Key::None,
            Some(Repetition::Once) => wanted == Key::None,
            Some(Repetition::ForEach(_)) | None => false,
        };
        if fits && !spoken_of(loaded, written, address) {
            implied.push((
                instance(address, address.key.clone()),
                instance(address, wanted),
            ));
        }
    }
    implied
}

/// Whether a written statement names the block of an object.
fn spoken_of(loaded: &LoadedRelease, written: &[Written<'_>], address: &Address) -> bool {
    let whole = Endpoint {
        module: address.resource.module.clone(),
        resource: instance(address, Key::None).resource,
    };
    written.iter().any(|(node, from, to, _)| {
        [from, to].into_iter().any(|end| {
            end.resource.is_some()
                && Statement::new(*node, end, end)
                    .follows(&Statement::new(0, &whole, &whole), loaded)
        })
    })
}

fn instance(address: &Address, key: Key) -> Endpoint {
    let resource = &address.resource;
    Endpoint {
        module: resource.module.clone(),
        resource: Some(EndpointResource {
            mode: resource.mode,
            kind: resource.kind.clone(),
            name: resource.name.clone(),
            key,
        }),
    }
}

struct Names {
    /// The name that each object has now, and the one it had at first.
    now: BTreeMap<Address, Address>,
    blocked: Vec<(String, String)>,
}

/// What is moved at once: an object, all objects of a block, or all of a module instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Object(Address),
    Block(ResourceAddress),
    Module(ModulePath),
}

impl Names {
    fn carry_out(&mut self, loaded: &LoadedRelease, statement: &Statement<'_>) {
        let unit = |address: &Address| match (&statement.from.resource, statement.is_whole()) {
            (Some(_), false) => Unit::Object(address.clone()),
            (Some(_), true) => Unit::Block(address.resource.clone()),
            (None, _) => Unit::Module(address.resource.module.clone()),
        };
        let moves: Vec<(Address, Address)> = self
            .now
            .keys()
            .filter_map(|address| Some((address.clone(), statement.destination(loaded, address)?)))
            .filter(|(from, to)| from != to)
            .collect();
        if moves.is_empty() {
            return;
        }
        let taken: BTreeSet<Unit> = self.now.keys().map(unit).collect();
        let mut refused = BTreeSet::new();
        for (from, to) in moves {
            if taken.contains(&unit(&to)) {
                if refused.insert(unit(&from)) {
                    self.blocked.push((shown(&unit(&from)), shown(&unit(&to))));
                }
            } else if let Some(first) = self.now.remove(&from) {
                self.now.insert(to, first);
            }
        }
    }
}

fn shown(unit: &Unit) -> String {
    match unit {
        Unit::Object(address) => address.to_string(),
        Unit::Block(block) => block.to_string(),
        Unit::Module(path) => path.to_string(),
    }
}
