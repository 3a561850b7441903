//! What the loop decides, told step by step: every file in `tests/runs` is a run with what is decided at each point.
//!
//! A file begins with prose at the margin. A command is indented by two spaces and begins with `$`; under it stand the
//! decisions that it brought up. Adding a case needs no Rust; with `UPDATE_RUNS=1` in the environment the files are
//! rewritten to what happened. The commands:
//!
//! `plan [parallelism=N] NAME:REPEAT[:settle=MS][:after=NAME,NAME]...` begins a run that creates these objects, and
//! `build [parallelism=N] NAME...` one that builds these artifacts; REPEAT is `safe`, `key` or `never`.
//! `next` says what is decided; `go` records it, too. `wait MS` lets time pass, `wait` until something is due.
//! `end NAME made|partial|refused|failed|unknown` is an outcome, `look NAME absent|notyet|found|unclear` a finding,
//! `resolve NAME done|absent` a person's, `die` another engine, `cancel` an order.
//! What cannot have happened is said to be illegal, and ends the file.
//! `COMMAND; COMMAND` shows what the last one brought up, `N times COMMAND; COMMAND` what the last one of the last time
//! did.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test"
)]

use decide::{Blobs, Decision, Entry, LoadedReleases, Memo, World};
use model::{
    Action, ActionId, Address, Command, Digest, Effect, Event, Inquiry, Key, Mode, Module,
    ModulePath, Outcome, Plan, PlannedChange, Release, Repeat, ResourceAddress, RunId, RunKind,
    RunOptions, RunResult, Step, Summary, Verb, Work,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use value::{Diagnostic, Diagnostics, Value};

const RUN: RunId = RunId(7);

/// Rounds of one `go`; a run that decides more often than this without anything happening turns in circles.
const ROUNDS_MAX: usize = 20;

#[derive(Default)]
struct Content(BTreeMap<Digest, Vec<u8>>);

impl Content {
    fn put(&mut self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.0.insert(digest, bytes);
        digest
    }
}

impl Blobs for Content {
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.0.get(digest).cloned()
    }
}

struct Told {
    world: World,
    memo: Memo,
    releases: LoadedReleases,
    content: Content,
    names: BTreeMap<ActionId, String>,
    now_ms: i64,
    due_ms: Option<i64>,
    /// What could not have happened: the last entry is not to be relied on, and nothing comes after it.
    illegal: Option<String>,
}

impl Told {
    fn new() -> Self {
        Self {
            world: World::default(),
            memo: Memo::new(Arc::default()),
            releases: LoadedReleases::new(),
            content: Content::default(),
            names: BTreeMap::new(),
            now_ms: 1_000_000,
            due_ms: None,
            illegal: None,
        }
    }

    fn fold(&mut self, event: Event) {
        let entry = Entry {
            position: self.world.position + 1,
            at_ms: self.now_ms,
            event,
        };
        let folded = self.world.fold(&entry, &self.content, &mut self.releases);
        self.illegal = folded.err().map(|illegal| illegal.what);
    }

    fn command(&mut self, text: &str) -> String {
        if let Some((times, rest)) = text.split_once(" times ") {
            let mut said = String::new();
            for _ in 0..times.parse().unwrap() {
                said = self.command(rest);
            }
            return said;
        }
        if let Some((first, rest)) = text.split_once("; ") {
            self.command(first);
            return self.command(rest);
        }
        let words: Vec<&str> = text.split(' ').collect();
        let needs_a_run = matches!(words.first(), Some(&("end" | "look" | "resolve")));
        if needs_a_run && self.world.run.is_none() {
            self.illegal = Some("the run is over".to_owned());
            return String::new();
        }
        match words.as_slice() {
            ["plan", objects @ ..] => self.plan(objects),
            ["build", artifacts @ ..] => self.build(artifacts),
            ["next"] => return self.decided(false),
            ["go"] => return self.decided(true),
            ["wait"] => {
                let due_ms = self.due_ms.unwrap_or_else(|| panic!("nothing is due"));
                self.now_ms = self.now_ms.max(due_ms);
            }
            ["wait", ms] => self.now_ms += ms.parse::<i64>().unwrap(),
            ["die"] => {
                let epoch = self.world.epoch + 1;
                self.fold(started(epoch));
            }
            ["cancel"] => self.order(Command::Cancel { run: RUN }),
            ["end", name, how] => {
                let (action, attempt) = self.newest(name);
                let outcome = self.outcome(action, how);
                self.fold(Event::Finished {
                    run: RUN,
                    action,
                    attempt,
                    outcome,
                });
            }
            ["look", name, what] => {
                let (action, attempt) = self.newest(name);
                let inquiry = self.finding(action, what);
                self.fold(Event::Inquired {
                    run: RUN,
                    action,
                    attempt,
                    inquiry,
                    rungs: Vec::new(),
                });
            }
            ["resolve", name, what] => {
                let (action, _) = self.newest(name);
                let inquiry = self.finding(action, if *what == "done" { "found" } else { what });
                self.order(Command::Resolve {
                    run: RUN,
                    action,
                    inquiry,
                });
            }
            _ => panic!("there is no command `{text}`"),
        }
        String::new()
    }

    fn order(&mut self, command: Command) {
        let actor = "operator".to_owned();
        self.fold(Event::Commanded { actor, command });
    }

    fn newest(&self, name: &str) -> (ActionId, u32) {
        let (id, _) = self.names.iter().find(|(_, one)| *one == name).unwrap();
        let run = self.world.run.as_ref().unwrap();
        (*id, run.actions[id].attempt)
    }

    fn outcome(&self, action: ActionId, how: &str) -> Outcome {
        let effect = &self.world.run.as_ref().unwrap().actions[&action].effect;
        let why = || Diagnostics::from(Diagnostic::error("SF9999", "No", "It did not work"));
        match (how, effect) {
            ("made", Effect::Build(_)) => Outcome::Built {
                artifact: Digest::of(b"built"),
            },
            ("made", _) => Outcome::Changed {
                object: Some(object()),
                private: Vec::new(),
                diagnostics: Diagnostics::new(),
            },
            ("partial", _) => Outcome::Partial {
                object: object(),
                private: Vec::new(),
                diagnostics: why(),
            },
            ("refused", _) => Outcome::Refused { diagnostics: why() },
            ("failed", _) => Outcome::Failed {
                diagnostics: why(),
                retry_after_ms: None,
            },
            ("unknown", _) => Outcome::Unknown {
                why: "no answer came".to_owned(),
            },
            _ => panic!("there is no outcome `{how}`"),
        }
    }

    fn finding(&self, action: ActionId, what: &str) -> Inquiry {
        match what {
            "absent" => Inquiry::Absent,
            "notyet" => Inquiry::NotYet,
            "found" => Inquiry::Found(self.outcome(action, "made")),
            "unclear" => Inquiry::Unclear {
                what: "it has no name".to_owned(),
            },
            _ => panic!("there is no finding `{what}`"),
        }
    }

    fn begin(&mut self, kind: RunKind, release: Release, parallelism: u32) {
        let release = self.content.put(model::encode(&release));
        self.fold(Event::Opened {
            environment: "default".into(),
        });
        self.fold(started(1));
        self.fold(Event::Submitted {
            run: RUN,
            kind,
            release,
            actor: "operator".to_owned(),
            options: RunOptions {
                parallelism,
                auto_approve: true,
                seed: 1,
                ..RunOptions::default()
            },
        });
    }

    fn plan(&mut self, words: &[&str]) {
        let (parallelism, objects) = parallelism(words);
        let release = Release {
            modules: vec![Module::default()],
            ..Release::default()
        };
        self.begin(RunKind::Apply, release, parallelism);
        let mut plan = Plan::default();
        let mut steps = BTreeMap::new();
        for (at, object) in (0u32..).zip(objects) {
            let mut parts = object.split(':');
            let name = parts.next().unwrap();
            let mut change = change(name, parts.next().unwrap());
            let mut after = Vec::new();
            for part in parts {
                match part.split_once('=').unwrap() {
                    ("settle", ms) => change.settle_ms = ms.parse().unwrap(),
                    ("after", names) => after.extend(names.split(',').map(|one| steps[one])),
                    _ => panic!("there is no property `{part}`"),
                }
            }
            plan.changes.push(change);
            let verb = Verb::Create;
            let work = Work::Change { change: at, verb };
            plan.steps.push(Step { work, after });
            steps.insert(name.to_owned(), at);
            let action = ActionId::of(RUN, &format!("step:{at}"));
            self.names.insert(action, name.to_owned());
        }
        let plan = self.content.put(model::encode(&plan));
        self.fold(Event::Planned {
            run: RUN,
            plan,
            summary: Summary::default(),
        });
    }

    fn build(&mut self, words: &[&str]) {
        let (parallelism, artifacts) = parallelism(words);
        let mut release = Release {
            modules: vec![Module::default()],
            ..Release::default()
        };
        for name in artifacts {
            let source = Value::string(Digest::of(name.as_bytes()).to_string());
            let input = decide::promote::source_input(name);
            release.inputs.insert(input, source);
            release.artifacts.insert((*name).into(), artifact());
            let action = ActionId::of(RUN, &format!("build:{name}"));
            self.names.insert(action, (*name).to_owned());
        }
        self.begin(RunKind::Build, release, parallelism);
    }

    /// What is decided until nothing is, or once if it is only looked at.
    fn decided(&mut self, record: bool) -> String {
        let mut said = String::new();
        for _ in 0..ROUNDS_MAX {
            self.due_ms = None;
            let decisions = decide::next(&self.world, &mut self.memo, self.now_ms);
            let mut events = Vec::new();
            for decision in decisions {
                writeln!(said, "  {}", self.shown(&decision)).unwrap();
                match decision {
                    Decision::Record(event) => events.push(event),
                    Decision::WakeAt(at_ms) => {
                        self.due_ms = Some(self.due_ms.map_or(at_ms, |due_ms| due_ms.min(at_ms)));
                    }
                    Decision::Plan
                    | Decision::Ask { .. }
                    | Decision::Call { .. }
                    | Decision::Inquire { .. } => {}
                }
            }
            if !record || events.is_empty() {
                return said;
            }
            events.into_iter().for_each(|event| self.fold(event));
            if self.world.run.is_none() || self.illegal.is_some() {
                return said;
            }
        }
        panic!("the decisions turn in circles:\n{said}")
    }

    fn shown(&self, decision: &Decision) -> String {
        let name = |id: &ActionId| self.names[id].as_str();
        match decision {
            Decision::Record(Event::Intended {
                action, attempt, ..
            }) => format!("begin {} (attempt {attempt})", name(action)),
            Decision::Record(Event::Retried { action, .. }) => format!("retry {}", name(action)),
            Decision::Record(Event::Parked { action, .. }) => {
                format!("ask a person about {}", name(action))
            }
            Decision::Record(Event::Released { .. }) => "release".to_owned(),
            Decision::Record(Event::Closed { result, .. }) => match result {
                RunResult::Failed { diagnostics } => {
                    let mut said = "close: failed".to_owned();
                    for one in diagnostics.iter() {
                        write!(said, "\n    {} {}: {}", one.code, one.summary, one.detail).unwrap();
                    }
                    said
                }
                RunResult::Succeeded { .. } => "close: succeeded".to_owned(),
                RunResult::Returned { .. } => "close: returned".to_owned(),
                RunResult::Cancelled => "close: cancelled".to_owned(),
            },
            Decision::Record(event) => format!("record {event:?}"),
            Decision::Plan => "plan".to_owned(),
            Decision::Ask { action, .. } => format!("ask about {}", name(action)),
            Decision::Call { call, .. } => format!("call {}", call.function),
            Decision::Inquire { action, .. } => format!("inquire into {}", name(action)),
            Decision::WakeAt(at_ms) if *at_ms > self.now_ms => "wait".to_owned(),
            Decision::WakeAt(_) => "wait for what is past".to_owned(),
        }
    }
}

fn started(epoch: u64) -> Event {
    let program = "test".to_owned();
    Event::Started { epoch, program }
}

fn parallelism<'a, 'b>(words: &'a [&'b str]) -> (u32, &'a [&'b str]) {
    let given = words
        .first()
        .and_then(|one| one.strip_prefix("parallelism="));
    match given {
        Some(number) => (number.parse().unwrap(), &words[1..]),
        None => (0, words),
    }
}

fn object() -> Value {
    Value::object([("mode".into(), Value::string("0644"))].into())
}

fn change(name: &str, repeat: &str) -> PlannedChange {
    let address = Address {
        resource: ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "thing".into(),
            name: name.into(),
        },
        key: Key::None,
    };
    PlannedChange {
        after: Some(object()),
        config: Some(object()),
        repeat: match repeat {
            "safe" => Repeat::Safe,
            "key" => Repeat::ByKey,
            "never" => Repeat::Never,
            _ => panic!("there is no way to repeat `{repeat}`"),
        },
        ..PlannedChange::new(address, "example.com/thing", Action::Create)
    }
}

fn artifact() -> model::Artifact {
    model::Artifact {
        source: "src".to_owned(),
        build: vec!["make".to_owned()],
        inherit: Vec::new(),
        files: BTreeMap::new(),
        run: vec!["./it".to_owned()],
        timeout_ms: 1_000,
        span: value::Span::default(),
    }
}

/// The file as it would be written if what happened were right.
fn told(text: &str) -> String {
    let mut told = Told::new();
    let mut after = String::new();
    let mut in_prose = true;
    for line in text.lines() {
        match line.strip_prefix("  $ ") {
            Some(command) => {
                in_prose = false;
                after.push_str(&format!("{line}\n"));
                after.push_str(&told.command(command));
                if let Some(what) = &told.illegal {
                    after.push_str(&format!("  illegal: {what}\n"));
                    return after;
                }
            }
            None if in_prose => after.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    after
}

#[test]
fn every_run_goes_as_it_is_told() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runs");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let after = told(&text);
        if after == text {
            continue;
        }
        if std::env::var_os("UPDATE_RUNS").is_some() {
            std::fs::write(&file, after).unwrap();
            continue;
        }
        writeln!(wrong, "{}:\n{after}", file.display()).unwrap();
    }
    assert!(wrong.is_empty(), "another course than told:\n{wrong}");
}
