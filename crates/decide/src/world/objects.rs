//! Objects in the fold: what plans that are carried out, outcomes of changes and corrections by hand make of them.

use super::World;
use crate::object::Object;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use model::{
    ActionId, Address, Command, Drift, Mode, Origin, PlanMode, PlannedChange, RunId, Verb,
};
use value::Value;

impl World {
    /// A person corrects what is known of objects.
    pub(super) fn edited(&mut self, command: &Command, at_ms: i64) {
        match command {
            Command::Taint { address, tainted } => {
                if let Some(object) = self.resources.get_mut(address) {
                    object.tainted = *tainted;
                }
            }
            Command::Rename { moves } => {
                let free = moves.iter().all(|(_, to)| !self.resources.contains_key(to));
                if free {
                    self.rename(moves.iter().map(|(from, to)| (from, to)));
                }
            }
            Command::Forget { addresses } => {
                for address in addresses {
                    self.resources.remove(address);
                    self.deposed.retain(|(one, _)| one != address);
                }
            }
            Command::Retire { retired } => {
                self.retired = *retired;
                if *retired {
                    self.resources.clear();
                    self.deposed.clear();
                    self.outputs.clear();
                    self.checks.clear();
                    self.in_force = None;
                } else {
                    self.begin_lineage(at_ms);
                }
            }
            Command::Approve { .. }
            | Command::Cancel { .. }
            | Command::Resolve { .. }
            | Command::LiftQuarantine { .. }
            | Command::Forgive { .. } => {}
        }
        self.drifts
            .retain(|address, _| self.resources.contains_key(address));
    }

    /// A plan is carried out: what it saw of the outside becomes what the book knows, and objects that it leaves as
    /// they are refer to what they are now written to refer to.
    pub(super) fn carried_out(&mut self) {
        let Some(run) = &self.run else { return };
        let Some(plan) = run.plan.clone() else { return };
        let heals = run.options.origin == Origin::Heal;
        match &run.options.take_back {
            Some(take_back) => self.in_force = take_back.to,
            None if !heals && plan.mode == PlanMode::Normal => {
                self.in_force = Some(run.loaded.digest);
            }
            None => {}
        }
        let mut healed = BTreeSet::new();
        for change in &plan.changes {
            if !heals {
                self.forgiven(&change.address);
            } else if !change.is_nothing() {
                healed.insert(&change.address);
            }
        }
        self.rename(
            plan.changes
                .iter()
                .filter_map(|one| Some((one.previous.as_ref()?, &one.address))),
        );
        // What healing leaves as it is stays as it was known: only a person takes note of it.
        let noted = |drift: &&Drift| !heals || healed.contains(&drift.address);
        for drift in plan.drift.iter().filter(noted) {
            match &drift.after {
                None => {
                    self.resources.remove(&drift.address);
                }
                Some(value) => {
                    if let Some(object) = self.resources.get_mut(&drift.address) {
                        object.value = value.clone();
                        object.private = drift.private.clone();
                    }
                }
            }
        }
        for imported in &plan.imported {
            self.resources
                .insert(imported.address.clone(), Object::imported(imported));
        }
        for change in &plan.changes {
            self.settled(change);
        }
        if !plan.is_empty() {
            self.serial += 1;
        }
    }

    /// Calls objects by their new names, all at once.
    fn rename<'a>(&mut self, moves: impl Iterator<Item = (&'a Address, &'a Address)>) {
        let moves: BTreeMap<&Address, &Address> = moves.collect();
        if moves.is_empty() {
            return;
        }
        let taken: Vec<(Address, Object)> = moves
            .iter()
            .filter_map(|(from, to)| Some(((*to).clone(), self.resources.remove(*from)?)))
            .collect();
        self.resources.extend(taken);
        for (address, _) in &mut self.deposed {
            if let Some(to) = moves.get(address) {
                *address = (*to).clone();
            }
        }
    }

    /// What a plan says of an object that needs no step.
    fn settled(&mut self, change: &PlannedChange) {
        let data = change.address.resource.mode == Mode::Data;
        if !data
            && !change.deposed
            && let Some(object) = self.resources.get_mut(&change.address)
        {
            let before = object.schema_version;
            object.upgraded(change);
            if before.is_some() && before != object.schema_version {
                self.serial += 1;
            }
        }
        match change.action {
            model::Action::Forget => {
                self.resources.remove(&change.address);
            }
            // Until it is read again, what it said before is not to be relied on.
            model::Action::Read => {
                self.resources.remove(&change.address);
            }
            model::Action::NoOp if data => {
                if let Some(value) = &change.after {
                    let object = Object::of_data(change, value.clone());
                    self.resources.insert(change.address.clone(), object);
                }
            }
            model::Action::NoOp => {
                if let Some(object) = self.resources.get_mut(&change.address) {
                    object.dependencies = change.dependencies.clone();
                    object.create_before_destroy = change.create_before_destroy;
                    object.configuration = change.configuration.clone();
                }
            }
            model::Action::Create
            | model::Action::Update
            | model::Action::Delete
            | model::Action::DeleteThenCreate
            | model::Action::CreateThenDelete
            | model::Action::Open => {}
        }
    }

    /// Position of what a replacement left behind at an address: the object that was planned to go, if it is there.
    pub(crate) fn left_behind(&self, address: &Address, before: Option<&Value>) -> Option<usize> {
        let exact = self
            .deposed
            .iter()
            .position(|(one, object)| one == address && Some(&object.value) == before);
        exact.or_else(|| self.deposed.iter().position(|(one, _)| one == address))
    }

    pub(super) fn changed(
        &mut self,
        run: RunId,
        id: ActionId,
        change: &model::Change,
        object: Option<&Value>,
        private: &[u8],
        tainted: bool,
    ) -> Result<(), String> {
        let active = self.run_of(run)?;
        let quiet_from_ms = active
            .actions
            .get(&id)
            .and_then(|action| action.unsettled_until_ms)
            .unwrap_or(0);
        let planned = active.planned_by(id);
        let new_first = planned.is_some_and(|one| one.action == model::Action::CreateThenDelete);
        let left_behind = planned.is_some_and(|one| one.deposed) || new_first;
        let create_before_destroy = planned.is_some_and(|one| one.create_before_destroy);
        let configuration = planned
            .map(|one| one.configuration.clone())
            .unwrap_or_default();
        let schema_version = planned.and_then(|one| one.schema_version);
        self.serial += 1;
        let Some(value) = object else {
            if left_behind {
                let at = self.left_behind(&change.address, change.prior.as_ref());
                at.map(|at| self.deposed.remove(at));
            } else {
                self.resources.remove(&change.address);
            }
            return Ok(());
        };
        let object = Object {
            provider: change.provider.clone(),
            value: value.clone(),
            private: private.to_vec(),
            dependencies: change.dependencies.clone(),
            tainted,
            create_before_destroy,
            settle_ms: change.settle_ms,
            quiet_from_ms,
            configuration,
            schema_version,
            unhealthy: false,
        };
        let before = self.resources.insert(change.address.clone(), object);
        if let Some(before) = before.filter(|_| new_first && change.verb == Verb::Create) {
            self.deposed.push((change.address.clone(), before));
        }
        Ok(())
    }
}
