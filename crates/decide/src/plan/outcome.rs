//! What a plan comes to beside its changes: outputs, and what the checks say.

use super::graph::Block;
use super::pass::Pass;
use super::propose;
use crate::eval::{Judged, Judging, Place};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use model::{
    Address, CheckStatus, CheckSubject, Key, Mode, OutputChange, PlanMode, ResourceAddress,
};
use value::{Diagnostics, Marks, Name, Severity, Value};

impl Pass {
    /// Computes an output in each instance of its module, its preconditions judged before.
    pub(super) fn output(&mut self, node: u32, name: &Name) -> Result<(), Diagnostics> {
        let loaded = self.evaluator.loaded().clone();
        let Some(output) = loaded.module(node).outputs.get(name) else {
            return Ok(());
        };
        let mut found = Diagnostics::new();
        for module in self.modules(node)? {
            if !output.preconditions.is_empty() {
                let judged = self.evaluator.judge(
                    &output.preconditions,
                    &Judging::output(&self.evaluator.path(module), name),
                    &Place::of(module),
                    &self.objects(),
                );
                let subject = CheckSubject::Output(self.evaluator.path(module), name.clone());
                let said = self.judged(subject, judged);
                if said.has_errors() {
                    found.extend(said);
                    continue;
                }
            }
            let objects = self.objects();
            if let Err(diagnostics) = self.evaluator.output(module, name, output.span, &objects) {
                found.extend(diagnostics);
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Judges a `check` block: it warns, and stops nothing.
    pub(super) fn check(&mut self, node: u32, name: &Name) -> Result<(), Diagnostics> {
        let loaded = self.evaluator.loaded().clone();
        let Some(check) = loaded.module(node).checks.get(name) else {
            return Ok(());
        };
        for module in self.modules(node)? {
            let path = self.evaluator.path(module);
            let (mut judged, uses) = self.evaluator.noting(|| {
                self.evaluator.judge(
                    &check.assertions,
                    &Judging::check(&path, name),
                    &Place::of(module),
                    &self.objects(),
                )
            });
            if judged.status == CheckStatus::Unknown {
                let what = alloc::format!("check.{name}");
                let span = check.assertions.first().map(|one| one.span);
                let unseen =
                    self.refuse_unseen(what, span.unwrap_or_default(), &uses, Severity::Warning);
                self.diagnostics.extend(unseen);
            }
            if let Some((kind, data)) = &check.data {
                let resource = ResourceAddress {
                    module: path.clone(),
                    mode: Mode::Data,
                    kind: kind.clone(),
                    name: data.clone(),
                };
                let address = Address {
                    resource,
                    key: Key::None,
                };
                judged = judged.and(troubled(self.check_trouble.get(&address)));
            }
            let said = self.judged(CheckSubject::Check(path, name.clone()), judged);
            self.diagnostics.extend(said);
        }
        Ok(())
    }

    /// Computes root outputs once before they are told, so that the calls in them are known to be open.
    pub(super) fn look_at_outputs(&self) {
        if self.options.mode == PlanMode::Destroy || self.diagnostics.has_errors() {
            return;
        }
        let outputs = &self.evaluator.loaded().module(0).outputs;
        for (name, output) in outputs {
            if !self.is_output_left_out(name) {
                // What is wrong with it is told at the end.
                let _ = self.evaluator.root_output(name, output, &self.objects());
            }
        }
    }

    /// Root outputs before and after, those left out that are not asked for.
    pub(super) fn outputs(&mut self) -> BTreeMap<Name, OutputChange> {
        let (mut after, mut null) = (BTreeMap::new(), Vec::new());
        if self.options.mode != PlanMode::Destroy && !self.diagnostics.has_errors() {
            let loaded = self.evaluator.loaded().clone();
            for (name, output) in &loaded.module(0).outputs {
                if self.is_output_left_out(name) {
                    continue;
                }
                let value = self.evaluator.root_output(name, output, &self.objects());
                match value {
                    Ok(Some(value)) => {
                        after.insert(name.clone(), value);
                    }
                    Ok(None) => null.push(name.clone()),
                    Err(diagnostics) => self.diagnostics.extend(diagnostics),
                }
            }
        }
        // Where some are left out, those that are planned are named, even if they are nothing.
        null.retain(|_| self.chosen.is_some());
        let names = after.keys().chain(self.prior_outputs.keys());
        let names: Vec<Name> = names.cloned().chain(null).collect();
        let mut changes = BTreeMap::new();
        for name in names {
            if self.is_output_left_out(&name) {
                continue;
            }
            let before = self.prior_outputs.get(&name).cloned();
            let now = after.get(&name).cloned();
            let null = |value: &Option<Value>| value.as_ref().is_none_or(Value::is_null);
            let same = match (&before, &now) {
                _ if null(&before) && null(&now) => true,
                (Some(before), Some(now)) => {
                    propose::same(before, now) && is_secret(before) == is_secret(now)
                }
                _ => false,
            };
            let after = if same { before.clone() } else { now };
            changes.insert(name, OutputChange { before, after });
        }
        changes
    }

    /// What has conditions, belongs to what was chosen, and was not judged for want of instances. Nothing where
    /// everything is planned.
    pub(super) fn without_instances(&self) -> Vec<CheckSubject> {
        let Some(chosen) = &self.chosen else {
            return Vec::new();
        };
        let loaded = self.evaluator.loaded();
        let judged: BTreeSet<CheckSubject> = self
            .checks
            .iter()
            .map(|checked| checked.subject.without_keys())
            .collect();
        let mut found = loaded.checkable();
        found.retain(|subject| {
            let (module, block) = match subject {
                CheckSubject::Resource(address) => {
                    let block = &address.resource;
                    let (kind, name) = (block.kind.clone(), block.name.clone());
                    (&block.module, Block::Resource(block.mode, kind, name))
                }
                CheckSubject::Output(module, name) => (module, Block::Output(name.clone())),
                CheckSubject::Variable(module, name) => (module, Block::Variable(name.clone())),
                CheckSubject::Check(module, name) => (module, Block::Check(name.clone())),
            };
            let node = loaded.node_at(module);
            let number = node.and_then(|node| self.graph.number(node, &block));
            number.is_some_and(|number| chosen.has(number)) && !judged.contains(subject)
        });
        found.sort();
        found
    }

    fn is_output_left_out(&self, name: &Name) -> bool {
        let Some(chosen) = &self.chosen else {
            return false;
        };
        if self.options.mode == PlanMode::Destroy {
            // Some objects go, and no output with them.
            return true;
        }
        let block = Block::Output(name.clone());
        match self.graph.number(0, &block) {
            Some(number) => !chosen.has(number),
            None => chosen.is_positive(),
        }
    }
}

/// Whether it is declared to be secret.
fn is_secret(output: &Value) -> bool {
    output.marks().contains(Marks::SENSITIVE)
}

/// What a data source that could not be read means for its check.
pub(crate) fn troubled(why: Option<&Diagnostics>) -> Judged {
    let Some(why) = why else {
        return Judged::nothing();
    };
    let problems: Vec<String> = why
        .iter()
        .map(|one| alloc::format!("{}: {}", one.summary, one.detail))
        .collect();
    Judged {
        status: CheckStatus::Fail,
        problems,
        // It was told when it happened.
        diagnostics: Diagnostics::new(),
    }
}
