//! Which block must be evaluated before which: the order of planning, read off the expressions alone.

use crate::LoadedRelease;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{Condition, Mode, Repetition};
use value::{Expr, Name, Reference};

/// A block, or the expansion of a module call, at a node of the module tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Block {
    /// The module's instances are known.
    Module,
    Variable(Name),
    Local(Name),
    Output(Name),
    Resource(Mode, Name, Name),
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
    numbers: BTreeMap<(u32, Block), u32>,
}

impl Graph {
    pub(crate) fn new(loaded: &LoadedRelease) -> Self {
        let mut graph = Self::default();
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
                let block =
                    Block::Resource(resource.mode, resource.kind.clone(), resource.name.clone());
                graph.add(node, block);
            }
        }
        graph.waits = alloc::vec![0; graph.blocks.len()];
        graph.wakes = alloc::vec![Vec::new(); graph.blocks.len()];
        for node in 0..loaded.tree.len() as u32 {
            graph.connect_module(loaded, node);
        }
        graph
    }

    fn add(&mut self, node: u32, block: Block) {
        self.numbers
            .insert((node, block.clone()), self.blocks.len() as u32);
        self.blocks.push((node, block));
    }

    /// `who` waits for `whom`, if there is such a block.
    fn edge(&mut self, who: &(u32, Block), whom: &(u32, Block)) {
        let (Some(&who), Some(&whom)) = (self.numbers.get(who), self.numbers.get(whom)) else {
            return;
        };
        if who == whom {
            return;
        }
        if let (Some(wakes), Some(waits)) = (
            self.wakes.get_mut(whom as usize),
            self.waits.get_mut(who as usize),
        ) {
            wakes.push(who);
            *waits += 1;
        }
    }

    /// `who` waits for everything that an expression in the module at `node` refers to.
    fn edges(&mut self, loaded: &LoadedRelease, who: &(u32, Block), node: u32, expr: &Expr) {
        let mut targets = Vec::new();
        expr.references(&mut |reference, _, _| targets_of(loaded, node, reference, &mut targets));
        for target in &targets {
            self.edge(who, target);
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
        let call = loaded.call(node);
        if let Some((parent, call)) = call {
            self.edge(&own, &(parent, Block::Module));
            self.repetition(loaded, &own, parent, &call.repetition);
            for expr in &call.depends_on {
                self.edges(loaded, &own, parent, expr);
            }
        }
        for (name, variable) in &module.variables {
            let who = (node, Block::Variable(name.clone()));
            self.edge(&who, &own);
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
        for (name, local) in &module.locals {
            let who = (node, Block::Local(name.clone()));
            self.edge(&who, &own);
            self.edges(loaded, &who, node, &local.value);
        }
        for (name, output) in &module.outputs {
            let who = (node, Block::Output(name.clone()));
            self.edge(&who, &own);
            self.edges(loaded, &who, node, &output.value);
            output
                .depends_on
                .iter()
                .for_each(|expr| self.edges(loaded, &who, node, expr));
            self.conditions(loaded, &who, node, &output.preconditions);
        }
        for resource in &module.resources {
            let block =
                Block::Resource(resource.mode, resource.kind.clone(), resource.name.clone());
            let who = (node, block);
            self.edge(&who, &own);
            self.repetition(loaded, &who, node, &resource.repetition);
            self.edges(loaded, &who, node, &resource.config);
            resource
                .depends_on
                .iter()
                .for_each(|expr| self.edges(loaded, &who, node, expr));
            let lifecycle = &resource.lifecycle;
            lifecycle
                .replace_triggered_by
                .iter()
                .for_each(|expr| self.edges(loaded, &who, node, expr));
            lifecycle
                .prevent_destroy
                .iter()
                .for_each(|expr| self.edges(loaded, &who, node, expr));
            self.conditions(loaded, &who, node, &lifecycle.preconditions);
            self.conditions(loaded, &who, node, &lifecycle.postconditions);
        }
    }
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
        | Reference::SelfObject
        | Reference::EnvironmentName
        | Reference::ServicePort(_) => {}
    }
}
