//! What became of conditions: one entry for each block that has some, with its instances.

use model::{CheckStatus, CheckSubject, Checked, Mode, ModulePath};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::state;
use crate::values::Raw;

#[derive(Serialize)]
pub(crate) struct Check {
    address: Block,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<Instance>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Block {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    module: String,
    name: String,
    to_display: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

#[derive(Serialize)]
struct Instance {
    address: InstanceAddress,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
    status: &'static str,
}

#[derive(Serialize)]
struct InstanceAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_key: Option<Raw>,
    #[serde(skip_serializing_if = "String::is_empty")]
    module: String,
    to_display: String,
}

#[derive(Serialize)]
struct Problem {
    message: String,
}

/// A block with conditions, as a stored state has it.
#[derive(Serialize)]
pub(crate) struct CheckResult {
    object_kind: &'static str,
    config_addr: String,
    status: &'static str,
    objects: Option<Vec<CheckedObject>>,
}

#[derive(Serialize)]
struct CheckedObject {
    object_addr: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failure_messages: Vec<String>,
}

/// The same in the form of a stored state; none when there are no conditions.
pub(crate) fn results(checked: &[Checked]) -> Option<Vec<CheckResult>> {
    let results = of(checked, &[], |_| false).into_iter().map(|check| {
        let objects = check.instances.into_iter().map(|instance| CheckedObject {
            object_addr: instance.address.to_display,
            status: instance.status,
            failure_messages: instance
                .problems
                .into_iter()
                .map(|problem| problem.message)
                .collect(),
        });
        CheckResult {
            object_kind: match check.address.kind {
                "output_value" => "output",
                kind => kind,
            },
            config_addr: check.address.to_display,
            status: check.status,
            objects: Some(objects.collect()),
        }
    });
    let results: Vec<CheckResult> = results.collect();
    (!results.is_empty()).then_some(results)
}

/// Conditions of instances, brought together under their blocks. Those of `written` that have no instances are there
/// too: nothing speaks against them, unless nobody looked at them because they were left out.
/// Ephemeral resources are told of nowhere.
pub(crate) fn of(
    checked: &[Checked],
    written: &[CheckSubject],
    is_left_out: impl Fn(&CheckSubject) -> bool,
) -> Vec<Check> {
    let mut blocks: BTreeMap<Block, (CheckStatus, Vec<Instance>)> = BTreeMap::new();
    for subject in written.iter().filter(|one| !is_ephemeral(one)) {
        let (block, _) = addresses(subject);
        let nothing = if is_left_out(subject) {
            CheckStatus::Unknown
        } else {
            CheckStatus::Pass
        };
        blocks.insert(block, (nothing, Vec::new()));
    }
    for one in checked.iter().filter(|one| !is_ephemeral(&one.subject)) {
        let (block, address) = addresses(&one.subject);
        let entry = blocks
            .entry(block)
            .or_insert((CheckStatus::Pass, Vec::new()));
        if entry.1.is_empty() {
            entry.0 = one.status;
        }
        entry.0 = entry.0.max(one.status);
        entry.1.push(Instance {
            address,
            problems: one
                .problems
                .iter()
                .map(|message| Problem {
                    message: message.clone(),
                })
                .collect(),
            status: word(one.status),
        });
    }
    let checks = blocks
        .into_iter()
        .map(|(address, (status, mut instances))| {
            instances.sort_by(|a, b| a.address.to_display.cmp(&b.address.to_display));
            Check {
                address,
                status: word(status),
                instances,
            }
        });
    let mut checks: Vec<Check> = checks.collect();
    checks.sort_by(|a, b| a.address.to_display.cmp(&b.address.to_display));
    checks
}

/// Conditions that nobody looks at, because what they are about is destroyed.
pub(crate) fn unasked(written: &[CheckSubject], partial: bool) -> Vec<Check> {
    // The outputs of the root module are gone through all the same, unless only a part is destroyed.
    let outputs = written.iter().filter(|one| {
        !partial && matches!(one, CheckSubject::Output(module, _) if module.0.is_empty())
    });
    let unjudged = outputs.map(|subject| Checked {
        subject: subject.clone(),
        status: CheckStatus::Unknown,
        problems: Vec::new(),
    });
    of(&unjudged.collect::<Vec<_>>(), written, |_| true)
}

fn word(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Pass => "pass",
        CheckStatus::Unknown => "unknown",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
    }
}

fn is_ephemeral(subject: &CheckSubject) -> bool {
    matches!(subject, CheckSubject::Resource(address) if address.resource.mode == Mode::Ephemeral)
}

fn addresses(subject: &CheckSubject) -> (Block, InstanceAddress) {
    match subject {
        CheckSubject::Check(module, name) => simple("check", "check", module, name),
        CheckSubject::Output(module, name) => simple("output_value", "output", module, name),
        CheckSubject::Variable(module, name) => simple("var", "var", module, name),
        CheckSubject::Resource(address) => {
            let resource = &address.resource;
            let plain = resource.module.without_keys().to_string();
            let data = if resource.mode == Mode::Data {
                "data."
            } else {
                ""
            };
            let name = format!("{data}{}.{}", resource.kind, resource.name);
            let block = Block {
                kind: "resource",
                mode: Some(state::mode(resource.mode)),
                name: resource.name.to_string(),
                to_display: within(&plain, &name),
                module: plain,
                of: Some(resource.kind.to_string()),
            };
            let instance = InstanceAddress {
                instance_key: state::index(&address.key),
                module: resource.module.to_string(),
                to_display: address.to_string(),
            };
            (block, instance)
        }
    }
}

fn simple(
    kind: &'static str,
    word: &str,
    module: &ModulePath,
    name: &str,
) -> (Block, InstanceAddress) {
    let plain = module.without_keys().to_string();
    let block = Block {
        kind,
        mode: None,
        name: name.to_owned(),
        to_display: within(&plain, &format!("{word}.{name}")),
        module: plain,
        of: None,
    };
    let module = module.to_string();
    let instance = InstanceAddress {
        instance_key: None,
        to_display: within(&module, &format!("{word}.{name}")),
        module,
    };
    (block, instance)
}

fn within(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}.{name}")
    }
}
