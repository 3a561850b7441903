//! The suite of [`Runtime`]: instances are placed once per name, observed, listed and stopped once.

use super::LOOKS_MAX;
use crate::{InstanceReport, Outcome, Pending, Runtime};
use model::{InstanceId, InstanceSpec, InstanceState};
use std::path::PathBuf;

/// What the suite of [`Runtime`] cannot make itself.
pub trait RuntimeFixture: Send + Sync {
    /// A good instance, the n-th of distinct names; it becomes healthy.
    fn spec(&self, n: u32) -> InstanceSpec;
    /// Where its artifact is unpacked.
    fn unpacked(&self) -> PathBuf;
    /// An instance whose command cannot be started, if the runtime can meet such a thing.
    fn broken(&self) -> Option<InstanceSpec>;
    /// Grace time for stopping.
    fn grace_ms(&self) -> u64 {
        2_000
    }
    /// Lets a little time pass between two looks.
    fn pause(&self) -> Pending<'_, ()>;
}

/// Runs the suite. Everything it starts it stops again.
///
/// # Panics
/// At the first broken promise.
pub async fn runtime(runtime: &dyn Runtime, fixture: &dyn RuntimeFixture) {
    let before = listed(runtime).await;
    nothing_there(runtime, fixture, &InstanceId("conformance-nobody".into())).await;
    life(runtime, fixture).await;
    broken(runtime, fixture).await;
    assert_eq!(
        listed(runtime).await,
        before,
        "instances listed before and after the suite"
    );
}

async fn listed(runtime: &dyn Runtime) -> Vec<InstanceId> {
    match runtime.list().await {
        Ok(mut all) => {
            all.sort();
            let count = all.len();
            all.dedup();
            assert_eq!(count, all.len(), "an instance is listed twice");
            all
        }
        Err(why) => panic!("list: {why}"),
    }
}

/// An instance that is not there is `Gone` or `Unavailable`, and stopping it is `Stopped`.
async fn nothing_there(runtime: &dyn Runtime, fixture: &dyn RuntimeFixture, id: &InstanceId) {
    if let Ok(report) = runtime.observe(id).await {
        assert_eq!(
            report.state,
            InstanceState::Gone,
            "{id} is not there, but was seen as {report:?}"
        );
    }
    let outcome = runtime.stop(id, fixture.grace_ms()).await;
    assert_eq!(
        outcome,
        Outcome::Stopped,
        "{id}: stopping what is not there"
    );
}

async fn place(runtime: &dyn Runtime, fixture: &dyn RuntimeFixture, spec: &InstanceSpec) -> String {
    match runtime.place(spec, &fixture.unpacked()).await {
        Outcome::Placed { address } => {
            assert!(
                address.parse::<std::net::SocketAddr>().is_ok(),
                "{}: {address:?} is not address:port",
                spec.instance
            );
            address
        }
        other => panic!("{}: placing gave {other:?}", spec.instance),
    }
}

async fn healthy(
    runtime: &dyn Runtime,
    fixture: &dyn RuntimeFixture,
    id: &InstanceId,
) -> InstanceReport {
    for _ in 0..LOOKS_MAX {
        match runtime.observe(id).await {
            Ok(report) if report.state == InstanceState::Healthy => return report,
            Ok(report) => assert_eq!(
                report.state,
                InstanceState::Starting,
                "{id}: before the first passed check: {}",
                report.detail
            ),
            Err(why) => panic!("{id}: {why}"),
        }
        fixture.pause().await;
    }
    panic!("{id} did not become healthy within {LOOKS_MAX} looks")
}

async fn life(runtime: &dyn Runtime, fixture: &dyn RuntimeFixture) {
    let (one, two) = (fixture.spec(0), fixture.spec(1));
    assert_ne!(
        one.instance, two.instance,
        "the fixture's names are distinct"
    );
    let address = place(runtime, fixture, &one).await;
    let report = healthy(runtime, fixture, &one.instance).await;
    assert_eq!(report.starts, 1, "starts of a process that never failed");
    assert_eq!(
        report.address.as_ref(),
        Some(&address),
        "placed and observed address"
    );

    assert_eq!(
        place(runtime, fixture, &one).await,
        address,
        "placing it twice moved it"
    );
    let report = healthy(runtime, fixture, &one.instance).await;
    assert_eq!(report.starts, 1, "placing it twice started it twice");

    let other = place(runtime, fixture, &two).await;
    assert_ne!(address, other, "two instances at one address");
    healthy(runtime, fixture, &two.instance).await;
    let list = listed(runtime).await;
    for id in [&one.instance, &two.instance] {
        assert!(list.contains(id), "{id} runs but is not listed");
    }

    let outcome = runtime.stop(&one.instance, fixture.grace_ms()).await;
    assert_eq!(outcome, Outcome::Stopped, "{}", one.instance);
    let list = listed(runtime).await;
    assert!(
        !list.contains(&one.instance) && list.contains(&two.instance),
        "stopping {} left {list:?}",
        one.instance
    );
    nothing_there(runtime, fixture, &one.instance).await;
    healthy(runtime, fixture, &two.instance).await;
    let outcome = runtime.stop(&two.instance, fixture.grace_ms()).await;
    assert_eq!(outcome, Outcome::Stopped, "{}", two.instance);
    nothing_there(runtime, fixture, &two.instance).await;
}

/// A command that cannot be started is refused, or never becomes healthy; it can be stopped.
async fn broken(runtime: &dyn Runtime, fixture: &dyn RuntimeFixture) {
    let Some(spec) = fixture.broken() else { return };
    match runtime.place(&spec, &fixture.unpacked()).await {
        Outcome::Refused { diagnostics } | Outcome::Failed { diagnostics, .. } => assert!(
            diagnostics.has_errors(),
            "refused or failed without saying why"
        ),
        Outcome::Placed { .. } => {
            if let Ok(report) = runtime.observe(&spec.instance).await {
                assert_ne!(
                    report.state,
                    InstanceState::Healthy,
                    "a command that cannot be started is healthy"
                );
            }
        }
        other => panic!("a command that cannot be started gave {other:?}"),
    }
    let outcome = runtime.stop(&spec.instance, fixture.grace_ms()).await;
    assert_eq!(outcome, Outcome::Stopped, "{}", spec.instance);
}
