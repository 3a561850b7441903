//! `terraform_data`, against what Terraform does.

use crate::bed::{address, complete, text, words};
use contract::{Answer, Provider, Question};
use host::Builtin;
use model::{
    Address, DataAnswer, DataQuestion, ImportQuestion, Key, Mode, ModulePath, PlanAnswer,
    PlanQuestion, ResourceAddress,
};
use std::path::Path;
use value::{Type, Value};

async fn plan(config: &[(&str, Value)], prior: Option<Value>) -> PlanAnswer {
    let builtin = Builtin::new();
    let config = complete(&builtin, "terraform_data", config);
    let question = Question::Plan(PlanQuestion {
        address: address("terraform_data"),
        provider: Builtin::SOURCE.into(),
        proposed: config.clone(),
        config,
        prior: prior.unwrap_or_else(|| Value::null(Type::Any)),
        private: Vec::new(),
        written: None,
        retry: None,
    });
    match builtin.ask(&question).await {
        Answer::Plan(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn prior() -> Value {
    let given = [
        ("input", text("one")),
        ("output", text("one")),
        ("triggers_replace", text("t")),
        ("id", text("the-id")),
    ];
    complete(&Builtin::new(), "terraform_data", &given)
}

struct Case {
    name: &'static str,
    input: Value,
    trigger: Value,
    is_new: bool,
    /// None: unknown.
    id: Option<&'static str>,
    output: Value,
    replaced: bool,
}

fn case(name: &'static str, input: Value, trigger: Value, output: Value) -> Case {
    Case {
        name,
        input,
        trigger,
        is_new: false,
        id: Some("the-id"),
        output,
        replaced: false,
    }
}

impl Case {
    fn new_object(self) -> Self {
        Self {
            is_new: true,
            id: None,
            ..self
        }
    }
    fn replacement(self) -> Self {
        Self {
            replaced: true,
            id: None,
            ..self
        }
    }
}

#[tokio::test]
async fn what_is_planned_is_what_terraform_plans() {
    let (one, t) = (|| text("one"), || text("t"));
    let null = || Value::null(Type::Any);
    let open = Value::unknown;
    let cases = [
        case("create", one(), t(), open(Type::String)).new_object(),
        case("create with null", null(), t(), null()).new_object(),
        case("same", one(), t(), one()),
        case("input", text("two"), t(), open(Type::String)),
        case("another type", Value::number(2), t(), open(Type::Number)),
        case("trigger", one(), text("u"), open(Type::String)).replacement(),
        case("trigger gone", one(), null(), open(Type::String)).replacement(),
        case(
            "unknown trigger",
            one(),
            open(Type::Any),
            open(Type::String),
        )
        .replacement(),
        case("unknown input", open(Type::Any), t(), open(Type::Any)),
    ];
    for case in cases {
        let config = [("input", case.input), ("triggers_replace", case.trigger)];
        let answer = plan(&config, (!case.is_new).then(prior)).await;
        let (name, planned) = (case.name, &answer.planned);
        let id = planned.get("id").unwrap();
        assert_eq!(id.as_str(), case.id, "{name}");
        assert_eq!(id.is_known(), case.id.is_some(), "{name}: {id:?}");
        assert_eq!(planned.get("output"), Some(&case.output), "{name}");
        let replaced = answer.requires_replace == [["triggers_replace"]];
        assert_eq!(replaced, case.replaced, "{name}");
    }
}

#[tokio::test]
async fn a_structured_input_keeps_its_type() {
    let answer = plan(&[("input", words(&["a", "b"]))], None).await;
    let ty = Type::tuple(vec![Type::String, Type::String]);
    assert_eq!(answer.planned.get("output"), Some(&Value::unknown(ty)));
}

/// Asks `terraform_remote_state` in a directory.
async fn remote_state(directory: &Path, config: &[(&str, Value)]) -> Answer {
    remote_state_of(&Builtin::of_project(directory.to_path_buf()), config).await
}

async fn remote_state_of(builtin: &Builtin, config: &[(&str, Value)]) -> Answer {
    let block = &builtin.schema().data["terraform_remote_state"].block;
    let mut entries: std::collections::BTreeMap<value::Name, Value> = block
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), Value::null(attribute.ty.clone())))
        .collect();
    for (name, value) in config {
        entries.insert((*name).into(), value.clone());
    }
    let resource = ResourceAddress {
        module: ModulePath::default(),
        mode: Mode::Data,
        kind: "terraform_remote_state".into(),
        name: "a".into(),
    };
    let question = Question::Data(DataQuestion {
        address: Address {
            resource,
            key: Key::None,
        },
        provider: Builtin::SOURCE.into(),
        config: Value::object(entries),
    });
    builtin.ask(&question).await
}

fn object(entries: &[(&str, Value)]) -> Value {
    let entries = entries
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()));
    Value::object(entries.collect())
}

fn code_of(answer: &Answer) -> String {
    match answer {
        Answer::Failed(found) => found.iter().map(|one| one.code.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn outputs_of_another_project_have_their_types() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = r#"{"version":4,"serial":1,"outputs":{
        "n":{"value":0.1,"type":"number"},
        "l":{"value":["b","a"],"type":["list","string"]},
        "s":{"value":["b","a"],"type":["set","string"]},
        "o":{"value":{"m":{"k":true},"t":[1]},
             "type":["object",{"m":["map","bool"],"t":["tuple",["number"]]}]}}}"#;
    std::fs::write(directory.path().join("other.tfstate"), state).expect("written");
    let config = object(&[("path", text("other.tfstate"))]);
    let defaults = object(&[("n", text("unused")), ("d", text("default"))]);
    let answer = remote_state(
        directory.path(),
        &[
            ("backend", text("local")),
            ("config", config),
            ("defaults", defaults),
        ],
    )
    .await;
    let Answer::Data(DataAnswer { object, .. }) = answer else {
        panic!("{answer:?}");
    };
    let outputs = object.get("outputs").expect("outputs");
    let ty = |name: &str| outputs.get(name).expect("an output").ty().to_string();
    assert_eq!(outputs.get("n").map(Value::render).as_deref(), Some("0.1"));
    assert_eq!(ty("l"), "list(string)");
    assert_eq!(ty("s"), "set(string)");
    assert_eq!(ty("o"), "object({m = map(bool), t = tuple([number])})");
    assert_eq!(outputs.get("d"), Some(&text("default")));
}

#[tokio::test]
async fn a_state_that_is_not_there_or_no_state_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let local = ("backend", text("local"));
    let absent = remote_state(directory.path(), std::slice::from_ref(&local)).await;
    assert_eq!(code_of(&absent), "SF0825");
    for content in [
        "{",
        "{\"version\":3}",
        "{\"version\":4,\"outputs\":{\"a\":{}}}",
    ] {
        std::fs::write(directory.path().join("terraform.tfstate"), content).expect("written");
        let answer = remote_state(directory.path(), std::slice::from_ref(&local)).await;
        assert_eq!(code_of(&answer), "SF0826", "{content}");
    }
    let elsewhere = remote_state(directory.path(), &[("backend", text("s3"))]).await;
    assert_eq!(code_of(&elsewhere), "SF0827");
    // Another workspace is another file.
    let workspace = directory.path().join("terraform.tfstate.d/w");
    std::fs::create_dir_all(&workspace).expect("made");
    std::fs::write(workspace.join("terraform.tfstate"), "{\"version\":4}").expect("written");
    let answer = remote_state(directory.path(), &[local, ("workspace", text("w"))]).await;
    assert!(matches!(answer, Answer::Data(_)), "{answer:?}");
}

#[tokio::test]
async fn states_elsewhere_are_asked_of_who_reads_them() {
    let states = contract::fake::FakeStates::new();
    let state = r#"{"version":4,"outputs":{"n":{"value":2,"type":"number"}}}"#;
    states.keep("good", state.as_bytes());
    states.keep("broken", b"{");
    states.keep("bytes", b"\xff");
    let builtin = Builtin::new().with_states(std::sync::Arc::new(states));
    let ask = async |backend: &str, key: &str, workspace: &str| {
        let config = [
            ("backend", text(backend)),
            ("config", object(&[("key", text(key))])),
            ("workspace", text(workspace)),
        ];
        remote_state_of(&builtin, &config).await
    };
    let Answer::Data(DataAnswer { object, .. }) = ask("memory", "good", "default").await else {
        panic!("it was not read");
    };
    let outputs = object.get("outputs").and_then(|outputs| outputs.get("n"));
    assert_eq!(outputs, Some(&Value::number(2)));
    for (backend, key, workspace, code) in [
        ("memory", "nothing", "default", "SF0825"),
        ("memory", "good", "other", "SF0825"),
        ("memory", "broken", "default", "SF0826"),
        ("memory", "bytes", "default", "SF0826"),
        ("memory", "away", "default", "SF0827"),
        ("gcs", "good", "default", "SF0827"),
    ] {
        assert_eq!(
            code_of(&ask(backend, key, workspace).await),
            code,
            "{backend} {key}"
        );
    }
}

#[tokio::test]
async fn any_text_is_the_id_of_something_to_import() {
    let builtin = Builtin::new();
    let question = Question::Import(ImportQuestion {
        address: address("terraform_data"),
        provider: Builtin::SOURCE.into(),
        id: "taken over".to_owned(),
        retry: None,
    });
    let Answer::Import(found) = builtin.ask(&question).await else {
        panic!("not an import");
    };
    let known = [("id", text("taken over"))];
    assert_eq!(
        found.object,
        Some(complete(&builtin, "terraform_data", &known))
    );
}

#[tokio::test]
async fn files_are_imported_by_their_path_and_commands_not_at_all() {
    let bed = crate::bed::Bed::new();
    std::fs::write(bed.path("there"), "text").expect("written");
    let import = |kind: &str, id: &str| {
        Question::Import(ImportQuestion {
            address: address(kind),
            provider: host::Host::SOURCE.into(),
            id: id.to_owned(),
            retry: None,
        })
    };
    let Answer::Import(found) = bed.host.ask(&import("host_file", "there")).await else {
        panic!("not an import");
    };
    let read = Question::Read(model::ReadQuestion {
        address: address("host_file"),
        provider: host::Host::SOURCE.into(),
        prior: found.object.expect("an object"),
        private: found.private,
        retry: None,
    });
    let Answer::Read(read) = bed.host.ask(&read).await else {
        panic!("not read");
    };
    let object = read.object.expect("it is there");
    assert_eq!(object.get("content"), Some(&text("text")));
    assert_eq!(object.get("size").map(Value::render).as_deref(), Some("4"));
    let command = bed.host.ask(&import("host_command", "x")).await;
    assert_eq!(code_of(&command), "SF0828");
}
