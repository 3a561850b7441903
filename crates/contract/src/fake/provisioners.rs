//! Provisioners that only count.

use super::diag::{refused, trouble};
use super::{Fault, lock, ready};
use crate::{Inquiry, Outcome, Pending, Provisioners};
use model::{ActionId, Provision};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use value::Value;

/// [`Provisioners`] in memory: a `local-exec` whose command is `false` fails, as it would anywhere, and everything else
/// succeeds. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct FakeProvisioners(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    runs: BTreeMap<ActionId, Vec<Outcome>>,
    faults: VecDeque<Fault>,
}

impl FakeProvisioners {
    /// Nothing was run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outside of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// The next `run` meets this fault; several are met one after the other.
    pub fn next(&self, fault: Fault) {
        lock(&self.0).faults.push_back(fault);
    }

    /// How often each was run.
    pub fn runs(&self) -> BTreeMap<ActionId, usize> {
        let state = lock(&self.0);
        let runs = state.runs.iter();
        runs.map(|(action, runs)| (*action, runs.len())).collect()
    }

    /// It runs now.
    pub fn land(&self, action: ActionId, provision: &Provision) -> Outcome {
        run(&mut lock(&self.0), action, provision)
    }

    /// What is known of it now.
    pub fn look(&self, action: ActionId) -> Inquiry {
        let state = lock(&self.0);
        let last = state.runs.get(&action).and_then(|runs| runs.last());
        last.map_or(Inquiry::Absent, |outcome| Inquiry::Found(outcome.clone()))
    }
}

fn run(state: &mut State, action: ActionId, provision: &Provision) -> Outcome {
    if !matches!(&*provision.kind, "local-exec" | "remote-exec" | "file") {
        return refused("there is no such provisioner");
    }
    let command = provision.config.get("command").and_then(Value::as_str);
    let outcome = if command == Some("false") {
        Outcome::Broken {
            output: String::new(),
            diagnostics: trouble("the command failed"),
        }
    } else {
        Outcome::Provisioned {
            output: command.unwrap_or_default().to_owned(),
        }
    };
    state.runs.entry(action).or_default().push(outcome.clone());
    outcome
}

impl Provisioners for FakeProvisioners {
    fn run<'a>(&'a self, action: ActionId, provision: &'a Provision) -> Pending<'a, Outcome> {
        let mut state = lock(&self.0);
        ready(match state.faults.pop_front() {
            None => run(&mut state, action, provision),
            Some(fault) => fault.around(|| run(&mut state, action, provision)),
        })
    }

    fn inquire<'a>(&'a self, action: ActionId, _: &'a Provision) -> Pending<'a, Inquiry> {
        ready(self.look(action))
    }
}
