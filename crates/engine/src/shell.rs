//! [`Engine`]: one task that holds the pen, around [`Core`].

use crate::core::Configuration;
use crate::limits::{INPUTS_MAX, LOOKS_AT_ONCE_MAX, QUESTIONS_AT_ONCE_MAX, SLEEP_MS_MAX};
use crate::task::{TaskKind, spawn};
use crate::{
    Codec, Core, EngineError, Input, Lent, Opening, Output, Outside, Pause, Secrets, StoredBlobs,
    perform, read, snapshot,
};
use contract::{Clock, Looked};
use decide::{Blobs, Entry, World};
use journal::{Blob, JournalError, Reader, StreamId, Writer};
use model::{Answer, CallQuestion, Command, Digest, Event, Inquiry, Outcome, RunId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, mpsc};
use value::{Diagnostics, Name, Value};

/// Name of the stream in which releases are built.
pub const PROJECT_STREAM: &str = "_project";

/// Told of every entry as soon as it is durable and folded.
pub trait Observer {
    /// An entry, and the world with it.
    fn entry(&mut self, entry: &Entry, world: &World);
}

/// One environment under one pen.
pub struct Engine {
    core: Core,
    codec: Codec,
    writer: Arc<Writer>,
    stream: StreamId,
    epoch: u64,
    outside: Arc<Outside>,
    clock: Arc<dyn Clock>,
    sender: mpsc::Sender<Message>,
    receiver: mpsc::Receiver<Message>,
    low_space: bool,
    performing: usize,
    /// Position of the newest snapshot in the book.
    snapshot_at: u64,
    questions: Arc<Semaphore>,
    looks: Arc<Semaphore>,
}

enum Message {
    Input(Input),
    Written(Result<(), JournalError>),
}

/// Gives orders to a running engine.
#[derive(Clone)]
pub struct Handle(mpsc::Sender<Message>);

impl Handle {
    /// Gives an order; it is in the book before it is obeyed.
    pub async fn command(&self, actor: String, command: Command) {
        // An engine that is gone obeys nothing; there is nobody to tell.
        let _ = self
            .0
            .send(Message::Input(Input::Command { actor, command }))
            .await;
    }
}

/// Content read through a reader of its own, beside the pen.
struct ReaderBlobs(Mutex<Reader>, Secrets, Arc<Lent>);

impl Blobs for ReaderBlobs {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let reader = &self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = StoredBlobs {
            reader,
            secrets: None,
            lent: None,
        };
        stored.blob(digest)
    }

    fn lent(&self) -> model::Inputs {
        self.2.values()
    }

    fn texts(&self) -> Option<value::TextReader> {
        Some(definition::TEXTS)
    }

    fn sealed(&self, encoded: Vec<u8>) -> Vec<u8> {
        self.1.seal(&encoded)
    }

    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        self.1.open(&stored).map_err(|error| error.to_string())
    }
}

impl Engine {
    /// Takes the pen of an environment: raises its epoch, folds its book, and says so in it.
    ///
    /// Whatever an earlier engine left under way becomes uncertain and is inquired into or repeated by [`Engine::run`].
    ///
    /// # Errors
    /// When the book cannot be written or makes no sense.
    pub async fn open(
        writer: Arc<Writer>,
        reader: Reader,
        environment: &str,
        outside: Outside,
        clock: Arc<dyn Clock>,
        codec: Codec,
        program: &str,
    ) -> Result<Self, EngineError> {
        let now_ms = clock.now_ms();
        let (name, holder) = (environment.to_owned(), codec.actor.clone());
        let (stream, epoch) = writer.with_book(move |book| {
            let stream = match book.stream(&name) {
                Some(stream) => stream.id,
                None => book.create_stream(&name, now_ms)?.id,
            };
            Ok((stream, book.take_lease(stream, &holder, now_ms)?))
        })?;
        let begin = read::begin(&reader, environment, Some(&codec.secrets))?;
        let snapshot_at = begin.position;
        let (world, releases) =
            read::fold_for(&outside.lent, begin, &reader, environment, &codec.secrets)?;
        let mut events = Vec::new();
        if world.position == 0 {
            events.push(Event::Opened {
                environment: Name::from(environment),
            });
        }
        events.push(Event::Started {
            epoch,
            program: program.to_owned(),
        });
        let schemas = outside.schemas();
        let core = Core::new(
            world,
            releases,
            schemas,
            Box::new(ReaderBlobs(
                Mutex::new(reader),
                codec.secrets.clone(),
                outside.lent.clone(),
            )),
        );
        let (sender, receiver) = mpsc::channel(INPUTS_MAX);
        let mut engine = Self {
            core,
            codec,
            writer,
            stream,
            epoch,
            outside: Arc::new(outside),
            clock,
            sender,
            receiver,
            low_space: false,
            performing: 0,
            snapshot_at,
            questions: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE_MAX)),
            looks: Arc::new(Semaphore::new(LOOKS_AT_ONCE_MAX)),
        };
        engine.handle(Input::Record(events, Vec::new()))?;
        Ok(engine)
    }

    /// What the book says, as far as it is durable.
    pub fn world(&self) -> &World {
        self.core.world()
    }

    /// Seals and opens the secrets of the book.
    pub fn secrets(&self) -> &Secrets {
        &self.codec.secrets
    }

    /// Gives values of ephemeral variables for the runs that are submitted from now on.
    pub fn lend(&self, values: model::Inputs) {
        self.outside.lent.give(values);
    }

    /// A way to give orders while [`Engine::run`] runs.
    pub fn handle_for_orders(&self) -> Handle {
        Handle(self.sender.clone())
    }

    /// Hands in a request, with the content it names; what is written down before it comes first.
    ///
    /// # Errors
    /// When another run is not over, or as [`Engine::run`].
    pub async fn submit(
        &mut self,
        events: Vec<Event>,
        content: Vec<Vec<u8>>,
        observer: &mut dyn Observer,
    ) -> Result<(), EngineError> {
        // Before anything settles, too: settling goes on with an open run, and who is refused must begin nothing.
        self.refuse_while_open()?;
        self.settle(observer).await?;
        self.refuse_while_open()?;
        self.handle(Input::Record(events, content))
    }

    /// Takes the answers that a plan was made from before its run: what they answer is not asked again.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn prepare(&mut self, answers: BTreeMap<Digest, Answer>) -> Result<(), EngineError> {
        self.handle(Input::Prepared(answers))
    }

    fn refuse_while_open(&self) -> Result<(), EngineError> {
        match &self.world().run {
            Some(run) => Err(EngineError::Busy(run.id)),
            None => Ok(()),
        }
    }

    /// Asks a provider something for a person; nothing of it is recorded.
    pub async fn ask(&mut self, question: model::Question) -> Answer {
        // Ends: each round opens one, and there are as many as the plan has steps.
        while let Some((address, asked, configuration)) = self.core.next_to_open() {
            let opened = opened(&self.outside, asked, configuration).await;
            self.core.opened_again(address, opened);
        }
        let configuration = self
            .core
            .configuration_of(question.provider(), question.address());
        answered(&self.outside, question, configuration).await
    }

    /// Gives an order.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn command(&mut self, actor: &str, command: Command) -> Result<(), EngineError> {
        self.handle(Input::Command {
            actor: actor.to_owned(),
            command,
        })
    }

    /// Waits until everything handed in is durable.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn settle(&mut self, observer: &mut dyn Observer) -> Result<(), EngineError> {
        while self.core.is_writing() {
            self.turn().await?;
            self.tell(observer);
        }
        Ok(())
    }

    /// Goes on until nothing goes on by itself.
    ///
    /// # Errors
    /// When the book cannot be written any more; nothing is begun after that.
    pub async fn run(&mut self, observer: &mut dyn Observer) -> Result<Pause, EngineError> {
        self.handle(Input::Tick)?;
        loop {
            // Ends with the run: every run is bounded by its attempts, deadlines and parked questions.
            self.tell(observer);
            if let Some(pause) = self.core.pause().filter(|_| self.performing == 0) {
                if let Pause::Over(_) = &pause {
                    self.outside.leases.let_go_of_all().await;
                }
                if let Pause::Over(Some(_)) = &pause {
                    self.writer.with_book(journal::Book::barrier)?;
                    self.keep_snapshot()?;
                }
                return Ok(pause);
            }
            self.turn().await?;
        }
    }

    /// Keeps a snapshot when one is due and there is room for it: whoever opens the book next begins there.
    fn keep_snapshot(&mut self) -> Result<(), EngineError> {
        let world = self.core.world();
        if self.low_space || !world.is_snapshot_due(self.snapshot_at) {
            return Ok(());
        }
        let Some(state) = snapshot::sealed_snapshot(world, &self.codec.secrets) else {
            return Ok(());
        };
        let (stream, position) = (self.stream, world.position);
        let kept = self
            .writer
            .with_book(move |book| book.put_snapshot(stream, position, decide::FOLD_CODE, state));
        match kept {
            // It is only a cache: one that is too large is done without.
            Err(JournalError::TooLarge { .. } | JournalError::Full { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.snapshot_at = position;
                Ok(())
            }
        }
    }

    fn tell(&mut self, observer: &mut dyn Observer) {
        for entry in self.core.take_folded() {
            observer.entry(&entry, self.core.world());
        }
    }

    /// Takes the next thing that happens.
    async fn turn(&mut self) -> Result<(), EngineError> {
        let now_ms = self.clock.now_ms();
        let latest = now_ms.saturating_add(SLEEP_MS_MAX);
        let wake_at_ms = self.core.wake_at_ms().unwrap_or(latest).min(latest);
        let clock = self.clock.clone();
        let message = tokio::select! {
            message = self.receiver.recv() => message,
            () = clock.sleep_until(wake_at_ms) => Some(Message::Input(Input::Tick)),
        };
        match message {
            Some(Message::Input(input)) => {
                self.performing -= usize::from(matches!(input, Input::Ended { .. }));
                self.handle(input)
            }
            Some(Message::Written(Ok(()))) => self.handle(Input::Durable),
            Some(Message::Written(Err(error))) => Err(self.abandon(error).await),
            None => Ok(()),
        }
    }

    /// The book takes nothing more: waits for what is under way, so that its outcomes can at least be told.
    async fn abandon(&mut self, error: JournalError) -> EngineError {
        let mut unrecorded = Vec::new();
        let until_ms = self
            .clock
            .now_ms()
            .saturating_add(crate::limits::ABANDON_MS_MAX);
        while self.performing > 0 {
            let clock = self.clock.clone();
            tokio::select! {
                message = self.receiver.recv() => {
                    if let Some(Message::Input(Input::Ended { run, action, attempt, outcome })) = message {
                        self.performing -= 1;
                        unrecorded.push(Event::Finished { run, action, attempt, outcome });
                    }
                }
                () = clock.sleep_until(until_ms) => break,
            }
        }
        EngineError::Lost {
            source: error,
            unrecorded,
        }
    }

    fn handle(&mut self, input: Input) -> Result<(), EngineError> {
        let low_space = self.writer.can_start(self.performing as u64).is_err();
        if low_space != self.low_space {
            self.low_space = low_space;
            let outputs = self
                .core
                .handle(self.clock.now_ms(), Input::LowSpace(low_space))?;
            self.carry_out(outputs)?;
        }
        let outputs = self.core.handle(self.clock.now_ms(), input)?;
        self.carry_out(outputs)
    }

    fn carry_out(&mut self, outputs: Vec<Output>) -> Result<(), EngineError> {
        for output in outputs {
            match output {
                Output::Append { entries, blobs } => self.append(entries, blobs)?,
                Output::Perform {
                    run,
                    action,
                    attempt,
                    effect,
                    configuration,
                } => {
                    self.perform((run, action, attempt), effect, configuration);
                }
                Output::Inquire {
                    run,
                    action,
                    attempt,
                    effect,
                    configuration,
                } => {
                    let outside = self.outside.clone();
                    self.read(async move {
                        let looked = inquired(&outside, action, effect, configuration).await;
                        Input::Inquired {
                            run,
                            action,
                            attempt,
                            looked,
                        }
                    });
                }
                Output::Ask {
                    run,
                    action,
                    question,
                    configuration,
                } => {
                    let outside = self.outside.clone();
                    self.read(async move {
                        let answer = answered(&outside, question, configuration).await;
                        Input::Answered {
                            run,
                            action,
                            answer,
                        }
                    });
                }
                Output::Call { run, call } => self.call(run, call),
                Output::AskForPlan {
                    number,
                    question,
                    configuration,
                } => {
                    let (outside, room) = (self.outside.clone(), self.questions.clone());
                    self.read(async move {
                        let _room = room.acquire_owned().await;
                        let answer = answered(&outside, question, configuration).await;
                        Input::PlanAnswered { number, answer }
                    });
                }
                Output::Open {
                    on,
                    question,
                    configuration,
                } => self.open_ephemeral(on, question, configuration),
                Output::Look(watch) => self.look(watch),
            }
        }
        Ok(())
    }

    fn open_ephemeral(
        &self,
        on: Opening,
        question: model::OpenQuestion,
        configuration: Configuration,
    ) {
        let (outside, room) = (self.outside.clone(), self.questions.clone());
        self.read(async move {
            let _room = room.acquire_owned().await;
            let address = question.address.clone();
            let opened = opened(&outside, question, configuration).await;
            Input::Opened {
                on,
                address,
                opened,
            }
        });
    }

    fn call(&self, run: RunId, call: CallQuestion) {
        let (outside, room) = (self.outside.clone(), self.questions.clone());
        self.read(async move {
            let _room = room.acquire_owned().await;
            let question = model::Question::Call(call.clone());
            let unconfigured = crate::core::or_null(Ok(None));
            let answer = answered(&outside, question, unconfigured).await;
            Input::Called { run, call, answer }
        });
    }

    fn look(&self, watch: decide::Watch) {
        let (outside, room) = (self.outside.clone(), self.looks.clone());
        self.read(async move {
            let _room = room.acquire_owned().await;
            let observations = perform::look(&outside, &watch).await;
            Input::Seen {
                watch,
                observations,
            }
        });
    }

    fn append(&self, entries: Vec<Entry>, blobs: Vec<Vec<u8>>) -> Result<(), EngineError> {
        let mut content = Vec::new();
        for bytes in blobs {
            content.push(Blob::new(bytes)?);
        }
        let mut records = Vec::new();
        for entry in &entries {
            let (record, blob) = self.codec.record(&entry.event, entry.at_ms)?;
            records.push(record);
            content.extend(blob);
        }
        let sender = self.sender.clone();
        let done = Box::new(move |result: Result<journal::Head, JournalError>| {
            // Only one batch is under way at a time, so the queue has room for its answer, or the engine is gone.
            let _ = sender.blocking_send(Message::Written(result.map(|_| ())));
        });
        self.writer
            .append(self.stream, self.epoch, records, content, done);
        Ok(())
    }

    fn perform(
        &mut self,
        (run, action, attempt): (RunId, model::ActionId, u32),
        effect: model::Effect,
        configuration: Configuration,
    ) {
        self.performing += 1;
        let (outside, sender) = (self.outside.clone(), self.sender.clone());
        let work = spawn(TaskKind::Effect, async move {
            perform::perform(&outside, action, &effect, &configuration).await
        });
        spawn(TaskKind::Effect, async move {
            let outcome = match work.await {
                Ok(outcome) => outcome,
                Err(panic) => Outcome::Unknown {
                    why: panic.to_string(),
                },
            };
            let _ = sender
                .send(Message::Input(Input::Ended {
                    run,
                    action,
                    attempt,
                    outcome,
                }))
                .await;
        });
    }

    fn read(&self, work: impl Future<Output = Input> + Send + 'static) {
        let sender = self.sender.clone();
        spawn(TaskKind::Reading, async move {
            let input = work.await;
            let _ = sender.send(Message::Input(input)).await;
        });
    }
}

/// A provider that breaks while looking has seen nothing that can be relied on.
async fn inquired(
    outside: &Arc<Outside>,
    action: model::ActionId,
    effect: model::Effect,
    configuration: Configuration,
) -> Looked {
    let outside = outside.clone();
    let work = spawn(TaskKind::Reading, async move {
        perform::inquire(&outside, action, &effect, &configuration).await
    });
    work.await.unwrap_or_else(|panic| {
        Looked::from(Inquiry::Unclear {
            what: panic.to_string(),
        })
    })
}

/// A provider that breaks while opening has opened nothing that could be used.
pub(crate) async fn opened(
    outside: &Arc<Outside>,
    question: model::OpenQuestion,
    configuration: Configuration,
) -> Result<(Value, Diagnostics), Diagnostics> {
    let outside = outside.clone();
    let work = spawn(TaskKind::Reading, async move {
        perform::open(&outside, &question, &configuration).await
    });
    work.await
        .unwrap_or_else(|panic| Err(crate::diag::provider_broke(&panic.to_string()).into()))
}

/// A provider that breaks while answering has not answered.
async fn answered(
    outside: &Arc<Outside>,
    question: model::Question,
    configuration: Configuration,
) -> Answer {
    let outside = outside.clone();
    let work = spawn(TaskKind::Reading, async move {
        perform::ask(&outside, &question, &configuration).await
    });
    match work.await {
        Ok(answer) => answer,
        Err(panic) => Answer::Failed(crate::diag::provider_broke(&panic.to_string()).into()),
    }
}
