//! `host_package`: a package of the system, by whichever of apt, dnf and apk is there.

use super::text_or_empty;
use super::{Found, Manner, Sort, ask, given, one_line, plain_name, step};
use crate::diag::Trouble;
use crate::limits::LONG_REQUEST_TIMEOUT_MS;
use crate::machine::{Machine, Request};
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema};
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_package",
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

/// The version of `$1`, if it is installed.
const LOOK: &str = r#"if command -v dpkg-query >/dev/null; then
  dpkg-query -W -f='${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p' | head -n 1
elif command -v apk >/dev/null; then
  if apk info -e "$1" >/dev/null 2>&1; then v=$(apk info -e -v "$1") && printf '%s\n' "${v#"$1"-}"; fi
elif command -v rpm >/dev/null; then
  rpm -q --qf '%{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null | grep -v 'not installed' | head -n 1
else
  echo 'neither apt nor dnf nor apk is there' >&2; exit 1
fi
exit 0"#;

/// Installs `$1`, in version `$2` if one is said. What is not known yet is looked for once more with fresh lists.
const SET: &str = r#"if command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
  install() { apt-get -y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold ${2:+--allow-downgrades} install "$1${2:+=$2}"; }
  install "$@" 2>/dev/null || { apt-get -q -o DPkg::Lock::Timeout=600 update; install "$@"; }
elif command -v apk >/dev/null; then
  apk add "$1${2:+=$2}" 2>/dev/null || apk add -U "$1${2:+=$2}"
elif command -v dnf >/dev/null; then
  dnf -y -q install "$1${2:+-$2}"
else
  echo 'neither apt nor dnf nor apk is there' >&2; exit 1
fi"#;

const REMOVE: &str = r#"if command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 remove "$1"
elif command -v apk >/dev/null; then apk del "$1"
else dnf -y -q remove "$1"; fi"#;

fn schema() -> BlockSchema {
    block([
        (
            "name",
            Attribute::required(Type::String, "Its name. Another name is another package."),
        ),
        (
            "version",
            Attribute::optional_computed(
                Type::String,
                "Its version, as the system writes it; when not set, the newest at first and then the one that is there.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    let further = ['-', '_', '.', '+', ':', '@'];
    plain_name(config, "name", &further, "the name of a package")?;
    one_line(config, &["version"])
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let request = Request::new(LOOK, [text_or_empty(object, "name")]);
    let version = ask(machine, "look for the package", &request)?;
    let version = version.trim();
    let is_there = !version.is_empty();
    Ok(is_there.then(|| vec![("version", Value::string(version))]))
}

fn set(machine: &Machine, _: ActionId, planned: &Value, _: Option<&Value>) -> Result<(), Trouble> {
    let version = given(planned, "version").unwrap_or_default();
    let request = Request::new(SET, [text_or_empty(planned, "name"), version]);
    packages(machine, "install the package", request)
}

fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    let request = Request::new(REMOVE, [text_or_empty(prior, "name")]);
    packages(machine, "remove the package", request)
}

/// Changes packages, one at a time: their programs wait for each other and answer late.
fn packages(machine: &Machine, doing: &str, request: Request) -> Result<(), Trouble> {
    let _one_at_a_time = machine.installing();
    let request = request.long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, doing, &request).map(|_| ())
}
