//! The engine's own loop in memory: texts are compiled, planned and applied in one world, with an outside that the
//! suite gives.

use crate::project::Project;
use decide::{Blobs, Handed, Held, LoadedRelease, LoadedReleases, Planner, Schemas, World};
use engine::{Configuration, Core, Input, Output, Pause};
use model::{
    ActionId, Answer, CallQuestion, Change, Command, Digest, Effect, Event, Inquiry, OpenQuestion,
    Outcome, Plan, PlanMode, Question, RunId, RunKind, RunOptions, RunResult,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use value::{Diagnostics, Severity, Value};

/// When everything happens.
pub(crate) const NOW_MS: i64 = 1_767_225_600_000;

/// More than any case needs: a loop that goes on beyond it is one that never ends.
const TURNS_MAX: usize = 100_000;

/// What is asked and changed.
pub(crate) trait Outside {
    /// Answers a question, in a configuration of its provider.
    fn answered(&self, question: &Question, configuration: &Configuration) -> Answer;

    /// Carries a change out, in a configuration of its provider.
    fn changed(&self, action: ActionId, change: &Change, configuration: &Configuration) -> Outcome;

    /// Opens an ephemeral resource, in a configuration of its provider.
    fn opened(
        &self,
        question: &OpenQuestion,
        configuration: &Configuration,
    ) -> Result<(Value, Diagnostics), Diagnostics>;

    /// Lets go of everything that is open.
    fn let_go(&self) {}
}

/// A world, and what plans and applies in it.
pub(crate) struct Pen<O> {
    pub(crate) outside: O,
    pub(crate) schemas: Arc<Schemas>,
    core: Core,
    shelf: Shelf,
    releases: LoadedReleases,
    runs: u64,
}

/// A release with its content.
pub(crate) struct Compiled {
    digest: Digest,
    content: Vec<Vec<u8>>,
}

impl<O: Outside> Pen<O> {
    pub(crate) fn new(schemas: Arc<Schemas>, outside: O) -> Result<Self, String> {
        let shelf = Shelf::default();
        let world = World {
            environment: "default".into(),
            ..World::default()
        };
        let blobs = Box::new(shelf.clone());
        let core = Core::new(world, LoadedReleases::new(), schemas.clone(), blobs);
        let mut pen = Self {
            outside,
            schemas,
            core,
            shelf,
            releases: LoadedReleases::new(),
            runs: 0,
        };
        let begin = vec![
            Event::Opened {
                environment: "default".into(),
            },
            Event::Started {
                epoch: 1,
                program: "conformance".into(),
            },
        ];
        pen.drive(Input::Record(begin, Vec::new()))?;
        Ok(pen)
    }

    /// The world as it is.
    pub(crate) fn world(&self) -> &World {
        self.core.world()
    }

    /// Compiles texts by name, for a plan of this mode.
    pub(crate) fn compiled(
        &self,
        texts: &BTreeMap<String, String>,
        mode: PlanMode,
    ) -> Result<Compiled, String> {
        let content = texts.iter();
        let content = content.map(|(path, text)| (path.clone(), text.clone().into_bytes()));
        let project = Project(content.collect());
        let schemas: Vec<_> = self.schemas.values().cloned().collect();
        let compiled = match mode {
            PlanMode::Destroy => definition::compile_to_destroy(&project, &[], &schemas),
            PlanMode::Normal | PlanMode::RefreshOnly => {
                definition::compile(&project, &[], &schemas)
            }
        };
        let Some(release) = compiled.release else {
            return Err(told(&compiled.diagnostics));
        };
        let bytes = model::encode(&release);
        let digest = Digest::of(&bytes);
        let mut content = vec![bytes];
        content.extend(compiled.files.into_values());
        self.shelf.put(content.clone());
        Ok(Compiled { digest, content })
    }

    /// Gives an order.
    pub(crate) fn order(&mut self, command: Command) -> Result<(), String> {
        let actor = "conformance".to_owned();
        self.drive(Input::Command { actor, command })
    }

    /// Plans in the world as it is.
    pub(crate) fn planned(
        &mut self,
        compiled: &Compiled,
        options: RunOptions,
    ) -> Result<(Plan, Arc<LoadedRelease>), String> {
        let loaded = self.releases.load(&compiled.digest, &self.shelf)?;
        let mut planner = Planner::new(
            loaded.clone(),
            self.core.world(),
            self.schemas.clone(),
            options,
        );
        planner.begin_at(NOW_MS);
        let mut held = Held::default();
        loop {
            // Ends: every round answers all questions, and a plan asks at most three times about each object.
            let questions = planner.questions();
            if questions.is_empty() {
                break;
            }
            for (number, question) in questions {
                let configuration = planner.configuration(&question, &mut held);
                let configuration =
                    configuration.map(|one| one.unwrap_or_else(|| Value::null(value::Type::Any)));
                let answer = match planner.handed_out(&question, &mut held) {
                    Handed::Ask(Question::Open(question)) => {
                        let opened = self.outside.opened(&question, &configuration);
                        planner.take(&question.address, opened, &mut held)
                    }
                    Handed::Ask(question) => self.outside.answered(&question, &configuration),
                    Handed::Answered(answer) => answer,
                };
                planner.answer(number, answer);
            }
        }
        self.outside.let_go();
        let found = planner.judged_with(&mut held);
        if found.has_errors() {
            return Err(told(&found));
        }
        let plan = planner.finish().map_err(|found| told(&found))?;
        Ok((plan, loaded))
    }

    /// Plans and carries out.
    pub(crate) fn apply(&mut self, compiled: &Compiled, mode: PlanMode) -> Result<(), String> {
        self.runs += 1;
        let request = Event::Submitted {
            run: RunId(self.runs),
            kind: RunKind::Apply,
            release: compiled.digest,
            actor: "conformance".into(),
            options: RunOptions {
                auto_approve: true,
                ..options(mode)
            },
        };
        let driven = self.drive(Input::Record(vec![request], compiled.content.clone()));
        self.outside.let_go();
        driven?;
        match self.core.pause() {
            Some(Pause::Over(Some(RunResult::Succeeded { .. }))) => Ok(()),
            Some(Pause::Over(Some(RunResult::Failed { diagnostics }))) => Err(told(&diagnostics)),
            other => Err(format!("it did not end but paused: {other:?}")),
        }
    }

    /// Does everything that follows from an input.
    fn drive(&mut self, input: Input) -> Result<(), String> {
        let mut inputs = VecDeque::from([input]);
        for turn in 0..TURNS_MAX {
            let next = match (inputs.pop_front(), self.core.wake_at_ms()) {
                (Some(input), _) => input,
                (None, Some(_)) if turn < TURNS_MAX / 2 => Input::Tick,
                (None, _) => return Ok(()),
            };
            let now_ms = NOW_MS + i64::try_from(turn).unwrap_or(i64::MAX);
            let outputs = self.core.handle(now_ms, next);
            for output in outputs.map_err(|error| error.to_string())? {
                inputs.extend(self.done(output));
            }
        }
        Err("it goes on and on".to_owned())
    }

    fn called(&self, run: RunId, call: CallQuestion) -> Input {
        let question = Question::Call(call.clone());
        let unconfigured = Ok(Value::null(value::Type::Any));
        let answer = self.outside.answered(&question, &unconfigured);
        Input::Called { run, call, answer }
    }

    fn done(&self, output: Output) -> Option<Input> {
        Some(match output {
            Output::Append { blobs, .. } => {
                self.shelf.put(blobs);
                Input::Durable
            }
            Output::Perform {
                run,
                action,
                attempt,
                effect,
                configuration,
            } => Input::Ended {
                run,
                action,
                attempt,
                outcome: match &effect {
                    Effect::Change(change) => self.outside.changed(action, change, &configuration),
                    _ => Outcome::Unknown {
                        why: "only objects are changed here".to_owned(),
                    },
                },
            },
            Output::Ask {
                run,
                action,
                question,
                configuration,
            } => Input::Answered {
                run,
                action,
                answer: self.outside.answered(&question, &configuration),
            },
            Output::AskForPlan {
                number,
                question,
                configuration,
            } => Input::PlanAnswered {
                number,
                answer: self.outside.answered(&question, &configuration),
            },
            Output::Call { run, call } => self.called(run, call),
            Output::Inquire {
                run,
                action,
                attempt,
                ..
            } => Input::Inquired {
                run,
                action,
                attempt,
                looked: Inquiry::Unclear {
                    what: "nobody looks here".to_owned(),
                }
                .into(),
            },
            Output::Open {
                on,
                question,
                configuration,
            } => Input::Opened {
                on,
                opened: self.outside.opened(&question, &configuration),
                address: question.address,
            },
            Output::Look(_) => return None,
        })
    }
}

/// Content by its digest.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<BTreeMap<Digest, Vec<u8>>>>);

impl Shelf {
    fn put(&self, content: Vec<Vec<u8>>) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.extend(content.into_iter().map(|one| (Digest::of(&one), one)));
    }
}

impl Blobs for Shelf {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.get(digest).cloned()
    }

    fn texts(&self) -> Option<value::TextReader> {
        Some(definition::TEXTS)
    }
}

/// Options of a plan as there are where nothing is asked for.
pub(crate) fn options(mode: PlanMode) -> RunOptions {
    RunOptions {
        mode,
        refresh: true,
        parallelism: 10,
        ..RunOptions::default()
    }
}

/// The errors among findings, in one line.
pub(crate) fn told(found: &Diagnostics) -> String {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let told = errors.map(|one| format!("{}: {} ({})", one.summary, one.detail, one.code));
    told.collect::<Vec<_>>().join(" | ")
}
