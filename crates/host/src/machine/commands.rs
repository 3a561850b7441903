//! Commands of another machine: apart from the shell that starts them, with a lock that says that they still run.
//!
//! A lock is a file with the number of a process and the time at which it began, so that another process with the same
//! number is not taken for it. Locks and outputs are in a directory of the user below `/tmp`: no process is left after
//! what clears it.

use super::shell::Request;
use super::there::{For, There};
use crate::diag::{self, Trouble};
use crate::limits::{ANSWER_GRACE_MS, STDOUT_BYTES_MAX, TAIL_BYTES_MAX};
use crate::process::{Capture, Ended, Output, Run, quoted};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Instant;

/// The directory for locks, as `$d`, which nobody else can have put there.
const LOCKS: &str = r#"d=/tmp/.steadfast-$(id -u)
mkdir -m 0700 "$d" 2>/dev/null
if [ -h "$d" ] || [ ! -d "$d" ] || [ ! -O "$d" ]; then echo "$d is not a directory of this user" >&2; exit 1; fi
"#;

/// What tells whether a process still runs, for any shell: `began` and `runs`.
pub(crate) const RUNNING: &str = include_str!("running.sh");

/// Runs what is left of the arguments after the first four: the name of its lock, its time in seconds, its directory,
/// and how much is kept of the end of its outputs. What stands for `%EXPORTS%` is its environment.
const RUN: &str = r#"l=$d/$1 t=$2 w=$3 n=$4; shift 4
me=$(exec sh -c 'echo $PPID')
echo "$me $(began "$me")" >"$l.$me" || exit
if ! ln "$l.$me" "$l" 2>/dev/null; then
  if runs "$l"; then rm -f "$l.$me"; echo busy; exit; fi
  rm -f "$l"
  ln "$l.$me" "$l" 2>/dev/null || { rm -f "$l.$me"; echo busy; exit; }
fi
rm -f "$l.$me"
if [ -n "$w" ]; then cd "$w" 2>/dev/null || { rm -f "$l"; echo directory; exit; }; else cd 2>/dev/null || cd /; fi
command -v "$1" >/dev/null || { rm -f "$l"; echo program; exit; }
(
  for v in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $v in PATH | HOME | LANG) ;; *) unset "$v" 2>/dev/null ;; esac
  done
  %EXPORTS%
  exec timeout -s KILL "$t" "$@"
) >"$l.out" 2>"$l.err"
c=$?
printf 'ended %s %s %s\n' "$c" "$(wc -c <"$l.out")" "$(wc -c <"$l.err")"
head -c %HEAD% "$l.out"; tail -c "$n" "$l.out"; tail -c "$n" "$l.err"
rm -f "$l" "$l.out" "$l.err"
exit 0"#;

/// Runs a command to its end, unless an earlier attempt still runs.
pub(super) async fn run(there: &There, run: &Run, lock: &str) -> Result<Ended, Trouble> {
    let mut exports = String::new();
    for (name, value) in &run.environment {
        if !is_plain(name) {
            let why = format!("has the variable {name:?}, which a shell there cannot set");
            return Err(diag::invalid_command("environment", &why).into());
        }
        exports.push_str(&format!("export {name}={}; ", quoted(value)));
    }
    if exports.is_empty() {
        exports.push(':');
    }
    let script = RUN
        .replace("%HEAD%", &STDOUT_BYTES_MAX.to_string())
        .replace("%EXPORTS%", &exports);
    let seconds = run.timeout_ms.div_ceil(1_000);
    let (time, tail) = (seconds.to_string(), TAIL_BYTES_MAX.to_string());
    let directory = run.directory.to_str().unwrap_or_default();
    let words = [lock, &time, directory, &tail];
    let words = words.into_iter().chain(run.argv.iter().map(String::as_str));
    let request = Request::new(&format!("{RUNNING}{LOCKS}{script}"), words);
    let request = request.long(seconds * 1_000 + ANSWER_GRACE_MS);
    let began = Instant::now();
    let reply = there.ask(&request, For::Changing).await?;
    if reply.status != 0 {
        return Ok(Ended::NotStarted(io::Error::other(reply.complaint())));
    }
    let is_over = began.elapsed().as_secs() >= seconds;
    ended(&reply.stdout, is_over).ok_or_else(|| {
        let said = String::from_utf8_lossy(&reply.stdout);
        Trouble::Lost(format!("{} answered {:?}", there.name(), said.trim()))
    })
}

/// Reads what [`RUN`] says.
fn ended(said: &[u8], is_over: bool) -> Option<Ended> {
    let at = said.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = said.split_at_checked(at)?;
    let rest = rest.get(1..)?;
    let line = core::str::from_utf8(line).ok()?;
    let not_found = |what| {
        Some(Ended::NotStarted(io::Error::new(
            io::ErrorKind::NotFound,
            what,
        )))
    };
    let mut words = line.split_ascii_whitespace();
    match words.next()? {
        "busy" => return Some(Ended::Busy),
        "directory" => return not_found("there is no such directory on the machine"),
        "program" => return not_found("there is no such program on the machine"),
        "ended" => {}
        _ => return None,
    }
    let code: i32 = words.next()?.parse().ok()?;
    let n_out: usize = words.next()?.parse().ok()?;
    let n_err: usize = words.next()?.parse().ok()?;
    let (head, rest) = rest.split_at_checked(n_out.min(STDOUT_BYTES_MAX))?;
    let (out, rest) = rest.split_at_checked(n_out.min(TAIL_BYTES_MAX))?;
    let (err, _) = rest.split_at_checked(n_err.min(TAIL_BYTES_MAX))?;
    let output = Output {
        stdout: Capture::of(head, out, n_out > STDOUT_BYTES_MAX),
        stderr: Capture::of(&[], err, false),
    };
    // What `timeout` ends with when it killed what it started.
    if code == 137 && is_over {
        return Some(Ended::TimedOut(output));
    }
    // As the system has it in a status of `wait`.
    Some(Ended::Exited(ExitStatus::from_raw(code << 8), output))
}

/// Whether a command with this lock runs.
pub(super) async fn is_running(there: &There, lock: &str) -> Result<bool, Trouble> {
    let script = format!("{RUNNING}{LOCKS}is_held \"$d/$1\" && echo held; exit 0");
    let reply = there
        .ask(&Request::new(&script, [lock]), For::Looking)
        .await?;
    Ok(reply.text().trim() == "held")
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
