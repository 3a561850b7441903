//! A mock that serves, and what is asked of it.

use contract::{Outcome, Provider};
use model::{
    ActionId, Address, Change, Key, Mode, ModulePath, PlanAnswer, PlanQuestion, Question, Repeat,
    ResourceAddress, RunId, Verb,
};
use plugin::mock::{Mock, Script};
use plugin::{Launch, Major, Options, Place, Plugin, Reattach};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use value::{Diagnostics, Name, Value};

/// Address of the provider.
pub(crate) const SOURCE: &str = "example.com/test/mock";

/// A type with one of everything.
pub(crate) const SCRIPT: &str = include_str!("mock.json");

/// A mock on a socket.
pub(crate) struct Bed {
    pub(crate) mock: Mock,
    socket: PathBuf,
    major: Major,
    _directory: TempDir,
}

impl Bed {
    pub(crate) fn new(script: &str, major: Major) -> Self {
        let mock = Mock::new(Script::parse(script).unwrap(), major).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("mock");
        mock.serve_at(&socket).unwrap();
        Self {
            mock,
            socket,
            major,
            _directory: directory,
        }
    }

    /// The usual script with faults.
    pub(crate) fn with_faults(faults: &str) -> Self {
        let script = SCRIPT.replacen('{', &format!("{{\"faults\": {faults},"), 1);
        Self::new(&script, Major::Six)
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            source: SOURCE.into(),
            launch: Launch::Reattach(Reattach {
                place: Place::Unix(self.socket.clone()),
                major: self.major,
            }),
            wanted: None,
            cache: None,
            settle_ms: 0,
            tether: None,
        }
    }

    pub(crate) async fn plugin(&self) -> Plugin {
        Plugin::start(self.options()).await.unwrap()
    }

    pub(crate) async fn configured(&self) -> Arc<dyn Provider> {
        configured(&self.plugin().await).await.unwrap()
    }
}

/// The provider with nothing in its configuration.
pub(crate) async fn configured(plugin: &Plugin) -> Result<Arc<dyn Provider>, Diagnostics> {
    let config = nothing_of(&plugin.schema().provider);
    plugin.configured(&config).unwrap().await
}

/// An object with null in every attribute.
fn nothing_of(block: &model::BlockSchema) -> Value {
    let attributes = block.attributes.iter();
    let attributes = attributes.map(|(name, one)| (name.clone(), Value::null(one.ty.clone())));
    Value::object(attributes.collect())
}

/// A configuration of the usual type.
pub(crate) fn config(name: &str, size: Option<i64>, kind: Option<&str>) -> Value {
    use value::Type;
    let size = size.map_or_else(|| Value::null(Type::Number), Value::number);
    let kind = kind.map_or_else(|| Value::null(Type::String), Value::string);
    let attributes: [(Name, Value); 6] = [
        ("echo".into(), Value::null(Type::String)),
        ("id".into(), Value::null(Type::String)),
        ("kind".into(), kind),
        ("name".into(), Value::string(name)),
        ("size".into(), size),
        ("stamp".into(), Value::null(Type::String)),
    ];
    Value::object(attributes.into())
}

pub(crate) fn address(kind: &str) -> Address {
    Address {
        resource: ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: kind.into(),
            name: "a".into(),
        },
        key: Key::None,
    }
}

pub(crate) fn plan_question(config: Value, prior: Option<Value>) -> Question {
    Question::Plan(PlanQuestion {
        address: address("mock_thing"),
        provider: SOURCE.into(),
        proposed: config.clone(),
        prior: prior.unwrap_or_else(|| Value::null(value::Type::Any)),
        private: Vec::new(),
        config,
        written: None,
        retry: None,
    })
}

pub(crate) async fn planned(
    provider: &dyn Provider,
    config: Value,
    prior: Option<Value>,
) -> PlanAnswer {
    match provider.ask(&plan_question(config, prior)).await {
        contract::Answer::Plan(answer) => answer,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn change(
    verb: Verb,
    prior: Option<Value>,
    config: Option<Value>,
    plan: Option<&PlanAnswer>,
) -> Change {
    Change {
        address: address("mock_thing"),
        provider: SOURCE.into(),
        verb,
        prior,
        config,
        planned: plan.map(|plan| plan.planned.clone()),
        private: plan.map(|plan| plan.private.clone()).unwrap_or_default(),
        repeat: Repeat::Never,
        settle_ms: 0,
        dependencies: Vec::new(),
        retry: None,
    }
}

pub(crate) fn action() -> ActionId {
    ActionId::of(RunId(1), "a")
}

/// Makes an object.
pub(crate) async fn create(provider: &dyn Provider, config: Value) -> Outcome {
    let plan = planned(provider, config.clone(), None).await;
    let change = change(Verb::Create, None, Some(config), Some(&plan));
    provider.apply(action(), &change).await
}

pub(crate) fn codes(found: &Diagnostics) -> Vec<String> {
    found.iter().map(|one| one.code.to_string()).collect()
}
