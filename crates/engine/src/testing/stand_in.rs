//! [`Substituting`]: a provider of which parts are made up.

use crate::Outside;
use contract::{Lease, Looked, Opened, Pending, Provider};
use core::future::ready;
use decide::substitute::StandIns;
use model::{
    ActionId, Answer, Change, Inquiry, Mode, OpenQuestion, Outcome, ProviderSchema, Question,
};
use std::sync::Arc;
use value::{Diagnostics, Name, Value};

/// The same outside, with stand-ins in front of its providers. What is behind them is configured once for all runs.
pub(super) fn substituted(outside: &Outside, stand_ins: &Arc<StandIns>) -> Outside {
    let real = Arc::new(outside.clone());
    let providers = outside.providers.iter().map(|(source, provider)| {
        let provider: Arc<dyn Provider> = Arc::new(Substituting {
            inner: provider.clone(),
            stand_ins: stand_ins.clone(),
            behind: None,
            real: real.clone(),
            source: source.clone(),
        });
        (source.clone(), provider)
    });
    Outside {
        providers: providers.collect(),
        configured: Arc::default(),
        ..outside.clone()
    }
}

/// A provider that is asked only about what nothing stands in for.
///
/// It is configured when it is first asked, so that one of which everything is made up needs no credentials.
pub(super) struct Substituting {
    inner: Arc<dyn Provider>,
    stand_ins: Arc<StandIns>,
    /// How it is configured, where it is.
    behind: Option<Value>,
    /// The real providers.
    real: Arc<Outside>,
    source: String,
}

impl Substituting {
    /// The real provider.
    async fn real(&self) -> Result<Arc<dyn Provider>, Diagnostics> {
        let Some(config) = &self.behind else {
            return Ok(self.inner.clone());
        };
        let configuration = Ok(config.clone());
        match self.real.provider(&self.source, &configuration).await {
            Some(real) => real,
            None => Ok(self.inner.clone()),
        }
    }
}

impl Provider for Substituting {
    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn configured<'a>(
        &'a self,
        config: &'a Value,
    ) -> Option<Pending<'a, Result<Arc<dyn Provider>, Diagnostics>>> {
        // Nothing happens before it is waited for; whether there is something to wait for says whether it has a
        // configuration.
        drop(self.inner.configured(config)?);
        let configured: Arc<dyn Provider> = Arc::new(Self {
            inner: self.inner.clone(),
            stand_ins: self.stand_ins.clone(),
            behind: Some(config.clone()),
            real: self.real.clone(),
            source: self.source.clone(),
        });
        Some(Box::pin(ready(Ok(configured))))
    }

    fn validate<'a>(
        &'a self,
        mode: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        self.inner.validate(mode, kind, config)
    }

    fn validate_own<'a>(&'a self, config: &'a Value) -> Pending<'a, Diagnostics> {
        self.inner.validate_own(config)
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        match self.stand_ins.answer(self.schema(), question) {
            Some(answer) => Box::pin(ready(answer)),
            None => Box::pin(async move {
                match self.real().await {
                    Ok(real) => real.ask(question).await,
                    Err(why) => Answer::Failed(why),
                }
            }),
        }
    }

    fn open<'a>(
        &'a self,
        question: &'a OpenQuestion,
    ) -> Option<Pending<'a, Result<Opened, Diagnostics>>> {
        let asked = Question::Open(question.clone());
        if let Some(Answer::Failed(found)) = self.stand_ins.answer(self.schema(), &asked) {
            return Some(Box::pin(ready(Err(found))));
        }
        Some(Box::pin(async move {
            let real = self.real().await?;
            match real.open(question) {
                Some(opening) => opening.await,
                None => Err(crate::diag::provider_broke("it opens nothing").into()),
            }
        }))
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Pending<'a, (Lease, Diagnostics)> {
        Box::pin(async move {
            match self.real().await {
                Ok(real) => real.renew(lease).await,
                Err(found) => (lease.clone(), found),
            }
        })
    }

    fn let_go<'a>(&'a self, lease: &'a Lease) -> Pending<'a, Diagnostics> {
        Box::pin(async move {
            match self.real().await {
                Ok(real) => real.let_go(lease).await,
                Err(found) => found,
            }
        })
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        match self.stand_ins.outcome(self.schema(), change) {
            Some(outcome) => Box::pin(ready(outcome)),
            None => Box::pin(async move {
                match self.real().await {
                    Ok(real) => real.apply(action, change).await,
                    Err(diagnostics) => Outcome::Refused { diagnostics },
                }
            }),
        }
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        match self.stand_ins.outcome(self.schema(), change) {
            // What is made up follows from the change alone.
            Some(outcome) => Box::pin(ready(Inquiry::Found(outcome).into())),
            None => Box::pin(async move {
                match self.real().await {
                    Ok(real) => real.inquire(action, change).await,
                    Err(_) => Looked::from(Inquiry::Unclear {
                        what: "its provider cannot be configured".to_owned(),
                    }),
                }
            }),
        }
    }

    fn stop(&self) -> Pending<'_, ()> {
        let config = self.behind.as_ref();
        let configured = config.and_then(|config| self.real.configured(&self.source, config));
        Box::pin(async move { configured.as_ref().unwrap_or(&self.inner).stop().await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::conformance::{self, Inquires, ProviderFixture};
    use contract::fake::{Class, FakeProvider, FakeWorld};
    use model::{
        Address, During, Key, Mock, Mode, Module, ModulePath, ReadQuestion, Release,
        ResourceAddress, Substitutes,
    };
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
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

    fn outside(provider: Arc<dyn Provider>) -> Outside {
        Outside {
            providers: BTreeMap::from([(FakeProvider::SOURCE.to_owned(), provider)]),
            ..Outside::default()
        }
    }

    /// A stand-in for everything, or for nothing.
    fn stand_ins(everything: bool) -> Arc<StandIns> {
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
            mocks: if everything { vec![mock] } else { Vec::new() },
            overrides: Vec::new(),
        };
        Arc::new(StandIns::new(release, substitutes, 1))
    }

    #[tokio::test]
    async fn what_is_made_up_keeps_the_promises_of_a_provider() {
        let world = FakeWorld::new();
        let inner = Arc::new(FakeProvider::new(world.clone(), Class::Named));
        let outside = substituted(&outside(inner), &stand_ins(true));
        let provider = outside.providers.get(FakeProvider::SOURCE);
        conformance::provider(provider.unwrap().as_ref(), &MadeUp).await;
        assert_eq!(world.count(), 0, "nothing was made outside");
    }

    /// A provider that cannot be configured, and notes that it was tried.
    struct Locked(FakeProvider, AtomicUsize);

    impl Provider for Locked {
        fn schema(&self) -> &ProviderSchema {
            self.0.schema()
        }
        fn configured<'a>(
            &'a self,
            _: &'a Value,
        ) -> Option<Pending<'a, Result<Arc<dyn Provider>, Diagnostics>>> {
            Some(Box::pin(async move {
                self.1.fetch_add(1, Ordering::Relaxed);
                Err(crate::diag::provider_broke("no credentials").into())
            }))
        }
        fn validate<'a>(
            &'a self,
            mode: Mode,
            kind: &'a Name,
            config: &'a Value,
        ) -> Pending<'a, Diagnostics> {
            self.0.validate(mode, kind, config)
        }
        fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
            self.0.ask(question)
        }
        fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
            self.0.apply(action, change)
        }
        fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
            self.0.inquire(action, change)
        }
    }

    #[tokio::test]
    async fn a_provider_of_which_everything_is_made_up_is_never_configured() {
        for (everything, n_configured) in [(true, 0), (false, 2)] {
            let world = FakeWorld::new();
            let locked = Arc::new(Locked(
                FakeProvider::new(world, Class::Named),
                AtomicUsize::new(0),
            ));
            let outside = substituted(&outside(locked.clone()), &stand_ins(everything));
            let address = Address {
                resource: ResourceAddress {
                    module: ModulePath::default(),
                    mode: Mode::Managed,
                    kind: Name::from("fake_thing"),
                    name: Name::from("a"),
                },
                key: Key::None,
            };
            let question = Question::Read(ReadQuestion {
                address,
                provider: FakeProvider::SOURCE.to_owned(),
                prior: thing("a", 1),
                private: Vec::new(),
                retry: None,
            });
            let configuration = Ok(Value::object(BTreeMap::new()));
            for _ in 0..2 {
                let answer = crate::perform::ask(&outside, &question, &configuration).await;
                assert_eq!(matches!(answer, Answer::Read(_)), everything, "{answer:?}");
            }
            // What could not be configured is tried again.
            assert_eq!(locked.1.load(Ordering::Relaxed), n_configured);
        }
    }
}
