//! Evaluation of compiled expressions.
//!
//! [`Evaluator`] walks an expression with the variables of enclosing `for`s in a chain; everything else it asks of the
//! [`Scope`]. All diagnostics that can be found are returned together: siblings are evaluated even when one failed.
//! Access into values is in `access.rs`, operators in `operator.rs`, `for` and splat in `iteration.rs`, function calls
//! in `call.rs`, what stands for what cannot be computed in `stand_in.rs`.
//!
//! Every form has a function of its own, never inlined: the deepest recursion allowed must fit a small stack.

mod access;
mod call;
mod declared;
mod iteration;
mod operator;
mod place;
mod stand_in;

use crate::budget::Budget;
use crate::convert::conforms;
use crate::limits::{VALUE_DEPTH_MAX, VALUE_NODE_BYTES, VALUE_WEIGHT_BYTES_MAX};
use crate::{
    Data, Diagnostics, Expr, ExprKind, Marks, Name, Scope, Span, Type, Unknown, Value, convert,
    diag,
};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use call::call;

/// Computes the value of an expression.
pub(crate) fn evaluate(expr: &Expr, scope: &dyn Scope) -> Result<Value, Diagnostics> {
    let own;
    let budget = match scope.budget() {
        Some(shared) => shared,
        None => {
            own = Budget::default();
            &own
        }
    };
    Evaluator { scope, budget }.eval(expr, None)
}

struct Evaluator<'a> {
    scope: &'a dyn Scope,
    budget: &'a Budget,
}

/// A variable of an enclosing `for` (or, with the empty name, the item of an enclosing splat), and those further out.
struct Variables<'a> {
    name: &'a str,
    value: Value,
    outer: Option<&'a Variables<'a>>,
}

type Env<'a> = Option<&'a Variables<'a>>;
type Evaluated = Result<Value, Diagnostics>;

/// The results of siblings: all of them, or all their diagnostics.
fn all(results: impl IntoIterator<Item = Evaluated>) -> Result<Vec<Value>, Diagnostics> {
    let mut values = Vec::new();
    let mut found = Diagnostics::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(diagnostics) => found.extend(diagnostics),
        }
    }
    if found.is_empty() {
        Ok(values)
    } else {
        Err(found)
    }
}

impl Evaluator<'_> {
    fn eval(&self, expr: &Expr, env: Env<'_>) -> Evaluated {
        self.spend_steps(1, expr.span)?;
        if let Err(bound) = self.budget.enter() {
            return Err(diag::exhausted(bound, expr.span).into());
        }
        let result = self.dispatch(expr, env);
        self.budget.leave();
        match result {
            Ok(value) if is_too_large(&value) => Err(diag::too_large(expr.span).into()),
            other => other,
        }
    }

    fn dispatch(&self, expr: &Expr, env: Env<'_>) -> Evaluated {
        match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Reference(reference) => self.scope.resolve(reference, expr.span),
            ExprKind::Instance(reference, key) => {
                let step = place::instance_step(key.span, expr.span);
                let key = self.eval(key, env)?;
                self.scope.instance(reference, &key, step)
            }
            ExprKind::Iteration(name) => variable(name, env, expr.span),
            ExprKind::Template(parts) => self.template(parts, env, expr.span),
            ExprKind::Attribute(source, name) => self.attribute(source, name, env, expr.span),
            ExprKind::Index(source, key) => self.index(source, key, env, expr.span),
            ExprKind::Splat { source, each } => self.splat(source, each, env, expr.span),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand, env, expr.span),
            ExprKind::Binary(..) => self.binary(expr, env),
            ExprKind::Conditional(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise, env)
            }
            ExprKind::Call {
                name,
                arguments,
                expand_last,
            } => self.call(name, arguments, *expand_last, env, expr.span),
            ExprKind::Tuple(items) => self.tuple(items, env, expr.span),
            ExprKind::Object(entries) => self.object(entries, env, expr.span),
            ExprKind::ForTuple { .. } => self.for_tuple(expr, env),
            ExprKind::ForObject { .. } => self.for_object(expr, env),
            ExprKind::Convert(operand, ty) => self.convert(operand, ty, env, expr.span),
            ExprKind::Parenthesised(inner) | ExprKind::Interpolated(inner) => self.eval(inner, env),
        }
    }

    /// Accounts for memory that a result takes.
    fn spend_bytes(&self, bytes: u64, span: Span) -> Result<(), Diagnostics> {
        self.budget
            .spend_bytes(bytes)
            .map_err(|bound| diag::exhausted(bound, span).into())
    }

    fn spend_steps(&self, steps: u64, span: Span) -> Result<(), Diagnostics> {
        self.budget
            .spend_steps(steps)
            .map_err(|bound| diag::exhausted(bound, span).into())
    }

    #[inline(never)]
    fn tuple(&self, items: &[Expr], env: Env<'_>, span: Span) -> Evaluated {
        let items = all(items.iter().map(|item| self.eval(item, env)))?;
        self.spend_bytes(VALUE_NODE_BYTES * (1 + items.len() as u64), span)?;
        Ok(Value::tuple(items))
    }

    #[inline(never)]
    fn object(&self, entries: &[(Expr, Expr)], env: Env<'_>, span: Span) -> Evaluated {
        let mut found = Diagnostics::new();
        let mut attributes: BTreeMap<Name, Value> = BTreeMap::new();
        let mut marks = Marks::NONE;
        let mut known = true;
        for (key, value) in entries {
            let name = self.eval(key, env).and_then(|key_value| {
                marks = marks.union(key_value.marks());
                if key_value.is_null() {
                    // Shown where the language this one follows shows it.
                    return Err(diag::null_key(value.span).into());
                }
                object_key(&key_value, key.span)
            });
            let value = self.eval(value, env);
            match (name, value) {
                (Ok(Some(name)), Ok(value)) => {
                    attributes.insert(name, value);
                }
                (Ok(None), Ok(_)) => known = false,
                (name, value) => {
                    found.extend(name.err().unwrap_or_default());
                    found.extend(value.err().unwrap_or_default());
                }
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        if !known {
            return Ok(Value::unknown(Type::Any));
        }
        self.spend_bytes(VALUE_NODE_BYTES * (1 + attributes.len() as u64), span)?;
        Ok(Value::object(attributes).with_marks(marks))
    }

    #[inline(never)]
    fn convert(&self, operand: &Expr, ty: &Type, env: Env<'_>, span: Span) -> Evaluated {
        let value = self.eval(operand, env)?;
        if conforms(&value, ty) {
            return Ok(value);
        }
        self.spend_bytes(value.weight_bytes(), operand.span)?;
        convert(&value, ty).map_err(|error| diag::unsuitable_type(&error, span).into())
    }

    #[inline(never)]
    fn template(&self, parts: &[Expr], env: Env<'_>, span: Span) -> Evaluated {
        let mut found = Diagnostics::new();
        let mut text = String::new();
        let mut known = true;
        let mut marks = Marks::NONE;
        for part in parts {
            match self
                .eval(part, env)
                .and_then(|part_value| template_part(part_value, part.span))
            {
                Ok(value) => {
                    marks = marks.union(value.marks());
                    // What an unknown part is known to begin with is left out, as in the language this one follows.
                    known = known && value.is_known();
                    if known {
                        text.push_str(value.as_str().unwrap_or_default());
                    }
                }
                Err(diagnostics) => found.extend(diagnostics),
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        self.spend_bytes(VALUE_NODE_BYTES + text.len() as u64, span)?;
        let value = match (known, self.scope.is_of_constants()) {
            (true, _) => Value::string(text),
            (false, true) => Value::unknown_not_null(Type::String),
            (false, false) => Unknown::string_with_prefix(&text).into(),
        };
        Ok(value.with_marks(marks))
    }
}

/// The part as text.
fn template_part(part: Value, span: Span) -> Evaluated {
    if part.is_null() {
        return Err(diag::null_in_template(span).into());
    }
    if part
        .as_unknown()
        .is_some_and(|unknown| unknown.ty != Type::String)
    {
        // Whether it can be text shows once it is known.
        return Ok(Value::unknown_not_null(Type::String).with_marks(part.marks()));
    }
    convert(&part, &Type::String).map_err(|error| diag::unsuitable_in_template(&error, span).into())
}

/// The name under which a value is entered in an object; none when it is not known yet. Its marks are the caller's.
fn object_key(key: &Value, span: Span) -> Result<Option<Name>, Diagnostics> {
    if key.is_null() {
        return Err(diag::null_key(span).into());
    }
    let key = convert(key, &Type::String).map_err(|error| diag::invalid_key(&error, span))?;
    Ok(match key.data() {
        Data::String(text) => Some(text.clone()),
        _ => None,
    })
}

fn variable(name: &str, env: Env<'_>, span: Span) -> Evaluated {
    let mut frame = env;
    while let Some(variables) = frame {
        if variables.name == name {
            return Ok(variables.value.clone());
        }
        frame = variables.outer;
    }
    Err(diag::unknown_variable(name, span).into())
}

fn is_too_large(value: &Value) -> bool {
    value.depth() > VALUE_DEPTH_MAX || value.weight_bytes() > VALUE_WEIGHT_BYTES_MAX
}
