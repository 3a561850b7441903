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
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Behind an address, which a backend of this kind says with these arguments.
    Far {
        /// Its kind.
        kind: String,
        /// Its arguments as texts (`registry::arguments`).
        arguments: BTreeMap<String, String>,
    },
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
    let Some(backend) = read.backend else {
        return Ok(Place::File(file_of(workspace, None, None)));
    };
    let arguments = registry::arguments(&value::Value::object(backend.settings));
    match &*backend.kind {
        "local" => {
            let setting = |name: &str| arguments.get(name).map(String::as_str);
            let (path, directory) = (setting("path"), setting("workspace_dir"));
            Ok(Place::File(file_of(workspace, path, directory)))
        }
        kind if definition::is_backend_read(kind) => Ok(Place::Far {
            kind: kind.to_owned(),
            arguments,
        }),
        _ => Ok(Place::File(file_of(workspace, None, None))),
    }
}

/// Asks for what a backend keeps that is not on this machine.
fn fetch(
    tokio: &tokio::runtime::Runtime,
    (kind, arguments): (&str, &BTreeMap<String, String>),
    workspace: &str,
) -> Result<Option<Found>, CommandError> {
    let clock = Arc::new(engine::SystemClock::new());
    let backends = registry::Backends::new(crate::project::variables(), clock);
    let fetching = backends.fetch(kind, arguments, workspace, STATE_BYTES_MAX);
    let fetched = tokio.block_on(fetching).map_err(|away| {
        let backend = || format!("of the backend \"{kind}\"");
        unusable(&away.shown.unwrap_or_else(backend), &away.why)
    })?;
    let fetched = fetched.filter(|one| !one.bytes.trim_ascii().is_empty());
    fetched
        .map(|one| of_bytes(&one.shown, one.bytes))
        .transpose()
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
        Place::Far { kind, arguments } if far => {
            return fetch(tokio, (&kind, &arguments), workspace);
        }
        Place::Far { .. } => return Ok(None),
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
