//! What is found wrong in small projects, and where: the snippets that the tests of `definition` read as well.

#[path = "../../../../crates/definition/tests/support/snippets.rs"]
mod snippets;

use crate::oracle::Terraform;
use crate::project::Project;
use crate::suite::{Outcome, path, read, write};
use contract::Provider as _;
use definition::LineIndex;
use host::Builtin;
use serde_json::Value;
use snippets::Snippet;
use value::Severity;

/// A folder of files with snippets.
pub(crate) const SNIPPETS: &str = "crates/definition/tests/blocks";

fn files() -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(path(SNIPPETS)).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| format!("{SNIPPETS}/{name}"))
        .collect();
    names.sort();
    Ok(names)
}

/// Compares what is found.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let schemas = [Builtin::new().schema().clone()];
    for file in files()? {
        for snippet in snippets::read(&read(&file)?) {
            let given = found(&snippet, &schemas);
            if snippets::agree(&snippet.findings, &given) {
                outcome.passed += 1;
            } else {
                let case = format!("{file}: {}", snippet.title);
                let recorded = snippet.findings.join(", ");
                outcome.differ(&case, &recorded, &given.join(", "));
            }
        }
    }
    Ok(outcome)
}

fn found(snippet: &Snippet, schemas: &[model::ProviderSchema]) -> Vec<String> {
    let files = snippet.files.iter().cloned();
    let files = files.map(|(path, text)| (path, text.into_bytes()));
    let project = Project(files.collect());
    let compiled = if snippet.is_planned() {
        definition::compile(&project, &[], schemas)
    } else {
        definition::validate(&project, &[], schemas)
    };
    let lines = compiled.diagnostics.iter().map(|found| {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = found.span.and_then(|span| {
            let source = compiled.sources.get(span.source.0 as usize)?;
            let text = std::str::from_utf8(&source.content).ok()?;
            let index = LineIndex::new(text);
            let (start, end) = (
                index.position(text, span.start),
                index.position(text, span.end),
            );
            Some(place(
                &source.path,
                (u64::from(start.line), u64::from(start.column)),
                (u64::from(end.line), u64::from(end.column)),
            ))
        });
        format!("{severity} {}", place.unwrap_or_else(|| "-".to_owned()))
    });
    lines.collect()
}

fn place(path: &str, start: (u64, u64), end: (u64, u64)) -> String {
    format!("{path}:{}:{}-{}:{}", start.0, start.1, end.0, end.1)
}

/// Asks what `validate` finds in each, or `plan` where that is asked for.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let mut count = 0;
    for file in files()? {
        let text = read(&file)?;
        let mut all = snippets::read(&text);
        for snippet in &mut all {
            snippet.findings = ask(terraform, snippet)?;
            count += 1;
        }
        write(&file, &snippets::write(snippets::preface(&text), &all))?;
    }
    Ok(count)
}

fn ask(terraform: &Terraform, snippet: &Snippet) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let directory = directory.path();
    for (name, text) in &snippet.files {
        let target = directory.join(name);
        let parent = target.parent().unwrap_or(directory);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&target, text))
            .map_err(|error| error.to_string())?;
    }
    let init = ["init", "-input=false", "-backend=false"];
    // What it refuses is found by the next command again; what it fetched is what matters.
    terraform.run(directory, &init, "")?;
    let output = terraform.run(directory, &["validate", "-json"], "")?;
    let said: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let found = said.get("diagnostics").and_then(Value::as_array);
    let found = found.cloned().unwrap_or_default();
    let valid = said.get("valid").and_then(Value::as_bool);
    if valid != Some(true) || !snippet.is_planned() {
        return Ok(lines(&found));
    }
    let output = terraform.run(directory, &["plan", "-json", "-input=false"], "")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let found: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|line| line.get("diagnostic").cloned())
        .collect();
    Ok(lines(&found))
}

fn lines(found: &[Value]) -> Vec<String> {
    let lines = found.iter().filter_map(|diagnostic| {
        let text = |of: &Value, name: &str| {
            let text = of.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let place = match diagnostic.get("range") {
            None | Some(Value::Null) => "-".to_owned(),
            // It points at nothing: to something inside of a reference that could not be read.
            Some(range) if text(range, "filename").is_empty() => return None,
            Some(range) => {
                let at = |end: &str| {
                    let number = |of: &str| {
                        let number = range.get(end).and_then(|end| end.get(of));
                        number.and_then(Value::as_u64).unwrap_or_default()
                    };
                    (number("line"), number("column"))
                };
                place(&text(range, "filename"), at("start"), at("end"))
            }
        };
        let (severity, summary) = (text(diagnostic, "severity"), text(diagnostic, "summary"));
        Some(format!("{severity} {place} {summary}"))
    });
    lines.collect()
}
