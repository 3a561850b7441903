//! Arithmetic beyond the operators.

use super::rounding::{logarithm, power};
use super::{Call, CallError, Category, Function, Kind, NUMBER, Parameter, follows};
use crate::{Number, Type, Value};
use alloc::format;
use alloc::string::ToString;
use num_bigint::BigInt;

const NUM: Parameter = Parameter::new("num", Kind::Number);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "abs",
        Category::Numeric,
        "The distance of a number from zero.",
        &[NUM],
        NUMBER,
        |call| Ok(Value::number(call.number(0)?.abs())),
    ),
    Function::new(
        "ceil",
        Category::Numeric,
        "The smallest whole number that is not smaller.",
        &[NUM],
        NUMBER,
        |call| Ok(Value::number(call.number(0)?.ceil())),
    ),
    Function::new(
        "floor",
        Category::Numeric,
        "The greatest whole number that is not greater.",
        &[NUM],
        NUMBER,
        |call| Ok(Value::number(call.number(0)?.floor())),
    ),
    Function::new(
        "log",
        Category::Numeric,
        "The logarithm of a number to a base.",
        &[NUM, Parameter::new("base", Kind::Number)],
        NUMBER,
        |call| through_double("log", call),
    ),
    Function::new(
        "max",
        Category::Numeric,
        "The greatest of the numbers.",
        &[],
        NUMBER,
        |call| extreme(call, |best, next| next > best),
    )
    .variadic(Parameter::new("numbers", Kind::Number)),
    Function::new(
        "min",
        Category::Numeric,
        "The smallest of the numbers.",
        &[],
        NUMBER,
        |call| extreme(call, |best, next| next < best),
    )
    .variadic(Parameter::new("numbers", Kind::Number)),
    Function::new(
        "parseint",
        Category::Numeric,
        "The whole number that a text in a base from 2 to 62 stands for.",
        &[
            Parameter::new("number", Kind::Any).typed(),
            Parameter::new("base", Kind::Number),
        ],
        follows(parsed_type),
        parseint,
    ),
    Function::new(
        "pow",
        Category::Numeric,
        "A number raised to a power, in double precision.",
        &[NUM, Parameter::new("power", Kind::Number)],
        NUMBER,
        |call| through_double("pow", call),
    ),
    Function::new(
        "signum",
        Category::Numeric,
        "The sign of a whole number: -1, 0 or 1.",
        &[NUM],
        NUMBER,
        |call| Ok(Value::number(call.integer(0)?.signum())),
    ),
    Function::new(
        "sum",
        Category::Numeric,
        "The sum of the numbers in a list or set.",
        &[Parameter::new("list", Kind::Any).shallow().typed()],
        NUMBER,
        sum,
    ),
];

fn through_double(function: &str, call: &Call<'_>) -> Result<Value, CallError> {
    let result = in_doubles(function, call.number(0)?, call.number(1)?);
    Ok(Value::number(Number::from_f64(result)?))
}

/// What the functions that compute in double precision make of two numbers; not a number of all others.
pub(crate) fn in_doubles(function: &str, first: &Number, second: &Number) -> f64 {
    let (first, second) = (first.to_f64(), second.to_f64());
    match function {
        "log" => logarithm(first) / logarithm(second),
        "pow" => power(first, second),
        _ => f64::NAN,
    }
}

fn extreme(call: &Call<'_>, better: fn(&Number, &Number) -> bool) -> Result<Value, CallError> {
    let mut best: Option<&Number> = None;
    for number in call.rest(0).iter().filter_map(Value::as_number) {
        if best.is_none_or(|best| better(best, number)) {
            best = Some(number);
        }
    }
    match best {
        Some(best) => Ok(Value::number(best.clone())),
        None => Err(CallError::new("must pass at least one number")),
    }
}

fn parsed_type(call: &Call<'_>) -> Result<Type, CallError> {
    match call.value(0)?.ty() {
        Type::Any | Type::String => Ok(Type::Number),
        ty => Err(CallError::argument(
            0,
            format!("first argument must be a string, not {}", ty.in_words()),
        )),
    }
}

fn parseint(call: &Call<'_>) -> Result<Value, CallError> {
    let given = call.value(0)?;
    let Some(text) = given.as_str() else {
        let kind = given.ty();
        return Err(CallError::argument(
            0,
            format!("first argument must be a string, not {}", kind.in_words()),
        ));
    };
    let base = call
        .number(1)?
        .as_i64()
        .and_then(|base| u32::try_from(base).ok());
    let Some(base) = base.filter(|base| (2..=62).contains(base)) else {
        return Err(CallError::argument(
            1,
            "base must be a whole number between 2 and 62 inclusive",
        ));
    };
    let cannot = || {
        CallError::argument(
            0,
            format!("cannot parse {} as a base {base} integer", call.shown(text)),
        )
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || digits.len() > crate::limits::NUMBER_TEXT_BYTES_MAX {
        return Err(cannot());
    }
    let mut value = BigInt::from(0);
    for digit in digits.bytes() {
        let digit = digit_value(digit, base)
            .filter(|digit| *digit < base)
            .ok_or_else(cannot)?;
        value = value * base + digit;
    }
    Ok(Value::number(Number::from_bigint(if negative {
        -value
    } else {
        value
    })?))
}

/// Up to base 36 letters of either case are the same; beyond, capitals follow the small ones.
fn digit_value(digit: u8, base: u32) -> Option<u32> {
    let value = match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'z' => digit - b'a' + 10,
        b'A'..=b'Z' if base <= 36 => digit - b'A' + 10,
        b'A'..=b'Z' => digit - b'A' + 36,
        _ => return None,
    };
    Some(value.into())
}

fn sum(call: &Call<'_>) -> Result<Value, CallError> {
    let list = call.value(0)?;
    let Some(items) = list.elements() else {
        let kind = list.ty();
        return Err(CallError::argument(
            0,
            match list.entries() {
                Some(_) => format!(
                    "argument must be list, set, or tuple. Received {}",
                    kind.in_words()
                ),
                None => "cannot sum noniterable".to_string(),
            },
        ));
    };
    if items.is_empty() {
        return Err(CallError::argument(0, "cannot sum an empty list"));
    }
    if !list.is_wholly_known() {
        return Ok(Value::unknown_not_null(Type::Number));
    }
    let mut total = Number::ZERO;
    for item in items {
        let number = crate::convert(item, &Type::Number).ok();
        let Some(number) = number.as_ref().and_then(Value::as_number) else {
            return Err(CallError::argument(
                0,
                "argument must be list, set, or tuple of number values",
            ));
        };
        total = total.add(number)?;
    }
    Ok(Value::number(total))
}
