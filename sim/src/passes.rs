//! Passes over all objects between two requests: somebody changes and removes objects behind everybody's back, a pass
//! looks as `steadfast drift` does, and what it decides is handed to the engine.

use crate::check;
use crate::controller::DiskBlobs;
use crate::trial::Trial;
use crate::{Mutant, Rng, Scenario};
use decide::{Handed, Held, LoadedRelease, LoadedReleases, Planner, World, heal};
use engine::Input;
use model::{
    Address, DriftPass, DriftPolicy, Drifted, Event, HealLimits, Plan, Question, RunId, RunOptions,
    RunResult,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use value::{Diagnostics, Value};

/// Most passes before one request.
const PASSES_MAX: u64 = 5;

/// What healing may do in a play: little, so that all its ends are met.
const LIMITS: HealLimits = HealLimits {
    objects_max: 2,
    heals_max: 2,
    window_ms: 3_600_000,
};

/// Runs that heal are counted from here, so that no request has their numbers.
const FIRST_RUN: u64 = 1_000_000;

/// Size that somebody gives an object; each time another one.
const ODD_SIZE: u64 = 7_000;

/// What is left to do before the next request.
#[derive(Clone, Debug)]
pub(crate) struct Passes {
    rng: Rng,
    /// The request before which passes are made.
    before: Option<usize>,
    left: u64,
    made: u64,
    /// One object is changed back each time.
    fights: bool,
    /// The run that the last pass began.
    healing: Option<RunId>,
}

impl Passes {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut rng = Rng::new(scenario.seed, 7);
        Self {
            fights: rng.chance(400),
            rng,
            before: None,
            left: 0,
            made: 0,
            healing: None,
        }
    }
}

impl Trial<'_> {
    /// Makes the next pass, if one is to be made before the request: whether the engine was given something by it.
    pub(crate) fn pass(&mut self, id: u32) -> bool {
        self.healed();
        let passes = &mut self.operator.passes;
        if passes.before != Some(self.operator.next) {
            passes.before = Some(self.operator.next);
            passes.left = passes.rng.between(0, PASSES_MAX);
        }
        while self.operator.passes.left > 0 && self.story.violation.is_none() {
            self.operator.passes.left -= 1;
            self.operator.passes.made += 1;
            self.change_behind();
            if self.look_for_drift(id) {
                return true;
            }
        }
        false
    }

    /// Looks how the run of the last pass ended.
    fn healed(&mut self) {
        let Some(run) = self.operator.passes.healing.take() else {
            return;
        };
        let mut over = self.ledger.world().runs.iter();
        let Some(result) = over.find(|one| one.id == run).map(|one| one.result.clone()) else {
            return self.hit("pass.lost");
        };
        match result {
            RunResult::Succeeded { .. } => {
                self.hit("pass.healed");
                let found = check::healing::restored(&self.ledger, &self.outside.world);
                self.check("healing", found);
            }
            other if self.operator.is_calm() => {
                self.violate("healing", format!("a run that heals ended with {other:?}"));
            }
            _ => self.hit("pass.not healed"),
        }
    }

    /// Somebody changes objects, or removes one.
    fn change_behind(&mut self) {
        let objects = self.outside.world.objects();
        let passes = &mut self.operator.passes;
        let odd = Value::number((ODD_SIZE + passes.made) as i64);
        let world = &self.outside.world;
        if passes.fights
            && let Some(object) = objects.first()
        {
            world.drift(&object.id, "size", odd.clone());
        }
        let n_objects = *passes.rng.pick(&[0, 1, 1, 2, 4]).unwrap_or(&0);
        for _ in 0..n_objects {
            let Some(object) = passes.rng.pick(&objects) else {
                return;
            };
            match passes.rng.below(10) {
                0..=5 => {
                    world.drift(&object.id, "size", odd.clone());
                }
                6 => {
                    world.drift(&object.id, "kind", Value::string("odd"));
                }
                _ => {
                    world.remove(&object.id);
                }
            }
        }
        self.operator.drifted |= n_objects > 0 || self.operator.passes.fights;
    }

    /// One pass: whether the engine was given something by it.
    fn look_for_drift(&mut self, id: u32) -> bool {
        let Some(controller) = self.controllers.get(&id) else {
            return false;
        };
        let mut world = controller.core.world().clone();
        if self.settings.mutant == Some(Mutant::FightForgotten) {
            world.drifts.clear();
        }
        let at_ms = (self.now_ms + controller.skew_ms).max(world.at_ms);
        let Some(release) = world.in_force.filter(|_| !world.resources.is_empty()) else {
            return false;
        };
        let loaded = LoadedReleases::new().load(&release, &DiskBlobs(self.disk.connect()));
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(what) => {
                self.violate("healing", what);
                return false;
            }
        };
        let warns = self.operator.passes.rng.chance(100);
        let asked = DriftPass {
            at_ms,
            release,
            policy: if warns {
                DriftPolicy::Warn
            } else {
                DriftPolicy::Heal
            },
            limits: LIMITS,
            n_healable: 0,
        };
        let Ok(found) = self.drifted(&world, &loaded, &asked) else {
            self.hit("pass.could not look");
            return false;
        };
        let (pass, judged) = heal::pass(&world, &loaded, asked, found);
        for one in &judged {
            self.hit(match one.decision {
                model::DriftDecision::Heal => "drift.heal",
                model::DriftDecision::Hold(model::HoldReason::Fight) => "drift.fight",
                model::DriftDecision::Hold(model::HoldReason::Mass(_)) => "drift.mass",
                model::DriftDecision::Hold(_) => "drift.held",
                model::DriftDecision::Warn => "drift.warn",
                model::DriftDecision::Note => "drift.note",
            });
        }
        let Some(event) = heal::news(&world, "ada", &pass, &judged) else {
            self.hit("pass.no news");
            return false;
        };
        let run = RunId(FIRST_RUN + self.operator.passes.made);
        let heals = heal::run(run, "ada", self.base(run.0), &event);
        self.operator.passes.healing = heals.is_some().then_some(run);
        self.operator.asked_ms = self.now_ms;
        let events: Vec<Event> = [event].into_iter().chain(heals).collect();
        self.feed(id, Input::Record(events, Vec::new()));
        true
    }

    fn base(&self, salt: u64) -> RunOptions {
        RunOptions {
            parallelism: 3,
            seed: self.scenario.seed ^ salt,
            environment: crate::ENVIRONMENT.into(),
            ..RunOptions::default()
        }
    }

    /// What `engine::drifted` does, at one moment of virtual time.
    fn drifted(
        &mut self,
        world: &World,
        loaded: &Arc<LoadedRelease>,
        pass: &DriftPass,
    ) -> Result<Vec<Drifted>, Diagnostics> {
        let noted = self.planned(world, loaded, heal::noting(self.base(0)))?;
        let mut found = heal::seen(world, pass, &noted);
        let candidates = heal::candidates(loaded, &found, pass.policy);
        let wanted: BTreeSet<Address> = candidates.iter().map(|one| (*one).clone()).collect();
        let options = heal::options(self.base(0), &candidates);
        if wanted.is_empty() {
            return Ok(found);
        }
        match self.planned(world, loaded, options) {
            Ok(plan) => heal::remedies(world, pass, &plan, &mut found, &wanted),
            Err(_) => heal::unplanned("it was refused", &mut found, &wanted),
        }
        Ok(found)
    }

    fn planned(
        &mut self,
        world: &World,
        loaded: &Arc<LoadedRelease>,
        options: RunOptions,
    ) -> Result<Plan, Diagnostics> {
        let schemas = self.schemas.clone();
        let mut planner = Planner::new(loaded.clone(), world, schemas, options);
        planner.begin_at(self.now_ms);
        let mut held = Held::default();
        loop {
            // Ends: every round answers all questions, and a plan asks at most three times about each object.
            let questions = planner.questions();
            if questions.is_empty() {
                return planner.finish();
            }
            for (number, question) in questions {
                let answer = match planner.handed_out(&question, &mut held) {
                    Handed::Ask(Question::Open(question)) => {
                        let opened = self.outside.open(&question);
                        planner.take(&question.address, opened, &mut held)
                    }
                    Handed::Ask(question) => self.outside.ask(&question),
                    Handed::Answered(answer) => answer,
                };
                planner.answer(number, answer);
            }
        }
    }
}
