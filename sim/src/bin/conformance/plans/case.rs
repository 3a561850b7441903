//! Cases with recorded answers: one file each, in `sim/conformance/plans`.
//!
//! A file is a sentence about the case, then the files of both versions after lines such as `-- 1/main.tf --`, what is
//! asked for when the second is planned after `-- 2.request --` (nothing, where that is missing), and what terraform
//! planned for each after `-- 1.json --` and `-- 2.json --`; or after `-- 1.refused --` and the like what it complained
//! of, where it refused. We must refuse there too, in our own words.

use super::{Answers, Files, Ids, Step, Texts, compare, ours, theirs};
use crate::oracle::Terraform;
use crate::suite::{self, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where the cases are.
pub(crate) const PLACE: &str = "sim/conformance/plans";

struct Case {
    name: String,
    about: String,
    parts: BTreeMap<String, String>,
}

/// What is put to both programs, in the form of a case.
pub(crate) fn text(texts: &Texts) -> String {
    let mut text = String::new();
    for (version, files) in [(1, &texts.first), (2, &texts.second)] {
        for (path, content) in files {
            text += &format!("-- {version}/{path} --\n{content}");
        }
    }
    if !texts.request.is_empty() {
        text += &format!("-- 2.request --\n{}\n", texts.request.join("\n"));
    }
    text
}

impl Case {
    fn files(&self, version: &str) -> Files {
        let parts = self.parts.iter();
        let files = parts.filter_map(|(name, text)| {
            let path = name.strip_prefix(version)?.strip_prefix('/')?;
            Some((path.to_owned(), text.clone()))
        });
        files.collect()
    }

    fn texts(&self) -> Texts {
        let request = self.parts.get("2.request");
        let lines = request.into_iter().flat_map(|text| text.lines());
        Texts {
            first: self.files("1"),
            second: self.files("2"),
            request: lines.map(str::to_owned).collect(),
        }
    }

    fn step(&self, version: &str) -> Result<Option<Step>, String> {
        if let Some(text) = self.parts.get(&format!("{version}.json")) {
            let plan = serde_json::from_str(text);
            let plan = plan.map_err(|error| format!("{}: {error}", self.name))?;
            return Ok(Some(Step::Planned(plan)));
        }
        let refused = self.parts.get(&format!("{version}.refused"));
        Ok(refused.map(|why| Step::Failed(why.clone())))
    }

    fn recorded(&self) -> Result<Answers, String> {
        let nothing = || format!("{}: nothing is recorded", self.name);
        let first = self.step("1")?.ok_or_else(nothing)?;
        Ok(match self.step("2")? {
            Some(second) => Answers {
                first,
                applied: !self.parts.contains_key("apply.refused"),
                second,
            },
            None => Answers::until(first),
        })
    }
}

fn cases() -> Result<Vec<Case>, String> {
    let entries = std::fs::read_dir(suite::path(PLACE));
    let entries = entries.map_err(|error| format!("cannot list {PLACE}: {error}"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    names.sort();
    names.into_iter().map(|name| case(&name)).collect()
}

fn case(name: &str) -> Result<Case, String> {
    let text = suite::read(&format!("{PLACE}/{name}"))?;
    let mut case = Case {
        name: name.trim_end_matches(".txt").to_owned(),
        about: String::new(),
        parts: BTreeMap::new(),
    };
    let mut part = None;
    for line in text.split_inclusive('\n') {
        let begins = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (begins, &part) {
            (Some(next), _) => {
                case.parts.insert(next.to_owned(), String::new());
                part = Some(next.to_owned());
            }
            (None, Some(part)) => case.parts.entry(part.clone()).or_default().push_str(line),
            (None, None) => case.about += line,
        }
    }
    Ok(case)
}

/// Compares all cases with what is recorded.
pub(crate) fn run() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for case in cases()? {
        let recorded = case.recorded()?;
        let texts = case.texts();
        let given = ours::answers(&texts, &ids(&recorded));
        match compare::differences(&texts.request, &recorded, &given) {
            None => outcome.passed += 1,
            Some((kind, lines)) => {
                outcome.differ(
                    &case.name,
                    &format!("{kind:?}"),
                    &lines.join("\n             "),
                );
            }
        }
    }
    Ok(outcome)
}

/// Ids of objects, as they stand in what the second plan found.
fn ids(recorded: &Answers) -> Ids {
    let mut ids = Ids::new();
    if let Step::Planned(plan) = &recorded.second {
        let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let root = plan.pointer("/prior_state/values/root_module");
        let mut left: Vec<&Value> = root.into_iter().collect();
        while let Some(module) = left.pop() {
            let list = |name: &str| {
                let list = module.get(name).and_then(Value::as_array);
                list.into_iter().flatten()
            };
            left.extend(list("child_modules"));
            for object in list("resources") {
                let id = object.get("values").and_then(|values| text(values, "id"));
                ids.extend(text(object, "address").zip(id));
            }
        }
        let changes = ["resource_changes", "resource_drift"];
        let changes = changes.map(|name| plan.get(name).and_then(Value::as_array));
        for change in changes.into_iter().flatten().flatten() {
            let before = change.pointer("/change/before");
            let id = before.and_then(|before| text(before, "id"));
            let address = text(change, "previous_address").or_else(|| text(change, "address"));
            if let (Some(address), Some(id)) = (address, id) {
                ids.insert(address, id);
            }
        }
    }
    ids
}

/// Asks the real program for all answers.
pub(crate) fn record(terraform: &Terraform) -> Result<usize, String> {
    let cases = cases()?;
    for case in &cases {
        let texts = case.texts();
        let (answers, ids) = theirs::answers(terraform, &texts)?;
        let mut whole = case.about.clone() + &text(&texts);
        let applied = answers.applied;
        for (version, step) in [("1", &answers.first), ("2", &answers.second)] {
            match step {
                Step::Planned(plan) => {
                    let plan = masked(&compare::normal(plan.clone()), &ids);
                    whole += &format!("-- {version}.json --\n{plan}\n");
                }
                Step::Failed(_) if version == "2" && matches!(answers.first, Step::Failed(_)) => {}
                Step::Failed(why) => {
                    if version == "2" && !applied {
                        whole += "-- apply.refused --\n";
                    }
                    whole += &format!("-- {version}.refused --\n{why}\n");
                }
            }
        }
        suite::write(&format!("{PLACE}/{}.txt", case.name), &whole)?;
    }
    Ok(cases.len())
}

/// A document, printed, with the ids that were drawn replaced by counted ones, so that recording again changes nothing.
fn masked(plan: &Value, ids: &Ids) -> String {
    let mut text = serde_json::to_string_pretty(plan).unwrap_or_default();
    for (number, id) in ids.values().filter(|id| !id.is_empty()).enumerate() {
        text = text.replace(id, &format!("00000000-0000-0000-0000-{number:012}"));
    }
    text
}
