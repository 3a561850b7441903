//! [`Pass`]: one way through all blocks, to a plan.
//!
//! Blocks are planned in the order of what they need, everything that can be asked at once is asked at once. What is
//! planned of a managed object is in `managed`, of a data source in `data`, of what is no longer written in `orphan`;
//! `outcome` computes outputs and checks at the end.

use super::chosen::Chosen;
use super::ephemeral::{self, OpenedBlock};
use super::graph::{Block, Graph};
use super::moves;
use super::needed::Needed;
use super::planner::Schemas;
use super::steps;
use crate::diag;
use crate::eval::{Evaluator, Judged, Judging, Place, Use, makes_all};
use crate::health;
use crate::provision;
use crate::{LoadedRelease, Object, World};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    Address, Answer, BlockSchema, CheckSubject, Checked, Drift, Endpoint, Imported, Mode,
    ModulePath, Origin, Plan, PlanMode, PlannedChange, Question, Reason, Resource, ResourceAddress,
    RunOptions, TakeBack,
};
use value::{Diagnostic, Diagnostics, Name, Value};

/// A change in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub change: PlannedChange,
    pub uses: BTreeSet<Use>,
    pub prior_dependencies: Vec<ResourceAddress>,
    /// Provisioners to run after it was made, and before it is destroyed.
    pub provisioners: (Vec<u32>, Vec<u32>),
    /// It belongs to a check, which looks after everything else is done.
    pub nested: bool,
}

/// An instance whose plan waits for an answer.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The block it belongs to; none for objects that are no longer written.
    pub block: Option<u32>,
    pub address: Address,
    pub place: Place,
    pub stage: Stage,
    pub prior: Option<Object>,
    /// As it is compared with the object: what is to be ignored is that of the object.
    pub config: Option<Value>,
    /// As it is written: a new object ignores nothing.
    pub written: Option<Value>,
    /// Private bytes of the plan that turned out to be a replacement: the plan of the new object goes on from them.
    pub private: Vec<u8>,
    pub uses: BTreeSet<Use>,
    pub reason: Option<Reason>,
    pub replace_paths: Vec<Vec<String>>,
    pub importing: Option<String>,
    /// It is about the object that a replacement left behind.
    pub deposed: bool,
    /// What became of its preconditions.
    pub judged: Judged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Looks at the object.
    Reading,
    /// Brings it into the form of its provider's version.
    Upgrading,
    /// Takes over what exists already.
    Importing,
    /// Plans an update of it, or its creation.
    Planning,
    /// Plans the new object of a replacement.
    Replacing,
    /// Asks a data source.
    Asking,
    /// Opens an ephemeral resource.
    Opening,
}

impl Pending {
    pub(super) fn new(block: Option<u32>, address: Address, place: Place) -> Self {
        Self {
            block,
            address,
            place,
            stage: Stage::Planning,
            prior: None,
            config: None,
            written: None,
            private: Vec::new(),
            uses: BTreeSet::new(),
            reason: None,
            replace_paths: Vec::new(),
            importing: None,
            deposed: false,
            judged: Judged::nothing(),
        }
    }

    /// A new object shall be planned in place of the one that is there.
    pub(super) fn replace(&mut self) {
        self.stage = Stage::Replacing;
        self.config = self.written.take().or(self.config.take());
    }
}

/// A plan in the making ([`super::Planner`]).
#[derive(Debug)]
pub(crate) struct Pass {
    pub(super) evaluator: Evaluator,
    pub(super) schemas: Arc<Schemas>,
    pub(super) options: RunOptions,
    base: u64,
    pub(super) objects: BTreeMap<Address, Object>,
    /// Where moved objects stood before.
    pub(super) previous: BTreeMap<Address, Address>,
    pub(super) deposed: Vec<(Address, Object)>,
    pub(super) prior_outputs: BTreeMap<Name, Value>,
    pub(super) graph: Graph,
    pub(super) chosen: Option<Chosen>,
    /// Blocks whose new objects are made before those that they replace go.
    pub(super) made_first: BTreeSet<u32>,
    ready: VecDeque<u32>,
    open: BTreeMap<u32, u32>,
    failed: BTreeSet<u32>,
    n_done: usize,
    pending: BTreeMap<u32, Pending>,
    asked: u32,
    outbox: Vec<(u32, Question)>,
    pub(super) planned: BTreeMap<Address, Value>,
    /// Blocks of which something changes, with the module instances in which it does.
    pub(super) changing: BTreeMap<u32, BTreeSet<ModulePath>>,
    pub(super) written: BTreeSet<Address>,
    pub(super) drafts: Vec<Draft>,
    /// What the instances of a block in a module instance need as it is written ([`super::needed`]).
    pub(super) needed: BTreeMap<(u32, u32), Arc<Vec<Needed>>>,
    /// What is planned of ephemeral resources, by block.
    pub(super) opened: BTreeMap<ResourceAddress, OpenedBlock>,
    /// Ephemeral resources that providers need to destroy.
    opened_to_destroy: BTreeSet<u32>,
    /// Positions among the drafts.
    pub(super) draft_of: BTreeMap<Address, usize>,
    pub(super) imported: Vec<Imported>,
    pub(super) drift: Vec<Drift>,
    pub(super) checks: Vec<Checked>,
    /// What went wrong with data sources that belong to checks.
    pub(super) check_trouble: BTreeMap<Address, Diagnostics>,
    pub(super) diagnostics: Diagnostics,
    blocks_done: bool,
}

impl Pass {
    /// Says when a plan is made that no run asked for.
    pub(super) fn begin_at(&mut self, at_ms: i64) {
        let seed = self.options.seed;
        self.evaluator.set_began(crate::eval::Began { at_ms, seed });
    }

    /// Begins to plan a release in a world.
    pub(super) fn new(
        loaded: Arc<LoadedRelease>,
        world: &World,
        schemas: Arc<Schemas>,
        options: RunOptions,
    ) -> Self {
        let graph = Graph::new(&loaded);
        let ready = graph
            .waits
            .iter()
            .enumerate()
            .filter(|(_, waits)| **waits == 0)
            .map(|(block, _)| block as u32)
            .collect();
        let began = world.run.as_ref().map(|run| run.began());
        let moved = moves::moved(&loaded, &world.resources, &world.deposed);
        let (there, noted) = there(&options, &moved.objects);
        let evaluator = Evaluator::new(loaded.clone(), &options, true)
            .with_began(began)
            .with_those_there(there);
        world.run.iter().for_each(|run| evaluator.learn_of(run));
        evaluator.set_ports(world.route.ports.clone());
        let chosen = Chosen::new(&loaded, &graph, &options);
        let made_first = graph.made_first(&loaded, chosen.as_ref());
        let opened_to_destroy = ephemeral::opened_to_destroy(&loaded, &graph, options.mode);
        let blocks_done = options.mode == PlanMode::Destroy && opened_to_destroy.is_empty();
        let mut diagnostics = moved.diagnostics;
        if let Some(chosen) = &chosen {
            diagnostics.extend(chosen.left_behind(moved.previous.iter()));
        }
        Self {
            evaluator,
            schemas,
            // Where the run began: nothing but observations can have come since.
            base: world
                .run
                .as_ref()
                .map_or(world.position, |run| run.submitted_at),
            objects: moved.objects,
            previous: moved.previous,
            deposed: moved.deposed,
            prior_outputs: world.outputs.clone(),
            graph,
            chosen,
            made_first,
            ready,
            open: BTreeMap::new(),
            failed: BTreeSet::new(),
            n_done: 0,
            pending: BTreeMap::new(),
            asked: 0,
            outbox: Vec::new(),
            planned: noted,
            changing: BTreeMap::new(),
            written: BTreeSet::new(),
            drafts: Vec::new(),
            needed: BTreeMap::new(),
            opened: BTreeMap::new(),
            opened_to_destroy,
            draft_of: BTreeMap::new(),
            imported: Vec::new(),
            drift: Vec::new(),
            checks: Vec::new(),
            check_trouble: BTreeMap::new(),
            diagnostics,
            blocks_done,
            options,
        }
        .begun()
    }

    fn begun(mut self) -> Self {
        if self.blocks_done {
            self.forgotten();
        }
        self
    }

    /// What must be answered next. Empty when the plan can be finished.
    pub(super) fn questions(&mut self) -> Vec<(u32, Question)> {
        while self.outbox.is_empty() && self.pending.is_empty() {
            match self.ready.pop_front() {
                Some(block) if !self.blocks_done => self.block(block),
                _ if self.blocks_done => break,
                _ => {
                    self.blocks_done = true;
                    self.all_blocks_done();
                }
            }
        }
        // Everything that can be asked now is asked at once.
        while !self.blocks_done
            && let Some(block) = self.ready.pop_front()
        {
            self.block(block);
        }
        core::mem::take(&mut self.outbox)
    }

    fn all_blocks_done(&mut self) {
        if self.n_done < self.graph.blocks.len() {
            // Whatever was not planned would be taken for no longer written.
            self.diagnostics.push(diag::blocks_in_circle());
        }
        if !self.diagnostics.has_errors() {
            if self.options.mode != PlanMode::Destroy {
                self.still_written();
            }
            self.forgotten();
        }
    }

    /// Takes the answer to a question. Answers to unknown numbers are ignored.
    pub(super) fn answer(&mut self, number: u32, answer: Answer) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        match answer {
            Answer::Read(read) => self.read(pending, read),
            Answer::Plan(plan) => self.planned_answer(pending, plan),
            Answer::Import(found) => self.found(pending, found),
            Answer::Upgrade(upgraded) => self.upgraded(pending, upgraded),
            // Calls are answered between passes.
            Answer::Call(_) => self.fail(&pending),
            Answer::Data(data) => self.told(pending, data),
            Answer::Open(open) => self.opened(pending, open),
            Answer::Failed(diagnostics) if pending.stage == Stage::Asking => {
                self.not_told(pending, diagnostics);
            }
            Answer::Failed(diagnostics) => {
                // What is wrong with a provider is answered to each question that it is asked.
                for one in diagnostics.0 {
                    if !self.diagnostics.iter().any(|known| *known == one) {
                        self.diagnostics.push(one);
                    }
                }
                self.fail(&pending);
            }
        }
    }

    /// Nothing comes of it.
    pub(super) fn give_up(&mut self, why: Diagnostic) {
        self.diagnostics.push(why);
        self.blocks_done = true;
    }

    /// The plan, or everything that speaks against one.
    ///
    /// # Errors
    /// All diagnostics, at least one of them an error.
    pub(super) fn finish(mut self) -> Result<Plan, Diagnostics> {
        let outputs = self.outputs();
        self.drafts.sort_by(|a, b| {
            (&a.change.address, a.change.deposed).cmp(&(&b.change.address, b.change.deposed))
        });
        steps::turn_round(&mut self.drafts);
        self.protect();
        let steps = match steps::steps(&self.drafts) {
            Ok(steps) => steps,
            Err(cycle) => {
                self.diagnostics.push(cycle);
                Vec::new()
            }
        };
        if self.diagnostics.has_errors() {
            return Err(self.diagnostics);
        }
        self.drift.sort_by(|a, b| a.address.cmp(&b.address));
        self.imported.sort_by(|a, b| a.address.cmp(&b.address));
        self.checks.sort_by(|a, b| a.subject.cmp(&b.subject));
        let without_instances = self.without_instances();
        Ok(Plan {
            format: 1,
            mode: self.options.mode,
            base: self.base,
            release: Some(self.evaluator.loaded().digest),
            changes: self.drafts.into_iter().map(|draft| draft.change).collect(),
            steps,
            drift: self.drift,
            outputs,
            diagnostics: self.diagnostics,
            checks: self.checks,
            partial: self.chosen.is_some(),
            imported: self.imported,
            without_instances,
        })
    }

    /// Who wants the plan, and of what.
    pub(super) fn wanted(&self) -> (Origin, Vec<Endpoint>) {
        (self.options.origin, self.options.targets.clone())
    }

    /// What is taken back, where that is what the plan is for.
    pub(super) fn take_back(&self) -> Option<&TakeBack> {
        self.options.take_back.as_ref()
    }

    pub(super) fn schema(&self, provider: &str, address: &Address) -> Option<&BlockSchema> {
        crate::memo::schema(&self.schemas, provider, address)
    }

    /// Version of the form in which a provider has the objects of a type.
    pub(super) fn schema_version(&self, provider: &str, address: &Address) -> Option<u64> {
        let of_type = crate::memo::type_schema(&self.schemas, provider, address);
        of_type.map(|one| one.version)
    }

    /// Planned objects, for evaluation; where everything is destroyed, those that there are.
    pub(super) fn objects(&self) -> impl Fn(&Address) -> Option<Value> + '_ {
        |address| {
            let planned = self.planned.get(address);
            let prior = || self.objects.get(address).map(|object| &object.value);
            let destroys = self.options.mode == PlanMode::Destroy;
            planned
                .or_else(|| if destroys { prior() } else { None })
                .cloned()
        }
    }

    /// The resource block of a number.
    pub(super) fn resource_of(&self, block: Option<u32>) -> Option<(u32, Resource)> {
        let (node, resource) = self.resource_at(block)?;
        Some((node, resource.clone()))
    }

    fn resource_at(&self, block: Option<u32>) -> Option<(u32, &Resource)> {
        let (node, block) = self.graph.blocks.get(block? as usize)?;
        let Block::Resource(mode, kind, name) = block else {
            return None;
        };
        let resource = self.evaluator.resource(*node, *mode, kind, name)?;
        Some((*node, resource))
    }

    fn block(&mut self, number: u32) {
        let Some((node, block)) = self.graph.blocks.get(number as usize).cloned() else {
            return;
        };
        if self.options.mode == PlanMode::Destroy && !self.opened_to_destroy.contains(&number) {
            self.done(number);
            return;
        }
        let destroys = self.options.mode == PlanMode::Destroy;
        if !destroys && self.chosen.as_ref().is_some_and(|one| !one.has(number)) {
            self.left_out(node, &block);
            self.done(number);
            return;
        }
        let found = match block {
            Block::Close | Block::Checks => Ok(()),
            Block::Module => {
                let found = self.evaluator.module_instances(node, &self.objects());
                found.map(|_| ())
            }
            Block::Local(name) => self.each_module(node, |pass, module| {
                let evaluator = &pass.evaluator;
                let value = evaluator.local(module, &name, Default::default(), &pass.objects());
                value.map(|_| ())
            }),
            Block::Variable(name) => self.variable(node, &name),
            Block::Output(name) => self.output(node, &name),
            Block::Check(name) => self.check(node, &name),
            Block::Resource(mode, kind, name) => {
                self.open.insert(number, 1);
                self.resource(number, node, (mode, kind, name));
                self.one_less(number);
                return;
            }
        };
        if let Err(diagnostics) = found {
            self.diagnostics.extend(diagnostics);
            self.failed.insert(number);
        }
        self.done(number);
    }

    /// Does something for each instance of a module, and collects what goes wrong.
    pub(super) fn each_module(
        &self,
        node: u32,
        what: impl Fn(&Self, u32) -> Result<(), Diagnostics>,
    ) -> Result<(), Diagnostics> {
        let mut found = Diagnostics::new();
        for module in self.evaluator.module_instances(node, &self.objects())? {
            if let Err(diagnostics) = what(self, module) {
                found.extend(diagnostics);
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// The instances of the module at a node of the tree.
    pub(super) fn modules(&self, node: u32) -> Result<Vec<u32>, Diagnostics> {
        self.evaluator.module_instances(node, &self.objects())
    }

    fn variable(&mut self, node: u32, name: &Name) -> Result<(), Diagnostics> {
        let loaded = self.evaluator.loaded().clone();
        let Some(variable) = loaded.module(node).variables.get(name) else {
            return Ok(());
        };
        self.each_module(node, |pass, module| {
            let objects = pass.objects();
            let value = pass
                .evaluator
                .variable(module, name, variable.span, &objects);
            value.map(|_| ())
        })?;
        if variable.validations.is_empty() {
            return Ok(());
        }
        let mut found = Diagnostics::new();
        for module in self.modules(node)? {
            let judged = self.evaluator.judge(
                &variable.validations,
                &Judging::variable(&self.evaluator.path(module), name),
                &Place::of(module),
                &self.objects(),
            );
            let subject = CheckSubject::Variable(self.evaluator.path(module), name.clone());
            found.extend(self.judged(subject, judged));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Takes note of what became of conditions; what is to be told of it is given back.
    pub(super) fn judged(&mut self, subject: CheckSubject, judged: Judged) -> Diagnostics {
        self.checks.push(Checked {
            subject,
            status: judged.status,
            problems: judged.problems,
        });
        judged.diagnostics
    }

    /// Wakes the blocks that waited for this one, and passes over those that cannot be planned because of it.
    fn done(&mut self, number: u32) {
        let mut over = Vec::from([number]);
        while let Some(number) = over.pop() {
            self.n_done += 1;
            let failed = self.failed.contains(&number);
            let wakes = self.graph.wakes.get(number as usize);
            for who in wakes.cloned().unwrap_or_default() {
                if failed {
                    self.failed.insert(who);
                }
                let Some(waits) = self.graph.waits.get_mut(who as usize) else {
                    continue;
                };
                *waits -= 1;
                if *waits > 0 {
                    continue;
                }
                if self.failed.contains(&who) {
                    over.push(who);
                } else {
                    self.ready.push_back(who);
                }
            }
        }
    }

    pub(super) fn one_less(&mut self, number: u32) {
        if let Some(open) = self.open.get_mut(&number) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&number);
                self.done(number);
            }
        }
    }

    pub(super) fn one_more(&mut self, number: u32) {
        if let Some(open) = self.open.get_mut(&number) {
            *open += 1;
        }
    }

    /// A block cannot be planned, and nothing that needs it.
    pub(super) fn cannot(&mut self, number: u32, diagnostics: Diagnostics) {
        self.diagnostics.extend(diagnostics);
        self.failed.insert(number);
    }

    pub(super) fn fail(&mut self, pending: &Pending) {
        if let Some(block) = pending.block {
            self.failed.insert(block);
            self.one_less(block);
        }
    }

    pub(super) fn ask(&mut self, pending: Pending, question: Question) {
        let number = self.asked;
        self.asked += 1;
        self.pending.insert(number, pending);
        self.outbox.push((number, question));
    }

    pub(super) fn draft(&mut self, pending: Pending, mut change: PlannedChange) {
        change.schema_version = self.schema_version(&change.provider, &change.address);
        change.retry = self.evaluator.retry(&change.address).cloned();
        // Whoever takes something back or heals changes nothing else, and looks at nothing else.
        let unhealthy = self.options.origin == Origin::Person
            && pending.prior.as_ref().is_some_and(|prior| prior.unhealthy);
        change.probed = self.options.mode == PlanMode::Normal
            && health::of_change(&self.evaluator, &change, unhealthy);
        let nested = self.is_nested(&pending);
        let damaged = pending.prior.as_ref().is_some_and(|prior| prior.tainted);
        let provisioners = provision::of_change(&self.evaluator, &change, damaged);
        if let Some(block) = pending.block
            && !matches!(change.action, model::Action::NoOp | model::Action::Open)
        {
            let module = pending.address.resource.module.clone();
            self.changing.entry(block).or_default().insert(module);
        }
        let prior_dependencies = pending
            .prior
            .map(|prior| prior.dependencies)
            .unwrap_or_default();
        self.draft_of
            .insert(pending.address.clone(), self.drafts.len());
        self.drafts.push(Draft {
            change,
            uses: pending.uses,
            prior_dependencies,
            provisioners,
            nested,
        });
        if let Some(block) = pending.block {
            self.one_less(block);
        }
    }

    fn is_nested(&self, pending: &Pending) -> bool {
        pending.address.resource.mode == Mode::Data
            && self
                .resource_of(pending.block)
                .is_some_and(|(node, resource)| self.belongs_to_check(node, &resource))
    }

    /// What is left out of a plan stays as it is.
    fn left_out(&mut self, node: u32, block: &Block) {
        if let Block::Resource(mode, kind, name) = block {
            for address in self.objects_of(node, (*mode, kind, name)) {
                self.keep(address);
            }
        }
    }

    /// The same for those objects of a planned block that are neither written nor chosen.
    pub(super) fn keep_unchosen(&mut self, node: u32, block: (Mode, &Name, &Name)) {
        let Some(chosen) = &self.chosen else { return };
        let is_unchosen =
            |address: &Address| !self.written.contains(address) && !self.is_chosen(chosen, address);
        let mut unchosen = self.objects_of(node, block);
        unchosen.retain(is_unchosen);
        for address in unchosen {
            self.keep(address);
        }
    }

    /// The objects that a block has at a node of the tree.
    fn objects_of(&self, node: u32, (mode, kind, name): (Mode, &Name, &Name)) -> Vec<Address> {
        let loaded = self.evaluator.loaded();
        let is_of_block = |address: &&Address| {
            let resource = &address.resource;
            (resource.mode, &resource.kind, &resource.name) == (mode, kind, name)
                && loaded.node_at(&resource.module) == Some(node)
        };
        self.objects.keys().filter(is_of_block).cloned().collect()
    }

    /// An object that is not planned: it stays, and others see it as it is.
    pub(super) fn keep(&mut self, address: Address) {
        if let Some(object) = self.objects.get(&address) {
            self.planned.insert(address.clone(), object.value.clone());
        }
        self.written.insert(address);
    }
}

/// The managed objects that there are, where not everything that is written is made, and what they are, where only note
/// is taken of them: what is not written any more stays then, too.
fn there(
    options: &RunOptions,
    objects: &BTreeMap<Address, Object>,
) -> (Option<BTreeSet<Address>>, BTreeMap<Address, Value>) {
    let managed = objects
        .iter()
        .filter(|(address, _)| address.resource.mode == Mode::Managed);
    let there = (!makes_all(options)).then(|| {
        let addresses = managed.clone().map(|(address, _)| address.clone());
        addresses.collect()
    });
    let noted = managed.filter(|_| options.mode == PlanMode::RefreshOnly);
    let noted = noted.map(|(address, object)| (address.clone(), object.value.clone()));
    (there, noted.collect())
}

/// Whether a value holds anything that is not known; used to see which configurations must be computed again.
pub(crate) fn has_holes(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null() && !value.is_wholly_known())
}
