//! SF0358 to SF0361 and SF0363: what is wrong whatever the values will be.

use super::*;
use crate::compile::keys_text;
use alloc::collections::BTreeSet;
use alloc::format;
use model::{Key, Mode};
use value::Reference;

/// Whether an instance is what does not exist.
pub(crate) fn is_of_instances(found: &Diagnostic) -> bool {
    found.code == NO_SUCH_INSTANCE.0
}

pub(crate) fn invalid_repetition(span: Span, why: &str) -> Diagnostic {
    error(INVALID_REPETITION, why, span)
}

pub(crate) fn invalid_input(span: Span, name: &str, why: &str, declared: Span) -> Diagnostic {
    let detail =
        format!("The value does not fit the type of the module's variable \"{name}\"{why}.");
    error(INVALID_INPUT, detail, span).hint("the variable is declared here", Some(declared))
}

pub(crate) fn null_input(span: Span, name: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The module's variable \"{name}\" has no default and excludes null (nullable = false), so it needs a value."
    );
    error(INVALID_INPUT, detail, span).hint("the variable is declared here", Some(declared))
}

pub(crate) fn sensitive_output(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "The value of output \"{name}\" is or contains something sensitive, and outputs of the root module are shown. Add sensitive = true to the output, or nonsensitive(...) around what may be seen."
    );
    error(SENSITIVE_OUTPUT, detail, span)
}

pub(crate) fn no_error_message(span: Span) -> Diagnostic {
    let detail =
        "The message is null, but something must be said when the condition does not hold.";
    error(INVALID_CONDITION, detail, span)
}

pub(crate) fn no_import_id(span: Span) -> Diagnostic {
    let detail = "The id is null or empty, but it is what the provider finds the object by. Write the id, or remove the block.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn no_such_instance(
    span: Span,
    whole: &Reference,
    key: &Key,
    keys: &BTreeSet<Key>,
) -> Diagnostic {
    let what = match whole {
        Reference::Resource(kind, name) => references::resource_address(Mode::Managed, kind, name),
        Reference::Data(kind, name) => references::resource_address(Mode::Data, kind, name),
        Reference::Ephemeral(kind, name) => {
            references::resource_address(Mode::Ephemeral, kind, name)
        }
        Reference::Module(name) => format!("module.{name}"),
        _ => "This".into(),
    };
    let detail = if keys.is_empty() {
        format!("{what} has no instances, so there is no {what}{key}.")
    } else {
        format!(
            "{what} has no instance {key}: its keys are {}.",
            keys_text(keys)
        )
    };
    let last = keys.last();
    let suggestion = match (key, last) {
        (Key::Index(index), Some(Key::Index(last))) if *index == last + 1 => Some(format!(
            "Counting begins with 0: the last instance is {what}[{last}]."
        )),
        (Key::Name(name), _) => {
            let known = keys.iter().filter_map(|key| match key {
                Key::Name(name) => Some(&**name),
                Key::Index(_) | Key::None => None,
            });
            crate::suggest::did_you_mean(name, known)
        }
        _ => None,
    };
    suggest(error(NO_SUCH_INSTANCE, detail, span), suggestion)
}
