//! SF0347: conditions that check nothing, or the wrong thing.

use super::*;
use alloc::format;

pub(crate) fn checks_nothing(span: Span, kind: &str) -> Diagnostic {
    let detail = format!(
        "The condition of this {kind} refers to nothing, so it is the same whatever happens. Compare something from elsewhere in the configuration."
    );
    error(INVALID_CONDITION, detail, span)
}

pub(crate) fn variable_not_named(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The validation of variable \"{name}\" must look at the value that was given: its condition has to refer to var.{name}."
    );
    error(INVALID_CONDITION, detail, span)
}

pub(crate) fn refers_to_itself(span: Span, kind: &str, address: &str) -> Diagnostic {
    let detail = match kind {
        "postcondition" => format!(
            "A postcondition cannot refer to its own resource by name: {address} is not there for others before the condition holds. Write self instead."
        ),
        _ => format!(
            "A precondition is checked before {address} is planned, so it cannot refer to it. Check the result in a postcondition, with self."
        ),
    };
    error(INVALID_CONDITION, detail, span)
}
