//! SF0339 to SF0342, SF0363 and SF0364: `terraform` blocks.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn invalid_requirement(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_REQUIREMENT, detail, span)
}

pub(crate) fn experiments(span: Span) -> Diagnostic {
    let detail = "Experiments of the language exist only in alpha releases of Terraform, and here not at all. Remove the argument; what an experiment became is part of the language.";
    error(EXPERIMENTS, detail, span)
}

pub(crate) fn unknown_backend(span: Span, name: &str, known: &[&str]) -> Diagnostic {
    let detail = format!("There is no kind of backend \"{name}\".");
    suggest(
        error(UNKNOWN_BACKEND, detail, span),
        did_you_mean(name, known.iter().copied()),
    )
}

pub(crate) fn backend_and_cloud(span: Span, first: Span) -> Diagnostic {
    let detail =
        "A module has either a backend block or a cloud block, not both. Remove one of the two.";
    error(DUPLICATE_BLOCK, detail, span).hint("the other one is here", Some(first))
}

pub(crate) fn provider_meta_ignored(span: Span, name: &str) -> Diagnostic {
    let detail = format!(
        "No provider of this version takes metadata of a module, so what is said to \"{name}\" here is not used."
    );
    warning(PROVIDER_META_IGNORED, detail, span)
}

pub(crate) fn unsupported_version(span: Span, wanted: &str, own: &str) -> Diagnostic {
    let detail = format!(
        "The module wants Terraform {wanted}; the language here is that of Terraform {own}. Whoever wrote the constraint had a reason for it: read what changed since before you widen it."
    );
    error(UNSUPPORTED_VERSION, detail, span)
}

pub(crate) fn invalid_version(span: Span, why: &str) -> Diagnostic {
    let detail = format!("The version constraint cannot be read: {why}.");
    error(INVALID_VERSION, detail, span)
}
