//! `host_line`: one line in a text file that is otherwise somebody else's.

use super::edit;
use super::{Found, Manner, Sort, given, one_line, text_or_empty};
use crate::diag::{self, Trouble};
use crate::machine::Machine;
use crate::schema::block;
use crate::standing;
use model::{ActionId, Attribute, BlockSchema};
use regex::Regex;
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_line",
    schema,
    identity: "path",
    check,
    look,
    set,
    remove,
    manner: Manner {
        is_state: true,
        not_imported: Some("a file has many lines, and its path does not say which"),
        ..Manner::THING
    },
};

/// Attributes that are regular expressions.
const PATTERNS: [&str; 3] = ["match", "insert_after", "insert_before"];

fn schema() -> BlockSchema {
    let optional = |text| Attribute::optional(Type::String, text);
    block([
        (
            "path",
            Attribute::required(
                Type::String,
                "The file. It must be there, unless `create` is true.",
            ),
        ),
        (
            "line",
            Attribute::required(Type::String, "The line, without its end."),
        ),
        (
            "match",
            optional(
                "A regular expression: the last line that it finds is the one that becomes this line.",
            ),
        ),
        (
            "insert_after",
            optional(
                "A regular expression: a new line is put behind the last line that it finds, else at the end.",
            ),
        ),
        (
            "insert_before",
            optional(
                "A regular expression: a new line is put before the first line that it finds, else at the end.",
            ),
        ),
        (
            "create",
            Attribute::optional(Type::Bool, "Whether the file is made where there is none."),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
    ])
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    if let Some(path) = given(config, "path") {
        standing::check_path("path", path)?;
    }
    one_line(config, &["line"])?;
    for name in PATTERNS {
        pattern(config, name)?;
    }
    match (
        given(config, "insert_after"),
        given(config, "insert_before"),
    ) {
        (Some(_), Some(_)) => Err(diag::invalid_argument(
            "insert_before",
            "left away where insert_after is set",
        )),
        _ => Ok(()),
    }
}

fn pattern(object: &Value, name: &str) -> Result<Option<Regex>, Diagnostic> {
    let pattern = given(object, name).map(|text| {
        Regex::new(text).map_err(|_| diag::invalid_argument(name, "a regular expression (RE2)"))
    });
    pattern.transpose()
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let path = machine.path_of(object)?;
    let Some(text) = edit::read(machine, &path)? else {
        return Ok(None);
    };
    let lines = edit::lines(&text);
    let wanted = text_or_empty(object, "line");
    if lines.contains(&wanted) {
        return Ok(Some(vec![("line", Value::string(wanted))]));
    }
    let pattern = pattern(object, "match")?;
    let found =
        pattern.and_then(|pattern| lines.iter().rfind(|line| pattern.is_match(line)).copied());
    Ok(found.map(|line| vec![("line", Value::string(line))]))
}

fn set(
    machine: &Machine,
    action: ActionId,
    planned: &Value,
    prior: Option<&Value>,
) -> Result<(), Trouble> {
    let path = machine.path_of(planned)?;
    let may_make = super::flag(planned, "create") == Some(true);
    let [matches, after, before] = [
        pattern(planned, "match")?,
        pattern(planned, "insert_after")?,
        pattern(planned, "insert_before")?,
    ];
    let line = text_or_empty(planned, "line");
    let old = prior.and_then(|prior| given(prior, "line"));
    edit::change(machine, action, &path, may_make, |text| {
        let mut lines = edit::lines(text);
        if lines.contains(&line) && old.is_none_or(|old| old == line || !lines.contains(&old)) {
            return None;
        }
        let found =
            matches.and_then(|pattern| lines.iter().rposition(|line| pattern.is_match(line)));
        let found = found.or_else(|| lines.iter().rposition(|line| Some(*line) == old));
        if let Some(place) = found.and_then(|at| lines.get_mut(at)) {
            *place = line;
            return Some(edit::joined(&lines));
        }
        let behind =
            after.and_then(|pattern| lines.iter().rposition(|line| pattern.is_match(line)));
        let ahead = before.and_then(|pattern| lines.iter().position(|line| pattern.is_match(line)));
        let at = behind.map(|at| at + 1).or(ahead).unwrap_or(lines.len());
        lines.insert(at, line);
        Some(edit::joined(&lines))
    })
}

fn remove(machine: &Machine, action: ActionId, prior: &Value) -> Result<(), Trouble> {
    let path = machine.path_of(prior)?;
    let line = text_or_empty(prior, "line");
    edit::change(machine, action, &path, false, |text| {
        let mut kept = edit::lines(text);
        kept.retain(|other| *other != line);
        Some(edit::joined(&kept))
    })
}
