//! What is made up, for objects with every kind of attribute and nested block, and which mock an object belongs to.

use super::*;
use model::{
    Attribute, EndpointResource, Key, ModuleCall, ModulePath, NestedBlock, PassedProvider,
    PlanQuestion, ProviderRequirement, ReadQuestion, Repetition, Resource, TypeSchema,
};
use value::Span;

const SOURCE: &str = "registry.example.com/some/cloud";

fn schema() -> ProviderSchema {
    let disk = BlockSchema {
        attributes: BTreeMap::from([
            ("size".into(), Attribute::optional(Type::Number, "")),
            ("path".into(), Attribute::computed(Type::String, "")),
        ]),
        blocks: BTreeMap::new(),
    };
    let address = Type::object([
        ("ip".into(), Type::String),
        ("ports".into(), Type::list(Type::Number)),
    ]);
    let block = BlockSchema {
        attributes: BTreeMap::from([
            ("name".into(), Attribute::required(Type::String, "")),
            ("id".into(), Attribute::computed(Type::String, "")),
            (
                "cores".into(),
                Attribute::optional_computed(Type::Number, ""),
            ),
            ("on".into(), Attribute::computed(Type::Bool, "")),
            (
                "tags".into(),
                Attribute::computed(Type::map(Type::String), ""),
            ),
            ("address".into(), Attribute::computed(address, "")),
            ("any".into(), Attribute::computed(Type::Any, "")),
        ]),
        blocks: BTreeMap::from([(
            "disk".into(),
            NestedBlock {
                nesting: Nesting::List,
                block: disk,
                min_items: 0,
                max_items: 0,
            },
        )]),
    };
    let of_type = TypeSchema { version: 0, block };
    ProviderSchema {
        source: SOURCE.into(),
        resources: BTreeMap::from([("cloud_server".into(), of_type.clone())]),
        data: BTreeMap::from([("cloud_server".into(), of_type)]),
        ..ProviderSchema::default()
    }
}

fn object(entries: &[(&str, Value)]) -> Value {
    let entries = entries.iter();
    Value::object(
        entries
            .map(|(name, value)| (Name::from(*name), value.clone()))
            .collect(),
    )
}

fn config() -> Value {
    let disk = object(&[
        ("size", Value::number(3)),
        ("path", Value::null(Type::String)),
    ]);
    let address = Type::object([
        ("ip".into(), Type::String),
        ("ports".into(), Type::list(Type::Number)),
    ]);
    object(&[
        ("name", Value::string("web")),
        ("id", Value::null(Type::String)),
        ("cores", Value::null(Type::Number)),
        ("on", Value::null(Type::Bool)),
        ("tags", Value::null(Type::map(Type::String))),
        ("address", Value::null(address)),
        ("any", Value::null(Type::Any)),
        ("disk", Value::list(disk.ty(), Vec::from([disk]))),
    ])
}

fn address(module: &[&str], mode: Mode, name: &str) -> Address {
    let steps = module.iter().map(|name| ModuleStep {
        name: Name::from(*name),
        key: Key::None,
    });
    Address {
        resource: ResourceAddress {
            module: ModulePath(steps.collect()),
            mode,
            kind: "cloud_server".into(),
            name: name.into(),
        },
        key: Key::None,
    }
}

fn resource(name: &str, local: &str, alias: Option<&str>) -> Resource {
    Resource {
        mode: Mode::Managed,
        kind: "cloud_server".into(),
        name: name.into(),
        provider: SOURCE.into(),
        provider_config: ProviderRef {
            local: local.into(),
            alias: alias.map(Name::from),
            key: None,
        },
        repetition: Repetition::Once,
        config: Expr {
            kind: ExprKind::Literal(Value::null(Type::Any)),
            span: Span::default(),
        },
        depends_on: Vec::new(),
        lifecycle: model::Lifecycle::default(),
        provisioners: Vec::new(),
        span: Span::default(),
    }
}

fn substitute(values: &[(&str, Value)], during: During) -> Substitute {
    Substitute {
        values: object(values),
        during,
        span: Span::default(),
    }
}

fn mock(alias: Option<&str>) -> Mock {
    Mock {
        local: "cloud".into(),
        alias: alias.map(Name::from),
        resources: BTreeMap::new(),
        data: BTreeMap::new(),
        during: During::Apply,
        overrides: Vec::new(),
    }
}

/// A root with two servers and a module with two, which gets its provider under another name.
fn release() -> Release {
    let inner = Module {
        resources: Vec::from([
            resource("plain", "c", None),
            resource("aliased", "c", Some("x")),
        ]),
        required_providers: BTreeMap::from([(
            "c".into(),
            ProviderRequirement {
                source: SOURCE.into(),
                ..ProviderRequirement::default()
            },
        )]),
        ..Module::default()
    };
    let call = ModuleCall {
        source: String::new(),
        version: String::new(),
        module: 1,
        repetition: Repetition::Once,
        inputs: BTreeMap::new(),
        providers: Vec::from([PassedProvider {
            local: "c".into(),
            alias: Some("x".into()),
            from: ProviderRef {
                local: "cloud".into(),
                alias: Some("far".into()),
                key: None,
            },
        }]),
        depends_on: Vec::new(),
        span: Span::default(),
    };
    let root = Module {
        resources: Vec::from([
            resource("near", "cloud", None),
            resource("far", "cloud", Some("far")),
        ]),
        modules: BTreeMap::from([("inner".into(), call)]),
        ..Module::default()
    };
    Release {
        modules: Vec::from([root, inner]),
        ..Release::default()
    }
}

fn stand_ins(mocks: Vec<Mock>, overrides: Vec<Override>) -> StandIns {
    StandIns::new(release(), Substitutes { mocks, overrides }, 7)
}

fn data(stand_ins: &StandIns, at: Address) -> Option<Answer> {
    let question = Question::Data(model::DataQuestion {
        address: at,
        provider: SOURCE.into(),
        config: config(),
    });
    stand_ins.answer(&schema(), &question)
}

fn told(answer: Option<Answer>) -> Value {
    match answer {
        Some(Answer::Data(answer)) => answer.object,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_made_up_is_as_little_as_its_type_allows() {
    let made = told(data(
        &stand_ins(Vec::from([mock(None)]), Vec::new()),
        address(&[], Mode::Data, "x"),
    ));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(String::from).unwrap();
    let id = text(made.get("id"));
    assert!(
        id.len() == 8 && id.bytes().all(|one| LETTERS.contains(&one)),
        "{id}"
    );
    assert_eq!(made.get("name"), Some(&Value::string("web")));
    assert_eq!(made.get("cores"), Some(&Value::number(0)));
    assert_eq!(made.get("on"), Some(&Value::bool(false)));
    assert_eq!(
        made.get("tags"),
        Some(&Value::map(Type::String, BTreeMap::new()))
    );
    assert!(made.get("any").unwrap().is_null());
    let inside = made.get("address").unwrap();
    assert_eq!(text(inside.get("ip")).len(), 8);
    assert_eq!(
        inside.get("ports"),
        Some(&Value::list(Type::Number, Vec::new()))
    );
    let disk = &made.get("disk").unwrap().elements().unwrap()[0];
    assert_eq!(disk.get("size"), Some(&Value::number(3)));
    assert_eq!(text(disk.get("path")).len(), 8);
    assert_ne!(text(disk.get("path")), id);
}

#[test]
fn the_same_test_draws_the_same_and_another_object_something_else() {
    let mocked = stand_ins(Vec::from([mock(None)]), Vec::new());
    let of = |name: &str| told(data(&mocked, address(&[], Mode::Data, name)));
    assert_eq!(of("a"), of("a"));
    assert_ne!(of("a").get("id"), of("b").get("id"));
    let again = StandIns::new(
        release(),
        Substitutes {
            mocks: Vec::from([mock(None)]),
            overrides: Vec::new(),
        },
        8,
    );
    assert_ne!(told(data(&again, address(&[], Mode::Data, "a"))), of("a"));
}

#[test]
fn what_is_given_wins_and_must_fit() {
    let mut mocked = mock(None);
    let given = [
        ("id", Value::string("given")),
        ("cores", Value::string("4")),
        ("name", Value::string("passed over: it is configured")),
        ("disk", object(&[("path", Value::string("/dev/x"))])),
    ];
    mocked
        .data
        .insert("cloud_server".into(), substitute(&given, During::Apply));
    let made = told(data(
        &stand_ins(Vec::from([mocked.clone()]), Vec::new()),
        address(&[], Mode::Data, "x"),
    ));
    assert_eq!(made.get("id"), Some(&Value::string("given")));
    assert_eq!(made.get("cores"), Some(&Value::number(4)));
    assert_eq!(made.get("name"), Some(&Value::string("web")));
    let disk = &made.get("disk").unwrap().elements().unwrap()[0];
    assert_eq!(disk.get("path"), Some(&Value::string("/dev/x")));

    let unfit = [("on", Value::string("perhaps"))];
    mocked
        .data
        .insert("cloud_server".into(), substitute(&unfit, During::Apply));
    let refused = data(
        &stand_ins(Vec::from([mocked]), Vec::new()),
        address(&[], Mode::Data, "x"),
    );
    let Some(Answer::Failed(found)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(found.0[0].code, "SF0966");
}

fn planned(stand_ins: &StandIns, name: &str) -> Option<Value> {
    let config = config();
    let schema = schema();
    let block = &schema.resources["cloud_server"].block;
    let question = Question::Plan(PlanQuestion {
        address: address(&[], Mode::Managed, name),
        provider: SOURCE.into(),
        proposed: crate::plan::propose::proposed(block, None, &config),
        prior: crate::plan::propose::null_object(block),
        config,
        private: Vec::new(),
        written: None,
        retry: None,
    });
    let answer = stand_ins.answer(&schema, &question)?;
    let Answer::Plan(answer) = answer else {
        panic!("{answer:?}");
    };
    Some(answer.planned)
}

#[test]
fn results_are_known_when_the_test_says_so() {
    let target = |during| Override {
        target: model::Endpoint {
            module: ModulePath::default(),
            resource: Some(EndpointResource {
                mode: Mode::Managed,
                kind: "cloud_server".into(),
                name: "near".into(),
                key: Key::None,
            }),
        },
        substitute: substitute(&[("id", Value::string("i"))], during),
        span: Span::default(),
    };
    let later = planned(
        &stand_ins(Vec::new(), Vec::from([target(During::Apply)])),
        "near",
    )
    .unwrap();
    assert!(!later.get("id").unwrap().is_known());
    let now = planned(
        &stand_ins(Vec::new(), Vec::from([target(During::Plan)])),
        "near",
    )
    .unwrap();
    assert_eq!(now.get("id"), Some(&Value::string("i")));
    assert!(now.is_wholly_known());
    // Nothing stands in for the other one.
    let other = planned(
        &stand_ins(Vec::new(), Vec::from([target(During::Plan)])),
        "far",
    );
    assert_eq!(other, None);
}

#[test]
fn an_object_belongs_to_the_mock_that_its_configuration_is() {
    let of = |mocks: Vec<Mock>, module: &[&str], name: &str| {
        let question = Question::Read(ReadQuestion {
            address: address(module, Mode::Managed, name),
            provider: SOURCE.into(),
            prior: config(),
            private: Vec::new(),
            retry: None,
        });
        stand_ins(mocks, Vec::new())
            .answer(&schema(), &question)
            .is_some()
    };
    let near = || Vec::from([mock(None)]);
    let far = || Vec::from([mock(Some("far"))]);
    assert!(of(near(), &[], "near") && !of(far(), &[], "near"));
    assert!(!of(near(), &[], "far") && of(far(), &[], "far"));
    assert!(of(near(), &["inner"], "plain") && !of(far(), &["inner"], "plain"));
    assert!(!of(near(), &["inner"], "aliased") && of(far(), &["inner"], "aliased"));
    // What is no longer written belongs to the default configuration.
    assert!(of(near(), &["gone"], "x") && !of(far(), &["gone"], "x"));
}

#[test]
fn a_mock_imports_nothing() {
    let question = Question::Import(model::ImportQuestion {
        address: address(&[], Mode::Managed, "near"),
        provider: SOURCE.into(),
        id: "i".into(),
        retry: None,
    });
    let answer = stand_ins(Vec::from([mock(None)]), Vec::new()).answer(&schema(), &question);
    let Some(Answer::Failed(found)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(found.0[0].code, "SF0965");
}

#[test]
fn an_overridden_module_has_nothing_in_it_and_others_keep_theirs() {
    let mut release = release();
    if let Some(root) = release.modules.first_mut() {
        let call = root.modules["inner"].clone();
        root.modules.insert("other".into(), call);
    }
    let one = Override {
        target: model::Endpoint {
            module: address(&["inner"], Mode::Managed, "x").resource.module,
            resource: None,
        },
        substitute: substitute(&[], During::Apply),
        span: Span::default(),
    };
    without_modules(&mut release, &[one]);
    let module = |name: &str| &release.modules[release.modules[0].modules[name].module as usize];
    assert!(module("inner").resources.is_empty());
    assert_eq!(module("other").resources.len(), 2);
}
