//! Operators and the conditional.

use super::{Env, Evaluated, Evaluator};
use crate::limits::CALL_BYTES_PER_STEP;
use crate::{
    BinaryOperator, Diagnostics, Expr, ExprKind, Marks, Number, NumberError, Span, Type,
    UnaryOperator, Unknown, Value, convert, diag, equal, unify,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Evaluator<'_> {
    #[inline(never)]
    pub(super) fn unary(
        &self,
        operator: UnaryOperator,
        operand: &Expr,
        env: Env<'_>,
        span: Span,
    ) -> Evaluated {
        let value = self.eval(operand, env)?;
        let ty = match operator {
            UnaryOperator::Negate => Type::Number,
            UnaryOperator::Not => Type::Bool,
        };
        let value = convert_operand(&value, &ty, "unary", operand.span)?;
        if value.is_null() {
            return Err(diag::null_operand(span).into());
        }
        let result = match (value.as_number(), value.as_bool()) {
            (Some(number), _) => Value::number(number.negate()),
            (_, Some(truth)) => Value::bool(!truth),
            _ => Value::unknown_not_null(ty),
        };
        Ok(result.with_marks(value.marks()))
    }

    /// Long chains (`a + b + c + ...`) nest to the left; they are worked off in a loop, so that their length is not
    /// limited by the depth of the stack.
    #[inline(never)]
    pub(super) fn binary(&self, expr: &Expr, env: Env<'_>) -> Evaluated {
        let mut chain: Vec<(BinaryOperator, &Expr, &Expr, Span)> = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary(operator, left, right) = &first.kind {
            chain.push((*operator, left, right, first.span));
            first = left;
        }
        let mut result = self.eval(first, env);
        for (operator, left, right, span) in chain.into_iter().rev() {
            self.spend_steps(1, span)?;
            result = match (result, self.eval(right, env)) {
                (Ok(left_value), Ok(right_value)) => {
                    let operands = [(&left_value, left.span), (&right_value, right.span)];
                    self.operate(operator, operands, span)
                }
                (Err(mut found), Err(more)) => {
                    found.extend(more);
                    Err(found)
                }
                (Err(found), Ok(sound)) => {
                    Err(beside(found, operator, &sound, "right", right.span))
                }
                (Ok(sound), Err(found)) => Err(beside(found, operator, &sound, "left", left.span)),
            };
        }
        result
    }

    fn operate(
        &self,
        operator: BinaryOperator,
        operands: [(&Value, Span); 2],
        span: Span,
    ) -> Evaluated {
        use BinaryOperator as Op;
        let [(left, _), (right, _)] = operands;
        match operator {
            Op::Equal | Op::NotEqual => {
                let looked_at = left.weight_bytes().min(right.weight_bytes());
                self.spend_steps(looked_at / CALL_BYTES_PER_STEP, span)?;
                let equality = equal(left, right);
                let answer = equality
                    .as_bool()
                    .map(|equal| equal == (operator == Op::Equal));
                Ok(match answer {
                    Some(answer) => Value::bool(answer).with_marks(equality.marks()),
                    None => equality,
                })
            }
            Op::And | Op::Or => logical(operator, operands, span),
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo => {
                let (left, right, marks) = both(operands, &Type::Number, span)?;
                let (Some(left), Some(right)) = (left.as_number(), right.as_number()) else {
                    return Ok(Value::unknown_result(Type::Number, marks));
                };
                match arithmetic(operator, left, right) {
                    Ok(number) => Ok(Value::number(number).with_marks(marks)),
                    Err(error) => Err(diag::arithmetic(error, span).into()),
                }
            }
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                let (left, right, marks) = both(operands, &Type::Number, span)?;
                let (Some(left), Some(right)) = (left.as_number(), right.as_number()) else {
                    return Ok(Value::unknown_result(Type::Bool, marks));
                };
                Ok(Value::bool(match operator {
                    Op::Less => left < right,
                    Op::LessOrEqual => left <= right,
                    Op::Greater => left > right,
                    _ => left >= right,
                })
                .with_marks(marks))
            }
        }
    }

    /// Both results are computed, because the type of the whole depends on both; only what is wrong with the chosen one
    /// counts.
    #[inline(never)]
    pub(super) fn conditional(
        &self,
        condition: &Expr,
        then: &Expr,
        otherwise: &Expr,
        env: Env<'_>,
    ) -> Evaluated {
        let then_result = self.eval(then, env);
        let else_result = self.eval(otherwise, env);
        for result in [&then_result, &else_result] {
            if let Err(found) = result
                && found.iter().any(diag::is_limit)
            {
                return Err(found.clone());
            }
        }
        let of_then = self.standing_in(&then_result, then, env);
        let of_else = self.standing_in(&else_result, otherwise, env);
        let ty = common_type(&of_then, &of_else)
            .map_err(|why| diag::conditional_types(&why, between(then.span, otherwise.span)))?;
        let decision = self.eval(condition, env)?;
        if decision.is_null() {
            return Err(diag::null_condition(condition.span).into());
        }
        let decision = if decision.is_known() {
            convert(&decision, &Type::Bool)
                .map_err(|error| diag::condition_type(&error, condition.span))?
        } else {
            decision
        };
        let marks = [&of_then, &of_else]
            .into_iter()
            .fold(decision.marks(), |marks, value| marks.union(value.marks()));
        let (chosen, side, place) = match decision.as_bool() {
            Some(true) => (then_result?, "true", then.span),
            Some(false) => (else_result?, "false", otherwise.span),
            // What is wrong with either counts once it is chosen.
            None => return Ok(Unknown::either(ty, &of_then, &of_else).with_marks(marks)),
        };
        match convert(&chosen, &ty) {
            Ok(value) => Ok(value.with_marks(marks)),
            Err(error) => Err(diag::conditional_value(side, &error, place).into()),
        }
    }
}

/// What is wrong with one operand, and with the other if that cannot be one at all.
fn beside(
    mut found: Diagnostics,
    operator: BinaryOperator,
    sound: &Value,
    side: &str,
    span: Span,
) -> Diagnostics {
    use BinaryOperator as Op;
    let wanted = match operator {
        Op::Equal | Op::NotEqual => Type::Any,
        Op::And | Op::Or => Type::Bool,
        _ => Type::Number,
    };
    found.extend(
        convert_operand(sound, &wanted, side, span)
            .err()
            .unwrap_or_default(),
    );
    found
}

fn convert_operand(value: &Value, ty: &Type, side: &str, span: Span) -> Evaluated {
    convert(value, ty).map_err(|error| diag::invalid_operand(side, &error, span).into())
}

/// Both operands converted, and their marks.
fn both(
    operands: [(&Value, Span); 2],
    ty: &Type,
    span: Span,
) -> Result<(Value, Value, Marks), Diagnostics> {
    let [(left, left_span), (right, right_span)] = operands;
    let left = convert_operand(left, ty, "left", left_span);
    let right = convert_operand(right, ty, "right", right_span);
    let (left, right) = match (left, right) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(mut found), Err(more)) => {
            found.extend(more);
            return Err(found);
        }
        (Err(found), Ok(_)) | (Ok(_), Err(found)) => return Err(found),
    };
    if left.is_null() || right.is_null() {
        return Err(diag::null_operand(span).into());
    }
    let marks = left.marks().union(right.marks());
    Ok((left, right, marks))
}

/// Neither operand is passed over: an unknown one makes the result unknown even where the other would decide, so that
/// what a plan says does not depend on which side was known first.
///
/// An unknown answer has no marks, as in the language this one follows: there is nothing in it to hide yet.
fn logical(operator: BinaryOperator, operands: [(&Value, Span); 2], span: Span) -> Evaluated {
    let (left, right, marks) = both(operands, &Type::Bool, span)?;
    Ok(match (left.as_bool(), right.as_bool()) {
        (Some(left), Some(right)) if operator == BinaryOperator::And => {
            Value::bool(left && right).with_marks(marks)
        }
        (Some(left), Some(right)) => Value::bool(left || right).with_marks(marks),
        _ => Value::unknown_not_null(Type::Bool),
    })
}

fn arithmetic(
    operator: BinaryOperator,
    left: &Number,
    right: &Number,
) -> Result<Number, NumberError> {
    match operator {
        BinaryOperator::Add => left.add(right),
        BinaryOperator::Subtract => left.subtract(right),
        BinaryOperator::Multiply => left.multiply(right),
        BinaryOperator::Divide => left.divide(right),
        _ => left.remainder(right),
    }
}

/// From the beginning of one place to the end of another.
fn between(first: Span, last: Span) -> Span {
    Span {
        end: last.end.max(first.start),
        ..first
    }
}

/// The type of a conditional, or why there is none.
pub(super) fn common_type(then: &Value, otherwise: &Value) -> Result<Type, String> {
    let (then_type, else_type) = (then.ty(), otherwise.ty());
    let bare_null =
        |value: &Value| value.is_null() && value.ty() == Type::Any && value.marks().is_empty();
    if bare_null(then) {
        return Ok(else_type);
    }
    if bare_null(otherwise) {
        return Ok(then_type);
    }
    if then_type == Type::Any || else_type == Type::Any {
        return Ok(Type::Any);
    }
    if then_type == else_type {
        return Ok(then_type);
    }
    unify(&[then_type.clone(), else_type.clone()]).ok_or_else(|| differ(&then_type, &else_type))
}

fn differ(then: &Type, otherwise: &Type) -> String {
    if let (Type::Object(left), Type::Object(right)) = (then, otherwise) {
        let absent = |from: &crate::ObjectType, other: &crate::ObjectType| {
            let mut names = from.attributes.keys();
            names
                .find(|name| !other.attributes.contains_key(*name))
                .cloned()
        };
        if let Some(name) = absent(left, right) {
            return format!(
                "The 'true' value includes object attribute {name:?}, which is absent in the 'false' value"
            );
        }
        if let Some(name) = absent(right, left) {
            return format!(
                "The 'false' value includes object attribute {name:?}, which is absent in the 'true' value"
            );
        }
        for (name, ty) in &left.attributes {
            if let Some(other) = right.attributes.get(name)
                && unify(&[ty.clone(), other.clone()]).is_none()
            {
                return format!(
                    "Type mismatch for object attribute {name:?}: {}",
                    differ(ty, other)
                );
            }
        }
    }
    if let (Type::Tuple(left), Type::Tuple(right)) = (then, otherwise)
        && left.len() != right.len()
    {
        return format!(
            "The 'true' tuple has length {}, but the 'false' tuple has length {}",
            left.len(),
            right.len()
        );
    }
    let (then, otherwise) = (
        then.in_words().to_string(),
        otherwise.in_words().to_string(),
    );
    if then == otherwise {
        return "At least one deeply-nested attribute or element is not compatible across both the 'true' and the \
                'false' value"
            .to_string();
    }
    format!("The 'true' value is {then}, but the 'false' value is {otherwise}")
}
