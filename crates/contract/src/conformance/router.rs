//! The suite of [`Router`]: tables take effect by generation, ports stay, counts only grow.

use super::LOOKS_MAX;
use crate::{Outcome, Pending, Router};
use model::{Counts, RouteTable};
use std::collections::BTreeMap;
use value::Name;

/// What the suite of [`Router`] cannot make itself.
pub trait RouterFixture: Send + Sync {
    /// A good table of this generation with at least one service whose port is 0. Tables of different variants (0 and
    /// 1) have the same services, and differ in the arms or their weights.
    fn table(&self, generation: u64, variant: u32) -> RouteTable;
    /// Sends one request to the service on this port; it is over when this returns.
    fn request<'a>(&'a self, service: &'a Name, port: u16) -> Pending<'a, ()>;
    /// Lets a little time pass between two looks.
    fn pause(&self) -> Pending<'_, ()>;
}

/// Requests that the suite sends to each service.
const REQUESTS: u64 = 20;

/// Runs the suite on a router that never had a table.
///
/// # Panics
/// At the first broken promise.
pub async fn router(router: &dyn Router, fixture: &dyn RouterFixture) {
    assert_eq!(current(router).await, None, "a table before the first");
    let ports = generations(router, fixture).await;
    counting(router, fixture, &ports).await;
}

async fn current(router: &dyn Router) -> Option<RouteTable> {
    match router.current().await {
        Ok(table) => table,
        Err(why) => panic!("current: {why}"),
    }
}

async fn in_force(router: &dyn Router, table: &RouteTable) {
    let Some(current) = current(router).await else {
        panic!("no table after one was published")
    };
    assert_eq!(
        without_ports(&current),
        without_ports(table),
        "the table in force is not the one published"
    );
}

/// Ports that the router chose may be filled in.
fn without_ports(table: &RouteTable) -> RouteTable {
    let mut table = table.clone();
    for route in &mut table.routes {
        route.port = 0;
    }
    table
}

async fn publish(router: &dyn Router, table: &RouteTable) -> BTreeMap<Name, u16> {
    match router.publish(table).await {
        Outcome::Published { generation, ports } => {
            assert_eq!(generation, table.generation, "published generation");
            for route in &table.routes {
                let port = ports.get(&route.service).copied().unwrap_or(0);
                assert!(
                    port != 0 && (route.port == 0 || route.port == port),
                    "{}: asked for port {}, got {port}",
                    route.service,
                    route.port
                );
            }
            assert_eq!(ports.len(), table.routes.len(), "one port per service");
            ports
        }
        other => panic!("publishing generation {} gave {other:?}", table.generation),
    }
}

async fn refused(router: &dyn Router, table: &RouteTable, what: &str) {
    let outcome = router.publish(table).await;
    assert!(
        matches!(&outcome, Outcome::Refused { diagnostics } if diagnostics.has_errors()),
        "{what} gave {outcome:?}"
    );
}

async fn generations(router: &dyn Router, fixture: &dyn RouterFixture) -> BTreeMap<Name, u16> {
    let first = fixture.table(5, 0);
    let ports = publish(router, &first).await;
    in_force(router, &first).await;
    assert_eq!(
        publish(router, &first).await,
        ports,
        "the same table published again"
    );

    refused(
        router,
        &fixture.table(5, 1),
        "the same generation with another content",
    )
    .await;
    in_force(router, &first).await;
    refused(router, &fixture.table(4, 0), "an older generation").await;
    in_force(router, &first).await;

    let second = fixture.table(6, 1);
    assert_eq!(
        publish(router, &second).await,
        ports,
        "a newer generation must keep the ports"
    );
    in_force(router, &second).await;
    refused(router, &first, "an older generation that once was in force").await;
    in_force(router, &second).await;
    ports
}

async fn counts(router: &dyn Router) -> BTreeMap<Name, Counts> {
    match router.counts().await {
        Ok(all) => {
            let n = all.len();
            let by_service: BTreeMap<Name, Counts> = all
                .into_iter()
                .map(|counts| (counts.service.clone(), counts))
                .collect();
            assert_eq!(n, by_service.len(), "a service is counted twice");
            by_service
        }
        Err(why) => panic!("counts: {why}"),
    }
}

fn finished(counts: &Counts) -> u64 {
    for arm in &counts.arms {
        assert!(
            arm.failed <= arm.finished,
            "more failed than finished: {arm:?}"
        );
    }
    let sorted = counts
        .arms
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.version < b.version));
    assert!(sorted, "arms are sorted by version and distinct");
    counts.arms.iter().map(|arm| arm.finished).sum()
}

async fn counting(router: &dyn Router, fixture: &dyn RouterFixture, ports: &BTreeMap<Name, u16>) {
    let before = counts(router).await;
    for service in ports.keys() {
        assert!(before.contains_key(service), "{service} is not counted");
    }
    for (service, port) in ports {
        for _ in 0..REQUESTS {
            fixture.request(service, *port).await;
        }
    }
    for _ in 0..LOOKS_MAX {
        let after = counts(router).await;
        let mut complete = true;
        for (service, old) in &before {
            let Some(new) = after.get(service) else {
                panic!("{service} is no longer counted")
            };
            assert_eq!(old.boot, new.boot, "{service}: another life of the router");
            let (old, new) = (finished(old), finished(new));
            assert!(new >= old, "{service}: counted {old}, then {new}");
            assert!(
                new <= old + REQUESTS,
                "{service}: {REQUESTS} requests counted as {}",
                new - old
            );
            complete &= new == old + REQUESTS;
        }
        if complete {
            return;
        }
        fixture.pause().await;
    }
    panic!("{REQUESTS} requests to each service were not counted within {LOOKS_MAX} looks")
}
