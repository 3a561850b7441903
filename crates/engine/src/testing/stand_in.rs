//! [`Substituting`]: a provider of which parts are made up.

use crate::Outside;
use contract::{Pending, Provider};
use core::future::ready;
use decide::substitute::StandIns;
use model::{ActionId, Answer, Change, Inquiry, Outcome, ProviderSchema, Question};
use std::sync::Arc;
use value::{Diagnostics, Name, Value};

/// The same outside, with stand-ins in front of its providers.
pub(super) fn substituted(outside: &Outside, stand_ins: &Arc<StandIns>) -> Outside {
    let providers = outside.providers.iter().map(|(source, provider)| {
        let provider: Arc<dyn Provider> = Arc::new(Substituting {
            inner: provider.clone(),
            stand_ins: stand_ins.clone(),
        });
        (source.clone(), provider)
    });
    Outside {
        providers: providers.collect(),
        ..outside.clone()
    }
}

/// A provider that is asked only about what nothing stands in for.
pub(super) struct Substituting {
    pub(super) inner: Arc<dyn Provider>,
    pub(super) stand_ins: Arc<StandIns>,
}

impl Provider for Substituting {
    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn validate<'a>(&'a self, kind: &'a Name, config: &'a Value) -> Pending<'a, Diagnostics> {
        self.inner.validate(kind, config)
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        match self.stand_ins.answer(self.schema(), question) {
            Some(answer) => Box::pin(ready(answer)),
            None => self.inner.ask(question),
        }
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        match self.stand_ins.outcome(self.schema(), change) {
            Some(outcome) => Box::pin(ready(outcome)),
            None => self.inner.apply(action, change),
        }
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Inquiry> {
        match self.stand_ins.outcome(self.schema(), change) {
            // What is made up follows from the change alone.
            Some(outcome) => Box::pin(ready(Inquiry::Found(outcome))),
            None => self.inner.inquire(action, change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::conformance::{self, Inquires, ProviderFixture};
    use contract::fake::{Class, FakeProvider, FakeWorld};
    use model::{During, Mock, Module, Release, Substitutes};
    use std::collections::BTreeMap;
    use value::Type;

    struct MadeUp;

    fn thing(name: &str, size: i64) -> Value {
        let entries = [
            ("name", Value::string(name)),
            ("size", Value::number(size)),
            ("kind", Value::null(Type::String)),
            ("id", Value::null(Type::String)),
            ("tag", Value::null(Type::String)),
        ];
        Value::object(
            entries
                .map(|(name, value)| (Name::from(name), value))
                .into(),
        )
    }

    impl ProviderFixture for MadeUp {
        fn kind(&self) -> &str {
            "fake_thing"
        }
        fn config(&self, n: u32) -> Value {
            thing(&format!("thing-{n}"), 1)
        }
        fn changed(&self, n: u32) -> Value {
            thing(&format!("thing-{n}"), 2)
        }
        fn garbage(&self) -> Vec<Value> {
            vec![thing("", 1)]
        }
        fn inquires(&self) -> Inquires {
            Inquires::Derived
        }
        fn outside(&self) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn what_is_made_up_keeps_the_promises_of_a_provider() {
        let release = Release {
            modules: vec![Module::default()],
            ..Release::default()
        };
        let mock = Mock {
            local: Name::from("fake"),
            alias: None,
            resources: BTreeMap::new(),
            data: BTreeMap::new(),
            during: During::Apply,
            overrides: Vec::new(),
        };
        let substitutes = Substitutes {
            mocks: vec![mock],
            overrides: Vec::new(),
        };
        let world = FakeWorld::new();
        let provider = Substituting {
            inner: Arc::new(FakeProvider::new(world.clone(), Class::Named)),
            stand_ins: Arc::new(StandIns::new(release, substitutes, 1)),
        };
        conformance::provider(&provider, &MadeUp).await;
        assert_eq!(world.count(), 0, "nothing was made outside");
    }
}
