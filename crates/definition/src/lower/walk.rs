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
