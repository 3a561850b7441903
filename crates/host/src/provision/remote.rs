//! Provisioners on another machine, through the `ssh` of this one: what its configuration, agent and keys say holds.
//!
//! One connection serves a provisioner ([`Session`], a control master of its own). The work is one program, so that its
//! exit status says how all of it ended.

use super::Place;
use super::task::Program;
use crate::arguments::Arguments;
use crate::diag::{self, Trouble};
use crate::process::quoted;
use crate::ssh::{Session, text_of, write};
use model::ActionId;
use std::fs;
use std::path::{Path, PathBuf};
use value::Diagnostic;

/// Exit status of `ssh` when its connection failed. What runs on the other side never ends with it (see `ENDED`).
pub(super) const SSH_FAILED: i32 = 255;

/// The end of every remote command: its status, which is not taken for that of `ssh`.
const ENDED: &str = "[ $code -eq 255 ] && code=254; exit $code";

/// What is done on the other side.
pub(super) enum Work {
    /// Run these, one after the other, until one fails.
    Scripts(Vec<Script>),
    /// Put a file or a directory there.
    Copy {
        /// What.
        content: Content,
        /// Where.
        destination: String,
    },
}

/// A script to run.
pub(super) enum Script {
    /// Its text.
    Inline(String),
    /// A file of this machine.
    File(String),
}

/// What is copied.
pub(super) enum Content {
    /// A text.
    Text(String),
    /// A file or a directory of this machine.
    Source(String),
}

impl Work {
    /// The scripts of a `remote-exec`.
    pub(super) fn scripts(arguments: &Arguments<'_>) -> Result<Self, Diagnostic> {
        let inline = arguments.texts("inline")?;
        let mut scripts = Vec::new();
        if !inline.is_empty() {
            let first = inline.first().is_some_and(|line| line.starts_with("#!"));
            let shebang = if first { "" } else { "#!/bin/sh\n" };
            scripts.push(Script::Inline(format!("{shebang}{}\n", inline.join("\n"))));
        }
        let one = arguments.text("script")?.map(str::to_owned);
        let files = one.into_iter().chain(arguments.texts("scripts")?);
        scripts.extend(files.map(Script::File));
        match scripts.is_empty() {
            true => Err(diag::invalid_argument(
                "inline",
                "a list with at least one command",
            )),
            false => Ok(Self::Scripts(scripts)),
        }
    }

    /// The copy of a `file`.
    pub(super) fn copy(arguments: &Arguments<'_>) -> Result<Self, Diagnostic> {
        let content = match arguments.text("content")? {
            Some(text) => Content::Text(text.to_owned()),
            None => Content::Source(arguments.required("source")?.to_owned()),
        };
        Ok(Self::Copy {
            content,
            destination: arguments.required("destination")?.to_owned(),
        })
    }

    /// One program for all of it.
    pub(super) fn program(
        &self,
        place: &Place,
        session: &Session,
        action: ActionId,
    ) -> Result<Program, Trouble> {
        let host = &session.host;
        let (lines, shown) = match self {
            Self::Scripts(scripts) => {
                let lines = scripts.iter().enumerate();
                let lines = lines.map(|(n, script)| script.line(n, place, session, action));
                let lines: Result<Vec<String>, Trouble> = lines.collect();
                (lines?, format!("the script on {host}"))
            }
            Self::Copy {
                content,
                destination,
            } => {
                let line = content.line(destination, place, session)?;
                (vec![line], format!("the copy to {destination} on {host}"))
            }
        };
        let mut argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), lines.join("\n")];
        argv.extend(["provision", "ssh"].map(str::to_owned));
        argv.extend(session.options.iter().cloned());
        argv.extend(["--".to_owned(), host.clone()]);
        Ok(Program {
            argv,
            environment: session.environment.clone(),
            directory: place.project.clone(),
            shown,
        })
    }
}

impl Script {
    /// The line that sends a script over, runs it and removes it.
    fn line(
        &self,
        n: usize,
        place: &Place,
        session: &Session,
        action: ActionId,
    ) -> Result<String, Trouble> {
        let local = match self {
            Self::Inline(text) => {
                let path = session.files.path().join(format!("script-{n}"));
                let written = write(&path, text, 0o600);
                written.map_err(|error| diag::system("write", &path, &error))?;
                path
            }
            Self::File(path) => readable(place, path)?,
        };
        let name = format!("{action}_{n}");
        let path = match &session.script_path {
            Some(path) => path.replace("%RAND%", &name),
            None => format!("/tmp/steadfast_{name}.sh"),
        };
        let path = quoted(&path);
        let remote = format!(
            "(umask 077; cat >{path}) && chmod 0700 {path} && {path} </dev/null; code=$?; rm -f {path}; {ENDED}"
        );
        Ok(sending(&remote, &local))
    }
}

impl Content {
    /// The line that copies.
    fn line(&self, destination: &str, place: &Place, session: &Session) -> Result<String, Trouble> {
        let to = quoted(destination);
        let file = |local: &Path, name: &str| {
            let remote = format!(
                "to={to}; if [ -d \"$to\" ]; then to=\"${{to%/}}/\"{}; fi; cat >\"$to\"; code=$?; {ENDED}",
                quoted(name)
            );
            sending(&remote, local)
        };
        let source = match self {
            Self::Text(text) => {
                let path = session.files.path().join("content");
                let written = write(&path, text, 0o600);
                written.map_err(|error| diag::system("write", &path, &error))?;
                return Ok(file(&path, "content"));
            }
            Self::Source(source) => source,
        };
        let local = readable(place, source)?;
        let name = local
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if !local.is_dir() {
            return Ok(file(&local, &name));
        }
        // As rsync has it: with a slash at its end what is in the directory, without one the directory itself.
        let (from, what) = match (source.ends_with('/'), local.parent()) {
            (false, Some(parent)) if !name.is_empty() => (parent.to_owned(), name),
            _ => (local.clone(), ".".to_owned()),
        };
        let packed = session.files.path().join("packed.tar");
        let remote = format!("mkdir -p {to} && tar -C {to} -xf -; code=$?; {ENDED}");
        Ok(format!(
            "tar -C {} -cf {} -- {} || exit $?\n{}",
            quoted(&text_of(&from)),
            quoted(&text_of(&packed)),
            quoted(&what),
            sending(&remote, &packed)
        ))
    }
}

/// A file or directory of this machine that is there.
fn readable(place: &Place, path: &str) -> Result<PathBuf, Trouble> {
    let full = place.project.join(path);
    match fs::metadata(&full) {
        Ok(_) => Ok(full),
        Err(error) => Err(diag::source_unreadable(&full, &error).into()),
    }
}

/// Runs a command on the other side with a file of this one as its input; `"$@"` is `ssh` with all it is told.
fn sending(remote: &str, input: &Path) -> String {
    format!(
        "\"$@\" {} <{} || exit $?",
        quoted(remote),
        quoted(&text_of(input))
    )
}
