//! What must be looked at while a run is under way, how often, and which of what is seen is worth writing down.

use crate::World;
use crate::limits::{COUNTS_EVERY_MS, STARTING_EVERY_MS};
use alloc::vec::Vec;
use model::{Counts, InstanceId, InstanceState, Observation, RunKind};

/// Something to look at again and again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watch {
    /// An instance.
    Instance(InstanceId),
    /// The router's request counts.
    Counts,
}

/// What to look at now, each with the time between two looks in milliseconds.
pub fn watches(world: &World) -> Vec<(Watch, i64)> {
    let Some(run) = world
        .run
        .as_ref()
        .filter(|run| matches!(run.kind, RunKind::Deploy | RunKind::Stop))
    else {
        return Vec::new();
    };
    if run.steps_left > 0 {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (id, instance) in &world.instances {
        if instance.stopping || instance.address.is_none() {
            continue;
        }
        let every_ms = match instance.state {
            InstanceState::Starting => STARTING_EVERY_MS,
            InstanceState::Healthy | InstanceState::Unhealthy | InstanceState::Gone => {
                let service = world.services.get(&instance.service);
                let health = service.and_then(|service| {
                    service
                        .rollout
                        .as_ref()
                        .map(|one| &one.target)
                        .or(service.live.as_ref())
                });
                health
                    .map_or(1_000, |target| target.health.interval_ms as i64)
                    .max(STARTING_EVERY_MS)
            }
        };
        all.push((Watch::Instance(id.clone()), every_ms));
    }
    let rolling = world
        .services
        .values()
        .any(|service| service.rollout.is_some());
    let draining = world
        .instances
        .values()
        .any(|one| one.unrouted_ms.is_some() && !one.drained);
    if draining || (rolling && !world.route.table.routes.is_empty()) {
        all.push((Watch::Counts, COUNTS_EVERY_MS));
    }
    all
}

/// A reading of the router's counts, with an empty one for each draining service that it no longer names: a router
/// forgets a service when its last request is done, so not being named means that nothing is left.
pub fn with_uncounted(world: &World, mut seen: Vec<Observation>) -> Vec<Observation> {
    let draining = world
        .instances
        .values()
        .filter(|one| one.unrouted_ms.is_some() && !one.drained);
    for service in draining.map(|one| &one.service) {
        let named = seen.iter().any(|one| match one {
            Observation::Counts(counts) => counts.service == *service,
            Observation::Instance { .. } => false,
        });
        if !named {
            seen.push(Observation::Counts(Counts {
                service: service.clone(),
                boot: 0,
                arms: Vec::new(),
            }));
        }
    }
    seen
}

/// Whether an observation says something that the book does not.
pub fn is_news(world: &World, observation: &Observation) -> bool {
    match observation {
        // Why an instance is not well yet is worth an entry each time it is another reason: it is what a person is
        // told when it never gets well. Only the first line says why; what follows are the last lines of logs, which
        // may come after the answer that explains them: more of them are news, of which there are as many as lines
        // are kept, and other ones are not, or a talkative instance would fill the book.
        Observation::Instance {
            instance,
            state,
            detail,
        } => world.instances.get(instance).is_some_and(|known| {
            let starting = *state == InstanceState::Starting;
            let another = known.detail.lines().next() != detail.lines().next();
            let more = detail.lines().count() > known.detail.lines().count();
            (known.state != *state || starting && (another || more)) && !known.stopping
        }),
        Observation::Counts(counts) => {
            let rollout = world
                .services
                .get(&counts.service)
                .and_then(|service| service.rollout.as_ref());
            let judged = rollout.is_some_and(|rollout| {
                rollout.last_counts().is_none_or(|last| {
                    last.boot != counts.boot
                        || last
                            .arms
                            .iter()
                            .map(|arm| (arm.version, arm.finished, arm.failed))
                            .collect::<Vec<_>>()
                            != counts
                                .arms
                                .iter()
                                .map(|arm| (arm.version, arm.finished, arm.failed))
                                .collect::<Vec<_>>()
                })
            });
            let drained = world.instances.iter().any(|(id, one)| {
                let left = counts
                    .arms
                    .iter()
                    .flat_map(|arm| &arm.in_flight)
                    .any(|(other, n)| other == id && *n > 0);
                one.service == counts.service && one.unrouted_ms.is_some() && !one.drained && !left
            });
            judged || drained
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::InstanceWorld;
    use alloc::borrow::ToOwned as _;
    use model::{Digest, Version};
    use value::Name;

    /// Whether it is news that an instance of this state and detail is now seen so.
    fn news(known: (InstanceState, &str), seen: (InstanceState, &str)) -> bool {
        let id = InstanceId("web-1".to_owned());
        let instance = InstanceWorld {
            service: Name::from("web"),
            version: Version(Digest::of(b"")),
            state: known.0,
            since_ms: 0,
            detail: known.1.to_owned(),
            address: None,
            placed_ms: 0,
            stopping: false,
            unrouted_ms: None,
            routed: false,
            drained: false,
        };
        let mut world = World::default();
        world.instances.insert(id.clone(), instance);
        let seen = Observation::Instance {
            instance: id,
            state: seen.0,
            detail: seen.1.to_owned(),
        };
        is_news(&world, &seen)
    }

    #[test]
    fn why_an_instance_is_not_well_is_news_when_there_is_more_of_it_but_not_when_it_only_goes_on() {
        use InstanceState::{Healthy, Starting, Unhealthy};
        assert!(news((Starting, "503"), (Healthy, "200")));
        assert!(news((Starting, "refused"), (Starting, "503")));
        assert!(news((Starting, "503"), (Starting, "503\nlistening")));
        assert!(!news(
            (Starting, "503\nlistening"),
            (Starting, "503\nlistening")
        ));
        assert!(!news(
            (Starting, "503\nwaits 1 s"),
            (Starting, "503\nwaits 2 s")
        ));
        assert!(!news((Unhealthy, "503"), (Unhealthy, "503\nlistening")));
    }
}
