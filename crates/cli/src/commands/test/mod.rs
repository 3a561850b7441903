//! `test`: carries out test files and says how they went.
//!
//! What a file says is read by `definition`, what becomes of its runs is known to `engine::test_file`. Here is which
//! files are tested, with which values, and who is told: people (`people`), programs (`programs`), and whatever reads
//! JUnit's form (`junit`).

mod junit;
mod people;
mod programs;

use crate::args::TestArgs;
use crate::error::CommandError;
use crate::exit;
use crate::files::DiskFiles;
use crate::render::diagnostics::Sources;
use crate::session::{Session, fresh};
use definition::{Files as _, Given, TestFile, TestRun};
use engine::{Outside, TestEvent, TestFindings, TestReport, TestStatus, TestSuite};
use model::Address;
use std::sync::Arc;
use value::Diagnostics;

/// Somebody who is told how the tests go.
enum Audience {
    People(people::People),
    Programs(programs::Programs),
}

/// How many runs there were of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
    errored: usize,
    skipped: usize,
}

/// How a run of a file went, for who is told at the end.
struct Told {
    run: String,
    report: TestReport,
}

impl Count {
    fn add(&mut self, status: TestStatus) {
        *match status {
            TestStatus::Skip => &mut self.skipped,
            TestStatus::Pass => &mut self.passed,
            TestStatus::Fail => &mut self.failed,
            TestStatus::Error => &mut self.errored,
        } += 1;
    }
}

/// How something went, in one word.
fn word(status: TestStatus) -> &'static str {
    match status {
        TestStatus::Skip => "skip",
        TestStatus::Pass => "pass",
        TestStatus::Fail => "fail",
        TestStatus::Error => "error",
    }
}

/// `test`.
pub(crate) fn test(session: &Session, args: &TestArgs, json: bool) -> Result<u8, CommandError> {
    let files = DiskFiles::new(session.project.root.clone());
    let directory = checked(&args.test_directory)?;
    let mut paths = engine::test_files(&files, directory);
    let wanted = |path: &String| {
        let mut filters = args.filter.iter();
        args.filter.is_empty() || filters.any(|filter| filter.trim_start_matches("./") == path)
    };
    paths.retain(wanted);
    let mut audience = if json {
        Audience::Programs(programs::Programs::new(args.verbose))
    } else {
        Audience::People(people::People::new(args.verbose))
    };
    let tests = read(&files, &paths, &mut audience)?;
    audience.begins(&paths, &tests);
    let root = session.project.given(&args.variables)?;
    let beside = session
        .project
        .given_with(&args.variables, Some(directory))?;
    let scratch = std::env::temp_dir().join(format!("steadfast-test-{:016x}", fresh()?));
    let outside = session.providers_of_tests(&args.variables, scratch.clone())?;
    let mut count = Count::default();
    let mut worst = TestStatus::Pass;
    let mut all = Vec::new();
    for (path, file) in paths.iter().zip(&tests) {
        let is_beside = path.starts_with(&format!("{directory}/"));
        let given = if is_beside { &beside } else { &root };
        audience.file(path, file);
        let mut told = Vec::new();
        let status = carry_out(session, &outside, (&files, given), file, &mut |event| {
            if let TestEvent::Ended(run, report) = &event {
                count.add(report.status);
                told.push(Told {
                    run: run.name.to_string(),
                    report: (*report).clone(),
                });
            }
            audience.event(path, event);
        })?;
        session.tokio.block_on(outside.close_configured());
        let Some(status) = status else {
            return Ok(exit::INTERRUPTED);
        };
        audience.file_over(path, status);
        worst = worst.max(status);
        all.push((path.clone(), told));
    }
    // Whether it was needed or not; what cannot be removed belongs to nobody.
    let _ = std::fs::remove_dir_all(&scratch);
    audience.over(worst, count);
    if let Some(path) = &args.junit_xml {
        junit::write(path, &all)?;
    }
    Ok(match worst {
        _ if session.was_interrupted() => exit::INTERRUPTED,
        TestStatus::Skip | TestStatus::Pass => exit::OK,
        TestStatus::Fail | TestStatus::Error => exit::FAILED,
    })
}

/// Everything that is wrong with test files before any is carried out. Their texts go behind the others.
pub(super) fn mistakes(
    session: &Session,
    directory: &str,
    sources: &mut Sources,
) -> Result<Diagnostics, CommandError> {
    let files = DiskFiles::new(session.project.root.clone());
    let mut all = Diagnostics::new();
    for path in engine::test_files(&files, checked(directory)?) {
        let content = content(&files, &path)?;
        let (file, mut found) = TestFile::read(&path, content, &files);
        for run in &file.runs {
            found.extend(run.expected().err().unwrap_or_default());
        }
        let own = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        let mut findings = TestFindings::of_file(found, &file, Vec::new());
        for one in &mut findings.diagnostics.0 {
            let hints = one.hints.iter_mut().flat_map(|hint| &mut hint.span);
            one.span
                .iter_mut()
                .chain(hints)
                .for_each(|span| span.source.0 += own);
        }
        all.extend(findings.diagnostics);
        for (path, content) in findings.sources {
            sources.push(path, content);
        }
    }
    Ok(all)
}

/// The directory with the tests, if it can be one.
fn checked(directory: &str) -> Result<&str, CommandError> {
    let directory = directory.trim_end_matches('/');
    if definition::is_inside(directory) {
        return Ok(directory);
    }
    Err(CommandError::Usage(format!(
        "-test-directory {directory}: the directory with the tests is one of the project, with its path from there"
    )))
}

fn content(files: &DiskFiles, path: &str) -> Result<Vec<u8>, CommandError> {
    files.read(path).ok_or_else(|| {
        CommandError::Failed(format!(
            "the test file {path} cannot be read, or is larger than {} bytes",
            definition::limits::SOURCE_BYTES_MAX
        ))
    })
}

/// Reads all test files. One that is wrong keeps all from being carried out, like a faulty configuration.
fn read(
    files: &DiskFiles,
    paths: &[String],
    audience: &mut Audience,
) -> Result<Vec<TestFile>, CommandError> {
    let mut tests = Vec::new();
    let mut wrong: Option<TestFindings> = None;
    for path in paths {
        let content = content(files, path)?;
        let (file, found) = TestFile::read(path, content, files);
        let refused = found.has_errors();
        let findings = TestFindings::of_file(found, &file, Vec::new());
        if refused {
            if let Some(before) = wrong.replace(findings) {
                audience.findings(&before, None);
            }
        } else {
            audience.findings(&findings, None);
        }
        tests.push(file);
    }
    match wrong {
        None => Ok(tests),
        Some(findings) => Err(CommandError::Diagnostics {
            sources: Sources::new(findings.sources),
            diagnostics: findings.diagnostics,
            code: exit::BAD_INPUT,
        }),
    }
}

/// Carries out one file; none when a person ended it at once.
fn carry_out(
    session: &Session,
    outside: &Outside,
    (files, given): (&DiskFiles, &[Given]),
    file: &TestFile,
    observer: &mut dyn FnMut(TestEvent<'_>),
) -> Result<Option<TestStatus>, CommandError> {
    let (interrupt, interrupted) = tokio::sync::watch::channel(session.was_interrupted());
    let suite = TestSuite {
        files,
        given,
        outside,
        clock: Arc::new(engine::SystemClock::new()),
        interrupted,
    };
    session.tokio.block_on(async {
        let testing = engine::test_file(&suite, file, observer);
        let mut testing = std::pin::pin!(testing);
        loop {
            // Ends with the file, or with the second interrupt.
            tokio::select! {
                status = &mut testing => return Ok(Some(status?)),
                _ = tokio::signal::ctrl_c() => {
                    if session.was_interrupted() {
                        anstream::eprintln!(
                            "Ended at once. What was made is not destroyed, and nobody keeps a record of it."
                        );
                        return Ok(None);
                    }
                    session.note_interrupt();
                    // Whoever listens is the test under way; without one there is nothing to end.
                    let _ = interrupt.send(true);
                    anstream::eprintln!(
                        "Interrupted: finishing what is under way, then destroying everything that was made. Once more \
                         ends at once, and leaves it behind."
                    );
                }
            }
        }
    })
}

impl Audience {
    fn begins(&mut self, paths: &[String], tests: &[TestFile]) {
        if let Self::Programs(programs) = self {
            programs.begins(paths, tests);
        }
    }

    fn file(&mut self, path: &str, file: &TestFile) {
        match self {
            Self::People(people) => people.file(path, file),
            Self::Programs(programs) => programs.file(path),
        }
    }

    fn event(&mut self, path: &str, event: TestEvent<'_>) {
        match event {
            TestEvent::Began(run) => {
                if let Self::Programs(programs) = self {
                    programs.began(path, run);
                }
            }
            TestEvent::Ended(run, report) => match self {
                Self::People(people) => people.ended(run, report),
                Self::Programs(programs) => programs.ended(path, run, report),
            },
            TestEvent::TearingDown => match self {
                Self::People(people) => people.tearing_down(path),
                Self::Programs(programs) => programs.tearing_down(path),
            },
            TestEvent::Destroying(run) => {
                if let Self::Programs(programs) = self {
                    programs.destroying(path, run);
                }
            }
            TestEvent::Left(run, addresses, findings) => {
                self.left(path, run, &addresses, &findings);
            }
        }
    }

    fn left(&mut self, path: &str, run: &TestRun, addresses: &[Address], findings: &TestFindings) {
        match self {
            Self::People(people) => people.left(path, run, addresses),
            Self::Programs(programs) => programs.left(path, run, addresses),
        }
        self.findings(findings, Some((path, &run.name)));
    }

    fn findings(&mut self, findings: &TestFindings, of: Option<(&str, &str)>) {
        match self {
            Self::People(_) => people::findings(findings),
            Self::Programs(programs) => programs.findings(findings, of),
        }
    }

    fn file_over(&mut self, path: &str, status: TestStatus) {
        match self {
            Self::People(people) => people.file_over(path, status),
            Self::Programs(programs) => programs.file_over(path, status),
        }
    }

    fn over(&mut self, status: TestStatus, count: Count) {
        match self {
            Self::People(people) => people.over(status, count),
            Self::Programs(programs) => programs.over(status, count),
        }
    }
}
