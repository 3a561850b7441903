//! Between an engine and the outside: requests with their fates and replies, inquiries, looks and questions.

use super::planted::{forget_in_flight, guess};
use super::story::shortened;
use super::{Flow, Happening, Trial};
use crate::Mutant;
use crate::check;
use crate::outside::{Attempt, Flying};
use decide::Watch;
use engine::Input;
use model::{Answer, Change, Effect, Inquiry, Outcome, Question, RunId, Verb};
use value::Diagnostics;

impl Trial<'_> {
    pub(super) fn perform(&mut self, of: Attempt, effect: Effect) -> Flow {
        let id = of.controller;
        if self.boundary(id, "crash before a request") {
            return Flow::Dead;
        }
        let zombie = self.leader != Some(id);
        if zombie && self.outside.is_local(&effect) {
            // Two controllers on one machine: the lock of the book keeps the second one out.
            self.hit("zombie's local effect dropped");
            return Flow::On;
        }
        self.check_request(of, &effect, zombie);
        if self.story.violation.is_some() {
            return Flow::Dead;
        }
        let trouble_per_mille = self.trouble_per_mille;
        let again = of.attempt > 1;
        let mut fate =
            self.outside
                .fate(&effect, &mut self.draws, trouble_per_mille, zombie, again);
        if zombie {
            self.hit("zombie's request");
        }
        self.hit(fate.name);
        self.trace(|| {
            let (subject, attempt, action) = (effect.subject(), of.attempt, of.action);
            format!("{id} sends {subject} attempt {attempt} ({action}): {fate:?}")
        });
        let early = self.mutant_reply(&effect, &mut fate);
        let lands_ms = fate.lands_ms;
        let reply = fate.reply.clone();
        let number = self.outside.send(Flying { of, effect, fate });
        if let Some(after_ms) = lands_ms {
            let at_ms = self.now_ms + after_ms as i64;
            self.agenda.at(at_ms, Happening::Lands(number));
        }
        if let Some((after_ms, outcome)) = early.map(|outcome| (1, outcome)).or(reply) {
            self.reply(number, of, after_ms, outcome);
        }
        if lands_ms.is_none() {
            self.outside.flying.remove(&number);
        }
        Flow::On
    }

    /// A request is about to be sent.
    fn check_request(&mut self, of: Attempt, effect: &Effect, zombie: bool) {
        let found = check::intent::sent(&self.ledger, of.action, of.attempt, effect);
        self.check("intent", found);
        let (world, lost) = (self.ledger.world(), self.made);
        let found = self.sent.again(world, of.action, of.attempt, effect, lost);
        self.check("limits", found);
        if let Effect::Change(change) = effect {
            self.check_change(of.run, change, zombie);
        }
    }

    fn check_change(&mut self, run: RunId, change: &Change, zombie: bool) {
        if zombie {
            return;
        }
        let found = check::healing::sent(&self.ledger, run, change);
        self.check("healing", found);
        let found = check::operators::sent(&self.ledger, run);
        self.check("operators", found);
        let active = self.ledger.world().run.as_ref();
        let Some(active) = active.filter(|active| active.id == run) else {
            return;
        };
        let version = self.scenario.version(&active.loaded.digest);
        let whole = change.verb != Verb::Delete || self.operator.stands_at(active.loaded.digest);
        let outside = (!self.operator.drifted).then_some(&self.outside.world);
        let found = version
            .filter(|_| whole)
            .and_then(|version| check::order::sent(&self.ledger, outside, version, change));
        self.check("order", found);
    }

    fn reply(&mut self, number: u64, of: Attempt, after_ms: u64, mut outcome: Outcome) {
        match (self.settings.mutant, &outcome) {
            (Some(Mutant::UnknownIsFailure), Outcome::Unknown { .. }) => {
                outcome = Outcome::Failed {
                    diagnostics: Diagnostics::new(),
                    retry_after_ms: None,
                };
            }
            (Some(Mutant::RetriesWithoutEnd), Outcome::Failed { .. }) => {
                if let Some(flying) = self.outside.flying.get(&number) {
                    let effect = flying.effect.clone();
                    self.perform(of, effect);
                    return;
                }
            }
            _ => {}
        }
        let at_ms = self.now_ms + after_ms.max(1) as i64;
        let input = Box::new(Input::Ended {
            run: of.run,
            action: of.action,
            attempt: of.attempt,
            outcome,
        });
        let controller = of.controller;
        self.agenda
            .at(at_ms, Happening::Reply { controller, input });
    }

    pub(super) fn lands(&mut self, number: u64) {
        let Some(flying) = self.outside.flying.remove(&number) else {
            return;
        };
        let mutant = self.settings.mutant;
        let outcome = self
            .outside
            .land(self.now_ms, &flying, &mut self.draws, mutant);
        if !self.controllers.contains_key(&flying.of.controller) {
            self.hit("landing after a crash");
        }
        self.trace(|| {
            format!(
                "lands: {} ({}): {}",
                flying.effect.subject(),
                flying.of.action,
                shortened(&format!("{outcome:?}"))
            )
        });
        let found = check::repeat::landed(&self.outside.world);
        self.check("repeat", found);
        let found = check::repeat::provisioned(&self.outside.provisioners);
        self.check("repeat", found);
        if flying.fate.reply.is_none() {
            let after_ms = self.draws.between(1, 40);
            self.reply(number, flying.of, after_ms, outcome);
        }
    }

    /// An engine asks what became of an attempt.
    pub(super) fn inquire(&mut self, of: Attempt, effect: Effect) -> Flow {
        if self.boundary(of.controller, "crash before an inquiry") {
            return Flow::Dead;
        }
        self.hit("inquiry");
        if let Some(inquiry) = self.mutant_inquiry(of, &effect) {
            self.tell(of.controller, 80, found(of, inquiry));
            return Flow::On;
        }
        let at_ms = self.soon(80);
        self.agenda
            .at(at_ms, Happening::Inquiry(of, Box::new(effect)));
        Flow::On
    }

    /// The outside is looked at for what became of an attempt.
    pub(super) fn inquired(&mut self, of: Attempt, effect: &Effect) {
        let inquiry = if self.chaos.chance(self.trouble_per_mille / 3) {
            Inquiry::NotYet
        } else {
            self.outside.inquire(self.now_ms, of.action, effect)
        };
        self.trace(|| {
            format!(
                "inquiry into {} ({}): {inquiry:?}",
                effect.subject(),
                of.action
            )
        });
        self.tell(of.controller, 80, found(of, inquiry));
    }

    /// The outside is looked at.
    pub(super) fn looked(&mut self, controller: u32, watch: Watch) {
        let mut observations = self.outside.look(&watch);
        if self.settings.mutant == Some(Mutant::DrainIgnored) {
            forget_in_flight(&mut observations);
        }
        let input = Input::Seen {
            watch,
            observations: Some(observations),
        };
        self.tell(controller, 30, input);
    }

    pub(super) fn answer(&mut self, question: &Question) -> Answer {
        let mut answer = self.outside.ask(question);
        if let (Some(Mutant::NoSettleWindow), Answer::Plan(plan)) =
            (self.settings.mutant, &mut answer)
        {
            plan.settle_ms = 0;
        }
        answer
    }

    fn mutant_inquiry(&self, of: Attempt, effect: &Effect) -> Option<Inquiry> {
        let Effect::Change(change) = effect else {
            return None;
        };
        match self.settings.mutant? {
            Mutant::LostTakenForDone => Some(Inquiry::Found(guess(change))),
            Mutant::RefusalSettlesEarlier => {
                let controller = self.controllers.get(&of.controller)?;
                let refused = controller.refused.contains(&of.action);
                refused.then_some(Inquiry::Absent)
            }
            _ => None,
        }
    }
}

fn found(of: Attempt, inquiry: Inquiry) -> Input {
    Input::Inquired {
        run: of.run,
        action: of.action,
        attempt: of.attempt,
        looked: inquiry.into(),
    }
}
