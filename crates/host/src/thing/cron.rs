//! `host_cron`: a job of cron, in a file of its own in `/etc/cron.d`.

use super::{Found, Manner, Sort, edit, given, one_line, pairs, plain_name, text_or_empty};
use crate::diag::{self, Trouble};
use crate::machine::Machine;
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema};
use std::path::PathBuf;
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_cron",
    schema,
    identity: "name",
    check,
    look,
    set,
    remove,
    manner: Manner {
        default,
        ..Manner::THING
    },
};

/// The first line of a file of ours.
const HEAD: &str = "# Managed by Steadfast.";

fn schema() -> BlockSchema {
    block([
        (
            "name",
            Attribute::required(
                Type::String,
                "The name of its file in /etc/cron.d: letters, digits, underscores and hyphens.",
            ),
        ),
        (
            "schedule",
            Attribute::required(
                Type::String,
                "When: five fields such as \"*/5 * * * *\", or such as \"@daily\".",
            ),
        ),
        (
            "command",
            Attribute::required(
                Type::String,
                "What, for /bin/sh -c. As in every crontab, a percent sign is written with a backslash before it.",
            ),
        ),
        (
            "user",
            Attribute::optional_computed(Type::String, "Who runs it; \"root\" when not set."),
        ),
        (
            "environment",
            Attribute::optional(Type::map(Type::String), "Variables that it sees."),
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn default(name: &str) -> Option<Value> {
    (name == "user").then(|| Value::string("root"))
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    plain_name(
        config,
        "name",
        &['_', '-'],
        "letters, digits, underscores and hyphens",
    )?;
    one_line(config, &["schedule", "command", "user"])?;
    if let Some(schedule) = given(config, "schedule") {
        let n_fields = schedule.split_ascii_whitespace().count();
        if n_fields != if schedule.starts_with('@') { 1 } else { 5 } {
            let wanted = "five fields, or one that begins with @";
            return Err(diag::invalid_argument("schedule", wanted));
        }
    }
    for (name, value) in pairs(config, "environment") {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || value.contains(['\n', '\r', '\0']) {
            return Err(diag::invalid_argument(
                "environment",
                "a map of names to lines of text",
            ));
        }
    }
    Ok(())
}

fn path(object: &Value) -> PathBuf {
    PathBuf::from("/etc/cron.d").join(text_or_empty(object, "name"))
}

fn file(object: &Value) -> String {
    let variables = pairs(object, "environment");
    let variables = variables
        .into_iter()
        .map(|(name, value)| format!("{name}=\"{value}\"\n"));
    format!(
        "{HEAD}\n{}{} {} {}\n",
        variables.collect::<String>(),
        text_or_empty(object, "schedule"),
        given(object, "user").unwrap_or("root"),
        text_or_empty(object, "command")
    )
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let Some(text) = edit::read(machine, &path(object))? else {
        return Ok(None);
    };
    let names = ["schedule", "user", "command", "environment"];
    if text == file(object) {
        let own = names
            .iter()
            .filter_map(|name| Some((*name, object.get(name)?.clone())));
        return Ok(Some(own.filter(|(_, value)| !value.is_null()).collect()));
    }
    Ok(Some(parsed(&text)))
}

/// What a file says that is not as we would write it.
fn parsed(text: &str) -> Found {
    let is_job = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let is_variable = |line: &str| {
        let name = line.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| !name.contains([' ', '\t', '*', '@']))
    };
    let (variables, jobs): (Vec<&str>, Vec<&str>) = text
        .lines()
        .filter(is_job)
        .partition(|line| is_variable(line));
    let variables = variables.into_iter().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.into(), Value::string(value.trim_matches('"'))))
    });
    let mut found = vec![("environment", Value::map(Type::String, variables.collect()))];
    let job = match jobs.as_slice() {
        [job] => *job,
        // More jobs than one, or none: as a whole it is another command.
        _ => text,
    };
    let n_fields = if job.starts_with('@') { 1 } else { 5 };
    let words: Vec<&str> = job.split_ascii_whitespace().collect();
    let schedule = words.get(..n_fields).unwrap_or_default().join(" ");
    let user = words.get(n_fields).copied().unwrap_or_default();
    let command = words.get(n_fields + 1..).unwrap_or_default().join(" ");
    found.extend([
        ("schedule", Value::string(schedule)),
        ("user", Value::string(user)),
        ("command", Value::string(command)),
    ]);
    found
}

fn set(
    machine: &Machine,
    action: ActionId,
    planned: &Value,
    _: Option<&Value>,
) -> Result<(), Trouble> {
    edit::put(machine, action, &path(planned), &file(planned))
}

fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    machine.remove_file(&path(prior))
}
