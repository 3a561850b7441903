//! SF096: what is found while a definition is tested. Everything else that this room finds is in `diag`.

use alloc::format;
use core::fmt::Display;
use value::{Diagnostic, Span};

/// The code of a condition that does not hold, whoever says so.
pub(crate) const CONDITION_FAILED: &str = "SF0905";

pub(crate) fn assertion_failed(message: &str, span: Span) -> Diagnostic {
    Diagnostic::error("SF0960", "Test assertion failed", message).at(span)
}

pub(crate) fn assertion_unknown(span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0961",
        "Unknown condition value",
        "The condition depends on something that is known only after an apply, and this run only plans. Remove it from \
         the condition, or let the run apply.",
    )
    .at(span)
}

pub(crate) fn assertion_invalid(is_null: bool, span: Span) -> Diagnostic {
    let what = if is_null { "null" } else { "no truth value" };
    Diagnostic::error(
        "SF0962",
        "Condition is neither true nor false",
        format!("The condition of an assertion must be true or false; this one is {what}."),
    )
    .at(span)
}

pub(crate) fn failure_missing(address: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        "SF0963",
        "Missing expected failure",
        format!("{address} was expected to fail, and did not: all its conditions hold."),
    )
    .about(address)
    .at(span)
}

pub(crate) fn failure_while_planning(address: &str) -> Diagnostic {
    Diagnostic::warning(
        "SF0964",
        "Expected failure while planning",
        format!(
            "A condition of {address} failed as expected, but already while planning: the apply that this run asks for \
             was not carried out, so the run counts as failed. Use command = plan to test for it."
        ),
    )
    .about(address)
}

pub(crate) fn mock_not_importable(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0965",
        "A mocked provider has nothing to import",
        format!("{address} cannot be imported: its provider is mocked. Give its values in an override_resource block."),
    )
    .about(format!("{address}"))
}

pub(crate) fn mock_opens_nothing(address: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "SF0967",
        "A mocked provider has no ephemeral resources",
        format!(
            "{address} cannot be opened: its provider is mocked, and nothing can be made up for what is never kept. Give \
             the run a provider that is not mocked."
        ),
    )
    .about(format!("{address}"))
}

pub(crate) fn substitute_unfit(address: &dyn Display, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0966",
        "The given result does not fit",
        format!("The mock or override gives a result for \"{name}\" of {address} that does not fit its type: {why}."),
    )
    .about(format!("{address}"))
}
