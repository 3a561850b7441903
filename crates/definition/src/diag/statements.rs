//! SF0349 to SF0352: `moved`, `import` and `removed` blocks.

use super::*;
use alloc::format;
use alloc::vec::Vec;

pub(crate) fn not_an_address(span: Span) -> Diagnostic {
    let detail = "An address is written as a reference, without quotes and functions: TYPE.NAME, module.NAME or module.NAME.TYPE.NAME.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn invalid_address(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn key_not_constant(span: Span) -> Diagnostic {
    let detail = "The key of an instance must be written as it is here: a number or a text in quotes. Write one block for each instance.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn moved_between_kinds(span: Span) -> Diagnostic {
    let detail = "Both addresses must be of the same kind: a module moves to a module, a resource to a resource, a data source to a data source.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn import_in_module(span: Span) -> Diagnostic {
    let detail = "Only the root module can import: a module does not know which objects its callers have. Move the block there, with the path of the module in \"to\": module.NAME.TYPE.NAME.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn import_not_managed(span: Span) -> Diagnostic {
    let detail = "Only a managed resource, or an instance of it, can be imported: TYPE.NAME, TYPE.NAME[KEY] or module.NAME.TYPE.NAME.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn id_and_identity(span: Span) -> Diagnostic {
    let detail =
        "An object is imported by its id or by its identity, not by both. Remove one of the two.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn import_provider_differs(span: Span, declared: Span) -> Diagnostic {
    let detail = "The resource belongs to another configuration of its provider, and what is imported must be managed with the one it was imported with. Remove the argument, or set the same in the resource.";
    error(INVALID_STATEMENT, detail, span).hint("the resource is declared here", Some(declared))
}

pub(crate) fn removed_instance(span: Span) -> Diagnostic {
    let detail = "A whole resource or module is removed, with all its instances. Remove the key. To remove one instance, change count or for_each.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn removed_not_managed(span: Span) -> Diagnostic {
    let detail = "Only managed resources and modules are removed: data sources and ephemeral resources leave nothing behind. Remove the block.";
    error(INVALID_STATEMENT, detail, span)
}

pub(crate) fn moved_nowhere(span: Span, what: &str) -> Diagnostic {
    let detail = format!("{what} is moved to where it is. Remove the block.");
    error(CONTRADICTING_MOVES, detail, span)
}

pub(crate) fn moved_to_two(
    span: Span,
    from: &str,
    one: &str,
    other: &str,
    first: Span,
) -> Diagnostic {
    let detail = format!(
        "{from} is said to have moved to {one} and to {other}, but it can be at one place only. Remove one of the two blocks."
    );
    error(CONTRADICTING_MOVES, detail, span).hint("the other one is here", Some(first))
}

pub(crate) fn moved_from_two(
    span: Span,
    to: &str,
    one: &str,
    other: &str,
    first: Span,
) -> Diagnostic {
    let detail = format!(
        "Both {one} and {other} are said to have moved to {to}, but only one object can be there. Remove one of the two blocks."
    );
    error(CONTRADICTING_MOVES, detail, span).hint("the other one is here", Some(first))
}

pub(crate) fn moved_in_circles(members: &[(String, Span)]) -> Diagnostic {
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let span = members.first().map_or(Span::default(), |(_, span)| *span);
    let first = names.first().copied().unwrap_or_default();
    let detail = format!(
        "These moves come back to where they began, so nobody knows where anything is: {} -> {first}. Remove one of the blocks.",
        names.join(" -> ")
    );
    let mut found = error(CONTRADICTING_MOVES, detail, span);
    for (name, span) in members.iter().skip(1) {
        found = found.hint(format!("{name} is moved on here"), Some(*span));
    }
    found
}

pub(crate) fn moved_still_declared(span: Span, from: &str, to: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "{from} is said to have moved to {to}, but it is still declared, so there would be both. Rename the declaration, or remove the moved block."
    );
    error(STILL_DECLARED, detail, span).hint("still declared here", Some(declared))
}

pub(crate) fn removed_still_declared(span: Span, what: &str, removed: Span) -> Diagnostic {
    let detail = format!(
        "{what} is said to be removed, and is still declared here. Remove the declaration, or the removed block."
    );
    error(STILL_DECLARED, detail, span).hint("said to be removed here", Some(removed))
}

pub(crate) fn import_target_missing(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} is not declared, and what is imported needs a block that says how it shall be. Write that block, or correct the address."
    );
    error(IMPORT_TARGET, detail, span)
}

pub(crate) fn import_instance_missing(span: Span, what: &str, declared: Span) -> Diagnostic {
    let detail = format!(
        "The resource has no instance {what}: a resource with count has numbers as keys, one with for_each has texts, and any other has none."
    );
    error(IMPORT_TARGET, detail, span).hint("the resource is declared here", Some(declared))
}

pub(crate) fn imported_twice(span: Span, what: &str, first: Span) -> Diagnostic {
    let detail = format!(
        "{what} is imported twice, but it can be one object only. Remove one of the two blocks."
    );
    error(IMPORT_TARGET, detail, span).hint("the other one is here", Some(first))
}
