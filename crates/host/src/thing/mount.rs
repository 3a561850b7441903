//! `host_mount`: a line of `/etc/fstab`, and what is mounted by it.

use super::{Found, Manner, Sort, ask, edit, flag, given, one_line, step, text_or_empty};
use crate::diag::Trouble;
use crate::machine::{Machine, Request};
use crate::schema::block;
use crate::standing;
use model::{ActionId, Attribute, BlockSchema};
use std::path::Path;
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_mount",
    schema,
    identity: "path",
    check,
    look,
    set,
    remove,
    manner: Manner {
        default,
        ..Manner::THING
    },
};

const TABLE: &str = "/etc/fstab";

/// `$1` is where, `$2` what is wanted (`yes`, or nothing), `$3` the options that are new, `$4` whether it is another
/// source or type.
const SET: &str = r#"is_mounted() { awk -v p="$1" '$2 == p { f = 1 } END { exit !f }' /proc/self/mounts; }
w=$(printf %s "$1" | sed 's/ /\\040/g')
if is_mounted "$w"; then
  if [ -z "$2" ] || [ -n "$4" ]; then umount "$1" || exit
  elif [ -n "$3" ]; then mount -o "remount,$3" "$1" || exit; fi
fi
[ -z "$2" ] || is_mounted "$w" || mount "$1""#;

fn schema() -> BlockSchema {
    block([
        (
            "path",
            Attribute::required(
                Type::String,
                "Where: a directory that is there. Another one is another mount.",
            ),
        ),
        (
            "source",
            Attribute::required(
                Type::String,
                "What: a device, LABEL=..., UUID=..., host:/export, or such as tmpfs.",
            ),
        ),
        (
            "type",
            Attribute::required(Type::String, "The type of the file system."),
        ),
        (
            "options",
            Attribute::optional_computed(
                Type::String,
                "Options with commas; \"defaults\" when not set.",
            ),
        ),
        (
            "mounted",
            Attribute::optional_computed(
                Type::Bool,
                "Whether it is mounted now, and not only written down; true when not set.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
    ])
}

fn default(name: &str) -> Option<Value> {
    match name {
        "options" => Some(Value::string("defaults")),
        "mounted" => Some(Value::bool(true)),
        _ => None,
    }
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    if let Some(path) = given(config, "path") {
        standing::check_path("path", path)?;
        if !path.starts_with('/') {
            return Err(crate::diag::not_absolute("path", path));
        }
    }
    one_line(config, &["path", "source", "type", "options"])
}

/// A word of the table: blanks are written as octal numbers.
fn escaped(word: &str) -> String {
    let word = word.replace('\\', "\\134").replace(' ', "\\040");
    word.replace('\t', "\\011")
}

fn unescaped(word: &str) -> String {
    let word = word.replace("\\011", "\t").replace("\\040", " ");
    word.replace("\\134", "\\")
}

/// The words of a line, unless it is a comment.
fn words(line: &str) -> Option<Vec<String>> {
    let words: Vec<String> = line.split_ascii_whitespace().map(unescaped).collect();
    let is_entry = !line.trim_start().starts_with('#') && words.len() >= 3;
    is_entry.then_some(words)
}

fn is_of(line: &str, path: &str) -> bool {
    words(line).is_some_and(|words| words.get(1).is_some_and(|at| at == path))
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let path = text_or_empty(object, "path");
    let text = edit::read(machine, Path::new(TABLE))?.unwrap_or_default();
    let entry = text
        .lines()
        .filter(|line| is_of(line, path))
        .find_map(words);
    let Some(entry) = entry else {
        return Ok(None);
    };
    let mounts = ask(
        machine,
        "read what is mounted",
        &Request::new("cat /proc/self/mounts", []),
    )?;
    let is_mounted = mounts.lines().any(|line| is_of(line, path));
    let word = |n: usize| Value::string(entry.get(n).map_or("defaults", String::as_str));
    Ok(Some(vec![
        ("source", word(0)),
        ("type", word(2)),
        ("options", word(3)),
        ("mounted", Value::bool(is_mounted)),
    ]))
}

fn set(
    machine: &Machine,
    action: ActionId,
    planned: &Value,
    prior: Option<&Value>,
) -> Result<(), Trouble> {
    let path = text_or_empty(planned, "path");
    let options = given(planned, "options").unwrap_or("defaults");
    let (source, kind) = (
        text_or_empty(planned, "source"),
        text_or_empty(planned, "type"),
    );
    let entry = [source, path, kind, options].map(escaped).join(" ");
    let entry = format!("{entry} 0 0");
    edit::change(machine, action, Path::new(TABLE), true, |text| {
        let mut lines = edit::lines(text);
        match lines.iter().position(|line| is_of(line, path)) {
            Some(at) => {
                if let Some(line) = lines.get_mut(at) {
                    *line = &entry;
                }
            }
            None => lines.push(&entry),
        }
        Some(edit::joined(&lines))
    })?;
    let is_new = |name| prior.is_some_and(|prior| given(prior, name) != given(planned, name));
    let new_options = if is_new("options") { options } else { "" };
    let other = if is_new("source") || is_new("type") {
        "yes"
    } else {
        ""
    };
    let wanted = if flag(planned, "mounted") == Some(false) {
        ""
    } else {
        "yes"
    };
    let request = Request::new(SET, [path, wanted, new_options, other]);
    step(machine, "mount", &request).map(|_| ())
}

fn remove(machine: &Machine, action: ActionId, prior: &Value) -> Result<(), Trouble> {
    let path = text_or_empty(prior, "path");
    step(machine, "unmount", &Request::new(SET, [path, "", "", ""]))?;
    edit::change(machine, action, Path::new(TABLE), false, |text| {
        let mut kept = edit::lines(text);
        kept.retain(|line| !is_of(line, path));
        Some(edit::joined(&kept))
    })
}
