//! Functions, ephemeral resources, objects of other types, imports, and which schemas are read.

use crate::bed::{Bed, SCRIPT, SOURCE, address, codes, configured};
use contract::{Answer, Provider as _, Question};
use model::{CallAnswer, CallQuestion, ImportQuestion, Mode, OpenQuestion};
use plugin::{Major, Plugin, Source, Wanted};
use value::{Marks, Type, Value};

#[tokio::test]
async fn functions_give_results_or_say_why_not() {
    let bed = Bed::new(SCRIPT, Major::Six);
    let plugin = bed.plugin().await;
    let call = |name: &'static str, arguments: Vec<Value>| {
        let plugin = plugin.clone();
        let question = Question::Call(CallQuestion {
            provider: SOURCE.into(),
            function: name.into(),
            arguments,
        });
        async move { plugin.ask(&question).await }
    };
    let gives = |value: &Value| Answer::Call(CallAnswer::Gives(value.clone()));
    let text = Value::string("x");
    assert_eq!(call("same", vec![text.clone()]).await, gives(&text));
    let unknown = Value::unknown(Type::String);
    assert_eq!(call("same", vec![unknown.clone()]).await, gives(&unknown));
    for (name, arguments, says, blamed) in [
        (
            "same",
            vec![Value::null(Type::String)],
            "must not be null",
            Some(0),
        ),
        ("same", vec![], "1 argument(s)", None),
        ("fails", vec![Value::bool(true)], "no luck", Some(0)),
    ] {
        let answer = call(name, arguments).await;
        let Answer::Call(CallAnswer::Refuses { why, argument }) = answer else {
            panic!("{name} is not refused: {answer:?}")
        };
        assert!(why.contains(says), "{why}");
        assert_eq!(argument, blamed);
    }
    let answer = call("other", vec![text]).await;
    let Answer::Failed(found) = answer else {
        panic!("there is no such function: {answer:?}")
    };
    assert_eq!(codes(&found), ["SF1510"]);
    let names: Vec<String> = bed
        .mock
        .take_calls()
        .into_iter()
        .map(|call| call.name)
        .collect();
    assert_eq!(names, ["GetProviderSchema", "CallFunction", "CallFunction"]);
}

#[tokio::test]
async fn ephemeral_resources_are_opened_held_and_closed() {
    let bed = Bed::new(SCRIPT, Major::Five);
    let plugin = bed.plugin().await;
    let config = Value::object(
        [
            ("name".into(), Value::string("a")),
            ("token".into(), Value::null(Type::String)),
        ]
        .into(),
    );
    let mut address = address("mock_token");
    address.resource.mode = Mode::Ephemeral;
    let question = OpenQuestion {
        address,
        provider: SOURCE.into(),
        config,
    };
    let open = plugin.open(&question).unwrap().await.unwrap();
    assert!(open.value.marks().contains(Marks::EPHEMERAL));
    assert_eq!(open.lease.private.as_deref(), Some(&b"lease:a"[..]));
    assert_eq!(open.lease.renew_at_ms, Some(1_000_250));
    let (lease, found) = plugin.renew(&open.lease).await;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(lease.private.as_deref(), Some(&b"lease:a+renewed"[..]));
    assert_eq!(lease.renew_at_ms, None);
    assert!(plugin.let_go(&lease).await.is_empty());
    let calls = bed.mock.take_calls();
    let names: Vec<&str> = calls
        .iter()
        .skip(1)
        .map(|call| call.name.as_str())
        .collect();
    let expected = [
        "ValidateEphemeralResourceConfig",
        "OpenEphemeralResource",
        "RenewEphemeralResource",
        "CloseEphemeralResource",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn objects_of_other_types_are_taken_over() {
    let bed = Bed::new(SCRIPT, Major::Six);
    let source = Source {
        provider: "example.com/test/other".into(),
        kind: "other_thing".into(),
        version: 3,
        json: br#"{"name": "a", "id": "7"}"#.to_vec(),
        private: b"p".to_vec(),
    };
    let moved = bed
        .plugin()
        .await
        .moved("mock_thing", source)
        .await
        .unwrap();
    let object = moved.object.unwrap();
    assert_eq!(object.get("id").and_then(Value::as_str), Some("7"));
    assert_eq!(moved.private, b"p");
}

#[tokio::test]
async fn what_exists_is_imported_by_its_id() {
    let bed = Bed::new(SCRIPT, Major::Six);
    let provider = bed.configured().await;
    let question = Question::Import(ImportQuestion {
        address: address("mock_thing"),
        provider: SOURCE.into(),
        id: "7".into(),
        retry: None,
    });
    let answer = provider.ask(&question).await;
    let Answer::Import(answer) = answer else {
        panic!("{answer:?}");
    };
    let object = answer.object.unwrap();
    assert_eq!(object.get("id").and_then(Value::as_str), Some("7"));
    assert_eq!(answer.private, b"imported");
}

#[tokio::test]
async fn only_wanted_schemas_are_read() {
    let bed = Bed::new(SCRIPT, Major::Six);
    let mut options = bed.options();
    options.wanted = Some(Wanted {
        data: ["mock_facts".into(), "mock_missing".into()].into(),
        ..Wanted::default()
    });
    let plugin = Plugin::start(options).await.unwrap();
    let schema = plugin.schema();
    assert!(schema.resources.is_empty() && schema.ephemeral.is_empty());
    assert_eq!(
        schema.data.keys().map(|name| &**name).collect::<Vec<_>>(),
        ["mock_facts"]
    );
    configured(&plugin).await.unwrap();
}

#[tokio::test]
async fn nested_attributes_and_blocks_are_planned_in_place() {
    let script = r#"{"resources": {"mock_thing": {
        "attributes": {
            "id": {"type": "string", "computed": true},
            "rules": {"nesting": "list", "optional": true, "attributes": {
                "port": {"type": "number", "required": true},
                "note": {"type": "string", "optional": true, "computed": true}}}},
        "blocks": {"disk": {"nesting": "set", "inside": {"attributes": {
            "size": {"type": "number", "required": true},
            "device": {"type": "string", "optional": true, "computed": true}}}}}}}}"#;
    let bed = Bed::new(script, Major::Six);
    let provider = bed.configured().await;
    let ty = provider.schema().resources["mock_thing"]
        .block
        .implied_type();
    let written = r#"{"id": null, "rules": [{"port": 1}], "disk": [{"size": 5}]}"#;
    let config = value::convert(&value::json::parse(written).unwrap(), &ty).unwrap_or_else(|_| {
        value::convert(
            &value::json::parse(
                r#"{"id": null, "rules": [{"port": 1, "note": null}], "disk": [{"size": 5, "device": null}]}"#,
            )
            .unwrap(),
            &ty,
        )
        .unwrap()
    });
    let first = crate::bed::planned(provider.as_ref(), config.clone(), None).await;
    assert!(!first.planned.is_wholly_known());
    let change = crate::bed::change(
        model::Verb::Create,
        None,
        Some(config.clone()),
        Some(&first),
    );
    let outcome = provider.apply(crate::bed::action(), &change).await;
    let contract::Outcome::Changed {
        object: Some(made), ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    let again = crate::bed::planned(provider.as_ref(), config, Some(made.clone())).await;
    assert_eq!(again.planned, made, "elements find what they were before");
}
