//! What we ask in a scenario: the engine's own loop in memory, with providers as the program has them.

use super::theirs::mock;
use super::{Asked, SOURCE, Scenario, Step, lines, outside};
use crate::pen::{Outside, Pen, options, told};
use contract::{Lease, Provider};
use decide::Schemas;
use engine::{Configuration, unmarked_change, unmarked_question};
use host::Builtin;
use model::{ActionId, Answer, Change, OpenQuestion, Outcome, PlanMode, Question};
use plugin::{Launch, Options, Place, Plugin, Reattach};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use value::{Diagnostics, Value};

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
    let providers = Providers::new(&runtime, &launch)?;
    let mut pen = Pen::new(providers.schemas(), providers)?;
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
        pen.outside.forget();
        let mode = match step {
            Step::Destroy => PlanMode::Destroy,
            _ => PlanMode::Normal,
        };
        let ended = pen.compiled(&texts, mode).and_then(|compiled| match step {
            Step::Plan => pen.planned(&compiled, options(mode)).map(drop),
            _ => pen.apply(&compiled, mode),
        });
        asked.push(lines(&mock, step, ended.is_ok()));
    }
    Ok(asked)
}

/// The providers that there are, and those that were configured.
struct Providers<'r> {
    runtime: &'r Runtime,
    all: BTreeMap<String, Arc<dyn Provider>>,
    configured: Mutex<BTreeMap<(String, Value), Arc<dyn Provider>>>,
    /// What is open, and who opened it.
    leases: Mutex<Vec<(Arc<dyn Provider>, Lease)>>,
}

impl<'r> Providers<'r> {
    fn new(runtime: &'r Runtime, launch: &Launch) -> Result<Self, String> {
        let options = Options {
            source: SOURCE.to_owned(),
            launch: launch.clone(),
            wanted: None,
            cache: None,
            settle_ms: 0,
            tether: None,
        };
        let plugin = runtime
            .block_on(Plugin::start(options))
            .map_err(|found| told(&found))?;
        let mut all: BTreeMap<String, Arc<dyn Provider>> = BTreeMap::new();
        all.insert(SOURCE.to_owned(), Arc::new(plugin));
        all.insert(Builtin::SOURCE.to_owned(), Arc::new(Builtin::new()));
        Ok(Self {
            runtime,
            all,
            configured: Mutex::default(),
            leases: Mutex::default(),
        })
    }

    fn schemas(&self) -> Arc<Schemas> {
        let schemas = self.all.iter();
        let schemas = schemas.map(|(source, one)| (source.clone(), one.schema().clone()));
        Arc::new(schemas.collect())
    }

    /// Whatever comes next is configured anew.
    fn forget(&self) {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn unconfigured(&self, source: &str) -> Result<&Arc<dyn Provider>, Diagnostics> {
        self.all.get(source).ok_or_else(Diagnostics::new)
    }

    fn provider(
        &self,
        source: &str,
        configuration: &Configuration,
    ) -> Result<Arc<dyn Provider>, Diagnostics> {
        let config = configuration.clone()?.unmark_all();
        let key = (source.to_owned(), config.clone());
        let mut configured = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = configured.get(&key) {
            return Ok(known.clone());
        }
        let provider = self.unconfigured(source)?;
        let one = match provider.configured(&config) {
            Some(configuring) => self.runtime.block_on(configuring)?,
            None => provider.clone(),
        };
        configured.insert(key, one.clone());
        Ok(one)
    }
}

impl Outside for Providers<'_> {
    fn answered(&self, question: &Question, configuration: &Configuration) -> Answer {
        let provider = match question {
            Question::Call(call) => self.unconfigured(&call.provider).cloned(),
            _ => self.provider(question.provider(), configuration),
        };
        match provider {
            Ok(provider) => {
                let (question, sensitive) = unmarked_question(question, provider.schema());
                sensitive.answer(self.runtime.block_on(provider.ask(&question)))
            }
            Err(found) => Answer::Failed(found),
        }
    }

    fn opened(
        &self,
        question: &OpenQuestion,
        configuration: &Configuration,
    ) -> Result<(Value, Diagnostics), Diagnostics> {
        let provider = self.provider(&question.provider, configuration)?;
        let mut question = question.clone();
        question.config = question.config.unmark_all();
        let opening = provider.open(&question).ok_or_else(Diagnostics::new)?;
        let opened = self.runtime.block_on(opening)?;
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.push((provider, opened.lease));
        Ok((opened.value, opened.diagnostics))
    }

    fn let_go(&self) {
        let leases =
            std::mem::take(&mut *self.leases.lock().unwrap_or_else(PoisonError::into_inner));
        for (provider, lease) in leases.iter().rev() {
            self.runtime.block_on(provider.let_go(lease));
        }
    }

    fn changed(&self, action: ActionId, change: &Change, configuration: &Configuration) -> Outcome {
        match self.provider(&change.provider, configuration) {
            Ok(provider) => {
                let (change, sensitive) = unmarked_change(change, provider.schema());
                sensitive.outcome(self.runtime.block_on(provider.apply(action, &change)))
            }
            Err(diagnostics) => Outcome::Refused { diagnostics },
        }
    }
}
