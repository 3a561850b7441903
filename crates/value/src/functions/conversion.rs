//! Types and marks, and the special forms `can` and `try`.

use super::{
    ANY, ANY_LIST, BOOL, Call, CallError, Category, Function, Kind, Parameter, Returns, Special,
};
use crate::{Data, Marks, Type, Value, convert, convert_type};
use alloc::format;
use alloc::string::String;

const V: Parameter = Parameter::new("v", Kind::Any).nullable().seen().marked();
const VALUE: Parameter = Parameter::new("value", Kind::Any)
    .nullable()
    .seen()
    .marked();

const fn function(
    name: &'static str,
    description: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: super::Body,
) -> Function {
    Function::new(
        name,
        Category::Conversion,
        description,
        parameters,
        returns,
        body,
    )
}

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "can",
        "Whether an expression can be computed.",
        &[Parameter::new("expression", Kind::Any)
            .nullable()
            .seen()
            .marked()],
        BOOL,
        |call| {
            Ok(if call.value(0)?.is_wholly_known() {
                Value::bool(true)
            } else {
                Value::unknown(Type::Bool)
            })
        },
    )
    .maybe_null()
    .special(Special::Can),
    function(
        "ephemeralasnull",
        "A value with null in place of everything ephemeral in it.",
        &[VALUE],
        ANY,
        |call| Ok(call.value(0)?.ephemeral_as_null()),
    ),
    function(
        "issensitive",
        "Whether a value is marked as sensitive.",
        &[VALUE],
        BOOL,
        |call| {
            let value = call.value(0)?;
            let sensitive = value.marks().contains(Marks::SENSITIVE);
            // Something unknown may turn out to be sensitive, but never the other way round.
            Ok(if sensitive || value.is_known() {
                Value::bool(sensitive)
            } else {
                Value::unknown(Type::Bool)
            })
        },
    )
    .maybe_null(),
    function(
        "nonsensitive",
        "A value without the mark that it is sensitive; what is inside keeps its own.",
        &[VALUE],
        ANY,
        |call| {
            let value = call.value(0)?;
            let marks = value.marks().without(Marks::SENSITIVE);
            Ok(value.clone().without_marks().with_marks(marks))
        },
    ),
    function(
        "sensitive",
        "A value marked as sensitive.",
        &[VALUE],
        ANY,
        |call| Ok(call.value(0)?.clone().with_marks(Marks::SENSITIVE)),
    ),
    function(
        "tobool",
        "A value as a truth value.",
        &[V],
        Returns::Fixed(Kind::Bool),
        |call| to(call, &Type::Bool),
    ),
    function(
        "tolist",
        "A value as a list.",
        &[V],
        Returns::Fixed(ANY_LIST),
        |call| to(call, &Type::list(Type::Any)),
    ),
    function(
        "tomap",
        "A value as a map.",
        &[V],
        Returns::Fixed(Kind::Map(&Kind::Any)),
        |call| to(call, &Type::map(Type::Any)),
    ),
    function(
        "tonumber",
        "A value as a number.",
        &[V],
        Returns::Fixed(Kind::Number),
        |call| to(call, &Type::Number),
    ),
    function(
        "toset",
        "A value as a set.",
        &[V],
        Returns::Fixed(Kind::Set(&Kind::Any)),
        |call| to(call, &Type::set(Type::Any)),
    ),
    function(
        "tostring",
        "A value as text.",
        &[V],
        Returns::Fixed(Kind::String),
        |call| to(call, &Type::String),
    ),
    function(
        "try",
        "The first of several expressions that can be computed.",
        &[],
        ANY,
        |call| match call.rest(0) {
            [] => Err(CallError::new("at least one argument is required")),
            [first, ..] if first.is_wholly_known() => Ok(first.clone()),
            [..] => Ok(Value::unknown(Type::Any)),
        },
    )
    .variadic(
        Parameter::new("expressions", Kind::Any)
            .nullable()
            .seen()
            .marked(),
    )
    .special(Special::Try),
];

fn to(call: &Call<'_>, want: &Type) -> Result<Value, CallError> {
    let value = call.value(0)?;
    if let Some(unknown) = value.as_unknown()
        && convert_type(&unknown.ty, want).is_ok()
    {
        // Nothing is promised of what the conversion will give but its kind.
        return Ok(Value::unknown(want.clone()).with_marks(value.marks()));
    }
    convert(value, want).map_err(|error| {
        let text = |text: &str| match call.shown(text) {
            hidden if call.hidden => hidden.trim_matches(['(', ')']).into(),
            shown => shown,
        };
        CallError::argument(
            0,
            match (value.data(), want) {
                (Data::String(given), Type::Bool) => format!(
                    "cannot convert {} to bool; only the strings \"true\" or \"false\" are allowed",
                    text(given)
                ),
                (Data::String(given), Type::Number) => format!(
                    "cannot convert {} to number; given string must be a decimal representation of a number",
                    text(given)
                ),
                (_, want) if convert_type(&value.ty(), want).is_ok() => {
                    format!("cannot convert to {}: {error}", target(want))
                }
                (_, want) => {
                    format!("cannot convert {} to {}", value.ty().in_words(), target(want))
                }
            },
        )
    })
}

fn target(want: &Type) -> String {
    match want {
        Type::List(_) => "list of any single type".into(),
        Type::Set(_) => "set of any single type".into(),
        Type::Map(_) => "map of any single type".into(),
        other => format!("{}", other.in_words()),
    }
}
