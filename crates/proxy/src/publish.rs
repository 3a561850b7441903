//! What is in force, and how something else comes to be.
//!
//! A publication checks the table, binds the ports it adds, saves it, and only then swaps it in: whatever fails before
//! the swap leaves the old table in force. The swap excludes routing decisions ([`Plane::begin`] holds the
//! table while it chooses and counts), so after the acknowledgement every decision follows the new table, and
//! every request that was sent by the old one is visible in the counts.

use crate::control::{CountsAnswer, HealthAnswer, PublishAnswer, RoutesAnswer};
use crate::health;
use crate::limits::{CLIENT_CONNECTIONS_MAX, SWEEP_INTERVAL_MS, Timeouts, ms};
use crate::listen::{self, Closer};
use crate::store::{self, Saved, StoreError};
use crate::table::{self, Backend, Decision, Itinerary, Registry, Table, TableError};
use crate::tasks::{TaskKind, Tasks};
use model::RouteTable;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use value::Name;

/// Why a table did not come into force. The one before it still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be served.
    #[error("the route table cannot be served")]
    Table(#[from] TableError),
    /// A newer one is in force.
    #[error("generation {offered} is older than generation {in_force}, which is in force")]
    Stale {
        /// Of the refused table.
        offered: u64,
        /// Of the table in force.
        in_force: u64,
    },
    /// Another one with the same generation is in force.
    #[error(
        "generation {generation} is in force with other content; a changed table needs a higher generation"
    )]
    Conflict {
        /// Of both.
        generation: u64,
    },
    /// A port cannot be had.
    #[error(
        "service {service} cannot listen on port {port} of {}",
        Ipv4Addr::LOCALHOST
    )]
    Port {
        /// Of which service.
        service: Name,
        /// Which, 0 when any would have done.
        port: u16,
        /// In the system's words.
        #[source]
        source: std::io::Error,
    },
    /// It could not be saved.
    #[error("the route table could not be saved")]
    NotSaved(#[from] StoreError),
    /// The proxy is about to end.
    #[error("the proxy is stopping")]
    Stopping,
}

/// The data plane of one process.
#[derive(Debug)]
pub(crate) struct Plane {
    /// Names this life of the process; counters begin with it.
    boot: u64,
    born: Instant,
    /// How long to wait for what.
    pub(crate) timeouts: Timeouts,
    /// Everything that runs.
    pub(crate) tasks: Tasks,
    /// One per client connection.
    pub(crate) permits: Arc<Semaphore>,
    table: RwLock<Arc<Table>>,
    registry: Mutex<Registry>,
    publisher: tokio::sync::Mutex<Publisher>,
    stopping: watch::Sender<bool>,
}

/// Held by whoever publishes; one at a time.
#[derive(Debug)]
struct Publisher {
    routes_file: PathBuf,
    listeners: HashMap<u16, Closer>,
    /// By address of the backend in memory, which the value keeps alive.
    probes: HashMap<usize, Probe>,
}

#[derive(Debug)]
struct Probe {
    backend: Arc<Backend>,
    check: model::Health,
    task: tokio::task::AbortHandle,
}

/// Ports that a table needs, and the sockets that are new among them.
struct Bound {
    ports: BTreeMap<Name, u16>,
    sockets: Vec<(u16, TcpListener)>,
}

impl Plane {
    /// Nothing in force yet.
    pub(crate) fn new(boot: u64, routes_file: PathBuf, timeouts: Timeouts) -> Self {
        Self {
            boot,
            born: Instant::now(),
            timeouts,
            tasks: Tasks::new(),
            permits: Arc::new(Semaphore::new(CLIENT_CONNECTIONS_MAX)),
            table: RwLock::new(Arc::new(Table::default())),
            registry: Mutex::new(Registry::default()),
            publisher: tokio::sync::Mutex::new(Publisher {
                routes_file,
                listeners: HashMap::new(),
                probes: HashMap::new(),
            }),
            stopping: watch::Sender::new(false),
        }
    }

    /// Milliseconds since the process began.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }

    /// Takes the routing decision for one attempt.
    pub(crate) fn begin(&self, port: u16, itinerary: &mut Itinerary) -> Decision {
        let now_ms = self.now_ms();
        // Held until the attempt is counted: see the header of this file.
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.begin(port, itinerary, now_ms)
    }

    /// Puts a table in force. Idempotent by generation.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        table: RouteTable,
    ) -> Result<PublishAnswer, PublishError> {
        let mut publisher = self.publisher.lock().await;
        if self.is_stopping() {
            return Err(PublishError::Stopping);
        }
        let current = self.table();
        if let Some(in_force) = &current.published {
            if in_force.generation > table.generation {
                return Err(PublishError::Stale {
                    offered: table.generation,
                    in_force: in_force.generation,
                });
            }
            if in_force.generation == table.generation {
                if *in_force != table {
                    return Err(PublishError::Conflict {
                        generation: table.generation,
                    });
                }
                return Ok(self.answer(&current));
            }
        }
        table::check(&table)?;
        let bound = publisher.bind(&table, &current.ports).await?;
        let saved = Saved::new(table, bound.ports.clone());
        let table = self.save(&publisher, saved).await?;
        Ok(self.put_in_force(&mut publisher, table, bound).await)
    }

    /// Puts the table in force that was saved last.
    pub(crate) async fn restore(
        self: &Arc<Self>,
        saved: Saved,
    ) -> Result<PublishAnswer, PublishError> {
        let mut publisher = self.publisher.lock().await;
        table::check(&saved.table)?;
        let bound = publisher.bind(&saved.table, &saved.ports).await?;
        Ok(self.put_in_force(&mut publisher, saved.table, bound).await)
    }

    async fn save(&self, publisher: &Publisher, saved: Saved) -> Result<RouteTable, StoreError> {
        let path = publisher.routes_file.clone();
        let writing = Tasks::blocking(move || store::save(&path, &saved).map(|()| saved.table));
        writing.await.unwrap_or_else(|| {
            Err(StoreError::CutOff {
                path: publisher.routes_file.clone(),
            })
        })
    }

    /// From here on nothing can fail.
    async fn put_in_force(
        self: &Arc<Self>,
        publisher: &mut Publisher,
        published: RouteTable,
        bound: Bound,
    ) -> PublishAnswer {
        let table = self.swap(published, bound.ports);
        self.registry().close_pools();
        self.probe(publisher, &table);
        for (port, listener) in bound.sockets {
            publisher
                .listeners
                .insert(port, listen::start(self, port, listener));
        }
        let ports: BTreeSet<u16> = table.ports.values().copied().collect();
        publisher
            .close_listeners(|port| !ports.contains(&port))
            .await;
        self.answer(&table)
    }

    /// When this returns, every decision follows the new table and every decision by the old one has been counted.
    fn swap(&self, published: RouteTable, ports: BTreeMap<Name, u16>) -> Arc<Table> {
        let table = Arc::new(self.registry().table(published, ports));
        // Waits for decisions that are being taken, and holds up those that come.
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table.clone();
        table
    }

    /// Starts and ends probes so that they are those which the table asks for.
    fn probe(&self, publisher: &mut Publisher, table: &Table) {
        let mut wanted: HashMap<usize, (Arc<Backend>, model::Health)> = self
            .registry()
            .probed(table)
            .map(|(backend, check)| (Arc::as_ptr(&backend).addr(), (backend, check.clone())))
            .collect();
        let now_ms = self.now_ms();
        publisher.probes.retain(|key, probe| {
            let stays = wanted
                .get(key)
                .is_some_and(|(_, check)| *check == probe.check);
            if stays {
                wanted.remove(key);
            } else {
                probe.task.abort();
                probe.backend.health.unprobed(now_ms);
            }
            stays
        });
        for (key, (backend, check)) in wanted {
            let task = health::probe_until_aborted(backend.clone(), check.clone());
            let task = self.tasks.spawn(TaskKind::HealthProbe, task).abort_handle();
            publisher.probes.insert(
                key,
                Probe {
                    backend,
                    check,
                    task,
                },
            );
        }
    }

    fn table(&self) -> Arc<Table> {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, table: &Table) -> PublishAnswer {
        let generation = table
            .published
            .as_ref()
            .map_or(0, |published| published.generation);
        PublishAnswer {
            generation,
            boot: self.boot,
            ports: table.ports.clone(),
        }
    }

    /// What is in force.
    pub(crate) fn routes(&self) -> RoutesAnswer {
        let table = self.table();
        RoutesAnswer {
            boot: self.boot,
            table: table.published.clone(),
            ports: table.ports.clone(),
        }
    }

    /// What has been counted.
    pub(crate) fn counts(&self) -> CountsAnswer {
        let table = self.table();
        CountsAnswer {
            boot: self.boot,
            generation: table
                .published
                .as_ref()
                .map(|published| published.generation),
            services: self.registry().counts(&table, self.now_ms()),
        }
    }

    /// Who this is and how it does.
    pub(crate) fn health(&self) -> HealthAnswer {
        HealthAnswer {
            boot: self.boot,
            pid: std::process::id(),
            generation: self
                .table()
                .published
                .as_ref()
                .map(|published| published.generation),
            stopping: self.is_stopping(),
        }
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Asks for a graceful stop; [`Plane::stopped`] carries it out.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for the wish to stop, then until everything in flight has ended or the drain deadline has passed. True
    /// when nothing was cut off.
    pub(crate) async fn stopped(&self) -> bool {
        // Fails only if the sender is gone, and that is `self`.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|&stopping| stopping)
            .await;
        let mut publisher = self.publisher.lock().await;
        publisher.close_listeners(|_| true).await;
        for probe in publisher.probes.drain().map(|(_, probe)| probe) {
            probe.task.abort();
        }
        self.tasks.idle_within(self.timeouts.drain_ms_max).await
    }

    /// Closes what has been idle for too long, for as long as the process lives.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut interval = tokio::time::interval(ms(SWEEP_INTERVAL_MS));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Bounded by the life of the process; each turn waits.
        loop {
            interval.tick().await;
            self.registry().sweep(self.timeouts.pool_idle_ms_max);
        }
    }
}

impl Publisher {
    /// Binds the ports that a table needs and that are not bound yet. Nothing is accepted on them so far, and all are
    /// closed again if one cannot be had.
    async fn bind(
        &self,
        table: &RouteTable,
        so_far: &BTreeMap<Name, u16>,
    ) -> Result<Bound, PublishError> {
        let asked: BTreeSet<u16> = table.routes.iter().map(|route| route.port).collect();
        let mut bound = Bound {
            ports: BTreeMap::new(),
            sockets: Vec::new(),
        };
        for route in &table.routes {
            let service = &route.service;
            // A port chosen before stays, unless another service asks for it by number.
            let chosen = so_far
                .get(service)
                .copied()
                .filter(|port| !asked.contains(port))
                .unwrap_or(0);
            let wanted = if route.port == 0 { chosen } else { route.port };
            if wanted != 0 && self.listeners.contains_key(&wanted) {
                bound.ports.insert(service.clone(), wanted);
                continue;
            }
            let refused = |source| PublishError::Port {
                service: service.clone(),
                port: wanted,
                source,
            };
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
                .await
                .map_err(refused)?;
            let port = listener.local_addr().map_err(refused)?.port();
            bound.ports.insert(service.clone(), port);
            bound.sockets.push((port, listener));
        }
        Ok(bound)
    }

    /// Closes listeners, and waits until their ports are free again.
    async fn close_listeners(&mut self, which: impl Fn(u16) -> bool) {
        let leaving: Vec<u16> = self
            .listeners
            .keys()
            .copied()
            .filter(|&port| which(port))
            .collect();
        let closers: Vec<Closer> = leaving
            .iter()
            .filter_map(|port| self.listeners.remove(port))
            .collect();
        for Closer { accepting, open } in closers {
            drop(open);
            // It ends at once; if it has panicked, its socket is closed all the same.
            let _ = accepting.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Arm, Backend, Digest, Health, InstanceId, Route, Version};
    use std::sync::atomic::{AtomicBool, Ordering};

    fn table(generation: u64, weights: [u32; 2]) -> RouteTable {
        let arm = |(arm_idx, weight): (usize, u32)| {
            let instance = InstanceId(format!("instance-{arm_idx}"));
            let backend = Backend {
                instance,
                address: format!("127.0.0.1:{}", 9_001 + arm_idx),
                draining: false,
            };
            Arm {
                version: Version(Digest::of(&[b'0' + arm_idx as u8])),
                weight,
                backends: vec![backend],
            }
        };
        let health = Health {
            path: String::new(),
            interval_ms: 0,
            timeout_ms: 0,
            deadline_ms: 0,
        };
        let arms = weights.into_iter().enumerate().map(arm).collect();
        RouteTable {
            generation,
            routes: vec![Route {
                service: "web".into(),
                port: 1,
                arms,
                health,
            }],
        }
    }

    /// Lets the threads end, also when the test fails.
    struct Over<'a>(&'a AtomicBool);

    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// The heart of the promise: what was decided by the old table is in the counts when the swap returns, and nothing
    /// is added afterwards. Threads that do nothing but decide make it likely that one is caught in the act.
    #[test]
    fn no_decision_by_the_old_table_is_counted_after_the_swap() {
        let plane = Plane::new(0, PathBuf::new(), Timeouts::default());
        let ports = BTreeMap::from([(Name::from("web"), 1)]);
        plane.swap(table(1, [1, 0]), ports.clone());
        let is_over = AtomicBool::new(false);
        let started = |arm_idx: usize| plane.counts().services[0].arms[arm_idx].counts.started;
        let arm_of = |text: &str| {
            let arms = plane.counts().services[0].arms.clone();
            arms.iter()
                .position(|arm| arm.backends[0].instance.0 == text)
                .unwrap()
        };
        plane.swap(table(2, [0, 1]), ports.clone());
        let arms = [arm_of("instance-0"), arm_of("instance-1")];
        std::thread::scope(|scope| {
            let _over = Over(&is_over);
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let mut itinerary = Itinerary::default();
                        assert!(matches!(plane.begin(1, &mut itinerary), Decision::Try(_)));
                    }
                });
            }
            for generation in 3..1_003 {
                let (out, into) = ((generation % 2) as usize, ((generation + 1) % 2) as usize);
                let weights = if into == 0 { [1, 0] } else { [0, 1] };
                // Traffic on the one that will leave.
                let before = started(arms[out]);
                while started(arms[out]) == before {
                    std::thread::yield_now();
                }
                plane.swap(table(generation, weights), ports.clone());
                let at_once = started(arms[out]);
                let moved = started(arms[into]);
                while started(arms[into]) < moved + 20 {
                    std::thread::yield_now();
                }
                assert_eq!(started(arms[out]), at_once, "generation {generation}");
            }
        });
    }
}
