//! Creations whose answer was lost, of a type that the table knows: by its name, and with a stamp on it.

use crate::bed::{Bed, address, change, codes};
use contract::{Answer, Inquiry, Outcome, Provider, Question};
use model::{ActionId, Change, PlanQuestion, Recovery, Rung, Verb};
use plugin::{Major, Options, Plugin};
use serde_json::json;
use std::sync::Arc;
use value::{Diagnostics, Type, Value};

const AWS: &str = "registry.terraform.io/hashicorp/aws";
const KIND: &str = "aws_lambda_function";
/// What the mock calls the first object of the type.
const NAME: &str = "aws_lambda_function:1";
const OURS: ActionId = ActionId(7);
const THEIRS: ActionId = ActionId(8);

fn bed() -> Bed {
    let script = json!({
        "resources": { KIND: { "attributes": {
            "id": { "type": "string", "computed": true },
            "function_name": { "type": "string", "required": true },
            "size": { "type": "number", "optional": true },
            "tags": { "type": ["map", "string"], "optional": true },
            "tags_all": { "type": ["map", "string"], "optional": true },
        } } },
    });
    Bed::new(&script.to_string(), Major::Five)
}

async fn provider(bed: &Bed) -> Arc<dyn Provider> {
    let options = Options {
        source: AWS.into(),
        ..bed.options()
    };
    let plugin = Plugin::start(options).await.unwrap();
    crate::bed::configured(&plugin).await.unwrap()
}

fn config(name: &str) -> Value {
    let tags = || Value::null(Type::map(Type::String));
    let attributes = [
        ("id", Value::null(Type::String)),
        ("function_name", Value::string(name)),
        ("size", Value::number(1)),
        ("tags", tags()),
        ("tags_all", tags()),
    ];
    Value::object(attributes.map(|(name, one)| (name.into(), one)).into())
}

/// The creation, and by what it would be found.
async fn creation(provider: &dyn Provider) -> (Change, Option<Recovery>) {
    let config = config(NAME);
    let question = Question::Plan(PlanQuestion {
        address: address(KIND),
        provider: AWS.into(),
        proposed: config.clone(),
        prior: Value::null(Type::Any),
        private: Vec::new(),
        config: config.clone(),
        written: None,
        retry: None,
    });
    let Answer::Plan(plan) = provider.ask(&question).await else {
        panic!("no plan");
    };
    let change = Change {
        address: address(KIND),
        provider: AWS.into(),
        ..change(Verb::Create, None, Some(config), Some(&plan))
    };
    (change, plan.recovery)
}

async fn found(provider: &dyn Provider, create: &Change) -> (Value, Diagnostics) {
    let looked = provider.inquire(OURS, create).await;
    let Inquiry::Found(Outcome::Changed {
        object: Some(object),
        diagnostics,
        ..
    }) = looked.inquiry
    else {
        panic!("{looked:?}");
    };
    let rung = Rung {
        by: Recovery::Name,
        asked: format!("{KIND} {NAME}"),
        seen: "it is there".to_owned(),
    };
    assert_eq!(looked.rungs, [rung]);
    (object, diagnostics)
}

#[tokio::test]
async fn what_carries_our_stamp_is_ours_and_the_stamp_is_not_seen() {
    let bed = bed();
    let provider = provider(&bed).await;
    let (create, recovery) = creation(provider.as_ref()).await;
    assert_eq!(recovery, Some(Recovery::Name));
    let before = provider.inquire(OURS, &create).await;
    assert_eq!(before.inquiry, Inquiry::Absent);
    let outcome = provider.apply(OURS, &create).await;
    let Outcome::Changed {
        object: Some(made), ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(made.get("tags").is_some_and(Value::is_null), "{made:?}");
    assert_eq!(
        found(provider.as_ref(), &create).await,
        (made, Diagnostics::new())
    );
}

#[tokio::test]
async fn what_was_made_in_part_is_taken_with_a_warning() {
    let bed = bed();
    let provider = provider(&bed).await;
    let (create, _) = creation(provider.as_ref()).await;
    provider.apply(OURS, &create).await;
    bed.mock.alter(NAME, "size", &2.into());
    let (object, warnings) = found(provider.as_ref(), &create).await;
    assert_eq!(object.get("size"), Some(&Value::number(2)));
    assert_eq!(codes(&warnings), ["SF1515"]);
    assert!(!warnings.has_errors());
}

#[tokio::test]
async fn what_somebody_else_made_is_not_taken_over() {
    for stamp in [
        json!(null),
        json!({ "steadfast:action": "0000000000000008" }),
    ] {
        let bed = bed();
        let provider = provider(&bed).await;
        let (create, _) = creation(provider.as_ref()).await;
        provider.apply(THEIRS, &create).await;
        bed.mock.alter(NAME, "tags", &stamp);
        let looked = provider.inquire(OURS, &create).await;
        let Inquiry::Found(Outcome::Refused { diagnostics }) = looked.inquiry else {
            panic!("{looked:?}");
        };
        assert_eq!(codes(&diagnostics), ["SF1514"], "{stamp}");
    }
}
