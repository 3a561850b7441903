//! `host_service`: whether a service of systemd runs, and whether it starts with the machine.

use super::{Found, Manner, Sort, ask, flag, plain_name, step, text_or_empty};
use crate::diag::Trouble;
use crate::form;
use crate::limits::LONG_REQUEST_TIMEOUT_MS;
use crate::machine::{Machine, Request};
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema};
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_service",
    schema,
    identity: "name",
    check,
    look,
    set,
    remove,
    manner: Manner {
        default,
        is_state: true,
        is_gone,
        beyond: &["triggers"],
        ..Manner::THING
    },
};

const LOOK: &str = r#"command -v systemctl >/dev/null || { echo 'systemctl is not there: only systemd is known' >&2; exit 1; }
systemctl show -p LoadState -p ActiveState -p UnitFileState -- "$1""#;

/// `$2` and `$3` say whether it runs and starts with the machine, `$4` whether it is to be restarted.
const SET: &str = r#"systemctl daemon-reload || exit
if [ "$3" = yes ]; then systemctl enable -- "$1"; else systemctl disable -- "$1"; fi || exit
if [ "$2" != yes ]; then systemctl stop -- "$1"
elif [ "$4" = yes ]; then systemctl restart -- "$1"
else systemctl start -- "$1"; fi"#;

/// The same for one that cannot be enabled: nothing says when it would start.
const SET_STATIC: &str = r#"systemctl daemon-reload || exit
if [ "$2" != yes ]; then systemctl stop -- "$1"
elif [ "$4" = yes ]; then systemctl restart -- "$1"
else systemctl start -- "$1"; fi"#;

fn schema() -> BlockSchema {
    let flag = |text| Attribute::optional_computed(Type::Bool, text);
    block([
        (
            "name",
            Attribute::required(
                Type::String,
                "The unit, such as \"nginx\" or \"backup.timer\".",
            ),
        ),
        ("running", flag("Whether it runs; true when not set.")),
        (
            "enabled",
            flag("Whether it starts with the machine; true when not set."),
        ),
        (
            "triggers",
            Attribute::optional(
                Type::map(Type::String),
                "Values whose change restarts it, such as the sha256 of its configuration.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn default(name: &str) -> Option<Value> {
    matches!(name, "running" | "enabled").then(|| Value::bool(true))
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    let further = ['-', '_', '.', '@', ':', '\\'];
    plain_name(config, "name", &further, "the name of a unit of systemd")
}

/// What systemd says of a unit: a property and its value.
fn shown<'a>(said: &'a str, property: &str) -> &'a str {
    let found = said.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name == property).then_some(value)
    });
    found.unwrap_or_default()
}

fn ask_systemd(machine: &Machine, object: &Value) -> Result<String, Trouble> {
    let request = Request::new(LOOK, [text_or_empty(object, "name")]);
    ask(machine, "look at the service", &request)
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let said = ask_systemd(machine, object)?;
    if shown(&said, "LoadState") == "not-found" {
        return Ok(None);
    }
    let is_running = matches!(
        shown(&said, "ActiveState"),
        "active" | "activating" | "reloading"
    );
    let wanted = flag(object, "enabled").unwrap_or(true);
    let is_enabled = match shown(&said, "UnitFileState") {
        "enabled" | "enabled-runtime" => true,
        state if is_static(state) => wanted,
        _ => false,
    };
    Ok(Some(vec![
        ("running", Value::bool(is_running)),
        ("enabled", Value::bool(is_enabled)),
    ]))
}

fn is_gone(found: &Found) -> bool {
    found
        .iter()
        .all(|(_, value)| value.as_bool() == Some(false))
}

fn is_static(state: &str) -> bool {
    matches!(
        state,
        "static" | "indirect" | "alias" | "generated" | "transient"
    )
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

fn set(
    machine: &Machine,
    _: ActionId,
    planned: &Value,
    prior: Option<&Value>,
) -> Result<(), Trouble> {
    let restarts = prior.is_some_and(|prior| !form::same(planned, prior, "triggers"));
    let running = yes(flag(planned, "running").unwrap_or(true));
    let enabled = yes(flag(planned, "enabled").unwrap_or(true));
    change(
        machine,
        "set the service",
        planned,
        [running, enabled, yes(restarts)],
    )
}

fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    change(machine, "stop the service", prior, ["no", "no", "no"])
}

fn change(
    machine: &Machine,
    doing: &str,
    object: &Value,
    [running, enabled, restarts]: [&str; 3],
) -> Result<(), Trouble> {
    let said = ask_systemd(machine, object)?;
    let script = match is_static(shown(&said, "UnitFileState")) {
        true => SET_STATIC,
        false => SET,
    };
    let words = [text_or_empty(object, "name"), running, enabled, restarts];
    let request = Request::new(script, words).long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, doing, &request).map(|_| ())
}
