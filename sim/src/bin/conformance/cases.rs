//! Modules with recorded answers of `terraform validate -json` and, where they are valid, the value of `local.v`.
//!
//! A file of cases is text, made so that a new case needs no Rust:
//!
//! ```text
//! == what the case shows
//! -- main.tf
//! locals {
//!   v = [1 2]
//! }
//! => error main.tf 2:9-2:10 [17-18] Missing item separator
//! ~~ why this answer is not asked of us
//! ```
//!
//! `-- path "text"` gives a file of one line whose text is a JSON string, for what a line cannot hold. `=>` lines are
//! written by `record`. Of a recorded answer the place counts, not the words: each place that Terraform shows must be
//! among ours, with the same severity; ours may be more. A `~~` line behind an answer takes it out of that, with the
//! reason. A valid module must be valid here, and its value the same.

use crate::oracle::Terraform;
use crate::project::Project;
use crate::suite::{Outcome, read, write};
use contract::Provider as _;
use definition::{LineIndex, validate};
use model::Release;
use serde_json::Value as Json;
use std::sync::Arc;
use value::{Diagnostic, Diagnostics, Reference, Scope, Severity, Span, Value};

/// The native syntax and templates.
pub(crate) const SYNTAX: &str = "sim/conformance/syntax.txt";

/// Mistakes and where they are shown.
pub(crate) const RANGES: &str = "sim/conformance/ranges.txt";

/// The JSON form.
pub(crate) const JSON: &str = "sim/conformance/json.txt";

struct Case {
    name: String,
    /// Everything up to the answers, as it stands in the file.
    head: String,
    project: Project,
    answers: Vec<Answer>,
}

struct Answer {
    text: String,
    apart: Option<String>,
}

/// What stands before the first case, and the cases.
fn parse(place: &str) -> Result<(String, Vec<Case>), String> {
    let text = read(place)?;
    let mut preface = String::new();
    let mut cases: Vec<Case> = Vec::new();
    let mut file: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let trouble = |what: &str| format!("{place}:{}: {what}", index + 1);
        if let Some(name) = line.strip_prefix("== ") {
            file = None;
            cases.push(Case {
                name: name.to_owned(),
                head: format!("{line}\n"),
                project: Project::default(),
                answers: Vec::new(),
            });
            continue;
        }
        let Some(case) = cases.last_mut() else {
            preface += line;
            preface.push('\n');
            continue;
        };
        if let Some(answer) = line.strip_prefix("=> ") {
            file = None;
            case.answers.push(Answer {
                text: answer.to_owned(),
                apart: None,
            });
            continue;
        }
        if let Some(reason) = line.strip_prefix("~~ ") {
            let answer = case.answers.last_mut();
            let answer = answer.ok_or_else(|| trouble("there is no answer before this"))?;
            answer.apart = Some(reason.to_owned());
            continue;
        }
        if line.is_empty() && file.is_none() {
            continue;
        }
        case.head += line;
        case.head.push('\n');
        if let Some(head) = line.strip_prefix("-- ") {
            let (path, content) = match head.split_once(' ') {
                Some((path, text)) => {
                    let text: String = serde_json::from_str(text)
                        .map_err(|error| trouble(&format!("no JSON string: {error}")))?;
                    (path, text.into_bytes())
                }
                None => (head, Vec::new()),
            };
            file = (!head.contains(' ')).then(|| path.to_owned());
            case.project.0.insert(path.to_owned(), content);
        } else if let Some(path) = &file {
            let content = case.project.0.entry(path.clone()).or_default();
            content.extend_from_slice(line.as_bytes());
            content.push(b'\n');
        } else {
            return Err(trouble("this belongs to no file"));
        }
    }
    Ok((preface, cases))
}

/// Compares all cases of a file.
fn run(place: &str) -> Result<Outcome, String> {
    let (_, cases) = parse(place)?;
    let mut outcome = Outcome::default();
    let schemas = [host::Builtin::new().schema().clone()];
    for case in cases {
        let compiled = validate(&case.project, &[], &schemas);
        let mut ours: Vec<String> = Vec::new();
        for found in compiled.diagnostics.iter() {
            let place = found.span.map(|span| {
                let source = compiled.sources.get(span.source.0 as usize);
                source.map_or_else(String::new, |source| {
                    shown(&source.path, &source.content, span)
                })
            });
            ours.push(told(found, place.as_deref()));
        }
        let asked = case
            .answers
            .iter()
            .any(|answer| answer.text.starts_with("value "));
        if let (Some(release), true) = (&compiled.release, asked) {
            ours.extend(value_of(release));
        }
        let missing = case.answers.iter().find(|answer| {
            let wanted = answer.apart.is_none() && answer.text != "valid";
            wanted && !ours.iter().any(|given| same(&answer.text, given))
        });
        let wanted = case
            .answers
            .iter()
            .any(|answer| answer.text.starts_with("error"));
        let refused = ours.iter().any(|given| given.starts_with("error"));
        if case.answers.is_empty() {
            outcome.differ(&case.name, "nothing yet", &ours.join(" | "));
        } else if let Some(missing) = missing {
            outcome.differ(&case.name, &missing.text, &ours.join(" | "));
        } else if refused && !wanted && case.answers.iter().all(|answer| answer.apart.is_none()) {
            outcome.differ(&case.name, "valid", &ours.join(" | "));
        } else {
            outcome.passed += 1;
        }
    }
    Ok(outcome)
}

/// Whether an answer is given: the same severity at the same place, or the same value.
fn same(answer: &str, given: &str) -> bool {
    if answer.starts_with("value ") {
        return answer == given;
    }
    let place =
        |text: &str| -> Vec<String> { text.split(' ').take(4).map(str::to_owned).collect() };
    place(answer) == place(given)
}

/// A finding in one line: how bad, where, and its title.
fn told(found: &Diagnostic, place: Option<&str>) -> String {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = place.unwrap_or("- - -");
    format!("{severity} {place} {} {}", found.code, found.summary)
}

/// `path line:column-line:column [byte-byte]`. A range without a character reaches over the next, as Terraform shows
/// it.
fn shown(path: &str, content: &[u8], span: Span) -> String {
    let text = String::from_utf8_lossy(content);
    let index = LineIndex::new(&text);
    let (start, end) = (
        index.position(&text, span.start),
        index.position(&text, span.end),
    );
    let wider = u32::from(span.start == span.end);
    format!(
        "{path} {}:{}-{}:{} [{}-{}]",
        start.line,
        start.column,
        end.line,
        end.column + wider,
        span.start,
        span.end + wider
    )
}

/// `value JSON` of `local.v`, where there is one.
fn value_of(release: &Release) -> Option<String> {
    let scope = Locals(release);
    let reference = Reference::Local("v".into());
    release.modules.first()?.locals.get("v")?;
    Some(match scope.resolve(&reference, Span::default()) {
        Ok(value) => format!("value {}", json(&value)),
        Err(found) => {
            let found = found
                .0
                .first()
                .map(|found| format!("{}: {}", found.summary, found.detail));
            format!("error - - - {}", found.unwrap_or_default())
        }
    })
}

/// The JSON of a value, as the language's own function writes it.
fn json(value: &Value) -> String {
    let call = value::Expr {
        kind: value::ExprKind::Call {
            name: "jsonencode".into(),
            arguments: vec![value::Expr {
                kind: value::ExprKind::Literal(value.clone()),
                span: Span::default(),
            }],
            expand_last: false,
        },
        span: Span::default(),
    };
    match call.evaluate(&Locals(&Release::default())) {
        Ok(value) => value.as_str().unwrap_or_default().to_owned(),
        Err(_) => value.render(),
    }
}

/// What constants of a module are evaluated in: its local values and the defaults of its variables.
struct Locals<'a>(&'a Release);

impl Scope for Locals<'_> {
    fn resolve(&self, reference: &Reference, _: Span) -> Result<Value, Diagnostics> {
        let module = self.0.modules.first().ok_or_else(Diagnostics::new)?;
        match reference {
            Reference::Local(name) => {
                let local = module.locals.get(name).ok_or_else(Diagnostics::new)?;
                local.value.evaluate(self)
            }
            Reference::Variable(name) => {
                let variable = module.variables.get(name);
                variable
                    .and_then(|variable| variable.default.clone())
                    .ok_or_else(Diagnostics::new)
            }
            _ => Err(Diagnostics::new()),
        }
    }
    fn instance(&self, _: &Reference, _: &Value, _: Span) -> Result<Value, Diagnostics> {
        Err(Diagnostics::new())
    }
    fn file(&self, _: &str) -> Option<Arc<[u8]>> {
        None
    }
}

/// Asks for all answers of a file again. What stands apart stays so as long as the answer is the same.
fn record(place: &str, terraform: &Terraform) -> Result<usize, String> {
    let (preface, cases) = parse(place)?;
    let mut text = preface;
    let count = cases.len();
    for case in cases {
        let answers =
            ask(terraform, &case.project).map_err(|why| format!("{}: {why}", case.name))?;
        text += &case.head;
        for answer in answers {
            text += &format!("=> {answer}\n");
            let known = case.answers.iter().find(|known| known.text == answer);
            if let Some(reason) = known.and_then(|known| known.apart.as_ref()) {
                text += &format!("~~ {reason}\n");
            }
        }
        text.push('\n');
    }
    write(place, &text)?;
    Ok(count)
}

fn ask(terraform: &Terraform, project: &Project) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (path, content) in &project.0 {
        let path = directory.path().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        std::fs::write(path, content).map_err(|error| error.to_string())?;
    }
    if project.0.keys().any(|path| path.contains('/')) {
        // Modules have to be known before they are looked at; what is wrong is said again by what follows.
        terraform.run(directory.path(), &["init", "-backend=false"], "")?;
    }
    let output = terraform.run(directory.path(), &["validate", "-json"], "")?;
    let said: Json = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut answers = Vec::new();
    let found = said.get("diagnostics").and_then(Json::as_array);
    answers.extend(found.into_iter().flatten().map(answer));
    if said.get("valid") == Some(&Json::Bool(true)) {
        let question = "base64encode(jsonencode(local.v))";
        match terraform.console(directory.path(), question)? {
            Ok(answer) => {
                let decode = format!("base64decode({answer})");
                let decoded = definition::constant_expression(&decode)
                    .and_then(|expr| expr.evaluate(&Locals(&Release::default())))
                    .map_err(|found| format!("{answer}: {found:?}"))?;
                answers.push(format!("value {}", decoded.as_str().unwrap_or_default()));
            }
            // A case without that value is only about being valid.
            Err(_) => answers.push("valid".to_owned()),
        }
    }
    Ok(answers)
}

/// A finding of the real program in one line, in the form of [`told`].
fn answer(found: &Json) -> String {
    let at = |pointer: &str| found.pointer(pointer).unwrap_or(&Json::Null);
    let word = |pointer: &str| at(pointer).as_str().unwrap_or_default().replace('\n', " ");
    let place = if at("/range").is_null() {
        "- - -".to_owned()
    } else {
        format!(
            "{} {}:{}-{}:{} [{}-{}]",
            word("/range/filename"),
            at("/range/start/line"),
            at("/range/start/column"),
            at("/range/end/line"),
            at("/range/end/column"),
            at("/range/start/byte"),
            at("/range/end/byte")
        )
    };
    format!("{} {place} {}", word("/severity"), word("/summary"))
}

/// Compares the cases of the syntax.
pub(crate) fn run_syntax() -> Result<Outcome, String> {
    run(SYNTAX)
}

/// Compares the places of mistakes.
pub(crate) fn run_ranges() -> Result<Outcome, String> {
    run(RANGES)
}

/// Compares the JSON form.
pub(crate) fn run_json() -> Result<Outcome, String> {
    run(JSON)
}

/// Asks for the answers of the syntax.
pub(crate) fn record_syntax(terraform: &Terraform) -> Result<usize, String> {
    record(SYNTAX, terraform)
}

/// Asks where mistakes are shown.
pub(crate) fn record_ranges(terraform: &Terraform) -> Result<usize, String> {
    record(RANGES, terraform)
}

/// Asks for the answers of the JSON form.
pub(crate) fn record_json(terraform: &Terraform) -> Result<usize, String> {
    record(JSON, terraform)
}
