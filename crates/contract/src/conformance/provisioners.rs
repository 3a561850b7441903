//! The suite of [`Provisioners`]: each runs once, says what it said, and can be asked about afterwards.

use crate::{Inquiry, Outcome, Provisioners};
use model::{ActionId, OnFailure, Provision, RunId};
use value::Value;

/// What the suite of [`Provisioners`] cannot make itself.
pub trait ProvisionersFixture: Send + Sync {
    /// A provisioner that succeeds and writes `said`.
    fn good(&self, said: &str) -> Provision;
    /// One that runs and fails.
    fn failing(&self) -> Provision;
    /// How often the provisioner of [`ProvisionersFixture::good`] that writes this took effect, where that can be
    /// counted.
    fn count(&self, _said: &str) -> Option<usize> {
        None
    }
}

/// Runs the suite.
///
/// # Panics
/// At the first broken promise.
pub async fn provisioners(provisioners: &dyn Provisioners, fixture: &dyn ProvisionersFixture) {
    let action = |n: u32| ActionId::of(RunId(1), &format!("conformance:{n}"));
    let good = fixture.good("hello");
    let before = provisioners.inquire(action(0), &good).await;
    assert_eq!(before, Inquiry::Absent, "it was never begun");

    match provisioners.run(action(0), &good).await {
        Outcome::Provisioned { output } => {
            assert!(output.contains("hello"), "what it wrote was {output:?}");
        }
        other => panic!("a good provisioner gave {other:?}"),
    }
    assert!(fixture.count("hello").is_none_or(|n| n == 1), "it ran once");
    match provisioners.inquire(action(0), &good).await {
        Inquiry::Found(Outcome::Provisioned { output }) => {
            assert!(output.contains("hello"), "the inquiry found {output:?}");
        }
        other => panic!("an inquiry into what was provisioned gave {other:?}"),
    }
    assert!(fixture.count("hello").is_none_or(|n| n == 1), "it ran once");

    let failing = fixture.failing();
    match provisioners.run(action(1), &failing).await {
        Outcome::Broken { diagnostics, .. } => assert!(diagnostics.has_errors()),
        other => panic!("a failing provisioner gave {other:?}"),
    }
    match provisioners.inquire(action(1), &failing).await {
        Inquiry::Found(Outcome::Broken { diagnostics, .. }) => assert!(diagnostics.has_errors()),
        other => panic!("an inquiry into what failed gave {other:?}"),
    }

    let garbage = Provision {
        kind: "local-telepathy".into(),
        config: Value::number(1),
        on_failure: OnFailure::Fail,
        ..good
    };
    match provisioners.run(action(2), &garbage).await {
        Outcome::Refused { diagnostics } => assert!(diagnostics.has_errors()),
        other => panic!("an unknown kind of provisioner gave {other:?}"),
    }
    let after = provisioners.inquire(action(2), &garbage).await;
    assert!(!matches!(
        after,
        Inquiry::Found(Outcome::Provisioned { .. })
    ));
    provisioners.close().await;
}
