//! SF0137 and SF0138: override files.

use super::*;
use alloc::format;

pub(crate) fn nothing_to_override(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "An override file changes what another file declares, and no other file declares the {what}. Declare it in an ordinary file, or mend its name here."
    );
    error(NOTHING_TO_OVERRIDE, detail, span)
}

pub(crate) fn cannot_override(span: Span, what: &str) -> Diagnostic {
    let detail = format!(
        "{what} cannot be changed by an override file. Write it in the file with the block it belongs to, or in an ordinary file."
    );
    error(CANNOT_OVERRIDE, detail, span)
}
