//! Differences that are meant, by name and with their reasons.

use super::{Answers, Step, Texts, compare};
use serde_json::Value;
use std::collections::BTreeSet;

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
        name: "an instance that is not written, outside of what is targeted, or where only note is taken",
        is_it: |request, theirs, ours| {
            ["-target=", "-refresh-only"]
                .iter()
                .any(|option| asks(request, option))
                && matches!(theirs, Step::Planned(_))
                && refused(ours, "(SF0361)")
                && said(ours, "(SF") == said(ours, "(SF0361)")
        },
    },
    // Terraform looks for the object of `self`, or of a check, in the state and finds none, or among the instances and
    // finds too few.
    Kept {
        name: "conditions of an object that is not there, where only note is taken",
        is_it: |request, theirs, ours| {
            asks(request, "-refresh-only")
                && said(theirs, "self.") + said(theirs, ", in check ") >= said(theirs, "Error: ")
                && said(theirs, "Error: ")
                    == said(theirs, "Error: Attempt to get attribute from null value")
                        + said(theirs, "Error: Invalid index")
                && matches!(ours, Step::Planned(_))
        },
    },
    // Terraform looks for the change of an instance that triggers a replacement, and where only another instance of the
    // same block is targeted it finds none and gives up. To ours an instance that is not planned does not change.
    Kept {
        name: "replacements triggered by instances that are not targeted",
        is_it: |request, theirs, ours| {
            asks(request, "-target=")
                && said(theirs, "Error: no change found for ") > 0
                && said(theirs, "Error: ") == said(theirs, "Error: no change found for ")
                && matches!(ours, Step::Planned(_))
        },
    },
    // A name that can mean nothing where it stands is told of wherever it stands. Terraform comes upon it only where
    // the module around it has instances.
    Kept {
        name: "each without for_each, in modules without instances",
        is_it: |_, theirs, ours| {
            matches!(theirs, Step::Planned(_))
                && refused(ours, "(SF0321)")
                && said(ours, "(SF") == said(ours, "(SF0321)")
        },
    },
    // Whether moved blocks contradict each other Terraform looks at after it has planned, and not where it destroys. To
    // ours it would not be clear what the objects are called that are destroyed.
    Kept {
        name: "moved blocks that contradict each other, where everything is destroyed",
        is_it: |request, theirs, ours| {
            asks(request, "-destroy")
                && matches!(theirs, Step::Planned(_))
                && refused(ours, "(SF0350)")
                && said(ours, "(SF") == said(ours, "(SF0350)")
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
                && outputs_of_numbers(theirs)
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
    // Before it plans to destroy, Terraform plans what is written and takes its outputs for those that are there. Ours
    // destroys what the book holds, and says what was its value; nothing is computed that could go wrong before.
    Kept {
        name: "outputs of what would be made, where everything is destroyed instead",
        is_it: |request, theirs, ours| {
            let Step::Planned(ours) = ours else {
                return false;
            };
            asks(request, "-destroy")
                && !asks(request, "-refresh=false")
                && match theirs {
                    Step::Failed(_) => true,
                    Step::Planned(theirs) => {
                        let plain =
                            |plan: Value| compare::without_dependencies(compare::normal(plan));
                        plain(with_outputs_of(theirs, ours)) == plain(ours.clone())
                    }
                }
        },
    },
    // Terraform destroys them whether they are targeted or not, or refuses to where they must not be.
    Kept {
        name: "objects of module instances that are gone, outside of what is targeted",
        is_it: |request, theirs, ours| {
            let Step::Planned(ours) = ours else {
                return false;
            };
            let theirs = match theirs {
                Step::Planned(theirs) => theirs,
                Step::Failed(why) => {
                    return asks(request, "-target=") && refuses_to_destroy_only_gone(why, ours);
                }
            };
            let without = without_gone(theirs, ours);
            asks(request, "-target=")
                && without != *theirs
                && compare::normal(without) == compare::normal(ours.clone())
        },
    },
    // Terraform plans what such an object needs, and not the object: it is in an instance of the module, which is not
    // what was named. Ours takes the name of a module for all of its instances, as it does with resources.
    Kept {
        name: "objects in modules that are targeted without a key",
        is_it: |request, theirs, ours| {
            let Some((theirs, ours)) = both_changed(theirs, ours) else {
                return false;
            };
            let targets: Vec<&str> = targeted_modules(request).collect();
            let mut more = ours.difference(&theirs).peekable();
            more.peek().is_some()
                && ours.is_superset(&theirs)
                && more.all(|address| targets.contains(&&*without_module_keys(address)))
        },
    },
    // Terraform knows of dependencies between blocks only, and destroys what needs any instance of the module. Ours
    // destroys what needs the instance that was named.
    Kept {
        name: "what needs other instances of a module than the one that is targeted to be destroyed",
        is_it: |request, theirs, ours| {
            let Some((theirs, ours)) = both_changed(theirs, ours) else {
                return false;
            };
            let has_keys = |target: &str| without_module_keys(target) != target;
            asks(request, "-destroy")
                && targeted_modules(request).any(has_keys)
                && theirs.is_superset(&ours)
                && theirs != ours
        },
    },
    // A null that triggers a replacement is of a type, and another type than before makes a new id for the same object.
    // To ours nothing has changed.
    Kept {
        name: "nulls of another type as triggers",
        is_it: |_, theirs, ours| {
            let (Step::Planned(theirs), Step::Planned(ours)) = (theirs, ours) else {
                return false;
            };
            let renamed = renamed_for_nothing(theirs);
            let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
            for plan in [&mut theirs, &mut ours] {
                forget_objects(plan, &renamed);
                // Whether there is anything to be applied may hang on them.
                plan.as_object_mut().map(|plan| plan.remove("applyable"));
            }
            !renamed.is_empty() && compare::normal(theirs) == compare::normal(ours)
        },
    },
    // Terraform forgets the marks of what it puts together from something that is not known yet; ours keeps them, so
    // that nothing is shown that was not to be.
    Kept {
        name: "marks of what is not known yet",
        is_it: |_, theirs, ours| {
            let (Step::Planned(theirs), Step::Planned(ours)) = (theirs, ours) else {
                return false;
            };
            let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
            let hidden = unknown_and_hidden(&theirs, &ours);
            for plan in [&mut theirs, &mut ours] {
                forget_marks(plan, &hidden);
            }
            !hidden.is_empty() && compare::normal(theirs) == compare::normal(ours)
        },
    },
];

/// A plan with the outputs of another: those that there were, and what becomes of them.
fn with_outputs_of(plan: &Value, other: &Value) -> Value {
    let mut plan = plan.clone();
    for (of, name) in [("", "output_changes"), ("/prior_state/values", "outputs")] {
        let theirs = other.pointer(&format!("{of}/{name}"));
        if let Some(members) = plan.pointer_mut(of).and_then(Value::as_object_mut) {
            match theirs {
                Some(outputs) => members.insert(name.to_owned(), outputs.clone()),
                None => members.remove(name),
            };
        }
    }
    plan
}

/// Places, by address and attribute, that only ours hides and that are not known yet.
fn unknown_and_hidden(theirs: &Value, ours: &Value) -> BTreeSet<(String, String)> {
    let hides = |plan: &Value| -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for one in members(plan, "resource_changes") {
            let change = one.get("change").unwrap_or(&Value::Null);
            let object = |name: &str| change.get(name).and_then(Value::as_object).cloned();
            let unknown = object("after_unknown").unwrap_or_default();
            let hidden = object("after_sensitive").unwrap_or_default();
            let both = hidden
                .keys()
                .filter(|name| unknown.get(*name) == Some(&Value::from(true)));
            found.extend(both.map(|name| (text(one, "address"), name.clone())));
        }
        found
    };
    let theirs = hides(theirs);
    hides(ours)
        .into_iter()
        .filter(|one| !theirs.contains(one))
        .collect()
}

/// A plan, or a part of it, that does not say whether attributes at these places are hidden.
fn forget_marks(value: &mut Value, places: &BTreeSet<(String, String)>) {
    let address = text(value, "address");
    match value {
        Value::Array(items) => items.iter_mut().for_each(|one| forget_marks(one, places)),
        Value::Object(members) => {
            let of_this = places.iter().filter(|(of, _)| *of == address);
            for (_, attribute) in of_this {
                let forget = |object: Option<&mut Value>| {
                    if let Some(object) = object.and_then(Value::as_object_mut) {
                        object.remove(attribute);
                    }
                };
                forget(members.get_mut("sensitive_values"));
                forget(
                    members
                        .get_mut("change")
                        .and_then(|one| one.get_mut("after_sensitive")),
                );
            }
            members
                .values_mut()
                .for_each(|one| forget_marks(one, places));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The addresses of objects that get a new id in place, with triggers that are null before and after.
fn renamed_for_nothing(plan: &Value) -> BTreeSet<String> {
    let is_renamed = |one: &&Value| {
        let is_null = |of: &str| {
            let triggers = one.pointer(&format!("/change/{of}/triggers_replace"));
            triggers.is_none_or(Value::is_null)
        };
        one.pointer("/change/actions/0") == Some(&Value::from("update"))
            && one.pointer("/change/after_unknown/id") == Some(&Value::from(true))
            && is_null("before")
            && is_null("after")
            && is_null("after_unknown")
    };
    let renamed = members(plan, "resource_changes").filter(is_renamed);
    renamed.map(|one| text(one, "address")).collect()
}

/// A plan, or a part of it, without these objects.
fn forget_objects(value: &mut Value, addresses: &BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            items.retain(|one| !addresses.contains(&text(one, "address")));
            items
                .iter_mut()
                .for_each(|one| forget_objects(one, addresses));
        }
        Value::Object(members) => members
            .values_mut()
            .for_each(|one| forget_objects(one, addresses)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The addresses of what changes, where both made a plan.
fn both_changed(theirs: &Step, ours: &Step) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let changed = |step: &Step| match step {
        Step::Planned(plan) => Some(addresses(plan)),
        Step::Failed(_) => None,
    };
    changed(theirs).zip(changed(ours))
}

/// The addresses of what changes.
fn addresses(plan: &Value) -> BTreeSet<String> {
    let changes = members(plan, "resource_changes");
    changes.map(|one| text(one, "address")).collect()
}

/// What is targeted in modules.
fn targeted_modules(request: &[String]) -> impl Iterator<Item = &str> {
    let targets = request
        .iter()
        .filter_map(|line| line.strip_prefix("-target="));
    targets.filter(|target| target.starts_with("module."))
}

/// An address without the keys of the modules in it.
fn without_module_keys(address: &str) -> String {
    let mut left = String::new();
    let mut rest = address;
    while let Some(after) = rest.strip_prefix("module.") {
        let name = after.split(['[', '.']).next().unwrap_or_default();
        left.push_str("module.");
        left.push_str(name);
        left.push('.');
        let (_, behind) = after.split_at(name.len());
        let behind = match behind.strip_prefix('[') {
            Some(key) => key.split_once("].").map_or("", |(_, behind)| behind),
            None => behind.strip_prefix('.').unwrap_or_default(),
        };
        rest = behind;
    }
    left + rest
}

/// The plan of theirs without what it alone removes because its module instance is gone. Whether there is anything to
/// be applied may hang on that.
fn without_gone(theirs: &Value, ours: &Value) -> Value {
    let ours_too = addresses(ours);
    let mut without = theirs.clone();
    let changes = without
        .get_mut("resource_changes")
        .and_then(Value::as_array_mut);
    let Some(changes) = changes else {
        return without;
    };
    let before = changes.len();
    changes.retain(|one| {
        text(one, "action_reason") != "delete_because_no_module"
            || ours_too.contains(&text(one, "address"))
    });
    let (after, is_empty) = (changes.len(), changes.is_empty());
    if let Some(plan) = without.as_object_mut()
        && after < before
    {
        if is_empty {
            plan.remove("resource_changes");
        }
        if let Some(applyable) = ours.get("applyable") {
            plan.insert("applyable".to_owned(), applyable.clone());
        }
    }
    without
}

/// Whether nothing is refused but destroying objects in modules that the other plan says nothing of.
fn refuses_to_destroy_only_gone(why: &str, ours: &Value) -> bool {
    let ours = addresses(ours);
    let mut complaints = why.split("Error: ").filter(|one| !one.trim().is_empty());
    complaints.all(|one| {
        let address = one
            .split_once(" Resource ")
            .and_then(|(_, rest)| rest.split_once(" has lifecycle.prevent_destroy set"));
        one.starts_with("Instance cannot be destroyed")
            && address.is_some_and(|(address, _)| {
                address.starts_with("module.") && !ours.contains(address)
            })
    })
}

/// Whether an output is a number, or has one in it.
fn outputs_of_numbers(plan: &Value) -> bool {
    let outputs = plan
        .pointer("/planned_values/outputs")
        .and_then(Value::as_object);
    let mut types = outputs
        .into_iter()
        .flatten()
        .filter_map(|(_, one)| one.get("type"));
    types.any(|ty| ty.to_string().contains("\"number\""))
}

fn members<'a>(plan: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    plan.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn asks(request: &[String], option: &str) -> bool {
    request.iter().any(|line| line.starts_with(option))
}

fn refused(step: &Step, because: &str) -> bool {
    matches!(step, Step::Failed(why) if why.contains(because))
}

/// How often a complaint says something.
fn said(step: &Step, what: &str) -> usize {
    match step {
        Step::Failed(why) => why.matches(what).count(),
        Step::Planned(_) => 0,
    }
}

/// The difference between two answers that is meant, if it is one. Where the first plans differ, what was asked for the
/// second is no reason.
pub(crate) fn kept(texts: &Texts, theirs: &Answers, ours: &Answers) -> Option<&'static Kept> {
    let (request, theirs, ours): (&[String], _, _) = if compare::begin_alike(theirs, ours) {
        (&texts.request, &theirs.second, &ours.second)
    } else {
        (&[], &theirs.first, &ours.first)
    };
    let mut all = KEPT.iter();
    all.find(|one| (one.is_it)(request, theirs, ours))
}
