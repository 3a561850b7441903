//! [`Exec`]: the provisioners `local-exec`, `remote-exec` and `file`.
//!
//! Whatever a provisioner does, it does by a program of this machine: a command by its interpreter, everything remote
//! by `ssh`. Each program runs under a small shell that writes its exit status to a file, apart from this process and
//! with a log for its output. So a provisioner outlives an engine that dies, and the next engine finds out what became
//! of it; only where the status was never written nobody can tell, and a person is asked.

mod remote;
mod task;

use crate::arguments::Arguments;
use crate::diag::{self, Trouble};
use crate::ssh::Connection;
use contract::{Inquiry, Outcome, Pending, Provisioners};
use model::{ActionId, Provision};
use remote::Work;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use task::{Program, Task};
use value::Diagnostics;

/// Runs provisioners on this machine and, with the `ssh` of this machine, on others.
///
/// Its futures need a tokio runtime with time and I/O.
#[derive(Clone, Debug)]
pub struct Exec {
    place: Arc<Place>,
    /// Actions whose outcome was told, whose files are not needed once it is recorded.
    told: Arc<Mutex<BTreeSet<ActionId>>>,
}

/// Where things are.
#[derive(Debug)]
pub(crate) struct Place {
    /// Commands run here unless they say otherwise, and relative paths start here.
    project: PathBuf,
    /// For what is kept of a provisioner while it runs.
    scratch: PathBuf,
}

impl Exec {
    /// Provisioners of this project. What is kept while they run is in `scratch`, which must be the same directory for
    /// every process that carries out the same book.
    pub fn new(project: PathBuf, scratch: PathBuf) -> Self {
        Self {
            place: Arc::new(Place { project, scratch }),
            told: Arc::default(),
        }
    }

    async fn perform(&self, action: ActionId, provision: &Provision) -> Result<Outcome, Trouble> {
        let arguments = Arguments::of(&provision.config)?;
        let task = Task::new(&self.place.scratch, action);
        if *provision.kind == *"local-exec" {
            let program = self.local(&arguments)?;
            let ended = task.run(&program).await?;
            return Ok(task::outcome(&program.shown, ended));
        }
        let Some(connection) = &provision.connection else {
            return Err(diag::no_connection(&provision.kind).into());
        };
        let connection = Connection::of(&Arguments::of(connection)?)?;
        let work = match &*provision.kind {
            "remote-exec" => Work::scripts(&arguments)?,
            "file" => Work::copy(&arguments)?,
            other => {
                let what = format!("there is no provisioner `{other}`");
                return Err(diag::unexpected_form(&what).into());
            }
        };
        let session = connection.open().await?;
        let program = work.program(&self.place, &session, action)?;
        let ended = task.run(&program).await;
        session.close().await;
        let ended = ended?;
        if ended.code == Some(remote::SSH_FAILED) {
            let why = format!("the connection broke{}", task::last(&ended.output));
            return Err(Trouble::Lost(why));
        }
        Ok(task::outcome(&program.shown, ended))
    }

    /// The command of a `local-exec`. It sees the environment of this process, as in Terraform.
    fn local(&self, arguments: &Arguments<'_>) -> Result<Program, Trouble> {
        let command = arguments.required("command")?;
        let mut argv = arguments.texts("interpreter")?;
        if argv.is_empty() {
            argv = ["/bin/sh", "-c"].map(str::to_owned).into();
        }
        argv.push(command.to_owned());
        let directory = arguments.text("working_dir")?.unwrap_or(".");
        let shown = match arguments.flag("quiet")? {
            Some(true) => "the command".to_owned(),
            Some(false) | None => format!("`{command}`"),
        };
        Ok(Program {
            argv,
            environment: arguments.entries("environment")?,
            directory: self.place.project.join(directory),
            shown,
        })
    }

    fn tell(&self, action: ActionId) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(action);
    }
}

fn about(provision: &Provision, found: &mut Diagnostics) {
    for one in &mut found.0 {
        one.address
            .get_or_insert_with(|| provision.address.to_string());
    }
}

impl Provisioners for Exec {
    fn run<'a>(&'a self, action: ActionId, provision: &'a Provision) -> Pending<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.perform(action, provision).await;
            self.tell(action);
            let mut outcome = outcome.unwrap_or_else(Into::into);
            if let Outcome::Broken { diagnostics, .. }
            | Outcome::Refused { diagnostics }
            | Outcome::Failed { diagnostics, .. } = &mut outcome
            {
                about(provision, diagnostics);
            }
            outcome
        })
    }

    fn inquire<'a>(&'a self, action: ActionId, provision: &'a Provision) -> Pending<'a, Inquiry> {
        let is_local = *provision.kind == *"local-exec";
        let task = Task::new(&self.place.scratch, action);
        let mut inquiry = task.look(|code| is_local || code != remote::SSH_FAILED);
        if let Inquiry::Found(Outcome::Broken { diagnostics, .. }) = &mut inquiry {
            about(provision, diagnostics);
        }
        self.tell(action);
        Box::pin(core::future::ready(inquiry))
    }

    fn close(&self) -> Pending<'_, ()> {
        let told = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *told)
        };
        for action in told {
            Task::new(&self.place.scratch, action).forget();
        }
        Box::pin(core::future::ready(()))
    }
}
