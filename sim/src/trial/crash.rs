//! How engines end and begin: crashes at boundaries, restarts, and a second engine that takes the book over.

use super::planted::{said_too_much, spoil};
use super::{Crashes, Happening, Trial};
use crate::Rng;
use crate::check;
use crate::controller::{Controller, reader};

/// Crashes in one play, after which it is left alone.
const CRASHES_MAX: u64 = 12;

impl Trial<'_> {
    /// A place to crash at; says whether it does.
    pub(super) fn boundary(&mut self, id: u32, what: &'static str) -> bool {
        if self.leader != Some(id) {
            return false;
        }
        self.story.boundaries += 1;
        let boundary = self.story.boundaries;
        match self.settings.crashes {
            Crashes::None => return false,
            Crashes::At(at) if at == boundary => {
                self.one_crash(id, boundary, what);
                return true;
            }
            Crashes::At(_) => return false,
            Crashes::Everywhere => {
                if self.branches.violation.is_none() {
                    let mut branch = self.branch();
                    branch.settings.crashes = Crashes::At(boundary);
                    branch.one_crash(id, boundary, what);
                    branch.go_on();
                    self.branches.absorb(Some(boundary), branch.story);
                }
                return false;
            }
            Crashes::Random => {
                if self.story.crashes >= CRASHES_MAX || !self.chaos.chance(self.crash_per_mille) {
                    return false;
                }
            }
        }
        self.crash(id, what);
        true
    }

    /// The only crash of a play.
    fn one_crash(&mut self, id: u32, boundary: u64, what: &'static str) {
        // Nothing was drawn so far: another boundary is to have another end.
        self.chaos = Rng::new(self.scenario.seed ^ boundary.rotate_left(32), 6);
        self.operator.soon_over();
        self.crash(id, what);
    }

    /// The engine dies: what was not synced may be gone, replies go nowhere, requests on their way may yet arrive.
    fn crash(&mut self, id: u32, what: &'static str) {
        self.hit(what);
        self.trace(|| what.to_owned());
        self.story.crashes += 1;
        self.controllers.remove(&id);
        self.leader = None;
        self.agenda.retain(|one| one.controller() != Some(id));
        if self.disk.n_unsynced() > 0 {
            let keep = self.chaos.below(self.disk.n_unsynced() as u64 + 1);
            self.hit(if keep == 0 {
                "torn tail"
            } else {
                "unsynced tail kept"
            });
            self.disk.crash(usize::try_from(keep).unwrap_or(0));
        }
        self.disk.sync();
        let found = check::durable::after_crash(&self.ledger, &reader(&self.disk));
        self.check("durable", found);
        self.catch_up();
        for number in self.flying(|_, of| of.controller == id) {
            let local = self.is_local(number);
            if self.chaos.chance(if local { 500 } else { 250 }) {
                self.outside.flying.remove(&number);
                self.hit("request lost in a crash");
            } else if local {
                self.lands(number);
            }
        }
        let longest_ms = if self.chaos.chance(200) {
            60_000
        } else {
            2_000
        };
        let at_ms = self.now_ms + self.chaos.between(1, longest_ms) as i64;
        self.agenda.at(at_ms, Happening::Restart);
    }

    pub(super) fn restart(&mut self) {
        if self.leader.is_some() {
            return;
        }
        let skew_ms = if self.settings.trouble {
            self.chaos.below(20_000) as i64 - 10_000
        } else {
            0
        };
        let mutant = self.settings.mutant;
        let mut differs = None;
        let opened = Controller::open(
            &self.disk,
            self.schemas.clone(),
            self.now_ms + skew_ms,
            skew_ms,
            |world| {
                differs = check::folds::difference(world, self.ledger.world());
                spoil(mutant, world);
            },
        );
        self.check("folds", differs);
        let (controller, mut input) = match opened {
            Ok(opened) => opened,
            Err(what) => return self.violate("folds", what),
        };
        let epoch = controller.epoch;
        let found = (epoch <= self.newest_epoch).then(|| format!("epoch {epoch} again"));
        self.check("epochs", found);
        self.newest_epoch = epoch;
        said_too_much(mutant, &controller, &mut input);
        self.made += 1;
        let id = self.made;
        self.trace(|| format!("controller {id} starts with epoch {epoch}"));
        self.controllers.insert(id, controller);
        self.leader = Some(id);
        self.feed(id, input);
    }

    /// A second controller takes the book over while the first is alive and does not know it yet.
    pub(super) fn takeover(&mut self) {
        let Some(old) = self.leader.take() else {
            return;
        };
        self.hit("takeover");
        self.trace(|| format!("controller {old} is taken over"));
        self.disk.sync();
        self.catch_up();
        let stall_ms = (self.scenario.settle_ms / 4).max(1);
        let until_ms = self.now_ms + self.chaos.between(1, stall_ms) as i64;
        self.agenda.at(until_ms, Happening::Retire(old));
        // A takeover on a machine where effects are synchronous begins when the first process is gone.
        for number in self.flying(|_, _| true) {
            if self.is_local(number) {
                self.lands(number);
            }
        }
        self.restart();
    }
}
