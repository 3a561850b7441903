//! Constant expressions that the tests of `definition` and `value` read as well.

use crate::oracle::Terraform;
use crate::suite::{Outcome, read, write};
use definition::constant_expression;
use std::sync::Arc;
use value::{Diagnostic, Diagnostics, Reference, Scope, Span, Value};

/// `expression => "JSON of its value"`, one a line.
pub(crate) const JSON_CASES: &str = "crates/definition/tests/expressions.txt";

/// `> expression`, then the value as it is rendered, or `! part of the message` for each thing that is wrong.
pub(crate) const CONSOLE_CASES: &str = "crates/value/tests/cases/terraform-1.11.txt";

/// What constants are evaluated in.
struct Nothing;

impl Scope for Nothing {
    fn resolve(&self, _: &Reference, _: Span) -> Result<Value, Diagnostics> {
        Err(Diagnostics::new())
    }
    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        Err(Diagnostics::new())
    }
    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        (path == "greeting.txt").then(|| Arc::from(&b"hello\n"[..]))
    }
}

fn evaluate(text: &str) -> Result<Value, Diagnostics> {
    constant_expression(text)?.evaluate(&Nothing)
}

/// A diagnostic in one line: what is wrong, why, and what to do.
fn told(diagnostic: &Diagnostic) -> String {
    let hints: String = diagnostic
        .hints
        .iter()
        .map(|hint| format!(" {}", hint.text))
        .collect();
    format!("{}: {}{hints}", diagnostic.summary, diagnostic.detail)
}

fn all_told(found: &Diagnostics) -> String {
    found.iter().map(told).collect::<Vec<_>>().join(" | ")
}

/// Compares the JSON of values.
pub(crate) fn run_json() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for line in read(JSON_CASES)?.lines() {
        let Some((expression, recorded)) = json_case(line) else {
            continue;
        };
        let given = match evaluate(&format!("jsonencode({expression})")) {
            Ok(value) => value.render(),
            Err(found) => all_told(&found),
        };
        outcome.compare(expression, recorded, &given);
    }
    Ok(outcome)
}

fn json_case(line: &str) -> Option<(&str, &str)> {
    if line.starts_with('#') {
        return None;
    }
    line.rsplit_once(" => ")
}

/// Asks the console for each JSON.
pub(crate) fn record_json(terraform: &Terraform) -> Result<usize, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut text = String::new();
    let mut count = 0;
    for line in read(JSON_CASES)?.lines() {
        match json_case(line) {
            None => text += line,
            Some((expression, _)) => {
                // The console quotes a text in its own way, and base64 in every way alike.
                let question = format!("base64encode(jsonencode({expression}))");
                let answer = terraform.console(directory.path(), &question)?;
                let answer = answer.map_err(|said| format!("{expression}: {said}"))?;
                let json = evaluate(&format!("base64decode({answer})"));
                let json = json.map_err(|found| format!("{expression}: {}", all_told(&found)))?;
                text += &format!("{expression} => {}", json.render());
                count += 1;
            }
        }
        text.push('\n');
    }
    write(JSON_CASES, &text)?;
    Ok(count)
}

/// A case of the console: the expression and the lines that say what it gives.
fn console_cases(text: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    text.split("\n> ").skip(1).filter_map(|case| {
        let mut lines = case
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        Some((lines.next()?, lines.collect()))
    })
}

/// Compares values as they are rendered, and whether each error is found and says what is recorded.
pub(crate) fn run_console() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for (expression, recorded) in console_cases(&read(CONSOLE_CASES)?) {
        let (same, given) = match evaluate(expression) {
            Ok(value) => (recorded == [value.render()], value.render()),
            Err(found) => {
                let lines = recorded.iter().map(|line| line.strip_prefix("! "));
                let same = found.0.len() == recorded.len()
                    && lines
                        .zip(found.iter())
                        .all(|(line, found)| line.is_some_and(|part| told(found).contains(part)));
                (same, all_told(&found))
            }
        };
        if same {
            outcome.passed += 1;
        } else {
            outcome.differ(expression, &recorded.join(" | "), &given);
        }
    }
    Ok(outcome)
}

/// Checks the cases against the real program instead of writing them: values there are written on one line, which the
/// console does not do, and messages are recorded in part. An answer that differs is a complaint.
pub(crate) fn record_console(terraform: &Terraform) -> Result<usize, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(directory.path().join("greeting.txt"), "hello\n")
        .map_err(|error| error.to_string())?;
    let squeezed = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace() && *c != ',')
            .collect::<String>()
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    for (expression, recorded) in console_cases(&read(CONSOLE_CASES)?) {
        count += 1;
        let answer = terraform.console(directory.path(), expression)?;
        let same = match &answer {
            Ok(shown) => recorded
                .iter()
                .all(|line| squeezed(line) == squeezed(shown)),
            Err(said) => recorded.iter().all(|line| {
                line.strip_prefix("! ")
                    .is_some_and(|part| squeezed(said).contains(&squeezed(part)))
            }),
        };
        if !same {
            wrong.push(format!(
                "{expression}\n  recorded {}\n  answered {answer:?}",
                recorded.join(" | ")
            ));
        }
    }
    if wrong.is_empty() {
        Ok(count)
    } else {
        Err(format!(
            "{} cases are not what it answers:\n{}",
            wrong.len(),
            wrong.join("\n")
        ))
    }
}
