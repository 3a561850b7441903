//! SF04: the delivery blocks of `steadfast.hcl`.

use super::*;
use crate::suggest::did_you_mean;
use alloc::format;

pub(crate) fn not_in_this_version(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} belongs to a later version. It is refused, because a release that seems to be guarded by it and is not would be worse."
    );
    error(NOT_IN_THIS_VERSION, detail, span)
}

pub(crate) fn invalid_duration(span: Span, text: &str) -> Diagnostic {
    let detail = format!(
        "\"{text}\" is no duration. Write whole numbers with units, largest first, such as \"90s\", \"1h30m\" or \"250ms\"; the units are h, m, s and ms."
    );
    error(INVALID_DURATION, detail, span)
}

pub(crate) fn invalid_size(span: Span, text: &str) -> Diagnostic {
    let detail = format!(
        "\"{text}\" is no size. Write a whole number with a unit, such as \"256MiB\"; the units are B, KiB, MiB, GiB, TiB and, in powers of ten, kB, MB, GB, TB."
    );
    error(INVALID_SIZE, detail, span)
}

pub(crate) fn unknown_name<'a>(
    span: Span,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Diagnostic {
    let detail = format!("No {kind} block \"{name}\" is declared.");
    suggest(
        error(UNKNOWN_DELIVERY_NAME, detail, span),
        did_you_mean(name, known),
    )
}

pub(crate) fn not_a_name(span: Span, kind: &str) -> Diagnostic {
    let detail = format!("Expected a reference of the form {kind}.NAME.");
    error(UNKNOWN_DELIVERY_NAME, detail, span)
}

pub(crate) fn invalid_setting(span: Span, detail: &str) -> Diagnostic {
    error(INVALID_SETTING, detail, span)
}

pub(crate) fn cycle(span: Span, kind: &str, members: &str) -> Diagnostic {
    let detail = format!(
        "Each of these {kind} blocks waits for the next, so none can ever begin: {members}. Remove one of the references."
    );
    error(DELIVERY_CYCLE, detail, span)
}
