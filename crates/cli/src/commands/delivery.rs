//! `deploy`, `rollback`, `lift`, `stop`, `logs`: releases and environments.

use super::apply::{compiled, finish, nobody_to_ask, stored_sources};
use super::take_back;
use super::takeover::{Then, submit, take_over};
use crate::args::{DeployArgs, LiftArgs, LogsArgs, RollbackArgs, Variables};
use crate::error::CommandError;
use crate::exit;
use crate::project::{Definition, options_in};
use crate::render::diagnostics;
use crate::render::progress::Progress;
use crate::render::style::{BOLD, RESET, WARN};
use crate::session::{Session, actor, fresh};
use contract::Artifacts as _;
use decide::{LoadedRelease, LoadedReleases, World, promote};
use engine::{Engine, PROJECT_STREAM, StoredBlobs};
use journal::Writer;
use model::{
    Command, Digest, Event, InstanceId, PlanMode, Release, RunId, RunKind, RunOptions, RunResult,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Name, Value};

/// Builds under way at the same time: each of them may use every core.
const BUILDS_AT_ONCE: u32 = 2;

/// `deploy`.
pub(crate) fn deploy(session: &Session, args: &DeployArgs, json: bool) -> Result<u8, CommandError> {
    let writer = session.writer()?;
    let release = match &args.release {
        Some(wanted) => {
            let release = find_release(session, wanted)?;
            session.lend_for(&stored_release(session, &release)?, &args.variables)?;
            release
        }
        None => match build(session, &writer, args, json)? {
            Ok(release) => release,
            Err(code) => return Ok(code),
        },
    };
    session.prepare_services(&args.environment)?;
    let mut engine = None;
    if is_open(session, &args.environment)? {
        // The environment that this release goes to, or went to.
        let taken = engine.insert(session.engine(&writer, &args.environment)?);
        if let Some(code) = take_over(session, taken, Then::Finish, json)? {
            return Ok(code);
        }
    }
    roll_out(
        session,
        &writer,
        engine,
        &args.environment,
        release,
        false,
        json,
    )
}

/// Whether a run of an environment is not over.
fn is_open(session: &Session, environment: &str) -> Result<bool, CommandError> {
    Ok(session.world(environment)?.0.run.is_some())
}

/// Rolls a release out to an environment, whose pen may have been taken already.
fn roll_out(
    session: &Session,
    writer: &Arc<Writer>,
    engine: Option<Engine>,
    environment: &str,
    digest: Digest,
    at_once: bool,
    json: bool,
) -> Result<u8, CommandError> {
    let release = stored_release(session, &digest)?;
    session.lend_for(&release, &Variables::default())?;
    let worlds = session.worlds()?;
    let blocked = promote::blocked(&digest, &release, &Name::from(environment), &worlds);
    if blocked.has_errors() {
        let reader = session.reader()?;
        let sources = reader
            .map(|reader| crate::project::sources(&reader, &release))
            .unwrap_or_default();
        return Err(CommandError::Diagnostics {
            diagnostics: blocked,
            sources,
            code: exit::FAILED,
        });
    }
    if !json {
        anstream::println!("{BOLD}{environment}{RESET}: release {}", digest.short());
    }
    let mut engine = match engine {
        Some(engine) => engine,
        None => session.engine(writer, environment)?,
    };
    let mut progress = Progress::new(json);
    let options = RunOptions {
        refresh: true,
        seed: fresh()?,
        auto_approve: true,
        environment: environment.to_owned(),
        at_once,
        ..options_in(&release, environment)
    };
    let run = RunId(fresh()?);
    let event = Event::Submitted {
        run,
        kind: RunKind::Deploy,
        release: digest,
        actor: actor(),
        options,
    };
    submit(session, &mut engine, event, Vec::new(), &mut progress)?;
    let sources = stored_sources(session, &engine)?;
    finish(session, &mut engine, &mut progress, &sources, true, json)
}

/// Builds what the sources say and makes a release of it; nothing is built twice.
///
/// The inner result is the exit code of a build that failed, when one did.
pub(crate) fn build(
    session: &Session,
    writer: &Arc<Writer>,
    args: &DeployArgs,
    json: bool,
) -> Result<Result<Digest, u8>, CommandError> {
    let mut definition = compiled(session, &args.variables, PlanMode::Normal, json)?;
    has_environment(&definition.release, &args.environment)?;
    with_source_digests(session, &mut definition)?;
    if let Some(reader) = session.reader()? {
        definition.seal(&session.secrets_to_act(&reader)?);
    }
    let (world, _) = session.world(PROJECT_STREAM)?;
    let built = promote::built(&world, &definition.release);
    let rebuild = damaged(session, &built, json);
    if rebuild.is_empty() && built.len() == definition.release.artifacts.len() {
        let whole = Digest::of(&model::encode(&promote::with_built(
            &definition.release,
            &built,
        )));
        if world.released.contains(&whole) {
            return Ok(Ok(whole));
        }
    }
    let mut engine = session.engine(writer, PROJECT_STREAM)?;
    // What an interrupted build built is not built again.
    if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
        return Ok(Err(code));
    }
    let mut progress = Progress::new(json);
    let options = RunOptions {
        parallelism: BUILDS_AT_ONCE,
        seed: fresh()?,
        auto_approve: true,
        rebuild,
        ..RunOptions::default()
    };
    let run = RunId(fresh()?);
    let event = Event::Submitted {
        run,
        kind: RunKind::Build,
        release: definition.digest,
        actor: actor(),
        options,
    };
    let sources = definition.sources.clone();
    submit(
        session,
        &mut engine,
        event,
        definition.content,
        &mut progress,
    )?;
    let code = finish(session, &mut engine, &mut progress, &sources, true, json)?;
    match engine.world().runs.back().map(|run| &run.result) {
        Some(RunResult::Succeeded { .. }) => {
            let release = engine.world().released.last().copied();
            release
                .map(Ok)
                .ok_or_else(|| CommandError::Failed("the build made no release".to_owned()))
        }
        _ => Ok(Err(code.max(exit::FAILED))),
    }
}

/// Artifacts that were built, but are not in the store as they were: they are built again.
fn damaged(session: &Session, built: &BTreeMap<Name, Digest>, json: bool) -> Vec<Name> {
    let store = session.store();
    let mut damaged = Vec::new();
    for (name, artifact) in built {
        if let Err(unavailable) = session.tokio.block_on(store.unpack(artifact)) {
            if !json {
                anstream::println!(
                    "{WARN}The stored artifact {name} cannot be used; it is built again.{RESET}\n  {}",
                    diagnostics::visible(&unavailable.to_string())
                );
            }
            damaged.push(name.clone());
        }
    }
    damaged
}

/// Whether there is such an environment; asked before anything is built for it.
fn has_environment(release: &Release, environment: &str) -> Result<(), CommandError> {
    if release.environments.is_empty() {
        return Err(CommandError::Usage(
            "this project has no environments: `deploy` needs a steadfast.hcl with at least one `environment` block; \
             for a directory of Terraform files use `steadfast apply`"
                .to_owned(),
        ));
    }
    if !release.environments.contains_key(environment) {
        let known: Vec<&str> = release.environments.keys().map(AsRef::as_ref).collect();
        return Err(CommandError::Usage(format!(
            "there is no environment `{}` in this project; its environments: {}",
            environment,
            known.join(", ")
        )));
    }
    Ok(())
}

/// Adds the digest of every artifact's source tree to the definition, so that a build of other bytes is another build.
fn with_source_digests(session: &Session, definition: &mut Definition) -> Result<(), CommandError> {
    let store = session.store();
    for (name, artifact) in definition.release.artifacts.clone() {
        let digest = session
            .tokio
            .block_on(store.fingerprint(&artifact.source))
            .map_err(|unavailable| {
                CommandError::Failed(format!("artifact `{name}` cannot be built: {unavailable}"))
            })?;
        let value = Value::string(digest.to_string());
        definition
            .release
            .inputs
            .insert(promote::source_input(&name), value);
    }
    definition.name_again();
    Ok(())
}

pub(super) fn stored_release(session: &Session, digest: &Digest) -> Result<Release, CommandError> {
    let reader = session.reader()?.ok_or_else(no_book)?;
    let bytes = reader.view().blob(&journal::Digest::from_bytes(digest.0))?;
    model::decode(&bytes)
        .map_err(|error| CommandError::Failed(format!("release {}: {error}", digest.short())))
}

/// A release as it is carried out, with the values that are lent for it.
pub(super) fn loaded_release(
    session: &Session,
    digest: &Digest,
    variables: &Variables,
) -> Result<Arc<LoadedRelease>, CommandError> {
    session.lend_for(&stored_release(session, digest)?, variables)?;
    let reader = session.reader()?.ok_or_else(no_book)?;
    let secrets = session.secrets()?;
    let blobs = StoredBlobs {
        reader: &reader,
        secrets: secrets.as_ref(),
        lent: Some(&session.lent),
    };
    let loaded = LoadedReleases::new().load(digest, &blobs);
    loaded.map_err(CommandError::Failed)
}

fn no_book() -> CommandError {
    CommandError::Failed("there is no book here yet".to_owned())
}

/// The release whose digits begin like this.
fn find_release(session: &Session, wanted: &str) -> Result<Digest, CommandError> {
    let text = wanted
        .strip_prefix("sha256:")
        .unwrap_or(wanted)
        .to_ascii_lowercase();
    let worlds = session.worlds()?;
    let mut known: Vec<Digest> = worlds
        .values()
        .flat_map(|world| {
            world
                .released
                .iter()
                .chain(&world.accepted)
                .chain(world.quarantine.keys())
        })
        .filter(|digest| {
            digest
                .to_string()
                .trim_start_matches("sha256:")
                .starts_with(&text)
        })
        .copied()
        .collect();
    known.sort();
    known.dedup();
    match known.as_slice() {
        [release] => Ok(*release),
        [] => Err(CommandError::Usage(format!("there is no release {wanted}"))),
        several => Err(CommandError::Usage(format!(
            "{wanted} could be any of {} releases; give more digits",
            several.len()
        ))),
    }
}

/// `rollback`.
pub(crate) fn rollback(
    session: &Session,
    args: &RollbackArgs,
    json: bool,
) -> Result<u8, CommandError> {
    if let Some(run) = take_back::named(session, args)? {
        return take_back::take_back(session, args, run, json);
    }
    let environment = &*session.environment(args.environment.as_deref())?;
    let (world, _) = session.world(environment)?;
    let open = world.run.iter().map(|run| run.kind);
    let mut kinds = open.chain(world.runs.iter().map(|run| run.kind));
    let delivered = kinds.any(|kind| kind == RunKind::Deploy);
    if json && !args.auto_approve && !delivered {
        return Err(nobody_to_ask("--json"));
    }
    if world.run.is_none() {
        // Said before anything is opened for writing.
        rollback_target(&world, args)?;
    }
    if delivered {
        session.prepare_services(environment)?;
    }
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Close, json)? {
        return Ok(code);
    }
    let target = rollback_target(engine.world(), args)?;
    if delivered {
        return roll_out(
            session,
            &writer,
            Some(engine),
            environment,
            target,
            true,
            json,
        );
    }
    let mut progress = Progress::new(json);
    let release = stored_release(session, &target)?;
    session.lend_for(&release, &Variables::default())?;
    let options = RunOptions {
        refresh: true,
        seed: fresh()?,
        ..options_in(&release, environment)
    };
    let run = RunId(fresh()?);
    let event = Event::Submitted {
        run,
        kind: RunKind::Apply,
        release: target,
        actor: actor(),
        options,
    };
    submit(session, &mut engine, event, Vec::new(), &mut progress)?;
    let sources = stored_sources(session, &engine)?;
    if !json {
        anstream::println!("Going back to release {}.", target.short());
    }
    finish(
        session,
        &mut engine,
        &mut progress,
        &sources,
        args.auto_approve,
        json,
    )
}

/// The release to go back to: the named run's, or the last good one that is not the newest.
fn rollback_target(world: &World, args: &RollbackArgs) -> Result<Digest, CommandError> {
    let kinds = [RunKind::Apply, RunKind::Deploy];
    let runs: Vec<_> = world
        .runs
        .iter()
        .filter(|run| kinds.contains(&run.kind))
        .collect();
    let environment = &world.environment;
    if let Some(wanted) = &args.to {
        let found = runs
            .iter()
            .find(|run| run.id.to_string().starts_with(wanted));
        return found.map(|run| run.release).ok_or_else(|| {
            CommandError::Usage(format!(
                "`{environment}` has no run {wanted} that carried out a release; see steadfast history {environment}"
            ))
        });
    }
    let newest = runs.last().map(|run| run.release);
    let good = |run: &&&decide::RunSummary| matches!(run.result, RunResult::Succeeded { .. });
    let before = runs
        .iter()
        .rev()
        .filter(good)
        .find(|run| Some(run.release) != newest);
    before.map(|run| run.release).ok_or_else(|| {
        CommandError::Failed(format!(
            "`{environment}` has no earlier release that was carried out to its end; nothing was changed"
        ))
    })
}

/// `lift`.
pub(crate) fn lift(session: &Session, args: &LiftArgs, json: bool) -> Result<u8, CommandError> {
    let release = find_release(session, &args.release)?;
    let worlds = session.worlds()?;
    let holding: Vec<String> = worlds
        .iter()
        .filter(|(_, world)| world.quarantine.contains_key(&release))
        .map(|(name, _)| name.to_string())
        .collect();
    if holding.is_empty() {
        if !json {
            anstream::println!("Release {} is not in quarantine.", release.short());
        }
        return Ok(exit::OK);
    }
    let writer = session.writer()?;
    for environment in holding {
        let mut engine = session.engine(&writer, &environment)?;
        if let Some(code) = take_over(session, &mut engine, Then::Finish, json)? {
            return Ok(code);
        }
        engine.command(&actor(), Command::LiftQuarantine { release })?;
        let mut progress = if json {
            Progress::new(json)
        } else {
            Progress::silent()
        };
        session.tokio.block_on(engine.settle(&mut progress))?;
        if !json {
            anstream::println!(
                "{environment}: release {} may be deployed again.",
                release.short()
            );
        }
    }
    Ok(exit::OK)
}

/// `stop`.
pub(crate) fn stop(
    session: &Session,
    environment: Option<&str>,
    json: bool,
) -> Result<u8, CommandError> {
    let environment = &*session.environment(environment)?;
    let (world, _) = session.world(environment)?;
    let open = world.run.iter().map(|run| (run.kind, run.loaded.digest));
    let over = world.runs.iter().rev().map(|run| (run.kind, run.release));
    let deployed = open.chain(over).find(|(kind, _)| *kind == RunKind::Deploy);
    let Some((_, release)) = deployed else {
        if !json {
            anstream::println!("Nothing was ever deployed to `{environment}`.");
        }
        return Ok(exit::OK);
    };
    session.prepare_services(environment)?;
    let writer = session.writer()?;
    let mut engine = session.engine(&writer, environment)?;
    if let Some(code) = take_over(session, &mut engine, Then::Close, json)? {
        return Ok(code);
    }
    let mut progress = Progress::new(json);
    let options = RunOptions {
        seed: fresh()?,
        auto_approve: true,
        environment: environment.to_owned(),
        ..RunOptions::default()
    };
    let run = RunId(fresh()?);
    let event = Event::Submitted {
        run,
        kind: RunKind::Stop,
        release,
        actor: actor(),
        options,
    };
    submit(session, &mut engine, event, Vec::new(), &mut progress)?;
    let sources = stored_sources(session, &engine)?;
    let code = finish(session, &mut engine, &mut progress, &sources, true, json)?;
    if code == exit::OK {
        session.stop_router(environment)?;
    }
    Ok(code)
}

/// `logs`.
pub(crate) fn logs(session: &Session, args: &LogsArgs) -> Result<u8, CommandError> {
    let runtime = session.runtime(&args.env)?;
    let lines = runtime.logs(&InstanceId(args.instance.clone()), args.lines);
    if lines.is_empty() {
        let (world, _) = session.world(&args.env)?;
        let known: Vec<String> = world.instances.keys().map(ToString::to_string).collect();
        return Err(CommandError::Failed(format!(
            "no log of `{}` in `{}`; instances there: {}",
            args.instance,
            args.env,
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        )));
    }
    for line in lines {
        anstream::println!("{line}");
    }
    Ok(exit::OK)
}
