//! A plan as people read it, in the manner they know from Terraform.

use super::diagnostics::visible;
use super::style::{BAD, BOLD, CHANGE, DIM, GOOD, RESET, WARN};
use super::time;
use model::{Action, Address, Mode, Plan, PlannedChange, Reason, Recovery, Repeat, Retry};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use value::{Data, Marks, Name, Value};

/// Longest text of one line that is shown whole.
const TEXT_CHARS_MAX: usize = 400;

/// The whole plan.
pub(crate) fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for drift in &plan.drift {
        drifted(
            &mut out,
            &drift.address,
            &drift.before,
            drift.after.as_ref(),
        );
        out.push('\n');
    }
    for change in plan.changes.iter().filter(|change| !change.is_nothing()) {
        one(&mut out, change);
    }
    let outputs: Vec<_> = plan
        .outputs
        .iter()
        .filter(|(_, change)| !change.is_nothing())
        .collect();
    if !outputs.is_empty() {
        let _ = writeln!(out, "{BOLD}Changes to outputs:{RESET}");
        let widest = outputs.iter().map(|(name, _)| name.chars().count()).max();
        for (name, change) in outputs {
            attribute(
                &mut out,
                (name, widest.unwrap_or_default()),
                change.before.as_ref(),
                change.after.as_ref(),
                false,
                2,
            );
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", summary(plan));
    if plan.partial {
        let _ = writeln!(
            out,
            "{WARN}Only a part of the definition was planned{RESET} (-target, -exclude); nothing is said of the rest."
        );
    }
    out
}

/// An object that is not as the book has it.
pub(super) fn drifted(out: &mut String, address: &Address, before: &Value, after: Option<&Value>) {
    let what = if after.is_some() {
        "was changed"
    } else {
        "is gone"
    };
    let address = visible(&address.to_string());
    let _ = writeln!(
        out,
        "{BOLD}  # {address} {what} outside of Steadfast{RESET}"
    );
    if after.is_some() {
        attributes(out, Some(before), after, &BTreeSet::new(), 6);
    }
}

/// The last line of a plan.
pub(crate) fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return String::from("No changes. The world is what the definition says.");
    }
    if plan.steps.is_empty() && plan.mode == model::PlanMode::RefreshOnly {
        return format!(
            "{BOLD}Plan:{RESET} take note of what was changed outside of Steadfast; change nothing."
        );
    }
    let objects_stay = plan.changes.iter().all(PlannedChange::is_nothing);
    if objects_stay && plan.drift.is_empty() {
        return format!("{BOLD}Plan:{RESET} new outputs; no object changes.");
    }
    let summary = plan.summary();
    let taken_over = plan.changes.iter().filter(|one| one.importing.is_some());
    let imports = match taken_over.count() {
        0 => String::new(),
        number => format!("{number} to import, "),
    };
    format!(
        "{BOLD}Plan:{RESET} {imports}{} to add, {} to change, {} to destroy.",
        summary.add, summary.change, summary.destroy
    )
}

fn one(out: &mut String, change: &PlannedChange) {
    let address = visible(&change.address.to_string());
    if let Some(previous) = &change.previous {
        let previous = visible(&previous.to_string());
        let _ = writeln!(out, "{BOLD}  # {previous} has moved to {address}{RESET}");
    }
    let Some((what, symbol)) = said_of(change) else {
        // There is nothing more to say than that it moved.
        if change.previous.is_some() {
            out.push('\n');
        }
        return;
    };
    let deposed = if change.deposed {
        " (left behind by a replacement)"
    } else {
        ""
    };
    let _ = writeln!(out, "{BOLD}  # {address}{deposed} {what}{RESET}");
    if let Some(id) = &change.importing {
        let _ = writeln!(out, "{DIM}  # (imported from \"{}\"){RESET}", visible(id));
    }
    // Why something else would be replaced says nothing of an object that is only made.
    let reason = change.reason.filter(|_| change.action != Action::Create);
    if let Some(reason) = reason {
        let _ = writeln!(out, "{DIM}  # ({}){RESET}", because(reason));
    }
    if change.repeat == Repeat::Never
        && matches!(
            change.action,
            Action::Create | Action::Update | Action::DeleteThenCreate | Action::CreateThenDelete
        )
    {
        let _ = writeln!(out, "{DIM}  # (crash safety: {}){RESET}", safety(change));
    }
    if change.probed && change.action != Action::NoOp {
        let _ = writeln!(
            out,
            "{DIM}  # (what depends on it waits until it is healthy){RESET}"
        );
    }
    if let Some(retry) = change.retry.as_ref().filter(|_| !change.is_nothing()) {
        let _ = writeln!(out, "{DIM}  # ({}){RESET}", patience(retry));
    }
    let block = &change.address.resource;
    let _ = writeln!(
        out,
        "{symbol} {} \"{}\" \"{}\" {{",
        if block.mode == Mode::Data {
            "data"
        } else {
            "resource"
        },
        block.kind,
        block.name
    );
    let forcing: BTreeSet<&str> = change
        .replace_paths
        .iter()
        .filter_map(|path| path.first())
        .map(String::as_str)
        .collect();
    attributes(
        out,
        change.before.as_ref(),
        change.after.as_ref(),
        &forcing,
        6,
    );
    out.push_str("    }\n\n");
}

/// How a change is tried again, in the order in which a `retry` block says it.
fn patience(retry: &Retry) -> String {
    let attempts = retry.attempts.unwrap_or(decide::limits::ATTEMPTS_MAX);
    let times = if attempts == 1 { "attempt" } else { "attempts" };
    let mut text = format!("retry: at most {attempts} {times}");
    if let Some(base_ms) = retry.base_ms {
        let _ = write!(text, ", first pause {}", duration(base_ms));
    }
    if let Some(cap_ms) = retry.cap_ms {
        let _ = write!(text, ", longest pause {}", duration(cap_ms));
    }
    for pattern in &retry.on {
        let _ = write!(text, ", also on \"{}\"", visible(pattern));
    }
    text
}

fn duration(ms: u64) -> String {
    time::duration(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// What becomes of a change when its outcome is lost.
fn safety(change: &PlannedChange) -> &'static str {
    let creates = change.action != Action::Update;
    match change.recovery.filter(|_| creates) {
        Some(Recovery::Name) => "name; if its outcome is lost, it is found by its name",
        Some(Recovery::Parent) => "parent; if its outcome is lost, it is found by what it joins",
        Some(Recovery::Stamp) => {
            "stamp; if its outcome is lost, it is found by the tag that is put on it"
        }
        Some(Recovery::Person) => "person; if its outcome is lost, you are asked what became of it",
        None => "if its outcome is lost, Steadfast looks before it tries again",
    }
}

/// What is said of a change, and its sign; none when nothing happens to the object.
fn said_of(change: &PlannedChange) -> Option<(&'static str, String)> {
    Some(match change.action {
        Action::NoOp if change.importing.is_some() => ("will be imported", String::from("   ")),
        Action::NoOp if change.probed => {
            let what = "is not healthy; it is looked at again and stays as it is";
            (what, String::from("   "))
        }
        // Nothing is changed by holding something open.
        Action::NoOp | Action::Open => return None,
        // Nothing outside happens to what a data source said.
        Action::Forget if change.address.resource.mode == Mode::Data => return None,
        Action::Create => ("will be created", format!("{GOOD}  +{RESET}")),
        Action::Update => ("will be updated in place", format!("{CHANGE}  ~{RESET}")),
        Action::Delete => ("will be destroyed", format!("{BAD}  -{RESET}")),
        Action::DeleteThenCreate => ("must be replaced", format!("{BAD}-{RESET}/{GOOD}+{RESET}")),
        Action::CreateThenDelete => (
            "must be replaced, new before old",
            format!("{GOOD}+{RESET}/{BAD}-{RESET}"),
        ),
        Action::Read => ("will be read during apply", format!(" {GOOD}<={RESET}")),
        Action::Forget => (
            "will be forgotten, but not destroyed",
            format!("{CHANGE}  .{RESET}"),
        ),
    })
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::ReplaceBecauseCannotUpdate => "it cannot be changed in place",
        Reason::ReplaceBecauseTainted => "it is damaged",
        Reason::ReplaceByRequest => "as requested",
        Reason::ReplaceByTriggers => "something in replace_triggered_by changes",
        Reason::DeleteBecauseNoResourceConfig => "it is no longer written",
        Reason::DeleteBecauseNoModule => "its module is no longer called",
        Reason::DeleteBecauseCountIndex => "its index is beyond count",
        Reason::DeleteBecauseEachKey => "its key is not in for_each",
        Reason::DeleteBecauseWrongRepetition => "count or for_each was added or taken away",
        Reason::DeleteBecauseNoMoveTarget => "it was moved to where nothing is written",
        Reason::ReadBecauseConfigUnknown => "its configuration is not known yet",
        Reason::ReadBecauseDependencyPending => "what it depends on changes first",
        Reason::ReadBecauseCheckNested => "a check looks again when everything is done",
    }
}

fn attributes(
    out: &mut String,
    before: Option<&Value>,
    after: Option<&Value>,
    forcing: &BTreeSet<&str>,
    indent: usize,
) {
    let empty = std::collections::BTreeMap::new();
    let old = before.and_then(Value::entries).unwrap_or(&empty);
    let new = after.and_then(Value::entries).unwrap_or(&empty);
    let names: BTreeSet<&Name> = old.keys().chain(new.keys()).collect();
    let changes = |name: &&&Name| present(old.get(**name)) != present(new.get(**name));
    let widest = names
        .iter()
        .filter(changes)
        .map(|name| name.chars().count())
        .max();
    let mut same = 0;
    for name in &names {
        let name: &Name = name;
        let (was, is) = (present(old.get(name)), present(new.get(name)));
        if was.is_none() && is.is_none() {
            continue;
        }
        if was == is {
            same += 1;
            continue;
        }
        let width = widest.unwrap_or_default();
        attribute(
            out,
            (name, width),
            was,
            is,
            forcing.contains(&**name),
            indent,
        );
    }
    if same > 0 {
        let _ = writeln!(
            out,
            "{}{DIM}# ({same} unchanged attribute{} not shown){RESET}",
            " ".repeat(indent + 2),
            if same == 1 { "" } else { "s" }
        );
    }
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn attribute(
    out: &mut String,
    (name, width): (&str, usize),
    before: Option<&Value>,
    after: Option<&Value>,
    forces: bool,
    indent: usize,
) {
    let pad = " ".repeat(indent);
    let note = if forces {
        format!(" {BAD}# forces replacement{RESET}")
    } else {
        String::new()
    };
    let line = match (before, after) {
        (None, Some(after)) => format!("{GOOD}+{RESET} {name:width$} = {}", shown(after)),
        (Some(before), None) => format!("{BAD}-{RESET} {name:width$} = {}", shown(before)),
        (Some(before), Some(after)) => format!(
            "{CHANGE}~{RESET} {name:width$} = {} -> {}",
            shown(before),
            shown(after)
        ),
        (None, None) => return,
    };
    let _ = writeln!(out, "{pad}{line}{note}");
}

/// A value on one line; sensitive ones are not shown.
pub(crate) fn shown(value: &Value) -> String {
    if value.marks().contains(Marks::SENSITIVE) {
        return String::from("(sensitive value)");
    }
    let text = match value.data() {
        Data::Unknown(_) => return String::from("(known after apply)"),
        _ => visible(&value.render()),
    };
    if text.chars().count() > TEXT_CHARS_MAX {
        let head: String = text.chars().take(TEXT_CHARS_MAX).collect();
        return format!("{head}... ({} characters)", text.chars().count());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Drift, Key, ModulePath, OutputChange, PlanMode, ResourceAddress};
    use std::collections::BTreeMap;

    fn address() -> Address {
        let resource = ResourceAddress {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: "host_file".into(),
            name: "a".into(),
        };
        Address {
            resource,
            key: Key::None,
        }
    }

    fn object(pairs: &[(&str, Value)]) -> Value {
        let entries = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()));
        Data::Object(std::sync::Arc::new(entries.collect())).into()
    }

    fn file(content: &str) -> Value {
        object(&[
            ("content", Value::string(content)),
            ("path", Value::string("p")),
            ("id", Value::null(value::Type::String)),
        ])
    }

    fn change(action: Action, before: Option<Value>, after: Option<Value>) -> PlannedChange {
        PlannedChange {
            before,
            after,
            ..PlannedChange::new(address(), "", action)
        }
    }

    fn plan(changes: Vec<PlannedChange>) -> Plan {
        let steps = changes.iter().map(|_| model::Step {
            work: model::Work::Join,
            after: Vec::new(),
        });
        Plan {
            format: 1,
            mode: PlanMode::Normal,
            base: 0,
            release: None,
            steps: steps.collect(),
            changes,
            drift: Vec::new(),
            outputs: BTreeMap::new(),
            diagnostics: value::Diagnostics::new(),
            checks: Vec::new(),
            partial: false,
            imported: Vec::new(),
            without_instances: Vec::new(),
        }
    }

    fn plain(plan: &Plan) -> String {
        anstream::adapter::strip_str(&text(plan)).to_string()
    }

    #[test]
    fn each_action_has_its_sign_and_its_words() {
        let (old, new) = (Some(file("old")), Some(file("new")));
        for (action, before, after, wanted) in [
            (
                Action::Create,
                None,
                &new,
                "  # host_file.a will be created\n  + resource",
            ),
            (
                Action::Update,
                old.clone(),
                &new,
                "  # host_file.a will be updated in place\n  ~ resource",
            ),
            (
                Action::Delete,
                old.clone(),
                &None,
                "  # host_file.a will be destroyed\n  - resource",
            ),
            (
                Action::DeleteThenCreate,
                old.clone(),
                &new,
                "  # host_file.a must be replaced\n-/+ resource",
            ),
            (
                Action::CreateThenDelete,
                old.clone(),
                &new,
                "  # host_file.a must be replaced, new before old\n+/- resource",
            ),
        ] {
            let text = plain(&plan(vec![change(action, before, after.clone())]));
            assert!(text.starts_with(wanted), "{text}");
            // What is null on both sides is not there.
            assert!(!text.contains("id "), "{text}");
        }
        let nothing = plain(&plan(vec![change(Action::NoOp, old.clone(), old)]));
        assert!(!nothing.contains("host_file.a"), "{nothing}");
    }

    #[test]
    fn a_reason_and_what_forces_a_replacement_are_told() {
        let mut one = change(
            Action::DeleteThenCreate,
            Some(file("old")),
            Some(file("new")),
        );
        one.reason = Some(Reason::ReplaceBecauseCannotUpdate);
        one.replace_paths = vec![vec!["content".to_owned()]];
        one.repeat = Repeat::Never;
        one.deposed = true;
        let text = plain(&plan(vec![one]));
        for wanted in [
            "host_file.a (left behind by a replacement) must be replaced",
            "# (it cannot be changed in place)",
            "# (crash safety: if its outcome is lost, Steadfast looks before it tries again)",
            "~ content = \"old\" -> \"new\" # forces replacement",
            "# (1 unchanged attribute not shown)",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
    }

    #[test]
    fn a_sensitive_value_is_nowhere() {
        let secret = |text: &str| Value::string(text).with_marks(Marks::SENSITIVE);
        let before = object(&[
            ("content", secret("canary-1")),
            ("path", Value::string("p")),
        ]);
        let inside: Value = Data::Tuple(std::sync::Arc::new(vec![secret("canary-3")])).into();
        let after = object(&[("content", secret("canary-2")), ("list", inside.clone())]);
        let mut plan = plan(vec![change(
            Action::Update,
            Some(before.clone()),
            Some(after.clone()),
        )]);
        plan.drift.push(Drift {
            address: address(),
            before,
            after: Some(after),
            private: b"canary-4".to_vec(),
        });
        let change = OutputChange {
            before: Some(secret("canary-5")),
            after: Some(inside),
        };
        plan.outputs.insert("o".into(), change);
        let text = plain(&plan);
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(
            text.matches("content = (sensitive value) -> (sensitive value)")
                .count(),
            2,
            "{text}"
        );
    }

    #[test]
    fn long_values_and_control_characters_do_no_harm() {
        let long = "x".repeat(TEXT_CHARS_MAX * 2);
        let text = shown(&Value::string(&*long));
        assert!(text.ends_with("... (802 characters)"), "{text}");
        assert_eq!(
            shown(&Value::string("a\u{1b}[2Jb\n")),
            "\"a\\u001b[2Jb\\n\""
        );
    }

    #[test]
    fn the_last_line_says_what_kind_of_plan_it_is() {
        let mut empty = plan(Vec::new());
        assert_eq!(
            plain(&empty),
            "No changes. The world is what the definition says.\n"
        );
        let change = OutputChange {
            before: None,
            after: Some(Value::string("x")),
        };
        empty.outputs.insert("o".into(), change);
        assert_eq!(
            plain(&empty),
            "Changes to outputs:\n  + o = \"x\"\n\nPlan: new outputs; no object changes.\n"
        );
        let mut noted = plan(Vec::new());
        noted.mode = PlanMode::RefreshOnly;
        noted.drift.push(Drift {
            address: address(),
            before: file("old"),
            after: None,
            private: Vec::new(),
        });
        assert_eq!(
            plain(&noted),
            "  # host_file.a is gone outside of Steadfast\n\nPlan: take note of what was changed outside of \
             Steadfast; change nothing.\n"
        );
    }
}
