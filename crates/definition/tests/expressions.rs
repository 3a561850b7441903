//! What expressions mean: each line of `expressions.txt` is an expression and the value that Terraform gives it. Adding
//! one needs no Rust.
#![expect(clippy::panic, reason = "a test says by panicking what is wrong")]

use definition::constant_expression;
use std::sync::Arc;
use value::{Diagnostics, Reference, Scope, Span, Value};

struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        panic!("a constant refers to {reference:?}")
    }
    fn instance(&self, reference: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        panic!("a constant refers to {reference:?}")
    }
    fn file(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}

fn evaluate(text: &str) -> Result<Value, Diagnostics> {
    constant_expression(text)?.evaluate(&Nothing)
}

#[test]
fn expressions_have_the_values_that_terraform_gives_them() {
    let lines = include_str!("expressions.txt").lines();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (expression, expected) = line.rsplit_once(" => ").unwrap();
        let expected = evaluate(expected).unwrap();
        let found = evaluate(&format!("jsonencode({expression})"));
        checked += 1;
        match found {
            Ok(found) if found == expected => {}
            Ok(found) => wrong.push(format!("{expression}: {found:?}, not {expected:?}")),
            Err(found) => wrong.push(format!("{expression}: {found:?}")),
        }
    }
    assert!(checked > 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_lone_expression_ends_where_its_text_ends() {
    for text in [
        "", "1 2", "1 }", "\"a", "f(", "${1}", "a = 1", "1\n2", "var.x",
    ] {
        assert!(evaluate(text).unwrap_err().has_errors(), "{text}");
    }
    assert_eq!(evaluate("1 +\n # two\n 2\n"), Ok(Value::number(3)));
}
