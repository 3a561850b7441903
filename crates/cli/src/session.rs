//! Book, engine and adapters of a project, opened for one command.

use crate::args::Variables;
use crate::error::CommandError;
use crate::project::Project;
use crate::render::progress::Progress;
use crate::terraform_state::{self, Found};
use contract::Runtime as _;
use decide::{LoadedReleases, World};
use engine::{Codec, Engine, Lent, Outside, PROJECT_STREAM, Pause, Secrets, SystemClock};
use journal::{Book, Reader, Writer};
use model::{Command, Digest, InstanceId, InstanceSpec, Outcome, ProviderSchema, Release, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use value::Name;

/// Instance name of the data plane under its own shim.
const PROXY_INSTANCE: &str = "proxy";

/// Time between two looks at whether another process still writes to the book.
const LOCK_EVERY_MS: u64 = 100;

/// Longest time the data plane may take to answer after it was started.
const PROXY_START_MS_MAX: u64 = 15_000;

/// Everything a command works with.
pub(crate) struct Session {
    pub project: Project,
    pub clock: Arc<SystemClock>,
    pub tokio: tokio::runtime::Runtime,
    /// How long to wait for another process that writes to the book.
    pub lock_timeout_ms: u64,
    /// Whether a person pressed Ctrl-C.
    interrupted: AtomicBool,
    /// The providers of the project, once they are needed.
    providers: OnceLock<Outside>,
    /// Whether something was said of a state that Terraform left.
    told: AtomicBool,
    /// The state that Terraform left for a workspace in which nothing was done yet.
    found: OnceLock<(String, Option<Found>)>,
    /// Values of ephemeral variables, for this command.
    pub lent: Arc<Lent>,
}

impl Session {
    pub(crate) fn new(project: Project, lock_timeout_ms: u64) -> Result<Self, CommandError> {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|source| CommandError::Path {
                what: "start the threads of",
                path: PathBuf::from("steadfast"),
                source,
            })?;
        Ok(Self {
            project,
            clock: Arc::new(SystemClock::new()),
            tokio,
            lock_timeout_ms,
            interrupted: AtomicBool::new(false),
            providers: OnceLock::new(),
            told: AtomicBool::new(false),
            found: OnceLock::new(),
            lent: Arc::default(),
        })
    }

    /// Lends the values that were given to ephemeral variables to every run of this command.
    pub(crate) fn lend(&self, release: &Release) {
        let inputs = decide::ephemeral(release).filter_map(|(name, _)| {
            let value = release.inputs.get(name)?;
            Some((name.clone(), value.clone()))
        });
        self.lent.give(inputs.collect());
    }

    /// Lends what a release needs that was compiled by another command, from what is given to this one.
    pub(crate) fn lend_for(
        &self,
        release: &Release,
        variables: &Variables,
    ) -> Result<(), CommandError> {
        if !decide::not_lent(release, &self.lent.values()).has_errors() {
            return Ok(());
        }
        let schemas = self.schemas(variables)?;
        let (now, _) = self.project.compile_loosely(variables, &schemas)?;
        self.lend(&now.release);
        self.check_lent(release, &self.lent.values())
    }

    /// Refuses to go on where an ephemeral variable has no value.
    pub(crate) fn check_lent(
        &self,
        release: &Release,
        inputs: &model::Inputs,
    ) -> Result<(), CommandError> {
        let missing = decide::not_lent(release, inputs);
        if !missing.has_errors() {
            return Ok(());
        }
        Err(CommandError::Diagnostics {
            diagnostics: missing,
            // The text may be another one by now: the name of the variable says enough.
            sources: crate::render::diagnostics::Sources::default(),
            code: crate::exit::FAILED,
        })
    }

    /// Takes note that a person pressed Ctrl-C.
    pub(crate) fn note_interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether a person pressed Ctrl-C.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The book, opened for reading; none when there is none yet.
    pub(crate) fn reader(&self) -> Result<Option<Reader>, CommandError> {
        match Reader::open(&self.project.book()) {
            Ok(reader) => Ok(Some(reader)),
            Err(journal::JournalError::NoBook { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells somebody who only looks what may be missing in what is shown: that the book is older than what was done.
    pub(crate) fn warn_if_old(&self) -> Result<(), CommandError> {
        if let Some(reader) = self.reader()?
            && let Err(error) = reader.check_anchor()
        {
            Self::warn(engine::diag::shown_is_old(&error));
        }
        Ok(())
    }

    /// Tells somebody who only looks what may be missing in what is shown: that a run is not over.
    pub(crate) fn warn_if_open(world: &World) {
        if let Some(run) = world.run.as_ref().filter(|run| !run.actions.is_empty()) {
            Self::warn(engine::diag::run_is_open(run.id, &run.actor));
        }
    }

    /// Beside what is shown, not within it: programs that read it find the same as ever.
    pub(crate) fn warn(warning: value::Diagnostic) {
        let nothing = crate::render::diagnostics::Sources::default();
        anstream::eprint!(
            "{}",
            crate::render::diagnostics::text(&warning.into(), &nothing)
        );
    }

    /// The world of an environment as the book has it. Where nothing was ever done and Terraform left a state, it is
    /// the one that the first command which acts begins with.
    pub(crate) fn world(&self, environment: &str) -> Result<(World, LoadedReleases), CommandError> {
        let (mut world, releases) = self.written_world(environment)?;
        if let Some(found) = self.left_by_terraform(environment, &world)? {
            let taken = found.taken(&self.providers(&Variables::default())?.schemas())?;
            world.take_over(&found.origin, found.mark(), &taken);
            if !self.told.swap(true, Ordering::Relaxed) {
                anstream::eprintln!(
                    "Terraform's state {} is shown ({}); the first command that changes something takes it over.",
                    found.origin,
                    found.counted()
                );
            }
        }
        Ok((world, releases))
    }

    /// The state that Terraform left; what is not on this machine only where that is asked for, and once.
    pub(crate) fn terraform_state(
        &self,
        environment: &str,
        far: bool,
    ) -> Result<Option<Found>, CommandError> {
        if let Some((of, found)) = self.found.get()
            && of == environment
        {
            return Ok(found.clone());
        }
        let found = terraform_state::find(&self.project, &self.tokio, environment, far)?;
        if far {
            // Whoever was faster has found the same.
            let _ = self.found.set((environment.to_owned(), found.clone()));
        }
        Ok(found)
    }

    /// The state that Terraform left, where it can still be taken over. Tells when it is another than was taken over.
    fn left_by_terraform(
        &self,
        environment: &str,
        world: &World,
    ) -> Result<Option<Found>, CommandError> {
        if environment == PROJECT_STREAM {
            return Ok(None);
        }
        let Some(found) = self.terraform_state(environment, world.is_untouched())? else {
            return Ok(None);
        };
        if world.is_untouched() {
            return Ok(Some(found));
        }
        if let Some(difference) = terraform_state::difference(world, &found)
            && !self.told.swap(true, Ordering::Relaxed)
        {
            Self::warn(difference);
        }
        Ok(None)
    }

    /// For commands that are about such a state: they say themselves what there is to say.
    pub(crate) fn say_nothing_of_states(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    /// Takes over a state in the place of everything that is known.
    pub(crate) fn take_over_state(
        &self,
        engine: &mut Engine,
        found: &Found,
    ) -> Result<(), CommandError> {
        let schemas = self.providers(&Variables::default())?.schemas();
        found.check_types(&schemas)?;
        let content = engine
            .secrets()
            .seal(&model::encode(&found.taken(&schemas)?));
        let mark = found.mark();
        let event = model::Event::TakenOver {
            actor: actor(),
            origin: found.origin.clone(),
            lineage: mark.lineage,
            serial: mark.serial,
            state: Digest::of(&content),
        };
        let mut silent = Progress::silent();
        let submitting = engine.submit(vec![event], vec![content], &mut silent);
        self.tokio.block_on(submitting)?;
        Ok(self.tokio.block_on(engine.settle(&mut silent))?)
    }

    fn written_world(&self, environment: &str) -> Result<(World, LoadedReleases), CommandError> {
        match self.reader()? {
            Some(reader) => Ok(engine::world(
                &reader,
                environment,
                self.secrets()?.as_ref(),
            )?),
            None => {
                let environment = Name::from(environment);
                Ok((
                    World {
                        environment,
                        ..World::default()
                    },
                    LoadedReleases::new(),
                ))
            }
        }
    }

    /// What opens sealed values; none when the project has no key, and then they are shown as what they are: secret.
    pub(crate) fn secrets(&self) -> Result<Option<Secrets>, CommandError> {
        crate::key::load(&self.project.key())
    }

    /// What seals and opens, made if this project never had it. Needs the book's lock ([`Session::writer`]).
    pub(crate) fn secrets_to_act(&self, reader: &Reader) -> Result<Secrets, CommandError> {
        match self.secrets()? {
            Some(secrets) => Ok(secrets),
            None => {
                engine::check_key(reader, None)?;
                crate::key::create(&self.project.key())
            }
        }
    }

    /// The worlds of all environments of the book.
    pub(crate) fn worlds(&self) -> Result<BTreeMap<Name, World>, CommandError> {
        let Some(reader) = self.reader()? else {
            return Ok(BTreeMap::new());
        };
        let secrets = self.secrets()?;
        let mut worlds = BTreeMap::new();
        for environment in engine::environments(&reader)? {
            let (world, _) = engine::world(&reader, &environment, secrets.as_ref())?;
            worlds.insert(Name::from(environment.as_str()), world);
        }
        Ok(worlds)
    }

    /// Opens the book for writing, alone.
    pub(crate) fn writer(&self) -> Result<Arc<Writer>, CommandError> {
        self.open_writer(false)
    }

    /// Opens the book for writing, even where its newest entries are known to be lost.
    pub(crate) fn open_writer(&self, accept_tail_loss: bool) -> Result<Arc<Writer>, CommandError> {
        let clock = self.clock.clone();
        let now_ms = move || contract::Clock::now_ms(clock.as_ref());
        let mut options = journal::Options::new(Arc::new(now_ms));
        options.accept_tail_loss = accept_tail_loss;
        Ok(Arc::new(Writer::start(self.book(&options)?)?))
    }

    /// The book, as soon as no other process writes to it.
    fn book(&self, options: &journal::Options) -> Result<Book, CommandError> {
        let began_ms = contract::Clock::now_ms(self.clock.as_ref());
        let mut told = false;
        loop {
            // Ends with the time that the user gave it.
            let waited_ms = contract::Clock::now_ms(self.clock.as_ref()) - began_ms;
            let book = Book::open(&self.project.book(), options);
            let Err(journal::JournalError::Held { pid, .. }) = &book else {
                return Ok(book?);
            };
            if u64::try_from(waited_ms).unwrap_or(0) >= self.lock_timeout_ms {
                return Ok(book?);
            }
            if !told {
                let who = pid.map_or_else(String::new, |pid| format!(" {pid}"));
                anstream::eprintln!("Waiting for process{who}, which is writing to the book.");
                told = true;
            }
            let pause = Duration::from_millis(LOCK_EVERY_MS);
            self.tokio
                .block_on(async { tokio::time::sleep(pause).await });
        }
    }

    /// The providers that are built in.
    fn built_in(&self) -> Outside {
        self.built_in_with(self.project.state().join("scratch"))
    }

    /// The same with another directory for what belongs to running commands.
    fn built_in_with(&self, scratch: PathBuf) -> Outside {
        let provisioners = host::Exec::new(self.project.root.clone(), scratch.clone());
        let probes = host::Looks::new(self.project.root.clone(), scratch.clone());
        let options = host::Options {
            project: self.project.root.clone(),
            scratch,
        };
        let host: Arc<dyn contract::Provider> = Arc::new(host::Host::new(options));
        let variables = crate::project::variables();
        let states = Arc::new(registry::Backends::new(variables, self.clock.clone()));
        let builtin = host::Builtin::of_project(self.project.root.clone()).with_states(states);
        let builtin: Arc<dyn contract::Provider> = Arc::new(builtin);
        Outside {
            providers: BTreeMap::from([
                (host::Host::SOURCE.to_owned(), host),
                (host::Builtin::SOURCE.to_owned(), builtin),
            ]),
            lent: self.lent.clone(),
            provisioners: Some(Arc::new(provisioners)),
            probes: Some(Arc::new(probes)),
            ..Outside::default()
        }
    }

    /// The schemas of the providers that are built in.
    pub(crate) fn built_in_schemas(&self) -> Vec<ProviderSchema> {
        self.built_in().schemas().values().cloned().collect()
    }

    /// The providers that are built in, and those of the project and its objects that are installed. They are started
    /// when they are first asked for, and are the same until the command ends.
    pub(crate) fn providers(&self, variables: &Variables) -> Result<Outside, CommandError> {
        self.providers_with(variables, false)
    }

    fn providers_with(
        &self,
        variables: &Variables,
        all_types: bool,
    ) -> Result<Outside, CommandError> {
        if let Some(started) = self.providers.get() {
            return Ok(started.clone());
        }
        let mut outside = self.built_in();
        if !crate::plugins::may_be_there(&self.project) {
            return Ok(self.providers.get_or_init(|| outside).clone());
        }
        let built_in: Vec<ProviderSchema> = outside.schemas().values().cloned().collect();
        // A book that cannot be read is told by whoever needs it, and so is a state.
        let worlds = self.worlds();
        let further = worlds
            .as_ref()
            .map(|worlds| self.types_left_by_terraform(worlds));
        let further = further.unwrap_or_default();
        let needed = crate::plugins::Needed {
            project: &self.project,
            given: &self.project.given(variables)?,
            built_in: &built_in,
            further: &further,
            worlds: &worlds.unwrap_or_default(),
            all_types,
        };
        let started = self.tokio.block_on(crate::plugins::start(&needed))?;
        for (source, plugin) in started {
            outside.providers.insert(source, plugin);
        }
        Ok(self.providers.get_or_init(|| outside).clone())
    }

    /// Types of the objects that Terraform left in the selected workspace, as long as they are not in the book.
    fn types_left_by_terraform(
        &self,
        worlds: &BTreeMap<Name, World>,
    ) -> BTreeSet<(String, model::Mode, Name)> {
        let found = self.environment(None).and_then(|environment| {
            let world = worlds.get(environment.as_str());
            if world.is_some_and(|world| !world.is_untouched()) {
                return Ok(None);
            }
            self.terraform_state(&environment, true)
        });
        found
            .ok()
            .flatten()
            .map(|found| found.file.types())
            .unwrap_or_default()
    }

    /// The same for tests, which have another directory for what belongs to running commands, and configurations of
    /// their own.
    pub(crate) fn providers_of_tests(
        &self,
        variables: &Variables,
        scratch: PathBuf,
    ) -> Result<Outside, CommandError> {
        let mut outside = self.providers(variables)?;
        outside
            .providers
            .extend(self.built_in_with(scratch).providers);
        outside.configured = Arc::default();
        outside.lent = Arc::default();
        Ok(outside)
    }

    /// The schemas of all providers.
    pub(crate) fn schemas(
        &self,
        variables: &Variables,
    ) -> Result<Vec<ProviderSchema>, CommandError> {
        let outside = self.providers(variables)?;
        Ok(outside.schemas().values().cloned().collect())
    }

    /// The same with every type that they offer: an editor may be about to write any of them.
    pub(crate) fn schemas_of_all_types(&self) -> Result<Vec<ProviderSchema>, CommandError> {
        let outside = self.providers_with(&Variables::default(), true)?;
        Ok(outside.schemas().values().cloned().collect())
    }

    /// Ends the providers that were started, and what they hold open. False when something was not let go of as it
    /// should have been, which is told.
    pub(crate) fn close(&self) -> bool {
        let Some(outside) = self.providers.get() else {
            return true;
        };
        self.tokio.block_on(outside.close());
        let found = outside.leases.take_trouble();
        if !found.is_empty() {
            let nothing = crate::render::diagnostics::Sources::default();
            anstream::eprint!("{}", crate::render::diagnostics::text(&found, &nothing));
        }
        !found.has_errors()
    }

    /// The store of this project's artifacts.
    pub(crate) fn store(&self) -> artifact::Store {
        artifact::Store::new(artifact::Options {
            project: self.project.root.clone(),
            directory: self.project.state().join("artifacts"),
        })
    }

    /// The instances of an environment.
    pub(crate) fn runtime(
        &self,
        environment: &str,
    ) -> Result<runtime_local::LocalRuntime, CommandError> {
        let directory = self.project.environment(environment).join("instances");
        Ok(runtime_local::LocalRuntime::new(
            runtime_local::Options::new(directory, shim_command()?),
        ))
    }

    /// The workspace that a command is about: the one named on its command line, else the selected one.
    pub(crate) fn environment(&self, named: Option<&str>) -> Result<String, CommandError> {
        match named {
            Some(name) => Ok(name.to_owned()),
            None => Ok(crate::workspace::selected(&self.project)?.name),
        }
    }

    /// Makes room for what an environment runs. Where there is none, its engine reaches resources only.
    pub(crate) fn prepare_services(&self, environment: &str) -> Result<(), CommandError> {
        make_private(&self.project.environment(environment))
    }

    /// Everything that an environment's engine can reach, its data plane running where it runs anything.
    pub(crate) fn outside(&self, environment: &str) -> Result<Outside, CommandError> {
        let mut outside = self.providers(&Variables::default())?;
        outside.artifacts = Some(Arc::new(self.store()));
        if !self.project.environment(environment).is_dir() {
            return Ok(outside);
        }
        outside.runtime = Some(Arc::new(self.runtime(environment)?));
        outside.router = Some(Arc::new(self.router(environment)?));
        Ok(outside)
    }

    /// The data plane of an environment, started under a shim of its own if it does not run.
    fn router(&self, environment: &str) -> Result<proxy::LocalRouter, CommandError> {
        let directory = self.project.environment(environment).join("proxy");
        make_private(&directory)?;
        let router = proxy::LocalRouter::new(directory.join("control.sock"));
        let program = own_path()?;
        let spec = InstanceSpec {
            instance: InstanceId(PROXY_INSTANCE.to_owned()),
            service: Name::from(PROXY_INSTANCE),
            version: Version(Digest::of(program.as_os_str().as_encoded_bytes())),
            artifact: Digest([0; 32]),
            run: vec![
                program.display().to_string(),
                "proxy".to_owned(),
                directory.display().to_string(),
            ],
            env: BTreeMap::new(),
            health_path: String::from("/"),
            health_timeout_ms: 1_000,
            memory_bytes_max: 0,
        };
        let supervisor = self.proxy_supervisor(environment)?;
        self.tokio.block_on(async {
            if contract::Router::current(&router).await.is_ok() {
                return Ok(());
            }
            match supervisor.place(&spec, &directory).await {
                Outcome::Placed { .. } => {}
                Outcome::Refused { diagnostics } | Outcome::Failed { diagnostics, .. } => {
                    return Err(CommandError::Diagnostics {
                        diagnostics,
                        sources: crate::render::diagnostics::Sources::default(),
                        code: crate::exit::FAILED,
                    });
                }
                other => {
                    return Err(CommandError::Failed(format!(
                        "the data plane did not start: {other:?}"
                    )));
                }
            }
            let answered = async {
                while contract::Router::current(&router).await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            if tokio::time::timeout(Duration::from_millis(PROXY_START_MS_MAX), answered)
                .await
                .is_err()
            {
                let log = supervisor.logs(&spec.instance, 20).join("\n  ");
                return Err(CommandError::Failed(format!(
                    "the data plane of `{environment}` does not answer; its last words:\n  {log}"
                )));
            }
            Ok(())
        })?;
        Ok(router)
    }

    fn proxy_supervisor(
        &self,
        environment: &str,
    ) -> Result<runtime_local::LocalRuntime, CommandError> {
        let directory = self.project.environment(environment).join("data-plane");
        Ok(runtime_local::LocalRuntime::new(
            runtime_local::Options::new(directory, shim_command()?),
        ))
    }

    /// Stops the data plane of an environment.
    pub(crate) fn stop_router(&self, environment: &str) -> Result<(), CommandError> {
        let supervisor = self.proxy_supervisor(environment)?;
        self.tokio
            .block_on(supervisor.stop(&InstanceId(PROXY_INSTANCE.to_owned()), 10_000));
        Ok(())
    }

    /// Takes the pen of an environment.
    pub(crate) fn engine(
        &self,
        writer: &Arc<Writer>,
        environment: &str,
    ) -> Result<Engine, CommandError> {
        let outside = self.outside(environment)?;
        let reader = match self.reader()? {
            Some(reader) => reader,
            None => Reader::open(&self.project.book())?,
        };
        let codec = Codec {
            actor: actor(),
            secrets: self.secrets_to_act(&reader)?,
        };
        let clock: Arc<dyn contract::Clock> = self.clock.clone();
        let program = env!("CARGO_PKG_VERSION");
        let opening = Engine::open(
            writer.clone(),
            reader,
            environment,
            outside,
            clock,
            codec,
            program,
        );
        let mut engine = self.tokio.block_on(opening)?;
        let is_pushed = self.told.load(Ordering::Relaxed);
        if let Some(found) = self.left_by_terraform(environment, engine.world())? {
            self.take_over_state(&mut engine, &found)?;
            anstream::eprintln!(
                "Took over Terraform's state {} ({}); from now on the book is what counts.",
                found.origin,
                found.counted()
            );
            self.told.store(true, Ordering::Relaxed);
        } else if engine.world().is_untouched() && !is_pushed && environment != PROJECT_STREAM {
            terraform_state::refuse_unread(&self.project)?;
        }
        Ok(engine)
    }

    /// Lets the engine go on until nothing goes on by itself. Interrupted once, it begins nothing new and finishes what
    /// is under way; interrupted twice, it ends at once.
    pub(crate) fn run(
        &self,
        engine: &mut Engine,
        progress: &mut Progress,
    ) -> Result<Option<Pause>, CommandError> {
        let orders = engine.handle_for_orders();
        let run = engine.world().run.as_ref().map(|run| run.id);
        self.tokio.block_on(async {
            // One listener for all of them: a Ctrl-C that comes while the one before is dealt with must not be lost.
            let kind = tokio::signal::unix::SignalKind::interrupt();
            let listening = tokio::signal::unix::signal(kind);
            let mut listening = listening.map_err(|source| CommandError::Path {
                what: "listen for Ctrl-C in",
                path: self.project.root.clone(),
                source,
            })?;
            let going = engine.run(progress);
            let mut going = std::pin::pin!(going);
            let mut interrupts = 0;
            loop {
                // Ends with the run, or with the second interrupt.
                tokio::select! {
                    pause = &mut going => return Ok(Some(pause?)),
                    interrupt = listening.recv() => {
                        interrupts += 1;
                        self.note_interrupt();
                        match run {
                            Some(run) if interrupt.is_some() && interrupts == 1 => {
                                anstream::eprintln!(
                                    "Interrupted: finishing what is under way, beginning nothing new. Once more ends \
                                     at once; `steadfast resume` then looks at what was under way."
                                );
                                orders.command(actor(), Command::Cancel { run }).await;
                            }
                            _ => return Ok(None),
                        }
                    }
                }
            }
        })
    }
}

/// Who gives the orders: the user's name, as far as the system says it.
pub(crate) fn actor() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    name.unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// A number that nobody has had before.
pub(crate) fn fresh() -> Result<u64, CommandError> {
    getrandom::u64().map_err(|error| {
        CommandError::Failed(format!("the system gives no random number: {error}"))
    })
}

pub(crate) fn own_path() -> Result<PathBuf, CommandError> {
    std::env::current_exe().map_err(|source| CommandError::Path {
        what: "find",
        path: PathBuf::from("this program"),
        source,
    })
}

fn shim_command() -> Result<Vec<OsString>, CommandError> {
    Ok(vec![own_path()?.into_os_string(), OsString::from("shim")])
}

/// Makes a directory that only its owner can enter.
fn make_private(directory: &std::path::Path) -> Result<(), CommandError> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| CommandError::Path {
            what: "make the directory",
            path: directory.to_path_buf(),
            source,
        })
}
