//! The state that Terraform left in a project: where it is, what it says, whether it has changed since it was taken
//! over.
//!
//! It is taken over once, when the first command that acts opens the workspace's stream; commands that only look see it
//! as if that had happened. From then on the book is what counts: a state that changes is told, and never followed.

use crate::diag;
use crate::error::CommandError;
use crate::exit;
use crate::project::{DEFAULT_ENVIRONMENT, Project, module_path};
use crate::render::diagnostics::Sources;
use decide::{Schemas, TakenState, World};
use interchange::StateFile;
use model::Taken;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What a state is called where nothing else is said.
const FILE: &str = "terraform.tfstate";

/// Where Terraform keeps the states of other workspaces.
const WORKSPACES: &str = "terraform.tfstate.d";

/// Largest file that is looked at for being blank.
const BLANK_BYTES_MAX: u64 = 16;

/// Largest state that is read.
const STATE_BYTES_MAX: u64 = 1 << 30;

/// A state that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where: a path as people write it, or an address.
    pub origin: String,
    /// What it says.
    pub file: StateFile,
}

impl Found {
    /// What tells this state from others, and from itself at other times.
    pub(crate) fn mark(&self) -> TakenState {
        TakenState {
            lineage: self.file.lineage.clone(),
            serial: self.file.serial,
        }
    }

    /// What is taken over.
    pub(crate) fn taken(&self, schemas: &Schemas) -> Result<Taken, CommandError> {
        let unusable = |why: &str| unusable(&self.origin, why);
        let mut taken = self
            .file
            .taken(schemas)
            .map_err(|error| unusable(&error.to_string()))?;
        for object in &mut taken.objects {
            object.value = engine::mark_repeats(&object.value);
        }
        Ok(taken)
    }

    /// Refuses to take over what nobody here can understand.
    pub(crate) fn check_types(&self, schemas: &Schemas) -> Result<(), CommandError> {
        let unknown = self.file.unknown_types(schemas);
        let Some((provider, kind)) = unknown.first() else {
            return Ok(());
        };
        let why = format!(
            "its objects of type {kind} belong to the provider {provider}, which is not installed or does not know that type; \
             `steadfast init` installs what the definition requires"
        );
        Err(unusable(&self.origin, &why))
    }

    /// `8 objects and 3 outputs`.
    pub(crate) fn counted(&self) -> String {
        let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        format!(
            "{} and {}",
            of(self.file.n_objects(), "object"),
            of(self.file.n_outputs(), "output")
        )
    }
}

/// Where Terraform has the state of a workspace.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In a file, seen from the project.
    File(PathBuf),
    /// Behind an address of the Web, which may name a user and a password.
    Web {
        /// All of it.
        url: String,
        /// What people may see of it.
        shown: String,
    },
    /// Nowhere: its backend has no such workspace.
    Nowhere,
}

/// Where Terraform has the state of a workspace, by its `backend` block.
fn place(project: &Project, workspace: &str) -> Result<Place, CommandError> {
    let read = project.backend()?;
    if read.diagnostics.has_errors() {
        let texts = read.sources.into_iter();
        let texts = texts.map(|source| (source.path, source.content)).collect();
        return Err(CommandError::definition(
            read.diagnostics,
            Sources::new(texts),
        ));
    }
    let backend = read.backend.as_ref();
    let setting = |name: &str, variable: Option<&str>| {
        let written = backend.and_then(|backend| backend.settings.get(name));
        let written = written.and_then(value::Value::as_str).map(str::to_owned);
        written.or_else(|| variable.and_then(|name| std::env::var(name).ok()))
    };
    match backend.map(|backend| &*backend.kind) {
        Some("http") if workspace != DEFAULT_ENVIRONMENT => Ok(Place::Nowhere),
        Some("http") => {
            let Some(shown) = setting("address", Some("TF_HTTP_ADDRESS")) else {
                return Err(CommandError::Usage(
                    "the backend \"http\" has no address: write it, or set TF_HTTP_ADDRESS"
                        .to_owned(),
                ));
            };
            let user = setting("username", Some("TF_HTTP_USERNAME"));
            let password = setting("password", Some("TF_HTTP_PASSWORD"));
            let url = match user {
                None => shown.clone(),
                Some(user) => with_login(&shown, &user, &password.unwrap_or_default()),
            };
            Ok(Place::Web { url, shown })
        }
        Some("local") => {
            let (path, directory) = (setting("path", None), setting("workspace_dir", None));
            Ok(Place::File(file_of(
                workspace,
                path.as_deref(),
                directory.as_deref(),
            )))
        }
        _ => Ok(Place::File(file_of(workspace, None, None))),
    }
}

/// Refuses to begin without a state that is somewhere where it cannot be read: everything in it would be made a second
/// time.
pub(crate) fn refuse_unread(project: &Project) -> Result<(), CommandError> {
    let read = project.backend()?;
    match read.backend {
        Some(backend) if !definition::is_backend_read(&backend.kind) => {
            Err(CommandError::Diagnostics {
                diagnostics: diag::state_out_of_reach(&backend.kind).into(),
                sources: Sources::default(),
                code: exit::FAILED,
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// The file of a workspace, seen from the project.
fn file_of(workspace: &str, path: Option<&str>, directory: Option<&str>) -> PathBuf {
    if workspace == DEFAULT_ENVIRONMENT {
        return PathBuf::from(path.unwrap_or(FILE));
    }
    Path::new(directory.unwrap_or(WORKSPACES))
        .join(workspace)
        .join(FILE)
}

/// An address with a user and a password.
fn with_login(address: &str, user: &str, password: &str) -> String {
    let plain = |text: &str| {
        let each = text.bytes().map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        each.collect::<String>()
    };
    match address.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}:{}@{rest}", plain(user), plain(password)),
        None => address.to_owned(),
    }
}

/// The state that Terraform left for a workspace; none where it left none. What is not on this machine is looked at
/// only where that is asked for.
pub(crate) fn find(
    project: &Project,
    tokio: &tokio::runtime::Runtime,
    workspace: &str,
    far: bool,
) -> Result<Option<Found>, CommandError> {
    let path = match place(project, workspace)? {
        Place::File(path) => path,
        Place::Web { url, shown } if far => {
            let settings = registry::Settings::load(crate::project::variables()).0;
            let document = registry::document(settings, &url, STATE_BYTES_MAX);
            let document = tokio.block_on(document);
            let bytes = document.map_err(|why| unusable(&shown, &why))?;
            let bytes = bytes.filter(|bytes| !bytes.trim_ascii().is_empty());
            return bytes.map(|bytes| of_bytes(&shown, bytes)).transpose();
        }
        Place::Web { .. } | Place::Nowhere => return Ok(None),
    };
    // What cannot be found is not there; an empty file is what Terraform makes before it writes for the first time.
    let blank = match std::fs::metadata(project.root.join(&path)) {
        Ok(metadata) if metadata.len() <= BLANK_BYTES_MAX => {
            std::fs::read_to_string(project.root.join(&path))
                .is_ok_and(|text| text.trim().is_empty())
        }
        Ok(_) => false,
        Err(_) => true,
    };
    if blank {
        return Ok(None);
    }
    read(project, &path).map(Some)
}

/// Reads a state that somebody names.
pub(crate) fn read(project: &Project, path: &Path) -> Result<Found, CommandError> {
    let origin = path.display().to_string();
    let mut bytes = Vec::new();
    std::fs::File::open(project.root.join(path))
        .and_then(|file| file.take(STATE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| unusable(&origin, &format!("it could not be read ({error})")))?;
    of_bytes(&origin, bytes)
}

/// Reads a state that came from somewhere.
pub(crate) fn of_bytes(origin: &str, bytes: Vec<u8>) -> Result<Found, CommandError> {
    let text =
        String::from_utf8(bytes).map_err(|_| unusable(origin, "it is not a text of Unicode"))?;
    let file = StateFile::read(&text, module_path)
        .map_err(|error| unusable(origin, &error.to_string()))?;
    Ok(Found {
        origin: origin.to_owned(),
        file,
    })
}

/// Names of the workspaces of which Terraform left a state.
pub(crate) fn workspaces(project: &Project) -> BTreeSet<String> {
    let Ok(Place::File(path)) = place(project, "x") else {
        return BTreeSet::new();
    };
    let directory = path.parent().and_then(Path::parent);
    let entries = std::fs::read_dir(
        project
            .root
            .join(directory.unwrap_or(Path::new(WORKSPACES))),
    );
    let names = entries.into_iter().flatten().flatten();
    names
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| crate::workspace::check(name).is_ok())
        .collect()
}

/// What is to be told of a state beside a book that does not follow it; none where nothing is.
pub(crate) fn difference(world: &World, found: &Found) -> Option<value::Diagnostic> {
    match world.taken.get(&found.origin) {
        Some(taken) if *taken == found.mark() => None,
        Some(taken) => Some(diag::state_changed(
            &found.origin,
            found.file.serial,
            taken.serial,
        )),
        None if found.file.n_objects() == 0 => None,
        // It was printed from here.
        None if found.file.lineage == world.lineage && found.file.serial <= world.serial => None,
        None => Some(diag::state_passed_over(&found.origin)),
    }
}

fn unusable(origin: &str, why: &str) -> CommandError {
    CommandError::Diagnostics {
        diagnostics: diag::no_state(origin, why).into(),
        sources: Sources::default(),
        code: exit::BAD_INPUT,
    }
}

#[cfg(test)]
mod tests {
    use super::with_login;

    #[test]
    fn users_and_passwords_are_part_of_the_address() {
        let url = with_login("https://example.com/state", "me", "a:b@c/d");
        assert_eq!(url, "https://me:a%3Ab%40c%2Fd@example.com/state");
    }
}
