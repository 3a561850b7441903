//! What is in the book but no longer written: destroyed, or only forgotten, and why.

use super::chosen::Chosen;
use super::endpoint;
use super::graph::Block;
use super::pass::{Draft, Pass, Pending, Stage};
use crate::Object;
use crate::diag;
use crate::provision;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use model::{
    Action, Address, Key, Mode, PlanMode, PlannedChange, Reason, Repeat, Repetition,
    ResourceAddress,
};
use value::Diagnostics;

impl Pass {
    /// Plans what is in the book but no longer written.
    pub(super) fn forgotten(&mut self) {
        let mut orphans: Vec<Address> = self
            .objects
            .keys()
            .filter(|address| !self.written.contains(*address))
            .cloned()
            .collect();
        if self.chosen.is_some() {
            self.leave_out_orphans(&mut orphans);
        }
        for address in orphans {
            let Some(prior) = self.objects.get(&address).cloned() else {
                continue;
            };
            let mut pending = Pending::new(None, address, self.evaluator.root());
            pending.stage = Stage::Reading;
            pending.reason = self.why_deleted(&pending.address);
            pending.prior = Some(prior);
            self.look(pending);
        }
        for (address, object) in core::mem::take(&mut self.deposed) {
            if self.options.mode == PlanMode::RefreshOnly || self.is_untouched(&address) {
                continue;
            }
            let mut pending = Pending::new(None, address, self.evaluator.root());
            pending.deposed = true;
            pending.prior = Some(object);
            self.look(pending);
        }
    }

    /// What a replacement left behind goes, as it is.
    pub(super) fn left_behind(&mut self, pending: Pending) {
        let Some(object) = pending.prior else { return };
        let change = deletion(pending.address, &object, None, true);
        let uses = self.opened_for(&object);
        self.drafts.push(Draft {
            change,
            uses,
            prior_dependencies: object.dependencies,
            provisioners: (Vec::new(), Vec::new()),
            nested: false,
        });
    }

    fn is_untouched(&self, address: &Address) -> bool {
        self.chosen
            .as_ref()
            .is_some_and(|chosen| !chosen.names(address))
    }

    /// Whether an object was chosen, or belongs to a block that is planned because something chosen refers to it.
    pub(super) fn is_chosen(&self, chosen: &Chosen, address: &Address) -> bool {
        chosen.names(address) || self.is_needed(chosen, address)
    }

    fn is_needed(&self, chosen: &Chosen, address: &Address) -> bool {
        let block = &address.resource;
        let node = self.evaluator.loaded().node_at(&block.module);
        let number = node.and_then(|node| {
            let (kind, name) = (block.kind.clone(), block.name.clone());
            let block = Block::Resource(block.mode, kind, name);
            self.graph.number(node, &block)
        });
        self.options.mode != PlanMode::Destroy
            && match number {
                Some(number) => chosen.has(number) && chosen.has_instance(number, address),
                None => chosen.needs_within(self.evaluator.loaded(), &self.graph, address),
            }
    }

    /// Keeps only those that were chosen or belong to what is needed; what refers to something that is destroyed goes
    /// with it.
    fn leave_out_orphans(&mut self, orphans: &mut Vec<Address>) {
        let Some(chosen) = &self.chosen else { return };
        let mut gone: BTreeSet<Address> = orphans
            .iter()
            .filter(|address| self.is_chosen(chosen, address))
            .cloned()
            .collect();
        if self.options.mode == PlanMode::Destroy && chosen.is_positive() {
            let mut blocks: BTreeSet<ResourceAddress> = gone
                .iter()
                .map(|address| address.resource.clone())
                .collect();
            loop {
                // Ends: each round adds an object, or is the last.
                let more: Vec<&Address> = orphans
                    .iter()
                    .filter(|address| {
                        let object = self.objects.get(*address);
                        !gone.contains(*address)
                            && object.is_some_and(|one| {
                                one.dependencies.iter().any(|of| blocks.contains(of))
                            })
                    })
                    .collect();
                if more.is_empty() {
                    break;
                }
                for address in more {
                    blocks.insert(address.resource.clone());
                    gone.insert(address.clone());
                }
            }
        }
        orphans.retain(|address| gone.contains(address));
    }

    pub(super) fn forget(&mut self, mut pending: Pending) {
        let Some(object) = &pending.prior else { return };
        pending.uses.extend(self.opened_for(object));
        let data = pending.address.resource.mode != Mode::Managed;
        let mut change = deletion(pending.address.clone(), object, pending.reason, false);
        change.previous = self.previous.get(&pending.address).cloned();
        if self.options.mode == PlanMode::RefreshOnly && !data {
            change.action = Action::NoOp;
            change.reason = None;
            change.after = change.before.clone();
            self.draft(pending, change);
            return;
        }
        if data || self.is_kept(&pending.address) {
            change.action = Action::Forget;
        }
        self.draft(pending, change);
    }

    /// Whether an object stays as it is when it is no longer written.
    pub(super) fn is_kept(&self, address: &Address) -> bool {
        self.options.mode == PlanMode::Normal
            && provision::removed(&self.evaluator, address).is_some_and(|one| !one.destroy)
    }

    fn why_deleted(&self, address: &Address) -> Option<Reason> {
        if self.options.mode == PlanMode::Destroy || address.resource.mode != Mode::Managed {
            return None;
        }
        let loaded = self.evaluator.loaded();
        let block = &address.resource;
        let resource = loaded.node_at(&block.module).and_then(|node| {
            self.evaluator
                .resource(node, block.mode, &block.kind, &block.name)
        });
        let Some(resource) = resource else {
            return Some(if self.previous.contains_key(address) {
                Reason::DeleteBecauseNoMoveTarget
            } else {
                Reason::DeleteBecauseNoResourceConfig
            });
        };
        let module = self.evaluator.place_in(&block.module, &self.objects());
        if module.ok().flatten().is_none() {
            return Some(Reason::DeleteBecauseNoModule);
        }
        Some(match (&resource.repetition, &address.key) {
            (Repetition::Count(_), Key::Index(_)) => Reason::DeleteBecauseCountIndex,
            (Repetition::ForEach(_), Key::Name(_)) => Reason::DeleteBecauseEachKey,
            _ => Reason::DeleteBecauseWrongRepetition,
        })
    }

    /// What a `moved` or `removed` block says is gone must not be written any more.
    pub(super) fn still_written(&mut self) {
        let loaded = self.evaluator.loaded().clone();
        let mut found = Diagnostics::new();
        for node in 0..loaded.tree.len() as u32 {
            let module = loaded.module(node);
            for moved in &module.moved {
                let statement = endpoint::Statement::new(node, &moved.from, &moved.to);
                let declared = if statement.is_whole() {
                    endpoint::is_declared(&loaded, node, &moved.from)
                } else {
                    self.written
                        .iter()
                        .any(|address| statement.destination(&loaded, address).is_some())
                };
                if declared && moved.from != moved.to {
                    found.push(diag::moved_still_written(&moved.from, moved.span));
                }
            }
            for removed in &module.removed {
                if endpoint::is_declared(&loaded, node, &removed.from) {
                    found.push(diag::removed_still_written(&removed.from, removed.span));
                }
            }
        }
        self.diagnostics.extend(found);
    }

    /// Refuses to destroy what is protected.
    pub(super) fn protect(&mut self) {
        let loaded = self.evaluator.loaded().clone();
        let nothing = |_: &Address| None;
        let mut found = Vec::new();
        for draft in &self.drafts {
            let change = &draft.change;
            let allowed = self
                .take_back()
                .is_some_and(|one| one.allowed.contains(&change.address));
            if !change.destroys() || change.deposed || allowed {
                continue;
            }
            let block = &change.address.resource;
            let resource = loaded.node_at(&block.module).and_then(|node| {
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
}

fn deletion(
    address: Address,
    object: &Object,
    reason: Option<Reason>,
    deposed: bool,
) -> PlannedChange {
    PlannedChange {
        reason,
        before: Some(object.value.clone()),
        private: object.private.clone(),
        repeat: Repeat::Never,
        settle_ms: object.settle_ms,
        deposed,
        create_before_destroy: object.create_before_destroy,
        dependencies: object.dependencies.clone(),
        configuration: object.configuration.clone(),
        ..PlannedChange::new(address, &object.provider, Action::Delete)
    }
}
