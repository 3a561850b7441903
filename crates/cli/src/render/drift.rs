//! What a pass found and decided, as people and programs read it.

use super::diagnostics::visible;
use super::plan;
use super::style::{BOLD, DIM, RESET, WARN};
use super::time;
use decide::World;
use decide::heal::DriftState;
use model::{
    Address, DriftDecision, DriftJudged, DriftPolicy, Drifted, HoldReason, Remedy, RunKind,
};
use serde_json::json;
use std::fmt::Write as _;
use value::Value;

/// Tells that there is no object.
pub(crate) fn nothing(all: bool, json: bool) {
    if all && !json {
        anstream::println!("There is no object that could have drifted.");
    }
}

/// Tells everything that a pass found.
pub(crate) fn tell(world: &World, judged: &[DriftJudged], json: bool) {
    if !json {
        anstream::print!("{}", text(world, judged));
        return;
    }
    for one in judged {
        let mut line = serde_json::Map::new();
        line.insert("type".to_owned(), "drift".into());
        line.extend(crate::json::drifted(one));
        anstream::println!("{}", serde_json::Value::Object(line));
    }
    let count = |word| count(judged, word);
    let summary = json!({
        "type": "drift_summary", "environment": world.environment.to_string(),
        "note": count("note"), "warn": count("warn"), "heal": count("heal"), "hold": count("hold"),
    });
    anstream::println!("{summary}");
}

/// How many of them have a decision of this word.
fn count(judged: &[DriftJudged], word: &str) -> usize {
    let decided = |one: &&DriftJudged| one.decision.word() == word;
    judged.iter().filter(decided).count()
}

fn text(world: &World, judged: &[DriftJudged]) -> String {
    let mut out = String::new();
    for one in judged {
        if one.decision == DriftDecision::Note {
            continue;
        }
        let Drifted {
            address,
            before,
            after,
            ..
        } = &one.drifted;
        plan::drifted(&mut out, address, before, after.as_ref());
        if let Some(why) = why(one) {
            let _ = writeln!(out, "{WARN}    Not healed:{RESET} {}", visible(&why));
            let state = world.drifts.get(address);
            let fights = one.decision == DriftDecision::Hold(HoldReason::Fight);
            fights.then(|| fought(&mut out, address, state));
            let _ = writeln!(out, "{DIM}    {}{RESET}", what_to_do(world, one));
        }
        out.push('\n');
    }
    let noted: Vec<String> = judged
        .iter()
        .filter(|one| one.decision == DriftDecision::Note)
        .map(|one| visible(&one.drifted.address.to_string()))
        .collect();
    if !noted.is_empty() {
        let _ = writeln!(
            out,
            "Changed outside and left as it is: {}",
            noted.join(", ")
        );
    }
    let _ = writeln!(out, "{}", summary(judged));
    if judged.iter().any(|one| one.decision == DriftDecision::Warn) {
        let _ = writeln!(
            out,
            "To make it what is written now: {}. To take note of it as it is: steadfast apply -refresh-only.",
            apply(world)
        );
    }
    out
}

/// The last line of a pass.
fn summary(judged: &[DriftJudged]) -> String {
    if judged.is_empty() {
        return String::from("Nothing has drifted. The world is what the book says.");
    }
    let count = |word| count(judged, word);
    format!(
        "{BOLD}Drift:{RESET} {} to heal, {} not healed, {} to be told, {} only noted.",
        count("heal"),
        count("hold"),
        count("warn"),
        count("note")
    )
}

/// An entry of the book on one line.
pub(crate) fn line(found: &[DriftJudged], ended: &[Address]) -> String {
    let found = found.iter().map(|one| {
        let differs = if one.drifted.after.is_some() {
            let names = one.drifted.before.entries().into_iter().flatten();
            let names: Vec<&str> = names.map(|(name, _)| name.as_ref()).collect();
            format!("changed ({})", names.join(", "))
        } else {
            String::from("gone")
        };
        let decision = one.decision.word();
        let why = why(one).map_or_else(String::new, |why| format!(": {why}"));
        let policy = one.policy.word();
        format!(
            "{} {differs}: policy {policy}, {decision}{why}",
            one.drifted.address
        )
    });
    let ended = ended.iter().map(|one| format!("{one} as it was"));
    found.chain(ended).collect::<Vec<_>>().join("; ")
}

/// Why an object is not healed that should be; none where it is, or should not.
pub(crate) fn why(judged: &DriftJudged) -> Option<String> {
    let DriftDecision::Hold(reason) = &judged.decision else {
        let rests = judged.policy == DriftPolicy::Heal && judged.decision == DriftDecision::Note;
        return rests.then(|| String::from("the release says nothing of what differs"));
    };
    Some(match reason {
        HoldReason::Mass(n) => {
            format!("{n} objects drifted at once, which has another cause than each of them")
        }
        HoldReason::Fight => {
            String::from("it was healed again and again, and each time somebody changed it back")
        }
        HoldReason::Quarantined => String::from("the release in force is in quarantine"),
        HoldReason::Remedy(remedy) => match remedy {
            Remedy::Destroy => String::from("it would have to be destroyed or replaced"),
            Remedy::Otherwise => {
                String::from("the release would make it something that it has not been before")
            }
            Remedy::Along(others) => {
                let others: Vec<String> = others.iter().map(ToString::to_string).collect();
                format!(
                    "others that it needs would have to be changed before: {}",
                    others.join(", ")
                )
            }
            Remedy::Unplanned(why) => format!("no plan could be made: {why}"),
            Remedy::Nothing | Remedy::Update | Remedy::Create => String::from("it was not decided"),
        },
    })
}

/// Who seems to be on the other side: what the object was set to each time, and when.
fn fought(out: &mut String, address: &Address, state: Option<&DriftState>) {
    let _ = writeln!(
        out,
        "    Somebody else set {} to:",
        visible(&address.to_string())
    );
    for healed in state.into_iter().flat_map(|state| &state.heals) {
        let at = time::utc(healed.at_ms);
        let _ = writeln!(out, "      {at}  {}", set_to(healed.after.as_ref()));
    }
}

fn set_to(after: Option<&Value>) -> String {
    let Some(after) = after else {
        return String::from("nothing: it was gone");
    };
    let attributes = after.entries().into_iter().flatten();
    let attributes: Vec<String> = attributes
        .map(|(name, value)| format!("{name} = {}", plan::shown(value)))
        .collect();
    attributes.join(", ")
}

/// What a person does about an object that is not healed.
fn what_to_do(world: &World, judged: &DriftJudged) -> String {
    let address = visible(&judged.drifted.address.to_string());
    match &judged.decision {
        DriftDecision::Hold(HoldReason::Fight) => format!(
            "Find out who that is, then apply it, or have it healed again: steadfast drift -forgive='{address}'"
        ),
        DriftDecision::Hold(HoldReason::Mass(_)) => format!(
            "Look for that cause. To heal all of them: steadfast drift -max-objects=N, or {}",
            apply(world)
        ),
        DriftDecision::Hold(HoldReason::Quarantined) => {
            String::from("See steadfast status; to lift it: steadfast lift RELEASE")
        }
        DriftDecision::Hold(HoldReason::Remedy(_))
        | DriftDecision::Note
        | DriftDecision::Warn
        | DriftDecision::Heal => format!(
            "Look at it: steadfast plan -target='{address}'. To do it: {}",
            apply(world)
        ),
    }
}

/// The command that applies what is written.
fn apply(world: &World) -> String {
    let deployed = world.runs.iter().any(|run| run.kind == RunKind::Deploy);
    if deployed {
        format!("steadfast deploy {}", world.environment)
    } else {
        String::from("steadfast apply")
    }
}

/// What `history` says of objects that are not as they should be.
pub(crate) fn standing(world: &World) -> String {
    let mut out = String::new();
    for state in world.drifts.values() {
        let Some(seen) = &state.seen else { continue };
        let told = line(std::slice::from_ref(&seen.judged), &[]);
        let since = time::utc(seen.at_ms);
        let _ = writeln!(out, "{WARN}drifted{RESET}  {since}  {}", visible(&told));
    }
    out
}
