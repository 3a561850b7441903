//! Files of another machine: the same that `standing` and `write` do on this one, by scripts.
//!
//! Paths are whole ones, and are never taken for options.

use super::shell::{Reply, Request};
use super::there::{For, There};
use crate::diag::{self, Trouble};
use crate::limits::{FILE_BYTES_MAX, SEND_BYTES};
use crate::rights::{Accounts, MODE_BITS, Rights};
use crate::standing::{Content, Meta, Standing};
use crate::write::{Over, parent, temporary};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{ActionId, Digest};
use rustix::io::Errno;
use std::io;
use std::path::Path;

/// What stands at `$1`, and the digest of a file. Below something that is no directory there is nothing.
const LOOK: &str = r#"s=$(stat -c '%f %s %u %g' "$1" 2>&1) || case $s in
*'No such file'* | *'Not a directory'*) echo nothing; exit 0 ;;
*) printf '%s\n' "$s" >&2; exit 1 ;;
esac
d=
case $s in 8*) d=$(sha256sum <"$1" 2>/dev/null) && d=${d%% *} ;; esac
printf '%s %s\n' "$s" "$d""#;

/// The content of `$1` where it has at most `$2` bytes, else its size and digest.
const CONTENT: &str = r#"if [ -h "$1" ] || [ ! -f "$1" ]; then echo other; exit; fi
n=$(stat -c %s "$1") || exit
if [ "$n" -le "$2" ]; then
  echo whole; cat "$1"
else
  d=$(sha256sum <"$1") || exit
  printf 'digest %s %s\n' "$n" "${d%% *}"
fi"#;

const LINK_TARGET: &str = r#"if [ -h "$1" ]; then readlink "$1"; else exit 3; fi"#;

/// Adds the content `$3` (in the form `$2`) to the temporary file `$1`; `$4` is `first` for a new one.
const SEND: &str = r#"if [ "$4" = first ]; then rm -f "$1" || exit
  # A shell tells no part of the path that is a file from one that is missing.
  umask 077; set -C; printf '' >"$1" || { ls -d "${1%/*}/." >/dev/null; exit 1; }; set +C
fi
steadfast_put "$2" "$3" >>"$1" || { c=$?; rm -f "$1"; exit "$c"; }"#;

/// Gives the temporary thing `$2` its owner `$4` and its mode `$3`, and moves it to `$1`, over nothing or anything
/// (`$5`). A change of owner takes away the set-user-id bit, so the mode comes after it.
const PLACE: &str = r#"fail() { c=$?; rm -f "$2" 2>/dev/null || rmdir "$2"; exit "$c"; }
[ -z "$4" ] || chown -h "$4" "$2" || fail "$@"
[ -z "$3" ] || chmod "$3" "$2" || fail "$@"
if [ -h "$2" ]; then :; else steadfast_sync "$2"; fi
if [ "$5" = nothing ]; then
  if [ -h "$2" ] || [ -d "$2" ]; then
    if [ -e "$1" ] || [ -h "$1" ]; then echo 'File exists' >&2; false || fail "$@"; fi
    mv -fT "$2" "$1" || fail "$@"
  else
    ln -T "$2" "$1" || fail "$@"
    rm -f "$2"
  fi
else
  mv -fT "$2" "$1" || fail "$@"
fi
steadfast_sync "$6""#;

/// Looks at a path.
pub(super) async fn look(there: &There, path: &Path) -> Result<Standing, Trouble> {
    let at = text(path)?;
    let reply = there.ask(&Request::new(LOOK, [at]), For::Looking).await?;
    if reply.status != 0 {
        return Err(trouble("look at", path, &reply));
    }
    let said = reply.text();
    if said.trim() == "nothing" {
        return Ok(Standing::Nothing);
    }
    standing(&said).ok_or_else(|| unreadable("look at", path, &said))
}

/// Reads a line such as `81a4 12 0 0 2c26...`.
fn standing(line: &str) -> Option<Standing> {
    let mut words = line.split_ascii_whitespace();
    let mode = u32::from_str_radix(words.next()?, 16).ok()?;
    let meta = Meta {
        size: words.next()?.parse().ok()?,
        mode: mode & MODE_BITS,
        uid: words.next()?.parse().ok()?,
        gid: words.next()?.parse().ok()?,
        digest: words.next().and_then(Digest::parse),
    };
    Some(match mode & 0o170_000 {
        0o100_000 => Standing::File(meta),
        0o040_000 => Standing::Directory(meta),
        0o120_000 => Standing::Other("a symbolic link"),
        0o010_000 => Standing::Other("a named pipe"),
        0o140_000 => Standing::Other("a socket"),
        _ => Standing::Other("a device"),
    })
}

/// Digest and size of a file's content, and the content itself where it is not larger than this.
pub(super) async fn content(
    there: &There,
    path: &Path,
    shown_bytes_max: u64,
) -> Result<Content, Trouble> {
    let max = shown_bytes_max.to_string();
    let request = Request::new(CONTENT, [text(path)?, &max]);
    let reply = there.ask(&request, For::Looking).await?;
    if reply.status != 0 {
        return Err(trouble("read", path, &reply));
    }
    if let Some(bytes) = reply.stdout.strip_prefix(b"whole\n") {
        return Ok(Content {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            bytes: Some(bytes.to_vec()),
        });
    }
    let said = reply.text();
    if said.trim() == "other" {
        return Err(diag::in_the_way(path, "not a regular file").into());
    }
    let mut words = said.split_ascii_whitespace().skip(1);
    let size = words.next().and_then(|size| size.parse().ok());
    let digest = words.next().and_then(Digest::parse);
    match (size, digest) {
        (Some(size), Some(digest)) => Ok(Content {
            digest,
            size,
            bytes: None,
        }),
        _ => Err(unreadable("read", path, &said)),
    }
}

/// Where a link leads; none where no link stands.
pub(super) async fn link_target(
    there: &There,
    path: &Path,
) -> Result<Option<Result<String, ()>>, Trouble> {
    let request = Request::new(LINK_TARGET, [text(path)?]);
    let mut reply = there.ask(&request, For::Looking).await?;
    match reply.status {
        0 => {
            // The end of the line is not part of the target.
            reply.stdout.pop();
            Ok(Some(String::from_utf8(reply.stdout).map_err(|_| ())))
        }
        3 => Ok(None),
        _ => Err(trouble("look at", path, &reply)),
    }
}

/// Writes a file: beside its path, then with one rename.
pub(super) async fn write(
    there: &There,
    path: &Path,
    action: ActionId,
    content: &[u8],
    rights: Rights,
    over: Over,
) -> Result<(), Trouble> {
    if content.len() as u64 > FILE_BYTES_MAX {
        let bytes = content.len() as u64;
        return Err(diag::too_large("the file", bytes, FILE_BYTES_MAX).into());
    }
    let temporary = temporary(path, action);
    let place = placing(path, rights, over)?;
    let mut pieces = content.chunks(SEND_BYTES).peekable();
    let mut first = "first";
    // As many turns as there are pieces, and one for nothing; what fits into one piece is sent and placed at once.
    loop {
        let piece = pieces.next().unwrap_or_default();
        let is_last = pieces.peek().is_none();
        let (form, sent) = as_word(piece);
        let mut script = SEND.to_owned();
        if is_last {
            script.push_str("\nset -- \"$5\" \"$1\" \"$6\" \"$7\" \"$8\" \"$9\"\n");
            script.push_str(PLACE);
        }
        let words = [text(&temporary)?, form, &sent, first];
        let request = Request::new(&script, words.into_iter().chain(place.words()));
        let reply = there.ask(&request, For::Changing).await?;
        if reply.status != 0 {
            return Err(trouble("write", path, &reply));
        }
        if is_last {
            return Ok(());
        }
        first = "next";
    }
}

/// Content as a word for a shell, and which form it has: text, or what has no text as base64.
fn as_word(piece: &[u8]) -> (&'static str, String) {
    match core::str::from_utf8(piece) {
        Ok(text) if !text.contains('\0') => ("t", text.to_owned()),
        Ok(_) | Err(_) => ("b", BASE64.encode(piece)),
    }
}

/// The last four of the arguments of [`PLACE`] with the path before them.
struct Placing {
    path: String,
    mode: String,
    owner: String,
    over: &'static str,
    parent: String,
}

impl Placing {
    fn words(&self) -> [&str; 5] {
        [&self.path, &self.mode, &self.owner, self.over, &self.parent]
    }
}

fn placing(path: &Path, rights: Rights, over: Over) -> Result<Placing, Trouble> {
    Ok(Placing {
        path: text(path)?.to_owned(),
        mode: format!("{:04o}", rights.mode),
        owner: owner(rights.uid, rights.gid),
        over: match over {
            Over::Nothing => "nothing",
            Over::Anything => "anything",
        },
        parent: text(parent(path))?.to_owned(),
    })
}

/// An owner as `chown` takes it; empty where there is none to set.
fn owner(uid: Option<u32>, gid: Option<u32>) -> String {
    let uid = uid.map_or_else(String::new, |uid| uid.to_string());
    match gid {
        Some(gid) => format!("{uid}:{gid}"),
        None => uid,
    }
}

/// Makes a directory.
pub(super) async fn directory(
    there: &There,
    path: &Path,
    action: ActionId,
    rights: Rights,
) -> Result<(), Trouble> {
    let temporary = temporary(path, action);
    let place = placing(path, rights, Over::Nothing)?;
    let script =
        format!("[ ! -d \"$2\" ] || rmdir \"$2\" || exit; mkdir -m 0700 \"$2\" || exit\n{PLACE}");
    put_in_place(there, "create", path, &script, &temporary, &place).await
}

/// Makes a symbolic link.
pub(super) async fn link(
    there: &There,
    path: &Path,
    action: ActionId,
    target: &str,
    over: Over,
) -> Result<(), Trouble> {
    let temporary = temporary(path, action);
    let rights = Rights {
        mode: 0,
        uid: None,
        gid: None,
    };
    let mut place = placing(path, rights, over)?;
    place.mode = String::new();
    let script = format!(
        "rm -f \"$2\" || exit; ln -sT -- {} \"$2\" || exit\n{PLACE}",
        crate::process::quoted(target)
    );
    put_in_place(there, "create", path, &script, &temporary, &place).await
}

async fn put_in_place(
    there: &There,
    doing: &str,
    path: &Path,
    script: &str,
    temporary: &Path,
    place: &Placing,
) -> Result<(), Trouble> {
    let [at, mode, owner, over, parent] = place.words();
    let words = [at, text(temporary)?, mode, owner, over, parent];
    let reply = there
        .ask(&Request::new(script, words), For::Changing)
        .await?;
    match reply.status {
        0 => Ok(()),
        _ => Err(trouble(doing, path, &reply)),
    }
}

/// Gives what stands at the path its rights.
pub(super) async fn rights(
    there: &There,
    path: &Path,
    rights: Rights,
    meta: &Meta,
) -> Result<(), Trouble> {
    let script = "[ -z \"$3\" ] || chown -h \"$3\" \"$1\" || exit; chmod \"$2\" \"$1\" || exit; steadfast_sync \"$1\"";
    let owner = owner(
        rights.uid.filter(|uid| *uid != meta.uid),
        rights.gid.filter(|gid| *gid != meta.gid),
    );
    let mode = format!("{:04o}", rights.mode);
    let request = Request::new(script, [text(path)?, &mode, &owner]);
    let reply = there.ask(&request, For::Changing).await?;
    match reply.status {
        0 => Ok(()),
        _ => Err(trouble("set mode and owner of", path, &reply)),
    }
}

/// Removes what stands at a path with this program.
pub(super) async fn remove(there: &There, path: &Path, program: &str) -> Result<(), Trouble> {
    let script = format!(
        "[ -e \"$1\" ] || [ -h \"$1\" ] || exit 0; {program} \"$1\" || exit; steadfast_sync \"$2\""
    );
    let request = Request::new(&script, [text(path)?, text(parent(path))?]);
    let reply = there.ask(&request, For::Changing).await?;
    match reply.status {
        0 => Ok(()),
        _ => Err(trouble("remove", path, &reply)),
    }
}

/// The accounts of that machine.
pub(super) async fn accounts(there: &There) -> Result<Accounts, Trouble> {
    let script = "cat /etc/passwd; echo; echo =; cat /etc/group";
    let reply = there.ask(&Request::new(script, []), For::Looking).await?;
    if reply.status != 0 {
        return Err(trouble("read", Path::new("/etc/passwd"), &reply));
    }
    let said = reply.text();
    let (passwd, group) = said.split_once("\n=\n").unwrap_or((&said, ""));
    Ok(Accounts::of(passwd, group))
}

/// A path as a word.
fn text(path: &Path) -> Result<&str, Trouble> {
    let text = path.to_str();
    text.ok_or_else(|| diag::unexpected_form("A path is no text of Unicode").into())
}

/// What a program there complained about, as this system would have said it.
fn trouble(doing: &str, path: &Path, reply: &Reply) -> Trouble {
    let said = reply.complaint();
    let error = match errno(&said) {
        Some(errno) => errno.into(),
        None => io::Error::other(said.lines().last().unwrap_or("it failed").to_owned()),
    };
    diag::system(doing, path, &error)
}

/// What the system said when a program complains in the words of the C library.
fn errno(said: &str) -> Option<Errno> {
    const WORDS: [(&str, Errno); 14] = [
        ("No such file", Errno::NOENT),
        ("Not a directory", Errno::NOTDIR),
        // As dash says it of the directory of a new file.
        ("nonexistent", Errno::NOENT),
        ("Permission denied", Errno::ACCESS),
        ("Operation not permitted", Errno::PERM),
        ("Read-only file system", Errno::ROFS),
        ("No space left", Errno::NOSPC),
        ("quota exceeded", Errno::DQUOT),
        ("not empty", Errno::NOTEMPTY),
        ("File exists", Errno::EXIST),
        ("Is a directory", Errno::ISDIR),
        ("File name too long", Errno::NAMETOOLONG),
        ("Too many levels of symbolic links", Errno::LOOP),
        ("Input/output error", Errno::IO),
    ];
    let found = WORDS.iter().find(|(words, _)| said.contains(words));
    found.map(|(_, errno)| *errno)
}

fn unreadable(doing: &str, path: &Path, said: &str) -> Trouble {
    let error = io::Error::other(format!("the machine answered {:?}", said.trim()));
    diag::system(doing, path, &error)
}
