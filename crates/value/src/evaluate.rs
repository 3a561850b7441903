//! Evaluation of compiled expressions.

use crate::{Diagnostic, Diagnostics, Expr, ExprKind, Scope, Value};

/// Computes the value of an expression.
pub(crate) fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Value, Diagnostics> {
    match &expr.kind {
        ExprKind::Literal(value) => Ok(value.clone()),
        ExprKind::Reference(reference) => scope.resolve(reference, expr.span),
        ExprKind::Instance(reference, key) => {
            scope.instance(reference, &evaluate(key, scope)?, expr.span)
        }
        _ => Err(Diagnostic::error("SF0000", "Not evaluated yet", "")
            .at(expr.span)
            .into()),
    }
}
