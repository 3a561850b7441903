//! The route table as requests meet it: checked, with the counters, pools and health of its backends attached.
//!
//! [`check`] says whether a published [`RouteTable`] can be served at all, before anything is touched. [`Registry`]
//! turns a checked one into a [`Table`]; it owns everything that outlives a publication, so that a backend which stays
//! keeps its counters, its idle connections and its health, and one which leaves stays visible until it has drained.
//! [`Table::begin`] takes the routing decision for one attempt.

use crate::choose::{self, Candidate, Schedule};
use crate::control::{ArmCounts, BackendCounts, ServiceCounts, Standing};
use crate::counts::{Flight, Tally, Visit};
use crate::health::Health;
use crate::limits::{
    ARMS_PER_SERVICE_MAX, BACKENDS_PER_SERVICE_MAX, HEALTH_INTERVAL_MS_MAX, HEALTH_INTERVAL_MS_MIN,
    HEALTH_PATH_BYTES_MAX, HEALTH_TIMEOUT_MS_MAX, NAME_BYTES_MAX, RETIRED_ARMS_MAX,
    RETIRED_BACKENDS_MAX, SERVICES_MAX, WEIGHT_SUM_MAX,
};
use crate::pool::Pool;
use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use model::{InstanceId, Route, RouteTable, Version};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use value::Name;

/// Why a table cannot be served. Nothing of it was put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// More of something than a table may have.
    #[error("{place} has {found} {things}; at most {limit} are allowed")]
    TooMany {
        /// In the table or in which service.
        place: String,
        /// Of what.
        things: &'static str,
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The same thing twice.
    #[error("{place} names {what} twice")]
    Twice {
        /// In the table or in which service.
        place: String,
        /// What.
        what: String,
    },
    /// A name that cannot be sent as a header or shown on one line.
    #[error("{what} {name:?} must have 1 to {NAME_BYTES_MAX} visible ASCII characters")]
    Name {
        /// What is so named.
        what: &'static str,
        /// How.
        name: String,
    },
    /// An address that is not `address:port`.
    #[error(
        "instance {instance} of service {service} has the address {address:?}; an IP address and a port other than 0 are needed, as in 127.0.0.1:8080"
    )]
    Address {
        /// Of which service.
        service: Name,
        /// Of which instance.
        instance: InstanceId,
        /// What stands there.
        address: String,
    },
    /// An instance with the address on which the proxy itself listens: requests would go round in circles.
    #[error(
        "instance {instance} of service {service} is said to be on port {port}, on which the proxy itself listens"
    )]
    Circle {
        /// Of which service.
        service: Name,
        /// Of which instance.
        instance: InstanceId,
        /// Which port.
        port: u16,
    },
    /// A health check that cannot be carried out.
    #[error("the health check of service {service} has {what}")]
    Health {
        /// Of which service.
        service: Name,
        /// What is wrong with it.
        what: String,
    },
}

/// A table in force.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// As it was published, none before the first.
    pub(crate) published: Option<RouteTable>,
    /// Port of each service.
    pub(crate) ports: BTreeMap<Name, u16>,
    by_port: HashMap<u16, Service>,
}

/// One service of a table.
#[derive(Debug)]
struct Service {
    name: Name,
    tally: Arc<Tally>,
    turn: Arc<AtomicU64>,
    schedule: Schedule,
    arms: Vec<Arm>,
}

/// One version of a service, with those of its backends that may get requests.
#[derive(Debug)]
struct Arm {
    version: Version,
    weight: u32,
    turn: AtomicU64,
    backends: Vec<Arc<Backend>>,
}

/// One instance at one address, for as long as anybody remembers it.
#[derive(Debug)]
pub(crate) struct Backend {
    /// Of which service.
    pub(crate) service: Name,
    /// Which instance it is.
    pub(crate) instance: InstanceId,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// The version, as sent to clients.
    pub(crate) version_header: HeaderValue,
    /// The instance, as sent to clients.
    pub(crate) instance_header: HeaderValue,
    /// Counters of this backend.
    pub(crate) tally: Tally,
    /// Counters of its version.
    pub(crate) arm_tally: Arc<Tally>,
    /// Whether it may be expected to answer.
    pub(crate) health: Health,
    /// Connections to it.
    pub(crate) pool: Arc<Pool>,
}

/// What one request has been through: which arm it belongs to and who has been tried.
#[derive(Debug, Default)]
pub(crate) struct Itinerary {
    arm: Option<Version>,
    /// Backends that could not answer; empty for nearly every request.
    pub(crate) tried: Vec<Arc<Backend>>,
    /// The request as it is counted for the service, from the first decision on.
    pub(crate) visit: Option<Visit>,
}

/// A routing decision.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Try this one; it is counted as begun.
    Try(Flight),
    /// The service has nobody (else) to try.
    Nobody(Name),
    /// The table has no service on this port.
    NoService,
}

/// What tells one backend from another.
type BackendKey = (Name, Version, InstanceId, SocketAddr);

/// A backend and its place in the table in force.
#[derive(Debug)]
struct Entry {
    backend: Arc<Backend>,
    standing: Standing,
    /// Number of the publication that removed it.
    removed_by: u64,
}

/// Everything that outlives a publication.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    n_publications: u64,
    services: BTreeMap<Name, (Arc<Tally>, Arc<AtomicU64>)>,
    arms: BTreeMap<(Name, Version), (Arc<Tally>, u64)>,
    backends: BTreeMap<BackendKey, Entry>,
}

/// Says whether a table can be served.
pub(crate) fn check(table: &RouteTable) -> Result<(), TableError> {
    at_most(
        "the route table",
        "services",
        table.routes.len(),
        SERVICES_MAX,
    )?;
    let mut services = BTreeSet::new();
    let mut ports = BTreeSet::new();
    for route in &table.routes {
        name("service", &route.service)?;
        once(
            "the route table",
            format!("service {}", route.service),
            services.insert(&route.service),
        )?;
        if route.port != 0 {
            once(
                "the route table",
                format!("port {}", route.port),
                ports.insert(route.port),
            )?;
        }
        check_health(route)?;
        check_arms(route)?;
    }
    table
        .routes
        .iter()
        .try_for_each(|route| check_circles(route, &ports))
}

fn check_arms(route: &Route) -> Result<(), TableError> {
    let place = format!("service {}", route.service);
    at_most(&place, "versions", route.arms.len(), ARMS_PER_SERVICE_MAX)?;
    at_most(
        &place,
        "backends",
        route.arms.iter().map(|arm| arm.backends.len()).sum(),
        BACKENDS_PER_SERVICE_MAX,
    )?;
    let weight: u64 = route.arms.iter().map(|arm| u64::from(arm.weight)).sum();
    if weight > u64::from(WEIGHT_SUM_MAX) {
        let limit = u64::from(WEIGHT_SUM_MAX);
        return Err(TableError::TooMany {
            place,
            things: "as the sum of its weights",
            found: weight,
            limit,
        });
    }
    let mut versions = BTreeSet::new();
    let mut instances = BTreeSet::new();
    for arm in &route.arms {
        once(
            &place,
            format!("version {}", arm.version),
            versions.insert(arm.version),
        )?;
        for backend in &arm.backends {
            name("instance", &backend.instance.0)?;
            once(
                &place,
                format!("instance {}", backend.instance),
                instances.insert(&backend.instance),
            )?;
            if address_of(&backend.address).is_none() {
                return Err(TableError::Address {
                    service: route.service.clone(),
                    instance: backend.instance.clone(),
                    address: backend.address.clone(),
                });
            }
        }
    }
    Ok(())
}

fn check_circles(route: &Route, listening: &BTreeSet<u16>) -> Result<(), TableError> {
    for backend in route.arms.iter().flat_map(|arm| &arm.backends) {
        let circle = address_of(&backend.address)
            .filter(|address| address.ip().is_loopback() && listening.contains(&address.port()));
        if let Some(address) = circle {
            return Err(TableError::Circle {
                service: route.service.clone(),
                instance: backend.instance.clone(),
                port: address.port(),
            });
        }
    }
    Ok(())
}

fn check_health(route: &Route) -> Result<(), TableError> {
    let health = &route.health;
    let wrong = |what: String| {
        Err(TableError::Health {
            service: route.service.clone(),
            what,
        })
    };
    if health.path.is_empty() {
        return Ok(());
    }
    if health.path.len() > HEALTH_PATH_BYTES_MAX
        || !health.path.starts_with('/')
        || health.path.parse::<PathAndQuery>().is_err()
    {
        return wrong(format!(
            "the path {:?}; a path begins with / and has {HEALTH_PATH_BYTES_MAX} bytes at most",
            health.path
        ));
    }
    if !(HEALTH_INTERVAL_MS_MIN..=HEALTH_INTERVAL_MS_MAX).contains(&health.interval_ms) {
        return wrong(format!(
            "an interval of {} ms; {HEALTH_INTERVAL_MS_MIN} to {HEALTH_INTERVAL_MS_MAX} are allowed",
            health.interval_ms
        ));
    }
    if !(1..=HEALTH_TIMEOUT_MS_MAX).contains(&health.timeout_ms) {
        return wrong(format!(
            "a timeout of {} ms; 1 to {HEALTH_TIMEOUT_MS_MAX} are allowed",
            health.timeout_ms
        ));
    }
    Ok(())
}

impl Table {
    /// Takes the routing decision for one attempt and counts it as begun. Called with the table held against change,
    /// and therefore never waits.
    pub(crate) fn begin(&self, port: u16, itinerary: &mut Itinerary, now_ms: u64) -> Decision {
        let Some(service) = self.by_port.get(&port) else {
            return Decision::NoService;
        };
        if itinerary.visit.is_none() {
            itinerary.visit = Some(Visit::begin(service.tally.clone()));
            let turn = service.turn.fetch_add(1, Ordering::Relaxed);
            let arm = service
                .schedule
                .at(turn)
                .and_then(|arm_idx| service.arms.get(arm_idx));
            itinerary.arm = arm.map(|arm| arm.version);
        }
        match service.choose(itinerary, now_ms) {
            None => Decision::Nobody(service.name.clone()),
            Some(backend) => Decision::Try(Flight::begin(backend.clone())),
        }
    }
}

impl Service {
    /// In this order: healthy ones of the request's own version, healthy ones of the others that have a weight, and
    /// when nobody is healthy the same again, because a wrong belief about health must not turn into an outage.
    fn choose(&self, itinerary: &Itinerary, now_ms: u64) -> Option<&Arc<Backend>> {
        let own = |arm: &&Arm| Some(arm.version) == itinerary.arm;
        let weighted = || self.arms.iter().filter(|arm| arm.weight > 0);
        [true, false].into_iter().find_map(|healthy| {
            let mut arms = weighted()
                .filter(own)
                .chain(weighted().filter(|arm| !own(arm)));
            arms.find_map(|arm| arm.choose(itinerary, healthy, now_ms))
        })
    }
}

impl Arm {
    fn choose(&self, itinerary: &Itinerary, healthy: bool, now_ms: u64) -> Option<&Arc<Backend>> {
        let turn = self.turn.load(Ordering::Relaxed);
        let chosen = choose::least_busy(self.backends.len(), turn, |backend_idx| {
            match self.backends.get(backend_idx) {
                None => Candidate {
                    eligible: false,
                    in_flight: 0,
                },
                Some(backend) => Candidate {
                    eligible: backend.health.is_up(now_ms) == healthy
                        && !itinerary
                            .tried
                            .iter()
                            .any(|tried| Arc::ptr_eq(tried, backend)),
                    in_flight: backend.tally.in_flight(),
                },
            }
        });
        let backend = chosen.and_then(|backend_idx| self.backends.get(backend_idx))?;
        // A turn is over only when somebody was chosen; otherwise a second look would skip every other instance.
        self.turn.fetch_add(1, Ordering::Relaxed);
        Some(backend)
    }
}

impl Registry {
    /// Attaches counters, pools and health to a checked table. From here on the table's backends have the standing it
    /// gives them; the idle connections of those that get no more requests are closed.
    pub(crate) fn table(&mut self, published: RouteTable, ports: BTreeMap<Name, u16>) -> Table {
        self.n_publications += 1;
        let n_publications = self.n_publications;
        for entry in self
            .backends
            .values_mut()
            .filter(|entry| entry.standing != Standing::Removed)
        {
            (entry.standing, entry.removed_by) = (Standing::Removed, n_publications);
        }
        let mut by_port = HashMap::new();
        for route in &published.routes {
            let Some(&port) = ports.get(&route.service) else {
                continue;
            };
            by_port.insert(port, self.service(route));
        }
        for entry in self.backends.values() {
            if entry.standing == Standing::Active {
                entry.backend.pool.open();
            }
        }
        Table {
            published: Some(published),
            ports,
            by_port,
        }
    }

    fn service(&mut self, route: &Route) -> Service {
        let (tally, turn) = self
            .services
            .entry(route.service.clone())
            .or_insert_with(|| (Arc::new(Tally::new()), Arc::new(AtomicU64::new(0))))
            .clone();
        let arms: Vec<Arm> = route.arms.iter().map(|arm| self.arm(route, arm)).collect();
        // An arm with nobody in it has no turn, so the shares of the others stay exact.
        let weights: Vec<u32> = arms
            .iter()
            .map(|arm| {
                if arm.backends.is_empty() {
                    0
                } else {
                    arm.weight
                }
            })
            .collect();
        Service {
            name: route.service.clone(),
            tally,
            turn,
            schedule: Schedule::new(&weights),
            arms,
        }
    }

    fn arm(&mut self, route: &Route, arm: &model::Arm) -> Arm {
        let key = (route.service.clone(), arm.version);
        let n_publications = self.n_publications;
        let (tally, last_in) = self
            .arms
            .entry(key)
            .or_insert_with(|| (Arc::new(Tally::new()), n_publications));
        *last_in = n_publications;
        let tally = tally.clone();
        let active = arm
            .backends
            .iter()
            .filter_map(|backend| self.backend(route, arm, backend, &tally))
            .collect();
        Arm {
            version: arm.version,
            weight: arm.weight,
            turn: AtomicU64::new(0),
            backends: active,
        }
    }

    /// Notes the standing of a backend, and returns it if it may get requests.
    fn backend(
        &mut self,
        route: &Route,
        arm: &model::Arm,
        backend: &model::Backend,
        arm_tally: &Arc<Tally>,
    ) -> Option<Arc<Backend>> {
        let address = address_of(&backend.address)?;
        let key = (
            route.service.clone(),
            arm.version,
            backend.instance.clone(),
            address,
        );
        let entry = self.backends.entry(key).or_insert_with(|| Entry {
            backend: Arc::new(Backend {
                service: route.service.clone(),
                instance: backend.instance.clone(),
                address,
                version_header: header_value(&arm.version.to_string()),
                instance_header: header_value(&backend.instance.0),
                tally: Tally::new(),
                arm_tally: arm_tally.clone(),
                health: Health::new(),
                pool: Arc::new(Pool::new(address)),
            }),
            standing: Standing::Active,
            removed_by: 0,
        });
        entry.standing = if backend.draining {
            Standing::Draining
        } else {
            Standing::Active
        };
        (!backend.draining).then(|| entry.backend.clone())
    }

    /// Closes the idle connections of backends that get no more requests. Called when the new table is in force.
    pub(crate) fn close_pools(&self) {
        for entry in self
            .backends
            .values()
            .filter(|entry| entry.standing != Standing::Active)
        {
            entry.backend.pool.close();
        }
    }

    /// Closes idle connections that are past their age and forgets what has drained, beyond what is kept for show.
    pub(crate) fn sweep(&mut self, pool_idle_ms_max: u64) {
        for entry in self.backends.values() {
            entry.backend.pool.sweep(pool_idle_ms_max);
        }
        let gone = |entry: &&Entry| {
            entry.standing == Standing::Removed && entry.backend.tally.in_flight() == 0
        };
        let excess = self
            .backends
            .values()
            .filter(gone)
            .count()
            .saturating_sub(RETIRED_BACKENDS_MAX);
        if excess > 0 {
            let mut oldest: Vec<_> = self
                .backends
                .iter()
                .filter(|(_, entry)| gone(entry))
                .collect();
            oldest.sort_by_key(|(_, entry)| entry.removed_by);
            let forgotten: Vec<BackendKey> = oldest
                .into_iter()
                .take(excess)
                .map(|(key, _)| key.clone())
                .collect();
            for key in &forgotten {
                self.backends.remove(key);
            }
        }
        self.sweep_arms();
    }

    fn sweep_arms(&mut self) {
        let n_publications = self.n_publications;
        let gone = |(tally, last_in): &(Arc<Tally>, u64)| {
            *last_in < n_publications && tally.in_flight() == 0
        };
        let mut retired: Vec<(u64, (Name, Version))> = self
            .arms
            .iter()
            .filter(|(_, arm)| gone(arm))
            .map(|(key, arm)| (arm.1, key.clone()))
            .collect();
        retired.sort();
        for (_, key) in retired
            .iter()
            .take(retired.len().saturating_sub(RETIRED_ARMS_MAX))
        {
            self.arms.remove(key);
            self.backends
                .retain(|(service, version, ..), _| (service, version) != (&key.0, &key.1));
        }
        let known: BTreeSet<&Name> = self.arms.keys().map(|(service, _)| service).collect();
        let unused: Vec<Name> = self
            .services
            .iter()
            .filter(|(name, (tally, _))| !known.contains(name) && Arc::strong_count(tally) == 1)
            .map(|(name, _)| name.clone())
            .collect();
        for name in unused
            .iter()
            .take(unused.len().saturating_sub(SERVICES_MAX))
        {
            self.services.remove(name);
        }
    }

    /// Backends that may get requests, each with the health check of its service.
    pub(crate) fn probed<'a>(
        &'a self,
        table: &'a Table,
    ) -> impl Iterator<Item = (Arc<Backend>, &'a model::Health)> {
        let checks: BTreeMap<&Name, &model::Health> = table
            .published
            .iter()
            .flat_map(|published| &published.routes)
            .filter(|route| !route.health.path.is_empty())
            .map(|route| (&route.service, &route.health))
            .collect();
        self.backends
            .values()
            .filter(|entry| entry.standing == Standing::Active)
            .filter_map(move |entry| {
                Some((entry.backend.clone(), *checks.get(&entry.backend.service)?))
            })
    }

    /// Everything that was counted and is remembered.
    pub(crate) fn counts(&self, table: &Table, now_ms: u64) -> Vec<ServiceCounts> {
        let weights: BTreeMap<(&Name, Version), u32> = table
            .published
            .iter()
            .flat_map(|published| &published.routes)
            .flat_map(|route| {
                route
                    .arms
                    .iter()
                    .map(|arm| ((&route.service, arm.version), arm.weight))
            })
            .collect();
        // Backends first, then their versions, then services: a sum is never smaller than what it is the sum of.
        let mut backends: BTreeMap<(&Name, Version), Vec<BackendCounts>> = BTreeMap::new();
        for ((service, version, ..), entry) in &self.backends {
            backends
                .entry((service, *version))
                .or_default()
                .push(BackendCounts {
                    instance: entry.backend.instance.clone(),
                    address: entry.backend.address.to_string(),
                    standing: entry.standing,
                    healthy: entry.backend.health.is_up(now_ms),
                    counts: entry.backend.tally.numbers(),
                });
        }
        let mut arms: BTreeMap<&Name, Vec<ArmCounts>> = BTreeMap::new();
        for ((service, version), (tally, _)) in &self.arms {
            arms.entry(service).or_default().push(ArmCounts {
                version: *version,
                weight: weights.get(&(service, *version)).copied().unwrap_or(0),
                counts: tally.numbers(),
                backends: backends.remove(&(service, *version)).unwrap_or_default(),
            });
        }
        self.services
            .iter()
            .map(|(service, (tally, _))| ServiceCounts {
                service: service.clone(),
                counts: tally.numbers(),
                arms: arms.remove(service).unwrap_or_default(),
            })
            .collect()
    }
}

fn address_of(text: &str) -> Option<SocketAddr> {
    text.parse()
        .ok()
        .filter(|address: &SocketAddr| address.port() != 0)
}

/// Names are checked before, so that nothing is lost here.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn name(what: &'static str, name: &str) -> Result<(), TableError> {
    let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(());
    }
    Err(TableError::Name {
        what,
        name: name.chars().take(NAME_BYTES_MAX).collect(),
    })
}

fn at_most(
    place: &str,
    things: &'static str,
    found: usize,
    limit: usize,
) -> Result<(), TableError> {
    if found <= limit {
        return Ok(());
    }
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Err(TableError::TooMany {
        place: place.to_owned(),
        things,
        found: number(found),
        limit: number(limit),
    })
}

fn once(place: &str, what: String, is_new: bool) -> Result<(), TableError> {
    if is_new {
        Ok(())
    } else {
        Err(TableError::Twice {
            place: place.to_owned(),
            what,
        })
    }
}
