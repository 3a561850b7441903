//! What can be wrong with what a command is given, beside the definition: one factory per code, one page per code in
//! `docs/codes`.

use value::Diagnostic;

/// `fmt` was given a path where nothing is.
pub(crate) fn no_such_path(path: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1401",
        "No such file or directory",
        format!(
            "There is nothing at {path}. Paths are relative to the current directory, or to the one given by -chdir."
        ),
    )
}

/// `fmt` was given a file that is not in the language.
pub(crate) fn not_of_the_language(path: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1402",
        "Not a file of the language",
        format!(
            "{path} cannot be formatted: only files that end in .tf, .tfvars, .tftest.hcl or .tfmock.hcl, and those called \
             steadfast.hcl, can. The JSON form has no canonical layout."
        ),
    )
}

/// A file or directory could not be read.
pub(crate) fn unreadable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1403",
        "Cannot be read",
        format!(
            "{path} could not be read: {why}. Check that it is what you mean and that you may read it."
        ),
    )
}

/// A file that should hold a plan does not, or not one that can be used here.
pub(crate) fn no_plan(path: &std::path::Path, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1405",
        "Not a plan that can be used",
        format!(
            "{} cannot be used as a plan: {why}. Make one with `steadfast plan -out=FILE`.",
            path.display()
        ),
    )
}

/// A plan was kept, and what it is about has changed since.
pub(crate) fn plan_outdated(path: &std::path::Path, since: &str, base: u64) -> Diagnostic {
    Diagnostic::error(
        "SF1406",
        "The plan is outdated",
        format!(
            "The plan in {} was made at position {base} of the book, and would be another one now: {since}. Nothing was \
             changed. Make a new plan and look at it.",
            path.display()
        ),
    )
}

/// A state of Terraform cannot be taken over.
pub(crate) fn no_state(origin: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1408",
        "Not a state that can be taken over",
        format!("The state {origin} cannot be taken over: {why}."),
    )
}

/// Nothing was ever done here, and what exists is known in a place that cannot be read.
pub(crate) fn state_out_of_reach(kind: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1412",
        "The state is where it cannot be read",
        format!(
            "The definition keeps its state in a backend of the kind {kind}, which is not read here, and nothing is known of \
             what exists: everything would be made a second time. Bring the state here first: `terraform state pull > \
             terraform.tfstate`. If there is none, take the backend block away."
        ),
    )
}

/// A state was taken over, and somebody else has gone on with it.
pub(crate) fn state_changed(origin: &str, serial: u64, taken: u64) -> Diagnostic {
    Diagnostic::warning(
        "SF1409",
        "Terraform's state has changed since it was taken over",
        format!(
            "The state {origin} has serial {serial} now, and was taken over with serial {taken}: another program goes on \
             with it. What it changed is not known here. To take the state over again: steadfast state push {origin}"
        ),
    )
}

/// There is a state of Terraform beside a book that knows other objects.
pub(crate) fn state_passed_over(origin: &str) -> Diagnostic {
    Diagnostic::warning(
        "SF1410",
        "A state of Terraform is passed over",
        format!(
            "The state {origin} was never taken over, because the book knew objects before it was there. If it is what \
             counts: steadfast state push -force {origin}. If it is not: move it away."
        ),
    )
}

/// A state was pushed that is not a later one of what is known.
pub(crate) fn state_refused(origin: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1411",
        "The state does not follow what is known",
        format!(
            "The state {origin} was not taken over: {why}. Nothing was changed. If it shall replace everything that is known \
             all the same: steadfast state push -force {origin}"
        ),
    )
}

/// A state was printed without what is sensitive in it.
pub(crate) fn state_concealed(n_secret: usize) -> Diagnostic {
    Diagnostic::warning(
        "SF1407",
        "Sensitive values are left out",
        format!(
            "{n_secret} of the objects and outputs hold sensitive values, which are null here: Terraform cannot go on \
             with this state. To print them in the clear: steadfast state pull -show-sensitive"
        ),
    )
}

/// A file could not be written.
pub(crate) fn unwritable(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF1404",
        "Cannot be written",
        format!(
            "{path} could not be written: {why}. It is as it was before; when that is mended, run the command again."
        ),
    )
}
