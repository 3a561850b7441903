//! SF0348: `provisioner` and `connection` blocks.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn unknown_kind(span: Span, kind: &str, known: &[&str]) -> Diagnostic {
    let detail = format!(
        "There is no provisioner \"{kind}\"; there are {}.",
        known.join(", ")
    );
    let suggestion = did_you_mean(kind, known.iter().copied());
    suggest(error(INVALID_PROVISIONER, detail, span), suggestion)
}

pub(crate) fn removed_kind(span: Span, kind: &str) -> Diagnostic {
    let detail = format!(
        "The provisioner \"{kind}\" was removed from the language with Terraform 0.15. Call its program from a local-exec or remote-exec provisioner."
    );
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn reserved_block(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "A provisioner has no {name} block; the name is kept for the language. It belongs into the resource."
    );
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn unknown_keyword(
    span: Span,
    name: &str,
    written: Option<&str>,
    known: &[&str],
) -> Diagnostic {
    let detail = format!("{name} is one of the words {}.", known.join(" and "));
    let suggestion = written.and_then(|written| did_you_mean(written, known.iter().copied()));
    suggest(error(INVALID_PROVISIONER, detail, span), suggestion)
}

pub(crate) fn no_source(span: Span, what: &str, choices: &[&str]) -> Diagnostic {
    let detail = format!("{what} needs one of the arguments {}.", choices.join(", "));
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn several_sources(span: Span, what: &str, choices: &[&str]) -> Diagnostic {
    let detail = format!(
        "{what} takes only one of the arguments {}. Remove the others.",
        choices.join(", ")
    );
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn destroy_refers(span: Span) -> Diagnostic {
    let detail = "A provisioner that runs when its resource is destroyed, and its connection, can refer to nothing but self, each.key, count.index, path and terraform: nothing else is certain to be there still. Keep what is needed in an attribute of the resource and refer to it through self.";
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn not_at_creation(span: Span) -> Diagnostic {
    let detail = "Of a removed resource only provisioners for its destruction are left. Write when = destroy, or remove the block.";
    error(INVALID_PROVISIONER, detail, span)
}

pub(crate) fn of_a_module(span: Span) -> Diagnostic {
    let detail = "A module has no provisioners, only its resources have. Name a resource in \"from\", or remove the block.";
    error(INVALID_PROVISIONER, detail, span)
}
