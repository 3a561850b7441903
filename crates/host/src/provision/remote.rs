//! Provisioners on another machine, through the `ssh` of this one: what its configuration, agent and keys say holds.
//!
//! One connection serves a provisioner ([`Session`], a control master of its own). The work is one program, so that its
//! exit status says how all of it ended.

use super::Place;
use super::arguments::Arguments;
use super::task::Program;
use crate::command::duration_ms;
use crate::diag::{self, Trouble};
use crate::limits::{
    COMMAND_TIMEOUT_MS_MAX, CONNECT_ATTEMPT_S_MAX, CONNECT_RETRY_MS, CONNECT_TIMEOUT_MS_DEFAULT,
    CONNECTION_IDLE_S_MAX,
};
use crate::process::quoted;
use model::ActionId;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use value::Diagnostic;

/// Exit status of `ssh` when its connection failed. What runs on the other side never ends with it (see `ENDED`).
pub(super) const SSH_FAILED: i32 = 255;

/// The end of every remote command: its status, which is not taken for that of `ssh`.
const ENDED: &str = "[ $code -eq 255 ] && code=254; exit $code";

/// Where the password of a login stands while `ssh` asks for it.
const PASSWORD: &str = "STEADFAST_SSH_PASSWORD";

/// The same for the bastion.
const BASTION_PASSWORD: &str = "STEADFAST_SSH_BASTION_PASSWORD";

/// One machine to log in to.
struct Login {
    host: String,
    user: Option<String>,
    port: Option<u16>,
    password: Option<String>,
    private_key: Option<String>,
    certificate: Option<String>,
    host_key: Option<String>,
}

/// A `connection` block.
pub(super) struct Connection {
    target: Login,
    bastion: Option<Login>,
    agent: bool,
    identity: Option<String>,
    timeout_ms: u64,
    script_path: Option<String>,
}

impl Connection {
    /// # Errors
    /// When it says what cannot be done.
    pub(super) fn of(arguments: &Arguments<'_>) -> Result<Self, Diagnostic> {
        let kind = arguments.text("type")?.unwrap_or("ssh");
        if kind != "ssh" {
            return Err(diag::connection_unsupported("type", kind));
        }
        let platform = arguments.text("target_platform")?.unwrap_or("unix");
        if platform != "unix" {
            return Err(diag::connection_unsupported("target_platform", platform));
        }
        if let Some(proxy) = arguments
            .text("proxy_host")?
            .filter(|host| !host.is_empty())
        {
            return Err(diag::connection_unsupported("proxy_host", proxy));
        }
        let timeout = arguments.text("timeout")?;
        let timeout_ms = timeout.map(|text| {
            let ms = duration_ms(text).filter(|ms| (1..=COMMAND_TIMEOUT_MS_MAX).contains(ms));
            ms.ok_or_else(|| diag::invalid_duration(text, COMMAND_TIMEOUT_MS_MAX))
        });
        let target = Login::of(arguments, "")?;
        let has_bastion = arguments
            .text("bastion_host")?
            .is_some_and(|host| !host.is_empty());
        let bastion = has_bastion.then(|| Login::of(arguments, "bastion_"));
        let mut bastion = bastion.transpose()?;
        if let Some(bastion) = &mut bastion {
            // As in Terraform, the bastion is logged in to in the same way unless it says otherwise.
            bastion.user = bastion.user.take().or_else(|| target.user.clone());
            bastion.password = bastion.password.take().or_else(|| target.password.clone());
            let key = bastion.private_key.take();
            bastion.private_key = key.or_else(|| target.private_key.clone());
        }
        Ok(Self {
            target,
            bastion,
            agent: arguments.flag("agent")?.unwrap_or(true),
            identity: arguments.text("agent_identity")?.map(str::to_owned),
            timeout_ms: timeout_ms
                .transpose()?
                .unwrap_or(CONNECT_TIMEOUT_MS_DEFAULT),
            script_path: arguments.text("script_path")?.map(str::to_owned),
        })
    }

    /// Logs in, again and again until the time is over: a machine that was just made takes a while to answer.
    pub(super) async fn open(&self) -> Result<Session, Trouble> {
        let directory = tempfile::Builder::new().prefix("steadfast-ssh-").tempdir();
        let files = directory
            .map_err(|error| diag::system("make a directory in", &std::env::temp_dir(), &error))?;
        let session = self
            .session(files)
            .map_err(|error| diag::system("write to", &std::env::temp_dir(), &error))?;
        let until = Instant::now() + Duration::from_millis(self.timeout_ms);
        // Ends when the time is over.
        loop {
            let why = match session.log_in().await {
                Ok(None) => return Ok(session),
                Ok(Some(why)) => why,
                Err(error) => return Err(diag::not_started("`ssh`", &error).into()),
            };
            if Instant::now() >= until {
                let target = &self.target;
                return Err(diag::not_connected(&target.host, self.timeout_ms, &why).into());
            }
            // A machine that was just made answers later, and nothing tells when.
            sleep(Duration::from_millis(CONNECT_RETRY_MS)).await;
        }
    }

    fn session(&self, files: TempDir) -> io::Result<Session> {
        let at = |name: &str| files.path().join(name);
        let mut environment = BTreeMap::new();
        let mut options = self.target.options(files.path(), "")?;
        if !self.agent {
            options.extend(["-o", "IdentityAgent=none"].map(str::to_owned));
        }
        if let Some(identity) = &self.identity {
            options.extend(["-i".to_owned(), identity.clone()]);
        }
        if let Some(password) = &self.target.password {
            environment.insert(PASSWORD.to_owned(), password.clone());
            environment.insert(
                "SSH_ASKPASS".to_owned(),
                text_of(&ask(&at("ask"), PASSWORD)?),
            );
            environment.insert("SSH_ASKPASS_REQUIRE".to_owned(), "force".to_owned());
        }
        if let Some(bastion) = &self.bastion {
            let mut words = Vec::new();
            if let Some(password) = &bastion.password {
                environment.insert(BASTION_PASSWORD.to_owned(), password.clone());
                let ask = ask(&at("bastion_ask"), BASTION_PASSWORD)?;
                words.extend([
                    "env".to_owned(),
                    format!("SSH_ASKPASS={}", ask.display()),
                    "SSH_ASKPASS_REQUIRE=force".to_owned(),
                ]);
            }
            words.push("ssh".to_owned());
            words.extend(bastion.options(files.path(), "bastion_")?);
            // The only words with a meaning of their own to ssh: the machine behind the bastion.
            let words: Vec<String> = words
                .iter()
                .map(|word| quoted(&word.replace('%', "%%")))
                .collect();
            let through = format!("{} -W %h:%p -- {}", words.join(" "), quoted(&bastion.host));
            options.extend(["-o".to_owned(), format!("ProxyCommand={through}")]);
        }
        options.extend(["-S".to_owned(), text_of(&at("control"))]);
        Ok(Session {
            options,
            host: self.target.host.clone(),
            environment,
            script_path: self.script_path.clone(),
            files,
        })
    }
}

impl Login {
    fn of(arguments: &Arguments<'_>, prefix: &str) -> Result<Self, Diagnostic> {
        let text = |name: &str| -> Result<Option<String>, Diagnostic> {
            let text = arguments.text(&format!("{prefix}{name}"))?;
            Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
        };
        let host = arguments.required(&format!("{prefix}host"))?;
        if host.starts_with('-') || host.contains(char::is_whitespace) {
            return Err(diag::invalid_argument(
                "host",
                "the name or address of a machine",
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            user: text("user")?,
            port: arguments.port(&format!("{prefix}port"))?,
            password: text("password")?,
            private_key: text("private_key")?,
            certificate: text("certificate")?,
            host_key: text("host_key")?,
        })
    }

    /// What `ssh` is told, with the files that it reads.
    fn options(&self, files: &Path, prefix: &str) -> io::Result<Vec<String>> {
        let file = |name: &str, content: &str| -> io::Result<String> {
            let path = files.join(format!("{prefix}{name}"));
            write(&path, &format!("{}\n", content.trim_end()), 0o600)?;
            Ok(text_of(&path))
        };
        let mut set = vec![
            format!("ConnectTimeout={CONNECT_ATTEMPT_S_MAX}"),
            "ServerAliveInterval=15".to_owned(),
            "LogLevel=ERROR".to_owned(),
            format!("User={}", self.user.as_deref().unwrap_or("root")),
        ];
        match self.password {
            Some(_) => set.push("NumberOfPasswordPrompts=1".to_owned()),
            None => set.push("BatchMode=yes".to_owned()),
        }
        if let Some(port) = self.port {
            set.push(format!("Port={port}"));
        }
        if let Some(key) = &self.private_key {
            set.push(format!("IdentityFile={}", file("key", key)?));
            set.push("IdentitiesOnly=yes".to_owned());
        }
        if let Some(certificate) = &self.certificate {
            set.push(format!(
                "CertificateFile={}",
                file("key-cert.pub", certificate)?
            ));
        }
        // Without a key to expect, any is taken, as in Terraform: the machine may have been made a moment ago.
        match &self.host_key {
            Some(key) => {
                set.push(format!(
                    "UserKnownHostsFile={}",
                    file("known", &format!("* {key}"))?
                ));
                set.push("StrictHostKeyChecking=yes".to_owned());
            }
            None => {
                set.push("UserKnownHostsFile=/dev/null".to_owned());
                set.push("StrictHostKeyChecking=no".to_owned());
            }
        }
        let pairs = set.into_iter().flat_map(|one| ["-o".to_owned(), one]);
        Ok(pairs.collect())
    }
}

/// A connection that stands.
pub(super) struct Session {
    options: Vec<String>,
    host: String,
    environment: BTreeMap<String, String>,
    script_path: Option<String>,
    files: TempDir,
}

impl Session {
    fn ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(&self.options)
            .envs(&self.environment)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Logs in once and stays connected in the background, also for a while after this process is gone; says why not.
    async fn log_in(&self) -> io::Result<Option<String>> {
        let said = self.files.path().join("said");
        let persist = format!("ControlPersist={CONNECTION_IDLE_S_MAX}");
        let mut command = self.ssh();
        command
            .args(["-M", "-N", "-f", "-o", &persist, "--", &self.host])
            .stderr(fs::File::create(&said)?);
        if command.status().await?.success() {
            return Ok(None);
        }
        let said = fs::read_to_string(&said).unwrap_or_default();
        Ok(Some(said.trim().to_owned()))
    }

    /// Ends the connection. One that cannot be ended ends by itself.
    pub(super) async fn close(self) {
        let mut command = self.ssh();
        command
            .args(["-O", "exit", "--", &self.host])
            .stderr(Stdio::null());
        let _ = command.status().await;
    }
}

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

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A program that `ssh` asks for a password.
fn ask(path: &Path, variable: &str) -> io::Result<PathBuf> {
    write(
        path,
        &format!("#!/bin/sh\nprintf '%s\\n' \"${variable}\"\n"),
        0o700,
    )?;
    Ok(path.to_owned())
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    options.open(path)?.write_all(text.as_bytes())
}
