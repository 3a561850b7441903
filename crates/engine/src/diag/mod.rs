//! Every diagnostic this room can give. Pages: `docs/codes/SF12*.md`.

mod book;

pub use book::{
    book_senseless, book_trouble, low_space, no_key, not_done, outcomes_lost, run_in_the_way,
    run_is_open, senseless_order, shown_is_old, system_refuses,
};

use model::Unhealthy;
use value::Diagnostic;

pub(crate) fn artifact_unusable(instance: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1201",
        "The artifact cannot be used",
        format!("Instance {instance} was not started: {why}"),
    )
}

pub(crate) fn nothing_to_do_it_with(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1202",
        "This program has nothing to do it with",
        format!(
            "It would need {what}, which this program was started without. Nothing was changed."
        ),
    )
}

pub(crate) fn not_healthy(address: &str, answer: &str, on_failure: Unhealthy) -> Diagnostic {
    let then = match on_failure {
        Unhealthy::Hold => {
            "The object stays; what depends on it is not done. The next run looks again."
        }
        Unhealthy::Continue => "It is taken as it is.",
        Unhealthy::Rollback => "What depends on it is not done.",
    };
    Diagnostic::error(
        "SF1205",
        "The object is not healthy",
        format!(
            "{address} is there, and was not found to be healthy in time. The last answer: {answer}. {then}"
        ),
    )
    .about(address)
}

/// `SF1204`: what is sealed cannot be opened.
pub fn key_missing() -> Diagnostic {
    Diagnostic::error(
        "SF1204",
        "The key of this project is missing",
        "The book holds secrets that only its key opens, and the file `.steadfast/key` is not there or holds another \
         key. Put the right file back from where it was kept. With no key at all, everything but the secrets can \
         still be shown.",
    )
}

pub(crate) fn provider_broke(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1203",
        "A provider broke while answering",
        format!(
            "Nothing was changed by the question. Report this to the provider's maintainers: {what}"
        ),
    )
}

pub(crate) fn test_unfinished(why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1240",
        "The run could not be finished",
        format!(
            "The run of the test did not come to its end: {why}. What it made is destroyed as far as it is known."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_is_wrong() {
        for (found, code, part) in [
            (
                artifact_unusable("web-1", "it is missing"),
                "SF1201",
                "web-1",
            ),
            (nothing_to_do_it_with("a router"), "SF1202", "a router"),
            (provider_broke("it panicked"), "SF1203", "it panicked"),
            (key_missing(), "SF1204", ".steadfast/key"),
            (
                not_healthy("a.b", "GET / answered 503", Unhealthy::Hold),
                "SF1205",
                "answered 503",
            ),
            (test_unfinished("it waits"), "SF1240", "it waits"),
        ] {
            assert_eq!(found.code, code);
            assert!(found.detail.contains(part), "{}", found.detail);
        }
    }
}
