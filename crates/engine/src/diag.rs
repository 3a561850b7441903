//! Every diagnostic this room can give. Pages: `docs/codes/SF10*.md`.

use value::Diagnostic;

pub(crate) fn artifact_unusable(instance: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1010",
        "The artifact cannot be used",
        format!("Instance {instance} was not started: {why}"),
    )
}

pub(crate) fn nothing_to_do_it_with(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1011",
        "This program has nothing to do it with",
        format!(
            "It would need {what}, which this program was started without. Nothing was changed."
        ),
    )
}

pub(crate) fn provider_broke(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1012",
        "A provider broke while answering",
        format!(
            "Nothing was changed by the question. Report this to the provider's maintainers: {what}"
        ),
    )
}
