//! `host_daemon`: a program that is kept running where there is no systemd, by a shim of ours.
//!
//! The shim (`daemon.sh`) needs a POSIX shell, coreutils or busybox, and Linux's `/proc`; nothing is installed. It
//! stands in a directory of the daemon beside what it runs (`run`), who runs (`pid` and `child`, each with the time at
//! which the kernel started it, so that a process with the same number is not taken for it) and the output (`log`).

use super::{Found, Manner, Sort, ask, flag, pairs, plain_name, step, text_or_empty, texts};
use crate::diag::{self, Trouble};
use crate::limits::LONG_REQUEST_TIMEOUT_MS;
use crate::machine::{Machine, RUNNING, Request};
use crate::process::quoted;
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema, Digest};
use std::fmt::Write as _;
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_daemon",
    schema,
    identity: "name",
    check,
    look,
    set,
    remove,
    manner: Manner {
        default,
        beyond: &["triggers"],
        not_imported: Some("what it runs cannot be told from what is there"),
        ..Manner::THING
    },
};

/// Seconds that a daemon has to end where nothing is said, and the most.
const STOP_SECONDS: i64 = 10;
const STOP_SECONDS_MAX: i64 = 600;

/// What keeps it running.
const SHIM: &str = concat!(
    include_str!("../machine/running.sh"),
    include_str!("daemon.sh")
);

/// Where a daemon is, and how its shim ends.
const PLACE: &str = r#"if [ "$(id -u)" = 0 ]; then d=/var/lib; else d=${XDG_STATE_HOME:-$HOME/.local/state}; fi
d=$d/steadfast/daemons/$1
end() {
  n=0 most=$(($(cat "$d/stop" 2>/dev/null || echo 0) * 10))
  while runs "$d/pid"; do
    [ "$n" -ne 0 ] || kill -TERM "$p"
    n=$((n + 1))
    if [ "$n" -ge $((most + 50)) ]; then kill -KILL "$p"; if runs "$d/child"; then kill -KILL "-$p"; fi; fi
    [ "$n" -lt $((most + 100)) ] || { echo "process $p does not end" >&2; return 1; }
    sleep 0.1
  done
}
"#;

const LOOK: &str = r#"[ -f "$d/run" ] || exit 0
sum=$(sha256sum <"$d/run") || exit
if runs "$d/pid"; then r=yes; else r=no; fi
printf '%s\n%s\n%s\n%s\n' "${sum%% *}" "$r" "$d/log" "$(cat "$d/stop")""#;

/// `$2` is what it runs, `$3` the shim, `$4` whether it runs, `$5` its program, `$6` where that is looked for, and `$7`
/// how many seconds it has to end.
const SET: &str = r#"(cd "$6" && command -v "$5" >/dev/null) || { printf 'there is no program %s in %s\n' "$5" "$6" >&2; exit 1; }
mkdir -p "$d" && chmod 700 "$d" || exit
put() { (umask 077; printf %s "$2" >"$d/$1.draft") && mv "$d/$1.draft" "$d/$1"; }
end && put shim "$3" && put stop "$7" && put run "$2" || exit
[ "$4" = yes ] || exit 0
setsid sh "$d/shim" "$d" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
n=0
until runs "$d/pid"; do
  n=$((n + 1))
  [ "$n" -lt 100 ] || { echo 'its shim does not start' >&2; exit 1; }
  sleep 0.1
done"#;

const REMOVE: &str = r#"end && rm -rf "$d""#;

fn schema() -> BlockSchema {
    block([
        (
            "name",
            Attribute::required(
                Type::String,
                "What it is called: letters, digits, dots, underscores and hyphens.",
            ),
        ),
        (
            "command",
            Attribute::required(
                Type::list(Type::String),
                "The program and its arguments, without a shell. It stays in the foreground.",
            ),
        ),
        (
            "environment",
            Attribute::optional(
                Type::map(Type::String),
                "Variables that it sees, beside those of the shell that started it.",
            ),
        ),
        (
            "directory",
            Attribute::optional_computed(
                Type::String,
                "Where it runs, a whole path; \"/\" when not set.",
            ),
        ),
        (
            "running",
            Attribute::optional_computed(Type::Bool, "Whether it runs; true when not set."),
        ),
        (
            "stop_seconds",
            Attribute::optional_computed(
                Type::Number,
                "How long it has to end when it is asked to with TERM, before it is killed; 10 when not set.",
            ),
        ),
        (
            "triggers",
            Attribute::optional(
                Type::map(Type::String),
                "Values whose change restarts it, such as the sha256 of its configuration.",
            ),
        ),
        (
            "log",
            Attribute::computed(Type::String, "The file with its output."),
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn default(name: &str) -> Option<Value> {
    match name {
        "running" => Some(Value::bool(true)),
        "directory" => Some(Value::string("/")),
        "stop_seconds" => Some(Value::number(STOP_SECONDS)),
        _ => None,
    }
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    let wanted = "letters, digits, dots, underscores and hyphens";
    plain_name(config, "name", &['_', '-', '.'], wanted)?;
    if text_or_empty(config, "name").starts_with('.') {
        return Err(diag::invalid_argument("name", "no dot at its beginning"));
    }
    let program = config.get("command").and_then(Value::elements);
    if program.is_some_and(|words| words.first().is_none_or(|word| word.as_str() == Some(""))) {
        return Err(diag::invalid_argument(
            "command",
            "a program and its arguments",
        ));
    }
    if let Some(directory) = super::given(config, "directory")
        && !directory.starts_with('/')
    {
        return Err(diag::not_absolute("directory", directory));
    }
    let seconds = super::number(config, "stop_seconds");
    if seconds.is_some_and(|seconds| !(0..=STOP_SECONDS_MAX).contains(&seconds)) {
        return Err(diag::invalid_argument(
            "stop_seconds",
            &format!("a number from 0 to {STOP_SECONDS_MAX}"),
        ));
    }
    let is_name = |name: &str| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let variables = config.get("environment").and_then(Value::entries);
    match variables
        .into_iter()
        .flatten()
        .all(|(name, _)| is_name(name))
    {
        true => Ok(()),
        false => Err(diag::invalid_argument(
            "environment",
            "a map of names that a shell takes for variables",
        )),
    }
}

fn directory(object: &Value) -> &str {
    super::given(object, "directory").unwrap_or("/")
}

fn stop_seconds(object: &Value) -> i64 {
    super::number(object, "stop_seconds").unwrap_or(STOP_SECONDS)
}

/// What the shim runs.
fn run(object: &Value) -> String {
    let mut text = format!("cd {} || exit\n", quoted(directory(object)));
    for (name, value) in pairs(object, "environment") {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "export {name}={}", quoted(value));
    }
    text.push_str("exec");
    for word in texts(object, "command").unwrap_or_default() {
        text.push(' ');
        text.push_str(&quoted(word));
    }
    text + "\n"
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let request = Request::new(
        &format!("{RUNNING}{PLACE}{LOOK}"),
        [text_or_empty(object, "name")],
    );
    let said = ask(machine, "look at the daemon", &request)?;
    let mut lines = said.lines();
    let (Some(digest), Some(runs), Some(log)) = (lines.next(), lines.next(), lines.next()) else {
        return Ok(None);
    };
    let stop: i64 = lines
        .next()
        .and_then(|stop| stop.parse().ok())
        .unwrap_or_default();
    let mut found = vec![
        ("running", Value::bool(runs == "yes")),
        ("log", Value::string(log)),
        ("stop_seconds", Value::number(stop)),
    ];
    let expected = Digest::of(run(object).as_bytes()).to_string();
    if expected.rsplit(':').next() != Some(digest) {
        // Something else than this is run; what, is for a person to look at.
        found.push(("command", Value::list(Type::String, Vec::new())));
    }
    Ok(Some(found))
}

fn set(machine: &Machine, _: ActionId, planned: &Value, _: Option<&Value>) -> Result<(), Trouble> {
    let run = run(planned);
    let stop = stop_seconds(planned).to_string();
    let command = texts(planned, "command").unwrap_or_default();
    let words = [
        text_or_empty(planned, "name"),
        &run,
        SHIM,
        if flag(planned, "running").unwrap_or(true) {
            "yes"
        } else {
            "no"
        },
        command.first().copied().unwrap_or_default(),
        directory(planned),
        &stop,
    ];
    let request =
        Request::new(&format!("{RUNNING}{PLACE}{SET}"), words).long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, "set the daemon", &request).map(|_| ())
}

fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    let request = Request::new(
        &format!("{RUNNING}{PLACE}{REMOVE}"),
        [text_or_empty(prior, "name")],
    );
    let request = request.long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, "end the daemon", &request).map(|_| ())
}
