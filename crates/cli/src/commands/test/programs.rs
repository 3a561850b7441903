//! How tests go, for programs: one JSON object per line, in the form of `terraform test -json`.

use super::{Count, word};
use crate::json;
use crate::render::diagnostics::Sources;
use definition::{TestFile, TestRun};
use engine::{TestFindings, TestReport, TestStatus};
use model::Address;
use serde_json::{Map, Value, json};

/// Tells programs.
pub(super) struct Programs {
    verbose: bool,
}

/// One line. `of` says which file it is about, and which run of it.
fn line(level: &str, message: &str, of: (Option<&str>, Option<&str>), kind: &str, detail: Value) {
    let mut object = Map::new();
    object.insert("@level".into(), level.into());
    object.insert("@message".into(), message.into());
    object.insert("@module".into(), "steadfast.ui".into());
    let (file, run) = of;
    if let Some(file) = file {
        object.insert("@testfile".into(), file.into());
    }
    if let Some(run) = run {
        object.insert("@testrun".into(), run.into());
    }
    object.insert(kind.into(), detail);
    object.insert("type".into(), kind.into());
    anstream::println!("{}", Value::Object(object));
}

impl Programs {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose }
    }

    pub(super) fn begins(&self, paths: &[String], tests: &[TestFile]) {
        let runs = |file: &TestFile| -> Vec<String> {
            file.runs.iter().map(|run| run.name.to_string()).collect()
        };
        let all = paths.iter().zip(tests);
        let all: Map<String, Value> = all
            .map(|(path, file)| (path.clone(), runs(file).into()))
            .collect();
        let n_runs: usize = tests.iter().map(|file| file.runs.len()).sum();
        let message = format!("Found {} files and {n_runs} run blocks", paths.len());
        line("info", &message, (None, None), "test_abstract", all.into());
    }

    pub(super) fn file(&self, path: &str) {
        self.progress_of_file(path, "in progress", "starting", None);
    }

    fn progress_of_file(
        &self,
        path: &str,
        message: &str,
        progress: &str,
        status: Option<TestStatus>,
    ) {
        let mut detail = json!({ "path": path, "progress": progress });
        if let (Some(status), Some(detail)) = (status, detail.as_object_mut()) {
            detail.insert("status".into(), word(status).into());
        }
        let message = format!("{path}... {message}");
        line("info", &message, (Some(path), None), "test_file", detail);
    }

    fn progress_of_run(
        &self,
        path: &str,
        run: &TestRun,
        message: &str,
        progress: &str,
        status: Option<TestStatus>,
    ) {
        let mut detail = json!({ "path": path, "run": run.name, "progress": progress });
        if let (Some(status), Some(detail)) = (status, detail.as_object_mut()) {
            detail.insert("status".into(), word(status).into());
        }
        let message = format!("  \"{}\"... {message}", run.name);
        let of = (Some(path), Some(&*run.name));
        line("info", &message, of, "test_run", detail);
    }

    pub(super) fn began(&self, path: &str, run: &TestRun) {
        self.progress_of_run(path, run, "in progress", "starting", None);
    }

    pub(super) fn ended(&self, path: &str, run: &TestRun, report: &TestReport) {
        let status = report.status;
        self.progress_of_run(path, run, word(status), "complete", Some(status));
        if self.verbose && status != TestStatus::Skip {
            self.details(path, run, report);
        }
        self.findings(&report.findings, Some((path, &run.name)));
    }

    /// What a run planned, or what there is after it.
    fn details(&self, path: &str, run: &TestRun, report: &TestReport) {
        let of = (Some(path), Some(&*run.name));
        if let Some(plan) = &report.plan {
            let changes = plan.changes.iter().map(|change| {
                json!({
                    "address": change.address.to_string(),
                    "action": json::action_word(change.action),
                    "before": change.before.as_ref().map(json::value),
                    "after": change.after.as_ref().map(json::value),
                })
            });
            let changes: Vec<Value> = changes.collect();
            let detail = json!({ "summary": plan.summary(), "changes": changes });
            line("info", "The plan", of, "test_plan", detail);
            return;
        }
        let resources = report.objects.iter().map(|(address, object)| {
            json!({ "address": address.to_string(), "values": json::value(object) })
        });
        let resources: Vec<Value> = resources.collect();
        let outputs = report.outputs.iter();
        let outputs: Map<String, Value> = outputs
            .map(|(name, value)| (name.to_string(), json::value(value)))
            .collect();
        let detail = json!({ "resources": resources, "outputs": outputs });
        line("info", "What there is", of, "test_state", detail);
    }

    pub(super) fn tearing_down(&self, path: &str) {
        self.progress_of_file(path, "tearing down", "teardown", None);
    }

    pub(super) fn destroying(&self, path: &str, run: &TestRun) {
        self.progress_of_run(path, run, "tearing down", "teardown", None);
    }

    pub(super) fn left(&self, path: &str, run: &TestRun, addresses: &[Address]) {
        let message = format!(
            "Some objects could not be destroyed after {path}/{}; they must be removed by hand.",
            run.name
        );
        let left = addresses.iter();
        let left: Vec<Value> = left
            .map(|address| json!({ "instance": address.to_string() }))
            .collect();
        let of = (Some(path), Some(&*run.name));
        let detail = json!({ "failed_resources": left });
        line("error", &message, of, "test_cleanup", detail);
    }

    pub(super) fn findings(&self, findings: &TestFindings, of: Option<(&str, &str)>) {
        let sources = Sources::new(findings.sources.clone());
        for one in findings.diagnostics.iter() {
            let (level, word) = match one.severity {
                value::Severity::Error => ("error", "Error"),
                value::Severity::Warning => ("warn", "Warning"),
            };
            let message = format!("{word}: {}", one.summary);
            let of = of.unzip();
            let detail = Value::Object(json::diagnostic(one, &sources));
            line(level, &message, of, "diagnostic", detail);
        }
    }

    pub(super) fn file_over(&self, path: &str, status: TestStatus) {
        self.progress_of_file(path, word(status), "complete", Some(status));
    }

    pub(super) fn over(&self, status: TestStatus, count: Count) {
        let Count {
            passed,
            failed,
            errored,
            skipped,
        } = count;
        let detail = json!({
            "status": word(status), "passed": passed, "failed": failed, "errored": errored, "skipped": skipped,
        });
        let message = format!(
            "{passed} passed, {} failed, {skipped} skipped.",
            failed + errored
        );
        line("info", &message, (None, None), "test_summary", detail);
    }
}
