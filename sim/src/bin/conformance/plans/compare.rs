//! Two documents of a plan, compared member by member.

use super::{Answers, Step};
use serde_json::Value;

/// Members of a plan that are about how it came about, not about what it says.
const NOT_COMPARED: &[&str] = &["relevant_attributes", "terraform_version", "timestamp"];

/// Longest shown value.
const SHOWN_MAX: usize = 300;

/// A document without what need not be the same.
pub(crate) fn normal(mut plan: Value) -> Value {
    if let Some(members) = plan.as_object_mut() {
        members.retain(|name, _| !NOT_COMPARED.contains(&name.as_str()));
    }
    without_chance(&mut plan);
    plan
}

/// Names that each program draws for itself, and what means the same.
fn without_chance(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("terraform_version");
            for (name, member) in members {
                if matches!(name.as_str(), "deposed" | "deposed_key") {
                    *member = Value::from("(a key)");
                }
                if let ("child_modules", Some(modules)) = (name.as_str(), member.as_array_mut()) {
                    // Terraform's order is that of its hash tables.
                    modules.sort_by_key(|one| one.get("address").map(ToString::to_string));
                }
                without_chance(member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_chance),
        // Terraform's zero has a sign; ours is a number.
        Value::Number(number) if number.as_f64() == Some(0.0) => *value = Value::from(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What kind of difference it is: making a pair smaller keeps to one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only terraform refuses a version.
    WeAccept,
    /// Only we refuse one.
    WeRefuse,
    /// Both accept it, and plan otherwise.
    Otherwise,
}

/// What kind of difference these are, for telling one cause from another: the kind, and where the first one is, without
/// names of instances.
pub(crate) fn signature(kind: Kind, lines: &[String]) -> String {
    let first = lines.first().map_or("", String::as_str);
    let (path, rest) = first.split_once(": ").unwrap_or((first, ""));
    let mut depth = 0;
    let path: String = path
        .chars()
        .filter(|one| {
            depth += i32::from(*one == '[') - i32::from(*one == ']');
            depth == 0 && *one != ']'
        })
        .collect();
    let steps: Vec<&str> = path.split('.').skip(1).take(4).collect();
    let words: Vec<&str> = match kind {
        Kind::Otherwise => Vec::new(),
        Kind::WeAccept | Kind::WeRefuse => rest.split(' ').take(5).collect(),
    };
    format!("{kind:?} {} {}", steps.join("."), words.join(" "))
}

/// What differs, one line each.
pub(crate) fn differences(
    request: &[String],
    theirs: &Answers,
    ours: &Answers,
) -> Option<(Kind, Vec<String>)> {
    let unseen = request.iter().any(|line| line == "-refresh=false");
    let second = |step: &Step| match step {
        // A plan of ours does not say whether objects were looked at. Where they were not, Terraform's does not tell
        // yet what they newly depend on, and still tells where what is destroyed stood before.
        Step::Planned(plan) if unseen => {
            let mut plan = without_dependencies(plan.clone());
            if request.iter().any(|line| line == "-destroy") {
                without_previous(&mut plan);
            }
            Step::Planned(plan)
        }
        other => other.clone(),
    };
    if let Some(found) = step("1", &theirs.first, &ours.first) {
        return Some(found);
    }
    match (theirs.applied, ours.applied) {
        (true, true) => step("2", &second(&theirs.second), &second(&ours.second)),
        (false, true) => Some((Kind::WeAccept, vec![failed("apply 1", &theirs.second)])),
        (true, false) => Some((Kind::WeRefuse, vec![failed("apply 1", &ours.second)])),
        (false, false) => None,
    }
}

/// Whether the first version is planned and applied alike.
pub(crate) fn begin_alike(theirs: &Answers, ours: &Answers) -> bool {
    theirs.applied == ours.applied && step("1", &theirs.first, &ours.first).is_none()
}

/// A plan whose state before it does not say what depends on what.
pub(crate) fn without_dependencies(mut plan: Value) -> Value {
    let mut left: Vec<&mut Value> = plan
        .pointer_mut("/prior_state/values/root_module")
        .into_iter()
        .collect();
    while let Some(module) = left.pop() {
        let Some(members) = module.as_object_mut() else {
            continue;
        };
        for (name, list) in members {
            let Some(list) = list.as_array_mut() else {
                continue;
            };
            match name.as_str() {
                "child_modules" => left.extend(list),
                _ => list
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(|one| {
                        one.remove("depends_on");
                    }),
            }
        }
    }
    plan
}

/// A plan that does not say where objects stood before.
fn without_previous(plan: &mut Value) {
    let changes = plan
        .get_mut("resource_changes")
        .and_then(Value::as_array_mut);
    for change in changes.into_iter().flatten() {
        if let Some(change) = change.as_object_mut() {
            change.remove("previous_address");
        }
    }
}

fn failed(what: &str, step: &Step) -> String {
    match step {
        Step::Failed(why) => format!("{what}: refused: {why}"),
        Step::Planned(_) => format!("{what}: refused"),
    }
}

fn step(version: &str, theirs: &Step, ours: &Step) -> Option<(Kind, Vec<String>)> {
    let (theirs, ours) = match (theirs, ours) {
        (Step::Planned(theirs), Step::Planned(ours)) => (theirs, ours),
        (Step::Failed(_), Step::Failed(_)) => return None,
        (Step::Failed(_), _) => {
            return Some((
                Kind::WeAccept,
                vec![failed(&format!("theirs, plan {version}"), theirs)],
            ));
        }
        (_, Step::Failed(_)) => {
            return Some((
                Kind::WeRefuse,
                vec![failed(&format!("ours, plan {version}"), ours)],
            ));
        }
    };
    let found = members_that_differ(&format!("plan {version}"), theirs, ours);
    (!found.is_empty()).then_some((Kind::Otherwise, found))
}

/// What differs between two documents, of which a name says which they are; one line each.
pub(crate) fn members_that_differ(name: &str, theirs: &Value, ours: &Value) -> Vec<String> {
    let (theirs, ours) = (normal(theirs.clone()), normal(ours.clone()));
    let mut found = Vec::new();
    compare(name, &theirs, &ours, &mut found);
    found
}

fn compare(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, member) in a {
                let path = format!("{path}.{name}");
                match b.get(name) {
                    Some(other) => compare(&path, member, other, found),
                    None => found.push(format!("{path}: theirs {}, ours not there", shown(member))),
                }
            }
            for (name, member) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                found.push(format!(
                    "{path}.{name}: theirs not there, ours {}",
                    shown(member)
                ));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (position, (one, other)) in a.iter().zip(b).enumerate() {
                let name = one.get("address").and_then(Value::as_str);
                let name = name.map_or_else(|| position.to_string(), str::to_owned);
                compare(&format!("{path}[{name}]"), one, other, found);
            }
        }
        _ if theirs == ours => {}
        _ => found.push(format!(
            "{path}: theirs {}, ours {}",
            shown(theirs),
            shown(ours)
        )),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
