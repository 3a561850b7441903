//! A runtime whose instances do what the test says.

use super::diag::refused;
use super::{Fault, lock, ready};
use crate::{InstanceReport, Outcome, Pending, Runtime, Unavailable};
use model::{InstanceId, InstanceSpec, InstanceState};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A [`Runtime`] in memory. Clones share the instances.
#[derive(Clone, Debug, Default)]
pub struct FakeRuntime(Arc<Mutex<State>>);

/// A changing call of the trait, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeCall {
    /// `place`.
    Place(InstanceId),
    /// `stop`.
    Stop(InstanceId),
}

#[derive(Clone, Debug, Default)]
struct State {
    instances: BTreeMap<InstanceId, Instance>,
    healthy_after: u32,
    placed: u16,
    calls: Vec<RuntimeCall>,
    faults: VecDeque<Fault>,
    unreachable: bool,
}

#[derive(Clone, Debug)]
struct Instance {
    spec: InstanceSpec,
    address: String,
    looks: u32,
    starts: u32,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Well,
    Sick,
    Crashed,
}

/// Ports of fake instances begin above this one. Nothing listens there.
const PORT_BASE: u16 = 20_000;

impl FakeRuntime {
    /// A runtime without instances, which are healthy at the first look.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outside of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// Instances are `Starting` for so many looks.
    #[must_use]
    pub fn healthy_after(self, looks: u32) -> Self {
        lock(&self.0).healthy_after = looks;
        self
    }

    /// The next changing call meets this fault; several are met one after the other.
    pub fn next(&self, fault: Fault) {
        lock(&self.0).faults.push_back(fault);
    }

    /// While set, looking at anything is `Unavailable`.
    pub fn set_unreachable(&self, unreachable: bool) {
        lock(&self.0).unreachable = unreachable;
    }

    /// Its process ends and is not started again. False when there is no such instance.
    pub fn crash(&self, instance: &InstanceId) -> bool {
        self.live(instance, Life::Crashed)
    }

    /// Its health check fails from now on, or passes again. False when there is no such instance.
    pub fn set_healthy(&self, instance: &InstanceId, healthy: bool) -> bool {
        self.live(instance, if healthy { Life::Well } else { Life::Sick })
    }

    fn live(&self, instance: &InstanceId, life: Life) -> bool {
        let mut state = lock(&self.0);
        let known = state.instances.get_mut(instance);
        known.map(|instance| instance.life = life).is_some()
    }

    /// What runs or ran and was not stopped, by name.
    pub fn instances(&self) -> Vec<InstanceSpec> {
        let state = lock(&self.0);
        state.instances.values().map(|i| i.spec.clone()).collect()
    }

    /// Every changing call, in order.
    pub fn calls(&self) -> Vec<RuntimeCall> {
        lock(&self.0).calls.clone()
    }

    /// The placement takes effect now.
    pub fn land_place(&self, spec: &InstanceSpec) -> Outcome {
        place(&mut lock(&self.0), spec)
    }

    /// The stop takes effect now.
    pub fn land_stop(&self, instance: &InstanceId) -> Outcome {
        stop(&mut lock(&self.0), instance)
    }
}

impl Runtime for FakeRuntime {
    fn place<'a>(&'a self, spec: &'a InstanceSpec, _unpacked: &'a Path) -> Pending<'a, Outcome> {
        let mut state = lock(&self.0);
        state.calls.push(RuntimeCall::Place(spec.instance.clone()));
        ready(match state.faults.pop_front() {
            None => place(&mut state, spec),
            Some(fault) => fault.around(|| place(&mut state, spec)),
        })
    }

    fn stop<'a>(&'a self, instance: &'a InstanceId, _grace_ms: u64) -> Pending<'a, Outcome> {
        let mut state = lock(&self.0);
        state.calls.push(RuntimeCall::Stop(instance.clone()));
        ready(match state.faults.pop_front() {
            None => stop(&mut state, instance),
            Some(fault) => fault.around(|| stop(&mut state, instance)),
        })
    }

    fn observe<'a>(
        &'a self,
        instance: &'a InstanceId,
    ) -> Pending<'a, Result<InstanceReport, Unavailable>> {
        let mut state = lock(&self.0);
        let healthy_after = state.healthy_after;
        ready(if state.unreachable {
            Err(Unavailable(
                "the runtime does not answer, as the test asked".into(),
            ))
        } else {
            Ok(match state.instances.get_mut(instance) {
                Some(known) => look(known, healthy_after),
                None => InstanceReport {
                    state: InstanceState::Gone,
                    detail: "never placed, or stopped".into(),
                    address: None,
                    starts: 0,
                },
            })
        })
    }

    fn list(&self) -> Pending<'_, Result<Vec<InstanceId>, Unavailable>> {
        let state = lock(&self.0);
        ready(if state.unreachable {
            Err(Unavailable(
                "the runtime does not answer, as the test asked".into(),
            ))
        } else {
            Ok(state.instances.keys().cloned().collect())
        })
    }
}

fn place(state: &mut State, spec: &InstanceSpec) -> Outcome {
    if spec.run.is_empty() {
        return refused("an instance without a command");
    }
    if let Some(known) = state.instances.get(&spec.instance) {
        return Outcome::Placed {
            address: known.address.clone(),
        };
    }
    state.placed = state.placed.wrapping_add(1) % (u16::MAX - PORT_BASE);
    let address = format!("127.0.0.1:{}", PORT_BASE + state.placed);
    let instance = Instance {
        spec: spec.clone(),
        address: address.clone(),
        looks: 0,
        starts: 1,
        life: Life::Well,
    };
    state.instances.insert(spec.instance.clone(), instance);
    Outcome::Placed { address }
}

fn stop(state: &mut State, instance: &InstanceId) -> Outcome {
    state.instances.remove(instance);
    Outcome::Stopped
}

fn look(instance: &mut Instance, healthy_after: u32) -> InstanceReport {
    instance.looks = instance.looks.saturating_add(1);
    let starting = instance.looks <= healthy_after;
    let (state, detail) = match instance.life {
        Life::Crashed => (InstanceState::Gone, "exit status 1"),
        Life::Well | Life::Sick if starting => (InstanceState::Starting, "not listening yet"),
        Life::Well => (InstanceState::Healthy, "200 OK"),
        Life::Sick => (InstanceState::Unhealthy, "503 Service Unavailable"),
    };
    InstanceReport {
        state,
        detail: detail.into(),
        address: Some(instance.address.clone()),
        starts: instance.starts,
    }
}
