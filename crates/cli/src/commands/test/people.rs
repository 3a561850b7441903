//! How tests go, for people: a line for each file and run, what is wrong below it.

use super::{Count, word};
use crate::render::diagnostics::{self, Sources};
use crate::render::plan;
use crate::render::style::{BAD, BOLD, DIM, GOOD, RESET};
use anstyle::Style;
use definition::{TestFile, TestRun};
use engine::{TestFindings, TestReport, TestStatus};
use model::Address;

/// Tells people.
pub(super) struct People {
    verbose: bool,
}

fn style(status: TestStatus) -> Style {
    match status {
        TestStatus::Skip => DIM,
        TestStatus::Pass => GOOD,
        TestStatus::Fail | TestStatus::Error => BAD,
    }
}

/// Tells findings beside the result.
pub(super) fn findings(findings: &TestFindings) {
    let sources = Sources::new(findings.sources.clone());
    anstream::eprint!("{}", diagnostics::text(&findings.diagnostics, &sources));
}

impl People {
    pub(super) fn new(verbose: bool) -> Self {
        Self { verbose }
    }

    pub(super) fn file(&self, path: &str, _: &TestFile) {
        anstream::println!("{path}... {DIM}in progress{RESET}");
    }

    pub(super) fn ended(&self, run: &TestRun, report: &TestReport) {
        let status = report.status;
        let (name, style, word) = (&run.name, style(status), word(status));
        anstream::println!("  run \"{name}\"... {style}{word}{RESET}");
        if self.verbose && status != TestStatus::Skip {
            details(report);
        }
        findings(&report.findings);
    }

    pub(super) fn tearing_down(&self, path: &str) {
        anstream::println!("{path}... {DIM}tearing down{RESET}");
    }

    pub(super) fn left(&self, path: &str, run: &TestRun, addresses: &[Address]) {
        anstream::eprintln!(
            "{BAD}These objects could not be destroyed{RESET} after {path}, run \"{}\". Nobody keeps a record of them; \
             they must be removed by hand:",
            run.name
        );
        for address in addresses {
            anstream::eprintln!("  {address}");
        }
        anstream::eprintln!();
    }

    pub(super) fn file_over(&self, path: &str, status: TestStatus) {
        let (style, word) = (style(status), word(status));
        anstream::println!("{path}... {style}{word}{RESET}");
    }

    pub(super) fn over(&self, status: TestStatus, count: Count) {
        let (style, word) = match status {
            TestStatus::Skip | TestStatus::Pass => (GOOD, "Success!"),
            TestStatus::Fail | TestStatus::Error => (BAD, "Failure!"),
        };
        let skipped = match count.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        anstream::println!(
            "\n{style}{word}{RESET} {} passed, {} failed{skipped}.",
            count.passed,
            count.failed + count.errored
        );
    }
}

/// What a run planned, or what there is after it.
fn details(report: &TestReport) {
    anstream::println!();
    if let Some(made) = &report.plan {
        anstream::print!("{}", plan::text(made));
        anstream::println!();
        return;
    }
    for (address, object) in &report.objects {
        crate::commands::inspect::print_value(address, object);
    }
    if !report.outputs.is_empty() {
        anstream::println!("{BOLD}Outputs:{RESET}");
        for (name, value) in &report.outputs {
            anstream::println!("{name} = {}", plan::shown(value));
        }
        anstream::println!();
    }
}
