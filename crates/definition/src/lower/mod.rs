//! The tree of what was written to expressions that can be evaluated: names get their meaning here.
//!
//! What a root name means depends on where the expression stands: [`Roots`] says what may be referred to, [`Context`]
//! which of `each`, `count` and `self` exist. Whatever is referred to and not declared is reported with a suggestion.

pub(crate) mod functions;
mod path;
mod reference;
pub(crate) use reference::dynamic_name;
mod template;
pub(crate) mod walk;

use crate::syntax::{Call, Expression, ExpressionKind, For, Identifier};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use functions::{Offered, Providers};
use model::{BlockSchema, Mode};
use value::{Diagnostic, Diagnostics, Expr, ExprKind, FindFunction, Name, Span, Type, Value};

/// What a module declares, as far as references need to know it.
#[derive(Default)]
pub(crate) struct Names<'a> {
    pub(crate) variables: BTreeSet<Name>,
    pub(crate) locals: BTreeSet<Name>,
    pub(crate) resources: BTreeMap<(Mode, Name, Name), ResourceNames<'a>>,
    /// Module calls and stacks.
    pub(crate) calls: BTreeMap<Name, CallNames>,
    pub(crate) services: BTreeSet<Name>,
    pub(crate) providers: Providers<'a>,
}

/// What is known of a resource.
pub(crate) struct ResourceNames<'a> {
    pub(crate) repeated: bool,
    /// Its attributes, unless its type is unknown (which is reported where it is declared).
    pub(crate) schema: Option<&'a BlockSchema>,
    /// The `check` block that it stands in: only there it can be referred to.
    pub(crate) check: Option<Name>,
}

/// What is known of a module call.
pub(crate) struct CallNames {
    pub(crate) repeated: bool,
    pub(crate) stack: bool,
    /// Unless the module could not be read.
    pub(crate) outputs: Option<BTreeMap<Name, Option<Deprecated>>>,
}

/// An output that its module's author wants nobody to use any more.
pub(crate) struct Deprecated {
    /// What the author says to those who still do.
    pub(crate) why: String,
    pub(crate) declared: Span,
}

/// What root names can mean.
#[derive(Clone, Copy)]
pub(crate) enum Roots<'a> {
    /// What a module declares.
    Module(&'a Names<'a>),
    /// Nothing: the value must be known while compiling. The text names what needs it.
    Constant(&'a str),
    /// Attributes of the object that this iteration variable stands for.
    Variables(&'a str),
    /// The variables of a template, in a module that finds functions of providers in this way.
    Template(&'a FindFunction<'a>),
    /// What a test can refer to.
    Test(&'a TestNames<'a>),
}

/// What a test declares and knows beside the module under test.
#[derive(Default)]
pub(crate) struct TestNames<'a> {
    /// Variables that the module under test does not declare.
    pub(crate) variables: BTreeSet<Name>,
    /// Outputs of the module under test; none where it has not been carried out.
    pub(crate) outputs: Option<BTreeSet<Name>>,
    /// All runs, and whether they have results; none where they cannot be referred to.
    pub(crate) runs: Option<BTreeMap<Name, bool>>,
    /// What the module under test declares; none where it cannot be referred to.
    pub(crate) module: Option<&'a Names<'a>>,
}

/// Which names exist only in some places.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context<'a> {
    /// `each.key` and `each.value`.
    pub(crate) each: bool,
    /// `count.index`.
    pub(crate) count: bool,
    /// `self`.
    pub(crate) itself: bool,
    /// What `self` has, where that is known.
    pub(crate) self_schema: Option<&'a BlockSchema>,
    /// The `check` block around, whose data source exists nowhere else.
    pub(crate) check: Option<&'a Name>,
    /// `stack.NAME`, `environment.name` and `service.NAME.port`.
    pub(crate) delivery: bool,
}

/// A name that an enclosing expression has bound.
enum Binding {
    /// By `for`.
    Iteration(Name),
    /// By a `dynamic` block: an object with `key` and `value`.
    Dynamic(Name),
}

/// Turns trees into expressions.
pub(crate) struct Lowerer<'a> {
    roots: Roots<'a>,
    context: Context<'a>,
    bindings: Vec<Binding>,
    /// Inside of so many calls of `try` and `can`, which may be given a function that there is not.
    tolerant: u32,
    /// What is written where no function can be called, if that is so.
    callless: Option<&'a str>,
    pub(crate) diagnostics: Diagnostics,
}

/// The value of an expression that may refer to nothing, converted to a type; none when that has been reported.
/// `what` names the setting in the message.
pub(crate) fn constant(
    expression: &Expression,
    ty: &Type,
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let lowerer = Lowerer::new(Roots::Constant(what), Context::default());
    lowerer.constant(expression, ty, diagnostics)
}

/// The same where no function can be called either: in defaults, and in values that come from outside.
pub(crate) fn given(
    expression: &Expression,
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let mut lowerer = Lowerer::new(Roots::Constant(what), Context::default());
    lowerer.callless = Some(what);
    lowerer.constant(expression, &Type::Any, diagnostics)
}

/// What is wrong with a path of attributes that is written relative to an object of a schema, as in `ignore_changes`.
pub(crate) fn relative_path(
    whose: &str,
    schema: &BlockSchema,
    expression: &Expression,
) -> Option<Diagnostic> {
    let (base, steps) = reference::steps(expression);
    let ExpressionKind::Root(name) = &base.kind else {
        return None;
    };
    let root = Identifier {
        name: name.clone(),
        span: base.span,
    };
    path::check(whose, schema, &reference::relative(&root, steps))
}

impl<'a> Lowerer<'a> {
    pub(crate) fn new(roots: Roots<'a>, context: Context<'a>) -> Self {
        Self {
            roots,
            context,
            bindings: Vec::new(),
            tolerant: 0,
            callless: None,
            diagnostics: Diagnostics::new(),
        }
    }

    /// The same names, with others of `each`, `count` and `self` from here on.
    pub(crate) fn set_context(&mut self, context: Context<'a>) {
        self.context = context;
    }

    pub(crate) fn context(&self) -> Context<'a> {
        self.context
    }

    /// The value of an expression that refers to nothing.
    fn constant(
        mut self,
        expression: &Expression,
        ty: &Type,
        diagnostics: &mut Diagnostics,
    ) -> Option<Value> {
        let expr = self.converted(expression, ty);
        if !self.diagnostics.is_empty() {
            diagnostics.extend(self.diagnostics);
            return None;
        }
        match expr.evaluate(&crate::constant::Nothing) {
            Ok(value) => Some(value),
            Err(found) => {
                diagnostics.extend(found);
                None
            }
        }
    }

    /// The expression, converted to a type unless any will do.
    pub(crate) fn converted(&mut self, expression: &Expression, ty: &Type) -> Expr {
        let inner = self.expression(expression);
        convert(inner, ty)
    }

    /// Runs `inside` while the iterator of a `dynamic` block is bound.
    pub(crate) fn with_dynamic<T>(
        &mut self,
        iterator: &Name,
        inside: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.bindings.push(Binding::Dynamic(iterator.clone()));
        let result = inside(self);
        self.bindings.pop();
        result
    }

    /// An expression. Reported trouble leaves an unknown value in its place.
    pub(crate) fn expression(&mut self, expression: &Expression) -> Expr {
        let span = expression.span;
        let kind = match &expression.kind {
            ExpressionKind::Invalid => unknown(),
            ExpressionKind::Literal(value) => ExprKind::Literal(value.as_ref().clone()),
            ExpressionKind::Template(template) => return self.template(template, span),
            ExpressionKind::Root(_) | ExpressionKind::Attribute(..) | ExpressionKind::Index(..) => {
                return self.traversal(expression);
            }
            ExpressionKind::Item => ExprKind::Iteration("".into()),
            ExpressionKind::Splat(parts) => ExprKind::Splat {
                source: Box::new(self.expression(&parts.0)),
                each: Box::new(self.expression(&parts.1)),
            },
            ExpressionKind::Unary(operator, operand) => {
                ExprKind::Unary(*operator, Box::new(self.expression(operand)))
            }
            ExpressionKind::Binary(operator, operands) => ExprKind::Binary(
                *operator,
                Box::new(self.expression(&operands.0)),
                Box::new(self.expression(&operands.1)),
            ),
            ExpressionKind::Conditional(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                ExprKind::Conditional(
                    Box::new(self.expression(condition)),
                    Box::new(self.expression(then)),
                    Box::new(self.expression(otherwise)),
                )
            }
            ExpressionKind::Call(call) => {
                if let Some(what) = self.callless {
                    self.report(crate::diag::blocks::call_in_constant(span, what));
                    for argument in &call.arguments {
                        self.expression(argument);
                    }
                    unknown()
                } else {
                    self.call(call)
                }
            }
            ExpressionKind::Tuple(items) => {
                ExprKind::Tuple(items.iter().map(|item| self.expression(item)).collect())
            }
            ExpressionKind::Object(items) => ExprKind::Object(
                items
                    .iter()
                    .map(|(key, value)| (self.object_key(key), self.expression(value)))
                    .collect(),
            ),
            ExpressionKind::For(parts) => self.for_expression(parts),
            ExpressionKind::Parenthesised(inner) => {
                ExprKind::Parenthesised(Box::new(self.expression(inner)))
            }
            ExpressionKind::Json(node) => {
                let reading = crate::json::Reading::Template;
                let inner = crate::json::expression(&node.0, reading, 0, &mut self.diagnostics);
                return self.expression(&inner);
            }
        };
        Expr { kind, span }
    }

    /// A bare name is itself the key; anything else is computed.
    fn object_key(&mut self, key: &Expression) -> Expr {
        match &key.kind {
            ExpressionKind::Root(name) => literal(Value::string(name), key.span),
            // A word of the language is a name as good as any other here.
            ExpressionKind::Literal(value) if value.is_null() => {
                literal(Value::string("null"), key.span)
            }
            // Only in the providers of a module call a key may be a reference, and those are never lowered.
            ExpressionKind::Attribute(..) => {
                self.report(crate::diag::syntax::ambiguous_key(key.span));
                Expr {
                    kind: unknown(),
                    span: key.span,
                }
            }
            _ => self.expression(key),
        }
    }

    fn call(&mut self, call: &Call) -> ExprKind {
        let name = &call.name.name;
        let found = match functions::resolve(name, call.name.span, self.offered()) {
            Err(_) if self.tolerant > 0 => Ok(name.clone()),
            found => found,
        };
        let called = match found {
            Ok(called) => called,
            Err(found) => {
                self.report(found);
                for argument in &call.arguments {
                    self.expression(argument);
                }
                return unknown();
            }
        };
        let tolerates = functions::tolerates_failure(name);
        self.tolerant += u32::from(tolerates);
        let arguments = call.arguments.iter().map(|a| self.expression(a)).collect();
        self.tolerant -= u32::from(tolerates);
        ExprKind::Call {
            name: called,
            arguments,
            expand_last: call.expand_last,
        }
    }

    /// The functions of providers that can be called.
    fn offered(&self) -> Offered<'a> {
        let of_module = |names: &'a Names<'a>| Offered::Module(&names.providers);
        match self.roots {
            Roots::Module(names) => of_module(names),
            Roots::Test(names) => names.module.map_or(Offered::Nothing, of_module),
            Roots::Template(find) => Offered::Template(find),
            Roots::Constant(_) | Roots::Variables(_) => Offered::Nothing,
        }
    }

    fn for_expression(&mut self, parts: &For) -> ExprKind {
        let collection = Box::new(self.expression(&parts.collection));
        let bound = self.bind(parts.key.as_ref(), &parts.value);
        let condition = parts
            .condition
            .as_ref()
            .map(|c| Box::new(self.expression(c)));
        let result_key = parts
            .result_key
            .as_ref()
            .map(|k| Box::new(self.expression(k)));
        let result = Box::new(self.expression(&parts.result));
        self.bindings.truncate(bound);
        let key = parts.key.as_ref().map(|key| key.name.clone());
        let value = parts.value.name.clone();
        match result_key {
            Some(result_key) => ExprKind::ForObject {
                key,
                value,
                collection,
                condition,
                result_key,
                result_value: result,
                group: parts.group,
            },
            None => ExprKind::ForTuple {
                key,
                value,
                collection,
                condition,
                result,
            },
        }
    }

    /// Binds the names of a `for`; the answer is how many bindings there were before.
    fn bind(&mut self, key: Option<&Identifier>, value: &Identifier) -> usize {
        let before = self.bindings.len();
        for name in key.into_iter().chain(Some(value)) {
            self.bindings.push(Binding::Iteration(name.name.clone()));
        }
        before
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// The operand converted to a type, unless any will do.
pub(crate) fn convert(inner: Expr, ty: &Type) -> Expr {
    let span = inner.span;
    match ty {
        Type::Any => inner,
        ty => Expr {
            kind: ExprKind::Convert(Box::new(inner), ty.clone()),
            span,
        },
    }
}

/// A constant of the language.
pub(crate) fn literal(value: Value, span: Span) -> Expr {
    Expr {
        kind: ExprKind::Literal(value),
        span,
    }
}

/// Stands for what could not be read; the diagnostics keep it from ever being computed.
fn unknown() -> ExprKind {
    ExprKind::Literal(Value::unknown(Type::Any))
}
