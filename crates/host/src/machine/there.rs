//! Another machine: one connection, opened when something is first asked, and the shells that run through it.
//!
//! Short requests follow each other in one shell. What takes long has shells of its own, over the same connection, so
//! that a look does not wait for an installation.

use super::shell::{Reply, Request, Shell};
use crate::diag::{self, Trouble};
use crate::limits::{
    CONNECT_RETRY_MS, LOGIN_ATTEMPT_MS_MAX, LONG_SHELLS_MAX, STILL_RUNNING_RETRY_MS,
};
use crate::process::quoted;
use crate::ssh::{Connection, HostKeys, Session};
use core::fmt;
use core::time::Duration;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep};
use value::Diagnostic;

/// What a request is for; it decides what an answer means that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Nothing is changed by it.
    Looking,
    /// Something may have been changed.
    Changing,
}

/// A machine that is reached over SSH.
pub(crate) struct There {
    connection: Connection,
    /// Who acts there, if it is not who logs in.
    acts_as: Option<String>,
    link: Mutex<Link>,
    /// Shells for what takes long that nobody uses now.
    idle: Mutex<Vec<Shell>>,
    long: Semaphore,
    /// Turns to log in, for all machines.
    logins: Arc<Semaphore>,
}

impl fmt::Debug for There {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("There").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Link {
    open: Option<(Session, Shell)>,
    /// When the machine could not be reached, and why: whoever waited meanwhile gets the same answer.
    failed: Option<(Instant, Diagnostic)>,
}

impl There {
    pub(crate) fn new(
        connection: Connection,
        acts_as: Option<String>,
        logins: Arc<Semaphore>,
    ) -> Self {
        allow_descriptors();
        Self {
            connection,
            acts_as,
            link: Mutex::default(),
            idle: Mutex::default(),
            long: Semaphore::new(LONG_SHELLS_MAX),
            logins,
        }
    }

    /// What the machine is called in messages.
    pub(crate) fn name(&self) -> &str {
        self.connection.host()
    }

    /// Asks.
    pub(crate) async fn ask(&self, request: &Request, why: For) -> Result<Reply, Trouble> {
        let answer = match request.is_long {
            true => self.ask_long(request, why).await?,
            false => self.ask_short(request, why).await?,
        };
        answer.map_err(|said| match why {
            For::Looking => Trouble::Failed(
                diag::connection_broke(self.name(), &said),
                Some(STILL_RUNNING_RETRY_MS),
            ),
            For::Changing => Trouble::Lost(format!(
                "the connection to {} broke in the middle of it: {said}",
                self.name()
            )),
        })
    }

    async fn ask_short(
        &self,
        request: &Request,
        why: For,
    ) -> Result<Result<Reply, String>, Trouble> {
        let mut link = self.linked(why).await?;
        // Taken out, so that a request that is given up leaves no shell behind with half an answer in it.
        let Some((session, mut shell)) = link.open.take() else {
            return Ok(Err("it was closed".to_owned()));
        };
        let answer = shell.ask(request).await;
        match answer {
            Ok(_) => link.open = Some((session, shell)),
            Err(_) => self.idle.lock().await.clear(),
        }
        Ok(answer)
    }

    async fn ask_long(
        &self,
        request: &Request,
        why: For,
    ) -> Result<Result<Reply, String>, Trouble> {
        let Ok(_permit) = self.long.acquire().await else {
            return Ok(Err("it was closed".to_owned()));
        };
        let idle = self.idle.lock().await.pop();
        let mut shell = match idle {
            Some(shell) => shell,
            None => {
                let link = self.linked(why).await?;
                let Some((session, _)) = &link.open else {
                    return Ok(Err("it was closed".to_owned()));
                };
                let shell = self.shell(session, false);
                let mut shell = shell.map_err(|error| diag::not_started("`ssh`", &error))?;
                match shell.greet(LOGIN_ATTEMPT_MS_MAX).await {
                    Ok(()) => shell,
                    Err(said) => {
                        return Err(Trouble::Failed(
                            diag::connection_broke(self.name(), &said),
                            Some(STILL_RUNNING_RETRY_MS),
                        ));
                    }
                }
            }
        };
        let answer = shell.ask(request).await;
        if answer.is_ok() {
            self.idle.lock().await.push(shell);
        }
        Ok(answer)
    }

    /// The connection, open.
    async fn linked(&self, why: For) -> Result<tokio::sync::MutexGuard<'_, Link>, Trouble> {
        let asked = Instant::now();
        let mut link = self.link.lock().await;
        if link.open.is_some() {
            return Ok(link);
        }
        if let Some((when, diagnostic)) = &link.failed
            && *when > asked
        {
            return Err(diagnostic.clone().into());
        }
        match self.log_in(why).await {
            Ok(open) => {
                link.open = Some(open);
                Ok(link)
            }
            Err(diagnostic) => {
                link.failed = Some((Instant::now(), diagnostic.clone()));
                Err(diagnostic.into())
            }
        }
    }

    /// Logs in, again and again until the time is over: a machine that was just made takes a while to answer.
    async fn log_in(&self, why: For) -> Result<(Session, Shell), Diagnostic> {
        let directory = tempfile::Builder::new().prefix("steadfast-ssh-").tempdir();
        let session = directory.and_then(|files| self.connection.session(files, HostKeys::Known));
        let session = session.map_err(|error| diag::not_started("`ssh`", &error))?;
        let timeout_ms = match why {
            For::Looking => self.connection.look_timeout_ms(),
            For::Changing => self.connection.timeout_ms(),
        };
        let mut turn = self.logins.acquire().await.ok();
        let until = Instant::now() + Duration::from_millis(timeout_ms);
        // Ends when the time is over.
        loop {
            let shell = self.shell(&session, true);
            let mut shell = shell.map_err(|error| diag::not_started("`ssh`", &error))?;
            let said = match shell.greet(LOGIN_ATTEMPT_MS_MAX).await {
                Ok(()) => {
                    session.forget_keys();
                    return Ok((session, shell));
                }
                Err(said) => said,
            };
            if said.contains("sudo:") {
                let acts_as = self.acts_as.as_deref().unwrap_or_default();
                return Err(diag::not_allowed(self.name(), acts_as, &said));
            }
            if Instant::now() >= until {
                return Err(diag::not_connected(self.name(), timeout_ms, &said));
            }
            // A machine that does not answer holds up no other one. It may answer later, and nothing tells when.
            drop(turn.take());
            sleep(Duration::from_millis(CONNECT_RETRY_MS)).await;
        }
    }

    /// A shell there; the first one is the connection for those that follow.
    fn shell(&self, session: &Session, is_first: bool) -> io::Result<Shell> {
        let mut command = session.ssh();
        if is_first {
            // What an attempt left that had to be killed would keep the next one from being the connection of others.
            let _ = std::fs::remove_file(session.files.path().join("control"));
            command.args(["-M", "-o", "ControlPersist=no"]);
        }
        let shell = match &self.acts_as {
            Some(who) => format!("exec sudo -n -H -u {} -- /bin/sh", quoted(who)),
            None => "exec /bin/sh".to_owned(),
        };
        // What a configuration says for people is not for this.
        command.args(["-T", "-o", "RemoteCommand=none"]);
        command.args(["--", &session.host, &shell]);
        Shell::start(&mut command)
    }

    /// Ends the connection.
    pub(crate) async fn close(&self) {
        for shell in core::mem::take(&mut *self.idle.lock().await) {
            shell.close().await;
        }
        if let Some((_session, shell)) = self.link.lock().await.open.take() {
            shell.close().await;
        }
    }
}

/// Lets this process open as many files as it may at all: a machine takes up to sixteen, and what a shell allows by
/// itself is often 1,024.
fn allow_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What it has is enough for some dozens of machines.
    let _ = setrlimit(Resource::Nofile, limit);
}
