//! The suite of [`Provider`]: the life of an object, repetition, inquiry and bad input, for one resource type.

use crate::{Answer, Inquiry, Outcome, Provider, Question};
use model::{
    ActionId, Address, CallAnswer, CallQuestion, Change, Key, Mode, ModulePath, PlanAnswer,
    PlanQuestion, ReadQuestion, Repeat, ResourceAddress, RunId, TypeSchema, Verb,
};
use std::collections::BTreeMap;
use value::{Name, Type, Value};

/// What an inquiry into a lost creation can tell, for one resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inquires {
    /// It finds the object, equal to what the change gave.
    Exactly,
    /// It finds the object, equal where the plan was known.
    Partly,
    /// It cannot tell whether the creation took effect.
    CannotTell,
    /// There is nothing outside to find: the outcome is a function of the action and its change.
    Derived,
}

/// What the suite of [`Provider`] cannot make itself.
pub trait ProviderFixture: Send + Sync {
    /// The resource type under test.
    fn kind(&self) -> &str;
    /// Complete configuration of the n-th distinct object, of the type's implied type.
    fn config(&self, n: u32) -> Value;
    /// Another configuration of the same object: one that must change it or replace it.
    fn changed(&self, n: u32) -> Value;
    /// Configurations of the implied type that validation or planning must refuse.
    fn garbage(&self) -> Vec<Value>;
    /// What an inquiry can tell.
    fn inquires(&self) -> Inquires {
        Inquires::Exactly
    }
    /// Whether the object exists outside, so that a read sees that it is gone.
    fn outside(&self) -> bool {
        true
    }
    /// A call of one of the provider's functions that gives something, where it has functions.
    fn call(&self) -> Option<(Name, Vec<Value>)> {
        None
    }
    /// How many objects of the type exist outside now, where that can be counted.
    fn count(&self) -> Option<usize> {
        None
    }
}

/// Runs the suite. Everything it makes it destroys again.
///
/// # Panics
/// At the first broken promise.
pub async fn provider(provider: &dyn Provider, fixture: &dyn ProviderFixture) {
    let suite = Suite::new(provider, fixture);
    suite.schema_and_validation().await;
    suite.life().await;
    suite.inquiry().await;
    suite.repetition().await;
    suite.bad_input().await;
    suite.functions().await;
}

struct Suite<'a> {
    provider: &'a dyn Provider,
    fixture: &'a dyn ProviderFixture,
    kind: Name,
    schema: TypeSchema,
    source: String,
}

impl<'a> Suite<'a> {
    fn new(provider: &'a dyn Provider, fixture: &'a dyn ProviderFixture) -> Self {
        let kind = Name::from(fixture.kind());
        let schema = provider.schema();
        let Some(of_kind) = schema.resources.get(&kind) else {
            panic!("the schema has no resource type {kind}")
        };
        Self {
            provider,
            fixture,
            schema: of_kind.clone(),
            source: schema.source.clone(),
            kind,
        }
    }

    fn address(&self, n: u32) -> Address {
        Address {
            resource: ResourceAddress {
                module: ModulePath::default(),
                mode: Mode::Managed,
                kind: self.kind.clone(),
                name: Name::from(format!("conformance_{n}")),
            },
            key: Key::None,
        }
    }

    fn question(&self, n: u32, config: Value, prior: Option<&Value>) -> PlanQuestion {
        let null = Value::null(self.schema.block.implied_type());
        PlanQuestion {
            address: self.address(n),
            provider: self.source.clone(),
            proposed: self.proposed(&config, prior),
            prior: prior.cloned().unwrap_or(null),
            config,
            private: Vec::new(),
            written: None,
            retry: None,
        }
    }

    /// The configuration, with what the provider computed before where nothing is set (unknown for a new object).
    fn proposed(&self, config: &Value, prior: Option<&Value>) -> Value {
        let Some(entries) = config.entries() else {
            return config.clone();
        };
        let mut proposed = entries.clone();
        for (name, attribute) in &self.schema.block.attributes {
            if attribute.computed && config.get(name).is_none_or(Value::is_null) {
                let before = prior.and_then(|object| object.get(name)).cloned();
                proposed.insert(
                    name.clone(),
                    before.unwrap_or_else(|| Value::unknown(attribute.ty.clone())),
                );
            }
        }
        Value::object(proposed)
    }

    async fn plan(&self, n: u32, config: &Value, prior: Option<&Value>) -> PlanAnswer {
        let question = Question::Plan(self.question(n, config.clone(), prior));
        match self.provider.ask(&question).await {
            Answer::Plan(answer) => {
                assert!(
                    !answer.diagnostics.has_errors(),
                    "a good configuration gave errors: {:?}",
                    answer.diagnostics
                );
                self.check_planned(config, prior, &answer.planned);
                answer
            }
            other => panic!("a plan question was answered with {other:?}"),
        }
    }

    /// The plan has the attributes of the type, keeps what was configured and leaves open only what is computed.
    fn check_planned(&self, config: &Value, prior: Option<&Value>, planned: &Value) {
        let names: Vec<&Name> = planned
            .entries()
            .map_or(Vec::new(), |all| all.keys().collect());
        let expected: Vec<&Name> = self.schema.block.attributes.keys().collect();
        assert_eq!(
            names, expected,
            "a planned object has exactly the attributes of its type"
        );
        for (name, attribute) in &self.schema.block.attributes {
            let (Some(config), Some(planned)) = (config.get(name), planned.get(name)) else {
                panic!("the fixture's configuration has no attribute {name}")
            };
            if !config.is_null() {
                assert_eq!(config, planned, "{name}: planned is not what is configured");
            } else if !attribute.computed {
                assert!(
                    planned.is_null(),
                    "{name}: not configured, not computed, but planned as {planned:?}"
                );
            }
            assert!(
                planned.is_wholly_known() || attribute.computed || !config.is_wholly_known(),
                "{name}: planned unknown, though it is not computed (prior {prior:?})"
            );
        }
    }

    fn change(
        &self,
        n: u32,
        verb: Verb,
        repeat: Repeat,
        prior: Option<&Value>,
        config: Option<&Value>,
        planned: Option<&Value>,
    ) -> Change {
        Change {
            address: self.address(n),
            provider: self.source.clone(),
            verb,
            prior: prior.cloned(),
            config: config.cloned(),
            planned: planned.cloned(),
            private: Vec::new(),
            repeat,
            settle_ms: 0,
            dependencies: Vec::new(),
            retry: None,
        }
    }

    fn creation(&self, n: u32, config: &Value, plan: &PlanAnswer) -> Change {
        let planned = Some(&plan.planned);
        self.change(n, Verb::Create, plan.repeat, None, Some(config), planned)
    }

    fn deletion(&self, n: u32, object: &Value) -> Change {
        self.change(n, Verb::Delete, Repeat::Safe, Some(object), None, None)
    }

    /// Applies something that gives an object, and checks the object against the plan.
    async fn apply(&self, action: ActionId, change: &Change) -> Value {
        match self.provider.apply(action, change).await {
            Outcome::Changed {
                object: Some(object),
                ..
            } => {
                check_result(change, &object);
                object
            }
            other => panic!("{:?} gave {other:?}", change.verb),
        }
    }

    async fn destroy(&self, name: &str, n: u32, object: &Value) {
        let outcome = self
            .provider
            .apply(action(name), &self.deletion(n, object))
            .await;
        assert!(
            matches!(outcome, Outcome::Changed { object: None, .. }),
            "{name}: a deletion gave {outcome:?}"
        );
    }

    async fn read(&self, n: u32, prior: &Value) -> Option<Value> {
        let question = Question::Read(ReadQuestion {
            address: self.address(n),
            provider: self.source.clone(),
            prior: prior.clone(),
            private: Vec::new(),
            retry: None,
        });
        match self.provider.ask(&question).await {
            Answer::Read(answer) => answer.object,
            other => panic!("a read question was answered with {other:?}"),
        }
    }

    async fn schema_and_validation(&self) {
        let schema = self.provider.schema();
        assert!(
            !schema.source.is_empty(),
            "the provider has no source address"
        );
        assert_eq!(
            schema,
            self.provider.schema(),
            "the schema changed between two looks"
        );
        assert!(
            !self.schema.block.attributes.is_empty(),
            "the type has no attributes"
        );
        for config in [self.fixture.config(0), self.fixture.changed(0)] {
            let found = self
                .provider
                .validate(Mode::Managed, &self.kind, &config)
                .await;
            assert!(
                !found.has_errors(),
                "a good configuration does not validate: {found:?}"
            );
        }
        let unknown = self.each_attribute(|attribute, ty| {
            if attribute.required || attribute.optional {
                Value::unknown(ty)
            } else {
                Value::null(ty)
            }
        });
        let found = self
            .provider
            .validate(Mode::Managed, &self.kind, &unknown)
            .await;
        assert!(
            !found.has_errors(),
            "unknown values must validate: {found:?}"
        );
    }

    fn each_attribute(&self, make: impl Fn(&model::Attribute, Type) -> Value) -> Value {
        let attributes = self.schema.block.attributes.iter();
        Value::object(
            attributes
                .map(|(name, attribute)| (name.clone(), make(attribute, attribute.ty.clone())))
                .collect::<BTreeMap<_, _>>(),
        )
    }

    /// Create, read, plan nothing, change or replace, delete, delete again.
    async fn life(&self) {
        let before = self.fixture.count();
        let config = self.fixture.config(0);
        let plan = self.plan(0, &config, None).await;
        assert!(
            plan.requires_replace.is_empty(),
            "a new object cannot be replaced"
        );
        let object = self
            .apply(action("life.create"), &self.creation(0, &config, &plan))
            .await;
        self.settled(0, &config, &object).await;

        let config = self.fixture.changed(0);
        let object = self.change_or_replace(&config, object).await;
        self.settled(0, &config, &object).await;

        self.destroy("life.delete", 0, &object).await;
        if self.fixture.outside() {
            assert_eq!(self.read(0, &object).await, None, "read after the deletion");
        }
        self.destroy("life.delete", 0, &object).await;
        self.destroy("life.delete again", 0, &object).await;
        assert_eq!(
            before,
            self.fixture.count(),
            "objects before and after a whole life"
        );
    }

    /// A read gives the object as it was made, and planning the same again plans nothing.
    async fn settled(&self, n: u32, config: &Value, object: &Value) {
        assert_eq!(
            self.read(n, object).await.as_ref(),
            Some(object),
            "a read right after the change"
        );
        let again = self.plan(n, config, Some(object)).await;
        assert_eq!(
            &again.planned, object,
            "the same configuration planned again must plan nothing"
        );
        assert!(
            again.requires_replace.is_empty(),
            "the same configuration planned again asks for a replacement by {:?}",
            again.requires_replace
        );
    }

    async fn change_or_replace(&self, config: &Value, object: Value) -> Value {
        let plan = self.plan(0, config, Some(&object)).await;
        for path in &plan.requires_replace {
            let name = path.first().map_or("", String::as_str);
            assert!(
                self.schema.block.attributes.contains_key(name),
                "requires_replace names {path:?}, which the type does not have"
            );
        }
        if plan.requires_replace.is_empty() {
            assert_ne!(
                plan.planned, object,
                "another configuration planned no change"
            );
            let planned = Some(&plan.planned);
            let change = self.change(
                0,
                Verb::Update,
                Repeat::Safe,
                Some(&object),
                Some(config),
                planned,
            );
            self.apply(action("life.update"), &change).await
        } else {
            self.destroy("life.replace.delete", 0, &object).await;
            let plan = self.plan(0, config, None).await;
            self.apply(
                action("life.replace.create"),
                &self.creation(0, config, &plan),
            )
            .await
        }
    }

    /// What can be found out about a creation, a change and a deletion whose reply was lost.
    async fn inquiry(&self) {
        let config = self.fixture.config(1);
        let plan = self.plan(1, &config, None).await;
        let create = self.creation(1, &config, &plan);
        let id = action("inquiry.create");
        let inquires = self.fixture.inquires();
        let before = self.provider.inquire(id, &create).await.inquiry;
        match inquires {
            Inquires::Exactly | Inquires::Partly => assert_eq!(
                before,
                Inquiry::Absent,
                "inquiry into a creation that never took effect"
            ),
            Inquires::CannotTell => assert!(
                matches!(before, Inquiry::Unclear { .. } | Inquiry::Absent),
                "inquiry that cannot tell gave {before:?}"
            ),
            Inquires::Derived => {}
        }
        let object = self.apply(id, &create).await;
        match (inquires, self.provider.inquire(id, &create).await.inquiry) {
            (Inquires::CannotTell, Inquiry::Unclear { what }) => {
                assert!(
                    !what.is_empty(),
                    "an unclear inquiry must say what is known"
                );
            }
            (Inquires::CannotTell, other) => panic!("inquiry that cannot tell gave {other:?}"),
            (_, Inquiry::Found(Outcome::Changed { object: found, .. })) => {
                let Some(found) = found else {
                    panic!("inquiry found a creation without its object")
                };
                check_result(&create, &found);
                if inquires != Inquires::Partly {
                    assert_eq!(found, object, "inquiry found another object");
                }
            }
            (_, other) => panic!("inquiry into a creation that took effect gave {other:?}"),
        }
        self.inquire_deletion(&object).await;
    }

    async fn inquire_deletion(&self, object: &Value) {
        let delete = self.deletion(1, object);
        let id = action("inquiry.delete");
        let before = self.provider.inquire(id, &delete).await.inquiry;
        let tells = matches!(
            self.fixture.inquires(),
            Inquires::Exactly | Inquires::Partly
        );
        assert!(
            !tells || before == Inquiry::Absent,
            "inquiry into a deletion that never took effect gave {before:?}"
        );
        self.destroy("inquiry.delete", 1, object).await;
        let after = self.provider.inquire(id, &delete).await.inquiry;
        assert!(
            !tells || matches!(after, Inquiry::Found(Outcome::Changed { object: None, .. })),
            "inquiry into a deletion that took effect gave {after:?}"
        );
    }

    /// The same action twice is one object, where the plan says so.
    async fn repetition(&self) {
        let config = self.fixture.config(2);
        let plan = self.plan(2, &config, None).await;
        let create = self.creation(2, &config, &plan);
        let id = action("repetition.create");
        let before = self.fixture.count();
        let first = self.apply(id, &create).await;
        if plan.repeat != Repeat::Never {
            let second = self.apply(id, &create).await;
            if plan.repeat == Repeat::ByKey {
                assert_eq!(first, second, "the same key gave two different objects");
            }
        }
        if let (Some(before), Some(after)) = (before, self.fixture.count()) {
            assert_eq!(before + 1, after, "objects made by one creation, repeated");
        }
        self.destroy("repetition.delete", 2, &first).await;
        if self.fixture.outside() {
            assert_eq!(self.read(2, &first).await, None, "read after the deletion");
        }
        assert_eq!(
            before,
            self.fixture.count(),
            "objects left after creating once, repeated, and deleting once"
        );
    }

    /// Bad configurations are refused in words; senseless ones never panic.
    async fn bad_input(&self) {
        for config in self.fixture.garbage() {
            let found = self
                .provider
                .validate(Mode::Managed, &self.kind, &config)
                .await;
            let mut refused = found.has_errors();
            let question = Question::Plan(self.question(3, config.clone(), None));
            refused |= match self.provider.ask(&question).await {
                Answer::Failed(found) => found.has_errors(),
                Answer::Plan(answer) => answer.diagnostics.has_errors(),
                Answer::Read(_)
                | Answer::Data(_)
                | Answer::Import(_)
                | Answer::Upgrade(_)
                | Answer::Open(_)
                | Answer::Call(_) => {
                    panic!("a plan question was answered with something else")
                }
            };
            assert!(refused, "not refused: {config:?}");
        }
        let senseless = [
            Value::null(Type::Any),
            Value::unknown(Type::Any),
            Value::string("garbage"),
            Value::tuple(vec![Value::bool(true)]),
            Value::object(BTreeMap::new()),
            self.each_attribute(|_, _| Value::tuple(vec![Value::null(Type::Any)])),
        ];
        for config in &senseless {
            let _ = self
                .provider
                .validate(Mode::Managed, &self.kind, config)
                .await;
            let question = Question::Plan(self.question(3, config.clone(), Some(config)));
            let _ = self.provider.ask(&question).await;
            let create = self.change(
                3,
                Verb::Create,
                Repeat::Safe,
                None,
                Some(config),
                Some(config),
            );
            let _ = self.provider.inquire(action("bad.inquire"), &create).await;
        }
        self.bad_changes().await;
    }

    /// The same arguments give the same; what makes no sense is refused in words and never panics.
    async fn functions(&self) {
        let ask = |function: Name, arguments: Vec<Value>| {
            let call = CallQuestion {
                provider: self.source.clone(),
                function,
                arguments,
            };
            async move { self.provider.ask(&Question::Call(call)).await }
        };
        let answer = ask(Name::from("no_such_function"), Vec::new()).await;
        assert!(
            matches!(&answer, Answer::Failed(found) if found.has_errors()),
            "a function that does not exist was answered with {answer:?}"
        );
        let Some((function, arguments)) = self.fixture.call() else {
            return;
        };
        let declared = self.provider.schema().functions.get(&function);
        let Some(declared) = declared else {
            panic!("the schema has no function {function}")
        };
        let first = ask(function.clone(), arguments.clone()).await;
        let Answer::Call(CallAnswer::Gives(value)) = &first else {
            panic!("{function} was answered with {first:?}")
        };
        let is_declared = value::convert(value, &declared.returns);
        assert_eq!(
            is_declared.as_ref(),
            Ok(value),
            "{function} gave another type than declared"
        );
        let again = ask(function.clone(), arguments).await;
        assert_eq!(first, again, "{function} gave two different answers");
        let senseless = Value::tuple(vec![Value::null(Type::Any)]);
        let n_parameters = declared.parameters.len();
        let _ = ask(function, vec![senseless; n_parameters]).await;
    }

    async fn bad_changes(&self) {
        for verb in [Verb::Create, Verb::Update, Verb::Delete] {
            let nothing = self.change(3, verb, Repeat::Safe, None, None, None);
            let outcome = self.provider.apply(action("bad.apply"), &nothing).await;
            assert!(
                matches!(&outcome, Outcome::Refused { diagnostics } if diagnostics.has_errors()),
                "{verb:?} of nothing gave {outcome:?}"
            );
            let _ = self.provider.inquire(action("bad.apply"), &nothing).await;
        }
        let mut foreign = self.question(3, self.fixture.config(3), None);
        foreign.address.resource.kind = Name::from("no_such_type");
        let answer = self.provider.ask(&Question::Plan(foreign)).await;
        assert!(
            matches!(&answer, Answer::Failed(found) if found.has_errors()),
            "a type that does not exist was answered with {answer:?}"
        );
        let found = self
            .provider
            .validate(
                Mode::Managed,
                &Name::from("no_such_type"),
                &self.fixture.config(3),
            )
            .await;
        assert!(found.has_errors(), "a type that does not exist validates");
    }
}

/// An applied object is wholly known and is what was planned, wherever that was known.
fn check_result(change: &Change, object: &Value) {
    assert!(
        object.is_wholly_known(),
        "an applied object still has unknowns: {object:?}"
    );
    let planned = change.planned.as_ref().and_then(Value::entries);
    let (Some(planned), Some(applied)) = (planned, object.entries()) else {
        panic!("planned or applied is no object")
    };
    assert!(
        planned.keys().eq(applied.keys()),
        "planned and applied have different attributes"
    );
    for (name, value) in planned {
        assert!(
            !value.is_wholly_known() || applied.get(name) == Some(value),
            "{name}: planned {value:?}, applied {:?}",
            applied.get(name)
        );
    }
}

fn action(name: &str) -> ActionId {
    ActionId::of(RunId(0x0c0f), name)
}
