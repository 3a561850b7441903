//! Calls of functions of providers while something is evaluated: what was answered, and what nobody has answered yet.
//!
//! Whoever decides asks after each evaluation what was open in it ([`Evaluator::take_open_calls`]), has that answered,
//! and evaluates again.

use super::Evaluator;
use crate::Run;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use model::{Answer, CallAnswer, CallQuestion};
use value::functions::{self, declared_name};
use value::{Marks, Value};

/// What an [`Evaluator`] knows of calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By [`key`], with the call as it was asked.
    answers: BTreeMap<CallQuestion, (CallQuestion, Answer)>,
    /// How many of the run's are among them.
    n_of_run: usize,
    /// Calls without an answer, by [`key`].
    open: BTreeMap<CallQuestion, CallQuestion>,
    /// How often something was evaluated without an answer.
    n_holes: u64,
}

/// Whether a call has an ephemeral argument: then neither it nor its answer is ever written down.
pub fn is_ephemeral(call: &CallQuestion) -> bool {
    let mut marks = call.arguments.iter().map(Value::marks_deep);
    marks.any(|marks| marks.contains(Marks::EPHEMERAL))
}

/// What a call is known by. What comes of it does not depend on marks; but what is ephemeral stays apart, because its
/// answer is not written down.
fn key(call: &CallQuestion) -> CallQuestion {
    let mark = match is_ephemeral(call) {
        true => Marks::EPHEMERAL,
        false => Marks::NONE,
    };
    let arguments = call.arguments.iter();
    CallQuestion {
        arguments: arguments
            .map(|one| one.clone().unmark_all().with_marks(mark))
            .collect(),
        ..call.clone()
    }
}

impl Evaluator {
    /// What is known of a call; a call that nobody has answered is open from here on.
    pub(super) fn call(&self, name: &str, arguments: &[Value], marks: Marks) -> functions::Called {
        let Some((provider, function)) = declared_name(name) else {
            return functions::Called::Open;
        };
        let arguments = arguments.iter();
        let call = CallQuestion {
            provider: provider.into(),
            function: function.into(),
            arguments: arguments.map(|one| one.clone().with_marks(marks)).collect(),
        };
        let key = key(&call);
        let mut calls = self.calls.borrow_mut();
        match calls.answers.get(&key).map(|(_, answer)| answer) {
            Some(Answer::Call(CallAnswer::Gives(value))) => {
                functions::Called::Gives(value.clone().unmark_all())
            }
            Some(Answer::Call(CallAnswer::Refuses { why, argument })) => {
                functions::Called::Refuses {
                    why: why.clone(),
                    argument: argument.map(|at| at as usize),
                }
            }
            Some(Answer::Failed(found)) => functions::Called::Unanswered(found.clone()),
            Some(
                Answer::Read(_)
                | Answer::Plan(_)
                | Answer::Data(_)
                | Answer::Import(_)
                | Answer::Upgrade(_)
                | Answer::Open(_),
            )
            | None => {
                calls.n_holes += 1;
                calls.open.insert(key, call);
                functions::Called::Open
            }
        }
    }

    /// Takes note of what was answered to a call.
    pub(crate) fn learn(&self, call: &CallQuestion, answer: &Answer) {
        let known = (call.clone(), answer.clone());
        self.calls.borrow_mut().answers.insert(key(call), known);
    }

    /// Takes note of what was answered to the calls of a run, beyond those that were known before.
    pub(crate) fn learn_of(&self, run: &Run) {
        let n_known = self.calls.borrow().n_of_run;
        for (call, answer) in run.calls.iter().skip(n_known) {
            self.learn(call, answer);
        }
        self.calls.borrow_mut().n_of_run = run.calls.len();
    }

    /// Takes over all answers that another one knows.
    pub(crate) fn take_answers_of(&self, other: &Self) {
        let answers = core::mem::take(&mut other.calls.borrow_mut().answers);
        self.calls.borrow_mut().answers.extend(answers);
    }

    /// Takes note of all answers that another one knows.
    pub(crate) fn share_answers_of(&self, other: &Self) {
        let answers = &other.calls.borrow().answers;
        let mut calls = self.calls.borrow_mut();
        if calls.answers.len() != answers.len() {
            calls.answers = answers.clone();
            drop(calls);
            self.forget();
        }
    }

    /// All calls that were answered.
    pub(crate) fn answered_calls(&self) -> Vec<(CallQuestion, Answer)> {
        self.calls.borrow().answers.values().cloned().collect()
    }

    /// Calls that something needed since this was last asked, and that nobody has answered.
    pub(crate) fn take_open_calls(&self) -> Vec<CallQuestion> {
        let open = core::mem::take(&mut self.calls.borrow_mut().open);
        open.into_values().collect()
    }

    /// Whether something needed a call that nobody has answered, since that was last asked.
    pub(crate) fn has_open_calls(&self) -> bool {
        !self.calls.borrow().open.is_empty()
    }

    /// How often something was evaluated without an answer that it needs.
    pub(super) fn n_holes(&self) -> u64 {
        self.calls.borrow().n_holes
    }
}
