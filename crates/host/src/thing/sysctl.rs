//! `host_sysctl`: a setting of the kernel, now and after the next start.

use super::text_or_empty;
use super::{Found, Manner, Sort, ask, edit, given, one_line, plain_name, step};
use crate::diag::Trouble;
use crate::machine::{Machine, Request};
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema};
use std::path::PathBuf;
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_sysctl",
    schema,
    identity: "name",
    check,
    look,
    set,
    remove,
    manner: Manner {
        is_state: true,
        ..Manner::THING
    },
};

fn schema() -> BlockSchema {
    block([
        (
            "name",
            Attribute::required(Type::String, "Its name, such as \"net.ipv4.ip_forward\"."),
        ),
        ("value", Attribute::required(Type::String, "Its value.")),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    let further = ['_', '-', '.', '/'];
    plain_name(
        config,
        "name",
        &further,
        "the name of a setting of the kernel",
    )?;
    if given(config, "name").is_some_and(|name| name.starts_with(['/', '.']) || name.contains(".."))
    {
        let wanted = "the name of a setting of the kernel";
        return Err(crate::diag::invalid_argument("name", wanted));
    }
    one_line(config, &["value"])
}

/// The file in which it is kept.
fn path(object: &Value) -> PathBuf {
    let name = text_or_empty(object, "name").replace('/', ".");
    PathBuf::from(format!("/etc/sysctl.d/90-steadfast-{name}.conf"))
}

fn file(object: &Value) -> String {
    format!(
        "{} = {}\n",
        text_or_empty(object, "name"),
        text_or_empty(object, "value")
    )
}

/// The setting as a file. Where a name has a slash, it is written that way.
fn place(object: &Value) -> String {
    let name = text_or_empty(object, "name");
    match name.contains('/') {
        true => format!("/proc/sys/{name}"),
        false => format!("/proc/sys/{}", name.replace('.', "/")),
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_ascii_whitespace().collect()
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let Some(text) = edit::read(machine, &path(object))? else {
        return Ok(None);
    };
    let request = Request::new("cat \"$1\"", [&*place(object)]);
    let live = ask(machine, "read the setting", &request)?;
    let kept = text.split_once('=').map_or("", |(_, value)| value.trim());
    let wanted = text_or_empty(object, "value");
    // What is different is told, be it the value of now or the one of the next start.
    let seen = match words(&live) == words(wanted) {
        true if words(kept) == words(wanted) => wanted,
        true => kept,
        false => live.trim(),
    };
    Ok(Some(vec![("value", Value::string(seen))]))
}

fn set(
    machine: &Machine,
    action: ActionId,
    planned: &Value,
    _: Option<&Value>,
) -> Result<(), Trouble> {
    let value = text_or_empty(planned, "value");
    // First what the kernel may refuse.
    let script = "printf '%s\\n' \"$2\" >\"$1\"";
    let request = Request::new(script, [&*place(planned), value]);
    step(machine, "set the value", &request)?;
    edit::put(machine, action, &path(planned), &file(planned))
}

/// The value of now stays until the next start: nobody knows what it would be otherwise.
fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    machine.remove_file(&path(prior))
}
