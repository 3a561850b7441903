//! Going through compiled expressions. Recursion is bounded by the height of the trees that the parser makes.

use value::{Expr, ExprKind, Reference, Span};

/// Calls `found` for every reference in an expression.
pub(crate) fn references(expr: &Expr, found: &mut dyn FnMut(&Reference, Span)) {
    expr.references(&mut |reference, _, span| found(reference, span));
}

/// Whether a function whose name `wanted` accepts is called in an expression.
pub(crate) fn calls(expr: &Expr, wanted: fn(&str) -> bool) -> bool {
    let here = matches!(&expr.kind, ExprKind::Call { name, .. } if wanted(name));
    let mut found = here;
    expr.each_child(&mut |child| found = found || calls(child, wanted));
    found
}

/// Calls `change` for the expression and everything inside it, innermost first. Recursion is bounded by the height of
/// the trees that the parser makes.
pub(crate) fn rewrite(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Reference(_) | ExprKind::Iteration(_) => {}
        ExprKind::Instance(_, inner)
        | ExprKind::Attribute(inner, _)
        | ExprKind::Unary(_, inner)
        | ExprKind::Convert(inner, _) => rewrite(inner, change),
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => {
            rewrite(a, change);
            rewrite(b, change);
        }
        ExprKind::Splat { source, each } => {
            rewrite(source, change);
            rewrite(each, change);
        }
        ExprKind::Conditional(a, b, c) => {
            rewrite(a, change);
            rewrite(b, change);
            rewrite(c, change);
        }
        ExprKind::Template(items)
        | ExprKind::Tuple(items)
        | ExprKind::Call {
            arguments: items, ..
        } => items.iter_mut().for_each(|item| rewrite(item, change)),
        ExprKind::Object(items) => items.iter_mut().for_each(|(key, value)| {
            rewrite(key, change);
            rewrite(value, change);
        }),
        ExprKind::ForTuple {
            collection,
            condition,
            result,
            ..
        } => {
            rewrite(collection, change);
            rewrite(result, change);
            if let Some(condition) = condition {
                rewrite(condition, change);
            }
        }
        ExprKind::ForObject {
            collection,
            condition,
            result_key,
            result_value,
            ..
        } => {
            rewrite(collection, change);
            rewrite(result_key, change);
            rewrite(result_value, change);
            if let Some(condition) = condition {
                rewrite(condition, change);
            }
        }
    }
    change(expr);
}
