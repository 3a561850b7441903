//! Test files: what becomes of every run, what is complained of, and with which status the program ends.
//!
//! A case is one file under `sim/conformance/test`:
//!
//! ```text
//! # -var x=1                    options of the command, where there are any; other remarks are remarks
//! -- main.tf --
//! ...
//! -- tests/main.tftest.hcl --
//! ...
//! == recorded
//! exit 1
//! tests/main.tftest.hcl fail
//!   one fail
//!     Test assertion failed
//! == ours
//! ...                           what we say, where it differs in nothing but the words of complaints
//! ```
//!
//! What is recorded is the oracle's; of complaints only errors are. What is ours was accepted by a person; it is
//! refused where a run, a file or the exit status differs.

use crate::oracle::Terraform;
use crate::project::Project;
use crate::suite::{self, Outcome};
use contract::Provider;
use definition::{Given, TestFile};
use engine::{Outside, TestEvent, TestFindings, TestStatus, TestSuite};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use value::Severity;

/// Where the cases are.
pub(crate) const PLACE: &str = "sim/conformance/test";

/// What begins the recorded answer, and ours.
const RECORDED: &str = "== recorded\n";
const OURS: &str = "== ours\n";

struct Case {
    name: String,
    /// Everything before the answers.
    text: String,
    options: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
    recorded: String,
    ours: Option<String>,
}

impl Case {
    fn read(name: &str) -> Result<Self, String> {
        let text = suite::read(&format!("{PLACE}/{name}"))?;
        let (rest, ours) = match text.split_once(OURS) {
            Some((rest, ours)) => (rest, Some(ours.to_owned())),
            None => (text.as_str(), None),
        };
        let (project, recorded) = rest.split_once(RECORDED).unwrap_or((rest, ""));
        let mut options = Vec::new();
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut current: Option<String> = None;
        for line in project.split_inclusive('\n') {
            let path = line.trim_end().strip_prefix("-- ");
            let path = path.and_then(|path| path.strip_suffix(" --"));
            match (path, &current) {
                (Some(path), _) => {
                    files.insert(path.to_owned(), Vec::new());
                    current = Some(path.to_owned());
                }
                (None, Some(path)) => {
                    let content = files.entry(path.clone()).or_default();
                    content.extend_from_slice(line.as_bytes());
                }
                (None, None) => {
                    let words = line.strip_prefix("# ").unwrap_or_default();
                    if words.starts_with('-') {
                        options.extend(words.split_whitespace().map(str::to_owned));
                    }
                }
            }
        }
        Ok(Self {
            name: name.to_owned(),
            text: project.to_owned(),
            options,
            files,
            recorded: recorded.to_owned(),
            ours,
        })
    }

    fn write(&self) -> Result<(), String> {
        let mut text = format!("{}{RECORDED}{}", self.text, self.recorded);
        if let Some(ours) = &self.ours {
            text += &format!("{OURS}{ours}");
        }
        suite::write(&format!("{PLACE}/{}", self.name), &text)
    }

    /// The values of an option that may be given several times, `-name=value` or `-name value`.
    fn option(&self, wanted: &str) -> Vec<&str> {
        let mut values = Vec::new();
        let mut words = self.options.iter();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some((name, value)) if name == wanted => values.push(value),
                _ if word == wanted => values.extend(words.next().map(String::as_str)),
                _ => {}
            }
        }
        values
    }

    /// Its files in a directory that is gone when it is dropped.
    fn on_disk(&self) -> Result<tempfile::TempDir, String> {
        let cannot = |error: std::io::Error| format!("{}: {error}", self.name);
        let directory = tempfile::tempdir().map_err(cannot)?;
        for (path, content) in &self.files {
            let path = directory.path().join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(cannot)?;
            }
            std::fs::write(path, content).map_err(cannot)?;
        }
        Ok(directory)
    }
}

fn cases() -> Result<Vec<Case>, String> {
    let entries = std::fs::read_dir(suite::path(PLACE)).map_err(|error| error.to_string())?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".txt")).collect();
    names.sort();
    names.iter().map(|name| Case::read(name)).collect()
}

/// Compares all cases.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for case in cases()? {
        let given = ours(&case)?;
        let wanted = match &case.ours {
            Some(ours) if without_complaints(ours) == without_complaints(&case.recorded) => ours,
            _ => &case.recorded,
        };
        let line = |text: &str| text.trim_end().replace('\n', "\n             ");
        outcome.compare(&case.name, &line(wanted), &line(&given));
    }
    Ok(outcome)
}

/// Asks the real program for all answers.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let mut count = 0;
    for mut case in cases()? {
        case.recorded = theirs(&case, terraform)?;
        if ours(&case)? == case.recorded {
            case.ours = None;
        }
        case.write()?;
        count += 1;
    }
    Ok(count)
}

/// Writes our complaints beside the recorded ones.
pub(crate) fn accept() -> Result<usize, String> {
    let mut count = 0;
    for mut case in cases()? {
        let given = ours(&case)?;
        let same = without_complaints(&given) == without_complaints(&case.recorded);
        let before = case.ours.take();
        if same && given != case.recorded {
            case.ours = Some(given);
        }
        if case.ours != before {
            case.write()?;
            count += 1;
        }
    }
    Ok(count)
}

/// What becomes of runs and files, and the exit status; not what is said.
fn without_complaints(answer: &str) -> Vec<&str> {
    let is_complaint = |line: &&str| line.starts_with("    ") || line.starts_with("! ");
    answer.lines().filter(|line| !is_complaint(line)).collect()
}

/// What the real program says.
fn theirs(case: &Case, terraform: &Terraform) -> Result<String, String> {
    let directory = case.on_disk()?;
    let mut init = vec!["init"];
    let directories = case.options.iter().map(String::as_str);
    init.extend(directories.filter(|word| word.starts_with("-test-directory")));
    // What cannot be initialised is complained of by the tests.
    terraform.run(directory.path(), &init, "")?;
    let mut words = vec!["test", "-json"];
    words.extend(case.options.iter().map(String::as_str));
    let output = terraform.run(directory.path(), &words, "")?;
    let mut answer = Answer::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let said: serde_json::Value = serde_json::from_str(line)
            .map_err(|error| format!("{}: {error}: {line}", case.name))?;
        let text = |pointer: &str| {
            let value = said.pointer(pointer).and_then(serde_json::Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        match text("/type").as_str() {
            "test_run" if text("/test_run/progress") == "complete" => {
                answer.run(&text("/test_run/run"), &text("/test_run/status"));
            }
            "test_file" if text("/test_file/progress") == "complete" => {
                answer.file(&text("/test_file/path"), &text("/test_file/status"));
            }
            "test_cleanup" => {
                let left = said.pointer("/test_cleanup/failed_resources");
                for one in left
                    .and_then(serde_json::Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let name = one.get("instance").and_then(serde_json::Value::as_str);
                    answer.left(name.unwrap_or_default());
                }
            }
            "diagnostic" if text("/diagnostic/severity") == "error" => {
                answer.complaint(&text("/diagnostic/summary"));
            }
            _ => {}
        }
    }
    Ok(answer.finish(output.status.code().unwrap_or(-1)))
}

/// What we say.
fn ours(case: &Case) -> Result<String, String> {
    let directory = case.on_disk()?;
    let project = Project(case.files.clone());
    let mut answer = Answer::default();
    let directories = case.option("-test-directory");
    let test_directory = directories.last().copied().unwrap_or("tests");
    let mut paths = engine::test_files(&project, test_directory);
    let wanted = case.option("-filter");
    paths.retain(|path| wanted.is_empty() || wanted.contains(&path.as_str()));
    let mut files = Vec::new();
    let mut refused = false;
    for path in &paths {
        let content = case.files.get(path).cloned().unwrap_or_default();
        let (file, found) = TestFile::read(path, content, &project);
        refused |= found.has_errors();
        answer.complaints(&TestFindings::of_file(found, &file, Vec::new()));
        files.push(file);
    }
    if refused {
        return Ok(answer.finish(1));
    }
    let outside = outside(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let mut worst = TestStatus::Pass;
    for (path, file) in paths.iter().zip(&files) {
        let inside = path.starts_with(&format!("{test_directory}/"));
        let given = given(case, inside.then_some(test_directory));
        let suite = TestSuite {
            files: &project,
            given: &given,
            outside: &outside,
            clock: Arc::new(engine::SystemClock::new()),
            interrupted: tokio::sync::watch::channel(false).1,
        };
        let mut observer = |event: TestEvent<'_>| match event {
            TestEvent::Ended(run, report) => {
                answer.run(&run.name, word(report.status));
                answer.complaints(&report.findings);
            }
            TestEvent::Left(_, addresses, findings) => {
                addresses
                    .iter()
                    .for_each(|one| answer.left(&one.to_string()));
                answer.complaints(&findings);
            }
            TestEvent::Began(_) | TestEvent::TearingDown | TestEvent::Destroying(_) => {}
        };
        let status = runtime.block_on(engine::test_file(&suite, file, &mut observer));
        let status = status.map_err(|error| format!("{}: {error}", case.name))?;
        answer.file(path, word(status));
        worst = worst.max(status);
    }
    Ok(answer.finish(i32::from(worst > TestStatus::Pass)))
}

fn word(status: TestStatus) -> &'static str {
    match status {
        TestStatus::Skip => "skip",
        TestStatus::Pass => "pass",
        TestStatus::Fail => "fail",
        TestStatus::Error => "error",
    }
}

fn outside(directory: &Path) -> Outside {
    let builtin: Arc<dyn Provider> = Arc::new(host::Builtin::of_project(directory.to_owned()));
    Outside {
        providers: BTreeMap::from([(host::Builtin::SOURCE.to_owned(), builtin)]),
        ..Outside::default()
    }
}

/// Values from outside, weakest first: the variables files of the root module, those of the directory with the tests,
/// options.
fn given(case: &Case, test_directory: Option<&str>) -> Vec<Given> {
    let file = |path: &str| {
        let content = case.files.get(path)?.clone();
        let path = path.to_owned();
        Some(Given::File { path, content })
    };
    let mut given = Vec::new();
    for directory in [Some(""), test_directory].into_iter().flatten() {
        let prefix = match directory {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        given.extend(file(&format!("{prefix}terraform.tfvars")));
        let auto = case.files.keys().filter(|path| {
            let name = path.strip_prefix(&prefix);
            name.is_some_and(|name| !name.contains('/') && name.ends_with(".auto.tfvars"))
        });
        given.extend(auto.filter_map(|path| file(path)));
    }
    given.extend(case.option("-var-file").into_iter().filter_map(file));
    for text in case.option("-var") {
        let (name, text) = text.split_once('=').unwrap_or((text, ""));
        let (name, text) = (name.to_owned(), text.to_owned());
        given.push(Given::Option { name, text });
    }
    given
}

/// An answer in the making.
#[derive(Default)]
struct Answer {
    /// Lines of the file that is being told.
    lines: Vec<String>,
    text: String,
}

impl Answer {
    fn run(&mut self, name: &str, status: &str) {
        self.lines.push(format!("  {name} {status}"));
    }

    fn left(&mut self, address: &str) {
        self.lines.push(format!("  left {address}"));
    }

    fn complaint(&mut self, summary: &str) {
        // What belongs to no file is told before the first.
        let indent = if self.lines.is_empty() { "! " } else { "    " };
        self.lines.push(format!("{indent}{summary}"));
    }

    fn complaints(&mut self, findings: &TestFindings) {
        for one in findings.diagnostics.iter() {
            if one.severity == Severity::Error {
                self.complaint(&one.summary);
            }
        }
    }

    fn file(&mut self, path: &str, status: &str) {
        self.text += &format!("{path} {status}\n");
        for line in self.lines.drain(..) {
            self.text += &format!("{line}\n");
        }
    }

    fn finish(self, status: i32) -> String {
        let rest: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        format!("exit {status}\n{}{rest}", self.text)
    }
}
