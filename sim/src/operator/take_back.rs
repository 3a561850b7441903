//! A person who takes back runs that did not come to their end, and looks whether the world is as it was before them.

use crate::Request;
use crate::trial::Trial;
use decide::World;
use decide::take_back::{self, Before};
use model::{Address, Digest, Effect, Mode, RunId, RunKind, RunOptions, RunResult};
use std::collections::{BTreeMap, BTreeSet};
use value::Value;

/// What stood before a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Earlier {
    before: Before,
    /// The size of each object: what does not depend on how often anything was made.
    sizes: BTreeMap<Address, Option<Value>>,
    deposed: BTreeSet<Address>,
}

impl Earlier {
    fn of(world: &World) -> Self {
        let managed = |address: &&Address| address.resource.mode == Mode::Managed;
        let objects = world.resources.keys().filter(managed).cloned();
        let sizes = world.resources.iter().map(|(address, object)| {
            let size = object.value.get("size").cloned();
            (address.clone(), size.map(Value::unmark_all))
        });
        Self {
            before: Before {
                in_force: world.in_force,
                objects: objects.collect(),
            },
            sizes: sizes.collect(),
            deposed: world
                .deposed
                .iter()
                .map(|(address, _)| address.clone())
                .collect(),
        }
    }

    /// What is not as it was.
    fn differs(&self, now: &Self) -> Option<String> {
        let (then, now_there) = (&self.sizes, &now.sizes);
        if let Some(address) = then.keys().find(|one| !now_there.contains_key(*one)) {
            return Some(format!(
                "{address} was there before the run that was taken back"
            ));
        }
        if let Some(address) = now_there.keys().find(|one| !then.contains_key(*one)) {
            return Some(format!(
                "{address} was not there before the run that was taken back"
            ));
        }
        if let Some((address, _)) = now_there
            .iter()
            .find(|(one, size)| then.get(*one) != Some(*size))
        {
            return Some(format!(
                "{address} is not what it was before the run that was taken back"
            ));
        }
        let left = now.deposed.difference(&self.deposed).next();
        left.map(|address| format!("the run that was taken back left something of {address}"))
    }
}

impl Trial<'_> {
    /// Takes note of what stands, where the last run said so and nobody changed it since.
    pub(super) fn note_earlier(&mut self) {
        let world = self.ledger.world();
        let known = self.operator.stands.is_some() || world.serial == 0;
        self.operator.earlier = (known && !self.operator.drifted).then(|| Earlier::of(world));
    }

    /// A run that did not come to its end is taken back next; always, where an object that was not healthy says so.
    pub(super) fn take_back_next(&mut self, run: RunId, result: &RunResult) {
        let broke_off = matches!(result, RunResult::Failed { .. } | RunResult::Cancelled);
        let owed = self.ledger.world().owed == Some(run);
        if owed {
            self.hit("run.owed");
        }
        let wanted = (self.settings.takes_back || owed) && broke_off && !self.operator.finale;
        let before = self.operator.requests.get(self.operator.next - 1).cloned();
        let before = before.filter(|one| one.kind == RunKind::Apply && one.takes_back.is_none());
        let (Some(before), true, Some(_)) = (before, wanted, &self.operator.earlier) else {
            return;
        };
        let mut entries = self.ledger.entries.iter().map(|entry| &**entry);
        let done = take_back::done_by(&mut entries, run);
        if done.is_some_and(|done| !done.changed.is_empty()) {
            let request = Request {
                takes_back: Some(run),
                refresh: true,
                ..before
            };
            self.hit("run.to be taken back");
            self.operator.requests.insert(self.operator.next, request);
        }
    }

    /// How a run is taken back: the release, its bytes and how it is carried out.
    pub(super) fn taking_back(
        &self,
        run: RunId,
        base: RunOptions,
    ) -> Option<(Digest, Vec<u8>, RunOptions)> {
        let earlier = self.operator.earlier.as_ref()?;
        let mut entries = self.ledger.entries.iter().map(|entry| &**entry);
        let done = take_back::done_by(&mut entries, run)?;
        let (release, options) = take_back::options(base, &done, &earlier.before, &[], Vec::new());
        let version = self.scenario.version(&release)?;
        Some((release, version.bytes.clone(), options))
    }

    /// Taking a run back is over.
    pub(super) fn taken_back(&mut self, succeeded: bool) {
        self.operator.stands = None;
        let mut flying = self.outside.flying.values();
        let flying = flying.any(|one| matches!(one.effect, Effect::Change(_)));
        let Some(earlier) = self.operator.earlier.take().filter(|_| succeeded) else {
            return;
        };
        if self.operator.drifted || flying {
            return;
        }
        self.hit("run.taken back");
        let found = earlier.differs(&Earlier::of(self.ledger.world()));
        self.check("converges", found);
    }
}
