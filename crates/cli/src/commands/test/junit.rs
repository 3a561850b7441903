//! How tests went, in the form of JUnit that continuous integration reads.
//!
//! One `testsuite` for each file, one `testcase` for each run, as `terraform test -junit-xml` has them.

use super::Told;
use crate::error::CommandError;
use crate::render::diagnostics::{self, Sources};
use engine::{TestReport, TestStatus};
use std::fmt::Write as _;
use std::path::Path;
use value::{Diagnostics, Severity};

/// Writes the report.
pub(super) fn write(path: &Path, files: &[(String, Vec<Told>)]) -> Result<(), CommandError> {
    std::fs::write(path, text(files)).map_err(|source| CommandError::Path {
        what: "write the report",
        path: path.to_owned(),
        source,
    })
}

fn text(files: &[(String, Vec<Told>)]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (path, runs) in files {
        let count = |status: TestStatus| {
            let of = runs.iter().filter(|told| told.report.status == status);
            of.count()
        };
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" skipped=\"{}\" failures=\"{}\" errors=\"{}\">",
            escaped(path),
            runs.len(),
            count(TestStatus::Skip),
            count(TestStatus::Fail),
            count(TestStatus::Error),
        );
        for told in runs {
            case(&mut out, path, told);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, path: &str, told: &Told) {
    let report = &told.report;
    let _ = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\" time=\"{}.{:03}\"",
        escaped(&told.run),
        escaped(path),
        report.took_ms / 1_000,
        report.took_ms % 1_000
    );
    let found = report.findings.diagnostics.iter();
    let (wrong, rest): (Vec<_>, Vec<_>) = found
        .cloned()
        .partition(|one| one.severity == Severity::Error);
    let first = wrong.first().map_or("", |one| one.detail.as_str());
    let element = match report.status {
        TestStatus::Pass => None,
        TestStatus::Skip => Some("skipped"),
        TestStatus::Fail => Some("failure"),
        TestStatus::Error => Some("error"),
    };
    if element.is_none() && rest.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    if let Some(element) = element {
        let message = match report.status {
            TestStatus::Skip => "not carried out, for a run before it could not be",
            _ => first.lines().next().unwrap_or_default(),
        };
        let _ = write!(out, "      <{element} message=\"{}\">", escaped(message));
        out.push_str(&said(wrong, report));
        let _ = writeln!(out, "</{element}>");
    }
    if !rest.is_empty() {
        let _ = writeln!(out, "      <system-err>{}</system-err>", said(rest, report));
    }
    out.push_str("    </testcase>\n");
}

/// Findings without colours.
fn said(found: Vec<value::Diagnostic>, report: &TestReport) -> String {
    if found.is_empty() {
        return String::new();
    }
    let sources = Sources::new(report.findings.sources.clone());
    let text = diagnostics::text(&Diagnostics(found), &sources);
    escaped(&anstream::adapter::strip_str(&text).to_string())
}

/// A text as XML has it; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::TestFindings;
    use value::Diagnostic;

    #[test]
    fn what_is_told_cannot_end_the_form() {
        let told = Told {
            run: "one".to_owned(),
            report: TestReport {
                status: TestStatus::Fail,
                findings: TestFindings {
                    diagnostics: Diagnostic::error("SF0960", "Test", "a < b && \"c\"\u{1}").into(),
                    sources: Vec::new(),
                },
                took_ms: 1_042,
                ..TestReport::default()
            },
        };
        let text = text(&[("a&b.tftest.hcl".to_owned(), vec![told])]);
        assert!(
            text.contains("name=\"a&amp;b.tftest.hcl\" tests=\"1\" skipped=\"0\" failures=\"1\"")
        );
        assert!(text.contains("time=\"1.042\""), "{text}");
        assert!(
            text.contains("message=\"a &lt; b &amp;&amp; &quot;c&quot;\""),
            "{text}"
        );
    }
}
