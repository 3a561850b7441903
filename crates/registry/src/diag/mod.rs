//! What can be wrong with fetching, said to a person: one function for each code.

pub(crate) mod provider;

use crate::address::without_secrets;
use crate::chain;
use crate::discovery::RegistryError;
use crate::fetch::FetchError;
use crate::git::GitError;
use crate::lock::{LOCK_FILE, Lock, Package};
use crate::tree::TreeError;
use definition::{ReachedCall, Version};
use std::io;
use std::path::Path;
use value::Diagnostic;

/// Every code of this room; each has a page `docs/codes/SFnnnn.md`.
pub const CODES: &[&str] = &[
    "SF1301", "SF1302", "SF1303", "SF1304", "SF1305", "SF1306", "SF1307", "SF1308", "SF1309",
    "SF1310", "SF1311", "SF1312", "SF1313", "SF1314", "SF1315", "SF1316", "SF1317", "SF1320",
    "SF1321", "SF1322", "SF1323", "SF1324", "SF1325", "SF1326", "SF1327",
];

/// How many versions are shown where none fits.
const VERSIONS_SHOWN_MAX: usize = 5;

/// Trouble with a registry.
pub(crate) fn registry(call: &ReachedCall, error: &RegistryError) -> Diagnostic {
    let source = call.source.to_string();
    let said = chain(error);
    match error {
        RegistryError::Discovery { .. }
        | RegistryError::NoRegistry(_)
        | RegistryError::Http(_)
        | RegistryError::Status { .. } => {
            let advice = "Is the host in the source right, and can this machine reach it? Behind a proxy, HTTPS_PROXY says which.";
            about(
                call,
                "SF1301",
                "Module registry cannot be asked",
                format!("{source}: {said}. {advice}"),
            )
        }
        RegistryError::Answer { .. } => {
            let advice = "Does the host in the source have a registry of modules?";
            about(
                call,
                "SF1302",
                "Module registry answers wrongly",
                format!("{source}: {said}. {advice}"),
            )
        }
        RegistryError::NoModule => {
            let advice = "Is the source spelled as the registry has it? A private module may look as if it were not there: is there a token for the host?";
            about(
                call,
                "SF1303",
                "Module not in the registry",
                format!("{source}: {said}. {advice}"),
            )
        }
        RegistryError::Denied { host, .. } => {
            let variable = host.replace('-', "__").replace(['.', ':'], "_");
            let advice = format!(
                "A token for {host} is given by the environment variable TF_TOKEN_{variable}, or by a block credentials \"{host}\" in ~/.terraformrc."
            );
            about(
                call,
                "SF1305",
                "Registry refuses the credentials",
                format!("{source}: {said}. {advice}"),
            )
        }
    }
}

/// No version of a module is one that the call allows.
pub(crate) fn no_version(call: &ReachedCall, versions: &[Version]) -> Diagnostic {
    let source = &call.source;
    let mut sorted: Vec<&Version> = versions.iter().collect();
    sorted.sort();
    let newest: Vec<String> = sorted
        .iter()
        .rev()
        .take(VERSIONS_SHOWN_MAX)
        .map(|version| version.to_string())
        .collect();
    let there = match newest.as_slice() {
        [] => "The registry has no version of it at all".to_owned(),
        newest => format!("The newest there are: {}", newest.join(", ")),
    };
    let wanted = if call.constraints.is_any() {
        "a version that is no pre-release".to_owned()
    } else {
        format!("\"{}\"", call.constraints)
    };
    let detail = format!(
        "No version of {source} fits {wanted}. {there}. A pre-release is only taken where the constraint names exactly it."
    );
    about(call, "SF1304", "No version of the module fits", detail)
}

/// A package cannot be had.
pub(crate) fn fetch(call: &ReachedCall, error: &FetchError) -> Diagnostic {
    let said = format!(
        "{}: {}.",
        without_secrets(&call.source.to_string()),
        chain(error)
    );
    match error {
        FetchError::Http(_)
        | FetchError::Status { .. }
        | FetchError::NoLocation { .. }
        | FetchError::Location { .. }
        | FetchError::Forwards => about(
            call,
            "SF1306",
            "Package cannot be downloaded",
            format!("{said} Is the address right, and can this machine reach it?"),
        ),
        FetchError::Git(error) => git(call, error, &said),
        FetchError::Archive(_) => {
            let advice = "Nothing of it was kept. Download it by hand and look: an archive of a module has relative paths, and links only to what is in it.";
            about(
                call,
                "SF1308",
                "Archive refused",
                format!("{said} {advice}"),
            )
        }
        FetchError::Checksum { .. } | FetchError::ChecksumForm(_) => {
            let advice = "Nothing of it was kept. Either the archive is another one than the source means, or the checksum in the source is wrong.";
            about(
                call,
                "SF1309",
                "Checksum does not match",
                format!("{said} {advice}"),
            )
        }
        FetchError::Getter(getter) => {
            let advice = match getter.as_str() {
                "s3" | "gcs" => {
                    "Packages in object stores are not supported yet: an address of the store that serves the archive over https works, also a signed one."
                }
                "hg" => "Mercurial is not supported: publish the module in Git, or as an archive.",
                _ => {
                    "There are git::, http(s) addresses of archives, paths of this machine, and registries."
                }
            };
            about(
                call,
                "SF1311",
                "Way of fetching not supported",
                format!("{said} {advice}"),
            )
        }
        FetchError::Tree(error) => package(call, error),
        FetchError::Local { .. } | FetchError::Disk(_) => {
            about(call, "SF1314", "Modules cannot be installed", said)
        }
    }
}

/// A repository does not give what is asked for.
fn git(call: &ReachedCall, error: &GitError, said: &str) -> Diagnostic {
    match error {
        GitError::TagMoved { .. } | GitError::LockedGone(_) => {
            let advice = format!(
                "{LOCK_FILE} holds what was fetched first. A tag that moves may be a mistake or an attack: ask whoever keeps the module. If it is meant, `steadfast init -upgrade` takes what is there now."
            );
            let summary = "Module is not what was locked";
            about(call, "SF1310", summary, format!("{said} {advice}"))
        }
        GitError::Tree(error) => package(call, error),
        _ => {
            let advice = "What `git ls-remote` says of the same address helps: nobody is asked for a password here, so that a credential helper, an SSH agent or a key in the source has to have it.";
            let summary = "Repository cannot be fetched";
            about(call, "SF1307", summary, format!("{said} {advice}"))
        }
    }
}

/// What a package consists of is not acceptable, or cannot be copied.
pub(crate) fn package(call: &ReachedCall, error: &TreeError) -> Diagnostic {
    let said = format!(
        "{}: {}.",
        without_secrets(&call.source.to_string()),
        chain(error)
    );
    match error {
        TreeError::Disk { .. } => about(call, "SF1314", "Modules cannot be installed", said),
        TreeError::Escapes { .. }
        | TreeError::Kind { .. }
        | TreeError::Name { .. }
        | TreeError::Entries
        | TreeError::Bytes => {
            let advice = "Nothing of it was kept: whoever reads the module would read what is outside of it.";
            about(
                call,
                "SF1317",
                "Package refused",
                format!("{said} {advice}"),
            )
        }
    }
}

/// What came is not what came first.
pub(crate) fn differs_from_lock(
    call: &ReachedCall,
    package: &Package,
    locked: &[String],
    found: &str,
) -> Diagnostic {
    let name = match &package.version {
        Some(version) => format!("{} {version}", package.address),
        None => without_secrets(&package.address),
    };
    let detail = format!(
        "{name} has the digest {found}, and {LOCK_FILE} holds {}. The same name stands for another content now, which may be a mistake or an attack: nothing of it was kept. If it is meant, `steadfast init -upgrade` takes what is there now.",
        locked.join(", ")
    );
    about(call, "SF1310", "Module is not what was locked", detail)
}

/// The directory that the source names is not in the package.
pub(crate) fn no_directory(call: &ReachedCall, directory: &str) -> Diagnostic {
    let source = without_secrets(&call.source.to_string());
    let detail = match directory {
        "" => format!(
            "{source}: the package has no .tf files at its top. Where in it is the module? Write ...//DIRECTORY."
        ),
        directory => format!(
            "{source}: the package has no directory {directory} with .tf files in it. Is what stands after // right?"
        ),
    };
    about(call, "SF1312", "Directory not in the package", detail)
}

/// The lock file is no such file.
pub(crate) fn lock_unreadable(name: &str, why: &str) -> Diagnostic {
    let why = why.trim_end_matches('.');
    let detail = format!(
        "{name} cannot be used: {why}. Nothing was fetched. Restore it from version control; if there is none, remove it, and what is fetched then is locked anew."
    );
    Diagnostic::error("SF1313", "Lock file cannot be used", detail)
}

/// The disk does not do what it should.
pub(crate) fn not_installed(path: &Path, error: &io::Error) -> Diagnostic {
    let detail = format!("{}: {error}.", path.display());
    Diagnostic::error("SF1314", "Modules cannot be installed", detail)
}

/// A file of settings of the command line is not used.
pub(crate) fn settings_unreadable(path: &Path, why: &str) -> Diagnostic {
    let why = why.trim_end_matches('.');
    let detail = format!(
        "{} is passed over: {why}. Credentials and hosts that it names are not known.",
        path.display()
    );
    Diagnostic::warning("SF1315", "Settings cannot be read", detail)
}

/// The lock file would have to change and must not.
pub(crate) fn lock_would_change(old: &Lock, new: &Lock) -> Diagnostic {
    let mut what = Vec::new();
    for (package, locked) in &new.0 {
        match old.0.get(package) {
            None => what.push(format!(
                "{} is not in it",
                without_secrets(&package.address)
            )),
            Some(known) if known != locked => what.push(format!(
                "{} is something else in it",
                without_secrets(&package.address)
            )),
            Some(_) => {}
        }
    }
    let gone = old.0.keys().filter(|package| !new.0.contains_key(*package));
    what.extend(gone.map(|package| {
        format!(
            "{} is called by nothing any more",
            without_secrets(&package.address)
        )
    }));
    let detail = format!(
        "{LOCK_FILE} may not be changed here, but {}. Run `steadfast init` where it may, and put the file into version control.",
        what.join(", ")
    );
    Diagnostic::error("SF1316", "Lock file would change", detail)
}

/// What has been fetched is not found again where it was put.
pub(crate) fn endless(path: &Path) -> Diagnostic {
    let detail = format!(
        "What was fetched to {} is missing again each time it is looked for. Does another program write there?",
        path.display()
    );
    Diagnostic::error("SF1314", "Modules cannot be installed", detail)
}

fn about(
    call: &ReachedCall,
    code: &'static str,
    summary: &'static str,
    detail: String,
) -> Diagnostic {
    let address: Vec<String> = call
        .call
        .split('.')
        .map(|name| format!("module.{name}"))
        .collect();
    Diagnostic::error(code, summary, detail)
        .at(call.span)
        .about(address.join("."))
}
