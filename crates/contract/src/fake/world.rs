//! The outside that [`FakeProvider`](super::FakeProvider)s act on: objects with ids that the server makes, and a log of
//! everything that reached it, for checkers that know all.

use super::{Fault, lock};
use model::{ActionId, Address, Verb};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use value::{Name, Value};

/// All objects. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FakeWorld(Arc<Mutex<State>>);

/// One object as the outside has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeObject {
    /// Made by the server: `obj-1`, `obj-2` and so on, never twice.
    pub id: String,
    /// Its resource type.
    pub kind: Name,
    /// The action that made it: for checkers; the fake itself looks at it only where its class has a key.
    pub made_by: ActionId,
    /// All its attributes.
    pub value: Value,
}

/// Something that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// By which action.
    pub action: ActionId,
    /// What was done.
    pub verb: Verb,
    /// To which object.
    pub id: String,
    /// Where the configuration has it.
    pub address: Address,
}

/// A call of the trait, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderCall {
    /// `ask` with a read.
    Read(Address),
    /// `ask` with a plan.
    Plan(Address),
    /// `ask` with a call of this function.
    Call(Name),
    /// `apply`.
    Apply(ActionId, Verb, Address),
    /// `inquire`.
    Inquire(ActionId, Address),
    /// `open`.
    Open(Address),
    /// `renew` of a lease with this name.
    Renew(String),
    /// `let_go` of a lease with this name.
    LetGo(String),
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<String, FakeObject>,
    pub(super) made: u64,
    /// What was answered to creations with a key.
    pub(super) answered: BTreeMap<ActionId, Value>,
    pub(super) landings: Vec<Landing>,
    pub(super) calls: Vec<ProviderCall>,
    /// How many ephemeral resources were opened.
    pub(super) opened: u64,
    /// When the leases that are opened and renewed next must be renewed.
    pub(super) renewals_ms: VecDeque<i64>,
    pub(super) faults: VecDeque<Fault>,
}

impl FakeWorld {
    /// An empty outside.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outside of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// All objects, by id.
    pub fn objects(&self) -> Vec<FakeObject> {
        self.state().objects.values().cloned().collect()
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.state().objects.len()
    }

    /// Everything that took effect, in order.
    pub fn landings(&self) -> Vec<Landing> {
        self.state().landings.clone()
    }

    /// Every call of the trait, in order.
    pub fn calls(&self) -> Vec<ProviderCall> {
        self.state().calls.clone()
    }

    /// What is opened or renewed next must be renewed at this time; several are met one after the other.
    pub fn renew_at(&self, at_ms: i64) {
        self.state().renewals_ms.push_back(at_ms);
    }

    /// The next `apply` meets this fault; several are met one after the other.
    pub fn next(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Drift: somebody changes an attribute behind everybody's back. False when there is no such object or attribute.
    pub fn drift(&self, id: &str, attribute: &str, value: Value) -> bool {
        let mut state = self.state();
        let Some(object) = state.objects.get_mut(id) else {
            return false;
        };
        let mut entries = object.value.entries().cloned().unwrap_or_default();
        let Some(entry) = entries.get_mut(attribute) else {
            return false;
        };
        *entry = value;
        object.value = Value::object(entries);
        true
    }

    /// Drift: somebody removes an object. False when there is none.
    pub fn remove(&self, id: &str) -> bool {
        self.state().objects.remove(id).is_some()
    }
}
