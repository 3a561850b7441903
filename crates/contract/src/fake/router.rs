//! A router whose clients are function calls.

use super::diag::refused;
use super::{Fault, lock, ready};
use crate::{Outcome, Pending, Router, Unavailable};
use model::{ArmCounts, Counts, InstanceId, RouteTable, Version};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use value::Name;

/// A [`Router`] in memory. Clones share the table and the counts.
#[derive(Clone, Debug, Default)]
pub struct FakeRouter(Arc<Mutex<State>>);

/// A request under way: give it back to [`FakeRouter::end`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeRequest {
    /// The service it was sent to.
    pub service: Name,
    /// The version that answers it.
    pub version: Version,
    /// The instance that answers it; none when the version has no instance that takes requests.
    pub instance: Option<InstanceId>,
}

#[derive(Clone, Debug, Default)]
struct State {
    table: Option<RouteTable>,
    ports: BTreeMap<Name, u16>,
    counts: BTreeMap<Name, BTreeMap<Version, Tally>>,
    boot: u64,
    published: Vec<u64>,
    faults: VecDeque<Fault>,
    unreachable: bool,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    finished: u64,
    failed: u64,
    in_flight: BTreeMap<InstanceId, u64>,
}

/// Ports that the fake chooses begin above this one. Nothing listens there.
const PORT_BASE: u16 = 30_000;

impl FakeRouter {
    /// A router without a table.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outside of its own that begins as this one stands: from then on the two share nothing.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(lock(&self.0).clone())))
    }

    /// The next `publish` meets this fault; several are met one after the other.
    pub fn next(&self, fault: Fault) {
        lock(&self.0).faults.push_back(fault);
    }

    /// While set, `current` and `counts` are `Unavailable`.
    pub fn set_unreachable(&self, unreachable: bool) {
        lock(&self.0).unreachable = unreachable;
    }

    /// The router starts again: it keeps its table and its ports, and counts from zero.
    pub fn restart(&self) {
        let mut state = lock(&self.0);
        state.boot += 1;
        state.counts.clear();
    }

    /// The table in force.
    pub fn table(&self) -> Option<RouteTable> {
        lock(&self.0).table.clone()
    }

    /// Generations that were put in force, in order; one that was published again is not listed again.
    pub fn published(&self) -> Vec<u64> {
        lock(&self.0).published.clone()
    }

    /// The publication takes effect now.
    pub fn land(&self, table: &RouteTable) -> Outcome {
        publish(&mut lock(&self.0), table)
    }

    /// One whole request that succeeds. The draw decides who gets it, in proportion to the weights: the same draw and
    /// table always give the same version. None when the service has no route or no arm with a weight.
    pub fn request(&self, service: &str, draw: u64) -> Option<Version> {
        let request = self.begin(service, draw)?;
        let version = request.version;
        let failed = request.instance.is_none();
        self.end(request, failed);
        Some(version)
    }

    /// A request begins.
    pub fn begin(&self, service: &str, draw: u64) -> Option<FakeRequest> {
        let mut state = lock(&self.0);
        let table = state.table.as_ref()?;
        let route = table
            .routes
            .iter()
            .find(|route| &*route.service == service)?;
        let total: u64 = route.arms.iter().map(|arm| u64::from(arm.weight)).sum();
        let mut rest = draw.checked_rem(total)?;
        let arm = route.arms.iter().find(|arm| {
            let mine = rest < u64::from(arm.weight);
            rest = rest.saturating_sub(u64::from(arm.weight));
            mine
        })?;
        let open: Vec<_> = arm.backends.iter().filter(|b| !b.draining).collect();
        let turn = (draw / total).checked_rem(open.len() as u64);
        let backend = turn.and_then(|turn| open.get(usize::try_from(turn).ok()?));
        let request = FakeRequest {
            service: route.service.clone(),
            version: arm.version,
            instance: backend.map(|backend| backend.instance.clone()),
        };
        if let Some(instance) = &request.instance {
            let tally = state.tally(&request);
            *tally.in_flight.entry(instance.clone()).or_default() += 1;
        }
        Some(request)
    }

    /// A request is over.
    pub fn end(&self, request: FakeRequest, failed: bool) {
        let mut state = lock(&self.0);
        let tally = state.tally(&request);
        tally.finished += 1;
        tally.failed += u64::from(failed);
        if let Some(instance) = &request.instance
            && let Some(n) = tally.in_flight.get_mut(instance)
        {
            *n = n.saturating_sub(1);
            if *n == 0 {
                tally.in_flight.remove(instance);
            }
        }
    }

    /// Counts many requests at once, for simulators that draw totals.
    pub fn tally(&self, service: &str, version: Version, finished: u64, failed: u64) {
        let mut state = lock(&self.0);
        let arms = state.counts.entry(service.into()).or_default();
        let tally = arms.entry(version).or_default();
        tally.finished += finished;
        tally.failed += failed.min(finished);
    }
}

impl State {
    fn tally(&mut self, request: &FakeRequest) -> &mut Tally {
        let arms = self.counts.entry(request.service.clone()).or_default();
        arms.entry(request.version).or_default()
    }
}

impl Router for FakeRouter {
    fn publish<'a>(&'a self, table: &'a RouteTable) -> Pending<'a, Outcome> {
        let mut state = lock(&self.0);
        ready(match state.faults.pop_front() {
            None => publish(&mut state, table),
            Some(fault) => fault.around(|| publish(&mut state, table)),
        })
    }

    fn current(&self) -> Pending<'_, Result<Option<RouteTable>, Unavailable>> {
        let state = lock(&self.0);
        ready(if state.unreachable {
            Err(unreachable())
        } else {
            Ok(state.table.clone())
        })
    }

    fn counts(&self) -> Pending<'_, Result<Vec<Counts>, Unavailable>> {
        let state = lock(&self.0);
        if state.unreachable {
            return ready(Err(unreachable()));
        }
        let mut services: Vec<&Name> = state.ports.keys().chain(state.counts.keys()).collect();
        services.sort();
        services.dedup();
        let of_service = |service: &Name| Counts {
            service: service.clone(),
            boot: state.boot,
            arms: state
                .counts
                .get(service)
                .into_iter()
                .flatten()
                .map(|(version, tally)| ArmCounts {
                    version: *version,
                    finished: tally.finished,
                    failed: tally.failed,
                    in_flight: tally
                        .in_flight
                        .iter()
                        .map(|(i, n)| (i.clone(), *n))
                        .collect(),
                })
                .collect(),
        };
        ready(Ok(services.into_iter().map(of_service).collect()))
    }
}

fn unreachable() -> Unavailable {
    Unavailable("the router does not answer, as the test asked".into())
}

fn publish(state: &mut State, table: &RouteTable) -> Outcome {
    match &state.table {
        Some(current) if table.generation < current.generation => {
            return refused("an older generation than the one in force");
        }
        Some(current) if table.generation == current.generation && table != current => {
            return refused("the generation in force has another content");
        }
        Some(current) if table == current => {}
        Some(_) | None => {
            state.published.push(table.generation);
            state.table = Some(table.clone());
        }
    }
    let mut ports = BTreeMap::new();
    for route in &table.routes {
        let next = PORT_BASE + u16::try_from(state.ports.len()).unwrap_or(0);
        let port = match route.port {
            0 => *state.ports.entry(route.service.clone()).or_insert(next),
            asked => {
                state.ports.insert(route.service.clone(), asked);
                asked
            }
        };
        ports.insert(route.service.clone(), port);
    }
    Outcome::Published {
        generation: table.generation,
        ports,
    }
}
