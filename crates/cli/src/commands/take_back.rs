//! `rollback RUN`: takes back what a run did, shown as a plan first; and the same where an object that was not healthy
//! in time says so (`on_failure = "rollback"`).

use super::apply::{finish, nobody_to_ask, stored_sources};
use super::delivery::{loaded_release, stored_release};
use super::takeover::{Then, submit, take_over};
use crate::args::{RollbackArgs, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::project::options_in;
use crate::render::progress::Progress;
use crate::render::style::{RESET, WARN};
use crate::session::{Session, actor, fresh};
use decide::World;
use decide::take_back::{self, Before, Done};
use engine::Engine;
use model::{Address, Digest, Event, RunId, RunKind, RunOptions};

/// Fewest digits by which a run is named where an environment could stand.
const RUN_DIGITS_MIN: usize = 4;

/// The run whose work is to be taken back, if the first argument names one.
pub(super) fn named(session: &Session, args: &RollbackArgs) -> Result<Option<RunId>, CommandError> {
    let mut found = None;
    if let Some(word) = args.environment.as_deref()
        && word.len() >= RUN_DIGITS_MIN
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        let environment = session.environment(args.env.as_deref())?;
        let (world, _) = session.world(&environment)?;
        let open = world.run.iter().map(|run| (run.id, run.kind));
        let over = world.runs.iter().map(|run| (run.id, run.kind));
        let named: Vec<_> = over
            .chain(open)
            .filter(|(id, _)| id.to_string().starts_with(word))
            .collect();
        found = match named.as_slice() {
            [] => None,
            [(id, RunKind::Apply | RunKind::Deploy)] => Some(*id),
            [(id, _)] => {
                return Err(CommandError::Usage(format!(
                    "run {id} changed no resources; go back to a release instead: steadfast rollback {environment}"
                )));
            }
            several => {
                return Err(CommandError::Usage(format!(
                    "{word} could be any of {} runs; give more digits",
                    several.len()
                )));
            }
        };
    }
    let of_run = !args.allow_destroy.is_empty() || args.env.is_some();
    if found.is_none() && of_run {
        return Err(CommandError::Usage(
            "-allow-destroy and -env are for taking back a run, and none is named; see steadfast history".to_owned(),
        ));
    }
    if found.is_some() && args.to.is_some() {
        return Err(CommandError::Usage(
            "either a run is taken back, or -to names the release to go back to".to_owned(),
        ));
    }
    Ok(found)
}

/// Takes a run back.
pub(super) fn take_back(
    session: &Session,
    args: &RollbackArgs,
    run: RunId,
    json: bool,
) -> Result<u8, CommandError> {
    if json && !args.auto_approve {
        return Err(nobody_to_ask("--json"));
    }
    let environment = &*session.environment(args.env.as_deref())?;
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, environment)?;
    // What became of everything under way is known before anything is taken back.
    if let Some(code) = take_over(session, &mut engine, Then::Close, json)? {
        return Ok(code);
    }
    let (done, before) = read(session, environment, run)?;
    if done.delivered {
        return Err(CommandError::Usage(format!(
            "run {run} moved services; go back to a release instead: steadfast rollback {environment}"
        )));
    }
    if let Some((later, address)) = &done.later {
        return Err(CommandError::Failed(format!(
            "run {later} changed {address} after run {run} did; take that one back first. Nothing was changed"
        )));
    }
    if done.changed.is_empty() {
        if !json {
            anstream::println!("Run {run} changed nothing, so there is nothing to take back.");
        }
        return Ok(exit::OK);
    }
    let allowed = allowed(args, &done)?;
    if !json {
        anstream::println!("Taking back run {run}.");
    }
    carry_out(
        session,
        &mut engine,
        (&done, &before),
        allowed,
        args.auto_approve,
        json,
    )
}

/// Takes back the run that closed last, where an object of it was not healthy in time and says so. None where nothing
/// is owed.
///
/// Nobody is asked: `on_failure = "rollback"` was agreed to with the plan. What would destroy data is refused.
pub(super) fn take_back_owed(
    session: &Session,
    engine: &mut Engine,
    json: bool,
) -> Result<Option<u8>, CommandError> {
    let Some(run) = engine.world().owed.filter(|_| !session.was_interrupted()) else {
        return Ok(None);
    };
    let environment = engine.world().environment.to_string();
    let (done, before) = read(session, &environment, run)?;
    if done.changed.is_empty() {
        return Ok(None);
    }
    if json {
        let line = serde_json::json!({
            "type": "taking_back", "environment": environment, "run": run.to_string(),
        });
        anstream::println!("{line}");
    } else {
        anstream::println!(
            "{WARN}Taking back run {run}{RESET}, as on_failure = \"rollback\" says."
        );
    }
    let code = carry_out(session, engine, (&done, &before), Vec::new(), true, json)?;
    if code == exit::FAILED && !json {
        anstream::println!("Once the cause is gone: steadfast rollback {run}");
    }
    Ok(Some(code))
}

/// The run that takes back another.
fn carry_out(
    session: &Session,
    engine: &mut Engine,
    (done, before): (&Done, &Before),
    allowed: Vec<Address>,
    auto_approve: bool,
    json: bool,
) -> Result<u8, CommandError> {
    let environment = engine.world().environment.to_string();
    let (release, options) = request(session, allowed, &environment, done, before)?;
    let mut progress = Progress::new(json);
    let event = Event::Submitted {
        run: RunId(fresh()?),
        kind: RunKind::Apply,
        release,
        actor: actor(),
        options,
    };
    submit(session, engine, event, Vec::new(), &mut progress)?;
    let sources = stored_sources(session, engine)?;
    finish(session, engine, &mut progress, &sources, auto_approve, json)
}

/// What the run did, and what stood before it.
fn read(session: &Session, environment: &str, run: RunId) -> Result<(Done, Before), CommandError> {
    let missing = || CommandError::Failed(format!("the book of `{environment}` has no run {run}"));
    let reader = session.reader()?.ok_or_else(missing)?;
    let secrets = session.secrets()?;
    let entries = engine::entries(&reader, environment, secrets.as_ref())?;
    let done = take_back::done_by(&mut entries.iter(), run).ok_or_else(missing)?;
    let mut before = None;
    engine::folded(&reader, environment, secrets.as_ref(), |world: &World| {
        if before.is_none() && world.run.as_ref().is_some_and(|one| one.id == run) {
            before = Some(Before {
                in_force: world.in_force,
                objects: world.resources.keys().cloned().collect(),
            });
        }
    })?;
    Ok((done, before.ok_or_else(missing)?))
}

/// The release to carry out, and how.
fn request(
    session: &Session,
    allowed: Vec<Address>,
    environment: &str,
    done: &Done,
    before: &Before,
) -> Result<(Digest, RunOptions), CommandError> {
    let digests = [done.release].into_iter().chain(before.in_force);
    let loaded: Result<Vec<_>, CommandError> = digests
        .map(|digest| loaded_release(session, &digest, &Variables::default()))
        .collect();
    let loaded = loaded?;
    let loaded: Vec<_> = loaded.iter().map(|one| &**one).collect();
    let (release, options) =
        take_back::options(RunOptions::default(), done, before, &loaded, allowed);
    let base = options_in(&stored_release(session, &release)?, environment);
    Ok((
        release,
        RunOptions {
            seed: fresh()?,
            environment: base.environment,
            workspace: base.workspace,
            ..options
        },
    ))
}

/// Objects that may be destroyed although they hold data: those of the run that are named.
fn allowed(args: &RollbackArgs, done: &Done) -> Result<Vec<Address>, CommandError> {
    let named = args.allow_destroy.iter().map(|word| {
        let found = done.changed.iter().find(|one| one.to_string() == *word);
        found.cloned().ok_or_else(|| {
            CommandError::Usage(format!(
                "-allow-destroy={word}: run {} changed no such object",
                done.run
            ))
        })
    });
    named.collect()
}
