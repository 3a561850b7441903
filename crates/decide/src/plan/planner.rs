//! [`Planner`]: the dialogue that ends in a plan.

use super::graph::{Block, Graph};
use super::{propose, steps};
use crate::diag;
use crate::eval::{Evaluator, Place, Use};
use crate::{LoadedRelease, Object, World};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    Action, Address, Answer, BlockSchema, Drift, Key, Mode, OutputChange, Plan, PlanAnswer,
    PlanMode, PlanQuestion, PlannedChange, ProviderSchema, Question, ReadAnswer, ReadQuestion,
    Reason, Repeat, Resource, ResourceAddress, RunOptions,
};
use value::{Diagnostics, Expr, ExprKind, Name, Reference, Value};

/// Schemas by source address of their provider.
pub type Schemas = BTreeMap<String, ProviderSchema>;

/// A change in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub change: PlannedChange,
    pub uses: BTreeSet<Use>,
    pub prior_dependencies: Vec<ResourceAddress>,
}

/// An instance whose plan waits for an answer.
#[derive(Clone, Debug)]
struct Pending {
    /// The block it belongs to; none for objects that are no longer written.
    block: Option<u32>,
    address: Address,
    place: Place,
    stage: Stage,
    prior: Option<Object>,
    config: Option<Value>,
    uses: BTreeSet<Use>,
    reason: Option<Reason>,
    replace_paths: Vec<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looks at the object.
    Reading,
    /// Plans an update of it, or its creation.
    Planning,
    /// Plans the new object of a replacement.
    Replacing,
}

/// Makes a plan by asking.
///
/// Call [`Planner::questions`], give each answer to [`Planner::answer`], and repeat until there are no questions; then
/// [`Planner::finish`].
#[derive(Debug)]
pub struct Planner {
    evaluator: Evaluator,
    before: Evaluator,
    schemas: Arc<Schemas>,
    options: RunOptions,
    base: u64,
    objects: BTreeMap<Address, Object>,
    deposed: Vec<(Address, Object)>,
    prior_outputs: BTreeMap<Name, Value>,
    graph: Graph,
    ready: VecDeque<u32>,
    open: BTreeMap<u32, u32>,
    failed: BTreeSet<u32>,
    pending: BTreeMap<u32, Pending>,
    asked: u32,
    outbox: Vec<(u32, Question)>,
    planned: BTreeMap<Address, Value>,
    written: BTreeSet<Address>,
    drafts: Vec<Draft>,
    drift: Vec<Drift>,
    diagnostics: Diagnostics,
    blocks_done: bool,
}

impl Planner {
    /// Begins to plan a release in a world.
    pub fn new(
        loaded: Arc<LoadedRelease>,
        world: &World,
        schemas: Arc<Schemas>,
        options: RunOptions,
    ) -> Self {
        let graph = Graph::new(&loaded);
        let environment = Name::from(options.environment.as_str());
        let ready = graph
            .waits
            .iter()
            .enumerate()
            .filter(|(_, waits)| **waits == 0)
            .map(|(block, _)| block as u32)
            .collect();
        let evaluator = Evaluator::new(loaded.clone(), environment.clone(), true);
        evaluator.set_ports(world.route.ports.clone());
        let before = Evaluator::new(loaded, environment, true);
        Self {
            evaluator,
            before,
            schemas,
            // Where the run began: nothing but observations can have come since.
            base: world
                .run
                .as_ref()
                .map_or(world.position, |run| run.submitted_at),
            objects: world.resources.clone(),
            deposed: world.deposed.clone(),
            prior_outputs: world.outputs.clone(),
            graph,
            ready,
            open: BTreeMap::new(),
            failed: BTreeSet::new(),
            pending: BTreeMap::new(),
            asked: 0,
            outbox: Vec::new(),
            planned: BTreeMap::new(),
            written: BTreeSet::new(),
            drafts: Vec::new(),
            drift: Vec::new(),
            diagnostics: Diagnostics::new(),
            blocks_done: options.mode == PlanMode::Destroy,
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
    pub fn questions(&mut self) -> Vec<(u32, Question)> {
        while self.outbox.is_empty() && self.pending.is_empty() {
            match self.ready.pop_front() {
                Some(block) if !self.blocks_done => self.block(block),
                _ if self.blocks_done => break,
                _ => {
                    self.blocks_done = true;
                    self.forgotten();
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

    /// Takes the answer to a question. Answers to unknown numbers are ignored.
    pub fn answer(&mut self, number: u32, answer: Answer) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        match answer {
            Answer::Read(read) => self.read(pending, read),
            Answer::Plan(plan) => self.planned_answer(pending, plan),
            Answer::Failed(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                self.fail(&pending);
            }
        }
    }

    /// The plan, or everything that speaks against one.
    ///
    /// # Errors
    /// All diagnostics, at least one of them an error.
    pub fn finish(mut self) -> Result<Plan, Diagnostics> {
        let outputs = self.outputs();
        self.drafts.sort_by(|a, b| {
            (&a.change.address, a.change.deposed).cmp(&(&b.change.address, b.change.deposed))
        });
        steps::spread_create_before_destroy(&mut self.drafts);
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
        })
    }

    fn schema(&self, provider: &str, address: &Address) -> Option<&BlockSchema> {
        crate::memo::schema(&self.schemas, provider, address)
    }

    fn block(&mut self, number: u32) {
        let Some((node, block)) = self.graph.blocks.get(number as usize).cloned() else {
            return;
        };
        match block {
            Block::Local(_) | Block::Output(_) => {}
            Block::Module => {
                let planned = &self.planned;
                let objects = |address: &Address| planned.get(address).cloned();
                if let Err(diagnostics) = self.evaluator.module_instances(node, &objects) {
                    self.diagnostics.extend(diagnostics);
                    self.failed.insert(number);
                }
            }
            Block::Variable(name) => self.validate_variable(node, &name),
            Block::Resource(mode, kind, name) => {
                self.open.insert(number, 1);
                self.resource(number, node, (mode, kind, name));
                self.one_less(number);
                return;
            }
        }
        self.done(number);
    }

    /// Wakes the blocks that waited for this one.
    fn done(&mut self, number: u32) {
        let failed = self.failed.contains(&number);
        for who in self
            .graph
            .wakes
            .get(number as usize)
            .cloned()
            .unwrap_or_default()
        {
            if failed {
                self.failed.insert(who);
            }
            if let Some(waits) = self.graph.waits.get_mut(who as usize) {
                *waits -= 1;
                if *waits == 0 {
                    if self.failed.contains(&who) {
                        self.done(who)
                    } else {
                        self.ready.push_back(who)
                    }
                }
            }
        }
    }

    fn one_less(&mut self, number: u32) {
        if let Some(open) = self.open.get_mut(&number) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&number);
                self.done(number);
            }
        }
    }

    fn fail(&mut self, pending: &Pending) {
        if let Some(block) = pending.block {
            self.failed.insert(block);
            self.one_less(block);
        }
    }

    fn validate_variable(&mut self, node: u32, name: &Name) {
        let loaded = self.evaluator.loaded().clone();
        let Some(variable) = loaded.module(node).variables.get(name) else {
            return;
        };
        let planned = &self.planned;
        let objects = |address: &Address| planned.get(address).cloned();
        let modules = self
            .evaluator
            .module_instances(node, &objects)
            .unwrap_or_default();
        for module in modules {
            let place = Place {
                module,
                ..self.evaluator.root()
            };
            let checked = self
                .evaluator
                .variable(module, name, variable.span, &objects)
                .and_then(|_| {
                    let address = format!("var.{name}");
                    self.evaluator.check(
                        &variable.validations,
                        "Variable validation",
                        &address,
                        &place,
                        &objects,
                    )
                });
            if let Err(diagnostics) = checked {
                self.diagnostics.extend(diagnostics);
            }
        }
    }

    fn resource(&mut self, number: u32, node: u32, (mode, kind, name): (Mode, Name, Name)) {
        let loaded = self.evaluator.loaded().clone();
        let Some(resource) = self.evaluator.resource(node, mode, &kind, &name).cloned() else {
            return;
        };
        let planned = core::mem::take(&mut self.planned);
        let objects = |address: &Address| planned.get(address).cloned();
        let mut found = Vec::new();
        let mut trouble = Diagnostics::new();
        match self.evaluator.module_instances(node, &objects) {
            Ok(modules) => {
                for module in modules {
                    let address = ResourceAddress {
                        module: self.evaluator.path(module),
                        mode,
                        kind: kind.clone(),
                        name: name.clone(),
                    };
                    let place = Place {
                        module,
                        ..self.evaluator.root()
                    };
                    let (expanded, mut uses) = self.evaluator.noting(|| {
                        self.evaluator.expand(
                            &resource.repetition,
                            &place,
                            &address,
                            resource.span,
                            &objects,
                        )
                    });
                    uses.extend(self.evaluator.module_uses(module));
                    match expanded {
                        Ok(instances) => found.push((module, address, instances, uses)),
                        Err(diagnostics) => trouble.extend(diagnostics),
                    }
                }
            }
            Err(diagnostics) => trouble.extend(diagnostics),
        }
        self.planned = planned;
        drop(loaded);
        if !trouble.is_empty() {
            self.diagnostics.extend(trouble);
            self.failed.insert(number);
        }
        for (module, block, instances, uses) in found {
            for instance in instances {
                let address = Address {
                    resource: block.clone(),
                    key: instance.key.clone(),
                };
                let place = Place {
                    module,
                    key: instance.key,
                    each: instance.each,
                    this: None,
                };
                self.instance(number, address, place, &resource, uses.clone());
            }
        }
    }

    fn instance(
        &mut self,
        number: u32,
        address: Address,
        place: Place,
        resource: &Resource,
        uses: BTreeSet<Use>,
    ) {
        self.written.insert(address.clone());
        if let Some(open) = self.open.get_mut(&number) {
            *open += 1;
        }
        let pending = Pending {
            block: Some(number),
            prior: self.objects.get(&address).cloned(),
            address,
            place,
            stage: Stage::Planning,
            config: None,
            uses,
            reason: None,
            replace_paths: Vec::new(),
        };
        if resource.mode == Mode::Data {
            self.diagnostics
                .push(diag::data_unsupported(&pending.address, resource.span));
            self.fail(&pending);
            return;
        }
        if self.schema(&resource.provider, &pending.address).is_none() {
            self.diagnostics.push(
                diag::provider_missing(&pending.address, &resource.provider).at(resource.span),
            );
            self.fail(&pending);
            return;
        }
        if self.options.refresh && pending.prior.is_some() {
            self.ask_read(pending);
        } else {
            self.plan_instance(pending, resource);
        }
    }

    fn ask(&mut self, pending: Pending, question: Question) {
        let number = self.asked;
        self.asked += 1;
        self.pending.insert(number, pending);
        self.outbox.push((number, question));
    }

    fn ask_read(&mut self, mut pending: Pending) {
        let Some(prior) = pending.prior.clone() else {
            return;
        };
        pending.stage = Stage::Reading;
        let question = ReadQuestion {
            address: pending.address.clone(),
            provider: prior.provider,
            prior: prior.value,
            private: prior.private,
        };
        self.ask(pending, Question::Read(question));
    }

    fn read(&mut self, mut pending: Pending, answer: ReadAnswer) {
        self.diagnostics.extend(answer.diagnostics);
        let Some(prior) = pending.prior.take() else {
            return;
        };
        let changed = answer
            .object
            .as_ref()
            .is_none_or(|object| !propose::same(object, &prior.value));
        if changed {
            self.drift.push(Drift {
                address: pending.address.clone(),
                before: prior.value.clone(),
                after: answer.object.clone(),
                private: answer.private.clone(),
            });
        }
        pending.prior = answer.object.map(|value| Object {
            value,
            private: answer.private,
            ..prior
        });
        match pending
            .block
            .and_then(|number| self.graph.blocks.get(number as usize))
            .cloned()
        {
            Some((node, Block::Resource(mode, kind, name))) => {
                if let Some(resource) = self.evaluator.resource(node, mode, &kind, &name).cloned() {
                    pending.stage = Stage::Planning;
                    self.plan_instance(pending, &resource);
                }
            }
            _ => self.forget(pending),
        }
    }

    /// Evaluates the configuration and asks the provider for a plan.
    fn plan_instance(&mut self, mut pending: Pending, resource: &Resource) {
        if self.options.mode == PlanMode::RefreshOnly {
            self.unchanged(pending, resource);
            return;
        }
        let planned = core::mem::take(&mut self.planned);
        let objects = |address: &Address| planned.get(address).cloned();
        let shown = pending.address.to_string();
        let checked = self.evaluator.check(
            &resource.lifecycle.preconditions,
            "Resource precondition",
            &shown,
            &pending.place,
            &objects,
        );
        let (config, mut uses) =
            self.evaluator
                .evaluate_noting(&resource.config, &pending.place, &objects);
        let triggered =
            pending.prior.is_some() && self.triggered(resource, &pending.place, &objects);
        self.planned = planned;
        let config = match (checked, config) {
            (Ok(()), Ok(config)) => config,
            (checked, config) => {
                for diagnostics in checked.err().into_iter().chain(config.err()) {
                    self.diagnostics.extend(diagnostics);
                }
                self.fail(&pending);
                return;
            }
        };
        if let Some(block) = pending
            .block
            .and_then(|number| self.graph.blocks.get(number as usize))
        {
            let node = block.0;
            self.explicit(node, pending.place.module, &resource.depends_on, &mut uses);
        }
        pending.uses.extend(uses);
        pending
            .uses
            .remove(&Use::Whole(pending.address.resource.clone()));
        let tainted = pending.prior.as_ref().is_some_and(|prior| prior.tainted);
        let requested = pending.prior.is_some() && self.options.replace.contains(&pending.address);
        pending.reason = if tainted {
            Some(Reason::ReplaceBecauseTainted)
        } else if requested {
            Some(Reason::ReplaceByRequest)
        } else if triggered {
            Some(Reason::ReplaceByTriggers)
        } else {
            None
        };
        pending.config = Some(self.with_ignored(&pending, resource, config));
        pending.stage = if pending.reason.is_some() {
            Stage::Replacing
        } else {
            Stage::Planning
        };
        self.ask_plan(pending, resource);
    }

    fn with_ignored(&self, pending: &Pending, resource: &Resource, config: Value) -> Value {
        let lifecycle = &resource.lifecycle;
        let Some(prior) = &pending.prior else {
            return config;
        };
        let Some(schema) = self.schema(&resource.provider, &pending.address) else {
            return config;
        };
        propose::ignoring(
            schema,
            &config,
            &prior.value,
            lifecycle.ignore_all_changes,
            &lifecycle.ignore_changes,
        )
    }

    fn ask_plan(&mut self, pending: Pending, resource: &Resource) {
        let Some(schema) = self.schema(&resource.provider, &pending.address) else {
            return;
        };
        let Some(config) = pending.config.clone() else {
            return;
        };
        let prior = if pending.stage == Stage::Replacing {
            None
        } else {
            pending.prior.as_ref()
        };
        let question = PlanQuestion {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            proposed: propose::proposed(schema, prior.map(|prior| &prior.value), &config),
            prior: prior.map_or_else(|| propose::null_object(schema), |prior| prior.value.clone()),
            private: prior.map(|prior| prior.private.clone()).unwrap_or_default(),
            config,
        };
        self.ask(pending, Question::Plan(question));
    }

    fn planned_answer(&mut self, mut pending: Pending, answer: PlanAnswer) {
        self.diagnostics.extend(answer.diagnostics.clone());
        let block = pending
            .block
            .and_then(|number| self.graph.blocks.get(number as usize))
            .cloned();
        let Some((node, Block::Resource(mode, kind, name))) = block else {
            return;
        };
        let Some(resource) = self.evaluator.resource(node, mode, &kind, &name).cloned() else {
            return;
        };
        if let Some(path) = self.broken_promise(&pending, &resource, &answer) {
            self.diagnostics.push(
                diag::plan_inconsistent(&pending.address, &resource.provider, &path)
                    .at(resource.span),
            );
            self.fail(&pending);
            return;
        }
        if pending.stage == Stage::Planning
            && let Some(prior) = &pending.prior
        {
            let changed = |path: &&Vec<String>| {
                let before = propose::at_path(&prior.value, path);
                let after = propose::at_path(&answer.planned, path);
                match (before, after) {
                    (Some(before), Some(after)) => !propose::same(before, after),
                    (before, after) => before.is_some() != after.is_some(),
                }
            };
            let paths: Vec<Vec<String>> = answer
                .requires_replace
                .iter()
                .filter(changed)
                .cloned()
                .collect();
            if !paths.is_empty() {
                pending.replace_paths = paths;
                pending.reason = Some(Reason::ReplaceBecauseCannotUpdate);
                pending.stage = Stage::Replacing;
                self.ask_plan(pending, &resource);
                return;
            }
        }
        self.settle(pending, &resource, answer);
    }

    /// The first attribute that the provider planned otherwise than configured.
    fn broken_promise(
        &self,
        pending: &Pending,
        resource: &Resource,
        answer: &PlanAnswer,
    ) -> Option<String> {
        let schema = self.schema(&resource.provider, &pending.address)?;
        let config = pending.config.as_ref()?.entries()?;
        config
            .iter()
            .filter(|(name, value)| !value.is_null() && schema.attributes.contains_key(*name))
            .find_map(|(name, value)| {
                let planned = answer.planned.get(name)?;
                propose::contradiction(value, planned).map(|path| {
                    if path.is_empty() {
                        name.to_string()
                    } else {
                        format!("{name}.{path}")
                    }
                })
            })
    }

    fn settle(&mut self, pending: Pending, resource: &Resource, answer: PlanAnswer) {
        let action = match (&pending.prior, pending.stage) {
            (None, _) => Action::Create,
            (Some(_), Stage::Replacing) => Action::DeleteThenCreate,
            (Some(prior), _) if propose::same(&prior.value, &answer.planned) => Action::NoOp,
            (Some(_), _) => Action::Update,
        };
        let place = Place {
            this: Some(answer.planned.clone()),
            ..pending.place.clone()
        };
        let planned = core::mem::take(&mut self.planned);
        let objects = |address: &Address| planned.get(address).cloned();
        let shown = pending.address.to_string();
        let checked = self.evaluator.check(
            &resource.lifecycle.postconditions,
            "Resource postcondition",
            &shown,
            &place,
            &objects,
        );
        self.planned = planned;
        if let Err(diagnostics) = checked {
            self.diagnostics.extend(diagnostics);
        }
        let after = if action == Action::NoOp {
            pending.prior.as_ref().map(|prior| prior.value.clone())
        } else {
            Some(answer.planned)
        };
        if let Some(after) = &after {
            self.planned.insert(pending.address.clone(), after.clone());
        }
        let change = PlannedChange {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            action,
            reason: pending.reason,
            before: pending.prior.as_ref().map(|prior| prior.value.clone()),
            after,
            config: pending.config.clone(),
            replace_paths: pending.replace_paths.clone(),
            private: answer.private,
            repeat: answer.repeat,
            settle_ms: answer.settle_ms,
            deposed: false,
            create_before_destroy: resource.lifecycle.create_before_destroy,
            dependencies: dependencies(&pending.uses),
        };
        self.draft(pending, change);
    }

    fn draft(&mut self, pending: Pending, change: PlannedChange) {
        let prior_dependencies = pending
            .prior
            .map(|prior| prior.dependencies)
            .unwrap_or_default();
        self.drafts.push(Draft {
            change,
            uses: pending.uses,
            prior_dependencies,
        });
        if let Some(block) = pending.block {
            self.one_less(block);
        }
    }

    /// A change that changes nothing: what is planned when only taking note.
    fn unchanged(&mut self, pending: Pending, resource: &Resource) {
        let Some(prior) = pending.prior.clone() else {
            if let Some(block) = pending.block {
                self.one_less(block);
            }
            return;
        };
        self.planned
            .insert(pending.address.clone(), prior.value.clone());
        let change = PlannedChange {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            action: Action::NoOp,
            reason: None,
            before: Some(prior.value.clone()),
            after: Some(prior.value),
            config: None,
            replace_paths: Vec::new(),
            private: prior.private,
            repeat: Repeat::Safe,
            settle_ms: 0,
            deposed: false,
            create_before_destroy: prior.create_before_destroy,
            dependencies: prior.dependencies,
        };
        self.draft(pending, change);
    }

    /// Whether anything that `replace_triggered_by` names changes.
    fn triggered(
        &self,
        resource: &Resource,
        place: &Place,
        after: crate::eval::Objects<'_>,
    ) -> bool {
        let before =
            |address: &Address| self.objects.get(address).map(|object| object.value.clone());
        resource.lifecycle.replace_triggered_by.iter().any(|expr| {
            let then = self.before.evaluate(expr, place, &before);
            let now = self.evaluator.evaluate(expr, place, after);
            match (then, now) {
                (Ok(then), Ok(now)) => !propose::same(&then, &now),
                _ => true,
            }
        })
    }

    /// Adds what `depends_on` names, of the resource and of the module calls around it.
    fn explicit(&self, node: u32, module: u32, depends_on: &[Expr], uses: &mut BTreeSet<Use>) {
        let path = self.evaluator.path(module);
        for expr in depends_on {
            self.explicit_one(node, &path, expr, uses);
        }
        let loaded = self.evaluator.loaded();
        let (mut node, mut path) = (node, path);
        while let Some((parent, call)) = loaded.call(node) {
            path.0.pop();
            for expr in &call.depends_on {
                self.explicit_one(parent, &path, expr, uses);
            }
            node = parent;
        }
    }

    fn explicit_one(
        &self,
        node: u32,
        path: &model::ModulePath,
        expr: &Expr,
        uses: &mut BTreeSet<Use>,
    ) {
        let (ExprKind::Reference(reference) | ExprKind::Instance(reference, _)) = &expr.kind else {
            return;
        };
        let loaded = self.evaluator.loaded();
        match reference {
            Reference::Resource(kind, name) => {
                uses.insert(Use::Whole(ResourceAddress {
                    module: path.clone(),
                    mode: Mode::Managed,
                    kind: kind.clone(),
                    name: name.clone(),
                }));
            }
            Reference::Module(call) | Reference::ModuleOutput(call, _) => {
                let Some(child) = loaded.node(node).children.get(call) else {
                    return;
                };
                let prefix = path.0.len();
                // Every resource of every instance of the module, and of the modules in it, planned by now.
                for address in self.planned.keys() {
                    let inside = address.resource.module.0.len() > prefix
                        && address.resource.module.0.starts_with(&path.0)
                        && address
                            .resource
                            .module
                            .0
                            .get(prefix)
                            .is_some_and(|step| step.name == *call);
                    if inside {
                        uses.insert(Use::Whole(address.resource.clone()));
                    }
                }
                let _ = child;
            }
            Reference::Variable(_)
            | Reference::Local(_)
            | Reference::Data(..)
            | Reference::Ephemeral(..)
            | Reference::EachKey
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

    /// Plans what is in the book but no longer written.
    fn forgotten(&mut self) {
        let orphans: Vec<Address> = self
            .objects
            .keys()
            .filter(|address| !self.written.contains(*address))
            .cloned()
            .collect();
        for address in orphans {
            let Some(prior) = self.objects.get(&address).cloned() else {
                continue;
            };
            let pending = Pending {
                block: None,
                place: self.evaluator.root(),
                stage: Stage::Reading,
                config: None,
                uses: BTreeSet::new(),
                reason: self.why_deleted(&address),
                replace_paths: Vec::new(),
                address,
                prior: Some(prior),
            };
            if self.options.refresh {
                self.ask_read(pending)
            } else {
                self.forget(pending)
            }
        }
        for (address, object) in core::mem::take(&mut self.deposed) {
            let change = deletion(address, &object, None, true);
            self.drafts.push(Draft {
                change,
                uses: BTreeSet::new(),
                prior_dependencies: object.dependencies,
            });
        }
    }

    fn forget(&mut self, pending: Pending) {
        let Some(object) = &pending.prior else { return };
        if self.options.mode == PlanMode::RefreshOnly {
            return;
        }
        let change = deletion(pending.address.clone(), object, pending.reason, false);
        self.draft(pending, change);
    }

    fn why_deleted(&self, address: &Address) -> Option<Reason> {
        if self.options.mode == PlanMode::Destroy {
            return None;
        }
        let loaded = self.evaluator.loaded();
        let mut node = 0;
        for step in &address.resource.module.0 {
            match loaded.node(node).children.get(&step.name) {
                Some(child) => node = *child,
                None => return Some(Reason::DeleteBecauseNoModule),
            }
        }
        let block = &address.resource;
        let Some(resource) = self
            .evaluator
            .resource(node, block.mode, &block.kind, &block.name)
        else {
            return Some(Reason::DeleteBecauseNoResourceConfig);
        };
        let sibling = self
            .written
            .iter()
            .any(|one| one.resource.module == block.module);
        Some(match (&resource.repetition, &address.key) {
            _ if !sibling && !block.module.0.is_empty() => Reason::DeleteBecauseNoModule,
            (model::Repetition::Count(_), Key::Index(_)) => Reason::DeleteBecauseCountIndex,
            (model::Repetition::ForEach(_), Key::Name(_)) => Reason::DeleteBecauseEachKey,
            _ => Reason::DeleteBecauseWrongRepetition,
        })
    }

    /// Refuses to destroy what is protected.
    fn protect(&mut self) {
        let loaded = self.evaluator.loaded().clone();
        let nothing = |_: &Address| None;
        let mut found = Vec::new();
        for draft in &self.drafts {
            let change = &draft.change;
            if matches!(
                change.action,
                Action::NoOp | Action::Create | Action::Update
            ) || change.deposed
            {
                continue;
            }
            let block = &change.address.resource;
            let node = block.module.0.iter().try_fold(0, |node, step| {
                loaded.node(node).children.get(&step.name).copied()
            });
            let resource = node.and_then(|node| {
                self.evaluator
                    .resource(node, block.mode, &block.kind, &block.name)
            });
            let Some(expr) = resource.and_then(|one| one.lifecycle.prevent_destroy.as_ref()) else {
                continue;
            };
            let value = self
                .evaluator
                .evaluate(expr, &self.evaluator.root(), &nothing);
            // Anything but a clear "no" protects.
            if value.ok().and_then(|value| value.as_bool()) != Some(false) {
                found.push(diag::destroy_prevented(&change.address, expr.span));
            }
        }
        found.into_iter().for_each(|one| self.diagnostics.push(one));
    }

    fn outputs(&mut self) -> BTreeMap<Name, OutputChange> {
        let mut changes = BTreeMap::new();
        let mut after = BTreeMap::new();
        if self.options.mode != PlanMode::Destroy && !self.diagnostics.has_errors() {
            let loaded = self.evaluator.loaded().clone();
            let planned = &self.planned;
            let objects = |address: &Address| planned.get(address).cloned();
            for (name, output) in &loaded.module(0).outputs {
                match self.evaluator.output(0, name, output.span, &objects) {
                    Ok(value) => {
                        after.insert(name.clone(), value);
                    }
                    Err(diagnostics) => self.diagnostics.extend(diagnostics),
                }
            }
        }
        for (name, value) in &after {
            let before = self.prior_outputs.get(name);
            if before.is_none_or(|before| !propose::same(before, value)) {
                let change = OutputChange {
                    before: before.cloned(),
                    after: Some(value.clone()),
                };
                changes.insert(name.clone(), change);
            }
        }
        for (name, value) in &self.prior_outputs {
            if !after.contains_key(name) {
                changes.insert(
                    name.clone(),
                    OutputChange {
                        before: Some(value.clone()),
                        after: None,
                    },
                );
            }
        }
        changes
    }
}

/// Resources that were looked at, once each.
fn dependencies(uses: &BTreeSet<Use>) -> Vec<ResourceAddress> {
    let all: BTreeSet<&ResourceAddress> = uses
        .iter()
        .map(|used| match used {
            Use::Instance(address) => &address.resource,
            Use::Whole(resource) => resource,
        })
        .collect();
    all.into_iter().cloned().collect()
}

fn deletion(
    address: Address,
    object: &Object,
    reason: Option<Reason>,
    deposed: bool,
) -> PlannedChange {
    PlannedChange {
        address,
        provider: object.provider.clone(),
        action: Action::Delete,
        reason,
        before: Some(object.value.clone()),
        after: None,
        config: None,
        replace_paths: Vec::new(),
        private: object.private.clone(),
        repeat: Repeat::Never,
        settle_ms: object.settle_ms,
        deposed,
        create_before_destroy: object.create_before_destroy,
        dependencies: object.dependencies.clone(),
    }
}

/// Whether a value holds anything that is not known; used to see which configurations must be computed again.
pub(crate) fn has_holes(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null() && !value.is_wholly_known())
}
