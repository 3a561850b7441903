//! [`Core`]: the loop without input and output.
//!
//! Everything that happens comes in as one [`Input`] through one function, [`Core::handle`]; everything that is to be
//! done goes out as [`Output`]. The world is folded only from what the book has acknowledged, so nothing is decided on
//! an entry that a crash could take away, and an effect begins only when its intent is durable.

mod opening;

pub use opening::Opening;

use crate::EngineError;
use contract::Looked;
use decide::{
    Blobs, Decision, Entry, Handed, Held, LoadedReleases, Memo, Planner, Schemas, Watch, World,
};
use model::{
    ActionId, Address, Answer, CallQuestion, Command, Digest, Effect, Event, Inquiry, Observation,
    OpenAnswer, OpenQuestion, Outcome, Question, RunId, RunResult,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use value::{Diagnostics, Type, Value};

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The batch handed out last is durable.
    Durable,
    /// A person asks for a run, or an engine took the pen: events to be recorded as they are, with content they name.
    Record(Vec<Event>, Vec<Vec<u8>>),
    /// A person gives an order.
    Command {
        /// Who.
        actor: String,
        /// What.
        command: Command,
    },
    /// An effect ended.
    Ended {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// An inquiry ended.
    Inquired {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What was found.
        looked: Looked,
    },
    /// A provider answered a question asked while applying.
    Answered {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// The answer.
        answer: Answer,
    },
    /// A provider answered a call of one of its functions while applying.
    Called {
        /// Of which run.
        run: RunId,
        /// What was called.
        call: CallQuestion,
        /// The answer.
        answer: Answer,
    },
    /// The next plan was made before, by asking: what was answered to which question, each named by the digest of its
    /// stored form. What is asked and is not among these is asked as ever.
    Prepared(BTreeMap<Digest, Answer>),
    /// A provider answered a question asked while planning.
    PlanAnswered {
        /// Which question.
        number: u32,
        /// The answer.
        answer: Answer,
    },
    /// An ephemeral resource was opened, or could not be.
    Opened {
        /// What for.
        on: Opening,
        /// Which.
        address: Address,
        /// What it holds, with warnings; or why it is not open.
        opened: Result<(Value, Diagnostics), Diagnostics>,
    },
    /// A look at the outside ended, with what was seen if anything was.
    Seen {
        /// What was looked at.
        watch: Watch,
        /// What was seen; none when nothing could be seen.
        observations: Option<Vec<Observation>>,
    },
    /// The disk has too little room to begin anything (or has room again).
    LowSpace(bool),
    /// Time has passed.
    Tick,
}

/// What a provider must be configured with before it is asked or acts: null where nobody has written that down, or
/// what is wrong with what is written. It is computed anew each time and never recorded, since it may hold what must
/// not be written down.
pub type Configuration = Result<Value, Diagnostics>;

/// Something to be done.
#[derive(Debug)]
pub enum Output {
    /// Write these in the book, in order, all or none, with the content they name; then say [`Input::Durable`].
    Append {
        /// Events with their time.
        entries: Vec<Entry>,
        /// Content.
        blobs: Vec<Vec<u8>>,
    },
    /// Carry out an effect whose intent is durable; then say [`Input::Ended`].
    Perform {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What.
        effect: Effect,
        /// What its provider is configured with, where it has one.
        configuration: Configuration,
    },
    /// Find out what became of an effect; then say [`Input::Inquired`].
    Inquire {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// Which attempt.
        attempt: u32,
        /// What was done.
        effect: Effect,
        /// What its provider is configured with.
        configuration: Configuration,
    },
    /// Ask a provider; then say [`Input::Answered`].
    Ask {
        /// Of which run.
        run: RunId,
        /// Which action.
        action: ActionId,
        /// What.
        question: Question,
        /// What the provider is configured with.
        configuration: Configuration,
    },
    /// Ask what a function of a provider gives; then say [`Input::Called`].
    Call {
        /// Of which run.
        run: RunId,
        /// What is called.
        call: CallQuestion,
    },
    /// Ask a provider for the plan; then say [`Input::PlanAnswered`].
    AskForPlan {
        /// Which question.
        number: u32,
        /// What.
        question: Question,
        /// What the provider is configured with.
        configuration: Configuration,
    },
    /// Open an ephemeral resource and hold it until the run is over; then say [`Input::Opened`].
    Open {
        /// What for.
        on: Opening,
        /// Which, with everything that it is opened with.
        question: OpenQuestion,
        /// What the provider is configured with.
        configuration: Configuration,
    },
    /// Look at something; then say [`Input::Seen`].
    Look(Watch),
}

/// Why nothing goes on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// No run is under way; this is how the last one ended, if one did.
    Over(Option<RunResult>),
    /// A plan waits for a person.
    AwaitsApproval {
        /// Of which run.
        run: RunId,
        /// The plan.
        plan: Digest,
    },
    /// A person must say what became of an action.
    Parked {
        /// Of which run.
        run: RunId,
        /// Each action with its question.
        questions: Vec<(ActionId, String)>,
    },
    /// There is too little room on the disk to begin anything.
    LowSpace,
}

/// Entries under way to the book, with the content they name.
type Batch = (Vec<Entry>, BTreeMap<Digest, Vec<u8>>);

/// See the module's header.
pub struct Core {
    world: World,
    releases: LoadedReleases,
    memo: Memo,
    blobs: Box<dyn Blobs + Send>,
    staged: Vec<Event>,
    staged_blobs: Vec<Vec<u8>>,
    appending: Option<Batch>,
    planner: Option<Planning>,
    /// Answers that were there before they were asked for.
    prepared: BTreeMap<Digest, Answer>,
    /// What ephemeral resources hold: in memory only, and for nobody who decides.
    held: Held,
    /// Whether one is being opened again.
    opening_again: bool,
    asking: BTreeSet<ActionId>,
    /// Calls of functions under way.
    calling: BTreeSet<CallQuestion>,
    inquiring: BTreeSet<ActionId>,
    looking: BTreeMap<Watch, Look>,
    wake_at_ms: Option<i64>,
    low_space: bool,
    /// Something was not begun for want of space.
    held_back: bool,
    last_result: Option<RunResult>,
    folded: Vec<Entry>,
    /// How far the book is ahead of the clock: the clock was set back, or another machine's was ahead. Time goes on
    /// from the book's, or nothing would come due for as long.
    ahead_ms: Option<i64>,
}

struct Planning {
    planner: Planner,
    /// Answers of the current round that have come, by question number; none where one has not.
    round: BTreeMap<u32, Option<Answer>>,
    /// Whether the round calls functions: their answers stand in the book beside those that the plan was made from.
    calls: bool,
    /// How many of them have not.
    missing: usize,
    /// All answers in the order of their questions.
    answers: Vec<Answer>,
}

#[derive(Clone, Copy)]
enum Look {
    /// Begun when the route table of this generation was in force.
    UnderWay(u64),
    DueAt(i64),
}

/// Content of the batch under way before what is stored.
struct Layered<'a>(&'a BTreeMap<Digest, Vec<u8>>, &'a dyn Blobs);

impl Blobs for Layered<'_> {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.get(digest).cloned().or_else(|| self.1.blob(digest))
    }

    fn texts(&self) -> Option<value::TextReader> {
        self.1.texts()
    }

    fn lent(&self) -> model::Inputs {
        self.1.lent()
    }

    fn sealed(&self, encoded: Vec<u8>) -> Vec<u8> {
        self.1.sealed(encoded)
    }

    fn opened(&self, stored: Vec<u8>) -> Result<Vec<u8>, String> {
        self.1.opened(stored)
    }
}

/// Where nobody has written a configuration down, it is null.
pub(crate) fn or_null(found: Result<Option<Value>, Diagnostics>) -> Configuration {
    found.map(|found| found.unwrap_or_else(|| Value::null(Type::Any)))
}

impl Core {
    /// Begins with a world folded from a book, whose content is read through `blobs`.
    pub fn new(
        world: World,
        releases: LoadedReleases,
        schemas: Arc<Schemas>,
        blobs: Box<dyn Blobs + Send>,
    ) -> Self {
        Self {
            world,
            releases,
            memo: Memo::new(schemas),
            blobs,
            staged: Vec::new(),
            staged_blobs: Vec::new(),
            appending: None,
            planner: None,
            prepared: BTreeMap::new(),
            held: Held::default(),
            opening_again: false,
            asking: BTreeSet::new(),
            calling: BTreeSet::new(),
            inquiring: BTreeSet::new(),
            looking: BTreeMap::new(),
            wake_at_ms: None,
            low_space: false,
            held_back: false,
            last_result: None,
            folded: Vec::new(),
            ahead_ms: None,
        }
    }

    /// What the book says.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Whether something is being written, or waits to be.
    pub fn is_writing(&self) -> bool {
        self.appending.is_some() || !self.staged.is_empty()
    }

    /// When to say [`Input::Tick`] at the latest; none when nothing is due.
    pub fn wake_at_ms(&self) -> Option<i64> {
        let ahead_ms = self.ahead_ms.unwrap_or(0);
        self.wake_at_ms.map(|at_ms| at_ms.saturating_sub(ahead_ms))
    }

    /// Entries folded since this was last called.
    pub fn take_folded(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.folded)
    }

    /// Why nothing goes on by itself; none while something does.
    pub fn pause(&self) -> Option<Pause> {
        if self.appending.is_some() || !self.staged.is_empty() || self.planner.is_some() {
            return None;
        }
        let Some(run) = &self.world.run else {
            return Some(Pause::Over(self.last_result.clone()));
        };
        if let (Some(plan), false, model::RunKind::Apply) =
            (run.plan_digest, run.approved, run.kind)
        {
            return Some(Pause::AwaitsApproval { run: run.id, plan });
        }
        if decide::is_moving(run) || !self.asking.is_empty() || !self.calling.is_empty() {
            return None;
        }
        let parked = run
            .live
            .iter()
            .filter_map(|id| match &run.actions.get(id)?.stage {
                decide::Stage::Parked { question } => Some((*id, question.clone())),
                _ => None,
            });
        let questions: Vec<(ActionId, String)> = parked.collect();
        if self.held_back {
            return Some(Pause::LowSpace);
        }
        (!questions.is_empty() && self.wake_at_ms.is_none()).then_some(Pause::Parked {
            run: run.id,
            questions,
        })
    }

    /// Takes what happened and says what is to be done.
    ///
    /// # Errors
    /// When the book's entries do not fit each other: a fault of ours or of the book; nothing more is done.
    pub fn handle(&mut self, now_ms: i64, input: Input) -> Result<Vec<Output>, EngineError> {
        let now_ms = self.not_before_the_book(now_ms);
        let mut outputs = Vec::new();
        match input {
            Input::Durable => self.durable(&mut outputs)?,
            Input::Record(events, blobs) => {
                self.staged.extend(events);
                self.staged_blobs.extend(blobs);
            }
            Input::Command { actor, command } => {
                let command = self.order_as_promised(command);
                self.staged.push(Event::Commanded { actor, command })
            }
            Input::Ended {
                run,
                action,
                attempt,
                outcome,
            } => {
                let outcome = self.as_promised(action, outcome);
                self.staged.push(Event::Finished {
                    run,
                    action,
                    attempt,
                    outcome,
                });
            }
            Input::Inquired {
                run,
                action,
                attempt,
                looked,
            } => self.inquired(run, action, attempt, looked),
            Input::Answered {
                run,
                action,
                answer,
            } => {
                self.answered(run, action, answer);
            }
            Input::Called { run, call, answer } => self.called(run, call, answer),
            Input::Prepared(answers) => self.prepared = answers,
            Input::PlanAnswered { number, answer } => {
                self.plan_answered(number, answer, &mut outputs);
            }
            Input::Opened {
                on,
                address,
                opened,
            } => self.opened(on, address, opened, &mut outputs),
            Input::Seen {
                watch,
                observations,
            } => self.seen(now_ms, watch, observations),
            Input::LowSpace(low) => self.low_space = low,
            Input::Tick => {}
        }
        self.pump(now_ms, &mut outputs);
        Ok(outputs)
    }

    /// The time of the book: a clock that stood behind the newest entry at the start stays as far ahead as it was set.
    fn not_before_the_book(&mut self, now_ms: i64) -> i64 {
        let behind_ms = self.world.at_ms.saturating_sub(now_ms).max(0);
        let ahead_ms = *self.ahead_ms.get_or_insert(behind_ms);
        now_ms.saturating_add(ahead_ms).max(self.world.at_ms)
    }

    /// The outcome of an action: damage where it is not what was planned, no answer where it makes no sense, a failed
    /// attempt where what is written for the object says that this passes.
    fn as_promised(&self, action: ActionId, outcome: Outcome) -> Outcome {
        let run = self.world.run.as_ref();
        let planned = run.and_then(|run| run.planned_by(action));
        let loose = planned.is_some_and(|planned| planned.loose);
        match run.and_then(|run| run.actions.get(&action)) {
            Some(action) if !decide::fits(&action.effect, &outcome) => Outcome::Unknown {
                why: format!(
                    "the answer was one that {} cannot have",
                    action.effect.subject()
                ),
            },
            Some(action) => {
                let outcome = decide::promise::held(&action.effect, loose, outcome);
                decide::retry::judged(&action.effect, outcome)
            }
            None => outcome,
        }
    }

    /// What a person found is held against the plan like anything else that was found.
    fn order_as_promised(&self, command: Command) -> Command {
        match command {
            Command::Resolve {
                run,
                action,
                inquiry,
            } => Command::Resolve {
                run,
                action,
                inquiry: self.found_as_promised(action, inquiry),
            },
            other @ (Command::Approve { .. }
            | Command::Cancel { .. }
            | Command::LiftQuarantine { .. }
            | Command::Taint { .. }
            | Command::Rename { .. }
            | Command::Forget { .. }
            | Command::Forgive { .. }
            | Command::Retire { .. }) => other,
        }
    }

    fn inquired(&mut self, run: RunId, action: ActionId, attempt: u32, looked: Looked) {
        let inquiry = self.found_as_promised(action, looked.inquiry);
        self.inquiring.remove(&action);
        let event = Event::Inquired {
            run,
            action,
            attempt,
            inquiry,
            rungs: looked.rungs,
        };
        self.stage_for(run, event);
    }

    /// What is ephemeral is never written down.
    fn called(&mut self, run: RunId, call: CallQuestion, answer: Answer) {
        self.calling.remove(&call);
        if decide::is_ephemeral(&call) {
            self.memo.lend(&self.world, &call, &answer);
        } else {
            self.stage_for(run, Event::Called { run, call, answer });
        }
    }

    /// Writes down what was found out for a run that is still under way; for one that is over it is no news.
    fn stage_for(&mut self, run: RunId, event: Event) {
        if self.world.run.as_ref().map(|active| active.id) == Some(run) {
            self.staged.push(event);
        }
    }

    fn found_as_promised(&self, action: ActionId, inquiry: Inquiry) -> Inquiry {
        match inquiry {
            Inquiry::Found(outcome) => match self.as_promised(action, outcome) {
                Outcome::Unknown { why } => Inquiry::Unclear { what: why },
                outcome => Inquiry::Found(outcome),
            },
            other @ (Inquiry::Absent | Inquiry::NotYet | Inquiry::Unclear { .. }) => other,
        }
    }

    /// Folds what became durable, and begins what it intends.
    fn durable(&mut self, outputs: &mut Vec<Output>) -> Result<(), EngineError> {
        let Some((entries, blobs)) = self.appending.take() else {
            return Ok(());
        };
        let generation = self.world.route.table.generation;
        for entry in entries {
            let layered = Layered(&blobs, self.blobs.as_ref());
            self.world
                .fold(&entry, &layered, &mut self.releases)
                .map_err(|source| EngineError::Illegal {
                    environment: self.world.environment.to_string(),
                    source,
                })?;
            if let Event::Intended {
                run,
                action,
                attempt,
                effect,
            } = &entry.event
            {
                let (effect, configuration) = self.handed_out(*action, effect);
                outputs.push(Output::Perform {
                    run: *run,
                    action: *action,
                    attempt: *attempt,
                    effect,
                    configuration,
                });
            }
            if let Event::Closed { run, result } = &entry.event {
                self.last_result = Some(result.clone());
                self.over(*run);
            }
            self.folded.push(entry);
        }
        if self.world.route.table.generation != generation {
            // They were counted under the table before.
            self.staged
                .retain(|event| !matches!(event, Event::Observed(Observation::Counts(_))));
        }
        Ok(())
    }

    /// A run is over: what is still asked, planned or about to be written for it no longer matters. Orders of a person
    /// stay in the book whether they came in time or not.
    fn over(&mut self, run: RunId) {
        self.planner = None;
        self.held.clear();
        self.opening_again = false;
        self.prepared.clear();
        self.looking.clear();
        self.asking.clear();
        self.calling.clear();
        self.inquiring.clear();
        self.staged
            .retain(|event| event.run() != Some(run) || matches!(event, Event::Commanded { .. }));
    }

    fn seen(&mut self, now_ms: i64, watch: Watch, observations: Option<Vec<Observation>>) {
        let generation = self.world.route.table.generation;
        let observations = match (self.looking.get(&watch), observations) {
            // Requests may have been let in since, under the table that was in force when the look began.
            (Some(Look::UnderWay(began)), _) if *began != generation => Vec::new(),
            (None | Some(Look::DueAt(_)), _) => return,
            (_, observations) => self.with_uncounted(&watch, observations),
        };
        let news = observations
            .into_iter()
            .filter(|one| decide::is_news(&self.world, one));
        self.staged.extend(news.map(Event::Observed));
        let every_ms = decide::watches(&self.world)
            .into_iter()
            .find(|(one, _)| *one == watch)
            .map(|(_, every_ms)| every_ms);
        match every_ms {
            Some(every_ms) => self.looking.insert(watch, Look::DueAt(now_ms + every_ms)),
            None => self.looking.remove(&watch),
        };
    }

    fn with_uncounted(&self, watch: &Watch, seen: Option<Vec<Observation>>) -> Vec<Observation> {
        match seen {
            Some(seen) if *watch == Watch::Counts => decide::with_uncounted(&self.world, seen),
            seen => seen.unwrap_or_default(),
        }
    }

    /// Writes what is staged; when nothing is, asks what should be done.
    fn pump(&mut self, now_ms: i64, outputs: &mut Vec<Output>) {
        self.wake_at_ms = None;
        if self.appending.is_some() {
            return;
        }
        if self.staged.is_empty() {
            self.decide(now_ms, outputs);
            self.look(now_ms, outputs);
        }
        if !self.staged.is_empty() {
            self.append(now_ms, outputs);
        }
    }

    fn decide(&mut self, now_ms: i64, outputs: &mut Vec<Output>) {
        self.held_back = false;
        let decisions = decide::next(&self.world, &mut self.memo, now_ms);
        if decisions.iter().any(opening::is_needed) && self.open_again(outputs) {
            return;
        }
        for decision in decisions {
            match decision {
                Decision::Record(Event::Intended { attempt: 1, .. }) if self.low_space => {
                    self.held_back = true;
                }
                Decision::Record(event) => {
                    if let Event::Released { .. } = &event {
                        self.stage_release();
                    }
                    self.staged.push(event);
                }
                Decision::Plan => {
                    if self.planner.is_none() {
                        self.begin_plan();
                        self.plan(outputs);
                    }
                }
                Decision::Ask {
                    run,
                    action,
                    question,
                } => {
                    if self.asking.insert(action) {
                        self.ask(run, action, &question, outputs);
                    }
                }
                Decision::Call { run, call } => {
                    if self.calling.insert(call.clone()) {
                        outputs.push(Output::Call { run, call });
                    }
                }
                Decision::Inquire {
                    run,
                    action,
                    attempt,
                    effect,
                } => {
                    if self.inquiring.insert(action) {
                        let configuration = self.configuration_for(&effect);
                        outputs.push(Output::Inquire {
                            run,
                            action,
                            attempt,
                            effect,
                            configuration,
                        });
                    }
                }
                Decision::WakeAt(at_ms) => self.wake(at_ms),
            }
        }
    }

    /// Asks a question of the run, or answers it where nobody needs to be asked.
    fn ask(
        &mut self,
        run: RunId,
        action: ActionId,
        question: &Question,
        outputs: &mut Vec<Output>,
    ) {
        let is_held = |address| self.held.has(address);
        let stays =
            question.address().is_some_and(is_held) && decide::stays_open(&self.world, action);
        if matches!(question, Question::Open(_)) && stays {
            let answer = Answer::Open(OpenAnswer::default());
            return self.answered(run, action, answer);
        }
        let configuration = self.configuration_of(question.provider(), question.address());
        let (world, memo) = (&self.world, &mut self.memo);
        match decide::asked(world, memo, &mut self.held, question) {
            Ok(Question::Open(question)) => outputs.push(Output::Open {
                on: Opening::Step(run, action),
                question,
                configuration,
            }),
            Ok(question) => outputs.push(Output::Ask {
                run,
                action,
                question,
                configuration,
            }),
            Err(found) => self.answered(run, action, Answer::Failed(found)),
        }
    }

    fn answered(&mut self, run: RunId, action: ActionId, answer: Answer) {
        self.asking.remove(&action);
        let event = Event::Replanned {
            run,
            action,
            answer,
        };
        self.stage_for(run, event);
    }

    /// An effect as whoever carries it out is told of it, with what its provider is configured with.
    fn handed_out(&mut self, action: ActionId, effect: &Effect) -> (Effect, Configuration) {
        let configuration = self.configuration_for(effect);
        let (world, memo) = (&self.world, &mut self.memo);
        match decide::handed_out(world, memo, &mut self.held, action, effect) {
            Ok(whole) => (whole, configuration),
            // Nothing is begun that would be given something else than was meant.
            Err(found) => (effect.clone(), Err(found)),
        }
    }

    /// What the provider that carries out an effect is configured with, as things stand now.
    fn configuration_for(&mut self, effect: &Effect) -> Configuration {
        match effect {
            Effect::Change(change) => self.configuration(&change.provider, &change.address),
            Effect::Place(_)
            | Effect::Stop { .. }
            | Effect::Publish(_)
            | Effect::Build(_)
            | Effect::Provision(_)
            | Effect::Probe(_) => Ok(Value::null(Type::Any)),
        }
    }

    /// What the provider of an object is configured with, as things stand now; null where it is asked about none.
    pub(crate) fn configuration_of(
        &mut self,
        provider: &str,
        address: Option<&Address>,
    ) -> Configuration {
        match address {
            Some(address) => self.configuration(provider, address),
            None => or_null(Ok(None)),
        }
    }

    fn configuration(&mut self, provider: &str, address: &Address) -> Configuration {
        or_null(decide::configuration(
            &self.world,
            &mut self.memo,
            &mut self.held,
            provider,
            address,
        ))
    }

    fn wake(&mut self, at_ms: i64) {
        self.wake_at_ms = Some(self.wake_at_ms.map_or(at_ms, |earlier| earlier.min(at_ms)));
    }

    /// Hands out the looks that are due.
    fn look(&mut self, now_ms: i64, outputs: &mut Vec<Output>) {
        for (watch, _) in decide::watches(&self.world) {
            match self.looking.get(&watch) {
                Some(Look::UnderWay(_)) => {}
                Some(Look::DueAt(at_ms)) if *at_ms > now_ms => {
                    let at_ms = *at_ms;
                    self.wake(at_ms);
                }
                Some(Look::DueAt(_)) | None => {
                    let generation = self.world.route.table.generation;
                    self.looking
                        .insert(watch.clone(), Look::UnderWay(generation));
                    outputs.push(Output::Look(watch));
                }
            }
        }
    }

    fn append(&mut self, now_ms: i64, outputs: &mut Vec<Output>) {
        let entries: Vec<Entry> = std::mem::take(&mut self.staged)
            .into_iter()
            .zip(self.world.position + 1..)
            .map(|(event, position)| Entry {
                position,
                at_ms: now_ms,
                event,
            })
            .collect();
        let blobs = std::mem::take(&mut self.staged_blobs);
        let by_digest = blobs
            .iter()
            .map(|bytes| (Digest::of(bytes), bytes.clone()))
            .collect();
        self.appending = Some((entries.clone(), by_digest));
        outputs.push(Output::Append { entries, blobs });
    }

    /// The release of a build run goes into the book with the entry that names it.
    fn stage_release(&mut self) {
        if let Some(run) = &self.world.run {
            let built = decide::promote::built(&self.world, &run.loaded.release);
            let release = decide::promote::with_built(&run.loaded.release, &built);
            self.staged_blobs.push(model::encode(&release));
        }
    }

    fn begin_plan(&mut self) {
        let Some(run) = &self.world.run else { return };
        let planner = Planner::new(
            run.loaded.clone(),
            &self.world,
            self.memo.schemas().clone(),
            run.options.clone(),
        );
        self.planner = Some(Planning {
            planner,
            round: BTreeMap::new(),
            calls: false,
            missing: 0,
            answers: Vec::new(),
        });
    }

    fn plan_answered(&mut self, number: u32, answer: Answer, outputs: &mut Vec<Output>) {
        if let Some(planning) = &mut self.planner
            && let Some(place) = planning.round.get_mut(&number)
            && place.replace(answer).is_none()
        {
            planning.missing -= 1;
        }
        self.plan(outputs);
    }

    /// Goes on planning: in rounds, so that the order of questions never depends on who answers first.
    fn plan(&mut self, outputs: &mut Vec<Output>) {
        let Some(planning) = &mut self.planner else {
            return;
        };
        while planning.missing == 0 {
            // Ends: every round answers all questions, a plan asks at most three times about each object, and the
            // planner bounds how often it comes to new calls.
            for (number, answer) in std::mem::take(&mut planning.round) {
                let Some(answer) = answer else { continue };
                if !planning.calls {
                    planning.answers.push(answer.clone());
                }
                planning.planner.answer(number, answer);
            }
            let questions = planning.planner.questions();
            if questions.is_empty() {
                self.finish_plan();
                return;
            }
            let is_call = |one: &(u32, Question)| matches!(one.1, Question::Call(_));
            planning.calls = questions.iter().any(is_call);
            for (number, question) in questions {
                let known = if self.prepared.is_empty() {
                    None
                } else {
                    let stored = self.blobs.sealed(model::encode(&question));
                    self.prepared.get(&Digest::of(&stored)).cloned()
                };
                let known = known.or_else(|| {
                    let asked = planning.planner.handed_out(&question, &mut self.held);
                    let configuration = planning.planner.configuration(&question, &mut self.held);
                    let configuration = or_null(configuration);
                    match asked {
                        Handed::Ask(Question::Open(question)) => outputs.push(Output::Open {
                            on: Opening::Plan(number),
                            question,
                            configuration,
                        }),
                        Handed::Ask(question) => outputs.push(Output::AskForPlan {
                            number,
                            question,
                            configuration,
                        }),
                        Handed::Answered(answer) => return Some(answer),
                    }
                    None
                });
                planning.missing += usize::from(known.is_none());
                planning.round.insert(number, known);
            }
        }
    }

    fn finish_plan(&mut self) {
        let (Some(planning), Some(run)) = (self.planner.take(), &self.world.run) else {
            return;
        };
        let run = run.id;
        let found = planning.planner.judged_with(&mut self.held);
        if found.has_errors() {
            return self.close_failed(run, found);
        }
        let mut calls = planning.planner.calls();
        match planning.planner.finish() {
            Ok(plan) => {
                calls.retain(|(call, _)| !decide::is_ephemeral(call));
                for (call, answer) in calls {
                    self.staged.push(Event::Called { run, call, answer });
                }
                let answers = self.blobs.sealed(model::encode(&planning.answers));
                let bytes = self.blobs.sealed(model::encode(&plan));
                self.staged.push(Event::Answered {
                    run,
                    answers: Digest::of(&answers),
                });
                let summary = plan.summary();
                self.staged.push(Event::Planned {
                    run,
                    plan: Digest::of(&bytes),
                    summary,
                });
                self.staged_blobs.extend([answers, bytes]);
            }
            Err(diagnostics) => self.close_failed(run, diagnostics),
        }
    }

    fn close_failed(&mut self, run: RunId, diagnostics: Diagnostics) {
        self.staged.push(Event::Closed {
            run,
            result: RunResult::Failed { diagnostics },
        });
    }
}
