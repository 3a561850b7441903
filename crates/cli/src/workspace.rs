//! Which workspace commands are about: TF_WORKSPACE in the environment, else what was selected last, else `default`.
//!
//! The selection is kept where Terraform keeps its own, so that both programs in one directory are about the same.

use crate::error::CommandError;
use crate::project::{DEFAULT_ENVIRONMENT, Project, data_directory};
use engine::PROJECT_STREAM;
use std::io::Write as _;
use std::path::PathBuf;

/// The environment variable that is stronger than the selection.
const VARIABLE: &str = "TF_WORKSPACE";

/// Longest name, in bytes: it is part of paths.
const NAME_BYTES_MAX: usize = 90;

/// What stands in names beside letters and digits: what needs no escape in an address of the Web.
const NAME_PUNCTUATION: &str = "-_.~$&+=:@";

/// The workspace that commands are about.
pub(crate) struct Selected {
    /// Its name.
    pub name: String,
    /// Whether the environment says so, not the selection.
    pub overridden: bool,
}

/// The selected workspace.
pub(crate) fn selected(project: &Project) -> Result<Selected, CommandError> {
    let overriding = std::env::var(VARIABLE).unwrap_or_default();
    if !overriding.is_empty() {
        check(&overriding).map_err(|why| CommandError::Usage(format!("{VARIABLE}: {why}")))?;
        return Ok(Selected {
            name: overriding,
            overridden: true,
        });
    }
    let path = file(project);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(CommandError::Path {
                what: "read the selected workspace from",
                path,
                source,
            });
        }
    };
    let name = match text.trim() {
        "" => DEFAULT_ENVIRONMENT.to_owned(),
        name => name.to_owned(),
    };
    check(&name).map_err(|why| {
        let path = path.display();
        CommandError::Failed(format!(
            "{path} selects no workspace: {why}; to select one: steadfast workspace select NAME"
        ))
    })?;
    Ok(Selected {
        name,
        overridden: false,
    })
}

/// Selects a workspace.
pub(crate) fn select(project: &Project, name: &str) -> Result<(), CommandError> {
    let path = file(project);
    let written = || {
        let directory = path.parent().unwrap_or(&project.root);
        std::fs::create_dir_all(directory)?;
        // Complete before it has its name: a crash leaves the old selection or the new one.
        let mut draft = tempfile_in(directory)?;
        draft.1.write_all(name.as_bytes())?;
        draft.1.sync_all()?;
        std::fs::rename(&draft.0, &path)
    };
    written().map_err(|source| CommandError::Path {
        what: "write the selected workspace to",
        path: path.clone(),
        source,
    })
}

fn tempfile_in(directory: &std::path::Path) -> std::io::Result<(PathBuf, std::fs::File)> {
    let path = directory.join(format!("environment.{}", std::process::id()));
    let file = std::fs::File::create(&path)?;
    Ok((path, file))
}

/// Whether a workspace may have this name; else why not.
pub(crate) fn check(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || NAME_PUNCTUATION.contains(c);
    if name.is_empty() {
        return Err("a workspace has a name".to_owned());
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!(
            "the name of a workspace has at most {NAME_BYTES_MAX} characters, and this one has {}",
            name.len()
        ));
    }
    if !name.chars().all(is_allowed) || matches!(name, "." | "..") {
        return Err(format!(
            "a workspace cannot be called {name:?}: letters, digits and {NAME_PUNCTUATION} are allowed"
        ));
    }
    if name == PROJECT_STREAM {
        return Err(format!(
            "{name} is where Steadfast keeps its builds; choose another name"
        ));
    }
    Ok(())
}

fn file(project: &Project) -> PathBuf {
    project.root.join(data_directory()).join("environment")
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names_are_those_that_terraform_allows() {
        for name in ["default", "_x.y-z~1", "a:b@c", "eu+us", "1"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "x/y",
            "a b",
            "\u{e9}",
            "a%b",
            "_project",
            &"x".repeat(91),
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
