//! `-target` and `-exclude`: which blocks a plan is about.

use super::endpoint;
use super::graph::{Block, Graph};
use crate::LoadedRelease;
use crate::diag;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use model::{Address, Endpoint, Key, RunOptions};
use value::Diagnostics;

/// What was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    targets: Vec<Endpoint>,
    excludes: Vec<Endpoint>,
    blocks: BTreeSet<u32>,
    /// Those named themselves, of which perhaps only some instances are meant.
    named: BTreeSet<u32>,
}

impl Chosen {
    /// None when everything is meant.
    pub(super) fn new(loaded: &LoadedRelease, graph: &Graph, options: &RunOptions) -> Option<Self> {
        if options.targets.is_empty() && options.excludes.is_empty() {
            return None;
        }
        let mut chosen = Self {
            targets: options.targets.clone(),
            excludes: options.excludes.clone(),
            blocks: (0..graph.blocks.len() as u32).collect(),
            named: BTreeSet::new(),
        };
        if !options.targets.is_empty() {
            chosen.named = named(loaded, graph, &options.targets);
            chosen.blocks = graph.with_needs(chosen.named.iter().copied());
            chosen.add_outputs(graph);
            chosen.add_checks(loaded, graph);
        }
        let whole: Vec<Endpoint> = options
            .excludes
            .iter()
            .filter(|one| is_whole(one))
            .cloned()
            .collect();
        let excluded = named(loaded, graph, &whole);
        let partly = named(loaded, graph, &options.excludes);
        let dependents = graph.with_wakes(partly.iter().copied());
        chosen.blocks.retain(|block| {
            !dependents.contains(block) || (partly.contains(block) && !excluded.contains(block))
        });
        Some(chosen)
    }

    /// Root outputs that rest on nothing but what was chosen.
    fn add_outputs(&mut self, graph: &Graph) {
        for (number, (node, block)) in graph.blocks.iter().enumerate() {
            if *node != 0 || !matches!(block, Block::Output(_)) {
                continue;
            }
            let needs = graph.with_needs([number as u32]);
            let is_resource = |block: &&u32| {
                let block = graph.blocks.get(**block as usize);
                matches!(block, Some((_, Block::Resource(..))))
            };
            let mut resources = needs.iter().filter(is_resource).peekable();
            if resources.peek().is_some() && resources.all(|one| self.blocks.contains(one)) {
                self.blocks.extend(needs);
            }
        }
    }

    /// Checks in modules that are needed as a whole. One that reads a data source of its own waits for everything, so
    /// it is left out.
    fn add_checks(&mut self, loaded: &LoadedRelease, graph: &Graph) {
        for (number, (node, block)) in graph.blocks.iter().enumerate() {
            let Block::Check(name) = block else { continue };
            let check = loaded.module(*node).checks.get(name);
            if check.is_some_and(|check| check.data.is_none()) && self.has_whole(graph, *node) {
                self.blocks.insert(number as u32);
            }
        }
    }

    /// Whether the whole module at a node is planned, because something chosen needs all that is in it.
    fn has_whole(&self, graph: &Graph, node: u32) -> bool {
        let close = graph.number(node, &Block::Close);
        close.is_some_and(|close| self.blocks.contains(&close))
    }

    /// Whether an object that is no longer written stands in a module that something chosen needs as a whole.
    pub(super) fn needs_within(
        &self,
        loaded: &LoadedRelease,
        graph: &Graph,
        address: &Address,
    ) -> bool {
        let steps = &address.resource.module.0;
        let outer = (1..=steps.len()).filter_map(|length| steps.get(..length));
        let mut nodes = outer.filter_map(|steps| loaded.node_at_steps(steps));
        self.is_positive()
            && nodes.any(|node| self.has_whole(graph, node))
            && !self
                .excludes
                .iter()
                .any(|one| endpoint::covers_from_root(one, address))
    }

    /// Whether a block is planned.
    pub(super) fn has(&self, block: u32) -> bool {
        self.blocks.contains(&block)
    }

    /// Whether something was named to be planned, not only to be left out.
    pub(super) fn is_positive(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Whether an instance of a planned block is planned.
    pub(super) fn has_instance(&self, block: u32, address: &Address) -> bool {
        if self
            .excludes
            .iter()
            .any(|one| endpoint::covers_from_root(one, address))
        {
            return false;
        }
        !self.named.contains(&block)
            || self
                .targets
                .iter()
                .any(|one| endpoint::covers_from_root(one, address))
    }

    /// Whether an object that is no longer written is meant.
    pub(super) fn names(&self, address: &Address) -> bool {
        let covers = |one: &Endpoint| endpoint::covers_from_root(one, address);
        (self.targets.is_empty() || self.targets.iter().any(covers))
            && !self.excludes.iter().any(covers)
    }

    /// Objects were moved but their old or new names not chosen: then the new ones cannot be written down. That they
    /// are planned because something else needs them is not enough, as with Terraform.
    pub(super) fn left_behind<'a>(
        &self,
        moved: impl Iterator<Item = (&'a Address, &'a Address)>,
    ) -> Diagnostics {
        let left: Vec<&Address> = moved
            .filter(|(now, before)| !self.names(now) || !self.names(before))
            .map(|(now, _)| now)
            .collect();
        match left.first() {
            Some(first) => diag::moved_left_out(first, left.len()).into(),
            None => Diagnostics::new(),
        }
    }
}

/// Whether it means all instances.
fn is_whole(endpoint: &Endpoint) -> bool {
    let steps = endpoint.module.0.iter();
    let resource = endpoint.resource.iter();
    steps
        .map(|step| &step.key)
        .chain(resource.map(|one| &one.key))
        .all(|key| *key == Key::None)
}

/// Resource blocks that are named.
fn named(loaded: &LoadedRelease, graph: &Graph, endpoints: &[Endpoint]) -> BTreeSet<u32> {
    let blocks = graph.blocks.iter().enumerate();
    blocks
        .filter(|(_, (node, block))| {
            let Block::Resource(mode, kind, name) = block else {
                return false;
            };
            let steps = loaded.steps_to(*node);
            endpoints.iter().any(|endpoint| {
                let wanted = &endpoint.module.0;
                let begins = steps.len() >= wanted.len()
                    && steps
                        .iter()
                        .zip(wanted)
                        .all(|(have, wanted)| have.name == wanted.name);
                begins
                    && endpoint.resource.as_ref().is_none_or(|one| {
                        steps.len() == wanted.len()
                            && (one.mode, &one.kind, &one.name) == (*mode, kind, name)
                    })
            })
        })
        .map(|(number, _)| number as u32)
        .collect()
}
