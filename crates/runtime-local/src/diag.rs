//! What can be wrong with a request to run something: one factory per code, one page per code in `docs/codes`.

use crate::files::{FileError, chain};
use crate::program::ProgramError;
use crate::record::{RecordError, StartFailure};
use contract::Outcome;
use model::InstanceId;
use std::io::ErrorKind;
use std::path::Path;
use value::Diagnostic;

/// All codes of this room.
pub const CODES: &[&str] = &[
    "SF0601", "SF0602", "SF0603", "SF0604", "SF0605", "SF0606", "SF0607", "SF0608", "SF0609",
    "SF0610", "SF0611", "SF0612",
];

pub(crate) fn unusable_name(instance: &InstanceId) -> Diagnostic {
    Diagnostic::error(
        "SF0601",
        "The name of an instance cannot be used",
        format!(
            "{:?} becomes the name of a directory. It must have 1 to {} characters, only letters, digits, `-`, `_` and \
             `.`, and begin with a letter or a digit.",
            instance.0,
            crate::limits::INSTANCE_NAME_BYTES_MAX
        ),
    )
}

pub(crate) fn other_spec(instance: &InstanceId) -> Diagnostic {
    Diagnostic::error(
        "SF0602",
        "An instance of this name runs something else",
        format!(
            "{instance} was placed before with another command, environment, artifact or health check. Names of \
             instances are never used twice; stop the old instance or give the new one another name."
        ),
    )
}

pub(crate) fn no_artifact(unpacked: &Path, why: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0603",
        "The unpacked artifact is not there",
        format!(
            "{} {why}. Was it removed by hand? Releasing again unpacks it again.",
            unpacked.display()
        ),
    )
}

pub(crate) fn no_program(error: &ProgramError) -> Diagnostic {
    match error {
        ProgramError::Nothing => {
            unusable_spec("The command `run` is empty; it must name a program.")
        }
        ProgramError::NotFound(path) => Diagnostic::error(
            "SF0604",
            "The command does not exist",
            format!(
                "There is no {}. Does `files` of the artifact pack it under the path that `run` names?",
                path.display()
            ),
        ),
        ProgramError::NotInPath(name, packed) => {
            let diagnostic = Diagnostic::error(
                "SF0604",
                "The command does not exist",
                format!(
                    "`{name}` has no slash, so it was looked up in PATH, and no directory of PATH has it."
                ),
            );
            if *packed {
                diagnostic.hint(format!("the artifact has it: write `./{name}`"), None)
            } else {
                diagnostic
            }
        }
        ProgramError::NotExecutable(path) => not_executable(&format!(
            "{} is not a file that may be executed.",
            path.display()
        )),
        ProgramError::OtherMachine(path) => not_executable(&format!(
            "{} is a program for another kind of machine.",
            path.display()
        )),
    }
}

fn not_executable(what: &str) -> Diagnostic {
    Diagnostic::error(
        "SF0605",
        "The command cannot be executed",
        format!(
            "{what} It must be a program for this machine or a script whose first line names an interpreter, with the \
             executable bit set."
        ),
    )
}

pub(crate) fn unusable_spec(what: &str) -> Diagnostic {
    Diagnostic::error("SF0611", "The instance cannot be run as described", what)
}

pub(crate) fn no_port() -> Outcome {
    failed(Diagnostic::error(
        "SF0608",
        "No port is free for the instance",
        format!(
            "Every port of 127.0.0.1 from {} to {} is in use.",
            crate::limits::PORT_FIRST,
            crate::limits::PORT_LAST
        ),
    ))
}

pub(crate) fn port_taken(instance: &InstanceId, port: u16) -> Outcome {
    failed(Diagnostic::error(
        "SF0608",
        "No port is free for the instance",
        format!(
            "{instance} was reachable on port {port} before, and routes may still name it, but another process listens \
             there now. `ss -ltnp` shows which. Stop that process, or stop the instance and place another."
        ),
    ))
}

pub(crate) fn no_shim(what: &str) -> Outcome {
    failed(Diagnostic::error(
        "SF0609",
        "The shim of an instance did not start",
        format!("{what} Is the program file still there and executable?"),
    ))
}

pub(crate) fn stopping(instance: &InstanceId) -> Outcome {
    failed(Diagnostic::error(
        "SF0610",
        "The instance is being stopped",
        format!(
            "{instance} was asked to stop and has not ended yet; it can be placed when it has."
        ),
    ))
}

/// A file of the runtime could not be read or written.
pub(crate) fn file(error: &FileError) -> Outcome {
    let what = chain(error);
    match error.source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => failed(Diagnostic::error(
            "SF0607",
            "The disk is full",
            format!("{what}. Nothing was started. Free some space and try again."),
        )),
        _ => failed(Diagnostic::error(
            "SF0606",
            "The directory of the runtime cannot be used",
            format!(
                "{what}. Nothing was started. The directory must be writable for the user that runs Steadfast."
            ),
        )),
    }
}

/// A record of an instance cannot be used.
pub(crate) fn record(error: &RecordError) -> Outcome {
    match error {
        RecordError::File(error) => file(error),
        RecordError::Damaged { .. } | RecordError::Newer { .. } => failed(Diagnostic::error(
            "SF0612",
            "The record of an instance cannot be read",
            format!(
                "{}. It is left as it is. Stop the instance to begin anew, or use the version of Steadfast that wrote it.",
                chain(error)
            ),
        )),
    }
}

/// The process was not there after all: found out by the attempt to execute it.
pub(crate) fn not_started(failure: &StartFailure) -> Outcome {
    use rustix::io::Errno;
    // Compared as numbers: 0, for what had none, is no `Errno`.
    let is_one_of = |errors: &[Errno]| errors.iter().any(|e| e.raw_os_error() == failure.errno);
    if is_one_of(&[Errno::NOENT, Errno::NOTDIR]) {
        // The file itself was looked for before: what is missing is its interpreter or loader.
        refused(Diagnostic::error(
            "SF0604",
            "The command does not exist",
            format!(
                "{} The file is there, so its interpreter (first line of a script) or loader is missing.",
                failure.what
            ),
        ))
    } else if is_one_of(&[
        Errno::ACCESS,
        Errno::PERM,
        Errno::NOEXEC,
        Errno::INVAL,
        Errno::TOOBIG,
    ]) {
        refused(not_executable(&failure.what))
    } else {
        failed(Diagnostic::error(
            "SF0609",
            "The shim of an instance did not start",
            failure.what.clone(),
        ))
    }
}

/// What was to run could not run on any machine: that speaks against it.
pub(crate) fn refused(diagnostic: Diagnostic) -> Outcome {
    Outcome::Refused {
        diagnostics: diagnostic.into(),
    }
}

/// This machine does not have, now, what it takes: that says nothing about what was to run.
pub(crate) fn failed(diagnostic: Diagnostic) -> Outcome {
    Outcome::Failed {
        diagnostics: diagnostic.into(),
        retry_after_ms: Some(crate::limits::RETRY_AFTER_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn what_the_machine_does_not_give_is_no_fault_of_what_was_to_run() {
        for (errno, code) in [
            (28, "SF0607"),
            (122, "SF0607"),
            (13, "SF0606"),
            (30, "SF0606"),
            (20, "SF0606"),
            (5, "SF0606"),
            (24, "SF0606"),
        ] {
            let outcome = file(&FileError {
                action: "write",
                path: "/x/spec.json".into(),
                source: io::Error::from_raw_os_error(errno),
            });
            let Outcome::Failed { diagnostics, .. } = outcome else {
                panic!("{errno}: {outcome:?}");
            };
            let diagnostic = &diagnostics.0[0];
            assert_eq!(diagnostic.code, code, "{errno}");
            assert!(diagnostic.detail.starts_with("cannot write /x/spec.json: "));
        }
    }

    #[test]
    fn what_exec_says_becomes_a_refusal_or_a_failure() {
        for (errno, code, again) in [
            (2, "SF0604", false),
            (8, "SF0605", false),
            (13, "SF0605", false),
            (7, "SF0605", false),
            (26, "SF0609", true),
            (12, "SF0609", true),
            (11, "SF0609", true),
            (0, "SF0609", true),
        ] {
            let outcome = not_started(&StartFailure {
                errno,
                what: "It did not work.".to_owned(),
            });
            let (diagnostics, may_try_again) = match outcome {
                Outcome::Failed { diagnostics, .. } => (diagnostics, true),
                Outcome::Refused { diagnostics } => (diagnostics, false),
                other => panic!("{other:?}"),
            };
            assert_eq!(
                (&*diagnostics.0[0].code, may_try_again),
                (code, again),
                "{errno}"
            );
        }
    }
}
