//! Where mutants bend the truth between an engine and everything else.

use super::{Flow, Trial};
use crate::Mutant;
use crate::controller::{Controller, secrets};
use crate::outside::{Attempt, Fate};
use decide::{Entry, World};
use engine::{Input, Pause};
use model::{
    ActionId, Answer, Change, Command, Digest, Effect, Event, Observation, Outcome, Plan,
    RunResult, Verb,
};
use std::collections::{BTreeMap, BTreeSet};
use value::{Diagnostics, Value};

impl Trial<'_> {
    /// R1: begins what is only about to be written.
    pub(super) fn send_early(&mut self, id: u32, entries: &[Entry]) -> Flow {
        for entry in entries {
            let Event::Intended {
                run,
                action,
                attempt,
                effect,
            } = &entry.event
            else {
                continue;
            };
            if let Some(controller) = self.controllers.get_mut(&id) {
                controller.sent.insert((*action, *attempt));
            }
            let of = Attempt {
                controller: id,
                run: *run,
                action: *action,
                attempt: *attempt,
            };
            if self.perform(of, effect.clone()) == Flow::Dead {
                return Flow::Dead;
            }
        }
        Flow::On
    }

    /// Rule 6: approves a plan that waits for a person.
    pub(super) fn approve_without_asking(&mut self, id: u32) {
        if self.settings.mutant != Some(Mutant::ApprovalInvented) || self.leader != Some(id) {
            return;
        }
        let pause = self.controllers.get(&id).and_then(|one| one.core.pause());
        if let Some(Pause::AwaitsApproval { run, plan }) = pause {
            let command = Command::Approve { run, plan };
            let actor = "ada".to_owned();
            self.feed(id, Input::Command { actor, command });
        }
    }

    /// What is said at once of a request, whatever comes of it.
    pub(super) fn mutant_reply(&self, effect: &Effect, fate: &mut Fate) -> Option<Outcome> {
        match (self.settings.mutant?, effect) {
            (Mutant::OutcomeGuessed, Effect::Change(change)) if change.verb == Verb::Create => {
                fate.reply = Some((1, guess(change)));
                Some(guess(change))
            }
            (Mutant::PublishedBeforeInForce, Effect::Publish(table)) if table.generation > 1 => {
                let ports = self.ledger.world().route.ports.clone();
                fate.lands_ms = Some(3_000);
                let outcome = Outcome::Published {
                    generation: table.generation,
                    ports,
                };
                fate.reply = Some((1, outcome.clone()));
                Some(outcome)
            }
            _ => None,
        }
    }
}

/// What a mutant writes instead, with the content that it names.
pub(super) fn spoiled(
    mutant: Option<Mutant>,
    entries: &[Entry],
    mut blobs: Vec<Vec<u8>>,
) -> (Vec<Entry>, Vec<Vec<u8>>) {
    let mut entries = entries.to_vec();
    if mutant == Some(Mutant::OrderNotRecorded) {
        entries.retain(|entry| !matches!(entry.event, Event::Commanded { .. }));
    }
    for entry in &mut entries {
        match (mutant, &mut entry.event) {
            (Some(Mutant::VerdictFlipped), Event::Judged { verdict, .. }) => {
                *verdict = model::Verdict::Good;
            }
            (Some(Mutant::SilencePasses), Event::Judged { verdict, .. })
                if *verdict == model::Verdict::NotEnoughEvidence =>
            {
                *verdict = model::Verdict::Good;
            }
            (Some(Mutant::AnswerForgotten), Event::Answered { answers, .. }) => {
                other_content(answers, &mut blobs, |bytes| {
                    let mut all: Vec<Answer> = model::decode(bytes).ok()?;
                    let _ = all.pop();
                    Some(model::encode(&all))
                });
            }
            (Some(Mutant::PlanWithoutBase), Event::Planned { plan, .. }) => {
                other_content(plan, &mut blobs, |bytes| {
                    let mut plan: Plan = model::decode(bytes).ok()?;
                    plan.base = 0;
                    Some(model::encode(&plan))
                });
            }
            _ => {}
        }
    }
    (entries, blobs)
}

/// Puts other content in the place of a blob, under its own name.
fn other_content(
    digest: &mut Digest,
    blobs: &mut [Vec<u8>],
    change: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) {
    let stored = blobs.iter_mut().find(|one| Digest::of(one) == *digest);
    let Some(stored) = stored else { return };
    let opened = secrets().open(stored).ok();
    if let Some(content) = opened.and_then(|bytes| change(&bytes)) {
        *stored = secrets().seal(&content);
        *digest = Digest::of(stored);
    }
}

/// What a mutant forgets at a restart.
pub(super) fn spoil(mutant: Option<Mutant>, world: &mut World) {
    match mutant {
        Some(Mutant::VerdictDropped) => {
            world.quarantine.clear();
            for service in world.services.values_mut() {
                if let Some(rollout) = &mut service.rollout {
                    rollout.score = decide::gate::Score::default();
                }
            }
        }
        Some(Mutant::LostIntentsIgnored) => {
            if let Some(run) = &mut world.run {
                run.actions
                    .retain(|_, action| action.stage != decide::Stage::Open);
                let left: BTreeSet<ActionId> = run.actions.keys().copied().collect();
                run.live.retain(|id| left.contains(id));
            }
        }
        _ => {}
    }
}

/// What a mutant says besides when it starts.
pub(super) fn said_too_much(mutant: Option<Mutant>, controller: &Controller, said: &mut Input) {
    if let (Some(Mutant::StopIsCompletion), Some(run), Input::Record(events, _)) =
        (mutant, &controller.core.world().run, said)
    {
        let result = RunResult::succeeded(BTreeMap::new());
        events.push(Event::Closed {
            run: run.id,
            result,
        });
    }
}

/// What a mutant takes for the outcome of a change.
pub(super) fn guess(change: &Change) -> Outcome {
    let object = change.planned.as_ref().map(|planned| {
        let mut entries = planned.entries().cloned().unwrap_or_default();
        for value in entries.values_mut() {
            if !value.is_known() {
                *value = Value::string("guessed");
            }
        }
        Value::object(entries)
    });
    Outcome::Changed {
        object,
        private: Vec::new(),
        diagnostics: Diagnostics::new(),
    }
}

pub(super) fn forget_in_flight(observations: &mut [Observation]) {
    for observation in observations {
        if let Observation::Counts(counts) = observation {
            counts.arms.iter_mut().for_each(|arm| arm.in_flight.clear());
        }
    }
}
