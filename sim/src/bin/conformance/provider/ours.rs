//! What we ask in a scenario: the engine's own loop in memory, with providers as the program has them.

use super::theirs::mock;
use super::{Asked, SOURCE, Scenario, Step, lines, outside};
use crate::project::Project;
use contract::Provider;
use decide::{Blobs, LoadedReleases, Planner, Schemas, World};
use engine::{Configuration, Core, Input, Output, Pause, unmarked_change, unmarked_question};
use host::Builtin;
use model::{
    ActionId, Answer, Digest, Effect, Event, Inquiry, Outcome, PlanMode, Question, RunId, RunKind,
    RunOptions, RunResult,
};
use plugin::{Launch, Options, Place, Plugin, Reattach};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use value::{Diagnostics, Value};

/// When everything happens.
const NOW_MS: i64 = 1_767_225_600_000;

/// More than any scenario needs: a loop that goes on beyond it is one that never ends.
const TURNS_MAX: usize = 10_000;

/// Carries out all steps.
pub(crate) fn asked(scenario: &Scenario) -> Result<Asked, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let _inside = runtime.enter();
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mock = mock(scenario)?;
    let socket = directory.path().join("mock.sock");
    mock.serve_at(&socket).map_err(|error| error.to_string())?;
    let launch = Launch::Reattach(Reattach {
        place: Place::Unix(socket),
        major: plugin::Major::of(scenario.major).ok_or("there is no such protocol")?,
    });
    let mut texts = scenario.texts.clone();
    texts.retain(|name, _| name.ends_with(".tf"));
    let mut pen = Pen::new(&runtime, &launch)?;
    let mut asked = Asked::new();
    for step in &scenario.steps {
        if outside(&mock, step) {
            asked.push(BTreeSet::new());
            continue;
        }
        if let Step::Use(name) = step {
            let text = scenario.texts.get(name).cloned().unwrap_or_default();
            texts.insert("main.tf".to_owned(), text);
            asked.push(BTreeSet::new());
            continue;
        }
        // Each command meets its providers anew.
        pen.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let ended = match step {
            Step::Plan => pen.plan(&texts),
            Step::Destroy => pen.apply(&texts, PlanMode::Destroy),
            _ => pen.apply(&texts, PlanMode::Normal),
        };
        asked.push(lines(&mock, step, ended.is_ok()));
    }
    Ok(asked)
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

struct Pen<'r> {
    runtime: &'r Runtime,
    providers: BTreeMap<String, Arc<dyn Provider>>,
    configured: Mutex<BTreeMap<(String, Value), Arc<dyn Provider>>>,
    schemas: Arc<Schemas>,
    shelf: Shelf,
    releases: LoadedReleases,
    core: Core,
    runs: u64,
}

impl<'r> Pen<'r> {
    fn new(runtime: &'r Runtime, launch: &Launch) -> Result<Self, String> {
        let options = Options {
            source: SOURCE.to_owned(),
            launch: launch.clone(),
            wanted: None,
            cache: None,
        };
        let plugin = runtime
            .block_on(Plugin::start(options))
            .map_err(|found| told(&found))?;
        let mut providers: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        providers.insert(SOURCE.to_owned(), Arc::new(plugin));
        providers.insert(Builtin::SOURCE.to_owned(), Arc::new(Builtin::new()));
        let schemas = providers.iter();
        let schemas = schemas.map(|(source, one)| (source.clone(), one.schema().clone()));
        let schemas: Arc<Schemas> = Arc::new(schemas.collect());
        let shelf = Shelf::default();
        let world = World {
            environment: "default".into(),
            ..World::default()
        };
        let blobs = Box::new(shelf.clone());
        let core = Core::new(world, LoadedReleases::new(), schemas.clone(), blobs);
        let mut pen = Self {
            runtime,
            providers,
            configured: Mutex::default(),
            schemas,
            shelf,
            releases: LoadedReleases::new(),
            core,
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

    /// Compiles what is written: the release's digest, its content now being on the shelf.
    fn compiled(&self, texts: &BTreeMap<String, String>) -> Result<(Digest, Vec<Vec<u8>>), String> {
        let content = texts.iter();
        let content = content.map(|(path, text)| (path.clone(), text.clone().into_bytes()));
        let project = Project(content.collect());
        let schemas: Vec<_> = self.schemas.values().cloned().collect();
        let compiled = definition::compile(&project, &[], &schemas);
        let Some(release) = compiled.release else {
            return Err(told(&compiled.diagnostics));
        };
        let mut content = vec![model::encode(&release)];
        let digest = Digest::of(&model::encode(&release));
        content.extend(compiled.files.into_values());
        self.shelf.put(content.clone());
        Ok((digest, content))
    }

    fn plan(&mut self, texts: &BTreeMap<String, String>) -> Result<(), String> {
        let (digest, _) = self.compiled(texts)?;
        let loaded = self.releases.load(&digest, &self.shelf)?;
        let schemas = self.schemas.clone();
        let mut planner = Planner::new(
            loaded,
            self.core.world(),
            schemas,
            options(PlanMode::Normal),
        );
        planner.begin_at(NOW_MS);
        loop {
            // Ends: every round answers all questions, and a plan asks at most three times about each object.
            let questions = planner.questions();
            if questions.is_empty() {
                break;
            }
            for (number, question) in questions {
                let configuration = planner.configuration(&question);
                let configuration =
                    configuration.map(|one| one.unwrap_or_else(|| Value::null(value::Type::Any)));
                let answer = self.answered(&question, &configuration);
                planner.answer(number, answer);
            }
        }
        planner.finish().map(|_| ()).map_err(|found| told(&found))
    }

    fn apply(&mut self, texts: &BTreeMap<String, String>, mode: PlanMode) -> Result<(), String> {
        let (release, content) = self.compiled(texts)?;
        self.runs += 1;
        let request = Event::Submitted {
            run: RunId(self.runs),
            kind: RunKind::Apply,
            release,
            actor: "conformance".into(),
            options: RunOptions {
                auto_approve: true,
                ..options(mode)
            },
        };
        self.drive(Input::Record(vec![request], content))?;
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
                outcome: self.performed(action, &effect, &configuration),
            },
            Output::Ask {
                run,
                action,
                question,
                configuration,
            } => Input::Answered {
                run,
                action,
                answer: self.answered(&question, &configuration),
            },
            Output::AskForPlan {
                number,
                question,
                configuration,
            } => Input::PlanAnswered {
                number,
                answer: self.answered(&question, &configuration),
            },
            Output::Inquire {
                run,
                action,
                attempt,
                ..
            } => Input::Inquired {
                run,
                action,
                attempt,
                inquiry: Inquiry::Unclear {
                    what: "nobody looks here".to_owned(),
                },
            },
            Output::Look(_) => return None,
        })
    }

    fn provider(
        &self,
        source: &str,
        configuration: &Configuration,
    ) -> Result<Arc<dyn Provider>, Diagnostics> {
        let config = configuration.clone()?.unmark_all();
        let key = (source.to_owned(), config.clone());
        let mut all = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&key) {
            return Ok(known.clone());
        }
        let Some(provider) = self.providers.get(source) else {
            return Err(Diagnostics::new());
        };
        let configured = match provider.configured(&config) {
            Some(configuring) => self.runtime.block_on(configuring)?,
            None => provider.clone(),
        };
        all.insert(key, configured.clone());
        Ok(configured)
    }

    fn answered(&self, question: &Question, configuration: &Configuration) -> Answer {
        match self.provider(question.provider(), configuration) {
            Ok(provider) => {
                let (question, sensitive) = unmarked_question(question);
                sensitive.answer(self.runtime.block_on(provider.ask(&question)))
            }
            Err(found) => Answer::Failed(found),
        }
    }

    fn performed(
        &self,
        action: ActionId,
        effect: &Effect,
        configuration: &Configuration,
    ) -> Outcome {
        let Effect::Change(change) = effect else {
            return Outcome::Unknown {
                why: "only objects are changed here".to_owned(),
            };
        };
        match self.provider(&change.provider, configuration) {
            Ok(provider) => {
                let (change, sensitive) = unmarked_change(change);
                sensitive.outcome(self.runtime.block_on(provider.apply(action, &change)))
            }
            Err(diagnostics) => Outcome::Refused { diagnostics },
        }
    }
}

fn told(found: &Diagnostics) -> String {
    let told = found
        .iter()
        .map(|one| format!("{}: {} ({})", one.summary, one.detail, one.code));
    told.collect::<Vec<_>>().join(" | ")
}

fn options(mode: PlanMode) -> RunOptions {
    RunOptions {
        mode,
        refresh: true,
        parallelism: 10,
        ..RunOptions::default()
    }
}
