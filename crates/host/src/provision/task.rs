//! One program under way, with what is kept of it: a lock for as long as it lives, a log of what it wrote, and its exit
//! status once it has ended.

use crate::diag::{self, Trouble};
use crate::limits::TAIL_BYTES_MAX;
use crate::process::Lock;
use contract::{Inquiry, Outcome};
use model::ActionId;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Runs the program of its arguments and writes down how it ended in the file `$1`, whole or not at all. Its own input
/// is the lock, which is so held until the program has ended; the program's is empty.
const WRAPPER: &str = r#"status=$1; shift; "$@" </dev/null; code=$?
printf %s "$code" >"$status.new" && mv "$status.new" "$status"; exit "$code""#;

/// A program to run.
pub(super) struct Program {
    pub(super) argv: Vec<String>,
    /// Added to the environment of this process.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) directory: PathBuf,
    /// What it is called in messages.
    pub(super) shown: String,
}

/// How a program ended.
pub(super) struct Ended {
    /// Its exit status; none when it was killed.
    pub(super) code: Option<i32>,
    /// The last of what it wrote.
    pub(super) output: String,
}

/// Where the files of an action are.
pub(super) struct Task {
    scratch: PathBuf,
    action: ActionId,
}

impl Task {
    pub(super) fn new(scratch: &Path, action: ActionId) -> Self {
        Self {
            scratch: scratch.to_owned(),
            action,
        }
    }

    /// A file of this action.
    pub(super) fn file(&self, kind: &str) -> PathBuf {
        let name = format!("{}-provision.{kind}", self.action);
        self.scratch.join(name)
    }

    /// Runs a program to its end.
    pub(super) async fn run(&self, program: &Program) -> Result<Ended, Trouble> {
        if !program.directory.is_dir() {
            return Err(diag::no_directory(&program.directory).into());
        }
        let trouble = |error: io::Error| diag::system("write to", &self.scratch, &error);
        let Some(lock) = self.begin().map_err(trouble)? else {
            let why = format!("an earlier attempt at {} still runs", program.shown);
            return Err(Trouble::Lost(why));
        };
        let log = File::create(self.file("log")).map_err(trouble)?;
        let errors = log.try_clone().map_err(trouble)?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WRAPPER, "provisioner"])
            .arg(self.file("status"))
            .args(&program.argv)
            .envs(&program.environment)
            .current_dir(&program.directory)
            .process_group(0)
            .stdin(lock.held().map_err(trouble)?)
            .stdout(log)
            .stderr(errors);
        let child = command.spawn();
        // From here on only the program holds the lock.
        drop((command, lock));
        let mut child = child.map_err(|error| diag::not_started(&program.shown, &error))?;
        let status = child.wait().await;
        let status = status.map_err(|error| Trouble::Lost(error.to_string()))?;
        Ok(Ended {
            code: status.code(),
            output: self.output(),
        })
    }

    /// Takes the lock; none when an earlier attempt still holds it. From here on the action counts as begun, also when
    /// the machine loses its power.
    fn begin(&self) -> io::Result<Option<Lock>> {
        let Some(lock) = Lock::take(&self.file("lock"))? else {
            return Ok(None);
        };
        File::open(&self.scratch)?.sync_all()?;
        match fs::remove_file(self.file("status")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Some(lock)),
        }
    }

    /// What became of an action that an engine was lost with. `tells` says of an exit status whether it is that of what
    /// was run.
    pub(super) fn look(&self, tells: impl Fn(i32) -> bool) -> Inquiry {
        let lock = self.file("lock");
        match Lock::is_held(&lock) {
            Ok(true) => return Inquiry::NotYet,
            Ok(false) if !lock.exists() => return Inquiry::Absent,
            Ok(false) => {}
            Err(error) => {
                return Inquiry::Unclear {
                    what: format!("{} cannot be looked at: {error}", lock.display()),
                };
            }
        }
        let status = fs::read_to_string(self.file("status"));
        let code = status.ok().and_then(|text| text.trim().parse().ok());
        let output = self.output();
        match code.filter(|code| tells(*code)) {
            Some(code) => Inquiry::Found(outcome(
                "the provisioner",
                Ended {
                    code: Some(code),
                    output,
                },
            )),
            None => Inquiry::Unclear {
                what: format!(
                    "it was begun, and ended without telling how{}",
                    last(&output)
                ),
            },
        }
    }

    /// Removes what is kept.
    pub(super) fn forget(&self) {
        for kind in ["lock", "log", "status", "status.new"] {
            // What stays behind does no harm: no other action has this name.
            let _ = fs::remove_file(self.file(kind));
        }
    }

    /// The end of what it wrote.
    fn output(&self) -> String {
        let tail = || -> io::Result<Vec<u8>> {
            let mut log = File::open(self.file("log"))?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(
                length.saturating_sub(TAIL_BYTES_MAX as u64),
            ))?;
            let mut bytes = Vec::new();
            log.take(TAIL_BYTES_MAX as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        // A log that is gone says nothing.
        let bytes = tail().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }
}

/// The end of an output as a part of a sentence.
pub(super) fn last(output: &str) -> String {
    match output.is_empty() {
        true => String::new(),
        false => format!("\nLast of what it wrote:\n{output}"),
    }
}

/// What a program's end means.
pub(super) fn outcome(shown: &str, ended: Ended) -> Outcome {
    let how = match ended.code {
        Some(0) => {
            return Outcome::Provisioned {
                output: ended.output,
            };
        }
        Some(code) => format!("exit status {code}"),
        None => "killed by a signal".to_owned(),
    };
    // What it wrote stands beside it, and may have to be left out.
    let diagnostics = diag::command_failed(shown, &how, "").into();
    Outcome::Broken {
        output: ended.output,
        diagnostics,
    }
}
