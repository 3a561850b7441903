//! What programs read: one JSON object per line, without values that could be secret.

use crate::render::diagnostics::{Excerpt, Sources};
use decide::{Entry, World};
use model::{Event, Observation};
use serde_json::{Map, Value, json};

/// An entry of the book as an event.
pub(crate) fn event(entry: &Entry, world: &World) -> String {
    let mut object = Map::new();
    object.insert("type".into(), kind(&entry.event).into());
    object.insert("environment".into(), world.environment.as_ref().into());
    object.insert("position".into(), entry.position.into());
    object.insert("at_ms".into(), entry.at_ms.into());
    if let Some(run) = entry.event.run() {
        object.insert("run".into(), run.to_string().into());
    }
    if let Value::Object(detail) = detail(&entry.event) {
        object.extend(detail);
    }
    Value::Object(object).to_string()
}

/// A diagnostic in the form of `terraform validate -json`, with our codes beside it.
pub(crate) fn diagnostic(one: &value::Diagnostic, sources: &Sources) -> Map<String, Value> {
    let mut object = Map::new();
    let severity = match one.severity {
        value::Severity::Error => "error",
        value::Severity::Warning => "warning",
    };
    object.insert("severity".into(), severity.into());
    object.insert("code".into(), one.code.as_ref().into());
    object.insert("summary".into(), one.summary.as_str().into());
    object.insert("detail".into(), one.detail.as_str().into());
    if let Some(address) = &one.address {
        object.insert("address".into(), address.as_str().into());
    }
    let hints: Vec<&str> = one.hints.iter().map(|hint| hint.text.as_str()).collect();
    if !hints.is_empty() {
        object.insert("hints".into(), hints.into());
    }
    if let Some(span) = sources.span(one)
        && let Some(place) = sources.place(span)
    {
        // Programs paint the range, so one without a character reaches over the next, as it does in Terraform.
        let wider = u32::from(span.start == span.end);
        let range = json!({
            "filename": place.path,
            "start": { "line": place.start.0, "column": place.start.1, "byte": span.start },
            "end": { "line": place.end.0, "column": place.end.1 + wider, "byte": span.end + wider },
        });
        object.insert("range".into(), range);
        if let Some(excerpt) = sources.excerpt(span) {
            object.insert("snippet".into(), snippet(span, wider, &excerpt));
        }
    }
    object
}

fn snippet(span: value::Span, wider: u32, excerpt: &Excerpt<'_>) -> Value {
    let offset = |byte: u32| {
        let offset = (byte as usize).saturating_sub(excerpt.start_byte);
        offset.min(excerpt.code.len())
    };
    json!({
        "context": excerpt.context,
        "code": excerpt.code,
        "start_line": excerpt.start_line,
        "highlight_start_offset": offset(span.start),
        "highlight_end_offset": offset(span.end + wider),
        "values": [],
    })
}

/// A diagnostic as a line of its own.
pub(crate) fn diagnostic_line(one: &value::Diagnostic, sources: &Sources) -> String {
    let mut object = Map::new();
    object.insert("type".into(), "diagnostic".into());
    object.extend(diagnostic(one, sources));
    Value::Object(object).to_string()
}

/// What is done to an object, in one word.
pub(crate) fn action_word(action: model::Action) -> &'static str {
    match action {
        model::Action::NoOp => "no-op",
        model::Action::Create => "create",
        model::Action::Update => "update",
        model::Action::Delete => "delete",
        model::Action::DeleteThenCreate => "delete-then-create",
        model::Action::CreateThenDelete => "create-then-delete",
        model::Action::Read => "read",
        model::Action::Forget => "forget",
        model::Action::Open => "open",
    }
}

/// The same for a run of which it is known who wants it.
pub(crate) fn run_word(kind: model::RunKind, origin: model::Origin) -> &'static str {
    match origin {
        model::Origin::Person => kind_word(kind),
        model::Origin::Heal => "heal",
        model::Origin::Rollback(_) => "rollback",
    }
}

/// What a run is for, in one word.
pub(crate) fn kind_word(kind: model::RunKind) -> &'static str {
    match kind {
        model::RunKind::Apply => "apply",
        model::RunKind::Build => "build",
        model::RunKind::Deploy => "deploy",
        model::RunKind::Stop => "stop",
    }
}

/// The name of a kind of event.
pub(crate) fn kind(event: &Event) -> &'static str {
    match event {
        Event::Opened { .. } => "opened",
        Event::Started { .. } => "started",
        Event::Submitted { .. } => "submitted",
        Event::Answered { .. } => "answered",
        Event::Planned { .. } => "planned",
        Event::Commanded { .. } => "commanded",
        Event::Intended { .. } => "intended",
        Event::Finished { .. } => "finished",
        Event::Inquired { .. } => "inquired",
        Event::Retried { .. } => "retried",
        Event::Parked { .. } => "parked",
        Event::Observed(_) => "observed",
        Event::Phased { .. } => "phased",
        Event::Judged { .. } => "judged",
        Event::Released { .. } => "released",
        Event::Replanned { .. } => "replanned",
        Event::Targeted { .. } => "targeted",
        Event::Checked { .. } => "checked",
        Event::TakenOver { .. } => "taken over",
        Event::Called { .. } => "called",
        Event::Drifted { .. } => "drifted",
        Event::Closed { .. } => "closed",
    }
}

fn detail(event: &Event) -> Value {
    match event {
        Event::Opened { .. } | Event::Answered { .. } => json!({}),
        Event::Started { epoch, program } => json!({ "epoch": epoch, "program": program }),
        Event::Submitted {
            kind,
            release,
            actor,
            options,
            ..
        } => {
            let kind = run_word(*kind, options.origin);
            json!({ "kind": kind, "release": release, "actor": actor })
        }
        Event::Planned { plan, summary, .. } => json!({ "plan": plan, "summary": summary }),
        Event::Commanded { actor, command } => {
            json!({ "actor": actor, "command": order_word(command) })
        }
        Event::Intended { .. }
        | Event::Finished { .. }
        | Event::Inquired { .. }
        | Event::Retried { .. }
        | Event::Parked { .. }
        | Event::Checked { .. }
        | Event::Replanned { .. } => action_detail(event),
        Event::Observed(Observation::Instance {
            instance,
            state,
            detail,
        }) => json!({
            "instance": instance.to_string(), "state": format!("{state:?}").to_lowercase(), "detail": detail,
        }),
        Event::Observed(Observation::Counts(counts)) => json!({ "counts": counts }),
        Event::Phased { service, phase, .. } => json!({ "service": service, "phase": phase }),
        Event::Judged {
            service,
            evidence,
            verdict,
            ..
        } => {
            json!({ "service": service, "evidence": evidence, "verdict": verdict })
        }
        Event::Released { release, .. } => json!({ "release": release }),
        Event::Targeted {
            service, target, ..
        } => {
            json!({ "service": service, "version": target.version.0, "release": target.release })
        }
        Event::TakenOver {
            actor,
            origin,
            lineage,
            serial,
            ..
        } => json!({ "actor": actor, "origin": origin, "lineage": lineage, "serial": serial }),
        Event::Called { call, .. } => {
            json!({ "provider": call.provider, "function": call.function })
        }
        Event::Drifted { .. } => drift_detail(event),
        Event::Closed { result, .. } => json!({ "result": result_word(result) }),
    }
}

fn drift_detail(event: &Event) -> Value {
    let Event::Drifted {
        actor,
        pass,
        found,
        ended,
    } = event
    else {
        return json!({});
    };
    let found: Vec<_> = found.iter().map(drifted).collect();
    let ended: Vec<String> = ended.iter().map(ToString::to_string).collect();
    json!({ "actor": actor, "release": pass.release, "found": found, "ended": ended })
}

/// An object that drifted, with what was decided.
pub(crate) fn drifted(judged: &model::DriftJudged) -> Map<String, Value> {
    let drifted = &judged.drifted;
    let found = json!({
        "address": drifted.address.to_string(),
        "before": value(&drifted.before),
        "after": drifted.after.as_ref().map(value),
        "policy": judged.policy.word(),
        "decision": judged.decision.word(),
        "why": crate::render::drift::why(judged),
    });
    match found {
        Value::Object(found) => found,
        _ => Map::new(),
    }
}

/// An order in one word.
fn order_word(command: &model::Command) -> &'static str {
    match command {
        model::Command::Approve { .. } => "approve",
        model::Command::Cancel { .. } => "cancel",
        model::Command::Resolve { .. } => "resolve",
        model::Command::LiftQuarantine { .. } => "lift",
        model::Command::Taint { tainted: true, .. } => "taint",
        model::Command::Taint { tainted: false, .. } => "untaint",
        model::Command::Rename { .. } => "rename",
        model::Command::Forget { .. } => "forget",
        model::Command::Forgive { .. } => "forgive",
        model::Command::Retire { retired: true } => "delete workspace",
        model::Command::Retire { retired: false } => "make workspace",
    }
}

fn action_detail(event: &Event) -> Value {
    match event {
        Event::Intended {
            action,
            attempt,
            effect,
            ..
        } => json!({
            "action": action.to_string(), "attempt": attempt, "effect": effect.kind_name(),
            "subject": effect.subject(), "verb": verb(effect),
        }),
        Event::Finished {
            action,
            attempt,
            outcome,
            ..
        } => {
            json!({ "action": action.to_string(), "attempt": attempt, "outcome": outcome_word(outcome) })
        }
        Event::Inquired {
            action,
            attempt,
            inquiry,
            rungs,
            ..
        } => {
            let word = match inquiry {
                model::Inquiry::Found(_) => "found",
                model::Inquiry::Absent => "absent",
                model::Inquiry::NotYet => "not-yet",
                model::Inquiry::Unclear { .. } => "unclear",
            };
            let mut said =
                json!({ "action": action.to_string(), "attempt": attempt, "inquiry": word });
            if let Some(said) = said.as_object_mut().filter(|_| !rungs.is_empty()) {
                let rungs = rungs.iter().map(
                    |rung| json!({ "by": rung.by.word(), "asked": rung.asked, "seen": rung.seen }),
                );
                said.insert("rungs".to_owned(), rungs.collect());
            }
            said
        }
        Event::Retried {
            action,
            attempt,
            delay_ms,
            ..
        } => {
            json!({ "action": action.to_string(), "attempt": attempt, "delay_ms": delay_ms })
        }
        Event::Parked {
            action, question, ..
        } => {
            json!({ "action": action.to_string(), "question": question })
        }
        Event::Replanned { action, .. } => json!({ "action": action.to_string() }),
        Event::Checked {
            action,
            diagnostics,
            ..
        } => json!({ "action": action.to_string(), "holds": diagnostics.is_empty() }),
        _ => json!({}),
    }
}

fn verb(effect: &model::Effect) -> Option<&'static str> {
    match effect {
        model::Effect::Change(change) => Some(match change.verb {
            model::Verb::Create => "create",
            model::Verb::Update => "update",
            model::Verb::Delete => "delete",
        }),
        model::Effect::Place(_)
        | model::Effect::Stop { .. }
        | model::Effect::Publish(_)
        | model::Effect::Build(_)
        | model::Effect::Provision(_)
        | model::Effect::Probe(_) => None,
    }
}

fn outcome_word(outcome: &model::Outcome) -> &'static str {
    match outcome {
        model::Outcome::Changed { .. } => "changed",
        model::Outcome::Partial { .. } => "partial",
        model::Outcome::Placed { .. } => "placed",
        model::Outcome::Stopped => "stopped",
        model::Outcome::Published { .. } => "published",
        model::Outcome::Built { .. } => "built",
        model::Outcome::Provisioned { .. } => "provisioned",
        model::Outcome::Broken { .. } => "broken",
        model::Outcome::Healthy { .. } => "healthy",
        model::Outcome::Unhealthy { .. } => "unhealthy",
        model::Outcome::Refused { .. } => "refused",
        model::Outcome::Failed { .. } => "failed",
        model::Outcome::Unknown { .. } => "unknown",
    }
}

/// How a run ended, in one word.
pub(crate) fn result_word(result: &model::RunResult) -> &'static str {
    match result {
        model::RunResult::Succeeded { .. } => "succeeded",
        model::RunResult::Failed { .. } => "failed",
        model::RunResult::Returned { .. } => "returned",
        model::RunResult::Cancelled => "cancelled",
    }
}

/// A value as JSON; sensitive parts and what is not known are null.
pub(crate) fn value(value: &value::Value) -> Value {
    if value.marks().contains(value::Marks::SENSITIVE) {
        return Value::Null;
    }
    match value.data() {
        value::Data::Null(_) | value::Data::Unknown(_) => Value::Null,
        value::Data::Bool(value) => Value::Bool(*value),
        value::Data::Number(number) => number
            .to_string()
            .parse()
            .map_or(Value::Null, Value::Number),
        value::Data::String(text) => Value::String(text.to_string()),
        value::Data::List(_, items) | value::Data::Set(_, items) | value::Data::Tuple(items) => {
            Value::Array(items.iter().map(self::value).collect())
        }
        value::Data::Map(_, items) | value::Data::Object(items) => Value::Object(
            items
                .iter()
                .map(|(name, item)| (name.to_string(), self::value(item)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::value;
    use ::value::{Data, Marks, Type, Value};
    use std::sync::Arc;

    #[test]
    fn what_is_sensitive_or_unknown_is_null_at_every_depth() {
        let secret = Value::string("canary").with_marks(Marks::SENSITIVE);
        let list: Value = Data::Tuple(Arc::new(vec![
            Value::string("open"),
            secret.clone(),
            Value::unknown(Type::String),
        ]))
        .into();
        let entries = [("a".into(), list.clone()), ("b".into(), secret)];
        let object: Value = Data::Object(Arc::new(entries.into())).into();
        assert_eq!(
            value(&object).to_string(),
            "{\"a\":[\"open\",null,null],\"b\":null}"
        );
        let hidden = list.with_marks(Marks::SENSITIVE);
        assert_eq!(value(&hidden).to_string(), "null");
    }
}
