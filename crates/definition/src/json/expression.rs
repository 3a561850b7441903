//! Nodes to expressions of [`crate::syntax`], by the way in which their texts are read.

use super::Reading;
use super::read::{Node, NodeKind, Property, Text};
use crate::diag::{blocks, json as diag};
use crate::limits::NESTING_DEPTH_MAX;
use crate::parser;
use crate::syntax::{Expression, ExpressionKind, Part, Template};
use crate::text::Excerpt;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use value::{Diagnostics, Span, Type, Value};

/// The expression that a node stands for. `depth` counts what it is nested in.
pub(crate) fn expression(
    node: &Node,
    reading: Reading,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> Expression {
    let (kind, below) = match &node.kind {
        NodeKind::Invalid => (ExpressionKind::Invalid, 0),
        NodeKind::Null => (literal(Value::null(Type::Any)), 0),
        NodeKind::Bool(value) => (literal(Value::bool(*value)), 0),
        NodeKind::Number(text) => (literal(parser::number_of(text)), 0),
        NodeKind::Text(text) => return self::text(text, reading, depth, diagnostics),
        NodeKind::Array(items) => {
            let items: Vec<Expression> = items
                .iter()
                .map(|item| expression(item, reading, depth + 1, diagnostics))
                .collect();
            let below = items.iter().map(|item| item.height).max().unwrap_or(0);
            (ExpressionKind::Tuple(items), below)
        }
        NodeKind::Object(properties) => object(properties, reading, depth, diagnostics),
    };
    finished(kind, node.span, below, depth, diagnostics)
}

/// An expression above children of this height, unless the tree becomes too high to be walked.
fn finished(
    kind: ExpressionKind,
    span: Span,
    below: u16,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> Expression {
    let height = below.saturating_add(1);
    if usize::from(height) > NESTING_DEPTH_MAX {
        diagnostics.push(crate::diag::syntax::nested_too_deeply(span));
        return Expression::invalid(span);
    }
    debug_assert!(depth <= NESTING_DEPTH_MAX + 1, "the reader bounds it");
    Expression { kind, span, height }
}

fn literal(value: Value) -> ExpressionKind {
    ExpressionKind::Literal(Box::new(value))
}

fn object(
    properties: &[Property],
    reading: Reading,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> (ExpressionKind, u16) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut items = Vec::with_capacity(properties.len());
    let mut below = 0;
    for property in properties {
        let name = &property.name;
        // Of two equal names one would be lost, and nobody would know which.
        if let Some(first) = seen.insert(&name.content, name.span) {
            let found = diag::duplicate_property(name.span, &name.content, first);
            diagnostics.push(found);
        }
        let (key, inside) = match (reading, &*name.content) {
            (Reading::Provider, "configuration_aliases") => (keyword(name), Reading::Native),
            (Reading::Provider, _) => (keyword(name), Reading::Plain),
            (reading, _) => (text(name, reading, depth, diagnostics), reading),
        };
        let value = expression(&property.value, inside, depth + 1, diagnostics);
        below = below.max(key.height).max(value.height);
        items.push((key, value));
    }
    (ExpressionKind::Object(items), below)
}

/// A name that stands for itself.
fn keyword(name: &Text) -> Expression {
    Expression {
        kind: ExpressionKind::Root(parser::normalised(&name.content)),
        span: name.span,
        height: 1,
    }
}

fn text(text: &Text, reading: Reading, depth: usize, diagnostics: &mut Diagnostics) -> Expression {
    let excerpt = Excerpt {
        text: &text.content,
        source: text.span.source,
        start: text.span.start + 1,
        escapes: &text.escapes,
    };
    let (parts, unwraps, below) = match reading {
        Reading::Native => return native(text, excerpt, depth, diagnostics),
        Reading::Template if text.content.contains(['$', '%']) => {
            let (template, height, found) = parser::template_of(excerpt, depth);
            diagnostics.extend(found);
            (template.parts, template.unwraps, height)
        }
        Reading::Template | Reading::Plain | Reading::Provider => {
            let content = parser::normalised(&text.content);
            let part = Part::Text((&*content).into(), text.span);
            let parts = if content.is_empty() {
                Vec::new()
            } else {
                alloc::vec![part]
            };
            (parts, false, 0)
        }
    };
    let kind = ExpressionKind::Template(Box::new(Template { parts, unwraps }));
    finished(kind, text.span, below, depth, diagnostics)
}

/// A text that holds an expression as the native syntax writes it.
fn native(
    text: &Text,
    excerpt: Excerpt<'_>,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> Expression {
    let (expression, found) = parser::expression_of(excerpt, depth);
    if found.has_errors() {
        let because = blocks::because(&found);
        let sequence = text.content.contains("${");
        diagnostics.push(diag::reference_required(text.span, &because, sequence));
        return Expression::invalid(text.span);
    }
    diagnostics.extend(found);
    // The quotes belong to what stands here, as they do around a template.
    Expression {
        span: text.span,
        ..expression
    }
}
