//! How other machines are logged in to: with the `ssh` of this one, so that its configuration, agent and keys hold.

use crate::arguments::Arguments;
use crate::command::duration_ms;
use crate::diag::{self, Trouble};
use crate::limits::{
    COMMAND_TIMEOUT_MS_MAX, CONNECT_ATTEMPT_S_MAX, CONNECT_RETRY_MS, CONNECT_TIMEOUT_MS_DEFAULT,
    CONNECTION_IDLE_S_MAX, LOOK_CONNECT_TIMEOUT_MS_DEFAULT,
};
use crate::process::quoted;
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

/// Where the password of a login stands while `ssh` asks for it.
const PASSWORD: &str = "STEADFAST_SSH_PASSWORD";

/// The same for the bastion.
const BASTION_PASSWORD: &str = "STEADFAST_SSH_BASTION_PASSWORD";

/// One machine to log in to.
#[derive(Debug)]
struct Login {
    host: String,
    user: Option<String>,
    port: Option<u16>,
    password: Option<String>,
    private_key: Option<String>,
    certificate: Option<String>,
    host_key: Option<String>,
}

/// Which key a machine may have when none is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKeys {
    /// Any, as for Terraform's provisioners: the machine may have been made a moment ago.
    Any,
    /// The one it had before; one of a machine that was never seen is taken note of.
    Known,
}

/// A `connection` block.
#[derive(Debug)]
pub(crate) struct Connection {
    target: Login,
    bastion: Option<Login>,
    agent: bool,
    identity: Option<String>,
    timeout_ms: Option<u64>,
    script_path: Option<String>,
}

impl Connection {
    /// # Errors
    /// When it says what cannot be done.
    pub(crate) fn of(arguments: &Arguments<'_>) -> Result<Self, Diagnostic> {
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
            timeout_ms: timeout_ms.transpose()?,
            script_path: arguments.text("script_path")?.map(str::to_owned),
        })
    }

    /// Logs in, again and again until the time is over: a machine that was just made takes a while to answer.
    pub(crate) async fn open(&self) -> Result<Session, Trouble> {
        let directory = tempfile::Builder::new().prefix("steadfast-ssh-").tempdir();
        let files = directory
            .map_err(|error| diag::system("make a directory in", &std::env::temp_dir(), &error))?;
        let session = self
            .session(files, HostKeys::Any)
            .map_err(|error| diag::system("write to", &std::env::temp_dir(), &error))?;
        let timeout_ms = self.timeout_ms();
        let until = Instant::now() + Duration::from_millis(timeout_ms);
        // Ends when the time is over.
        loop {
            let why = match session.log_in().await {
                Ok(None) => return Ok(session),
                Ok(Some(why)) => why,
                Err(error) => return Err(diag::not_started("`ssh`", &error).into()),
            };
            if Instant::now() >= until {
                let target = &self.target;
                return Err(diag::not_connected(&target.host, timeout_ms, &why).into());
            }
            // A machine that was just made answers later, and nothing tells when.
            sleep(Duration::from_millis(CONNECT_RETRY_MS)).await;
        }
    }

    /// Time in which the machine must be reached.
    pub(crate) fn timeout_ms(&self) -> u64 {
        self.timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS_DEFAULT)
    }

    /// The same where it is only looked at: what is there answers soon.
    pub(crate) fn look_timeout_ms(&self) -> u64 {
        self.timeout_ms.unwrap_or(LOOK_CONNECT_TIMEOUT_MS_DEFAULT)
    }

    /// The machine.
    pub(crate) fn host(&self) -> &str {
        &self.target.host
    }

    /// What `ssh` is told to log in; `files` is where its keys stand.
    pub(crate) fn session(&self, files: TempDir, keys: HostKeys) -> io::Result<Session> {
        let at = |name: &str| files.path().join(name);
        let mut environment = BTreeMap::new();
        let mut options = self.target.options(files.path(), "", keys)?;
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
            words.extend(bastion.options(files.path(), "bastion_", keys)?);
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
    fn options(&self, files: &Path, prefix: &str, keys: HostKeys) -> io::Result<Vec<String>> {
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
        match &self.host_key {
            Some(key) => {
                set.push(format!(
                    "UserKnownHostsFile={}",
                    file("known", &format!("* {key}"))?
                ));
                set.push("StrictHostKeyChecking=yes".to_owned());
            }
            None if keys == HostKeys::Known => {
                set.push("StrictHostKeyChecking=accept-new".to_owned());
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
pub(crate) struct Session {
    /// What `ssh` is told.
    pub(crate) options: Vec<String>,
    /// The machine.
    pub(crate) host: String,
    /// What the programs see that ask for passwords.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where a script is put there, if that is said.
    pub(crate) script_path: Option<String>,
    /// Keys and scripts; removed with the session.
    pub(crate) files: TempDir,
}

impl Session {
    /// `ssh` with all it is told, but for the machine.
    pub(crate) fn ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(&self.options)
            .envs(&self.environment)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Removes the keys of a connection that stands: whoever uses it needs none.
    pub(crate) fn forget_keys(&self) {
        for name in ["key", "bastion_key"] {
            // Most connections have no key of their own, or one of them.
            let _ = fs::remove_file(self.files.path().join(name));
        }
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
    pub(crate) async fn close(self) {
        let mut command = self.ssh();
        command
            .args(["-O", "exit", "--", &self.host])
            .stderr(Stdio::null());
        let _ = command.status().await;
    }
}

pub(crate) fn text_of(path: &Path) -> String {
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

pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    options.open(path)?.write_all(text.as_bytes())
}
