//! What fakes say when something is wrong. These diagnostics have no page: they never reach a person.

use model::Outcome;
use value::{Diagnostic, Diagnostics};

pub(super) fn trouble(what: &str) -> Diagnostics {
    Diagnostic::error("FAKE", what, "").into()
}

pub(super) fn failed(what: &str) -> Outcome {
    Outcome::Failed {
        diagnostics: trouble(what),
        retry_after_ms: None,
    }
}

pub(super) fn refused(what: &str) -> Outcome {
    Outcome::Refused {
        diagnostics: trouble(what),
    }
}
