//! Ephemeral resources: opened while planning where their configuration is known, else while applying.
//!
//! Whether one is open is an answer like any other. What it holds is none: to the plan it is a value that is not known,
//! and questions get it in when they are handed out ([`super::Planner::handed_out`]).

use super::graph::{Block, Graph};
use super::managed::dependencies;
use super::pass::{Draft, Pass, Pending, Stage};
use crate::eval::{Judged, Use};
use crate::held::{self, Held, Source};
use crate::{LoadedRelease, Object, diag};
use alloc::collections::BTreeSet;
use alloc::string::String;
use model::{
    Action, Address, Answer, CheckStatus, CheckSubject, Key, Mode, OpenAnswer, OpenQuestion,
    PlanMode, PlannedChange, Question, Resource, ResourceAddress,
};
use value::{Diagnostics, Marks, Severity, Span, Type, Value};

/// What is planned of the instances of an ephemeral resource.
#[derive(Debug, Default)]
pub(crate) struct OpenedBlock {
    /// Some of them can be opened only while applying.
    later: bool,
    /// What they refer to: whoever refers to them does, too.
    uses: BTreeSet<Use>,
}

/// A question as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// Its provider is asked this: with what is ephemeral in it.
    Ask(Question),
    /// Nobody needs to be asked.
    Answered(Answer),
}

impl Pass {
    /// A question with what is ephemeral in it, conditions that rest on that judged.
    pub(super) fn handed_out(&self, question: &Question, held: &mut Held) -> Handed {
        let Some(address) = question.address() else {
            return Handed::Ask(question.clone());
        };
        let objects = self.objects();
        let source = Source {
            evaluator: &self.evaluator,
            objects: &objects,
            schema: self.schema(question.provider(), address),
        };
        match held::question(&source, held, question) {
            Ok(Question::Open(open)) if !open.config.is_wholly_known() => {
                Handed::Answered(Answer::Open(OpenAnswer {
                    later: true,
                    diagnostics: Diagnostics::new(),
                }))
            }
            Ok(question) => Handed::Ask(question),
            Err(found) => Handed::Answered(Answer::Failed(found)),
        }
    }

    /// Takes what an ephemeral resource holds that was opened; the answer to the question says nothing of it. One that
    /// is not as its postconditions say is a failure.
    pub(super) fn take(
        &self,
        address: &Address,
        opened: Result<(Value, Diagnostics), Diagnostics>,
        held: &mut Held,
    ) -> Answer {
        let diagnostics = match opened {
            Ok((value, diagnostics)) => {
                held.take(address.clone(), value);
                diagnostics
            }
            Err(found) => return Answer::Failed(found),
        };
        let objects = self.objects();
        let source = Source {
            evaluator: &self.evaluator,
            objects: &objects,
            schema: None,
        };
        let found = held::judged(&source, held, address);
        if found.has_errors() {
            return Answer::Failed(found);
        }
        Answer::Open(OpenAnswer {
            later: false,
            diagnostics,
        })
    }

    /// What speaks against variables and outputs that rest on ephemeral resources, once nothing is asked any more.
    pub(super) fn judged_with(&self, held: &mut Held) -> Diagnostics {
        let objects = self.objects();
        let source = Source {
            evaluator: &self.evaluator,
            objects: &objects,
            schema: None,
        };
        held::judged_with(&source, held, &self.checks)
    }

    /// Opens an ephemeral resource, now or later.
    pub(super) fn ephemeral(&mut self, mut pending: Pending, resource: &Resource) {
        let Some(config) = self.configured(&mut pending, resource) else {
            self.fail(&pending);
            return;
        };
        if !config.is_wholly_known() {
            self.note_opened(pending, resource, true);
            return;
        }
        pending.stage = Stage::Opening;
        let question = OpenQuestion {
            address: pending.address.clone(),
            provider: resource.provider.clone(),
            config,
        };
        self.ask(pending, Question::Open(question));
    }

    /// An ephemeral resource is open.
    pub(super) fn opened(&mut self, pending: Pending, answer: OpenAnswer) {
        self.diagnostics.extend(answer.diagnostics);
        if let Some((_, resource)) = self.resource_of(pending.block) {
            self.note_opened(pending, &resource, answer.later);
        }
    }

    fn note_opened(&mut self, pending: Pending, resource: &Resource, later: bool) {
        let lifecycle = &resource.lifecycle;
        if !lifecycle.preconditions.is_empty() || !lifecycle.postconditions.is_empty() {
            // They were judged when it was opened: nobody else can.
            let status = if later {
                CheckStatus::Unknown
            } else {
                CheckStatus::Pass
            };
            let judged = Judged {
                status,
                ..Judged::nothing()
            };
            let _ = self.judged(CheckSubject::Resource(pending.address.clone()), judged);
        }
        let schema = self.schema(&resource.provider, &pending.address);
        let ty = schema.map_or(Type::Any, model::BlockSchema::implied_type);
        let unseen = Value::unknown(ty).with_marks(Marks::EPHEMERAL);
        self.planned.insert(pending.address.clone(), unseen.clone());
        let block = pending.address.resource.clone();
        let block = self.opened.entry(block).or_default();
        block.later |= later;
        block.uses.extend(pending.uses.iter().cloned());
        let change = PlannedChange {
            after: Some(unseen),
            dependencies: dependencies(&pending.uses),
            configuration: self.configuration_of(&pending.place, resource),
            ..PlannedChange::new(pending.address.clone(), &resource.provider, Action::Open)
        };
        self.draft(pending, change);
    }

    /// What ephemeral resources refer to that something refers to.
    pub(super) fn behind_opened(&self, uses: &BTreeSet<Use>) -> BTreeSet<Use> {
        let opened = uses.iter().filter_map(|used| self.opened.get(used.block()));
        opened
            .flat_map(|block| block.uses.iter().cloned())
            .collect()
    }

    /// A configuration as it may be written down: null in place of what is ephemeral. Where that may be known only
    /// while applying it is not known, so that the provider is asked again then.
    pub(super) fn without_ephemeral(&self, config: &Value, uses: &BTreeSet<Use>) -> Value {
        let is_ephemeral = config.marks_deep().contains(Marks::EPHEMERAL);
        if !is_ephemeral || !uses.iter().any(|used| self.may_be_later(used)) {
            return config.ephemeral_as_null();
        }
        config.transform(&mut |_, value| {
            if value.marks().contains(Marks::EPHEMERAL) {
                let marks = value.marks().without(Marks::EPHEMERAL);
                Value::unknown(value.ty()).with_marks(marks)
            } else {
                value
            }
        })
    }

    /// Whether something that was looked at may be known only while applying. What is computed from it and from
    /// something ephemeral does not tell.
    fn may_be_later(&self, used: &Use) -> bool {
        if let Some(block) = self.opened.get(used.block()) {
            return block.later;
        }
        match used {
            Use::Instance(address) => {
                let planned = self.planned.get(address);
                planned.is_some_and(|value| !value.is_wholly_known())
            }
            Use::Whole(resource) => {
                let first = Address {
                    resource: resource.clone(),
                    key: Key::None,
                };
                let all = self.planned.range(first..);
                all.take_while(|(address, _)| address.resource == *resource)
                    .any(|(_, value)| !value.is_wholly_known())
            }
        }
    }

    /// What must be open for the provider of an object that is no longer written.
    pub(super) fn opened_for(&self, object: &Object) -> BTreeSet<Use> {
        if self.opened.is_empty() || !self.evaluator.loaded().configures(&object.provider) {
            return BTreeSet::new();
        }
        let (_, uses) = self.evaluator.noting(|| {
            let (source, instance) = (&object.provider, &object.configuration);
            // What is wrong with it is told when the provider is asked.
            let _ = self
                .evaluator
                .provider_config(source, instance, &self.objects());
        });
        only_opened(uses)
    }

    /// Refuses conditions that rest on ephemeral resources where nobody sees what they hold, or warns of them.
    pub(super) fn refuse_unseen(
        &self,
        what: String,
        span: Span,
        uses: &BTreeSet<Use>,
        severity: Severity,
    ) -> Diagnostics {
        if uses.iter().all(|used| used.block().mode != Mode::Ephemeral) {
            return Diagnostics::new();
        }
        let mut found = diag::condition_on_ephemeral(&what, span);
        found.severity = severity;
        found.into()
    }
}

fn only_opened(uses: BTreeSet<Use>) -> BTreeSet<Use> {
    let mut uses = uses;
    uses.retain(|used| used.block().mode == Mode::Ephemeral);
    uses
}

/// Without work that does anything but hold something open, nothing needs to be opened.
pub(super) fn opens_only(drafts: &[Draft], work: &model::Work) -> bool {
    match work {
        model::Work::Join => true,
        model::Work::Read { change } => drafts
            .get(*change as usize)
            .is_some_and(|draft| draft.change.action == Action::Open),
        model::Work::Change { .. }
        | model::Work::Check { .. }
        | model::Work::Provision { .. }
        | model::Work::Probe { .. } => false,
    }
}

/// Ephemeral resources that are opened although everything is destroyed: those that providers are configured with, and
/// those that these need.
pub(super) fn opened_to_destroy(
    loaded: &LoadedRelease,
    graph: &Graph,
    mode: PlanMode,
) -> BTreeSet<u32> {
    if mode != PlanMode::Destroy {
        return BTreeSet::new();
    }
    let needed = graph.with_needs(graph.configuring(loaded)).into_iter();
    let opened = needed.filter(|number| {
        let block = graph.blocks.get(*number as usize);
        matches!(block, Some((_, Block::Resource(Mode::Ephemeral, ..))))
    });
    opened.collect()
}

impl Use {
    /// The block of what was looked at.
    pub(crate) fn block(&self) -> &ResourceAddress {
        match self {
            Self::Instance(address) => &address.resource,
            Self::Whole(resource) => resource,
        }
    }
}
