//! Fetching from Git repositories, with the `git` that the machine has.
//!
//! Only transports that cannot run a command of the address's choosing are allowed, submodules included; nobody is
//! asked for a password. As little as possible is fetched: one commit, where the server gives it alone.

use crate::address::without_secrets;
use crate::limits::{GIT_MS_MAX, GIT_SAYS_BYTES_MAX};
use crate::settings::Settings;
use crate::tree::{self, TreeError};
use base64::Engine as _;
use definition::RemoteSource;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use thiserror::Error;
use tokio::process::Command;

/// Transports that Git may use.
const TRANSPORTS: [&str; 5] = ["file", "git", "http", "https", "ssh"];

/// Why a repository cannot be had.
#[derive(Debug, Error)]
pub(crate) enum GitError {
    #[error("Git is not asked to use \"{0}\": file, git, http, https and ssh are")]
    Transport(String),
    #[error("\"{0}\" cannot be the name of a revision")]
    Reference(String),
    #[error("there is no branch, tag or commit \"{0}\"")]
    Missing(String),
    #[error(
        "the tag \"{tag}\" stood for the commit {locked} when it was locked, and stands for {found} now"
    )]
    TagMoved {
        tag: String,
        locked: String,
        found: String,
    },
    #[error("the commit {0}, which is locked, is no longer there")]
    LockedGone(String),
    #[error("the program git is needed and cannot be started")]
    Program(#[source] io::Error),
    #[error("`git {verb}` did not end within {GIT_MS_MAX} ms")]
    Endless { verb: String },
    #[error("`git {verb}` failed: {says}")]
    Failed { verb: String, says: String },
    #[error("the key of the address cannot be used")]
    Key(#[source] io::Error),
    #[error("what was fetched cannot be kept")]
    Tree(#[from] TreeError),
}

/// One repository being fetched into a directory.
struct Repository<'a> {
    settings: &'a Settings,
    source: &'a RemoteSource,
    directory: &'a Path,
    ssh: Option<String>,
}

/// What a revision is in the repository.
struct Found {
    /// Its whole name, as it can be fetched.
    name: String,
    is_tag: bool,
}

/// Fetches a revision into an existing, empty directory, and says which commit it is.
///
/// Where a commit is locked, that one is taken: of a branch, because it moves; a tag that has moved is refused.
pub(crate) async fn fetch(
    settings: &Settings,
    source: &RemoteSource,
    locked: Option<&str>,
    directory: &Path,
) -> Result<String, GitError> {
    let reference = reference(source)?;
    // The key lies outside of what is fetched, and goes when this function ends.
    let key = key(source)?;
    let ssh = key.as_ref().map(|file| {
        format!(
            "ssh -i '{}' -o IdentitiesOnly=yes -o BatchMode=yes",
            file.path().display()
        )
    });
    let repository = Repository {
        settings,
        source,
        directory,
        ssh,
    };
    let url = source.without(&["ref", "depth", "sshkey"]);
    let url = if url.query.is_empty() {
        url.url
    } else {
        format!("{}?{}", url.url, url.query)
    };
    repository.run(&["init", "--quiet", "."]).await?;
    repository.run(&["remote", "add", "origin", &url]).await?;
    let found = repository.find(reference.as_deref()).await?;
    match &found {
        Some(found) => repository.fetch_shallow(&found.name).await?,
        None => {
            repository
                .fetch_commit(reference.as_deref().unwrap_or("HEAD"))
                .await?
        }
    }
    let mut commit = repository.checkout("FETCH_HEAD").await?;
    if let Some(locked) = locked.filter(|locked| **locked != *commit) {
        commit = repository.locked(locked, found, commit).await?;
    }
    if directory.join(".gitmodules").exists() {
        repository
            .run(&["submodule", "--quiet", "update", "--init", "--recursive"])
            .await?;
    }
    tree::remove_git(directory)?;
    Ok(commit)
}

/// The commit that a directory is checked out at, if it is a repository of its own.
pub(crate) async fn commit_of(settings: &Settings, directory: &Path) -> Option<String> {
    if !directory.join(".git").exists() {
        return None;
    }
    let source = RemoteSource::parse("file:///x").ok()?;
    let repository = Repository {
        settings,
        source: &source,
        directory,
        ssh: None,
    };
    let said = repository
        .run(&["rev-parse", "--verify", "--quiet", "HEAD"])
        .await
        .ok()?;
    Some(said.trim().to_owned())
}

impl Repository<'_> {
    /// What a revision is called on the server; none when it is no branch and no tag.
    async fn find(&self, reference: Option<&str>) -> Result<Option<Found>, GitError> {
        let Some(reference) = reference else {
            return Ok(Some(Found {
                name: "HEAD".to_owned(),
                is_tag: false,
            }));
        };
        let tag = format!("refs/tags/{reference}");
        let branch = format!("refs/heads/{reference}");
        let listed = self
            .run(&["ls-remote", "--quiet", "origin", reference, &tag, &branch])
            .await?;
        let names: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.split('\t').nth(1))
            .collect();
        for (name, is_tag) in [(tag.as_str(), true), (&branch, false), (reference, false)] {
            if names.contains(&name) {
                return Ok(Some(Found {
                    name: name.to_owned(),
                    is_tag,
                }));
            }
        }
        Ok(None)
    }

    /// Goes from what a revision is now to the commit that is locked for it.
    async fn locked(
        &self,
        locked: &str,
        found: Option<Found>,
        now: String,
    ) -> Result<String, GitError> {
        if let Some(Found { name, is_tag: true }) = found {
            return Err(GitError::TagMoved {
                tag: name.trim_start_matches("refs/tags/").to_owned(),
                locked: locked.to_owned(),
                found: now,
            });
        }
        let fetched = self.fetch_commit(locked).await;
        fetched.map_err(|error| match error {
            GitError::Missing(commit) => GitError::LockedGone(commit),
            other => other,
        })?;
        self.checkout("FETCH_HEAD").await
    }

    /// Fetches one revision alone; with its history where the server gives it only so.
    async fn fetch_shallow(&self, name: &str) -> Result<(), GitError> {
        if self
            .run(&["fetch", "--quiet", "--no-tags", "--depth=1", "origin", name])
            .await
            .is_ok()
        {
            return Ok(());
        }
        self.run(&["fetch", "--quiet", "--no-tags", "origin", name])
            .await
            .map(|_| ())
    }

    /// Fetches a commit: alone, or else with every branch and tag, if it is in one of them.
    async fn fetch_commit(&self, commit: &str) -> Result<(), GitError> {
        let is_full = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_full
            && self
                .run(&[
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--depth=1",
                    "origin",
                    commit,
                ])
                .await
                .is_ok()
        {
            return Ok(());
        }
        let everything = [
            "+refs/heads/*:refs/remotes/origin/*",
            "+refs/tags/*:refs/tags/*",
        ];
        let unshallow = if self.directory.join(".git/shallow").exists() {
            "--unshallow"
        } else {
            "--no-tags"
        };
        self.run(&[
            "fetch",
            "--quiet",
            unshallow,
            "origin",
            everything[0],
            everything[1],
        ])
        .await?;
        let missing = |_| GitError::Missing(commit.to_owned());
        let name = format!("{commit}^{{commit}}");
        let found = self
            .run(&[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &name,
            ])
            .await;
        let found = found.map_err(missing)?;
        // Where the others look for what was fetched.
        fs::write(self.directory.join(".git/FETCH_HEAD"), found.trim()).map_err(|source| {
            GitError::Tree(TreeError::Disk {
                path: self.directory.to_owned(),
                source,
            })
        })
    }

    async fn checkout(&self, name: &str) -> Result<String, GitError> {
        let commit = self
            .run(&[
                "rev-parse",
                "--verify",
                "--quiet",
                &format!("{name}^{{commit}}"),
            ])
            .await?;
        let commit = commit.trim().to_owned();
        self.run(&["checkout", "--quiet", "--detach", "--force", &commit])
            .await?;
        Ok(commit)
    }

    /// Runs Git in the directory; what it prints, or why it failed.
    async fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        let verb = arguments.first().copied().unwrap_or_default().to_owned();
        let output = self.command(arguments).output();
        let output = tokio::time::timeout(Duration::from_millis(GIT_MS_MAX), output).await;
        let output = output
            .map_err(|_| GitError::Endless { verb: verb.clone() })?
            .map_err(GitError::Program)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let says = String::from_utf8_lossy(&output.stderr);
        let says = says
            .trim()
            .replace(&self.source.url, &without_secrets(&self.source.url));
        let from = says
            .char_indices()
            .rev()
            .map(|(at, _)| at)
            .take_while(|at| says.len() - at <= GIT_SAYS_BYTES_MAX)
            .last();
        let says = says.get(from.unwrap_or(0)..).unwrap_or_default().to_owned();
        let says = if says.is_empty() {
            format!("it ended with {}", output.status)
        } else {
            says
        };
        Err(GitError::Failed { verb, says })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(self.settings.environment());
        // What points Git to another repository, as in a hook, is not meant for this one.
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_NAMESPACE",
            "GIT_PREFIX",
        ] {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", TRANSPORTS.join(":"))
            .env("LC_ALL", "C")
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.autocrlf=false",
                "-c",
                "gc.auto=0",
            ])
            .args([
                "-c",
                "advice.detachedHead=false",
                "-c",
                "init.defaultBranch=main",
                "-c",
                "core.fsmonitor=false",
            ])
            .args(arguments)
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match &self.ssh {
            Some(ssh) => {
                command.env("GIT_SSH_COMMAND", ssh);
            }
            None if self.settings.variable("GIT_SSH_COMMAND").is_none()
                && self.settings.variable("GIT_SSH").is_none() =>
            {
                command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
            }
            None => {}
        }
        command
    }
}

/// The revision that an address names, where both are such that Git may be given them.
fn reference(source: &RemoteSource) -> Result<Option<String>, GitError> {
    let scheme = source.url.split("://").next().unwrap_or_default();
    if !TRANSPORTS.contains(&scheme) {
        return Err(GitError::Transport(scheme.to_owned()));
    }
    let reference = source
        .setting("ref")
        .filter(|reference| !reference.is_empty());
    let is_bad = |reference: &String| {
        reference.starts_with('-')
            || reference.contains(|c: char| c.is_control() || c == ' ' || c == ':')
    };
    match reference {
        Some(reference) if is_bad(&reference) => Err(GitError::Reference(reference)),
        other => Ok(other),
    }
}

/// The private key that the address carries, in a file that only this user can read.
fn key(source: &RemoteSource) -> Result<Option<tempfile::NamedTempFile>, GitError> {
    let Some(encoded) = source.setting("sshkey").filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    // A plus sign that was not encoded has become a space.
    let encoded = encoded.replace(' ', "+");
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine
        .decode(encoded.trim())
        .map_err(|error| GitError::Key(io::Error::other(error.to_string())))?;
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix("steadfast-key-")
            .tempfile()?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(&key)?;
        file.flush()?;
        Ok(file)
    };
    write().map(Some).map_err(GitError::Key)
}
