//! Every diagnostic that evaluation can give, one function each. Codes `SF0201` to `SF0299` are this room's.

use crate::budget::Exhausted;
use crate::limits::{VALUE_DEPTH_MAX, VALUE_WEIGHT_BYTES_MAX};
use crate::{ConvertError, Diagnostic, NumberError, Span};
use alloc::format;
use alloc::string::{String, ToString};

/// The codes of this room with their summaries, for the pages that explain them.
pub const CODES: &[(&str, &str)] = &[
    (INVALID_OPERAND, "Invalid operand"),
    (OPERATION_FAILED, "Operation failed"),
    (TEMPLATE_PART, "Invalid template interpolation value"),
    (UNSUPPORTED_ATTRIBUTE, "Unsupported attribute"),
    (
        ATTRIBUTE_OF_NULL,
        "Attempt to get attribute from null value",
    ),
    (MISSING_MAP_ELEMENT, "Missing map element"),
    (INVALID_INDEX, "Invalid index"),
    (INDEX_OF_NULL, "Attempt to index null value"),
    (SPLAT_OF_NULL, "Splat of null value"),
    (ITERATION_OVER_NULL, "Iteration over null value"),
    (NOT_ITERABLE, "Iteration over non-iterable value"),
    (FOR_CONDITION, "Invalid 'for' condition"),
    (OBJECT_KEY, "Invalid object key"),
    (DUPLICATE_KEY, "Duplicate object key"),
    (NULL_CONDITION, "Null condition"),
    (CONDITION_TYPE, "Incorrect condition type"),
    (CONDITIONAL_TYPES, "Inconsistent conditional result types"),
    (UNKNOWN_FUNCTION, "Call to unknown function"),
    (TOO_FEW_ARGUMENTS, "Not enough function arguments"),
    (TOO_MANY_ARGUMENTS, "Too many function arguments"),
    (INVALID_ARGUMENT, "Invalid function argument"),
    (CALL_FAILED, "Error in function call"),
    (EXPANDED_ARGUMENT, "Invalid expanding argument value"),
    (UNSUITABLE_TYPE, "Unsuitable value type"),
    (BUDGET, "Evaluation takes too much"),
    (TOO_DEEP, "Expression nested too deeply"),
    (TOO_LARGE, "Value too large"),
    (UNKNOWN_VARIABLE, "Unknown variable"),
    (CALL_UNANSWERED, "Function of a provider without an answer"),
];

const INVALID_OPERAND: &str = "SF0201";
const OPERATION_FAILED: &str = "SF0202";
const TEMPLATE_PART: &str = "SF0203";
const UNSUPPORTED_ATTRIBUTE: &str = "SF0204";
const ATTRIBUTE_OF_NULL: &str = "SF0205";
const MISSING_MAP_ELEMENT: &str = "SF0206";
const INVALID_INDEX: &str = "SF0207";
const INDEX_OF_NULL: &str = "SF0208";
const SPLAT_OF_NULL: &str = "SF0209";
const ITERATION_OVER_NULL: &str = "SF0210";
const NOT_ITERABLE: &str = "SF0211";
const FOR_CONDITION: &str = "SF0212";
const OBJECT_KEY: &str = "SF0213";
const DUPLICATE_KEY: &str = "SF0214";
const NULL_CONDITION: &str = "SF0215";
const CONDITION_TYPE: &str = "SF0216";
const CONDITIONAL_TYPES: &str = "SF0217";
const UNKNOWN_FUNCTION: &str = "SF0218";
const TOO_FEW_ARGUMENTS: &str = "SF0219";
const TOO_MANY_ARGUMENTS: &str = "SF0220";
const INVALID_ARGUMENT: &str = "SF0221";
const CALL_FAILED: &str = "SF0222";
const EXPANDED_ARGUMENT: &str = "SF0223";
const UNSUITABLE_TYPE: &str = "SF0224";
const BUDGET: &str = "SF0225";
const TOO_DEEP: &str = "SF0226";
const TOO_LARGE: &str = "SF0227";
const UNKNOWN_VARIABLE: &str = "SF0228";
const CALL_UNANSWERED: &str = "SF0229";

/// Whether a diagnostic says that a limit was reached, or that a provider did not answer: `try` and `can` must not take
/// that for an ordinary failure, which another time fails again.
pub(crate) fn is_limit(diagnostic: &Diagnostic) -> bool {
    [BUDGET, TOO_DEEP, TOO_LARGE, CALL_UNANSWERED].contains(&&*diagnostic.code)
}

fn error(code: &'static str, detail: impl Into<String>, span: Span) -> Diagnostic {
    let summary = CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("", |(_, summary)| *summary);
    Diagnostic::error(code, summary, detail).at(span)
}

/// With "did you mean" when there is a name near the one written.
fn suggesting(diagnostic: Diagnostic, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.hint(format!("Did you mean {near:?}?"), None),
        None => diagnostic,
    }
}

pub(crate) fn invalid_operand(side: &str, error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        INVALID_OPERAND,
        format!("Unsuitable value for {side} operand: {error_found}."),
        span,
    )
}

pub(crate) fn null_operand(span: Span) -> Diagnostic {
    error(
        OPERATION_FAILED,
        "Error during operation: argument must not be null.",
        span,
    )
}

pub(crate) fn arithmetic(error_found: NumberError, span: Span) -> Diagnostic {
    error(
        OPERATION_FAILED,
        format!("Error during operation: {error_found}."),
        span,
    )
}

pub(crate) fn null_in_template(span: Span) -> Diagnostic {
    error(
        TEMPLATE_PART,
        "The expression result is null. Cannot include a null value in a string template.",
        span,
    )
}

pub(crate) fn unsuitable_in_template(error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        TEMPLATE_PART,
        format!("Cannot include the given value in a string template: {error_found}."),
        span,
    )
}

pub(crate) fn no_such_attribute(name: &str, near: Option<&str>, span: Span) -> Diagnostic {
    suggesting(
        error(
            UNSUPPORTED_ATTRIBUTE,
            format!("This object does not have an attribute named {name:?}."),
            span,
        ),
        near,
    )
}

pub(crate) fn attribute_of_sequence(kind: &str, span: Span) -> Diagnostic {
    error(
        UNSUPPORTED_ATTRIBUTE,
        format!(
            "Can't access attributes on a {kind} of objects. Did you mean to access an attribute for a specific element \
             of the {kind}, or across all elements of the {kind}?"
        ),
        span,
    )
}

pub(crate) fn attribute_of_primitive(kind: &str, span: Span) -> Diagnostic {
    error(
        UNSUPPORTED_ATTRIBUTE,
        format!("Can't access attributes on a primitive-typed value ({kind})."),
        span,
    )
}

pub(crate) fn no_attributes(span: Span) -> Diagnostic {
    error(
        UNSUPPORTED_ATTRIBUTE,
        "This value does not have any attributes.",
        span,
    )
}

pub(crate) fn attribute_of_null(span: Span) -> Diagnostic {
    error(
        ATTRIBUTE_OF_NULL,
        "This value is null, so it does not have any attributes.",
        span,
    )
}

pub(crate) fn missing_map_element(key: &str, near: Option<&str>, span: Span) -> Diagnostic {
    suggesting(
        error(
            MISSING_MAP_ELEMENT,
            format!("This map does not have an element with the key {key:?}."),
            span,
        ),
        near,
    )
}

pub(crate) fn null_index(span: Span) -> Diagnostic {
    error(
        INVALID_INDEX,
        "Can't use a null value as an indexing key.",
        span,
    )
}

/// `why` begins with a colon or a full stop, or is empty.
pub(crate) fn no_such_element(why: &str, near: Option<&str>, span: Span) -> Diagnostic {
    let stop = if why.ends_with('.') { "" } else { "." };
    suggesting(
        error(
            INVALID_INDEX,
            format!(
                "The given key does not identify an element in this collection value{why}{stop}"
            ),
            span,
        ),
        near,
    )
}

pub(crate) fn index_of_set(span: Span) -> Diagnostic {
    error(
        INVALID_INDEX,
        "Elements of a set are identified only by their value and don't have any separate index or key to select with, \
         so it's only possible to perform operations across all elements of the set.",
        span,
    )
}

pub(crate) fn no_indices(span: Span) -> Diagnostic {
    error(INVALID_INDEX, "This value does not have any indices.", span)
}

pub(crate) fn index_of_null(span: Span) -> Diagnostic {
    error(
        INDEX_OF_NULL,
        "This value is null, so it does not have any indices.",
        span,
    )
}

pub(crate) fn splat_of_null(span: Span) -> Diagnostic {
    error(
        SPLAT_OF_NULL,
        "Splat expressions (with the * symbol) cannot be applied to null sequences.",
        span,
    )
}

pub(crate) fn iteration_over_null(span: Span) -> Diagnostic {
    error(
        ITERATION_OVER_NULL,
        "A null value cannot be used as the collection in a 'for' expression.",
        span,
    )
}

pub(crate) fn not_iterable(kind: &str, span: Span) -> Diagnostic {
    error(
        NOT_ITERABLE,
        format!("A value of type {kind} cannot be used as the collection in a 'for' expression."),
        span,
    )
}

pub(crate) fn null_for_condition(span: Span) -> Diagnostic {
    error(
        FOR_CONDITION,
        "The value of the 'if' clause must not be null.",
        span,
    )
}

pub(crate) fn invalid_for_condition(error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        FOR_CONDITION,
        format!("The 'if' clause value is invalid: {error_found}."),
        span,
    )
}

pub(crate) fn null_key(span: Span) -> Diagnostic {
    error(OBJECT_KEY, "Can't use a null value as a key.", span)
}

pub(crate) fn invalid_key(error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        OBJECT_KEY,
        format!("Can't use this value as a key: {error_found}."),
        span,
    )
}

/// `key` is none when it must not be shown.
pub(crate) fn duplicate_key(key: Option<&str>, span: Span) -> Diagnostic {
    let key = key.map_or("(sensitive value)".to_string(), |key| format!("{key:?}"));
    error(
        DUPLICATE_KEY,
        format!(
            "Two different items produced the key {key} in this 'for' expression. If duplicates are expected, use the \
             ellipsis (...) after the value expression to enable grouping by key."
        ),
        span,
    )
}

pub(crate) fn null_condition(span: Span) -> Diagnostic {
    error(
        NULL_CONDITION,
        "The condition value is null. Conditions must either be true or false.",
        span,
    )
}

pub(crate) fn condition_type(error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        CONDITION_TYPE,
        format!("The condition expression must be of type bool: {error_found}."),
        span,
    )
}

pub(crate) fn conditional_types(why: &str, span: Span) -> Diagnostic {
    error(
        CONDITIONAL_TYPES,
        format!("The true and false result expressions must have consistent types. {why}."),
        span,
    )
}

pub(crate) fn conditional_value(side: &str, error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        CONDITIONAL_TYPES,
        format!("The {side} result value has the wrong type: {error_found}."),
        span,
    )
}

pub(crate) fn unknown_function(name: &str, near: Option<&str>, span: Span) -> Diagnostic {
    suggesting(
        error(
            UNKNOWN_FUNCTION,
            format!("There is no function named {name:?}."),
            span,
        ),
        near,
    )
}

pub(crate) fn too_few_arguments(
    name: &str,
    expected: &str,
    missing: &str,
    span: Span,
) -> Diagnostic {
    error(
        TOO_FEW_ARGUMENTS,
        format!("Function {name:?} expects {expected} argument(s). Missing value for {missing:?}."),
        span,
    )
}

pub(crate) fn too_many_arguments(name: &str, expected: usize, span: Span) -> Diagnostic {
    error(
        TOO_MANY_ARGUMENTS,
        format!("Function {name:?} expects only {expected} argument(s)."),
        span,
    )
}

pub(crate) fn invalid_argument(
    function: &str,
    parameter: &str,
    why: &str,
    span: Span,
) -> Diagnostic {
    error(
        INVALID_ARGUMENT,
        format!("Invalid value for {parameter:?} parameter of function {function:?}: {why}."),
        span,
    )
}

pub(crate) fn call_failed(function: &str, why: &str, span: Span) -> Diagnostic {
    error(
        CALL_FAILED,
        format!("Call to function {function:?} failed: {why}."),
        span,
    )
}

/// `found` is what was wrong with asking; the first of it says why.
pub(crate) fn call_unanswered(
    function: &str,
    found: &crate::Diagnostics,
    span: Span,
) -> Diagnostic {
    let why = found.iter().next().map_or("", |one| &one.detail);
    error(
        CALL_UNANSWERED,
        format!("The provider was asked what {function:?} gives, and did not answer: {why}"),
        span,
    )
}

pub(crate) fn expanded_argument(why: &str, span: Span) -> Diagnostic {
    error(
        EXPANDED_ARGUMENT,
        format!("The expanding argument (indicated by ...) must {why}."),
        span,
    )
}

pub(crate) fn unsuitable_type(error_found: &ConvertError, span: Span) -> Diagnostic {
    error(
        UNSUITABLE_TYPE,
        format!("Unsuitable value: {error_found}."),
        span,
    )
}

pub(crate) fn exhausted(bound: Exhausted, span: Span) -> Diagnostic {
    match bound {
        Exhausted::Steps(steps) => error(
            BUDGET,
            format!(
                "The limit of {steps} steps was reached here. Expressions that multiply (nested 'for', \
                 setproduct) over large collections usually cause this; make the collections smaller or split them."
            ),
            span,
        ),
        Exhausted::Bytes(bytes) => error(
            BUDGET,
            format!(
                "The limit of {} KiB of data built by one evaluation was reached here. Text or collections that double \
                 with each reference usually cause this.",
                bytes / 1024
            ),
            span,
        ),
        Exhausted::Depth(depth) => error(
            TOO_DEEP,
            format!(
                "Expressions may be nested {depth} levels deep. Give inner parts a name with a local value."
            ),
            span,
        ),
    }
}

pub(crate) fn too_large(span: Span) -> Diagnostic {
    error(
        TOO_LARGE,
        format!(
            "A value may be nested {VALUE_DEPTH_MAX} levels deep and hold {} MiB, with shared parts counted each time.",
            VALUE_WEIGHT_BYTES_MAX / 1024 / 1024
        ),
        span,
    )
}

pub(crate) fn unknown_variable(name: &str, span: Span) -> Diagnostic {
    error(
        UNKNOWN_VARIABLE,
        format!("There is no enclosing 'for' expression with a variable named {name:?}."),
        span,
    )
}
