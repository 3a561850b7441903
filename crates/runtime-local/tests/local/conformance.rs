//! What every runtime promises, asked of this one.

use crate::house::{House, spec};
use contract::Pending;
use contract::conformance::RuntimeFixture;
use model::InstanceSpec;
use std::path::PathBuf;
use std::time::Duration;

struct Fixture(PathBuf);

impl RuntimeFixture for Fixture {
    fn spec(&self, n: u32) -> InstanceSpec {
        spec(&format!("conformance-{n}"), &[])
    }

    fn unpacked(&self) -> PathBuf {
        self.0.clone()
    }

    fn broken(&self) -> Option<InstanceSpec> {
        let mut spec = spec("conformance-broken", &[]);
        spec.run = vec!["./nothing".to_owned()];
        Some(spec)
    }

    fn pause(&self) -> Pending<'_, ()> {
        Box::pin(async {
            // The first tick of an interval comes at once, the second is the pause.
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            tick.tick().await;
            tick.tick().await;
        })
    }
}

#[tokio::test]
async fn the_suite_of_the_contract() {
    let house = House::new();
    contract::conformance::runtime(&house.runtime, &Fixture(house.unpacked())).await;
}
