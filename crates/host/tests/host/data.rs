//! `terraform_data`, against what Terraform does.

use crate::bed::{address, complete, text, words};
use contract::{Answer, Provider, Question};
use host::Builtin;
use model::{PlanAnswer, PlanQuestion};
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
