//! Compiled expressions and how they are evaluated.

use crate::{Diagnostics, Name, Span, Value};
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// A compiled expression with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expr {
    /// What to compute.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// Something outside the expression, asked of the [`Scope`].
    Reference(Reference),
    /// One instance (`r[key]`, `module.m[key]`) of something outside: asked of the [`Scope`] without building the
    /// whole collection.
    Instance(Reference, Box<Expr>),
}

/// What an expression can refer to outside itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// `var.NAME`.
    Variable(Name),
    /// `local.NAME`.
    Local(Name),
    /// `TYPE.NAME` (managed).
    Resource(Name, Name),
    /// `data.TYPE.NAME`.
    Data(Name, Name),
    /// `module.NAME`: all outputs.
    Module(Name),
    /// `module.NAME.OUTPUT`, kept apart so that one output never waits for the others.
    ModuleOutput(Name, Name),
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `count.index`.
    CountIndex,
    /// `path.module`.
    PathModule,
    /// `path.root`.
    PathRoot,
    /// `path.cwd`.
    PathCwd,
    /// `terraform.workspace`.
    Workspace,
    /// `self`.
    SelfObject,
    /// `stack.NAME.OUTPUT` (delivery).
    StackOutput(Name, Name),
}

/// Answers what an expression asks of the outside.
pub trait Scope {
    /// The value of a reference, with all its instances where it has several.
    ///
    /// # Errors
    /// Diagnostics when there is nothing of that name, or its own evaluation failed.
    fn resolve(&self, reference: &Reference, span: Span) -> Result<Value, Diagnostics>;

    /// One instance of a reference that has several.
    ///
    /// # Errors
    /// Diagnostics when there is no such instance.
    fn instance(&self, reference: &Reference, key: &Value, span: Span) -> Result<Value, Diagnostics>;
}

impl Expr {
    /// Computes the value.
    ///
    /// # Errors
    /// All diagnostics found on the way.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, Diagnostics> {
        match &self.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Reference(reference) => scope.resolve(reference, self.span),
            ExprKind::Instance(reference, key) => scope.instance(reference, &key.evaluate(scope)?, self.span),
        }
    }

    /// Calls `visit` for every reference in the expression, with its place.
    pub fn references(&self, visit: &mut dyn FnMut(&Reference, Span)) {
        match &self.kind {
            ExprKind::Literal(_) => {}
            ExprKind::Reference(reference) => visit(reference, self.span),
            ExprKind::Instance(reference, key) => {
                visit(reference, self.span);
                key.references(visit);
            }
        }
    }
}
