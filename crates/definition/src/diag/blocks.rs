//! SF0303 to SF0313 and SF0323 to SF0338: blocks, arguments and modules.

use super::*;
use crate::limits::{MODULE_CALLS_MAX, MODULE_DEPTH_MAX};
use crate::lower::Deprecated;
use crate::suggest::did_you_mean;
use alloc::format;
use alloc::vec::Vec;
use model::Mode;
use value::Diagnostics;

pub(crate) fn unreadable(path: &str) -> Diagnostic {
    let detail =
        format!("{path} is in the directory but could not be read. Are its permissions right?");
    Diagnostic::error(SOURCE_UNREADABLE.0, SOURCE_UNREADABLE.1, detail)
}

pub(crate) fn unknown_block(
    span: Span,
    name: &str,
    whose: &str,
    known: &[&str],
    hint: Option<String>,
) -> Diagnostic {
    let detail = format!("{whose} has no blocks of type \"{name}\".");
    let suggestion = hint.or_else(|| did_you_mean(name, known.iter().copied()));
    suggest(error(UNKNOWN_BLOCK, detail, span), suggestion)
}

pub(crate) fn unknown_argument(
    span: Span,
    name: &str,
    whose: &str,
    known: &[&str],
    hint: Option<String>,
) -> Diagnostic {
    let detail = format!("{whose} has no argument \"{name}\".");
    let suggestion = hint.or_else(|| did_you_mean(name, known.iter().copied()));
    suggest(error(UNKNOWN_ARGUMENT, detail, span), suggestion)
}

pub(crate) fn missing_argument(span: Span, name: &str, whose: &str) -> Diagnostic {
    let detail = format!("{whose} needs the argument \"{name}\", which is not set.");
    error(MISSING_ARGUMENT, detail, span)
}

pub(crate) fn missing_input(span: Span, name: &str, whose: &str, declared: Span) -> Diagnostic {
    let detail = format!("{whose} must set \"{name}\": the module's variable has no default.");
    error(MISSING_ARGUMENT, detail, span).hint("the variable is declared here", Some(declared))
}

pub(crate) fn wrong_labels(span: Span, kind: &str, labels: &[&str]) -> Diagnostic {
    let form: Vec<String> = labels.iter().map(|label| format!(" \"{label}\"")).collect();
    let detail = format!("The block is written {kind}{} {{ ... }}.", form.concat());
    error(WRONG_LABELS, detail, span)
}

pub(crate) fn invalid_name(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "\"{name}\" cannot be a name. A name begins with a letter or an underscore and goes on with letters, digits, underscores and dashes."
    );
    error(INVALID_NAME, detail, span)
}

pub(crate) fn reserved_name(span: Span, name: &str) -> Diagnostic {
    let detail =
        format!("\"{name}\" has a meaning of its own in module blocks and cannot name a variable.");
    error(INVALID_NAME, detail, span)
}

pub(crate) fn duplicate(span: Span, what: &str, first: Span) -> Diagnostic {
    let detail =
        format!("{what} is already declared in this module. Rename or remove one of the two.");
    error(DUPLICATE_DECLARATION, detail, span).hint("first declared here", Some(first))
}

pub(crate) fn duplicate_block(span: Span, kind: &str, first: Span) -> Diagnostic {
    let detail = format!("Only one {kind} block may stand here. Put both contents into one.");
    error(DUPLICATE_BLOCK, detail, span).hint("the first one is here", Some(first))
}

pub(crate) fn not_configurable(span: Span, name: &str, whose: &str) -> Diagnostic {
    let detail = format!(
        "\"{name}\" of {whose} is a result: the provider decides it. It can be referred to, but not set. Remove the argument."
    );
    error(NOT_CONFIGURABLE, detail, span)
}

pub(crate) fn constant_required(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} must be known before anything else is computed, so it cannot refer to variables, resources or the like. Write the value itself."
    );
    error(CONSTANT_REQUIRED, detail, span)
}

/// A function is called where nothing is computed.
pub(crate) fn call_in_constant(span: Span, what: &str) -> Diagnostic {
    let detail = format!("{what} cannot call functions. Write the value itself.");
    error(CONSTANT_REQUIRED, detail, span)
}

pub(crate) fn invalid_type(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_TYPE, detail, span)
}

pub(crate) fn invalid_default(span: Span, name: &str, why: &Diagnostics) -> Diagnostic {
    let detail = format!(
        "The default of variable \"{name}\" is not of its type{}.",
        because(why)
    );
    error(INVALID_DEFAULT, detail, span)
}

/// The first reason that another room gave, as the end of a sentence.
pub(crate) fn because(why: &Diagnostics) -> String {
    match why.0.first() {
        Some(found) => {
            let reason = if found.detail.is_empty() {
                &found.summary
            } else {
                &found.detail
            };
            format!(": {}", reason.trim_end_matches('.'))
        }
        None => String::new(),
    }
}

pub(crate) fn unknown_provider(span: Span, source: &str, known: &[&str]) -> Diagnostic {
    let detail = format!(
        "The provider \"{source}\" is not installed: `steadfast init` does that. Here are {}.",
        known.join(", ")
    );
    error(UNKNOWN_PROVIDER, detail, span)
}

/// A type that its provider does not have for this kind of block; `elsewhere` is a kind of block it has it for.
pub(crate) fn unknown_type(
    span: Span,
    kind: &str,
    provider: &str,
    mode: Mode,
    elsewhere: Option<Mode>,
    known: &[&str],
) -> Diagnostic {
    let word = |mode| match mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let block = word(mode);
    let detail = format!("The provider \"{provider}\" has no type \"{kind}\" for {block} blocks.");
    let suggestion = match elsewhere {
        Some(mode) => Some(format!(
            "It is a type of {} blocks: {} \"{kind}\".",
            word(mode),
            word(mode)
        )),
        None => did_you_mean(kind, known.iter().copied()),
    };
    suggest(error(UNKNOWN_TYPE, detail, span), suggestion)
}

/// An argument or block that has no place here.
pub(crate) fn misplaced(span: Span, name: &str, whose: &str) -> Diagnostic {
    let detail = format!("\"{name}\" has no meaning in {whose}. Remove it.");
    error(UNKNOWN_ARGUMENT, detail, span)
}

pub(crate) fn truth_value_required(span: Span, name: &str) -> Diagnostic {
    let detail = format!("\"{name}\" is either true or false.");
    error(CONSTANT_REQUIRED, detail, span)
}

pub(crate) fn quoted_reference(span: Span) -> Diagnostic {
    let detail = "References stand without quotes; quoted ones are read for the sake of old definitions. Remove the quotes.";
    warning(OLD_FORM, detail, span)
}

pub(crate) fn quoted_keyword(span: Span) -> Diagnostic {
    let detail = "This word stands without quotes; a quoted one is read for the sake of old definitions. Remove the quotes.";
    warning(OLD_FORM, detail, span)
}

pub(crate) fn redundant_ignored(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "\"{name}\" is decided by the provider and cannot be set, so there is no change to ignore. Remove it from the list."
    );
    warning(REDUNDANT_IGNORED, detail, span)
}

pub(crate) fn deprecated_variable(span: Span, name: &str, why: &str, declared: Span) -> Diagnostic {
    let detail = format!("The variable \"{name}\" is deprecated: {why}");
    warning(DEPRECATED, detail, span).hint("the variable is declared here", Some(declared))
}

pub(crate) fn deprecated_output(
    span: Span,
    module: &str,
    name: &str,
    deprecated: &Deprecated,
) -> Diagnostic {
    let detail = format!(
        "The output \"{name}\" of {module} is deprecated: {}",
        deprecated.why
    );
    warning(DEPRECATED, detail, span).hint("the output is declared here", Some(deprecated.declared))
}

pub(crate) fn module_outside(span: Span, source: &str) -> Diagnostic {
    let detail = format!(
        "\"{source}\" leads out of the project's directory, and nothing outside of it is read. Run the command from a directory that contains both, or move the module."
    );
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn module_not_found(span: Span, directory: &str) -> Diagnostic {
    let detail = format!("There is no directory {directory} with .tf files in it.");
    error(MODULE_NOT_FOUND, detail, span)
}

/// The root itself: there is nothing to compile.
pub(crate) fn nothing_here() -> Diagnostic {
    let detail =
        "The directory of the project has no .tf files and no steadfast.hcl. Is it the right one?";
    Diagnostic::error(MODULE_NOT_FOUND.0, MODULE_NOT_FOUND.1, detail)
}

pub(crate) fn module_recursion(span: Span, chain: &str) -> Diagnostic {
    let detail =
        format!("The module is called from within itself, which would never end: {chain}.");
    error(MODULE_RECURSION, detail, span)
}

pub(crate) fn module_depth(span: Span) -> Diagnostic {
    let detail = format!("Module calls are nested more than {MODULE_DEPTH_MAX} levels deep.");
    error(TOO_MANY_MODULES, detail, span)
}

pub(crate) fn too_many_modules(span: Span) -> Diagnostic {
    let detail = format!(
        "Counted once per path from the root, there are more than {MODULE_CALLS_MAX} module calls. Do modules call each other several times on each level?"
    );
    error(TOO_MANY_MODULES, detail, span)
}

pub(crate) fn count_and_for_each(span: Span, other: Span) -> Diagnostic {
    let detail = "Both say how many instances there are. Keep one of them.";
    error(COUNT_AND_FOR_EACH, detail, span).hint("the other is here", Some(other))
}

pub(crate) fn invalid_depends_on(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_DEPENDS_ON, detail, span)
}

pub(crate) fn invalid_lifecycle(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_LIFECYCLE, detail, span)
}

pub(crate) fn too_few_blocks(span: Span, kind: &str, whose: &str, least: u64) -> Diagnostic {
    let detail = format!("{whose} needs at least {least} block(s) \"{kind}\".");
    error(BLOCK_COUNT, detail, span)
}

pub(crate) fn too_many_blocks(span: Span, kind: &str, whose: &str, most: u64) -> Diagnostic {
    let detail = format!("{whose} takes at most {most} block(s) \"{kind}\".");
    error(BLOCK_COUNT, detail, span)
}

pub(crate) fn file_not_found(span: Span, path: &str) -> Diagnostic {
    let detail = format!(
        "There is no readable file {path} in the project. Paths are relative to the directory of the project; for one relative to the module write ${{path.module}}/..."
    );
    error(FILE_NOT_FOUND, detail, span)
}

pub(crate) fn backend_ignored(span: Span, kind: &str) -> Diagnostic {
    let detail = format!(
        "What is known of the world is kept in the book of the project, so the {kind} is not used, and a state that is kept there is not taken over by itself: `terraform state pull > terraform.tfstate` puts it where it is. The block may stay for Terraform's sake."
    );
    warning(BACKEND_IGNORED, detail, span)
}

pub(crate) fn invalid_dynamic(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_DYNAMIC, detail, span)
}
