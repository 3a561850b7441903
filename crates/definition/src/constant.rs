//! Values of expressions that refer to nothing: what must be known while compiling.

use alloc::sync::Arc;
use value::{Diagnostic, Diagnostics, Reference, Scope, Span, Value};

/// A scope in which there is nothing: what an expression without references is evaluated in.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, _: &Reference, span: Span) -> Result<Value, Diagnostics> {
        Err(nothing_known(span).into())
    }
    fn instance(&self, _: &Reference, _: &Value, span: Span) -> Result<Value, Diagnostics> {
        Err(nothing_known(span).into())
    }
    fn file(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}

/// Lowering refuses references in constants, so this is only said where a reference came in from elsewhere.
fn nothing_known(span: Span) -> Diagnostic {
    crate::diag::blocks::constant_required(span, "the expression")
}
