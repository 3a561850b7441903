//! What stands for an expression that cannot be computed, as far as its form and its sound parts tell. Only its type
//! and its marks matter: to the conditional around it that does not choose it.

use super::access::found_in;
use super::call::is_joined;
use super::operator::common_type;
use super::{Env, Evaluated, Evaluator, Variables};
use crate::{
    BinaryOperator, Data, Expr, ExprKind, Marks, Number, Type, UnaryOperator, Unknown, Value,
    convert, functions,
};
use alloc::string::String;
use alloc::vec::Vec;

impl Evaluator<'_> {
    pub(super) fn standing_in(&self, result: &Evaluated, expr: &Expr, env: Env<'_>) -> Value {
        match result {
            Ok(value) => value.clone(),
            Err(_) => self.stand_in(expr, env),
        }
    }

    /// What stands for an expression that cannot be computed, as far as its form and its sound parts tell: only its
    /// type matters, to the expressions around it that do not need its value.
    #[inline(never)]
    fn stand_in(&self, expr: &Expr, env: Env<'_>) -> Value {
        use BinaryOperator as Op;
        if self.spend_steps(1, expr.span).is_err() {
            return Value::unknown(Type::Any);
        }
        let part = |one: &Expr| self.standing_in(&self.eval(one, env), one, env);
        match &expr.kind {
            ExprKind::Template(parts) => stand_in_template(parts.iter().map(part)),
            ExprKind::Unary(UnaryOperator::Negate, _)
            | ExprKind::Binary(
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo,
                ..,
            ) => self.stand_in_number(expr, env),
            ExprKind::Unary(UnaryOperator::Not, _) | ExprKind::Binary(..) => {
                Value::unknown(Type::Bool)
            }
            ExprKind::Parenthesised(inner) | ExprKind::Interpolated(inner) => {
                self.stand_in(inner, env)
            }
            ExprKind::Tuple(items) => Value::tuple(items.iter().map(part).collect()),
            ExprKind::Object(entries) => {
                let mut marks = Marks::NONE;
                let entries = entries.iter().map(|(key, value)| {
                    let key = convert(&self.eval(key, env).ok()?, &Type::String).ok()?;
                    marks = marks.union(key.marks());
                    Some((crate::Name::from(key.as_str()?), part(value)))
                });
                // Which attributes there are is not known where a key is not.
                match entries.collect::<Option<_>>() {
                    Some(entries) => Value::object(entries).with_marks(marks),
                    None => Value::unknown(Type::Any),
                }
            }
            ExprKind::Splat { source, each } => match self.eval(source, env) {
                Ok(source) => self.stand_in_splat(&source, each, env),
                Err(_) => Value::unknown(Type::Any),
            },
            ExprKind::ForTuple { .. } => self.stand_in_for_tuple(expr, env),
            ExprKind::ForObject { .. } => self.stand_in_for_object(expr, env),
            ExprKind::Conditional(condition, then, otherwise) => {
                stand_in_conditional(&part(condition), &part(then), &part(otherwise))
            }
            ExprKind::Index(source, key) => found_in(&part(source), Ok(&part(key))),
            ExprKind::Attribute(source, name) => found_in(&part(source), Err(name)),
            ExprKind::Call {
                name, arguments, ..
            } => match arguments.as_slice() {
                [_, texts] if is_joined(name, arguments, expr.span) => {
                    stand_in_joined(&self.stand_in(texts, env))
                }
                _ => self.stand_in_number(expr, env),
            },
            _ => Value::unknown(Type::Any),
        }
    }

    /// The same of a splat: what is no collection counts as one of itself.
    fn stand_in_splat(&self, source: &Value, each: &Expr, env: Env<'_>) -> Value {
        let on_item = |item: &Value| {
            let variables = Variables {
                name: "",
                value: item.clone(),
                outer: env,
            };
            self.standing_in(&self.eval(each, Some(&variables)), each, Some(&variables))
        };
        match source.data() {
            Data::Tuple(_)
            | Data::Bool(_)
            | Data::Number(_)
            | Data::String(_)
            | Data::Map(..)
            | Data::Object(_) => {
                let items = source.elements();
                let items = items.unwrap_or_else(|| core::slice::from_ref(source));
                let types = items.iter().map(|item| on_item(item).ty());
                Value::unknown(Type::tuple(types.collect())).with_marks(source.marks())
            }
            // Its elements may have any type, where the first of them cannot be computed.
            Data::List(_, items) | Data::Set(_, items) if !items.is_empty() => {
                let items: Vec<Value> = items.iter().map(on_item).collect();
                let ty = items.first().map_or(Type::Any, Value::ty);
                Value::unknown(Type::list(ty)).with_marks(source.marks())
            }
            Data::Unknown(unknown) => {
                let of = |ty: &Type| on_item(&Value::unknown(ty.clone())).ty();
                let ty = match &unknown.ty {
                    Type::List(element) | Type::Set(element) => Type::list(of(element)),
                    Type::Tuple(elements) => Type::tuple(elements.iter().map(of).collect()),
                    ty if unknown.not_null => Type::tuple([of(ty)].into()),
                    _ => return Value::unknown(Type::Any),
                };
                Value::unknown_not_null(ty).with_marks(source.marks())
            }
            Data::List(element, _) | Data::Set(element, _) => {
                let ty = on_item(&Value::unknown(element.clone())).ty();
                Value::unknown_not_null(Type::list(ty)).with_marks(source.marks())
            }
            Data::Null(_) => Value::unknown(Type::Any),
        }
    }

    /// What stands for an operation or call that gives a number. Where that would be infinite there is a number in the
    /// language this one follows, and it hides what it was made of.
    fn stand_in_number(&self, expr: &Expr, env: Env<'_>) -> Value {
        let number = |one: &Expr| convert(&self.eval(one, env).ok()?, &Type::Number).ok();
        let (otherwise, found) = match &expr.kind {
            ExprKind::Binary(_, one, other) => (Type::Number, number(one).zip(number(other))),
            ExprKind::Call { arguments, .. } => match arguments.as_slice() {
                [one, other] => (Type::Any, number(one).zip(number(other))),
                _ => (Type::Any, None),
            },
            _ => (Type::Number, None),
        };
        let numbers = found
            .as_ref()
            .map(|(one, other)| (one.as_number(), other.as_number()));
        let is_infinite = match (&expr.kind, numbers) {
            (ExprKind::Binary(BinaryOperator::Divide, ..), Some((Some(one), Some(other)))) => {
                *one != Number::ZERO && *other == Number::ZERO
            }
            (ExprKind::Call { name, .. }, Some((Some(one), Some(other)))) => {
                let name = functions::function(name).map_or("", |function| function.name);
                functions::in_doubles(name, one, other).is_infinite()
            }
            _ => false,
        };
        match found {
            Some((one, other)) if is_infinite => {
                Value::unknown_result(Type::Number, one.marks().union(other.marks()))
            }
            _ => Value::unknown(otherwise),
        }
    }
}

/// What stands for a conditional by what stands for its parts.
fn stand_in_conditional(condition: &Value, then: &Value, otherwise: &Value) -> Value {
    let Ok(ty) = common_type(then, otherwise) else {
        return Value::unknown(Type::Any);
    };
    let sides = then.marks().union(otherwise.marks());
    let marks = condition.marks().union(sides);
    if !condition.is_known() {
        return Unknown::either(ty, then, otherwise).with_marks(marks);
    }
    // What cannot decide leaves everything open.
    let decision = convert(condition, &Type::Bool);
    let chosen = match decision.as_ref().ok().and_then(Value::as_bool) {
        Some(true) => convert(then, &ty),
        Some(false) => convert(otherwise, &ty),
        None => return Value::unknown(ty),
    };
    chosen
        .unwrap_or_else(|_| Value::unknown(ty))
        .with_marks(marks)
}

/// What stands for a template by what stands for its parts.
fn stand_in_template(parts: impl Iterator<Item = Value>) -> Value {
    let (mut text, mut marks) = (String::new(), Marks::NONE);
    let (mut known, mut sound) = (true, true);
    for part in parts {
        // A null part is what is wrong, and nothing of it gets into the text.
        if part.is_null() {
            sound = false;
            continue;
        }
        marks = marks.union(part.marks());
        known &= part.is_known();
        match convert(&part, &Type::String) {
            Ok(part) if known && sound => text.push_str(part.as_str().unwrap_or_default()),
            Ok(_) => {}
            Err(_) => sound = false,
        }
    }
    let value = match known {
        true => Value::string(text),
        false => Value::unknown_not_null(Type::String),
    };
    value.with_marks(marks)
}

/// What stands for the texts that a template repeats, by what stands for them one by one.
fn stand_in_joined(texts: &Value) -> Value {
    let Data::Tuple(items) = texts.data() else {
        return Value::unknown(Type::String);
    };
    let mut marks = texts.marks();
    for item in items.iter().filter(|item| !item.is_null()) {
        match convert(item, &Type::String) {
            Ok(text) if !text.is_known() => {
                return Value::unknown(Type::String).with_marks(texts.marks());
            }
            Ok(text) => marks = marks.union(text.marks()),
            Err(_) => {}
        }
    }
    Value::string("").with_marks(marks)
}
