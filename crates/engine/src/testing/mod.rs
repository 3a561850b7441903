//! Carries out test files: each over a book of its own, in memory, that is gone afterwards.
//!
//! A run is compiled, planned and applied as any other, by [`crate::Engine`], with providers of which the test's mocks
//! and overrides are a part. What its file says is in `definition`, what is made of it in `decide::assertion`; here is
//! the order of things. Runs that share objects share a stream of the book.
//!
//! Start with [`test_file`].

mod scratch;
mod stand_in;

use crate::preview::preview_in_part;
use crate::{EngineError, Outside, Pause};
use contract::Clock;
use decide::assertion::{self, Asserted, Claim, Expectation};
use decide::substitute::{StandIns, without_modules};
use decide::{Inspection, LoadedRelease};
use definition::{Files, Given, Results, TestCommand, TestFile, TestRun};
use model::{
    Address, Digest, Mode, Plan, PlanMode, Release, ResourceAddress, RunOptions, RunResult,
};
use scratch::{Applied, Scratch, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use value::{Diagnostics, Marks, Name, SourceId, Span, Type, Value};

/// What all test files of a project have in common.
pub struct TestSuite<'a> {
    /// The project.
    pub files: &'a dyn Files,
    /// Values of variables from outside, weakest first.
    pub given: &'a [Given],
    /// The real providers.
    pub outside: &'a Outside,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Whether a person wants it to end: nothing more is begun then, and what was made is destroyed.
    pub interrupted: watch::Receiver<bool>,
}

/// How a run or a file went, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestStatus {
    /// Not carried out.
    #[default]
    Skip,
    /// Everything holds.
    Pass,
    /// An assertion does not hold.
    Fail,
    /// It could not be carried out as it should.
    Error,
}

/// Path and content of a text.
type Text = (String, Vec<u8>);

/// Findings with the texts they point into.
#[derive(Clone, Debug, Default)]
pub struct TestFindings {
    /// The findings.
    pub diagnostics: Diagnostics,
    /// Path and content of each text, at the position that its [`SourceId`] names.
    pub sources: Vec<Text>,
}

/// How a run went.
#[derive(Clone, Debug, Default)]
pub struct TestReport {
    /// How.
    pub status: TestStatus,
    /// What is to be told of it.
    pub findings: TestFindings,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The plan of a run that only planned.
    pub plan: Option<Plan>,
    /// The objects after a run that applied.
    pub objects: BTreeMap<Address, Value>,
    /// Its outputs.
    pub outputs: BTreeMap<Name, Value>,
}

/// Something that happens while a file is tested.
pub enum TestEvent<'a> {
    /// A run begins.
    Began(&'a TestRun),
    /// A run is over.
    Ended(&'a TestRun, &'a TestReport),
    /// What was made is destroyed; told once, before the first.
    TearingDown,
    /// The objects of a run are destroyed.
    Destroying(&'a TestRun),
    /// Objects of a run could not be destroyed.
    Left(&'a TestRun, Vec<Address>, TestFindings),
}

/// Told of what happens.
pub type TestObserver<'o> = &'o mut dyn FnMut(TestEvent<'_>);

/// Carries out the runs of a file in order, then destroys what they made, the last first; how it went.
///
/// # Errors
/// When the book cannot be kept.
pub async fn test_file(
    suite: &TestSuite<'_>,
    file: &TestFile,
    observer: TestObserver<'_>,
) -> Result<TestStatus, EngineError> {
    let path = file.sources.first().map_or("", |(path, _)| path.as_str());
    let mut carrying = Carrying {
        suite,
        file,
        seed: seed_of(&[path]),
        scratch: Scratch::new(suite.clock.clone())?,
        results: Results {
            given: definition::given_values(suite.files, suite.given),
            runs: BTreeMap::new(),
        },
        streams: Vec::new(),
    };
    // A file without runs has nothing that does not hold.
    let mut status = match file.runs.is_empty() {
        true => TestStatus::Pass,
        false => TestStatus::Skip,
    };
    for run in &file.runs {
        let mut report = TestReport::default();
        if status != TestStatus::Error && !*suite.interrupted.borrow() {
            observer(TestEvent::Began(run));
            let began_ms = suite.clock.now_ms();
            report = carrying.run(run).await?;
            report.took_ms = elapsed_ms(began_ms, suite.clock.now_ms());
        }
        status = status.max(report.status);
        observer(TestEvent::Ended(run, &report));
    }
    observer(TestEvent::TearingDown);
    while let Some(stream) = carrying.streams.pop() {
        if carrying.tear_down(stream, observer).await? {
            status = TestStatus::Error;
        }
    }
    Ok(status)
}

/// The test files of a project, sorted: in the root module's directory, and in the one for tests.
pub fn test_files(files: &dyn Files, directory: &str) -> Vec<String> {
    let directory = directory.trim_end_matches('/');
    let mut paths = Vec::new();
    for place in [".", directory] {
        let prefix = match place {
            "." | "" => String::new(),
            place => format!("{place}/"),
        };
        let names = files.list(place).unwrap_or_default();
        let is_test = |name: &String| {
            let mut endings = definition::TEST_FILE_ENDINGS.iter();
            endings.any(|ending| name.ends_with(ending))
        };
        paths.extend(
            names
                .into_iter()
                .filter(is_test)
                .map(|name| prefix.clone() + &name),
        );
    }
    paths.sort();
    paths.dedup();
    paths
}

fn elapsed_ms(began_ms: i64, ended_ms: i64) -> u64 {
    u64::try_from(ended_ms.saturating_sub(began_ms)).unwrap_or(0)
}

/// A number that follows from texts.
fn seed_of(texts: &[&str]) -> u64 {
    let parts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let digest = Digest::of_parts("steadfast.test.1", &parts);
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(digest.0)
        .for_each(|(to, from)| *to = from);
    u64::from_be_bytes(bytes)
}

/// A file while it is carried out.
struct Carrying<'a> {
    suite: &'a TestSuite<'a>,
    file: &'a TestFile,
    seed: u64,
    scratch: Scratch,
    results: Results,
    /// Those in use, the one that was used last at the end.
    streams: Vec<Stream<'a>>,
}

/// A run that is ready to be carried out.
struct Ready {
    release: Release,
    digest: Digest,
    content: Vec<Vec<u8>>,
    files: BTreeMap<String, Arc<[u8]>>,
    sources: Vec<Text>,
    warnings: Diagnostics,
    outside: Outside,
    options: RunOptions,
}

/// What came of planning or applying.
struct Outcome {
    /// The objects that are there or planned.
    objects: BTreeMap<Address, Value>,
    plan: Option<Plan>,
    found: Diagnostics,
    /// It was to be applied, and ended before.
    stopped_while_planning: bool,
}

impl<'a> Carrying<'a> {
    async fn run(&mut self, run: &'a TestRun) -> Result<TestReport, EngineError> {
        let values = match run.values(self.file, &self.results, self.suite.files) {
            Ok(values) => values,
            Err(found) => return Ok(self.refused(found, Vec::new())),
        };
        let mut expectations = match run.expected() {
            Ok(expected) => expected
                .into_iter()
                .map(|one| Expectation {
                    address: one.address,
                    span: one.span,
                    met: false,
                })
                .collect::<Vec<_>>(),
            Err(found) => return Ok(self.refused(found, Vec::new())),
        };
        let ready = match self.ready(run, values.clone()) {
            Ok(ready) => ready,
            Err((found, sources)) => return Ok(self.refused(found, sources)),
        };
        let at = self.stream_of(run);
        let outcome = self.carry_out(run, &ready, at).await?;
        let mut found = ready.warnings.clone();
        if outcome.stopped_while_planning {
            let expected = assertion::stopped_as_expected(&outcome.found, &expectations);
            if !expected.is_empty() {
                let stopped = expected.iter();
                let stopped = stopped.map(|one| assertion::stopped_while_planning(one));
                found.0.extend(stopped);
                found.extend(outcome.found);
                return Ok(self.report(TestStatus::Error, found, ready.sources));
            }
        }
        found.extend(assertion::unexpected(outcome.found, &mut expectations));
        found.extend(assertion::missing_failures(&expectations));
        let mut status = TestStatus::Pass;
        let outputs = if found.has_errors() {
            status = TestStatus::Error;
            BTreeMap::new()
        } else {
            let (outputs, asserted) = self.assert(run, &ready, &values, &outcome.objects).await;
            for one in asserted {
                let (worse, why) = match one {
                    Asserted::Holds => continue,
                    Asserted::Fails(why) => (TestStatus::Fail, why),
                    Asserted::Unclear(why) => (TestStatus::Error, why),
                };
                status = status.max(worse);
                found.extend(why);
            }
            outputs
        };
        self.results
            .runs
            .insert(run.name.clone(), Value::object(outputs.clone()));
        let mut report = self.report(status, found, ready.sources);
        report.plan = outcome.plan;
        report.objects = outcome.objects;
        report.outputs = outputs;
        Ok(report)
    }

    /// The position of the stream whose objects a run works on, which becomes the last.
    fn stream_of(&mut self, run: &TestRun) -> usize {
        let module = run.module.as_deref().unwrap_or("");
        let key = match &run.state_key {
            Some(key) => format!("key {key}"),
            None => format!("module {module}"),
        };
        let known = self.streams.iter().position(|stream| stream.key == key);
        let stream = match known {
            Some(at) => self.streams.remove(at),
            None => Stream::new(key, self.streams.len()),
        };
        self.streams.push(stream);
        self.streams.len() - 1
    }

    fn ready(
        &self,
        run: &TestRun,
        values: BTreeMap<Name, (Value, Span)>,
    ) -> Result<Ready, (Diagnostics, Vec<Text>)> {
        let schemas: Vec<_> = self.suite.outside.schemas().values().cloned().collect();
        let under_test = self
            .file
            .under_test(run, values)
            .map_err(|found| (found, Vec::new()))?;
        let compiled = definition::compile_under_test(
            self.suite.files,
            self.suite.given,
            &schemas,
            &under_test,
        );
        let sources = compiled.sources.into_iter();
        let sources: Vec<Text> = sources
            .map(|source| (source.path, source.content))
            .collect();
        let Some(mut release) = compiled.release else {
            return Err((compiled.diagnostics, sources));
        };
        let (substitutes, found) = self.file.substitutes(run, &release);
        let mut warnings = compiled.diagnostics;
        warnings.extend(found);
        without_modules(&mut release, &substitutes.overrides);
        let seed = seed_of(&[&self.seed.to_string(), &run.name]);
        let stand_ins = Arc::new(StandIns::new(release.clone(), substitutes, seed));
        let outside = stand_in::substituted(self.suite.outside, &stand_ins);
        let texts = sources.iter().take(release.sources.len());
        let texts = texts.map(|(_, text)| text.clone());
        let read = compiled.files.iter();
        let files = read.map(|(path, bytes)| (path.clone(), Arc::from(bytes.as_slice())));
        Ok(Ready {
            content: texts.chain(compiled.files.values().cloned()).collect(),
            files: files.collect(),
            digest: Digest::of(&model::encode(&release)),
            options: options_of(run, seed),
            release,
            sources,
            warnings,
            outside,
        })
    }

    async fn carry_out(
        &mut self,
        run: &'a TestRun,
        ready: &Ready,
        at: usize,
    ) -> Result<Outcome, EngineError> {
        let Some(stream) = self.streams.get_mut(at) else {
            return Ok(Outcome::nothing());
        };
        let scratch = &mut self.scratch;
        let mut engine = scratch.engine(stream, ready.outside.clone()).await?;
        if run.command == TestCommand::Plan {
            let loaded = match loaded(ready) {
                Ok(loaded) => Arc::new(loaded),
                Err(found) => return Ok(Outcome::failed(found)),
            };
            let (planned, plan) = preview_in_part(
                &ready.outside,
                loaded,
                engine.world(),
                ready.options.clone(),
            )
            .await;
            let (plan, found) = match plan {
                Ok(preview) => {
                    let found = preview.plan.diagnostics.clone();
                    (Some(preview.plan), found)
                }
                Err(found) => (None, found),
            };
            return Ok(Outcome {
                objects: planned,
                plan,
                found,
                stopped_while_planning: false,
            });
        }
        let (release, options) = (ready.release.clone(), ready.options.clone());
        let interrupted = Some(self.suite.interrupted.clone());
        let ended = scratch
            .carry_out(
                &mut engine,
                (release, ready.content.clone()),
                options,
                interrupted,
            )
            .await?;
        // What a run made that got no plan is nothing: it is destroyed as whoever made it says.
        if ended.planned || stream.last.is_none() {
            stream.last = Some(Applied {
                run,
                release: ready.release.clone(),
                content: ready.content.clone(),
                outside: ready.outside.clone(),
            });
        }
        let objects = engine.world().resources.iter();
        let objects = objects.map(|(address, object)| (address.clone(), object.value.clone()));
        Ok(Outcome {
            objects: objects.collect(),
            plan: None,
            stopped_while_planning: !ended.planned,
            found: findings(ended.pause),
        })
    }

    /// The outputs of what was carried out, and what became of each assertion.
    async fn assert(
        &self,
        run: &TestRun,
        ready: &Ready,
        values: &BTreeMap<Name, (Value, Span)>,
        objects: &BTreeMap<Address, Value>,
    ) -> (BTreeMap<Name, Value>, Vec<Asserted>) {
        let loaded = match loaded(ready) {
            Ok(loaded) => loaded,
            Err(found) => return (BTreeMap::new(), vec![Asserted::Unclear(found)]),
        };
        let schemas = ready.outside.schemas();
        let mut inspection = Inspection::new(loaded, &ready.options, objects.clone(), &schemas);
        let schemas: Vec<_> = schemas.values().cloned().collect();
        let asserted = crate::with_calls(&ready.outside, &mut inspection, |inspection| {
            self.asserted(run, ready, (values, &schemas), inspection)
        });
        asserted.await
    }

    /// The same as far as calls of functions of providers are answered.
    fn asserted(
        &self,
        run: &TestRun,
        ready: &Ready,
        (values, schemas): (&BTreeMap<Name, (Value, Span)>, &[model::ProviderSchema]),
        inspection: &Inspection,
    ) -> (BTreeMap<Name, Value>, Vec<Asserted>) {
        let files = |path: &str| definition::answer(self.suite.files, path).map(Arc::from);
        let root = ready.release.modules.first();
        let mut outputs = BTreeMap::new();
        for (name, output) in root.into_iter().flat_map(|root| &root.outputs) {
            // One that cannot be computed has been reported, or is not there because only a part was asked for.
            let value = inspection.evaluate(&output.value, &files);
            let value = value.unwrap_or_else(|_| Value::unknown(Type::Any));
            let marks = if output.sensitive {
                Marks::SENSITIVE
            } else {
                Marks::NONE
            };
            outputs.insert(name.clone(), value.with_marks(marks));
        }
        let (assertions, found) = run.assertions(
            self.file,
            &self.results,
            values,
            (&ready.release, schemas),
            &Value::object(outputs.clone()),
        );
        let judged = assertions.into_iter().map(|one| {
            let parts = one.parts.into_iter();
            let claim = Claim {
                condition: one.condition,
                message: one.message,
                parts: parts
                    .filter_map(|part| Some((self.written(part.span)?, part)))
                    .collect(),
            };
            inspection.judge_claim(&claim, &files)
        });
        let mut asserted: Vec<Asserted> = judged.collect();
        if !found.is_empty() {
            asserted.push(Asserted::Unclear(found));
        }
        (outputs, asserted)
    }

    /// What is written at a place of the test file.
    fn written(&self, span: Span) -> Option<String> {
        let at = u32::MAX.checked_sub(span.source.0)?;
        let (_, text) = self.file.sources.get(at as usize)?;
        let bytes = text.get(span.start as usize..span.end as usize)?;
        let words = std::str::from_utf8(bytes).ok()?.split_whitespace();
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// Destroys what a stream holds; whether something is left.
    async fn tear_down(
        &mut self,
        mut stream: Stream<'a>,
        observer: TestObserver<'_>,
    ) -> Result<bool, EngineError> {
        let Some(applied) = stream.last.take() else {
            return Ok(false);
        };
        let Applied {
            run,
            release,
            content,
            outside,
        } = applied;
        let sources = texts_of(&release, &content);
        let mut engine = self.scratch.engine(&stream, outside).await?;
        if managed(&engine).is_empty() {
            return Ok(false);
        }
        observer(TestEvent::Destroying(run));
        let options = RunOptions {
            mode: PlanMode::Destroy,
            targets: Vec::new(),
            replace: Vec::new(),
            ..options_of(run, self.seed)
        };
        // Nobody interrupts this: what is made must go.
        let ended = self
            .scratch
            .carry_out(&mut engine, (release, content), options, None)
            .await?;
        let left = managed(&engine);
        if left.is_empty() {
            return Ok(false);
        }
        let report = self.report(TestStatus::Error, findings(ended.pause), sources);
        observer(TestEvent::Left(run, left, report.findings));
        Ok(true)
    }

    fn refused(&self, found: Diagnostics, sources: Vec<Text>) -> TestReport {
        self.report(TestStatus::Error, found, sources)
    }

    /// Findings with all texts, those of the test behind those of the configuration.
    fn report(&self, status: TestStatus, found: Diagnostics, sources: Vec<Text>) -> TestReport {
        TestReport {
            status,
            findings: TestFindings::of_file(found, self.file, sources),
            ..TestReport::default()
        }
    }
}

impl TestFindings {
    /// Findings about a test file, with the texts of the configuration that it tests.
    pub fn of_file(mut found: Diagnostics, file: &TestFile, mut sources: Vec<Text>) -> Self {
        let own = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        let n_own = u32::try_from(file.sources.len()).unwrap_or(u32::MAX);
        let moved = |span: &mut Span| {
            let at = u32::MAX - span.source.0;
            if at < n_own {
                span.source = SourceId(own + at);
            }
        };
        for one in &mut found.0 {
            one.span.iter_mut().for_each(moved);
            let hints = one.hints.iter_mut();
            hints.flat_map(|hint| &mut hint.span).for_each(moved);
        }
        sources.extend(file.sources.iter().cloned());
        Self {
            diagnostics: found,
            sources,
        }
    }
}

impl Outcome {
    fn nothing() -> Self {
        Self::failed(Diagnostics::new())
    }

    fn failed(found: Diagnostics) -> Self {
        Self {
            objects: BTreeMap::new(),
            plan: None,
            found,
            stopped_while_planning: false,
        }
    }
}

fn loaded(ready: &Ready) -> Result<LoadedRelease, Diagnostics> {
    let release = ready.release.clone();
    let mut loaded = LoadedRelease::new(ready.digest, release, ready.files.clone())?;
    loaded.texts = Some(definition::TEXTS);
    Ok(loaded)
}

fn texts_of(release: &Release, content: &[Vec<u8>]) -> Vec<Text> {
    let texts = release.sources.iter().zip(content);
    let texts = texts.map(|(source, text)| (source.path.clone(), text.clone()));
    texts.collect()
}

/// What is to be told of how a run of the engine ended.
fn findings(pause: Pause) -> Diagnostics {
    match pause {
        Pause::Over(Some(RunResult::Succeeded { warnings, .. })) => warnings,
        Pause::Over(Some(RunResult::Failed { diagnostics })) => diagnostics,
        Pause::Over(Some(RunResult::Cancelled)) => {
            crate::diag::test_unfinished("it was interrupted").into()
        }
        Pause::Over(Some(RunResult::Returned { .. }) | None)
        | Pause::AwaitsApproval { .. }
        | Pause::LowSpace => crate::diag::test_unfinished("it was not carried out").into(),
        Pause::Parked { questions, .. } => {
            let questions: Vec<String> = questions.into_iter().map(|(_, text)| text).collect();
            crate::diag::test_unfinished(&questions.join("; ")).into()
        }
    }
}

/// The objects that must be destroyed.
fn managed(engine: &crate::Engine) -> Vec<Address> {
    let addresses = engine.world().resources.keys();
    let managed = addresses.filter(|address| address.resource.mode == Mode::Managed);
    managed.cloned().collect()
}

fn options_of(run: &TestRun, seed: u64) -> RunOptions {
    let replace = run.options.replace.iter().filter_map(|endpoint| {
        let resource = endpoint.resource.clone()?;
        Some(Address {
            resource: ResourceAddress {
                module: endpoint.module.clone(),
                mode: resource.mode,
                kind: resource.kind,
                name: resource.name,
            },
            key: resource.key,
        })
    });
    RunOptions {
        mode: run.options.mode,
        refresh: !run.options.without_refresh,
        replace: replace.collect(),
        targets: run.options.targets.clone(),
        parallelism: crate::limits::TEST_PARALLELISM,
        seed,
        auto_approve: true,
        ..RunOptions::default()
    }
}
