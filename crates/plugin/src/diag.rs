//! Everything that can be wrong with a provider: one function per finding.
//!
//! A summary is fixed per code and stands in [`CODES`], but for what a provider itself reports, which has its own
//! words; the page of each code is in `docs/codes`. Nothing outside this file makes a diagnostic by hand.

use crate::connection::CallError;
use crate::msgpack::{Garbage, Mismatch};
use crate::process::StartError;
use crate::reattach::ReattachError;
use crate::schema::SchemaError;
use crate::wire;
use model::Address;
use value::{Diagnostic, Severity};

/// A code with its summary.
#[derive(Clone, Copy)]
struct Code(&'static str, &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal $summary:literal;)*) => {
        $(const $name: Code = Code($code, $summary);)*
        /// Every code of this room with its summary, ascending.
        pub const CODES: &[(&str, &str)] = &[$(($code, $summary)),*];
    };
}

codes! {
    NOT_STARTED = "SF1501" "Provider could not be started";
    NO_HANDSHAKE = "SF1502" "Provider did not shake hands";
    UNREACHABLE = "SF1503" "Provider not reachable";
    ENDED = "SF1504" "Provider ended unexpectedly";
    SILENT = "SF1505" "Provider does not answer";
    CALL_FAILED = "SF1506" "Provider failed a call";
    GARBAGE = "SF1507" "Answer of the provider not readable";
    SAID = "SF1508" "A provider reports a problem";
    UNEXPECTED_FORM = "SF1509" "Not a value of this type";
    NO_SUCH_TYPE = "SF1510" "Type not offered";
    AGAINST_THE_RULES = "SF1511" "Answer of the provider against the rules";
    REATTACH = "SF1512" "Running providers not readable";
    NOT_OURS = "SF1514" "Object made by somebody else";
    MADE_IN_PART = "SF1515" "Object made in part";
}

/// The code of a provider that has gone.
pub(crate) const ENDED_CODE: &str = ENDED.0;

fn error(code: Code, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code.0, code.1, detail)
}

/// Which provider it is, and what was wrong with it.
fn of(provider: &str, what: impl core::fmt::Display) -> String {
    format!("{provider}: {what}.")
}

/// An error with its causes, as one sentence without its full stop.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.trim_end_matches('.').to_owned()
}

/// A provider that does not run.
pub(crate) fn not_started(provider: &str, trouble: &StartError) -> Diagnostic {
    let what = of(provider, chain(trouble));
    let said = |log: &String| {
        if log.is_empty() {
            String::new()
        } else {
            format!(" It said:\n{log}")
        }
    };
    match trouble {
        StartError::Directory(_) => error(
            NOT_STARTED,
            format!("{what} Providers listen in a directory of their own under TMPDIR."),
        ),
        StartError::Spawn(_) => error(
            NOT_STARTED,
            format!("{what} Is it a program for this machine? `steadfast init` installs it anew."),
        ),
        StartError::Silent { log }
        | StartError::Ended { log, .. }
        | StartError::Handshake { log, .. } => error(NO_HANDSHAKE, format!("{what}{}", said(log))),
        StartError::Connect(_) => error(
            UNREACHABLE,
            format!("{what} Does the provider still run, where somebody else has started it?"),
        ),
    }
}

/// A call without an answer. `last_words` is how the provider ended, where it has.
pub(crate) fn no_answer(
    provider: &str,
    trouble: &CallError,
    last_words: Option<&str>,
) -> Diagnostic {
    let what = of(provider, chain(trouble));
    match (trouble, last_words) {
        (CallError::Broken, Some(words)) => error(
            ENDED,
            format!(
                "{provider} ended while it was needed: {words}\nThis is a fault of the provider; its makers need what it said."
            ),
        ),
        (CallError::Broken, None) => error(ENDED, what),
        (CallError::TimedOut { .. }, _) => error(
            SILENT,
            format!("{what} It may be waiting for something outside that does not answer."),
        ),
        (CallError::Unimplemented(_) | CallError::Failed { .. }, _) => error(CALL_FAILED, what),
    }
}

/// An answer that is no value of its type.
pub(crate) fn garbage(provider: &str, what: &str, trouble: &Garbage) -> Diagnostic {
    let what = of(provider, format!("{what} cannot be read: {trouble}"));
    error(GARBAGE, format!("{what} This is a fault of the provider."))
}

/// A schema that cannot be read.
pub(crate) fn bad_schema(provider: &str, trouble: &SchemaError) -> Diagnostic {
    let what = of(
        provider,
        format!("its schema cannot be read: {}", chain(trouble)),
    );
    error(GARBAGE, format!("{what} This is a fault of the provider."))
}

/// What a provider reports, in its own words.
pub(crate) fn said(provider: &str, finding: &wire::Diagnostic) -> Diagnostic {
    let mut detail = finding.detail.clone();
    if let Some(path) = finding.attribute.as_ref().map(crate::path::text)
        && !path.is_empty()
    {
        if !detail.is_empty() {
            detail.push('\n');
        }
        detail.push_str(&format!("At `{path}`."));
    }
    if !detail.is_empty() {
        detail.push('\n');
    }
    detail.push_str(&format!("Says {provider}."));
    let summary = if finding.summary.is_empty() {
        SAID.1
    } else {
        &finding.summary
    };
    let severity = if finding.severity == wire::WARNING {
        Severity::Warning
    } else {
        Severity::Error
    };
    Diagnostic {
        severity,
        ..Diagnostic::error(SAID.0, summary, detail)
    }
}

/// A value of ours that is not of the type that the provider wants.
pub(crate) fn unexpected_form(what: &str, trouble: &Mismatch) -> Diagnostic {
    let at = if trouble.path.is_empty() {
        String::new()
    } else {
        format!(" at `{}`", trouble.path)
    };
    error(
        UNEXPECTED_FORM,
        format!("The {what} does not fit the type{at}: {}.", trouble.what),
    )
}

/// Something that the verb of a change needs and that is not there.
pub(crate) fn incomplete(what: &str) -> Diagnostic {
    error(UNEXPECTED_FORM, format!("There is no {what}."))
}

/// A type that the provider does not have.
pub(crate) fn no_such_type(provider: &str, kind: &str) -> Diagnostic {
    let what = of(provider, format!("it offers no type `{kind}`"));
    let advice = "Was the object made with another version of the provider?";
    error(NO_SUCH_TYPE, format!("{what} {advice}"))
}

/// An answer that a provider must not give.
pub(crate) fn against_the_rules(provider: &str, what: &str) -> Diagnostic {
    let what = of(provider, what);
    error(
        AGAINST_THE_RULES,
        format!("{what} This is a fault of the provider."),
    )
}

/// A setting that should say which providers run.
pub(crate) fn reattach(trouble: &ReattachError) -> Diagnostic {
    let what = of(crate::REATTACH_VARIABLE, chain(trouble));
    error(
        REATTACH,
        format!("{what} A provider that is started for debugging prints the whole value."),
    )
}

/// An object that is where one was to be made, and that another one made.
pub(crate) fn not_ours(address: &Address, name: &str) -> Diagnostic {
    let kind = &address.resource.kind;
    let what = format!(
        "There is a {kind} {name} already, and it does not carry the stamp of this creation."
    );
    let found = error(NOT_OURS, what).about(address.to_string());
    let hint = format!("To take it over as it is: steadfast import '{address}' '{name}'");
    found.hint(hint, None)
}

/// An object that a lost creation made, and that is not as planned yet.
pub(crate) fn made_in_part(address: &Address, name: &str, differences: &[String]) -> Diagnostic {
    let kind = &address.resource.kind;
    let what = format!(
        "The {kind} {name} was made before its outcome was lost, and is not as planned in: {}. The next apply completes it.",
        differences.join(", ")
    );
    Diagnostic {
        severity: Severity::Warning,
        ..error(MADE_IN_PART, what).about(address.to_string())
    }
}
