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
