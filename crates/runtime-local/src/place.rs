//! Starting an instance, or finding it started.
//!
//! The order of the steps is what makes it repeatable: the order is durable, then the shim is started, then its report
//! is awaited. A crash between any two leaves a directory from which the next attempt goes on.

use crate::limits::{
    HEALTH_PATH_BYTES_MAX, KILL_TIMEOUT_MS, POLL_MS, SHIM_LOG_LINES_MAX, START_TIMEOUT_MS,
};
use crate::process::{self, LiveShim};
use crate::record::{Order, RecordError, Stage, Status};
use crate::shim::LAUNCH;
use crate::{Home, LocalRuntime, blocking, diag, files, log, port, program, stop};
use contract::{Outcome, Unavailable};
use model::{InstanceId, InstanceSpec};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a directory says before anything is done.
enum Found {
    /// A shim works on the very same order.
    Running,
    /// A shim is down and has not let go of its lock yet.
    Ending,
    /// There is no shim; the order to carry out must be written (again).
    NotRunning(Option<Order>),
}

/// What a look at the state came to.
enum Progress {
    Placed(String),
    Down(Box<Status>),
    NotYet,
}

pub(crate) async fn place(runtime: &LocalRuntime, spec: &InstanceSpec, unpacked: &Path) -> Outcome {
    match try_place(runtime, spec, unpacked).await {
        Ok(outcome) => outcome,
        Err(Unavailable(why)) => Outcome::Unknown { why },
    }
}

async fn try_place(
    runtime: &LocalRuntime,
    spec: &InstanceSpec,
    unpacked: &Path,
) -> Result<Outcome, Unavailable> {
    if let Err(refusal) = check(spec) {
        return Ok(refusal);
    }
    let changing = match runtime.change().await? {
        Ok(changing) => changing,
        Err(error) => return Ok(diag::file(&error)),
    };
    let home = runtime.home.clone();
    let instance = home.instance(&spec.instance);
    let unpacked = std::path::absolute(unpacked).unwrap_or_else(|_| unpacked.to_path_buf());
    let found = settled(&home, spec, &unpacked).await?;
    match found {
        Err(outcome) => return Ok(outcome),
        Ok(Found::Ending) => return Ok(diag::stopping(&spec.instance)),
        Ok(Found::Running) => {}
        Ok(Found::NotRunning(before)) => {
            if let Err(why) = end_leftovers(&instance).await? {
                return Ok(Outcome::Unknown { why });
            }
            if let Err(outcome) = start(&home, spec, unpacked, before).await? {
                return Ok(outcome);
            }
        }
    }
    // The shim takes its lock within milliseconds; holding the others up until the process runs would be unfair to
    // them, and until the lock is taken it would be unsafe to let them go on.
    if !until_locked(&instance).await? {
        return Ok(silent(&instance));
    }
    drop(changing);
    report(runtime, &spec.instance, &instance).await
}

/// What can be refused by looking at the specification alone.
fn check(spec: &InstanceSpec) -> Result<(), Outcome> {
    if !crate::is_usable(&spec.instance) {
        return Err(diag::refused(diag::unusable_name(&spec.instance)));
    }
    let refuse = |what: &str| Err(diag::refused(diag::unusable_spec(what)));
    let path = &spec.health_path;
    if !path.starts_with('/')
        || path.len() > HEALTH_PATH_BYTES_MAX
        || !path.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return refuse(&format!(
            "The path of the health check is {path:?}. It must begin with `/` and hold neither spaces nor other \
             characters that a URL has to escape."
        ));
    }
    if spec.run.iter().any(|word| word.contains('\0')) {
        return refuse("The command `run` holds a zero byte, which no process can be given.");
    }
    for (name, value) in &spec.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return refuse(&format!(
                "The environment variable {name:?} cannot be set: a name is not empty and holds no `=`, and neither name \
                 nor value holds a zero byte."
            ));
        }
    }
    Ok(())
}

/// What is there, once a shim that is down has also ended.
async fn settled(
    home: &Home,
    spec: &InstanceSpec,
    unpacked: &Path,
) -> Result<Result<Found, Outcome>, Unavailable> {
    let deadline = Instant::now() + Duration::from_millis(KILL_TIMEOUT_MS);
    // Bounded by the deadline.
    loop {
        let (home, spec, unpacked) = (home.clone(), spec.clone(), unpacked.to_path_buf());
        let found = blocking(move || find(&home, &spec, &unpacked)).await?;
        if !matches!(found, Ok(Found::Ending)) || Instant::now() >= deadline {
            return Ok(found);
        }
        sleep(Duration::from_millis(POLL_MS)).await;
    }
}

/// Looks at what is there and at what would be started, and changes nothing.
fn find(home: &Home, spec: &InstanceSpec, unpacked: &Path) -> Result<Found, Outcome> {
    let instance = home.instance(&spec.instance);
    let before = Order::read(&instance).map_err(|error| diag::record(&error))?;
    if let Some(order) = &before
        && order.spec != *spec
    {
        return Err(diag::failed(diag::other_spec(&spec.instance)));
    }
    let shim = LiveShim::of(&instance).map_err(|error| diag::file(&error))?;
    if let Some(shim) = shim {
        let status = Status::read(&instance).map_err(|error| diag::record(&error))?;
        // A state that another shim left says nothing about this one, which has just come up.
        let stage = status
            .filter(|status| status.shim == shim.pid)
            .map(|status| status.stage);
        return match stage {
            Some(Stage::Stopping) => Err(diag::stopping(&spec.instance)),
            Some(Stage::Down) => Ok(Found::Ending),
            Some(Stage::Starting | Stage::Running | Stage::Waiting) | None => Ok(Found::Running),
        };
    }
    match std::fs::metadata(unpacked) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            let why = "is not a directory";
            return Err(diag::failed(diag::no_artifact(unpacked, why)));
        }
        Err(error) => {
            let why = format!("cannot be looked at: {error}");
            return Err(diag::failed(diag::no_artifact(unpacked, &why)));
        }
    }
    program::resolve(spec, unpacked).map_err(|error| diag::refused(diag::no_program(&error)))?;
    Ok(Found::NotRunning(before))
}

/// Ends what a dead shim left behind: its process is dead by the death signal, but its group may have more.
pub(crate) async fn end_leftovers(instance: &Path) -> Result<Result<(), String>, Unavailable> {
    let deadline = Instant::now() + Duration::from_millis(KILL_TIMEOUT_MS);
    // Bounded by the deadline.
    loop {
        let directory = instance.to_path_buf();
        let left = blocking(move || {
            let status = Status::read(&directory).ok().flatten();
            let recorded = status.and_then(|status| status.process);
            recorded.map_or(0, |recorded| process::kill_group(&recorded))
        })
        .await?;
        if left == 0 {
            return Ok(Ok(()));
        }
        if Instant::now() >= deadline {
            return Ok(Err(format!(
                "{left} processes of {} were killed and do not end; they hang in the kernel",
                instance.display()
            )));
        }
        sleep(Duration::from_millis(POLL_MS)).await;
    }
}

/// Writes the order and starts the shim. What was begun for an instance that is new is taken back when that fails.
async fn start(
    home: &Home,
    spec: &InstanceSpec,
    unpacked: PathBuf,
    before: Option<Order>,
) -> Result<Result<(), Outcome>, Unavailable> {
    let instance = home.instance(&spec.instance);
    let fresh = before.is_none();
    let (home_there, spec) = (home.clone(), spec.clone());
    let ordered = blocking(move || order(&home_there, spec, unpacked, before)).await?;
    let started = match ordered {
        Ok(()) => launch(home, &instance).await?,
        Err(outcome) => Err(outcome),
    };
    if started.is_err() && fresh {
        blocking(move || std::fs::remove_dir_all(instance))
            .await?
            .ok();
    }
    Ok(started)
}

/// Makes what is asked for durable: command, environment, port.
fn order(
    home: &Home,
    spec: InstanceSpec,
    unpacked: PathBuf,
    before: Option<Order>,
) -> Result<(), Outcome> {
    let instance = home.instance(&spec.instance);
    let port = choose_port(home, &spec.instance, &instance, before.as_ref())?;
    let life = before.map_or(1, |order| order.life.saturating_add(1));
    let supervision = home.options.supervision.clone();
    let order = Order::new(spec, unpacked, port, life, supervision);
    files::create_dir(&instance).map_err(|error| diag::file(&error))?;
    order
        .write(&instance)
        .map_err(|error| diag::record(&error))?;
    // A stop that was asked for in an earlier life is not asked of this one.
    let _ = std::fs::remove_file(instance.join("stop.json"));
    Ok(())
}

/// The port it had, if that is free; another if nothing can depend on the old one yet.
fn choose_port(
    home: &Home,
    id: &InstanceId,
    instance: &Path,
    before: Option<&Order>,
) -> Result<u16, Outcome> {
    if let Some(order) = before {
        if port::is_free(order.port) {
            return Ok(order.port);
        }
        if instance.join("healthy").exists() {
            return Err(diag::port_taken(id, order.port));
        }
    }
    let others = home.list().map_err(|error| diag::file(&error))?;
    let taken: BTreeSet<u16> = others
        .iter()
        // An order that cannot be read belongs to an instance that cannot be started either.
        .filter_map(|other| Order::read(&home.instance(other)).ok().flatten())
        .map(|order| order.port)
        .collect();
    port::choose(instance, &taken).ok_or_else(diag::no_port)
}

/// Starts the shim in the background and waits for the stage that does so.
async fn launch(home: &Home, instance: &Path) -> Result<Result<(), Outcome>, Unavailable> {
    let Some((program, arguments)) = home.options.shim_command.split_first() else {
        return Ok(Err(diag::no_shim(
            "The runtime was given no command for it.",
        )));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(LAUNCH)
        .arg(instance)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(files::open_private(&instance.join("shim.log")).map_or(Stdio::null(), Stdio::from));
    // What a dynamic loader and a lookup need; nothing that may be secret.
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let shown = Path::new(program).display();
    let mut child = match blocking(move || command.spawn()).await? {
        Ok(child) => child,
        Err(error) => {
            let what = format!("{shown} cannot be executed: {error}.");
            return Ok(Err(diag::no_shim(&what)));
        }
    };
    let deadline = Instant::now() + Duration::from_millis(START_TIMEOUT_MS);
    while Instant::now() < deadline {
        let how = match child.try_wait() {
            Ok(None) => {
                sleep(Duration::from_millis(POLL_MS)).await;
                continue;
            }
            Ok(Some(status)) if status.success() => return Ok(Ok(())),
            Ok(Some(status)) => format!("{shown} ended with {status}"),
            Err(error) => format!("{shown} was lost sight of: {error}"),
        };
        let what = format!("{how}. {}", shim_said(instance));
        return Ok(Err(diag::no_shim(&what)));
    }
    // It is killed, so that it can have no effect later.
    let _ = child.kill();
    blocking(move || child.wait()).await?.ok();
    let what = format!(
        "{shown} did not end within {START_TIMEOUT_MS} ms. {}",
        shim_said(instance)
    );
    Ok(Err(diag::no_shim(&what)))
}

fn shim_said(instance: &Path) -> String {
    let lines = log::last_lines(&instance.join("shim.log"), SHIM_LOG_LINES_MAX);
    if lines.is_empty() {
        "It said nothing.".to_owned()
    } else {
        format!("It said: {}.", lines.join("; "))
    }
}

/// The shim was started and is not to be seen.
fn silent(instance: &Path) -> Outcome {
    Outcome::Unknown {
        why: format!(
            "the shim did not report within {START_TIMEOUT_MS} ms. {}",
            shim_said(instance)
        ),
    }
}

/// Until the shim has its lock, or is through already; false when that does not come about.
async fn until_locked(instance: &Path) -> Result<bool, Unavailable> {
    let deadline = Instant::now() + Duration::from_millis(START_TIMEOUT_MS);
    while Instant::now() < deadline {
        let directory = instance.to_path_buf();
        let seen = blocking(move || {
            // When neither can be read, the report will say so.
            !matches!(LiveShim::of(&directory), Ok(None))
                || !matches!(progress(&directory), Ok(Progress::NotYet))
        })
        .await?;
        if seen {
            return Ok(true);
        }
        sleep(Duration::from_millis(POLL_MS)).await;
    }
    Ok(false)
}

/// Waits for the shim's word that the process runs, or that it could not be started.
async fn report(
    runtime: &LocalRuntime,
    id: &InstanceId,
    instance: &Path,
) -> Result<Outcome, Unavailable> {
    let deadline = Instant::now() + Duration::from_millis(START_TIMEOUT_MS);
    while Instant::now() < deadline {
        let directory = instance.to_path_buf();
        match blocking(move || progress(&directory)).await? {
            Ok(Progress::Placed(address)) => return Ok(Outcome::Placed { address }),
            Ok(Progress::Down(status)) => return went_down(runtime, id, *status).await,
            Ok(Progress::NotYet) => {}
            Err(error) => return Err(Unavailable(files::chain(&error))),
        }
        sleep(Duration::from_millis(POLL_MS)).await;
    }
    Ok(silent(instance))
}

fn progress(instance: &Path) -> Result<Progress, RecordError> {
    let shim = LiveShim::of(instance)?.map(|shim| shim.pid);
    let (Some(status), Some(order)) = (Status::read(instance)?, Order::read(instance)?) else {
        return Ok(Progress::NotYet);
    };
    Ok(match status.stage {
        // Written by the shim that lives now, whichever life's order it works on: the port it was given is the one
        // that counts.
        Stage::Running | Stage::Waiting if shim == Some(status.shim) => {
            Progress::Placed(address(&status))
        }
        Stage::Down if status.life == order.life => Progress::Down(Box::new(status)),
        Stage::Starting | Stage::Running | Stage::Waiting | Stage::Stopping | Stage::Down => {
            Progress::NotYet
        }
    })
}

pub(crate) fn address(status: &Status) -> String {
    format!("127.0.0.1:{}", status.port)
}

/// The shim is through already: the command could not be executed, or ended at once and for good.
async fn went_down(
    runtime: &LocalRuntime,
    id: &InstanceId,
    status: Status,
) -> Result<Outcome, Unavailable> {
    let Some(failure) = &status.start_failure else {
        return Ok(Outcome::Placed {
            address: address(&status),
        });
    };
    let outcome = diag::not_started(failure);
    if status.starts == 0 {
        // Nothing ever ran, so nothing may be left.
        let _changing = match runtime.change().await? {
            Ok(changing) => changing,
            Err(error) => return Ok(diag::file(&error)),
        };
        stop::remove(&runtime.home, id).await?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Supervision;
    use crate::{LocalRuntime, Options};
    use model::{Digest, Version};

    #[test]
    fn the_port_of_an_instance_that_is_down_is_not_given_away() {
        let temporary = tempfile::tempdir().unwrap();
        let options = Options::new(temporary.path().to_path_buf(), Vec::new());
        let home = LocalRuntime::new(options).home;
        let (down, new) = (InstanceId("down".to_owned()), InstanceId("new".to_owned()));
        let choose = || choose_port(&home, &new, &home.instance(&new), None).unwrap();
        let wanted = choose();
        let spec = InstanceSpec {
            instance: down.clone(),
            service: "web".into(),
            version: Version(Digest([0; 32])),
            artifact: Digest([0; 32]),
            run: Vec::new(),
            env: Default::default(),
            health_path: "/".to_owned(),
            health_timeout_ms: 1,
            memory_bytes_max: 0,
        };
        let directory = home.instance(&down);
        std::fs::create_dir_all(&directory).unwrap();
        let order = Order::new(spec, "/".into(), wanted, 1, Supervision::default());
        order.write(&directory).unwrap();
        assert_ne!(choose(), wanted);
    }
}
