//! Everything that can be wrong with what was asked of this machine: one function per finding.
//!
//! A summary is fixed per code and stands in [`CODES`]; the page of each code is in `docs/codes`. Nothing outside this
//! file makes a diagnostic by hand.

use contract::Outcome;
use rustix::io::Errno;
use std::io;
use std::path::Path;
use value::{Diagnostic, Diagnostics};

/// A code with its summary.
#[derive(Clone, Copy)]
struct Code(&'static str, &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal $summary:literal;)*) => {
        $(const $name: Code = Code($code, $summary);)*
        /// Every code of this room with its summary, ascending.
        pub const CODES: &[(&str, &str)] = &[$(($code, $summary)),*];
    };
}

codes! {
    INVALID_PATH = "SF0801" "Invalid path";
    INVALID_MODE = "SF0802" "Invalid file mode";
    UNKNOWN_ACCOUNT = "SF0803" "Unknown owner or group";
    CONTENT_CHOICE = "SF0804" "Content not given exactly once";
    SOURCE_UNUSABLE = "SF0805" "Source file not usable";
    PARENT_MISSING = "SF0806" "Parent directory missing";
    NOT_A_DIRECTORY = "SF0807" "Not a directory";
    EXISTS_AND_DIFFERS = "SF0808" "Exists already and differs";
    PERMISSION_DENIED = "SF0809" "Permission denied";
    READ_ONLY = "SF0810" "Read-only file system";
    NO_SPACE = "SF0811" "No space left";
    NOT_EMPTY = "SF0812" "Directory not empty";
    SYSTEM = "SF0813" "The system could not do it";
    INVALID_COMMAND = "SF0814" "Invalid command";
    INVALID_DURATION = "SF0815" "Invalid duration";
    NOT_STARTED = "SF0816" "Command could not be started";
    COMMAND_FAILED = "SF0817" "Command failed";
    TIMED_OUT = "SF0818" "Command took too long";
    CHECK_FAILS = "SF0819" "Command succeeded, but its check does not pass";
    STILL_RUNNING = "SF0820" "Command still running";
    UNEXPECTED_FORM = "SF0821" "Not a configuration of this type";
    OUTPUT_CUT = "SF0822" "Output cut";
    SOMETHING_ELSE = "SF0823" "Something else stands at the path";
    TOO_LARGE = "SF0824" "Content too large";
    STATE_ABSENT = "SF0825" "No state there";
    STATE_UNREADABLE = "SF0826" "State not readable";
    STATE_AWAY = "SF0827" "State not available here";
    NOT_IMPORTED = "SF0828" "Cannot be imported";
    INVALID_ARGUMENT = "SF0829" "Invalid argument of a provisioner";
    NO_CONNECTION = "SF0830" "No connection";
    CONNECTION_UNSUPPORTED = "SF0831" "Connection not available here";
    NOT_CONNECTED = "SF0832" "Machine not reached";
    NOT_LOOKED_AT = "SF0833" "Health cannot be looked at in this way";
    MACHINE_UNKNOWN = "SF0834" "Machine not known yet";
    CONNECTION_BROKE = "SF0835" "Connection broke";
    NOT_ALLOWED = "SF0836" "Not allowed to act as another user";
    STEP_FAILED = "SF0837" "Not done on the machine";
    NOT_AS_SET = "SF0838" "Set, and not as planned";
}

/// Why something was not done, and whether another attempt may succeed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No effect, and never will have.
    Refused(Diagnostic),
    /// No effect; another attempt may succeed.
    Failed(Diagnostic, Option<u64>),
    /// It may have taken effect.
    Lost(String),
}

impl From<Diagnostic> for Trouble {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Refused(diagnostic)
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(diagnostic) => Self::Refused {
                diagnostics: diagnostic.into(),
            },
            Trouble::Failed(diagnostic, retry_after_ms) => Self::Failed {
                diagnostics: diagnostic.into(),
                retry_after_ms,
            },
            Trouble::Lost(why) => Self::Unknown { why },
        }
    }
}

impl Trouble {
    /// The same for a call that only looks, where it makes no difference whether it may be repeated.
    pub(crate) fn into_diagnostics(self) -> Diagnostics {
        match self {
            Self::Refused(diagnostic) | Self::Failed(diagnostic, _) => diagnostic,
            Self::Lost(why) => error(SYSTEM, why),
        }
        .into()
    }
}

fn error(code: Code, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code.0, code.1, detail)
}

fn warning(code: Code, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(code.0, code.1, detail)
}

/// What the operating system said, sorted into what a person can do about it. `doing` is a phrase such as `create`.
pub(crate) fn system(doing: &str, path: &Path, cause: &io::Error) -> Trouble {
    let at = path.display();
    let why = format!("Cannot {doing} {at}: {cause}.");
    let refused =
        |code, what_to_do: &str| Trouble::Refused(error(code, format!("{why} {what_to_do}")));
    let failed =
        |code, what_to_do: &str| Trouble::Failed(error(code, format!("{why} {what_to_do}")), None);
    match Errno::from_io_error(cause) {
        Some(Errno::NOENT) => refused(
            PARENT_MISSING,
            "Parent directories are not made by the way: declare them with host_directory, or make them first.",
        ),
        Some(Errno::NOTDIR) => refused(
            NOT_A_DIRECTORY,
            "A part of the path is a file; move it away or choose another path.",
        ),
        Some(Errno::ACCESS | Errno::PERM) => refused(
            PERMISSION_DENIED,
            "Steadfast acts with the rights of the user that runs it: give that user the right, or run it as one that \
             has it.",
        ),
        Some(Errno::ROFS) => refused(
            READ_ONLY,
            "Mount the file system for writing, or choose another path.",
        ),
        Some(Errno::NOSPC | Errno::DQUOT) => failed(
            NO_SPACE,
            "Free space (or inodes, or quota) there; the action is then repeated.",
        ),
        Some(Errno::NOTEMPTY) => refused(
            NOT_EMPTY,
            "Only empty directories are removed; remove what is inside first.",
        ),
        Some(Errno::EXIST | Errno::ISDIR) => {
            Trouble::Refused(exists(path, "it appeared meanwhile"))
        }
        Some(Errno::NAMETOOLONG | Errno::LOOP | Errno::INVAL) => {
            refused(INVALID_PATH, "Choose another path.")
        }
        _ => failed(
            SYSTEM,
            "Nothing was changed; the action is repeated. The system's log may say more.",
        ),
    }
}

pub(crate) fn invalid_path(attribute: &str, path: &str, why: &str) -> Diagnostic {
    error(INVALID_PATH, format!("{attribute} = {path:?} {why}."))
}

pub(crate) fn invalid_mode(mode: &str) -> Diagnostic {
    error(
        INVALID_MODE,
        format!(
            "mode = {mode:?} is not three or four octal digits. Write it as text, such as \"0644\"."
        ),
    )
}

pub(crate) fn unknown_account(attribute: &str, name: &str, database: &Path) -> Diagnostic {
    error(
        UNKNOWN_ACCOUNT,
        format!(
            "{attribute} = {name:?} is not in {} and is no number. Make the account first, or give its number (other \
             account databases are not asked).",
            database.display()
        ),
    )
}

pub(crate) fn content_choice(found: &[&str]) -> Diagnostic {
    let given = if found.is_empty() {
        "none of them is set".to_owned()
    } else {
        format!("{} are set", found.join(" and "))
    };
    error(
        CONTENT_CHOICE,
        format!("Exactly one of content, content_base64 and source must be set; {given}."),
    )
}

pub(crate) fn not_base64() -> Diagnostic {
    error(
        CONTENT_CHOICE,
        "content_base64 is not base64 (RFC 4648, with padding). Use filebase64() or base64encode().",
    )
}

pub(crate) fn source_unreadable(path: &Path, cause: &io::Error) -> Diagnostic {
    error(
        SOURCE_UNUSABLE,
        format!(
            "Cannot read {}: {cause}. source is relative to the project's directory.",
            path.display()
        ),
    )
}

pub(crate) fn source_changed(path: &str) -> Diagnostic {
    error(
        SOURCE_UNUSABLE,
        format!("{path} changed after the plan was made. Nothing was written; plan again."),
    )
}

pub(crate) fn too_large(what: &str, bytes: u64, bytes_max: u64) -> Diagnostic {
    error(
        TOO_LARGE,
        format!(
            "{what} has {bytes} bytes; at most {bytes_max} are taken. Ship large files as an artifact."
        ),
    )
}

/// `shown` is where it was looked for: `file ...`, or `in the backend ...`.
pub(crate) fn state_absent(shown: &str) -> Diagnostic {
    error(
        STATE_ABSENT,
        format!(
            "There is no state {shown}. Apply the other project first, or correct `config` and `workspace`. `defaults` \
             stand in only for outputs that a state lacks, not for a missing state."
        ),
    )
}

pub(crate) fn state_unreadable(shown: &str, why: &str) -> Diagnostic {
    error(
        STATE_UNREADABLE,
        format!("Cannot use the state {shown}: {why}."),
    )
}

pub(crate) fn state_away(backend: &str, why: &str) -> Diagnostic {
    error(
        STATE_AWAY,
        format!(
            "The state of the other project cannot be had from the backend {backend:?}: {why}."
        ),
    )
}

pub(crate) fn not_imported(kind: &str, why: &str) -> Diagnostic {
    error(NOT_IMPORTED, format!("A {kind} cannot be imported: {why}."))
}

pub(crate) fn exists(path: &Path, difference: &str) -> Diagnostic {
    error(
        EXISTS_AND_DIFFERS,
        format!(
            "{} exists, was not made by Steadfast, and is not as configured: {difference}. It was not touched. Move it \
             away, or configure exactly what is there to have it taken over.",
            path.display()
        ),
    )
}

pub(crate) fn in_the_way(path: &Path, what: &str) -> Diagnostic {
    error(
        EXISTS_AND_DIFFERS,
        format!(
            "{} is now {what}. It was not touched; move it away.",
            path.display()
        ),
    )
}

pub(crate) fn something_else(path: &Path, what: &str) -> Diagnostic {
    warning(
        SOMETHING_ELSE,
        format!(
            "{} is now {what}, so the object counts as gone. Making it again is refused until that is moved away.",
            path.display()
        ),
    )
}

pub(crate) fn invalid_command(attribute: &str, why: &str) -> Diagnostic {
    error(
        INVALID_COMMAND,
        format!(
            "{attribute} {why}. Write a list of program and arguments, or one text for /bin/sh -c."
        ),
    )
}

pub(crate) fn invalid_duration(text: &str, max_ms: u64) -> Diagnostic {
    let hours = max_ms / 3_600_000;
    error(
        INVALID_DURATION,
        format!(
            "timeout = {text:?} is not a duration of 1ms to {hours}h. Write numbers with units, such as \"90s\" or \
             \"1h30m\"."
        ),
    )
}

pub(crate) fn not_started(command: &str, cause: &io::Error) -> Diagnostic {
    error(
        NOT_STARTED,
        format!(
            "Cannot start {command}: {cause}. The program is looked for in PATH, the working directory is `directory` \
             or the project's."
        ),
    )
}

pub(crate) fn no_directory(directory: &Path) -> Diagnostic {
    error(
        NOT_STARTED,
        format!(
            "There is no directory {}, where the command was to run. It is not made by the way.",
            directory.display()
        ),
    )
}

pub(crate) fn invalid_argument(name: &str, wanted: &str) -> Diagnostic {
    error(INVALID_ARGUMENT, format!("{name} must be {wanted}."))
}

pub(crate) fn no_connection(kind: &str) -> Diagnostic {
    error(
        NO_CONNECTION,
        format!(
            "A {kind} provisioner works on another machine, and nothing says which. Write a connection block with its \
             host into the provisioner or its resource."
        ),
    )
}

pub(crate) fn connection_unsupported(name: &str, value: &str) -> Diagnostic {
    error(
        CONNECTION_UNSUPPORTED,
        format!(
            "{name} = {value:?} is not available: machines are reached with the `ssh` of this machine, directly or \
             through a bastion. What a proxy needs can stand in the configuration of `ssh`."
        ),
    )
}

pub(crate) fn not_connected(host: &str, timeout_ms: u64, why: &str) -> Diagnostic {
    error(
        NOT_CONNECTED,
        format!(
            "{host} could not be logged in to within {timeout_ms} ms. Nothing was run there. The last attempt: {why}"
        ),
    )
}

/// What is asked of a machine before anybody knows which one it is.
pub(crate) fn machine_unknown() -> Diagnostic {
    error(
        MACHINE_UNKNOWN,
        "The connection of the provider depends on what is only known after an apply. Apply what it depends on first \
         (-target), or refer to what is known already.",
    )
}

/// The same for a look, which leaves the object as it was.
pub(crate) fn not_looked() -> Diagnostic {
    warning(
        MACHINE_UNKNOWN,
        "The connection of the provider depends on what is only known after an apply, so nobody has looked at the \
         object; it is taken to be as it was.",
    )
}

pub(crate) fn connection_broke(host: &str, why: &str) -> Diagnostic {
    error(
        CONNECTION_BROKE,
        format!(
            "{host} did not answer to the end: {why}. Nothing was changed by this look; it is repeated."
        ),
    )
}

pub(crate) fn not_allowed(host: &str, who: &str, said: &str) -> Diagnostic {
    error(
        NOT_ALLOWED,
        format!(
            "On {host} the user who logs in may not act as {who} without a password, which `become` needs: {said}"
        ),
    )
}

pub(crate) fn not_absolute(attribute: &str, path: &str) -> Diagnostic {
    invalid_path(
        attribute,
        path,
        "does not begin with a slash, and on another machine there is no project's directory to start from",
    )
}

pub(crate) fn become_without_connection() -> Diagnostic {
    error(
        INVALID_ARGUMENT,
        "become needs a connection: on this machine Steadfast acts as the user that runs it, and never raises its rights.",
    )
}

/// A thing that is there, and not as it is configured.
pub(crate) fn exists_otherwise(kind: &str, name: &str, different: &[&str]) -> Diagnostic {
    error(
        EXISTS_AND_DIFFERS,
        format!(
            "{kind} {name} exists, was not made by Steadfast, and is not as configured: {} differs. It was not touched. \
             Take it away, import it, or configure exactly what is there to have it taken over.",
            different.join(", ")
        ),
    )
}

pub(crate) fn step_failed(doing: &str, status: i32, said: &str) -> Diagnostic {
    let said = match said.is_empty() {
        true => "It said nothing.".to_owned(),
        false => format!("Last of what it said:\n{said}"),
    };
    error(
        STEP_FAILED,
        format!("Cannot {doing}: the step ended with exit status {status}. {said}"),
    )
}

pub(crate) fn not_as_set(kind: &str, name: &str, different: &[&str]) -> Diagnostic {
    let how = match different.is_empty() {
        true => "it is not there".to_owned(),
        false => format!("{} is another", different.join(", ")),
    };
    error(
        NOT_AS_SET,
        format!(
            "{kind} {name} was set without complaint, and a look says that {how}. Something else on the machine may set \
             it too, or it does not take what is configured."
        ),
    )
}

pub(crate) fn no_file(path: &Path) -> Diagnostic {
    error(
        STEP_FAILED,
        format!(
            "There is no file {}. It is made only where `create` is true, or by a host_file.",
            path.display()
        ),
    )
}

pub(crate) fn not_looked_at(what: &str) -> Diagnostic {
    let detail = format!(
        "What is to be looked at is {what}. It can be `http`, an address that begins with http:// or https:// (without a \
         user), `tcp`, a host with a port such as localhost:5432, or `command`, a program with its arguments."
    );
    error(NOT_LOOKED_AT, detail)
}

pub(crate) fn command_failed(command: &str, how: &str, output: &str) -> Diagnostic {
    error(
        COMMAND_FAILED,
        format!("{command} ended with {how}. What it had done before is not undone.{output}"),
    )
}

pub(crate) fn timed_out(command: &str, timeout_ms: u64, output: &str) -> Diagnostic {
    error(
        TIMED_OUT,
        format!(
            "{command} was still running after {timeout_ms} ms and was killed with all it had started. Raise timeout, \
             or see why it hangs.{output}"
        ),
    )
}

pub(crate) fn check_fails(command: &str, check: &str, output: &str) -> Diagnostic {
    error(
        CHECK_FAILS,
        format!(
            "{command} ended with exit status 0, but {check} still says that it has not been done. Correct the command \
             or the check.{output}"
        ),
    )
}

pub(crate) fn still_running(command: &str) -> Diagnostic {
    error(
        STILL_RUNNING,
        format!(
            "{command} is still running from an earlier attempt; it is not started a second time."
        ),
    )
}

pub(crate) fn unexpected_form(what: &str) -> Diagnostic {
    error(UNEXPECTED_FORM, format!("{what}."))
}

/// An object in a form that this provider never had: its types have had only one.
pub(crate) fn other_form(version: u64) -> Diagnostic {
    unexpected_form(&format!(
        "The object is stored in form {version}, which this provider never had"
    ))
}

pub(crate) fn output_cut(command: &str, bytes_max: usize) -> Diagnostic {
    warning(
        OUTPUT_CUT,
        format!("{command} wrote more than {bytes_max} bytes; stdout holds the first of them."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_sorted_into_what_a_person_can_do() {
        // Errors of the system, the code each becomes, and whether another attempt may succeed.
        let cases = [
            (Errno::NOENT, "SF0806", false),
            (Errno::NOTDIR, "SF0807", false),
            (Errno::EXIST, "SF0808", false),
            (Errno::ISDIR, "SF0808", false),
            (Errno::ACCESS, "SF0809", false),
            (Errno::PERM, "SF0809", false),
            (Errno::ROFS, "SF0810", false),
            (Errno::NOSPC, "SF0811", true),
            (Errno::DQUOT, "SF0811", true),
            (Errno::NOTEMPTY, "SF0812", false),
            (Errno::NAMETOOLONG, "SF0801", false),
            (Errno::LOOP, "SF0801", false),
            (Errno::IO, "SF0813", true),
            (Errno::MFILE, "SF0813", true),
            (Errno::STALE, "SF0813", true),
        ];
        for (errno, code, again) in cases {
            let trouble = system("write", Path::new("/srv/f"), &errno.into());
            let (diagnostic, may_repeat) = match trouble {
                Trouble::Refused(diagnostic) => (diagnostic, false),
                Trouble::Failed(diagnostic, _) => (diagnostic, true),
                Trouble::Lost(why) => panic!("{errno:?}: {why}"),
            };
            assert_eq!((&*diagnostic.code, may_repeat), (code, again), "{errno:?}");
            assert!(
                diagnostic.detail.contains("/srv/f"),
                "{}",
                diagnostic.detail
            );
        }
    }

    #[test]
    fn codes_ascend_without_gaps() {
        for (n, (code, summary)) in CODES.iter().enumerate() {
            assert_eq!(*code, format!("SF08{:02}", n + 1));
            assert!(!summary.ends_with('.'), "{summary}");
        }
    }
}
