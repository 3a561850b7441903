//! SF1320 to SF1327: providers.

use crate::chain;
use crate::discovery::RegistryError;
use crate::provider::{PROVIDER_LOCK_FILE, PackageError, PlaceError};
use std::io;
use std::path::Path;
use value::Diagnostic;

/// How many versions are shown where none fits.
const VERSIONS_SHOWN_MAX: usize = 5;

/// None of the ways has it.
pub(crate) fn nowhere(source: &str) -> Diagnostic {
    let detail = format!(
        "No registry, mirror or directory that is looked into has the provider {source}. Is the source right? Without `source` in required_providers, `hashicorp` is taken for the namespace."
    );
    about(source, "SF1320", "Provider not found", detail)
}

/// A place cannot be asked, or answers wrongly.
pub(crate) fn place(source: &str, error: &PlaceError) -> Diagnostic {
    let said = format!("{source}: {}.", chain(error));
    match error {
        PlaceError::Unsigned | PlaceError::NoChecksum(_) => {
            let advice = "Nothing of it was kept. A registry signs what it has; whoever is between it and this machine may not.";
            about(
                source,
                "SF1321",
                "Provider is not signed",
                format!("{said} {advice}"),
            )
        }
        PlaceError::Registry(RegistryError::NoRegistry(_)) => {
            about(source, "SF1320", "Provider not found", said)
        }
        PlaceError::Registry(_)
        | PlaceError::Http(_)
        | PlaceError::Status { .. }
        | PlaceError::Answer { .. } => {
            let advice = "Is the source right, and can this machine reach the host? A mirror is named in the block provider_installation of ~/.terraformrc.";
            about(
                source,
                "SF1322",
                "Provider cannot be asked for",
                format!("{said} {advice}"),
            )
        }
    }
}

/// No version is one that all modules allow.
pub(crate) fn no_version(source: &str, wanted: &str, versions: &[String]) -> Diagnostic {
    let shown: Vec<&str> = versions
        .iter()
        .take(VERSIONS_SHOWN_MAX)
        .map(String::as_str)
        .collect();
    let wanted = if wanted.is_empty() {
        "a version that is no pre-release"
    } else {
        wanted
    };
    let detail = format!(
        "No version of {source} is {wanted}. The newest there are: {}. All modules that need the provider must agree on one version; one that is locked in {PROVIDER_LOCK_FILE} is left by `steadfast init -upgrade`.",
        shown.join(", ")
    );
    about(source, "SF1323", "No version of the provider fits", detail)
}

/// The version is not there for this machine.
pub(crate) fn no_package(source: &str, version: &str, platform: &str) -> Diagnostic {
    let detail = format!("{source} {version} is there, but not for this machine ({platform}).");
    about(source, "SF1324", "Provider not for this machine", detail)
}

/// A package cannot be had or is not taken.
pub(crate) fn package(source: &str, version: &str, error: &PackageError) -> Diagnostic {
    let said = format!("{source} {version}: {}.", chain(error));
    match error {
        PackageError::Signed { .. } => {
            let advice =
                "Nothing of it was kept: what was downloaded is not what the registry has signed.";
            about(
                source,
                "SF1321",
                "Provider is not signed",
                format!("{said} {advice}"),
            )
        }
        _ => about(source, "SF1325", "Provider cannot be installed", said),
    }
}

/// The package has none of the digests that are locked.
pub(crate) fn differs_from_lock(
    source: &str,
    version: &str,
    locked: &[String],
    found: &str,
) -> Diagnostic {
    let for_others = if locked.iter().all(|hash| hash.starts_with("zh:")) {
        " The lock file may have been made on another platform without the digests for this one."
    } else {
        ""
    };
    let detail = format!(
        "{source} {version} has the digest {found}, which {PROVIDER_LOCK_FILE} does not hold. Nothing of it was kept.{for_others} If it is meant, `steadfast init -upgrade` takes what is there now."
    );
    about(source, "SF1326", "Provider is not what was locked", detail)
}

/// The lock file is no such file.
pub(crate) fn lock_unreadable(why: &str) -> Diagnostic {
    let why = why.trim_end_matches('.');
    let detail =
        format!("{PROVIDER_LOCK_FILE} cannot be used: {why}. Restore it from version control.");
    Diagnostic::error("SF1327", "Provider lock file cannot be used", detail)
}

/// The lock file would have to change and must not.
pub(crate) fn lock_would_change() -> Diagnostic {
    let detail = format!(
        "{PROVIDER_LOCK_FILE} may not be changed here, but the providers that are needed are not those in it. Run `steadfast init` where it may, and put the file into version control."
    );
    Diagnostic::error("SF1327", "Provider lock file cannot be used", detail)
}

/// The disk does not do what it should.
pub(crate) fn not_installed(path: &Path, error: &io::Error) -> Diagnostic {
    let detail = format!("{}: {error}.", path.display());
    Diagnostic::error("SF1325", "Provider cannot be installed", detail)
}

fn about(source: &str, code: &'static str, summary: &'static str, detail: String) -> Diagnostic {
    Diagnostic::error(code, summary, detail).about(format!("provider[\"{source}\"]"))
}
