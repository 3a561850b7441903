//! Functions of providers in the loop: every file in `tests/calls` is a definition and what happens when it is applied.
//!
//! A file begins with prose, then comes the definition behind `-- main.tf --`, then behind `-- told --` what happens,
//! in order: what is asked in one round on one line, what is written in the book, what is done, how it ends, and what a
//! replay of the book comes to. Adding a case needs no Rust; with `UPDATE_CALLS=1` in the environment the files are
//! rewritten to what happened. The provider is the fake of `contract`, whose function `label` puts dashes between
//! texts; given `no answer`, it gives none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

use contract::Provider as _;
use contract::fake::{Class, FakeProvider, FakeWorld};
use decide::replay::Replay;
use decide::{Blobs, Entry, LoadedReleases, Schemas, World};
use definition::Files;
use engine::{Core, Input, Output, unmarked_change, unmarked_question};
use model::{
    Answer, CallAnswer, CallQuestion, Digest, Effect, Event, Outcome, Question, RunId, RunKind,
    RunOptions, RunResult,
};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use value::{Diagnostic, Diagnostics, Marks, Value};

const RUN: RunId = RunId(7);

/// Most things that happen in one case; one with more turns in circles.
const TURNS_MAX: usize = 2_000;

/// What stands between the parts of a file.
const DEFINITION: &str = "-- main.tf --\n";
const TOLD: &str = "-- told --\n";

/// Content by its digest.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<BTreeMap<Digest, Vec<u8>>>>);

impl Shelf {
    fn put(&self, content: Vec<Vec<u8>>) {
        let content = content.into_iter().map(|one| (Digest::of(&one), one));
        self.0.lock().unwrap().extend(content);
    }
}

impl Blobs for Shelf {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(digest).cloned()
    }
}

struct Project(String);

impl Files for Project {
    fn list(&self, directory: &str) -> Option<Vec<String>> {
        (directory == ".").then(|| vec!["main.tf".to_owned()])
    }
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        (path == "main.tf").then(|| self.0.clone().into_bytes())
    }
}

/// A loop with its outside, and what is told of it.
struct Told {
    core: Core,
    shelf: Shelf,
    provider: FakeProvider,
    schemas: Arc<Schemas>,
    entries: Vec<Entry>,
    said: String,
}

impl Told {
    fn new() -> Self {
        let provider = FakeProvider::new(FakeWorld::new(), Class::Named);
        let schema = provider.schema().clone();
        let schemas: Arc<Schemas> = Arc::new([(schema.source.clone(), schema)].into());
        let shelf = Shelf::default();
        let blobs = Box::new(shelf.clone());
        let core = Core::new(
            World::default(),
            LoadedReleases::new(),
            schemas.clone(),
            blobs,
        );
        Self {
            core,
            shelf,
            provider,
            schemas,
            entries: Vec::new(),
            said: String::new(),
        }
    }

    /// Applies a definition, and says what happened.
    fn applied(mut self, text: &str) -> String {
        let schemas: Vec<_> = self.schemas.values().cloned().collect();
        let compiled = definition::compile(&Project(text.to_owned()), &[], &schemas);
        let Some(release) = compiled.release else {
            self.trouble(&compiled.diagnostics);
            return self.said;
        };
        let bytes = model::encode(&release);
        let request = Event::Submitted {
            run: RUN,
            kind: RunKind::Apply,
            release: Digest::of(&bytes),
            actor: "test".into(),
            options: RunOptions {
                auto_approve: true,
                refresh: true,
                ..RunOptions::default()
            },
        };
        let opened = Event::Opened {
            environment: "default".into(),
        };
        let started = Event::Started {
            epoch: 1,
            program: "test".into(),
        };
        self.drive(Input::Record(vec![opened, started, request], vec![bytes]));
        let mut replay = Replay::new(self.schemas.clone(), None);
        for entry in &self.entries {
            replay.take(entry, &self.shelf).unwrap();
        }
        let report = replay.report();
        let (same, different) = (report.same, &report.different);
        writeln!(self.said, "replayed: {same} the same, {different:?}").unwrap();
        self.said
    }

    fn drive(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        for turn in 0..TURNS_MAX {
            let Some(input) = inputs.pop_front() else {
                return;
            };
            let now_ms = i64::try_from(turn).unwrap();
            let outputs = self.core.handle(now_ms, input).unwrap();
            let asked: Vec<String> = outputs.iter().filter_map(question_of).collect();
            if !asked.is_empty() {
                writeln!(self.said, "asks {}", asked.join(", ")).unwrap();
            }
            for output in outputs {
                inputs.extend(self.carried_out(output));
            }
        }
        panic!("it goes on and on:\n{}", self.said);
    }

    fn carried_out(&mut self, output: Output) -> Option<Input> {
        Some(match output {
            Output::Append { entries, blobs } => {
                self.shelf.put(blobs);
                for entry in entries {
                    self.written(&entry.event);
                    self.entries.push(entry);
                }
                Input::Durable
            }
            Output::Perform {
                run,
                action,
                attempt,
                effect,
                ..
            } => Input::Ended {
                run,
                action,
                attempt,
                outcome: self.done(action, &effect),
            },
            Output::Ask {
                run,
                action,
                question,
                ..
            } => Input::Answered {
                run,
                action,
                answer: self.answer(&question),
            },
            Output::AskForPlan {
                number, question, ..
            } => Input::PlanAnswered {
                number,
                answer: self.answer(&question),
            },
            Output::Call { run, call } => {
                let answer = self.answer(&Question::Call(call.clone()));
                Input::Called { run, call, answer }
            }
            Output::Inquire { .. } | Output::Look(_) | Output::Open { .. } => return None,
        })
    }

    fn done(&mut self, action: model::ActionId, effect: &Effect) -> Outcome {
        match effect {
            Effect::Change(change) => {
                let name = change.planned.as_ref().and_then(|one| one.get("name"));
                let name = name.map(shown).unwrap_or_default();
                writeln!(self.said, "makes {} named {name}", change.address).unwrap();
                let (change, sensitive) = unmarked_change(change, self.provider.schema());
                sensitive.outcome(now(self.provider.apply(action, &change)))
            }
            Effect::Provision(provision) => {
                let command = provision.config.get("command").map(shown);
                writeln!(self.said, "runs {}", command.unwrap_or_default()).unwrap();
                Outcome::Provisioned {
                    output: String::new(),
                }
            }
            _ => panic!("only objects are made here"),
        }
    }

    fn answer(&self, question: &Question) -> Answer {
        let (question, sensitive) = unmarked_question(question, self.provider.schema());
        if let Question::Call(call) = &question
            && call.arguments.contains(&Value::string("no answer"))
        {
            let found = Diagnostic::error("FAKE", "No answer", "It does not say anything.");
            return Answer::Failed(found.into());
        }
        sensitive.answer(now(self.provider.ask(&question)))
    }

    fn written(&mut self, event: &Event) {
        let line = match event {
            Event::Called { call, answer, .. } => {
                let answer = match answer {
                    Answer::Call(CallAnswer::Gives(value)) => shown(value),
                    Answer::Call(CallAnswer::Refuses { why, .. }) => format!("no: {why}"),
                    _ => "nothing".to_owned(),
                };
                format!("{} = {answer}", call_of(call))
            }
            Event::Planned { summary, .. } => format!("a plan that adds {}", summary.add),
            Event::Intended {
                effect: Effect::Provision(provision),
                ..
            } => {
                let command = provision.config.get("command").map(shown);
                format!("the intent to run {}", command.unwrap_or_default())
            }
            Event::Closed {
                result: RunResult::Succeeded { outputs, .. },
                ..
            } => {
                let outputs = outputs
                    .iter()
                    .map(|(name, value)| format!(" {name} = {}", shown(value)));
                format!("success:{}", outputs.collect::<String>())
            }
            Event::Closed {
                result: RunResult::Failed { diagnostics },
                ..
            } => {
                writeln!(self.said, "writes failure").unwrap();
                self.trouble(diagnostics);
                return;
            }
            _ => return,
        };
        writeln!(self.said, "writes {line}").unwrap();
    }

    fn trouble(&mut self, found: &Diagnostics) {
        for one in found.iter() {
            writeln!(self.said, "  {} {}: {}", one.code, one.summary, one.detail).unwrap();
        }
    }
}

/// Answers of fakes are ready at once.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a fake did not answer at once"),
    }
}

fn question_of(output: &Output) -> Option<String> {
    match output {
        Output::Call { call, .. } => Some(call_of(call)),
        Output::AskForPlan { question, .. } | Output::Ask { question, .. } => {
            Some(match question {
                Question::Call(call) => call_of(call),
                other => match other.address() {
                    Some(address) => format!("for a plan of {address}"),
                    None => "nothing".to_owned(),
                },
            })
        }
        _ => None,
    }
}

fn call_of(call: &CallQuestion) -> String {
    let arguments: Vec<String> = call.arguments.iter().map(shown).collect();
    format!("{}({})", call.function, arguments.join(", "))
}

fn shown(value: &Value) -> String {
    let marks = value.marks_deep();
    let text = value.clone().unmark_all().render();
    match (
        marks.contains(Marks::SENSITIVE),
        marks.contains(Marks::EPHEMERAL),
    ) {
        (false, false) => text,
        (true, false) => format!("sensitive {text}"),
        (_, true) => format!("ephemeral {text}"),
    }
}

#[test]
fn functions_are_called_before_what_depends_on_them() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls");
    let updates = std::env::var_os("UPDATE_CALLS").is_some();
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (prose, rest) = text.split_once(DEFINITION).unwrap();
        let (definition, expected) = rest.split_once(TOLD).unwrap();
        let said = Told::new().applied(definition);
        if said == expected {
            continue;
        }
        if updates {
            let text = format!("{prose}{DEFINITION}{definition}{TOLD}{said}");
            std::fs::write(path, text).unwrap();
        }
        println!("{}:\n{said}", path.display());
        wrong.push(path.file_name().unwrap().to_owned());
    }
    assert!(wrong.is_empty(), "not as told: {wrong:?}");
    assert!(files.len() > 5, "only {} cases", files.len());
}

/// Calls that are arguments of each other need a round each, and there is a bound on that.
#[test]
fn a_long_chain_of_calls_is_refused() {
    let mut text = String::from(PROVIDER);
    text.push_str("locals {\n  l0 = \"a\"\n");
    for at in 1..300 {
        let before = at - 1;
        writeln!(
            text,
            "  l{at} = provider::fake::label(local.l{before}, \"b\")"
        )
        .unwrap();
    }
    text.push_str("}\n");
    let said = Told::new().applied(&text);
    assert!(said.contains("SF0936"), "{said}");
}

const PROVIDER: &str = r#"
terraform {
  required_providers {
    fake = { source = "steadfast.dev/test/fake" }
  }
}
"#;
