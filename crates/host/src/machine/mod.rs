//! [`Machine`]: the machine that objects are on, this one or another.
//!
//! On this machine files are looked at and written by the system's calls themselves (`standing`, `write`, `process`).
//! On another one the same is done by small scripts for a POSIX shell with the programs of coreutils or busybox, which
//! is all that is needed there. What else there is to do on a machine is the same script on both.

mod commands;
mod files;
mod shell;
mod there;

use crate::diag::{self, Trouble};
use crate::limits::{LOGIN_ATTEMPT_MS_MAX, LOGINS_MAX};
use crate::process::{Ended, Lock, Run};
use crate::rights::{Accounts, Rights};
use crate::ssh::Connection;
use crate::standing::{self, Content, Meta, Standing};
use crate::write::{self, Over};
use model::{ActionId, Digest};
use shell::Shell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::process::Command;
use tokio::sync::Semaphore;
use value::Diagnostic;

pub(crate) use commands::RUNNING;
pub(crate) use shell::{Reply, Request};
pub(crate) use there::{For, There};

/// A machine, as the resource types see it.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The project's directory, on this machine.
    pub(crate) project: PathBuf,
    scratch: PathBuf,
    place: Place,
    editing: Mutex<()>,
    installing: Mutex<()>,
    logins: Arc<Semaphore>,
}

#[derive(Debug)]
enum Place {
    Here(Accounts),
    There(There, Mutex<Option<Accounts>>),
    /// Which machine is not known yet.
    Nowhere,
}

impl Machine {
    /// This machine.
    pub(crate) fn here(project: PathBuf, scratch: PathBuf) -> Self {
        Self {
            project,
            scratch,
            place: Place::Here(Accounts::system()),
            editing: Mutex::default(),
            installing: Mutex::default(),
            logins: Arc::new(Semaphore::new(LOGINS_MAX)),
        }
    }

    /// Another machine, for the same project.
    pub(crate) fn there(&self, connection: Connection, acts_as: Option<String>) -> Self {
        let there = There::new(connection, acts_as, self.logins.clone());
        self.at(Place::There(there, Mutex::default()))
    }

    /// A machine of which nothing is known yet.
    pub(crate) fn nowhere(&self) -> Self {
        self.at(Place::Nowhere)
    }

    fn at(&self, place: Place) -> Self {
        Self {
            project: self.project.clone(),
            scratch: self.scratch.clone(),
            place,
            editing: Mutex::default(),
            installing: Mutex::default(),
            logins: self.logins.clone(),
        }
    }

    /// Whether it is known which machine this is.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.place, Place::Nowhere)
    }

    /// Whether it is this one.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.place, Place::Here(_))
    }

    /// A path of a configuration as a path of this process. Of another machine only whole ones are taken.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }

    /// Checks that a path says where it is on that machine.
    pub(crate) fn check_place(&self, attribute: &str, path: &str) -> Result<(), Diagnostic> {
        match self.is_here() || path.starts_with('/') {
            true => Ok(()),
            false => Err(diag::not_absolute(attribute, path)),
        }
    }

    /// The accounts that exist there.
    pub(crate) fn accounts(&self) -> Result<Accounts, Trouble> {
        match &self.place {
            Place::Here(accounts) => Ok(accounts.clone()),
            Place::There(there, known) => {
                let before = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(accounts) = before {
                    return Ok(accounts);
                }
                let accounts = waited(files::accounts(there))?;
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some(accounts.clone());
                Ok(accounts)
            }
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Forgets which accounts there are: one was changed.
    pub(crate) fn accounts_changed(&self) {
        if let Place::There(_, known) = &self.place {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Held by who reads a file there, changes it and writes it back.
    pub(crate) fn editing(&self) -> MutexGuard<'_, ()> {
        self.editing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held by who changes packages there.
    pub(crate) fn installing(&self) -> MutexGuard<'_, ()> {
        self.installing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a script there.
    pub(crate) async fn ask(&self, request: &Request, why: For) -> Result<Reply, Trouble> {
        match &self.place {
            Place::Here(_) => here(request, why).await,
            Place::There(there, _) => there.ask(request, why).await,
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// The same from a thread that may wait.
    pub(crate) fn ask_waiting(&self, request: &Request, why: For) -> Result<Reply, Trouble> {
        waited(self.ask(request, why))
    }

    /// Looks at a path.
    pub(crate) fn look(&self, path: &Path) -> Result<Standing, Trouble> {
        match &self.place {
            Place::Here(_) => standing::look(path),
            Place::There(there, _) => waited(files::look(there, path)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Looks at a path, from a thread that may not wait.
    pub(crate) async fn look_soon(&self, path: &Path) -> Result<Standing, Trouble> {
        match &self.place {
            Place::Here(_) => standing::look(path),
            Place::There(there, _) => files::look(there, path).await,
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Digest and size of a file's content, and the content itself where it is not larger than this.
    pub(crate) fn content(&self, path: &Path, shown_bytes_max: u64) -> Result<Content, Trouble> {
        match &self.place {
            Place::Here(_) => standing::content(path, shown_bytes_max),
            Place::There(there, _) => waited(files::content(there, path, shown_bytes_max)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// The content of a file that was just looked at, which may have said its digest already.
    pub(crate) fn content_of(&self, path: &Path, meta: &Meta) -> Result<Content, Trouble> {
        match meta.digest {
            Some(digest) => Ok(Content {
                digest,
                size: meta.size,
                bytes: None,
            }),
            None => self.content(path, 0),
        }
    }

    /// Where the target of a link says that it leads; none where no link stands. Fails for what is no text.
    pub(crate) fn link_target(&self, path: &Path) -> Result<Option<Result<String, ()>>, Trouble> {
        match &self.place {
            Place::Here(_) => Ok(std::fs::read_link(path)
                .ok()
                .map(|target| target.into_os_string().into_string().map_err(|_| ()))),
            Place::There(there, _) => waited(files::link_target(there, path)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn write_file(
        &self,
        path: &Path,
        action: ActionId,
        content: &[u8],
        rights: Rights,
        over: Over,
    ) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::file(path, action, content, rights, over),
            Place::There(there, _) => {
                waited(files::write(there, path, action, content, rights, over))
            }
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Makes a directory.
    pub(crate) fn make_directory(
        &self,
        path: &Path,
        action: ActionId,
        rights: Rights,
    ) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::directory(path, action, rights),
            Place::There(there, _) => waited(files::directory(there, path, action, rights)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Makes a symbolic link.
    pub(crate) fn make_link(
        &self,
        path: &Path,
        action: ActionId,
        target: &str,
        over: Over,
    ) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::link(path, action, target, over),
            Place::There(there, _) => waited(files::link(there, path, action, target, over)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Gives what stands at a path its rights.
    pub(crate) fn set_rights(
        &self,
        path: &Path,
        rights: Rights,
        meta: &Meta,
    ) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::rights(path, rights, meta),
            Place::There(there, _) => waited(files::rights(there, path, rights, meta)),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Removes a file durably. Nothing there is fine.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::remove_file(path),
            Place::There(there, _) => waited(files::remove(there, path, "rm -f")),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Removes an empty directory durably. Nothing there is fine.
    pub(crate) fn remove_directory(&self, path: &Path) -> Result<(), Trouble> {
        match &self.place {
            Place::Here(_) => write::remove_directory(path),
            Place::There(there, _) => waited(files::remove(there, path, "rmdir")),
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Runs a command of an action to its end.
    pub(crate) async fn run(
        &self,
        run: &Run,
        action: ActionId,
        name: &str,
    ) -> Result<Ended, Trouble> {
        match &self.place {
            Place::Here(_) => Ok(run.run(&self.lock(action, name)).await),
            Place::There(there, _) => {
                commands::run(there, run, &self.lock_there(action, name)).await
            }
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// Whether an earlier attempt at a command still runs.
    pub(crate) async fn is_running(&self, action: ActionId, name: &str) -> Result<bool, Trouble> {
        match &self.place {
            Place::Here(_) => {
                let lock = self.lock(action, name);
                let held = Lock::is_held(&lock);
                held.map_err(|error| diag::system("look at the lock", &lock, &error))
            }
            Place::There(there, _) => {
                commands::is_running(there, &self.lock_there(action, name)).await
            }
            Place::Nowhere => Err(diag::machine_unknown().into()),
        }
    }

    /// The lock that is held while a command of this action runs on this machine.
    fn lock(&self, action: ActionId, name: &str) -> PathBuf {
        self.scratch.join(lock_name(action, name))
    }

    /// The name of the same on another machine, where those of other projects are as well.
    fn lock_there(&self, action: ActionId, name: &str) -> String {
        let scratch = self.scratch.to_string_lossy();
        let project = Digest::of(scratch.as_bytes()).short();
        format!("{project}-{}", lock_name(action, name))
    }

    /// Where commands run that say nothing else.
    pub(crate) fn home(&self) -> PathBuf {
        match self.place {
            Place::Here(_) => self.project.clone(),
            // The shell there knows.
            Place::There(..) | Place::Nowhere => PathBuf::new(),
        }
    }

    /// Lets go of the connection.
    pub(crate) async fn close(&self) {
        if let Place::There(there, _) = &self.place {
            there.close().await;
        }
    }
}

fn lock_name(action: ActionId, name: &str) -> String {
    format!("{action}-{name}.lock")
}

/// Waits on a thread that is there for waiting.
fn waited<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(future)
}

/// Runs a script on this machine, in a shell of its own.
async fn here(request: &Request, why: For) -> Result<Reply, Trouble> {
    let mut command = Command::new("/bin/sh");
    crate::process::cleaned(&mut command);
    let shell = Shell::start(&mut command);
    let mut shell = shell.map_err(|error| diag::not_started("`/bin/sh`", &error))?;
    let answer = match shell.greet(LOGIN_ATTEMPT_MS_MAX).await {
        Ok(()) => shell.ask(request).await,
        Err(said) => Err(said),
    };
    match (answer, why) {
        (Ok(reply), _) => {
            shell.close().await;
            Ok(reply)
        }
        (Err(said), For::Looking) => Err(Trouble::Failed(
            diag::connection_broke("the shell", &said),
            None,
        )),
        (Err(said), For::Changing) => Err(Trouble::Lost(format!("the shell ended early: {said}"))),
    }
}
