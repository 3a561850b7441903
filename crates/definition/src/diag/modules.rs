//! SF0311 and SF0326 again: where modules come from, and what must be known for that.

use super::*;
use crate::source::ModuleSource;
use alloc::format;

pub(crate) fn invalid_source(span: Span, why: &str) -> Diagnostic {
    error(MODULE_SOURCE, format!("Here {why}."), span)
}

pub(crate) fn invalid_version(span: Span, why: &str) -> Diagnostic {
    let detail = format!("The version constraint cannot be read: {why}.");
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn version_of_no_registry(span: Span, source: &ModuleSource) -> Diagnostic {
    let detail = format!(
        "Only a registry knows versions, and {source} is in none. Say in the source which one is meant (for Git: ?ref=v1.2.0), and remove the version."
    );
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn not_installed(span: Span, source: &ModuleSource) -> Diagnostic {
    let detail = format!(
        "{source} has not been fetched to this directory yet. Run `steadfast init` (or `terraform init`), then this again."
    );
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn installed_differs(span: Span, source: &ModuleSource, why: &str) -> Diagnostic {
    let detail = format!(
        "{source} has changed here since modules were fetched: {why}. Run `steadfast init`, then this again."
    );
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn outside_of_package(span: Span, path: &str) -> Diagnostic {
    let detail = format!(
        "\"{path}\" leads out of the package that this module was fetched with, and what is outside belongs to others. The module must be changed where it comes from: its path has to stay inside, or name the other module by its own address."
    );
    error(MODULE_SOURCE, detail, span)
}

pub(crate) fn not_known(span: Span, what: &str, refers: &str) -> Diagnostic {
    let detail = format!(
        "{what} must be known before anything is computed. It may refer to variables that have a default or a given value, to local values made of those, and to path.module; not to {refers}."
    );
    error(CONSTANT_REQUIRED, detail, span)
}

pub(crate) fn known_in_circles(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} must be known before anything is computed, but what it is made of is made of itself."
    );
    error(CONSTANT_REQUIRED, detail, span)
}
