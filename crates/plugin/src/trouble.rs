//! What the errors of providers say about what became of a request.
//!
//! The protocol has no field for it, so the words are looked at, by a table (`troubles.json`): the first line that fits
//! says what it is. What fits none is a refusal: there was no effect, and there would be none another time.

use serde::Deserialize;
use std::sync::LazyLock;
use value::{Diagnostics, Severity};

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    // A test reads it: here it is never empty.
    serde_json::from_str(include_str!("troubles.json")).unwrap_or_default()
});

/// What became of a request that was answered with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trouble {
    /// It was turned away for now: there was no effect, and it is to be asked more slowly.
    Throttled,
    /// It never got there: there was no effect, and another time there may be.
    NotSent,
    /// Nobody knows.
    Unknown,
    /// There is such an object already: made by somebody else, or by an earlier request of the same call.
    Exists,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    is: Trouble,
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
}

impl Rule {
    fn fits(&self, text: &str) -> bool {
        let has = |part: &String| text.contains(part.as_str());
        (self.any.is_empty() || self.any.iter().any(has))
            && self.all.iter().all(has)
            && !self.none.iter().any(has)
    }
}

/// What the errors among findings say; none where they are a refusal, or there are none.
pub(crate) fn of(found: &Diagnostics) -> Option<Trouble> {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    errors
        .filter_map(|one| of_text(&format!("{}\n{}", one.summary, one.detail)))
        .next()
}

fn of_text(text: &str) -> Option<Trouble> {
    let rule = RULES.iter().find(|rule| rule.fits(text));
    rule.map(|rule| rule.is)
}

/// Words of a data source that has found nothing.
const NOTHING: [&str; 9] = [
    "couldn't find resource",
    "empty result",
    "no matching",
    "not found",
    "NotFound",
    "NonExistent",
    "NoSuch",
    "does not exist",
    "returned no results",
];

/// Whether a data source says that there is no such object.
pub(crate) fn is_nothing(found: &Diagnostics) -> bool {
    let mut errors = found.iter().filter(|one| one.severity == Severity::Error);
    of(found).is_none()
        && errors.any(|one| {
            let has = |word: &&str| one.summary.contains(*word) || one.detail.contains(*word);
            NOTHING.iter().any(has)
        })
}

/// Whether asking again may help.
pub(crate) fn passes(found: &Diagnostics) -> bool {
    match of(found) {
        Some(Trouble::Throttled | Trouble::NotSent | Trouble::Unknown) => true,
        // A provider that ended while it was asked is started anew.
        Some(Trouble::Exists) | None => found.iter().any(|one| one.code == crate::diag::ENDED_CODE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_providers_say_what_became_of_a_request() {
        assert!(!RULES.is_empty());
        let error = "operation error SSM: PutParameter, ";
        for (said, is) in [
            (
                "https response error StatusCode: 400, RequestID: 1, ThrottlingException: Rate exceeded",
                Some(Trouble::Throttled),
            ),
            (
                "exceeded maximum number of attempts, 1, https response error StatusCode: 503, SlowDown",
                Some(Trouble::Throttled),
            ),
            (
                "exceeded maximum number of attempts, 25, https response error StatusCode: 503, SlowDown",
                Some(Trouble::Unknown),
            ),
            (
                "https response error StatusCode: 0, RequestID: , request send failed, Post \"http://x/\": dial tcp: \
                 connect: connection refused",
                Some(Trouble::NotSent),
            ),
            (
                "https response error StatusCode: 0, RequestID: , request send failed, Post \"http://x/\": read: \
                 connection reset by peer",
                Some(Trouble::Unknown),
            ),
            (
                "https response error StatusCode: 400, RequestID: 1, ParameterAlreadyExists: The parameter already exists.",
                Some(Trouble::Exists),
            ),
            (
                "https response error StatusCode: 400, RequestID: 1, api error ValidationException: no such tier",
                None,
            ),
            (
                "https response error StatusCode: 403, api error AccessDenied",
                None,
            ),
        ] {
            assert_eq!(of_text(&format!("{error}{said}")), is, "{said}");
        }
    }
}
