//! The suite of `contract::Provider`, over both majors of the protocol.

use crate::bed::{Bed, SCRIPT, config};
use contract::conformance::{self, Inquires, ProviderFixture};
use plugin::Major;
use value::{Name, Type, Value};

struct Fixture<'a>(&'a Bed);

impl ProviderFixture for Fixture<'_> {
    fn kind(&self) -> &str {
        "mock_thing"
    }

    fn call(&self) -> Option<(Name, Vec<Value>)> {
        Some(("same".into(), vec![Value::string("x")]))
    }

    fn config(&self, n: u32) -> Value {
        config(&format!("thing-{n}"), Some(1), None)
    }

    fn changed(&self, n: u32) -> Value {
        config(&format!("thing-{n}"), Some(2), None)
    }

    fn garbage(&self) -> Vec<Value> {
        let null = Value::null(Type::String);
        let Some(mut entries) = config("", None, None).entries().cloned() else {
            return Vec::new();
        };
        let refused = Value::object(entries.clone());
        entries.insert("size".into(), Value::string("large"));
        let no_number = Value::object(entries.clone());
        entries.insert("strange".into(), null);
        vec![refused, no_number, Value::object(entries)]
    }

    fn inquires(&self) -> Inquires {
        Inquires::CannotTell
    }

    fn count(&self) -> Option<usize> {
        Some(self.0.mock.count("mock_thing"))
    }
}

/// The same object, replaced instead of changed.
struct Replacing<'a>(Fixture<'a>);

impl ProviderFixture for Replacing<'_> {
    fn kind(&self) -> &str {
        self.0.kind()
    }

    fn config(&self, n: u32) -> Value {
        self.0.config(n)
    }

    fn changed(&self, n: u32) -> Value {
        config(&format!("thing-{n}"), Some(1), Some("other"))
    }

    fn garbage(&self) -> Vec<Value> {
        self.0.garbage()
    }

    fn inquires(&self) -> Inquires {
        self.0.inquires()
    }

    fn count(&self) -> Option<usize> {
        self.0.count()
    }
}

#[tokio::test]
async fn providers_of_both_majors_keep_the_contract() {
    for major in [Major::Five, Major::Six] {
        let bed = Bed::new(SCRIPT, major);
        let configured = bed.configured().await;
        conformance::provider(configured.as_ref(), &Fixture(&bed)).await;
        conformance::provider(configured.as_ref(), &Replacing(Fixture(&bed))).await;
    }
}
