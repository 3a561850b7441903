//! SF0314 to SF0325: something is referred to that is not there, or not in this way.

use super::*;
use crate::lower::{Context, Names};
use crate::suggest::{did_you_mean, nearest};
use alloc::format;
use alloc::vec::Vec;
use model::{BlockSchema, Mode};

pub(crate) fn unknown_variable<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!(
        "No variable \"{name}\" is declared in this module. Declare it with variable \"{name}\" {{}}."
    );
    suggest(
        error(UNKNOWN_VARIABLE, detail, span),
        did_you_mean(name, known),
    )
}

pub(crate) fn unknown_local<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!(
        "No local value \"{name}\" is declared in this module. Declare it in a locals block."
    );
    suggest(
        error(UNKNOWN_LOCAL, detail, span),
        did_you_mean(name, known),
    )
}

/// The address of a resource inside its module, as it is written in references.
pub(crate) fn resource_address(mode: Mode, kind: &str, name: &str) -> String {
    match mode {
        Mode::Managed => format!("{kind}.{name}"),
        Mode::Data => format!("data.{kind}.{name}"),
        Mode::Ephemeral => format!("ephemeral.{kind}.{name}"),
    }
}

pub(crate) fn unknown_resource(
    span: Span,
    mode: Mode,
    kind: &str,
    name: &str,
    names: &Names<'_>,
) -> Diagnostic {
    let address = resource_address(mode, kind, name);
    let known = names.resources.keys();
    let known: Vec<String> = known.map(|(m, k, n)| resource_address(*m, k, n)).collect();
    // Right type, other name: the likeliest slip. Otherwise whatever looks alike, data sources included.
    let siblings = names
        .resources
        .keys()
        .filter(|(m, k, _)| *m == mode && **k == *kind);
    let sibling = nearest(name, siblings.map(|(_, _, n)| &**n));
    // The same type and name declared in another mode: the first word was forgotten, or is too much.
    let other = names
        .resources
        .keys()
        .find(|(m, k, n)| *m != mode && **k == *kind && **n == *name);
    let suggestion = match (other, sibling) {
        (Some((mode, kind, name)), _) => Some(format!(
            "Did you mean \"{}\"?",
            resource_address(*mode, kind, name)
        )),
        (None, Some(sibling)) => Some(format!(
            "Did you mean \"{}\"?",
            resource_address(mode, kind, sibling)
        )),
        (None, None) => did_you_mean(&address, known.iter().map(String::as_str)),
    };
    let block = match mode {
        Mode::Managed => "resource",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    };
    let detail = format!(
        "No {block} block \"{kind}\" \"{name}\" is declared in this module, so {address} refers to nothing."
    );
    suggest(error(UNKNOWN_RESOURCE, detail, span), suggestion)
}

pub(crate) fn unknown_module<'a>(
    span: Span,
    root: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("No {root} block \"{name}\" is declared here.");
    suggest(
        error(UNKNOWN_MODULE, detail, span),
        did_you_mean(name, known),
    )
}

pub(crate) fn unknown_output<'a>(
    span: Span,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!(
        "The module called by {what} has no output \"{name}\". Only what a module declares in output blocks can be used outside of it."
    );
    suggest(
        error(UNKNOWN_OUTPUT, detail, span),
        did_you_mean(name, known),
    )
}

pub(crate) fn unknown_attribute(
    span: Span,
    what: &str,
    name: &str,
    schema: &BlockSchema,
) -> Diagnostic {
    let known = schema.attributes.keys().chain(schema.blocks.keys());
    let detail = format!("{what} has no attribute or nested block \"{name}\".");
    let suggestion = did_you_mean(name, known.map(|name| &**name));
    suggest(error(UNKNOWN_ATTRIBUTE, detail, span), suggestion)
}

pub(crate) fn invalid_reference(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_REFERENCE, detail, span)
}

/// A name alone: often a variable without `var.` or a text without quotes.
pub(crate) fn bare_name(span: Span, name: &str, names: &Names<'_>) -> Diagnostic {
    let suggestion = if names.variables.contains(name) {
        format!("Did you mean var.{name}?")
    } else if names.locals.contains(name) {
        format!("Did you mean local.{name}?")
    } else {
        format!("If the text itself is meant, put it in quotes: \"{name}\".")
    };
    let detail = format!(
        "\"{name}\" alone refers to nothing. A reference to a resource is its type and its name: TYPE.NAME."
    );
    error(INVALID_REFERENCE, detail, span).hint(suggestion, None)
}

pub(crate) fn unexpected_key(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} has neither count nor for_each, so there is only one of it and no key to choose by. Remove the index."
    );
    error(INVALID_REFERENCE, detail, span)
}

pub(crate) fn missing_key(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} has count or for_each, so there may be several of it. Choose one ({what}[key]) or take the attribute of each ({what}[*], values({what}))."
    );
    error(INVALID_REFERENCE, detail, span)
}

pub(crate) fn no_repetition(span: Span, root: &str, context: &Context<'_>) -> Diagnostic {
    let detail = match root {
        "each" if context.count => {
            "This block has count, and each exists only inside a block that has for_each. Use count.index, or write for_each instead of count."
        }
        "each" => "each exists only inside a block that has for_each (and not in for_each itself).",
        "count" if context.each => {
            "This block has for_each, and count exists only inside a block that has count. Use each.key."
        }
        "count" => "count exists only inside a block that has count (and not in count itself).",
        _ => {
            "self exists only in the postconditions, provisioners and connections of a resource, and there means that resource."
        }
    };
    error(NO_REPETITION, detail, span)
}

/// A name that the language keeps for later.
pub(crate) fn reserved_root(span: Span, root: &str) -> Diagnostic {
    let detail = format!(
        "The name \"{root}\" is kept for later versions of the language. If a resource type of that name is meant, write resource.{root}.NAME."
    );
    error(INVALID_REFERENCE, detail, span)
}

/// `path.x` and its kin.
pub(crate) fn unknown_fixed(span: Span, detail: &str, name: &str, known: &[&str]) -> Diagnostic {
    let suggestion = match name {
        "env" => Some("terraform.env was renamed: write terraform.workspace.".into()),
        _ => did_you_mean(name, known.iter().copied()),
    };
    suggest(error(INVALID_REFERENCE, detail, span), suggestion)
}

/// `data.TYPE` without a name.
pub(crate) fn type_alone(span: Span, mode: Mode, kind: &str) -> Diagnostic {
    let address = resource_address(mode, kind, "NAME");
    let detail = format!("The name of the block is missing behind its type: {address}.");
    error(INVALID_REFERENCE, detail, span)
}

pub(crate) fn scoped_data(span: Span, what: &str, check: &str) -> Diagnostic {
    let detail = format!(
        "{what} stands inside of check \"{check}\" and exists only there. Move the data block out of the check to use it elsewhere."
    );
    error(INVALID_REFERENCE, detail, span)
}

pub(crate) fn no_such_attribute<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("This object has no attribute \"{name}\".");
    suggest(
        error(UNKNOWN_ATTRIBUTE, detail, span),
        did_you_mean(name, known),
    )
}

pub(crate) fn attribute_of_sequence(span: Span, ty: &str, name: &str) -> Diagnostic {
    let detail = format!(
        "This is a {ty}, which has elements and no attributes. Take the attribute of one element ([0].{name}) or of all ([*].{name})."
    );
    error(UNKNOWN_ATTRIBUTE, detail, span)
}

pub(crate) fn attribute_of_primitive(span: Span, ty: &str) -> Diagnostic {
    let detail = format!("This is a {ty}, which has no attributes. Remove what follows the dot.");
    error(UNKNOWN_ATTRIBUTE, detail, span)
}

pub(crate) fn index_of_primitive(span: Span, ty: &str) -> Diagnostic {
    let detail = format!("This is a {ty}, which has no elements. Remove the index.");
    error(UNKNOWN_ATTRIBUTE, detail, span)
}

pub(crate) fn index_of_set(span: Span) -> Diagnostic {
    let detail = "The elements of a set have no order and no key, so none can be chosen by an index. Use one(...) where there is only one, or tolist(...) where any order will do.";
    error(UNKNOWN_ATTRIBUTE, detail, span)
}

pub(crate) fn unknown_function<'a>(
    span: Span,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("There is no function named \"{name}\".");
    let suggestion = did_you_mean(name, known);
    suggest(error(UNKNOWN_FUNCTION, detail, span), suggestion)
}

/// The code of [`unknown_function`].
pub(crate) const UNKNOWN_FUNCTION_CODE: &str = UNKNOWN_FUNCTION.0;

/// `type` is asked for something else than the type of one value.
pub(crate) fn type_function(span: Span) -> Diagnostic {
    let detail = "type(...) shows the type of one value in a console. It must be the whole of what is asked, and takes \
                  exactly one argument; nothing can be computed with its result.";
    error(TYPE_FUNCTION, detail, span)
}

/// A cycle of one.
pub(crate) fn refers_to_itself(span: Span, name: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "{name} refers to itself, so it can never be computed. Remove that reference; in postconditions, provisioners and connections self is what was made."
    );
    error(CYCLE, detail, span).hint(format!("{name} is declared here"), Some(declared))
}

/// A function whose name has parts where none can be.
pub(crate) fn malformed_function(span: Span, name: &str, why: &str) -> Diagnostic {
    error(
        UNKNOWN_FUNCTION,
        format!("There is no function named \"{name}\". {why}"),
        span,
    )
}

/// A function of a provider where nobody knows what the module calls its providers.
pub(crate) fn provider_function_here(span: Span) -> Diagnostic {
    let detail = "Functions of providers cannot be called in what must be constant. Compute the value in a local of the \
                  module, and refer to that.";
    error(UNKNOWN_FUNCTION, detail, span)
}

/// A function of a provider that the module does not require.
pub(crate) fn provider_not_required(span: Span, provider: &str, function: &str) -> Diagnostic {
    let detail = format!(
        "There is no function named \"provider::{provider}::{function}\". Ensure that provider name \"{provider}\" is \
         declared in this module's required_providers block, and that this provider offers a function named \
         \"{function}\"."
    );
    error(UNKNOWN_FUNCTION, detail, span)
}

/// A function that the provider does not offer.
pub(crate) fn not_a_provider_function<'a>(
    span: Span,
    provider: &str,
    function: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail =
        format!("The function \"{function}\" is not available from the provider \"{provider}\".");
    let suggestion = did_you_mean(function, known);
    suggest(error(UNKNOWN_FUNCTION, detail, span), suggestion)
}

/// One finding per knot: the members of a cycle in its order, each with its place.
pub(crate) fn cycle(members: &[(String, Span)], others: &[(String, Span)]) -> Diagnostic {
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let span = members.first().map_or(Span::default(), |(_, span)| *span);
    let detail = match names.as_slice() {
        [first, ..] => format!(
            "Each of these needs the next one first, so none can be computed: {} -> {first}. Remove one of the references.",
            names.join(" -> ")
        ),
        [] => String::new(),
    };
    let mut found = error(CYCLE, detail, span);
    for (name, span) in members {
        found = found.hint(format!("{name} is part of the cycle"), Some(*span));
    }
    for (name, span) in others {
        found = found.hint(
            format!("{name} is part of a cycle with these, too"),
            Some(*span),
        );
    }
    found
}
