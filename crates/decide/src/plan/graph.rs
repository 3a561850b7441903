//! Which block must be evaluated before which: the order of planning, read off the expressions alone.

use super::chosen::Chosen;
use crate::LoadedRelease;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use model::{
    Condition, Key, Mode, Module, ModulePath, ModuleStep, Repetition, Resource, ResourceAddress,
};
use value::{Expr, ExprKind, Name, Reference};

/// A block, or the expansion of a module call, at a node of the module tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Block {
    /// The module's instances are known.
    Module,
    Variable(Name),
    Local(Name),
    Output(Name),
    Resource(Mode, Name, Name),
    /// Everything in the module and in those it calls is done: what `depends_on = [module.m]` waits for.
    Close,
    /// Every resource is done but those that belong to checks, which look at the world after all changes. Stands at the
    /// root only.
    Checks,
    Check(Name),
}

impl Block {
    fn of(resource: &Resource) -> Self {
        Self::Resource(resource.mode, resource.kind.clone(), resource.name.clone())
    }
}

/// What the resources of a release need of each other, as it is written, whether there are instances or not.
#[derive(Debug)]
pub struct Needs<'a> {
    graph: Graph,
    loaded: &'a LoadedRelease,
    /// Resources that are there and no longer written.
    orphans: BTreeSet<&'a ResourceAddress>,
}

impl<'a> Needs<'a> {
    /// Of a release, and of what is there.
    pub fn of(
        loaded: &'a LoadedRelease,
        there: impl IntoIterator<Item = &'a ResourceAddress>,
    ) -> Self {
        let there = there.into_iter();
        Self {
            graph: Graph::default().connected(loaded),
            loaded,
            orphans: there
                .filter(|address| loaded.resource_of(address).is_none())
                .collect(),
        }
    }

    /// All resources that a written one refers to, directly or not, by blocks without instance keys, sorted; none when
    /// it is not written. Of a module that is referred to as a whole, what is no longer written in it is one of them.
    pub fn resources(&self, address: &ResourceAddress) -> Option<Vec<ResourceAddress>> {
        let loaded = self.loaded;
        let node = loaded.node_at(&address.module)?;
        let (kind, name) = (address.kind.clone(), address.name.clone());
        let own = Block::Resource(address.mode, kind, name);
        let own = self.graph.number(node, &own)?;
        let mut resources = BTreeSet::new();
        for number in self.graph.with_needs([own]) {
            match self.graph.blocks.get(number as usize) {
                Some((node, Block::Resource(mode, kind, name))) if number != own => {
                    resources.insert(ResourceAddress {
                        module: ModulePath(loaded.steps_to(*node)),
                        mode: *mode,
                        kind: kind.clone(),
                        name: name.clone(),
                    });
                }
                Some((node, Block::Close)) => {
                    let steps = loaded.steps_to(*node);
                    let orphans = self.orphans.iter();
                    let inside = orphans.filter(|one| is_within(&one.module, &steps));
                    resources.extend(inside.map(|one| ResourceAddress {
                        module: ModulePath(without_keys(&one.module)),
                        ..(*one).clone()
                    }));
                }
                _ => {}
            }
        }
        Some(resources.into_iter().collect())
    }
}

/// The steps to a module without their keys.
fn without_keys(module: &ModulePath) -> Vec<ModuleStep> {
    let steps = module.0.iter();
    steps
        .map(|step| ModuleStep {
            key: Key::None,
            ..step.clone()
        })
        .collect()
}

/// Whether a module is the one that steps without keys lead to, or one inside it.
fn is_within(module: &ModulePath, steps: &[ModuleStep]) -> bool {
    let names = module.0.iter().map(|step| &step.name);
    let outer = names.take(steps.len());
    outer.eq(steps.iter().map(|step| &step.name))
}

/// The blocks of a release and what each waits for.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Module node and block, by number.
    pub blocks: Vec<(u32, Block)>,
    /// How many others each still waits for.
    pub waits: Vec<u32>,
    /// Who waits for each.
    pub wakes: Vec<Vec<u32>>,
    /// For whom each waits.
    needs: Vec<Vec<u32>>,
    numbers: BTreeMap<(u32, Block), u32>,
}

impl Graph {
    pub(crate) fn new(loaded: &LoadedRelease) -> Self {
        let mut graph = Self::default().connected(loaded);
        graph.connect_imports(loaded);
        graph
    }

    /// With all that is written, except imports.
    fn connected(self, loaded: &LoadedRelease) -> Self {
        let mut graph = self;
        for node in 0..loaded.tree.len() as u32 {
            let module = loaded.module(node);
            graph.add(node, Block::Module);
            module
                .variables
                .keys()
                .for_each(|name| graph.add(node, Block::Variable(name.clone())));
            module
                .locals
                .keys()
                .for_each(|name| graph.add(node, Block::Local(name.clone())));
            module
                .outputs
                .keys()
                .for_each(|name| graph.add(node, Block::Output(name.clone())));
            for resource in &module.resources {
                graph.add(node, Block::of(resource));
            }
            for name in module.checks.keys() {
                graph.add(node, Block::Check(name.clone()));
            }
            graph.add(node, Block::Close);
        }
        graph.add(0, Block::Checks);
        graph.waits = alloc::vec![0; graph.blocks.len()];
        graph.wakes = alloc::vec![Vec::new(); graph.blocks.len()];
        graph.needs = alloc::vec![Vec::new(); graph.blocks.len()];
        for node in 0..loaded.tree.len() as u32 {
            graph.connect_module(loaded, node);
        }
        graph
    }

    /// What is taken over into a block must be known before the block is planned.
    fn connect_imports(&mut self, loaded: &LoadedRelease) {
        for import in &loaded.module(0).imports {
            let node = import.module.iter().try_fold(0, |node, (name, _)| {
                loaded.node(node).children.get(name).copied()
            });
            let Some(node) = node else { continue };
            let (kind, name) = (import.kind.clone(), import.name.clone());
            let who = (node, Block::Resource(Mode::Managed, kind, name));
            let keys = import.module.iter().filter_map(|(_, key)| key.as_ref());
            let others = [&import.key, &import.identity, &import.for_each];
            for expr in keys.chain(others.into_iter().flatten()).chain([&import.id]) {
                self.edges(loaded, &who, 0, expr);
            }
        }
    }

    fn add(&mut self, node: u32, block: Block) {
        self.numbers
            .insert((node, block.clone()), self.blocks.len() as u32);
        self.blocks.push((node, block));
    }

    /// The number of a block, if there is such a one.
    pub(crate) fn number(&self, node: u32, block: &Block) -> Option<u32> {
        self.numbers.get(&(node, block.clone())).copied()
    }

    /// Everything that these blocks wait for, directly or not, and themselves.
    pub(crate) fn with_needs(&self, blocks: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        reached(&self.needs, blocks)
    }

    /// The resource blocks that a block waits for itself, or by way of what is no resource. Those behind a resource are
    /// its own business, unless it `is_empty`: then nothing stands between.
    pub(crate) fn resources_next(
        &self,
        block: u32,
        is_empty: impl Fn(u32) -> bool,
    ) -> BTreeSet<u32> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::from([block]));
        let needs = |at: u32| self.needs.get(at as usize).into_iter().flatten().copied();
        let mut open: Vec<u32> = needs(block).collect();
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            match self.blocks.get(at as usize) {
                // It waits for everything, and nothing that waits for it refers to anything by it.
                Some((_, Block::Checks)) | None => continue,
                Some((_, Block::Resource(..))) => {
                    found.insert(at);
                    if !is_empty(at) {
                        continue;
                    }
                }
                Some((
                    _,
                    Block::Module
                    | Block::Variable(_)
                    | Block::Local(_)
                    | Block::Output(_)
                    | Block::Close
                    | Block::Check(_),
                )) => {}
            }
            open.extend(needs(at));
        }
        found
    }

    /// Everything that waits for these blocks, directly or not, and themselves.
    pub(crate) fn with_wakes(&self, blocks: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
        reached(&self.wakes, blocks)
    }

    /// The blocks whose new objects are made before those that they replace go: those of the planned ones that say so,
    /// and all that they wait for, whether they have instances or not.
    pub(crate) fn made_first(
        &self,
        loaded: &LoadedRelease,
        chosen: Option<&Chosen>,
    ) -> BTreeSet<u32> {
        let mut asking = Vec::new();
        for node in 0..loaded.tree.len() as u32 {
            let resources = loaded.module(node).resources.iter();
            let resources = resources.filter(|one| one.lifecycle.create_before_destroy);
            asking.extend(resources.filter_map(|one| self.number(node, &Block::of(one))));
        }
        asking.retain(|block| chosen.is_none_or(|chosen| chosen.has(*block)));
        self.with_needs(asking)
    }

    /// `who` waits for `whom`, if there is such a block.
    fn edge(&mut self, who: &(u32, Block), whom: &(u32, Block)) {
        let (Some(&who), Some(&whom)) = (self.numbers.get(who), self.numbers.get(whom)) else {
            return;
        };
        if who == whom {
            return;
        }
        if let (Some(wakes), Some(needs), Some(waits)) = (
            self.wakes.get_mut(whom as usize),
            self.needs.get_mut(who as usize),
            self.waits.get_mut(who as usize),
        ) {
            wakes.push(who);
            needs.push(whom);
            *waits += 1;
        }
    }

    /// `who` waits for everything that an expression in the module at `node` refers to. Whoever refers to a module as a
    /// whole waits for everything in it, not only for its outputs.
    fn edges(&mut self, loaded: &LoadedRelease, who: &(u32, Block), node: u32, expr: &Expr) {
        let mut targets = Vec::new();
        expr.references(&mut |reference, _, _| {
            targets_of(loaded, node, reference, &mut targets);
            if let Reference::Module(call) = reference
                && let Some(child) = loaded.node(node).children.get(call)
            {
                targets.push((*child, Block::Close));
            }
        });
        for target in &targets {
            self.edge(who, target);
        }
    }

    /// `who` waits for what `depends_on` names: of a module, everything in it is meant.
    fn explicit(
        &mut self,
        loaded: &LoadedRelease,
        who: &(u32, Block),
        node: u32,
        depends_on: &[Expr],
    ) {
        for expr in depends_on {
            self.edges(loaded, who, node, expr);
            if let Some(child) = module_named(loaded, node, expr) {
                self.edge(who, &(child, Block::Close));
            }
        }
    }

    fn repetition(
        &mut self,
        loaded: &LoadedRelease,
        who: &(u32, Block),
        node: u32,
        repetition: &Repetition,
    ) {
        match repetition {
            Repetition::Once => {}
            Repetition::Count(expr) | Repetition::ForEach(expr) => {
                self.edges(loaded, who, node, expr)
            }
        }
    }

    fn conditions(
        &mut self,
        loaded: &LoadedRelease,
        who: &(u32, Block),
        node: u32,
        conditions: &[Condition],
    ) {
        for condition in conditions {
            self.edges(loaded, who, node, &condition.condition);
            self.edges(loaded, who, node, &condition.error_message);
        }
    }

    fn connect_module(&mut self, loaded: &LoadedRelease, node: u32) {
        let module = loaded.module(node);
        let own = (node, Block::Module);
        if let Some((parent, call)) = loaded.call(node) {
            self.edge(&own, &(parent, Block::Module));
            self.repetition(loaded, &own, parent, &call.repetition);
            self.explicit(loaded, &own, parent, &call.depends_on);
        }
        self.connect_variables(loaded, node);
        for (name, local) in &module.locals {
            let who = (node, Block::Local(name.clone()));
            self.edge(&who, &own);
            self.edges(loaded, &who, node, &local.value);
        }
        for (name, output) in &module.outputs {
            let who = (node, Block::Output(name.clone()));
            self.edge(&who, &own);
            self.edges(loaded, &who, node, &output.value);
            self.explicit(loaded, &who, node, &output.depends_on);
            self.conditions(loaded, &who, node, &output.preconditions);
        }
        let nested = nested_in_checks(module);
        for resource in &module.resources {
            let who = (node, Block::of(resource));
            self.edge(&who, &own);
            self.connect_resource(loaded, &who, node, resource);
            if resource.mode == Mode::Data && nested.contains(&(&resource.kind, &resource.name)) {
                self.edge(&who, &(0, Block::Checks));
            } else {
                self.edge(&(0, Block::Checks), &who);
            }
        }
        for (name, check) in &module.checks {
            let who = (node, Block::Check(name.clone()));
            self.edge(&who, &(0, Block::Checks));
            if let Some((kind, name)) = &check.data {
                let data = Block::Resource(Mode::Data, kind.clone(), name.clone());
                self.edge(&who, &(node, data));
            }
            self.conditions(loaded, &who, node, &check.assertions);
        }
        let close = (node, Block::Close);
        self.edge(&close, &own);
        let values = module
            .variables
            .keys()
            .map(|name| Block::Variable(name.clone()));
        let values = values.chain(module.locals.keys().map(|name| Block::Local(name.clone())));
        let values = values.chain(
            module
                .outputs
                .keys()
                .map(|name| Block::Output(name.clone())),
        );
        for block in values {
            self.edge(&close, &(node, block));
        }
        for resource in &module.resources {
            let inside = Block::of(resource);
            if !nested.contains(&(&resource.kind, &resource.name)) || resource.mode != Mode::Data {
                self.edge(&close, &(node, inside));
            }
        }
        for child in loaded.node(node).children.values() {
            self.edge(&close, &(*child, Block::Close));
        }
    }

    fn connect_variables(&mut self, loaded: &LoadedRelease, node: u32) {
        let call = loaded.call(node);
        for (name, variable) in &loaded.module(node).variables {
            let who = (node, Block::Variable(name.clone()));
            self.edge(&who, &(node, Block::Module));
            self.conditions(loaded, &who, node, &variable.validations);
            match call {
                Some((parent, call)) => {
                    if let Some(expr) = call.inputs.get(name) {
                        self.edges(loaded, &who, parent, expr);
                    }
                }
                None => {
                    for environment in loaded.release.environments.values() {
                        if let Some(expr) = environment.variables.get(name) {
                            self.edges(loaded, &who, node, expr);
                        }
                    }
                }
            }
        }
    }

    fn connect_resource(
        &mut self,
        loaded: &LoadedRelease,
        who: &(u32, Block),
        node: u32,
        resource: &Resource,
    ) {
        self.repetition(loaded, who, node, &resource.repetition);
        self.edges(loaded, who, node, &resource.config);
        self.explicit(loaded, who, node, &resource.depends_on);
        self.provider(loaded, who, node, resource);
        let lifecycle = &resource.lifecycle;
        let triggers = lifecycle.replace_triggered_by.iter();
        for expr in triggers.chain(&lifecycle.prevent_destroy) {
            self.edges(loaded, who, node, expr);
        }
        for provisioner in &resource.provisioners {
            self.edges(loaded, who, node, &provisioner.config);
            if let Some(connection) = &provisioner.connection {
                self.edges(loaded, who, node, connection);
            }
        }
        if let Some(health) = &lifecycle.health {
            self.edges(loaded, who, node, &health.target);
        }
        self.conditions(loaded, who, node, &lifecycle.preconditions);
        self.conditions(loaded, who, node, &lifecycle.postconditions);
    }
}

impl Graph {
    /// `who` waits for what its provider is configured with.
    fn provider(
        &mut self,
        loaded: &LoadedRelease,
        who: &(u32, Block),
        node: u32,
        resource: &Resource,
    ) {
        let reference = &resource.provider_config;
        let written = loaded.provider_block(node, reference, &resource.provider);
        if let Some((at, key)) = written.key {
            self.edges(loaded, who, at, key);
        }
        if let Some(block) = written.block {
            self.edges(loaded, who, written.node, &block.config);
            if let Some(for_each) = &block.for_each {
                self.edges(loaded, who, written.node, for_each);
            }
        }
    }
}

impl Graph {
    /// Blocks that configurations of providers refer to.
    pub(super) fn configuring(&self, loaded: &LoadedRelease) -> Vec<u32> {
        let mut targets = Vec::new();
        for node in 0..loaded.tree.len() as u32 {
            for block in &loaded.module(node).providers {
                for expr in core::iter::once(&block.config).chain(&block.for_each) {
                    expr.references(&mut |reference, _, _| {
                        targets_of(loaded, node, reference, &mut targets);
                    });
                }
            }
        }
        let targets = targets.iter();
        targets
            .filter_map(|target| self.numbers.get(target).copied())
            .collect()
    }
}

/// Data sources that only a check reads, by type and name.
pub(crate) fn nested_in_checks(module: &Module) -> BTreeSet<(&Name, &Name)> {
    let checks = module.checks.values();
    let data = checks.filter_map(|check| check.data.as_ref());
    data.map(|(kind, name)| (kind, name)).collect()
}

/// The node of the module that an entry of `depends_on` names, if it names one.
pub(crate) fn module_named(loaded: &LoadedRelease, node: u32, expr: &Expr) -> Option<u32> {
    let (ExprKind::Reference(reference) | ExprKind::Instance(reference, _)) = &expr.kind else {
        return None;
    };
    let (Reference::Module(call) | Reference::ModuleOutput(call, _)) = reference else {
        return None;
    };
    loaded.node(node).children.get(call).copied()
}

/// These and everything that edges lead to from them.
fn reached(edges: &[Vec<u32>], from: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open: Vec<u32> = from.into_iter().collect();
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(edges.get(at as usize).into_iter().flatten());
        }
    }
    found
}

/// The blocks that a reference made in the module at `node` means.
fn targets_of(
    loaded: &LoadedRelease,
    node: u32,
    reference: &Reference,
    targets: &mut Vec<(u32, Block)>,
) {
    match reference {
        Reference::Variable(name) => targets.push((node, Block::Variable(name.clone()))),
        Reference::Local(name) => targets.push((node, Block::Local(name.clone()))),
        Reference::Resource(kind, name) => {
            targets.push((
                node,
                Block::Resource(Mode::Managed, kind.clone(), name.clone()),
            ));
        }
        Reference::Data(kind, name) => {
            targets.push((
                node,
                Block::Resource(Mode::Data, kind.clone(), name.clone()),
            ));
        }
        Reference::Ephemeral(kind, name) => {
            targets.push((
                node,
                Block::Resource(Mode::Ephemeral, kind.clone(), name.clone()),
            ));
        }
        Reference::Module(call) => {
            if let Some(child) = loaded.node(node).children.get(call) {
                targets.push((*child, Block::Module));
                let module = loaded.module(*child);
                targets.extend(
                    module
                        .outputs
                        .keys()
                        .map(|name| (*child, Block::Output(name.clone()))),
                );
            }
        }
        Reference::ModuleOutput(call, output) => {
            if let Some(child) = loaded.node(node).children.get(call) {
                targets.push((*child, Block::Module));
                targets.push((*child, Block::Output(output.clone())));
            }
        }
        Reference::EachKey
        | Reference::EachValue
        | Reference::CountIndex
        | Reference::PathModule
        | Reference::PathRoot
        | Reference::PathCwd
        | Reference::Workspace
        | Reference::Applying
        | Reference::SelfObject
        | Reference::EnvironmentName
        | Reference::ServicePort(_) => {}
    }
}
