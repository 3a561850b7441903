//! [`Planner`]: the dialogue that ends in a plan.
//!
//! A plan is made in one [`Pass`] over all blocks. Where expressions call functions of providers, a pass that comes to
//! a call nobody has answered is given up at the end of its round: the call is asked, and another pass begins, which
//! knows its answer and what was answered before. So a plan is never made of a value that is only not known yet, and
//! everything is asked once. All rounds before the one that was given up are the same in the next pass, for nothing in
//! them needed what it knows more; so the answers in the order of their questions are those of the last pass, and
//! release, world, calls and answers determine the plan.

use super::ephemeral::Handed;
use super::pass::Pass;
use crate::heal;
use crate::limits::CALL_ROUNDS_MAX;
use crate::take_back;
use crate::{Held, LoadedRelease, World, diag};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use model::{
    Address, Answer, CallQuestion, Digest, Origin, Plan, ProviderSchema, Question, RunOptions,
    encode,
};
use value::{Diagnostics, Value};

/// Schemas by source address of their provider.
pub type Schemas = BTreeMap<String, ProviderSchema>;

/// Makes a plan by asking.
///
/// Call [`Planner::questions`], give each answer to [`Planner::answer`], and repeat until there are no questions; then
/// [`Planner::finish`].
#[derive(Debug)]
pub struct Planner {
    pass: Pass,
    /// Where functions of providers are called; none where none are, which then costs nothing.
    calling: Option<Box<Calling>>,
}

/// What another pass begins with, and the round under way.
#[derive(Debug)]
struct Calling {
    loaded: Arc<LoadedRelease>,
    world: World,
    schemas: Arc<Schemas>,
    options: RunOptions,
    began_at_ms: Option<i64>,
    /// What was answered in passes before, by the digest of the question.
    answers: BTreeMap<Digest, Answer>,
    /// The questions of the round by number, with their answers as they come.
    round: BTreeMap<u32, (Asked, Option<Answer>)>,
    /// Passes that were given up.
    n_given_up: u32,
    /// Whether calls are asked; whoever derives a plan again knows those that there were.
    asks: bool,
}

#[derive(Debug)]
enum Asked {
    Call(CallQuestion),
    /// By its digest.
    Question(Digest),
}

impl Planner {
    /// Begins to plan a release in a world.
    pub fn new(
        loaded: Arc<LoadedRelease>,
        world: &World,
        schemas: Arc<Schemas>,
        options: RunOptions,
    ) -> Self {
        let calling = (!loaded.release.functions.is_empty()).then(|| {
            Box::new(Calling {
                loaded: loaded.clone(),
                world: world.clone(),
                schemas: schemas.clone(),
                options: options.clone(),
                began_at_ms: None,
                answers: BTreeMap::new(),
                round: BTreeMap::new(),
                n_given_up: 0,
                asks: true,
            })
        });
        Self {
            pass: Pass::new(loaded, world, schemas, options),
            calling,
        }
    }

    /// The same for whoever derives again what was planned: calls of functions that the world has no answer to are not
    /// asked, and what comes of them is not known. Those with ephemeral arguments are never in the book.
    #[must_use]
    pub fn without_calls(mut self) -> Self {
        if let Some(calling) = &mut self.calling {
            calling.asks = false;
        }
        self
    }

    /// Says when a plan is made that no run asked for.
    pub fn begin_at(&mut self, at_ms: i64) {
        self.pass.begin_at(at_ms);
        if let Some(calling) = &mut self.calling {
            calling.began_at_ms = Some(at_ms);
        }
    }

    /// What must be answered next. Empty when the plan can be finished.
    pub fn questions(&mut self) -> Vec<(u32, Question)> {
        loop {
            // Ends: a round is asked, or answered by what is known, and there are so many rounds as in `Pass`.
            let questions = self.pass.questions();
            let Some(calling) = &mut self.calling else {
                return questions;
            };
            if calling.asks {
                // What providers are configured with is computed when they are asked: its calls come first.
                let mut nothing = Held::default();
                for (_, question) in &questions {
                    let _ = self.pass.configuration(question, &mut nothing);
                    let _ = self.pass.handed_out(question, &mut nothing);
                }
                if questions.is_empty() {
                    self.pass.look_at_outputs();
                }
                let open = self.pass.evaluator.take_open_calls();
                if !open.is_empty() {
                    return calling.ask(open);
                }
            }
            let mut unanswered = Vec::new();
            for (number, question) in questions {
                let digest = Digest::of(&encode(&question));
                let known = calling.answers.get(&digest).cloned();
                if known.is_none() {
                    unanswered.push((number, question));
                }
                let asked = Asked::Question(digest);
                calling.round.insert(number, (asked, known));
            }
            if !unanswered.is_empty() || calling.round.is_empty() {
                return unanswered;
            }
            self.end_round();
        }
    }

    /// Takes the answer to a question. Answers to unknown numbers are ignored.
    pub fn answer(&mut self, number: u32, answer: Answer) {
        let Some(calling) = &mut self.calling else {
            self.pass.answer(number, answer);
            return;
        };
        if let Some((_, place)) = calling.round.get_mut(&number) {
            place.get_or_insert(answer);
            if calling.round.values().all(|(_, answer)| answer.is_some()) {
                self.end_round();
            }
        }
    }

    /// Everything in the round is answered.
    fn end_round(&mut self) {
        let Some(calling) = &mut self.calling else {
            return;
        };
        let mut calls = Vec::new();
        for (number, (asked, answer)) in core::mem::take(&mut calling.round) {
            let Some(answer) = answer else { continue };
            match asked {
                Asked::Call(call) => calls.push((call, answer)),
                Asked::Question(digest) => {
                    calling.answers.insert(digest, answer.clone());
                    self.pass.answer(number, answer);
                }
            }
        }
        if calls.is_empty() {
            return;
        }
        let mut next = Pass::new(
            calling.loaded.clone(),
            &calling.world,
            calling.schemas.clone(),
            calling.options.clone(),
        );
        if let Some(at_ms) = calling.began_at_ms {
            next.begin_at(at_ms);
        }
        next.evaluator.take_answers_of(&self.pass.evaluator);
        for (call, answer) in &calls {
            next.evaluator.learn(call, answer);
        }
        calling.n_given_up += 1;
        if calling.n_given_up > CALL_ROUNDS_MAX {
            next.give_up(diag::calls_without_end());
        }
        self.pass = next;
    }

    /// What the provider of a question must be configured with; none where nobody has written a configuration down.
    ///
    /// # Errors
    /// When the configuration cannot be evaluated.
    pub fn configuration(
        &self,
        question: &Question,
        held: &mut Held,
    ) -> Result<Option<Value>, Diagnostics> {
        self.pass.configuration(question, held)
    }

    /// A question with what is ephemeral in it, conditions that rest on that judged.
    pub fn handed_out(&self, question: &Question, held: &mut Held) -> Handed {
        self.pass.handed_out(question, held)
    }

    /// Takes what an ephemeral resource holds that was opened; the answer to the question says nothing of it. One that
    /// is not as its postconditions say is a failure.
    pub fn take(
        &self,
        address: &Address,
        opened: Result<(Value, Diagnostics), Diagnostics>,
        held: &mut Held,
    ) -> Answer {
        self.pass.take(address, opened, held)
    }

    /// What speaks against variables and outputs that rest on ephemeral resources, once nothing is asked any more.
    pub fn judged_with(&self, held: &mut Held) -> Diagnostics {
        self.pass.judged_with(held)
    }

    /// What the objects that were planned will be. With trouble, those that are not in it were not planned.
    pub fn planned(&self) -> &BTreeMap<Address, Value> {
        &self.pass.planned
    }

    /// The calls of functions that the plan was made with, and what was answered.
    pub fn calls(&self) -> Vec<(CallQuestion, Answer)> {
        self.pass.evaluator.answered_calls()
    }

    /// The plan, or everything that speaks against one.
    ///
    /// # Errors
    /// All diagnostics, at least one of them an error.
    pub fn finish(self) -> Result<Plan, Diagnostics> {
        let (origin, targets) = self.pass.wanted();
        let take_back = self.pass.take_back().cloned();
        let plan = self.pass.finish()?;
        let found = match origin {
            Origin::Heal => heal::refused(&plan, &targets),
            Origin::Rollback(_) => {
                take_back.map_or_else(Diagnostics::new, |one| take_back::refused(&plan, &one))
            }
            Origin::Person => Diagnostics::new(),
        };
        if found.has_errors() {
            Err(found)
        } else {
            Ok(plan)
        }
    }
}

impl Calling {
    /// Calls are asked alone: what else the round would ask was computed without their answers.
    fn ask(&mut self, open: Vec<CallQuestion>) -> Vec<(u32, Question)> {
        let numbered = (0..).zip(open);
        let questions = numbered.map(|(number, call)| {
            self.round.insert(number, (Asked::Call(call.clone()), None));
            (number, Question::Call(call))
        });
        questions.collect()
    }
}
