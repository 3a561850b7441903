//! What we make of a pair: the first version planned and applied, the second planned, in memory.
//!
//! The loop is the engine's own, the provider is the real one; marks are put back where they were, as Terraform does,
//! and not on whatever repeats something sensitive, which is a stricter rule of ours. Ids are those that Terraform
//! drew.

use super::{Answers, Files, Ids, Step};
use crate::project::Project;
use contract::Provider as _;
use decide::{Blobs, LoadedReleases, Planner, Schemas, World};
use engine::{Core, Input, Output, Pause, unmarked_change, unmarked_question};
use host::Builtin;
use interchange::{Making, Secrecy};
use model::{
    ActionId, Answer, Digest, Effect, Event, Outcome, Question, RunId, RunKind, RunOptions,
    RunResult, Verb,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use value::{Diagnostics, Severity, Value};

/// When everything happens.
const NOW_MS: i64 = 1_767_225_600_000;

/// More than any pair needs: a loop that goes on beyond it is one that never ends.
const TURNS_MAX: usize = 100_000;

/// Plans and applies the first version, plans the second.
pub(crate) fn answers(first: &Files, second: &Files, ids: &Ids) -> Answers {
    let mut pen = Pen::new(ids);
    let (one, loaded) = match pen.planned(first) {
        Ok(planned) => planned,
        Err(found) => return Answers::until(Step::Failed(found)),
    };
    if let Err(found) = pen.apply(&loaded) {
        return Answers {
            first: one,
            applied: false,
            second: Step::Failed(found),
        };
    }
    let second = match pen.planned(second) {
        Ok((plan, _)) => plan,
        Err(found) => Step::Failed(found),
    };
    Answers {
        first: one,
        applied: true,
        second,
    }
}

fn told(found: &Diagnostics) -> String {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let told = errors.map(|one| format!("{}: {} ({})", one.summary, one.detail, one.code));
    told.collect::<Vec<_>>().join(" | ")
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

    fn templates(&self) -> Option<decide::TemplateReader> {
        Some(definition::template_expression)
    }
}

/// A compiled version.
struct Loaded {
    digest: Digest,
    content: Vec<Vec<u8>>,
}

struct Pen<'a> {
    provider: Builtin,
    schemas: Arc<Schemas>,
    shelf: Shelf,
    releases: LoadedReleases,
    core: Core,
    ids: &'a Ids,
}

impl<'a> Pen<'a> {
    fn new(ids: &'a Ids) -> Self {
        let provider = Builtin::new();
        let schemas = BTreeMap::from([(Builtin::SOURCE.to_owned(), provider.schema().clone())]);
        let schemas = Arc::new(schemas);
        let shelf = Shelf::default();
        let world = World {
            environment: "default".into(),
            ..World::default()
        };
        let core = Core::new(
            world,
            LoadedReleases::new(),
            schemas.clone(),
            Box::new(shelf.clone()),
        );
        Self {
            provider,
            schemas,
            shelf,
            releases: LoadedReleases::new(),
            core,
            ids,
        }
    }

    /// Compiles a version and plans it in the world as it is.
    fn planned(&mut self, files: &Files) -> Result<(Step, Loaded), String> {
        let content = files.iter();
        let content = content.map(|(path, text)| (path.clone(), text.clone().into_bytes()));
        let project = Project(content.collect());
        let schemas: Vec<_> = self.schemas.values().cloned().collect();
        let compiled = definition::compile(&project, &[], &schemas);
        let Some(release) = compiled.release else {
            return Err(told(&compiled.diagnostics));
        };
        let bytes = model::encode(&release);
        let digest = Digest::of(&bytes);
        let mut content = vec![bytes];
        content.extend(compiled.files.into_values());
        self.shelf.put(content.clone());
        let loaded = self.releases.load(&digest, &self.shelf)?;
        let mut planner = Planner::new(
            loaded.clone(),
            self.core.world(),
            self.schemas.clone(),
            options(),
        );
        planner.begin_at(NOW_MS);
        loop {
            // Ends: every round answers all questions, and a plan asks at most three times about each object.
            let questions = planner.questions();
            if questions.is_empty() {
                break;
            }
            for (number, question) in questions {
                planner.answer(number, self.answered(&question));
            }
        }
        let plan = planner.finish().map_err(|found| told(&found))?;
        let making = Making {
            loaded: &loaded,
            world: self.core.world(),
            schemas: &self.schemas,
            at_ms: NOW_MS,
            secrecy: Secrecy::Revealed,
        };
        let json = interchange::plan(&plan, making);
        let json = serde_json::from_str(&json).unwrap_or_default();
        Ok((Step::Planned(json), Loaded { digest, content }))
    }

    /// Carries a version out.
    fn apply(&mut self, loaded: &Loaded) -> Result<(), String> {
        let begin = vec![
            Event::Opened {
                environment: "default".into(),
            },
            Event::Started {
                epoch: 1,
                program: "conformance".into(),
            },
        ];
        self.drive(Input::Record(begin, Vec::new()))?;
        let request = Event::Submitted {
            run: RunId(1),
            kind: RunKind::Apply,
            release: loaded.digest,
            actor: "conformance".into(),
            options: RunOptions {
                auto_approve: true,
                ..options()
            },
        };
        self.drive(Input::Record(vec![request], loaded.content.clone()))?;
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

    fn done(&self, output: Output) -> Option<Input> {
        match output {
            Output::Append { blobs, .. } => {
                self.shelf.put(blobs);
                Some(Input::Durable)
            }
            Output::Perform {
                run,
                action,
                attempt,
                effect,
                ..
            } => Some(Input::Ended {
                run,
                action,
                attempt,
                outcome: self.performed(action, &effect),
            }),
            Output::Ask {
                run,
                action,
                question,
                ..
            } => Some(Input::Answered {
                run,
                action,
                answer: self.answered(&question),
            }),
            Output::AskForPlan {
                number, question, ..
            } => Some(Input::PlanAnswered {
                number,
                answer: self.answered(&question),
            }),
            Output::Inquire { .. } | Output::Look(_) => None,
        }
    }

    fn answered(&self, question: &Question) -> Answer {
        let (question, sensitive) = unmarked_question(question);
        let answer = now(self.provider.ask(&question));
        sensitive.without_texts().answer(answer)
    }

    fn performed(&self, action: ActionId, effect: &Effect) -> Outcome {
        let Effect::Change(change) = effect else {
            return Outcome::Unknown {
                why: "only objects are changed here".to_owned(),
            };
        };
        let (change, sensitive) = unmarked_change(change);
        let mut outcome = now(self.provider.apply(action, &change));
        let id = self.ids.get(&change.address.to_string());
        if let (Outcome::Changed { object, .. }, Verb::Create, Some(id)) =
            (&mut outcome, change.verb, id)
            && let Some(entries) = object.as_ref().and_then(Value::entries)
        {
            let mut entries = entries.clone();
            entries.insert("id".into(), Value::string(id));
            *object = Some(Value::object(entries));
        }
        sensitive.without_texts().outcome(outcome)
    }
}

fn options() -> RunOptions {
    RunOptions {
        refresh: true,
        parallelism: 10,
        ..RunOptions::default()
    }
}

/// What is there at once: the built-in provider waits for nothing.
fn now<T>(mut pending: contract::Pending<'_, T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Ends with the first look, for all that is asked here.
        if let Poll::Ready(value) = pending.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
