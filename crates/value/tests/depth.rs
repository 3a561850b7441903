//! The deepest nesting allowed fits a small stack, in a build without optimisation; deeper is refused.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test relies on may end it"
)]

use value::{
    BinaryOperator, Expr, ExprKind, Name, Nowhere, Span, UnaryOperator, Value, json, limits,
};

const STACK_BYTES: usize = 1024 * 1024;

fn at(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: Span::default(),
    }
}

fn number(value: i64) -> Expr {
    at(ExprKind::Literal(Value::number(value)))
}

type Wrap = fn(Expr) -> Expr;

/// One more level round an expression, in each form there is.
fn wrappings() -> Vec<(&'static str, Wrap)> {
    fn for_tuple(inner: Expr) -> Expr {
        at(ExprKind::ForTuple {
            key: None,
            value: Name::from("x"),
            collection: Box::new(at(ExprKind::Tuple(vec![number(1)]))),
            condition: None,
            result: Box::new(inner),
        })
    }
    fn for_object(inner: Expr) -> Expr {
        at(ExprKind::ForObject {
            key: Some(Name::from("k")),
            value: Name::from("x"),
            collection: Box::new(at(ExprKind::Tuple(vec![number(1)]))),
            condition: None,
            result_key: Box::new(at(ExprKind::Iteration("k".into()))),
            result_value: Box::new(inner),
            group: true,
        })
    }
    vec![
        ("tuple", |inner| at(ExprKind::Tuple(vec![inner]))),
        ("object", |inner| {
            at(ExprKind::Object(vec![(
                at(ExprKind::Literal(Value::string("k"))),
                inner,
            )]))
        }),
        ("template", |inner| at(ExprKind::Template(vec![inner]))),
        ("unary", |inner| {
            at(ExprKind::Unary(UnaryOperator::Negate, Box::new(inner)))
        }),
        ("binary", |inner| {
            at(ExprKind::Binary(
                BinaryOperator::Add,
                Box::new(number(1)),
                Box::new(inner),
            ))
        }),
        ("conditional", |inner| {
            let condition = at(ExprKind::Literal(Value::bool(true)));
            at(ExprKind::Conditional(
                Box::new(condition),
                Box::new(inner),
                Box::new(number(1)),
            ))
        }),
        ("call", |inner| {
            at(ExprKind::Call {
                name: "max".into(),
                arguments: vec![inner, number(1)],
                expand_last: false,
            })
        }),
        ("try", |inner| {
            at(ExprKind::Call {
                name: "try".into(),
                arguments: vec![inner],
                expand_last: false,
            })
        }),
        ("for_tuple", for_tuple),
        ("for_object", for_object),
        ("splat", |inner| {
            at(ExprKind::Splat {
                source: Box::new(inner),
                each: Box::new(at(ExprKind::Iteration("".into()))),
            })
        }),
        ("index", |inner| {
            at(ExprKind::Index(
                Box::new(at(ExprKind::Tuple(vec![inner]))),
                Box::new(number(0)),
            ))
        }),
    ]
}

fn in_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("a thread");
    thread.join().expect("no panic");
}

#[test]
fn every_form_nests_to_the_limit_and_no_further() {
    in_small_stack(|| {
        for (name, wrap) in wrappings() {
            let mut expr = number(1);
            // What is round the innermost literal may take several levels for each wrapping.
            for _ in 0..limits::EVALUATION_DEPTH_MAX / 2 - 1 {
                expr = wrap(expr);
            }
            assert!(expr.evaluate(&Nowhere).is_ok(), "{name}");
            for _ in 0..limits::EVALUATION_DEPTH_MAX {
                expr = wrap(expr);
            }
            let found = expr.evaluate(&Nowhere).expect_err(name);
            assert!(
                found.iter().any(|diagnostic| diagnostic.code == "SF0226"),
                "{name}: {found:?}"
            );
        }
    });
}

#[test]
fn the_deepest_value_can_be_worked_on() {
    in_small_stack(|| {
        let depth = usize::from(limits::VALUE_DEPTH_MAX);
        let text = "[".repeat(depth) + "1" + &"]".repeat(depth);
        let value = json::parse(&text).expect("as deep as allowed");
        assert_eq!(value.depth(), limits::VALUE_DEPTH_MAX);
        assert_eq!(json::to_string(&value).expect("known"), text);
        assert_eq!(value.render(), text);
        assert_eq!(value::equal(&value, &value.clone()), Value::bool(true));
        let marked = value.transform(&mut |_, inner| inner.with_marks(value::Marks::SENSITIVE));
        let (plain, marks) = marked.unmark_deep();
        assert_eq!((&plain, marks.len()), (&value, depth + 1));
        let bytes = minicbor_serde::to_vec(&value).expect("encodes");
        assert_eq!(
            minicbor_serde::from_slice::<Value>(&bytes).expect("decodes"),
            value
        );
        assert!(value::convert(&value, &value.ty()).is_ok());
    });
}

#[test]
fn shared_parts_count_each_time() {
    // Forty doublings are a few kilobytes of memory, and 2^40 elements when written out.
    let doubled = (0..40).fold(Value::number(1), |half, _| {
        Value::tuple(vec![half.clone(), half])
    });
    assert!(doubled.weight_bytes() > limits::VALUE_WEIGHT_BYTES_MAX);
    let found = at(ExprKind::Literal(doubled))
        .evaluate(&Nowhere)
        .expect_err("too large");
    assert_eq!(found.0[0].code, "SF0227");
}
