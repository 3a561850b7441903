//! SF17: what is wrong with test files and the runs in them.

use super::*;
use alloc::format;

pub(crate) fn invalid_command(span: Span) -> Diagnostic {
    let detail = "A run either plans or applies: command = plan, or command = apply, without quotes. Without the argument it applies.";
    error(INVALID_RUN, detail, span)
}

pub(crate) fn invalid_mode(span: Span) -> Diagnostic {
    let detail = "The mode of a plan is normal or refresh-only, without quotes.";
    error(INVALID_RUN, detail, span)
}

pub(crate) fn invalid_during(span: Span) -> Diagnostic {
    let detail =
        "Results are given while planning or while applying: plan or apply, without quotes.";
    error(INVALID_SUBSTITUTE, detail, span)
}

pub(crate) fn list_required(span: Span, name: &str) -> Diagnostic {
    let detail = format!("\"{name}\" is a list of addresses, written out: {name} = [TYPE.NAME].");
    error(INVALID_RUN, detail, span)
}

pub(crate) fn invalid_target(span: Span, why: &str) -> Diagnostic {
    error(INVALID_SUBSTITUTE, why, span)
}

pub(crate) fn target_missing(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The override refers to {name}, which the configuration under test does not declare. Correct the address, or remove the block."
    );
    warning(NOTHING_TO_SUBSTITUTE, detail, span).about(name)
}

pub(crate) fn providers_required(span: Span) -> Diagnostic {
    let detail = "The providers of a run are written out, each configuration of the module with one of the test file: providers = { aws = aws.mocked }.";
    error(INVALID_RUN, detail, span)
}

pub(crate) fn invalid_address(span: Span, why: &str) -> Diagnostic {
    error(INVALID_RUN, why, span)
}

pub(crate) fn object_required(span: Span, name: &str) -> Diagnostic {
    let detail =
        format!("\"{name}\" is an object with one attribute for each result: {name} = {{ ... }}.");
    error(INVALID_SUBSTITUTE, detail, span)
}

pub(crate) fn module_instance(span: Span) -> Diagnostic {
    let detail =
        "One instance of a module cannot be overridden, only all of them. Leave the key out.";
    error(INVALID_SUBSTITUTE, detail, span)
}

pub(crate) fn run_not_local(span: Span) -> Diagnostic {
    let detail = "The module of a run is a directory of this project, with a path that begins with ./ or ../. Call any other module from a module of such a directory.";
    error(INVALID_RUN, detail, span)
}

pub(crate) fn run_not_before(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The run \"{name}\" has not been carried out yet. Runs are carried out in the order written, and only those before have results."
    );
    error(RUN_NOT_AVAILABLE, detail, span)
}

pub(crate) fn run_unknown<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("This test file has no run \"{name}\".");
    let found = error(RUN_NOT_AVAILABLE, detail, span);
    suggest(found, crate::suggest::did_you_mean(name, known))
}

pub(crate) fn variable_not_available(span: Span, name: &str, of_run: bool) -> Diagnostic {
    let which = if of_run {
        "variables of the test file, and those given from outside"
    } else {
        "variables that are given from outside: options, variables files, the environment"
    };
    let detail =
        format!("The value of var.{name} is not known here. What can be used is: {which}.");
    error(NOT_AVAILABLE, detail, span)
}

pub(crate) fn only_values(span: Span) -> Diagnostic {
    let detail = "The value of a variable can refer to other variables (var.NAME) and to the outputs of earlier runs (run.NAME.OUTPUT), not to what the configuration under test declares.";
    error(NOT_AVAILABLE, detail, span)
}

pub(crate) fn cannot_fail(span: Span) -> Diagnostic {
    let detail = "Only what has conditions can be expected to fail: a variable (var.NAME), an output (output.NAME), a check (check.NAME), a resource or a data source (TYPE.NAME), all of the module under test itself.";
    error(INVALID_EXPECTATION, detail, span)
}

pub(crate) fn no_such_provider(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The test file has no provider or mock_provider block for {name}. The providers of a run are those of its test file."
    );
    error(INVALID_RUN, detail, span)
}

pub(crate) fn value_not_known(span: Span) -> Diagnostic {
    let detail = "The value refers to an output of a run that only planned, and that is known only after an apply. Let that run apply, or give the value otherwise.";
    error(NOT_AVAILABLE, detail, span)
}

pub(crate) fn unknown_output<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("The module under test has no output \"{name}\".");
    let found = error(UNKNOWN_OUTPUT, detail, span);
    suggest(found, crate::suggest::did_you_mean(name, known))
}

pub(crate) fn duplicate(span: Span, what: &str, first: Span) -> Diagnostic {
    let detail = format!("There is one already: {what}. Rename or remove one of the two.");
    error(DUPLICATE_DECLARATION, detail, span).hint("the first one is here", Some(first))
}
