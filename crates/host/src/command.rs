//! `host_command`: a command that is run once, and again when what it was run for changes.
//!
//! With `creates` or `unless` the command has a check, so it can be found out whether it took effect: it may be
//! repeated, and drift shows. Without one nobody can tell whether a lost run happened, and a person is asked. A command
//! that fails has had some effect: its object exists and is replaced next time.

use crate::diag::{self, Trouble};
use crate::form::{self, Parts, Said};
use crate::limits::{
    COMMAND_TIMEOUT_MS_DEFAULT, COMMAND_TIMEOUT_MS_MAX, STDOUT_BYTES_MAX, STILL_RUNNING_EVERY_MS,
    STILL_RUNNING_RETRY_MS, STILL_RUNNING_THERE_EVERY_MS,
};
use crate::machine::Machine;
use crate::process::{Ended, Output, Run, shown};
use crate::standing::{self, Standing};
use contract::{Answer, Inquiry, Outcome};
use model::{ActionId, BlockSchema, Change, Repeat};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use value::{Data, Diagnostic, Diagnostics, Type, Value};

/// Attributes whose change runs the command again.
const RUNS_AGAIN: [&str; 6] = [
    "command",
    "creates",
    "directory",
    "environment",
    "triggers",
    "unless",
];

/// Attributes that hold a command.
const COMMANDS: [&str; 3] = ["command", "unless", "destroy"];

pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut found = Diagnostics::new();
    for name in COMMANDS {
        if let Err(diagnostic) = argv(config, name) {
            found.push(diagnostic);
        }
    }
    if let Err(diagnostic) = timeout_ms(config) {
        found.push(diagnostic);
    }
    for name in ["creates", "directory"] {
        if let Some(path) = form::known(config, name)
            && let Err(diagnostic) = standing::check_text(name, path)
        {
            found.push(diagnostic);
        }
    }
    for (name, value) in config
        .get("environment")
        .and_then(Value::entries)
        .into_iter()
        .flatten()
    {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        if !is_name || value.as_str().is_some_and(|text| text.contains('\0')) {
            let why = format!("has the variable {name:?}, which no environment can hold");
            found.push(diag::invalid_command("environment", &why));
        }
    }
    found
}

/// A command attribute as program and arguments.
fn argv(config: &Value, name: &str) -> Result<Said<Vec<String>>, Diagnostic> {
    let Some(value) = config.get(name) else {
        return Ok(Said::Nothing);
    };
    if !value.is_wholly_known() {
        return Ok(Said::Later);
    }
    let argv = match value.data() {
        Data::Null(_) => return Ok(Said::Nothing),
        Data::String(text) if text.trim().is_empty() => {
            return Err(diag::invalid_command(name, "is empty"));
        }
        Data::String(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.to_string()],
        Data::List(_, items) | Data::Tuple(items) => {
            let words = items.iter().map(|item| item.as_str().map(str::to_owned));
            let words: Option<Vec<String>> = words.collect();
            words.ok_or_else(|| diag::invalid_command(name, "has elements that are no text"))?
        }
        _ => return Err(diag::invalid_command(name, "is neither a list nor a text")),
    };
    if argv.first().is_none_or(String::is_empty) {
        return Err(diag::invalid_command(name, "names no program"));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return Err(diag::invalid_command(name, "contains a NUL character"));
    }
    Ok(Said::This(argv))
}

fn timeout_ms(config: &Value) -> Result<u64, Diagnostic> {
    let Some(text) = form::known(config, "timeout") else {
        return Ok(COMMAND_TIMEOUT_MS_DEFAULT);
    };
    duration_ms(text)
        .filter(|ms| (1..=COMMAND_TIMEOUT_MS_MAX).contains(ms))
        .ok_or_else(|| diag::invalid_duration(text, COMMAND_TIMEOUT_MS_MAX))
}

/// Reads numbers with units, such as `1h30m` or `500ms`.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit_ms)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

pub(crate) fn plan(config: &Value, prior: &Value) -> Result<Answer, Diagnostics> {
    let found = validate(config);
    if found.has_errors() {
        return Err(found);
    }
    let replace: Vec<&'static str> = RUNS_AGAIN
        .into_iter()
        .filter(|name| !prior.is_null() && !form::same(config, prior, name))
        .collect();
    let fresh = prior.is_null() || !replace.is_empty();
    let result = |name: &'static str, ty: Type| {
        let before = prior.get(name).filter(|_| !fresh).cloned();
        (name, before.unwrap_or_else(|| Value::unknown(ty)))
    };
    let results = [
        result("id", Type::String),
        result("exit_code", Type::Number),
        result("stdout", Type::String),
        result("ran", Type::Bool),
    ];
    // A change that runs nothing only takes note of new attributes.
    let repeat = if fresh && !has_check(config) {
        Repeat::Never
    } else {
        Repeat::Safe
    };
    Ok(form::planned(form::with(config, results), &replace, repeat))
}

/// Whether it can be found out if the command took effect. What is unknown yet may turn out to be null.
fn has_check(config: &Value) -> bool {
    ["creates", "unless"].into_iter().any(|name| {
        config
            .get(name)
            .is_some_and(|value| value.is_known() && !value.is_null())
    })
}

/// One command object, with everything resolved.
struct Job<'a> {
    machine: &'a Machine,
    object: &'a Value,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    timeout_ms: u64,
}

impl<'a> Job<'a> {
    fn of(machine: &'a Machine, object: &'a Value) -> Result<Self, Diagnostic> {
        let entries = object.get("environment").and_then(Value::entries);
        let environment = entries.into_iter().flatten().filter_map(|(name, value)| {
            let value = value.as_str()?;
            Some((name.to_string(), value.to_owned()))
        });
        Ok(Self {
            machine,
            object,
            environment: environment.collect(),
            directory: match form::known(object, "directory") {
                Some(directory) => machine.path(directory),
                None => machine.home(),
            },
            timeout_ms: timeout_ms(object)?,
        })
    }

    fn command(&self, name: &str) -> Result<Option<Run>, Diagnostic> {
        Ok(match argv(self.object, name)? {
            Said::This(argv) => Some(Run {
                argv,
                environment: self.environment.clone(),
                directory: self.directory.clone(),
                timeout_ms: self.timeout_ms,
            }),
            Said::Nothing | Said::Later => None,
        })
    }

    /// Whether its check says that it is done; none where it has no check.
    async fn is_done(&self, action: ActionId) -> Result<Option<bool>, Trouble> {
        let creates = form::known(self.object, "creates");
        if let Some(creates) = creates
            && !matches!(
                self.machine.look_soon(&self.machine.path(creates)).await?,
                Standing::Nothing
            )
        {
            return Ok(Some(true));
        }
        let Some(unless) = self.command("unless")? else {
            return Ok(creates.map(|_| false));
        };
        let shown = shown(&unless.argv);
        match self.machine.run(&unless, action, "unless").await? {
            Ended::Exited(status, _) => Ok(Some(status.success())),
            Ended::TimedOut(output) => {
                Err(diag::timed_out(&shown, self.timeout_ms, &output.last()).into())
            }
            Ended::NotStarted(error) => Err(diag::not_started(&shown, &error).into()),
            Ended::Busy => Err(busy(&shown)),
        }
    }

    fn check_in_words(&self) -> String {
        match (
            form::known(self.object, "creates"),
            argv(self.object, "unless"),
        ) {
            (_, Ok(Said::This(argv))) => format!("the check {}", shown(&argv)),
            (Some(creates), _) => format!("the absence of {creates}"),
            (None, _) => "no check".into(),
        }
    }
}

fn busy(command: &str) -> Trouble {
    Trouble::Failed(diag::still_running(command), Some(STILL_RUNNING_RETRY_MS))
}

pub(crate) async fn read(
    machine: &Machine,
    action: ActionId,
    prior: &Value,
) -> Result<Answer, Trouble> {
    let done = Job::of(machine, prior)?.is_done(action).await?;
    let object = (done != Some(false)).then(|| prior.clone());
    Ok(form::read(object, Diagnostics::new()))
}

pub(crate) async fn apply(
    machine: &Machine,
    block: &BlockSchema,
    action: ActionId,
    change: &Change,
) -> Result<Outcome, Trouble> {
    match form::parts(block, change)? {
        Parts::Create { config, .. } => create(&Job::of(machine, config)?, action, change).await,
        // Nothing is run: the new attributes are taken note of.
        Parts::Update { .. } => Ok(form::changed(
            form::fill(change, &results(action, None, "", false)),
            Diagnostics::new(),
        )),
        Parts::Delete { prior } => destroy(&Job::of(machine, prior)?, action).await,
    }
}

async fn create(job: &Job<'_>, action: ActionId, change: &Change) -> Result<Outcome, Trouble> {
    let Some(run) = job.command("command")? else {
        return Err(diag::invalid_command("command", "is not set").into());
    };
    let command = shown(&run.argv);
    if held(job, action, "command").await? {
        return Err(busy(&command));
    }
    if job.is_done(action).await? == Some(true) {
        let results = results(action, None, "", false);
        return Ok(form::changed(
            form::fill(change, &results),
            Diagnostics::new(),
        ));
    }
    let (status, output) = match job.machine.run(&run, action, "command").await? {
        Ended::Exited(status, output) => (Some(status), output),
        Ended::TimedOut(output) => (None, output),
        Ended::NotStarted(error) => return Err(diag::not_started(&command, &error).into()),
        Ended::Busy => return Err(busy(&command)),
    };
    let stdout = String::from_utf8_lossy(&output.stdout.head).into_owned();
    let code = status.and_then(|status| status.code());
    let object = form::fill(change, &results(action, code, &stdout, true));
    let last = output.last();
    let trouble = match status {
        None => Some(diag::timed_out(&command, job.timeout_ms, &last)),
        Some(status) if !status.success() => {
            Some(diag::command_failed(&command, &how(status), &last))
        }
        Some(_) => match job.is_done(action).await {
            Ok(Some(false)) => Some(diag::check_fails(&command, &job.check_in_words(), &last)),
            Ok(Some(true) | None) => None,
            Err(trouble) => trouble.into_diagnostics().0.into_iter().next(),
        },
    };
    Ok(outcome(object, trouble, &command, &output))
}

fn outcome(
    object: Option<Value>,
    trouble: Option<Diagnostic>,
    command: &str,
    output: &Output,
) -> Outcome {
    let mut diagnostics = Diagnostics::new();
    if output.stdout.cut {
        diagnostics.push(diag::output_cut(command, STDOUT_BYTES_MAX));
    }
    match (trouble, object) {
        (Some(trouble), Some(object)) => {
            diagnostics.push(trouble);
            Outcome::Partial {
                object,
                private: Vec::new(),
                diagnostics,
            }
        }
        (Some(trouble), None) => Outcome::Unknown {
            why: trouble.detail,
        },
        (None, object) => form::changed(object, diagnostics),
    }
}

async fn destroy(job: &Job<'_>, action: ActionId) -> Result<Outcome, Trouble> {
    let Some(run) = job.command("destroy")? else {
        return Ok(form::deleted());
    };
    let command = shown(&run.argv);
    if held(job, action, "destroy").await? {
        return Err(busy(&command));
    }
    // What its check says is not there needs no destroying.
    if job.is_done(action).await? == Some(false) {
        return Ok(form::deleted());
    }
    let trouble = match job.machine.run(&run, action, "destroy").await? {
        Ended::Exited(status, _) if status.success() => return Ok(form::deleted()),
        Ended::Exited(status, output) => {
            diag::command_failed(&command, &how(status), &output.last())
        }
        Ended::TimedOut(output) => diag::timed_out(&command, job.timeout_ms, &output.last()),
        Ended::NotStarted(error) => return Err(diag::not_started(&command, &error).into()),
        Ended::Busy => return Err(busy(&command)),
    };
    Ok(Outcome::Partial {
        object: job.object.clone(),
        private: Vec::new(),
        diagnostics: trouble.into(),
    })
}

/// What only the run can say. `ran` is false where the command was found done.
fn results(
    action: ActionId,
    code: Option<i32>,
    stdout: &str,
    ran: bool,
) -> [(&'static str, Value); 4] {
    let code = code.map_or_else(
        || Value::null(Type::Number),
        |code| Value::number(i64::from(code)),
    );
    [
        ("id", Value::string(format!("command-{action}"))),
        ("exit_code", code),
        ("stdout", Value::string(stdout)),
        ("ran", Value::bool(ran)),
    ]
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".into(),
    }
}

/// Whether an earlier attempt holds a lock, after waiting for its end: whoever was killed beside it left it running,
/// and it has as long as any other. Nobody is told, so it is looked at again and again.
async fn held(job: &Job<'_>, action: ActionId, name: &str) -> Result<bool, Trouble> {
    let machine = job.machine;
    let every_ms = match machine.is_here() {
        true => STILL_RUNNING_EVERY_MS,
        false => STILL_RUNNING_THERE_EVERY_MS,
    };
    for _ in 0..=job.timeout_ms / every_ms {
        if !machine.is_running(action, name).await? {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(every_ms)).await;
    }
    machine.is_running(action, name).await
}

pub(crate) async fn inquire(
    machine: &Machine,
    block: &BlockSchema,
    action: ActionId,
    change: &Change,
) -> Result<Inquiry, Trouble> {
    match form::parts(block, change)? {
        Parts::Update { .. } => {
            let object = form::fill(change, &results(action, None, "", false));
            Ok(Inquiry::Found(form::changed(object, Diagnostics::new())))
        }
        Parts::Create { config, .. } => {
            let job = Job::of(machine, config)?;
            if held(&job, action, "command").await? {
                return Ok(Inquiry::NotYet);
            }
            Ok(match job.is_done(action).await? {
                Some(true) => {
                    // It ran, as far as its check can tell; what it wrote is lost.
                    let results = results(action, None, "", true);
                    Inquiry::Found(form::changed(
                        form::fill(change, &results),
                        Diagnostics::new(),
                    ))
                }
                Some(false) => Inquiry::Absent,
                None => cannot_tell(
                    &job,
                    "command",
                    "Give it `creates` or `unless` to have that found out.",
                ),
            })
        }
        Parts::Delete { prior } => {
            let job = Job::of(machine, prior)?;
            if job.command("destroy")?.is_none() {
                return Ok(Inquiry::Found(form::deleted()));
            }
            if held(&job, action, "destroy").await? {
                return Ok(Inquiry::NotYet);
            }
            Ok(match job.is_done(action).await? {
                Some(false) => Inquiry::Found(form::deleted()),
                Some(true) => Inquiry::Absent,
                None => cannot_tell(&job, "destroy", ""),
            })
        }
    }
}

fn cannot_tell(job: &Job<'_>, name: &str, advice: &str) -> Inquiry {
    let command = match argv(job.object, name) {
        Ok(Said::This(argv)) => shown(&argv),
        Ok(Said::Nothing | Said::Later) | Err(_) => name.to_owned(),
    };
    let what = format!(
        "nobody can tell whether {command} (in {}) was run to its end; it is not running now. {advice}",
        match job.directory.as_os_str().is_empty() {
            true => "the home directory there".into(),
            false => job.directory.to_string_lossy(),
        }
    );
    Inquiry::Unclear {
        what: what.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        let cases = [
            ("5m", Some(300_000)),
            ("90s", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1m500ms", Some(60_500)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("-5m", None),
            ("1.5h", None),
            ("5d", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ];
        for (text, ms) in cases {
            assert_eq!(duration_ms(text), ms, "{text:?}");
        }
    }

    #[test]
    fn command_lines_are_shown_as_a_shell_would_take_them() {
        let words = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        let cases = [
            (words(&["ls", "-l", "/tmp"]), "`ls -l /tmp`"),
            (words(&["echo", "it's", ""]), r"`echo 'it'\''s' ''`"),
            (words(&["/bin/sh", "-c", "a | b"]), "`a | b`"),
        ];
        for (argv, expected) in cases {
            assert_eq!(shown(&argv), expected);
        }
    }
}
