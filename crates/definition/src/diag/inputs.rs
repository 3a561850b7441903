//! SF05: values of variables given from outside.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn missing_variable(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The variable has no default, and no value was given. Set it with -var '{name}=...', the environment variable TF_VAR_{name}, or a line {name} = ... in terraform.tfvars."
    );
    error(MISSING_VARIABLE, detail, span).about(format!("var.{name}"))
}

pub(crate) fn missing_in_environment(span: Span, name: &str, environment: &str) -> Diagnostic {
    let detail = format!(
        "The variable has no default, and environment \"{environment}\" gives it no value. Set it in the variables of that environment, with -var '{name}=...', or with the environment variable TF_VAR_{name}."
    );
    error(MISSING_VARIABLE, detail, span).about(format!("var.{name}"))
}

/// `origin` says where the value comes from; whoever typed it on the command line meant it, so that is an error.
pub(crate) fn undeclared<'a>(
    name: &str,
    origin: &str,
    refused: bool,
    span: Option<Span>,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!(
        "The root module declares no variable \"{name}\", but {origin} gives it a value. Declare the variable, or remove the value."
    );
    let mut found = if refused {
        Diagnostic::error(UNDECLARED_VARIABLE.0, UNDECLARED_VARIABLE.1, detail)
    } else {
        Diagnostic::warning(UNDECLARED_VARIABLE.0, UNDECLARED_VARIABLE.1, detail)
    };
    found.span = span;
    suggest(found, did_you_mean(name, known))
}

pub(crate) fn invalid_value(
    name: &str,
    origin: &str,
    why: &str,
    span: Option<Span>,
    declared: Span,
) -> Diagnostic {
    let detail =
        format!("The value from {origin} does not fit the type of variable \"{name}\"{why}.");
    let mut found = Diagnostic::error(INVALID_VALUE.0, INVALID_VALUE.1, detail);
    found.span = span;
    found.hint("the variable is declared here", Some(declared))
}

pub(crate) fn invalid_text(name: &str, origin: &str, why: &str) -> Diagnostic {
    let detail = format!(
        "The text from {origin} for variable \"{name}\" must be written as in a definition, because the variable's type is no text, number or truth value{why}. Mind the quotes of the shell."
    );
    Diagnostic::error(INVALID_VARIABLE_TEXT.0, INVALID_VARIABLE_TEXT.1, detail)
}

pub(crate) fn block_in_variables_file(span: Span, kind: &str) -> Diagnostic {
    let detail = format!(
        "A variables file holds only lines of the form name = value; the block \"{kind}\" has no place in it. Declare variables in a .tf file."
    );
    error(INVALID_VARIABLES_FILE, detail, span)
}

pub(crate) fn variables_object(span: Span, found: &str) -> Diagnostic {
    let detail = format!(
        "A variables file in JSON is an object whose properties are the values of variables. This is {found}."
    );
    error(INVALID_VARIABLES_FILE, detail, span)
}
