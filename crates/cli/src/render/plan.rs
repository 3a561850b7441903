//! A plan as people read it, in the manner they know from Terraform.

use super::diagnostics::visible;
use super::style::{BAD, BOLD, CHANGE, DIM, GOOD, RESET};
use model::{Action, Plan, PlannedChange, Reason, Repeat};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use value::{Data, Marks, Name, Value};

/// Longest text of one line that is shown whole.
const TEXT_CHARS_MAX: usize = 400;

/// The whole plan.
pub(crate) fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for drift in &plan.drift {
        let what = if drift.after.is_some() {
            "was changed"
        } else {
            "is gone"
        };
        let _ = writeln!(
            out,
            "{BOLD}  # {} {what} outside of Steadfast{RESET}",
            drift.address
        );
        if let Some(after) = &drift.after {
            attributes(
                &mut out,
                Some(&drift.before),
                Some(after),
                &BTreeSet::new(),
                6,
            );
        }
        out.push('\n');
    }
    for change in plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp)
    {
        one(&mut out, change);
    }
    if !plan.outputs.is_empty() {
        let _ = writeln!(out, "{BOLD}Changes to outputs:{RESET}");
        let widest = plan.outputs.keys().map(|name| name.chars().count()).max();
        for (name, change) in &plan.outputs {
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
    out
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
    if plan.steps.is_empty() && plan.drift.is_empty() {
        return format!("{BOLD}Plan:{RESET} new outputs; no object changes.");
    }
    let summary = plan.summary();
    format!(
        "{BOLD}Plan:{RESET} {} to add, {} to change, {} to destroy.",
        summary.add, summary.change, summary.destroy
    )
}

fn one(out: &mut String, change: &PlannedChange) {
    let (what, symbol) = match change.action {
        Action::NoOp => return,
        Action::Create => ("will be created", format!("{GOOD}  +{RESET}")),
        Action::Update => ("will be updated in place", format!("{CHANGE}  ~{RESET}")),
        Action::Delete => ("will be destroyed", format!("{BAD}  -{RESET}")),
        Action::DeleteThenCreate => ("must be replaced", format!("{BAD}-{RESET}/{GOOD}+{RESET}")),
        Action::CreateThenDelete => (
            "must be replaced, new before old",
            format!("{GOOD}+{RESET}/{BAD}-{RESET}"),
        ),
    };
    let deposed = if change.deposed {
        " (left behind by a replacement)"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "{BOLD}  # {}{deposed} {what}{RESET}",
        visible(&change.address.to_string())
    );
    if let Some(reason) = change.reason {
        let _ = writeln!(out, "{DIM}  # ({}){RESET}", because(reason));
    }
    if change.repeat == Repeat::Never && change.action != Action::Delete {
        let _ = writeln!(
            out,
            "{DIM}  # (crash safety: if its outcome is lost, Steadfast looks before it tries again){RESET}"
        );
    }
    let block = &change.address.resource;
    let _ = writeln!(
        out,
        "{symbol} resource \"{}\" \"{}\" {{",
        block.kind, block.name
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
    let widest = names.iter().filter(changes).map(|name| name.chars().count()).max();
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
        attribute(out, (name, width), was, is, forcing.contains(&**name), indent);
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
