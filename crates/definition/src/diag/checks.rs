//! SF0353: `check` blocks that check nothing, or have what a check cannot have.

use super::*;

pub(crate) fn no_assertion(span: Span) -> Diagnostic {
    let detail = "A check without assertions checks nothing. Add a block assert { condition = ..., error_message = ... }.";
    error(INVALID_CHECK, detail, span)
}

pub(crate) fn several_data_sources(span: Span, first: Span) -> Diagnostic {
    let detail = "A check has at most one data source of its own. Move the other one out of the check, or into another check.";
    error(INVALID_CHECK, detail, span).hint("the first one is here", Some(first))
}

pub(crate) fn lifecycle_in_check(span: Span) -> Diagnostic {
    let detail = "The data source of a check has no lifecycle block: what it gives is judged by the assertions of the check.";
    error(INVALID_CHECK, detail, span)
}
