//! The suite of [`Probes`]: what is healthy is seen, what is not is told with its answer, and what cannot be looked at
//! is refused.

use crate::Probes;
use model::Probe;
use value::{Type, Value};

/// Longest time that one look of the suite may take.
const LOOK_MS: u64 = 5_000;

/// What the suite of [`Probes`] cannot make itself.
pub trait ProbesFixture: Send + Sync {
    /// Looks at things that are healthy, one of each kind that there is.
    fn healthy(&self) -> Vec<Probe>;
    /// Looks at things that are not, each with what its answer says.
    fn ill(&self) -> Vec<(Probe, &'static str)>;
}

/// Runs the suite.
///
/// # Panics
/// At the first broken promise.
pub async fn probes(probes: &dyn Probes, fixture: &dyn ProbesFixture) {
    let healthy = fixture.healthy();
    for probe in &healthy {
        // A look changes nothing: the second sees the same.
        for _ in 0..2 {
            match probes.look(probe, LOOK_MS).await {
                Ok(sight) if sight.healthy => {
                    assert!(!sight.answer.is_empty(), "it says what it saw")
                }
                other => panic!("{:?} is healthy, and a look gave {other:?}", probe.target),
            }
        }
    }
    for (probe, said) in fixture.ill() {
        match probes.look(&probe, LOOK_MS).await {
            Ok(sight) if !sight.healthy => {
                assert!(
                    sight.answer.contains(said),
                    "it says {:?}, and not {said}",
                    sight.answer
                );
            }
            other => panic!(
                "{:?} is not healthy, and a look gave {other:?}",
                probe.target
            ),
        }
    }
    for garbage in [
        Value::null(Type::Any),
        Value::number(1),
        Value::object([].into()),
    ] {
        let Some(probe) = healthy.first() else {
            panic!("the fixture has nothing that is healthy");
        };
        let probe = Probe {
            target: garbage,
            ..probe.clone()
        };
        match probes.look(&probe, LOOK_MS).await {
            Err(found) => assert!(found.has_errors(), "it says why"),
            Ok(sight) => panic!("nothing is named, and a look saw {sight:?}"),
        }
    }
}
