//! Runs the case files in `tests/cases`: an expression and what it gives, or what its diagnostics say.
//!
//! `terraform-1.11.txt` was recorded from `terraform console`; `ours.txt` holds what differs on purpose and what a
//! console cannot show (unknowns, limits).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test relies on may end it"
)]

mod notation;

use std::collections::BTreeSet;
use std::sync::Arc;
use value::functions::{Called, Declaration, DeclaredParameter};
use value::{Budget, Diagnostic, Diagnostics, Marks, Reference, Scope, Span, Type, Value};

/// Variables that cases may refer to, and limits small enough to be reached quickly.
struct Fixture {
    budget: Budget,
    label: Declaration,
    open: Declaration,
}

impl Fixture {
    fn new() -> Self {
        let parameter = |name: &str, ty: Type, takes_all: bool| DeclaredParameter {
            name: name.to_owned(),
            ty,
            takes_null: takes_all,
            takes_unknown: takes_all,
            description: String::new(),
        };
        let declared = |parameters, variadic, returns| Declaration {
            parameters,
            variadic,
            returns,
            description: String::new(),
        };
        let text = vec![parameter("text", Type::String, false)];
        let numbers = Some(parameter("numbers", Type::Number, false));
        let anything = vec![parameter("value", Type::Any, true)];
        Self {
            budget: Budget::new(400_000, 16 * 1024 * 1024, 32),
            label: declared(text, numbers, Type::String),
            open: declared(anything, None, Type::Bool),
        }
    }
}

impl Scope for Fixture {
    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        let Reference::Variable(name) = reference else {
            panic!("only variables");
        };
        Ok(match &**name {
            "unknown" => Value::unknown(Type::Any),
            "unknown_string" => Value::unknown(Type::String),
            "some_string" => Value::unknown_not_null(Type::String),
            "unknown_number" => Value::unknown(Type::Number),
            "unknown_bool" => Value::unknown(Type::Bool),
            "unknown_strings" => Value::unknown(Type::list(Type::String)),
            "unknown_set" => Value::unknown(Type::set(Type::String)),
            "unknown_map" => Value::unknown(Type::map(Type::String)),
            "unknown_object" => Value::unknown(Type::object([("a".into(), Type::String)])),
            "secret_unknown" => Value::unknown(Type::String).with_marks(Marks::SENSITIVE),
            "ephemeral" => Value::string("token").with_marks(Marks::EPHEMERAL),
            "null_string" => Value::null(Type::String),
            "null_list" => Value::null(Type::list(Type::String)),
            "nested" => (0..200).fold(Value::number(1), |inner, _| Value::tuple(vec![inner])),
            other => panic!("no variable {other}"),
        })
    }

    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        panic!("no instances")
    }

    fn budget(&self) -> Option<&Budget> {
        Some(&self.budget)
    }

    /// One takes a text and any number of numbers, the other one anything, known or not.
    fn declared(&self, name: &str) -> Option<&Declaration> {
        match name {
            "provider::p::label" => Some(&self.label),
            "provider::p::open" => Some(&self.open),
            _ => None,
        }
    }

    fn called(&self, name: &str, arguments: &[Value], _: Marks) -> Called {
        assert!(arguments.iter().all(|one| one.marks_deep().is_empty()));
        let first = arguments[0].clone();
        match (name, first.as_str()) {
            (_, Some("no")) => Called::Refuses {
                why: "not this one".to_owned(),
                argument: Some(arguments.len() - 1),
            },
            (_, Some("never")) => Called::Refuses {
                why: "nothing fits".to_owned(),
                argument: None,
            },
            (_, Some("silent")) => {
                let found = Diagnostic::error("TEST", "No answer", "It has gone.");
                Called::Unanswered(found.into())
            }
            (_, Some("later")) => Called::Open,
            ("provider::p::open", _) => Called::Gives(Value::bool(first.is_known())),
            _ => Called::Gives(first),
        }
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        match path {
            "greeting.txt" => Some(Arc::from(&b"hello\n"[..])),
            "modules/a/binary" => Some(Arc::from(&[0xff, 0x00][..])),
            _ => None,
        }
    }
}

/// Lines of a case file: `> expression`, then either the value as it is rendered or one `! part of the message` for
/// each diagnostic. Lines that begin with `#` are remarks.
fn run(cases: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases.split("\n> ").skip(1) {
        let mut lines = case
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let source = lines.next().expect("an expression");
        let expected: Vec<&str> = lines.collect();
        count += 1;
        let result = notation::parse(source).evaluate(&Fixture::new());
        let matches = match &result {
            Ok(value) => expected == [value.render()],
            Err(found) => {
                codes.extend(found.iter().map(|diagnostic| diagnostic.code.to_string()));
                found.0.len() == expected.len()
                    && found.iter().zip(&expected).all(|(diagnostic, line)| {
                        line.strip_prefix("! ").is_some_and(|text| {
                            let hints: String = diagnostic
                                .hints
                                .iter()
                                .map(|hint| format!(" {}", hint.text))
                                .collect();
                            format!("{}: {}{hints}", diagnostic.summary, diagnostic.detail)
                                .contains(text)
                        })
                    })
            }
        };
        if !matches {
            let given = match &result {
                Ok(value) => value.render(),
                Err(found) => found
                    .iter()
                    .map(|diagnostic| {
                        let hints: String = diagnostic
                            .hints
                            .iter()
                            .map(|hint| format!(" {}", hint.text))
                            .collect();
                        format!("! {}: {}{hints}", diagnostic.summary, diagnostic.detail)
                    })
                    .collect::<Vec<_>>()
                    .join("\n"),
            };
            failures.push(format!(
                "> {source}\n  expected {}\n  given    {given}",
                expected.join("\n           ")
            ));
        }
    }
    assert!(count > 10, "the case file is read");
    assert!(
        failures.is_empty(),
        "{} of {count} cases:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    codes
}

const TERRAFORM: &str = include_str!("cases/terraform-1.11.txt");
const OURS: &str = include_str!("cases/ours.txt");

#[test]
fn as_terraform_answers() {
    run(TERRAFORM);
}

#[test]
fn as_we_answer() {
    run(OURS);
}

#[test]
fn every_code_has_a_case() {
    let mut seen = run(TERRAFORM);
    seen.extend(run(OURS));
    // These cannot be written in source: a parser resolves names, and conversions come from schemas.
    seen.extend(["SF0224".to_string(), "SF0228".to_string()]);
    let all: BTreeSet<String> = value::CODES
        .iter()
        .map(|(code, _)| code.to_string())
        .collect();
    assert_eq!(seen, all);
}

/// A code never changes its meaning: `codes.txt` is what is published.
#[test]
fn codes_mean_what_they_meant() {
    let all: String = value::CODES
        .iter()
        .map(|(code, summary)| format!("{code} {summary}\n"))
        .collect();
    assert_eq!(all, include_str!("cases/codes.txt"));
}
