//! The files of the suite.
//!
//! `$ apply`, `$ plan`, `$ destroy`, `$ use NAME` (the text of that name becomes `main.tf`), `$ lose ID`,
//! `$ alter ID ATTRIBUTE JSON`; `protocol 5` in the prose asks for that major. Under a step stands what is recorded of
//! it. Texts begin with `-- NAME --`; `mock.json` is the script, and where there is none, the one that all share.

use super::{Asked, KNOWN, Scenario, Step, ours, theirs};
use crate::oracle::Terraform;
use crate::suite::{self, Outcome};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where the cases are.
pub(crate) const PLACE: &str = "sim/conformance/provider";

/// The script that scenarios share.
const SHARED: &str = "mock.json";

/// A file: what it says, and what is recorded in it.
struct File {
    scenario: Scenario,
    head: Vec<String>,
    recorded: Asked,
    tail: String,
}

fn names() -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(suite::path(PLACE));
    let entries = entries.map_err(|error| format!("cannot read {PLACE}: {error}"))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    Ok(names)
}

fn step(line: &str) -> Result<Step, String> {
    let mut words = line.splitn(2, ' ');
    let verb = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default();
    Ok(match (verb, rest) {
        ("plan", "") => Step::Plan,
        ("apply", "") => Step::Apply,
        ("destroy", "") => Step::Destroy,
        ("use", name) => Step::Use(name.to_owned()),
        ("lose", id) => Step::Lose(id.to_owned()),
        ("alter", rest) => {
            let mut words = rest.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (id, attribute, json) = (word(), word(), word());
            let json = serde_json::from_str(&json);
            Step::Alter(
                id,
                attribute,
                json.map_err(|error| format!("{line}: {error}"))?,
            )
        }
        _ => return Err(format!("there is no step `{line}`")),
    })
}

fn parse(name: &str) -> Result<File, String> {
    let text = suite::read(&format!("{PLACE}/{name}"))?;
    let mut scenario = Scenario {
        script: suite::read(&format!("{PLACE}/{SHARED}"))?,
        major: 6,
        ..Scenario::default()
    };
    let (steps, tail) = text.split_once("\n-- ").unwrap_or((&text, ""));
    let mut head = Vec::new();
    let mut recorded: Asked = Vec::new();
    for line in steps.lines() {
        if let Some(written) = line.strip_prefix("  $ ") {
            scenario.steps.push(step(written)?);
            recorded.push(BTreeSet::new());
            head.push(line.to_owned());
        } else if let Some(line) = line.strip_prefix("    ") {
            if let Some(last) = recorded.last_mut() {
                last.insert(line.to_owned());
            }
        } else {
            if line.contains("protocol 5") {
                scenario.major = 5;
            }
            head.push(line.to_owned());
        }
    }
    for part in format!("\n-- {tail}").split("\n-- ").skip(1) {
        let Some((called, content)) = part.split_once(" --\n") else {
            continue;
        };
        if called == SHARED {
            scenario.script = content.to_owned();
        } else {
            scenario
                .texts
                .insert(called.to_owned(), format!("{content}\n"));
        }
    }
    Ok(File {
        scenario,
        head,
        recorded,
        tail: format!("\n-- {tail}"),
    })
}

/// Compares all scenarios.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for name in names()? {
        let file = parse(&name)?;
        let given = ours::asked(&file.scenario)?;
        let case = name.trim_end_matches(".txt");
        match difference(&file, &given) {
            None if known(case).is_some() => {
                outcome.differ(case, "the same, but its difference is listed", "the same");
            }
            None => outcome.passed += 1,
            Some((only_recorded, only_given)) => {
                let why = known(case).map_or_else(String::new, |why| format!(" (known: {why})"));
                outcome.differ(&format!("{case}{why}"), &only_recorded, &only_given);
            }
        }
    }
    Ok(outcome)
}

/// Why a scenario may differ, if it may.
fn known(case: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|(name, _)| *name == case);
    known.map(|(_, why)| *why)
}

/// What stands only in one of the two, with the step at which it does.
fn difference(file: &File, given: &Asked) -> Option<(String, String)> {
    let (mut only_recorded, mut only_given) = (String::new(), String::new());
    for (at, recorded) in file.recorded.iter().enumerate() {
        let nothing = BTreeSet::new();
        let given = given.get(at).unwrap_or(&nothing);
        for line in recorded.difference(given) {
            let _ = write!(only_recorded, "\n      step {}: {line}", at + 1);
        }
        for line in given.difference(recorded) {
            let _ = write!(only_given, "\n      step {}: {line}", at + 1);
        }
    }
    let same = only_recorded.is_empty() && only_given.is_empty();
    (!same).then_some((only_recorded, only_given))
}

/// Records what terraform asks.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let mut count = 0;
    for name in names()? {
        let file = parse(&name)?;
        let asked =
            theirs::asked(terraform, &file.scenario).map_err(|error| format!("{name}: {error}"))?;
        let mut text = String::new();
        let mut asked = asked.into_iter();
        for line in &file.head {
            text.push_str(line);
            text.push('\n');
            if line.starts_with("  $ ") {
                for line in asked.next().unwrap_or_default() {
                    let _ = writeln!(text, "    {line}");
                    count += 1;
                }
            }
        }
        suite::write(
            &format!("{PLACE}/{name}"),
            &format!(
                "{}{}",
                text.trim_end_matches('\n'),
                ["\n", &file.tail].concat()
            ),
        )?;
    }
    Ok(count)
}
