//! [`Leases`]: ephemeral resources that are held open, each by a task that renews it in time and lets go of it at the
//! end.
//!
//! What they hold is not here: it is with whoever had them opened. What keeps them open is written down nowhere; when
//! this process dies, they run out by themselves.

use crate::limits::RENEWALS_APART_MS_MIN;
use crate::task::{TaskKind, spawn};
use crate::{Sensitive, SystemClock};
use contract::{Clock, Lease, Provider};
use model::Address;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use value::Diagnostics;

/// See the module's header.
pub struct Leases {
    clock: Arc<dyn Clock>,
    /// In the order in which they were opened: each may need those before it.
    held: Mutex<Vec<(Address, Keeper)>>,
    /// What went wrong with renewing and letting go, until somebody tells it.
    trouble: Mutex<Diagnostics>,
}

struct Keeper {
    end: oneshot::Sender<()>,
    keeping: JoinHandle<Diagnostics>,
}

impl Default for Leases {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock::new()))
    }
}

impl Leases {
    /// None yet; they are renewed by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            held: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Holds what was opened.
    pub(crate) fn hold(
        &self,
        address: Address,
        provider: Arc<dyn Provider>,
        lease: Lease,
        sensitive: Sensitive,
    ) {
        let (end, ended) = oneshot::channel();
        let clock = self.clock.clone();
        let keeping = spawn(TaskKind::Lease, async move {
            let found = kept(clock, provider, lease, ended).await;
            sensitive.said(found)
        });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.push((address, Keeper { end, keeping }));
    }

    /// Lets go of one, if it is held.
    pub(crate) async fn let_go(&self, address: &Address) {
        let found = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let at = held.iter().position(|(of, _)| of == address);
            at.map(|at| held.remove(at))
        };
        if let Some((address, keeper)) = found {
            self.end(&address, keeper).await;
        }
    }

    /// Lets go of all, the newest first.
    pub async fn let_go_of_all(&self) {
        // Ends: nothing is opened any more by whoever lets go of everything.
        while let Some((address, keeper)) = self.newest() {
            self.end(&address, keeper).await;
        }
    }

    fn newest(&self) -> Option<(Address, Keeper)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.pop()
    }

    async fn end(&self, address: &Address, keeper: Keeper) {
        // A keeper that broke has nothing to end.
        let _ = keeper.end.send(());
        let mut found = keeper.keeping.await.unwrap_or_else(|panic| {
            Diagnostics::from(crate::diag::provider_broke(&panic.to_string()))
        });
        for one in &mut found.0 {
            one.address.get_or_insert_with(|| address.to_string());
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.extend(found);
    }

    /// What went wrong with renewing and letting go since this was last called.
    pub fn take_trouble(&self) -> Diagnostics {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *trouble)
    }
}

/// Keeps a lease until it is to end, and what went wrong.
async fn kept(
    clock: Arc<dyn Clock>,
    provider: Arc<dyn Provider>,
    mut lease: Lease,
    mut ended: oneshot::Receiver<()>,
) -> Diagnostics {
    let mut found = Diagnostics::new();
    let mut not_before_ms = i64::MIN;
    loop {
        // Ends when whoever holds the other side lets go, or is gone.
        let Some(renew_at_ms) = lease.renew_at_ms else {
            let _ = ended.await;
            break;
        };
        tokio::select! {
            _ = &mut ended => break,
            () = clock.sleep_until(renew_at_ms.max(not_before_ms)) => {}
        }
        not_before_ms = clock.now_ms().saturating_add(RENEWALS_APART_MS_MIN);
        let (renewed, said) = provider.renew(&lease).await;
        if said.has_errors() {
            // It stays open for as long as it does; that it could not be renewed is told when it is let go of.
            lease.renew_at_ms = None;
        } else {
            lease = renewed;
        }
        found.extend(said);
    }
    found.extend(provider.let_go(&lease).await);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Configuration, Outside, perform};
    use contract::fake::{Class, FakeClock, FakeProvider, FakeWorld, ProviderCall};
    use model::{Key, Mode, ModulePath, OpenQuestion, ResourceAddress};
    use std::collections::BTreeMap;
    use value::{Marks, Type, Value};

    const NOW_MS: i64 = 1_000_000;

    fn address(name: &str) -> Address {
        Address {
            resource: ResourceAddress {
                module: ModulePath::default(),
                mode: Mode::Ephemeral,
                kind: "fake_lease".into(),
                name: name.into(),
            },
            key: Key::None,
        }
    }

    fn outside(world: &FakeWorld, clock: &FakeClock) -> Outside {
        let provider = FakeProvider::new(world.clone(), Class::Named).with_ephemeral("fake_lease");
        let provider: Arc<dyn Provider> = Arc::new(provider);
        Outside {
            providers: BTreeMap::from([(FakeProvider::SOURCE.to_owned(), provider)]),
            leases: Arc::new(Leases::new(Arc::new(clock.clone()))),
            ..Outside::default()
        }
    }

    async fn open(outside: &Outside, name: &str) -> Value {
        let question = OpenQuestion {
            address: address(name),
            provider: FakeProvider::SOURCE.to_owned(),
            config: Value::object(
                [
                    ("name".into(), Value::string(name)),
                    ("secret".into(), Value::null(Type::String)),
                ]
                .into(),
            ),
        };
        let configuration: Configuration = Ok(Value::null(Type::Any));
        let opened = perform::open(outside, &question, &configuration).await;
        let (value, found) = opened.unwrap();
        assert!(found.is_empty() && value.marks().contains(Marks::EPHEMERAL));
        value
    }

    /// The calls, once there are so many; it gives up after more rounds than anything needs.
    async fn calls(world: &FakeWorld, n: usize) -> Vec<ProviderCall> {
        for _ in 0..1_000 {
            if world.calls().len() >= n {
                break;
            }
            tokio::task::yield_now().await;
        }
        world.calls()
    }

    #[tokio::test]
    async fn what_is_open_is_renewed_when_it_is_due_and_let_go_of_once() {
        let (world, clock) = (FakeWorld::new(), FakeClock::new(NOW_MS));
        world.renew_at(NOW_MS + 60_000);
        world.renew_at(NOW_MS + 90_000);
        let outside = outside(&world, &clock);
        let value = open(&outside, "a").await;
        assert_eq!(
            value.get("secret").and_then(Value::as_str),
            Some("secret-1")
        );
        let opened = ProviderCall::Open(address("a"));
        let renewed = ProviderCall::Renew("lease-1".to_owned());
        clock.advance(59_999);
        assert_eq!(calls(&world, 2).await, std::slice::from_ref(&opened));
        clock.advance(1);
        assert_eq!(calls(&world, 2).await, [opened.clone(), renewed.clone()]);
        clock.advance(30_000);
        assert_eq!(
            calls(&world, 3).await,
            [opened.clone(), renewed.clone(), renewed.clone()]
        );
        // The second renewal said that it stays open.
        clock.advance(1_000_000);
        outside.leases.let_go_of_all().await;
        outside.leases.let_go_of_all().await;
        let let_go = ProviderCall::LetGo("lease-1".to_owned());
        assert_eq!(
            calls(&world, 5).await,
            [opened, renewed.clone(), renewed, let_go]
        );
        assert!(outside.leases.take_trouble().is_empty());
    }

    #[tokio::test]
    async fn the_newest_is_let_go_of_first_and_what_is_opened_again_before_that() {
        let (world, clock) = (FakeWorld::new(), FakeClock::new(NOW_MS));
        let outside = outside(&world, &clock);
        open(&outside, "a").await;
        open(&outside, "b").await;
        open(&outside, "a").await;
        outside.leases.let_go_of_all().await;
        let let_go = |n: u32| ProviderCall::LetGo(format!("lease-{n}"));
        assert_eq!(
            world.calls(),
            [
                ProviderCall::Open(address("a")),
                ProviderCall::Open(address("b")),
                let_go(1),
                ProviderCall::Open(address("a")),
                let_go(3),
                let_go(2),
            ]
        );
    }

    /// A provider that wants to renew again and again, and cannot in the end.
    struct Hasty(FakeProvider, FakeWorld);

    impl Provider for Hasty {
        fn schema(&self) -> &model::ProviderSchema {
            self.0.schema()
        }
        fn validate<'a>(
            &'a self,
            mode: Mode,
            kind: &'a value::Name,
            config: &'a Value,
        ) -> contract::Pending<'a, Diagnostics> {
            self.0.validate(mode, kind, config)
        }
        fn ask<'a>(
            &'a self,
            question: &'a model::Question,
        ) -> contract::Pending<'a, model::Answer> {
            self.0.ask(question)
        }
        fn apply<'a>(
            &'a self,
            action: model::ActionId,
            change: &'a model::Change,
        ) -> contract::Pending<'a, model::Outcome> {
            self.0.apply(action, change)
        }
        fn inquire<'a>(
            &'a self,
            action: model::ActionId,
            change: &'a model::Change,
        ) -> contract::Pending<'a, contract::Looked> {
            self.0.inquire(action, change)
        }
        fn renew<'a>(&'a self, lease: &'a Lease) -> contract::Pending<'a, (Lease, Diagnostics)> {
            Box::pin(async move {
                let (_, mut found) = self.0.renew(lease).await;
                if self.1.calls().len() == 3 {
                    found.push(crate::diag::provider_broke("no more for secret-1"));
                }
                let lease = Lease {
                    renew_at_ms: Some(0),
                    ..lease.clone()
                };
                (lease, found)
            })
        }
        fn let_go<'a>(&'a self, lease: &'a Lease) -> contract::Pending<'a, Diagnostics> {
            self.0.let_go(lease)
        }
    }

    #[tokio::test]
    async fn renewals_are_apart_and_one_that_fails_is_the_last_and_is_told() {
        let (world, clock) = (FakeWorld::new(), FakeClock::new(NOW_MS));
        let fake = FakeProvider::new(world.clone(), Class::Named).with_ephemeral("fake_lease");
        let provider = Arc::new(Hasty(fake, world.clone()));
        let leases = Leases::new(Arc::new(clock.clone()));
        let lease = Lease {
            kind: "fake_lease".into(),
            private: Some(b"lease-1".to_vec()),
            renew_at_ms: Some(0),
        };
        let secret = Value::string("secret-1").with_marks(Marks::EPHEMERAL);
        let sensitive = Sensitive::default().with(&secret);
        leases.hold(address("a"), provider, lease, sensitive);
        for n in 1..=3 {
            assert_eq!(calls(&world, n).await.len(), n);
            assert_eq!(calls(&world, n + 1).await.len(), n, "no sooner than that");
            clock.advance(1_000);
        }
        clock.advance(1_000_000);
        leases.let_go_of_all().await;
        assert_eq!(world.calls().len(), 4);
        let found = leases.take_trouble();
        let told: Vec<&str> = found.iter().map(|one| one.detail.as_str()).collect();
        assert!(told.len() == 1 && !told[0].contains("secret-1"), "{told:?}");
        let about = found.iter().next().and_then(|one| one.address.clone());
        assert_eq!(about.as_deref(), Some("ephemeral.fake_lease.a"));
    }
}
