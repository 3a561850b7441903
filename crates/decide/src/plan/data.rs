//! Data sources: asked while planning when all that the answer depends on is settled, else while applying.

use super::graph::{self, Block};
use super::managed::dependencies;
use super::pass::{Pass, Pending, Stage};
use super::propose;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use model::{
    Action, DataAnswer, DataQuestion, Mode, PlanMode, PlannedChange, Question, Reason, Repetition,
    Resource,
};
use value::{Diagnostics, Expr, Reference, Severity, Value};

impl Pass {
    /// Plans to ask a data source, now or later.
    pub(super) fn data(&mut self, mut pending: Pending, resource: &Resource) {
        let Some(config) = self.configured(&mut pending, resource) else {
            self.fail(&pending);
            return;
        };
        let reason = if !config.is_wholly_known() {
            Some(Reason::ReadBecauseConfigUnknown)
        } else if self.waits_for_changes(&pending, resource) {
            Some(Reason::ReadBecauseDependencyPending)
        } else {
            None
        };
        pending.config = Some(config.clone());
        if reason.is_some() {
            pending.reason = reason;
            self.ask_later(pending, resource);
            return;
        }
        pending.stage = Stage::Asking;
        let question = DataQuestion {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            config,
        };
        self.ask(pending, Question::Data(question));
    }

    /// Whether a data source belongs to a check: then it never stops anything.
    pub(super) fn belongs_to_check(&self, node: u32, resource: &Resource) -> bool {
        let module = self.evaluator.loaded().module(node);
        let checks = module.checks.values();
        let mut data = checks.filter_map(|check| check.data.as_ref());
        data.any(|(kind, name)| *kind == resource.kind && *name == resource.name)
    }

    /// Whether anything changes first that the data source is told to wait for, or refers to.
    fn waits_for_changes(&self, pending: &Pending, resource: &Resource) -> bool {
        if self.changing.is_empty() {
            return false;
        }
        let Some((node, _)) = self.resource_of(pending.block) else {
            return false;
        };
        let lifecycle = &resource.lifecycle;
        let waits_for = if lifecycle.preconditions.is_empty() && lifecycle.postconditions.is_empty()
        {
            self.named_by(node, resource)
        } else {
            // An update further up may be what a condition waits for.
            self.graph.with_needs(pending.block)
        };
        let own = &pending.address.resource.module;
        waits_for.into_iter().any(|block| {
            let Some(modules) = self.changing.get(&block) else {
                return false;
            };
            let Some((at, Block::Resource(Mode::Managed, ..))) =
                self.graph.blocks.get(block as usize)
            else {
                return false;
            };
            // Of the own module, only the own instance counts: no reference leads to another.
            *at != node || modules.contains(own)
        })
    }

    /// Blocks that a data source names itself: in `depends_on`, its own or of a call around it, or by referring to a
    /// managed resource. What is behind a module or an output counts whole.
    fn named_by(&self, node: u32, resource: &Resource) -> BTreeSet<u32> {
        let mut direct = BTreeSet::new();
        let mut behind = Vec::new();
        let mut named = |node: u32, expr: &Expr, explicit: bool| {
            if let Some(child) = graph::module_named(self.evaluator.loaded(), node, expr) {
                behind.extend(self.graph.number(child, &Block::Close).filter(|_| explicit));
            }
            expr.references(&mut |reference, _, _| match reference {
                Reference::Resource(kind, name) => {
                    let block = Block::Resource(Mode::Managed, kind.clone(), name.clone());
                    direct.extend(self.graph.number(node, &block));
                }
                Reference::Local(name) if explicit => {
                    behind.extend(self.graph.number(node, &Block::Local(name.clone())));
                }
                Reference::Variable(name) if explicit => {
                    behind.extend(self.graph.number(node, &Block::Variable(name.clone())));
                }
                Reference::Variable(_)
                | Reference::Local(_)
                | Reference::Data(..)
                | Reference::Ephemeral(..)
                | Reference::Module(_)
                | Reference::ModuleOutput(..)
                | Reference::EachKey
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
            });
        };
        named(node, &resource.config, false);
        match &resource.repetition {
            Repetition::Once => {}
            Repetition::Count(expr) | Repetition::ForEach(expr) => named(node, expr, false),
        }
        for expr in &resource.depends_on {
            named(node, expr, true);
        }
        let loaded = self.evaluator.loaded();
        let mut inside = node;
        while let Some((parent, call)) = loaded.call(inside) {
            for expr in &call.depends_on {
                named(parent, expr, true);
            }
            inside = parent;
        }
        direct.extend(self.graph.with_needs(behind));
        direct
    }

    /// The answer must wait: until then only the configuration is known.
    fn ask_later(&mut self, pending: Pending, resource: &Resource) {
        if self.options.mode == PlanMode::RefreshOnly {
            // Nothing will be applied that could answer later: it stays as the book has it.
            self.keep(pending.address.clone());
            if let Some(block) = pending.block {
                self.one_less(block);
            }
            return;
        }
        let later = self.unanswered(&pending, resource);
        self.read_while_applying(pending, resource, later);
    }

    /// The configuration with every result unknown.
    fn unanswered(&self, pending: &Pending, resource: &Resource) -> Value {
        let config = pending
            .config
            .clone()
            .unwrap_or_else(|| Value::null(value::Type::Any));
        match self.schema(&resource.provider, &pending.address) {
            Some(schema) => {
                crate::secrets::concealed(schema, &propose::proposed(schema, None, &config))
            }
            None => config,
        }
    }

    fn read_while_applying(&mut self, mut pending: Pending, resource: &Resource, after: Value) {
        let unjudged = self.judge_after(&mut pending, resource, &after);
        self.planned.insert(pending.address.clone(), after.clone());
        let mut change = change(&pending, resource, Action::Read, after, unjudged);
        change.configuration = self.configuration_of(&pending.place, resource);
        self.draft(pending, change);
    }

    /// A data source answered.
    pub(super) fn told(&mut self, mut pending: Pending, answer: DataAnswer) {
        self.diagnostics.extend(answer.diagnostics);
        let Some((node, resource)) = self.resource_of(pending.block) else {
            return;
        };
        let nested = self.belongs_to_check(node, &resource);
        if nested && self.options.mode != PlanMode::RefreshOnly {
            // It is asked again when everything is done.
            pending.reason = Some(Reason::ReadBecauseCheckNested);
            self.read_while_applying(pending, &resource, answer.object);
            return;
        }
        let object = answer.object;
        let unjudged = self.judge_after(&mut pending, &resource, &object);
        self.planned.insert(pending.address.clone(), object.clone());
        let mut change = change(&pending, &resource, Action::NoOp, object, unjudged);
        change.configuration = self.configuration_of(&pending.place, &resource);
        self.draft(pending, change);
    }

    /// A data source could not answer.
    pub(super) fn not_told(&mut self, mut pending: Pending, mut why: Diagnostics) {
        let Some((node, resource)) = self.resource_of(pending.block) else {
            return;
        };
        if !self.belongs_to_check(node, &resource) {
            self.diagnostics.extend(why);
            self.fail(&pending);
            return;
        }
        for one in &mut why.0 {
            one.severity = Severity::Warning;
        }
        self.diagnostics.extend(why.clone());
        self.check_trouble.insert(pending.address.clone(), why);
        pending.reason = Some(Reason::ReadBecauseCheckNested);
        let later = self.unanswered(&pending, &resource);
        self.read_while_applying(pending, &resource, later);
    }
}

fn change(
    pending: &Pending,
    resource: &Resource,
    action: Action,
    after: Value,
    unjudged: bool,
) -> PlannedChange {
    PlannedChange {
        reason: pending.reason,
        after: Some(after),
        config: pending.config.clone(),
        dependencies: dependencies(&pending.uses),
        unjudged,
        ..PlannedChange::new(pending.address.clone(), &resource.provider, action)
    }
}
