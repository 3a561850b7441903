//! SF0354: values that must not be kept stand where they would be.

use super::*;
use alloc::format;

/// What to do with a value that is not wanted.
const AS_NULL: &str = "ephemeralasnull(...) gives null in its place, where that will do.";

pub(crate) fn root_output(span: Span) -> Diagnostic {
    let detail = "An output of the root module is kept after the command has ended, and an ephemeral value must not be. Only outputs of called modules can be ephemeral. Remove the argument \"ephemeral\".";
    error(EPHEMERAL_VALUE, detail, span)
}

pub(crate) fn in_argument(span: Span, whose: &str, name: &str) -> Diagnostic {
    let detail = format!(
        "The value of \"{name}\" is ephemeral, and {whose} would keep it: the argument is not write-only. Use a value that may be kept."
    );
    error(EPHEMERAL_VALUE, detail, span).hint(AS_NULL, None)
}

pub(crate) fn in_output(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The value is ephemeral, and output \"{name}\" is not declared to be. If its caller shall have the value, add ephemeral = true to the output."
    );
    error(EPHEMERAL_VALUE, detail, span).hint(AS_NULL, None)
}

pub(crate) fn in_variable(span: Span, name: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The value is ephemeral, and variable \"{name}\" of the called module does not accept such values. Add ephemeral = true to the variable."
    );
    error(EPHEMERAL_VALUE, detail, span).hint("the variable is declared here", Some(declared))
}

pub(crate) fn in_repetition(span: Span, argument: &str) -> Diagnostic {
    let detail = format!(
        "The value is ephemeral: it may differ from command to command, and {argument} decides which instances exist. Use a value that stays."
    );
    error(EPHEMERAL_VALUE, detail, span)
}

pub(crate) fn required_in_output(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "Output \"{name}\" is declared as ephemeral, so its value must be ephemeral, and this one is not. Remove ephemeral = true."
    );
    error(EPHEMERAL_VALUE, detail, span)
}
