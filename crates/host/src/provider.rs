//! [`Host`]: which call goes to which resource type.

use crate::arguments::Arguments;
use crate::diag::{self, Trouble};
use crate::machine::Machine;
use crate::ssh::Connection;
use crate::thing::{self, Sort};
use crate::{command, directory, file, form, link, schema};
use contract::{Answer, Inquiry, Looked, Outcome, Pending, Provider, Question};
use model::{
    ActionId, Address, BlockSchema, Change, Digest, ImportQuestion, Mode, PlanQuestion,
    ProviderSchema, ReadQuestion,
};
use std::path::PathBuf;
use std::sync::Arc;
use value::{Diagnostic, Diagnostics, Name, Value};

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The project's directory: relative paths start here, and commands run here.
    pub project: PathBuf,
    /// A directory for locks of running commands. It is made when it is first needed, and must be the same for every
    /// process that carries out the same book.
    pub scratch: PathBuf,
}

/// The provider `steadfast.dev/builtin/host`: resources of this machine, or of the one that its configuration says.
///
/// Its futures need a tokio runtime with time and I/O. File work runs on the runtime's threads for blocking calls.
#[derive(Clone, Debug)]
pub struct Host {
    schema: Arc<ProviderSchema>,
    machine: Arc<Machine>,
}

/// The resource types.
#[derive(Clone, Copy)]
enum Kind {
    Command,
    Directory,
    File,
    Link,
    Thing(&'static Sort),
}

impl Host {
    /// Its source address.
    pub const SOURCE: &str = "steadfast.dev/builtin/host";

    /// The provider for this machine and project.
    pub fn new(options: Options) -> Self {
        Self {
            schema: Arc::new(schema::host()),
            machine: Arc::new(Machine::here(options.project, options.scratch)),
        }
    }

    /// A path of a configuration as a path of this process.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.machine.path(path)
    }

    /// The same on the machine that a configuration says.
    fn on(&self, config: &Value) -> Result<Self, Diagnostic> {
        let machine = match config.get("connection").filter(|said| !said.is_null()) {
            Some(_) if !config.is_wholly_known() => self.machine.nowhere(),
            Some(connection) => {
                let connection = Connection::of(&Arguments::of(connection)?)?;
                let acts_as = Arguments::of(config)?.text("become")?;
                let acts_as = acts_as.filter(|who| !who.is_empty()).map(str::to_owned);
                self.machine.there(connection, acts_as)
            }
            None => return Err(diag::become_without_connection()),
        };
        Ok(Self {
            schema: self.schema.clone(),
            machine: Arc::new(machine),
        })
    }

    /// Refuses paths that say nothing on another machine.
    fn check_places(&self, config: &Value) -> Result<(), Diagnostic> {
        let paths = ["path", "creates", "directory"];
        paths
            .into_iter()
            .try_for_each(|name| match form::known(config, name) {
                Some(path) => self.machine.check_place(name, path),
                None => Ok(()),
            })
    }

    fn kind(&self, name: &str) -> Result<(Kind, &BlockSchema), Diagnostics> {
        let block = schema::of_type(&self.schema, name)?;
        let kind = match name {
            "host_command" => Kind::Command,
            "host_directory" => Kind::Directory,
            "host_file" => Kind::File,
            "host_link" => Kind::Link,
            other => match thing::sort(other) {
                Some(sort) => Kind::Thing(sort),
                None => {
                    let what = format!("{} has no resource type {other}", Self::SOURCE);
                    return Err(diag::unexpected_form(&what).into());
                }
            },
        };
        Ok((kind, block))
    }

    async fn plan(&self, question: &PlanQuestion) -> Result<Answer, Diagnostics> {
        let (kind, block) = self.kind(&question.address.resource.kind)?;
        form::check(block, &question.config)?;
        if !question.prior.is_null() {
            form::check(block, &question.prior)?;
        }
        self.check_places(&question.config)?;
        let (config, prior) = (question.config.clone(), question.prior.clone());
        match kind {
            Kind::Command => command::plan(&config, &prior),
            Kind::Directory => directory::plan(&config, &prior),
            Kind::Link => link::plan(&config, &prior),
            Kind::File => {
                let machine = self.machine.clone();
                let planned = blocking("plan the file", move || {
                    file::plan(&machine, &config, &prior).map_err(Refusal)
                });
                refused(planned.await)
            }
            Kind::Thing(sort) => {
                let (machine, block) = (self.machine.clone(), block.clone());
                let planned = blocking("plan it", move || {
                    sort.plan(&machine, &block, &config, &prior)
                        .map_err(Refusal)
                });
                refused(planned.await)
            }
        }
    }

    async fn read(&self, question: &ReadQuestion) -> Result<Answer, Trouble> {
        let kind = self.kind(&question.address.resource.kind);
        let (kind, block) = kind.map_err(first)?;
        form::check(block, &question.prior)?;
        if !self.machine.is_known() {
            let prior = Some(question.prior.clone());
            return Ok(form::read(prior, diag::not_looked().into()));
        }
        let (machine, prior) = (self.machine.clone(), question.prior.clone());
        match kind {
            Kind::Command => command::read(&machine, reading(&question.address), &prior).await,
            Kind::Directory => {
                blocking("read the directory", move || {
                    directory::read(&machine, &prior)
                })
                .await?
            }
            Kind::File => blocking("read the file", move || file::read(&machine, &prior)).await?,
            Kind::Link => blocking("read the link", move || link::read(&machine, &prior)).await?,
            Kind::Thing(sort) => {
                let block = block.clone();
                blocking("read it", move || sort.read(&machine, &block, &prior)).await?
            }
        }
    }

    /// What stands at a path already; reading it says the rest.
    fn import(&self, question: &ImportQuestion) -> Result<Answer, Diagnostics> {
        let (kind, block) = self.kind(&question.address.resource.kind)?;
        match kind {
            Kind::Command => Err(diag::not_imported(
                "host_command",
                "nothing but its own run says what it did",
            )
            .into()),
            Kind::Directory | Kind::File | Kind::Link => {
                let path = || Value::string(&question.id);
                Ok(form::imported(block, [("path", path()), ("id", path())]))
            }
            Kind::Thing(sort) => Ok(sort.import(block, &question.id)?),
        }
    }

    async fn change(&self, action: ActionId, change: &Change) -> Result<Outcome, Trouble> {
        let (kind, block) = self.kind(&change.address.resource.kind).map_err(first)?;
        if matches!(kind, Kind::Command) {
            return command::apply(&self.machine, block, action, change).await;
        }
        let (machine, block, change) = (self.machine.clone(), block.clone(), change.clone());
        blocking("finish", move || match kind {
            Kind::Directory => directory::apply(&machine, &block, action, &change),
            Kind::Link => link::apply(&machine, &block, action, &change),
            Kind::File | Kind::Command => file::apply(&machine, &block, action, &change),
            Kind::Thing(sort) => sort.apply(&machine, &block, action, &change),
        })
        .await?
    }

    async fn look(&self, action: ActionId, change: &Change) -> Result<Inquiry, Trouble> {
        let (kind, block) = self.kind(&change.address.resource.kind).map_err(first)?;
        if matches!(kind, Kind::Command) {
            return command::inquire(&self.machine, block, action, change).await;
        }
        let (machine, block, change) = (self.machine.clone(), block.clone(), change.clone());
        blocking("look", move || match kind {
            Kind::Directory => directory::inquire(&machine, &block, &change),
            Kind::Link => link::inquire(&machine, &block, &change),
            Kind::File | Kind::Command => file::inquire(&machine, &block, &change),
            Kind::Thing(sort) => sort.inquire(&machine, &block, &change),
        })
        .await?
    }

    fn checked(&self, kind: &Name, config: &Value) -> Diagnostics {
        let (kind, block) = match self.kind(kind) {
            Ok(known) => known,
            Err(found) => return found,
        };
        if let Err(found) = form::check(block, config) {
            return found.into();
        }
        match kind {
            Kind::Command => command::validate(config),
            Kind::Directory => directory::validate(config),
            Kind::File => file::validate(config),
            Kind::Link => link::validate(config),
            Kind::Thing(sort) => sort.validate(config),
        }
    }
}

impl Provider for Host {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    fn configured<'a>(
        &'a self,
        config: &'a Value,
    ) -> Option<Pending<'a, Result<Arc<dyn Provider>, Diagnostics>>> {
        let is_null = |name| config.get(name).is_none_or(Value::is_null);
        if is_null("connection") && is_null("become") {
            return None;
        }
        let on = self
            .on(config)
            .map(|host| Arc::new(host) as Arc<dyn Provider>);
        Some(Box::pin(core::future::ready(on.map_err(Into::into))))
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.machine.close())
    }

    fn validate<'a>(
        &'a self,
        _: Mode,
        kind: &'a Name,
        config: &'a Value,
    ) -> Pending<'a, Diagnostics> {
        Box::pin(core::future::ready(self.checked(kind, config)))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> Pending<'a, Answer> {
        Box::pin(async move {
            let (address, answer) = match question {
                Question::Plan(question) => (&question.address, self.plan(question).await),
                Question::Read(question) => {
                    let answer = self.read(question).await;
                    (&question.address, answer.map_err(Trouble::into_diagnostics))
                }
                Question::Import(question) => (&question.address, self.import(question)),
                Question::Upgrade(question) => {
                    let found = diag::other_form(question.schema_version);
                    (&question.address, Err(found.into()))
                }
                Question::Data(question) => {
                    let what = format!("{} has no data sources", Self::SOURCE);
                    let found = diag::unexpected_form(&what);
                    (&question.address, Err(found.into()))
                }
                Question::Open(question) => {
                    let what = format!("{} has no ephemeral resources", Self::SOURCE);
                    let found = diag::unexpected_form(&what);
                    (&question.address, Err(found.into()))
                }
                Question::Call(call) if self.schema.functions.contains_key(&call.function) => {
                    return Answer::Call(self.called(call).await);
                }
                Question::Call(call) => {
                    let what = format!("{} has no function {}", Self::SOURCE, call.function);
                    return Answer::Failed(diag::unexpected_form(&what).into());
                }
            };
            match answer {
                Ok(Answer::Read(mut answer)) => {
                    about(address, &mut answer.diagnostics);
                    Answer::Read(answer)
                }
                Ok(answer) => answer,
                Err(mut found) => {
                    about(address, &mut found);
                    Answer::Failed(found)
                }
            }
        })
    }

    fn apply<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Outcome> {
        Box::pin(async move {
            let mut outcome = self.change(action, change).await.unwrap_or_else(Into::into);
            if let Outcome::Changed { diagnostics, .. }
            | Outcome::Partial { diagnostics, .. }
            | Outcome::Refused { diagnostics }
            | Outcome::Failed { diagnostics, .. } = &mut outcome
            {
                about(&change.address, diagnostics);
            }
            outcome
        })
    }

    fn inquire<'a>(&'a self, action: ActionId, change: &'a Change) -> Pending<'a, Looked> {
        Box::pin(async move {
            let inquiry = match self.look(action, change).await {
                Ok(inquiry) => inquiry,
                Err(Trouble::Failed(..)) => Inquiry::NotYet,
                Err(Trouble::Refused(found)) => Inquiry::Unclear { what: found.detail },
                Err(Trouble::Lost(what)) => Inquiry::Unclear { what },
            };
            inquiry.into()
        })
    }
}

/// Diagnostics of a plan, kept apart from the trouble of not having been able to make it.
struct Refusal(Diagnostics);

fn refused(planned: Result<Result<Answer, Refusal>, Trouble>) -> Result<Answer, Diagnostics> {
    match planned {
        Ok(answer) => answer.map_err(|Refusal(found)| found),
        Err(trouble) => Err(trouble.into_diagnostics()),
    }
}

/// File work, away from the threads that wait for replies.
async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Trouble::Lost(format!("could not {doing}: {error}")))
}

/// Reads have no action of their own; the locks of their checks are named after what is read.
fn reading(address: &Address) -> ActionId {
    let name = address.to_string();
    let Digest([a, b, c, d, e, f, g, h, ..]) =
        Digest::of_parts("steadfast.host.read.1", &[name.as_bytes()]);
    ActionId(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}

fn first(found: Diagnostics) -> Trouble {
    match found.0.into_iter().next() {
        Some(diagnostic) => diagnostic.into(),
        None => Trouble::Lost("refused without a reason".into()),
    }
}

fn about(address: &Address, found: &mut Diagnostics) {
    for diagnostic in &mut found.0 {
        if diagnostic.address.is_none() {
            diagnostic.address = Some(address.to_string());
        }
    }
}
