//! `host_archive`: a tar or zip file of this machine, unpacked into a directory of the machine.
//!
//! What was unpacked stands in a file of the directory, with the digest of the archive; it is written last. So an
//! interrupted unpacking is begun again, and what an archive no longer has is removed.

use super::{Found, Manner, Sort, edit, given, number, one_line, step, text_or_empty};
use crate::diag::{self, Trouble};
use crate::limits::{FILE_BYTES_MAX, LONG_REQUEST_TIMEOUT_MS};
use crate::machine::{Machine, Request};
use crate::rights::Rights;
use crate::schema::block;
use crate::standing;
use crate::write::Over;
use model::{ActionId, Attribute, BlockSchema, Digest};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use value::{Diagnostic, Type, Value};

pub(super) const SORT: Sort = Sort {
    kind: "host_archive",
    schema,
    identity: "path",
    check,
    look,
    set,
    remove,
    manner: Manner {
        foresee,
        beyond: &["strip"],
        not_imported: Some("nothing there says where it came from"),
        ..Manner::THING
    },
};

/// Says what was unpacked.
const MARK: &str = ".steadfast-archive";

/// Takes away a file of the current directory, or a directory of it that is empty: nothing outside, also where a
/// directory has become a link since.
const TAKE: &str = r#"take() {
  here=$(pwd -P); here=${here%/} n=${1%/}
  case $n in */*)
    case $(cd "./${n%/*}" 2>/dev/null && pwd -P) in "$here" | "$here"/*) ;; *) return 0 ;; esac ;;
  esac
  case $1 in */) [ -h "./$n" ] || rmdir "./$n" 2>/dev/null || : ;; *) rm -f "./$n" ;; esac
}
"#;

/// Unpacks `$2` in the directory `$1`, leaving away the first `$3` names of each path; `$4` is the digest. What the
/// last archive had and this one has not is removed, and then the directories that are empty.
const UNPACK: &str = r#"cd "$1" || exit
fail() { c=$?; rm -f "$a" "$a.list"; exit "$c"; }
a=$2
z=cat
case $(head -c 4 "$a" | od -An -tx1 | tr -d ' \n') in
1f8b*) z='gzip -dc' ;; 425a68*) z='bzip2 -dc' ;; fd377a58) z='xz -dc' ;; 28b52ffd) z='zstd -dc' ;; 504b*) z= ;;
esac
case $z in
'')
  [ "$3" = 0 ] || { echo 'strip is only for tar' >&2; false || fail; }
  command -v unzip >/dev/null || { echo 'unzip is not there' >&2; false || fail; }
  unzip -Z1 "$a" >"$a.list" && unzip -o -q "$a" || fail ;;
*)
  if [ "$3" = 0 ]; then $z <"$a" | tar -o -xf - || fail
  else $z <"$a" | tar -o --strip-components="$3" -xf - || fail; fi
  $z <"$a" | tar -tf - >"$a.list" || fail
  n=$3; while [ "$n" -gt 0 ]; do
    sed 's,^\./,,; s,^[^/]*/,,; t; d' "$a.list" >"$a.new" && mv "$a.new" "$a.list" || fail
    n=$((n - 1))
  done ;;
esac
sed 's,^\./,,; /^$/d; /^\.\.$/d; /^\.\.\//d; /\/\.\.\//d; /\/\.\.$/d' "$a.list" | sort -u >"$a.new" && mv "$a.new" "$a.list" || fail
if [ -f .steadfast-archive ]; then
  sed 1d .steadfast-archive |
    L=$a.list awk 'BEGIN { while ((getline x <ENVIRON["L"]) > 0) k[x] } !($0 in k)' | sort -r |
    while IFS= read -r f; do take "$f"; done
fi
{ printf '%s\n' "$4"; cat "$a.list"; } >"$a.new" || fail
steadfast_sync "$a.new"
mv -f "$a.new" .steadfast-archive || fail
rm -f "$a" "$a.list""#;

const REMOVE: &str = r#"cd "$1" || exit
sed 1d .steadfast-archive | sort -r | while IFS= read -r f; do take "$f" || exit; done || exit
rm -f .steadfast-archive || exit
cd / && rmdir "$1" 2>/dev/null; exit 0"#;

fn schema() -> BlockSchema {
    block([
        (
            "source",
            Attribute::required(
                Type::String,
                "A tar file, compressed or not, or a zip file, relative to the project's directory.",
            ),
        ),
        (
            "path",
            Attribute::required(
                Type::String,
                "The directory to unpack it into; it is made where it is missing.",
            ),
        ),
        (
            "strip",
            Attribute::optional(
                Type::Number,
                "How many names of each path are left away; 0 when not set.",
            ),
        ),
        (
            "sha256",
            Attribute::computed(Type::String, "SHA-256 of the archive, in hexadecimal."),
        ),
        ("id", Attribute::computed(Type::String, "The path.")),
    ])
}

fn check(config: &Value) -> Result<(), Diagnostic> {
    for name in ["source", "path"] {
        if let Some(path) = given(config, name) {
            standing::check_path(name, path)?;
        }
    }
    one_line(config, &["path"])?;
    match config
        .get("strip")
        .filter(|strip| strip.is_known() && !strip.is_null())
    {
        Some(_) if number(config, "strip").is_none_or(|n| !(0..=16).contains(&n)) => {
            Err(diag::invalid_argument("strip", "a number between 0 and 16"))
        }
        Some(_) | None => Ok(()),
    }
}

fn content(machine: &Machine, object: &Value) -> Result<Option<Vec<u8>>, Diagnostic> {
    let Some(source) = given(object, "source") else {
        return Ok(None);
    };
    let path = machine.project.join(source);
    let mut bytes = Vec::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(diag::source_unreadable(&path, &error)),
        Ok(n) if n as u64 > FILE_BYTES_MAX => {
            Err(diag::too_large("source", n as u64, FILE_BYTES_MAX))
        }
        Ok(_) => Ok(Some(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let text = Digest::of(bytes).to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

fn foresee(machine: &Machine, config: &Value) -> Result<Found, Diagnostic> {
    let content = content(machine, config)?;
    Ok(vec![(
        "sha256",
        content.map_or_else(
            || Value::unknown(Type::String),
            |bytes| Value::string(hex(&bytes)),
        ),
    )])
}

fn mark(machine: &Machine, object: &Value) -> Result<PathBuf, Trouble> {
    Ok(machine.path_of(object)?.join(MARK))
}

fn look(machine: &Machine, object: &Value) -> Result<Option<Found>, Trouble> {
    let text = edit::read(machine, &mark(machine, object)?)?;
    let digest = text.as_deref().and_then(|text| text.lines().next());
    Ok(digest.map(|digest| vec![("sha256", Value::string(digest))]))
}

fn set(
    machine: &Machine,
    action: ActionId,
    planned: &Value,
    _: Option<&Value>,
) -> Result<(), Trouble> {
    let path = machine.path_of(planned)?;
    let Some(bytes) = content(machine, planned)? else {
        return Err(diag::invalid_argument("source", "a path").into());
    };
    let digest = hex(&bytes);
    if given(planned, "sha256").is_some_and(|planned| planned != digest) {
        return Err(diag::source_changed(text_or_empty(planned, "source")).into());
    }
    let script = "[ -d \"$1\" ] || mkdir -m 0755 \"$1\"";
    step(
        machine,
        "make the directory",
        &Request::new(script, [text(&path)?]),
    )?;
    let packed = path.join(format!(".steadfast-{action}.packed"));
    let rights = Rights {
        mode: 0o600,
        uid: None,
        gid: None,
    };
    machine.write_file(&packed, action, &bytes, rights, Over::Anything)?;
    let strip = number(planned, "strip").unwrap_or_default().to_string();
    let words = [text(&path)?, text(&packed)?, &strip, &digest];
    let request = Request::new(&format!("{TAKE}{UNPACK}"), words).long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, "unpack", &request).map(|_| ())
}

fn remove(machine: &Machine, _: ActionId, prior: &Value) -> Result<(), Trouble> {
    let path = machine.path_of(prior)?;
    let request =
        Request::new(&format!("{TAKE}{REMOVE}"), [text(&path)?]).long(LONG_REQUEST_TIMEOUT_MS);
    step(machine, "remove what was unpacked", &request).map(|_| ())
}

fn text(path: &Path) -> Result<&str, Trouble> {
    let text = path.to_str();
    text.ok_or_else(|| diag::unexpected_form("A path is no text of Unicode").into())
}
