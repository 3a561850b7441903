//! `host_user` and `host_group`: accounts in `/etc/passwd` and `/etc/group`, with the programs of `shadow`, or those of
//! busybox as far as they go.

use super::{Found, Manner, Sort, ask, flag, given, number, one_line, plain_name, step};
use super::{text_or_empty, texts};
use crate::diag::{self, Trouble};
use crate::machine::{Machine, Request};
use crate::schema::block;
use model::{ActionId, Attribute, BlockSchema};
use value::{Diagnostic, Type, Value};

pub(super) const GROUP: Sort = Sort {
    kind: "host_group",
    schema: group_schema,
    identity: "name",
    check: check_group,
    look: look_group,
    set: set_group,
    remove: remove_group,
    manner: Manner::THING,
};

pub(super) const USER: Sort = Sort {
    kind: "host_user",
    schema: user_schema,
    identity: "name",
    check: check_user,
    look: look_user,
    set: set_user,
    remove: remove_user,
    manner: Manner::THING,
};

/// The databases, and the line of `/etc/shadow` where that may be read.
const LOOK: &str = r#"cat /etc/passwd || exit; echo =; cat /etc/group || exit; echo =
awk -F: -v n="$1" '$1 == n' /etc/shadow 2>/dev/null
exit 0"#;

/// `$1` is the name, `$2` its number, `$3` whether it is one of the system, `$4` whether it is new.
const SET_GROUP: &str = r#"if [ "$4" = new ]; then
  if command -v groupadd >/dev/null; then groupadd ${2:+-g "$2"} ${3:+-r} "$1"
  else addgroup ${2:+-g "$2"} ${3:+-S} "$1"; fi
else
  groupmod ${2:+-g "$2"} "$1"
fi"#;

const REMOVE_GROUP: &str =
    r#"if command -v groupdel >/dev/null; then groupdel "$1"; else delgroup "$1"; fi"#;

/// Name, number, group, further groups with commas, home, shell, comment; `$8` is `set` where there are further groups
/// to be; then whether it is one of the system, its home is made, the hash of its password, and whether it is new.
const SET_USER: &str = r#"n=$1 u=$2 g=$3 more=$4 home=$5 sh=$6 c=$7 has=$8 sys=$9; shift 9; make=$1 hash=$2 new=$3
if [ "$new" = new ]; then
  if command -v useradd >/dev/null; then
    if [ -z "$g" ] && awk -F: -v n="$n" '$1 == n { f = 1 } END { exit !f }' /etc/group; then g=$n; fi
    if [ "$make" = yes ]; then make=-m; else make=-M; fi
    useradd ${u:+-u "$u"} ${g:+-g "$g"} ${more:+-G "$more"} ${home:+-d "$home"} ${sh:+-s "$sh"} ${c:+-c "$c"} \
      ${sys:+-r} "$make" "$n" || exit
  else
    if [ "$make" = yes ]; then make=; else make=-H; fi
    adduser -D ${u:+-u "$u"} ${g:+-G "$g"} ${home:+-h "$home"} ${sh:+-s "$sh"} ${c:+-g "$c"} ${sys:+-S} $make "$n" || exit
    for m in $(printf %s "$more" | tr , ' '); do addgroup "$n" "$m" || exit; done
  fi
else
  set --
  [ -z "$u" ] || set -- "$@" -u "$u"
  [ -z "$g" ] || set -- "$@" -g "$g"
  [ -z "$has" ] || set -- "$@" -G "$more"
  [ -z "$home" ] || set -- "$@" -d "$home"
  [ -z "$sh" ] || set -- "$@" -s "$sh"
  [ -z "$c" ] || set -- "$@" -c "$c"
  [ "$#" = 0 ] || usermod "$@" "$n" || exit
fi
[ -z "$hash" ] || printf '%s:%s\n' "$n" "$hash" | chpasswd -e"#;

/// `$2` says whether the home `$3` goes too. One that is not there is gone.
const REMOVE_USER: &str = r#"if command -v userdel >/dev/null; then
  userdel ${2:+-r} "$1" || { c=$?; { [ "$c" = 12 ] && [ ! -e "$3" ]; } || exit "$c"; }
else deluser ${2:+--remove-home} "$1"; fi"#;

fn group_schema() -> BlockSchema {
    block([
        (
            "name",
            Attribute::required(Type::String, "Its name. Another name is another group."),
        ),
        (
            "gid",
            Attribute::optional_computed(
                Type::Number,
                "Its number; the next free one when not set.",
            ),
        ),
        (
            "system",
            Attribute::optional(
                Type::Bool,
                "Whether its number is one of those for the system.",
            ),
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn user_schema() -> BlockSchema {
    let text = |name, text| (name, Attribute::optional_computed(Type::String, text));
    let flag = |name, text| (name, Attribute::optional(Type::Bool, text));
    let mut hash = Attribute::optional(
        Type::String,
        "The hash of a password, as crypt(3) and `openssl passwd -6` give it; no password when not set.",
    );
    hash.sensitive = true;
    block([
        (
            "name",
            Attribute::required(Type::String, "Its name. Another name is another user."),
        ),
        (
            "uid",
            Attribute::optional_computed(
                Type::Number,
                "Its number; the next free one when not set.",
            ),
        ),
        text(
            "group",
            "Its first group, which must exist; as the system has it when not set.",
        ),
        (
            "groups",
            Attribute::optional(
                Type::set(Type::String),
                "Further groups, all of them; left as they are when not set.",
            ),
        ),
        text("home", "Its home; as the system has it when not set."),
        text("shell", "Its shell; as the system has it when not set."),
        ("comment", Attribute::optional(Type::String, "Who it is.")),
        ("password_hash", hash),
        flag(
            "system",
            "Whether its number is one of those for the system.",
        ),
        flag(
            "create_home",
            "Whether its home is made with it; true when not set.",
        ),
        flag(
            "remove_home",
            "Whether its home is removed with it, with all that is in it.",
        ),
        ("id", Attribute::computed(Type::String, "The name.")),
    ])
}

fn check_group(config: &Value) -> Result<(), Diagnostic> {
    plain_name(config, "name", &['_', '-', '.'], "the name of an account")
}

fn check_user(config: &Value) -> Result<(), Diagnostic> {
    check_group(config)?;
    let names = ["group", "home", "shell", "comment", "password_hash"];
    one_line(config, &names)?;
    names.iter().try_for_each(|name| match given(config, name) {
        Some(text) if text.contains(':') => {
            Err(diag::invalid_argument(name, "a text without colons"))
        }
        Some(_) | None => Ok(()),
    })
}

fn databases(machine: &Machine, name: &str) -> Result<(String, String, String), Trouble> {
    let said = ask(machine, "read the accounts", &Request::new(LOOK, [name]))?;
    let mut parts = said.split("\n=\n").map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    Ok((next(), next(), next()))
}

/// The fields of the line of a name.
fn line_of<'a>(database: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut lines = database
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    lines.find(|fields| fields.first() == Some(&name))
}

fn field<'a>(fields: &[&'a str], n: usize) -> &'a str {
    fields.get(n).copied().unwrap_or_default()
}

fn id(text: &str) -> Value {
    Value::number(text.parse::<i64>().unwrap_or(-1))
}

fn look_group(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let name = text_or_empty(object, "name");
    let (_, groups, _) = databases(machine, name)?;
    let fields = line_of(&groups, name);
    Ok(fields.map(|fields| vec![("gid", id(field(&fields, 2)))]))
}

fn look_user(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let name = text_or_empty(object, "name");
    let (users, groups, shadow) = databases(machine, name)?;
    let Some(fields) = line_of(&users, name) else {
        return Ok(None);
    };
    let gid = field(&fields, 3);
    let all: Vec<Vec<&str>> = groups
        .lines()
        .map(|line| line.split(':').collect())
        .collect();
    let first = all.iter().find(|group| field(group, 2) == gid);
    let first = first.map_or(gid, |group| field(group, 0));
    // A group may be said by its number.
    let group = match given(object, "group") {
        Some(said) if said == gid => said,
        Some(_) | None => first,
    };
    let is_member = |group: &&Vec<&str>| field(group, 3).split(',').any(|member| member == name);
    let mut further: Vec<&str> = all
        .iter()
        .filter(is_member)
        .map(|group| field(group, 0))
        .collect();
    further.sort_unstable();
    let further = further.into_iter().map(Value::string).collect();
    let mut found = vec![
        ("uid", id(field(&fields, 2))),
        ("group", Value::string(group)),
        ("groups", Value::set(Type::String, further)),
        ("comment", Value::string(field(&fields, 4))),
        ("home", Value::string(field(&fields, 5))),
        ("shell", Value::string(field(&fields, 6))),
    ];
    if let Some(fields) = line_of(&shadow, name) {
        found.push(("password_hash", Value::string(field(&fields, 1))));
    }
    Ok(Some(found))
}

fn id_text(planned: &Value, name: &str) -> String {
    number(planned, name).map_or_else(String::new, |id| id.to_string())
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "" }
}

fn set_group(
    machine: &Machine,
    _: ActionId,
    planned: &Value,
    prior: Option<&Value>,
) -> Result<(), Trouble> {
    let name = text_or_empty(planned, "name");
    let gid = id_text(planned, "gid");
    let system = yes(flag(planned, "system") == Some(true));
    let is_there = prior.is_some() && look_group(machine, planned)?.is_some();
    let new = if is_there { "" } else { "new" };
    let request = Request::new(SET_GROUP, [name, &gid, system, new]);
    accounts(machine, "set the group", &request)
}

fn set_user(
    machine: &Machine,
    _: ActionId,
    planned: &Value,
    prior: Option<&Value>,
) -> Result<(), Trouble> {
    let further = texts(planned, "groups");
    let uid = id_text(planned, "uid");
    let groups = further.as_deref().unwrap_or_default().join(",");
    let is_there = prior.is_some() && look_user(machine, planned)?.is_some();
    let words = [
        text_or_empty(planned, "name"),
        &uid,
        text_or_empty(planned, "group"),
        &groups,
        text_or_empty(planned, "home"),
        text_or_empty(planned, "shell"),
        text_or_empty(planned, "comment"),
        if further.is_some() { "set" } else { "" },
        yes(flag(planned, "system") == Some(true)),
        yes(flag(planned, "create_home") != Some(false)),
        text_or_empty(planned, "password_hash"),
        if is_there { "" } else { "new" },
    ];
    accounts(machine, "set the user", &Request::new(SET_USER, words))
}

fn remove_group(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    let request = Request::new(REMOVE_GROUP, [text_or_empty(prior, "name")]);
    accounts(machine, "remove the group", &request)
}

fn remove_user(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    let with_home = yes(flag(prior, "remove_home") == Some(true));
    let words = [
        text_or_empty(prior, "name"),
        with_home,
        text_or_empty(prior, "home"),
    ];
    let request = Request::new(REMOVE_USER, words);
    accounts(machine, "remove the user", &request)
}

/// Changes accounts: one at a time, since their programs lock the databases and do not wait.
fn accounts(machine: &Machine, doing: &str, request: &Request) -> Result<(), Trouble> {
    let _one_at_a_time = machine.editing();
    let done = step(machine, doing, request);
    machine.accounts_changed();
    done.map(|_| ())
}
