//! Values: what is kept in order at construction, conversion, unification, marks, JSON and the written form.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test relies on may end it"
)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use value::{
    Data, Defaults, Expr, ExprKind, Marks, Name, Nowhere, Number, ObjectType, Path, PathStep,
    Reference, Span, Type, Unknown, Value, convert, equal, functions, json, unify,
};

fn object(entries: &[(&str, Value)]) -> Value {
    Value::object(
        entries
            .iter()
            .map(|(name, value)| (Name::from(*name), value.clone()))
            .collect(),
    )
}

fn secret(value: impl AsRef<str>) -> Value {
    Value::string(value).with_marks(Marks::SENSITIVE)
}

fn primitive() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::bool),
        any::<i64>().prop_map(Value::number),
        (-1000_i64..1000, 1_i64..50).prop_map(|(a, b)| {
            Value::number(Number::from(a).divide(&Number::from(b)).expect("not zero"))
        }),
        "[a-c0-9é<&\"\\\\$%{]{0,4}".prop_map(Value::string),
        Just(Value::null(Type::Any)),
        Just(Value::null(Type::String)),
        Just(Value::unknown(Type::String)),
        Just(Unknown::string_with_prefix("prefix").into()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let marked = (primitive(), 0_u8..8).prop_map(|(value, mark)| match mark {
        0 => value.with_marks(Marks::SENSITIVE),
        1 => value.with_marks(Marks::EPHEMERAL),
        _ => value,
    });
    marked.prop_recursive(3, 24, 4, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::tuple),
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(|entries| {
                Value::object(
                    entries
                        .into_iter()
                        .map(|(name, value)| (Name::from(name), value))
                        .collect(),
                )
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_filter_map("no common type", |items| {
                convert(&Value::tuple(items), &Type::list(Type::Any)).ok()
            }),
            prop::collection::vec(inner, 0..4).prop_filter_map("no common type", |items| {
                convert(&Value::tuple(items), &Type::set(Type::Any)).ok()
            }),
        ]
    })
}

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Any),
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Type::tuple),
            prop::collection::btree_map("[a-d]", inner, 0..3).prop_map(|types| Type::object(
                types.into_iter().map(|(name, ty)| (Name::from(name), ty))
            )),
        ]
    })
}

/// Whether an object is in it of which an attribute may be, or hold, anything.
fn has_open_attribute(ty: &Type) -> bool {
    match ty {
        Type::Object(object) => object.attributes.values().any(is_open),
        Type::Tuple(elements) => elements.iter().any(has_open_attribute),
        other => other.element().is_some_and(has_open_attribute),
    }
}

fn is_open(ty: &Type) -> bool {
    match ty {
        Type::Any => true,
        Type::Object(object) => object.attributes.values().any(is_open),
        Type::Tuple(elements) => elements.iter().any(is_open),
        other => other.element().is_some_and(is_open),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn conversion_is_idempotent_and_keeps_marks(value in any_value(), want in any_type()) {
        if let Ok(converted) = convert(&value, &want) {
            prop_assert_eq!(&convert(&converted, &want).expect("again"), &converted);
            prop_assert_eq!(converted.is_null(), value.is_null());
            if !want.contains_any() {
                prop_assert_eq!(converted.ty(), want.clone());
            }
            // Conversion to an object may drop attributes, and their marks with them.
            if !matches!(want, Type::Object(_)) && !format!("{want}").contains("object") {
                prop_assert!(converted.marks_deep().contains(value.marks_deep()) || !converted.is_known());
            }
        }
    }

    #[test]
    fn unified_types_take_all(types in prop::collection::vec(any_type(), 1..4)) {
        if let Some(common) = unify(&types) {
            for ty in &types {
                // Whether an attribute that may be anything fits shows with the value.
                if *ty != Type::Any && !has_open_attribute(ty) {
                    prop_assert!(value::convert_type(ty, &common).is_ok(), "{ty} to {common}");
                }
            }
        }
    }

    #[test]
    fn the_written_form_reads_back(value in any_value()) {
        let bytes = minicbor_serde::to_vec(&value).expect("encodes");
        let read: Value = minicbor_serde::from_slice(&bytes).expect("decodes");
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(minicbor_serde::to_vec(&read).expect("encodes"), bytes);
    }

    #[test]
    fn marks_come_off_and_go_back(value in any_value()) {
        let (plain, marks) = value.unmark_deep();
        prop_assert!(plain.marks_deep().is_empty());
        prop_assert_eq!(plain.mark_at(&marks), value);
    }

    #[test]
    fn json_reads_back(value in any_value()) {
        match json::to_string(&value) {
            Ok(text) => {
                let read = json::parse(&text).expect("is JSON");
                prop_assert_eq!(json::to_string(&read).expect("known"), text);
            }
            Err(error) => prop_assert!(!value.is_wholly_known() && value.at(&error.path).is_some()),
        }
    }

    #[test]
    fn any_text_is_read_or_refused_as_json(text in "[\\[\\]{}\",:0-9eE.+\\-a-z\\\\u ]{0,40}") {
        let _ = json::parse(&text);
    }

    #[test]
    fn equality_of_a_value_with_itself(value in any_value()) {
        let answer = equal(&value, &value);
        prop_assert!(answer.as_bool() == Some(true) || !value.is_wholly_known());
        prop_assert_eq!(answer.marks(), value.marks_deep());
    }

    #[test]
    fn sets_are_in_order_without_doubles(items in prop::collection::vec(any_value(), 0..6)) {
        let marks = items.iter().fold(Marks::NONE, |all, item| all.union(item.marks_deep()));
        let set = Value::set(Type::Any, items.clone());
        let elements = set.elements().expect("a set");
        // What is not known yet may turn out to differ.
        let in_order = |left: &Value, right: &Value| {
            left < right || (left == right && !left.is_wholly_known())
        };
        prop_assert!(elements.is_sorted_by(in_order));
        prop_assert!(elements.iter().all(|element| element.marks_deep().is_empty()));
        prop_assert_eq!(set.marks(), marks);
        let reversed = Value::set(Type::Any, items.into_iter().rev().collect());
        prop_assert_eq!(reversed, set);
    }

    /// No function loses the mark of an argument it is given directly, nor shows its text in a message.
    #[test]
    fn functions_keep_marks_and_secrets(
        index in 0..functions::functions().count(),
        text in "secret[0-9]{6}",
        position in 0_usize..3,
        others in prop::collection::vec(any_value(), 3),
    ) {
        let function = functions::functions().nth(index).expect("in range");
        if ["nonsensitive", "issensitive", "can", "try"].contains(&function.name) {
            return Ok(());
        }
        let count = function.parameters.len() + usize::from(function.variadic.is_some());
        let mut arguments: Vec<Value> = others.into_iter().take(count).collect();
        if let Some(argument) = arguments.get_mut(position) {
            *argument = secret(&text);
            match functions::call(function.name, arguments, &Nowhere, Span::default()) {
                // What chooses among its arguments need not have looked at the one that is marked.
                Ok(value) if ["coalesce", "lookup"].contains(&function.name) => {
                    prop_assert!(!value.render().contains(&text));
                }
                Ok(value) => prop_assert!(value.marks_deep().contains(Marks::SENSITIVE), "{}", function.name),
                Err(found) => {
                    for diagnostic in found.iter() {
                        prop_assert!(!diagnostic.detail.contains(&text), "{}", diagnostic.detail);
                    }
                }
            }
        }
    }

    /// Every function answers any arguments with a value or diagnostics, and of the type that its entry says.
    #[test]
    fn functions_answer_anything(
        index in 0..functions::functions().count(),
        arguments in prop::collection::vec(any_value(), 0..4),
    ) {
        let function = functions::functions().nth(index).expect("in range");
        if let Ok(value) = functions::call(function.name, arguments, &Nowhere, Span::default())
            && let functions::Returns::Fixed(kind) = function.returns
        {
            let converted = convert(&value, &kind.to_type());
            prop_assert!(converted.is_ok(), "{} gave {}", function.name, value.ty());
        }
    }

    /// While an argument is unknown the result is, or already is what it will be.
    #[test]
    fn what_is_answered_early_stays(
        index in 0..functions::functions().count(),
        arguments in prop::collection::vec(any_value(), 1..4),
        position in 0_usize..4,
        with_null in any::<bool>(),
    ) {
        let function = functions::functions().nth(index).expect("in range");
        let Some(known) = arguments.get(position).filter(|value| value.is_wholly_known()).cloned() else {
            return Ok(());
        };
        let mut early = arguments.clone();
        let unknown = if with_null || known.is_null() { Value::unknown(known.ty()) } else { Value::unknown_not_null(known.ty()) };
        early[position] = unknown;
        let call = |arguments| functions::call(function.name, arguments, &Nowhere, Span::default());
        if let (Ok(before), Ok(after)) = (call(early), call(arguments)) {
            let agree = equal(&before.clone().unmark_all(), &after.clone().unmark_all());
            prop_assert!(agree.as_bool() != Some(false), "{}: {before:?} became {after:?}", function.name);
        }
    }
}

#[test]
fn strings_are_normalised_wherever_they_enter() {
    let composed = Value::string("\u{e9}");
    assert_eq!(Value::string("e\u{301}"), composed);
    assert_eq!(Value::from(Data::String("e\u{301}".into())), composed);
    assert_eq!(json::parse("\"e\\u0301\"").expect("JSON"), composed);
    assert_eq!(
        json::parse("{\"e\\u0301\":1}").expect("JSON").get("\u{e9}"),
        Some(&Value::number(1))
    );
}

#[test]
fn conversions_and_what_is_wrong_with_them() {
    let attributes = |optional: &[&str]| {
        let types = [("a", Type::String), ("b", Type::Number)];
        Type::Object(std::sync::Arc::new(ObjectType {
            attributes: types
                .into_iter()
                .map(|(name, ty)| (Name::from(name), ty))
                .collect(),
            optional: optional.iter().map(|name| Name::from(*name)).collect(),
        }))
    };
    let one = object(&[("a", Value::number(1)), ("extra", Value::bool(true))]);
    let cases: Vec<(Value, Type, Result<&str, &str>)> = vec![
        (
            one.clone(),
            attributes(&["b"]),
            Ok("{\"a\" = \"1\", \"b\" = tonumber(null)}"),
        ),
        (
            one.clone(),
            attributes(&[]),
            Err("attribute \"b\" is required"),
        ),
        (
            object(&[]),
            attributes(&[]),
            Err("attributes \"a\" and \"b\" are required"),
        ),
        (
            Value::tuple(vec![object(&[
                ("a", Value::null(Type::Any)),
                ("b", Value::string("x")),
            ])]),
            Type::list(attributes(&[])),
            Err("element 0: attribute \"b\": a number is required"),
        ),
        (
            Value::string("TRUE"),
            Type::Bool,
            Err("a bool is required; to convert from string, use lowercase \"true\""),
        ),
        (Value::bool(true), Type::Number, Err("number required")),
        (one.clone(), Type::String, Err("string required")),
        (
            one.clone(),
            Type::list(Type::String),
            Err("list of string required"),
        ),
        (
            one.clone(),
            Type::map(Type::Any),
            Err("all map elements must have the same type"),
        ),
        (
            one.clone(),
            Type::map(Type::String),
            Ok("tomap({\"a\" = \"1\", \"extra\" = \"true\"})"),
        ),
        (
            object(&[("a", Value::number(1)), ("b", Value::tuple(vec![]))]),
            Type::map(Type::Any),
            Err("all map elements must have the same type"),
        ),
        (
            Value::tuple(vec![]),
            Type::tuple(vec![Type::Any]),
            Err("a tuple of 1 elements is required, not of 0"),
        ),
        (
            Value::map(
                Type::String,
                BTreeMap::from([("a".into(), Value::string("x"))]),
            ),
            attributes(&["b"]),
            Ok("{\"a\" = \"x\", \"b\" = tonumber(null)}"),
        ),
        (Value::null(Type::Any), Type::list(Type::Any), Ok("null")),
        (
            Value::null(Type::Bool),
            Type::Number,
            Err("number required"),
        ),
        (
            Value::unknown(Type::tuple(vec![Type::Bool])),
            Type::list(Type::String),
            Ok("(known after apply)"),
        ),
        (
            Value::unknown(Type::tuple(vec![Type::Bool])),
            Type::list(Type::Number),
            Err("element 0: number required"),
        ),
        (
            Value::tuple(vec![secret("x"), Value::string("y")]),
            Type::list(Type::String),
            Ok("tolist([(sensitive value), \"y\"])"),
        ),
        (
            Value::tuple(vec![secret("x"), Value::string("y")]),
            Type::set(Type::String),
            Ok("(sensitive value)"),
        ),
        (
            Value::string("1e999999999"),
            Type::Number,
            Err("the number is too large or too close to zero"),
        ),
    ];
    for (value, want, expected) in cases {
        let given = convert(&value, &want);
        let shown = given
            .as_ref()
            .map(Value::render)
            .map_err(ToString::to_string);
        assert_eq!(
            shown.as_deref().map_err(|error| error.as_str()),
            expected,
            "{value:?} as {want}"
        );
        if let Ok(converted) = given {
            assert!(!converted.ty().contains_optional());
        }
    }
}

#[test]
fn defaults_fill_what_is_missing_or_null_at_every_depth() {
    let inner = Defaults {
        values: BTreeMap::from([("port".into(), Value::number(80))]),
        ..Defaults::default()
    };
    let outer = Defaults {
        values: BTreeMap::from([("site".into(), object(&[]))]),
        attributes: BTreeMap::from([("site".into(), inner.clone())]),
        ..Defaults::default()
    };
    let list = Defaults {
        element: Some(Box::new(outer)),
        ..Defaults::default()
    };
    let given = Value::tuple(vec![
        object(&[]),
        object(&[("site", object(&[("port", Value::null(Type::Any))]))]),
        object(&[("site", object(&[("port", Value::number(1))]))]).with_marks(Marks::SENSITIVE),
        Value::unknown(Type::Any),
    ]);
    let filled = list.apply(&given);
    let shown: Vec<String> = filled
        .elements()
        .expect("a tuple")
        .iter()
        .map(|item| item.clone().without_marks().render())
        .collect();
    let with = |port| format!("{{\"site\" = {{\"port\" = {port}}}}}");
    assert_eq!(
        shown,
        [
            with(80),
            with(80),
            with(1),
            "(known after apply)".to_string()
        ]
    );
    assert_eq!(filled.marks_deep(), Marks::SENSITIVE);
    assert!(Defaults::default().is_empty() && !inner.is_empty());
}

#[test]
fn places_are_shown_as_written_and_lead_back() {
    let value = object(&[
        (
            "list",
            Value::tuple(vec![Value::map(
                Type::String,
                BTreeMap::from([("k".into(), secret("x"))]),
            )]),
        ),
        (
            "set",
            Value::set(Type::Number, vec![Value::number(2), Value::number(1)]),
        ),
    ]);
    let mut places = Vec::new();
    value.walk(&mut |path, inner| {
        assert_eq!(value.at(path).as_ref().map(Value::data), Some(inner.data()));
        places.push(path.to_string());
        true
    });
    assert_eq!(
        places,
        [
            "",
            ".list",
            ".list[0]",
            ".list[0][\"k\"]",
            ".set",
            ".set[1]",
            ".set[2]"
        ]
    );
    let (_, marks) = value.unmark_deep();
    let path = Path(vec![
        PathStep::Attribute("list".into()),
        PathStep::Index(0),
        PathStep::Key("k".into()),
    ]);
    assert_eq!(marks, [(path, Marks::SENSITIVE)]);
}

#[test]
fn json_that_is_none() {
    let deep = "[".repeat(100_000);
    let cases = [
        ("01", "a number must not begin with a zero at byte 2"),
        ("\"\u{1}\"", "control character in a string at byte 1"),
        ("\"\\x\"", "invalid escape in a string at byte 2"),
        ("\"\\u12\"", "expected four hexadecimal digits at byte 3"),
        ("\"a", "unexpected end of JSON in a string at byte 2"),
        ("{\"a\" 1}", "expected a colon after the key at byte 5"),
        ("[1,]", "invalid JSON value at byte 3"),
        ("1e999999999", "number out of range at byte 11"),
        (&deep, "JSON is nested too deeply at byte 129"),
    ];
    for (text, expected) in cases {
        let error = json::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(
        json::parse("\"\\ud800x\"").expect("JSON"),
        Value::string("\u{fffd}x")
    );
}

#[test]
fn the_written_form_is_this_one() {
    let value = object(&[
        (
            "big",
            Value::number(
                "12345678901234567890123"
                    .parse::<Number>()
                    .expect("a number"),
            ),
        ),
        (
            "half",
            Value::number("0.5".parse::<Number>().expect("a number")),
        ),
        ("n", Value::number(-7)),
        ("s", secret("x")),
        ("u", Unknown::string_with_prefix("ab").into()),
        ("z", Value::null(Type::list(Type::Bool))),
    ]);
    let hex: String = minicbor_serde::to_vec(&value)
        .expect("encodes")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, include_str!("golden/value.cbor.hex").trim());
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect();
    assert_eq!(
        minicbor_serde::from_slice::<Value>(&bytes).expect("decodes"),
        value
    );
}

#[test]
fn the_function_table_is_whole() {
    let names: Vec<&str> = functions::function_names().collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), names.len(), "no name twice");
    for function in functions::functions() {
        assert!(function.description.ends_with('.'), "{}", function.name);
        assert!(functions::function(&format!("core::{}", function.name)).is_some());
    }
}

#[test]
fn what_no_source_can_say() {
    let at = |kind| Expr {
        kind,
        span: Span::default(),
    };
    let lost = at(ExprKind::Iteration("x".into()));
    let found = lost.evaluate(&Nowhere).expect_err("no such variable");
    assert_eq!(found.0[0].code, "SF0228");
    let text = at(ExprKind::Literal(Value::string("x")));
    let converted = at(ExprKind::Convert(Box::new(text), Type::Number));
    let found = converted.evaluate(&Nowhere).expect_err("no number");
    assert_eq!(
        (&*found.0[0].code, &*found.0[0].detail),
        ("SF0224", "Unsuitable value: a number is required.")
    );
    assert!(converted.is_constant());

    let instance = at(ExprKind::Instance(
        Reference::Resource("t".into(), "n".into()),
        Box::new(at(ExprKind::Reference(Reference::EachKey))),
    ));
    let both = at(ExprKind::Tuple(vec![
        instance,
        at(ExprKind::Reference(Reference::CountIndex)),
    ]));
    let mut seen = Vec::new();
    both.references(&mut |reference, key, _| seen.push((reference.clone(), key.is_some())));
    assert_eq!(
        seen,
        [
            (Reference::Resource("t".into(), "n".into()), true),
            (Reference::EachKey, false),
            (Reference::CountIndex, false),
        ]
    );
}
