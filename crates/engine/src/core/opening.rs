//! Ephemeral resources in the loop: opened for a question of a plan or for a step of it, and again by the engine that
//! goes on after another one died. What they hold stays in memory, in [`decide::Held`].

use super::{Configuration, Core, Output};
use decide::Decision;
use model::{ActionId, Address, Answer, Event, OpenAnswer, OpenQuestion, Question, RunId};
use value::{Diagnostics, Value};

/// What an ephemeral resource is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A question of the plan.
    Plan(u32),
    /// A step of the plan.
    Step(RunId, ActionId),
    /// It was open when the engine before this one died, and is needed.
    Again(RunId),
}

/// Whether a decision may need ephemeral resources to be open.
pub(super) fn is_needed(decision: &Decision) -> bool {
    match decision {
        Decision::Record(event) => matches!(event, Event::Intended { .. }),
        Decision::Ask { .. } | Decision::Inquire { .. } => true,
        Decision::Plan | Decision::Call { .. } | Decision::WakeAt(_) => false,
    }
}

impl Core {
    /// Opens what this run had open before its engine died; whether that must be waited for.
    pub(super) fn open_again(&mut self, outputs: &mut Vec<Output>) -> bool {
        if self.opening_again {
            return true;
        }
        let active = self.world.run.as_ref().map(|active| active.id);
        let (Some(run), Some((_, question, configuration))) = (active, self.next_to_open()) else {
            return false;
        };
        self.opening_again = true;
        outputs.push(Output::Open {
            on: Opening::Again(run),
            question,
            configuration,
        });
        true
    }

    /// The first ephemeral resource that this run had open before its engine died and that must be opened again before
    /// anything is handed out, with what it is opened with; none when all are open.
    pub(crate) fn next_to_open(&mut self) -> Option<(Address, OpenQuestion, Configuration)> {
        // Ends: each round takes one that is not open, and there are as many as the plan has steps.
        while let Some((address, question)) =
            decide::to_open_again(&self.world, &mut self.memo, &self.held)
        {
            let (world, memo) = (&self.world, &mut self.memo);
            let question =
                question.and_then(|question| decide::asked(world, memo, &mut self.held, &question));
            match question {
                Ok(Question::Open(question)) => {
                    let configuration = self.configuration(&question.provider, &question.address);
                    return Some((address, question, configuration));
                }
                Ok(_) => return None,
                Err(found) => self.held.lose(address, found),
            }
        }
        None
    }

    /// What [`Core::next_to_open`] named was opened, or could not be.
    pub(crate) fn opened_again(
        &mut self,
        address: Address,
        opened: Result<(Value, Diagnostics), Diagnostics>,
    ) {
        if let Err(found) = self.taken(&address, opened) {
            self.held.lose(address, found);
        }
    }

    /// An ephemeral resource is open, or is not. What it holds stays here; what is told and written down is only that.
    pub(super) fn opened(
        &mut self,
        on: Opening,
        address: Address,
        opened: Result<(Value, Diagnostics), Diagnostics>,
        outputs: &mut Vec<Output>,
    ) {
        let active = self.world.run.as_ref().map(|active| active.id);
        match on {
            Opening::Plan(number) => {
                let Some(planning) = &self.planner else {
                    return;
                };
                let answer = planning.planner.take(&address, opened, &mut self.held);
                self.plan_answered(number, answer, outputs);
            }
            // What was opened for a run that is over was let go of with it.
            Opening::Step(run, _) | Opening::Again(run) if active != Some(run) => {}
            Opening::Step(run, action) => {
                let answer = match self.taken(&address, opened) {
                    Ok(answer) => Answer::Open(answer),
                    Err(found) => {
                        // What it held before its step must not be taken for what it holds.
                        self.held.lose(address, found.clone());
                        Answer::Failed(found)
                    }
                };
                self.answered(run, action, answer);
            }
            Opening::Again(_) => {
                self.opening_again = false;
                self.opened_again(address, opened);
            }
        }
    }

    fn taken(
        &mut self,
        address: &Address,
        opened: Result<(Value, Diagnostics), Diagnostics>,
    ) -> Result<OpenAnswer, Diagnostics> {
        let (value, diagnostics) = opened?;
        self.held.take(address.clone(), value);
        let found = decide::opened(&self.world, &mut self.memo, &mut self.held, address);
        if found.has_errors() {
            return Err(found);
        }
        Ok(OpenAnswer {
            later: false,
            diagnostics,
        })
    }
}
