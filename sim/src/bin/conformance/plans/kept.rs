//! Differences that are meant, by name and with their reasons.

use super::{Answers, Step, Texts, compare};
use serde_json::Value;
use std::collections::BTreeMap;

/// A difference that is meant.
pub(crate) struct Kept {
    /// What it is called where it is counted.
    pub(crate) name: &'static str,
    /// Whether this is what makes two answers differ.
    is_it: fn(&[String], &Step, &Step) -> bool,
}

/// All of them.
const KEPT: &[Kept] = &[
    // An instance whose key is not among those that are written in so many words is found before anybody plans, so that
    // it is found in every plan and not only in those that come upon it.
    Kept {
        name: "an instance that is not written, outside of what is targeted or only noted",
        is_it: |request, theirs, ours| {
            (asks(request, "-target=") || asks(request, "-refresh-only"))
                && matches!(theirs, Step::Planned(_))
                && refused(ours, "(SF0361)")
        },
    },
    // Terraform looks for the object of `self` in the state and finds none.
    Kept {
        name: "conditions of an object that is not there, where only note is taken",
        is_it: |request, theirs, ours| {
            asks(request, "-refresh-only")
                && refused(theirs, "self.")
                && matches!(ours, Step::Planned(_))
        },
    },
    // A number that was read and one that was computed are not the same to Terraform.
    Kept {
        name: "numbers in outputs that are news, where only note is taken",
        is_it: |request, theirs, ours| {
            let (Step::Planned(theirs), Step::Planned(ours)) = (theirs, ours) else {
                return false;
            };
            let mut alike = ours.clone();
            if let Some(applyable) = alike.get_mut("applyable") {
                *applyable = Value::from(true);
            }
            asks(request, "-refresh-only")
                && compare::normal(alike) == compare::normal(theirs.clone())
                && theirs.to_string().contains("\"number\"")
        },
    },
    // What was to be made before its predecessor is destroyed, and is no longer written, goes with what it depends on.
    Kept {
        name: "destructions that Terraform cannot order",
        is_it: |_, theirs, ours| {
            refused(theirs, "Error: Cycle:")
                && refused(theirs, "(destroy)")
                && matches!(ours, Step::Planned(_))
        },
    },
    // Terraform destroys them whether they are targeted or not.
    Kept {
        name: "objects of module instances that are gone, outside of what is targeted",
        is_it: |request, theirs, ours| {
            let (Step::Planned(theirs), Step::Planned(ours)) = (theirs, ours) else {
                return false;
            };
            let ours = changes(ours);
            let gone = changes(theirs)
                .into_iter()
                .filter(|(address, _)| !ours.contains_key(address));
            let mut gone = gone.peekable();
            asks(request, "-target=")
                && gone.peek().is_some()
                && gone.all(|(_, reason)| reason == "delete_because_no_module")
        },
    },
];

/// Addresses of what is changed, with the reasons.
fn changes(plan: &Value) -> BTreeMap<String, String> {
    let all = plan.get("resource_changes").and_then(Value::as_array);
    let text = |one: &Value, name: &str| {
        let text = one.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let all = all.into_iter().flatten();
    all.map(|one| (text(one, "address"), text(one, "action_reason")))
        .collect()
}

fn asks(request: &[String], option: &str) -> bool {
    request.iter().any(|line| line.starts_with(option))
}

fn refused(step: &Step, because: &str) -> bool {
    matches!(step, Step::Failed(why) if why.contains(because))
}

/// The difference between two answers that is meant, if it is one.
pub(crate) fn kept(texts: &Texts, theirs: &Answers, ours: &Answers) -> Option<&'static Kept> {
    let mut all = KEPT.iter();
    all.find(|one| (one.is_it)(&texts.request, &theirs.second, &ours.second))
}
