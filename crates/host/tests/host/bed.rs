//! A project in a temporary directory, and short ways to ask the provider things.

use contract::{Answer, Inquiry, Outcome, Provider, Question};
use host::{Host, Options};
use model::{
    ActionId, Address, Change, Key, Mode, ModulePath, PlanAnswer, PlanQuestion, ReadAnswer,
    ReadQuestion, Repeat, ResourceAddress, RunId, Verb,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use value::{Diagnostics, Type, Value};

/// Longest a test waits for a process.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

pub(crate) struct Bed {
    directory: tempfile::TempDir,
    pub(crate) host: Host,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("project")).unwrap();
        let host = host_in(directory.path());
        Self { directory, host }
    }

    /// Its directory, for [`host_in`] another process.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A path inside the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("project").join(name)
    }

    /// Names in the project's directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A complete configuration: null where nothing is given.
    pub(crate) fn config(&self, kind: &str, given: &[(&str, Value)]) -> Value {
        complete(&self.host, kind, given)
    }

    pub(crate) async fn ask_plan(
        &self,
        kind: &str,
        config: &Value,
        prior: Option<&Value>,
    ) -> Answer {
        let question = Question::Plan(PlanQuestion {
            address: address(kind),
            provider: Host::SOURCE.into(),
            config: config.clone(),
            prior: prior.cloned().unwrap_or_else(|| Value::null(Type::Any)),
            proposed: config.clone(),
            private: Vec::new(),
            written: None,
            retry: None,
        });
        self.host.ask(&question).await
    }

    pub(crate) async fn plan(
        &self,
        kind: &str,
        config: &Value,
        prior: Option<&Value>,
    ) -> PlanAnswer {
        match self.ask_plan(kind, config, prior).await {
            Answer::Plan(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// The code that a plan is refused with.
    pub(crate) async fn refused_plan(&self, kind: &str, config: &Value) -> String {
        match self.ask_plan(kind, config, None).await {
            Answer::Failed(found) => code(&found),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn creation(&self, kind: &str, given: &[(&str, Value)]) -> Change {
        let config = self.config(kind, given);
        let plan = self.plan(kind, &config, None).await;
        change(kind, Verb::Create, None, Some(config), Some(plan.planned))
    }

    pub(crate) async fn update(
        &self,
        kind: &str,
        prior: &Value,
        given: &[(&str, Value)],
    ) -> Change {
        let config = self.config(kind, given);
        let plan = self.plan(kind, &config, Some(prior)).await;
        assert!(
            plan.requires_replace.is_empty(),
            "{:?}",
            plan.requires_replace
        );
        let planned = Some(plan.planned);
        change(
            kind,
            Verb::Update,
            Some(prior.clone()),
            Some(config),
            planned,
        )
    }

    pub(crate) async fn apply(&self, change: &Change) -> Outcome {
        self.host.apply(action(), change).await
    }

    /// Applies a change that works.
    pub(crate) async fn made(&self, change: &Change) -> Value {
        object(self.apply(change).await)
    }

    pub(crate) async fn create(&self, kind: &str, given: &[(&str, Value)]) -> Value {
        self.made(&self.creation(kind, given).await).await
    }

    pub(crate) async fn ask_read(&self, kind: &str, prior: &Value) -> Answer {
        let question = Question::Read(ReadQuestion {
            address: address(kind),
            provider: Host::SOURCE.into(),
            prior: prior.clone(),
            private: Vec::new(),
            retry: None,
        });
        self.host.ask(&question).await
    }

    pub(crate) async fn read(&self, kind: &str, prior: &Value) -> ReadAnswer {
        match self.ask_read(kind, prior).await {
            Answer::Read(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn inquire(&self, change: &Change) -> Inquiry {
        self.host.inquire(action(), change).await.inquiry
    }
}

/// The provider of the bed that stands in this directory.
pub(crate) fn host_in(root: &Path) -> Host {
    Host::new(Options {
        project: root.join("project"),
        scratch: root.join("scratch"),
    })
}

pub(crate) fn complete(provider: &dyn Provider, kind: &str, given: &[(&str, Value)]) -> Value {
    let attributes = &provider.schema().resources[kind].block.attributes;
    let mut entries: BTreeMap<_, _> = attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), Value::null(attribute.ty.clone())))
        .collect();
    for (name, value) in given {
        let known = entries.insert((*name).into(), value.clone());
        assert!(known.is_some(), "{kind} has no attribute {name}");
    }
    Value::object(entries)
}

pub(crate) fn action() -> ActionId {
    ActionId::of(RunId(1), "test")
}

pub(crate) fn address(kind: &str) -> Address {
    Address {
        resource: ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: kind.into(),
            name: "it".into(),
        },
        key: Key::None,
    }
}

pub(crate) fn change(
    kind: &str,
    verb: Verb,
    prior: Option<Value>,
    config: Option<Value>,
    planned: Option<Value>,
) -> Change {
    Change {
        address: address(kind),
        provider: Host::SOURCE.into(),
        verb,
        prior,
        config,
        planned,
        private: Vec::new(),
        repeat: Repeat::Safe,
        settle_ms: 0,
        dependencies: Vec::new(),
        retry: None,
    }
}

pub(crate) fn deletion(kind: &str, prior: &Value) -> Change {
    change(kind, Verb::Delete, Some(prior.clone()), None, None)
}

pub(crate) fn object(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Changed {
            object: Some(object),
            ..
        } => object,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn is_deleted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Changed { object: None, .. })
}

/// The code of the one finding.
pub(crate) fn code(found: &Diagnostics) -> String {
    match found.0.as_slice() {
        [one] => {
            assert!(!one.detail.is_empty(), "{one:?} does not say why");
            one.code.to_string()
        }
        other => panic!("not one finding: {other:?}"),
    }
}

/// The code of a refusal.
pub(crate) fn refusal(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused { diagnostics } => {
            let code = code(diagnostics);
            let place = diagnostics.0[0].address.as_deref().unwrap_or_default();
            assert!(place.ends_with(".it"), "{place:?} is not where it happened");
            code
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn text(value: &str) -> Value {
    Value::string(value)
}

pub(crate) fn strings(entries: &[(&str, &str)]) -> Value {
    let entries = entries
        .iter()
        .map(|(name, value)| ((*name).into(), text(value)));
    Value::map(Type::String, entries.collect())
}

pub(crate) fn words(words: &[&str]) -> Value {
    Value::tuple(words.iter().map(|word| text(word)).collect())
}

/// A named pipe, so that a test and a process can wait for each other.
pub(crate) fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

/// Blocking work on a thread that a failing test leaves behind instead of waiting for it.
pub(crate) async fn detached<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nobody listens any more when the test has failed.
        let _ = done.send(work());
    });
    tokio::time::timeout(WAIT, result).await.unwrap().unwrap()
}
