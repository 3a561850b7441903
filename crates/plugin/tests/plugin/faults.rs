//! What a provider can do wrong, and what is said of it.

use crate::bed::{Bed, action, change, codes, config, configured, create, plan_question, planned};
use contract::{Answer, Inquiry, Outcome, Provider as _, Question};
use model::{DataQuestion, Mode, Verb};
use plugin::{Major, Plugin};
use value::{Severity, Type, Value};

fn fault(call: &str, does: &str) -> Bed {
    Bed::with_faults(&format!(
        r#"[{{"call": "{call}", "does": "{does}", "says": "the script says so"}}]"#
    ))
}

#[tokio::test]
async fn errors_of_a_provider_are_told_in_its_words() {
    let bed = fault("PlanResourceChange", "error");
    let provider = bed.configured().await;
    let answer = provider
        .ask(&plan_question(config("a", None, None), None))
        .await;
    let Answer::Failed(found) = answer else {
        panic!("{answer:?}");
    };
    let first = found.iter().next().unwrap();
    assert_eq!(
        (&*first.code, &*first.summary),
        ("SF1508", "the script says so")
    );
    assert_eq!(first.address.as_deref(), Some("mock_thing.a"));
    assert!(first.detail.contains(crate::bed::SOURCE));
}

#[tokio::test]
async fn warnings_go_on_and_say_where() {
    let bed = Bed::new(crate::bed::SCRIPT, Major::Six);
    let provider = bed.configured().await;
    let answer = planned(provider.as_ref(), config("odd", None, None), None).await;
    let first = answer.diagnostics.iter().next().unwrap();
    assert_eq!(first.severity, Severity::Warning);
    assert!(first.detail.contains("At `name`"), "{}", first.detail);
}

#[tokio::test]
async fn answers_against_the_rules_are_refused() {
    for (call, does, code) in [
        ("PlanResourceChange", "nothing", "SF1511"),
        ("PlanResourceChange", "garbage", "SF1507"),
        ("PlanResourceChange", "status", "SF1506"),
        ("ValidateResourceConfig", "status", "SF1506"),
    ] {
        let bed = fault(call, does);
        let provider = bed.configured().await;
        let answer = provider
            .ask(&plan_question(config("a", None, None), None))
            .await;
        let Answer::Failed(found) = answer else {
            panic!("{call} {does}: {answer:?}");
        };
        assert_eq!(codes(&found), [code], "{call} {does}: {found:?}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_nothing() {
    let bed = fault("ApplyResourceChange", "error");
    let provider = bed.configured().await;
    let outcome = create(provider.as_ref(), config("a", None, None)).await;
    let Outcome::Refused { diagnostics } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(codes(&diagnostics), ["SF1508"]);
    assert_eq!(bed.mock.count("mock_thing"), 0);
}

#[tokio::test]
async fn a_change_that_was_not_sent_may_be_tried_again_when_its_reason_passes() {
    let reset = "read: connection reset by peer";
    for (says, is_tried_again) in [(reset, true), ("no such thing", false)] {
        let bed = Bed::with_faults(&format!(
            r#"[{{"call": "PlanResourceChange", "does": "error", "says": "{says}"}}]"#
        ));
        let provider = bed.configured().await;
        let delete = change(Verb::Delete, Some(config("a", None, None)), None, None);
        let outcome = provider.apply(action(), &delete).await;
        let fits = match &outcome {
            Outcome::Failed { .. } => is_tried_again,
            Outcome::Refused { .. } => !is_tried_again,
            _ => false,
        };
        assert!(fits, "{says}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_object_that_came_with_errors_is_kept() {
    let bed = fault("ApplyResourceChange", "partial");
    let provider = bed.configured().await;
    let outcome = create(provider.as_ref(), config("a", None, None)).await;
    let Outcome::Partial {
        object,
        diagnostics,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        object.get("id").and_then(Value::as_str),
        Some("mock_thing:a:1")
    );
    assert_eq!(codes(&diagnostics), ["SF1508"]);
}

#[tokio::test]
async fn an_object_with_holes_is_kept_without_them() {
    let bed = fault("ApplyResourceChange", "unknown");
    let provider = bed.configured().await;
    let outcome = create(provider.as_ref(), config("a", None, None)).await;
    let Outcome::Partial {
        object,
        diagnostics,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    assert!(object.get("id").is_some_and(Value::is_null));
    assert_eq!(codes(&diagnostics), ["SF1511"]);
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_a_failure() {
    for does in ["garbage", "status", "nothing"] {
        let bed = fault("ApplyResourceChange", does);
        let provider = bed.configured().await;
        let outcome = create(provider.as_ref(), config("a", None, None)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{does}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn what_was_lost_is_looked_for() {
    let bed = Bed::new(crate::bed::SCRIPT, Major::Six);
    let provider = bed.configured().await;
    let outcome = create(provider.as_ref(), config("a", Some(1), None)).await;
    let Outcome::Changed {
        object: Some(made), ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    let config = config("a", Some(2), None);
    let plan = planned(provider.as_ref(), config.clone(), Some(made.clone())).await;
    let update = change(Verb::Update, Some(made.clone()), Some(config), Some(&plan));
    assert_eq!(
        provider.inquire(action(), &update).await.inquiry,
        Inquiry::Absent
    );
    bed.mock.alter("mock_thing:a:1", "size", &2.into());
    let found = provider.inquire(action(), &update).await.inquiry;
    assert!(
        matches!(found, Inquiry::Found(Outcome::Changed { .. })),
        "{found:?}"
    );
    bed.mock.alter("mock_thing:a:1", "size", &3.into());
    let found = provider.inquire(action(), &update).await.inquiry;
    assert!(matches!(found, Inquiry::Unclear { .. }), "{found:?}");
    let delete = change(Verb::Delete, Some(made), None, None);
    assert_eq!(
        provider.inquire(action(), &delete).await.inquiry,
        Inquiry::Absent
    );
    bed.mock.lose("mock_thing:a:1");
    let found = provider.inquire(action(), &delete).await.inquiry;
    assert!(
        matches!(found, Inquiry::Found(Outcome::Changed { object: None, .. })),
        "{found:?}"
    );
}

/// Part of an object may be there and part not, in the moment in which it is made or removed.
#[tokio::test]
async fn trouble_of_one_moment_does_not_make_an_outcome_unclear() {
    for (times, is_clear) in [(2, true), (0, false)] {
        let faults = format!(
            r#"[{{"call": "ReadResource", "times": {times}, "does": "error", "says": "half of it is gone"}}]"#
        );
        let bed = Bed::with_faults(&faults);
        let provider = bed.configured().await;
        let outcome = create(provider.as_ref(), config("a", None, None)).await;
        let Outcome::Changed {
            object: Some(made), ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        let delete = change(Verb::Delete, Some(made), None, None);
        bed.mock.lose("mock_thing:a:1");
        match provider.inquire(action(), &delete).await.inquiry {
            Inquiry::Found(Outcome::Changed { object: None, .. }) if is_clear => {}
            Inquiry::Unclear { what } if !is_clear => {
                assert!(what.contains("half of it is gone"), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_configuration_can_be_refused() {
    let bed = Bed::new(crate::bed::SCRIPT, Major::Five);
    let plugin = bed.plugin().await;
    let nowhere = Value::object([("region".into(), Value::string("nowhere"))].into());
    let Err(found) = plugin.configured(&nowhere).unwrap().await else {
        panic!("configured");
    };
    assert_eq!(codes(&found), ["SF1508"]);
    let strange = Value::object([("planet".into(), Value::string("mars"))].into());
    let Err(found) = plugin.configured(&strange).unwrap().await else {
        panic!("configured");
    };
    assert_eq!(codes(&found), ["SF1509"]);
}

#[tokio::test]
async fn a_schema_that_cannot_be_had_is_told() {
    let bed = fault("ConfigureProvider", "error");
    let Err(found) = configured(&bed.plugin().await).await else {
        panic!("configured");
    };
    assert_eq!(codes(&found), ["SF1508"]);
}

#[tokio::test]
async fn data_sources_answer_with_everything_known() {
    let bed = Bed::new(crate::bed::SCRIPT, Major::Six);
    let provider = bed.configured().await;
    let mut address = crate::bed::address("mock_facts");
    address.resource.mode = Mode::Data;
    let any = Value::tuple(vec![Value::bool(true), Value::string("x")]);
    let config = Value::object(
        [
            ("any".into(), any.clone()),
            ("name".into(), Value::string("a")),
            ("size".into(), Value::null(Type::Number)),
        ]
        .into(),
    );
    let question = |kind: &str| {
        let mut address = address.clone();
        address.resource.kind = kind.into();
        Question::Data(DataQuestion {
            address,
            provider: crate::bed::SOURCE.into(),
            config: config.clone(),
        })
    };
    let answer = provider.ask(&question("mock_facts")).await;
    let Answer::Data(answer) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(answer.object.get("any"), Some(&any));
    assert_eq!(answer.object.get("size"), Some(&Value::number(42)));
    let answer = provider.ask(&question("mock_fables")).await;
    let Answer::Failed(found) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(codes(&found), ["SF1510"]);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told() {
    let bed = Bed::new(crate::bed::SCRIPT, Major::Six);
    let mut options = bed.options();
    options.launch = plugin::Launch::Reattach(plugin::Reattach {
        place: plugin::Place::Unix("/nonexistent/socket".into()),
        major: Major::Six,
    });
    let found = Plugin::start(options).await.unwrap_err();
    assert_eq!(codes(&found), ["SF1503"]);
    let found = plugin::reattach("{").unwrap_err();
    assert_eq!(found.code, "SF1512");
}
