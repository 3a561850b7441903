//! Every fake passes the suite of its trait, and the suites catch what breaks a promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use contract::conformance::{
    self, ArtifactsFixture, Inquires, ProbesFixture, ProviderFixture, ProvisionersFixture,
    RouterFixture, RuntimeFixture, StatesFixture,
};
use contract::fake::{
    Class, FakeArtifacts, FakeClock, FakeProbes, FakeProvider, FakeProvisioners, FakeRouter,
    FakeRuntime, FakeStates, FakeWorld, Fault, Landing, ProviderCall,
};
use contract::{
    Answer, Clock, Inquiry, Looked, Outcome, Pending, Provider, Question, Router, Runtime,
};
use model::{
    ActionId, Address, Arm, Backend, BuildSpec, Change, Digest, Health, InstanceId, InstanceSpec,
    InstanceState, Key, Mode, ModulePath, OnFailure, ProviderSchema, Provision, Repeat,
    ResourceAddress, Route, RouteTable, RunId, Verb, Version,
};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use value::{Diagnostics, Name, Type, Value};

/// Fakes answer at once: a future that is not ready at the first poll is a mistake.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a fake did not answer at once"),
    }
}

fn thing(name: Value, size: Value, kind: Value) -> Value {
    Value::object(BTreeMap::from([
        ("name".into(), name),
        ("size".into(), size),
        ("kind".into(), kind),
        ("id".into(), Value::null(Type::String)),
        ("tag".into(), Value::null(Type::String)),
    ]))
}

struct Things {
    world: FakeWorld,
    class: Class,
    replaces: bool,
}

impl ProviderFixture for Things {
    fn kind(&self) -> &str {
        "fake_thing"
    }
    fn call(&self) -> Option<(Name, Vec<Value>)> {
        let texts = ["a", "b"].map(Value::string);
        Some(("label".into(), texts.into()))
    }
    fn config(&self, n: u32) -> Value {
        let name = Value::string(format!("thing-{n}"));
        thing(name, Value::number(1), Value::null(Type::String))
    }
    fn changed(&self, n: u32) -> Value {
        let name = Value::string(format!("thing-{n}"));
        if self.replaces {
            thing(name, Value::number(1), Value::string("other"))
        } else {
            thing(name, Value::number(2), Value::null(Type::String))
        }
    }
    fn garbage(&self) -> Vec<Value> {
        let null = || Value::null(Type::String);
        vec![
            thing(Value::string(""), Value::number(1), null()),
            thing(null(), Value::number(1), null()),
            thing(Value::bool(true), Value::number(1), null()),
        ]
    }
    fn inquires(&self) -> Inquires {
        match self.class {
            Class::Opaque => Inquires::CannotTell,
            Class::Named | Class::Keyed => Inquires::Exactly,
        }
    }
    fn count(&self) -> Option<usize> {
        Some(self.world.count())
    }
}

fn things(class: Class, replaces: bool) -> (FakeProvider, Things) {
    let world = FakeWorld::new();
    let fixture = Things {
        world: world.clone(),
        class,
        replaces,
    };
    (FakeProvider::new(world, class), fixture)
}

#[test]
fn provider_of_every_class_conforms() {
    for class in [Class::Named, Class::Opaque, Class::Keyed] {
        for replaces in [false, true] {
            let (provider, fixture) = things(class, replaces);
            now(conformance::provider(&provider, &fixture));
        }
    }
}

struct Instances;

fn spec(n: u32, run: &[&str]) -> InstanceSpec {
    InstanceSpec {
        instance: InstanceId(format!("web-{n}")),
        service: "web".into(),
        version: Version(Digest::of(b"one")),
        artifact: Digest::of(b"artifact"),
        run: run.iter().map(|&word| word.into()).collect(),
        env: BTreeMap::new(),
        health_path: "/".into(),
        health_timeout_ms: 1_000,
        memory_bytes_max: 0,
    }
}

impl RuntimeFixture for Instances {
    fn spec(&self, n: u32) -> InstanceSpec {
        spec(n, &["./web"])
    }
    fn unpacked(&self) -> PathBuf {
        PathBuf::from("nowhere")
    }
    fn broken(&self) -> Option<InstanceSpec> {
        Some(spec(9, &[]))
    }
    fn pause(&self) -> Pending<'_, ()> {
        Box::pin(async {})
    }
}

#[test]
fn runtime_conforms() {
    now(conformance::runtime(&FakeRuntime::new(), &Instances));
    let slow = FakeRuntime::new().healthy_after(3);
    now(conformance::runtime(&slow, &Instances));
}

struct Clients(FakeRouter, Mutex<u64>);

fn table(generation: u64, weights: [u32; 2]) -> RouteTable {
    let arm = |n: u8, weight: u32| Arm {
        version: Version(Digest([n; 32])),
        weight,
        backends: vec![Backend {
            instance: InstanceId(format!("web-{n}")),
            address: format!("127.0.0.1:2000{n}"),
            draining: false,
        }],
    };
    let [old, new] = weights;
    RouteTable {
        generation,
        routes: vec![Route {
            service: "web".into(),
            port: 0,
            arms: vec![arm(1, old), arm(2, new)],
            health: Health {
                path: "/".into(),
                interval_ms: 1_000,
                timeout_ms: 1_000,
                deadline_ms: 1_000,
            },
        }],
    }
}

impl RouterFixture for Clients {
    fn table(&self, generation: u64, variant: u32) -> RouteTable {
        table(generation, if variant == 0 { [100, 0] } else { [90, 10] })
    }
    fn request<'a>(&'a self, service: &'a Name, _port: u16) -> Pending<'a, ()> {
        let mut draw = self.1.lock().unwrap();
        *draw += 7;
        self.0.request(service, *draw).unwrap();
        Box::pin(async {})
    }
    fn pause(&self) -> Pending<'_, ()> {
        Box::pin(async {})
    }
}

#[test]
fn router_conforms() {
    let router = FakeRouter::new();
    now(conformance::router(
        &router,
        &Clients(router.clone(), Mutex::new(0)),
    ));
    assert_eq!(router.published(), [5, 6]);
}

#[test]
fn router_spreads_by_weight_and_counts_what_is_under_way() {
    let router = FakeRouter::new();
    assert_eq!(router.begin("web", 1), None, "no table");
    now(router.publish(&table(1, [90, 10])));
    assert_eq!(router.begin("api", 1), None, "no such service");
    let to_new = (0..1_000)
        .filter(|draw| router.request("web", *draw) == Some(Version(Digest([2; 32]))))
        .count();
    assert_eq!(to_new, 100);

    let under_way = router.begin("web", 0).unwrap();
    let counts = now(router.counts()).unwrap();
    assert_eq!(
        counts[0].arms[0].in_flight,
        [(InstanceId("web-1".into()), 1)]
    );
    router.end(under_way, true);
    let counts = now(router.counts()).unwrap();
    assert_eq!(counts[0].arms[0].in_flight, []);
    assert_eq!(
        (counts[0].arms[0].finished, counts[0].arms[0].failed),
        (901, 1)
    );

    router.restart();
    let counts = now(router.counts()).unwrap();
    assert_eq!((counts[0].boot, counts[0].arms.len()), (1, 0));

    now(router.publish(&table(2, [0, 0])));
    assert_eq!(router.begin("web", 1), None, "no arm has a weight");
}

struct Store(FakeArtifacts);

fn build_spec(source_digest: Digest, command: &str) -> BuildSpec {
    BuildSpec {
        name: "web".into(),
        source: "web".into(),
        source_digest,
        build: vec![command.into()],
        inherit: Vec::new(),
        files: BTreeMap::new(),
        run: vec!["./web".into()],
        timeout_ms: 1_000,
    }
}

impl ArtifactsFixture for Store {
    fn source(&self) -> &str {
        "web"
    }
    fn spec(&self, source: Digest) -> BuildSpec {
        build_spec(source, "true")
    }
    fn failing(&self, source: Digest) -> BuildSpec {
        build_spec(source, "false")
    }
    fn edit_source(&self) {
        self.0.set_source("web", b"edited");
    }
    fn is_unpacked(&self, at: &Path) -> bool {
        !at.as_os_str().is_empty()
    }
    fn damage(&self, artifact: &Digest) {
        self.0.damage(artifact);
    }
}

struct Commands(FakeProvisioners);

fn address() -> Address {
    Address {
        resource: ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "fake_thing".into(),
            name: "one".into(),
        },
        key: Key::None,
    }
}

fn provision(command: &str) -> Provision {
    let config = BTreeMap::from([("command".into(), Value::string(command))]);
    Provision {
        address: address(),
        kind: "local-exec".into(),
        config: Value::object(config),
        connection: None,
        on_failure: OnFailure::Fail,
    }
}

impl ProvisionersFixture for Commands {
    fn good(&self, said: &str) -> Provision {
        provision(said)
    }
    fn failing(&self) -> Provision {
        provision("false")
    }
    fn count(&self, _: &str) -> Option<usize> {
        Some(self.0.runs().len())
    }
}

#[test]
fn provisioners_conform() {
    let provisioners = FakeProvisioners::new();
    now(conformance::provisioners(
        &provisioners,
        &Commands(provisioners.clone()),
    ));
}

struct Named(FakeProbes);

impl ProbesFixture for Named {
    fn healthy(&self) -> Vec<model::Probe> {
        ["http", "tcp"]
            .map(|kind| probe(kind, Value::string("well")))
            .into()
    }

    fn ill(&self) -> Vec<(model::Probe, &'static str)> {
        self.0.set_ill("ill", true);
        vec![(probe("tcp", Value::string("ill")), "is ill")]
    }
}

fn probe(kind: &'static str, what: Value) -> model::Probe {
    model::Probe {
        address: creation().address,
        target: Value::object([(kind.into(), what)].into()),
        manner: model::Manner {
            statuses: Vec::new(),
            interval_ms: 1,
            deadline_ms: 1,
            successes: 1,
            on_failure: model::Unhealthy::Hold,
        },
        until_ms: 0,
    }
}

#[test]
fn probes_conform() {
    let probes = FakeProbes::new();
    now(conformance::probes(&probes, &Named(probes.clone())));
    assert_eq!(probes.looks(), 5);
}

#[test]
fn artifacts_conform() {
    let store = FakeArtifacts::new();
    store.set_source("web", b"source");
    now(conformance::artifacts(&store, &Store(store.clone())));
}

struct Memory(FakeStates);

impl StatesFixture for Memory {
    fn backend(&self) -> String {
        "memory".to_owned()
    }

    fn keeping(&self, bytes: &[u8]) -> Value {
        self.0.keep("kept", bytes);
        of_key("kept")
    }

    fn empty(&self) -> Value {
        of_key("empty")
    }

    fn away(&self) -> Value {
        of_key("away")
    }
}

fn of_key(key: &str) -> Value {
    Value::object([("key".into(), Value::string(key))].into())
}

#[test]
fn states_conform() {
    let states = FakeStates::new();
    now(conformance::states(&states, &Memory(states.clone())));
}

#[test]
fn clock_conforms_and_wakes_sleepers_when_it_is_moved() {
    let clock = FakeClock::default();
    now(conformance::clock(&clock));
    let until = clock.now_ms() + 500;
    let mut sleep = clock.sleep_until(until);
    let mut context = Context::from_waker(Waker::noop());
    assert!(sleep.as_mut().poll(&mut context).is_pending());
    clock.advance(499);
    assert!(sleep.as_mut().poll(&mut context).is_pending());
    clock.advance(1);
    assert!(sleep.as_mut().poll(&mut context).is_ready());
}

fn creation() -> Change {
    let config = thing(
        Value::string("one"),
        Value::number(1),
        Value::null(Type::String),
    );
    let mut planned = config.entries().unwrap().clone();
    for computed in ["id", "tag"] {
        planned.insert(computed.into(), Value::unknown(Type::String));
    }
    Change {
        address: address(),
        provider: FakeProvider::SOURCE.into(),
        verb: Verb::Create,
        prior: None,
        config: Some(config),
        planned: Some(Value::object(planned)),
        private: Vec::new(),
        repeat: Repeat::Never,
        settle_ms: 0,
        dependencies: Vec::new(),
        retry: None,
    }
}

#[test]
fn scripted_faults_take_effect_or_not_as_they_say() {
    type Expected = fn(&Outcome) -> bool;
    let cases: [(Fault, usize, Expected); 5] = [
        (Fault::Fail, 0, |o| matches!(o, Outcome::Failed { .. })),
        (Fault::Refuse, 0, |o| matches!(o, Outcome::Refused { .. })),
        (Fault::LoseReply, 1, |o| {
            matches!(o, Outcome::Unknown { .. })
        }),
        (Fault::LoseRequest, 0, |o| {
            matches!(o, Outcome::Unknown { .. })
        }),
        (Fault::Partial, 1, |o| matches!(o, Outcome::Partial { .. })),
    ];
    let action = ActionId::of(RunId(1), "create");
    for (fault, objects, expected) in cases {
        let (provider, _) = things(Class::Named, false);
        provider.world().next(fault);
        let outcome = now(provider.apply(action, &creation()));
        assert!(expected(&outcome), "{fault:?} gave {outcome:?}");
        assert_eq!(provider.world().count(), objects, "{fault:?}");
        let found = provider.look(action, &creation());
        assert_eq!(
            matches!(found, Inquiry::Found(_)),
            objects == 1,
            "{fault:?}: {found:?}"
        );
        let next = now(provider.apply(action, &creation()));
        assert!(
            matches!(next, Outcome::Changed { .. }),
            "{fault:?} is spent"
        );
    }
}

#[test]
fn a_creation_without_a_key_repeated_makes_two_objects_and_the_log_shows_it() {
    let (provider, _) = things(Class::Named, false);
    let action = ActionId::of(RunId(1), "create");
    let change = creation();
    now(provider.apply(action, &change));
    now(provider.apply(action, &change));
    assert_eq!(provider.world().count(), 2);
    assert!(matches!(
        provider.look(action, &change),
        Inquiry::Unclear { .. }
    ));
    let landing = |id: &str| Landing {
        action,
        verb: Verb::Create,
        id: id.into(),
        address: change.address.clone(),
    };
    assert_eq!(
        provider.world().landings(),
        [landing("obj-1"), landing("obj-2")]
    );
    let call = ProviderCall::Apply(action, Verb::Create, change.address.clone());
    assert_eq!(provider.world().calls(), [call.clone(), call]);
}

#[test]
fn drift_is_read() {
    let (provider, _) = things(Class::Opaque, false);
    let action = ActionId::of(RunId(1), "create");
    let Outcome::Changed {
        object: Some(object),
        ..
    } = provider.land(action, &creation())
    else {
        panic!("the creation did not land")
    };
    let world = provider.world();
    assert!(world.drift("obj-1", "size", Value::number(9)));
    assert!(!world.drift("obj-1", "colour", Value::number(9)));
    assert!(!world.drift("obj-2", "size", Value::number(9)));
    let read = Question::Read(model::ReadQuestion {
        address: creation().address,
        provider: FakeProvider::SOURCE.into(),
        prior: object,
        private: Vec::new(),
        retry: None,
    });
    let Answer::Read(answer) = now(provider.ask(&read)) else {
        panic!("not a read")
    };
    assert_eq!(answer.object.unwrap().get("size"), Some(&Value::number(9)));
    assert!(world.remove("obj-1"));
    let Answer::Read(answer) = now(provider.ask(&read)) else {
        panic!("not a read")
    };
    assert_eq!(answer.object, None);
}

#[test]
fn instances_crash_and_sicken_when_told() {
    let runtime = FakeRuntime::new();
    let spec = spec(1, &["./web"]);
    now(runtime.place(&spec, Path::new("nowhere")));
    let state = || now(runtime.observe(&spec.instance)).unwrap().state;
    assert_eq!(state(), InstanceState::Healthy);
    assert!(runtime.set_healthy(&spec.instance, false));
    assert_eq!(state(), InstanceState::Unhealthy);
    assert!(runtime.set_healthy(&spec.instance, true));
    assert_eq!(state(), InstanceState::Healthy);
    assert!(runtime.crash(&spec.instance));
    assert_eq!(state(), InstanceState::Gone);
    assert_eq!(
        now(runtime.list()).unwrap(),
        std::slice::from_ref(&spec.instance)
    );
    runtime.set_unreachable(true);
    assert!(now(runtime.observe(&spec.instance)).is_err());
    assert!(!runtime.crash(&InstanceId("nobody".into())));
}

/// A provider that breaks one promise.
struct Broken {
    inner: FakeProvider,
    promise: &'static str,
}

impl Provider for Broken {
    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    fn validate<'a>(
        &'a self,
        mode: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        let found = match self.promise {
            "refuses garbage" => Diagnostics::new(),
            "accepts unknowns" if !config.is_wholly_known() => {
                value::Diagnostic::error("FAKE", "unknown", "").into()
            }
            _ => return self.inner.validate(mode, kind, config),
        };
        Box::pin(core::future::ready(found))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        let mut answer = now(self.inner.ask(question));
        match (self.promise, &mut answer, question) {
            ("refuses garbage", Answer::Failed(_), Question::Plan(question)) => {
                let mut good = question.clone();
                good.config = creation().config.unwrap();
                answer = now(self.inner.ask(&Question::Plan(good)));
            }
            ("plans what is configured", Answer::Plan(plan), _) => {
                plan.planned = with(&plan.planned, "size", Value::number(7));
            }
            ("plans nothing when nothing changed", Answer::Plan(plan), _) => {
                plan.planned = with(&plan.planned, "tag", Value::unknown(Type::String));
            }
            ("leaves open only what is computed", Answer::Plan(plan), _) => {
                plan.planned = with(&plan.planned, "size", Value::unknown(Type::Number));
            }
            ("reads what is there", Answer::Read(read), Question::Read(question)) => {
                read.object = Some(question.prior.clone());
            }
            ("gives what it declares", Answer::Call(answer), _) => {
                *answer = model::CallAnswer::Gives(Value::number(1));
            }
            ("gives the same again", Answer::Call(answer), _) => {
                let n_calls = self.inner.world().calls().len();
                *answer = model::CallAnswer::Gives(Value::string(n_calls.to_string()));
            }
            _ => {}
        }
        Box::pin(async { answer })
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        let there = change.prior.as_ref().and_then(|prior| prior.get("id"));
        let there = there.is_some_and(|id| {
            let objects = self.inner.world().objects();
            objects
                .iter()
                .any(|object| Some(&*object.id) == id.as_str())
        });
        let mut outcome = now(self.inner.apply(action, change));
        match (self.promise, &mut outcome) {
            ("deletes twice", _) if change.verb == Verb::Delete && !there => {
                outcome = Outcome::Failed {
                    diagnostics: Diagnostics::new(),
                    retry_after_ms: None,
                };
            }
            ("applies what was planned", Outcome::Changed { object, .. }) => {
                *object = object.take().map(|o| with(&o, "size", Value::number(7)));
            }
            ("really deletes", Outcome::Changed { object: None, .. }) => {
                self.inner.land(action, &creation());
            }
            _ => {}
        }
        Box::pin(async { outcome })
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        let inquiry = match self.promise {
            "finds what is there" => Inquiry::Absent,
            "finds nothing where nothing is" => Inquiry::Found(Outcome::Changed {
                object: None,
                private: Vec::new(),
                diagnostics: Diagnostics::new(),
            }),
            _ => now(self.inner.inquire(action, change)).inquiry,
        };
        Box::pin(async { inquiry.into() })
    }
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut entries = object.entries().cloned().unwrap_or_default();
    entries.insert(name.into(), value);
    Value::object(entries)
}

#[test]
fn the_suite_of_providers_catches_every_broken_promise() {
    let promises = [
        "refuses garbage",
        "accepts unknowns",
        "plans what is configured",
        "plans nothing when nothing changed",
        "leaves open only what is computed",
        "reads what is there",
        "deletes twice",
        "applies what was planned",
        "really deletes",
        "finds what is there",
        "finds nothing where nothing is",
        "gives what it declares",
        "gives the same again",
    ];
    for promise in promises {
        let (inner, fixture) = things(Class::Named, false);
        let broken = Broken { inner, promise };
        assert_fails(promise, || now(conformance::provider(&broken, &fixture)));
    }
    let (inner, fixture) = things(Class::Keyed, false);
    let whole = Broken { inner, promise: "" };
    now(conformance::provider(&whole, &fixture));
}

fn assert_fails(promise: &str, suite: impl FnOnce()) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(suite));
    assert!(result.is_err(), "not caught: {promise}");
}

/// A router that breaks one promise.
struct BrokenRouter(FakeRouter, &'static str);

impl Router for BrokenRouter {
    fn publish<'a>(&'a self, table: &'a RouteTable) -> Pending<'a, Outcome> {
        let outcome = now(self.0.publish(table));
        if self.1 == "refuses older tables" && matches!(outcome, Outcome::Refused { .. }) {
            let generation = table.generation;
            let ports = BTreeMap::new();
            return Box::pin(async move { Outcome::Published { generation, ports } });
        }
        Box::pin(async { outcome })
    }
    fn current(&self) -> Pending<'_, Result<Option<RouteTable>, contract::Unavailable>> {
        if self.1 == "shows the table in force" {
            return Box::pin(async { Ok(None) });
        }
        self.0.current()
    }
    fn counts(&self) -> Pending<'_, Result<Vec<model::Counts>, contract::Unavailable>> {
        if self.1 == "counts" {
            return Box::pin(async { Ok(Vec::new()) });
        }
        self.0.counts()
    }
}

#[test]
fn the_suite_of_routers_catches_every_broken_promise() {
    for promise in ["refuses older tables", "shows the table in force", "counts"] {
        let inner = FakeRouter::new();
        let clients = Clients(inner.clone(), Mutex::new(0));
        assert_fails(promise, || {
            now(conformance::router(&BrokenRouter(inner, promise), &clients));
        });
    }
}
