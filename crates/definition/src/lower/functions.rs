//! Names of functions: those of the language with and without `core::`, and those of providers.
//!
//! What functions do is `value`'s; here a name that nobody knows is found while compiling.

use crate::diag::references as diag;
use value::functions::{function, function_names};
use value::{Diagnostic, Span};

/// How a name of the language may begin, and how one of a provider does.
const LANGUAGE: &str = "core::";
const PROVIDER: &str = "provider::";

/// What is wrong with a name, none when there is such a function.
pub(crate) fn unknown(name: &str, span: Span) -> Option<Diagnostic> {
    if let Some(rest) = name.strip_prefix(PROVIDER) {
        let found = match rest.split_once("::") {
            Some((provider, function))
                if !provider.is_empty() && !function.is_empty() && !function.contains("::") =>
            {
                diag::provider_function(span, provider, function)
            }
            _ => diag::malformed_function(
                span,
                name,
                "A function of a provider is written provider::NAME::FUNCTION.",
            ),
        };
        return Some(found);
    }
    if let Some(rest) = name.strip_prefix(LANGUAGE) {
        return function(rest)
            .is_none()
            .then(|| diag::unknown_function(span, rest, function_names()));
    }
    if name.contains("::") {
        let detail = "Only core:: and provider::NAME:: can stand before the name of a function.";
        return Some(diag::malformed_function(span, name, detail));
    }
    function(name)
        .is_none()
        .then(|| diag::unknown_function(span, name, function_names()))
}

/// Whether a function makes something of arguments that cannot be computed.
pub(crate) fn tolerates_failure(name: &str) -> bool {
    matches!(name.strip_prefix(LANGUAGE).unwrap_or(name), "try" | "can")
}
