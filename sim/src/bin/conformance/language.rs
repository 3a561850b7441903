//! Case files of the language: expressions with their recorded answers, in `sim/conformance/language`.
//!
//! A file is a list of cases between which remarks (`#`) and empty lines stand:
//!
//! ```text
//! > an expression
//! . its next line, where it has more than one
//! = its value, or
//! ! 3..7 what is wrong from byte 3 to before byte 7 of it
//! ~ 3..7 what we say, where that is more precise than what is recorded
//! ```
//!
//! The answers after `=` and `!` are the oracle's and only ever recorded. Those after `~` are ours, accepted by a
//! person who found them at least as good: only for what is wrong, never for a value.

use crate::answer::Answer;
use crate::batch;
use crate::oracle::Terraform;
use crate::ours::{Fixtures, Ours};
use crate::suite::{self, Outcome};

/// Files beside which all cases are compiled and planned.
const FIXTURES: &str = "sim/conformance/language/fixtures";

/// One file of cases.
struct CaseFile {
    /// From the root of the repository.
    place: String,
    cases: Vec<Case>,
    /// Lines after the last case.
    tail: Vec<String>,
}

#[derive(Default)]
struct Case {
    /// Remarks and empty lines before it.
    before: Vec<String>,
    expression: String,
    recorded: Vec<String>,
    accepted: Vec<String>,
}

impl Case {
    /// Whether what we answer is as it should be.
    fn passes(&self, ours: &Answer) -> bool {
        if self.recorded.is_empty() {
            return false;
        }
        if self.accepted.is_empty() {
            return ours.agrees(&self.recorded);
        }
        !ours.is_value() && accepted_lines(ours) == self.accepted && self.recorded_faults()
    }

    fn recorded_faults(&self) -> bool {
        self.recorded.iter().all(|line| line.starts_with('!'))
    }
}

fn accepted_lines(answer: &Answer) -> Vec<String> {
    let lines = answer.lines();
    lines
        .iter()
        .map(|line| line.replacen('!', "~", 1))
        .collect()
}

impl CaseFile {
    fn read(place: &str) -> Result<Self, String> {
        let mut file = Self {
            place: place.to_owned(),
            cases: Vec::new(),
            tail: Vec::new(),
        };
        for line in suite::read(place)?.lines() {
            let current = file.cases.last_mut();
            match (line.split_at_checked(2), current) {
                (Some(("> ", expression)), _) => file.cases.push(Case {
                    before: std::mem::take(&mut file.tail),
                    expression: expression.to_owned(),
                    ..Case::default()
                }),
                (Some((". ", more)), Some(case)) => {
                    case.expression = format!("{}\n{more}", case.expression)
                }
                (Some(("= " | "! ", _)), Some(case)) => case.recorded.push(line.to_owned()),
                (Some(("~ ", _)), Some(case)) => case.accepted.push(line.to_owned()),
                _ if line.is_empty() || line.starts_with('#') => file.tail.push(line.to_owned()),
                _ => return Err(format!("{place}: a line that is none: {line}")),
            }
        }
        Ok(file)
    }

    fn write(&self) -> Result<(), String> {
        let mut text = String::new();
        for case in &self.cases {
            case.before
                .iter()
                .for_each(|line| text += &format!("{line}\n"));
            text += &format!("> {}\n", case.expression.replace('\n', "\n. "));
            let answers = case.recorded.iter().chain(&case.accepted);
            answers.for_each(|line| text += &format!("{line}\n"));
        }
        self.tail
            .iter()
            .for_each(|line| text += &format!("{line}\n"));
        suite::write(&self.place, &text)
    }
}

/// The case files of a place: itself, or all in a directory.
fn files(place: &str) -> Result<Vec<CaseFile>, String> {
    let path = suite::path(place);
    if !path.is_dir() {
        return Ok(vec![CaseFile::read(place)?]);
    }
    let entries =
        std::fs::read_dir(&path).map_err(|error| format!("cannot read {place}: {error}"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| CaseFile::read(&format!("{place}/{name}")))
        .collect()
}

pub(crate) fn fixtures() -> Result<Fixtures, String> {
    Fixtures::read(&suite::path(FIXTURES))
}

/// Compares all cases of a place with their recorded answers; each file is a part of the outcome.
pub(crate) fn run(place: &str) -> Result<Outcome, String> {
    let fixtures = fixtures()?;
    let ours = Ours::new(&fixtures);
    let mut outcome = Outcome::default();
    for file in files(place)? {
        let mut part = Outcome::default();
        for case in &file.cases {
            let answer = ours.answer(&case.expression);
            if case.passes(&answer) {
                part.passed += 1;
            } else {
                let wanted = [case.recorded.as_slice(), &case.accepted].concat();
                part.differ(
                    &case.expression,
                    &wanted.join("\n             "),
                    &answer.lines().join("\n             "),
                );
            }
        }
        let name = file.place.rsplit('/').next().unwrap_or_default();
        outcome.add(name.trim_end_matches(".txt"), part);
    }
    Ok(outcome)
}

/// Asks the real program for all answers of a place and writes them.
pub(crate) fn record(place: &str, terraform: &Terraform) -> Result<usize, String> {
    let fixtures = fixtures()?;
    let ours = Ours::new(&fixtures);
    let mut files = files(place)?;
    let expressions: Vec<String> = files
        .iter()
        .flat_map(|file| file.cases.iter().map(|case| case.expression.clone()))
        .collect();
    let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    let answers = batch::ask(terraform, &fixtures, &expressions)?;
    let count = answers.len();
    let mut answers = answers.into_iter();
    for file in &mut files {
        for (case, answer) in file.cases.iter_mut().zip(&mut answers) {
            case.recorded = answer.lines();
            let given = ours.answer(&case.expression);
            if given.agrees(&case.recorded) || !case.recorded_faults() {
                case.accepted.clear();
            }
        }
        file.write()?;
    }
    Ok(count)
}

/// Writes what we say beside what is recorded, where both find something wrong and say it differently. What changes is
/// for a person to look at before it is committed.
pub(crate) fn accept(place: &str) -> Result<usize, String> {
    let fixtures = fixtures()?;
    let ours = Ours::new(&fixtures);
    let mut count = 0;
    for mut file in files(place)? {
        for case in &mut file.cases {
            let given = ours.answer(&case.expression);
            if case.recorded.is_empty()
                || case.passes(&given)
                || given.is_value()
                || !case.recorded_faults()
            {
                continue;
            }
            case.accepted = accepted_lines(&given);
            count += 1;
        }
        file.write()?;
    }
    Ok(count)
}
