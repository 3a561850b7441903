//! What is asked of a provider: scenarios that a scripted provider lives through, and every call with all that is sent.
//!
//! Each scenario is a file: prose, steps, and the texts they work on. Recorded is what terraform asked, driving the
//! mock of `plugin` through `TF_REATTACH_PROVIDERS`; compared is what we ask, driving another one the same way.
//!
//! Calls are compared as sets: we ask once what terraform asks several times (it validates, plans and applies with
//! three processes), and what is under way at the same time has no order. Left out is what looks at nothing: schemas,
//! stopping, validation of what is not known yet, and what a destruction first plans of what is written; and that
//! ephemeral resources are closed where a step fails, since terraform leaves some open then. In the same set stand how
//! each step ended and the objects that are left.

mod case;
mod ours;
mod theirs;

pub(crate) use case::{PLACE, record, run};

use plugin::mock::{Call, Mock};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Source address of the provider.
pub(crate) const SOURCE: &str = "example.com/test/mock";

/// Scenarios that differ, and why they may: the list only shrinks.
pub(crate) const KNOWN: &[(&str, &str)] = &[
    (
        "drift",
        "terraform applies in a process of its own and upgrades there what it has just read; we go on with what was read",
    ),
    (
        "fault_read",
        "terraform validates everything before it looks at anything; we validate what can be planned, once",
    ),
    (
        "forgotten",
        "terraform configures a provider to upgrade what it forgets; we ask nothing about it",
    ),
    (
        "imported",
        "as in forgotten, which is how the object comes to be without an owner",
    ),
    (
        "lost",
        "terraform hands the private bytes of an object that is gone to the plan of its successor, and takes them back \
         while applying; for us a new object begins without any",
    ),
];

/// Something that is done in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `plan`.
    Plan,
    /// `apply`.
    Apply,
    /// `destroy`.
    Destroy,
    /// Another text takes the place of the main file.
    Use(String),
    /// An object disappears.
    Lose(String),
    /// An attribute of an object changes.
    Alter(String, String, Json),
}

/// A scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scenario {
    pub steps: Vec<Step>,
    /// Texts by name; those whose name ends in `.tf` are there from the start.
    pub texts: BTreeMap<String, String>,
    /// What the mock is told.
    pub script: String,
    /// Major of the protocol.
    pub major: u64,
}

/// What came of each step that a program carried out: lines, in order.
pub(crate) type Asked = Vec<BTreeSet<String>>;

/// What is compared of a step.
fn lines(mock: &Mock, step: &Step, succeeded: bool) -> BTreeSet<String> {
    let mut calls = mock.take_calls();
    let closes = |call: &Call| call.name == "CloseEphemeralResource";
    if *step == Step::Destroy {
        // Before it destroys, terraform plans what is written, and throws that plan away.
        let is_written = |call: &Call| call.sent.get("config").is_some_and(|one| !one.is_null());
        let is_call = |call: &Call| call.name == "CallFunction";
        let is_left_out = |call: &Call| is_written(call) || closes(call) || is_call(call);
        calls.retain(|call| !call.kind.is_empty() && !is_left_out(call));
    }
    if !succeeded {
        calls.retain(|call| !closes(call));
    }
    if *step == Step::Plan {
        // We ask about a destruction when it is carried out: nothing that is shown depends on the answer.
        let destroys = |call: &Call| {
            call.name == "PlanResourceChange" && call.sent.get("config").is_some_and(Json::is_null)
        };
        calls.retain(|call| !destroys(call));
    }
    let mut lines: BTreeSet<String> = calls.iter().filter_map(line).collect();
    lines.insert(format!("ends {}", if succeeded { "well" } else { "badly" }));
    lines.insert(
        format!("leaves {}", mock.ids().join(" "))
            .trim_end()
            .to_owned(),
    );
    lines
}

/// A call in one line; none for calls that are not compared.
fn line(call: &Call) -> Option<String> {
    if matches!(call.name.as_str(), "GetProviderSchema" | "StopProvider") {
        return None;
    }
    let is_open = Json::Object(call.sent.clone())
        .to_string()
        .contains("{\"?\":");
    if call.name.starts_with("Validate") && is_open {
        return None;
    }
    let mut line = call.name.clone();
    if !call.kind.is_empty() {
        line.push(' ');
        line.push_str(&call.kind);
    }
    let sent: BTreeMap<&String, &Json> = call.sent.iter().collect();
    for (name, value) in sent {
        line.push_str(&format!(" {name}={}", sorted(value)));
    }
    Some(line)
}

/// The same with the members of all objects in the order of their names.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let ordered: BTreeMap<&String, &Json> = members.iter().collect();
            let ordered = ordered.into_iter();
            Json::Object(
                ordered
                    .map(|(name, one)| (name.clone(), sorted(one)))
                    .collect(),
            )
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Does what happens outside; whether it was such a step.
fn outside(mock: &Mock, step: &Step) -> bool {
    match step {
        Step::Lose(id) => {
            mock.lose(id);
            true
        }
        Step::Alter(id, attribute, value) => {
            mock.alter(id, attribute, value);
            true
        }
        Step::Plan | Step::Apply | Step::Destroy | Step::Use(_) => false,
    }
}
