//! What a resource needs as it is written, whether its values came upon it or not.
//!
//! Evaluation notes which objects were looked at, and nothing of what has no instances, of the arguments of a
//! module that is referred to as a whole, or of an alternative that was not taken. All of that is written down as
//! what an object depends on, as Terraform does, and keeps its place in the order of destroying when it has objects
//! later.

use super::graph::Block;
use super::pass::{Pass, Pending};
use crate::eval::Use;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{Address, Key, Mode, ModulePath, ResourceAddress};
use value::Name;

/// A block in the instances of its module that are meant.
#[derive(Debug)]
pub(super) struct Needed {
    /// The block in the module as it is written, without keys.
    written: ResourceAddress,
    /// The same in each module instance; in none where there are none.
    blocks: Vec<ResourceAddress>,
}

/// A block without the keys of the modules it stands in.
type Keyless<'a> = (Mode, &'a Name, &'a Name, Vec<&'a Name>);

impl Pass {
    /// Adds what the block of an instance refers to as it is written. Of what evaluation came upon, it knows better
    /// which instances are meant.
    pub(super) fn needed_as_written(&mut self, pending: &mut Pending) {
        let Some(block) = pending.block else { return };
        let needed = self.needed_in(block, pending.place.module);
        let met: BTreeSet<Keyless<'_>> = pending
            .uses
            .iter()
            .map(|used| match used {
                Use::Instance(address) => keyless(&address.resource),
                Use::Whole(resource) => keyless(resource),
            })
            .collect();
        let missing = needed
            .iter()
            .filter(|one| !met.contains(&keyless(&one.written)));
        let missing: Vec<Use> = missing
            .flat_map(|one| match one.blocks.is_empty() {
                true => Vec::from([one.written.clone()]),
                false => one.blocks.clone(),
            })
            .map(Use::Whole)
            .collect();
        pending.uses.extend(missing);
    }

    /// The same for all instances of a block in a module instance.
    fn needed_in(&mut self, block: u32, module: u32) -> Arc<Vec<Needed>> {
        if let Some(known) = self.needed.get(&(block, module)) {
            return known.clone();
        }
        let path = self.evaluator.path(module);
        let next = self.graph.resources_next(block, |at| {
            self.needed_block(at, &path)
                .is_some_and(|one| !one.blocks.iter().any(|block| self.has_instances(block)))
        });
        let needed = next.into_iter().filter(|at| *at != block);
        let needed = needed.filter_map(|at| self.needed_block(at, &path));
        let needed: Arc<Vec<Needed>> = Arc::new(needed.collect());
        self.needed.insert((block, module), needed.clone());
        needed
    }

    /// A block as seen from a module instance: where it stands in the same modules, in the same instances of them.
    fn needed_block(&self, number: u32, from: &ModulePath) -> Option<Needed> {
        let (node, block) = self.graph.blocks.get(number as usize)?;
        let Block::Resource(mode, kind, name) = block else {
            return None;
        };
        let written = ModulePath(self.evaluator.loaded().steps_to(*node));
        let steps = written.0.iter().zip(&from.0);
        let shared = steps
            .take_while(|(one, other)| one.name == other.name)
            .count();
        let in_module = |module: ModulePath| ResourceAddress {
            module,
            mode: *mode,
            kind: kind.clone(),
            name: name.clone(),
        };
        let modules = self.modules(*node).unwrap_or_default().into_iter();
        let modules = modules.map(|module| self.evaluator.path(module));
        let modules = modules.filter(|path| {
            let shared = path.0.iter().zip(&from.0).take(shared);
            shared.into_iter().all(|(one, other)| one == other)
        });
        Some(Needed {
            blocks: modules.map(in_module).collect(),
            written: in_module(written),
        })
    }

    /// Whether a block has any object in its module instance.
    fn has_instances(&self, block: &ResourceAddress) -> bool {
        let first = Address {
            resource: block.clone(),
            key: Key::None,
        };
        let mut from = self.written.range(first..);
        from.next()
            .is_some_and(|address| address.resource == *block)
    }
}

fn keyless(block: &ResourceAddress) -> Keyless<'_> {
    let steps = block.module.0.iter().map(|step| &step.name);
    (block.mode, &block.kind, &block.name, steps.collect())
}
